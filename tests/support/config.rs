use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fmt::Display,
    net::TcpListener,
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
};

use super::Release;

/// A configuration with `${NAME}` placeholders.
///
/// `${DIR}` becomes the folder of the [`Running`](super::Running) that starts it. Each
/// `${PORT_...}` without a value becomes a free port of 127.0.0.1. `PEER`, if it is set, is also the
/// name of the process among its peers. A line that ends in `# since
/// 3.3` or `# until 3.2` is for those releases only.
#[derive(Debug, Clone)]
pub struct Config {
    text: String,
    values: BTreeMap<String, String>,
}

impl Config {
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), values: BTreeMap::new() }
    }

    /// Returns a configuration with a stats socket, and with the frontend `web`, which sends its requests to
    /// the backend `app`. The other sections follow in `rest`. `LEVEL` is the level of the socket, and the
    /// words behind it: `admin`, unless it is set.
    pub fn web(rest: &str) -> Self {
        Self::admin(&(WEB.to_owned() + rest))
    }

    /// Returns a configuration with a stats socket and time limits. The other sections follow in `rest`. `LEVEL` is
    /// the level of the socket, and the words behind it: `admin`, unless it is set.
    pub fn admin(rest: &str) -> Self {
        Self::new(HEAD.to_owned() + rest).set("LEVEL", "admin")
    }

    #[must_use]
    pub fn set(mut self, name: &str, value: impl Display) -> Self {
        self.values.insert(name.to_owned(), value.to_string());
        self
    }

    /// Returns the part of an `nbproc` configuration that one process sees, as a configuration of
    /// its own. The sections and lines of the other processes are left out, and so are the stats
    /// sockets that all processes share.
    #[must_use]
    pub fn only_process(mut self, process: usize) -> Self {
        let here = process.to_string();
        self.text = sections(&self.text)
            .into_iter()
            .filter(|section| {
                let bound = section.iter().find_map(|line| line.trim().strip_prefix("bind-process "));
                bound.is_none_or(|set| set.split_whitespace().any(|word| word == here))
            })
            .flatten()
            .filter(|line| !["nbproc ", "bind-process "].iter().any(|word| line.trim().starts_with(word)))
            .filter_map(|line| match line.split_once(" process ") {
                Some((rest, set)) => (set.trim() == here).then(|| rest.to_owned()),
                None if line.trim().starts_with("stats socket ") => None,
                None => Some(line.to_owned()),
            })
            .fold(String::new(), |text, line| text + &line + "\n");
        self
    }

    /// Returns the text for HAProxy, with new free ports.
    pub(super) fn render(&self, release: &Release, dir: &Path) -> Rendered {
        let mut text = self
            .text
            .lines()
            .filter_map(|line| for_release(line, release))
            .fold(String::new(), |text, line| text + line + "\n");
        let mut values = self.values.clone();
        values.insert("DIR".to_owned(), dir.display().to_string());
        let open: BTreeSet<_> = names(&text).into_iter().filter(|name| !values.contains_key(name)).collect();
        // All ports are held until each placeholder has one, so no two placeholders get the same
        // port.
        let held: Vec<_> = open.iter().map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        for (name, listener) in open.into_iter().zip(&held) {
            assert!(name.starts_with("PORT_"), "no value for ${{{name}}}");
            values.insert(name, listener.local_addr().unwrap().port().to_string());
        }
        for (name, value) in &values {
            text = text.replace(&format!("${{{name}}}"), value);
        }
        Rendered { text, values }
    }
}

const HEAD: &str = r#"
global
    nbthread 1
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level ${LEVEL}
defaults
    mode http
    timeout connect 1s
    timeout client 1m
    timeout server 1m
"#;

const WEB: &str = r#"
frontend web
    bind "unix@${DIR}/traffic/web.${N}"
    default_backend app
"#;

/// A configuration as HAProxy reads it.
#[derive(Debug, Clone)]
pub(super) struct Rendered {
    pub(super) text: String,
    pub(super) values: BTreeMap<String, String>,
}

impl Rendered {
    /// Returns the UNIX stats sockets in the order of the configuration.
    pub(super) fn sockets(&self) -> Vec<PathBuf> {
        self.text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("stats socket "))
            .filter_map(|rest| rest.split_whitespace().next())
            .map(|word| word.trim_matches('"'))
            .filter_map(|word| word.strip_prefix("unix@").or_else(|| word.starts_with('/').then_some(word)))
            .map(|word| PathBuf::from(OsString::from_vec(unescaped(word))))
            .collect()
    }

    pub(super) fn has_processes(&self) -> bool {
        self.text.lines().any(|line| line.trim().starts_with("nbproc "))
    }
}

fn for_release<'a>(line: &'a str, release: &Release) -> Option<&'a str> {
    let mark = |word: &str| {
        let (rest, version) = line.rsplit_once(word)?;
        version.chars().all(|c| c.is_ascii_digit() || c == '.').then(|| (rest.trim_end(), version))
    };
    if let Some((rest, version)) = mark("# since ") {
        return release.is_at_least(version).then_some(rest);
    }
    if let Some((rest, version)) = mark("# until ") {
        return (release.is_of(version) || !release.is_at_least(version)).then_some(rest);
    }
    Some(line)
}

fn sections(text: &str) -> Vec<Vec<&str>> {
    let mut sections: Vec<Vec<&str>> = vec![Vec::new()];
    for line in text.lines() {
        if line.starts_with(|first: char| first.is_ascii_alphabetic()) {
            sections.push(Vec::new());
        }
        if let Some(section) = sections.last_mut() {
            section.push(line);
        }
    }
    sections
}

/// Returns the bytes of a word, in which HAProxy reads the escapes `\xHH` and `\\`.
fn unescaped(word: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), word);
    while let Some(first) = rest.chars().next() {
        let hex = rest.strip_prefix("\\x").and_then(|rest| u8::from_str_radix(rest.get(..2)?, 16).ok());
        let length = match hex {
            Some(byte) => {
                bytes.push(byte);
                4
            }
            None if rest.starts_with("\\\\") => {
                bytes.push(b'\\');
                2
            }
            None => {
                bytes.extend_from_slice(first.to_string().as_bytes());
                first.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    bytes
}

fn names(text: &str) -> Vec<String> {
    text.split("${")
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| name.to_owned())
        .collect()
}
