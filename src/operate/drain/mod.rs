//! Draining servers: from the command to the end of the last session.

mod draining;
mod outcome;
mod terms;
mod unread;
mod work;

pub use draining::Draining;
pub use outcome::{DrainEnd, DrainProgress, Drained};
pub use terms::Drain;

use crate::object::{Server, ServerRef};

impl ServerRef {
    /// Takes the server out of traffic on every process, and waits until its sessions have ended. Needs
    /// level admin.
    ///
    /// The steps on each process, all processes at once:
    ///
    /// 1. Read the state of the server: `show servers state B`.
    /// 2. Put it into drain: `set server B/S state drain`. A server in maintenance stays in maintenance.
    /// 3. Look at it again and again, at growing pauses, until it is
    ///    [drained](crate::wait::is_drained): no session, and no request in its queue. The first look at a
    ///    process is a `show stat` of its backend, and every later look one of this server alone.
    /// 4. Put it into maintenance, if the [terms](Drain::then_maint) ask for it.
    ///
    /// A process that has restarted or reloaded has forgotten the drain, and a process that joins the
    /// cluster has never heard of it: both are told. At the end, the server is drained on all processes
    /// at the same moment. A server that was down is drained as soon as it has no session. So is the
    /// server of a process that is stopping, such as an old worker, which refuses all changes.
    ///
    /// The [terms](Drain) set the measure at the end of the time: give up, end sessions by force, or undo.
    ///
    /// The call sends nothing: the returned [`Draining`] does, when it is awaited or read as a stream of
    /// progress.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`](crate::Outcomes::all). A process with sessions left at the end
    ///   of the time has the kind [`Timeout`](crate::ErrorKind::Timeout), and a message with their
    ///   number.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves each process as it is at this moment: in drain, or not told yet. Use
    /// [`Draining::until`] to stop a drain and set the processes back.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
    /// use std::time::Duration;
    /// use haproxyadmin::drain::Drain;
    ///
    /// let web1 = cluster.server_ref("app", "web1")?;
    /// let terms = Drain::within(Duration::from_secs(60)).then_maint().or_force();
    /// for (label, drained) in web1.drain(terms).await?.values() {
    ///     println!("{label}: {:?} after {:?}", drained.end, drained.time);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "set server state")]
    pub fn drain(&self, terms: impl Into<Drain>) -> Draining {
        Draining::new(self.clone(), terms.into())
    }
}

impl Server {
    /// Takes the server out of traffic on every process, and waits until its sessions have ended.
    ///
    /// See [`ServerRef::drain`].
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if HAProxy's configuration does not accept the
    ///   name of the server.
    pub fn drain(&self, terms: impl Into<Drain>) -> crate::error::Result<Draining> {
        Ok(self.reference()?.drain(terms))
    }
}
