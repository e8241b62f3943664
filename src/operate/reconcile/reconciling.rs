use std::collections::HashSet;
use std::fmt;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::future::{BoxFuture, Either, pending, select};
use futures::stream::{BoxStream, Fuse, FuturesUnordered};
use futures::{FutureExt as _, Stream, StreamExt as _};
use tokio::time::{self, Instant};

use super::applying::Applying;
use super::desired::Desired;
use super::failing::{Failing, Retry};
use super::outcome::Applied;
use super::terms::{Apply, Reconcile};
use crate::address::Address;
use crate::cluster::{Cluster, Outcomes};
use crate::error::{Error, ErrorKind, Result};

/// A loop that keeps a cluster in the desired state, as a stream of [`ReconcileEvent`]:
/// [`Cluster::reconcile`](crate::Cluster::reconcile).
///
/// It works while it is read, and does nothing otherwise.
///
/// # Example
///
/// ```no_run
/// # async fn example(
/// #     cluster: haproxyadmin::Cluster,
/// #     states: impl futures::Stream<Item = haproxyadmin::reconcile::Desired> + Send + 'static,
/// # ) {
/// use futures::StreamExt as _;
/// use haproxyadmin::reconcile::Apply;
///
/// let mut reconciling = cluster.reconcile(states, Apply::new());
/// while let Some(event) = reconciling.next().await {
///     println!("{event}");
/// }
/// # }
/// ```
#[must_use = "a reconciliation does nothing unless it is read"]
pub struct Reconciling {
    /// `None` when it has ended.
    running: Option<BoxFuture<'static, ()>>,
    events: UnboundedReceiver<ReconcileEvent>,
}

/// Something that happened in a [`Reconciling`].
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(tag = "event", rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ReconcileEvent {
    /// Steps were taken, and every process that was asked shows the desired state.
    Applied {
        /// The steps of each process. A process that has failed before has its own attempts, and is not among them.
        outcomes: Outcomes<Applied>,
    },
    /// Every process showed the desired state when all of them were compared last. Comes once, until something changes.
    InSync,
    /// At least one process does not show the desired state. The others may do so:
    /// [`error.outcomes::<Applied>()`](Error::outcomes).
    Failed {
        /// The error of [`Cluster::apply`](crate::Cluster::apply).
        error: Error,
        /// Time until the next attempt with a process that failed, unless a new state arrives before. Of several
        /// processes with pauses of their own, it is the shortest pause. `None` if the state is not valid, and only a
        /// new one helps.
        retry_in: Option<Duration>,
    },
}

impl Reconciling {
    pub(super) fn new(
        cluster: &Cluster,
        source: impl Stream<Item = Desired> + Send + 'static,
        terms: Reconcile,
    ) -> Self {
        let (sender, events) = unbounded();
        let states = States { source: source.boxed().fuse(), is_over: false };
        let work = ReconcileWork::new(cluster.strict(), states, terms, sender);
        Self { running: Some(work.run().boxed()), events }
    }
}

impl Stream for Reconciling {
    type Item = ReconcileEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<ReconcileEvent>> {
        // An event is handed on before the work goes on.
        if let Poll::Ready(Some(event)) = self.events.poll_next_unpin(context) {
            return Poll::Ready(Some(event));
        }
        if let Some(running) = &mut self.running {
            if running.poll_unpin(context).is_ready() {
                // The work holds the sender of the events.
                self.running = None;
            }
        }
        self.events.poll_next_unpin(context)
    }
}

/// The desired states that arrive.
struct States {
    source: Fuse<BoxStream<'static, Desired>>,
    is_over: bool,
}

impl States {
    /// Waits for the next state. Never ends if the source has ended.
    async fn next(&mut self) -> Desired {
        if let Some(state) = self.source.next().await {
            return state;
        }
        self.is_over = true;
        pending().await
    }

    /// Returns the newest of the states that have arrived. A source that always has a next one is read for a while.
    fn newest(&mut self) -> Option<Desired> {
        let mut newest = None;
        for _ in 0..MOST {
            if self.is_over {
                break;
            }
            match self.source.next().now_or_never() {
                Some(Some(state)) => newest = Some(state),
                Some(None) => self.is_over = true,
                None => break,
            }
        }
        newest
    }
}

/// Largest number of states that are skipped at once.
const MOST: usize = 1024;

struct ReconcileWork {
    cluster: Cluster,
    states: States,
    apply: Apply,
    every: Duration,
    longest_pause: Duration,
    events: UnboundedSender<ReconcileEvent>,
    desired: Arc<Desired>,
    /// The state that waits for the end of the attempts that are running.
    waiting: Option<Desired>,
    running: FuturesUnordered<BoxFuture<'static, Ended>>,
    /// Time of the next beat; `None` while the attempt of a beat is running.
    beat: Option<Instant>,
    /// Pauses of attempts that fail as a whole.
    whole: Retry,
    failing: Failing,
    /// True if the last attempt with all processes has succeeded, and none has failed since.
    is_applied: bool,
    /// True if `InSync` was reported, and nothing has changed since.
    is_in_sync: bool,
}

/// The processes of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    All,
    /// All but those that have failed.
    Others,
    /// Those that have failed, and have a pause that is over.
    Failing,
}

