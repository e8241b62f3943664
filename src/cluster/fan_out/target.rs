//! Targets: the processes that a command goes to.

use std::collections::{HashMap, HashSet};
use std::ptr;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::claims::Claims;
use crate::address::Address;
use crate::cluster::membership::{Classification, KnownMembers, Listing, Membership};
use crate::cluster::selector::Selector;
use crate::error::{Error, ErrorKind, Failure, Problem, Result};
use crate::process::ProcessClient;
use crate::protocol::{Command, Idempotency, Nbproc};
use crate::show::ProcessReport;
use crate::show::stat::StatFilter;
use crate::snapshot::{Process, Record, Requirement, Snapshot};
use crate::transport::Deadline;
use crate::version::Version;

/// The targets of a command, and the requirements that the cluster does not meet.
pub(crate) struct Targets {
    pub(crate) targets: Vec<Target>,
    /// Requirements that are not met. Empty if the view selects processes.
    pub(super) missing: Vec<Requirement>,
}

/// A member of the cluster, and its identity.
#[derive(Clone)]
pub(crate) struct Target {
    pub(super) process: Process,
    pub(crate) member: ProcessClient,
    /// The processes that the command has reached so far.
    pub(super) claims: Arc<Claims>,
    /// The failure of the last probe, if it could not identify the process.
    probe_failure: Option<Failure>,
}

impl Target {
    /// Returns the label of the process.
    pub(crate) fn label(&self) -> &str {
        self.process.label().as_ref()
    }

    /// Returns the host that the process runs on.
    pub(crate) fn host(&self) -> &str {
        &self.process.record.host
    }

    pub(crate) fn nbproc(&self) -> Nbproc {
        self.process.info().map_or_else(Nbproc::default, |info| self.member.nbproc(info))
    }

    /// Returns `true` if the release of the process may be older than `branch`. An unknown release
    /// counts as older.
    pub(crate) fn may_be_before(&self, branch: (u16, u16)) -> bool {
        self.process.version().is_none_or(|version| version < branch)
    }

    /// Checks that `command` may be sent to the process.
    ///
    /// A process that does not answer in time still gets idempotent commands: an unresponsive
    /// member is not left out. If the probe failed because the process did not answer or could not
    /// be reached, and the process has a last known identity, every command may be sent.
    ///
    /// # Errors
    ///
    /// - [`Problem::TooOld`] if the command needs a later release.
    /// - [`Problem::Unidentified`] if the probe failed in any other way: there may be no HAProxy
    ///   process behind the socket, or the command may reach the process through another socket.
    pub(super) fn permits(&self, command: &Command) -> Result<()> {
        if let (Some(needs), Some(version)) = (command.first_release(), self.process.version()) {
            if version < needs {
                return Err(Error::new(Problem::TooOld { needs, version }));
            }
        }
        let Some(probe_failure) = &self.probe_failure else { return Ok(()) };
        let met = self.process.info().is_some();
        match (probe_failure.kind, command.idempotency()) {
            (ErrorKind::Timeout, Idempotency::Safe | Idempotency::Idempotent) => Ok(()),
            (
                ErrorKind::Timeout
                | ErrorKind::Connect
                | ErrorKind::AccessDenied
                | ErrorKind::Closed
                | ErrorKind::Io,
                _,
            ) if met => Ok(()),
            _ => Err(Error::unidentified(probe_failure.clone())),
        }
    }

    /// Sets the label of a record of this process to its label in the cluster.
    pub(super) fn labelled(&self, mut record: Record) -> Record {
        record.label = Some((**self.process.label()).into());
        record
    }

    /// Returns the record of this process if it was not read because of `error`.
    pub(super) fn unread(&self, error: Error) -> Record {
        self.labelled(self.member.to_record(Err(Failure::new(error, ""))))
    }

    /// Reads the process, unless its probe has failed.
    pub(crate) async fn read(&self, scope: &StatFilter, deadline: &Deadline) -> Record {
        let stopping = self.process.record.stopping_pid();
        self.read_by(self.member.read_settled(scope, stopping, deadline)).await
    }

    /// Reads the process on a task of its own, unless its probe has failed.
    pub(crate) async fn read_on_task(&self, scope: &StatFilter, deadline: &Deadline) -> Record {
        let stopping = self.process.record.stopping_pid();
        self.read_by(self.member.read_on_task(scope, stopping, deadline)).await
    }

