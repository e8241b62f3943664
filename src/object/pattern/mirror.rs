//! The file on the disk of this host that holds the same entries as the processes.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::plan::Wanted;
use crate::cluster::Outcomes;
use crate::error::{Error, Problem, Result};
use crate::protocol::Change;

/// The text of a file with the entries of a map or an ACL, as HAProxy reads it.
pub(super) struct Text(String);

/// A new file beside the one that it will replace. It is removed if it is dropped before.
struct NewFile {
    /// The file that is replaced.
    path: PathBuf,
    temporary: PathBuf,
    is_in_place: bool,
}

impl Text {
    /// HAProxy ignores a line that begins with `#`, and the blanks at the beginning of a line. The key
    /// of a map ends at the first blank. Blanks around the value are cut.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` if HAProxy would read an entry as another one.
    pub(super) fn new(entries: &[Wanted]) -> Result<Self> {
        let mut text = String::new();
        for (at, (key, value)) in (1..).zip(entries) {
            check(key, value.as_deref()).map_err(|why| {
                Error::invalid(format!("entry {at} cannot be written to a file, because {why}"))
            })?;
            if key.starts_with('#') {
                text.push(' ');
            }
            text.push_str(key);
            if let Some(value) = value {
                text.extend([" ", value]);
            }
            text.push('\n');
        }
        Ok(Self(text))
    }

    /// Writes the text to a new file, makes the change of the processes, and puts the new file in the
    /// place of the old one if every process has the change.
    pub(super) async fn mirror(
        self,
        path: &Path,
        change: impl Future<Output = Result<Outcomes<Change>>>,
    ) -> Result<Outcomes<Change>> {
        let failed = |error| Error::new(Problem::File { path: path.to_owned(), error: Arc::new(error) });
        let own = path.to_owned();
        let file = blocking(move || NewFile::write(&own, self.0.as_bytes())).await.map_err(failed)?;
        let outcomes = change.await?;
        if outcomes.is_complete() && outcomes.values().next().is_some() {
            let path = blocking(move || file.rename()).await.map_err(|error| failed(error).leaving(OLD))?;
            let synced = blocking(move || sync_folder(&path)).await;
            synced.map_err(|error| failed(error).leaving(NOT_SYNCED))?;
        }
        Ok(outcomes)
    }
}

const OLD: &str = "every process holds the new entries, and the file holds the old ones";
const NOT_SYNCED: &str =
    "every process and the file hold the new entries, and a crash of the host may bring the old file back";

/// Checks that HAProxy reads an entry of a file unchanged. A line of a file may be longer than any
/// line of a command.
fn check(key: &str, value: Option<&str>) -> Result<(), &'static str> {
    const BLANKS: [char; 2] = [' ', '\t'];
    match value {
        None if key.starts_with(BLANKS) => Err("its pattern begins with a blank"),
        Some(_) if key.contains(BLANKS) => Err("its key contains a blank"),
        Some(value) if value.starts_with(BLANKS) || value.ends_with(BLANKS) => {
            Err("its value begins or ends with a blank")
        }
        _ => Ok(()),
    }
}

impl NewFile {
    fn write(path: &Path, text: &[u8]) -> io::Result<Self> {
        let (path, old) = find(path)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let (temporary, mut file) = create(folder, old.is_some())?;
        let new = Self { path, temporary, is_in_place: false };
        file.write_all(text)?;
        if let Some(old) = old {
            keep_access(&file, &old)?;
        }
        file.sync_all()?;
        Ok(new)
    }

