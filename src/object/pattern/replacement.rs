//! Replacement of a whole map or ACL by a new version, on all processes or on none.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::future::join_all;

use super::PatternId;
use super::bulk::{Bulk, divide_slow};
use super::plan::Wanted;
use super::verbs::Verbs;
use crate::address::Address;
use crate::cluster::{Cluster, Identity, OnceJob, Outcomes, Target};
use crate::count::counted;
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::level::Level;
use crate::process::{IdentifiedConnection, LONGEST, ProcessClient};
use crate::protocol::{Change, Command, Response, malformed};
use crate::show::stat::StatFilter;
use crate::show::{Entries, PatternInfo, new_version};
use crate::transport::Deadline;

/// The new entries of a map or an ACL, and the versions that hold them so far.
///
/// The steps of a call, each on all processes at once:
///
/// 1. Prepare a version, add all entries to it, and read it back ([`Fill`]).
/// 2. Identify each process again.
/// 3. Commit the versions. If an earlier step failed, discard them instead.
pub(super) struct Replacement {
    verbs: &'static Verbs,
    id: PatternId,
    entries: Vec<Wanted>,
    /// Every version that a process has prepared.
    prepared: Mutex<Vec<Prepared>>,
}

/// The results of the processes, by address.
type Results = HashMap<Address, Result<Response<Change>>>;

/// A version that one process has prepared.
#[derive(Clone)]
struct Prepared {
    member: ProcessClient,
    identity: Identity,
    version: u32,
}

/// Most entries of a version that are deleted one by one. Beside 100,000 live entries, each takes
/// HAProxy 3.4 0.7 ms.
const MOST_DELETED: usize = 10_000;

/// First release that knows versions of maps and ACLs.
pub(super) const SINCE: (u16, u16) = (2, 4);

impl Replacement {
    /// Checks the entries.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` if HAProxy would not accept an entry unchanged.
    pub(super) fn new(verbs: &'static Verbs, id: &PatternId, entries: Vec<Wanted>) -> Result<Self> {
        let new = Self { verbs, id: id.clone(), entries, prepared: Mutex::default() };
        // The longest number makes the longest line.
        new.bulk(u32::MAX, LONGEST)?.additions()?;
        Ok(new)
    }

    pub(super) async fn run(self, cluster: &Cluster) -> Result<Outcomes<Change>> {
        let is_strict = !cluster.is_partial();
        let (this, prepare) = (&self, &self.prepare()?);
        let fill = |target: Target, deadline| async move {
            let fill = Fill { replacement: this, member: &target.member };
            let result = target.execute_once(&fill, &deadline).await.map_err(Error::without_effect);
            match result {
                Ok(Response::Value(prepared)) => Ok(Response::Value(Ok(prepared))),
                Ok(Response::Absent(words)) => Ok(Response::Absent(words)),
                Err(error) if this.has_prepared(target.member.address()) => Ok(Response::Value(Err(error))),
                Err(error) => Err(error),
            }
        };
        let filled = cluster.allow_partial().fan_out().each(prepare, StatFilter::Nothing, fill).await?;
        let ready: Vec<Prepared> =
            filled.values().filter_map(|(_, filled)| filled.as_ref().ok()).cloned().collect();

        let is_whole = filled.is_complete() && filled.values().all(|(_, filled)| filled.is_ok());
        let checks = if is_strict && !is_whole { Vec::new() } else { check(&ready, cluster).await };
        let is_failed = |check: &Result<()>| check.as_ref().is_err_and(|error| !error.is_worker_ended());
        let is_given_up = is_strict && (!is_whole || checks.iter().any(is_failed));
        let mut results: Results = if is_given_up {
            let failed = |(prepared, check): (&Prepared, Result<()>)| {
                Some((prepared.member.address().clone(), Err(check.err()?)))
            };
            ready.iter().zip(checks).filter_map(failed).collect()
        } else {
            self.commit_all(ready.iter().zip(checks), cluster).await
        };

        let left = self.discard_all(&results, cluster).await;
        let outcomes = filled.then(|address, filled| {
            let is_left = left.contains(address);
            let result =
                filled.and_then(|_| results.remove(address).unwrap_or_else(|| Ok(unchanged(is_left))));
            match result {
                // An old worker behind a master, which would have lost the entries anyway.
                Err(error) if error.is_worker_ended() => Ok(Response::Absent(error.reason().into())),
                Err(error) if is_left => Err(error.with_leftover(LEFT)),
                result => result,
            }
        });
        if is_strict { outcomes.all() } else { Ok(outcomes) }
    }

