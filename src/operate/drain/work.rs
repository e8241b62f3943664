use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::outcome::{DrainEnd, DrainProgress, Drained};
use super::terms::{Drain, Or};
use super::unread::Unread;
use crate::address::Address;
use crate::cluster::{Outcomes, Target};
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
}

/// The findings about one process.
#[derive(Debug, Clone, Copy)]
struct Process {
    /// State before the first change of this drain.
    before: AdminState,
    /// State that this drain has set last.
    set: Option<AdminState>,
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
        Self { server, terms, clock, stop, unread, processes: Mutex::default() }
    }

    pub(super) async fn run(mut self) -> Result<Outcomes<Drained>> {
        let forced = if self.terms.or == Or::Force { FORCED } else { Duration::ZERO };
        self.clock = Clock::new(self.terms.within.saturating_add(forced)).stopped_by(&self.stop);
        let cluster = &self.server.cluster;
        let outcomes = Looking::new(cluster, &self.server, &self, self.clock.clone()).run().await?;
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
        let cluster = &self.server.cluster.allow_partial();
        let command = &self.state(AdminState::Ready);
        let job = |target: Target, deadline| async move { self.undo_on(&target, &deadline).await };
        let undone = cluster.fan_out().each(command, StatFilter::Nothing, job).await?;
        let note = |address: &Address| {
            let before = self.processes().get(address)?.before;
            let outcome = undone.iter().find(|outcome| outcome.address() == address)?;
            match outcome.result() {
                Ok(note) => note.cloned(),
                Err(error) => Some(format!("it could not be set back to {before}: {}", error.reason())),
            }
        };
        let outcomes = outcomes.map_errors(|address, error| match note(address) {
            Some(note) => Error::from_kind(error.kind(), format!("{}; {note}", error.reason())),
            None => error,
        });
        Ok(outcomes.then(|address, _| {
            let note = note(address).map(|note| format!("; {note}")).unwrap_or_default();
            let text = format!("drained, but other processes were not{note}");
            Err(Error::from_kind(ErrorKind::Timeout, text))
        }))
    }

    /// Sets a process back, unless the state is not the one that the drain has set. Returns a text that
    /// tells the state.
    async fn undo_on(&self, target: &Target, deadline: &Deadline) -> Result<Response<String>> {
        let absent = || Ok(Response::Absent("not told to drain".into()));
        let process = self.processes().get(target.member.address()).copied();
        let Some(Process { before, set, .. }) = process else { return absent() };
        let Some(set) = set else { return Ok(Response::Value(format!("it stays in {before}"))) };
        let Response::Value(now) = server_state(&self.server, target, deadline).await? else {
            return absent();
        };
        let now = now.administrative.set_state();
        if now != set {
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

    fn processes(&self) -> MutexGuard<'_, HashMap<Address, Process>> {
        self.processes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the server of a process into drain, unless it takes no traffic.
    async fn begin(&self, look: &Look<'_, ServerStats>) -> Result<()> {
        let Look { target, stats, deadline, .. } = look;
        let Response::Value(now) = server_state(&self.server, target, deadline).await? else { return Ok(()) };
        let (now, before) = (now.administrative.state(), now.administrative.set_state());
        let was_down = is_in(stats, &State::Down) && is_drained().lacks(*stats).is_none();
        self.processes()
            .entry(target.member.address().clone())
            .and_modify(|process| process.before = process.set.map_or(before, |_| process.before))
            .or_insert(Process { before, set: None, was_down, forced: None });
        if now == AdminState::Ready { self.set(look, AdminState::Drain).await } else { Ok(()) }
    }

    async fn set(&self, look: &Look<'_, ServerStats>, state: AdminState) -> Result<()> {
        // The reply may be lost.
        if let Some(process) = self.processes().get_mut(look.target.member.address()) {
            process.set = Some(state);
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
        if !is_stopping && (*is_new || is_in_traffic) {
            self.begin(look).await?;
            // The figures are from before the command.
            let left = is_idle().lacks(*stats);
            return Ok(Some(left.unwrap_or_else(|| "0 sessions, 0 queued requests".into())));
        }
        let lack = is_drained().lacks(*stats);
        let is_forced = self.terms.or == Or::Force && !self.stop.is_stopped();
        if lack.is_some() && is_forced && self.clock.elapsed() >= self.terms.within {
            self.force(look).await?;
        }
        let is_last_step = lack.is_none() && self.terms.then_maint && !is_stopping;
        if is_last_step && !is_in(stats, &State::Maint) {
            self.set(look, AdminState::Maint).await?;
        }
        Ok(lack)
    }
}

fn is_in(server: &ServerStats, state: &State) -> bool {
    server.status().values().all(|status| status.state == *state)
}
