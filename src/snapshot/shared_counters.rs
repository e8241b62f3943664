use std::fmt;
use std::sync::Arc;

use crate::shm::RowCounters;

/// The file in which HAProxy processes keep counters together (`shm-stats-file` of the
/// configuration, HAProxy 3.3 and later).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum ShmStatsFile {
    /// Name under which the file was declared with
    /// [`ClusterBuilder::shared_counters`](crate::ClusterBuilder::shared_counters).
    Declared(Arc<str>),
    /// A file that was found in the memory of a process of this host.
    #[non_exhaustive]
    Mapped {
        /// Number of the device.
        device: u64,
        /// Number of the file on the device.
        inode: u64,
        /// Path, as far as it can be shown as text. Processes that reach one file
        /// by two paths share it all the same.
        path: Arc<str>,
    },
}

/// What is known of the file of one process, kept beside its rows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SharedCounters {
    pub(crate) file: ShmStatsFile,
    /// Why it is not known of some rows whether they are in the file.
    pub(crate) problem: Option<Box<str>>,
    /// For each row of `show stat`, in its order.
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
