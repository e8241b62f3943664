use std::fmt;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::future::{BoxFuture, pending, select};
use futures::stream::{BoxStream, Fuse};
use futures::{FutureExt as _, Stream, StreamExt as _};
use tokio::time;

use super::applying::Applying;
use super::desired::Desired;
use super::outcome::Applied;
use super::terms::Reconcile;
use crate::cluster::{Cluster, Outcomes};
use crate::error::{Error, ErrorKind};

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
    /// Steps were taken, and every process shows the desired state.
    Applied {
        /// The steps of each process.
        outcomes: Outcomes<Applied>,
    },
    /// Every process showed the desired state when it was compared. Comes once, until something changes.
    InSync,
    /// At least one process does not show the desired state. The others may do so:
    /// [`error.outcomes::<Applied>()`](Error::outcomes).
    Failed {
        /// The error of [`Cluster::apply`](crate::Cluster::apply).
        error: Error,
        /// Time until the next attempt, unless a new state arrives before. `None` if the state is not valid, and only
        /// a new one helps.
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
        let work = ReconcileWork { cluster: cluster.strict(), states, terms, events: sender };
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

struct ReconcileWork {
    cluster: Cluster,
    states: States,
    terms: Reconcile,
    events: UnboundedSender<ReconcileEvent>,
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

    /// Returns the newest of the states that have arrived.
    fn newest(&mut self) -> Option<Desired> {
        let mut newest = None;
        while !self.is_over {
            match self.source.next().now_or_never() {
                Some(Some(state)) => newest = Some(state),
                Some(None) => self.is_over = true,
                None => break,
            }
        }
        newest
    }
}

impl ReconcileWork {
    async fn run(mut self) {
        let Some(first) = self.states.source.next().await else { return };
        let mut desired = Arc::new(first);
        let mut backoff = self.backoff();
        let mut is_in_sync = false;
        loop {
            if let Some(newest) = self.states.newest() {
                desired = Arc::new(newest);
                (is_in_sync, backoff) = (false, self.backoff());
            }
            let applied = Applying::new(&self.cluster, Arc::clone(&desired), self.terms.apply.clone()).await;
            let pause = match applied {
                Ok(outcomes) => {
                    backoff = self.backoff();
                    let was_in_sync = is_in_sync;
                    is_in_sync = outcomes.values().all(|(_, applied)| applied.steps.is_empty());
                    if !is_in_sync {
                        self.send(ReconcileEvent::Applied { outcomes });
                    } else if !was_in_sync {
                        self.send(ReconcileEvent::InSync);
                    }
                    // A state that arrived during the work is newer.
                    let newest = self.states.newest();
                    if self.states.is_over && newest.is_none() {
                        return;
                    }
                    if let Some(newest) = newest {
                        desired = Arc::new(newest);
                        is_in_sync = false;
                        continue;
                    }
                    Some(self.terms.every)
                }
                Err(error) => {
                    is_in_sync = false;
                    let is_valid = error.kind() != ErrorKind::InvalidInput;
                    let retry_in = is_valid.then(|| backoff.next().unwrap_or(self.terms.longest_pause));
                    self.send(ReconcileEvent::Failed { error, retry_in });
                    if retry_in.is_none() && self.states.is_over {
                        return;
                    }
                    retry_in
                }
            };
            if let Some(next) = self.wait(pause).await {
                desired = Arc::new(next);
                (is_in_sync, backoff) = (false, self.backoff());
            } else if pause.is_none() {
                // The state is not valid, and no other one comes.
                return;
            }
        }
    }

    /// Waits until the pause is over, or until the next state, which is returned. Without a pause, returns `None` if
    /// no state comes any more.
    async fn wait(&mut self, pause: Option<Duration>) -> Option<Desired> {
        match pause {
            None => self.states.source.next().await,
            Some(pause) if self.states.is_over => {
                time::sleep(pause).await;
                None
            }
            Some(pause) => {
                let (sleeping, next) = (pin!(time::sleep(pause)), pin!(self.states.next()));
                match select(next, sleeping).await {
                    futures::future::Either::Left((state, _)) => Some(state),
                    futures::future::Either::Right(_) => None,
                }
            }
        }
    }

    fn backoff(&self) -> <ExponentialBuilder as BackoffBuilder>::Backoff {
        // The jitter can double a pause.
        let longest = self.terms.longest_pause / 2;
        let growing =
            ExponentialBuilder::new().with_min_delay(FIRST_PAUSE.min(longest)).with_max_delay(longest);
        growing.without_max_times().with_jitter().build()
    }

    fn send(&self, event: ReconcileEvent) {
        // The receiver lives as long as this future.
        let _ = self.events.unbounded_send(event);
    }
}

/// Pause after the first failure, without the jitter.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

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
