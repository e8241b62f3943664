//! TLS certificates in the memory of the processes.

mod ca_file;
mod crl_file;
mod crt_list;
mod encoding;
mod lock;
mod mark;
mod name;
mod new_entry;
mod ocsp;
mod replacement;
mod store;

use crate::cluster::{Cluster, Outcomes};
use crate::error::Result;
use crate::protocol::Change;
use crate::show::{CertificateDetails, ListedCertificate};
use replacement::Replacement;
use store::{Store, Verbs};

pub use ca_file::CaFile;
pub use crl_file::CrlFile;
pub use crt_list::CrtList;
pub use new_entry::NewCrtListEntry;

pub(crate) use encoding::Leaf;

/// A TLS certificate of a [`Cluster`], with its private key and its chain, addressed by its name.
///
/// The name is the one that [`Cluster::certificates`] lists: mostly the path of the file that the
/// configuration names. HAProxy reads the file at its start, and keeps certificate and key in memory.
/// All calls change the memory only. To keep a change over a restart or a reload, write the file too.
///
/// Creating this value sends nothing, and the certificate is not checked until it is used.
///
/// HAProxy changes a certificate in a transaction: [`set`](Self::set) begins it,
/// [`commit`](Self::commit) ends it, and [`abort`](Self::abort) gives it up. A process has one
/// transaction for certificates at most. It belongs to the process and not to a connection: any
/// client can commit or abort it, and it stays until one does. [`replace`](Self::replace) does all of
/// this on the whole cluster.
///
/// HAProxy has one lock for all certificates of a process, and refuses commands while another
/// connection reads or commits. A refused command is repeated until the time of the call is up
/// ([`Limits::with_command_timeout`](crate::Limits::with_command_timeout)); the outcome is then the
/// refusal.
///
/// HAProxy 3.4 (up to 3.4.7 at least) breaks this lock if `set ssl cert` arrives while another connection
/// holds it: from then on the process refuses all commands on certificates until it is reloaded. The
/// calls through one [`Cluster`] and its clones therefore take turns on each process. Do not let several
/// programs change the certificates of a process at the same time, and do not show them meanwhile.
///
/// See [`Outcomes`] for the result of a call and its failures. A process without this certificate is
/// not a failure: its outcome is absent.
///
/// Private keys are shown in no error and no trace.
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
/// let site = cluster.certificate("/etc/haproxy/site.pem")?;
/// site.replace(&pem).await?;
/// for (label, details) in site.show().await?.values() {
///     println!("{label}: {:?}", details.leaf.as_ref().map(|leaf| &leaf.not_after_text));
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[doc(alias = "ssl")]
#[doc(alias = "tls")]
pub struct Certificate {
    store: Store,
}

impl Cluster {
    /// Returns a certificate by its name, as [`certificates`](Self::certificates) lists it. Sends
    /// nothing.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the name is empty or longer than 1,024 bytes, has a control
    ///   character or `<<`, begins with `*` or `\`, or ends with `.key`, `.ocsp`, `.sctl` or `.issuer`:
    ///   HAProxy takes such names for transactions or for parts of another certificate.
    pub fn certificate(&self, name: &str) -> Result<Certificate> {
        Ok(Certificate { store: Store::new(self, &Verbs::CERTIFICATE, name)? })
    }

    /// Reads the names of the certificates of each process: `show ssl cert` (HAProxy 2.2 and later).
    /// Needs level operator.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`PermissionDenied`](crate::ErrorKind::PermissionDenied) if the level of a socket is `user`;
    ///   HAProxy says that it lacks memory then.
    #[doc(alias = "show ssl cert")]
    pub async fn certificates(&self) -> Result<Outcomes<Vec<ListedCertificate>>> {
        store::read_all(self, &Verbs::CERTIFICATE.list(), ListedCertificate::read).await
    }
}

impl Certificate {
    /// Returns the name of the certificate.
    pub fn name(&self) -> &str {
        self.store.name()
    }

    /// Returns the same certificate, acting through `cluster`, another view of the cluster.
    #[must_use]
    pub fn on(&self, cluster: &Cluster) -> Self {
        Self { store: self.store.on(cluster) }
    }