/// An attempt that has ended.
struct Ended {
    part: Part,
    /// The processes of the attempt that had failed before.
    again: Vec<Address>,
    /// `None` if there was no process to ask.
    result: Option<Result<Outcomes<Applied>>>,
}

/// Something that the loop waits for.
enum Next {
    Ended(Ended),
    State(Desired),
    Due,
}

impl ReconcileWork {
    fn new(
        cluster: Cluster,
        states: States,
        terms: Reconcile,
        events: UnboundedSender<ReconcileEvent>,
    ) -> Self {
        let Reconcile { apply, every, longest_pause } = terms;
        Self {
            cluster,
            states,
            apply,
            every,
            longest_pause,
            events,
            desired: Arc::default(),
            waiting: None,
            running: FuturesUnordered::new(),
            beat: None,
            whole: Retry::new(longest_pause),
            failing: Failing::new(longest_pause),
            is_applied: false,
            is_in_sync: false,
        }
    }

    async fn run(mut self) {
        let Some(first) = self.states.source.next().await else { return };
        self.take(first);
        loop {
            if self.beat.is_some() {
                if let Some(newest) = self.states.newest() {
                    self.take(newest);
                }
            }
            self.begin();
            match self.next().await {
                Next::State(state) => self.take(state),
                Next::Due => {}
                Next::Ended(ended) => {
                    if !self.end(ended) {
                        // The state is not valid.
                        let Some(next) = self.states.source.next().await else { return };
                        self.take(next);
                    } else if self.is_done() {
                        return;
                    }
                }
            }
        }
    }

    /// Begins with a new state. An attempt with processes that had failed before is given up: they get the new
    /// state with the others. If it may be replacing certificates, the state waits for its end, because the pending
    /// transaction of a replacement that is given up would block the next one.
    fn take(&mut self, state: Desired) {
        if !self.running.is_empty() && !self.desired.certificates.is_empty() {
            self.waiting = Some(state);
            return;
        }
        self.desired = Arc::new(state);
        self.waiting = None;
        (self.is_in_sync, self.is_applied) = (false, false);
        self.whole = Retry::new(self.longest_pause);
        self.start_over();
    }

    /// Gives up what is running, and makes an attempt with all processes due.
    fn start_over(&mut self) {
        self.running.clear();
        self.failing.clear();
        self.beat = Some(Instant::now());
    }

    /// Returns `true` if the last state is applied, and no other one comes.
    fn is_done(&mut self) -> bool {
        if !self.is_applied || !self.failing.is_empty() || !self.running.is_empty() || self.waiting.is_some()
        {
            return false;
        }
        let newest = self.states.newest();
        let is_done = newest.is_none() && self.states.is_over;
        if let Some(newest) = newest {
            self.take(newest);
        }
        is_done
    }

    /// Begins the attempts that are due.
    fn begin(&mut self) {
        let is_member = |address: &Address| self.cluster.is_member(address);
        self.failing.retain(is_member);
        if let Some(state) = self.waiting.take() {
            self.take(state);
            if self.waiting.is_some() {
                return;
            }
        }
        if self.beat.is_some_and(|beat| beat <= Instant::now()) {
            self.beat = None;
            let part = if self.failing.is_apart() { Part::Others } else { Part::All };
            let apart = self.failing.processes();
            let (cluster, desired, apply) =
                (self.cluster.clone(), Arc::clone(&self.desired), self.apply.clone());
            let attempt = async move {
                let result = match part {
                    Part::All => Some(Applying::new(&cluster, desired, apply).await),
                    _ => apply_to_others(&cluster, &apart, desired, apply).await,
                };
                Ended { part, again: Vec::new(), result }
            };
            self.running.push(attempt.boxed());
        }
        let again = self.failing.begin();
        if !again.is_empty() {
            let cluster = self.cluster.only(&again);
            let applying = Applying::of_part(&cluster, Arc::clone(&self.desired), self.apply.clone());
            let attempt = async move { Ended { part: Part::Failing, again, result: Some(applying.await) } };
            self.running.push(attempt.boxed());
        }
    }

