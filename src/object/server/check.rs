//! What can be done to the health checks and agent checks of a server.

use std::net::IpAddr;

use super::{AgentState, Health, ServerRef, checked, with_port};
use crate::cluster::Outcomes;
use crate::error::Result;
use crate::protocol::{Change, Host};

impl ServerRef {
    /// Makes its health check have found that, until the next ones; for good where
    /// it has none: `set server B/S health up|stopping|down`. Needs level admin. A
    /// server in maintenance stays as it is.
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`]; [`Refused`](crate::ErrorKind::Refused) for a
    /// server that tracks another one.
    ///
    /// # Cancel safety
    ///
    /// That of [`set_state`](Self::set_state).
    pub async fn set_health(&self, health: Health) -> Result<Outcomes<Change>> {
        self.run(self.set().word("health").word(health)).await
    }

    /// Makes its agent check have found that, until the next ones:
    /// `set server B/S agent up|down`. Needs level admin.
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`]; [`Refused`](crate::ErrorKind::Refused) for a
    /// server without agent check.
    ///
    /// # Cancel safety
    ///
    /// That of [`set_state`](Self::set_state).
    pub async fn set_agent(&self, agent: AgentState) -> Result<Outcomes<Change>> {
        self.run(self.set().word("agent").word(agent)).await
    }

    /// Starts its health checks again: `enable health B/S`. Needs level admin.
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`]; [`Refused`](crate::ErrorKind::Refused) for a
    /// server without health check, but by 2.2, which takes it.
    ///
    /// # Cancel safety
    ///
    /// That of [`set_state`](Self::set_state).
    pub async fn enable_health(&self) -> Result<Outcomes<Change>> {
        self.run(self.verb("enable health")).await
    }

    /// Stops its health checks; it stays as they last found it: `disable health
    /// B/S`. Needs level admin.
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`].
    ///
    /// # Cancel safety
    ///
    /// That of [`set_state`](Self::set_state).
    pub async fn disable_health(&self) -> Result<Outcomes<Change>> {
        self.run(self.verb("disable health")).await
    }

    /// Starts its agent checks again: `enable agent B/S`. Needs level admin.
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`]; [`Refused`](crate::ErrorKind::Refused) for a
    /// server without agent check.
    ///
    /// # Cancel safety
    ///
    /// That of [`set_state`](Self::set_state).
    pub async fn enable_agent(&self) -> Result<Outcomes<Change>> {
        self.run(self.verb("enable agent")).await
    }

    /// Stops its agent checks: `disable agent B/S`. Needs level admin.
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`].
    ///
    /// # Cancel safety
    ///
    /// That of [`set_state`](Self::set_state).
    pub async fn disable_agent(&self) -> Result<Outcomes<Change>> {
        self.run(self.verb("disable agent")).await
    }

    /// Sets the port of its health checks: `set server B/S check-port P`. Needs
    /// level admin.
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`]; [`Refused`](crate::ErrorKind::Refused) for a
    /// server without health check, but by 2.2, which takes it;
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for port 0.
    ///
    /// # Cancel safety
    ///
    /// That of [`set_state`](Self::set_state).
    pub async fn set_check_port(&self, port: u16) -> Result<Outcomes<Change>> {
        self.run(self.set().word("check-port").word(checked(port)?)).await
    }

    /// Sets the address of its health checks, and their port with it if one is
    /// given: `set server B/S check-addr A [port P]`. Needs level admin and
    /// HAProxy 2.4. (3.4.7 refuses every address.)
    ///
    /// # Errors
    ///
    /// Those of [`set_check_port`](Self::set_check_port);
    /// [`Unsupported`](crate::ErrorKind::Unsupported) by earlier releases, to which
    /// nothing is sent.
    ///
    /// # Cancel safety
    ///
    /// That of [`set_state`](Self::set_state).
    pub async fn set_check_address(
        &self,
        address: IpAddr,
        port: impl Into<Option<u16>>,
    ) -> Result<Outcomes<Change>> {
        let command = self.set().word("check-addr").word(address).since((2, 4));
        self.run(with_port(command, port.into())?).await
    }

    /// Sets the address of its agent checks, an IP address or the name of a host,
    /// and their port with it if one is given: `set server B/S agent-addr A [port
    /// P]`. Needs level admin, and with a port HAProxy 2.4: 2.2 passes over it.
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`]; [`Refused`](crate::ErrorKind::Refused) for a
    /// server without agent check, and where the name cannot be resolved;
    /// [`Unsupported`](crate::ErrorKind::Unsupported) with a port by earlier
    /// releases, to which nothing is sent; [`InvalidInput`](crate::ErrorKind::InvalidInput) for what is neither, and
    /// for port 0.
    ///
    /// # Cancel safety
    ///
    /// That of [`set_state`](Self::set_state).
    pub async fn set_agent_address(
        &self,
        host: &str,
        port: impl Into<Option<u16>>,
    ) -> Result<Outcomes<Change>> {
        let command = self.set().word("agent-addr");
        let command = match host.parse::<IpAddr>() {
            Ok(address) => command.word(address),
            Err(_) => command.word(Host::new(host)?),
        };
        self.run(match port.into() {
            None => command,
            port => with_port(command, port)?.since((2, 4)),
        })
        .await
    }

    /// Sets the port of its agent checks: `set server B/S agent-port P`. Needs
    /// level admin and HAProxy 2.4.
    ///
    /// # Errors
    ///
    /// Those of [`set_agent_address`](Self::set_agent_address);
    /// [`Unsupported`](crate::ErrorKind::Unsupported) by earlier releases, to which
    /// nothing is sent.
    ///
    /// # Cancel safety
    ///
    /// That of [`set_state`](Self::set_state).
    pub async fn set_agent_port(&self, port: u16) -> Result<Outcomes<Change>> {
        self.run(self.set().word("agent-port").word(checked(port)?).since((2, 4))).await
    }

    /// Sets what its agent checks send: `set server B/S agent-send TEXT`. Needs
    /// level admin. It cannot hold the end of a line.
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`]; [`Refused`](crate::ErrorKind::Refused) for a
    /// server without agent check; [`InvalidInput`](crate::ErrorKind::InvalidInput)
    /// for a text that is empty, holds NUL, CR or LF, or whose last word begins or
    /// ends with `<<`.
    ///
    /// # Cancel safety
    ///
    /// That of [`set_state`](Self::set_state).
    pub async fn set_agent_send(&self, text: &str) -> Result<Outcomes<Change>> {
        self.run(self.set().word("agent-send").secret(text)?).await
    }
}
