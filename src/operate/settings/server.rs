use std::net::{IpAddr, SocketAddr};

use crate::show::stat::Row;
use crate::show::{AdminState, ServerState};

/// A setting of a server: its value, and its value in the configuration.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// for process in cluster.settings().await?.processes() {
///     for server in process.servers.iter().filter(|server| server.weight.is_changed() == Some(true)) {
///         println!("{}: the weight of {} is {}", process.label, server.name, server.weight.value);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct Setting<T> {
    /// Current value.
    pub value: T,
    /// Value in the configuration; `None` if HAProxy does not show it.
    #[cfg_attr(feature = "serde", serde(default = "none", skip_serializing_if = "Option::is_none"))]
    pub configured: Option<T>,
}

#[cfg(feature = "serde")]
fn none<T>() -> Option<T> {
    None
}

impl<T: PartialEq> Setting<T> {
    /// Returns `true` if the setting was changed at run time, and `None` if this is not known.
    pub fn is_changed(&self) -> Option<bool> {
        self.configured.as_ref().map(|configured| *configured != self.value)
    }
}

/// Settings of one server in one process.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// for process in cluster.server_ref("app", "web1")?.settings().await?.processes() {
///     for server in &process.servers {
///         println!("{}: {} weight {}", process.label, server.state.value, server.weight.value);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct ServerSettings {
    /// Name of the backend.
    pub backend: Box<str>,
    /// Name of the server.
    pub name: Box<str>,
    /// Number of the server in its backend and process, the column `sid` of `show stat`.
    pub id: u64,
    /// Administrative state that was requested for this server: without maintenance and drain that it
    /// inherits from a tracked server, and without maintenance because its name is not resolved.
    pub state: Setting<AdminState>,
    /// Weight, from 0 to 256.
    pub weight: Setting<u64>,
    /// Number of requests that the server handles at once; 0 is no limit. `None` if `show stat` does not
    /// list the server, because its backend is disabled. HAProxy does not show the configured value.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub maxconn: Option<Setting<u64>>,
    /// IP address and port; `None` if the server has no IP address or a
    /// [negative offset](ShownServer::has_negative_offset) to the client's port. HAProxy does not show the
    /// configured value, and shows an offset such as `+80` as it shows the port 80.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub address: Option<Setting<SocketAddr>>,
    /// Host name that the address is resolved from. If it was set at run time, HAProxy does not show the
    /// configured value.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub fqdn: Option<Setting<Box<str>>>,
    /// `true` if the health checks are on. `None` if the server has none.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub health_check: Option<Setting<bool>>,
    /// `true` if the agent checks are on. `None` if the server has none.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub agent_check: Option<Setting<bool>>,
    /// Description of the server, as far as HAProxy shows it, to add it again.
    pub shown: ShownServer,
}

/// The parts of a server line that HAProxy shows, and that no command changes: they are needed to add
/// the server again.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// for process in cluster.settings().await?.processes() {
///     let dynamic = process.servers.iter().filter(|server| server.shown.is_dynamic);
///     println!("{}: {} servers were added at run time for sure", process.label, dynamic.count());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct ShownServer {
    /// `true` if the server was added at run time for sure: its number has been another server's before
    /// (`srid` of `show stat`, HAProxy 3.0). HAProxy does not tell it of other servers.
    pub is_dynamic: bool,
    /// `true` if it has an IP address, and is reached on the client's port minus a number
    /// (`server s 192.0.2.1:-10`).
    pub has_negative_offset: bool,
    /// `true` if it is a backup server.
    pub is_backup: bool,
    /// Value of the persistence cookie. HAProxy shows it to sockets above level user.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub cookie: Option<Box<str>>,
    /// `true` if HAProxy uses TLS to the server. `None` before HAProxy 2.4.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub tls: Option<bool>,
    /// Number of passed health checks after which the server is up. HAProxy shows it while the checks
    /// run.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub check_rise: Option<u32>,
    /// Number of failed health checks after which the server is down. HAProxy shows it while the checks
    /// run.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub check_fall: Option<u32>,
    /// Port of the health checks, if it is not the port of the server.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub check_port: Option<u16>,
    /// Address of the health checks, if it is not the address of the server.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub check_address: Option<IpAddr>,
    /// Port of the agent.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub agent_port: Option<u16>,
    /// Address of the agent, if it is not the address of the server.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub agent_address: Option<IpAddr>,
}

impl ServerSettings {
    /// Joins the state of a server with its row of `show stat`, if there is one.
    pub(super) fn new(state: ServerState, row: Option<&Row<'_>>) -> Self {
        let flags = state.administrative;
        let configured = if flags.is_config_maint() { AdminState::Maint } else { AdminState::Ready };
        let address = state.address.zip(state.port).map(|(ip, port)| SocketAddr::new(ip, port));
        let is_fqdn_set = flags.is_fqdn_set();
        // A server of the configuration begins with its checks turned on.
        let check = |is_on| Setting { value: is_on, configured: Some(true) };
        Self {
            shown: ShownServer::new(&state, row),
            backend: state.backend,
            name: state.name,
            id: state.id,
            state: Setting { value: flags.set_state(), configured: Some(configured) },
            weight: Setting { value: state.weight, configured: Some(state.initial_weight) },
            maxconn: row.map(|row| Setting { value: row.slim().unwrap_or(0), configured: None }),
            address: address.map(|value| Setting { value, configured: None }),
            fqdn: state
                .fqdn
                .map(|value| Setting { configured: (!is_fqdn_set).then(|| value.clone()), value }),
            health_check: state.health_check.map(check),
            agent_check: state.agent_check.map(check),
        }
    }
}

impl ShownServer {
    fn new(state: &ServerState, row: Option<&Row<'_>>) -> Self {
        let text = |name| row.and_then(|row| row.get(name)).filter(|text| !text.is_empty());
        let number = |name| text(name).and_then(|text| text.parse::<u32>().ok());
        Self {
            is_dynamic: number("srid").is_some_and(|srid| srid > 0),
            has_negative_offset: state.address.is_some() && state.port.is_none(),
            is_backup: number("bck") == Some(1),
            cookie: text("cookie").map(Into::into),
            tls: state.tls,
            check_rise: number("check_rise"),
            check_fall: number("check_fall"),
            check_port: state.check_port,
            check_address: state.check_address,
            agent_port: state.agent_port,
            agent_address: state.agent_address,
        }
    }
}
