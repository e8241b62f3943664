use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::address::Address;
use crate::error::Failure;

/// Something that a cluster needs in order to be complete, besides answers from its members: a
/// directory that can be read, a master that lists its processes, a process that is expected, or the
/// process at a given address that processes of `nbproc` share.
///
/// [`Snapshot::missing`](crate::Snapshot::missing) and
/// [`Outcomes::missing`](crate::Outcomes::missing) list the requirements that are not met. Its
/// [`Display`](fmt::Display) names the requirement and the reason why it is not met.
///
/// # Example
///
/// ```no_run
/// # async fn example() -> haproxyadmin::Result<()> {
/// use haproxyadmin::Cluster;
///
/// let cluster = Cluster::builder().dir("/run/haproxy").expect_at_least(4).build().await?;
/// let snapshot = cluster.allow_partial().snapshot().await?;
/// for requirement in snapshot.missing() {
///     println!("{requirement}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Requirement {
    host: Arc<str>,
    required: Required,
    /// Microseconds since 1970.
    checked_at: u64,
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    failure: Option<Failure>,
}

/// Subject of a [`Requirement`].
///
/// # Example
///
/// ```
/// use haproxyadmin::membership::Required;
///
/// assert_eq!(Required::Directory("/run/haproxy".into()).to_string(), "directory /run/haproxy");
/// assert_eq!(Required::AtLeast(4).to_string(), "at least 4 processes");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Required {
    /// A directory of [`ClusterBuilder::dir`](crate::ClusterBuilder::dir) can be read.
    Directory(Box<str>),
    /// A master of [`ClusterBuilder::master`](crate::ClusterBuilder::master) lists its processes.
    Master(Box<str>),
    /// The process that answers at an address of
    /// [`ClusterBuilder::address`](crate::ClusterBuilder::address) is read through another socket. Required
    /// only if several processes of `nbproc` (HAProxy up to 2.4) may answer at the address.
    Address(Address),
    /// A process of [`ClusterBuilder::expect`](crate::ClusterBuilder::expect), given by its label
    /// or address, is a member.
    Process(Box<str>),
    /// The cluster has at least this many members
    /// ([`ClusterBuilder::expect_at_least`](crate::ClusterBuilder::expect_at_least)).
    AtLeast(usize),
}

impl Requirement {
    pub(crate) fn new(host: Arc<str>, required: Required, checked_at: u64, failure: Option<Failure>) -> Self {
        Self { host, required, checked_at, failure }
    }

    /// Returns the host of the cluster that has the requirement.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the thing that is required.
    pub fn required(&self) -> &Required {
        &self.required
    }

    /// Returns the reason why the requirement is not met, or `None` if it is met.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// Returns `false` if the address that is required was read later, and is a member since. `read_at` is
    /// the time at which the record of an address was read.
    pub(super) fn counts_beside(&self, read_at: impl Fn(&str, &Address) -> Option<u64>) -> bool {
        match &self.required {
            Required::Address(address) => read_at(&self.host, address).is_none_or(|at| at < self.checked_at),
            _ => true,
        }
    }

    /// Keeps the newest requirement about each thing on each host.
    pub(super) fn newest(requirements: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let mut newest: BTreeMap<(Arc<str>, Required), Self> = BTreeMap::new();
        for one in requirements {
            let key = (Arc::clone(&one.host), one.required.clone());
            match newest.get(&key) {
                Some(kept) if one.precedence(kept).is_le() => {}
                _ => drop(newest.insert(key, one)),
            }
        }
        newest.into_values().collect()
    }

    fn precedence(&self, other: &Self) -> Ordering {
        let written =
            |one: &Self| one.failure.clone().map(|failure| (failure.kind.as_str(), failure.message));
        self.checked_at.cmp(&other.checked_at).then_with(|| written(self).cmp(&written(other)))
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.failure {
            Some(failure) => failure.fmt(f),
            None => self.required.fmt(f),
        }
    }
}

impl fmt::Display for Required {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) => write!(f, "directory {path}"),
            Self::Master(address) => write!(f, "master {address}"),
            Self::Address(address) => write!(f, "address {address}"),
            Self::Process(name) => write!(f, "process {name:?}"),
            Self::AtLeast(1) => f.write_str("at least 1 process"),
            Self::AtLeast(count) => write!(f, "at least {count} processes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn of_two_failures_of_one_moment_the_last_one_by_kind_and_message_counts() {
        let requirement = |kind, message: &str| {
            let failure = Failure::without_error(kind, message);
            Requirement::new("host".into(), Required::AtLeast(1), 7, Some(failure))
        };
        let first = requirement(ErrorKind::Incomplete, "z");
        let second = requirement(ErrorKind::Io, "\"a\" is absent");
        let third = requirement(ErrorKind::Io, "A is absent");
        for [one, last] in [[&first, &second], [&first, &third], [&second, &third]] {
            for order in [[one, last], [last, one]] {
                assert_eq!(&Requirement::newest(order.map(Clone::clone)), std::slice::from_ref(last));
            }
        }
    }
}
