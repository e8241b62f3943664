//! Servers: their state, weight and address.

mod agent_state;
mod check;
mod health;
mod server_weight;
mod weight;

pub use agent_state::AgentState;
pub use health::Health;
pub use server_weight::ServerWeight;
pub use weight::Weight;

use std::net::IpAddr;

use super::handle::Server;
use crate::cluster::{Cluster, Outcomes, Target};
use crate::error::{Error, Problem, Result};
use crate::protocol::{Change, Command, Host, Response, ServerName};
use crate::show::stat::StatFilter;
use crate::show::{AdminState, ServerState};
use crate::transport::Deadline;

/// A server of a [`Cluster`], by its name alone: made without asking anybody, to
/// act on it. Whether any process has it shows when it is used.
///
/// See [`Outcomes`] for what a call returns and when it fails.
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
    cluster: Cluster,
    name: ServerName,
}

impl Cluster {
    /// Every server of every backend. See [`snapshot`](Cluster::snapshot) for
    /// cancel safety.
    ///
    /// # Errors
    ///
    /// Those of [`snapshot`](Cluster::snapshot).
    pub async fn servers(&self) -> Result<Vec<Server>> {
        let servers = self.snapshot().await?.servers();
        Ok(servers.into_iter().map(|server| Server::new(self, server)).collect())
    }

    /// The server called `name` of the backend called `backend`. Only the rows of
    /// that backend are asked for, as with [`backend`](Cluster::backend). See
    /// [`snapshot`](Cluster::snapshot) for cancel safety.
    ///
    /// # Errors
    ///
    /// Those of [`snapshot`](Cluster::snapshot), and
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if no process lists it;
    /// while some did not answer nobody knows, and it is
    /// [`ErrorKind::Incomplete`](crate::ErrorKind::Incomplete).
    pub async fn server(&self, backend: &str, name: &str) -> Result<Server> {
        Ok(Server::new(self, self.read(&StatFilter::backend(backend)).await?.server(backend, name)?))
    }

    /// Every server called `name`, whatever its backend. See
    /// [`snapshot`](Cluster::snapshot) for cancel safety.
    ///
    /// # Errors
    ///
    /// Those of [`server`](Cluster::server).
    pub async fn servers_named(&self, name: &str) -> Result<Vec<Server>> {
        let snapshot = self.snapshot().await?;
        let servers = snapshot.servers_named(name);
        if servers.is_empty() {
            return Err(snapshot.absent(format!("server {name:?}")));
        }
        Ok(servers.into_iter().map(|server| Server::new(self, server)).collect())
    }

    /// The server called `name` of the backend called `backend`, to act on it. Asks
    /// nobody.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for what HAProxy's
    /// configuration would not take for a name.
    pub fn server_ref(&self, backend: &str, name: &str) -> Result<ServerRef> {
        Ok(ServerRef { cluster: self.clone(), name: ServerName::new(backend, name)? })
    }
}

impl ServerRef {
    /// Returns a reference to the same server, whose calls go through another view of the
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

    /// Name of its backend.
    pub fn backend(&self) -> &str {
        self.name.backend()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.name.name()
    }

    /// The same with its figures: [`Cluster::server`].
    ///
    /// # Errors
    ///
    /// Those of [`Cluster::server`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connections and leaves nothing behind.
    pub async fn read(&self) -> Result<Server> {
        self.cluster.server(self.backend(), self.name()).await
    }
}

