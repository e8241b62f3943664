//! Commands that read or change whole processes.

use super::{Counters, RateLimit};
use crate::cluster::{Cluster, Outcomes, Target};
use crate::error::{Error, Result};
use crate::level::Level;
use crate::protocol;
use crate::protocol::{Change, Command, ProxyName, Reply, Response};
use crate::show::stat::StatFilter;
use crate::snapshot::ClusterInfo;

impl Cluster {
    /// Returns the process figures of the cluster (`show info`). Requests no rows.
    ///
    /// # Errors
    ///
    /// - The errors of [`snapshot`](Cluster::snapshot).
    #[doc(alias = "show info")]
    pub async fn info(&self) -> Result<ClusterInfo> {
        Ok(self.read(&StatFilter::Nothing).await?.info())
    }

    /// Sets the number of connections that each process accepts at once: `set maxconn global N`.
    /// Needs level admin.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Refused`](crate::ErrorKind::Refused) if `connections` exceeds the limit that the process
    ///   was started with, its `Hard_maxconn` ("Value out of range.").
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if `connections` is 0, or 2^31 or more:
    ///   HAProxy would use `Hard_maxconn` instead.
    #[doc(alias = "set maxconn global")]
    #[doc(alias = "setmaxconn")]
    pub async fn set_maxconn(&self, connections: u32) -> Result<Outcomes<Change>> {
        if connections == 0 || i32::try_from(connections).is_err() {
            let text = format!("maxconn {connections}: HAProxy would take it for its hard limit");
            return Err(Error::invalid(text));
        }
        self.fan_out()
            .change(Command::write("set maxconn global").word(connections), StatFilter::Nothing)
            .await
    }

    /// Sets a rate limit in each process: `set rate-limit LIMIT global N`. Needs level admin.
    ///
    /// 0 removes the limit. [`RateLimit`] documents the unit of each limit.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if `limit` is more than HAProxy can
    ///   count: 2^31 per second or more; for [`HttpCompression`](RateLimit::HttpCompression), 2^32
    ///   bytes per second or more.
    #[doc(alias = "set rate-limit")]
    #[doc(alias = "setratelimitconn")]
    #[doc(alias = "setratelimitsess")]
    #[doc(alias = "setratelimitsslsess")]
    pub async fn set_rate_limit(&self, what: RateLimit, limit: u32) -> Result<Outcomes<Change>> {
        let counts = match what {
            RateLimit::HttpCompression => limit.checked_mul(1024).is_some(),
            _ => i32::try_from(limit).is_ok(),
        };
        if !counts {
            return Err(Error::invalid(format!("rate limit {limit}: more than HAProxy can count")));
        }
        let command = Command::write("set rate-limit").word(what).word("global").word(limit);
        self.fan_out().change(command, StatFilter::Nothing).await
    }

    /// Clears counters in each process: `clear counters`, which needs level operator, or
    /// `clear counters all`, which needs level admin.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    #[doc(alias = "clear counters")]
    #[doc(alias = "clearcounters")]
    pub async fn clear_counters(&self, counters: Counters) -> Result<Outcomes<Change>> {
        let command = Command::write("clear counters");
        let command = match counters {
            Counters::Max => command.needs(Level::Operator),
            Counters::All => command.word("all"),
        };
        self.fan_out().change(command, StatFilter::Nothing).await
    }

    /// Reads the last request and the last response that HAProxy rejected as invalid, for each
    /// proxy of each process: `show errors`. Needs level operator.
    ///
    /// The text is meant for people, not for programs.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    #[doc(alias = "show errors")]
    #[doc(alias = "errors")]
    pub async fn show_errors(&self) -> Result<Outcomes<String>> {
        self.fan_out().ask(Command::read("show errors").needs(Level::Operator), |data| Ok(text(&data))).await
    }

    /// Reads the last invalid request and response of one frontend or backend: `show errors NAME`.
    /// Needs level operator.
    ///
    /// # Errors
    ///
    /// - The errors of [`show_errors`](Self::show_errors).
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if `proxy` is not a valid name of a
    ///   proxy.
    #[doc(alias = "show errors")]
    #[doc(alias = "errors")]
    pub async fn show_errors_of(&self, proxy: &str) -> Result<Outcomes<String>> {
        let name = ProxyName::new("proxy", proxy)?;
        let command = &Command::read("show errors").word(name).needs(Level::Operator);
        // If no proxy has the name, HAProxy reads its leading digits as the id of a proxy.
        let numeric = proxy.starts_with(|c: char| c.is_ascii_digit() || c == '-');
        let job = |target: Target, deadline| async move {
            if numeric && !target.lists(&StatFilter::All, |row| row.proxy() == proxy, &deadline).await? {
                return Ok(Response::Absent("not listed by `show stat`".into()));
            }
            target.ask(command, |data| Ok(text(&data)), &deadline).await
        };
        self.fan_out().each(command, StatFilter::Nothing, job).await
    }

    /// Sends a command line unchanged to every member, and returns the whole, unparsed reply of
    /// each.
    ///
    /// HAProxy parses the line, as with [`StatsSocket::command`](crate::StatsSocket::command).
    /// Every message of HAProxy is a reply, including a refusal.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the line cannot be sent.
    /// - [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if a reply is lost, unless the line
    ///   begins with `show` or `get` and is one command.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connections, and each process may have executed the command
    /// or may still do so. Some releases come to harm if a long reply is cut: a reply to
    /// `show servers state` or `show servers conn`, and a long reply with another command after it
    /// on the line. A task reads such a reply to its end, for a minute at most. The task needs the
    /// Tokio runtime on which the call ran.
    pub async fn command(&self, line: &str) -> Result<Outcomes<Reply>> {
        let command = &Command::raw(line, protocol::verb(line));
        let job = |target: Target, deadline| async move {
            target.member.verbatim(command, &deadline).await.map(Response::Value)
        };
        self.fan_out().each(command, StatFilter::Nothing, job).await
    }
}

fn text(data: &[u8]) -> String {
    String::from_utf8_lossy(data).into_owned()
}
