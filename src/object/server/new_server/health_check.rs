use std::net::IpAddr;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::object::server::checked;
use crate::protocol::Command;

/// Health checks of a [`NewServer`](super::NewServer): the words `check`, `inter`, `rise`, `fall`,
/// `port`, `addr` and `check-ssl` of a server line.
///
/// HAProxy's default applies to a parameter that is not set. A parameter without a setter, such as
/// `fastinter`, is a [word](super::NewServer::word) of the new server.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use haproxyadmin::server::HealthCheck;
///
/// let check = HealthCheck::new().interval(Duration::from_secs(1)).rise(3).port(8080);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct HealthCheck {
    interval: Option<Duration>,
    rise: Option<u32>,
    fall: Option<u32>,
    port: Option<u16>,
    address: Option<IpAddr>,
    tls: bool,
}

impl HealthCheck {
    /// Creates health checks with HAProxy's default parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the time between two checks, in whole milliseconds: `inter`. HAProxy's default is 2 s.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = Some(interval);
        self
    }

    /// Sets the number of passed checks after which a server that is down is up: `rise`. HAProxy's
    /// default is 2.
    pub fn rise(mut self, checks: u32) -> Self {
        self.rise = Some(checks);
        self
    }

    /// Sets the number of failed checks after which a server that is up is down: `fall`. HAProxy's
    /// default is 3.
    pub fn fall(mut self, checks: u32) -> Self {
        self.fall = Some(checks);
        self
    }

    /// Sets the port that is checked: `port`. The default is the port of the server.
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Sets the address that is checked: `addr`. The default is the address of the server.
    pub fn address(mut self, address: IpAddr) -> Self {
        self.address = Some(address);
        self
    }

    /// Makes the checks use TLS, also if the server does not: `check-ssl`.
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Adds the words to the command.
    pub(super) fn add_to(&self, mut command: Command) -> Result<Command> {
        command = command.word("check");
        if let Some(interval) = self.interval {
            command = command.word("inter").word(milliseconds(interval)?);
        }
        if let Some(checks) = self.rise {
            command = command.word("rise").word(checks);
        }
        if let Some(checks) = self.fall {
            command = command.word("fall").word(checks);
        }
        if let Some(port) = self.port {
            command = command.word("port").word(checked(port)?);
        }
        if let Some(address) = self.address {
            command = command.word("addr").word(address);
        }
        Ok(if self.tls { command.word("check-ssl") } else { command })
    }
}

/// Returns the time with its unit. HAProxy 3.2 refuses a small number without a unit.
pub(super) fn milliseconds(time: Duration) -> Result<String> {
    if time.is_zero() || time.subsec_nanos() % 1_000_000 != 0 {
        return Err(Error::invalid(format!("time {time:?}: expected whole milliseconds, 1 or more")));
    }
    Ok(format!("{}ms", time.as_millis()))
}
