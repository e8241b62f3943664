use std::collections::HashMap;
use std::future::pending;
use std::pin::pin;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::select;
use tokio::sync::watch;
use tokio::time::{self, Instant};

use super::Waited;
use super::subject::Subject;
use crate::address::Address;
use crate::cluster::{Cluster, Identity, Outcome, Outcomes, Target};
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::{Change, Command, Response};
use crate::show::stat::StatFilter;
use crate::snapshot::{Record, Snapshot};
use crate::transport::{Deadline, Limits};

/// The end of one wait, and its pauses.
#[derive(Debug, Clone)]
pub(in crate::operate) struct Clock {
    start: Instant,
    within: Duration,
    longest_pause: Duration,
    stop: Option<Stop>,
}

/// Ends a wait early. Clones stop the same wait.
#[derive(Debug, Clone, Default)]
pub(in crate::operate) struct Stop(Arc<watch::Sender<bool>>);

impl Stop {
    pub(in crate::operate) fn stop(&self) {
        self.0.send_replace(true);
    }

    pub(in crate::operate) fn is_stopped(&self) -> bool {
        *self.0.borrow()
    }

    async fn stopped(&self) {
        // The sender lives as long as `self`, so it is not closed.
        let _ = self.0.subscribe().wait_for(|is_stopped| *is_stopped).await;
    }
}

/// Pauses between two looks.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// Time after the end of the wait for the looks that began before.
const LAST_LOOK: Duration = Duration::from_secs(1);

impl Clock {
    pub(in crate::operate) fn new(within: Duration) -> Self {
        Self { start: Instant::now(), within, longest_pause: LAST_PAUSE, stop: None }
    }

    pub(in crate::operate) fn stopped_by(self, stop: &Stop) -> Self {
        Self { stop: Some(stop.clone()), ..self }
    }

    pub(in crate::operate) fn with_longest_pause(self, longest_pause: Duration) -> Self {
        Self { longest_pause, ..self }
    }

    pub(in crate::operate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn left(&self) -> Duration {
        self.within.saturating_sub(self.elapsed())
    }

    pub(super) fn is_over(&self) -> bool {
        self.left().is_zero() || self.stop.as_ref().is_some_and(Stop::is_stopped)
    }

    /// Returns the limits of a look that begins now.
    pub(super) fn limits(&self, limits: Limits) -> Limits {
        let left = self.within.saturating_add(LAST_LOOK).saturating_sub(self.elapsed());
        limits.with_command_timeout(limits.command_timeout.min(left))
    }

    /// Pauses after a look of this length. The pause ends early if `wake` says so.
    pub(super) async fn pause(&self, look: Duration, wake: &Stop) {
        let pause = (self.elapsed() / 20).max(look.saturating_mul(10)).clamp(FIRST_PAUSE, self.longest_pause);
        let stopped = async {
            match &self.stop {
                Some(stop) => stop.stopped().await,
                None => pending().await,
            }
        };
        let (sleeping, woken, stopped) =
            (pin!(time::sleep(pause.min(self.left()))), pin!(wake.stopped()), pin!(stopped));
        select(sleeping, select(woken, stopped)).await;
    }

    /// Returns the error of a wait that is over.
    pub(super) fn late(&self, lack: &str) -> Error {
        let elapsed = Duration::from_millis(u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX));
        let is_stopped = self.stop.as_ref().is_some_and(Stop::is_stopped);
        let stopped = if is_stopped { ", when the wait was stopped" } else { "" };
        Error::from_kind(ErrorKind::Timeout, format!("{lack} after {elapsed:?}{stopped}"))
    }
}

/// A time in which all members are looked at, each one at its own pace. Members that join are found by
/// the next round.
struct Round {
    start: Instant,
    members: AtomicUsize,
    /// Number of members that were looked at.
    looked: AtomicUsize,
    /// Number of members on which the object lacked nothing at the last look.
    ready: AtomicUsize,
    /// Set if the object lacked something on a member at the first look.
    has_waited: AtomicBool,
    /// Time of the longest look, in microseconds.
    longest: AtomicU64,
    /// Stopped when the last look of each member is due: the object lacks nothing on all of them, or all
    /// of them were looked at for a while.
    end: Stop,
}

/// The share of one member in a round.
struct Share<'a> {
    round: &'a Round,
    was_looked_at: bool,
    was_ready: bool,
}

/// Time after which a round ends, when all its members were looked at.
const ROUND: Duration = Duration::from_secs(1);

impl Round {
    fn new() -> Self {
        let (members, looked, ready, has_waited, longest, end) = Default::default();
        Self { start: Instant::now(), members, looked, ready, has_waited, longest, end }
    }

    /// Counts one more member. All members of a round join it before the first look ends.
    fn join(&self) -> Share<'_> {
        self.members.fetch_add(1, Relaxed);
        Share { round: self, was_looked_at: false, was_ready: false }
    }

    fn longest_look(&self) -> Duration {
        Duration::from_micros(self.longest.load(Relaxed))
    }
}

