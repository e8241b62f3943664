use super::name::StoreName;
use super::pem;
use crate::cluster::{Cluster, OnceJob, Outcomes, Target};
use crate::error::{Error, Malformed, Problem, Result};
use crate::level::Level;
use crate::process::IdentifiedConnection;
use crate::protocol::{Change, Command, Response};
use crate::show::ListedCertificate;
use crate::show::stat::StatFilter;
use crate::transport::Deadline;

/// Commands of one kind of file that HAProxy keeps in memory and changes in a transaction.
#[derive(Debug)]
pub(super) struct Verbs {
    pub(super) what: &'static str,
    pub(super) show: &'static str,
    pub(super) new: &'static str,
    pub(super) set: &'static str,
    pub(super) commit: &'static str,
    pub(super) abort: &'static str,
    pub(super) delete: &'static str,
    /// Kind of the PEM sections that the file consists of.
    pub(super) section: &'static str,
    /// First release that has the commands.
    pub(super) since: (u16, u16),
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
        commit: "commit ssl cert",
        abort: "abort ssl cert",
        delete: "del ssl cert",
        section: "CERTIFICATE",
        since: (2, 2),
    };

    /// Returns the command that lists the files of this kind.
    pub(super) fn list(&self) -> Command {
        let verb = self.show;
        Command::read(verb).needs(Level::Operator).since(self.since)
    }
}

impl Store {
    pub(super) fn new(cluster: &Cluster, verbs: &'static Verbs, name: &str) -> Result<Self> {
        let name = StoreName::new(verbs.what, name)?;
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
        read: fn(&str) -> Result<T, Malformed>,
    ) -> Result<Outcomes<T>> {
        let command = self.details(is_pending)?;
        let read = |data: Vec<u8>| Ok(read(&String::from_utf8_lossy(&data))?);
        self.cluster.fan_out().ask(command, read).await
    }

    pub(super) async fn create(&self) -> Result<Outcomes<Change>> {
        self.change(self.verbs.new).await
    }

    pub(super) async fn set(&self, pem: &str) -> Result<Outcomes<Change>> {
        let set = self.set_command(pem)?;
        let setting = &Setting { store: self, set, keeps_own: true };
        let job = |target: Target, deadline| async move { target.execute_once(setting, &deadline).await };
        self.cluster.fan_out().each(&setting.set, StatFilter::Nothing, job).await
    }

    pub(super) async fn commit(&self) -> Result<Outcomes<Change>> {
        self.change(self.verbs.commit).await
    }

    pub(super) async fn abort(&self) -> Result<Outcomes<Change>> {
        self.change(self.verbs.abort).await
    }

    pub(super) async fn delete(&self) -> Result<Outcomes<Change>> {
        self.change(self.verbs.delete).await
    }

    async fn change(&self, verb: &str) -> Result<Outcomes<Change>> {
        self.cluster.fan_out().change(self.once(verb)?, StatFilter::Nothing).await
    }

    pub(super) fn list(&self) -> Command {
        self.verbs.list()
    }

    /// Returns the command that shows the file, or its pending transaction.
    pub(super) fn details(&self, is_pending: bool) -> Result<Command> {
        let name = self.name();
        if is_pending { self.list().text(&format!("*{name}")) } else { self.list().text(name) }
    }

    pub(super) fn commit_command(&self) -> Result<Command> {
        self.once(self.verbs.commit)
    }

    pub(super) fn abort_command(&self) -> Result<Command> {
        self.once(self.verbs.abort)
    }

    /// # Errors
    ///
    /// - The errors of [`pem::payload`].
    pub(super) fn set_command(&self, pem: &str) -> Result<Command> {
        let set = self.once(self.verbs.set)?;
        let payload = pem::payload(pem, self.verbs.section);
        Ok(set.clone().payload(payload.map_err(|error| error.during(set.redacted()))?))
    }

    fn once(&self, verb: &str) -> Result<Command> {
        Command::write_once(verb).since(self.verbs.since).text(self.name())
    }

    /// Returns the names of the files of one process, and the name with a transaction.
    pub(super) async fn listed(
        &self,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<Vec<ListedCertificate>> {
        match connection.ask(&self.list(), deadline).await? {
            Response::Value(data) => Ok(ListedCertificate::read(&String::from_utf8_lossy(&data))?),
            Response::Absent(words) => Err(Error::new(Problem::Refused(words))),
        }
    }
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
        let listed = store.listed(connection, deadline).await?;
        let pending = listed.iter().find(|listed| listed.is_pending);
        if let Some(pending) = pending.filter(|one| !keeps_own || *one.name != *store.name()) {
            let words = format!(
                "a transaction for '{}' is pending, of another client or of an earlier call",
                pending.name
            );
            return Err(Error::new(Problem::Refused(words.into())).during(set.redacted()));
        }
        let answer = connection.execute(set, deadline).await?;
        if let Response::Value(change) = &answer {
            let words = change.message().unwrap_or_default();
            let is_own = words.ends_with(&format!(" {}!", store.name()));
            let is_new = words.contains(" created ");
            if !is_own || !(is_new || *keeps_own) {
                let text = "another client began a transaction in the same moment, and it was overwritten";
                let error = Error::new(Problem::Refused(words.into())).during(set.redacted());
                return Err(error.leaving(text));
            }
        }
        Ok(answer)
    }
}
