//! Waiting until servers, backends and clusters meet a condition.

mod condition;
mod looking;
mod subject;

pub use condition::{
    Condition, HasWeight, IsComplete, IsDown, IsDrained, IsIdle, IsUp, ServersUp, has_weight, is_complete,
    is_down, is_drained, is_idle, is_up, servers_up,
};

pub(super) use condition::is_serving;
pub(super) use looking::{Clock, Look, Looking, Stop, Work};
pub(super) use subject::Subject;

use std::time::Duration;

use tokio::time::Instant;

use crate::cluster::{Cluster, Outcomes};
use crate::error::{Error, Result};
use crate::object::{Backend, BackendRef, Server, ServerRef};
use crate::snapshot::{BackendStats, ServerStats, Snapshot};

/// Outcome of a wait on one process.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// use std::time::Duration;
/// use haproxyadmin::wait;
///
/// let web1 = cluster.server_ref("app", "web1")?;
/// for (label, waited) in web1.wait_until(wait::is_drained(), Duration::from_secs(60)).await?.values() {
///     println!("{label}: drained after {:?}, {} restarts", waited.time, waited.restarts);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Waited {
    /// Time until the process was found to meet the condition.
    pub time: Duration,
    /// Number of times that another process took its place during the wait, through a restart or a
    /// reload. The new process has forgotten changes at run time, such as a drain.
    pub restarts: u32,
}

impl ServerRef {
    /// Waits until the server meets a condition on every process that has it: `show stat`, for its backend
    /// at the first look at a process, and for this server only at the later ones. A socket of any level may
    /// read it.
    ///
    /// All processes are read at once, again and again, and each one at its own pace: the pauses grow
    /// with the time waited (a twentieth of it, 20 ms to 1 s), and are at least ten times as long as
    /// HAProxy takes to answer. A process that restarts or reloads is waited for, and must meet the
    /// condition again. At the end, all processes meet the condition at the same time, processes that
    /// joined the cluster meanwhile included. A process that left the cluster is not waited for.
    ///
    /// `within` is the time for the whole wait. The last look may end up to a second later. With
    /// [`Duration::ZERO`] each process is looked at once.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`]. A process that does not meet the condition in time has the
    ///   kind [`Timeout`](crate::ErrorKind::Timeout) and a message with what it lacks, such as
    ///   `status UP 1/3`. A process that did not answer has the error of the last attempt.
    /// - [`NotFound`](crate::ErrorKind::NotFound) at once, if the view selects a process that is not in
    ///   the cluster.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the wait. It has changed nothing.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
    /// use std::time::Duration;
    /// use haproxyadmin::wait;
    ///
    /// let web1 = cluster.server_ref("app", "web1")?;
    /// web1.enable().await?;
    /// // HAProxy prints `UP 1/3` now, and plain `UP` when a health check has passed.
    /// web1.wait_until(wait::is_up(), Duration::from_secs(30)).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "show stat")]
    #[doc(alias = "await_condition")]
    pub async fn wait_until(
        &self,
        condition: impl Condition<ServerStats>,
        within: Duration,
    ) -> Result<Outcomes<Waited>> {
        wait(&self.cluster, self, &condition, within).await
    }
}

impl BackendRef {
    /// Waits until the backend meets a condition on every process that has it: `show stat`, for this
    /// backend and its servers only. A socket of any level may read it.
    ///
    /// Works like [`ServerRef::wait_until`].
    ///
    /// # Errors
    ///
    /// - The errors of [`ServerRef::wait_until`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the wait. It has changed nothing.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
    /// use std::time::Duration;
    /// use haproxyadmin::wait;
    ///
    /// cluster.backend_ref("app")?.wait_until(wait::servers_up(2), Duration::from_secs(30)).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "show stat")]
    pub async fn wait_until(
        &self,
        condition: impl Condition<BackendStats>,
        within: Duration,
    ) -> Result<Outcomes<Waited>> {
        wait(&self.cluster, self, &condition, within).await
    }
}

