//! Backends that are added, published and deleted while HAProxy runs.

mod new_backend;

pub use new_backend::NewBackend;

use std::fmt;
use std::time::Duration;

use tokio::time::{self, Instant};

use super::backend::BackendRef;
use crate::cluster::{Outcomes, Target};
use crate::error::{Error, Problem, Result};
use crate::field::RowKind;
use crate::protocol::{Change, Command, ProxyName, Response};
use crate::show::stat::{StatFilter, Status};
use crate::transport::{Deadline, Limits};

impl BackendRef {
    /// Makes the backend on each process, with the settings of a named `defaults` section:
    /// `add backend NAME from DEFAULTS [mode M] [guid G]`. Needs level admin and HAProxy 3.4.
    ///
    /// `backend` is the name of the `defaults` section, or a [`NewBackend`] with more settings.
    ///
    /// The backend has no servers and is not published: no rule chooses it. Add servers with
    /// [`add_server`](Self::add_server), and then let it take traffic with
    /// [`publish`](Self::publish). `show stat` must list it at the end.
    ///
    /// The `defaults` section or the description must set a `mode`, tcp or http. The backend lives in
    /// the processes, not in the configuration: a reload or a restart loses it.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Refused`](crate::ErrorKind::Refused) if the process has a proxy of that name, has no such
    ///   `defaults` section, or cannot use it. Nothing was changed.
    /// - [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the reply is lost.
    /// - [`PartiallyApplied`](crate::ErrorKind::PartiallyApplied) if the backend was added, and is
    ///   published or not listed, or if the list cannot be read.
    /// - [`Unsupported`](crate::ErrorKind::Unsupported) if the release is older than 3.4. Nothing is
    ///   sent to it.
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if HAProxy cannot have a section of that name,
    ///   or does not accept the mode or the identifier.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connections. Each process may have added the backend.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
    /// use haproxyadmin::server::NewServer;
    ///
    /// let tenant = cluster.backend_ref("tenant7")?;
    /// tenant.add("tenants").await?;
    /// tenant.add_server("web1", &NewServer::new("192.0.2.9:80".parse().expect("an address"))).await?;
    /// tenant.publish().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "add backend")]
    pub async fn add(&self, backend: impl Into<NewBackend>) -> Result<Outcomes<Change>> {
        let command = backend.into().command(&self.name)?;
        self.run(command, "the backend was added", Publication::Unpublished).await
    }

    /// Lets rules choose the backend on each process: `publish backend NAME`. Needs level admin and
    /// HAProxy 3.4.
    ///
    /// HAProxy does not say whether the backend was published before. `show stat` must list it as
    /// published at the end.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`PartiallyApplied`](crate::ErrorKind::PartiallyApplied) if HAProxy accepted the command, and
    ///   the backend is not listed as published, or the list cannot be read.
    /// - [`Unsupported`](crate::ErrorKind::Unsupported) if the release is older than 3.4. Nothing is
    ///   sent to it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connections. Each process may have executed the command. The
    /// call can be repeated.
    #[doc(alias = "publish backend")]
    pub async fn publish(&self) -> Result<Outcomes<Change>> {
        let command = Command::write("publish backend").word(&self.name);
        self.run(command, "the backend was published", Publication::Published).await
    }

    /// Keeps rules from choosing the backend on each process: `unpublish backend NAME`. Needs level
    /// admin and HAProxy 3.4.
    ///
    /// `use_backend` and `default_backend` rules that name the backend are passed over. Sessions that
    /// are in the backend go on, and health checks too.
    ///
    /// # Errors
    ///
    /// - As for [`publish`](Self::publish).
    ///
    /// # Cancel safety
    ///
    /// As for [`publish`](Self::publish).
    #[doc(alias = "unpublish backend")]
    pub async fn unpublish(&self) -> Result<Outcomes<Change>> {
        let command = Command::write("unpublish backend").word(&self.name);
        self.run(command, "the backend was unpublished", Publication::Unpublished).await
    }

    /// Deletes the backend from each process, after its sessions have ended: `del backend NAME`.
    /// Needs level admin and HAProxy 3.4.
    ///
    /// Each process gets these commands, one after the other:
    ///
    /// 1. `unpublish backend NAME`. No rule chooses the backend any more.
    /// 2. `del backend NAME`, again and again while HAProxy still finds sessions in the backend and
    ///    the time `within` is not over. If another client has published the backend meanwhile, it is
    ///    unpublished again.
    /// 3. `show stat NAME`, which must not list the backend any more.
    ///
    /// The servers must have been deleted before, with [`ServerRef::delete`](crate::ServerRef::delete).
    /// HAProxy has a command that waits (`wait TIME be-removable NAME`). It is not used, because it
    /// holds a connection to the stats socket for the whole time.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`PartiallyApplied`](crate::ErrorKind::PartiallyApplied) if the backend is unpublished, and
    ///   was not deleted: it has servers, a stick table or sessions, it is a `listen` section, or the
    ///   configuration refers to it. [`publish`](Self::publish) takes it back.
    /// - [`PartiallyApplied`](crate::ErrorKind::PartiallyApplied) if another client has published the
    ///   backend, and the time is over. The backend is published.
    /// - [`PartiallyApplied`](crate::ErrorKind::PartiallyApplied) if the backend was deleted, and a
    ///   backend of that name is listed again, or the list cannot be read.
    /// - [`Unsupported`](crate::ErrorKind::Unsupported) if the release is older than 3.4. Nothing is
    ///   sent to it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connections, and each process may have executed any number of
    /// the commands.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
    /// use std::time::Duration;
    ///
    /// cluster.backend_ref("tenant7")?.delete(Duration::from_secs(30)).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "del backend")]
    #[doc(alias = "wait be-removable")]
    pub async fn delete(&self, within: Duration) -> Result<Outcomes<Change>> {
        let command = &Command::write_once("del backend").word(&self.name).since(FIRST);
        let job = |target: Target, deadline: Deadline| async move {
            delete(&self.name, command, within, &target, *deadline.limits()).await
        };
        self.cluster.fan_out().each(command, StatFilter::backend(self.name()), job).await
    }

