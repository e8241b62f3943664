//! Servers: their state, weight and address.

mod addition;
mod agent_state;
mod check;
mod deletion;
mod drain;
mod health;
mod listing;
mod new_server;
mod removal;
mod server_weight;
mod slot;
mod weight;

pub use agent_state::AgentState;
pub use health::Health;
pub use new_server::{AgentCheck, HealthCheck, NewServer, Tls};
pub use removal::Removal;
pub use server_weight::ServerWeight;
pub use slot::ServerTemplate;
pub use weight::Weight;

pub(super) use addition::add;
pub(super) use listing::{connections_of, show_connections};
pub(super) use slot::take;

use std::net::IpAddr;

use crate::cluster::{Cluster, Outcomes, Target};
use crate::error::{Error, Problem, Result};
use crate::protocol::{Change, Command, Host, Response, ServerName};
use crate::show::stat::StatFilter;
use crate::show::{AdminState, ServerState};
use crate::transport::Deadline;

/// A server of a [`Cluster`], addressed by the names of its backend and itself.
///
/// Creating the reference sends nothing, and the name is not checked until the reference is used.
/// See [`Outcomes`] for the result of a call and its failures.
///
/// # Cancel safety
///
/// Dropping the future of a read closes the connections and leaves nothing behind. Dropping the
/// future of a change closes the connections, and each process may have executed the command or may
/// still do so. [`fetch_state`](Self::fetch_state) may leave a task behind. See
/// [`guide::cancellation`](crate::guide::cancellation).
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// use haproxyadmin::{AdminState, Weight};
///
/// let web1 = cluster.server_ref("app", "web1")?;
/// web1.set_weight(Weight::percent(50)).await?;
/// println!("{}", web1.set_state(AdminState::Drain).await?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ServerRef {
    pub(crate) cluster: Cluster,
    name: ServerName,
}

impl Cluster {
    /// Returns a reference to the server called `name` in the backend called `backend`, to act on
    /// it. Sends nothing.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if HAProxy's configuration does not
    ///   accept `backend` or `name` as a name.
    pub fn server_ref(&self, backend: &str, name: &str) -> Result<ServerRef> {
        Ok(ServerRef { cluster: self.clone(), name: ServerName::new(backend, name)? })
    }
}

impl ServerRef {
    /// Returns a reference to the same server that acts through `cluster`, another view of the
    /// cluster.
    ///
    /// ```no_run
    /// # fn example(server: haproxyadmin::ServerRef, cluster: haproxyadmin::Cluster) {
    /// let lenient = server.on(&cluster.allow_partial());
    /// # }
    /// ```
    #[must_use]
    pub fn on(&self, cluster: &Cluster) -> Self {
        Self { cluster: cluster.clone(), ..self.clone() }
    }

    /// Returns the name of the server's backend.
    pub fn backend(&self) -> &str {
        self.name.backend()
    }

    /// Returns the name of the server.
    pub fn name(&self) -> &str {
        self.name.name()
    }
}

impl ServerRef {
    /// Sets the administrative state of the server: `set server B/S state ready|drain|maint`. Needs
    /// level admin.
    ///
    /// HAProxy prints nothing, so the answer is [`Changed`](Change::Changed) even if the server was
    /// in this state before.
    ///
    /// [`Ready`](AdminState::Ready) ends maintenance before any health check has passed: the server
    /// takes traffic at once, and its status is `UP 1/n`. To wait until the server is known to be
    /// up, wait until the status is plain `UP`
    /// ([`StatusDetail::Checks`](crate::stat::StatusDetail::Checks) has the details).
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    #[doc(alias = "set server state")]
    #[doc(alias = "setstate")]
    pub async fn set_state(&self, state: AdminState) -> Result<Outcomes<Change>> {
        self.run(self.set().word("state").word(state)).await
    }

    /// Ends the maintenance or drain of the server: `enable server B/S`. Needs level admin.
    ///
    /// The server takes traffic at once, before any health check has passed; see
    /// [`set_state`](Self::set_state).
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    #[doc(alias = "enable server")]
    pub async fn enable(&self) -> Result<Outcomes<Change>> {
        self.run(self.verb("enable server")).await
    }

    /// Puts the server into maintenance: `disable server B/S`. Needs level admin.
    ///
    /// The server takes no traffic and HAProxy does not check it. Maintenance replaces a drain.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    #[doc(alias = "disable server")]
    pub async fn disable(&self) -> Result<Outcomes<Change>> {
        self.run(self.verb("disable server")).await
    }

    /// Sets the weight of the server: `set server B/S weight W`. Needs level admin.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Refused`](crate::ErrorKind::Refused) if the backend's balancing algorithm has static
    ///   weights, and the weight is not 0 % or 100 %.
    #[doc(alias = "set server weight")]
    #[doc(alias = "setweight")]
    pub async fn set_weight(&self, weight: Weight) -> Result<Outcomes<Change>> {
        self.run(self.set().word("weight").word(weight)).await
    }

