use std::fmt;

use super::left_reason::LeftReason;
use super::pattern::PatternRestoration;
use crate::protocol::{Command, keywords};

/// Changes that restore the settings of one process, and the settings that are left as they are:
/// [`Cluster::restore`](crate::Cluster::restore), [`Cluster::restore_plan`](crate::Cluster::restore_plan).
///
/// [`Display`](fmt::Display) prints one line for each.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// let settings = cluster.settings().await?;
/// for (label, plan) in cluster.restore_plan(&settings).await?.values() {
///     println!("{label}: {} changes", plan.changes.len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Restoration {
    /// Changes, in the order in which they are sent.
    pub changes: Vec<SettingChange>,
    /// Settings that differ and are left as they are.
    pub left: Vec<SettingLeft>,
    /// Maps and ACLs with entries that were remembered.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Vec::is_empty"))]
    pub patterns: Vec<PatternRestoration>,
}

/// A change of one setting of a server.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// let settings = cluster.settings().await?;
/// for (_, plan) in cluster.restore_plan(&settings).await?.values() {
///     for change in &plan.changes {
///         println!("{} of {}/{}: {}", change.setting, change.backend, change.server, change.to);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SettingChange {
    /// Name of the backend.
    pub backend: Box<str>,
    /// Name of the server.
    pub server: Box<str>,
    /// Setting that changes.
    pub setting: SettingName,
    /// Value that the process shows now; `None` for a server that is added.
    pub from: Option<Box<str>>,
    /// Remembered value; the address for a server that is added.
    pub to: Box<str>,
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(super) command: Command,
}

/// A remembered setting that is not restored, with the reason.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// let settings = cluster.settings().await?;
/// for (_, plan) in cluster.restore_plan(&settings).await?.values() {
///     for left in &plan.left {
///         println!("{}/{}: {}", left.backend, left.server, left.reason);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SettingLeft {
    /// Name of the backend.
    pub backend: Box<str>,
    /// Name of the server.
    pub server: Box<str>,
    /// Setting.
    pub setting: SettingName,
    /// Remembered value.
    pub remembered: Box<str>,
    /// Value that the process shows now, if it shows one.
    pub shown: Option<Box<str>>,
    /// Reason.
    pub reason: LeftReason,
}

/// Setting of a server.
///
/// # Example
///
/// ```
/// use haproxyadmin::settings::SettingName;
///
/// assert_eq!(SettingName::HealthCheck.to_string(), "health-check");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum SettingName {
    /// The existence of the server: `add server`.
    Server,
    /// Host name: `set server B/S fqdn`.
    Fqdn,
    /// Address and port: `set server B/S addr`.
    Address,
    /// Weight: `set server B/S weight`.
    Weight,
    /// Limit of requests: `set maxconn server`.
    Maxconn,
    /// Health checks: `enable health`, `disable health`.
    HealthCheck,
    /// Agent checks: `enable agent`, `disable agent`.
    AgentCheck,
    /// Administrative state: `set server B/S state`.
    State,
}

keywords!(SettingName, "setting", {
    Server = "server",
    Fqdn = "fqdn",
    Address = "address",
    Weight = "weight",
    Maxconn = "maxconn",
    HealthCheck = "health-check",
    AgentCheck = "agent-check",
    State = "state",
});

impl Restoration {
    /// Returns `true` if no change is needed, or none was needed.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.patterns.iter().all(PatternRestoration::is_empty)
    }

    /// Returns `true` if it changes the same setting of the same server.
    pub(super) fn has(&self, change: &SettingChange) -> bool {
        self.changes.iter().any(|other| other.setting == change.setting && other.is_of_server_of(change))
    }
}

impl SettingChange {
    /// Returns `true` if both are changes of one server.
    pub(super) fn is_of_server_of(&self, other: &Self) -> bool {
        self.backend == other.backend && self.server == other.server
    }
}

impl fmt::Display for SettingChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { backend, server, setting, from, to, .. } = self;
        match from {
            Some(from) => write!(f, "{backend}/{server}: {setting} {from} -> {to}"),
            None => write!(f, "{backend}/{server}: add {setting} {to}"),
        }
    }
}

impl fmt::Display for SettingLeft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { backend, server, setting, remembered, shown, reason } = self;
        write!(f, "{backend}/{server}: {setting} ")?;
        match shown {
            Some(shown) => write!(f, "stays {shown}, and was {remembered}: {reason}"),
            None => write!(f, "{remembered} is left: {reason}"),
        }
    }
}

impl fmt::Display for Restoration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let changes = self.changes.iter().map(ToString::to_string);
        let lines = changes.chain(self.left.iter().map(ToString::to_string));
        let lines: Vec<_> = lines.chain(self.patterns.iter().flat_map(PatternRestoration::lines)).collect();
        f.write_str(if lines.is_empty() { "nothing to restore" } else { "" })?;
        f.write_str(&lines.join("\n"))
    }
}
