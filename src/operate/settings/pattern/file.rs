//! The file of a map or an ACL, as HAProxy reads it.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use crate::object::PatternKind;

/// The entries of a file, which is read line by line (`pat_ref_read_from_file_smp` and
/// `pat_ref_read_from_file` of HAProxy's `pattern.c`, the same from 2.2 to 3.4).
pub(super) struct PatternFile<R> {
    reader: R,
    kind: PatternKind,
    line: Vec<u8>,
    number: usize,
}

impl PatternFile<BufReader<File>> {
    /// Opens a file. Returns the time of its last change too, in seconds since 1970.
    pub(super) fn open(path: &Path, kind: PatternKind) -> io::Result<(Self, u64)> {
        // To open a pipe can wait for ever.
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.len() > LARGEST {
            let text = format!("it is larger than {} MiB", LARGEST >> 20);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
        }
        Ok((Self::new(BufReader::new(file), kind), changed_at(&metadata)?))
    }
}

impl<R: BufRead> PatternFile<R> {
    pub(super) fn new(reader: R, kind: PatternKind) -> Self {
        Self { reader, kind, line: Vec::new(), number: 0 }
    }

    /// Returns the next entry: key and value of a map, or the pattern of an ACL with an empty value.
    pub(super) fn next(&mut self) -> io::Result<Option<(&[u8], &[u8])>> {
        loop {
            self.line.clear();
            self.number += 1;
            (&mut self.reader).take(LONGEST + 1).read_until(b'\n', &mut self.line)?;
            if self.line.len() as u64 > LONGEST {
                // HAProxy reads the rest as another line.
                let text = format!("line {} is longer than the {LONGEST} bytes of a line", self.number);
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
            if self.line.is_empty() {
                return Ok(None);
            }
            // The borrow checker does not see that the loop goes on only without an entry.
            if entry(self.kind, &self.line).is_some() {
                return Ok(entry(self.kind, &self.line));
            }
        }
    }
}

/// Longest line with its line feed: one byte less than HAProxy's buffer (16 kB by default while it reads its
/// configuration).
const LONGEST: u64 = 16_383;

/// Largest file that is read.
const LARGEST: u64 = 1 << 30;

/// Reads a line. A line ends at CR, LF or NUL. A line that begins with `#` is a comment, also without a
/// blank behind it; `#` after a blank begins a key.
fn entry(kind: PatternKind, line: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = line.iter().position(|byte| matches!(byte, b'\0' | b'\r' | b'\n'));
    let line = line.get(..end.unwrap_or(line.len())).unwrap_or_default();
    if line.starts_with(b"#") {
        return None;
    }
    let line = without_blanks(line);
    match kind {
        _ if line.is_empty() => None,
        PatternKind::Acl => Some((line, b"")),
        PatternKind::Map => {
            let end = line.iter().position(|byte| is_blank(*byte)).unwrap_or(line.len());
            let (key, value) = line.split_at_checked(end).unwrap_or((line, b""));
            let value = without_blanks(value);
            let kept = value.iter().rposition(|byte| !is_blank(*byte)).map_or(0, |last| last + 1);
            Some((key, value.get(..kept).unwrap_or_default()))
        }
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Cuts the blanks at the beginning.
fn without_blanks(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|byte| !is_blank(*byte)).unwrap_or(text.len());
    text.get(start..).unwrap_or_default()
}

/// Returns the time of the last change of a file, in seconds since 1970. A rename and a copy that keeps the
/// time of the contents change it too.
#[cfg(unix)]
#[allow(clippy::unnecessary_wraps, reason = "other systems may not have the time")]
fn changed_at(metadata: &fs::Metadata) -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt as _;

    Ok(u64::try_from(metadata.ctime().max(metadata.mtime())).unwrap_or_default())
}

#[cfg(not(unix))]
fn changed_at(metadata: &fs::Metadata) -> io::Result<u64> {
    let since = metadata.modified()?.duration_since(std::time::UNIX_EPOCH);
    Ok(since.map_or(0, |since| since.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: PatternKind, text: &[u8]) -> io::Result<Vec<(String, String)>> {
        let mut file = PatternFile::new(text, kind);
        let mut entries = Vec::new();
        while let Some((key, value)) = file.next()? {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            entries.push((text(key), text(value)));
        }
        Ok(entries)
    }

    fn entries(kind: PatternKind, text: &str) -> Vec<(String, String)> {
        read(kind, text.as_bytes()).unwrap()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
    }

    /// `tests/settings_pattern.rs` compares the same lines with HAProxy.
    #[test]
    fn a_line_is_read_as_haproxy_reads_it() {
        let text = "a 1\n# b 2\n#c 3\n #d 4\n\t e \t 5  6\t\n\nf\n \t\ng\r7\nh 8\r9\ni 1\0 2\n\0j 1\nk 0";
        assert_eq!(
            entries(PatternKind::Map, text),
            pairs(&[
                ("a", "1"),
                ("#d", "4"),
                ("e", "5  6"),
                ("f", ""),
                ("g", ""),
                ("h", "8"),
                ("i", "1"),
                ("k", "0")
            ])
        );
        let text = "a 1 \n# b\n#c\n #d\n\t e\t\n\n \t\nf\rg\nh\0i\n\0\nk";
        assert_eq!(
            entries(PatternKind::Acl, text),
            pairs(&[("a 1 ", ""), ("#d", ""), ("e\t", ""), ("f", ""), ("h", ""), ("k", "")])
        );
    }

    #[test]
    fn a_line_that_haproxy_would_read_as_two_is_an_error() {
        let longest = "x".repeat(16_382);
        for text in [format!("{longest}\na\n"), format!("{longest}y")] {
            assert!(read(PatternKind::Map, text.as_bytes()).is_ok());
        }
        for text in [format!("a\n{longest}y\n"), format!("a\n#{longest}\n"), format!("a\n{longest}yz")] {
            let error = read(PatternKind::Acl, text.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), "line 2 is longer than the 16383 bytes of a line");
        }
    }

    #[test]
    fn only_a_regular_file_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let error = |path: &Path| PatternFile::open(path, PatternKind::Map).err().unwrap();
        assert_eq!(error(folder.path()).to_string(), "it is no regular file");
        assert_eq!(error(&folder.path().join("absent")).kind(), io::ErrorKind::NotFound);
        let large = folder.path().join("large");
        File::create(&large).unwrap().set_len(LARGEST + 1).unwrap();
        assert_eq!(error(&large).to_string(), "it is larger than 1024 MiB");
    }
}