    /// Waits until something has to be done. A state that arrives during the attempt of a beat waits for its end.
    async fn next(&mut self) -> Next {
        // Nothing begins while a state is waiting.
        let due =
            self.beat.into_iter().chain(self.failing.next_due()).min().filter(|_| self.waiting.is_none());
        let is_beating = self.beat.is_none();
        let Self { running, states, .. } = self;
        let ended = async {
            match running.next().await {
                Some(ended) => ended,
                None => pending().await,
            }
        };
        let state =
            async { if is_beating || states.is_over { pending().await } else { states.next().await } };
        let sleeping = async {
            match due {
                Some(due) => time::sleep_until(due).await,
                None => pending().await,
            }
        };
        match select(pin!(ended), select(pin!(state), pin!(sleeping))).await {
            Either::Left((ended, _)) => Next::Ended(ended),
            Either::Right((Either::Left((state, _)), _)) => Next::State(state),
            Either::Right((Either::Right(_), _)) => Next::Due,
        }
    }

    /// Takes note of an attempt, and reports it. Returns `false` if the state is not valid.
    fn end(&mut self, ended: Ended) -> bool {
        let Ended { part, again, result } = ended;
        self.failing.end(&again);
        if part != Part::Failing {
            self.beat = Some(Instant::now() + self.every);
        }
        match result {
            None => {}
            Some(Ok(outcomes)) => self.succeed(part, outcomes),
            Some(Err(error)) => {
                let is_whole = part == Part::All && error.outcomes::<Applied>().is_none();
                if is_whole && error.kind() == ErrorKind::InvalidInput {
                    self.start_over();
                    self.send(ReconcileEvent::Failed { error, retry_in: None });
                    return false;
                }
                self.fail(part, &again, error);
            }
        }
        if part != Part::All && self.failing.is_empty() && self.beat.is_some() {
            // Only an attempt with all processes finds out if an object is in none of them.
            self.beat = Some(Instant::now());
        }
        true
    }

    fn succeed(&mut self, part: Part, outcomes: Outcomes<Applied>) {
        self.failing.settle(&outcomes, part == Part::All, false);
        if part == Part::All {
            self.is_applied = true;
            self.whole = Retry::new(self.longest_pause);
        }
        if outcomes.values().any(|(_, applied)| !applied.steps.is_empty()) {
            self.is_in_sync = false;
            self.send(ReconcileEvent::Applied { outcomes });
        } else if part == Part::All && self.failing.is_empty() && !self.is_in_sync {
            self.is_in_sync = true;
            self.send(ReconcileEvent::InSync);
        }
    }

    fn fail(&mut self, part: Part, again: &[Address], error: Error) {
        // A certificate is replaced on all processes that need it, or on none.
        let together = !self.desired.certificates.is_empty();
        let pause = match error.outcomes::<Applied>() {
            Some(outcomes) => self.failing.settle(outcomes, part == Part::All, together),
            None => self.failing.fail(again),
        };
        if part != Part::All && error.is_not_selected() || part == Part::Failing && pause.is_none() {
            // A process has left the cluster.
            return;
        }
        (self.is_in_sync, self.is_applied) = (false, false);
        let retry_in = pause.unwrap_or_else(|| {
            let pause = self.whole.fail();
            self.beat = Some(Instant::now() + pause);
            pause
        });
        self.send(ReconcileEvent::Failed { error, retry_in: Some(retry_in) });
    }

    fn send(&self, event: ReconcileEvent) {
        // The receiver lives as long as this future.
        let _ = self.events.unbounded_send(event);
    }
}

/// Applies a state to all processes but some. Returns `None` if there are no others.
async fn apply_to_others(
    cluster: &Cluster,
    apart: &HashSet<Address>,
    desired: Arc<Desired>,
    apply: Apply,
) -> Option<Result<Outcomes<Applied>>> {
    let members = match cluster.list(apart, false).await {
        Ok(members) => members,
        Err(error) => return Some(Err(error)),
    };
    let others: Vec<_> =
        members.iter().map(|member| &member.address).filter(|address| !apart.contains(*address)).collect();
    if others.is_empty() {
        return None;
    }
    Some(Applying::of_part(&cluster.only(others), desired, apply).await)
}

impl fmt::Debug for Reconciling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconciling").field("has_ended", &self.running.is_none()).finish_non_exhaustive()
    }
}

impl fmt::Display for ReconcileEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Applied { outcomes } => write!(f, "applied\n{outcomes}"),
            Self::InSync => f.write_str("in sync"),
            Self::Failed { error, retry_in: Some(pause) } => write!(f, "{error}; again in {pause:.1?}"),
            Self::Failed { error, retry_in: None } => error.fmt(f),
        }
    }
}
