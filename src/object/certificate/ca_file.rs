use super::replacement::Replacement;
use super::store::{self, Store, Verbs};
use crate::cluster::{Cluster, Outcomes};
use crate::error::Result;
use crate::protocol::Change;
use crate::show::{CaFileDetails, ListedCaFile};

/// A CA file of a [`Cluster`]: certificates of the authorities that HAProxy trusts, addressed by its
/// name.
///
/// HAProxy checks the certificates of clients (`bind ... ca-file`) or of servers (`server ... ca-file`)
/// with it. It reads the file at its start and keeps the certificates in memory. All calls change the
/// memory only. To keep a change over a restart or a reload, write the file too.
///
/// Creating this value sends nothing, and the file is not checked until it is used.
///
/// A CA file is changed in a transaction, like a [`Certificate`](super::Certificate). A process has one
/// transaction for CA files at most, beside the ones for certificates and for CRL files. A command that
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
/// let clients = cluster.ca_file("/etc/haproxy/clients.pem")?;
/// clients.replace(&pem).await?;
/// for (label, details) in clients.show().await?.values() {
///     println!("{label}: {} authorities", details.certificates.len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[doc(alias = "ca-file")]
pub struct CaFile {
    store: Store,
}

impl Cluster {
    /// Returns a CA file by its name, as [`ca_files`](Self::ca_files) lists it. Sends nothing.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the name is empty or longer than 1,024 bytes, has a control
    ///   character, `<<` or `:`, or begins with `*` or `\`. HAProxy takes a number behind `:` for one
    ///   certificate of the file.
    #[doc(alias = "ca-file")]
    pub fn ca_file(&self, name: &str) -> Result<CaFile> {
        Ok(CaFile { store: Store::new(self, &Verbs::CA_FILE, name)? })
    }

    /// Reads the names of the CA files of each process: `show ssl ca-file` (HAProxy 2.5 and later).
    /// Needs level operator.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`PermissionDenied`](crate::ErrorKind::PermissionDenied) if the level of a socket is `user`;
    ///   HAProxy says that it lacks memory then.
    #[doc(alias = "show ssl ca-file")]
    pub async fn ca_files(&self) -> Result<Outcomes<Vec<ListedCaFile>>> {
        store::read_all(self, &Verbs::CA_FILE.list(), ListedCaFile::read).await
    }
}

impl CaFile {
    /// Returns the name of the file.
    pub fn name(&self) -> &str {
        self.store.name()
    }

    /// Returns the same file, acting through `cluster`, another view of the cluster.
    #[must_use]
    pub fn on(&self, cluster: &Cluster) -> Self {
        Self { store: self.store.on(cluster) }
    }

    /// Reads the certificates that each process has loaded: `show ssl ca-file NAME` (HAProxy 2.5 and
    /// later). Needs level operator.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`PermissionDenied`](crate::ErrorKind::PermissionDenied) if the level of a socket is `user`.
    #[doc(alias = "show ssl ca-file")]
    pub async fn show(&self) -> Result<Outcomes<CaFileDetails>> {
        self.store.show(false, CaFileDetails::read).await
    }

    /// Reads the certificates that the pending transaction of each process holds:
    /// `show ssl ca-file *NAME` (HAProxy 2.5 and later). Needs level operator.
    ///
    /// The outcome is absent if the process has no transaction for this file.
    ///
    /// # Errors
    ///
    /// - The errors of [`show`](Self::show).
    #[doc(alias = "show ssl ca-file")]
    #[doc(alias = "transaction")]
    pub async fn show_pending(&self) -> Result<Outcomes<CaFileDetails>> {
        self.store.show(true, CaFileDetails::read).await
    }

    /// Creates an empty CA file of this name: `new ssl ca-file NAME` (HAProxy 2.5 and later). Needs
    /// level admin.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Refused`](crate::ErrorKind::Refused) if a process has a CA file or a CRL file of this name.
    #[doc(alias = "new ssl ca-file")]
    pub async fn create(&self) -> Result<Outcomes<Change>> {
        self.store.create().await
    }