impl Share<'_> {
    fn looked(&mut self, is_ready: bool, look: Duration) {
        let Self { round, was_looked_at, was_ready } = self;
        round.longest.fetch_max(u64::try_from(look.as_micros()).unwrap_or(u64::MAX), Relaxed);
        if !std::mem::replace(was_looked_at, true) {
            round.looked.fetch_add(1, Relaxed);
            round.has_waited.fetch_or(!is_ready, Relaxed);
        }
        match (std::mem::replace(was_ready, is_ready), is_ready) {
            (false, true) => round.ready.fetch_add(1, Relaxed),
            (true, false) => round.ready.fetch_sub(1, Relaxed),
            _ => 0,
        };
        let members = round.members.load(Relaxed);
        let is_long = round.start.elapsed() >= ROUND && round.looked.load(Relaxed) == members;
        if is_long || round.ready.load(Relaxed) == members {
            round.end.stop();
        }
    }
}

/// Something that is done at each look at an object in one process, until the object lacks nothing.
pub(in crate::operate) trait Work<S>: Sync {
    /// Returns what the object still lacks, for the message of an error.
    ///
    /// # Errors
    ///
    /// - The error of a command. The process is looked at again.
    fn look(&self, look: &Look<'_, S>) -> impl Future<Output = Result<Option<String>>> + Send;
}

/// A look at an object in one process.
pub(in crate::operate) struct Look<'a, S> {
    pub(in crate::operate) target: &'a Target,
    pub(in crate::operate) stats: &'a S,
    /// True if the last look at this address, if any, found another process.
    pub(in crate::operate) is_new: bool,
    pub(in crate::operate) deadline: &'a Deadline,
    identity: Option<Identity>,
}

impl<S> Look<'_, S> {
    /// Executes a command in the process that was looked at.
    ///
    /// # Errors
    ///
    /// - [`Problem::Replaced`](crate::error::Problem::Replaced) if another process has taken its place.
    pub(in crate::operate) async fn change(&self, command: &Command) -> Result<Response<Change>> {
        let Self { target, deadline, identity, .. } = self;
        match identity {
            Some(identity) => {
                identity.connect(&target.member, deadline).await?.execute(command, deadline).await
            }
            None => target.change(command, deadline).await,
        }
    }
}

/// Repeated looks at one object in all processes.
pub(in crate::operate) struct Looking<'a, S: Subject, W> {
    cluster: &'a Cluster,
    subject: &'a S,
    work: &'a W,
    clock: Clock,
    /// Name in outcomes, and in errors that have no command of their own.
    name: Box<str>,
    members: Mutex<HashMap<Address, Member>>,
    /// Label of each process that was or is being looked at, also if it has never answered.
    targets: Mutex<HashMap<Address, Box<str>>>,
}

/// Words about a process that was a member before.
const LEFT: &str = "the process has left the cluster";

/// The findings about one member.
#[derive(Clone)]
struct Member {
    /// The last process that answered.
    identity: Option<Identity>,
    restarts: u32,
    /// Requests the rows of the object alone.
    filter: Option<StatFilter>,
    /// Time when the object lacked nothing any more.
    met: Option<Duration>,
}

impl<'a, S: Subject, W: Work<S::Stats>> Looking<'a, S, W> {
    pub(in crate::operate) fn new(cluster: &'a Cluster, subject: &'a S, work: &'a W, clock: Clock) -> Self {
        Self {
            cluster,
            subject,
            work,
            clock,
            name: "show stat".into(),
            members: Mutex::default(),
            targets: Mutex::default(),
        }
    }

    /// Names the outcomes after the command that the work sends.
    pub(in crate::operate) fn named(self, command: &Command) -> Self {
        Self { name: command.redacted().into(), ..self }
    }

    /// Looks at each process again and again, until the object lacks nothing on all of them at the same
    /// time: a process that was ready early may restart.
    ///
    /// # Errors
    ///
    /// - The errors of a call through [`Cluster::allow_partial`].
    pub(in crate::operate) async fn run(&self) -> Result<Outcomes<Waited>> {
        let command = &Command::read("show stat");
        let mut selected = self.cluster.clone();
        loop {
            let round = &Round::new();
            let limits = self.clock.limits(self.cluster.limits());
            // A previous state would be read before each round.
            let cluster = selected.with_limits(limits).allow_partial().without_previous();
            let job = |target: Target, _| async move { self.look_until(&target, round).await };
            let outcomes = cluster.fan_out().each(command, StatFilter::Nothing, job).await;
            let is_complete = outcomes.as_ref().is_ok_and(is_settled);
            let mut is_hopeless = outcomes.as_ref().is_err_and(Error::is_not_selected);
            if is_hopeless && !self.targets().is_empty() {
                // A selected process has left the cluster since.
                let targets: Vec<Address> = self.targets().keys().cloned().collect();
                let Some(still) = self.cluster.still(&targets) else { return Ok(self.left()) };
                (selected, is_hopeless) = (still, false);
            }
            // After a wait, another round finds the members that have joined meanwhile.
            if is_complete && !round.has_waited.load(Relaxed) || is_hopeless || self.clock.is_over() {
                return outcomes.map(|outcomes| outcomes.with_command(self.name.clone()));
            }
            if !is_complete {
                self.clock.pause(round.longest_look(), &Stop::default()).await;
            }
        }
    }

