use super::cells::{Cells, setters};
use super::row::Row;
use crate::field::RowKind;

/// One listening socket of a [`Frontend`](super::Frontend), as described.
///
/// HAProxy lists it with `option socket-stats` only. It says `OPEN` and
/// `127.0.0.1:80` if nothing else is set.
#[derive(Debug, Clone)]
#[must_use]
pub struct Listener {
    pub(in crate::fake) name: Box<str>,
    pub(in crate::fake) cells: Cells,
}

setters!(Listener);

impl Listener {
    /// A listener of that name. Several may share one, as in HAProxy.
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
