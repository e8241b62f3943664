//! Sockets in a directory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A socket file, and what tells it from another one of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SocketFile {
    pub(super) path: PathBuf,
    pub(super) inode: (u64, u64),
}

/// Every socket in `path`, links to sockets included, ordered by name.
#[cfg(unix)]
pub(super) fn sockets(path: &Path) -> io::Result<Vec<SocketFile>> {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};

    let mut sockets = Vec::new();
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        // A file that is gone by now, or a link to nothing, is no socket.
        let Ok(metadata) = fs::metadata(&path) else { continue };
        if metadata.file_type().is_socket() {
            sockets.push(SocketFile { path, inode: (metadata.dev(), metadata.ino()) });
        }
    }
    sockets.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sockets)
}

/// There are no unix sockets to find.
#[cfg(not(unix))]
pub(super) fn sockets(path: &Path) -> io::Result<Vec<SocketFile>> {
    fs::read_dir(path)?;
    Ok(Vec::new())
}

/// Whether `name` fits `pattern`, in which `*` stands for any text.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|tail| {
            tail.char_indices()
                .map(|(at, _)| at)
                .chain([tail.len()])
                .any(|at| fits(rest, tail.get(at..).unwrap_or("")))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, name) in
            [("a.sock", "a.sock"), ("*.sock", "a.sock"), ("*", ""), ("a*c*", "abcd"), ("*é*", "xéy")]
        {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("a.sock", "b.sock"), ("*.sock", "a.sock2"), ("", "a"), ("a*c", "abcd")] {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
    }
}
