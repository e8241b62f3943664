//! Lists of servers: the states and the connections of all servers, or of those of one backend.

use crate::cluster::{Cluster, Outcomes, Target};
use crate::error::Result;
use crate::protocol::{Command, Response};
use crate::show::{ServerConnections, ServerState};
use crate::transport::Deadline;

impl Cluster {
    /// Reads the states of all servers from each process: `show servers state`.
    ///
    /// It has weights, addresses, administrative and operational states, and costs HAProxy a seventh of
    /// the time of `show stat`. A socket of any level may read it. A process without servers has an empty list.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    ///
    /// # Cancel safety
    ///
    /// The same as for [`BackendRef::fetch_server_states`](crate::BackendRef::fetch_server_states).
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
    /// use haproxyadmin::server::OperationalState;
    ///
    /// for (process, servers) in cluster.fetch_server_states().await?.values() {
    ///     let down = servers.iter().filter(|server| server.operational == OperationalState::Stopped);
    ///     println!("{process}: {} of {} are down", down.count(), servers.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "show servers state")]
    pub async fn fetch_server_states(&self) -> Result<Outcomes<Vec<ServerState>>> {
        let read = |data: Vec<u8>| {
            let mut states = ServerState::read(data)?;
            states.retain(|state| !state.is_worker());
            Ok(states)
        };
        self.fan_out().ask(Command::read("show servers state"), read).await
    }

    /// Reads the connections of all servers from each process: `show servers conn`. Needs HAProxy 2.2.
    ///
    /// It tells if a server still has connections in use, and costs HAProxy a ninth of the time of
    /// `show stat`. A socket of any level may read it. A process without servers has an empty list.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Unsupported`](crate::ErrorKind::Unsupported) if the release is older than 2.2. Nothing is sent to it.
    ///
    /// # Cancel safety
    ///
    /// The same as for [`BackendRef::fetch_server_states`](crate::BackendRef::fetch_server_states).
    #[doc(alias = "show servers conn")]
    pub async fn fetch_server_connections(&self) -> Result<Outcomes<Vec<ServerConnections>>> {
        self.fan_out().ask(show_connections(), connections).await
    }
}

/// Reads the connections of the servers of one backend from one process.
///
/// With `nbproc`, a process lists no servers for a backend that another process runs.
pub(in crate::object) async fn connections_of(
    command: &Command,
    target: &Target,
    deadline: &Deadline,
) -> Result<Response<Vec<ServerConnections>>> {
    Ok(match target.ask(command, connections, deadline).await? {
        Response::Value(servers) if servers.is_empty() && target.nbproc().lists_foreign_backends() => {
            Response::Absent("no servers listed by `show servers conn`".into())
        }
        servers => servers,
    })
}

pub(in crate::object) fn show_connections() -> Command {
    Command::read("show servers conn").since((2, 2))
}

fn connections(data: Vec<u8>) -> Result<Vec<ServerConnections>> {
    Ok(ServerConnections::read(data)?)
}
