use super::replacement::Replacement;
use super::store::{self, Store, Verbs};
use crate::cluster::{Cluster, Outcomes};
use crate::error::Result;
use crate::protocol::Change;
use crate::show::{CrlFileDetails, ListedCrlFile};

/// A CRL file of a [`Cluster`]: lists of the certificates that their authorities have revoked, addressed
/// by its name.
///
/// HAProxy checks the certificates of clients (`bind ... crl-file`) or of servers (`server ... crl-file`)
/// with it. It reads the file at its start and keeps the lists in memory. All calls change the
/// memory only. To keep a change over a restart or a reload, write the file too.
///
/// Creating this value sends nothing, and the file is not checked until it is used.
///
/// A CRL file is changed in a transaction, like a [`Certificate`](super::Certificate). A process has one
/// transaction for CRL files at most, beside the ones for certificates and for CA files. A command that
/// HAProxy refuses because another connection reads or commits is repeated until the time of the call is
/// up.
///
/// See [`Outcomes`] for the result of a call and its failures. A process without this file is not a
/// failure: its outcome is absent.
///
/// # Cancel safety
///
/// Dropping the future of a read closes the connections and leaves nothing behind. Dropping the
/// future of a change closes the connections, and each process may have executed the command or may
/// still do so. See [`guide::cancellation`](crate::guide::cancellation).
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster, pem: String) -> haproxyadmin::Result<()> {
/// let revoked = cluster.crl_file("/etc/haproxy/revoked.pem")?;
/// revoked.replace(&pem).await?;
/// for (label, details) in revoked.show().await?.values() {
///     println!("{label}: {} lists", details.lists.len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[doc(alias = "crl-file")]
pub struct CrlFile {
    store: Store,
}

impl Cluster {
    /// Returns a CRL file by its name, as [`crl_files`](Self::crl_files) lists it. Sends nothing.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the name is empty or longer than 1,024 bytes, has a control
    ///   character, `<<` or `:`, or begins with `*` or `\`. HAProxy takes a number behind `:` for one
    ///   list of the file.
    #[doc(alias = "crl-file")]
    pub fn crl_file(&self, name: &str) -> Result<CrlFile> {
        Ok(CrlFile { store: Store::new(self, &Verbs::CRL_FILE, name)? })
    }

    /// Reads the names of the CRL files of each process: `show ssl crl-file` (HAProxy 2.5 and later).
    /// Needs level operator.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`PermissionDenied`](crate::ErrorKind::PermissionDenied) if the level of a socket is `user`;
    ///   HAProxy says that it lacks memory then.
    #[doc(alias = "show ssl crl-file")]
    pub async fn crl_files(&self) -> Result<Outcomes<Vec<ListedCrlFile>>> {
        store::read_all(self, &Verbs::CRL_FILE.list(), ListedCrlFile::read).await
    }
}

impl CrlFile {
    /// Returns the name of the file.
    pub fn name(&self) -> &str {
        self.store.name()
    }

    /// Returns the same file, acting through `cluster`, another view of the cluster.
    #[must_use]
    pub fn on(&self, cluster: &Cluster) -> Self {
        Self { store: self.store.on(cluster) }
    }

    /// Reads the lists that each process has loaded: `show ssl crl-file NAME` (HAProxy 2.5 and
    /// later). Needs level operator.
    ///
    /// HAProxy dies of signal 11 (seen with 2.6 to 3.4) when it shows a list without a next update, which
    /// X.509 allows. No call of this crate loads such a list. Do not call this for a file that a process
    /// loaded at its start, or got from another client, if a list may lack the next update.
    ///
    /// HAProxy prints about 140 revoked certificates of a file and leaves out the others: see
    /// [`CrlFileDetails::may_be_cut`].
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`PermissionDenied`](crate::ErrorKind::PermissionDenied) if the level of a socket is `user`.
    #[doc(alias = "show ssl crl-file")]
    pub async fn show(&self) -> Result<Outcomes<CrlFileDetails>> {
        self.store.show(false, CrlFileDetails::read).await
    }

    /// Reads the lists that the pending transaction of each process holds:
    /// `show ssl crl-file *NAME` (HAProxy 2.5 and later). Needs level operator.
    ///
    /// The outcome is absent if the process has no transaction for this file. HAProxy dies of a list without
    /// a next update, as in [`show`](Self::show).
    ///
    /// # Errors
    ///
    /// - The errors of [`show`](Self::show).
    #[doc(alias = "show ssl crl-file")]
    #[doc(alias = "transaction")]
    pub async fn show_pending(&self) -> Result<Outcomes<CrlFileDetails>> {
        self.store.show(true, CrlFileDetails::read).await
    }

    /// Creates an empty CRL file of this name: `new ssl crl-file NAME` (HAProxy 2.5 and later). Needs
    /// level admin.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Refused`](crate::ErrorKind::Refused) if a process has a CA file or a CRL file of this name.
    #[doc(alias = "new ssl crl-file")]
    pub async fn create(&self) -> Result<Outcomes<Change>> {
        self.store.create().await
    }

    /// Puts lists into the transaction of each process, in place of all others:
    /// `set ssl crl-file NAME <<` (HAProxy 2.5 and later). Needs level admin. Begins the transaction, or
    /// changes a pending one for the same file. No connection is checked with it before
    /// [`commit`](Self::commit).
    ///
    /// `pem` is the text of a PEM file with one or more lists. Empty lines and text outside of
    /// the PEM sections are not sent, because HAProxy ends a payload at an empty line.
    ///
    /// `show ssl crl-file` is sent before, on the same connection: HAProxy would put the lists into
    /// a CA file of this name.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput), before anything is sent, if `pem` has no
    ///   section `X509 CRL`, if such a section cannot be read or its list has no next update, or if command
    ///   and PEM sections have more than 130,000 bytes. HAProxy would die when it shows a list without
    ///   a next update.
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) for each process before 3.4, if they have more
    ///   than 15,359 bytes. Nothing is sent to this process.
    /// - [`Refused`](crate::ErrorKind::Refused) if HAProxy cannot read the lists, or if a
    ///   transaction for another CRL file is pending.
    #[doc(alias = "set ssl crl-file")]
    pub async fn set(&self, pem: &str) -> Result<Outcomes<Change>> {
        self.store.set(pem).await
    }

    /// Commits the transaction of each process: `commit ssl crl-file NAME` (HAProxy 2.5 and later). Needs
    /// level admin. New connections are checked with the new lists.
    ///
    /// HAProxy builds a TLS context for each place that uses the file and reports its progress
    /// meanwhile; the call waits for the end of the report. The outcome is absent if the process has
    /// no transaction at all.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Refused`](crate::ErrorKind::Refused) if the transaction is for another file.
    #[doc(alias = "commit ssl crl-file")]
    pub async fn commit(&self) -> Result<Outcomes<Change>> {
        self.store.commit().await
    }

    /// Gives up the transaction of each process: `abort ssl crl-file NAME` (HAProxy 2.5 and later). Needs
    /// level admin.
    ///
    /// The outcome is absent if the process has no transaction at all.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Refused`](crate::ErrorKind::Refused) if the transaction is for another file.
    #[doc(alias = "abort ssl crl-file")]
    pub async fn abort(&self) -> Result<Outcomes<Change>> {
        self.store.abort().await
    }

    /// Replaces the lists of the file on all processes, or on none of them (HAProxy 2.5 and
    /// later). Needs level admin. Sends `show ssl crl-file`, `set ssl crl-file NAME <<` and
    /// `commit ssl crl-file NAME`.
    ///
    /// The steps, the conditions and the outcomes are the ones of
    /// [`Certificate::replace`](super::Certificate::replace). Two lists are told apart by issuer, times and
    /// the revoked certificates that HAProxy prints; in a file with more of them than HAProxy prints, by issuer
    /// and times alone.
    ///
    /// The call does not read the old lists, because HAProxy may die when it shows them: see
    /// [`show`](Self::show). If a commit fails or its reply is lost, the error therefore does not describe the
    /// lists in use before, and does not tell if the process uses them still.
    ///
    /// # Errors
    ///
    /// - The errors of [`set`](Self::set).
    /// - [`NotFound`](crate::ErrorKind::NotFound) for a process that has no such file.
    /// - [`PartiallyApplied`](crate::ErrorKind::PartiallyApplied) and
    ///   [`Diverging`](crate::ErrorKind::Diverging) as in
    ///   [`Certificate::replace`](super::Certificate::replace).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the processes where they are: with a transaction, with the old
    /// lists or with the new ones. [`abort`](Self::abort) ends the transactions.
    #[doc(alias = "set ssl crl-file")]
    #[doc(alias = "commit ssl crl-file")]
    pub async fn replace(&self, pem: &str) -> Result<Outcomes<Change>> {
        Replacement::new(&self.store, pem)?.run().await
    }

    /// Deletes the file from memory: `del ssl crl-file NAME` (HAProxy 2.5 and later). Needs level admin.
    ///
    /// `show ssl crl-file` is sent before, on the same connection: HAProxy would also delete a CA file of
    /// this name.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Refused`](crate::ErrorKind::Refused) if the file is in use.
    #[doc(alias = "del ssl crl-file")]
    pub async fn delete(&self) -> Result<Outcomes<Change>> {
        self.store.delete().await
    }
}
