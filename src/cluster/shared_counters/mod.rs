//! Shared counters: counters that several processes keep in one file (`shm-stats-file`, HAProxy 3.3
//! and later). Finds out which processes have a file in common, and which of their objects are in
//! it.
//!
//! No command of HAProxy reports the file. It is found in the memory maps of processes of this
//! host, or it is declared by the user. The objects in the file are known by their `guid` alone;
//! `dump stats-file` shows which row of `show stat` has which guid. Each process is queried once
//! after it has started, and again when another process joins the file. A fact that cannot be found
//! out is recorded as unknown and is never an error of the read.

mod answer;
mod rows;

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::join_all;
use tokio::time::{Duration, timeout};

use super::identity::Identity;
use crate::address::Address;
use crate::error::{Error, Problem, Result};
use crate::process::{self, ProcessClient};
use crate::protocol::{self, Request};
use crate::shm::{self, Claim, Mapped, Seen, Turn};
use crate::show::stat::StatFilter;
use crate::show::{GuidList, ProcessReport};
use crate::snapshot::{Local, Record, ShmStatsFile};
use crate::transport::{Deadline, Step};
use answer::GuidAnswer;
use rows::SharedRows;

/// Finds the counters that processes share, and keeps the findings about each process from one read
/// to the next.
#[derive(Debug, Default)]
pub(super) struct SharedCounterFinder {
    /// Names of files that the user declared, by the address of each process.
    declared: HashMap<Address, Arc<str>>,
    known: Mutex<HashMap<Address, Entry>>,
    /// The turn to look into `/proc`.
    looking: Turn,
    /// The turn to read the files of processes that are declared.
    deciding: Turn,
}

/// The findings about one process.
#[derive(Debug)]
struct Entry {
    identity: Identity,
    seen: Seen,
    rows: Option<Arc<SharedRows>>,
}

/// A process that may keep counters in a file.
struct Participant {
    /// Index of the record of the process.
    record: usize,
    identity: Identity,
    /// Name of the file that the process is declared to have.
    declared: Option<Arc<str>>,
    seen: Option<Seen>,
    rows: Option<Arc<SharedRows>>,
}

/// First release with `shm-stats-file`.
const FIRST: (u16, u16) = (3, 3);

/// Time that a look into `/proc` may take even if the deadline has passed.
const GRACE: Duration = Duration::from_millis(500);

const LIST: &str = "dump stats-file";
const LOOK: Step = Step::new("looking for the file of shared counters", "answer of the file system");

impl SharedCounterFinder {
    /// Creates a finder. `declared` has the name of a file for each process that is declared to use
    /// the file.
    pub(super) fn new(declared: HashMap<Address, Arc<str>>) -> Self {
        Self { declared, known: Mutex::default(), looking: Turn::default(), deciding: Turn::default() }
    }

    /// Records for each process which of its counters are kept in one file together with other
    /// processes.
    pub(super) async fn find(&self, records: &mut [Record], members: &Members<'_>, deadline: &Deadline) {
        let mut participants = self.participants(records);
        if participants.is_empty() {
            return;
        }
        self.see(&mut participants, records, deadline).await;
        let mut groups: Vec<(ShmStatsFile, Vec<Participant>)> = Vec::new();
        for participant in participants {
            if let (Some(problem), Some(record)) =
                (participant.problem(), records.get_mut(participant.record))
            {
                let rows = SharedRows::unknown(ShmStatsFile::Unknown, &problem);
                record.shared = Some(Arc::new(rows.of(record)));
                continue;
            }
            let Some(file) = participant.file() else { continue };
            match groups.iter_mut().find(|(one, _)| is_same_file(one, &file)) {
                Some((_, group)) => group.push(participant),
                None => groups.push((file, vec![participant])),
            }
        }
        for (file, mut group) in groups {
            if group.iter().any(|one| one.must_be_asked(&file, records)) {
                self.ask_for_guids(&file, &mut group, records, members, deadline).await;
            }
            for one in group {
                if let (Some(rows), Some(record)) = (&one.rows, records.get_mut(one.record)) {
                    let mut shared = rows.of(record);
                    let access = one.mapped().map(|mapped| rows.access(mapped, deadline.limits()));
                    shared.access = Local(access.map(Arc::new));
                    record.shared = Some(Arc::new(shared));
                }
            }
        }
    }

