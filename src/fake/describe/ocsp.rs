/// A certificate of which a fake process staples OCSP responses.
///
/// The fake reads no DER: see [`Process::ocsp_der`](super::Process::ocsp_der).
///
/// # Example
///
/// ```
/// use haproxyadmin::fake::{OcspResponse, Process};
///
/// let hash = "00".repeat(20);
/// let id = format!("303b300906052b0e03021a05000414{hash}0414{hash}020200a1");
/// let listed = OcspResponse::new(&id, "/etc/haproxy/site.pem");
/// let process = Process::new("3.4").ocsp_response(listed);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct OcspResponse {
    pub(in crate::fake) id: Box<str>,
    pub(in crate::fake) certificate: Box<str>,
    /// Text of `show ssl ocsp-response ID`. `None` if there is no response yet.
    pub(in crate::fake) text: Option<Box<str>>,
}

/// A DER text that the fake can read.
#[derive(Debug, Clone)]
pub(in crate::fake) struct KnownResponse {
    pub(in crate::fake) der: Box<[u8]>,
    pub(in crate::fake) id: Box<str>,
    pub(in crate::fake) text: Box<str>,
}

impl OcspResponse {
    /// Creates the entry of a certificate that has no response yet. `id` is in hexadecimal digits, and its
    /// hashes have 20 bytes each.
    pub fn new(id: &str, certificate: impl Into<Box<str>>) -> Self {
        Self { id: id.to_ascii_lowercase().into(), certificate: certificate.into(), text: None }
    }

    /// Sets the text that `show ssl ocsp-response ID` prints.
    pub fn text(mut self, text: impl Into<Box<str>>) -> Self {
        self.text = Some(text.into());
        self
    }
}

impl KnownResponse {
    pub(in crate::fake) fn new(der: &[u8], id: &str, text: Box<str>) -> Self {
        Self { der: der.into(), id: id.to_ascii_lowercase().into(), text }
    }
}
