//! Reports that HAProxy prints as text for people.

use std::fmt;

use crate::cluster::{Cluster, Outcomes, Target};
use crate::error::Result;
use crate::level::Level;
use crate::protocol::Command;
use crate::show::stat::StatFilter;

/// A report that HAProxy prints as text for people, for [`Cluster::show`].
///
/// The text differs from release to release. Each variant names the level that the report needs in
/// the latest release, and the levels of older releases if they differ.
///
/// # Example
///
/// ```
/// use haproxyadmin::info::TextReport;
///
/// assert_eq!(TextReport::AllSessions.to_string(), "show sess all");
/// assert_eq!(TextReport::ALL.len(), 12);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TextReport {
    /// `show activity`: counters of the scheduler and the pollers of each thread. Operator; user up
    /// to 2.6.
    #[doc(alias = "show activity")]
    Activity,
    /// `show cache`: the entries of each HTTP cache. Admin.
    #[doc(alias = "show cache")]
    Cache,
    /// `show env`: the environment variables, which may hold secrets. Operator.
    #[doc(alias = "show env")]
    Environment,
    /// `show fd`: the open file descriptors. Operator.
    #[doc(alias = "show fd")]
    FileDescriptors,
    /// `show libs`: the loaded libraries with their addresses. Operator. HAProxy 2.6 and later.
    #[doc(alias = "show libs")]
    Libraries,
    /// `show pools`: the memory pools with their sizes. User.
    #[doc(alias = "show pools")]
    Pools,
    /// `show profiling`: the settings and figures of profiling. Admin; user in 2.2.
    #[doc(alias = "show profiling")]
    Profiling,
    /// `show sess all`: all that HAProxy knows about each session. Operator.
    #[doc(alias = "show sess")]
    AllSessions,
    /// `show startup-logs`: the messages of the start. Operator. The text is empty if there are none.
    #[doc(alias = "show startup-logs")]
    StartupLogs,
    /// `show threads`: the state of each thread. User.
    #[doc(alias = "show threads")]
    Threads,
    /// `show tls-keys`: the files of keys for TLS session tickets. Admin; user up to 3.2.
    #[doc(alias = "show tls-keys")]
    TlsKeys,
    /// `show version`: the release. User. HAProxy 2.6 and later.
    #[doc(alias = "show version")]
    Version,
}

impl TextReport {
    /// Every report, in the order of their names.
    pub const ALL: &[Self] = &[
        Self::Activity,
        Self::Cache,
        Self::Environment,
        Self::FileDescriptors,
        Self::Libraries,
        Self::Pools,
        Self::Profiling,
        Self::AllSessions,
        Self::StartupLogs,
        Self::Threads,
        Self::TlsKeys,
        Self::Version,
    ];

    fn command(self) -> Command {
        let verb = self.verb();
        let command = Command::read(verb).needs(self.level());
        match self {
            Self::Libraries | Self::Version => command.since((2, 6)),
            Self::AllSessions => command.word("all"),
            _ => command,
        }
    }

    fn verb(self) -> &'static str {
        match self {
            Self::Activity => "show activity",
            Self::Cache => "show cache",
            Self::Environment => "show env",
            Self::FileDescriptors => "show fd",
            Self::Libraries => "show libs",
            Self::Pools => "show pools",
            Self::Profiling => "show profiling",
            Self::AllSessions => "show sess",
            Self::StartupLogs => "show startup-logs",
            Self::Threads => "show threads",
            Self::TlsKeys => "show tls-keys",
            Self::Version => "show version",
        }
    }

    fn level(self) -> Level {
        match self {
            Self::Pools | Self::Threads | Self::Version => Level::User,
            Self::Activity
            | Self::Environment
            | Self::FileDescriptors
            | Self::Libraries
            | Self::AllSessions
            | Self::StartupLogs => Level::Operator,
            Self::Cache | Self::Profiling | Self::TlsKeys => Level::Admin,
        }
    }
}

/// Writes the command.
impl fmt::Display for TextReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.command().redacted())
    }
}

impl Cluster {
    /// Reads a report that HAProxy prints as text for people, from each process.
    ///
    /// The text is whole, or the outcome is an error. It ends with one line feed, or is empty.
    /// `show errors` has calls of its own: [`show_errors`](Self::show_errors).
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`PermissionDenied`](crate::ErrorKind::PermissionDenied) if the level of a socket is too
    ///   low for the report.
    /// - [`Unsupported`](crate::ErrorKind::Unsupported) if a process is too old for the report.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
    /// use haproxyadmin::info::TextReport;
    ///
    /// for (label, text) in cluster.show(TextReport::Threads).await?.values() {
    ///     println!("{label}:\n{text}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn show(&self, report: TextReport) -> Result<Outcomes<String>> {
        let command = &report.command();
        // The prompt frames the reply: `show threads` and the values of `show env` have empty lines.
        let job = |target: Target, deadline| async move {
            target.list(command, |data| Ok(text(&data)), &deadline).await
        };
        self.fan_out().each(command, StatFilter::Nothing, job).await
    }
}

fn text(data: &[u8]) -> String {
    let text = String::from_utf8_lossy(data);
    let text = text.trim_end_matches('\n');
    // HAProxy up to 2.6 prints an empty message if it has no logs.
    if text.is_empty() { String::new() } else { text.to_owned() + "\n" }
}
