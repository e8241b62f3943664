use std::fmt;

use super::dump::{Dump, Entry};
use super::scan;
use super::{CheckStatus, Mode, Status};
use crate::field::{Col, Kind, for_each_column, unit};

/// One row of `show stat`: the figures of one frontend, backend, server or
/// listener in one process.
///
/// There is an accessor for every column, named as HAProxy names it. An accessor
/// is `None` where the cell is empty (the figure does not apply, or not yet) and
/// where the release has no such column. Columns that this crate does not know
/// are read with [`get`](Row::get).
#[derive(Clone, Copy)]
pub struct Row<'a> {
    dump: &'a Dump,
    index: usize,
    entry: Entry,
}

impl<'a> Row<'a> {
    #[inline]
    pub(super) fn new(dump: &'a Dump, index: usize, entry: Entry) -> Self {
        Self { dump, index, entry }
    }

    /// Kind of the row, from its `type` column.
    pub fn kind(&self) -> Kind {
        self.entry.kind
    }

    /// Text of the column called `name`, known to this crate or not. `None` where
    /// the release has no such column, empty where the cell is.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.at(self.dump.header.find(name)?)
    }

    /// Every column with its text, in the order of the wire.
    pub fn cells(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let bytes = self.dump.bytes_from(self.entry);
        let separator = self.entry.separator();
        let mut at = 0;
        self.dump.header.names().map(move |name| {
            let cell = scan::until(bytes, at, separator).unwrap_or_default();
            at += cell.len() + 1;
            (name, text(cell))
        })
    }

    /// Name of the proxy the row belongs to.
    pub fn proxy(&self) -> &'a str {
        self.text(Col::pxname).unwrap_or_default()
    }

    /// Name of the server or listener; `FRONTEND` or `BACKEND` on a proxy's own
    /// rows. [`kind`](Row::kind) tells which it is, not the name: a server may be
    /// called `BACKEND`.
    pub fn name(&self) -> &'a str {
        self.text(Col::svname).unwrap_or_default()
    }

    /// Whether the row has these names.
    #[inline]
    pub(crate) fn is_named(&self, proxy: &str, name: &str) -> bool {
        let header = &self.dump.header;
        if header.position(Col::pxname) != Some(0) || header.position(Col::svname) != Some(1) {
            return self.proxy() == proxy && self.name() == name;
        }
        let separator = [self.entry.separator()];
        let rest = self.dump.bytes_from(self.entry).strip_prefix(proxy.as_bytes());
        let rest = rest.and_then(|rest| rest.strip_prefix(&separator));
        let rest = rest.and_then(|rest| rest.strip_prefix(name.as_bytes()));
        rest.is_some_and(|rest| rest.starts_with(&separator))
    }

    #[inline]
    fn at(&self, position: usize) -> Option<&'a str> {
        self.bytes(position).map(text)
    }

    #[inline]
    fn bytes(&self, position: usize) -> Option<&'a [u8]> {
        let start = self.dump.offset(self.index, self.entry, position)?;
        scan::until(self.dump.bytes_from(self.entry), start, self.entry.separator())
    }

    /// Cell of a known column, `None` where it is empty or absent.
    #[inline]
    fn known(&self, column: Col) -> Option<&'a [u8]> {
        self.bytes(self.dump.header.position(column)?).filter(|cell| !cell.is_empty())
    }

    /// Whether the release prints `column`.
    #[inline]
    pub(crate) fn has(&self, column: Col) -> bool {
        self.dump.header.position(column).is_some()
    }

    #[inline]
    pub(crate) fn number(&self, column: Col) -> Option<u64> {
        scan::to_u64(self.known(column)?)
    }

    #[inline]
    pub(crate) fn signed(&self, column: Col) -> Option<i64> {
        scan::to_i64(self.known(column)?)
    }

    #[inline]
    pub(crate) fn text(&self, column: Col) -> Option<&'a str> {
        self.known(column).map(text)
    }
}

/// The parser has made sure that rows are UTF-8.
#[inline]
fn text(cell: &[u8]) -> &str {
    std::str::from_utf8(cell).unwrap_or_default()
}

macro_rules! accessors {
    ($(
        $accessor:ident = $name:literal, $wire:ident, $unit:ident, $nature:ident, $since:literal,
        $([$($kind:ident)*] $rule:ident)*, $doc:literal;
    )*) => {
        /// One accessor for each column.
        impl<'a> Row<'a> {
            $(
                #[doc = $doc]
                #[doc = ""]
                #[doc = concat!("Column `", $name, "`", unit!($unit), "; HAProxy ", $since, " and later.")]
                pub fn $accessor(&self) -> Option<wire!($wire)> {
                    decode!(self, $wire, $accessor)
                }
            )*
        }
    };
}

macro_rules! wire {
    (U32) => { u64 };
    (U64) => { u64 };
    (I32) => { i64 };
    (Text) => { &'a str };
    (Status) => { Status };
    (Check) => { CheckStatus };
    (Mode) => { Mode };
}

macro_rules! decode {
    ($row:ident, U32, $column:ident) => {
        $row.number(Col::$column)
    };
    ($row:ident, U64, $column:ident) => {
        $row.number(Col::$column)
    };
    ($row:ident, I32, $column:ident) => {
        $row.signed(Col::$column)
    };
    ($row:ident, Text, $column:ident) => {
        $row.text(Col::$column)
    };
    ($row:ident, Status, $column:ident) => {
        $row.text(Col::$column).map(Status::parse)
    };
    ($row:ident, Check, $column:ident) => {
        $row.text(Col::$column).map(CheckStatus::parse)
    };
    ($row:ident, Mode, $column:ident) => {
        $row.text(Col::$column).map(Mode::parse)
    };
}

for_each_column!(accessors);

impl PartialEq for Row<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cells().eq(other.cells())
    }
}

impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.cells().filter(|(_, cell)| !cell.is_empty())).finish()
    }
}
