//! Candidates: the sockets that a call finds, and the directories that could not be read.

use std::collections::HashSet;
use std::io;
use std::iter::once;
use std::path::PathBuf;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{join, join_all};

use super::directory;
use super::directory::{FileId, SocketFile};
use super::found::Found;
use super::state::Membership;
use super::table::{Classification, Entry, IgnoredReason};
use crate::address::{Address, WorkerId};
use crate::error::{Error, Failure, Problem, Result};
use crate::process::outlast_reload;
use crate::show::ProcessList;
use crate::transport::{Deadline, Step};

/// A socket that may be probed.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) address: Address,
    /// Identity of the file, if the socket is an existing file.
    pub(crate) file: Option<FileId>,
    /// Set if the user gave the address, and unset if it was found in a directory.
    pub(super) given: bool,
}

/// The findings of a call before it probes any process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listing {
    pub(crate) candidates: Vec<Candidate>,
    /// Sockets that are ignored because of their names.
    pub(super) excluded: Vec<(Address, FileId, IgnoredReason)>,
    /// Every directory, with the failure if it could not be read.
    pub(super) directories: Vec<(PathBuf, Option<Failure>)>,
    /// Every master, with the failure if it did not list its processes.
    pub(super) masters: Vec<(Address, Option<Failure>)>,
    /// Set if all earlier findings about the sockets are disregarded.
    pub(super) is_fresh: bool,
    /// Version of the membership table that the candidates come from.
    pub(crate) version: u64,
}

/// A directory, and the sockets in it.
type Read = (PathBuf, io::Result<Vec<SocketFile>>);

const LIST: Step = Step::new("reading the directory", "end of the list");
const FILES: Step = Step::new("reading the directory: too many open files", "free file descriptor");

/// Bounds of the pause before a directory is read again because the system had no free file
/// descriptor.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LAST_PAUSE: Duration = Duration::from_millis(50);

impl Listing {
    /// Returns `true` if the address is a file in a directory that could not be read.
    pub(crate) fn is_out_of_sight(&self, address: &Address) -> bool {
        let Address::Unix(path) = address else { return false };
        let failed = self.directories.iter().filter(|(_, failure)| failure.is_some());
        failed.map(|(dir, _)| dir).any(|dir| path.parent() == Some(dir))
    }

    /// Returns the listing without the candidates at these addresses.
    pub(crate) fn without(&self, addresses: &HashSet<Address>) -> Self {
        let mut listing = self.clone();
        listing.candidates.retain(|candidate| !addresses.contains(&candidate.address));
        listing
    }

    /// Returns `true` if the address is a worker of a master that answered. The master lists every
    /// worker that has not ended.
    fn has_left(&self, address: &Address) -> bool {
        let Address::Worker { master, .. } = address else { return false };
        self.masters.iter().any(|(address, failure)| address == &**master && failure.is_none())
    }
}

impl Membership {
    /// Returns `true` if no call has classified the candidate yet, or if its file was replaced since.
    pub(crate) fn is_unknown(&self, candidate: &Candidate) -> bool {
        let table = self.table();
        match table.get(&candidate.address) {
            Some(known) => {
                let is_replaced = candidate.file.is_some() && known.file != candidate.file;
                let is_member = matches!(known.classification, Classification::Member { .. });
                is_replaced || is_member && table.label(&candidate.address).is_none()
            }
            None => true,
        }
    }

    /// Returns every socket that may be probed: the explicitly given addresses, the sockets that
    /// are in the directories now, the workers that the masters list now, and the members that have
    /// answered before.
    ///
    /// A fresh listing disregards all earlier findings about the sockets.
    pub(crate) async fn candidates(&self, is_fresh: bool, deadline: &Deadline) -> Listing {
        self.listing(&self.find(deadline).await, is_fresh)
    }

    /// Looks for sockets: at the explicitly given addresses, in the directories and behind the masters.
    pub(crate) async fn find(&self, deadline: &Deadline) -> Found {
        let mut found = Found::default();
        ((found.workers, found.masters), (found.sockets, found.directories)) =
            join(self.workers(deadline), self.list(deadline)).await;
        // Reading the metadata blocks no longer than connecting to the file.
        found.files = self.addresses.iter().map(directory::file_id_of).collect();
        found
    }

