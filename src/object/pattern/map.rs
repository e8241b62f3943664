use std::path::Path;

use super::plan::{Plan, Wanted};
use super::set::PatternSet;
use super::verbs::Verbs;
use super::{Contents, Lookup, PatternId};
use crate::cluster::{Cluster, Outcomes};
use crate::error::{Error, Result};
use crate::protocol::{Change, Command, EntryRef};
use crate::show::PatternInfo;

/// A map of a [`Cluster`], addressed by its file or its number.
///
/// Creating this value sends nothing, and the map is not checked until it is used.
///
/// Changes apply to the memory of each process and are lost when the process is reloaded.
/// [`replace_mirrored`](Map::replace_mirrored) and [`sync_mirrored`](Map::sync_mirrored) write the
/// file too; the other methods do not. Up to HAProxy 3.2, a socket of any level may change maps; from 3.4 on, a
/// change needs level admin.
///
/// See [`Outcomes`] for the result of a call and its failures. A process without this map, or
/// without the key, is not a failure: its outcome is absent.
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
/// let hosts = cluster.map("/etc/haproxy/hosts.map")?;
/// hosts.set("www.example.org", "app").await?;
/// hosts.add_all([("a.example.org", "app"), ("b.example.org", "static")]).await?;
/// println!("{} entries", hosts.show().await?.entries()?.len());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Map {
    set: PatternSet,
}

impl Cluster {
    /// Returns a map by its file, spelled as in the configuration, or by `#` and its number. Sends
    /// nothing.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if HAProxy would not read `id` as a file
    ///   or number: see [`PatternId::file`].
    pub fn map<P>(&self, id: P) -> Result<Map>
    where
        P: TryInto<PatternId>,
        P::Error: Into<Error>,
    {
        Ok(Map { set: PatternSet::new(self, &Verbs::MAP, id)? })
    }

    /// Reads the list of maps from each process: `show map`.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    #[doc(alias = "show map")]
    #[doc(alias = "show_map")]
    pub async fn maps(&self) -> Result<Outcomes<Vec<PatternInfo>>> {
        PatternSet::list(self, &Verbs::MAP).await
    }
}

impl Map {
    /// Returns the file or number of the map.
    pub fn id(&self) -> &PatternId {
        self.set.id()
    }

    /// Returns the same map, acting through `cluster`, another view of the cluster.
    #[must_use]
    pub fn on(&self, cluster: &Cluster) -> Self {
        Self { set: self.set.on(cluster) }
    }

    /// Reads the entries of the map from each process: `show map ID`.
    ///
    /// The list of a process is complete, or reading it fails. HAProxy ends the list with an empty
    /// line, but an entry may contain an empty line too, so a reply that breaks off there looks
    /// complete. The map is therefore read at HAProxy's interactive prompt: after the prompt has
    /// followed the list, a second command is sent, and its answer proves the end. This holds for
    /// every release. No command waits behind the list on the connection, because HAProxy 2.6 and
    /// 3.0 would never free the connection if it was closed then.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`]. The error holds the contents of the processes that
    ///   answered: [`Error::contents`].
    /// - [`Truncated`](crate::ErrorKind::Truncated) if the reply of a process is not proved to be
    ///   complete.
    #[doc(alias = "show map")]
    #[doc(alias = "show_map")]
    pub async fn show(&self) -> Result<Contents> {
        self.set.show().await
    }

    /// Looks up `key` in each process, with the matching method of the map: `get map ID KEY`.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) under the conditions of
    ///   [`add`](Self::add).
    #[doc(alias = "get map")]
    #[doc(alias = "get_map")]
    pub async fn get(&self, key: &str) -> Result<Outcomes<Lookup>> {
        self.set.get(key).await
    }