    async fn read_by(&self, reading: impl Future<Output = (Result<Arc<ProcessReport>>, u64)>) -> Record {
        if let Some(probe_failure) = &self.probe_failure {
            return self.labelled(self.member.to_record(Err(probe_failure.clone())));
        }
        let (report, read_at) = reading.await;
        self.labelled(self.member.record(report, read_at))
    }

    /// Reads the process, even if its probe has failed: it may have recovered by now.
    pub(crate) async fn look(&self, scope: &StatFilter, deadline: &Deadline) -> Result<Record> {
        let stopping = self.process.record.stopping_pid();
        let (reading, read_at) = self.member.read_settled(scope, stopping, deadline).await;
        Ok(self.labelled(self.member.record(Ok(reading?), read_at)))
    }
}

impl Targets {
    /// Returns the members, or the selected ones, in the order of the cluster.
    ///
    /// Members that are not identified yet are probed first; so is a member that looks too old for
    /// `command`, because it may have been upgraded. Probing takes at most half of the time that is
    /// left.
    ///
    /// # Errors
    ///
    /// - `NotFound` if there is no member, or if a selected process is not a member.
    pub(crate) fn find<'a>(
        membership: &'a Arc<Membership>,
        only: Option<&'a [Selector]>,
        command: &'a Command,
        deadline: &'a Deadline,
    ) -> BoxFuture<'a, Result<Self>> {
        Self::find_all(membership, only, command, deadline).boxed()
    }

    async fn find_all(
        membership: &Arc<Membership>,
        only: Option<&[Selector]>,
        command: &Command,
        deadline: &Deadline,
    ) -> Result<Self> {
        let found = membership.find(deadline).await;
        let too_old = |version: Option<Version>| {
            command.first_release().is_some_and(|needs| version.is_some_and(|version| version < needs))
        };
        if let Some(known) = membership.members_as_before(&found).filter(|_| is_sure(command)) {
            if !known.processes().iter().any(|process| too_old(process.version())) {
                let targets = Self::of(membership, &known, only, HashMap::new())?;
                return Ok(Self { targets, missing: Vec::new() });
            }
        }
        let listing = membership.listing(&found, false);
        let mut probe_failures = HashMap::new();
        let known = Self::known(membership, &listing, only, command, &mut probe_failures);
        let known = known.filter(|known| !known.iter().any(|one| too_old(one.version())));
        let has_met_all = known.as_ref().is_some_and(|known| known.iter().all(|one| one.answer.is_ok()));
        let records = match known {
            Some(known) => known,
            None => Self::identify(membership, &listing, &deadline.half(), &mut probe_failures).await?,
        };
        if records.is_empty() {
            return Err(membership.no_members(&listing));
        }
        let mut missing = membership.requirements(&listing, &records);
        missing.retain(|requirement| requirement.failure().is_some());
        let version = (has_met_all && missing.is_empty()).then_some(listing.version);
        if only.is_some() {
            missing.clear();
        }
        let known = membership.known_members(found, version, Snapshot::new(records));
        Ok(Self { targets: Self::of(membership, &known, only, probe_failures)?, missing })
    }

    /// Returns the members, or the selected ones.
    fn of(
        membership: &Arc<Membership>,
        known: &KnownMembers,
        only: Option<&[Selector]>,
        mut probe_failures: HashMap<Address, Failure>,
    ) -> Result<Vec<Target>> {
        let claims = Arc::new(Claims::new(membership));
        let mut chosen = choose(known.processes(), only)?.into_iter().peekable();
        let members = known.processes().iter().zip(known.clients());
        let targets = members.filter(|(process, _)| chosen.next_if(|one| ptr::eq(*one, *process)).is_some());
        let target = |(process, member): (&Process, &ProcessClient)| Target {
            process: process.clone(),
            member: member.clone(),
            claims: Arc::clone(&claims),
            probe_failure: probe_failures.remove(process.address()),
        };
        Ok(targets.map(target).collect())
    }

    /// Returns the last known identities of the members. Returns `None` if a selected member must
    /// be probed first.
    ///
    /// Processes that are not selected need not be identified. If a process timed out before, it is
    /// not probed again here unless the command is not idempotent. The next read probes it.
    fn known(
        membership: &Membership,
        listing: &Listing,
        only: Option<&[Selector]>,
        command: &Command,
        probe_failures: &mut HashMap<Address, Failure>,
    ) -> Option<Vec<Arc<Record>>> {
        let mut unknown = HashSet::new();
        let mut found = Vec::with_capacity(listing.candidates.len());
        let duplicates = membership.duplicates(&listing.candidates);
        let table = membership.table();
        for candidate in &listing.candidates {
            let address = &candidate.address;
            let known = table.get(address).filter(|known| {
                known.file == candidate.file || candidate.file.is_none() && listing.is_out_of_sight(address)
            });
            let head = table.last_known(address);
            found.push(match (known.map(|known| &known.classification), head, table.unresponsive(address)) {
                (Some(Classification::Member { answered: true }), Some(head), _) if is_sure(command) => {
                    Ok(Arc::clone(head))
                }
                (Some(Classification::Member { answered: false }), None, Some(probe_failure))
                    if command.idempotency() != Idempotency::NonIdempotent =>
                {
                    // A query does no harm, and the process may have recovered by now.
                    if command.idempotency() == Idempotency::Idempotent {
                        probe_failures.insert(address.clone(), probe_failure.clone());
                    }
                    Err((address, probe_failure.clone()))
                }
                _ if candidate.file.is_some() && duplicates.contains(address) => continue,
                _ => {
                    unknown.insert(address);
                    Err((address, Failure::without_error(ErrorKind::Other, "not asked")))
                }
            });
        }
        let bare = |(address, failure): (&Address, Failure)| {
            let mut record = Record::new(Arc::clone(&membership.host), address.clone(), Err(failure));
            record.label = table.label(address).map(|label| (**label).into());
            Arc::new(record)
        };
        let records: Vec<_> = found.into_iter().map(|one| one.unwrap_or_else(bare)).collect();
        drop(table);
        let is_known = unknown.is_empty()
            || only.is_some_and(|only| {
                let snapshot = Snapshot::new(records.iter().cloned());
                let chosen = choose(snapshot.processes(), Some(only));
                chosen.is_ok_and(|chosen| chosen.iter().all(|one| !unknown.contains(one.address())))
            });
        is_known.then_some(records)
    }

    /// Identifies every candidate. A process that does not answer keeps its last known identity.
    async fn identify(
        membership: &Membership,
        listing: &Listing,
        deadline: &Deadline,
        probe_failures: &mut HashMap<Address, Failure>,
    ) -> Result<Vec<Arc<Record>>> {
        let records = membership.records(&StatFilter::Nothing, listing, deadline).await?;
        probe_failures.clear();
        let table = membership.table();
        let last_known = records.into_iter().map(|record| match &record.answer {
            Ok(_) => Arc::new(record),
            Err(failure) => {
                probe_failures.insert(record.address.clone(), failure.clone());
                table.last_known(&record.address).cloned().unwrap_or_else(|| Arc::new(record))
            }
        });
        Ok(last_known.collect())
    }
}

/// Returns `true` if the command may be sent to a process that was identified on an earlier connection.
///
/// A raw command is sent on a connection that does not identify its process, and another process may have
/// taken over the socket by now.
fn is_sure(command: &Command) -> bool {
    !command.is_raw() || command.idempotency() != Idempotency::NonIdempotent
}

/// Returns the selected processes.
pub(crate) fn choose<'a>(processes: &'a [Process], only: Option<&[Selector]>) -> Result<Vec<&'a Process>> {
    let Some(only) = only else { return Ok(processes.iter().collect()) };
    let mut chosen = HashSet::new();
    for selector in only {
        let fitting = processes.iter().filter(|process| selector.fits(process));
        let Some(process) = fitting.max_by_key(|process| selector.is_label_of(process)) else {
            let labels: Vec<_> = processes.iter().map(|process| &**process.label()).collect();
            let text = format!("process {:?}; there are {}", selector.to_string(), labels.join(", "));
            return Err(Error::new(Problem::NotSelected(text)));
        };
        chosen.insert(process.address());
    }
    if chosen.is_empty() {
        return Err(Error::new(Problem::NotSelected("process: none was chosen".into())));
    }
    Ok(processes.iter().filter(|process| chosen.contains(process.address())).collect())
}
