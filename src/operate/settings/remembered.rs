use super::pattern::ProcessPatterns;
use super::server::ServerSettings;
use crate::address::Address;
use crate::cluster::Outcomes;
use crate::error::{Error, Result};
use crate::object::Weight;
use crate::protocol::ServerName;
use crate::snapshot::Label;

/// Settings of the servers of a cluster, and entries of its maps and ACLs, which HAProxy forgets at a reload
/// or a restart: [`Cluster::settings`](crate::Cluster::settings),
/// [`Cluster::settings_with`](crate::Cluster::settings_with).
///
/// # Serialisation
///
/// With the feature `serde`, the settings are written as a map of `format` (1), `processes` and, if some
/// processes did not answer, `unread`. They can be read back. Another format, a field that is not known
/// and a value that is not valid are errors that name it.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// let settings = cluster.settings().await?;
/// // HAProxy is reloaded here.
/// println!("{}", cluster.restore(&settings).await?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Settings {
    // The first field, so that another format is reported before the fields that it may have.
    format: Format,
    processes: Vec<ProcessSettings>,
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Vec::is_empty"))]
    unread: Vec<UnreadProcess>,
}

/// Settings of one process.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// for process in cluster.settings().await?.processes() {
///     println!("{} (pid {}): {} servers", process.label, process.pid, process.servers.len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct ProcessSettings {
    /// Host that the process runs on.
    pub host: Box<str>,
    /// Address of the stats socket.
    pub address: Address,
    /// Label of the process.
    pub label: Label,
    /// Process ID.
    pub pid: u64,
    /// Time when the process was started, in seconds since 1970. HAProxy before 2.6 does not print it; it
    /// is then derived from the uptime, and may be wrong by two seconds.
    pub started_at: u64,
    /// Servers of the process, in the order of `show servers state`.
    pub servers: Vec<ServerSettings>,
    /// Maps and ACLs, if they were asked for: [`Remember::patterns`](super::Remember::patterns).
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub patterns: Option<ProcessPatterns>,
}

/// A process that did not answer when the settings were read, through a view of
/// [`Cluster::allow_partial`](crate::Cluster::allow_partial).
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// for process in cluster.allow_partial().settings().await?.unread() {
///     println!("{}: {}", process.label, process.reason);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct UnreadProcess {
    /// Host that the process runs on.
    pub host: Box<str>,
    /// Address of the stats socket.
    pub address: Address,
    /// Label of the process.
    pub label: Label,
    /// Cause of the failure.
    pub reason: Box<str>,
}

impl Settings {
    pub(super) fn new(outcomes: &Outcomes<ProcessSettings>) -> Self {
        let unread = outcomes.failed().filter_map(|outcome| {
            Some(UnreadProcess {
                host: outcome.host().into(),
                address: outcome.address().clone(),
                label: outcome.label().clone(),
                reason: outcome.error()?.reason().into(),
            })
        });
        Self {
            format: Format,
            processes: outcomes.values().map(|(_, process)| process.clone()).collect(),
            unread: unread.collect(),
        }
    }

    /// Returns the settings of each process.
    pub fn processes(&self) -> &[ProcessSettings] {
        &self.processes
    }

    /// Returns the processes that did not answer.
    pub fn unread(&self) -> &[UnreadProcess] {
        &self.unread
    }

    /// Returns the settings of the process at an address of a host, or with its label.
    pub(super) fn of(&self, host: &str, address: &Address, label: &str) -> Option<&ProcessSettings> {
        let mut here = self.processes.iter().filter(|process| *process.host == *host);
        let at_address = here.clone().find(|process| process.address == *address);
        at_address.or_else(|| here.find(|process| *process.label == *label))
    }

    /// Checks that every name and number can be sent.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` if the file from which the settings were read is damaged.
    pub(super) fn check(&self) -> Result<()> {
        self.processes
            .iter()
            .filter_map(|process| process.patterns.as_ref())
            .try_for_each(ProcessPatterns::check)?;
        for server in self.processes.iter().flat_map(|process| &process.servers) {
            ServerName::new(&server.backend, &server.name)?;
            for weight in [server.weight.value].into_iter().chain(server.weight.configured) {
                Weight::absolute(weight)?;
            }
            if let Some(maxconn) = server.maxconn.as_ref().filter(|maxconn| maxconn.value > MAXCONN) {
                return Err(Error::invalid(format!("maxconn {}: expected 0 to {MAXCONN}", maxconn.value)));
            }
        }
        Ok(())
    }
}

impl ProcessSettings {
    /// Returns the settings of a server.
    pub fn server(&self, backend: &str, name: &str) -> Option<&ServerSettings> {
        self.servers.iter().find(|server| *server.backend == *backend && *server.name == *name)
    }
}

/// Greatest `maxconn` of a server.
const MAXCONN: u64 = u32::MAX as u64;

/// The format of the serialised settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Format;

#[cfg(feature = "serde")]
const FORMAT: u64 = 1;

#[cfg(feature = "serde")]
impl serde::Serialize for Format {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(FORMAT)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Format {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            FORMAT => Ok(Self),
            other => {
                let text = format!("settings of format {other}: expected format {FORMAT}");
                Err(serde::de::Error::custom(text))
            }
        }
    }
}