    /// Adds an entry: `add map ID KEY VALUE`. A key that exists already is then there twice; see
    /// [`set`](Self::set).
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput), before anything is sent, if no release
    ///   accepts the key or the value unchanged: if one of them is empty, contains NUL, CR or LF, or makes the line
    ///   longer than 15,359 bytes, or if its last word begins or ends with `<<`; behind a master, also if the value
    ///   begins with `<<`.
    #[doc(alias = "add map")]
    #[doc(alias = "add_map")]
    pub async fn add(&self, key: &str, value: &str) -> Result<Outcomes<Change>> {
        self.set.add(&[key, value]).await
    }

    /// Adds many entries, in as few commands as is safe: `add map ID` with entries as its payload.
    ///
    /// Each process receives the commands in pieces, one after the other. If HAProxy refuses an entry, later pieces are
    /// not sent to that process. A piece must fit a buffer of HAProxy (`tune.bufsize`). The call therefore asks each
    /// process for the size once (`show pools`), unless there are few entries.
    ///
    /// # Errors
    ///
    /// - The errors of [`add`](Self::add). All entries are checked before the first one is sent. An entry that a payload
    ///   can hold is accepted even if the line of `add` could not hold it, unless the buffers are too small for it.
    /// - [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the reply to the first piece was
    ///   lost: the process may have added entries of it.
    /// - [`PartiallyApplied`](crate::ErrorKind::PartiallyApplied) if the call failed in a later piece, or if HAProxy
    ///   refused one of several entries: [`Error::entries`] reports the number of entries that were certainly added.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves each process with the entries that it has received so far.
    #[doc(alias = "add map")]
    #[doc(alias = "add_map")]
    pub async fn add_all<K: AsRef<str>, V: AsRef<str>>(
        &self,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Outcomes<Change>> {
        let mut bulk = self.set.bulk()?;
        for (key, value) in entries {
            bulk.pair(key.as_ref(), value.as_ref())?;
        }
        self.set.add_all(bulk).await
    }

    /// Replaces all entries: afterwards the map holds these entries, in this order, and no others
    /// (HAProxy 2.4 and later).
    ///
    /// The call has three steps, and each step runs on all processes at once:
    ///
    /// 1. `prepare map ID` creates a new version of the map, which no request sees. `add map @N ID`
    ///    fills it, and `show map @N ID` counts its entries.
    /// 2. When every process holds all entries, each process is identified once more.
    /// 3. `commit map @N ID` makes the new version the live one.
    ///
    /// If a process fails in the first two steps, no process is changed: the new version is
    /// discarded on every process that answers, the call fails, and the outcome of the other
    /// processes is [`Unchanged`](Change::Unchanged). Through a view of
    /// [`Cluster::allow_partial`], such a process is a failure in the outcomes, and the other
    /// processes commit. A process without this map is absent and holds up no other process.
    ///
    /// A lookup sees all old entries or all new entries of its process, never a mixture and never
    /// an empty map. A request that looks up several keys while the version is committed can see
    /// the old entries first and the new ones then, never the reverse.
    ///
    /// Across processes there is a moment between the first commit and the last one in which
    /// processes differ. It lasts as long as the slowest process takes to accept a connection and to
    /// answer two commands. A client that sends two requests in it can meet the new entries on one
    /// process first and the old ones on another process then. If a process fails in it, the outcomes
    /// are the exact list: changed, failed (it has the old entries), or unknown.
    ///
    /// Each step takes as long as the [`Limits`](crate::Limits) allow for a call. While the new
    /// version is prepared, the process holds both versions in memory.
    ///
    /// If a process does not answer while the new version is discarded, its error or its message says
    /// that entries may be left. The same holds for HAProxy 3.4 if the version has more than 10,000
    /// entries, because this release can only delete them one by one. They cost memory and change no
    /// answer. The next replacement that commits frees them, because HAProxy then removes all earlier
    /// versions. So does a reload.
    ///
    /// Do not run two replacements of one map at the same time, and no
    /// [`delete`](Self::delete) or [`set`](Self::set) beside one: up to 3.0 these two also change
    /// entries of the version that is prepared. If another client commits a later version first,
    /// HAProxy refuses this one.
    ///
    /// HAProxy 2.2 has no versions. There, [`sync`](Self::sync) leads to the same entries, but a
    /// request can see some of the changes before the others.
    ///
    /// # Errors
    ///
    /// - The errors of [`add`](Self::add). All entries are checked before anything is sent.
    /// - [`Unsupported`](crate::ErrorKind::Unsupported) if a process is older than 2.4.
    /// - [`Refused`](crate::ErrorKind::Refused) if HAProxy refuses an entry, if another client
    ///   changes the new version before the commit, or commits a later one.
    /// - [`Io`](crate::ErrorKind::Io) if another process has taken over the socket since the first
    ///   step, such as a new worker.
    /// - [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the answer to a commit was lost, and
    ///   the process, asked for its live version on a new connection, does not answer or still has
    ///   the old one. HAProxy may still read the commit from the lost connection. The process has
    ///   all old entries or all new entries.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before the last step, no process is changed, and each process may
    /// keep the new version in memory. If it is dropped in the last step, some processes may have
    /// committed.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
    /// let hosts = cluster.map("/etc/haproxy/hosts.map")?;
    /// hosts.replace([("a.example.org", "app"), ("b.example.org", "static")]).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "prepare map")]
    #[doc(alias = "commit map")]
    #[doc(alias = "clear map")]
    #[doc(alias = "transaction")]
    pub async fn replace<K: AsRef<str>, V: AsRef<str>>(
        &self,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Outcomes<Change>> {
        self.set.replace(entries.into_iter().map(wanted)).await
    }

    /// Does the same as [`replace`](Self::replace), and then writes the entries to a file of this
    /// host, so that HAProxy reads them again at its next start or reload.
    ///
    /// The file gets exactly these entries, in this order: comments are lost. The new text is written
    /// to a file of another name in the same folder and synchronized with the disk, before anything
    /// is sent. When every process has the entries, this file is renamed to `path`, and the folder
    /// is synchronized. If a process fails, the file stays as it was, also through a view of
    /// [`Cluster::allow_partial`]: it is written only if the outcomes are
    /// [complete](Outcomes::is_complete), and a process has the object. A symbolic link at
    /// `path` stays, and the file that it leads to is replaced.
    ///
    /// The file keeps its mode, and its owner and group if this program may set them. If the group
    /// cannot be kept, the rights of the group are reduced to the rights of all users. Extended
    /// attributes are not kept. A file that does not exist is created.
    ///
    /// One program at a time may write a file: of two calls at once, the file holds the entries of the
    /// call that renames its file last, and the processes may hold those of the other call. From the
    /// moment at which a process has the new entries until the file is renamed, a reload reads the old
    /// file, and the new process then has the old entries; the call does not notice it.
    ///
    /// A program that is killed leaves the new file in the folder, with a name that begins with
    /// `.haproxyadmin-` and the number of the program's process. It can be deleted.
    ///
    /// # Errors
    ///
    /// - The errors of [`replace`](Self::replace).
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput), before anything is sent, if HAProxy would
    ///   read an entry of the file as another one: if the key contains a blank or a tab, or if the
    ///   value begins or ends with one.
    /// - [`Io`](crate::ErrorKind::Io), before anything is sent, if the new file cannot be written,
    ///   or if `path` is a mount point on Linux, such as a file that is mounted into a container: it cannot
    ///   be replaced. Mount its folder instead.
    /// - [`PartiallyApplied`](crate::ErrorKind::PartiallyApplied) if every process has the new
    ///   entries and the file cannot be renamed or the folder cannot be synchronized. The text
    ///   states which entries the file holds.
    ///
    /// # Cancel safety
    ///
    /// The rules of [`replace`](Self::replace). If the future is dropped before the file is renamed,
    /// the file stays as it was, also if every process has the new entries already. If it is dropped while
    /// the file is renamed, the rename still happens, and the folder may not be synchronized.
    pub async fn replace_mirrored<K: AsRef<str>, V: AsRef<str>>(
        &self,
        entries: impl IntoIterator<Item = (K, V)>,
        path: impl AsRef<Path>,
    ) -> Result<Outcomes<Change>> {
        self.set.replace_mirrored(entries.into_iter().map(wanted), path.as_ref()).await
    }

    /// Makes every process hold exactly these entries, in this order.
    ///
    /// The call reads the entries of each process, compares them with `entries`, and sends the
    /// changes that the process needs, which can be different ones for each process:
    /// [`plan`](Self::plan) shows them. A process that holds these entries already is
    /// [`Unchanged`](Change::Unchanged).
    ///
    /// If one process needs more changes than half of `entries`, and every process with the map is
    /// HAProxy 2.4 or later, the call is [`replace`](Self::replace) instead. On HAProxy 2.2, or if
    /// one process is that old, the changes are the only way.
    ///
    /// A request can see some of the changes before the others. New entries are added first, then
    /// values are changed, and old entries are deleted last, so that an entry that is both old and
    /// wanted is found at all times. If the entry of a key moves and its value changes, the
    /// old value is found until the old entry is deleted.
    ///
    /// Entries are changed and deleted by their references, so duplicates of a key are exact on every
    /// release. HAProxy adds entries at the end only. If a new entry belongs in the middle, all
    /// entries behind it are added again and deleted at their old place.
    ///
    /// HAProxy looks for a referenced entry in the whole list. In a map of 100,000 entries, each value
    /// that is set and each entry that is deleted takes 3.4 about 0.5 ms, and 2.2 about 7 ms.
    ///
    /// HAProxy prints a blank between key and value. An entry with more blanks is therefore compared
    /// by its whole text: key `a b` with value `c` is the same as key `a` with value `b c`. Another
    /// value of such an entry is a new entry.
    ///
    /// If a process cannot be read, nothing is sent to any process, except through a view of
    /// [`Cluster::allow_partial`].
    ///
    /// # Errors
    ///
    /// - The errors of [`add`](Self::add), and of [`replace`](Self::replace) if it is used. All
    ///   entries are checked before anything is sent.
    /// - [`Refused`](crate::ErrorKind::Refused) if a process refuses an entry. It holds the entries that it held
    ///   before: those that were added are deleted again.
    /// - [`PartiallyApplied`](crate::ErrorKind::PartiallyApplied) if a process stopped among the changes, or
    ///   holds other entries at the end, because another client changed them. Call `sync` again for the rest.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves each process with the changes that it has received so far.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
    /// let hosts = cluster.map("/etc/haproxy/hosts.map")?;
    /// hosts.sync([("a.example.org", "app"), ("b.example.org", "static")]).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "show map")]
    #[doc(alias = "set map")]
    #[doc(alias = "del map")]
    pub async fn sync<K: AsRef<str>, V: AsRef<str>>(
        &self,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Outcomes<Change>> {
        self.set.sync(entries.into_iter().map(wanted)).await
    }

    /// Does the same as [`sync`](Self::sync), and then writes the entries to a file as
    /// [`replace_mirrored`](Self::replace_mirrored) does, also if no process needed a change.
    ///
    /// # Errors
    ///
    /// - The errors of [`sync`](Self::sync) and of [`replace_mirrored`](Self::replace_mirrored).
    pub async fn sync_mirrored<K: AsRef<str>, V: AsRef<str>>(
        &self,
        entries: impl IntoIterator<Item = (K, V)>,
        path: impl AsRef<Path>,
    ) -> Result<Outcomes<Change>> {
        self.set.sync_mirrored(entries.into_iter().map(wanted), path.as_ref()).await
    }

    /// Returns the changes that [`sync`](Self::sync) would make to each process, and changes nothing:
    /// `show map ID`.
    ///
    /// # Errors
    ///
    /// - The errors of [`show`](Self::show) and [`add`](Self::add).
    #[doc(alias = "show map")]
    pub async fn plan<K: AsRef<str>, V: AsRef<str>>(
        &self,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Outcomes<Plan>> {
        self.set.plan(entries.into_iter().map(wanted)).await
    }

    /// Sets the value of all entries with this key: `set map ID KEY VALUE`.
    ///
    /// The outcome of a process without such an entry is absent.
    ///
    /// # Errors
    ///
    /// - The errors of [`add`](Self::add).
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the key begins with `#`, which HAProxy
    ///   reads as a reference.
    /// - [`Refused`](crate::ErrorKind::Refused) if the value does not have the type of the map,
    ///   such as a word in a map of numbers. Releases up to 2.6 report no error for such a value
    ///   and change nothing.
    #[doc(alias = "set map")]
    #[doc(alias = "set_map")]
    pub async fn set(&self, key: &str, value: &str) -> Result<Outcomes<Change>> {
        let command = self.set.command(Command::write("set map"))?.key(key)?.secret(value)?;
        self.set.change(command).await
    }

    /// Deletes the entries with this key: `del map ID KEY`. Up to 3.2, HAProxy deletes all of them;
    /// 3.4 deletes one.
    ///
    /// The outcome of a process without such an entry is absent.
    ///
    /// # Errors
    ///
    /// - The errors of [`add`](Self::add).
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the key begins with `#`, which HAProxy
    ///   reads as a reference.
    #[doc(alias = "del map")]
    #[doc(alias = "del_map")]
    pub async fn delete(&self, key: &str) -> Result<Outcomes<Change>> {
        self.set.delete(key).await
    }

    /// Deletes all entries with these keys: `del map ID KEY`, many commands in one piece, on one
    /// connection to each process.
    ///
    /// A key without an entry is no failure. The [message](Change::message) of a process says how
    /// many keys it had, such as `4998 of 5000 keys`; the change is
    /// [`Unchanged`](Change::Unchanged) if it had none of them. A key that is given twice counts
    /// once. On HAProxy 3.4, which deletes one of several entries with a key, each key is sent until
    /// no entry is left.
    ///
    /// If HAProxy refuses a command, it still executes the other commands of the same piece. Later
    /// pieces are not sent to that process.
    ///
    /// # Errors
    ///
    /// - The errors of [`delete`](Self::delete). All keys are checked before the first one is sent.
    /// - [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the reply to the first piece was
    ///   lost: the process may have deleted keys of it.
    /// - [`PartiallyApplied`](crate::ErrorKind::PartiallyApplied) if the call failed after keys
    ///   were deleted: [`Error::entries`] reports the number of keys that certainly have no entry any
    ///   more.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves each process without the keys that it has deleted so far.
    #[doc(alias = "del map")]
    #[doc(alias = "del_map")]
    pub async fn delete_all<K: AsRef<str>>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Outcomes<Change>> {
        self.set.delete_all(keys).await
    }

    /// Sets the value of one entry: `set map ID #REFERENCE VALUE`.
    ///
    /// A reference is valid in one process only. The call therefore requires a cluster of one
    /// process, or a view of one process through [`Cluster::only`].
    ///
    /// # Errors
    ///
    /// - The errors of [`add`](Self::add).
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput), before anything is sent, if the cluster
    ///   has several processes.
    #[doc(alias = "set map")]
    #[doc(alias = "set_map")]
    pub async fn set_entry(&self, entry: EntryRef, value: &str) -> Result<Outcomes<Change>> {
        let command = self.set.command(Command::write("set map"))?.reference(entry).secret(value)?;
        self.set.change(command).await
    }

    /// Deletes one entry: `del map ID #REFERENCE`. The reference requires a single process, as in
    /// [`set_entry`](Self::set_entry).
    ///
    /// # Errors
    ///
    /// - The errors of [`set_entry`](Self::set_entry).
    #[doc(alias = "del map")]
    #[doc(alias = "del_map")]
    pub async fn delete_entry(&self, entry: EntryRef) -> Result<Outcomes<Change>> {
        self.set.delete_entry(entry).await
    }

    /// Deletes all entries: `clear map ID`.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    #[doc(alias = "clear map")]
    #[doc(alias = "clear_map")]
    pub async fn clear(&self) -> Result<Outcomes<Change>> {
        self.set.clear().await
    }
}

fn wanted<K: AsRef<str>, V: AsRef<str>>((key, value): (K, V)) -> Wanted {
    (key.as_ref().into(), Some(value.as_ref().into()))
}
