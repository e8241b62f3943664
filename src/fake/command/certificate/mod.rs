//! Commands on TLS certificates.

pub(super) mod crt_list;
pub(super) mod file;
pub(super) mod ocsp;

use super::answer::{Answer, Severity};
use super::call::Call;
use crate::Version;
use crate::fake::describe::Certificate;
use crate::level::Level;

/// `show ssl cert [[*]NAME]`
pub(in crate::fake) fn show(call: &mut Call<'_>) -> Answer {
    if call.session.level < Level::Operator {
        return Answer::error("Can't allocate memory!");
    }
    let (word, version) = (call.word(0), call.version());
    let certificates = &call.state.process.certificates;
    if word.is_empty() {
        return Answer::Dump(list(call));
    }
    if word.rsplit('.').next() == Some("ocsp") {
        return Answer::unsupported("`show ssl cert NAME.ocsp`");
    }
    let plain = |name| if version < (3, 2) { name } else { name_of(name) };
    let shown = match word.strip_prefix('*') {
        Some(name) => {
            let pending = certificates.transaction.as_ref().filter(|(found, _)| **found == *plain(name));
            pending.map(|(name, details)| {
                let status = if version < (3, 2) { "Unused" } else { "Uncommitted" };
                print(&version, &format!("*{name}"), status, Some(details))
            })
        }
        None => certificates.list.iter().find(|one| *one.name == *plain(word)).map(|one| {
            let status = match one {
                Certificate { details: None, .. } => "Empty",
                Certificate { is_used: true, .. } => "Used",
                _ => "Unused",
            };
            print(&version, &one.name, status, one.details.as_deref())
        }),
    };
    let absent = || Answer::error("Can't display the certificate: Not found or the certificate is a bundle!");
    shown.map_or_else(absent, Answer::Dump)
}

fn name_of(word: &str) -> &str {
    word.strip_prefix('\\').unwrap_or(word)
}

fn list(call: &Call<'_>) -> String {
    let certificates = &call.state.process.certificates;
    if certificates.list.is_empty() {
        return String::new();
    }
    let pending = certificates.transaction.as_ref();
    let mut text = pending.map_or_else(String::new, |(name, _)| format!("# transaction\n*{name}\n"));
    text.push_str("# filename\n");
    let mut names: Vec<_> = certificates.list.iter().map(|one| &*one.name).collect();
    names.sort_unstable();
    names.iter().fold(text, |text, name| text + name + "\n")
}

fn print(version: &Version, name: &str, status: &str, details: Option<&str>) -> String {
    let options = if *version < (3, 4) { "" } else { "Option: ocsp-update off\nOption: jwt off\n" };
    let ocsp = if *version < (2, 5) { "" } else { "OCSP Response Key: \n" };
    format!("Filename: {name}\n{options}Status: {status}\n{}{ocsp}", details.unwrap_or_default())
}

/// `new ssl cert NAME`
pub(in crate::fake) fn create(call: &mut Call<'_>) -> Answer {
    let name = call.word(0);
    if name.is_empty() {
        return Answer::error("'new ssl cert' expects a filename");
    }
    let list = &mut call.state.process.certificates.list;
    if list.iter().any(|one| &*one.name == name) {
        return Answer::error(&format!("Certificate '{name}' already exists!"));
    }
    list.push(Certificate { is_used: false, details: None, ..Certificate::new(name) });
    Answer::message(Severity::Notice, &format!("New empty certificate store '{name}'!"))
}