impl ServerRef {
    /// Sets what the operator wants of it: `set server B/S state ready|drain|maint`.
    /// Needs level admin.
    ///
    /// HAProxy answers in silence, also where it was so before.
    ///
    /// [`Ready`](AdminState::Ready) ends maintenance before any health check has
    /// passed: the server takes traffic at once, and its status is `UP 1/n`. To
    /// wait until it is known to be well, wait until the status is plain `UP`
    /// ([`StatusDetail::Checks`](crate::StatusDetail::Checks) has the details).
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`].
    ///
    /// # Cancel safety
    ///
    /// That of every change: dropping the future closes the connections, and
    /// each process may have executed the command, or still do so.
    pub async fn set_state(&self, state: AdminState) -> Result<Outcomes<Change>> {
        self.run(self.set().word("state").word(state)).await
    }

    /// Ends its maintenance, or its drain: `enable server B/S`. Needs level admin.
    ///
    /// The server takes traffic at once, before any health check has passed; see
    /// [`set_state`](Self::set_state).
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`].
    ///
    /// # Cancel safety
    ///
    /// That of [`set_state`](Self::set_state).
    pub async fn enable(&self) -> Result<Outcomes<Change>> {
        self.run(self.verb("enable server")).await
    }

    /// Puts it into maintenance, instead of a drain if it was in one: `disable server
    /// B/S`. Needs level admin. It takes no traffic and is not checked.
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`].
    ///
    /// # Cancel safety
    ///
    /// That of [`set_state`](Self::set_state).
    pub async fn disable(&self) -> Result<Outcomes<Change>> {
        self.run(self.verb("disable server")).await
    }

    /// Sets its weight: `set server B/S weight W`. Needs level admin.
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`]; [`Refused`](crate::ErrorKind::Refused) where the
    /// backend balances in a way that has fixed weights and takes only 0 and 100 %.
    ///
    /// # Cancel safety
    ///
    /// That of [`set_state`](Self::set_state).
    pub async fn set_weight(&self, weight: Weight) -> Result<Outcomes<Change>> {
        self.run(self.set().word("weight").word(weight)).await
    }

    /// Its weight in each process, now and initially: `get weight B/S`. Every
    /// level may read it.
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connections and leaves nothing behind.
    pub async fn fetch_weight(&self) -> Result<Outcomes<ServerWeight>> {
        let name = &self.name;
        let command = &Command::read("get weight").word(name);
        let job = |target: Target, deadline| async move { weight(name, &target, &deadline).await };
        self.cluster.fan_out().each(command, StatFilter::Nothing, job).await
    }

    /// Its state in each process, what the operator wants apart from how it is:
    /// `show servers state B`. Every level may read it.
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`].
    ///
    /// # Cancel safety
    ///
    /// That of [`BackendRef::server_states`](crate::BackendRef::server_states).
    pub async fn fetch_state(&self) -> Result<Outcomes<ServerState>> {
        let name = &self.name;
        let command = &Command::read("show servers state").word(name.backend());
        let job = |target: Target, deadline| async move { state(name, &target, &deadline).await };
        self.cluster.fan_out().each(command, StatFilter::Nothing, job).await
    }

    /// Sets its address, and its port with it if one is given, in one command:
    /// `set server B/S addr A [port P]`. Needs level admin.
    ///
    /// HAProxy says what was and what is now;
    /// [`Unchanged`](Change::Unchanged) if it was so before.
    ///
    /// HAProxy refuses every address for a server whose name was never resolved, and
    /// releases before 3.0 take such a server out of `MAINT (resolution)` all the
    /// same: it is up then, without an address. These are asked for the state of the
    /// server first (`show servers state B`), and nothing is sent to it.
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`]; [`Refused`](crate::ErrorKind::Refused) for a
    /// server that is a unix socket or has no address yet, and where health checks
    /// are bound to the port: the address may have been changed then and the port
    /// not, as its words tell. [`InvalidInput`](crate::ErrorKind::InvalidInput) for
    /// port 0.
    ///
    /// # Cancel safety
    ///
    /// That of [`set_state`](Self::set_state), and while the state is read that of
    /// [`state`](Self::fetch_state).
    pub async fn set_address(
        &self,
        address: IpAddr,
        port: impl Into<Option<u16>>,
    ) -> Result<Outcomes<Change>> {
        let name = &self.name;
        let command = &with_port(self.set().word("addr").word(address), port.into())?;
        let job = |target: Target, deadline| async move {
            if loses_maintenance(name, &target, &deadline).await? {
                return Err(target.with_context(command, Problem::Refused(UNRESOLVED.into())));
            }
            target.change(command, &deadline).await
        };
        self.cluster.fan_out().each(command, StatFilter::backend(self.backend()), job).await
    }

    /// Sets its port, and leaves its address as each process has it: `set server
    /// B/S addr A port P`, with the address from `show servers state`. Needs level
    /// admin.
    ///
    /// # Errors
    ///
    /// Those of [`set_address`](Self::set_address); [`Refused`](crate::ErrorKind::Refused)
    /// where the server has no address.
    ///
    /// # Cancel safety
    ///
    /// That of [`set_state`](Self::set_state), and while the address is read that of
    /// [`state`](Self::fetch_state).
    pub async fn set_port(&self, port: u16) -> Result<Outcomes<Change>> {
        let name = &self.name;
        let command = &with_port(self.set().word("addr").word("..."), Some(port))?;
        let job = |target: Target, deadline| async move {
            let Response::Value(state) = state(name, &target, &deadline).await? else {
                return Ok(Response::Absent("No such server.".into()));
            };
            let Some(address) = state.address else {
                let words = "the server has no address to go with a port".into();
                return Err(target.with_context(command, Problem::Refused(words)));
            };
            let set = Command::write("set server").word(name).word("addr").word(address);
            target.change(&with_port(set, Some(port))?, &deadline).await
        };
        self.cluster.fan_out().each(command, StatFilter::backend(self.backend()), job).await
    }

    /// Sets the name that its address is resolved from: `set server B/S fqdn HOST`.
    /// Needs level admin, and a `resolvers` section that the server uses.
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`]; [`Refused`](crate::ErrorKind::Refused) for a
    /// server that is not resolved; [`InvalidInput`](crate::ErrorKind::InvalidInput)
    /// for what is no name of a host.
    ///
    /// # Cancel safety
    ///
    /// That of [`set_state`](Self::set_state).
    pub async fn set_fqdn(&self, host: &str) -> Result<Outcomes<Change>> {
        self.run(self.set().word("fqdn").word(Host::new(host)?)).await
    }

    /// Sets how many requests it handles at once, in each process; more of them
    /// queue: `set maxconn server B/S N`. Needs level admin. 0 is no limit.
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`].
    ///
    /// # Cancel safety
    ///
    /// That of [`set_state`](Self::set_state).
    pub async fn set_maxconn(&self, requests: u32) -> Result<Outcomes<Change>> {
        self.run(self.verb("set maxconn server").word(requests)).await
    }

    /// Switches TLS to it on or off: `set server B/S ssl on|off`. Needs level admin
    /// and HAProxy 2.4; its `default-server` must have the settings for TLS.
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`]; [`Refused`](crate::ErrorKind::Refused) without
    /// such settings; [`Unsupported`](crate::ErrorKind::Unsupported) by earlier
    /// releases, to which nothing is sent.
    ///
    /// # Cancel safety
    ///
    /// That of [`set_state`](Self::set_state).
    pub async fn set_ssl(&self, on: bool) -> Result<Outcomes<Change>> {
        let word = if on { "on" } else { "off" };
        self.run(self.set().word("ssl").word(word).since((2, 4))).await
    }

    /// Ends all sessions on it at once: `shutdown sessions server B/S`. Needs level
    /// admin. Clients see a cut connection or an error.
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`].
    ///
    /// # Cancel safety
    ///
    /// That of [`set_state`](Self::set_state).
    pub async fn shutdown_sessions(&self) -> Result<Outcomes<Change>> {
        self.run(self.verb("shutdown sessions server")).await
    }

    pub(super) fn verb(&self, verb: &str) -> Command {
        Command::write(verb).word(&self.name).refused_when_stopping()
    }

    pub(super) fn set(&self) -> Command {
        self.verb("set server")
    }

    pub(super) async fn run(&self, command: Command) -> Result<Outcomes<Change>> {
        self.cluster.fan_out().change(command, StatFilter::backend(self.backend())).await
    }
}

