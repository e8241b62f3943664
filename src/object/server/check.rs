//! Commands for the health checks and agent checks of a server.

use std::net::IpAddr;

use super::{AgentState, Health, ServerRef, checked, with_port};
use crate::cluster::Outcomes;
use crate::error::Result;
use crate::protocol::{Change, Host};

impl ServerRef {
    /// Overrides the health check result of the server: `set server B/S health up|stopping|down`.
    /// Needs level admin.
    ///
    /// The next checks may change the result again; without health checks the override is
    /// permanent. A server in maintenance stays in maintenance.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Refused`](crate::ErrorKind::Refused) if the server tracks another server.
    #[doc(alias = "set server health")]
    pub async fn set_health(&self, health: Health) -> Result<Outcomes<Change>> {
        self.run(self.set().word("health").word(health)).await
    }

    /// Overrides the agent check result of the server: `set server B/S agent up|down`. Needs level
    /// admin.
    ///
    /// The next checks may change the result again.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Refused`](crate::ErrorKind::Refused) if the server has no agent check.
    #[doc(alias = "set server agent")]
    pub async fn set_agent(&self, agent: AgentState) -> Result<Outcomes<Change>> {
        self.run(self.set().word("agent").word(agent)).await
    }

    /// Starts the health checks of the server again: `enable health B/S`. Needs level admin.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Refused`](crate::ErrorKind::Refused) if the server has no health check. HAProxy 2.2
    ///   accepts the command in this case.
    #[doc(alias = "enable health")]
    pub async fn enable_health(&self) -> Result<Outcomes<Change>> {
        self.run(self.verb("enable health")).await
    }

    /// Stops the health checks of the server: `disable health B/S`. Needs level admin.
    ///
    /// The server keeps the state that the last checks gave it.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    #[doc(alias = "disable health")]
    pub async fn disable_health(&self) -> Result<Outcomes<Change>> {
        self.run(self.verb("disable health")).await
    }

    /// Starts the agent checks of the server again: `enable agent B/S`. Needs level admin.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Refused`](crate::ErrorKind::Refused) if the server has no agent check.
    #[doc(alias = "enable agent")]
    pub async fn enable_agent(&self) -> Result<Outcomes<Change>> {
        self.run(self.verb("enable agent")).await
    }

    /// Stops the agent checks of the server: `disable agent B/S`. Needs level admin.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    #[doc(alias = "disable agent")]
    pub async fn disable_agent(&self) -> Result<Outcomes<Change>> {
        self.run(self.verb("disable agent")).await
    }

    /// Sets the port of the health checks: `set server B/S check-port P`. Needs level admin.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Refused`](crate::ErrorKind::Refused) if the server has no health check. HAProxy 2.2
    ///   accepts the command in this case.
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the port is 0.
    #[doc(alias = "set server check-port")]
    pub async fn set_check_port(&self, port: u16) -> Result<Outcomes<Change>> {
        self.run(self.set().word("check-port").word(checked(port)?)).await
    }

    /// Sets the address of the health checks, and their port if one is given:
    /// `set server B/S check-addr A [port P]`. Needs level admin and HAProxy 2.4.
    ///
    /// HAProxy 3.4.7 refuses every address.
    ///
    /// # Errors
    ///
    /// - The errors of [`set_check_port`](Self::set_check_port).
    /// - [`Unsupported`](crate::ErrorKind::Unsupported) if the release is older. Nothing is sent to
    ///   it.
    #[doc(alias = "set server check-addr")]
    pub async fn set_check_address(
        &self,
        address: IpAddr,
        port: impl Into<Option<u16>>,
    ) -> Result<Outcomes<Change>> {
        let command = self.set().word("check-addr").word(address).since((2, 4));
        self.run(with_port(command, port.into())?).await
    }

    /// Sets the address of the agent checks, an IP address or a host name, and their port if one is
    /// given: `set server B/S agent-addr A [port P]`. Needs level admin; with a port, also HAProxy
    /// 2.4, because HAProxy 2.2 ignores the port.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Refused`](crate::ErrorKind::Refused) if the server has no agent check, or if the host
    ///   name cannot be resolved.
    /// - [`Unsupported`](crate::ErrorKind::Unsupported) if a port is given and the release is
    ///   older. Nothing is sent to it.
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if `host` is neither an IP address nor a
    ///   valid host name, or if the port is 0.
    #[doc(alias = "set server agent-addr")]
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

    /// Sets the port of the agent checks: `set server B/S agent-port P`. Needs level admin and
    /// HAProxy 2.4.
    ///
    /// # Errors
    ///
    /// - The errors of [`set_agent_address`](Self::set_agent_address).
    /// - [`Unsupported`](crate::ErrorKind::Unsupported) if the release is older. Nothing is sent to
    ///   it.
    #[doc(alias = "set server agent-port")]
    pub async fn set_agent_port(&self, port: u16) -> Result<Outcomes<Change>> {
        self.run(self.set().word("agent-port").word(checked(port)?).since((2, 4))).await
    }

    /// Sets the text that the agent checks send: `set server B/S agent-send TEXT`. Needs level
    /// admin.
    ///
    /// The text cannot contain a line end.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Refused`](crate::ErrorKind::Refused) if the server has no agent check.
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the text is empty, contains NUL, CR or
    ///   LF, or if its last word begins or ends with `<<`; behind a master, also if it begins with `<<`.
    #[doc(alias = "set server agent-send")]
    pub async fn set_agent_send(&self, text: &str) -> Result<Outcomes<Change>> {
        self.run(self.set().word("agent-send").secret(text)?).await
    }
}
