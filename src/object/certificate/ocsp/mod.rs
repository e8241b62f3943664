//! OCSP responses, which the processes staple to their certificates.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::lock::{self, Unlocked};
use super::{Certificate, store};
use crate::cluster::{Cluster, Outcomes, Target};
use crate::error::{Error, Result};
use crate::level::Level;
use crate::protocol::{Change, Command, Payload, Response};
use crate::show::stat::StatFilter;
use crate::show::{ListedOcspResponse, OcspId, OcspResponse, OcspUpdate};

impl Cluster {
    /// Reads the IDs of the certificates of which each process staples OCSP responses:
    /// `show ssl ocsp-response` (HAProxy 2.5 and later). Needs level admin; any level up to 3.2.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
    /// for (label, listed) in cluster.ocsp_responses().await?.values() {
    ///     println!("{label}: {} certificates", listed.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "show ssl ocsp-response")]
    #[doc(alias = "OCSP")]
    pub async fn ocsp_responses(&self) -> Result<Outcomes<Vec<ListedOcspResponse>>> {
        store::read_all(self, &show(), ListedOcspResponse::read).await
    }

    /// Reads the OCSP response for one ID of each process: `show ssl ocsp-response ID` (HAProxy 2.5 and
    /// later). Needs level admin; any level up to 3.2.
    ///
    /// The same certificate has the same ID in all processes.
    /// [`Certificate::ocsp_response`] takes the name of the certificate instead, which HAProxy 2.8 and
    /// later know.
    ///
    /// The outcome is absent if the process has no certificate with this ID, or has no response for it
    /// yet.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Truncated`](crate::ErrorKind::Truncated) if the text is longer than a buffer of HAProxy
    ///   (16,384 bytes, unless `tune.bufsize` is set), because HAProxy cuts it.
    #[doc(alias = "show ssl ocsp-response")]
    pub async fn ocsp_response(&self, id: &OcspId) -> Result<Outcomes<OcspResponse>> {
        read(self, &show().word(id)).await
    }

    /// Gives each process a new OCSP response: `set ssl ocsp-response <<`. Needs level admin; any level
    /// up to 3.2.
    ///
    /// `der` is the response as a responder sends it, and as `openssl ocsp -respout` writes it: DER, at most
    /// about 11,000 bytes. It is encoded as base64 here. The response names the ID of its certificate;
    /// HAProxy replaces the response for this ID, and staples it from the next handshake on. It
    /// changes the memory only. To keep a response over a restart or a reload, write the file too.
    ///
    /// The outcome is absent if the process has no certificate with this ID, or none that it staples
    /// responses for: see [`ListedOcspResponse`].
    ///
    /// HAProxy does not check the signature here.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput), before anything is sent, if the response is empty or
    ///   too long.
    /// - [`Refused`](crate::ErrorKind::Refused) if it is not a DER response with one certificate, if its
    ///   status is `unknown`, or if it has no time of the next response or this time is past.
    /// - [`PartiallyApplied`](crate::ErrorKind::PartiallyApplied) if it ends in the next 300 seconds: from
    ///   3.2 on HAProxy refuses it, and has replaced the old response by then. It staples
    ///   neither of them. Releases before accept it.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
    /// let der = std::fs::read("/etc/haproxy/site.pem.ocsp").expect("a file");
    /// for outcome in &cluster.set_ocsp_response(&der).await? {
    ///     println!("{}: {}", outcome.label(), outcome.word());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "set ssl ocsp-response")]
    pub async fn set_ocsp_response(&self, der: &[u8]) -> Result<Outcomes<Change>> {
        let set = Command::write("set ssl ocsp-response");
        let payload = Payload::new(&STANDARD.encode(der)).map_err(|error| error.during(set.redacted()))?;
        let set = &set.payload(payload);
        let job = |target: Target, deadline| async move {
            target.change(set, &deadline).await.map_err(|error| {
                let is_replaced = error.refusal().is_some_and(|words| words.contains(TOO_SHORT));
                if is_replaced { error.leaving(REPLACED) } else { error }
            })
        };
        self.fan_out().each(set, StatFilter::Nothing, job).await
    }

