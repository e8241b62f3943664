use super::handle::Backend;
use super::server::{ServerRef, states};
use crate::cluster::{Cluster, Outcomes, Target};
use crate::error::Result;
use crate::protocol::{Command, ProxyName};
use crate::show::ServerState;
use crate::show::stat::StatFilter;

/// A backend of a [`Cluster`], by its name alone: made without asking anybody, for
/// its servers. Whether any process has it shows when it is used.
#[derive(Debug, Clone)]
pub struct BackendRef {
    cluster: Cluster,
    name: ProxyName,
}

impl Cluster {
    /// Every backend. See [`snapshot`](Cluster::snapshot) for cancel safety.
    ///
    /// # Errors
    ///
    /// Those of [`snapshot`](Cluster::snapshot).
    pub async fn backends(&self) -> Result<Vec<Backend>> {
        let backends = self.snapshot().await?.backends();
        Ok(backends.into_iter().map(|backend| Backend::new(self, backend)).collect())
    }

    /// The backend called `name`. Only its own rows and those of its servers are
    /// asked for, which costs HAProxy much less than all of them; all are only where
    /// another proxy has the name. See [`snapshot`](Cluster::snapshot) for cancel safety.
    ///
    /// # Errors
    ///
    /// Those of [`snapshot`](Cluster::snapshot), and
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if no process lists it;
    /// while some did not answer nobody knows, and it is
    /// [`ErrorKind::Incomplete`](crate::ErrorKind::Incomplete).
    pub async fn backend(&self, name: &str) -> Result<Backend> {
        Ok(Backend::new(self, self.read(&StatFilter::backend(name)).await?.backend(name)?))
    }

    /// The backend called `name`, for its servers. Asks nobody.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for what HAProxy's
    /// configuration would not take for a name.
    pub fn backend_ref(&self, name: &str) -> Result<BackendRef> {
        Ok(BackendRef { cluster: self.clone(), name: ProxyName::new("backend", name)? })
    }
}

impl BackendRef {
    /// Returns a reference to the same backend, whose calls go through another view of the
    /// cluster.
    ///
    /// ```no_run
    /// # fn example(backend: haproxyadmin::BackendRef, cluster: haproxyadmin::Cluster) {
    /// let lenient = backend.on(&cluster.allow_partial());
    /// # }
    /// ```
    #[must_use]
    pub fn on(&self, cluster: &Cluster) -> Self {
        Self { cluster: cluster.clone(), ..self.clone() }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The same with its figures: [`Cluster::backend`].
    ///
    /// # Errors
    ///
    /// Those of [`Cluster::backend`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connections and leaves nothing behind.
    pub async fn read(&self) -> Result<Backend> {
        self.cluster.backend(self.name()).await
    }
}

impl BackendRef {
    /// Its server called `name`, to act on it. Asks nobody.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for what
    /// HAProxy's configuration would not take for a name.
    pub fn server_ref(&self, name: &str) -> Result<ServerRef> {
        self.cluster.server_ref(self.name(), name)
    }

    /// The states of its servers, in each process: `show servers state NAME`.
    /// What the operator wants and how they are is apart there; every level may
    /// read it.
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind, but where a reply is under way: a
    /// task reads it to the end, for a minute at most, since HAProxy 3.2 dies if it is
    /// cut. The task needs the Tokio runtime that the call ran on.
    pub async fn fetch_server_states(&self) -> Result<Outcomes<Vec<ServerState>>> {
        let command = &Command::read("show servers state").word(&self.name);
        let job = |target: Target, deadline| async move { states(command, &target, &deadline).await };
        self.cluster.fan_out().each(command, StatFilter::Nothing, job).await
    }
}
