use super::server::{
    NewServer, ServerRef, ServerTemplate, add, connections_of, show_connections, states, take,
};
use crate::cluster::{Cluster, OnceJob, Outcomes, Target};
use crate::error::Result;
use crate::process::{Batch, Executed, IdentifiedConnection};
use crate::protocol::{Change, Command, ProxyName, Response, ServerName};
use crate::show::stat::StatFilter;
use crate::show::{ServerConnections, ServerState};
use crate::transport::Deadline;

/// A backend of a [`Cluster`], addressed by its name.
///
/// Creating the reference sends nothing, and the name is not checked until the reference is used.
///
/// # Cancel safety
///
/// Dropping the future of a read closes the connections and leaves nothing behind, except that
/// [`fetch_server_states`](Self::fetch_server_states) and
/// [`fetch_server_connections`](Self::fetch_server_connections) may leave a task behind. Dropping the future of
/// [`add_server`](Self::add_server) may leave a server that is not enabled. See
/// [`guide::cancellation`](crate::guide::cancellation).
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// let app = cluster.backend_ref("app")?;
/// for (label, servers) in app.fetch_server_states().await?.values() {
///     println!("{label} has {} servers", servers.len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct BackendRef {
    pub(crate) cluster: Cluster,
    pub(super) name: ProxyName,
}

impl Cluster {
    /// Returns a reference to the backend called `name`, to reach its servers. Sends nothing.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if HAProxy's configuration does not
    ///   accept `name` as a name.
    pub fn backend_ref(&self, name: &str) -> Result<BackendRef> {
        Ok(BackendRef { cluster: self.clone(), name: ProxyName::new("backend", name)? })
    }
}

impl BackendRef {
    /// Returns a reference to the same backend that acts through `cluster`, another view of the
    /// cluster.
    ///
    /// ```no_run
    /// # fn example(backend: haproxyadmin::BackendRef, cluster: haproxyadmin::Cluster) {
    /// let lenient = backend.on(&cluster.allow_partial());
    /// # }
    /// ```
    #[must_use]
    pub fn on(&self, cluster: &Cluster) -> Self {
        Self { cluster: cluster.clone(), ..self.clone() }
    }

    /// Returns the name of the backend.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }
}

impl BackendRef {
    /// Returns a reference to the server called `name` in this backend. Sends nothing.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if HAProxy's configuration does not
    ///   accept `name` as a name.
    pub fn server_ref(&self, name: &str) -> Result<ServerRef> {
        self.cluster.server_ref(self.name(), name)
    }

    /// Reads the states of the backend's servers from each process: `show servers state NAME`.
    ///
    /// The reply reports the administrative state (set by the operator) and the operational state
    /// (seen by HAProxy) separately. A socket of any level may read it.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind, except while a reply is arriving: a task then
    /// reads the reply to its end, for a minute at most, because HAProxy 3.2 dies if the reply is
    /// cut. The task needs the Tokio runtime on which the call ran.
    #[doc(alias = "show servers state")]
    pub async fn fetch_server_states(&self) -> Result<Outcomes<Vec<ServerState>>> {
        let command = &Command::read("show servers state").word(&self.name);
        let job = |target: Target, deadline| async move { states(command, &target, &deadline).await };
        self.cluster.fan_out().each(command, StatFilter::Nothing, job).await
    }

    /// Reads the connections of the backend's servers from each process: `show servers conn NAME`. Needs
    /// HAProxy 2.2. A socket of any level may read it.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Unsupported`](crate::ErrorKind::Unsupported) if the release is older than 2.2. Nothing is sent to it.
    ///
    /// # Cancel safety
    ///
    /// The same as for [`fetch_server_states`](Self::fetch_server_states).
    #[doc(alias = "show servers conn")]
    pub async fn fetch_server_connections(&self) -> Result<Outcomes<Vec<ServerConnections>>> {
        let command = &show_connections().word(self.name());
        let job = |target: Target, deadline| async move { connections_of(command, &target, &deadline).await };
        self.cluster.fan_out().each(command, StatFilter::Nothing, job).await
    }

