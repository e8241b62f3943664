use crate::field::{Col, Field, Key, Rule};
use crate::show::Info;
use crate::show::stat::Cells;

/// Values that one process printed for one object: a row of `show stat`, or its `show info`.
pub(crate) trait Values<'a> {
    /// Name of a value.
    type Field: Field;

    fn number(&self, field: Self::Field) -> Option<u64>;

    fn signed(&self, field: Self::Field) -> Option<i64>;

    /// Returns the text, or `None` if it is empty or absent.
    fn text(&self, field: Self::Field) -> Option<&'a str>;

    /// Returns the text, which may be empty, or `None` if the process does not print the field. A
    /// field that the process leaves out because it is empty has an empty text.
    fn printed(&self, field: Self::Field) -> Option<&'a str>;

    /// Returns the name and text of each field that this crate does not know.
    fn unknown(&self) -> impl Iterator<Item = (&'a str, &'a str)>;

    /// Returns the weight that the value of the process has in a mean. `is_current` tells whether
    /// the process decides states and settings.
    fn weight(&self, field: Self::Field, is_current: bool) -> u64;

    /// Returns the position of the row, by which the snapshot finds its counters in a file. `None`
    /// for values that each process keeps for itself.
    fn position(&self) -> Option<usize>;
}

impl<'a, R: Cells<'a>> Values<'a> for R {
    type Field = Col;

    #[inline]
    fn number(&self, column: Col) -> Option<u64> {
        Cells::number(self, column)
    }

    #[inline]
    fn signed(&self, column: Col) -> Option<i64> {
        Cells::signed(self, column)
    }

    #[inline]
    fn text(&self, column: Col) -> Option<&'a str> {
        Cells::text(self, column)
    }

    fn printed(&self, column: Col) -> Option<&'a str> {
        Cells::printed(self, column)
    }

    fn unknown(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let columns = self.header().unknown();
        columns.filter_map(|(position, name)| Some((name, self.text_at(position)?)))
    }

    /// Returns the number of requests that the mean of the process covers, at most 1024.
    fn weight(&self, _: Col, _: bool) -> u64 {
        Cells::number(self, Col::stot).unwrap_or(0).min(1024)
    }

    fn position(&self) -> Option<usize> {
        Some(self.index())
    }
}

impl<'a> Values<'a> for &'a Info {
    type Field = Key;

    fn number(&self, key: Key) -> Option<u64> {
        Info::number(self, key)
    }

    fn signed(&self, key: Key) -> Option<i64> {
        Info::text(self, key)?.parse().ok()
    }

    fn text(&self, key: Key) -> Option<&'a str> {
        Info::text(self, key)
    }

    /// Returns the text. A process leaves out a key of the rule [`SameOrEmpty`](Rule::SameOrEmpty)
    /// if it is empty.
    fn printed(&self, key: Key) -> Option<&'a str> {
        let text = Info::text(self, key);
        if key.declared().rule == Rule::SameOrEmpty { Some(text.unwrap_or_default()) } else { text }
    }

    fn unknown(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        Info::unknown(self)
    }

    /// Returns the handshakes that the rate of TLS resumption is a share of. For all other keys,
    /// each process that is not stopping has the same weight.
    fn weight(&self, key: Key, is_current: bool) -> u64 {
        match key {
            _ if !is_current => 0,
            Key::ssl_frontend_session_reuse_pct => self.ssl_rate().unwrap_or(0),
            _ => 1,
        }
    }

    fn position(&self) -> Option<usize> {
        None
    }
}