    /// Commits the version of each process, unless the check of the process failed.
    async fn commit_all<'a>(
        &self,
        checked: impl Iterator<Item = (&'a Prepared, Result<()>)>,
        cluster: &Cluster,
    ) -> Results {
        let deadline = &Deadline::new(cluster.limits());
        let commit = |(prepared, check): (&'a Prepared, Result<()>)| async move {
            let result = match check {
                Ok(()) => self.commit(prepared, deadline).await,
                Err(error) => Err(error),
            };
            (prepared.member.address().clone(), result)
        };
        join_all(checked.map(commit)).await.into_iter().collect()
    }

    /// Commits a version. Its process must be the one that prepared it.
    async fn commit(&self, prepared: &Prepared, deadline: &Deadline) -> Result<Response<Change>> {
        let verb = self.verbs.commit;
        let commit = self.command(Command::write_once(verb), Some(prepared.version))?;
        let run = async {
            let mut connection = prepared.connect(deadline).await?;
            connection.execute(&commit, deadline).await?.still_present().map_err(Error::new)?;
            if connection.was_replaced(deadline).await? {
                return Err(Error::new(Problem::Replaced));
            }
            Ok(())
        };
        let result = match run.await {
            Err(error) if error.is_unknown() => self.find_out(prepared, error, deadline).await,
            result => result,
        };
        result.map_err(prepared.member.with_context(&commit))?;
        let words = counted(self.entries.len(), "entry", "entries");
        Ok(Response::Value(Change::Changed(Some(words.into()))))
    }

    /// Asks the process for the live version, because the answer to a commit was `lost`.
    ///
    /// If the old version is live, the outcome stays unknown: HAProxy may still read the commit from
    /// the connection that was lost.
    async fn find_out(&self, prepared: &Prepared, lost: Error, deadline: &Deadline) -> Result<()> {
        let verb = self.verbs.show;
        let show = Command::read(verb).needs(Level::Admin);
        let ask = async {
            let mut connection = prepared.connect(deadline).await?;
            connection.ask(&show, deadline).await
        };
        match ask.await {
            Ok(Response::Value(printed)) => {
                let infos = PatternInfo::read(&String::from_utf8_lossy(&printed)).unwrap_or_default();
                let live = infos.iter().find(|info| self.id.is(info)).and_then(|info| info.version);
                if live == Some(prepared.version) { Ok(()) } else { Err(lost) }
            }
            Err(error) if error.is_replaced() => Err(error),
            _ => Err(lost),
        }
    }

    /// Discards the versions that were not committed. If the outcome of a commit is unknown, the
    /// version stays, because it may be the live version by now.
    ///
    /// Returns the address of each process on which this failed.
    async fn discard_all(&self, results: &Results, cluster: &Cluster) -> HashSet<Address> {
        let deadline = &Deadline::new(cluster.limits());
        let is_over = |prepared: &Prepared| match results.get(prepared.member.address()) {
            Some(Ok(_)) => true,
            Some(Err(error)) => error.is_unknown(),
            None => false,
        };
        let open: Vec<_> = self.prepared().iter().filter(|prepared| !is_over(prepared)).cloned().collect();
        let discarding = open.iter().map(|prepared| async move {
            let failed = self.discard(prepared, deadline).await.is_err();
            failed.then(|| prepared.member.address().clone())
        });
        join_all(discarding).await.into_iter().flatten().collect()
    }

    /// Removes the entries of a prepared version, unless its process is gone.
    ///
    /// HAProxy 3.4 answers `clear map @N` with success and removes nothing. The entries that are
    /// left are deleted by their references, unless there are too many of them.
    async fn discard(&self, prepared: &Prepared, deadline: &Deadline) -> Result<()> {
        let mut connection = match prepared.connect(deadline).await {
            Err(error) if is_gone(&error, prepared.member.address()) => return Ok(()),
            connection => connection?,
        };
        let verb = self.verbs.clear;
        let clear = self.command(Command::write(verb), Some(prepared.version))?;
        connection.execute(&clear, deadline).await?;
        let entries = self.entries_of(prepared.version, &mut connection, deadline).await?;
        let verb = self.verbs.delete;
        let delete = self.command(Command::write(verb), None)?;
        if entries.len() > MOST_DELETED {
            return Err(wrong_count(entries.len(), 0));
        }
        let commands: Vec<_> =
            entries.iter().map(|entry| delete.clone().reference(entry.reference())).collect();
        for batch in divide_slow(&commands)? {
            connection.execute_all(&batch, deadline).await.ended?;
        }
        let rest = self.entries_of(prepared.version, &mut connection, deadline).await?.len();
        if rest > 0 {
            return Err(wrong_count(rest, 0));
        }
        Ok(())
    }