    /// Returns the candidates among the sockets that were found, and the members that have answered before.
    pub(crate) fn listing(&self, found: &Found, is_fresh: bool) -> Listing {
        let (directories, masters) = (found.directories.clone(), found.masters.clone());
        let mut listing = Listing { directories, masters, is_fresh, ..Listing::default() };
        let count = found.files.len() + found.workers.len() + found.sockets.len();
        let mut seen = HashSet::with_capacity(count);
        let mut candidates = Vec::with_capacity(count);
        let mut add = |address: &Address, file, given| {
            let is_new = seen.insert(address.clone());
            if is_new {
                candidates.push(Candidate { address: address.clone(), file, given });
            }
            is_new
        };
        for (address, file) in self.addresses.iter().zip(&found.files) {
            add(address, *file, true);
        }
        for worker in &found.workers {
            add(worker, None, true);
        }
        for SocketFile { path, id } in &found.sockets {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let address = Address::from(&**path);
            let is_new = add(&address, Some(*id), false);
            let reason = if self.excluded.iter().any(|pattern| directory::fits(pattern, &name)) {
                IgnoredReason::Excluded
            } else if directory::is_passing(&name) {
                IgnoredReason::Temporary
            } else {
                continue;
            };
            // An explicitly given address is probed, even if its name is excluded.
            if is_new {
                listing.excluded.push((address, *id, reason));
            }
        }
        let mut table = self.table();
        if !is_fresh {
            let is_left = |address: &Address| listing.has_left(address);
            table.retain(|address, known| {
                if seen.contains(address) {
                    return true;
                }
                let is_left = is_left(address);
                if !is_left && known.classification == (Classification::Member { answered: true }) {
                    candidates.push(Candidate { address: address.clone(), file: None, given: false });
                    return true;
                }
                // If a file is gone and never answered, it never was a member.
                !is_left && (known.file.is_none() || listing.is_out_of_sight(address))
            });
            table.retain_sockets(|address| seen.contains(address));
        }
        let excluded: HashSet<&Address> = listing.excluded.iter().map(|(address, ..)| address).collect();
        candidates.retain(|candidate| {
            if excluded.contains(&candidate.address) {
                return false;
            }
            match table.get(&candidate.address) {
                // A classification stays valid while the file is the same. Explicitly given
                // addresses are probed on every call.
                Some(Entry { file: Some(file), classification }) if !is_fresh => {
                    let is_for_good = match classification {
                        Classification::Ignored(reason) => {
                            !matches!(reason, IgnoredReason::Refused | IgnoredReason::Excluded)
                        }
                        Classification::Shared { .. } => true,
                        Classification::Member { .. } | Classification::Duplicate { .. } => false,
                    };
                    !is_for_good || candidate.given || Some(*file) != candidate.file
                }
                _ => true,
            }
        });
        listing.candidates = candidates;
        listing.version = table.version();
        listing
    }

    /// Lists the sockets in the directories, and the directories. Uses at most half of the time that is
    /// left, and leaves the other half to the processes.
    async fn list(&self, deadline: &Deadline) -> (Vec<SocketFile>, Vec<(PathBuf, Option<Failure>)>) {
        let deadline = &deadline.half();
        let read = match self.read_directories(deadline).await {
            Ok(read) => read,
            Err(error) => {
                let failed = |path: &PathBuf| (path.clone(), Some(Failure::new(error.clone(), "")));
                return (Vec::new(), self.dirs.iter().map(failed).collect());
            }
        };
        let (mut found, mut directories) = (Vec::new(), Vec::new());
        for (path, sockets) in read {
            let failure = match sockets {
                Ok(sockets) => {
                    found.extend(sockets);
                    None
                }
                Err(error) => {
                    let error = error.into();
                    Some(Failure::new(Error::new(Problem::Directory { path: path.clone(), error }), ""))
                }
            };
            directories.push((path, failure));
        }
        (found, directories)
    }

    /// Lists the workers of the masters, and the masters. Uses at most half of the time that is left.
    async fn workers(&self, deadline: &Deadline) -> (Vec<Address>, Vec<(Address, Option<Failure>)>) {
        let deadline = &deadline.half();
        let listing = self.masters.iter().map(|master| async move {
            let listing = outlast_reload(deadline, |_| false, || master.list(deadline).boxed()).await;
            let (workers, failure) = match listing {
                Ok(list) => (ids(&list), None),
                Err(error) => (Vec::new(), Some(Failure::new(error, ""))),
            };
            // The worker that serves is expected, whatever the master lists.
            let workers = once(WorkerId::Number(1)).chain(workers).map(|worker| {
                let master = Box::new(master.address().clone());
                Address::Worker { worker, master }
            });
            (workers.collect::<Vec<_>>(), (master.address().clone(), failure))
        });
        let (workers, masters): (Vec<_>, _) = join_all(listing).await.into_iter().unzip();
        (workers.concat(), masters)
    }

    /// Reads the directories on a thread that may block. Waits and tries again if no file
    /// descriptor is free.
    async fn read_directories(&self, deadline: &Deadline) -> Result<Vec<Read>> {
        if self.dirs.is_empty() {
            return Ok(Vec::new());
        }
        let mut pause = FIRST_PAUSE;
        loop {
            let dirs = self.dirs.clone();
            let reading = tokio::task::spawn_blocking(move || {
                let read = |path: PathBuf| (directory::sockets(&path), path);
                dirs.into_iter().map(read).map(|(sockets, path)| (path, sockets)).collect::<Vec<_>>()
            });
            let read = deadline.timeout(LIST, deadline.limits().command_timeout, reading).await?;
            let read = read.map_err(|error| Error::new(Problem::Io(io::Error::other(error).into())))?;
            let is_busy = |(_, sockets): &Read| sockets.as_ref().is_err_and(directory::is_out_of_files);
            if !read.iter().any(is_busy) || deadline.sleep(FILES, pause).await.is_err() {
                return Ok(read);
            }
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }
}

/// Returns the workers: those that serve by their number, which leads to the new worker after a
/// reload, and the others by their process ID.
fn ids(list: &ProcessList) -> Vec<WorkerId> {
    let serving = list.serving();
    let numbers = (1..).zip(serving).map(|(number, worker)| worker.relative_pid.unwrap_or(number));
    let old = list.old_workers.iter().filter(|worker| !serving.contains(worker));
    numbers.map(WorkerId::Number).chain(old.map(|worker| WorkerId::Pid(worker.pid))).collect()
}
