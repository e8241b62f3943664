//! The settings of one server in all processes.

use std::net::SocketAddr;

use super::verdict::Verdict;
use crate::operate::reconcile::server::DesiredServer;
use crate::operate::reconcile::step::BlockedReason;
use crate::operate::settings::ServerSettings;
use crate::show::AdminState;

/// The settings that a server should have in every process.
pub(super) struct Common {
    pub(super) address: Verdict<Option<SocketAddr>>,
    pub(super) weight: Verdict<u64>,
    pub(super) state: Verdict<AdminState>,
}

impl Common {
    /// Returns the server for a process that does not have it, if its address and its state are known. Without a
    /// state, it would enter traffic that most processes may keep from it.
    pub(super) fn addition(&self, name: &str) -> Option<DesiredServer> {
        let (Verdict::Value(Some(address)), Verdict::Value(state)) = (&self.address, &self.state) else {
            return None;
        };
        Some(DesiredServer::new(name).address(*address).state(*state))
    }

    /// Returns the settings for a process that has the server, and its values of the settings that are held by no
    /// majority or that the majority does not have, which stay.
    pub(super) fn settings(&self, own: &ServerSettings) -> (DesiredServer, Vec<(String, BlockedReason)>) {
        let no_majority = |difference| (difference, BlockedReason::NoMajority);
        let mut differing = Vec::new();
        // The state is given in any case, because a server with an address would be wanted ready.
        let mut wanted = DesiredServer::new(&*own.name).state(own.state.value);
        match self.address {
            Verdict::Value(Some(to)) => wanted = wanted.address(to),
            Verdict::NoMajority => {
                let shown = address_of(own).map_or_else(|| "none".to_owned(), |address| address.to_string());
                differing.push(no_majority(format!("address {shown}")));
            }
            Verdict::Value(None) => {
                let shown = address_of(own).map(|address| format!("address {address}"));
                differing.extend(shown.map(|shown| (shown, BlockedReason::NoValue)));
            }
            Verdict::Nothing => {}
        }
        match self.weight {
            Verdict::Value(to) => wanted = wanted.weight(to),
            Verdict::NoMajority => differing.push(no_majority(format!("weight {}", own.weight.value))),
            Verdict::Nothing => {}
        }
        match self.state {
            Verdict::Value(to) => wanted = wanted.state(to),
            Verdict::NoMajority => differing.push(no_majority(format!("state {}", own.state.value))),
            Verdict::Nothing => {}
        }
        (wanted, differing)
    }
}

pub(super) fn address_of(server: &ServerSettings) -> Option<SocketAddr> {
    server.address.as_ref().map(|address| address.value)
}