    /// Reads the current and the initial weight of the server from each process: `get weight B/S`.
    /// A socket of any level may read it.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    ///
    /// # Cancel safety
    ///
    /// The same as for a read; with `nbproc`, the same as for [`fetch_state`](Self::fetch_state),
    /// because the state is read first.
    #[doc(alias = "get weight")]
    pub async fn fetch_weight(&self) -> Result<Outcomes<ServerWeight>> {
        let name = &self.name;
        let command = &Command::read("get weight").word(name);
        let job = |target: Target, deadline| async move { weight(name, &target, &deadline).await };
        self.cluster.fan_out().each(command, StatFilter::Nothing, job).await
    }

    /// Reads the state of the server from each process: `show servers state B`.
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
    /// The same as for [`BackendRef::fetch_server_states`](crate::BackendRef::fetch_server_states).
    #[doc(alias = "show servers state")]
    pub async fn fetch_state(&self) -> Result<Outcomes<ServerState>> {
        let name = &self.name;
        let command = &Command::read("show servers state").word(name.backend());
        let job = |target: Target, deadline| async move { state(name, &target, &deadline).await };
        self.cluster.fan_out().each(command, StatFilter::Nothing, job).await
    }

    /// Sets the address of the server, and its port if one is given, in one command:
    /// `set server B/S addr A [port P]`. Needs level admin.
    ///
    /// HAProxy prints the old and the new address; [`Unchanged`](Change::Unchanged) if they are the
    /// same.
    ///
    /// HAProxy refuses every address for a server if the server's host name was never resolved.
    /// Releases before 3.0 nevertheless take such a server out of `MAINT (resolution)`: the server
    /// is then up without an address. On these releases, the state of the server is read first
    /// (`show servers state B`). If the server is in `MAINT (resolution)` without an address, the
    /// call fails for this process and sends it nothing more.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Refused`](crate::ErrorKind::Refused) if the server is a unix socket or has no address
    ///   yet.
    /// - [`Refused`](crate::ErrorKind::Refused) if health checks are bound to the port. The address
    ///   may have been changed then and the port not; HAProxy's message tells.
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the port is 0.
    ///
    /// # Cancel safety
    ///
    /// The same as for a change; while the state is read, the same as for
    /// [`fetch_state`](Self::fetch_state).
    #[doc(alias = "set server addr")]
    pub async fn set_address(
        &self,
        address: IpAddr,
        port: impl Into<Option<u16>>,
    ) -> Result<Outcomes<Change>> {
        let name = &self.name;
        let command = &with_port(self.set().word("addr").word(address), port.into())?;
        let job = |target: Target, deadline| async move {
            if loses_maintenance(name, &target, &deadline).await? {
                return Err(Error::new(Problem::Refused(UNRESOLVED.into())));
            }
            target.change(command, &deadline).await
        };
        self.cluster.fan_out().each(command, self.scope(), job).await
    }

    /// Sets the port of the server, and keeps the address that the server has in each process:
    /// `set server B/S addr A port P`, with the address from `show servers state`. Needs level
    /// admin.
    ///
    /// # Errors
    ///
    /// - The errors of [`set_address`](Self::set_address).
    /// - [`Refused`](crate::ErrorKind::Refused) if the server has no address.
    ///
    /// # Cancel safety
    ///
    /// The same as for a change; while the address is read, the same as for
    /// [`fetch_state`](Self::fetch_state).
    #[doc(alias = "set server addr")]
    pub async fn set_port(&self, port: u16) -> Result<Outcomes<Change>> {
        let name = &self.name;
        let command = &with_port(self.set().word("addr").word("..."), Some(port))?;
        let job = |target: Target, deadline| async move {
            let Response::Value(state) = state(name, &target, &deadline).await? else {
                return Ok(Response::Absent("No such server.".into()));
            };
            let Some(address) = state.address else {
                let words = "the server has no address to go with a port".into();
                return Err(Error::new(Problem::Refused(words)));
            };
            let set = Command::write("set server").word(name).word("addr").word(address);
            target.change(&with_port(set, Some(port))?, &deadline).await
        };
        self.cluster.fan_out().each(command, self.scope(), job).await
    }

    /// Sets the host name from which HAProxy resolves the address of the server:
    /// `set server B/S fqdn HOST`. Needs level admin, and a `resolvers` section that the server
    /// uses.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Refused`](crate::ErrorKind::Refused) if no resolution is configured for the server.
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if `host` is not a valid host name.
    #[doc(alias = "set server fqdn")]
    pub async fn set_fqdn(&self, host: &str) -> Result<Outcomes<Change>> {
        self.run(self.set().word("fqdn").word(Host::new(host)?)).await
    }

