use super::bulk::Bulk;
use super::contents::Contents;
use super::{Lookup, PatternId};
use crate::cluster::{Cluster, Outcomes};
use crate::error::{Error, Result};
use crate::level::Level;
use crate::protocol::{Change, Command, EntryRef};
use crate::show::PatternInfo;
use crate::show::stat::StatFilter;

/// An ACL of a [`Cluster`]: made from its number or file alone, without asking
/// anybody.
///
/// What is done to it is done in the memory of each process, and is lost when the
/// process is reloaded: nothing is written to a file. Up to 3.2 every level may
/// change ACLs; from 3.4 on it takes level admin.
///
/// See [`Outcomes`] for what a call returns and when it fails. A process that has
/// no such ACL, or no such pattern, is not a failure: it says so in its outcome.
#[derive(Debug, Clone)]
pub struct Acl {
    cluster: Cluster,
    id: PatternId,
}

impl Cluster {
    /// An ACL, by its file as the configuration spells it, or by `#` and its number.
    /// Asks nobody.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for what HAProxy
    /// would take for something else: see [`PatternId::file`].
    pub fn acl<P>(&self, id: P) -> Result<Acl>
    where
        P: TryInto<PatternId>,
        P::Error: Into<Error>,
    {
        Ok(Acl { cluster: self.clone(), id: id.try_into().map_err(Into::into)? })
    }

    /// The ACLs of each process (`show acl`).
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connections and leaves nothing behind.
    pub async fn acls(&self) -> Result<Outcomes<Vec<PatternInfo>>> {
        self.sources("show acl").await
    }
}

impl Acl {
    /// Which ACL it is.
    pub fn id(&self) -> &PatternId {
        &self.id
    }

    /// The same ACL of another view of the cluster.
    #[must_use]
    pub fn on(&self, cluster: &Cluster) -> Self {
        Self { cluster: cluster.clone(), id: self.id.clone() }
    }

    /// Reads its patterns from each process: `show acl ID`.
    ///
    /// The patterns are all that the process holds, never a part of them:
    /// [`Map::show`](crate::Map::show) tells how that is proved.
    ///
    /// # Errors
    ///
    /// Those of [`Map::show`](crate::Map::show).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connections and leaves nothing behind.
    pub async fn show(&self) -> Result<Contents> {
        self.cluster.contents(self.command(Command::read("show acl"))?).await
    }

    /// Whether `value` matches in each process, by the ACL's way of matching:
    /// `get acl ID VALUE`.
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`]; [`InvalidInput`](crate::ErrorKind::InvalidInput) as
    /// for [`add`](Self::add).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connections and leaves nothing behind.
    pub async fn get(&self, value: &str) -> Result<Outcomes<Lookup>> {
        let command = self.command(Command::read("get acl").needs(Level::Admin))?.secret(value)?;
        self.cluster.fan_out().ask(command, |data| Lookup::read(&data).map_err(Error::new)).await
    }

    /// Adds a pattern: `add acl ID PATTERN`. One that is there already is there twice
    /// then.
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`]; [`Refused`](crate::ErrorKind::Refused) for what is
    /// no pattern of this ACL, such as a word in a list of addresses.
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput), before anything is sent, for a
    /// pattern that no release takes as it is: one that is empty, holds NUL, CR or
    /// LF, is so long that the line is longer than 15,359 bytes, or whose last word
    /// begins or ends with `<<`.
    ///
    /// # Cancel safety
    ///
    /// That of every change: dropping the future closes the connections, and each
    /// process may have executed the command, or still do so.
    pub async fn add(&self, pattern: &str) -> Result<Outcomes<Change>> {
        let command = self.command(Command::write_once("add acl"))?.secret(pattern)?;
        self.cluster.fan_out().change(command, StatFilter::Nothing).await
    }

    /// Adds many patterns: `add acl ID PATTERN`, many of them in one piece, on one
    /// connection to each process. (ACLs take no payload.)
    ///
    /// If one is refused, those that were sent with it are added still, and later ones are
    /// not sent to that process.
    ///
    /// # Errors
    ///
    /// Those of [`add`](Self::add). All patterns are checked before the first is sent.
    /// [`Partly`](crate::ErrorKind::PartiallyApplied) if some are in, or may be:
    /// [`Error::entries`] says how many for certain.
    ///
    /// # Cancel safety
    ///
    /// That of every change: dropping the future leaves each process with those that
    /// it has got so far.
    pub async fn add_all<P: AsRef<str>>(
        &self,
        patterns: impl IntoIterator<Item = P>,
    ) -> Result<Outcomes<Change>> {
        let mut bulk = Bulk::new(self.command(Command::write_once("add acl"))?);
        for pattern in patterns {
            bulk.pattern(pattern.as_ref())?;
        }
        bulk.send(&self.cluster).await
    }

    /// Deletes patterns that are the same text: `del acl ID PATTERN`. Up to 3.2 all
    /// of them go; 3.4 deletes one. A process without such a pattern says so in its
    /// outcome.
    ///
    /// # Errors
    ///
    /// Those of [`add`](Self::add); a pattern that begins with `#` is refused, since
    /// HAProxy takes it for a reference.
    ///
    /// # Cancel safety
    ///
    /// That of [`add`](Self::add).
    pub async fn delete(&self, pattern: &str) -> Result<Outcomes<Change>> {
        let command = self.command(Command::write_once("del acl"))?.key(pattern)?;
        self.cluster.fan_out().change(command, StatFilter::Nothing).await
    }

    /// Deletes one pattern: `del acl ID #REFERENCE`.
    ///
    /// A reference is that of one process, so that the call must reach no other: it
    /// is for a cluster that is one process, or one view of it through
    /// [`Cluster::only`].
    ///
    /// # Errors
    ///
    /// Those of [`add`](Self::add);
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput), before anything is sent, if
    /// the cluster has several processes.
    ///
    /// # Cancel safety
    ///
    /// That of [`add`](Self::add).
    pub async fn delete_entry(&self, entry: EntryRef) -> Result<Outcomes<Change>> {
        let command = self.command(Command::write("del acl"))?.reference(entry);
        self.cluster.fan_out().change(command, StatFilter::Nothing).await
    }

    /// Deletes all patterns: `clear acl ID`.
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`].
    ///
    /// # Cancel safety
    ///
    /// That of [`add`](Self::add).
    pub async fn clear(&self) -> Result<Outcomes<Change>> {
        self.cluster.fan_out().change(self.command(Command::write("clear acl"))?, StatFilter::Nothing).await
    }

    fn command(&self, command: Command) -> Result<Command> {
        command.text(&self.id.to_string())
    }
}