    /// Checks that HAProxy can load a PEM text.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` under the conditions of [`set`](Self::set).
    pub(crate) fn check(&self, pem: &str) -> Result<()> {
        self.store.set_command(pem)?.check()
    }

    /// Reads the certificate that each process has loaded: `show ssl cert NAME` (HAProxy 2.2 and
    /// later). Needs level operator.
    ///
    /// HAProxy leaves out what does not fit into one buffer, such as some of 800 names: see
    /// [`X509::may_be_cut`](crate::certificate::X509::may_be_cut). HAProxy 2.6 dies of signal 11 if the buffer
    /// ends within the fingerprint and is full to its last byte.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`PermissionDenied`](crate::ErrorKind::PermissionDenied) if the level of a socket is `user`.
    #[doc(alias = "show ssl cert")]
    pub async fn show(&self) -> Result<Outcomes<CertificateDetails>> {
        self.store.show(false, CertificateDetails::read).await
    }

    /// Reads the certificate that the pending transaction of each process holds:
    /// `show ssl cert *NAME` (HAProxy 2.2 and later). Needs level operator.
    ///
    /// The outcome is absent if the process has no transaction for this certificate.
    ///
    /// # Errors
    ///
    /// - The errors of [`show`](Self::show).
    #[doc(alias = "show ssl cert")]
    #[doc(alias = "transaction")]
    pub async fn show_pending(&self) -> Result<Outcomes<CertificateDetails>> {
        self.store.show(true, CertificateDetails::read).await
    }

    /// Creates an empty certificate of this name: `new ssl cert NAME` (HAProxy 2.2 and later). Needs
    /// level admin.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Refused`](crate::ErrorKind::Refused) if a process has a certificate of this name.
    #[doc(alias = "new ssl cert")]
    pub async fn create(&self) -> Result<Outcomes<Change>> {
        self.store.create().await
    }

