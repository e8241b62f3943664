//! The sockets that a call finds, and the members that an earlier call has found behind the same sockets.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::directory::{FileId, SocketFile};
use crate::address::Address;
use crate::error::Failure;
use crate::process::ProcessClient;
use crate::snapshot::{Process, Snapshot};

/// The sockets that a call finds, independent of the findings of earlier calls.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Identity of the file of each given address.
    pub(super) files: Vec<Option<FileId>>,
    pub(super) workers: Vec<Address>,
    pub(super) sockets: Vec<SocketFile>,
    pub(super) directories: Vec<(PathBuf, Option<Failure>)>,
    pub(super) masters: Vec<(Address, Option<Failure>)>,
}

impl Found {
    /// Returns `true` if all directories and all masters were read.
    pub(super) fn is_whole(&self) -> bool {
        let directories = self.directories.iter().all(|(_, failure)| failure.is_none());
        directories && self.masters.iter().all(|(_, failure)| failure.is_none())
    }

    /// Returns `true` if the call found the same sockets as another one.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.files == other.files && self.workers == other.workers && self.sockets == other.sockets
    }
}

/// The members that a call has found.
#[derive(Debug)]
pub(crate) struct KnownMembers {
    pub(super) found: Found,
    /// Version of the table that they come from, if all of them have answered before. Other calls may use them as
    /// long as they find the same sockets and the version is the same.
    pub(super) version: Option<u64>,
    /// The last known identities.
    pub(super) snapshot: Snapshot,
    pub(super) clients: Vec<ProcessClient>,
}

/// The members that the last call has found.
pub(in crate::cluster) type LastMembers = Mutex<Option<Arc<KnownMembers>>>;

impl KnownMembers {
    /// Returns the last known identities, without rows.
    pub(crate) fn processes(&self) -> &[Process] {
        self.snapshot.processes()
    }

    /// Returns the client of each process, in the same order.
    pub(crate) fn clients(&self) -> &[ProcessClient] {
        &self.clients
    }
}
