//! The news of one process, from the call that follows it on.

use std::future::pending;
use std::sync::{Mutex, PoisonError};

use super::follow::{Follower, State};
use super::list;
use super::news::News;
use super::pause::Pause;
use crate::address::Address;
use crate::cluster::{Cluster, Outcome, Outcomes, Target};
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::protocol::{Command, Response};
use crate::show::stat::StatFilter;

/// A process that is followed, or that will be followed when it can be.
pub(super) enum Source {
    Followed(Box<(Follower, State)>),
    Waiting(Box<Waiting>),
}

/// A process that could not be followed so far.
pub(super) struct Waiting {
    /// View that selects the process only.
    cluster: Cluster,
    ring: Box<str>,
    command: Command,
    /// Reason that the caller has not been told yet.
    reason: Option<Error>,
    /// Kind of the last reason. Attempts that fail like it are no news.
    told: Option<ErrorKind>,
    pause: Pause,
}

/// A process that is followed from now on. Outcomes are shared, so it is taken out of its outcome.
pub(super) type Started = Mutex<Option<Box<(Follower, State)>>>;

/// Begins to follow a ring of each process of a view.
pub(super) async fn start(cluster: &Cluster, command: &Command, ring: &str) -> Result<Outcomes<Started>> {
    let job = |target: Target, deadline| async move {
        if let Some(absent) = list::look(&target, ring, &deadline).await? {
            return Ok(Response::Absent(absent));
        }
        let followed = Follower::start(target, ring, &deadline).await?;
        Ok(Response::Value(Mutex::new(Some(Box::new(followed)))))
    };
    cluster.fan_out().each(command, StatFilter::Nothing, job).await
}

impl Source {
    /// Creates the source of one process.
    pub(super) fn new(outcome: &Outcome<Started>, cluster: &Cluster, command: &Command, ring: &str) -> Self {
        match taken(outcome, ring) {
            Ok(followed) => Self::Followed(followed),
            Err(reason) => Self::Waiting(Box::new(Waiting {
                told: Some(reason.kind()),
                reason: Some(reason),
                ..Waiting::new(outcome.address(), cluster, command, ring)
            })),
        }
    }

    /// Creates the source of a process that no attempt has been made to follow yet.
    pub(super) fn waiting(address: &Address, cluster: &Cluster, command: &Command, ring: &str) -> Self {
        Self::Waiting(Box::new(Waiting::new(address, cluster, command, ring)))
    }

    /// Returns the next news.
    pub(super) async fn next(&mut self) -> News {
        match self {
            Self::Followed(process) => {
                let (follower, state) = &mut **process;
                follower.next(state).await
            }
            Self::Waiting(waiting) => match waiting.next().await {
                Ok(followed) => {
                    *self = Self::Followed(followed);
                    News::Connected { is_new: true }
                }
                Err(reason) => News::Ended(reason),
            },
        }
    }
}

impl Waiting {
    fn new(address: &Address, cluster: &Cluster, command: &Command, ring: &str) -> Self {
        Self {
            cluster: cluster.allow_partial().only([address]),
            ring: ring.into(),
            command: command.clone(),
            reason: None,
            told: None,
            pause: Pause::new(),
        }
    }

    /// Waits until the process is followed, or until there is another reason.
    async fn next(&mut self) -> Result<Box<(Follower, State)>> {
        if let Some(reason) = self.reason.take() {
            return Err(reason);
        }
        // A ring is never followed through a master.
        if self.told == Some(ErrorKind::InvalidInput) {
            return pending().await;
        }
        loop {
            self.pause.wait().await;
            let started = match start(&self.cluster, &self.command, &self.ring).await {
                Ok(outcomes) => match outcomes.iter().next() {
                    Some(outcome) => taken(outcome, &self.ring),
                    None => continue,
                },
                Err(error) => Err(error),
            };
            match started {
                Err(error) if Some(error.kind()) == self.told => {}
                Err(error) => {
                    self.told = Some(error.kind());
                    return Err(error);
                }
                Ok(followed) => return Ok(followed),
            }
        }
    }
}

fn taken(outcome: &Outcome<Started>, ring: &str) -> Result<Box<(Follower, State)>> {
    let absent = || {
        let error = Error::new(Problem::NotFound(format!("ring {ring}")));
        error.during(format!("show events {ring}")).at(outcome.address())
    };
    let started = outcome.result().map_err(Clone::clone)?.ok_or_else(absent)?;
    started.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or_else(absent)
}
