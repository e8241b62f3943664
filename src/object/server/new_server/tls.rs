use crate::error::Result;
use crate::protocol::Command;

/// TLS of HAProxy to a [`NewServer`](super::NewServer): the words `ssl`, `verify`, `ca-file` and
/// `sni` of a server line.
///
/// HAProxy opens no file while it runs: a file must be one that the configuration names too.
///
/// # Example
///
/// ```
/// use haproxyadmin::server::Tls;
///
/// let tls = Tls::verified("/etc/haproxy/ca.pem").sni("str(app.example)");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Tls {
    /// The file with certificates of authorities; `None` to verify nothing.
    authorities: Option<Box<str>>,
    sni: Option<Box<str>>,
}

impl Tls {
    /// Creates TLS that verifies the certificate of the server with the authorities in a file:
    /// `ssl verify required ca-file FILE`.
    pub fn verified(ca_file: impl Into<Box<str>>) -> Self {
        Self { authorities: Some(ca_file.into()), sni: None }
    }

    /// Creates TLS that accepts every certificate: `ssl verify none`.
    pub fn unverified() -> Self {
        Self { authorities: None, sni: None }
    }

    /// Sets the expression of the host name that HAProxy sends, such as `str(app.example)`: `sni`.
    pub fn sni(mut self, expression: impl Into<Box<str>>) -> Self {
        self.sni = Some(expression.into());
        self
    }

    /// Adds the words to the command.
    pub(super) fn add_to(&self, command: Command) -> Result<Command> {
        let command = command.word("ssl").word("verify");
        let command = match &self.authorities {
            Some(file) => command.word("required").word("ca-file").text(file)?,
            None => command.word("none"),
        };
        match &self.sni {
            Some(expression) => command.word("sni").text(expression),
            None => Ok(command),
        }
    }
}