impl Server {
    /// Waits until the server meets a condition on every process that has it. The figures of this object
    /// stay as they were read.
    ///
    /// See [`ServerRef::wait_until`].
    ///
    /// # Errors
    ///
    /// - The errors of [`ServerRef::wait_until`].
    pub async fn wait_until(
        &self,
        condition: impl Condition<ServerStats>,
        within: Duration,
    ) -> Result<Outcomes<Waited>> {
        self.reference()?.wait_until(condition, within).await
    }
}

impl Backend {
    /// Waits until the backend meets a condition on every process that has it. The figures of this
    /// object stay as they were read.
    ///
    /// See [`BackendRef::wait_until`].
    ///
    /// # Errors
    ///
    /// - The errors of [`BackendRef::wait_until`].
    pub async fn wait_until(
        &self,
        condition: impl Condition<BackendStats>,
        within: Duration,
    ) -> Result<Outcomes<Waited>> {
        self.reference()?.wait_until(condition, within).await
    }
}

impl Cluster {
    /// Waits until a whole snapshot meets a condition, and returns it.
    ///
    /// Sends the commands of [`snapshot`](Cluster::snapshot), again and again: all rows of all processes.
    /// Prefer [`ServerRef::wait_until`] and [`BackendRef::wait_until`], which request few rows. The
    /// condition gets partial snapshots too; [`wait::is_complete`](crate::wait::is_complete) waits for
    /// every member.
    ///
    /// `within` is the time for the whole wait. The last look may end up to a second later. With
    /// [`Duration::ZERO`] there is one look.
    ///
    /// # Errors
    ///
    /// - [`Timeout`](crate::ErrorKind::Timeout) if the condition is not met in time. The message tells
    ///   what the last snapshot lacks.
    /// - The errors of [`snapshot`](Cluster::snapshot) on a view of
    ///   [`allow_partial`](Cluster::allow_partial), if they last until the end. If the view selects a
    ///   process that is not in the cluster, [`NotFound`](crate::ErrorKind::NotFound) at once.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the wait. It has changed nothing.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
    /// use std::time::Duration;
    /// use haproxyadmin::{Snapshot, wait};
    ///
    /// cluster.wait_until(wait::is_complete(), Duration::from_secs(30)).await?;
    /// let is_idle = |snapshot: &Snapshot| snapshot.frontends().iter().all(|one| one.scur() == Some(0));
    /// cluster.wait_until(is_idle, Duration::from_secs(60)).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "show stat")]
    pub async fn wait_until(
        &self,
        condition: impl Condition<Snapshot>,
        within: Duration,
    ) -> Result<Snapshot> {
        let clock = Clock::new(within);
        loop {
            let look = Instant::now();
            let cluster = self.with_limits(clock.limits(self.limits())).allow_partial();
            let result = cluster.snapshot().await.and_then(|snapshot| match condition.lacks(&snapshot) {
                None => Ok(snapshot),
                Some(lack) => Err(clock.late(&lack)),
            });
            let is_hopeless = result.as_ref().is_err_and(Error::is_not_selected);
            if result.is_ok() || is_hopeless || clock.is_over() {
                return result;
            }
            clock.pause(look.elapsed(), &Stop::default()).await;
        }
    }
}

/// Waits for an object on all processes.
async fn wait<S: Subject>(
    cluster: &Cluster,
    subject: &S,
    condition: &dyn Condition<S::Stats>,
    within: Duration,
) -> Result<Outcomes<Waited>> {
    let outcomes = Looking::new(cluster, subject, &Waiting(condition), Clock::new(within)).run().await?;
    if cluster.is_partial() { Ok(outcomes) } else { outcomes.all() }
}

/// A wait that changes nothing.
struct Waiting<'a, S>(&'a dyn Condition<S>);

impl<S: Send + Sync> Work<S> for Waiting<'_, S> {
    async fn look(&self, look: &Look<'_, S>) -> Result<Option<String>> {
        Ok(self.0.lacks(look.stats))
    }
}