    /// Puts the file in its place, and returns its path.
    fn rename(mut self) -> io::Result<PathBuf> {
        fs::rename(&self.temporary, &self.path)?;
        self.is_in_place = true;
        Ok(self.path.clone())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_in_place {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Returns the path without symbolic links, which stay as they are, and the file if it exists.
fn find(path: &Path) -> io::Result<(PathBuf, Option<Metadata>)> {
    match fs::canonicalize(path) {
        Ok(real) => {
            let old = fs::metadata(&real)?;
            if !old.is_file() {
                return Err(io::Error::other("it is no regular file"));
            }
            if is_mount_point(&real) {
                return Err(io::Error::other("it is a mount point, and cannot be replaced"));
            }
            Ok((real, Some(old)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(path).is_err() => {
            let Some(name) = path.file_name() else { return Err(error) };
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            Ok((fs::canonicalize(folder.unwrap_or(Path::new(".")))?.join(name), None))
        }
        Err(error) => Err(error),
    }
}

/// Returns `true` if Linux lists the path as a mount point. Without the list, the rename tells.
fn is_mount_point(path: &Path) -> bool {
    let mounts = fs::read("/proc/self/mountinfo").unwrap_or_default();
    has_mount_point(&mounts, path.as_os_str().as_encoded_bytes())
}

/// Searches the list of mounts for a path. The fifth field of a line is the mount point.
fn has_mount_point(mounts: &[u8], path: &[u8]) -> bool {
    let point = |line: &[u8]| line.split(|byte| *byte == b' ').nth(4).map(unescaped);
    mounts.split(|byte| *byte == b'\n').any(|line| point(line).as_deref() == Some(path))
}

/// Replaces the octal numbers by which the list writes blanks, newlines and backslashes.
fn unescaped(mut text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    while let Some((first, rest)) = text.split_first() {
        let (byte, rest) = match rest {
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', rest @ ..] if *first == b'\\' => {
                ((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'), rest)
            }
            _ => (*first, rest),
        };
        plain.push(byte);
        text = rest;
    }
    plain
}

/// Creates a file of a new name. Only the user of this program may read it if it `is_private`.
fn create(folder: &Path, is_private: bool) -> io::Result<(PathBuf, File)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if is_private { 0o600 } else { 0o666 });
    #[cfg(not(unix))]
    let _ = is_private;
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!(".haproxyadmin-{}-{number}", std::process::id()));
        match options.open(&path) {
            // An earlier program with the same process ID may have left it.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => return Ok((path, opened?)),
        }
    }
}

/// Sets the mode of the old file, and its owner and group if the system permits it. A group that
/// cannot be kept leaves the new group no more rights than all other users.
#[cfg(unix)]
fn keep_access(file: &File, old: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};

    let new = file.metadata()?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid())
        && fchown(file, Some(old.uid()), Some(old.gid())).is_err()
    {
        let _ = fchown(file, None, Some(old.gid()));
    }
    let mode = old.permissions().mode() & 0o777;
    let is_other_group = file.metadata()?.gid() != old.gid();
    let mode = if is_other_group { mode & !0o070 | (mode & mode << 3 & 0o070) } else { mode };
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn keep_access(file: &File, old: &Metadata) -> io::Result<()> {
    file.set_permissions(old.permissions())
}

/// Makes a rename in the folder of a file last.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

/// Runs a function that may wait for the disk.
async fn blocking<T: Send + 'static>(run: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(run).await?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(entries: &[(&str, Option<&str>)]) -> Result<String, String> {
        let entries: Vec<Wanted> =
            entries.iter().map(|(key, value)| ((*key).into(), value.map(Into::into))).collect();
        Text::new(&entries).map(|text| text.0).map_err(|error| error.to_string())
    }

    #[test]
    fn a_line_holds_an_entry() {
        assert_eq!(text(&[]).unwrap(), "");
        let pairs = [("k", Some("v  w")), ("#k", Some("#v")), ("é", Some("<<"))];
        assert_eq!(text(&pairs).unwrap(), "k v  w\n #k #v\né <<\n");
        assert_eq!(text(&[("/a b ", None), ("#", None)]).unwrap(), "/a b \n #\n");
    }

    #[test]
    fn an_entry_that_would_be_read_as_another_one_is_refused_and_not_shown() {
        for (key, value, why) in [
            ("a b", Some("v"), "its key contains a blank"),
            ("a\tb", Some("v"), "its key contains a blank"),
            ("k", Some(" v"), "its value begins or ends with a blank"),
            ("k", Some("v\t"), "its value begins or ends with a blank"),
            (" p", None, "its pattern begins with a blank"),
        ] {
            let refused = text(&[("k", Some("v")), (key, value)]).unwrap_err();
            assert_eq!(refused, format!("entry 2 cannot be written to a file, because {why}"));
        }
    }

    #[test]
    fn a_mount_point_is_found_by_its_whole_path() {
        let mounts = b"29 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
                       40 29 8:1 /h.map /etc/ha\\040proxy/a\\134b.map rw - ext4 /dev/sda1 rw\n";
        for (path, is_point) in [
            (&b"/etc/ha proxy/a\\b.map"[..], true),
            (b"/", true),
            (b"/etc/ha proxy", false),
            (b"/h.map", false),
            (b"", false),
        ] {
            assert_eq!(has_mount_point(mounts, path), is_point, "{}", String::from_utf8_lossy(path));
        }
    }
}
