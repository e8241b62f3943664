//! The tables: every column of `show stat` and every key of `show info`, each declared once, as
//! data.
//!
//! The parser, the accessors, the merge rules, the serialisation and the documentation all use
//! these tables. If HAProxy adds a column or key after the release of this crate, it is not in the
//! tables, but it is kept as text and can be read by name.

mod column;
mod info;
mod underflow;

pub(crate) use column::{Col, for_each_column};
pub(crate) use info::{Key, for_each_key};
pub(crate) use underflow::Underflow;

pub use column::COLUMNS;
pub use info::KEYS;

/// Description of one column of `show stat`.
///
/// # Example
///
/// ```
/// use haproxyadmin::field::{COLUMNS, Nature, Unit};
///
/// let column = COLUMNS.iter().find(|column| column.name == "qtime").unwrap();
/// assert_eq!((column.unit, column.nature), (Unit::Milliseconds, Nature::Average));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Column {
    /// Name, as in the header line of `show stat`.
    pub name: &'static str,
    /// Description of the column, in one or two sentences.
    pub doc: &'static str,
    /// Type of a cell.
    pub value_type: ValueType,
    /// Unit of the value.
    pub unit: Unit,
    /// Behaviour of the value, in HAProxy's terms (`show stat typed`).
    pub nature: Nature,
    /// First supported HAProxy release that has the column.
    pub since: &'static str,
    /// `true` if processes with the same `shm-stats-file` keep the value in it, for objects with a
    /// `guid`. Each of these processes then prints the total of all of them.
    pub shared: bool,
    /// Kinds of row that fill the column, with the merge rule of each kind.
    pub kinds: &'static [(RowKind, Rule)],
}

/// The name.
impl AsRef<str> for Column {
    fn as_ref(&self) -> &str {
        self.name
    }
}

/// Description of one key of `show info`.
///
/// # Example
///
/// ```
/// use haproxyadmin::field::{KEYS, Rule};
///
/// let key = KEYS.iter().find(|key| key.name == "CurrConns").unwrap();
/// assert_eq!(key.rule, Rule::Sum);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct InfoKey {
    /// Name, as printed before the colon.
    pub name: &'static str,
    /// Description of the key, in one or two sentences.
    pub doc: &'static str,
    /// Type of the value.
    pub value_type: ValueType,
    /// Unit of the value.
    pub unit: Unit,
    /// Behaviour of the value, in HAProxy's terms (`show info typed`).
    pub nature: Nature,
    /// First supported HAProxy release that has the key.
    pub since: &'static str,
    /// Merge rule for the values of several processes.
    pub rule: Rule,
}

/// Kind of a row of `show stat`, from its `type` column.
///
/// # Example
///
/// ```
/// use haproxyadmin::stat::{RowKind, StatParser};
///
/// let mut parser = StatParser::new();
/// parser.feed(b"# pxname,svname,type,\napp,BACKEND,1,\n\n")?;
/// assert_eq!(parser.finish()?.row(0).unwrap().kind(), RowKind::Backend);
/// # Ok::<(), haproxyadmin::Error>(())
/// ```
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

/// Type of a value as HAProxy prints it.
///
/// # Example
///
/// ```
/// use haproxyadmin::field::{COLUMNS, ValueType};
///
/// let column = COLUMNS.iter().find(|column| column.name == "status").unwrap();
/// assert_eq!(column.value_type, ValueType::Status);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueType {
    /// Whole number, 32 bits in HAProxy.
    U32,
    /// Whole number, 64 bits in HAProxy.
    U64,
    /// Signed whole number, 32 bits in HAProxy.
    I32,
    /// Text.
    Text,
    /// Text that is the [`Status`](crate::stat::Status) of a proxy, server or listener.
    Status,
    /// Text that is a [`CheckStatus`](crate::stat::CheckStatus).
    Check,
    /// Text that is the [`Mode`](crate::stat::Mode) of a proxy.
    Mode,
}

/// Unit of a value.
///
/// # Example
///
/// ```
/// use haproxyadmin::field::{KEYS, Unit};
///
/// let key = KEYS.iter().find(|key| key.name == "Memmax_MB").unwrap();
/// assert_eq!(key.unit, Unit::Megabytes);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unit {
    /// No unit: a name, a state or another text.
    None,
    /// Number of things, which the description of the column or key names.
    Count,
    /// Number of things per second.
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
    /// Number that stands for something else: an id, a status code or a flag.
    Code,
}

