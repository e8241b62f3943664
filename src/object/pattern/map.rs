use super::bulk::Bulk;
use super::contents::Contents;
use super::{Lookup, PatternId};
use crate::cluster::{Cluster, Outcomes, Target};
use crate::error::{Error, Result};
use crate::level::Level;
use crate::protocol::{Change, Command, EntryRef};
use crate::show::stat::StatFilter;
use crate::show::{Entries, PatternInfo};

/// A map of a [`Cluster`]: made from its number or file alone, without asking
/// anybody.
///
/// What is done to it is done in the memory of each process, and is lost when the
/// process is reloaded: nothing is written to the file. Up to 3.2 every level may
/// change maps; from 3.4 on it takes level admin.
///
/// See [`Outcomes`] for what a call returns and when it fails. A process that has
/// no such map, or no such key, is not a failure: it says so in its outcome.
#[derive(Debug, Clone)]
pub struct Map {
    cluster: Cluster,
    id: PatternId,
}

impl Cluster {
    /// A map, by its file as the configuration spells it, or by `#` and its number.
    /// Asks nobody.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for what HAProxy
    /// would take for something else: see [`PatternId::file`].
    pub fn map<P>(&self, id: P) -> Result<Map>
    where
        P: TryInto<PatternId>,
        P::Error: Into<Error>,
    {
        Ok(Map { cluster: self.clone(), id: id.try_into().map_err(Into::into)? })
    }

    /// The maps of each process (`show map`).
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connections and leaves nothing behind.
    pub async fn maps(&self) -> Result<Outcomes<Vec<PatternInfo>>> {
        self.sources("show map").await
    }

    pub(super) async fn sources(&self, verb: &str) -> Result<Outcomes<Vec<PatternInfo>>> {
        let read = |data: Vec<u8>| Ok(PatternInfo::read(&String::from_utf8_lossy(&data))?);
        self.fan_out().ask(Command::read(verb).needs(Level::Admin), read).await
    }

    pub(super) async fn contents(&self, command: Command) -> Result<Contents> {
        let command = &command.needs(Level::Admin);
        let read = |data: Vec<u8>| Ok(Entries::read(data)?);
        let job = |target: Target, deadline| async move { target.list(command, read, &deadline).await };
        Ok(Contents::new(self.fan_out().each(command, StatFilter::Nothing, job).await?))
    }
}

impl Map {
    /// Which map it is.
    pub fn id(&self) -> &PatternId {
        &self.id
    }

    /// The same map of another view of the cluster.
    #[must_use]
    pub fn on(&self, cluster: &Cluster) -> Self {
        Self { cluster: cluster.clone(), id: self.id.clone() }
    }

