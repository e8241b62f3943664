use super::handle::Backend;
use super::server::{ServerRef, states};
use crate::cluster::{Cluster, Outcomes, Target};
use crate::error::Result;
use crate::protocol::{Command, ProxyName};
use crate::show::ServerState;
use crate::show::stat::StatFilter;

/// A backend of a [`Cluster`], addressed by its name.
///
/// Creating the reference sends nothing, and the name is not checked until the reference is used.
///
/// # Cancel safety
///
/// Dropping a future closes the connections and leaves nothing behind.
/// [`fetch_server_states`](Self::fetch_server_states) may leave a task behind. The guide,
/// `guide::cancellation`, has the details.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// let app = cluster.backend_ref("app")?;
/// for (label, servers) in app.fetch_server_states().await?.values() {
///     println!("{label} has {} servers", servers.len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct BackendRef {
    cluster: Cluster,
    name: ProxyName,
}

impl Cluster {
    /// Returns every backend.
    ///
    /// # Errors
    ///
    /// - The errors of [`snapshot`](Cluster::snapshot).
    #[doc(alias = "show stat")]
    pub async fn backends(&self) -> Result<Vec<Backend>> {
        let backends = self.snapshot().await?.backends();
        Ok(backends.into_iter().map(|backend| Backend::new(self, backend)).collect())
    }

    /// Returns the backend called `name`.
    ///
    /// Requests only the rows of this backend and of its servers, which costs HAProxy much less
    /// than all rows. Falls back to all rows if a frontend and a backend share the name.
    ///
    /// # Errors
    ///
    /// - The errors of [`snapshot`](Cluster::snapshot).
    /// - [`NotFound`](crate::ErrorKind::NotFound) if no process lists the backend.
    /// - [`Incomplete`](crate::ErrorKind::Incomplete) if some processes did not answer, since one
    ///   of them may have it.
    #[doc(alias = "show stat")]
    pub async fn backend(&self, name: &str) -> Result<Backend> {
        Ok(Backend::new(self, self.read(&StatFilter::backend(name)).await?.backend(name)?))
    }

    /// Returns a reference to the backend called `name`, to reach its servers. Sends nothing.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if HAProxy's configuration does not
    ///   accept `name` as a name.
    pub fn backend_ref(&self, name: &str) -> Result<BackendRef> {
        Ok(BackendRef { cluster: self.clone(), name: ProxyName::new("backend", name)? })
    }
}

impl BackendRef {
    /// Returns a reference to the same backend that acts through `cluster`, another view of the
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

    /// Returns the name of the backend.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Reads the backend with its figures: [`Cluster::backend`].
    ///
    /// # Errors
    ///
    /// - The errors of [`Cluster::backend`].
    #[doc(alias = "show stat")]
    pub async fn read(&self) -> Result<Backend> {
        self.cluster.backend(self.name()).await
    }
}

impl BackendRef {
    /// Returns a reference to the server called `name` in this backend. Sends nothing.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if HAProxy's configuration does not
    ///   accept `name` as a name.
    pub fn server_ref(&self, name: &str) -> Result<ServerRef> {
        self.cluster.server_ref(self.name(), name)
    }

    /// Reads the states of the backend's servers from each process: `show servers state NAME`.
    ///
    /// The reply reports the administrative state (set by the operator) and the operational state
    /// (seen by HAProxy) separately. A socket of any level may read it.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind, except while a reply is arriving: a task then
    /// reads the reply to its end, for a minute at most, because HAProxy 3.2 dies if the reply is
    /// cut. The task needs the Tokio runtime on which the call ran.
    #[doc(alias = "show servers state")]
    pub async fn fetch_server_states(&self) -> Result<Outcomes<Vec<ServerState>>> {
        let command = &Command::read("show servers state").word(&self.name);
        let job = |target: Target, deadline| async move { states(command, &target, &deadline).await };
        self.cluster.fan_out().each(command, StatFilter::Nothing, job).await
    }
}
