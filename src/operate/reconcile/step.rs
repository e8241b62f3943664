use std::collections::HashSet;
use std::fmt;
use std::net::SocketAddr;

use crate::show::AdminState;

/// One change of one object in one process.
///
/// [`Display`](fmt::Display) prints the object and the change, such as `app/web1: weight 10 -> 20`.
///
/// # Example
///
/// ```no_run
/// # async fn example(
/// #     cluster: haproxyadmin::Cluster,
/// #     desired: haproxyadmin::reconcile::Desired,
/// # ) -> haproxyadmin::Result<()> {
/// use haproxyadmin::reconcile::Step;
///
/// for (label, plan) in cluster.plan(&desired).await?.values() {
///     let maps = plan.steps.iter().filter(|step| matches!(step, Step::Map { .. })).count();
///     println!("{label}: {maps} maps to change");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(tag = "object", rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Step {
    /// A certificate is replaced: `set ssl cert`, `commit ssl cert`.
    Certificate {
        /// Name of the certificate.
        name: Box<str>,
        /// SHA-1 of the certificate that the process serves, or its serial number. `None` if the certificate is
        /// empty.
        from: Option<Box<str>>,
        /// SHA-1 of the wanted certificate, or its serial number.
        to: Box<str>,
        /// `true` if both are serial numbers, because HAProxy does not print the SHA-1.
        by_serial: bool,
    },
    /// A server changes.
    Server {
        /// Name of the backend.
        backend: Box<str>,
        /// Name of the server.
        server: Box<str>,
        /// The change.
        #[cfg_attr(feature = "serde", serde(flatten))]
        change: ServerChange,
    },
    /// The entries of a map change.
    Map {
        /// File or number of the map.
        id: Box<str>,
        /// The numbers of changes.
        #[cfg_attr(feature = "serde", serde(flatten))]
        entries: EntryChanges,
    },
    /// The patterns of an ACL change.
    Acl {
        /// File or number of the ACL.
        id: Box<str>,
        /// The numbers of changes.
        #[cfg_attr(feature = "serde", serde(flatten))]
        entries: EntryChanges,
    },
}

/// A change of one server in one process.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(tag = "change", rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ServerChange {
    /// It is added: `add server`.
    Add {
        /// IP address and port.
        address: SocketAddr,
        /// Administrative state that it gets.
        state: AdminState,
    },
    /// It gets another address: `set server B/S addr`.
    Address {
        /// Address that the process shows; `None` if it has none, or a negative offset to the client's port.
        from: Option<SocketAddr>,
        /// Wanted address.
        to: SocketAddr,
    },
    /// It gets another weight: `set server B/S weight`.
    Weight {
        /// Weight that the process shows.
        from: u64,
        /// Wanted weight.
        to: u64,
        /// Weight in the configuration, or of the addition.
        configured: u64,
    },
    /// Its health checks are turned on: `enable health`.
    HealthCheck,
    /// Its agent checks are turned on: `enable agent`.
    AgentCheck,
    /// It gets another administrative state: `set server B/S state`.
    State {
        /// State that was requested before.
        from: AdminState,
        /// Wanted state.
        to: AdminState,
    },
    /// It is deleted: `del server`.
    Delete {
        /// State that it has before.
        from: AdminState,
    },
}

/// Numbers of changes of the entries of a map or of the patterns of an ACL. An entry that moves to another place
/// is deleted and added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct EntryChanges {
    /// Number of entries to add.
    pub add: usize,
    /// Number of entries of a map that get another value.
    pub change: usize,
    /// Number of entries to delete.
    pub delete: usize,
}

/// A difference for which a process has no step, with the reason.
///
/// # Example
///
/// ```no_run
/// # async fn example(
/// #     cluster: haproxyadmin::Cluster,
/// #     desired: haproxyadmin::reconcile::Desired,
/// # ) -> haproxyadmin::Result<()> {
/// for (label, plan) in cluster.plan(&desired).await?.values() {
///     for blocked in &plan.blocked {
///         println!("{label}: {}: {}", blocked.object, blocked.reason);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Blocked {
    /// Name of the object, such as `app/web1`.
    pub object: Box<str>,
    /// The change that is wanted, or the value that differs.
    pub difference: Box<str>,
    /// Reason.
    pub reason: BlockedReason,
}

