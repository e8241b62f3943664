use std::net::SocketAddr;

use super::secret::Secret;
use crate::error::{Error, Result};
use crate::object::{NewServer, Weight};
use crate::operate::settings::ServerSettings;
use crate::protocol::{Command, ServerName};
use crate::show::AdminState;

/// The servers that a backend should have: [`Desired::backend`](super::Desired::backend).
///
/// # Example
///
/// ```
/// use haproxyadmin::reconcile::{DesiredBackend, DesiredServer};
///
/// let app = DesiredBackend::new("app")
///     .server(DesiredServer::new("web1").weight(20))
///     .server(DesiredServer::absent("web2"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[must_use]
pub struct DesiredBackend {
    pub(super) name: Box<str>,
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "is_false"))]
    pub(super) exact: bool,
    #[cfg_attr(feature = "serde", serde(default))]
    pub(super) servers: Vec<DesiredServer>,
}

/// The settings that a server should have, or its absence: [`DesiredBackend::server`].
///
/// A process without the server adds it, which needs HAProxy 2.6 and an [`address`](Self::address).
///
/// # Example
///
/// ```
/// use haproxyadmin::AdminState;
/// use haproxyadmin::reconcile::DesiredServer;
///
/// let web3 = DesiredServer::new("web3")
///     .address("10.0.0.3:8080".parse()?)
///     .weight(20)
///     .state(AdminState::Ready)
///     .options(["check", "inter", "1s"]);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[must_use]
pub struct DesiredServer {
    pub(super) name: Box<str>,
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "is_false"))]
    pub(super) absent: bool,
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub(super) address: Option<SocketAddr>,
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub(super) weight: Option<u64>,
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub(super) state: Option<AdminState>,
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub(super) options: Vec<Secret>,
}

#[cfg(feature = "serde")]
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl DesiredBackend {
    /// Creates a backend of which no server is mentioned.
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self { name: name.into(), exact: false, servers: Vec::new() }
    }

    /// Adds a server.
    pub fn server(mut self, server: DesiredServer) -> Self {
        self.servers.push(server);
        self
    }

    /// Makes every server absent that is not mentioned, servers of the configuration included.
    pub fn exact(mut self) -> Self {
        self.exact = true;
        self
    }
}

impl DesiredServer {
    /// Creates a server with settings that are left alone.
    pub fn new(name: impl Into<Box<str>>) -> Self {
        let name = name.into();
        Self { name, absent: false, address: None, weight: None, state: None, options: Vec::new() }
    }

    /// Creates a server that should not exist. Needs HAProxy 2.6 where it exists.
    pub fn absent(name: impl Into<Box<str>>) -> Self {
        Self { absent: true, ..Self::new(name) }
    }

    /// Sets the IP address and the port. An IPv6 address has no scope: HAProxy knows none.
    ///
    /// A server with an address can be added, and is wanted [`Ready`](AdminState::Ready) unless its
    /// [state](Self::state) says otherwise, also if it exists: a server that was added by a call that was given up
    /// is in maintenance.
    pub fn address(mut self, address: SocketAddr) -> Self {
        self.address = Some(address);
        self
    }

    /// Sets the weight, from 0 to 256.
    pub fn weight(mut self, weight: u64) -> Self {
        self.weight = Some(weight);
        self
    }

    /// Sets the administrative state.
    pub fn state(mut self, state: AdminState) -> Self {
        self.state = Some(state);
        self
    }

    /// Sets the words that follow the address if the server is added: `add server B/S ADDRESS WORD...`.
    /// They are not compared with a server that exists, with one exception: if they contain `check` or
    /// `agent-check`, these checks are turned on before the server takes traffic. A server that was made without them
    /// does not enter traffic: [`BlockedReason::NoCheck`](super::BlockedReason::NoCheck).
    ///
    /// The words are redacted in errors and in the `Debug` output.
    pub fn options<W: Into<Box<str>>>(mut self, words: impl IntoIterator<Item = W>) -> Self {
        self.options = words.into_iter().map(Secret::new).collect();
        self
    }

    /// Returns the administrative state, unless it is left alone.
    pub(super) fn wanted_state(&self) -> Option<AdminState> {
        self.state.or(self.address.map(|_| AdminState::Ready))
    }

    /// Returns `true` if the server should take traffic.
    pub(super) fn is_for_traffic(&self) -> bool {
        self.wanted_state() == Some(AdminState::Ready) && self.weight != Some(0)
    }

    /// Returns `true` if the options have a check without which the process has made the server. The word may be the
    /// value of another option, such as `cookie check`; a check that is missed does less harm than traffic that no
    /// check has vetted.
    pub(super) fn lacks_check(&self, shown: &ServerSettings) -> bool {
        self.has_check() && shown.health_check.is_none() || self.has_agent() && shown.agent_check.is_none()
    }

    pub(super) fn has_check(&self) -> bool {
        self.has_option("check")
    }

    pub(super) fn has_agent(&self) -> bool {
        self.has_option("agent-check")
    }

    fn has_option(&self, option: &str) -> bool {
        self.options.iter().any(|word| word.as_str() == option)
    }

    /// # Errors
    ///
    /// - `InvalidInput` if a value cannot be sent, or if an absent server has settings.
    pub(super) fn check(&self, name: &ServerName) -> Result<()> {
        let Self { absent, address, weight, state, options, .. } = self;
        if *absent && (address.is_some() || weight.is_some() || state.is_some() || !options.is_empty()) {
            return Err(Error::invalid(format!("server {name}: an absent server has no settings")));
        }
        if let Some(weight) = weight {
            Weight::absolute(*weight)?;
        }
        if let Some(SocketAddr::V6(address)) = address.filter(has_scope) {
            let text = format!("server {name}: address {address}: HAProxy knows no scope and no flow label");
            return Err(Error::invalid(text));
        }
        // The words are checked even if no process needs the server.
        let address = address.unwrap_or(SocketAddr::from(([192, 0, 2, 1], 1)));
        self.addition(name, address)?.check()
    }

    /// Returns the command that adds the server.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` if a value cannot be sent.
    pub(super) fn addition(&self, name: &ServerName, address: SocketAddr) -> Result<Command> {
        let mut server = NewServer::new(address);
        if let Some(weight) = self.weight {
            // A weight that is too high is refused.
            server = server.weight(u32::try_from(weight).unwrap_or(u32::MAX));
        }
        let mut command = server.command(name)?;
        for word in &self.options {
            command = command.secret(word.as_str())?;
        }
        Ok(command)
    }
}

/// Returns `true` if the address holds more than an IP address and a port.
fn has_scope(address: &SocketAddr) -> bool {
    matches!(address, SocketAddr::V6(address) if address.scope_id() != 0 || address.flowinfo() != 0)
}

/// Returns the name of a backend in a list of objects.
pub(super) fn backend_name(name: &str) -> Box<str> {
    format!("backend {name}").into()
}

/// Returns `true` if a server in this state and with this weight is in traffic.
pub(super) fn is_in(state: AdminState, weight: u64) -> bool {
    state == AdminState::Ready && weight > 0
}
