use std::path::Path;

use super::plan::{Plan, Wanted};
use super::set::PatternSet;
use super::verbs::Verbs;
use super::{Contents, Lookup, PatternId};
use crate::cluster::{Cluster, Outcomes};
use crate::error::{Error, Result};
use crate::protocol::{Change, EntryRef};
use crate::show::PatternInfo;

/// An ACL of a [`Cluster`], addressed by its file or its number.
///
/// Creating this value sends nothing, and the ACL is not checked until it is used.
///
/// Changes apply to the memory of each process and are lost when the process is reloaded.
/// [`replace_mirrored`](Acl::replace_mirrored) and [`sync_mirrored`](Acl::sync_mirrored) write the
/// file too; the other methods do not. Up to HAProxy 3.2, a socket of any level may change ACLs; from 3.4 on, a
/// change needs level admin.
///
/// See [`Outcomes`] for the result of a call and its failures. A process without this ACL, or
/// without the pattern, is not a failure: its outcome is absent.
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
/// let blocked = cluster.acl("/etc/haproxy/blocked.acl")?;
/// blocked.add("203.0.113.7").await?;
/// for (label, lookup) in blocked.get("203.0.113.7").await?.values() {
///     println!("{label}: {}", lookup.found);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Acl {
    set: PatternSet,
}

impl Cluster {
    /// Returns an ACL by its file, spelled as in the configuration, or by `#` and its number. Sends
    /// nothing.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if HAProxy would not read `id` as a file
    ///   or number: see [`PatternId::file`].
    pub fn acl<P>(&self, id: P) -> Result<Acl>
    where
        P: TryInto<PatternId>,
        P::Error: Into<Error>,
    {
        Ok(Acl { set: PatternSet::new(self, &Verbs::ACL, id)? })
    }

    /// Reads the list of ACLs from each process: `show acl`.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    #[doc(alias = "show acl")]
    #[doc(alias = "show_acl")]
    pub async fn acls(&self) -> Result<Outcomes<Vec<PatternInfo>>> {
        PatternSet::list(self, &Verbs::ACL).await
    }
}

impl Acl {
    /// Returns the file or number of the ACL.
    pub fn id(&self) -> &PatternId {
        self.set.id()
    }

    /// Returns the same ACL, acting through `cluster`, another view of the cluster.
    #[must_use]
    pub fn on(&self, cluster: &Cluster) -> Self {
        Self { set: self.set.on(cluster) }
    }

    /// Reads the patterns of the ACL from each process: `show acl ID`.
    ///
    /// The list of a process is complete, or reading it fails: [`Map::show`](crate::Map::show)
    /// explains the proof.
    ///
    /// # Errors
    ///
    /// - The errors of [`Map::show`](crate::Map::show).
    #[doc(alias = "show acl")]
    #[doc(alias = "show_acl")]
    pub async fn show(&self) -> Result<Contents> {
        self.set.show().await
    }

    /// Tests in each process if `value` matches, with the matching method of the ACL:
    /// `get acl ID VALUE`.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) under the conditions of
    ///   [`add`](Self::add).
    #[doc(alias = "get acl")]
    #[doc(alias = "get_acl")]
    pub async fn get(&self, value: &str) -> Result<Outcomes<Lookup>> {
        self.set.get(value).await
    }

