//! Commands on CA files and CRL files, which differ in few words.

use std::fmt::Write as _;

use super::super::answer::{Answer, Severity};
use super::super::call::Call;
use super::{expected, name_of, other};
use crate::fake::describe::{AuthorityFile, AuthorityFiles};
use crate::level::Level;

/// Words for a kind of file.
struct Kind {
    what: &'static str,
    plural: &'static str,
    is_ca: bool,
}

const CA: Kind = Kind { what: "CA", plural: "CAs", is_ca: true };
const CRL: Kind = Kind { what: "CRL", plural: "CRLs", is_ca: false };

impl Kind {
    fn of(call: &Call<'_>) -> &'static Self {
        if call.command.contains(&"ca-file") { &CA } else { &CRL }
    }

    fn files<'a>(&self, call: &'a mut Call<'_>) -> &'a mut AuthorityFiles {
        let certificates = &mut call.state.process.certificates;
        if self.is_ca { &mut certificates.ca_files } else { &mut certificates.crl_files }
    }
}

/// Returns `true` if a CA file or a CRL file has this name.
fn exists(call: &Call<'_>, name: &str) -> bool {
    let certificates = &call.state.process.certificates;
    let mut all = certificates.ca_files.list.iter().chain(&certificates.crl_files.list);
    all.any(|file| &*file.name == name)
}

/// `show ssl ca-file [[*]NAME]`, `show ssl crl-file [[*]NAME]`
pub(in crate::fake) fn show(call: &mut Call<'_>) -> Answer {
    if call.session.level < Level::Operator {
        return Answer::error("Can't allocate memory!");
    }
    let (kind, word, version) = (Kind::of(call), call.word(0).to_owned(), call.version());
    let files = kind.files(call);
    if word.is_empty() {
        return Answer::Dump(list(kind, files));
    }
    if word.contains(':') {
        return Answer::unsupported("one part of a file");
    }
    let shown = match word.strip_prefix('*') {
        Some(name) => {
            let pending = files.transaction.as_ref().filter(|(found, _)| **found == *name_of(name));
            let status = if version < (3, 2) { "Unused" } else { "Uncommitted" };
            pending.map(|(name, blocks)| print(kind, &format!("*{name}"), status, Some(blocks)))
        }
        None => files.list.iter().find(|file| *file.name == *name_of(&word)).map(|file| {
            let status = if file.is_used { "Used" } else { "Unused" };
            print(kind, &file.name, status, file.blocks.as_deref())
        }),
    };
    let absent = || Answer::error(&format!("Can't display the {} file : Not found!", kind.what));
    shown.map_or_else(absent, Answer::Dump)
}

fn list(kind: &Kind, files: &AuthorityFiles) -> String {
    let row = |name: &str, blocks: &str| {
        let count = blocks.lines().filter(|line| line.starts_with("Certificate #")).count();
        if kind.is_ca { format!("{name} - {count} certificate(s)\n") } else { format!("{name}\n") }
    };
    let pending = files.transaction.as_ref();
    let mut text = pending.map_or_else(String::new, |(name, blocks)| {
        format!("# transaction\n{}", row(&format!("*{name}"), blocks))
    });
    text.push_str("# filename\n");
    let mut rows: Vec<_> = files
        .list
        .iter()
        .map(|file| (&*file.name, row(&file.name, file.blocks.as_deref().unwrap_or_default())))
        .collect();
    rows.sort_unstable();
    rows.iter().fold(text, |text, (_, row)| text + row)
}

fn print(kind: &Kind, name: &str, status: &str, blocks: Option<&str>) -> String {
    match blocks {
        Some(blocks) => format!("Filename: {name}\nStatus: {status}\n{blocks}"),
        None if kind.is_ca => String::new(),
        None => format!("Filename: {name}\nStatus: Empty\n"),
    }
}

/// `new ssl ca-file NAME`, `new ssl crl-file NAME`
pub(in crate::fake) fn create(call: &mut Call<'_>) -> Answer {
    let (kind, name) = (Kind::of(call), call.word(0).to_owned());
    if name.is_empty() {
        return Answer::error(&format!("'{}' expects a filename", call.command()));
    }
    if exists(call, &name) {
        return Answer::error(&format!("{} file '{name}' already exists!", kind.what));
    }
    let message = format!("New {} file created '{name}'!", kind.what);
    kind.files(call).list.push(AuthorityFile { blocks: None, is_used: false, ..AuthorityFile::new(name) });
    Answer::message(Severity::Notice, &message)
}

/// `set ssl ca-file NAME <<`, `set ssl crl-file NAME <<`
pub(in crate::fake) fn set(call: &mut Call<'_>) -> Answer {
    change(call, |_, new| new.into())
}

/// `add ssl ca-file NAME <<`
pub(in crate::fake) fn add(call: &mut Call<'_>) -> Answer {
    change(call, |old, new| {
        let count = old.lines().filter(|line| line.starts_with("Certificate #")).count();
        let mut text = old.to_owned();
        for (at, block) in new.split(" \nCertificate #").skip(1).enumerate() {
            let rest = block.split_once(":\n").map_or("", |(_, rest)| rest);
            // Writing to a string cannot fail.
            let _ = write!(text, " \nCertificate #{}:\n{rest}", count + at + 1);
        }
        text.into()
    })
}

fn change(call: &mut Call<'_>, merged: fn(&str, &str) -> Box<str>) -> Answer {
    let (kind, name, version) = (Kind::of(call), call.word(0).to_owned(), call.version());
    let Some(pem) = call.payload.filter(|_| !name.is_empty()) else {
        let command = if kind.is_ca { "set ssl ca-file" } else { "set ssl crl-file" };
        return expected(&version, command, &format!("a filename and {} as a payload", kind.plural));
    };
    let refuse = |words: &str| Answer::error(&format!("{words}\nCan't update {name}!"));
    let blocks = call.state.process.certificates.described(pem);
    let is_known = exists(call, &name);
    let files = kind.files(call);
    let old = match &files.transaction {
        Some((pending, _)) if **pending != *name => return refuse(&other(pending, &name)),
        Some((_, blocks)) => Some(blocks.clone()),
        None if !is_known => {
            return refuse(&format!(
                "Can't replace a {} file which is not referenced by the configuration!",
                kind.what
            ));
        }
        None => files.list.iter().find(|file| *file.name == *name).and_then(|file| file.blocks.clone()),
    };
    let Some(blocks) = blocks else { return refuse("Invalid payload") };
    let verb = if files.transaction.is_some() { "updated" } else { "created" };
    let blocks = merged(old.as_deref().unwrap_or_default(), &blocks);
    files.transaction = Some((name.as_str().into(), blocks));
    Answer::message(Severity::Notice, &format!("transaction {verb} for {} {name}!", kind.what))
}

/// `commit ssl ca-file NAME`, `commit ssl crl-file NAME`
pub(in crate::fake) fn commit(call: &mut Call<'_>) -> Answer {
    let (kind, name) = (Kind::of(call), call.word(0).to_owned());
    if name.is_empty() {
        // HAProxy names the other command for a CRL file too.
        return expected(&call.version(), "commit ssl ca-file", "a filename");
    }
    let refuse = |words: &str| Answer::error(&format!("{words}\nCan't commit {name}!"));
    let files = kind.files(call);
    match files.transaction.take() {
        None => refuse("No ongoing transaction! !"),
        Some((pending, blocks)) if *pending != *name => {
            let answer = refuse(&other(&pending, &name));
            files.transaction = Some((pending, blocks));
            answer
        }
        Some((_, blocks)) => {
            let mut dots = "";
            if let Some(file) = files.list.iter_mut().find(|file| *file.name == *name) {
                file.blocks = Some(blocks);
                dots = if file.is_used { "." } else { "" };
            }
            Answer::Dump(format!("Committing {name}{dots}\nSuccess!\n"))
        }
    }
}

/// `abort ssl ca-file NAME`, `abort ssl crl-file NAME`
pub(in crate::fake) fn abort(call: &mut Call<'_>) -> Answer {
    let (kind, name) = (Kind::of(call), call.word(0).to_owned());
    if name.is_empty() {
        return Answer::error(&format!("'{}' expects a filename", call.command()));
    }
    let transaction = &mut kind.files(call).transaction;
    match transaction {
        None => Answer::error("No ongoing transaction!"),
        Some((pending, _)) if **pending != *name => Answer::error(&format!(
            "The ongoing transaction is about '{pending}' but you are trying to abort a transaction for '{name}'"
        )),
        Some(_) => {
            *transaction = None;
            Answer::message(Severity::Notice, &format!("Transaction aborted for certificate '{name}'!"))
        }
    }
}

/// `del ssl ca-file NAME`, `del ssl crl-file NAME`
pub(in crate::fake) fn del(call: &mut Call<'_>) -> Answer {
    let (kind, name, version) = (Kind::of(call), call.word(0).to_owned(), call.version());
    let what = kind.what;
    if name.is_empty() {
        return Answer::error(&format!("'{}' expects a {what} file name", call.command()));
    }
    let files = kind.files(call);
    let refuse = |why: &str| Answer::error(&format!("Can't remove the {what} file: {why}"));
    if files.transaction.as_ref().is_some_and(|(pending, _)| **pending == *name) {
        return refuse(&format!("ongoing transaction for the {what} file '{name}'"));
    }
    let end = if version < (3, 0) { "\n" } else { "" };
    match files.list.iter().position(|file| *file.name == *name) {
        None => refuse(&format!("{what} file '{name}' doesn't exist!{end}")),
        Some(at) if files.list.get(at).is_some_and(|file| file.is_used) => {
            refuse(&format!("{what} file '{name}' in use, can't be deleted!{end}"))
        }
        Some(at) => {
            drop(files.list.remove(at));
            Answer::message(Severity::Notice, &format!("{what} file '{name}' deleted!"))
        }
    }
}