    /// Returns the processes that may have a file, with the earlier findings about them. These
    /// processes have answered with rows, are not too old, and run on this host or are declared.
    fn participants(&self, records: &[Record]) -> Vec<Participant> {
        let cache = self.known();
        let participant = |(index, record): (usize, &Record)| {
            let has_rows = record.answer.as_ref().is_ok_and(|reading| !reading.stat.is_empty());
            if !has_rows || record.version().is_none_or(|version| version < FIRST) {
                return None;
            }
            let declared = self.declared.get(&record.address).cloned();
            if declared.is_none() && !record.address.is_local() {
                return None;
            }
            let identity = Identity::of(record)?;
            let known = cache.get(&record.address).filter(|known| known.identity.fits(&identity));
            let (seen, rows) = known.map(|known| (known.seen.clone(), known.rows.clone())).unzip();
            Some(Participant { record: index, identity, declared, seen, rows: rows.flatten() })
        };
        records.iter().enumerate().filter_map(participant).collect()
    }

    /// Looks up the file that each process maps, on a thread that may block.
    async fn see(&self, participants: &mut [Participant], records: &[Record], deadline: &Deadline) {
        let claim = |one: &Participant| one.seen.is_none().then(|| claim(records.get(one.record)?));
        let claims: Vec<Option<Option<Claim>>> = participants.iter().map(claim).collect();
        if claims.iter().any(Option::is_some) {
            let look = |claim: Option<Claim>| claim.map_or(Seen::Hidden, shm::look);
            let looking = move || claims.into_iter().map(|claim| claim.map(look)).collect::<Vec<_>>();
            let mut looking = pin!(async { self.looking.wait().await.run(looking).await });
            let seen = match deadline.timeout(LOOK, deadline.limits().command_timeout, &mut looking).await {
                Ok(seen) => seen.map_err(|error| error.to_string()),
                // A process that hangs may have used up the deadline. Without this look, shared
                // counters are known only within bounds, which is worse than a late result.
                Err(error) => match timeout(GRACE, looking).await {
                    Ok(seen) => seen.map_err(|error| error.to_string()),
                    Err(_) => Err(error.to_string()),
                },
            };
            let seen = seen.unwrap_or_else(|problem| {
                let failed = |one: &Participant| one.seen.is_none().then(|| Seen::Failed(problem.clone()));
                participants.iter().map(failed).collect()
            });
            let mut cache = self.known();
            for (one, seen) in participants.iter_mut().zip(seen) {
                let (Some(seen), Some(record)) = (seen, records.get(one.record)) else { continue };
                one.seen = Some(seen.clone());
                if matches!(seen, Seen::Failed(_)) {
                    continue;
                }
                let known = Entry { identity: one.identity.clone(), seen, rows: None };
                cache.insert(record.address.clone(), known);
            }
            cache.retain(|address, _| records.iter().any(|record| record.address == *address));
        }
        hide_namesakes(participants);
    }

