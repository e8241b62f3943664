use std::net::SocketAddr;

use crate::error::Result;
use crate::object::server::checked;
use crate::protocol::ProxyName;
use crate::show::ServerState;

/// A `server-template` line of the configuration: servers with numbered names and one address, which
/// [`BackendRef::take_slot`](crate::BackendRef::take_slot) uses as slots.
///
/// The servers of the line must be `disabled`. For
/// `server-template srv 1-20 192.0.2.1:1 check disabled`, the prefix is `srv` and the address is
/// `192.0.2.1:1`. No real server should have this address: a slot is free if it is in maintenance and
/// has it. A server that an operator has put into maintenance is therefore no free slot.
///
/// # Example
///
/// ```
/// use haproxyadmin::server::ServerTemplate;
///
/// let slots = ServerTemplate::new("srv", "192.0.2.1:1".parse().expect("an address"))?;
/// # Ok::<(), haproxyadmin::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct ServerTemplate {
    prefix: ProxyName,
    address: SocketAddr,
}

impl ServerTemplate {
    /// Describes the line by the prefix of its servers' names and by their address.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if HAProxy's configuration does not accept
    ///   the prefix as a name, or if the port is 0.
    pub fn new(prefix: &str, address: SocketAddr) -> Result<Self> {
        checked(address.port())?;
        Ok(Self { prefix: ProxyName::new("server", prefix)?, address })
    }

    /// Returns the prefix of the names.
    pub fn prefix(&self) -> &str {
        self.prefix.as_str()
    }

    /// Returns the address of a slot that is free.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the number of a slot, or `None` if the line does not make servers of this name.
    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        let digits = name.strip_prefix(self.prefix())?;
        let is_number =
            (digits == "0" || !digits.starts_with('0')) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { digits.parse().ok() } else { None }
    }

    pub(super) fn is_free(&self, slot: &ServerState) -> bool {
        let flags = slot.administrative;
        let is_in_maintenance = flags.is_forced_maint() && !flags.is_inherited_maint();
        is_in_maintenance && !flags.is_resolution_maint() && self.has_its_address(slot)
    }

    /// Returns `true` if the slot has the address of the line.
    pub(super) fn has_its_address(&self, slot: &ServerState) -> bool {
        has_address(slot, self.address)
    }
}

pub(super) fn has_address(server: &ServerState, address: SocketAddr) -> bool {
    server.address == Some(address.ip()) && server.port == Some(address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_numbered() {
        let template = ServerTemplate::new("srv", "192.0.2.1:1".parse().unwrap()).unwrap();
        for (name, number) in [("srv0", Some(0)), ("srv1", Some(1)), ("srv20", Some(20))] {
            assert_eq!(template.number(name), number, "{name}");
        }
        for name in ["srv", "srv01", "srv00", "srv+1", "srv1a", "web1", "asrv1", "srv99999999999"] {
            assert_eq!(template.number(name), None, "{name}");
        }
    }

    #[test]
    fn a_prefix_is_a_name_and_an_address_has_a_port() {
        for (prefix, address) in [("", "192.0.2.1:1"), ("a b", "192.0.2.1:1"), ("srv", "192.0.2.1:0")] {
            assert!(ServerTemplate::new(prefix, address.parse().unwrap()).is_err(), "{prefix} {address}");
        }
    }
}
