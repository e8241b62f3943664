use std::net::IpAddr;
use std::time::Duration;

use super::health_check::milliseconds;
use crate::error::Result;
use crate::object::server::checked;
use crate::protocol::Command;

/// Agent checks of a [`NewServer`](super::NewServer): the words `agent-check`, `agent-port`,
/// `agent-inter` and `agent-addr` of a server line.
///
/// # Example
///
/// ```
/// use haproxyadmin::server::AgentCheck;
///
/// let agent = AgentCheck::new(9707).address("192.0.2.1".parse()?);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct AgentCheck {
    port: u16,
    interval: Option<Duration>,
    address: Option<IpAddr>,
}

impl AgentCheck {
    /// Creates agent checks of the agent that listens on `port`.
    pub fn new(port: u16) -> Self {
        Self { port, interval: None, address: None }
    }

    /// Sets the time between two checks, in whole milliseconds: `agent-inter`. HAProxy's default is
    /// 2 s.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = Some(interval);
        self
    }

    /// Sets the address of the agent: `agent-addr`. The default is the address of the server.
    pub fn address(mut self, address: IpAddr) -> Self {
        self.address = Some(address);
        self
    }

    /// Adds the words to the command.
    pub(super) fn add_to(&self, command: Command) -> Result<Command> {
        let mut command = command.word("agent-check").word("agent-port").word(checked(self.port)?);
        if let Some(interval) = self.interval {
            command = command.word("agent-inter").word(milliseconds(interval)?);
        }
        Ok(match self.address {
            Some(address) => command.word("agent-addr").word(address),
            None => command,
        })
    }
}