pub(super) fn with_port(command: Command, port: Option<u16>) -> Result<Command> {
    match port {
        None => Ok(command),
        Some(port) => Ok(command.word("port").word(checked(port)?)),
    }
}

/// HAProxy takes any number for a port; 0 would be none.
pub(super) fn checked(port: u16) -> Result<u16> {
    if port == 0 { Err(Error::invalid("port 0: expected 1 to 65535")) } else { Ok(port) }
}

/// Whether the process would refuse an address for the server, and end its maintenance
/// all the same.
async fn loses_maintenance(name: &ServerName, target: &Target, deadline: &Deadline) -> Result<bool> {
    if !target.may_be_before((3, 0)) {
        return Ok(false);
    }
    // What the process says of a server that it does not have, it says to the change.
    let Response::Value(state) = state(name, target, deadline).await? else { return Ok(false) };
    Ok(state.address.is_none() && state.administrative.is_resolution_maint())
}

const UNRESOLVED: &str = "the server is in MAINT (resolution) and has no address: HAProxy before 3.0 would not set \
                          one, and would take the server out of maintenance, so that nothing was sent";

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

/// A process of `nbproc` answers `get weight` for servers that another one runs,
/// with what the configuration says.
async fn weight(name: &ServerName, target: &Target, deadline: &Deadline) -> Result<Response<ServerWeight>> {
    if target.nbproc().knows_foreign_weights() {
        if let Response::Absent(words) = state(name, target, deadline).await? {
            return Ok(Response::Absent(words));
        }
    }
    let command = Command::read("get weight").word(name);
    target.ask(&command, |data| Ok(ServerWeight::read(&data)?), deadline).await
}

/// A process of `nbproc` lists no servers for a backend that another one runs.
pub(in crate::object) async fn states(
    command: &Command,
    target: &Target,
    deadline: &Deadline,
) -> Result<Response<Vec<ServerState>>> {
    let read = |data: Vec<u8>| Ok(ServerState::read(&String::from_utf8_lossy(&data))?);
    Ok(match target.ask(command, read, deadline).await? {
        Response::Value(states) if states.is_empty() && target.nbproc().lists_foreign_backends() => {
            Response::Absent("no servers listed by `show servers state`".into())
        }
        states => states,
    })
}
