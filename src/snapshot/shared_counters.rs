use std::fmt;
use std::sync::Arc;

use crate::shm::RowCounters;

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
}

/// Facts about the file of one process, kept beside its rows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SharedCounters {
    pub(crate) file: ShmStatsFile,
    /// Reason why it is not known for some rows whether they are in the file.
    pub(crate) problem: Option<Box<str>>,
    /// One entry for each row of `show stat`, in the same order.
    pub(crate) rows: Box<[RowCounters]>,
}

impl fmt::Display for ShmStatsFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Declared(name) => f.pad(name),
            Self::Mapped { path, .. } => f.pad(path),
        }
    }
}