/// `set ssl cert NAME <<`
pub(in crate::fake) fn set(call: &mut Call<'_>) -> Answer {
    let (name, version) = (call.word(0), call.version());
    let Some(pem) = call.payload.filter(|_| !name.is_empty()) else {
        return expected(&version, "set ssl cert", "a filename and a certificate as a payload");
    };
    if PARTS.contains(&name.rsplit('.').next().unwrap_or_default()) {
        return Answer::unsupported("`set ssl cert` for a part of a certificate");
    }
    let certificates = &mut call.state.process.certificates;
    let refuse = |words: &str| Answer::error(&format!("{words}\nCan't update {name}!"));
    let pending = certificates.transaction.as_ref().map(|(name, _)| name.clone());
    // Releases around 2.6 change the transaction of another certificate.
    let is_older = version < (2, 4);
    let changes_any = !is_older && version < (3, 0);
    match &pending {
        Some(pending) if **pending != *name && !changes_any => {
            return refuse(&other(pending, name));
        }
        None if !certificates.list.iter().any(|one| &*one.name == name) => {
            return refuse("Can't replace a certificate which is not referenced by the configuration!");
        }
        _ => {}
    }
    let Some(details) = certificates.described(pem) else {
        let why = if version < (3, 0) { "" } else { ": no start line" };
        return refuse(&format!(
            "unable to load certificate from file '{name}'{why}.\nCan't load the payload"
        ));
    };
    let verb = if pending.is_some() { "updated" } else { "created" };
    let name = pending.unwrap_or_else(|| name.into());
    let words = format!("Transaction {verb} for certificate {name}!");
    certificates.transaction = Some((name, details));
    Answer::message(Severity::Notice, &words)
}

/// `commit ssl cert NAME`
pub(in crate::fake) fn commit(call: &mut Call<'_>) -> Answer {
    let name = call.word(0);
    if name.is_empty() {
        return expected(&call.version(), "commit ssl cert", "a filename");
    }
    let certificates = &mut call.state.process.certificates;
    let refuse = |words: &str| Answer::error(&format!("{words}\nCan't commit {name}!"));
    match certificates.transaction.take() {
        None => refuse("No ongoing transaction! !"),
        Some((pending, details)) if *pending != *name => {
            let answer = refuse(&other(&pending, name));
            certificates.transaction = Some((pending, details));
            answer
        }
        Some((_, details)) => {
            let mut dots = "";
            if let Some(one) = certificates.list.iter_mut().find(|one| &*one.name == name) {
                one.details = Some(details);
                dots = if one.is_used { "." } else { "" };
            }
            Answer::Dump(format!("Committing {name}{dots}\nSuccess!\n"))
        }
    }
}

/// `abort ssl cert NAME`
pub(in crate::fake) fn abort(call: &mut Call<'_>) -> Answer {
    let name = call.word(0);
    if name.is_empty() {
        return Answer::error("'abort ssl cert' expects a filename");
    }
    let transaction = &mut call.state.process.certificates.transaction;
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

/// `del ssl cert NAME`
pub(in crate::fake) fn del(call: &mut Call<'_>) -> Answer {
    let (name, version) = (call.word(0), call.version());
    if name.is_empty() {
        return Answer::error("'del ssl cert' expects a certificate name");
    }
    let list = &mut call.state.process.certificates.list;
    let why = match list.iter().position(|one| &*one.name == name) {
        Some(at) if list.get(at).is_some_and(|one| !one.is_used) => {
            drop(list.remove(at));
            return Answer::message(Severity::Notice, &format!("Certificate '{name}' deleted!"));
        }
        Some(_) => "in use, can't be deleted!",
        None => "doesn't exist!",
    };
    let end = if version < (3, 0) { "\n" } else { "" };
    Answer::error(&format!("Can't remove the certificate: certificate '{name}' {why}{end}"))
}

/// Refuses a command without its arguments. Up to 2.6 a quote is missing.
fn expected(version: &Version, command: &str, what: &str) -> Answer {
    let quote = if *version < (3, 0) { "" } else { "'" };
    Answer::error(&format!("'{command}{quote} expects {what}"))
}

fn other(pending: &str, name: &str) -> String {
    format!("The ongoing transaction is about '{pending}' but you are trying to set '{name}'")
}

/// Ends of names that lead to a part of a certificate.
const PARTS: [&str; 4] = ["key", "ocsp", "sctl", "issuer"];
