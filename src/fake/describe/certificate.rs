/// A TLS certificate in the memory of a fake process.
///
/// By default a frontend uses it, and nothing is known about it but its name. The fake reads no PEM:
/// see [`Process::pem`](super::Process::pem).
///
/// # Example
///
/// ```
/// use haproxyadmin::fake::{Certificate, Process};
///
/// let process = Process::new("3.4").certificate(Certificate::new("/etc/haproxy/site.pem"));
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Certificate {
    pub(in crate::fake) name: Box<str>,
    pub(in crate::fake) is_used: bool,
    /// Lines of `show ssl cert NAME` about the certificate itself. `None` if it is empty.
    pub(in crate::fake) details: Option<Box<str>>,
}

impl Certificate {
    /// Creates a certificate that a frontend uses.
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self { name: name.into(), is_used: true, details: Some(Box::default()) }
    }

    /// Sets the lines from `Serial` to `Issuer` that `show ssl cert NAME` prints.
    pub fn details(mut self, lines: impl Into<Box<str>>) -> Self {
        self.details = Some(lines.into());
        self
    }
}

/// Certificates of a process, and the PEM texts that it can read.
#[derive(Debug, Clone, Default)]
pub(in crate::fake) struct Certificates {
    pub(in crate::fake) list: Vec<Certificate>,
    /// Lines of a PEM text without empty lines, and the lines that describe its certificate.
    pub(in crate::fake) known: Vec<(String, Box<str>)>,
    /// Name and new lines of the certificate that a transaction changes.
    pub(in crate::fake) transaction: Option<(Box<str>, Box<str>)>,
}

impl Certificates {
    pub(in crate::fake) fn add_pem(&mut self, pem: &str, details: Box<str>) {
        self.known.push((lines(pem), details));
    }

    /// Returns the lines that describe the certificate in a PEM text.
    pub(in crate::fake) fn described(&self, pem: &str) -> Option<Box<str>> {
        let pem = lines(pem);
        self.known.iter().find(|(known, _)| *known == pem).map(|(_, details)| details.clone())
    }
}

fn lines(pem: &str) -> String {
    let lines = pem.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.fold(String::new(), |text, line| text + line + "\n")
}