    /// Reads its entries from each process: `show map ID`.
    ///
    /// The entries are all that the process holds, never a part of them. HAProxy ends the
    /// list with an empty line, but an entry may hold an empty line too, so that a reply
    /// which breaks off there looks whole. The map is therefore read at HAProxy's
    /// interactive prompt: once the prompt has followed the list, a second command is sent, and
    /// its answer proves the end. That holds for every release, and nothing waits behind
    /// the list on the connection: HAProxy 2.6 and 3.0 would never free it if it was closed
    /// then.
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`]; [`Truncated`](crate::ErrorKind::Truncated) from a process
    /// whose reply is not proved to be whole.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connections and leaves nothing behind.
    pub async fn show(&self) -> Result<Contents> {
        self.cluster.contents(self.command(Command::read("show map"))?).await
    }

    /// What each process finds for `key`, by the map's way of matching:
    /// `get map ID KEY`.
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`]; [`InvalidInput`](crate::ErrorKind::InvalidInput) as
    /// for [`add`](Self::add).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connections and leaves nothing behind.
    pub async fn get(&self, key: &str) -> Result<Outcomes<Lookup>> {
        let command = self.command(Command::read("get map").needs(Level::Admin))?.secret(key)?;
        self.cluster.fan_out().ask(command, |data| Lookup::read(&data).map_err(Error::new)).await
    }

    /// Adds an entry: `add map ID KEY VALUE`. A key that is there already is there
    /// twice then; see [`set`](Self::set).
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`]. [`InvalidInput`](crate::ErrorKind::InvalidInput),
    /// before anything is sent, for a key or value that no release takes as it is:
    /// one that is empty, holds NUL, CR or LF, or is so long that the line is longer
    /// than 15,359 bytes; and for a value whose last word begins or ends with `<<`.
    ///
    /// # Cancel safety
    ///
    /// That of every change: dropping the future closes the connections, and each
    /// process may have executed the command, or still do so.
    pub async fn add(&self, key: &str, value: &str) -> Result<Outcomes<Change>> {
        let command = self.command(Command::write_once("add map"))?.secret(key)?.secret(value)?;
        self.cluster.fan_out().change(command, StatFilter::Nothing).await
    }

    /// Adds many entries, in as few commands as is safe: `add map ID` with entries as
    /// its payload, one command behind the other in each process.
    ///
    /// Where one is refused, the rest is not sent to that process.
    ///
    /// # Errors
    ///
    /// Those of [`add`](Self::add), but for what only its line cannot hold. All entries
    /// are checked before the first is sent. [`Partly`](crate::ErrorKind::PartiallyApplied) if
    /// some are in, or may be: [`Error::entries`] says how many for certain.
    ///
    /// # Cancel safety
    ///
    /// That of every change: dropping the future leaves each process with those that
    /// it has got so far.
    pub async fn add_all<K: AsRef<str>, V: AsRef<str>>(
        &self,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Outcomes<Change>> {
        let mut bulk = Bulk::new(self.command(Command::write_once("add map"))?);
        for (key, value) in entries {
            bulk.pair(key.as_ref(), value.as_ref())?;
        }
        bulk.send(&self.cluster).await
    }

    /// Gives all entries with that key another value: `set map ID KEY VALUE`. A
    /// process without such an entry says so in its outcome.
    ///
    /// # Errors
    ///
    /// Those of [`add`](Self::add); a key that begins with `#` is refused, since
    /// HAProxy takes it for a reference. Of a value that is none of the map's type,
    /// such as a word where it has numbers, releases up to 2.6 say nothing and change
    /// nothing; later ones refuse it.
    ///
    /// # Cancel safety
    ///
    /// That of [`add`](Self::add).
    pub async fn set(&self, key: &str, value: &str) -> Result<Outcomes<Change>> {
        let command = self.command(Command::write("set map"))?.key(key)?.secret(value)?;
        self.cluster.fan_out().change(command, StatFilter::Nothing).await
    }

    /// Deletes entries with that key: `del map ID KEY`. Up to 3.2 all of them go;
    /// 3.4 deletes one. A process without such an entry says so in its outcome.
    ///
    /// # Errors
    ///
    /// Those of [`set`](Self::set).
    ///
    /// # Cancel safety
    ///
    /// That of [`add`](Self::add).
    pub async fn delete(&self, key: &str) -> Result<Outcomes<Change>> {
        let command = self.command(Command::write_once("del map"))?.key(key)?;
        self.cluster.fan_out().change(command, StatFilter::Nothing).await
    }

    /// Gives one entry another value: `set map ID #REFERENCE VALUE`.
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
    pub async fn set_entry(&self, entry: EntryRef, value: &str) -> Result<Outcomes<Change>> {
        let command = self.command(Command::write("set map"))?.reference(entry).secret(value)?;
        self.cluster.fan_out().change(command, StatFilter::Nothing).await
    }

    /// Deletes one entry: `del map ID #REFERENCE`. The process must be chosen as for
    /// [`set_entry`](Self::set_entry).
    ///
    /// # Errors
    ///
    /// Those of [`set_entry`](Self::set_entry).
    ///
    /// # Cancel safety
    ///
    /// That of [`add`](Self::add).
    pub async fn delete_entry(&self, entry: EntryRef) -> Result<Outcomes<Change>> {
        let command = self.command(Command::write("del map"))?.reference(entry);
        self.cluster.fan_out().change(command, StatFilter::Nothing).await
    }

    /// Deletes all entries: `clear map ID`.
    ///
    /// # Errors
    ///
    /// Those of [`Outcomes::all`].
    ///
    /// # Cancel safety
    ///
    /// That of [`add`](Self::add).
    pub async fn clear(&self) -> Result<Outcomes<Change>> {
        self.cluster.fan_out().change(self.command(Command::write("clear map"))?, StatFilter::Nothing).await
    }

    fn command(&self, command: Command) -> Result<Command> {
        command.text(&self.id.to_string())
    }
}
