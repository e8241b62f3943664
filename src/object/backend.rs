use super::server::{ServerRef, states};
use crate::cluster::{Cluster, OnceJob, Outcomes, Target};
use crate::error::Result;
use crate::process::{Batch, Executed, IdentifiedConnection};
use crate::protocol::{Change, Command, ProxyName, Response, ServerName};
use crate::show::ServerState;
use crate::show::stat::StatFilter;
use crate::transport::Deadline;

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

    /// Ends all sessions on all servers of the backend at once: `shutdown sessions server B/S` for
    /// each server that a process lists, with one outcome for each process. Needs level admin.
    ///
    /// Clients see a cut connection or an error. Sessions that have no server stay: they wait in the
    /// queue of the backend, or HAProxy answers them itself.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`]. The sessions of some servers may have been ended on a
    ///   process that failed. The call can be repeated.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connections, and each process may have executed some of the
    /// commands. While the list of servers is read, the same as for
    /// [`fetch_server_states`](Self::fetch_server_states).
    #[doc(alias = "shutdown sessions server")]
    #[doc(alias = "shutdown")]
    pub async fn shutdown_sessions(&self) -> Result<Outcomes<Change>> {
        let name = &self.name;
        let command = &Command::write("shutdown sessions server").word(format_args!("{name}/..."));
        let job = |target: Target, deadline| async move { shut_down(name, &target, &deadline).await };
        self.cluster.fan_out().each(command, StatFilter::backend(self.name()), job).await
    }
}

/// Ends the sessions on all servers of a backend of one process.
async fn shut_down(name: &ProxyName, target: &Target, deadline: &Deadline) -> Result<Response<Change>> {
    let list = Command::read("show servers state").word(name);
    let servers = match states(&list, target, deadline).await? {
        Response::Value(servers) if servers.is_empty() => {
            return Ok(Response::Value(Change::Unchanged("no servers".into())));
        }
        Response::Value(servers) => servers,
        Response::Absent(words) => return Ok(Response::Absent(words)),
    };
    let mut commands = Vec::with_capacity(servers.len());
    for server in servers {
        let server = ServerName::new(name.as_str(), &server.name)?;
        commands.push(Command::write("shutdown sessions server").word(server));
    }
    let batches = commands.chunks(AT_ONCE).map(|chunk| Batch::new(chunk.to_vec()));
    target.execute_once(&Shutdown(batches.collect::<Result<_>>()?), deadline).await
}

/// The end of the sessions on several servers.
struct Shutdown(Vec<Batch>);

impl OnceJob for Shutdown {
    async fn run(
        &self,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<Response<Change>> {
        let (mut is_done, mut absent) = (false, None);
        for batch in &self.0 {
            let Executed { answers, ended } = connection.execute_all(batch, deadline).await;
            for answer in answers {
                match answer? {
                    Response::Value(_) => is_done = true,
                    // The server has been deleted since the list was read.
                    Response::Absent(words) => absent = Some(words),
                }
            }
            ended?;
        }
        Ok(match absent.filter(|_| !is_done) {
            Some(words) => Response::Absent(words),
            None => Response::Value(Change::Changed(None)),
        })
    }
}

/// Most commands that are sent in one piece.
const AT_ONCE: usize = 100;