    /// Executes a command, and reads back what it did.
    async fn run(&self, command: Command, done: &str, wanted: Publication) -> Result<Outcomes<Change>> {
        let command = &command.since(FIRST);
        let job = |target: Target, deadline: Deadline| async move {
            let changed = match target.change(command, &deadline).await? {
                Response::Value(changed) => changed,
                absent @ Response::Absent(_) => return Ok(absent),
            };
            let unverified = |error: Error| error.leaving(format!("{done}, and its state is unknown"));
            let found = publication(&self.name, &target, &deadline).await.map_err(unverified)?;
            if found == wanted {
                return Ok(Response::Value(changed));
            }
            let words = format!("`show stat` says that it is {found}").into();
            Err(Error::new(Problem::Refused(words)).leaving(done.to_owned()))
        };
        self.cluster.fan_out().each(command, StatFilter::backend(self.name()), job).await
    }
}

/// State of a backend in `show stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Publication {
    Published,
    Unpublished,
    Absent,
}

impl fmt::Display for Publication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Published => "published",
            Self::Unpublished => "not published",
            Self::Absent => "not there",
        })
    }
}

/// The first release with these commands.
const FIRST: (u16, u16) = (3, 4);

/// Beginning of the message that the backend has sessions.
const IN_USE: &str = "Backend still has attached streams";

/// Beginning of the message that the backend is published.
const PUBLISHED: &str = "Backend must be unpublished";

const KEPT: &str = "the backend was unpublished, and was not deleted";

const REPUBLISHED: &str = "the backend was published meanwhile, and was not deleted";

/// Pauses between two attempts to delete a backend.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LAST_PAUSE: Duration = Duration::from_millis(100);

async fn delete(
    name: &ProxyName,
    delete: &Command,
    within: Duration,
    target: &Target,
    limits: Limits,
) -> Result<Response<Change>> {
    // The limits apply to each command: the wait may be longer.
    let deadline = || Deadline::new(limits);
    let (start, mut pause) = (Instant::now(), FIRST_PAUSE);
    // Claims the process for the whole call: no other socket of the process gets a command.
    let unpublish_once = Command::write_once("unpublish backend").word(name).since(FIRST);
    if let Response::Absent(words) = target.execute_once(&unpublish_once, &deadline()).await? {
        return Ok(Response::Absent(words));
    }
    let unpublish = Command::write("unpublish backend").word(name).since(FIRST);
    let deleted = loop {
        let left = within.saturating_sub(start.elapsed());
        let is_published = match target.execute_once(delete, &deadline()).await {
            Ok(Response::Value(deleted)) => break deleted,
            Ok(Response::Absent(words)) => return Ok(Response::Absent(words)),
            Err(error) if error.is_unknown() => {
                return Err(error.leaving("the backend is unpublished, or deleted"));
            }
            // The process is reached through another socket, which has the outcome.
            Err(error) if error.reached_at().is_some() => return Err(error),
            Err(error) => {
                let refuses = |start| error.refusal().is_some_and(|words| words.starts_with(start));
                let is_published = refuses(PUBLISHED);
                if left.is_zero() || !(is_published || refuses(IN_USE)) {
                    return Err(error.leaving(if is_published { REPUBLISHED } else { KEPT }));
                }
                is_published
            }
        };
        time::sleep(pause.min(left)).await;
        pause = (pause * 2).min(LAST_PAUSE);
        if is_published {
            let unpublished = target.change(&unpublish, &deadline()).await;
            if let Response::Absent(words) = unpublished.map_err(|error| error.leaving(REPUBLISHED))? {
                return Ok(Response::Absent(words));
            }
        }
    };
    let unverified =
        |error: Error| error.leaving("the backend was deleted, and the list of backends is unknown");
    if publication(name, target, &deadline()).await.map_err(unverified)? == Publication::Absent {
        return Ok(Response::Value(deleted));
    }
    let words = "`show stat` lists a backend of that name".into();
    Err(Error::new(Problem::Refused(words)).leaving("the backend was deleted"))
}

/// Reads whether the backend is listed and published.
async fn publication(name: &ProxyName, target: &Target, deadline: &Deadline) -> Result<Publication> {
    let report = target.member.read(&StatFilter::backend(name.as_str()), deadline).await?;
    let mut backends = report.stat.rows().filter(|row| row.kind() == RowKind::Backend);
    let Some(backend) = backends.find(|row| row.proxy() == name.as_str()) else {
        return Ok(Publication::Absent);
    };
    let status = Status::parse(backend.get("status").unwrap_or_default());
    Ok(if status.is_unpublished() { Publication::Unpublished } else { Publication::Published })
}
