//! Work on the servers of a backend, a few at a time, each of them out of traffic meanwhile.

mod before;
mod error;
mod keep_out;
mod others;

pub use error::{RollingError, RollingStep};

use std::collections::HashSet;
use std::error::Error as StdError;
use std::pin::pin;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{Either, join, join_all, pending, select};

use super::drain::Drain;
use super::wait::Stop;
use crate::error::{Error, Problem, Result};
use crate::excerpt::excerpt;
use crate::object::{BackendRef, ServerRef};
use before::Before;
use keep_out::keep_out;
use others::OthersUp;

/// Terms on which the servers of a backend are taken out of traffic, a few at a time:
/// [`BackendRef::roll`](crate::BackendRef::roll).
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use haproxyadmin::drain::Drain;
/// use haproxyadmin::rolling::Rolling;
///
/// let terms = Rolling::new()
///     .at_once(2)
///     .keep_up(3)
///     .drain(Drain::within(Duration::from_secs(60)).or_force())
///     .up_within(Duration::from_secs(120));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Rolling {
    at_once: usize,
    keep_up: usize,
    drain: Drain,
    up_within: Duration,
    servers: Option<Vec<String>>,
}

impl Rolling {
    /// Creates the default terms: one server at a time, of all servers of the backend; each one is
    /// drained within 30 s, is up again within 60 s, and at least one other server is up meanwhile.
    pub fn new() -> Self {
        Self {
            at_once: 1,
            keep_up: 1,
            drain: Drain::within(Duration::from_secs(30)),
            up_within: Duration::from_secs(60),
            servers: None,
        }
    }

    /// Sets the number of servers that are out of traffic at the same time. 0 means 1.
    pub fn at_once(mut self, servers: usize) -> Self {
        self.at_once = servers.max(1);
        self
    }

    /// Sets the number of other servers that must be [up](crate::wait::is_up), with a weight above 0, on every
    /// process before servers are taken out of traffic.
    pub fn keep_up(mut self, servers: usize) -> Self {
        self.keep_up = servers;
        self
    }

    /// Sets the terms of each drain. A drain that fails is undone in any case.
    pub fn drain(mut self, terms: Drain) -> Self {
        self.drain = terms;
        self
    }

    /// Sets the time in which a server must be [up](crate::wait::is_up) again after the work, and in which
    /// enough other servers must be up before.
    pub fn up_within(mut self, time: Duration) -> Self {
        self.up_within = time;
        self
    }

    /// Takes only these servers, in this order. If no process has one of them, or if a name occurs twice, nothing is
    /// changed.
    pub fn servers<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.servers = Some(names.into_iter().map(Into::into).collect());
        self
    }
}

impl Default for Rolling {
    fn default() -> Self {
        Self::new()
    }
}