/// Reason for which a process has no step for a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum BlockedReason {
    /// HAProxy before 2.6 adds and deletes no servers.
    NeedsRelease,
    /// The process does not have the server, and the desired state has no address to add it with.
    NoAddress,
    /// The name of the server is not resolved, so that it has no address. HAProxy sets none then, and up to 2.6
    /// the command would end the maintenance of the server.
    Unresolved,
    /// The [options](crate::reconcile::DesiredServer::options) have `check` or `agent-check`, and the server was made
    /// without this check: HAProxy cannot turn it on, and the server would take traffic that no check has vetted.
    NoCheck,
    /// The server has no IP address, but a Unix socket (`unix@`) or an abstract one (`abns@`). HAProxy changes
    /// IP addresses only.
    NoIpAddress,
    /// The processes differ, and no value is held by more processes than every other value.
    NoMajority,
    /// Most processes, or the chosen one, have no such value: no IP address, or an empty certificate. No command takes it
    /// away from the others.
    NoValue,
    /// The object was not compared, because no command of this crate can have its name: see
    /// [`PatternId::file`](crate::map::PatternId::file) and [`Cluster::certificate`](crate::Cluster::certificate).
    UnusableName,
}

impl Step {
    pub(super) fn of_server(backend: &str, server: &str, change: ServerChange) -> Self {
        Self::Server { backend: backend.into(), server: server.into(), change }
    }

    /// Returns `true` if it changes a server of one of these backends.
    pub(super) fn is_in(&self, backends: &HashSet<Box<str>>) -> bool {
        matches!(self, Self::Server { backend, .. } if backends.contains(backend))
    }

    /// Returns `true` if both change the same thing of the same object.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Server { backend, server, change },
                Self::Server { backend: other_backend, server: other_server, change: other_change },
            ) => {
                backend == other_backend
                    && server == other_server
                    && std::mem::discriminant(change) == std::mem::discriminant(other_change)
            }
            (Self::Certificate { name, .. }, Self::Certificate { name: other, .. }) => name == other,
            (Self::Map { id, .. }, Self::Map { id: other, .. })
            | (Self::Acl { id, .. }, Self::Acl { id: other, .. }) => id == other,
            _ => false,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate { name, from, to, by_serial } => {
                let mark = if *by_serial { "serial number" } else { "fingerprint" };
                match from {
                    Some(from) => write!(f, "{name}: replace ({mark} {from} -> {to})"),
                    None => write!(f, "{name}: load ({mark} {to})"),
                }
            }
            Self::Server { backend, server, change } => write!(f, "{backend}/{server}: {change}"),
            Self::Map { id, entries } | Self::Acl { id, entries } => write!(f, "{id}: {entries}"),
        }
    }
}

impl fmt::Display for ServerChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add { address, state: AdminState::Ready } => write!(f, "add {address}"),
            Self::Add { address, state } => write!(f, "add {address}, in {state}"),
            Self::Address { from: Some(from), to } => write!(f, "address {from} -> {to}"),
            Self::Address { from: None, to } => write!(f, "address none -> {to}"),
            Self::Weight { from, to, .. } => write!(f, "weight {from} -> {to}"),
            Self::HealthCheck => f.write_str("health checks off -> on"),
            Self::AgentCheck => f.write_str("agent checks off -> on"),
            Self::State { from, to } => write!(f, "state {from} -> {to}"),
            Self::Delete { .. } => f.write_str("delete"),
        }
    }
}

impl fmt::Display for EntryChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { add, change, delete } = self;
        let parts = [("add", add), ("change", change), ("delete", delete)];
        let parts = parts.iter().filter(|(_, count)| **count > 0);
        let parts: Vec<_> = parts.map(|(word, count)| format!("{word} {count}")).collect();
        f.write_str(&parts.join(", "))
    }
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { object, difference, reason } = self;
        write!(f, "{object}: {difference}: {reason}")
    }
}

impl fmt::Display for BlockedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NeedsRelease => "needs HAProxy 2.6",
            Self::NoAddress => "the process does not have the server, and no address is given to add it",
            Self::NoCheck => "its options have a check, and the process has the server without it",
            Self::Unresolved => "its name is not resolved, and HAProxy sets no address then",
            Self::NoIpAddress => {
                "it has a Unix socket in place of an IP address, and HAProxy does not change that"
            }
            Self::NoMajority => "the processes differ, without a majority",
            Self::NoValue => "the others have none, and no command of HAProxy takes it away",
            Self::UnusableName => "no command can have its name",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_is_called_so() {
        let step = |from: Option<&str>, by_serial| {
            let step = Step::Certificate {
                name: "a.pem".into(),
                from: from.map(Into::into),
                to: "02".into(),
                by_serial,
            };
            step.to_string()
        };
        assert_eq!(step(Some("01"), true), "a.pem: replace (serial number 01 -> 02)");
        assert_eq!(step(Some("01"), false), "a.pem: replace (fingerprint 01 -> 02)");
        assert_eq!(step(None, false), "a.pem: load (fingerprint 02)");
    }
}