    /// Adds a server to the backend on each process, enables it, and reads its state back:
    /// `add server B/S ADDRESS WORD...`. Needs level admin and HAProxy 2.6.
    ///
    /// Each process gets these commands, one after the other:
    ///
    /// 1. `add server B/S ...`. The server is in maintenance, and HAProxy does not run its checks.
    /// 2. `enable health B/S` and `enable agent B/S`, if the description has these checks.
    /// 3. `enable server B/S`. The server takes traffic at once, before any check has passed; see
    ///    [`ServerRef::set_state`].
    /// 4. `show servers state B`. The value of the outcome is this state. Its administrative state
    ///    is ready, and its operational state is not down, unless the server has checks of its own
    ///    and they have found it down meanwhile.
    ///
    /// For older releases, see [`take_slot`](Self::take_slot).
    ///
    /// The server lives in the processes, not in the configuration: a reload or a restart loses it.
    /// Its numbers ([`id`](ServerState::id)) may differ between processes, unless the description
    /// sets one.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Refused`](crate::ErrorKind::Refused) if the process has a server of that name, if the
    ///   balancing algorithm of the backend is static, or if HAProxy does not accept a setting.
    ///   Nothing was changed.
    /// - [`PartiallyApplied`](crate::ErrorKind::PartiallyApplied) if a later command fails, or if the
    ///   server takes no traffic after all of them. The error names the command, and its text states what
    ///   is left, for example a server in maintenance. [`ServerRef::delete`] deletes it.
    /// - [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the reply to `add server` is lost.
    /// - [`Unsupported`](crate::ErrorKind::Unsupported) if the release is older than 2.6, or older
    ///   than 3.0 with [`guid`](NewServer::guid) or [`cookie`](NewServer::cookie). Nothing is sent to
    ///   it.
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if HAProxy's configuration does not accept
    ///   `name` as a name, if the description has a port 0, a weight above 256 or a time that is not
    ///   a number of milliseconds, or if a word cannot be sent.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connections. Each process may have executed any number of the
    /// commands, so that a server in maintenance may be left. While the state is read, the same as
    /// for [`fetch_server_states`](Self::fetch_server_states).
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
    /// use haproxyadmin::server::{HealthCheck, NewServer};
    ///
    /// let app = cluster.backend_ref("app")?;
    /// let web9 = NewServer::new("192.0.2.9:80".parse().expect("an address")).check(HealthCheck::new());
    /// for (label, state) in app.add_server("web9", &web9).await?.values() {
    ///     println!("{label}: {}/{} has number {}", state.backend, state.name, state.id);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "add server")]
    pub async fn add_server(&self, name: &str, server: &NewServer) -> Result<Outcomes<ServerState>> {
        add(&self.cluster, &ServerName::new(self.name(), name)?, server).await
    }

    /// Takes a free slot of a `server-template` line on each process, gives it an address, enables it,
    /// and reads its state back: `set server B/S addr A port P`. Needs level admin.
    ///
    /// This is the way to add a server to processes of which some are older than HAProxy 2.6 and have
    /// no `add server`, and to backends with a static balancing algorithm. The line is the same on
    /// every process, and so is the slot: it is one that is free on every process that has servers of
    /// the line, see [`ServerTemplate`]. A process without such servers is absent. Which slot is taken
    /// is not specified; the value of each outcome names it
    /// ([`ServerState::name`]). [`ServerRef::release_slot`] gives it back.
    ///
    /// A slot that has the address on some processes, and is free on the others, is preferred: if a call
    /// has failed on some processes, the same call completes it there. It also enables the slot where
    /// an operator has put it into maintenance, and sets its weight.
    ///
    /// Each process gets these commands:
    ///
    /// 1. `show servers state B`, which tells the slots that are free.
    /// 2. `show servers state B` again, and `set server B/S addr A port P`, at most 200 ms after the
    ///    read, while the slot is in maintenance.
    /// 3. When all processes have answered, and 400 ms have passed: `show servers state B`, which tells
    ///    if another client was there.
    /// 4. `show servers state B`, and at most 200 ms later the second command again, because a reload may
    ///    have come between; `set server B/S weight W` (`100%` if the description has no weight); and
    ///    `set server B/S state ready`. The server takes traffic at once; its checks are those of the
    ///    line.
    /// 5. `show servers state B`, repeated for a moment while the slot has another address. The value of
    ///    the outcome is this state, which has the address and is ready.
    ///
    /// The address lives in the processes, not in the configuration: after a reload or a restart the
    /// slot is free again, unless HAProxy loads its state from a file (`load-server-state-from-file`).
    ///
    /// # Several clients
    ///
    /// HAProxy has no lock: two clients can choose the same slot at the same moment. Each of them
    /// therefore reads a slot before it writes its address, and reads it again 400 ms later, before it
    /// enables the slot. A client that does not find its address on every process gives back what it
    /// has, and takes another slot. A client writes only within 200 ms after its read. This is therefore
    /// safe if every command reaches HAProxy within 200 ms after it is sent.
    ///
    /// If a command is held up for longer on its way, another client may have enabled the slot meanwhile,
    /// and the command replaces the address of a server that takes traffic. The late client notices it
    /// from HAProxy's answer, and puts that address back. It cannot do this if the answer is lost or the
    /// future is dropped: the server then keeps the wrong address. Clients that ask for the same address
    /// at once may get the same slot.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`]. If reading the slots fails on a process, nothing was
    ///   changed. If a later command fails on a process, the slot is taken on the others, unless another
    ///   client has taken it on one of them; it is then given back on the others.
    /// - [`NotFound`](crate::ErrorKind::NotFound) if no slot is free on every process, also through a
    ///   view of [`Cluster::allow_partial`]. The message says so.
    /// - [`Refused`](crate::ErrorKind::Refused) if other clients took one slot after the other.
    /// - [`Timeout`](crate::ErrorKind::Timeout) also if a process answers too slowly for the second
    ///   command to follow its read within 200 ms, five times.
    /// - [`PartiallyApplied`](crate::ErrorKind::PartiallyApplied) if a later command fails, or if the
    ///   server does not have the address or is not ready after all of them. The error names the
    ///   command, and its text states what is left. If the address could not be read again, the slot has
    ///   it, and is not enabled.
    /// - [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the reply to the second command is
    ///   lost. The slot may have the address. It is in maintenance, unless the message says that it
    ///   is enabled, or that its state cannot be read.
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the description has a setting that a
    ///   slot cannot take, a port 0 or a weight above 256, or the address of the line.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connections. Each process may have executed any number of the
    /// commands: a slot with the address may be left in maintenance or enabled. Read with
    /// [`fetch_server_states`](Self::fetch_server_states) which slot has the address; the same call
    /// completes it, and [`ServerRef::release_slot`] gives it back. If a command was held up on its way,
    /// that slot can be one that another client has enabled, see above. While the slots or the state are
    /// read, the same as for [`fetch_server_states`](Self::fetch_server_states).
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
    /// use haproxyadmin::server::{NewServer, ServerTemplate};
    ///
    /// // server-template srv 1-20 192.0.2.1:1 check disabled
    /// let slots = ServerTemplate::new("srv", "192.0.2.1:1".parse().expect("an address"))?;
    /// let server = NewServer::new("192.0.2.9:80".parse().expect("an address"));
    /// for (label, state) in cluster.backend_ref("app")?.take_slot(&slots, &server).await?.values() {
    ///     println!("{label}: {}/{}", state.backend, state.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "server-template")]
    #[doc(alias = "set server addr")]
    pub async fn take_slot(
        &self,
        template: &ServerTemplate,
        server: &NewServer,
    ) -> Result<Outcomes<ServerState>> {
        take(&self.cluster, &self.name, template, server).await
    }

