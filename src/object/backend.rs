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
/// [`fetch_server_states`](Self::fetch_server_states) may leave a task behind. See
/// [`guide::cancellation`](crate::guide::cancellation).
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
    pub(super) cluster: Cluster,
    name: ProxyName,
}

impl Cluster {
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
