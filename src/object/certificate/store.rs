use super::encoding;
use super::lock::{self, Unlocked};
use super::mark::Mark;
use super::name::StoreName;
use crate::cluster::{Cluster, OnceJob, Outcomes, Target};
use crate::error::{Error, Malformed, Problem, Result};
use crate::level::Level;
use crate::process::IdentifiedConnection;
use crate::protocol::{Change, Command, Response};
use crate::show::stat::StatFilter;
use crate::show::{ListedCaFile, ListedCertificate, ListedCrlFile};
use crate::transport::Deadline;
use crate::version::Version;

/// Commands of one kind of file that HAProxy keeps in memory and changes in a transaction.
#[derive(Debug)]
pub(super) struct Verbs {
    pub(super) what: &'static str,
    show: &'static str,
    new: &'static str,
    set: &'static str,
    /// Command that adds to the content. `None` if HAProxy has none.
    add: Option<&'static str>,
    commit: &'static str,
    abort: &'static str,
    delete: &'static str,
    /// Kind of the PEM sections that the file consists of.
    section: &'static str,
    /// First release that has the commands.
    since: (u16, u16),
    name: fn(&str, &str) -> Result<StoreName>,
    listed: fn(&str) -> Result<Vec<Listed>, Malformed>,
    /// Reads the reply to the command that shows one file.
    mark: fn(&str, &str) -> Result<Option<Mark>, Malformed>,
    /// True if this reply has one buffer at most.
    fits_one_buffer: bool,
    /// True if HAProxy may die when it shows a content that no call of this crate has loaded.
    pub(super) may_be_deadly: bool,
    /// True if another kind of file has names in the same place. HAProxy does not tell them apart in
    /// `set` and `del`.
    shares_names: bool,
    /// Words for the use of the file by a process.
    pub(super) serves: &'static str,
    pub(super) served: &'static str,
}

/// Name of a file, as one process lists it.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) name: Box<str>,
    pub(super) is_pending: bool,
}

/// A file of one kind, addressed by its name.
#[derive(Debug, Clone)]
pub(super) struct Store {
    pub(super) cluster: Cluster,
    verbs: &'static Verbs,
    name: StoreName,
}

impl Verbs {
    pub(super) const CERTIFICATE: Self = Self {
        what: "certificate",
        show: "show ssl cert",
        new: "new ssl cert",
        set: "set ssl cert",
        add: None,
        commit: "commit ssl cert",
        abort: "abort ssl cert",
        delete: "del ssl cert",
        section: "CERTIFICATE",
        since: (2, 2),
        name: StoreName::new,
        listed: |text| {
            let listed = |one: ListedCertificate| Listed { name: one.name, is_pending: one.is_pending };
            Ok(ListedCertificate::read(text)?.into_iter().map(listed).collect())
        },
        mark: Mark::of_certificate,
        fits_one_buffer: true,
        may_be_deadly: false,
        shares_names: false,
        serves: "serves",
        served: "served",
    };

    pub(super) const CA_FILE: Self = Self {
        what: "CA file",
        show: "show ssl ca-file",
        new: "new ssl ca-file",
        set: "set ssl ca-file",
        add: Some("add ssl ca-file"),
        commit: "commit ssl ca-file",
        abort: "abort ssl ca-file",
        delete: "del ssl ca-file",
        section: "CERTIFICATE",
        since: (2, 5),
        name: StoreName::of_several,
        listed: |text| {
            let listed = |one: ListedCaFile| Listed { name: one.name, is_pending: one.pending.is_some() };
            Ok(ListedCaFile::read(text)?.into_iter().map(listed).collect())
        },
        mark: Mark::of_ca_file,
        fits_one_buffer: false,
        may_be_deadly: false,
        shares_names: true,
        serves: "uses",
        served: "used",
    };

    pub(super) const CRL_FILE: Self = Self {
        what: "CRL file",
        show: "show ssl crl-file",
        new: "new ssl crl-file",
        set: "set ssl crl-file",
        add: None,
        commit: "commit ssl crl-file",
        abort: "abort ssl crl-file",
        delete: "del ssl crl-file",
        section: encoding::CRL_SECTION,
        since: (2, 5),
        name: StoreName::of_several,
        listed: |text| {
            let listed = |one: ListedCrlFile| Listed { name: one.name, is_pending: one.is_pending };
            Ok(ListedCrlFile::read(text)?.into_iter().map(listed).collect())
        },
        mark: Mark::of_crl_file,
        fits_one_buffer: false,
        may_be_deadly: true,
        shares_names: true,
        serves: "uses",
        served: "used",
    };

    /// Returns the command that lists the files of this kind.
    pub(super) fn list(&self) -> Command {
        let verb = self.show;
        Command::read(verb).needs(Level::Operator).since(self.since)
    }
}

