use super::handle::{Frontend, Listener};
use crate::cluster::{Cluster, Outcomes, Target};
use crate::error::Result;
use crate::field::RowKind;
use crate::protocol::{Change, Command, ProxyName, Response};
use crate::show::stat::{Row, StatFilter};

/// A frontend of a [`Cluster`], by its name alone: made without asking anybody, to
/// act on it. Whether any process has it shows when it is used.
///
/// See [`Outcomes`] for what a call returns and when it fails.
#[derive(Debug, Clone)]
pub struct FrontendRef {
    cluster: Cluster,
    name: ProxyName,
}

impl Cluster {
    /// Every frontend. See [`snapshot`](Cluster::snapshot) for errors and cancel
    /// safety.
    ///
    /// # Errors
    ///
    /// Those of [`snapshot`](Cluster::snapshot).
    pub async fn frontends(&self) -> Result<Vec<Frontend>> {
        let frontends = self.snapshot().await?.frontends();
        Ok(frontends.into_iter().map(|frontend| Frontend::new(self, frontend)).collect())
    }

    /// The frontend called `name`. Only its own rows are asked for, which costs
    /// HAProxy much less than all of them; all are only where another proxy has
    /// the name. See
    /// [`snapshot`](Cluster::snapshot) for cancel safety.
    ///
    /// # Errors
    ///
    /// Those of [`snapshot`](Cluster::snapshot), and
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if no process lists it;
    /// while some did not answer nobody knows, and it is
    /// [`ErrorKind::Incomplete`](crate::ErrorKind::Incomplete).
    pub async fn frontend(&self, name: &str) -> Result<Frontend> {
        Ok(Frontend::new(self, self.read(&StatFilter::frontend(name)).await?.frontend(name)?))
    }

    /// Every listener of every frontend that has `option socket-stats`. See
    /// [`snapshot`](Cluster::snapshot) for cancel safety.
    ///
    /// # Errors
    ///
    /// Those of [`snapshot`](Cluster::snapshot).
    pub async fn listeners(&self) -> Result<Vec<Listener>> {
        let listeners = self.snapshot().await?.listeners();
        Ok(listeners.into_iter().map(|listener| Listener::new(self, listener)).collect())
    }

    /// The frontend called `name`, to act on it. Asks nobody.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for what HAProxy's
    /// configuration would not take for a name.
    pub fn frontend_ref(&self, name: &str) -> Result<FrontendRef> {
        Ok(FrontendRef { cluster: self.clone(), name: ProxyName::new("frontend", name)? })
    }
}

impl FrontendRef {
    /// Returns a reference to the same frontend, whose calls go through another view of the
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

    /// Its name.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The same with its figures: [`Cluster::frontend`].
    ///
    /// # Errors
    ///
    /// Those of [`Cluster::frontend`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connections and leaves nothing behind.
    pub async fn read(&self) -> Result<Frontend> {
        self.cluster.frontend(self.name()).await
    }
}

impl FrontendRef {
    /// Lets it accept connections again: `enable frontend NAME`. Needs level
    /// admin.
    ///
    /// [`Unchanged`](Change::Unchanged) if it does already.
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`]; [`Refused`](crate::ErrorKind::Refused) after
    /// [`shutdown`](Self::shutdown) ("Frontend was previously shut down, cannot
    /// enable."), and for one that is `disabled` in the configuration.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connections, and each process may have
    /// executed the command, or still do so.
    pub async fn enable(&self) -> Result<Outcomes<Change>> {
        self.run(Command::write("enable frontend").word(&self.name)).await
    }

    /// Makes it accept no connections until it is enabled: `disable frontend
    /// NAME`. Needs level admin. Its sockets stay open; connections wait in their
    /// queues.
    ///
    /// [`Unchanged`](Change::Unchanged) if it is disabled already.
    ///
    /// # Errors
    ///
    /// Those of [`enable`](Self::enable).
    ///
    /// # Cancel safety
    ///
    /// That of [`enable`](Self::enable).
    pub async fn disable(&self) -> Result<Outcomes<Change>> {
        self.run(Command::write("disable frontend").word(&self.name)).await
    }

    /// Closes its sockets for good: `shutdown frontend NAME`. Needs level admin.
    /// Only a new process opens them again.
    ///
    /// [`Unchanged`](Change::Unchanged) if they are closed already. 2.2 does not
    /// list such a frontend any more, so that with `nbproc` it is not here then.
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`].
    ///
    /// # Cancel safety
    ///
    /// That of [`enable`](Self::enable).
    pub async fn shutdown(&self) -> Result<Outcomes<Change>> {
        self.run_where_listed(Command::write("shutdown frontend").word(&self.name)).await
    }

    /// Sets how many connections it takes at once, in each process: `set maxconn
    /// frontend NAME N`. Needs level admin. 0 is no limit of its own.
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`]; [`Refused`](crate::ErrorKind::Refused) from 2^31
    /// on ("Value out of range.").
    ///
    /// # Cancel safety
    ///
    /// That of [`enable`](Self::enable).
    pub async fn set_maxconn(&self, connections: u32) -> Result<Outcomes<Change>> {
        let command = Command::write("set maxconn frontend").word(&self.name).word(connections);
        self.run_where_listed(command).await
    }

    /// A process of `nbproc` takes a limit also for a frontend that another one
    /// runs, and takes that one for shut down.
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
