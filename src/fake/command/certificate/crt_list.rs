//! Commands on crt-lists.

use super::super::answer::{Answer, Severity};
use super::super::call::Call;
use crate::fake::describe::CrtListLine;

/// `show ssl crt-list [-n] [FILE]`
pub(in crate::fake) fn show(call: &mut Call<'_>) -> Answer {
    let is_numbered = call.word(0) == "-n";
    let name = call.word(usize::from(is_numbered)).trim_end_matches('/');
    let lists = &call.state.process.certificates.crt_lists;
    if name.is_empty() && is_numbered {
        return Answer::error("'show ssl crt-list -n' expects a filename or a directory");
    }
    if name.is_empty() {
        let mut names: Vec<_> = lists.iter().map(|list| &*list.name).collect();
        names.sort_unstable();
        return Answer::Dump(names.iter().fold(String::new(), |text, name| text + name + "\n"));
    }
    let Some(list) = lists.iter().find(|list| &*list.name == name) else {
        return Answer::error("didn't find the specified filename");
    };
    Answer::Dump(list.lines.iter().fold(format!("# {name}\n"), |text, line| {
        let CrtListLine { certificate, number, rest } = line;
        let number = if is_numbered { format!(":{number}") } else { String::new() };
        let space = if rest.is_empty() { "" } else { " " };
        text + &format!("{certificate}{number}{space}{rest}\n")
    }))
}

/// `add ssl crt-list FILE CERTIFICATE`, `add ssl crt-list FILE <<`
pub(in crate::fake) fn add(call: &mut Call<'_>) -> Answer {
    let (name, payload) = (call.word(0).trim_end_matches('/'), call.payload);
    if name.is_empty() || payload.is_none() && call.word(1).is_empty() {
        return Answer::error("'add ssl crtlist' expects a filename and a certificate name");
    }
    let refuse = |why: &str| Answer::error(&format!("Can't edit the crt-list: {why}"));
    let line = payload.map_or(call.word(1), str::trim);
    let certificates = &mut call.state.process.certificates;
    let Some(list) = certificates.crt_lists.iter_mut().find(|list| &*list.name == name) else {
        return refuse(&format!("crt-list '{name}' does not exist!"));
    };
    if line.contains('\n') {
        return refuse("only one line of payload is supported!");
    }
    let (certificate, rest) = match payload {
        Some(_) => line.split_once(' ').unwrap_or((line, "")),
        None => (line, ""),
    };
    match certificates.list.iter_mut().find(|one| &*one.name == certificate) {
        None => return refuse(&format!("certificate '{certificate}' does not exist!")),
        Some(one) if one.details.is_none() => {
            return refuse(&format!("certificate '{certificate}' is empty!"));
        }
        Some(one) => one.is_used = true,
    }
    list.last += 1;
    list.lines.push(CrtListLine {
        certificate: certificate.into(),
        number: list.last,
        rest: rest.trim().into(),
    });
    Answer::Dump(format!("Inserting certificate '{certificate}' in crt-list '{name}'.\nSuccess!\n"))
}

/// `del ssl crt-list FILE CERTIFICATE[:LINE]`
pub(in crate::fake) fn del(call: &mut Call<'_>) -> Answer {
    let (name, word, version) = (call.word(0).trim_end_matches('/'), call.word(1), call.version());
    if name.is_empty() || word.is_empty() {
        return Answer::error("'del ssl crtlist' expects a filename and a certificate name");
    }
    let refuse = |why: &str| Answer::error(&format!("Can't delete the entry: {why}"));
    let (certificate, number) = word
        .split_once(':')
        .map_or((word, Some(0)), |(certificate, number)| (certificate, number.parse::<u64>().ok()));
    let Some(number) = number else {
        return refuse(&format!("wrong line number after colons in '{word}'!"));
    };
    let certificates = &mut call.state.process.certificates;
    let Some(list) = certificates.crt_lists.iter_mut().find(|list| &*list.name == name) else {
        return refuse(&format!("crt-list '{name}' does not exist!"));
    };
    match certificates.list.iter().find(|one| &*one.name == certificate) {
        None => return refuse(&format!("certificate '{certificate}' does not exist!")),
        Some(one) if one.details.is_none() => {
            return refuse(&format!("certificate '{certificate}' is empty!"));
        }
        Some(_) => {}
    }
    let is_of = |line: &&CrtListLine| &*line.certificate == certificate;
    let numbers: Vec<u64> = list.lines.iter().filter(is_of).map(|line| line.number).collect();
    let listed = numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let found = match (numbers.as_slice(), number) {
        ([], _) => {
            return refuse(&format!("certificate '{certificate}' can't be found in crt-list '{name}'!"));
        }
        ([only], 0) => *only,
        (_, 0) => {
            return refuse(&format!(
                "found the certificate '{certificate}' in several entries, please specify a line number \
                 preceded by colons ({listed})!"
            ));
        }
        (numbers, number) if numbers.contains(&number) => number,
        _ => {
            return refuse(&format!(
                "found a certificate '{certificate}' but the line number is incorrect, please specify a \
                 correct line number preceded by colons ({listed})!"
            ));
        }
    };
    // From 2.6 on, the first line is the default of the frontends that use the list.
    if version >= (2, 6) && list.lines.first().is_some_and(|line| line.number == found) {
        return Answer::unsupported("`del ssl crt-list` of the default certificate");
    }
    list.lines.retain(|line| line.number != found);
    let is_left = certificates.crt_lists.iter().any(|list| list.lines.iter().any(|line| is_of(&line)));
    if let Some(one) = certificates.list.iter_mut().find(|one| &*one.name == certificate) {
        one.is_used = is_left;
    }
    Answer::message(Severity::Notice, &format!("Entry '{certificate}' deleted in crtlist '{name}'!"))
}