    /// Puts certificates into the transaction of each process, in place of all others:
    /// `set ssl ca-file NAME <<` (HAProxy 2.5 and later). Needs level admin. Begins the transaction, or
    /// changes a pending one for the same file. No connection is checked with it before
    /// [`commit`](Self::commit).
    ///
    /// `pem` is the text of a PEM file with one or more certificates. Empty lines and text outside of
    /// the PEM sections are not sent, because HAProxy ends a payload at an empty line.
    ///
    /// `show ssl ca-file` is sent before, on the same connection: HAProxy would put the certificates into
    /// a CRL file of this name.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput), before anything is sent, if `pem` has no
    ///   section `CERTIFICATE`, or if command and PEM sections have more than 130,000 bytes.
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) for each process before 3.4, if they have more
    ///   than 15,359 bytes. Nothing is sent to this process. [`add`](Self::add) sends a longer file in
    ///   parts.
    /// - [`Refused`](crate::ErrorKind::Refused) if HAProxy cannot read the certificates, or if a
    ///   transaction for another CA file is pending.
    #[doc(alias = "set ssl ca-file")]
    pub async fn set(&self, pem: &str) -> Result<Outcomes<Change>> {
        self.store.set(pem).await
    }

    /// Adds certificates to the transaction of each process: `add ssl ca-file NAME <<` (HAProxy 2.7 and
    /// later). Needs level admin. Without a pending transaction, begins one with the certificates that
    /// are in use.
    ///
    /// # Errors
    ///
    /// - The errors of [`set`](Self::set).
    #[doc(alias = "add ssl ca-file")]
    pub async fn add(&self, pem: &str) -> Result<Outcomes<Change>> {
        self.store.add(pem).await
    }

    /// Commits the transaction of each process: `commit ssl ca-file NAME` (HAProxy 2.5 and later). Needs
    /// level admin. New connections are checked with the new certificates.
    ///
    /// HAProxy builds a TLS context for each place that uses the file and reports its progress
    /// meanwhile; the call waits for the end of the report. The outcome is absent if the process has
    /// no transaction at all.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Refused`](crate::ErrorKind::Refused) if the transaction is for another file.
    #[doc(alias = "commit ssl ca-file")]
    pub async fn commit(&self) -> Result<Outcomes<Change>> {
        self.store.commit().await
    }

    /// Gives up the transaction of each process: `abort ssl ca-file NAME` (HAProxy 2.5 and later). Needs
    /// level admin.
    ///
    /// The outcome is absent if the process has no transaction at all.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Refused`](crate::ErrorKind::Refused) if the transaction is for another file.
    #[doc(alias = "abort ssl ca-file")]
    pub async fn abort(&self) -> Result<Outcomes<Change>> {
        self.store.abort().await
    }

    /// Replaces the certificates of the file on all processes, or on none of them (HAProxy 2.5 and
    /// later). Needs level admin. Sends `show ssl ca-file`, `set ssl ca-file NAME <<` and
    /// `commit ssl ca-file NAME`.
    ///
    /// The steps, the conditions and the outcomes are the ones of
    /// [`Certificate::replace`](super::Certificate::replace).
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
    /// certificates or with the new ones. [`abort`](Self::abort) ends the transactions.
    #[doc(alias = "set ssl ca-file")]
    #[doc(alias = "commit ssl ca-file")]
    pub async fn replace(&self, pem: &str) -> Result<Outcomes<Change>> {
        Replacement::new(&self.store, pem)?.run().await
    }

    /// Deletes the file from memory: `del ssl ca-file NAME` (HAProxy 2.5 and later). Needs level admin.
    ///
    /// `show ssl ca-file` is sent before, on the same connection: HAProxy would also delete a CRL file of
    /// this name.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Refused`](crate::ErrorKind::Refused) if the file is in use.
    #[doc(alias = "del ssl ca-file")]
    pub async fn delete(&self) -> Result<Outcomes<Change>> {
        self.store.delete().await
    }
}