    /// Adds a pattern: `add acl ID PATTERN`. A pattern that exists already is then there twice.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Refused`](crate::ErrorKind::Refused) if the text is not a valid pattern of this ACL,
    ///   such as a word in a list of addresses.
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput), before anything is sent, if no release
    ///   accepts the pattern unchanged: if it is empty, if it contains NUL, CR or LF, if it makes
    ///   the line longer than 15,359 bytes, or if its last word begins or ends with `<<`; behind a
    ///   master, also if it begins with `<<`.
    #[doc(alias = "add acl")]
    #[doc(alias = "add_acl")]
    pub async fn add(&self, pattern: &str) -> Result<Outcomes<Change>> {
        self.set.add(&[pattern]).await
    }

    /// Adds many patterns: `add acl ID PATTERN`, with many commands in one piece, on one connection
    /// to each process. (ACLs accept no payload.)
    ///
    /// If HAProxy refuses a pattern, it still adds the other patterns of the same piece. Later
    /// pieces are not sent to that process.
    ///
    /// # Errors
    ///
    /// - The errors of [`add`](Self::add). All patterns are checked before the first one is sent.
    /// - [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the reply to the first piece was
    ///   lost: the process may have added patterns of it.
    /// - [`PartiallyApplied`](crate::ErrorKind::PartiallyApplied) if the call failed after patterns
    ///   were added: [`Error::entries`] reports the number of patterns that were certainly added.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves each process with the patterns that it has received so far.
    #[doc(alias = "add acl")]
    #[doc(alias = "add_acl")]
    pub async fn add_all<P: AsRef<str>>(
        &self,
        patterns: impl IntoIterator<Item = P>,
    ) -> Result<Outcomes<Change>> {
        let mut bulk = self.set.bulk()?;
        for pattern in patterns {
            bulk.pattern(pattern.as_ref())?;
        }
        self.set.add_all(bulk).await
    }

    /// Replaces all patterns: afterwards the ACL holds these patterns and no others (HAProxy 2.4 and
    /// later). Sends `prepare acl ID`, `add acl @N ID PATTERN`, `show acl @N ID` and
    /// `commit acl @N ID`.
    ///
    /// A lookup sees all old patterns or all new patterns of its process.
    /// [`Map::replace`](crate::Map::replace) explains the steps, the case that a process fails in
    /// one of them, and HAProxy 2.2.
    ///
    /// # Errors
    ///
    /// - The errors of [`add`](Self::add). All patterns are checked before anything is sent.
    /// - The errors of [`Map::replace`](crate::Map::replace).
    ///
    /// # Cancel safety
    ///
    /// The rules of [`Map::replace`](crate::Map::replace).
    #[doc(alias = "prepare acl")]
    #[doc(alias = "commit acl")]
    #[doc(alias = "clear acl")]
    #[doc(alias = "transaction")]
    pub async fn replace<P: AsRef<str>>(
        &self,
        patterns: impl IntoIterator<Item = P>,
    ) -> Result<Outcomes<Change>> {
        self.set.replace(patterns.into_iter().map(wanted)).await
    }

    /// Does the same as [`replace`](Self::replace), and then writes the patterns to a file of this
    /// host: [`Map::replace_mirrored`](crate::Map::replace_mirrored) explains the rules.
    ///
    /// # Errors
    ///
    /// - The errors of [`Map::replace_mirrored`](crate::Map::replace_mirrored), but a file of
    ///   patterns can hold any pattern that does not begin with a blank or a tab.
    pub async fn replace_mirrored<P: AsRef<str>>(
        &self,
        patterns: impl IntoIterator<Item = P>,
        path: impl AsRef<Path>,
    ) -> Result<Outcomes<Change>> {
        self.set.replace_mirrored(patterns.into_iter().map(wanted), path.as_ref()).await
    }

    /// Makes every process hold exactly these patterns, in this order.
    ///
    /// Sends the changes that each process needs, or replaces all patterns:
    /// [`Map::sync`](crate::Map::sync) explains the choice, the order of the changes, and HAProxy 2.2.
    ///
    /// # Errors
    ///
    /// - The errors of [`Map::sync`](crate::Map::sync).
    ///
    /// # Cancel safety
    ///
    /// The rules of [`Map::sync`](crate::Map::sync).
    #[doc(alias = "show acl")]
    #[doc(alias = "del acl")]
    pub async fn sync<P: AsRef<str>>(
        &self,
        patterns: impl IntoIterator<Item = P>,
    ) -> Result<Outcomes<Change>> {
        self.set.sync(patterns.into_iter().map(wanted)).await
    }

    /// Does the same as [`sync`](Self::sync), and then writes the patterns to a file as
    /// [`replace_mirrored`](Self::replace_mirrored) does, also if no process needed a change.
    ///
    /// # Errors
    ///
    /// - The errors of [`sync`](Self::sync) and of [`replace_mirrored`](Self::replace_mirrored).
    pub async fn sync_mirrored<P: AsRef<str>>(
        &self,
        patterns: impl IntoIterator<Item = P>,
        path: impl AsRef<Path>,
    ) -> Result<Outcomes<Change>> {
        self.set.sync_mirrored(patterns.into_iter().map(wanted), path.as_ref()).await
    }

    /// Returns the changes that [`sync`](Self::sync) would make to each process, and changes nothing:
    /// `show acl ID`.
    ///
    /// # Errors
    ///
    /// - The errors of [`show`](Self::show) and [`add`](Self::add).
    #[doc(alias = "show acl")]
    pub async fn plan<P: AsRef<str>>(&self, patterns: impl IntoIterator<Item = P>) -> Result<Outcomes<Plan>> {
        self.set.plan(patterns.into_iter().map(wanted)).await
    }

    /// Deletes the patterns with this text: `del acl ID PATTERN`. Up to 3.2, HAProxy deletes all of
    /// them; 3.4 deletes one.
    ///
    /// The outcome of a process without such a pattern is absent.
    ///
    /// # Errors
    ///
    /// - The errors of [`add`](Self::add).
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the pattern begins with `#`, which
    ///   HAProxy reads as a reference.
    #[doc(alias = "del acl")]
    #[doc(alias = "del_acl")]
    pub async fn delete(&self, pattern: &str) -> Result<Outcomes<Change>> {
        self.set.delete(pattern).await
    }

    /// Deletes all patterns with these texts: `del acl ID PATTERN`, many commands in one piece, on
    /// one connection to each process.
    ///
    /// A text without a pattern is no failure. [`Map::delete_all`](crate::Map::delete_all) explains
    /// the message of each process, and the rules for refused commands.
    ///
    /// # Errors
    ///
    /// - The errors of [`Map::delete_all`](crate::Map::delete_all).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves each process without the patterns that it has deleted so far.
    #[doc(alias = "del acl")]
    #[doc(alias = "del_acl")]
    pub async fn delete_all<P: AsRef<str>>(
        &self,
        patterns: impl IntoIterator<Item = P>,
    ) -> Result<Outcomes<Change>> {
        self.set.delete_all(patterns).await
    }

    /// Deletes one pattern: `del acl ID #REFERENCE`.
    ///
    /// A reference is valid in one process only. The call therefore requires a cluster of one
    /// process, or a view of one process through [`Cluster::only`].
    ///
    /// # Errors
    ///
    /// - The errors of [`add`](Self::add).
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput), before anything is sent, if the cluster
    ///   has several processes.
    #[doc(alias = "del acl")]
    #[doc(alias = "del_acl")]
    pub async fn delete_entry(&self, entry: EntryRef) -> Result<Outcomes<Change>> {
        self.set.delete_entry(entry).await
    }

    /// Deletes all patterns: `clear acl ID`.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    #[doc(alias = "clear acl")]
    #[doc(alias = "clear_acl")]
    pub async fn clear(&self) -> Result<Outcomes<Change>> {
        self.set.clear().await
    }
}

fn wanted<P: AsRef<str>>(pattern: P) -> Wanted {
    (pattern.as_ref().into(), None)
}