impl Store {
    pub(super) fn new(cluster: &Cluster, verbs: &'static Verbs, name: &str) -> Result<Self> {
        let name = (verbs.name)(verbs.what, name)?;
        Ok(Self { cluster: cluster.clone(), verbs, name })
    }

    pub(super) fn on(&self, cluster: &Cluster) -> Self {
        Self { cluster: cluster.clone(), verbs: self.verbs, name: self.name.clone() }
    }

    pub(super) fn name(&self) -> &str {
        self.name.as_str()
    }

    pub(super) async fn show<T: Send + Sync + 'static>(
        &self,
        is_pending: bool,
        read: fn(&str, &str) -> Result<T, Malformed>,
    ) -> Result<Outcomes<T>> {
        read_all(&self.cluster, &self.details(is_pending)?, |text| read(self.name(), text)).await
    }

    pub(super) async fn create(&self) -> Result<Outcomes<Change>> {
        self.change(self.verbs.new).await
    }

    pub(super) async fn set(&self, pem: &str) -> Result<Outcomes<Change>> {
        self.fill(self.set_command(pem)?).await
    }

    /// # Errors
    ///
    /// - `Unsupported` if HAProxy has no such command for this kind of file.
    pub(super) async fn add(&self, pem: &str) -> Result<Outcomes<Change>> {
        let words = || Error::new(Problem::Unsupported(format!("no addition to a {}", self.verbs.what)));
        let add = self.once(self.verbs.add.ok_or_else(words)?)?.since(ADD);
        self.fill(self.with_payload(add, pem)?).await
    }

    async fn fill(&self, set: Command) -> Result<Outcomes<Change>> {
        let setting = Setting { store: self, set, keeps_own: true };
        change_all(&self.cluster, &setting.set, &setting).await
    }

    pub(super) async fn commit(&self) -> Result<Outcomes<Change>> {
        self.change(self.verbs.commit).await
    }

    pub(super) async fn abort(&self) -> Result<Outcomes<Change>> {
        self.change(self.verbs.abort).await
    }

    pub(super) async fn delete(&self) -> Result<Outcomes<Change>> {
        let deletion = Deletion { store: self, delete: self.once(self.verbs.delete)? };
        change_all(&self.cluster, &deletion.delete, &deletion).await
    }

    async fn change(&self, verb: &str) -> Result<Outcomes<Change>> {
        let command = self.once(verb)?;
        change_all(&self.cluster, &command, &Unlocked(&command)).await
    }

    pub(super) fn list(&self) -> Command {
        self.verbs.list()
    }

    /// Returns the command that shows the file, or its pending transaction.
    pub(super) fn details(&self, is_pending: bool) -> Result<Command> {
        let Self { verbs, name, .. } = self;
        let show = if verbs.fits_one_buffer { verbs.list().of_one_buffer() } else { verbs.list() };
        if is_pending { show.text(&format!("*{}", name.as_str())) } else { show.text(name.as_str()) }
    }

    pub(super) fn commit_command(&self) -> Result<Command> {
        self.once(self.verbs.commit)
    }

    pub(super) fn abort_command(&self) -> Result<Command> {
        self.abort_of(self.name())
    }

    /// Returns the command that aborts the transaction of a file of another name.
    fn abort_of(&self, name: &str) -> Result<Command> {
        self.once_for(self.verbs.abort, name)
    }

    /// # Errors
    ///
    /// - The errors of [`encoding::payload`].
    pub(super) fn set_command(&self, pem: &str) -> Result<Command> {
        self.with_payload(self.once(self.verbs.set)?, pem)
    }

    fn with_payload(&self, command: Command, pem: &str) -> Result<Command> {
        let payload = encoding::payload(pem, self.verbs.section);
        let payload = payload.map_err(|error| error.during(command.redacted()))?;
        Ok(command.payload(payload.large()))
    }

    /// Reads what tells the content of the file, or of its pending transaction, from another content.
    /// Returns `None` if the process has no such file, or an empty one.
    pub(super) async fn mark(
        &self,
        is_pending: bool,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<Option<Mark>> {
        match lock::ask(&self.details(is_pending)?, connection, deadline).await? {
            Response::Value(data) => Ok((self.verbs.mark)(self.name(), &String::from_utf8_lossy(&data))?),
            Response::Absent(_) => Ok(None),
        }
    }

    pub(super) fn verbs(&self) -> &'static Verbs {
        self.verbs
    }

    pub(super) fn is_in(&self, listed: &[Listed]) -> bool {
        listed.iter().any(|listed| *listed.name == *self.name())
    }

    pub(super) fn absent<T>(&self) -> Response<T> {
        Response::Absent(format!("no {} {:?}", self.verbs.what, self.name()).into())
    }

    fn once(&self, verb: &str) -> Result<Command> {
        self.once_for(verb, self.name())
    }

    fn once_for(&self, verb: &str, name: &str) -> Result<Command> {
        Command::write_once(verb).since(self.verbs.since).text(name)
    }

    /// Returns the names of the files of one process, and the name with a transaction.
    pub(super) async fn listed(
        &self,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<Vec<Listed>> {
        match lock::ask(&self.list(), connection, deadline).await? {
            Response::Value(data) => Ok((self.verbs.listed)(&String::from_utf8_lossy(&data))?),
            Response::Absent(words) => Err(Error::new(Problem::Refused(words))),
        }
    }
}