    /// Reads the entries of a version.
    async fn entries_of(
        &self,
        version: u32,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<Entries> {
        let verb = self.verbs.show;
        let show = self.command(Command::read(verb).needs(Level::Admin), Some(version))?;
        let printed = connection.ask(&show, deadline).await?.still_present().map_err(Error::new)?;
        Ok(Entries::read(printed)?)
    }

    fn prepare(&self) -> Result<Command> {
        let verb = self.verbs.prepare;
        self.command(Command::write_once(verb).since(SINCE), None)
    }

    /// Returns the bytes of all entries.
    fn bytes(&self) -> usize {
        self.entries
            .iter()
            .map(|(key, value)| key.len() + value.as_ref().map_or(0, |value| value.len()))
            .sum()
    }

    /// Returns the commands that add all entries to a version, each of at most `longest` bytes.
    fn bulk(&self, version: u32, longest: usize) -> Result<Bulk> {
        let verb = self.verbs.add;
        Bulk::of(self.command(Command::write_once(verb), Some(version))?, &self.entries, longest)
    }

    /// Adds the version and the map or ACL to a command.
    fn command(&self, command: Command, version: Option<u32>) -> Result<Command> {
        let command = match version {
            Some(version) => command.word(format_args!("@{version}")),
            None => command,
        };
        command.text(&self.id.to_string())
    }

    /// Returns `true` if the process at this address has prepared a version.
    fn has_prepared(&self, address: &Address) -> bool {
        self.prepared().iter().any(|prepared| prepared.member.address() == address)
    }

    fn prepared(&self) -> MutexGuard<'_, Vec<Prepared>> {
        // The list is consistent after every statement, so a poisoned lock does no harm.
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first step: one process gets a version that holds all entries.
struct Fill<'a> {
    replacement: &'a Replacement,
    member: &'a ProcessClient,
}

impl OnceJob for Fill<'_> {
    type Answer = Prepared;

    async fn run(
        &self,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<Response<Prepared>> {
        let Self { replacement, member } = self;
        let longest = connection.longest(replacement.bytes(), deadline).await?;
        if longest < LONGEST {
            // An entry may be too long for small buffers.
            replacement.bulk(u32::MAX, longest)?;
        }
        let words = match connection.execute(&replacement.prepare()?, deadline).await? {
            Response::Value(Change::Changed(Some(words))) => words,
            Response::Value(_) => return Err(Error::new(malformed("the number of a new version", b""))),
            Response::Absent(words) => return Ok(Response::Absent(words)),
        };
        let version = new_version(&words)?;
        let identity = Identity::of_connection(connection)?;
        let prepared = Prepared { member: (*member).clone(), identity, version };
        replacement.prepared().push(prepared.clone());
        let additions = replacement.bulk(version, longest)?.additions()?;
        additions.run(connection, deadline).await?.still_present().map_err(Error::new)?;
        let found = replacement.entries_of(version, connection, deadline).await?.len();
        let expected = replacement.entries.len();
        if found != expected {
            return Err(wrong_count(found, expected));
        }
        Ok(Response::Value(prepared))
    }
}

impl Prepared {
    /// Connects to the process that prepared the version.
    ///
    /// # Errors
    ///
    /// - [`Problem::Replaced`] if another process answers at its address.
    async fn connect<'a>(&'a self, deadline: &'a Deadline) -> Result<IdentifiedConnection<'a>> {
        self.identity.connect(&self.member, deadline).await
    }

    /// Checks that the process that prepared the version still answers.
    async fn check(&self, deadline: &Deadline) -> Result<()> {
        let (info, read_at) = self.member.info(deadline).await?;
        match Identity::new(&info, read_at) {
            Some(identity) if identity.fits(&self.identity) => Ok(()),
            _ => Err(Error::new(Problem::Replaced).at(self.member.address())),
        }
    }
}

/// Checks that each process still answers.
async fn check(ready: &[Prepared], cluster: &Cluster) -> Vec<Result<()>> {
    let deadline = &Deadline::new(cluster.limits());
    join_all(ready.iter().map(|prepared| prepared.check(deadline))).await
}

fn wrong_count(found: usize, expected: usize) -> Error {
    let text = format!("the new version holds {found} entries instead of {expected}");
    Error::from_kind(ErrorKind::Refused, text)
}

/// Returns the outcome of a process that holds all entries, if the call failed on another process.
fn unchanged(is_left: bool) -> Response<Change> {
    let words = if is_left { LEFT } else { "the new version was discarded" };
    Response::Value(Change::Unchanged(words.into()))
}

/// Returns `true` if the process of a prepared version has ended, and the version with it. A process on
/// another host may only be out of reach.
fn is_gone(error: &Error, address: &Address) -> bool {
    let is_down = error.kind() == ErrorKind::Connect && !matches!(address, Address::Tcp { .. });
    error.is_replaced() || error.is_worker_ended() || is_down
}

/// Message for a process that could not discard its version.
const LEFT: &str = "entries of the new version may be left in memory until the next replacement or reload";
