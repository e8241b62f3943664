//! What is done to whole processes.

use super::{Counters, RateLimit};
use crate::cluster::{Cluster, Outcomes, Target};
use crate::error::{Error, Result};
use crate::level::Level;
use crate::protocol;
use crate::protocol::{Change, Command, ProxyName, Reply, Response};
use crate::show::stat::StatFilter;
use crate::snapshot::ClusterInfo;

impl Cluster {
    /// What the processes say of themselves, as one; no rows are asked for. See
    /// [`snapshot`](Cluster::snapshot) for cancel safety.
    ///
    /// # Errors
    ///
    /// Those of [`snapshot`](Cluster::snapshot).
    pub async fn info(&self) -> Result<ClusterInfo> {
        Ok(self.read(&StatFilter::Nothing).await?.info())
    }

    /// Sets how many connections each process takes at once: `set maxconn global N`.
    /// Needs level admin.
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`]; [`Refused`](crate::ErrorKind::Refused) above what
    /// the process was started for, its `Hard_maxconn` ("Value out of range.");
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for 0 and from 2^31 on, which
    /// HAProxy takes for `Hard_maxconn`.
    ///
    /// # Cancel safety
    ///
    /// That of every change: dropping the future closes the connections, and each
    /// process may have executed the command, or still do so.
    pub async fn set_maxconn(&self, connections: u32) -> Result<Outcomes<Change>> {
        if connections == 0 || i32::try_from(connections).is_err() {
            let text = format!("maxconn {connections}: HAProxy would take it for its hard limit");
            return Err(Error::invalid(text));
        }
        self.fan_out()
            .change(Command::write("set maxconn global").word(connections), StatFilter::Nothing)
            .await
    }

    /// Sets a limit on a rate, for each process: `set rate-limit WHAT global N`. Needs
    /// level admin. 0 is no limit. The unit is that of [`RateLimit`].
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`]; [`InvalidInput`](crate::ErrorKind::InvalidInput) for
    /// more than HAProxy can count: 2^31 of each second, or 2^32 bytes.
    ///
    /// # Cancel safety
    ///
    /// That of [`set_maxconn`](Self::set_maxconn).
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

    /// Clears counters of each process: `clear counters`, which needs level
    /// operator, or `clear counters all`, which needs level admin.
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`].
    ///
    /// # Cancel safety
    ///
    /// That of [`set_maxconn`](Self::set_maxconn).
    pub async fn clear_counters(&self, counters: Counters) -> Result<Outcomes<Change>> {
        let command = Command::write("clear counters");
        let command = match counters {
            Counters::Max => command.needs(Level::Operator),
            Counters::All => command.word("all"),
        };
        self.fan_out().change(command, StatFilter::Nothing).await
    }

    /// The last request and response of each proxy that HAProxy refused, of each
    /// process: `show errors`, text for people. Needs level operator.
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connections and leaves nothing behind.
    pub async fn show_errors(&self) -> Result<Outcomes<String>> {
        self.fan_out().ask(Command::read("show errors").needs(Level::Operator), |data| Ok(text(&data))).await
    }

    /// The same of one frontend or backend: `show errors NAME`.
    ///
    /// # Errors
    ///
    /// Those of [`errors`](Self::show_errors);
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for what is no name of a proxy.
    ///
    /// # Cancel safety
    ///
    /// That of [`errors`](Self::show_errors).
    pub async fn show_errors_of(&self, proxy: &str) -> Result<Outcomes<String>> {
        let name = ProxyName::new("proxy", proxy)?;
        let command = &Command::read("show errors").word(name).needs(Level::Operator);
        // HAProxy takes a name that nobody has for a number, as far as it is one.
        let numeric = proxy.starts_with(|c: char| c.is_ascii_digit() || c == '-');
        let job = |target: Target, deadline| async move {
            if numeric && !target.lists(&StatFilter::All, |row| row.proxy() == proxy, &deadline).await? {
                return Ok(Response::Absent("not listed by `show stat`".into()));
            }
            target.ask(command, |data| Ok(text(&data)), &deadline).await
        };
        self.fan_out().each(command, StatFilter::Nothing, job).await
    }

    /// Sends a command line to every member as it is, and returns the whole reply of
    /// each as it is. See [`StatsSocket::command`](crate::StatsSocket::command): the
    /// line is for HAProxy to take apart, and what HAProxy says of it is a reply too,
    /// also where it refuses.
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`];
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a line that cannot be sent.
    /// A reply that is lost is
    /// [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown), unless the line begins
    /// with `show` or `get` and is one command.
    ///
    /// # Cancel safety
    ///
    /// That of [`StatsSocket::command`](crate::StatsSocket::command).
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