    /// Puts a certificate, its private key and its chain into the transaction of each process:
    /// `set ssl cert NAME <<` (HAProxy 2.2 and later). Needs level admin. Begins the transaction, or
    /// changes a pending one for the same certificate. No connection sees it before
    /// [`commit`](Self::commit).
    ///
    /// `pem` is the text of a PEM file: the certificate, its private key, and the certificates of the
    /// chain in order. Empty lines and text outside of the PEM sections are not sent, because HAProxy
    /// ends a payload at an empty line.
    ///
    /// `show ssl cert` is sent before, on the same connection: HAProxy 2.6 would put the new
    /// certificate into a pending transaction for another certificate.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput), before anything is sent, if `pem` has no
    ///   section `CERTIFICATE`, or if command and PEM sections have more than 130,000 bytes.
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) for each process before 3.4, if they have more
    ///   than 15,359 bytes. Nothing is sent to this process.
    /// - [`Refused`](crate::ErrorKind::Refused) if HAProxy cannot read the certificate, or if a
    ///   transaction for another certificate is pending. HAProxy does not check here that the private
    ///   key fits.
    #[doc(alias = "set ssl cert")]
    pub async fn set(&self, pem: &str) -> Result<Outcomes<Change>> {
        self.store.set(pem).await
    }

    /// Commits the transaction of each process: `commit ssl cert NAME` (HAProxy 2.2 and later). Needs
    /// level admin. New connections get the new certificate.
    ///
    /// HAProxy builds a TLS context for each place that uses the certificate and reports its progress
    /// meanwhile; the call waits for the end of the report. The outcome is absent if the process has
    /// no transaction at all.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Refused`](crate::ErrorKind::Refused) if the transaction is for another certificate, if the
    ///   private key does not fit, or if HAProxy cannot use the certificate in a place. The old certificate
    ///   stays in use. In most cases the transaction stays too: see [`abort`](Self::abort).
    #[doc(alias = "commit ssl cert")]
    pub async fn commit(&self) -> Result<Outcomes<Change>> {
        self.store.commit().await
    }

    /// Gives up the transaction of each process: `abort ssl cert NAME` (HAProxy 2.2 and later). Needs
    /// level admin.
    ///
    /// The outcome is absent if the process has no transaction at all.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Refused`](crate::ErrorKind::Refused) if the transaction is for another certificate.
    #[doc(alias = "abort ssl cert")]
    pub async fn abort(&self) -> Result<Outcomes<Change>> {
        self.store.abort().await
    }

    /// Replaces the certificate on all processes, or on none of them (HAProxy 2.2 and later). Needs
    /// level admin. Sends `show ssl cert`, `set ssl cert NAME <<` and `commit ssl cert NAME`.
    ///
    /// `pem` is the text of a PEM file, as for [`set`](Self::set).
    ///
    /// The steps:
    ///
    /// 1. Every process gets the new certificate in a transaction, and it is read back. A process that
    ///    has a pending transaction, of another client or of an earlier call, refuses, and keeps its
    ///    transaction: end it with [`abort`](Self::abort) or [`commit`](Self::commit).
    /// 2. Every process is identified again, and its transaction is read again.
    /// 3. One process commits. If it succeeds, all others commit.
    /// 4. Every certificate is read back.
    ///
    /// If a process fails in step 1 or 2, or if the first commit is refused, the transactions that this
    /// call began are aborted, and no process serves the new certificate. Every process must have the
    /// certificate: a process without it has failed too, unlike in other calls. To leave such a
    /// process out, choose the others with [`Cluster::only`]. Through a view of
    /// [`Cluster::allow_partial`] the processes that can do so commit.
    ///
    /// HAProxy replaces the content of a pending transaction without a question. If another client
    /// begins a transaction between the look at the pending ones and `set ssl cert`, HAProxy's reply says
    /// so, and the process holds the certificate of this call in the transaction of the other client. The
    /// transaction is then aborted, this call fails on the process, and the other client finds no
    /// transaction to commit. Of two calls at the same moment, at most one therefore succeeds, and both
    /// may fail: repeat the call. The outcome of the call that succeeds names the certificate that the
    /// process serves: the one of the other call, if that was stopped before it could abort.
    ///
    /// Steps 1 and 4 show the certificate, which ends HAProxy 2.6 in the rare case that [`show`](Self::show)
    /// describes.
    ///
    /// An old worker behind a master is absent if it ends before it commits, because its certificate ends with
    /// it.
    ///
    /// A process that answers no more cannot abort. If it hangs and later goes on, it may keep the
    /// transaction, without an effect on connections.
    ///
    /// HAProxy has no way back after a commit. If a commit fails on a later process, some processes
    /// serve the new certificate and others do not. The error of each such process names the
    /// certificate that it serves and the processes that serve the new one. Repeat the call then.
    ///
    /// # Errors
    ///
    /// - The errors of [`set`](Self::set).
    /// - [`NotFound`](crate::ErrorKind::NotFound) for a process that has no such certificate.
    /// - [`Refused`](crate::ErrorKind::Refused) if the private key does not fit.
    /// - [`PartiallyApplied`](crate::ErrorKind::PartiallyApplied) for a process that failed to commit,
    ///   or did not reply, or serves another certificate after its commit, if another process serves
    ///   the new certificate, or the process itself may serve it. If another client overwrote a
    ///   transaction in the same moment, `PartiallyApplied` for that too.
    /// - [`Diverging`](crate::ErrorKind::Diverging) for a process that serves another certificate
    ///   after its commit, because another client changed it in the same moment, if no process serves
    ///   the new certificate.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the processes where they are: with a transaction, with the old
    /// certificate or with the new one. [`abort`](Self::abort) ends the transactions.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
    /// let pem = std::fs::read_to_string("/etc/haproxy/site.pem").expect("a file");
    /// match cluster.certificate("/etc/haproxy/site.pem")?.replace(&pem).await {
    ///     Ok(outcomes) => println!("{} processes serve it", outcomes.len()),
    ///     Err(error) => eprintln!("{error}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "set ssl cert")]
    #[doc(alias = "commit ssl cert")]
    #[doc(alias = "transaction")]
    pub async fn replace(&self, pem: &str) -> Result<Outcomes<Change>> {
        Replacement::new(&self.store, pem)?.run().await
    }

    /// Deletes the certificate from memory: `del ssl cert NAME` (HAProxy 2.2 and later). Needs level
    /// admin.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Refused`](crate::ErrorKind::Refused) if the certificate is in use.
    #[doc(alias = "del ssl cert")]
    pub async fn delete(&self) -> Result<Outcomes<Change>> {
        self.store.delete().await
    }
}
