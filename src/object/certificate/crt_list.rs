use super::lock::Unlocked;
use super::name::StoreName;
use super::new_entry::NewCrtListEntry;
use super::store;
use crate::cluster::{Cluster, Outcomes};
use crate::error::{Error, Result};
use crate::level::Level;
use crate::protocol::{Change, Command};
use crate::show::CrtListEntry;

/// A crt-list of a [`Cluster`]: a list of certificates, each with options and with the names that it is
/// for, addressed by the path of its file or directory.
///
/// A `bind` line takes its certificates from it (`crt-list`, or `crt` with a directory). All calls change
/// the list in the memory of the processes only. To keep a change over a restart or a reload, write the
/// file too.
///
/// Creating this value sends nothing, and the list is not checked until it is used. A process without
/// this list is not a failure: its outcome is absent. A command that HAProxy refuses because another
/// connection reads or commits certificates is repeated until the time of the call is up.
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
/// use haproxyadmin::certificate::NewCrtListEntry;
///
/// let certificate = cluster.certificate("/etc/haproxy/new.pem")?;
/// certificate.create().await?;
/// certificate.replace(&pem).await?;
/// let entry = NewCrtListEntry::new(certificate.name()).option("alpn", "h2").filter("*.example.com");
/// cluster.crt_list("/etc/haproxy/sites.list")?.add(&entry).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[doc(alias = "crt-list")]
pub struct CrtList {
    cluster: Cluster,
    name: StoreName,
}

impl Cluster {
    /// Returns a crt-list by its name, as [`crt_lists`](Self::crt_lists) lists it. Sends nothing.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the name is empty or longer than 1,024 bytes,
    ///   has a control character or `<<`, begins with `*` or `\`, or ends with `/`, which HAProxy cuts off.
    #[doc(alias = "crt-list")]
    pub fn crt_list(&self, name: &str) -> Result<CrtList> {
        Ok(CrtList { cluster: self.clone(), name: StoreName::of_list(name)? })
    }

    /// Reads the names of the crt-lists of each process: `show ssl crt-list` (HAProxy 2.2 and later).
    /// Needs level admin.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    #[doc(alias = "show ssl crt-list")]
    pub async fn crt_lists(&self) -> Result<Outcomes<Vec<Box<str>>>> {
        let read = |text: &str| Ok(text.lines().filter(|line| !line.is_empty()).map(Into::into).collect());
        store::read_all(self, &list(), read).await
    }
}

impl CrtList {
    /// Returns the name of the list.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Returns the same list, acting through `cluster`, another view of the cluster.
    #[must_use]
    pub fn on(&self, cluster: &Cluster) -> Self {
        Self { cluster: cluster.clone(), name: self.name.clone() }
    }

    /// Reads the entries of the list of each process: `show ssl crt-list -n FILE` (HAProxy 2.2 and
    /// later). Needs level admin.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    #[doc(alias = "show ssl crt-list")]
    pub async fn entries(&self) -> Result<Outcomes<Vec<CrtListEntry>>> {
        let query = list().word("-n").text(self.name())?;
        store::read_all(&self.cluster, &query, CrtListEntry::read).await
    }

    /// Adds an entry at the end of the list of each process: `add ssl crt-list FILE <<` (HAProxy 2.2 and
    /// later), or `add ssl crt-list FILE CERTIFICATE` for an entry without options and filters. Needs
    /// level admin. Each place that uses the list serves the certificate from then on.
    ///
    /// The process must have the certificate in its memory: see
    /// [`Certificate::create`](super::Certificate::create). A list may hold several entries of one
    /// certificate; adding an entry twice makes two.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput), before anything is sent, if a word of the entry
    ///   would not be one word: see [`NewCrtListEntry`].
    /// - [`Refused`](crate::ErrorKind::Refused) if the process has no such certificate, or an empty one; if
    ///   it does not know an option; or if the list is a directory and the entry has options or filters.
    #[doc(alias = "add ssl crt-list")]
    pub async fn add(&self, entry: &NewCrtListEntry) -> Result<Outcomes<Change>> {
        let add = Command::write_once("add ssl crt-list").since((2, 2)).text(self.name())?;
        self.change(&entry.complete(add)?).await
    }

    /// Deletes the only entry of a certificate from the list of each process:
    /// `del ssl crt-list FILE CERTIFICATE` (HAProxy 2.2 and later). Needs level admin.
    ///
    /// The outcome is absent if the process has no such list, or if the list has no such entry.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput), before anything is sent, for a name that
    ///   [`Cluster::certificate`] refuses, and for a name with `:`, which HAProxy takes for a line.
    /// - [`Refused`](crate::ErrorKind::Refused) if the list has several entries of the certificate: see
    ///   [`delete_line`](Self::delete_line). From 2.6 on also if a frontend uses the entry for clients that name no
    ///   host.
    #[doc(alias = "del ssl crt-list")]
    pub async fn delete(&self, certificate: &str) -> Result<Outcomes<Change>> {
        self.change(&self.deletion(&in_list(certificate)?)?).await
    }

    /// Deletes the entry of a certificate in one line from the list of each process:
    /// `del ssl crt-list FILE CERTIFICATE:LINE` (HAProxy 2.2 and later). Needs level admin.
    ///
    /// Lines are numbered by each process. Entries that were loaded from a directory
    /// have the line 0: see [`delete`](Self::delete). Processes with the same file have the same lines, until
    /// different entries are added.
    ///
    /// # Errors
    ///
    /// - The errors of [`delete`](Self::delete).
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput), before anything is sent, if `line` is 0, which
    ///   HAProxy takes for any line, or above 2,147,483,647.
    /// - [`Refused`](crate::ErrorKind::Refused) if the certificate is in other lines only.
    #[doc(alias = "del ssl crt-list")]
    pub async fn delete_line(&self, certificate: &str, line: u64) -> Result<Outcomes<Change>> {
        let certificate = in_list(certificate)?;
        if line == 0 || i32::try_from(line).is_err() {
            return Err(Error::invalid(format!("line {line} of a crt-list: expected 1 to 2147483647")));
        }
        self.change(&self.deletion(&format!("{certificate}:{line}"))?).await
    }

    fn deletion(&self, entry: &str) -> Result<Command> {
        Command::write_once("del ssl crt-list").since((2, 2)).text(self.name())?.text(entry)
    }

    async fn change(&self, command: &Command) -> Result<Outcomes<Change>> {
        store::change_all(&self.cluster, command, &Unlocked(command)).await
    }
}

fn list() -> Command {
    Command::read("show ssl crt-list").needs(Level::Admin).since((2, 2))
}

/// Checks the name of a certificate in a list.
fn in_list(certificate: &str) -> Result<String> {
    StoreName::new("certificate", certificate)?;
    Ok(StoreName::of_several("certificate", certificate)?.as_str().to_owned())
}