    /// Finds out where each process of one file keeps the counters of its rows.
    async fn ask_for_guids(
        &self,
        file: &ShmStatsFile,
        group: &mut [Participant],
        records: &[Record],
        members: &Members<'_>,
        deadline: &Deadline,
    ) {
        let members = group.iter().filter_map(|one| Some(members(&records.get(one.record)?.address)));
        let members: Vec<ProcessClient> = members.collect();
        // Each step starts when the step before has ended on all processes: the counters of each
        // process are compared with the earlier counters of the others.
        let before = read_all(&members, group, deadline).await;
        let lists = join_all(members.iter().map(|member| list(member, deadline))).await;
        let after = read_all(&members, group, deadline).await;
        let answers =
            before.into_iter().zip(lists).zip(after).zip(&*group).map(|(((before, list), after), one)| {
                let (pid, mapped) = (one.identity.pid(), one.mapped().cloned());
                GuidAnswer { reply: before.and_then(|before| Ok((before, list?, after?))), pid, mapped }
            });
        let (answers, limit): (Vec<_>, _) = (answers.collect(), deadline.limits().max_reply_size);
        let deciding = {
            let file = file.clone();
            move || answer::decide(&file, &answers, limit)
        };
        // Another file of the same cluster may be on a disk that does not answer.
        let turn = match file {
            ShmStatsFile::Mapped { device, inode, .. } => &Turn::of_file((*device, *inode)),
            ShmStatsFile::Declared(_) | ShmStatsFile::Unknown => &self.deciding,
        };
        let deciding = async { turn.wait().await.run(deciding).await };
        let rows = match deadline.timeout(LOOK, deadline.limits().command_timeout, deciding).await {
            Ok(rows) => rows.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let rows = rows.unwrap_or_else(|problem| {
            let unknown = || SharedRows::unknown(file.clone(), &problem);
            group.iter().map(|_| unknown()).collect()
        });
        tracing::debug!(%file, processes = rows.len(), "shared counters");
        let mut cache = self.known();
        for (one, rows) in group.iter_mut().zip(rows) {
            one.rows = Some(Arc::new(rows));
            let address = records.get(one.record).map(|record| &record.address);
            if let Some(known) = address.and_then(|address| cache.get_mut(address)) {
                known.rows.clone_from(&one.rows);
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Address, Entry>> {
        // The map is consistent after every statement, so a poisoned lock does no harm.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the member at an address.
pub(super) type Members<'a> = dyn Fn(&Address) -> ProcessClient + Sync + 'a;

impl Participant {
    fn mapped(&self) -> Option<&Mapped> {
        match &self.seen {
            Some(Seen::With(mapped)) => Some(mapped),
            _ => None,
        }
    }

    /// Returns the reason why it is not known whether the process has a file, and which one.
    fn problem(&self) -> Option<String> {
        match (&self.declared, &self.seen) {
            (None, Some(Seen::Failed(reason))) => Some(format!("looking for its file failed: {reason}")),
            _ => None,
        }
    }

    /// Returns the file that the process keeps counters in, if it is known to have one.
    fn file(&self) -> Option<ShmStatsFile> {
        if let Some(name) = &self.declared {
            return Some(ShmStatsFile::Declared(name.clone()));
        }
        let mapped = self.mapped()?;
        let path = mapped.path.to_string_lossy().into();
        Some(ShmStatsFile::Mapped { device: mapped.device, inode: mapped.inode, path })
    }

    fn must_be_asked(&self, file: &ShmStatsFile, records: &[Record]) -> bool {
        let (Some(rows), Some(record)) = (&self.rows, records.get(self.record)) else { return true };
        !is_same_file(rows.file(), file) || rows.is_due(record, &rows.of(record))
    }
}

/// Returns `true` if both are one file. One file can have two paths.
fn is_same_file(one: &ShmStatsFile, other: &ShmStatsFile) -> bool {
    match (one, other) {
        (
            ShmStatsFile::Mapped { device, inode, .. },
            ShmStatsFile::Mapped { device: other_device, inode: other_inode, .. },
        ) => (device, inode) == (other_device, other_inode),
        _ => one == other,
    }
}

/// Returns the identity that a process of this host reports, to find it in `/proc`.
fn claim(record: &Record) -> Option<Claim> {
    let info = record.info().filter(|_| record.address.is_local())?;
    let read_at = record.read_at / 1_000_000;
    Some(Claim {
        pid: info.pid()?,
        started_at: info.start_time_sec(),
        started_before: info.uptime_sec().and_then(|up| read_at.checked_sub(up)),
    })
}

/// Marks processes as hidden if several of them report the same identity and seem to map the same
/// file. Only one of them can be the process that was seen on this host, and it is unknown which
/// one.
fn hide_namesakes(participants: &mut [Participant]) {
    let is_namesake = |one: &Participant| {
        let alike = |other: &&Participant| other.identity.fits(&one.identity) && other.seen == one.seen;
        one.mapped().is_some() && participants.iter().filter(alike).count() > 1
    };
    let namesakes: Vec<bool> = participants.iter().map(is_namesake).collect();
    for (one, _) in participants.iter_mut().zip(namesakes).filter(|(_, is_namesake)| *is_namesake) {
        one.seen = Some(Seen::Hidden);
    }
}

/// Reads the reports of all processes at once. Fails for an address if another process answers
/// there by now.
async fn read_all(
    members: &[ProcessClient],
    group: &[Participant],
    deadline: &Deadline,
) -> Vec<Result<Arc<ProcessReport>>> {
    let read = async |(member, one): (&ProcessClient, &Participant)| {
        let reading = member.read(&StatFilter::All, deadline).await?;
        let identity = Identity::new(&reading.info, process::now());
        if identity.is_some_and(|identity| identity.fits(&one.identity)) {
            return Ok(reading);
        }
        Err(Error::new(Problem::NotFound("the same process at the address".into())).at(member.address()))
    };
    join_all(members.iter().zip(group).map(read)).await
}

/// Reads the guids of a process. The list is long, so no other command may follow on the same line.
async fn list(member: &ProcessClient, deadline: &Deadline) -> Result<GuidList> {
    let reply = member.socket.reply(&Request::fixed(LIST, &[LIST]), deadline).await?;
    let list = protocol::check_ending(&reply).and_then(|()| GuidList::parse(&reply));
    list.map_err(member.socket.with_context(LIST))
}