impl BackendRef {
    /// Does work on each server of the backend, out of traffic: a deploy. Needs level admin.
    ///
    /// The steps, for a few servers at a time:
    ///
    /// 1. Wait until enough other servers are up on every process.
    /// 2. Remember the administrative state of the servers on each process, and
    ///    [drain](ServerRef::drain) them.
    /// 3. Run `work` for each of them. Meanwhile they are kept out of traffic: a process that restarts or
    ///    joins the cluster is told to drain.
    /// 4. Set each process back to the state that it had, and read it back: within 10 s. Wait until the servers are up on every process
    ///    on which they were in traffic.
    ///
    /// Every step must succeed on every process, also through a view of
    /// [`allow_partial`](crate::Cluster::allow_partial).
    ///
    /// Returns the names of the servers. The order is the order of the configuration, or that of
    /// [`Rolling::servers`].
    ///
    /// # Errors
    ///
    /// The first failure ends the call. The servers in work are set back to the state that they had on each
    /// process, as far as possible; the error tells. Servers that were done stay done. Setting back overrides a state
    /// that another client has set meanwhile. Nothing is sent if a name of [`Rolling::servers`] occurs twice: the cause
    /// is [`InvalidInput`](crate::ErrorKind::InvalidInput).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops `work`, and leaves the servers in work in drain. Use
    /// [`roll_until`](Self::roll_until) to stop between two servers.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn deploy(server: &str) -> std::io::Result<()> { Ok(()) }
    /// # async fn example(cluster: haproxyadmin::Cluster) -> Result<(), Box<dyn std::error::Error>> {
    /// use haproxyadmin::rolling::Rolling;
    ///
    /// let app = cluster.backend_ref("app")?;
    /// app.roll(&Rolling::new(), |server| async move { deploy(server.name()).await }).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn roll<F, E>(
        &self,
        terms: &Rolling,
        work: impl Fn(ServerRef) -> F,
    ) -> Result<Vec<String>, RollingError>
    where
        F: Future<Output = Result<(), E>>,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        self.roll_until(terms, pending(), work).await
    }

    /// Does work on each server of the backend like [`roll`](Self::roll), until `stop` ends, such as a signal to the
    /// program. The servers in work are done to the end then: worked on, set back, and up again. No other ones are
    /// begun.
    ///
    /// Returns the names of the servers that were done.
    ///
    /// # Errors
    ///
    /// - The errors of [`roll`](Self::roll).
    ///
    /// # Cancel safety
    ///
    /// The same as for [`roll`](Self::roll).
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn deploy(server: &str) -> std::io::Result<()> { Ok(()) }
    /// # async fn stop() {}
    /// # async fn example(cluster: haproxyadmin::Cluster) -> Result<(), Box<dyn std::error::Error>> {
    /// use haproxyadmin::rolling::Rolling;
    ///
    /// let (app, terms) = (cluster.backend_ref("app")?, Rolling::new().servers(["web1", "web2"]));
    /// let done = app.roll_until(&terms, stop(), |server| async move { deploy(server.name()).await }).await?;
    /// println!("{} of 2 servers are done", done.len());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn roll_until<F, E>(
        &self,
        terms: &Rolling,
        stop: impl Future<Output = ()>,
        work: impl Fn(ServerRef) -> F,
    ) -> Result<Vec<String>, RollingError>
    where
        F: Future<Output = Result<(), E>>,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let mut stop = pin!(stop.fuse());
        let failed = |step, servers: &[ServerRef], source| RollingError::new(step, names(servers), source);
        let read = |error: Error| failed(RollingStep::Read, &[], error.into());
        if let Some(double) = terms.servers.as_deref().and_then(double) {
            // The second work might run beside the first one.
            let error = Error::invalid(format!("server {:?} occurs twice", excerpt(double)));
            return Err(RollingError::new(RollingStep::Read, vec![double.to_owned()], error.into()));
        }
        // A drain that failed on some processes would count as one that succeeded.
        let backend = &self.cluster.strict().backend_ref(self.name()).map_err(read)?;
        let listed = backend.names().await.map_err(read)?;
        let names_of_all = terms.servers.clone().unwrap_or_else(|| listed.clone());
        let servers = names_of_all.iter().map(|name| backend.server_ref(name));
        let servers = servers.collect::<Result<Vec<_>>>().map_err(read)?;
        let is_listed = |server: &&ServerRef| listed.iter().any(|name| name == server.name());
        let missing: Vec<_> = servers.iter().filter(|server| !is_listed(server)).cloned().collect();
        if !missing.is_empty() {
            return Err(failed(RollingStep::Read, &missing, no_servers(&missing).into()));
        }
        let mut done = Vec::new();
        for some in servers.chunks(terms.at_once) {
            let others = pin!(backend.wait_for_others(terms, some));
            // The stop counts, even if the others are up at once.
            let Either::Right((others, _)) = select(&mut stop, others).await else { return Ok(done) };
            others.map_err(|error| failed(RollingStep::KeepUp, some, error.into()))?;
            let reading = some.iter().map(|server| Before::read(server, terms.up_within));
            let befores: Result<Vec<_>> = join_all(reading).await.into_iter().collect();
            let befores = befores.map_err(|error| failed(RollingStep::Read, some, error.into()))?;
            if let Err(error) = roll_some(terms, some, &befores, &work).await {
                return Err(error.left(set_back(&befores).await.err()));
            }
            done.extend(names(some));
        }
        Ok(done)
    }

    async fn names(&self) -> Result<Vec<String>> {
        let servers = self.read().await?.servers();
        Ok(servers.iter().map(|server| server.name().to_owned()).collect())
    }

    /// Waits until enough servers are up on every process, apart from these ones.
    async fn wait_for_others(&self, terms: &Rolling, servers: &[ServerRef]) -> Result<()> {
        let are_up = OthersUp { count: terms.keep_up, servers };
        self.wait_until(are_up, terms.up_within).await.map(drop)
    }
}

/// Drains the servers, does the work, and puts the servers back.
async fn roll_some<F, E>(
    terms: &Rolling,
    servers: &[ServerRef],
    befores: &[Before],
    work: &impl Fn(ServerRef) -> F,
) -> Result<(), RollingError>
where
    F: Future<Output = Result<(), E>>,
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    let failed = |step, source| RollingError::new(step, names(servers), source);
    let draining = join_all(servers.iter().map(|server| server.drain(terms.drain.clone()).into_future()));
    let drained: Result<Vec<_>> = draining.await.into_iter().collect();
    drained.map_err(|error| failed(RollingStep::Drain, error.into()))?;
    let stop = &Stop::default();
    let keeping = join_all(servers.iter().map(|server| keep_out(server, stop)));
    let working = async {
        let worked = join_all(servers.iter().cloned().map(work)).await;
        stop.stop();
        worked
    };
    let (worked, _) = join(working, keeping).await;
    let worked: Result<Vec<()>, E> = worked.into_iter().collect();
    worked.map_err(|error| failed(RollingStep::Work, error.into()))?;
    set_back(befores).await.map_err(|error| failed(RollingStep::SetBack, error.into()))?;
    let up = join_all(befores.iter().map(|before| before.wait_until_up(terms.up_within))).await;
    let up: Result<Vec<_>> = up.into_iter().collect();
    up.map_err(|error| failed(RollingStep::Up, error.into()))?;
    Ok(())
}

/// Returns the first name that has occurred before.
fn double(names: &[String]) -> Option<&str> {
    let mut seen = HashSet::new();
    names.iter().find(|name| !seen.insert(*name)).map(String::as_str)
}

/// Returns the error for servers that no process has.
fn no_servers(servers: &[ServerRef]) -> Error {
    let name = |server: &ServerRef| format!("{:?}", format!("{}/{}", server.backend(), server.name()));
    let names: Vec<_> = servers.iter().map(name).collect();
    Error::new(Problem::NotFound(format!("server {}", names.join(", "))))
}

fn names(servers: &[ServerRef]) -> Vec<String> {
    servers.iter().map(|server| server.name().to_owned()).collect()
}

/// Sets all servers back, and returns the first error.
async fn set_back(befores: &[Before]) -> Result<()> {
    join_all(befores.iter().map(Before::set_back)).await.into_iter().collect()
}
