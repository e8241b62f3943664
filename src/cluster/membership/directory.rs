//! The socket files in a directory, and their identities.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::address::Address;

/// A socket file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SocketFile {
    pub(super) path: PathBuf,
    pub(super) id: FileId,
}

/// Identity of a file, which tells it from a later file of the same name. The inode number alone is
/// not enough, because the file system reuses inode numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct FileId {
    device: u64,
    inode: u64,
    changed: (i64, i64),
}

/// Lists the sockets in `path`, and links to sockets, ordered by name.
#[cfg(unix)]
pub(super) fn sockets(path: &Path) -> io::Result<Vec<SocketFile>> {
    use std::os::unix::fs::FileTypeExt;

    let mut sockets = Vec::new();
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        let id = match fs::metadata(&path) {
            Ok(metadata) if !metadata.file_type().is_socket() => continue,
            Ok(metadata) => FileId::of(&metadata),
            // The file was removed meanwhile, or it is a link to nothing.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            // The file may be a socket. A probe will report why it cannot be reached.
            Err(_) => FileId::default(),
        };
        sockets.push(SocketFile { path, id });
    }
    sockets.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sockets)
}

/// Returns the identity of the file at `path`, if the file exists.
#[cfg(unix)]
pub(super) fn file_id(path: &Path) -> Option<FileId> {
    fs::metadata(path).ok().map(|metadata| FileId::of(&metadata))
}

#[cfg(unix)]
impl FileId {
    fn of(metadata: &fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;

        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// Returns the identity of the file at `address`, if the address is an existing file.
pub(crate) fn file_id_of(address: &Address) -> Option<FileId> {
    match address {
        Address::Unix(path) => file_id(path),
        _ => None,
    }
}

impl FileId {
    /// Returns `true` if both identities are of one file, even if the file was changed in between.
    pub(super) fn is_same_file(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

/// Returns `true` if reading failed because no file descriptor was free.
pub(super) fn is_out_of_files(error: &io::Error) -> bool {
    cfg!(unix) && matches!(error.raw_os_error(), Some(EMFILE | ENFILE))
}

const ENFILE: i32 = 23;
const EMFILE: i32 = 24;

/// This platform has no Unix sockets.
#[cfg(not(unix))]
pub(super) fn file_id(_: &Path) -> Option<FileId> {
    None
}

/// This platform has no Unix sockets to list.
#[cfg(not(unix))]
pub(super) fn sockets(path: &Path) -> io::Result<Vec<SocketFile>> {
    fs::read_dir(path)?;
    Ok(Vec::new())
}

/// Returns `true` if the name is a temporary name of HAProxy: `NAME.PID.tmp` or `NAME.PID.bak`.
/// HAProxy uses such a name for a moment while it takes a socket over from another process.
pub(super) fn is_passing(name: &str) -> bool {
    let stem = name.strip_suffix(".tmp").or_else(|| name.strip_suffix(".bak"));
    let pid = stem.and_then(|stem| stem.rsplit_once('.')).map(|(_, pid)| pid);
    pid.is_some_and(|pid| !pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Returns `true` if `name` matches `pattern`, in which `*` matches any text.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    // Positions to continue from if the pattern after the last star does not match: the star then
    // matches one byte more. Earlier stars need not be tried again.
    let mut star = None;
    while let Some(byte) = name.get(n) {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, n));
                p += 1;
            }
            Some(wanted) if wanted == byte => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((behind, start)) = star else { return false };
                star = Some((behind, start + 1));
                (p, n) = (behind, start + 1);
            }
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        let fitting = [
            ("a.sock", "a.sock"),
            ("*.sock", "a.sock"),
            ("*", ""),
            ("a*c*", "abcd"),
            ("*é*", "xéy"),
            ("*a*ab", "aaaab"),
        ];
        for (pattern, name) in fitting {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        let others = [
            ("a.sock", "b.sock"),
            ("*.sock", "a.sock2"),
            ("", "a"),
            ("a*c", "abcd"),
            ("*a*b", "aac"),
            ("a", ""),
        ];
        for (pattern, name) in others {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        assert!(!fits(&("*a".repeat(500) + "b"), &"a".repeat(5000)));
    }

    #[test]
    fn passing_names_have_a_process_id() {
        assert!(is_passing("admin.sock.1234.tmp") && is_passing("admin.sock.1.bak"));
        for name in ["admin.sock", "1234.sock", "a.tmp", "a.1x.tmp", "a..tmp", "1234.tmp"] {
            assert!(!is_passing(name), "{name}");
        }
    }
}