/// Sends a query to every process, and reads each answer with `read`.
pub(super) async fn read_all<T: Send + Sync + 'static>(
    cluster: &Cluster,
    query: &Command,
    read: impl Fn(&str) -> Result<T, Malformed> + Sync,
) -> Result<Outcomes<T>> {
    let read = &|data: Vec<u8>| Ok(read(&String::from_utf8_lossy(&data))?);
    let job = |target: Target, deadline| async move { lock::read(query, &target, read, &deadline).await };
    cluster.fan_out().each(query, StatFilter::Nothing, job).await
}

/// Runs a job on every process, which sends `command`.
pub(super) async fn change_all(
    cluster: &Cluster,
    command: &Command,
    job: &impl OnceJob<Answer = Change>,
) -> Result<Outcomes<Change>> {
    let run = |target: Target, deadline| async move {
        let _turn = lock::turn(&target.member, &deadline).await?;
        target.execute_once(job, &deadline).await
    };
    cluster.fan_out().each(command, StatFilter::Nothing, run).await
}

/// The first step of a change: one process puts the new content into a transaction.
pub(super) struct Setting<'a> {
    pub(super) store: &'a Store,
    pub(super) set: Command,
    /// True if a transaction for the same name may be changed.
    pub(super) keeps_own: bool,
}

impl OnceJob for Setting<'_> {
    type Answer = Change;

    /// Looks for a transaction of another client first: HAProxy 2.6 would put the new content of one
    /// certificate into the transaction of another.
    async fn run(
        &self,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<Response<Change>> {
        let Self { store, set, keeps_own } = self;
        let set = &set.for_release(&Version::parse(connection.info.version().unwrap_or_default()))?;
        let listed = store.listed(connection, deadline).await?;
        let pending = listed.iter().find(|listed| listed.is_pending);
        if let Some(pending) = pending.filter(|one| !keeps_own || *one.name != *store.name()) {
            let words = format!(
                "a transaction for '{}' is pending, of another client or of an earlier call",
                pending.name
            );
            return Err(Error::new(Problem::Refused(words.into())).during(set.redacted()));
        }
        if store.verbs.shares_names && !store.is_in(&listed) {
            return Ok(store.absent());
        }
        let answer = lock::execute(set, connection, deadline).await?;
        let Response::Value(change) = &answer else { return Ok(answer) };
        let words = change.message().unwrap_or_default();
        let (verb, name) = transaction_in(words).unzip();
        if name == Some(store.name()) && (verb == Some("created") || *keeps_own) {
            return Ok(answer);
        }
        // The transaction is of another client and holds the content of this call by now, so it must
        // not be committed.
        let is_aborted = match name.map(|name| store.abort_of(name)).transpose()? {
            Some(abort) => {
                matches!(lock::execute(&abort, connection, deadline).await, Ok(Response::Value(_)))
            }
            None => false,
        };
        let end = if is_aborted { "aborted" } else { "not aborted" };
        let text = format!(
            "another client began a transaction in the same moment; it was overwritten and then {end}"
        );
        let error = Error::new(Problem::Refused(words.into())).during(set.redacted());
        Err(error.leaving(text))
    }
}

/// Returns `updated` and the name from the message `Transaction updated for certificate NAME!`.
fn transaction_in(words: &str) -> Option<(&str, &str)> {
    let line = words.lines().last()?.strip_prefix(['T', 't'])?.strip_prefix("ransaction ")?;
    let (verb, rest) = line.strip_suffix('!')?.split_once(" for ")?;
    let (_kind, name) = rest.split_once(' ')?;
    Some((verb, name))
}

/// The deletion of a file by one process.
struct Deletion<'a> {
    store: &'a Store,
    delete: Command,
}

impl OnceJob for Deletion<'_> {
    type Answer = Change;

    async fn run(
        &self,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<Response<Change>> {
        let Self { store, delete } = self;
        if store.verbs.shares_names && !store.is_in(&store.listed(connection, deadline).await?) {
            return Ok(store.absent());
        }
        lock::execute(delete, connection, deadline).await
    }
}

/// First release that can add to a CA file.
const ADD: (u16, u16) = (2, 7);