    /// Reads the OCSP responses that each process updates by itself, with the results of the updates:
    /// `show ssl ocsp-updates` (HAProxy 2.8 and later). Needs level admin; any level up to 3.2.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    #[doc(alias = "show ssl ocsp-updates")]
    #[doc(alias = "ocsp-update")]
    pub async fn ocsp_updates(&self) -> Result<Outcomes<Vec<OcspUpdate>>> {
        let query = Command::read("show ssl ocsp-updates").needs(Level::Admin).since(UPDATES);
        store::read_all(self, &query, OcspUpdate::read).await
    }
}

impl Certificate {
    /// Reads the OCSP response that each process staples to this certificate:
    /// `show ssl ocsp-response text NAME` (HAProxy 2.8 and later; [`Cluster::ocsp_response`] from 2.5 on).
    /// Needs level admin; any level up to 3.2.
    ///
    /// The outcome is absent if the process has no such certificate, staples no response for it, or has no
    /// response yet.
    ///
    /// # Errors
    ///
    /// - The errors of [`Cluster::ocsp_response`].
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput), before anything is sent, if the name is an
    ///   [`OcspId`] too, because HAProxy would take it for one.
    #[doc(alias = "show ssl ocsp-response")]
    pub async fn ocsp_response(&self) -> Result<Outcomes<OcspResponse>> {
        let query = show().since(UPDATES).word("text").text(self.name())?;
        if self.name().parse::<OcspId>().is_ok() {
            let text = "HAProxy takes a name of hexadecimal digits for the ID of a certificate";
            return Err(Error::invalid(text).during(query.redacted()));
        }
        read(&self.store.cluster, &query).await
    }

    /// Makes each process fetch a new OCSP response for this certificate from the responder that the
    /// certificate names: `update ssl ocsp-response NAME` (HAProxy 2.8 and later). Needs level admin; any
    /// level up to 3.2.
    ///
    /// Returns when the processes have begun. HAProxy sends the request meanwhile, verifies the response
    /// and staples it; after a failure it keeps the old response.
    /// [`ocsp_response`](Self::ocsp_response) shows the response in use. [`Cluster::ocsp_updates`] has the
    /// result only of a certificate with `ocsp-update on`.
    ///
    /// The outcome is absent if the process has no such certificate, or staples no response for it.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    #[doc(alias = "update ssl ocsp-response")]
    pub async fn update_ocsp_response(&self) -> Result<Outcomes<Change>> {
        let update = Command::write_once("update ssl ocsp-response").since(UPDATES).text(self.name())?;
        store::change_all(&self.store.cluster, &update, &Unlocked(&update)).await
    }
}

fn show() -> Command {
    Command::read("show ssl ocsp-response").needs(Level::Admin).since((2, 5))
}

/// Reads one response of each process. The reply is empty if the process waits for its first response.
async fn read(cluster: &Cluster, query: &Command) -> Result<Outcomes<OcspResponse>> {
    let read = |data: Vec<u8>| match String::from_utf8_lossy(&data) {
        text if text.trim().is_empty() => Ok(None),
        text => Ok(Some(OcspResponse::read(&text)?)),
    };
    let job = |target: Target, deadline| async move {
        Ok(match lock::read(query, &target, read, &deadline).await? {
            Response::Value(Some(response)) => Response::Value(response),
            Response::Value(None) => Response::Absent("no OCSP response yet".into()),
            Response::Absent(words) => Response::Absent(words),
        })
    };
    cluster.fan_out().each(query, StatFilter::Nothing, job).await
}

/// First release that updates responses by itself, and that finds them by the name of a certificate.
const UPDATES: (u16, u16) = (2, 8);
/// Part of the refusal of a response that ends soon, which HAProxy keeps all the same.
const TOO_SHORT: &str = "no longer valid. Must be valid during at least";
const REPLACED: &str = "the new response is in the place of the old one, and is not stapled";
