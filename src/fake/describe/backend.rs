use super::Server;
use super::cells::{Cells, setters};
use super::row::{HTTP, Row};
use crate::Version;
use crate::field::RowKind;

/// A backend; idle and in `mode http` by default.
///
/// `status`, `weight`, `act` and `bck` are computed from its servers unless they are set. Counters
/// are not computed, because a HAProxy backend has its own counters.
///
/// # Example
///
/// ```
/// use haproxyadmin::fake::{Backend, Server};
///
/// let app = Backend::new("app").mode("tcp").server(Server::new("web1").check("L4OK")).set("stot", 12);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Backend {
    pub(in crate::fake) name: Box<str>,
    pub(in crate::fake) cells: Cells,
    pub(in crate::fake) servers: Vec<Server>,
    /// A command added it.
    pub(in crate::fake) is_added: bool,
    pub(in crate::fake) is_unpublished: bool,
    /// The GUID that a command gave it.
    pub(in crate::fake) guid: Option<Box<str>>,
}

setters!(Backend);

impl Backend {
    /// Creates a backend with this name. With a [`Frontend`](super::Frontend) of the same name, it
    /// forms a `listen`.
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self {
            name: name.into(),
            cells: Cells::default(),
            servers: Vec::new(),
            is_added: false,
            is_unpublished: false,
            guid: None,
        }
    }

    /// Adds a server.
    pub fn server(mut self, server: Server) -> Self {
        self.servers.push(server);
        self
    }

    /// Sets its mode; short for setting `mode`.
    pub fn mode(self, mode: &str) -> Self {
        self.set("mode", mode)
    }

    /// Returns the servers with their numbers (`sid`).
    pub(in crate::fake) fn numbered(&self) -> impl Iterator<Item = (i64, &Server)> {
        numbers(&self.servers).into_iter().zip(&self.servers)
    }

    pub(in crate::fake) fn effective_mode(&self) -> String {
        self.cells.text("mode").map_or_else(|| "http".to_owned(), Into::into)
    }

    pub(in crate::fake) fn row(&self, version: &Version) -> Row<'_> {
        let mut row = Row::new(RowKind::Backend, "BACKEND", &self.cells);
        let (backup, active): (Vec<_>, Vec<_>) =
            self.servers.iter().filter(|server| server.is_usable()).partition(|server| server.is_backup());
        let weight: u32 = match active.as_slice() {
            // If no active server is usable, only the first usable backup serves.
            [] => backup.first().map_or(0, |server| server.effective_weight()),
            active => active.iter().map(|server| server.effective_weight()).sum(),
        };
        let up = self.servers.is_empty() || !active.is_empty() || !backup.is_empty();
        row.default("status", if up { "UP" } else { "DOWN" });
        row.default("weight", weight.to_string());
        row.default("uweight", weight.to_string());
        row.default("act", active.len().to_string());
        row.default("bck", backup.len().to_string());
        row.default("slim", "200");
        row.default("lastsess", "-1");
        row.default("algo", if *version >= (3, 4) { "unknown" } else { "roundrobin" });
        if self.servers.is_empty() {
            row.without(&["downtime"]);
        }
        if self.effective_mode() != "http" {
            row.without(HTTP);
        }
        if self.is_unpublished {
            row.remark = " (UNPUB)".into();
        }
        row
    }

    /// Returns the text that `show stat up` adds to the status: the number of running servers, and
    /// of all.
    pub(in crate::fake) fn count(&self) -> String {
        let running = self.servers.iter().filter(|server| server.is_running()).count();
        format!(" ({running}/{})", self.servers.len())
    }
}

/// Returns the number (`sid`) of each server: the described one, or its place in the list.
pub(in crate::fake) fn numbers(servers: &[Server]) -> Vec<i64> {
    servers.iter().zip(1..).map(|(server, place)| server.cells.number("sid").unwrap_or(place)).collect()
}
