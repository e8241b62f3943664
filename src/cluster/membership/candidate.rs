//! Candidates: the sockets that a call finds, and the directories that could not be read.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::directory;
use super::directory::{FileId, SocketFile};
use super::state::Membership;
use super::table::IgnoredReason;
use crate::address::Address;
use crate::error::{Error, Failure, Problem, Result};
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
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) candidates: Vec<Candidate>,
    /// Sockets that are ignored because of their names.
    pub(super) excluded: Vec<(Address, FileId, IgnoredReason)>,
    /// Every directory, with the failure if it could not be read.
    pub(super) directories: Vec<(PathBuf, Option<Failure>)>,
    /// Set if all earlier findings about the sockets are disregarded.
    pub(super) is_fresh: bool,
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
}

impl Membership {
    /// Lists the sockets in the directories. Uses at most half of the time that is left,
    /// and leaves the other half to the processes.
    pub(super) async fn list(&self, listing: &mut Listing, deadline: &Deadline) -> Vec<SocketFile> {
        let mut found = Vec::new();
        let deadline = &deadline.half();
        let read = match self.read_directories(deadline).await {
            Ok(read) => read,
            Err(error) => {
                let failed = |path: &PathBuf| (path.clone(), Some(Failure::new(error.clone(), "")));
                listing.directories = self.dirs.iter().map(failed).collect();
                return found;
            }
        };
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
            listing.directories.push((path, failure));
        }
        found
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