/// Behaviour of a value in HAProxy's terms: the second letter of the tags of `show stat typed` and
/// `show info typed` (management manual, 9.2).
///
/// # Example
///
/// ```
/// use haproxyadmin::field::{COLUMNS, Nature};
///
/// let counters = COLUMNS.iter().filter(|column| column.nature == Nature::Counter);
/// assert!(counters.map(|column| column.name).any(|name| name == "stot"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Nature {
    /// `C`: only grows, until a restart or `clear counters all`. The exception is `sess_other`, which
    /// HAProxy calculates.
    Counter,
    /// `G`: the current value.
    Gauge,
    /// `R`: number of events in the last period.
    Rate,
    /// `M`: the highest value since the last `clear counters`.
    Max,
    /// `L`: a configured limit.
    Limit,
    /// `A`: time since an event.
    Age,
    /// `a`: an average over recent events.
    Average,
    /// `D`: duration.
    Duration,
    /// `N`: a name.
    Name,
    /// `O`: free output.
    Output,
    /// Not printed by `show stat typed` in any release that was checked.
    Unseen,
}

/// Rule that merges the values of several processes into one.
///
/// Each rule is a pure function of all values at once; values are never merged pairwise.
///
/// # Example
///
/// ```
/// use haproxyadmin::stat::RowKind;
/// use haproxyadmin::field::{COLUMNS, Rule};
///
/// let column = COLUMNS.iter().find(|column| column.name == "scur").unwrap();
/// assert!(column.kinds.contains(&(RowKind::Server, Rule::Sum)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// The sum. A gauge that HAProxy let fall below zero counts as zero.
    Sum,
    /// Range for the maximum over all processes: from the highest value to the sum of all values.
    Range,
    /// The highest value.
    Max,
    /// The lowest value, among processes in which the event has happened.
    Min,
    /// Limit of each process and of all processes together; 0 or empty means unlimited.
    Limit,
    /// Mean, weighted by the number of samples that each process has.
    Mean,
    /// The common value, or the list of different values. An empty cell means that the value does
    /// not apply, or that another column has it; it is skipped.
    Same,
    /// The common value, or the list of different values. An empty cell counts as a value: nothing
    /// is set, or nothing was reported.
    ///
    /// A number with this rule is a limit, and an empty cell means unlimited; 0 is a number like
    /// any other. A process is skipped if its release does not print the column. It is also skipped
    /// if the cell is empty and its socket has, or may have, the level `user`, from which HAProxy
    /// hides the column.
    SameOrEmpty,
    /// Not merged, because the value is meaningful only within one process.
    PerProcess,
    /// Part of the identity of a row.
    Identity,
}

/// Column or key, as its position in its table: everything that a merge rule has to know about it.
pub(crate) trait Field: Copy {
    fn value_type(self) -> ValueType;

    fn nature(self) -> Nature;

    /// Returns `true` if processes may keep the value together in a file.
    fn is_shared(self) -> bool;

    /// Returns `true` if the value is always empty on sockets of level `user`.
    fn is_hidden_from_users(self) -> bool;

    /// Returns the column, or `None` for a key of `show info`.
    fn column(self) -> Option<Col> {
        None
    }
}

/// Columns that are always empty on sockets of level `user`.
pub(crate) const HIDDEN_FROM_USERS: &[&str] = &["addr", "cookie", "algo"];

/// Declares `$field`, the position of an entry in `$table`.
macro_rules! positions {
    ($field:ident $table:ident $entry:ident: $($accessor:ident)*) => {
        #[doc = concat!("Position of an entry in [`", stringify!($table), "`].")]
        #[allow(non_camel_case_types, reason = "an entry is spelt as its accessor")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum $field { $($accessor,)* }

        impl $field {
            /// Every position, in the order of the table.
            pub(crate) const ALL: &[Self] = &[$(Self::$accessor,)*];

            /// Returns the position of the entry called `name`, spelt as HAProxy spells it.
            pub(crate) fn named(name: &str) -> Option<Self> {
                let index = $table.iter().position(|entry| entry.name == name)?;
                Self::ALL.get(index).copied()
            }

            /// Returns the entry at this position.
            #[allow(clippy::indexing_slicing, reason = "the table has an entry for each position")]
            pub(crate) fn declared(self) -> &'static $entry {
                &$table[self as usize]
            }
        }
    };
}
use positions;

/// Returns the unit of a table entry as text for the documentation of its accessor.
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
