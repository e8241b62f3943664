use super::cells::{Cells, setters};
use super::row::Row;
use crate::field::RowKind;

/// A listening socket of a [`Frontend`](super::Frontend).
///
/// HAProxy lists listeners only with `option socket-stats`. The defaults are status `OPEN` and
/// address `127.0.0.1:80`.
///
/// # Example
///
/// ```
/// use haproxyadmin::fake::{Frontend, Listener};
///
/// let tls = Listener::new("tls").set("addr", "192.0.2.1:443").set("scur", 3);
/// let web = Frontend::new("web").listener(tls);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Listener {
    pub(in crate::fake) name: Box<str>,
    pub(in crate::fake) cells: Cells,
}

setters!(Listener);

impl Listener {
    /// Creates a listener with this name. Several listeners may share a name, as in HAProxy.
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self { name: name.into(), cells: Cells::default() }
    }

    pub(in crate::fake) fn row(&self) -> Row<'_> {
        let mut row = Row::new(RowKind::Listener, &self.name, &self.cells);
        row.default("status", "OPEN");
        row.default("addr", "127.0.0.1:80");
        row.default("proto", "tcpv4");
        row
    }
}
