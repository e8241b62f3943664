use crate::cluster::{Cluster, Outcomes, Target};
use crate::error::Result;
use crate::field::RowKind;
use crate::protocol::{Change, Command, ProxyName, Response};
use crate::show::stat::{Row, StatFilter};

/// A frontend of a [`Cluster`], addressed by its name.
///
/// Creating the reference sends nothing, and the name is not checked until the reference is used.
/// See [`Outcomes`] for the result of a call and its failures.
///
/// # Cancel safety
///
/// Dropping the future of a read closes the connections and leaves nothing behind. Dropping the
/// future of a change closes the connections, and each process may have executed the command or may
/// still do so. See
/// [`guide::cancellation`](crate::guide::cancellation).
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// let www = cluster.frontend_ref("www")?;
/// www.set_maxconn(2_000).await?;
/// println!("{}", www.disable().await?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct FrontendRef {
    pub(super) cluster: Cluster,
    name: ProxyName,
}

impl Cluster {
    /// Returns a reference to the frontend called `name`, to act on it. Sends nothing.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if HAProxy's configuration does not
    ///   accept `name` as a name.
    pub fn frontend_ref(&self, name: &str) -> Result<FrontendRef> {
        Ok(FrontendRef { cluster: self.clone(), name: ProxyName::new("frontend", name)? })
    }
}

impl FrontendRef {
    /// Returns a reference to the same frontend that acts through `cluster`, another view of the
    /// cluster.
    ///
    /// ```no_run
    /// # fn example(frontend: haproxyadmin::FrontendRef, cluster: haproxyadmin::Cluster) {
    /// let lenient = frontend.on(&cluster.allow_partial());
    /// # }
    /// ```
    #[must_use]
    pub fn on(&self, cluster: &Cluster) -> Self {
        Self { cluster: cluster.clone(), ..self.clone() }
    }

    /// Returns the name of the frontend.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }
}

impl FrontendRef {
    /// Enables the frontend, which then accepts connections again: `enable frontend NAME`. Needs
    /// level admin.
    ///
    /// [`Unchanged`](Change::Unchanged) if the frontend is enabled already.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Refused`](crate::ErrorKind::Refused) after [`shutdown`](Self::shutdown) ("Frontend was
    ///   previously shut down, cannot enable."), and if the frontend is `disabled` in the
    ///   configuration.
    #[doc(alias = "enable frontend")]
    pub async fn enable(&self) -> Result<Outcomes<Change>> {
        self.run(Command::write("enable frontend").word(&self.name)).await
    }

    /// Disables the frontend, which then accepts no connections until it is enabled:
    /// `disable frontend NAME`. Needs level admin.
    ///
    /// The frontend's sockets stay open, and connections wait in their queues.
    /// [`Unchanged`](Change::Unchanged) if the frontend is disabled already.
    ///
    /// # Errors
    ///
    /// - The errors of [`enable`](Self::enable).
    #[doc(alias = "disable frontend")]
    pub async fn disable(&self) -> Result<Outcomes<Change>> {
        self.run(Command::write("disable frontend").word(&self.name)).await
    }

    /// Closes the frontend's sockets permanently: `shutdown frontend NAME`. Needs level admin.
    ///
    /// Only a new process opens the sockets again. [`Unchanged`](Change::Unchanged) if they are
    /// closed already. HAProxy 2.2 no longer lists a frontend that was shut down; with `nbproc`,
    /// the outcome of a process that does not list the frontend is absent.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    #[doc(alias = "shutdown frontend")]
    pub async fn shutdown(&self) -> Result<Outcomes<Change>> {
        self.run_where_listed(Command::write("shutdown frontend").word(&self.name)).await
    }

    /// Sets the number of connections that each process accepts at once for the frontend:
    /// `set maxconn frontend NAME N`. Needs level admin.
    ///
    /// 0 removes the frontend's own limit.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Refused`](crate::ErrorKind::Refused) if `connections` is 2^31 or more ("Value out of
    ///   range.").
    #[doc(alias = "set maxconn frontend")]
    #[doc(alias = "setmaxconn")]
    pub async fn set_maxconn(&self, connections: u32) -> Result<Outcomes<Change>> {
        let command = Command::write("set maxconn frontend").word(&self.name).word(connections);
        self.run_where_listed(command).await
    }

    /// Sends the command only to processes that list the frontend.
    ///
    /// With `nbproc`, a process accepts a limit for a frontend that another process runs, and
    /// treats such a frontend as shut down.
    async fn run_where_listed(&self, command: Command) -> Result<Outcomes<Change>> {
        let (name, scope) = (self.name(), StatFilter::frontend(self.name()));
        let (command, looked_at) = (&command, &scope);
        let is_it = |row: Row<'_>| row.kind() == RowKind::Frontend && row.proxy() == name;
        let job = |target: Target, deadline| async move {
            if target.nbproc().accepts_foreign_frontends()
                && !target.lists(looked_at, is_it, &deadline).await?
            {
                return Ok(Response::Absent("not listed by `show stat`".into()));
            }
            target.change(command, &deadline).await
        };
        self.cluster.fan_out().each(command, scope.clone(), job).await
    }

    async fn run(&self, command: Command) -> Result<Outcomes<Change>> {
        self.cluster.fan_out().change(command, StatFilter::frontend(self.name())).await
    }
}