    /// Sets the number of requests that the server handles at once, in each process:
    /// `set maxconn server B/S N`. Needs level admin.
    ///
    /// Requests above the limit wait in the queue. 0 removes the limit.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    #[doc(alias = "set maxconn server")]
    pub async fn set_maxconn(&self, requests: u32) -> Result<Outcomes<Change>> {
        self.run(self.verb("set maxconn server").word(requests)).await
    }

    /// Turns TLS to the server on or off: `set server B/S ssl on|off`. Needs level admin and
    /// HAProxy 2.4.
    ///
    /// The server's `default-server` must have the settings for TLS.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Refused`](crate::ErrorKind::Refused) if the settings for TLS are missing.
    /// - [`Unsupported`](crate::ErrorKind::Unsupported) if the release is older. Nothing is sent to
    ///   it.
    #[doc(alias = "set server ssl")]
    pub async fn set_ssl(&self, on: bool) -> Result<Outcomes<Change>> {
        let word = if on { "on" } else { "off" };
        self.run(self.set().word("ssl").word(word).since((2, 4))).await
    }

    /// Ends all sessions on the server at once: `shutdown sessions server B/S`. Needs level admin.
    ///
    /// Clients see a cut connection or an error.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    #[doc(alias = "shutdown sessions server")]
    #[doc(alias = "shutdown")]
    pub async fn shutdown_sessions(&self) -> Result<Outcomes<Change>> {
        self.run(self.verb("shutdown sessions server")).await
    }

    pub(crate) fn verb(&self, verb: &str) -> Command {
        Command::write(verb).word(&self.name).refused_when_stopping()
    }

    pub(crate) fn set(&self) -> Command {
        self.verb("set server")
    }

    pub(super) async fn run(&self, command: Command) -> Result<Outcomes<Change>> {
        self.cluster.fan_out().change(command, self.scope()).await
    }

    /// Returns the rows that a change of the server reads before, on a view that asks for the previous state.
    fn scope(&self) -> StatFilter {
        StatFilter::server(self.backend(), self.name())
    }
}

pub(super) fn with_port(command: Command, port: Option<u16>) -> Result<Command> {
    match port {
        None => Ok(command),
        Some(port) => Ok(command.word("port").word(checked(port)?)),
    }
}

/// Refuses port 0. HAProxy accepts any number as a port; 0 would mean that there is no port.
pub(super) fn checked(port: u16) -> Result<u16> {
    if port == 0 { Err(Error::invalid("port 0: expected 1 to 65535")) } else { Ok(port) }
}

/// Returns `true` if the process would refuse an address for the server and still end the server's
/// maintenance.
async fn loses_maintenance(name: &ServerName, target: &Target, deadline: &Deadline) -> Result<bool> {
    if !target.may_be_before((3, 0)) {
        return Ok(false);
    }
    // If the process does not have the server, its answer to the change says so.
    let Response::Value(state) = state(name, target, deadline).await? else { return Ok(false) };
    Ok(state.address.is_none() && state.administrative.is_resolution_maint())
}

const UNRESOLVED: &str = "the server is in MAINT (resolution) and has no address: HAProxy before 3.0 would not set \
                          one, and would take the server out of maintenance, so that nothing was sent";

/// Reads the state of the server from one process.
pub(crate) async fn server_state(
    server: &ServerRef,
    target: &Target,
    deadline: &Deadline,
) -> Result<Response<ServerState>> {
    state(&server.name, target, deadline).await
}

async fn state(name: &ServerName, target: &Target, deadline: &Deadline) -> Result<Response<ServerState>> {
    let command = Command::read("show servers state").word(name.backend());
    Ok(match states(&command, target, deadline).await? {
        Response::Absent(words) => Response::Absent(words),
        Response::Value(states) => match states.into_iter().find(|state| *state.name == *name.name()) {
            Some(state) => Response::Value(state),
            None => Response::Absent("No such server.".into()),
        },
    })
}

/// Reads the weight of the server from one process.
///
/// With `nbproc`, a process answers `get weight` for a server that another process runs, with the
/// weight from the configuration. The state of the server is therefore read first.
async fn weight(name: &ServerName, target: &Target, deadline: &Deadline) -> Result<Response<ServerWeight>> {
    if target.nbproc().knows_foreign_weights() {
        if let Response::Absent(words) = state(name, target, deadline).await? {
            return Ok(Response::Absent(words));
        }
    }
    let command = Command::read("get weight").word(name);
    target.ask(&command, |data| Ok(ServerWeight::read(&data)?), deadline).await
}

/// Reads the states of servers from one process.
///
/// With `nbproc`, a process lists no servers for a backend that another process runs.
pub(crate) async fn states(
    command: &Command,
    target: &Target,
    deadline: &Deadline,
) -> Result<Response<Vec<ServerState>>> {
    let read = |data: Vec<u8>| Ok(ServerState::read(data)?);
    Ok(match target.ask(command, read, deadline).await? {
        Response::Value(states) if states.is_empty() && target.nbproc().lists_foreign_backends() => {
            Response::Absent("no servers listed by `show servers state`".into())
        }
        states => states,
    })
}
