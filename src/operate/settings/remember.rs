use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::address::Address;

/// The settings to remember: [`Cluster::settings_with`](crate::Cluster::settings_with).
///
/// Without more, the settings of servers. Maps and ACLs are compared with their files, and the entries that
/// differ are remembered. This reads every file and every entry once.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// use haproxyadmin::settings::Remember;
///
/// let settings = cluster.settings_with(Remember::new().patterns()).await?;
/// for process in settings.processes() {
///     for list in process.patterns.iter().flat_map(|patterns| &patterns.lists) {
///         println!("{}: {} has {} differences", process.label, list.file, list.entries.len());
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Remember {
    files: Option<Files>,
    pub(super) plain_keys: bool,
}

/// The place of the files of maps and ACLs.
#[derive(Clone)]
enum Files {
    /// The files have the same paths for the processes and for this program.
    Same,
    /// The root directory of the processes.
    Under(PathBuf),
    /// The caller's function of label and file.
    From(Arc<Locate>),
}

type Locate = dyn Fn(&str, &str) -> Option<PathBuf> + Send + Sync;

impl Remember {
    /// Creates the default terms: settings of servers only.
    pub fn new() -> Self {
        Self::default()
    }

    /// Remembers the entries of maps and ACLs that differ from the files. This program opens the files by
    /// the absolute paths that the processes have. A process at a TCP address of another host, and a
    /// file with a relative path, are reported as unread.
    pub fn patterns(mut self) -> Self {
        self.files = Some(Files::Same);
        self
    }

    /// Does the same as [`patterns`](Self::patterns) with files below `root`, for processes in a
    /// container: `/proc/PID/root`, or a directory with a copy of the files. Relative paths begin there
    /// too. A symbolic link in it that is absolute leads to a file of this program's host.
    pub fn patterns_under(mut self, root: impl Into<PathBuf>) -> Self {
        self.files = Some(Files::Under(root.into()));
        self
    }

    /// Does the same as [`patterns`](Self::patterns) with files that a function finds. It gets the
    /// label of a process, and the file as the configuration spells it. A file for which it returns `None`
    /// is reported as unread.
    pub fn patterns_from(
        mut self,
        locate: impl Fn(&str, &str) -> Option<PathBuf> + Send + Sync + 'static,
    ) -> Self {
        self.files = Some(Files::From(Arc::new(locate)));
        self
    }

    /// Declares that no key of a map has a blank. HAProxy prints a blank between key and value, so that the
    /// key of an entry with several blanks is known only if the file has it, or with this
    /// declaration. Only `add map` with a quoted blank makes a key with a blank; no file can.
    pub fn plain_keys(mut self) -> Self {
        self.plain_keys = true;
        self
    }

    /// Returns `true` if maps and ACLs are remembered.
    pub(super) fn has_patterns(&self) -> bool {
        self.files.is_some()
    }

    /// Returns the path of a file for this program, or the reason for which it has no path.
    pub(super) fn locate(&self, label: &str, address: &Address, file: &str) -> Result<PathBuf, &'static str> {
        match &self.files {
            _ if file.contains(char::REPLACEMENT_CHARACTER) => Err("its name is not UTF-8"),
            None => Err("it was not asked for"),
            Some(Files::From(locate)) => locate(label, file).ok_or("the caller has no file for it"),
            Some(Files::Under(root)) => Ok(root.join(file.trim_start_matches('/'))),
            Some(Files::Same) if !Path::new(file).is_absolute() => {
                Err("its path is relative, and the directory of the process is not known")
            }
            Some(Files::Same) if !address.is_local() => Err("the process may run on another host"),
            Some(Files::Same) => Ok(file.into()),
        }
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same => f.write_str("Same"),
            Self::Under(root) => f.debug_tuple("Under").field(root).finish(),
            Self::From(_) => f.write_str("From(...)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locate(remember: &Remember, address: &str, file: &str) -> Result<PathBuf, &'static str> {
        remember.locate("1", &address.parse().unwrap(), file)
    }

    #[test]
    fn a_file_is_the_one_of_the_process_or_none() {
        let same = Remember::new().patterns();
        let away = "the process may run on another host";
        for (address, expected) in [
            ("/run/1.sock", Ok("/a.map")),
            ("127.0.0.1:1", Ok("/a.map")),
            ("[::1]:1", Ok("/a.map")),
            ("localhost:1", Ok("/a.map")),
            ("192.0.2.1:1", Err(away)),
            ("lb.example.org:1", Err(away)),
        ] {
            assert_eq!(locate(&same, address, "/a.map"), expected.map(PathBuf::from), "{address}");
        }
        assert!(locate(&same, "/run/1.sock", "a.map").unwrap_err().starts_with("its path is relative"));
        assert_eq!(locate(&same, "/run/1.sock", "/\u{FFFD}.map"), Err("its name is not UTF-8"));
        let under = Remember::new().patterns_under("/mnt/image");
        for file in ["/etc/a.map", "etc/a.map", "//etc/a.map"] {
            assert_eq!(locate(&under, "192.0.2.1:1", file), Ok("/mnt/image/etc/a.map".into()), "{file}");
        }
        let from = Remember::new().patterns_from(|label, file| Some(format!("/{label}{file}").into()));
        assert_eq!(locate(&from, "192.0.2.1:1", "/a.map"), Ok("/1/a.map".into()));
        let none = Remember::new().patterns_from(|_, _| None);
        assert_eq!(locate(&none, "/run/1.sock", "/a.map"), Err("the caller has no file for it"));
    }
}
