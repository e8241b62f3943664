//! The desired state of a cluster: plans, their application, and the loop that keeps it.

mod applying;
mod desired;
mod drift;
mod failing;
mod outcome;
mod plan;
mod planning;
mod reconciling;
mod secret;
mod server;
mod step;
mod terms;
mod work;

pub use applying::Applying;
pub use desired::Desired;
pub use drift::Reference;
pub use outcome::{Applied, ApplyProgress};
pub use plan::Plan;
pub use reconciling::{ReconcileEvent, Reconciling};
pub use server::{DesiredBackend, DesiredServer};
pub use step::{Blocked, BlockedReason, EntryChanges, ServerChange, Step};
pub use terms::{Apply, Reconcile};

use std::sync::Arc;

use futures::Stream;

use crate::cluster::{Cluster, Outcomes};
use crate::error::Result;
use crate::protocol::Response;
use planning::Checked;

impl Cluster {
    /// Compares every process with the desired state, and returns the steps that [`apply`](Cluster::apply) would take:
    /// the dry run. Changes nothing.
    ///
    /// Sends `show servers state` and `show stat`, `show map ID` and `show acl ID` for each map and ACL of the state,
    /// and `show ssl cert NAME` for each certificate. A certificate is compared by the SHA-1 of the first certificate
    /// of the PEM text. If HAProxy does not print it (keys of Ed25519), serial number and validity decide. Only processes
    /// that have answered the reads of servers are asked for the rest, so a process that hangs costs its
    /// [`Limits`](crate::Limits) once.
    ///
    /// A difference that a process cannot remove, such as a server to add in HAProxy 2.2, is listed with the reason:
    /// [`Plan::blocked`]. A process that is stopping is absent.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput), before anything is sent, if a name or a value cannot be
    ///   sent, or if an object occurs twice. Texts of certificates are shown in no error. Also for a process in which
    ///   a map or an ACL is given by its file and by its number, which needs `show map` or `show acl`.
    /// - [`NotFound`](crate::ErrorKind::NotFound) if no process has one of the backends, maps, ACLs or certificates.
    ///
    /// # Cancel safety
    ///
    /// The same as for [`settings`](Cluster::settings).
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
    /// use haproxyadmin::reconcile::{Desired, DesiredBackend, DesiredServer};
    ///
    /// let app = DesiredBackend::new("app").server(DesiredServer::new("web1").weight(20));
    /// let plans = cluster.plan(&Desired::new().backend(app)).await?;
    /// println!("{plans}");
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "dry run")]
    pub async fn plan(&self, desired: &Desired) -> Result<Outcomes<Plan>> {
        let checked = Checked::new(self, &Arc::new(desired.clone()))?;
        let outcomes = checked.plan(self, false).await?.with_command("plan");
        let outcomes = outcomes.then(|_, planned| Ok(Response::Value(planned.stages.into())));
        if self.is_partial() { Ok(outcomes) } else { outcomes.all() }
    }

    /// Brings every process to the desired state, and reads it back. Needs level admin if there is something to do.
    ///
    /// The stages. Each one ends on all processes before the next one begins:
    ///
    /// 1. Read every process: [`plan`](Cluster::plan).
    /// 2. Replace certificates, each on all processes that need it or on none
    ///    ([`Certificate::replace`](crate::certificate::Certificate::replace)).
    /// 3. Servers that come or stay: change addresses and weights, add servers with their checks turned on, and put
    ///    servers into traffic, with the settings before. Then wait until all mentioned servers that are wanted `ready`,
    ///    with a weight that is not 0, are up.
    /// 4. Change maps and ACLs ([`Map::sync`](crate::Map::sync)).
    /// 5. Servers that leave: wait until the budgets of the [terms](Apply) permit it, drain, wait until the sessions
    ///    have ended, and put into maintenance or delete.
    /// 6. Read every process again. Nothing is left to do, or the outcome is an error that names it.
    ///
    /// A failure holds back the later stages of its process as far as they could lose traffic, and no other process, except
    /// for certificates: see the [guide](crate::guide::reconcile). A process that restarts, reloads or joins the cluster meanwhile is read in
    /// step 6, and gets its steps then.
    ///
    /// The call can be repeated at any time, also after a failure and after it was given up at any point: it takes the
    /// steps that are left.
    ///
    /// The call sends nothing: the returned [`Applying`] does, when it is awaited or read as a stream of progress.
    ///
    /// # Errors
    ///
    /// - The errors of [`plan`](Cluster::plan).
    /// - [`Unsupported`](crate::ErrorKind::Unsupported) or [`Refused`](crate::ErrorKind::Refused) for a process with a
    ///   difference that it cannot remove, after the other steps.
    /// - [`Timeout`](crate::ErrorKind::Timeout) if a server is not up in time, if sessions have not ended in time, or if
    ///   the budgets do not permit in time that a server leaves. The message tells what is lacking.
    /// - [`Refused`](crate::ErrorKind::Refused) if HAProxy refuses a step, or if the process does not keep it.
    /// - [`PartiallyApplied`](crate::ErrorKind::PartiallyApplied) for each of these if steps were taken before.
    /// - [`NotFound`](crate::ErrorKind::NotFound) if every process is stopping. Through a view of
    ///   [`allow_partial`](Cluster::allow_partial) this is no error, and the outcomes have no value.
    ///
    /// Of several failures of a process, the outcome is the first one.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connections. Each process may have executed any number of the steps: a server may
    /// be in drain, or added and not enabled. The same call completes them.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(
    /// #     cluster: haproxyadmin::Cluster,
    /// #     desired: haproxyadmin::reconcile::Desired,
    /// # ) -> haproxyadmin::Result<()> {
    /// use haproxyadmin::reconcile::Apply;
    ///
    /// let terms = Apply::new().max_unavailable(2).min_healthy(3);
    /// for (label, applied) in cluster.apply(&desired, terms).await?.values() {
    ///     println!("{label}: {} steps", applied.steps.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "add server")]
    #[doc(alias = "del server")]
    #[doc(alias = "set server")]
    pub fn apply(&self, desired: &Desired, terms: Apply) -> Applying {
        Applying::new(self, Arc::new(desired.clone()), terms)
    }

    /// Compares the processes with each other, and returns for each one the steps that would make it equal to what most
    /// processes hold, or a chosen one. Changes nothing.
    ///
    /// Compared are the servers (presence, address, weight, administrative state), the maps and ACLs that have a file,
    /// and the certificates. Each value is decided by itself. If no value is held by more processes than every other
    /// value, each process lists its own: [`BlockedReason::NoMajority`].
    ///
    /// Presence of backends, maps, ACLs and certificates follows from the configuration. They are compared on the
    /// processes that have them, and [listed](Plan::absent) as absent on the others. Maps and ACLs without a file have a
    /// number that depends on the configuration, and are not compared. An object with a name that cannot be sent, such as
    /// a certificate `site.key`, is not compared either, and each process that has it lists it:
    /// [`BlockedReason::UnusableName`].
    ///
    /// A server that a process lacks is added only with a known address and state. Without a majority for one of them, it
    /// is listed as [`BlockedReason::NoMajority`].
    ///
    /// The reads follow one another. A process that times out in one of them is not asked again, so it costs its
    /// [`Limits`](crate::Limits) once.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`NotFound`](crate::ErrorKind::NotFound) if the chosen process is not in the cluster, or did not answer.
    /// - [`PermissionDenied`](crate::ErrorKind::PermissionDenied) for a process with a socket below level operator,
    ///   which does not show certificates, or below level admin from HAProxy 3.4 on, which does not show maps.
    ///
    /// # Cancel safety
    ///
    /// The same as for [`settings`](Cluster::settings).
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
    /// use haproxyadmin::reconcile::Reference;
    ///
    /// for (label, plan) in cluster.drift(Reference::Majority).await?.values() {
    ///     println!("{label}: {plan}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn drift(&self, reference: Reference) -> Result<Outcomes<Plan>> {
        drift::drift(self, &reference).await
    }

    /// Keeps the cluster in the newest state of a stream of desired states, until the stream ends and its last state is
    /// applied.
    ///
    /// The steps:
    ///
    /// 1. Take the newest state that has arrived. Older ones that were not begun are skipped.
    /// 2. [Apply](Cluster::apply) it. A state that arrives meanwhile waits for the end.
    /// 3. Wait for the [beat](Reconcile::every) and apply the state again, or for the next state. A process that has
    ///    restarted, reloaded or joined the cluster, or that another client has changed, gets the state at the beat; a
    ///    process that failed before, when its pause is over.
    ///
    /// A process that fails keeps no other process from getting the state, except for certificates. It has attempts of its own, after pauses
    /// that grow with each failure, while the others keep the beat. A new state ends such an attempt, and goes to all
    /// processes. If the state before has certificates, the new one waits for the end of the attempt.
    ///
    /// The returned stream does the work while it is read, in no task of its own. There is no election of a leader: of
    /// several programs with different states, each one undoes the changes of the other.
    ///
    /// # Cancel safety
    ///
    /// Dropping the stream has the effect of dropping [`apply`](Cluster::apply). The attempts rest while
    /// the stream is not read: a reader that waits for something else between two events holds them up.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(cluster: haproxyadmin::Cluster, desired: haproxyadmin::reconcile::Desired) {
    /// use futures::StreamExt as _;
    /// use futures::stream;
    /// use haproxyadmin::reconcile::{Apply, ReconcileEvent};
    ///
    /// // One state, and no end: the cluster is kept in it.
    /// let states = stream::iter([desired]).chain(stream::pending());
    /// let mut reconciling = cluster.reconcile(states, Apply::new());
    /// while let Some(event) = reconciling.next().await {
    ///     if let ReconcileEvent::Failed { error, .. } = event {
    ///         eprintln!("{error}");
    ///     }
    /// }
    /// # }
    /// ```
    #[doc(alias = "controller")]
    pub fn reconcile(
        &self,
        source: impl Stream<Item = Desired> + Send + 'static,
        terms: impl Into<Reconcile>,
    ) -> Reconciling {
        Reconciling::new(self, source, terms.into())
    }
}
