//! The tables: every column of `show stat` and every key of `show info`, each
//! declared once, as data.
//!
//! Parser, accessors, merging, serialisation and documentation all read these
//! tables. A column or key that HAProxy adds after this crate was written is not
//! in them; it is kept as text all the same and can be read by name.

mod column;
mod info;

pub(crate) use column::{Col, for_each_column};
pub(crate) use info::{Key, for_each_key};

pub use column::COLUMNS;
pub use info::KEYS;

/// What is known about one column of `show stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Column {
    /// Name on the wire, as in the header line of `show stat`.
    pub name: &'static str,
    /// What the column holds, in one or two sentences.
    pub doc: &'static str,
    /// Type of a cell.
    pub value_type: ValueType,
    /// Unit of the figure.
    pub unit: Unit,
    /// HAProxy's own word for how the figure behaves (`show stat typed`).
    pub nature: Nature,
    /// First of the supported HAProxy releases that has the column.
    pub since: &'static str,
    /// Whether processes with one `shm-stats-file` keep the figure in it, for objects
    /// with a `guid`: each of them then prints what all of them counted.
    pub shared: bool,
    /// Which kinds of row fill the column, and how each kind is merged.
    pub kinds: &'static [(RowKind, Rule)],
}

/// What is known about one key of `show info`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct InfoKey {
    /// Name on the wire, left of the colon.
    pub name: &'static str,
    /// What the key holds, in one or two sentences.
    pub doc: &'static str,
    /// Type of the value.
    pub value_type: ValueType,
    /// Unit of the figure.
    pub unit: Unit,
    /// HAProxy's own word for how the figure behaves (`show info typed`).
    pub nature: Nature,
    /// First of the supported HAProxy releases that has the key.
    pub since: &'static str,
    /// How the values of several processes become one.
    pub rule: Rule,
}

/// Kind of a `show stat` row, from its `type` column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum RowKind {
    /// Client side of a proxy (`type` 0).
    Frontend,
    /// Server side of a proxy (`type` 1).
    Backend,
    /// One server of a backend (`type` 2).
    Server,
    /// One listening socket of a frontend (`type` 3, with `option socket-stats`).
    Listener,
    /// A kind of row that this crate does not know.
    Other,
}

/// Type of a value on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueType {
    /// Collect number, 32 bits in HAProxy.
    U32,
    /// Collect number, 64 bits in HAProxy.
    U64,
    /// Signed whole number, 32 bits in HAProxy.
    I32,
    /// Text.
    Text,
    /// Text with the grammar of a proxy's or server's [`Status`](crate::Status).
    Status,
    /// Text with the grammar of a [`CheckStatus`](crate::CheckStatus).
    Check,
    /// Text that names a proxy's [`Mode`](crate::Mode).
    Mode,
}

/// Unit of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unit {
    /// No unit: a name, a state, a text.
    None,
    /// A number of things; the column's description says which.
    Count,
    /// Things per second.
    PerSecond,
    /// Bytes.
    Bytes,
    /// Bytes per second.
    BytesPerSecond,
    /// Megabytes of 1,048,576 bytes.
    Megabytes,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// Seconds since 1970-01-01 00:00:00 UTC.
    UnixSeconds,
    /// Hundredths.
    Percent,
    /// A number that stands for something else: an id, a status code, a flag.
    Code,
}

/// HAProxy's own word for how a figure behaves: the second letter of the tags of
/// `show stat typed` and `show info typed` (management manual, 9.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Nature {
    /// `C`: only ever grows, until a restart or `clear counters all`.
    Counter,
    /// `G`: the value of this moment.
    Gauge,
    /// `R`: events over the last period.
    Rate,
    /// `M`: the highest value since the last `clear counters`.
    Max,
    /// `L`: a configured limit.
    Limit,
    /// `A`: time since an event.
    Age,
    /// `a`: an average over recent events.
    Average,
    /// `D`: how long something took.
    Duration,
    /// `N`: a name.
    Name,
    /// `O`: free output.
    Output,
    /// Not printed by `show stat typed` in any release this crate was checked with.
    Unseen,
}

/// How the values of several processes become one.
///
/// The rules are pure folds over all values at once, never pairwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// Added up. A gauge that HAProxy let fall below zero counts as zero.
    Sum,
    /// Maxima of several processes: between the highest and the sum of all.
    Range,
    /// The highest.
    Max,
    /// The lowest, over processes where the event has happened.
    Min,
    /// A limit of each process and of all together; 0 or empty is unlimited.
    Limit,
    /// Mean, weighted by how many samples each process holds.
    Mean,
    /// The common value, or the list of differing ones. An empty cell means that the
    /// figure does not apply, or that another column tells; it is passed over.
    Same,
    /// The common value, or the list of differing ones. An empty cell is a value too:
    /// nothing is set, or nothing was said.
    ///
    /// A number of that rule is a limit, and an empty cell means unlimited; 0 is a
    /// number as any other. A process is passed over if its release does not print the
    /// column, or if the column is empty because its socket is, or may be, of level
    /// `user`, which hides it.
    SameOrEmpty,
    /// Never merged: means something within one process only.
    PerProcess,
    /// Part of what tells rows apart.
    Identity,
}

/// Columns that are empty on sockets of level `user`, whatever their value is.
pub(crate) const HIDDEN_FROM_USERS: &[&str] = &["addr", "cookie", "algo"];

/// The unit of a table entry, as its accessor's documentation names it.
macro_rules! unit {
    (None) => {
        ""
    };
    (Count) => {
        ""
    };
    (PerSecond) => {
        ", per second"
    };
    (Bytes) => {
        ", bytes"
    };
    (BytesPerSecond) => {
        ", bytes per second"
    };
    (Megabytes) => {
        ", megabytes of 1,048,576 bytes"
    };
    (Milliseconds) => {
        ", milliseconds"
    };
    (Seconds) => {
        ", seconds"
    };
    (UnixSeconds) => {
        ", seconds since 1970-01-01 UTC"
    };
    (Percent) => {
        ", percent"
    };
    (Code) => {
        ""
    };
}
pub(crate) use unit;
