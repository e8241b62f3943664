use std::net::SocketAddr;
use std::time::Duration;

/// A session that `show sess` lists: a client connection, or a request.
///
/// By default the client is connected through a unix socket, the session has just begun, and it has
/// no backend and no server. Figures of other replies do not follow from it, except `CurrStreams` of
/// `show info`.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use haproxyadmin::fake::{Backend, Frontend, Process, Server, Session};
///
/// let client = "192.0.2.1:40000".parse().unwrap();
/// let process = Process::new("3.4")
///     .frontend(Frontend::new("web"))
///     .backend(Backend::new("app").server(Server::new("web1")))
///     .session(Session::new("web").source(client).server("app", "web1").age(Duration::from_secs(90)));
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Session {
    pub(in crate::fake) id: u64,
    pub(in crate::fake) source: Option<SocketAddr>,
    pub(in crate::fake) frontend: Box<str>,
    pub(in crate::fake) backend: Option<Box<str>>,
    pub(in crate::fake) server: Option<Box<str>>,
    pub(in crate::fake) age: Duration,
}

impl Session {
    /// Creates a session of this frontend.
    pub fn new(frontend: impl Into<Box<str>>) -> Self {
        Self {
            id: 0,
            source: None,
            frontend: frontend.into(),
            backend: None,
            server: None,
            age: Duration::ZERO,
        }
    }

    /// Sets the address and port of the client.
    pub fn source(mut self, source: SocketAddr) -> Self {
        self.source = Some(source);
        self
    }

    /// Sets the backend, without a server.
    pub fn backend(mut self, backend: impl Into<Box<str>>) -> Self {
        self.backend = Some(backend.into());
        self
    }

    /// Sets the backend and the server.
    pub fn server(self, backend: impl Into<Box<str>>, server: impl Into<Box<str>>) -> Self {
        Self { server: Some(server.into()), ..self.backend(backend) }
    }

    /// Sets the time since the session began, at the start of the process. It grows with the uptime.
    pub fn age(mut self, age: Duration) -> Self {
        self.age = age;
        self
    }

    pub(in crate::fake) fn is_on(&self, backend: &str, server: &str) -> bool {
        self.backend.as_deref() == Some(backend) && self.server.as_deref() == Some(server)
    }
}
