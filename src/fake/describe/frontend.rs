use super::cells::{Cells, setters};
use super::row::{HTTP, Row};
use super::{Listener, Value};
use crate::field::RowKind;

/// A frontend; idle and in `mode http` by default.
///
/// # Example
///
/// ```
/// use haproxyadmin::fake::{Frontend, Listener};
///
/// let web = Frontend::new("web").set("req_tot", 12).listener(Listener::new("main").set("addr", "192.0.2.1:443"));
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Frontend {
    pub(in crate::fake) name: Box<str>,
    pub(in crate::fake) cells: Cells,
    pub(in crate::fake) listeners: Vec<Listener>,
    /// Shut down by a command; it cannot be enabled again.
    pub(in crate::fake) is_shut: bool,
}

setters!(Frontend);

impl Frontend {
    /// Creates a frontend with this name. With a [`Backend`](super::Backend) of the same name, it
    /// forms a `listen`.
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self { name: name.into(), cells: Cells::default(), listeners: Vec::new(), is_shut: false }
    }

    /// Adds a listener, listed as with `option socket-stats`.
    pub fn listener(mut self, listener: Listener) -> Self {
        self.listeners.push(listener);
        self
    }

    /// Sets its mode; short for setting `mode`.
    pub fn mode(self, mode: &str) -> Self {
        self.set("mode", Value::from(mode))
    }

    pub(in crate::fake) fn row(&self) -> Row<'_> {
        let mut row = Row::new(RowKind::Frontend, "FRONTEND", &self.cells);
        row.default("status", "OPEN");
        row.default("slim", "2000");
        if self.cells.text("mode").is_some_and(|mode| mode != "http") {
            row.without(HTTP);
            // A frontend counts requests in any mode.
            row.default("req_tot", "0");
        }
        row
    }
}