    /// Ends all sessions on all servers of the backend at once: `shutdown sessions server B/S` for
    /// each server that a process lists, with one outcome for each process. Needs level admin.
    ///
    /// Clients see a cut connection or an error. Sessions that have no server stay: they wait in the
    /// queue of the backend, or HAProxy answers them itself.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`]. The sessions of some servers may have been ended on a
    ///   process that failed. The call can be repeated.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connections, and each process may have executed some of the
    /// commands. While the list of servers is read, the same as for
    /// [`fetch_server_states`](Self::fetch_server_states).
    #[doc(alias = "shutdown sessions server")]
    #[doc(alias = "shutdown")]
    pub async fn shutdown_sessions(&self) -> Result<Outcomes<Change>> {
        let name = &self.name;
        let command = &Command::write("shutdown sessions server").word(format_args!("{name}/..."));
        let job = |target: Target, deadline| async move { shut_down(name, &target, &deadline).await };
        self.cluster.fan_out().each(command, StatFilter::backend(self.name()), job).await
    }
}

/// Ends the sessions on all servers of a backend of one process.
async fn shut_down(name: &ProxyName, target: &Target, deadline: &Deadline) -> Result<Response<Change>> {
    let list = Command::read("show servers state").word(name);
    let servers = match states(&list, target, deadline).await? {
        Response::Value(servers) if servers.is_empty() => {
            return Ok(Response::Value(Change::Unchanged("no servers".into())));
        }
        Response::Value(servers) => servers,
        Response::Absent(words) => return Ok(Response::Absent(words)),
    };
    let mut commands = Vec::with_capacity(servers.len());
    for server in servers {
        let server = ServerName::new(name.as_str(), &server.name)?;
        commands.push(Command::write("shutdown sessions server").word(server));
    }
    target.execute_once(&Shutdown(Batch::divide(commands)?), deadline).await
}

/// The end of the sessions on several servers.
struct Shutdown(Vec<Batch>);

impl OnceJob for Shutdown {
    type Answer = Change;

    async fn run(
        &self,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<Response<Change>> {
        let (mut is_done, mut absent) = (false, None);
        for batch in &self.0 {
            let Executed { answers, ended } = connection.execute_all(batch, deadline).await;
            for answer in answers {
                match answer? {
                    Response::Value(_) => is_done = true,
                    // The server has been deleted since the list was read.
                    Response::Absent(words) => absent = Some(words),
                }
            }
            ended?;
        }
        Ok(match absent.filter(|_| !is_done) {
            Some(words) => Response::Absent(words),
            None => Response::Value(Change::Changed(None)),
        })
    }
}
