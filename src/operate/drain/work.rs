use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::outcome::{DrainEnd, DrainProgress, Drained};
use super::terms::{Drain, Or};
use super::unread::Unread;
use crate::address::Address;
use crate::cluster::{Cluster, Outcomes, Target};
use crate::error::{Error, ErrorKind, Result};
use crate::object::{ServerRef, server_state};
use crate::operate::wait::{Clock, Condition as _, Look, Looking, Stop, Waited, Work, is_drained, is_idle};
use crate::protocol::{Command, Response};
use crate::show::AdminState;
use crate::show::stat::{StatFilter, State};
use crate::snapshot::ServerStats;
use crate::transport::Deadline;

/// One drain.
pub(super) struct DrainWork {
    server: ServerRef,
    terms: Drain,
    clock: Clock,
    stop: Stop,
    unread: Unread,
    processes: Mutex<HashMap<Address, Process>>,
    /// True if drained processes are put into maintenance.
    is_maint_due: AtomicBool,
}

/// The findings about one process.
#[derive(Debug, Clone, Copy)]
struct Process {
    /// State before the first change of this drain.
    before: AdminState,
    /// True if this drain has put the server into drain.
    is_told_to_drain: bool,
    /// True if this drain has put the server into maintenance, in the process that answers now.
    is_told_maint: bool,
    was_down: bool,
    /// Number of sessions that were ended by force.
    forced: Option<u64>,
}

/// Time in which sessions end after they were ended by force.
const FORCED: Duration = Duration::from_secs(5);

impl DrainWork {
    pub(super) fn new(server: ServerRef, terms: Drain, stop: Stop, unread: Unread) -> Self {
        // The time begins when the drain is polled for the first time.
        let clock = Clock::new(Duration::ZERO);
        // A server that is down and leaves maintenance is up until its next health check, so an undo begins
        // from drain wherever possible.
        let is_maint_due = AtomicBool::new(terms.then_maint && terms.or != Or::Undo);
        Self { server, terms, clock, stop, unread, processes: Mutex::default(), is_maint_due }
    }

    pub(super) async fn run(mut self) -> Result<Outcomes<Drained>> {
        let forced = if self.terms.or == Or::Force { FORCED } else { Duration::ZERO };
        self.clock = Clock::new(self.terms.within.saturating_add(forced)).stopped_by(&self.stop);
        let cluster = &self.server.cluster;
        let looking = Looking::new(cluster, &self.server, &self, self.clock.clone());
        let looking = looking.named(&self.state(AdminState::Drain));
        let mut outcomes = looking.run().await?;
        if self.terms.then_maint && self.terms.or == Or::Undo && outcomes.is_complete() {
            self.is_maint_due.store(true, Relaxed);
            outcomes = looking.run().await?;
        }
        let outcomes = match self.terms.or {
            Or::Undo if !outcomes.is_complete() => self.undo(outcomes).await?,
            _ => outcomes.then(|address, waited| Ok(Response::Value(self.drained(address, waited)))),
        };
        if cluster.is_partial() { Ok(outcomes) } else { outcomes.all() }
    }

    fn drained(&self, address: &Address, Waited { time, restarts, .. }: Waited) -> Drained {
        let end = match self.processes().get(address) {
            Some(Process { forced: Some(sessions), .. }) => DrainEnd::Forced { sessions: *sessions },
            Some(Process { was_down: true, .. }) => DrainEnd::WasDown,
            _ => DrainEnd::Idle,
        };
        Drained { end, time, restarts }
    }

    /// Sets each process back to the state that it had before.
    async fn undo(&self, outcomes: Outcomes<Waited>) -> Result<Outcomes<Drained>> {
        let cluster = self.server.cluster.allow_partial();
        let undone = match self.undo_all(&cluster).await {
            Err(error) if error.is_not_selected() => {
                // A selected process has left the cluster since.
                let told: Vec<Address> = self.processes().keys().cloned().collect();
                match cluster.still(&told) {
                    Some(still) => self.undo_all(&still).await?,
                    None => std::iter::empty().collect(),
                }
            }
            result => result?,
        };
        let name: Box<str> = outcomes.command().into();
        let note = |address: &Address| {
            let before = self.processes().get(address)?.before;
            let outcome = undone.iter().find(|outcome| outcome.address() == address)?;
            match outcome.result() {
                Ok(note) => note.cloned(),
                Err(error) => Some(format!("it could not be set back to {before}: {}", error.reason())),
            }
        };
        let outcomes = outcomes.map_errors(|address, error| match note(address) {
            Some(note) => {
                let undone = Error::from_kind(error.kind(), format!("{}; {note}", error.reason()));
                let command = error.command().map_or_else(|| name.clone(), Box::from);
                undone.with_command(command).with_address(address.clone())
            }
            None => error,
        });
        Ok(outcomes.then(|address, _| {
            let note = note(address).map(|note| format!("; {note}")).unwrap_or_default();
            let text = format!("drained, but other processes were not{note}");
            let error = Error::from_kind(ErrorKind::Timeout, text);
            Err(error.with_command(name.clone()).with_address(address.clone()))
        }))
    }

    async fn undo_all(&self, cluster: &Cluster) -> Result<Outcomes<String>> {
        let command = &self.state(AdminState::Ready);
        let job = |target: Target, deadline| async move { self.undo_on(&target, &deadline).await };
        cluster.fan_out().each(command, StatFilter::Nothing, job).await
    }

