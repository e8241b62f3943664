//! Sessions of all processes, or of one.

use crate::cluster::{Cluster, OnceJob, Outcomes, Target};
use crate::error::Result;
use crate::level::Level;
use crate::process::IdentifiedConnection;
use crate::protocol::{Change, Command, Response, SessionId};
use crate::show::Session;
use crate::show::stat::StatFilter;
use crate::transport::Deadline;

impl Cluster {
    /// Reads the sessions of each process: `show sess`. Needs level operator.
    ///
    /// The reply has 200 to 300 bytes for each session. To know only how many there are, use
    /// [`session_count`](Self::session_count).
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    #[doc(alias = "show sess")]
    #[doc(alias = "streams")]
    pub async fn sessions(&self) -> Result<Outcomes<Vec<Session>>> {
        let read = |data: Vec<u8>| Ok(Session::read(&String::from_utf8_lossy(&data))?);
        self.fan_out().ask(list(), read).await
    }

    /// Returns the number of sessions of each process: the number that [`sessions`](Self::sessions)
    /// would list, with the connection to the stats socket that asks.
    ///
    /// From 3.0 on it is `CurrStreams` of `show info`, which costs HAProxy the same with one session
    /// and with thousands, and needs level user. Older releases do not count sessions: the lines of
    /// `show sess` are counted, which needs level operator and has the cost of the whole list.
    ///
    /// `CurrConns` of [`info`](Self::info) is another figure, and cheap on every release: the number
    /// of client connections, idle ones included, without connections to the stats socket.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    #[doc(alias = "show sess")]
    #[doc(alias = "CurrStreams")]
    pub async fn session_count(&self) -> Result<Outcomes<u64>> {
        let (counted, listed) = (&Command::read("show info"), &list());
        let job = |target: Target, deadline| async move {
            if !target.may_be_before((3, 0)) {
                let (info, _) = target.member.info(&deadline).await?;
                if let Some(streams) = info.curr_streams() {
                    return Ok(Response::Value(streams));
                }
            }
            target.ask(listed, |data| Ok(Session::count(&data)?), &deadline).await
        };
        self.fan_out().each(counted, StatFilter::Nothing, job).await
    }

    /// Reads all that HAProxy knows about one session: `show sess ID`. Needs level operator.
    ///
    /// The text is meant for people, not for programs, and differs from release to release. The
    /// outcome is absent if the process has no session with this id. An id that was read a while ago
    /// may have been given to another session.
    ///
    /// An id is valid in one process only. The call therefore requires a cluster of one process, or
    /// a view of one process through [`Cluster::only`].
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput), before anything is sent, if the cluster
    ///   has several processes.
    #[doc(alias = "show sess")]
    pub async fn session(&self, id: SessionId) -> Result<Outcomes<String>> {
        let command = &details(id);
        let job =
            |target: Target, deadline| async move { Ok(present(target.ask(command, Ok, &deadline).await?)) };
        self.fan_out().each(command, StatFilter::Nothing, job).await
    }

    /// Ends one session at once: `shutdown session ID`. Needs level admin.
    ///
    /// The client sees a cut connection or an error. HAProxy executes the command when it next runs
    /// the session, which is soon after its reply.
    ///
    /// HAProxy gives the id of a session that has ended to a later session. The call therefore takes
    /// the session as it was listed, and not only its id: right before, `show sess ID` is sent on
    /// the same connection. Unless protocol, client address and frontend are the listed ones and the
    /// session is at least as old as it was in the list (less 5 seconds, because the
    /// two ages that HAProxy prints can differ), nothing more is sent and the outcome is
    /// absent. In the short time between the two commands the id can still be given to another
    /// session.
    ///
    /// An id is valid in one process only. The call therefore requires a cluster of one process, or
    /// a view of one process through [`Cluster::only`].
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput), before anything is sent, if the cluster
    ///   has several processes.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connection, and the process may have executed the command.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
    /// let hour = std::time::Duration::from_secs(3600);
    /// for outcome in cluster.sessions().await?.iter() {
    ///     let process = cluster.only([outcome]);
    ///     let sessions = outcome.value().into_iter().flatten();
    ///     for session in sessions.filter(|session| session.is_on("app", "web1") && session.age > Some(hour)) {
    ///         process.shutdown_session(session).await?;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "shutdown session")]
    pub async fn shutdown_session(&self, session: &Session) -> Result<Outcomes<Change>> {
        let command = Command::write_once("shutdown session").session(session.id);
        let shutdown = &Shutdown { session, details: details(session.id), command };
        let job =
            |target: Target, deadline| async move { target.execute_in_place(shutdown, &deadline).await };
        self.fan_out().each(&shutdown.command, StatFilter::Nothing, job).await
    }
}

/// The end of one session, after a check that its id is still its own.
struct Shutdown<'a> {
    session: &'a Session,
    details: Command,
    command: Command,
}

impl OnceJob for Shutdown<'_> {
    type Answer = Change;

    async fn run(
        &self,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<Response<Change>> {
        match present(connection.ask(&self.details, deadline).await?) {
            Response::Absent(words) => Ok(Response::Absent(words)),
            Response::Value(details) if !self.session.is_described_by(&details) => {
                Ok(Response::Absent("the id is that of another session by now".into()))
            }
            Response::Value(_) => connection.execute(&self.command, deadline).await,
        }
    }
}

fn list() -> Command {
    Command::read("show sess").needs(Level::Operator)
}

fn details(id: SessionId) -> Command {
    list().session(id)
}

/// Reads the reply to `show sess ID`. HAProxy prints the message that there is no such session
/// without a severity.
fn present(response: Response<Vec<u8>>) -> Response<String> {
    match response {
        Response::Value(data) if data == NOT_FOUND => Response::Absent("Session not found.".into()),
        Response::Value(data) => {
            let text = String::from_utf8_lossy(&data);
            Response::Value(text.trim_end_matches('\n').to_owned() + "\n")
        }
        Response::Absent(words) => Response::Absent(words),
    }
}

const NOT_FOUND: &[u8] = b"Session not found.\n";
