//! Reading the maps and ACLs of one process, with their files.

use std::collections::HashSet;
use std::io::{self, BufReader};
use std::path::PathBuf;
use std::sync::Arc;

use super::super::remember::Remember;
use super::comparison::compare;
use super::file::PatternFile;
use super::setting::{PatternSettings, ProcessPatterns, UnreadPatterns};
use crate::cluster::{Identity, Target};
use crate::error::{Error, Problem, Result};
use crate::object::{PatternId, PatternKind};
use crate::protocol::Response;
use crate::show::{Entries, PatternInfo};
use crate::transport::{Deadline, Step};

const READING: Step = Step::new("reading the files of maps and ACLs", "end of a file");

/// The contents that HAProxy has read when it was started.
enum Source {
    /// None: `virt@NAME`.
    Nothing,
    /// A file; it may be absent if it `is_optional`.
    File { path: PathBuf, is_optional: bool },
}

/// Compares every map and ACL with its file. Returns `None` if another process answers meanwhile.
pub(in super::super) async fn read(
    target: &Target,
    remember: &Remember,
    identity: &Identity,
    deadline: &Deadline,
) -> Result<Option<ProcessPatterns>> {
    let mut patterns = ProcessPatterns::default();
    // A file that serves maps and ACLs is in both lists.
    let mut numbers = HashSet::new();
    for kind in [PatternKind::Map, PatternKind::Acl] {
        for info in list(target, kind, deadline).await? {
            let Some(file) = info.file.clone() else {
                patterns.without_file += usize::from(is_of_configuration(&info));
                continue;
            };
            if !numbers.insert(info.number) {
                continue;
            }
            let comparing = one(target, kind, &info, remember, identity.started_at(), deadline);
            match comparing.await? {
                Ok(list) => patterns.lists.push(list),
                Err(reason) => patterns.unread.push(UnreadPatterns { kind, file, reason }),
            }
        }
    }
    let (info, at) = target.member.info(deadline).await?;
    let is_same = Identity::new(&info, at).is_some_and(|now| now.fits(identity));
    Ok(is_same.then_some(patterns))
}

/// Returns `true` if a list without a file may have patterns of the configuration. HAProxy's own ACLs are
/// in line 0.
fn is_of_configuration(info: &PatternInfo) -> bool {
    info.entries != Some(0) && !info.description.ends_with(" line 0")
}

async fn list(target: &Target, kind: PatternKind, deadline: &Deadline) -> Result<Vec<PatternInfo>> {
    let command = kind.list();
    let read = |data: Vec<u8>| Ok(PatternInfo::read(&String::from_utf8_lossy(&data))?);
    Ok(match target.ask(&command, read, deadline).await? {
        Response::Value(list) => list,
        Response::Absent(_) => Vec::new(),
    })
}

/// Compares one map or ACL with its file. The inner error is the reason why it could not be compared.
async fn one(
    target: &Target,
    kind: PatternKind,
    info: &PatternInfo,
    remember: &Remember,
    started_at: u64,
    deadline: &Deadline,
) -> Result<Result<PatternSettings, Box<str>>> {
    let file = info.file.clone().unwrap_or_default();
    let source = match source(info, |file| remember.locate(target.label(), target.member.address(), file)) {
        Ok(source) => source,
        Err(reason) => return Ok(Err(reason.into())),
    };
    let id = PatternId::file(&file).unwrap_or(PatternId::number(info.number));
    let shown = match target.entries(&kind.show(&id)?, deadline).await? {
        Response::Value(shown) => shown,
        Response::Absent(words) => return Ok(Err(words)),
    };
    let has_plain_keys = remember.plain_keys;
    let work = move || settings(kind, file, &shown, source, has_plain_keys, started_at);
    let work = tokio::task::spawn_blocking(work);
    let done = deadline.timeout(READING, deadline.limits().command_timeout, work).await?;
    let failed = |error| Error::new(Problem::Io(Arc::new(io::Error::from(error))));
    let done = done.map_err(failed)?;
    Ok(done.map_err(|error| error.to_string().into()))
}

/// Returns the contents that HAProxy has read.
fn source(
    info: &PatternInfo,
    locate: impl Fn(&str) -> std::result::Result<PathBuf, &'static str>,
) -> std::result::Result<Source, &'static str> {
    let file = info.file.as_deref().unwrap_or_default();
    // HAProxy cuts `opt@` and `file@` off the name, and describes the place with them.
    let is_optional = info.description.starts_with("pattern loaded from file 'opt@");
    if file.starts_with("virt@") {
        return Ok(Source::Nothing);
    }
    Ok(Source::File { path: locate(file)?, is_optional })
}

fn settings(
    kind: PatternKind,
    file: Box<str>,
    shown: &Entries,
    source: Source,
    has_plain_keys: bool,
    started_at: u64,
) -> io::Result<PatternSettings> {
    let opened = match source {
        Source::Nothing => None,
        Source::File { path, is_optional } => match PatternFile::open(&path, kind) {
            Err(error) if is_optional && error.kind() == io::ErrorKind::NotFound => None,
            opened => Some(opened?),
        },
    };
    let (opened, changed_at) = opened.map_or((None, 0), |(file, changed_at)| (Some(file), changed_at));
    let found = compare::<BufReader<std::fs::File>>(kind, shown, opened, has_plain_keys)?;
    Ok(PatternSettings {
        kind,
        file,
        is_file_changed: changed_at > started_at + INACCURACY,
        entries: found.entries,
        unclear: found.unclear,
    })
}

/// Seconds by which the start time of a process may be wrong (HAProxy before 2.6).
const INACCURACY: u64 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_says_if_there_is_a_file() {
        let source = |line: &str| {
            let info = PatternInfo::read(line).unwrap().remove(0);
            match source(&info, |file| Ok(file.into())) {
                Ok(Source::Nothing) => "nothing".to_owned(),
                Ok(Source::File { path, is_optional }) => format!("{} {is_optional}", path.display()),
                Err(reason) => reason.to_owned(),
            }
        };
        let line = |name: &str, used: &str| {
            format!("1 ({name}) pattern loaded from file '{used}' used by map at file 'h.cfg' line 1.")
        };
        assert_eq!(source(&line("/a.map", "/a.map")), "/a.map false");
        assert_eq!(source(&line("/a.map", "file@/a.map")), "/a.map false");
        assert_eq!(source(&line("/a.map", "opt@/a.map")), "/a.map true");
        assert_eq!(source(&line("virt@a", "virt@a")), "nothing");
    }

    #[test]
    fn a_list_of_the_configuration_has_a_line_and_patterns() {
        for (text, expected) in [
            ("1 () acl 'path' file 'h.cfg' line 10. curr_ver=0 next_ver=0 entry_cnt=0", false),
            ("1 () acl 'path' file 'h.cfg' line 10. curr_ver=0 next_ver=0 entry_cnt=1", true),
            ("1 () acl 'path' file 'h.cfg' line 10", true),
            ("1 () acl 'var' file 'httpclient' line 0. curr_ver=0 next_ver=0 entry_cnt=1", false),
        ] {
            assert_eq!(is_of_configuration(&PatternInfo::read(text).unwrap()[0]), expected, "{text}");
        }
    }
}
