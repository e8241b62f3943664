use std::fmt;

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

/// Reason for which a setting is not restored.
///
/// # Example
///
/// ```
/// use haproxyadmin::settings::LeftReason;
///
/// assert_eq!(LeftReason::ConfigurationChanged.to_string(), "the configuration has changed");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum LeftReason {
    /// The configuration of the setting has changed, and wins.
    ConfigurationChanged,
    /// HAProxy does not show the configured value, which may have changed:
    /// [`Restore::with_addresses`](super::Restore::with_addresses),
    /// [`Restore::with_maxconn`](super::Restore::with_maxconn).
    ConfigurationNotShown,
    /// No command sets the value: an address of a server that has none, or the client's port.
    NotSettable,
    /// The process does not have the server. It was deleted, or removed from the configuration, unless it
    /// was added at run time: [`Restore::dynamic`](super::Restore::dynamic).
    ServerGone,
    /// The process does not have the backend of a server that was added at run time.
    BackendGone,
    /// The release of the process cannot add the server: HAProxy before 2.6.
    Unsupported,
    /// The server was added at run time and is gone. HAProxy does not show its TLS parameters, or its
    /// address; it needs a description: [`Restore::dynamic`](super::Restore::dynamic).
    DescriptionNeeded,
    /// The server is added again, and its checks get HAProxy's default for what it has not shown: the
    /// interval, the kind of the check, and `rise` and `fall` of checks that did not run.
    ParametersNotShown,
}

impl Restoration {
    /// Returns `true` if no change is needed, or none was needed.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
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

impl fmt::Display for LeftReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::ConfigurationChanged => "the configuration has changed",
            Self::ConfigurationNotShown => "HAProxy does not show if the configuration has changed",
            Self::NotSettable => "no command sets it",
            Self::ServerGone => "the server is gone",
            Self::BackendGone => "the backend is gone",
            Self::Unsupported => "needs HAProxy 2.6",
            Self::DescriptionNeeded => "the server cannot be added again without a description",
            Self::ParametersNotShown => "the other parameters of the checks are not known",
        })
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
        if self.changes.is_empty() && self.left.is_empty() {
            return f.write_str("nothing to restore");
        }
        let changes = self.changes.iter().map(|change| change as &dyn fmt::Display);
        let lines = changes.chain(self.left.iter().map(|left| left as &dyn fmt::Display));
        for (at, line) in lines.enumerate() {
            write!(f, "{}{line}", if at == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}
