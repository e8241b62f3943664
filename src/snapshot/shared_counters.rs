use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use crate::shm::{FileAccess, RowCounters};

/// The file in which HAProxy processes keep counters together (`shm-stats-file` of the
/// configuration, HAProxy 3.3 and later).
///
/// # Example
///
/// ```
/// use haproxyadmin::snapshot::ShmStatsFile;
///
/// assert_eq!(ShmStatsFile::Declared("edge".into()).to_string(), "edge");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum ShmStatsFile {
    /// A file that was declared with
    /// [`ClusterBuilder::shared_counters`](crate::ClusterBuilder::shared_counters), by the name
    /// given there.
    Declared(Arc<str>),
    /// A file that was found in the memory map of a process on this host.
    #[non_exhaustive]
    Mapped {
        /// Number of the device.
        device: u64,
        /// Number of the file (inode) on the device.
        inode: u64,
        /// Path, as far as it is valid text. Processes that open one file by two paths still share
        /// it.
        path: Arc<str>,
    },
    /// Any file of the host, or none: looking for the file of the process failed, for example because
    /// this program had too many open files. The next read looks again.
    Unknown,
}

/// Facts about the file of one process, kept beside its rows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SharedCounters {
    pub(crate) file: ShmStatsFile,
    /// Reason why it is not known for some rows whether they are in the file.
    pub(crate) problem: Option<Box<str>>,
    /// One entry for each row of `show stat`, in the same order.
    pub(crate) rows: Box<[RowCounters]>,
    /// The way to read the file, if it can be read on this host.
    pub(crate) access: Local<Option<Arc<FileAccess>>>,
}

/// Origin of the counters of a process in a [`Snapshot`](crate::Snapshot).
///
/// # Example
///
/// ```no_run
/// # async fn example(snapshot: haproxyadmin::Snapshot) {
/// for process in snapshot.with_counters_from_files().await.processes() {
///     println!("{}: {}", process.label(), process.counter_source());
/// }
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum CounterSource {
    /// The reply of the process to `show stat`.
    Reply,
    /// The [file](crate::Process::shm_stats_file) of the process, for its objects that are in the
    /// file, and the reply for the others.
    File,
}

/// The read of the counters of a process from its file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct CountersRead {
    /// Microseconds since 1970.
    pub(crate) read_at: u64,
    /// Time since the process last renewed its slot, in microseconds.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub(crate) heartbeat_age: Option<u64>,
    /// `true` if the process was stopped by a signal.
    #[cfg_attr(feature = "serde", serde(default))]
    pub(crate) suspended: bool,
}

/// Something of this program that is not part of the value that holds it. All are equal.
#[derive(Debug, Clone, Default)]
pub(crate) struct Local<T>(pub(crate) T);

impl<T> PartialEq for Local<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<T> Eq for Local<T> {}

impl<T> PartialOrd for Local<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Local<T> {
    fn cmp(&self, _: &Self) -> Ordering {
        Ordering::Equal
    }
}

impl fmt::Display for ShmStatsFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Declared(name) => f.pad(name),
            Self::Mapped { path, .. } => f.pad(path),
            Self::Unknown => f.pad("unknown file"),
        }
    }
}

impl fmt::Display for CounterSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Reply => "show stat",
            Self::File => "shm-stats-file",
        })
    }
}