    /// Sets a process back, unless the state is not the one that the drain has set. Returns a text that
    /// tells the state.
    async fn undo_on(&self, target: &Target, deadline: &Deadline) -> Result<Response<String>> {
        let absent = || Ok(Response::Absent("not told to drain".into()));
        let process = self.processes().get(target.member.address()).copied();
        let Some(process) = process else { return absent() };
        let before = process.before;
        if !process.is_told_to_drain && !process.is_told_maint {
            return Ok(Response::Value(format!("it stays in {before}")));
        }
        let Response::Value(now) = server_state(&self.server, target, deadline).await? else {
            return absent();
        };
        let now = now.administrative.set_state();
        let is_own = match now {
            AdminState::Ready => false,
            AdminState::Drain => process.is_told_to_drain,
            AdminState::Maint => process.is_told_maint,
        };
        if !is_own {
            return Ok(Response::Value(format!("it stays in {now}")));
        }
        Ok(match target.change(&self.state(before), deadline).await? {
            Response::Value(_) => Response::Value(format!("it is set back to {before}")),
            Response::Absent(words) => Response::Absent(words),
        })
    }

    fn state(&self, state: AdminState) -> Command {
        self.server.set().word("state").word(state)
    }

    /// Returns `true` if the server was put into maintenance, by this drain or before.
    fn is_in_maint(&self, target: &Target) -> bool {
        let process = self.processes().get(target.member.address()).copied();
        process.is_some_and(|process| process.is_told_maint || process.before == AdminState::Maint)
    }

    fn processes(&self) -> MutexGuard<'_, HashMap<Address, Process>> {
        self.processes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the server of a process into drain, unless it was put into drain or maintenance before. Maintenance
    /// that it inherits, or because of its name, may end at any moment. Returns `true` if it was told.
    async fn begin(&self, look: &Look<'_, ServerStats>) -> Result<bool> {
        let Look { target, stats, deadline, .. } = look;
        let Response::Value(now) = server_state(&self.server, target, deadline).await? else {
            return Ok(false);
        };
        let before = now.administrative.set_state();
        let was_down = is_in(stats, &State::Down) && is_drained().lacks(*stats).is_none();
        self.processes()
            .entry(target.member.address().clone())
            .and_modify(|process| {
                if !process.is_told_to_drain {
                    process.before = before;
                }
                process.is_told_maint = false;
            })
            .or_insert(Process {
                before,
                is_told_to_drain: false,
                is_told_maint: false,
                was_down,
                forced: None,
            });
        if before != AdminState::Ready {
            return Ok(false);
        }
        self.set(look, AdminState::Drain).await?;
        Ok(true)
    }

    async fn set(&self, look: &Look<'_, ServerStats>, state: AdminState) -> Result<()> {
        // The reply may be lost.
        if let Some(process) = self.processes().get_mut(look.target.member.address()) {
            process.is_told_to_drain |= state == AdminState::Drain;
            process.is_told_maint |= state == AdminState::Maint;
        }
        look.change(&self.state(state)).await.map(drop)
    }

    /// Ends the sessions that are left.
    async fn force(&self, look: &Look<'_, ServerStats>) -> Result<()> {
        let result = look.change(&self.server.verb("shutdown sessions server")).await;
        let has_ended_some = match &result {
            Ok(response) => matches!(response, Response::Value(_)),
            Err(error) => error.is_unknown(),
        };
        if let (true, Some(process)) =
            (has_ended_some, self.processes().get_mut(look.target.member.address()))
        {
            // A later command finds the same sessions, or sessions that have come since.
            process.forced = process.forced.or(look.stats.scur());
        }
        result.map(drop)
    }
}

impl Work<ServerStats> for DrainWork {
    async fn look(&self, look: &Look<'_, ServerStats>) -> Result<Option<String>> {
        let Look { target, stats, is_new, .. } = look;
        if let (Some(sessions), Some(queued)) = (stats.scur(), stats.qcur()) {
            self.unread.put(DrainProgress { label: target.label().into(), sessions, queued });
        }
        // A process that is stopping refuses changes, and takes no new traffic.
        let is_stopping = stats.per_process().all(|(process, _)| process.is_stopping());
        let is_in_traffic = [State::Up, State::NoCheck].iter().any(|state| is_in(stats, state));
        if !is_stopping && (*is_new || is_in_traffic) && self.begin(look).await? {
            // The figures are from before the command.
            let left = is_idle().lacks(*stats);
            return Ok(Some(left.unwrap_or_else(|| "told to drain just now".into())));
        }
        let lack = is_drained().lacks(*stats);
        let is_forced = self.terms.or == Or::Force && !self.stop.is_stopped();
        if lack.is_some() && is_forced && self.clock.elapsed() >= self.terms.within {
            self.force(look).await?;
        }
        let is_last_step = lack.is_none() && self.is_maint_due.load(Relaxed) && !is_stopping;
        if is_last_step && !self.is_in_maint(target) {
            self.set(look, AdminState::Maint).await?;
        }
        Ok(lack)
    }
}

fn is_in(server: &ServerStats, state: &State) -> bool {
    server.status().values().all(|status| status.state == *state)
}