    /// Returns the outcomes if all members that were looked at have left the cluster.
    fn left(&self) -> Outcomes<Waited> {
        let targets = self.targets();
        let left = targets
            .iter()
            .map(|(address, label)| Outcome::from_absence(label.clone(), address.clone(), LEFT));
        left.collect::<Outcomes<Waited>>().with_command(self.name.clone())
    }

    /// Looks at one process until the round ends.
    async fn look_until(&self, target: &Target, round: &Round) -> Result<Response<Waited>> {
        let mut share = round.join();
        self.targets().insert(target.member.address().clone(), target.label().into());
        loop {
            let start = Instant::now();
            let result = self.look(target).await;
            let has_left = !self.cluster.is_member(target.member.address());
            let is_denied = result.as_ref().is_err_and(is_denied);
            share.looked(result.is_ok() || has_left || is_denied, start.elapsed());
            if has_left {
                return Ok(Response::Absent(LEFT.into()));
            }
            if is_denied || round.end.is_stopped() || self.clock.is_over() {
                return result;
            }
            self.clock.pause(start.elapsed(), &round.end).await;
        }
    }

    /// Looks at one process once.
    ///
    /// # Errors
    ///
    /// - `Timeout` if the object lacks something.
    /// - The error of a command.
    async fn look(&self, target: &Target) -> Result<Response<Waited>> {
        let deadline = &Deadline::new(self.clock.limits(self.cluster.limits()));
        let address = target.member.address();
        let known = self.members().get(address).cloned();
        let record = self.read(target, known.as_ref(), deadline).await?;
        let Some(stats) = self.subject.stats(&snapshot_of(&record)) else {
            return Ok(Response::Absent(S::ABSENT.into()));
        };
        let is_new = !known.as_ref().is_some_and(|known| known.is_same(&record));
        let mut member = Member {
            identity: Identity::of(&record),
            restarts: known.as_ref().map_or(0, |known| known.restarts + u32::from(is_new)),
            filter: S::own_filter(&stats),
            met: None,
        };
        let identity = member.identity.clone();
        let lack = self.work.look(&Look { target, stats: &stats, is_new, deadline, identity }).await?;
        if lack.is_none() {
            member.met = Some(
                known.filter(|_| !is_new).and_then(|known| known.met).unwrap_or_else(|| self.clock.elapsed()),
            );
        }
        let (met, restarts) = (member.met, member.restarts);
        self.members().insert(address.clone(), member);
        match (met, lack) {
            (Some(time), _) => Ok(Response::Value(Waited { time, restarts })),
            (None, lack) => Err(self.clock.late(&lack.unwrap_or_default()).during(self.name.clone())),
        }
    }

    /// Reads the rows of the object: by its numbers, if the same process answers as before, and by its
    /// name otherwise.
    async fn read(&self, target: &Target, known: Option<&Member>, deadline: &Deadline) -> Result<Record> {
        if let Some((known, filter)) = known.and_then(|known| Some((known, known.filter.as_ref()?))) {
            let record = target.look(filter, deadline).await?;
            if known.is_same(&record) && self.subject.stats(&snapshot_of(&record)).is_some() {
                return Ok(record);
            }
        }
        target.look(&self.subject.filter(), deadline).await
    }

    fn members(&self) -> MutexGuard<'_, HashMap<Address, Member>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn targets(&self) -> MutexGuard<'_, HashMap<Address, Box<str>>> {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns `true` if no wait changes the outcomes: the object lacks nothing, or the socket does not permit
/// the commands.
fn is_settled<T>(outcomes: &Outcomes<T>) -> bool {
    let mut errors = outcomes.failed().filter_map(|outcome| outcome.error());
    errors.all(is_denied) && outcomes.missing().next().is_none()
}

fn is_denied(error: &Error) -> bool {
    error.kind() == ErrorKind::PermissionDenied
}

impl Member {
    /// Returns `true` if the same process made this record.
    fn is_same(&self, record: &Record) -> bool {
        match (&self.identity, Identity::of(record)) {
            (Some(before), Some(now)) => before.fits(&now),
            _ => false,
        }
    }
}

fn snapshot_of(record: &Record) -> Snapshot {
    Snapshot::new([Arc::new(record.clone())])
}
