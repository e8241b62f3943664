use super::ocsp::{KnownResponse, OcspResponse};

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

/// A CA file or a CRL file in the memory of a fake process.
///
/// By default a frontend uses it, and nothing is known about it but its name. The fake reads no PEM:
/// see [`Process::pem`](super::Process::pem).
///
/// # Example
///
/// ```
/// use haproxyadmin::fake::{AuthorityFile, Process};
///
/// let process = Process::new("3.4").ca_file(AuthorityFile::new("/etc/haproxy/clients.pem"));
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct AuthorityFile {
    pub(in crate::fake) name: Box<str>,
    pub(in crate::fake) is_used: bool,
    /// Lines of `show` behind the status. `None` if it is empty.
    pub(in crate::fake) blocks: Option<Box<str>>,
}

impl AuthorityFile {
    /// Creates a file that a frontend uses.
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self { name: name.into(), is_used: true, blocks: Some(Box::default()) }
    }

    /// Sets the lines that `show ssl ca-file NAME` or `show ssl crl-file NAME` prints behind the status:
    /// for each certificate or list a line with one blank, a line such as `Certificate #1:`, and its
    /// fields.
    pub fn blocks(mut self, lines: impl Into<Box<str>>) -> Self {
        self.blocks = Some(lines.into());
        self
    }
}

/// A crt-list in the memory of a fake process.
///
/// # Example
///
/// ```
/// use haproxyadmin::fake::{Certificate, CrtList, Process};
///
/// let list = CrtList::new("/etc/haproxy/sites.list").line("a.pem [verify none] a.example");
/// let process = Process::new("3.4").certificate(Certificate::new("a.pem")).crt_list(list);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct CrtList {
    pub(in crate::fake) name: Box<str>,
    pub(in crate::fake) lines: Vec<CrtListLine>,
    /// Number of the last line.
    pub(in crate::fake) last: u64,
}

/// One line of a crt-list.
#[derive(Debug, Clone)]
pub(in crate::fake) struct CrtListLine {
    pub(in crate::fake) certificate: Box<str>,
    pub(in crate::fake) number: u64,
    /// Options and filters.
    pub(in crate::fake) rest: Box<str>,
}

impl CrtList {
    /// Creates a list without lines.
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self { name: name.into(), lines: Vec::new(), last: 0 }
    }

    /// Adds a line: the name of a certificate, options in brackets, and filters.
    pub fn line(mut self, line: &str) -> Self {
        let (certificate, rest) = line.split_once(' ').unwrap_or((line, ""));
        self.last += 1;
        self.lines.push(CrtListLine {
            certificate: certificate.into(),
            number: self.last,
            rest: rest.trim().into(),
        });
        self
    }
}

/// CA files or CRL files of a process.
#[derive(Debug, Clone, Default)]
pub(in crate::fake) struct AuthorityFiles {
    pub(in crate::fake) list: Vec<AuthorityFile>,
    /// Name and new lines of the file that a transaction changes.
    pub(in crate::fake) transaction: Option<(Box<str>, Box<str>)>,
}

/// Certificates of a process, and the PEM texts that it can read.
#[derive(Debug, Clone, Default)]
pub(in crate::fake) struct Certificates {
    pub(in crate::fake) list: Vec<Certificate>,
    /// Lines of a PEM text without empty lines, and the lines that describe its certificate.
    pub(in crate::fake) known: Vec<(String, Box<str>)>,
    /// Name and new lines of the certificate that a transaction changes.
    pub(in crate::fake) transaction: Option<(Box<str>, Box<str>)>,
    pub(in crate::fake) ca_files: AuthorityFiles,
    pub(in crate::fake) crl_files: AuthorityFiles,
    pub(in crate::fake) crt_lists: Vec<CrtList>,
    pub(in crate::fake) ocsp: Vec<OcspResponse>,
    pub(in crate::fake) known_responses: Vec<KnownResponse>,
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
