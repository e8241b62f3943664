//! The report of one process: the replies of several commands on one connection.

mod parser;
mod part;
mod request;

pub(crate) use parser::ReportParser;

use super::cli_sockets::SocketList;
use super::info::Info;
use crate::level::Level;
use crate::show::stat::StatTable;

/// The report of one process: its `show info`, its stats sockets and its `show stat`, read on one
/// connection.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// let snapshot = cluster.snapshot().await?;
/// for report in snapshot.processes().iter().filter_map(|process| process.report()) {
///     println!("{:?} has {} rows", report.info.pid(), report.stat.len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcessReport {
    /// Reply to `show info`.
    pub info: Info,
    /// Level of the socket that answered. `None` if the release does not know `show cli level`,
    /// which was added in HAProxy 1.9.
    pub level: Option<Level>,
    /// Stats sockets of the process, as the process lists them. Empty if the release does not know
    /// `show cli sockets`, which was added in HAProxy 1.8.
    pub sockets: SocketList,
    /// Reply to `show stat`.
    pub stat: StatTable,
}

/// Name of the request in errors and traces.
pub(crate) const READING: &str = "show info;show stat";
