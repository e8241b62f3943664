use std::fmt;

use crate::show::stat::{CheckStatus, Mode, Status};
use crate::snapshot::{CountRange, Label};

/// A value that should be the same in all processes: the common value, or the value of each
/// process.
///
/// There is no majority vote: three processes with weight 40 and one with weight 1 are a
/// disagreement, not a weight of 40.
///
/// The enum is exhaustive, because every value is common to all processes or is not.
///
/// Serialises as the value itself, or as a map from label to value. A process with several values,
/// such as a listener of a `bind` line with `name` and `shards`, serialises as the list of its
/// values.
///
/// # Example
///
/// ```
/// use haproxyadmin::Agreement;
///
/// let weight = Agreement::Differs(vec![("1".into(), 40), ("2".into(), 1)]);
/// assert_eq!(weight.same(), None);
/// assert_eq!(weight.max(), Some(&40));
/// assert_eq!(weight.to_string(), "1: 40, 2: 1");
/// assert_eq!(Agreement::Same(40).same(), Some(&40));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Agreement<T> {
    /// All processes have this value.
    Same(T),
    /// The processes differ: the value of each process, by label.
    Differs(Vec<(Label, T)>),
}

impl<T> Agreement<T> {
    /// Returns the common value, or `None` if the processes differ.
    pub fn same(&self) -> Option<&T> {
        match self {
            Self::Same(value) => Some(value),
            Self::Differs(_) => None,
        }
    }

    /// Returns `true` if all processes have the same value.
    pub fn is_same(&self) -> bool {
        matches!(self, Self::Same(_))
    }

    /// Returns the value of each process, or the common value once.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        let (same, differing) = match self {
            Self::Same(value) => (Some(value), &[][..]),
            Self::Differs(list) => (None, list.as_slice()),
        };
        same.into_iter().chain(differing.iter().map(|(_, value)| value))
    }

    /// Converts each value with `change`. Processes that differ stay listed one by one, even if
    /// their converted values are equal.
    pub fn map<U>(self, mut change: impl FnMut(T) -> U) -> Agreement<U> {
        match self {
            Self::Same(value) => Agreement::Same(change(value)),
            Self::Differs(list) => {
                Agreement::Differs(list.into_iter().map(|(label, value)| (label, change(value))).collect())
            }
        }
    }

    /// Returns `true` if any process has `value`.
    pub fn contains(&self, value: &T) -> bool
    where
        T: PartialEq,
    {
        self.values().any(|one| one == value)
    }
}

impl<T: Ord> Agreement<T> {
    /// Returns the lowest value of any process.
    pub fn min(&self) -> Option<&T> {
        self.values().min()
    }

    /// Returns the highest value of any process.
    pub fn max(&self) -> Option<&T> {
        self.values().max()
    }
}

impl<T: fmt::Display> fmt::Display for Agreement<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same(value) => value.fmt(f),
            Self::Differs(list) => {
                for (at, (label, value)) in list.iter().enumerate() {
                    write!(f, "{}{label}: {value}", if at == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(feature = "serde")]
impl<T: serde::Serialize> serde::Serialize for Agreement<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Same(value) => value.serialize(serializer),
            Self::Differs(list) => by_label(list, serializer),
        }
    }
}

/// Writes a map from label to value, with each label once.
#[cfg(feature = "serde")]
fn by_label<S: serde::Serializer, T: serde::Serialize>(
    list: &[(Label, T)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let processes = list.chunk_by(|(one, _), (other, _)| one == other);
    serializer.collect_map(processes.filter_map(|values| Some((&*values.first()?.0, Values(values)))))
}

/// The value of one process, or the list of its values.
#[cfg(feature = "serde")]
struct Values<'a, T>(&'a [(Label, T)]);

#[cfg(feature = "serde")]
impl<T: serde::Serialize> serde::Serialize for Values<'_, T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            [(_, value)] => value.serialize(serializer),
            values => serializer.collect_seq(values.iter().map(|(_, value)| value)),
        }
    }
}

/// A configured limit, of each process and of all processes together.
///
/// # Example
///
/// ```no_run
/// # async fn example() -> haproxyadmin::Result<()> {
/// use haproxyadmin::Cluster;
///
/// let web = Cluster::from_dir("/run/haproxy").await?.frontend("web").await?;
/// if let Some(limit) = web.maxconn() {
///     println!("{} in each process, {} in total", limit.each, limit.total);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Limit {
    /// Configured limit of each process.
    pub each: Agreement<Bound>,
    /// Resulting limit of all processes together.
    pub total: Bound,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.each.fmt(f)
    }
}

/// A limit, or no limit. The higher limit compares as greater. The enum is exhaustive, because
/// there is no third case.
///
/// Serialises as the number, or as null.
///
/// # Example
///
/// ```
/// use haproxyadmin::snapshot::Bound;
///
/// assert!(Bound::At(100) < Bound::Unlimited);
/// assert_eq!(Bound::At(100).get(), Some(100));
/// assert_eq!(Bound::Unlimited.to_string(), "unlimited");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bound {
    /// A limit of this number.
    At(u64),
    /// No limit. HAProxy prints an empty cell for it, or 0 if a limit of 0 makes no sense.
    Unlimited,
}

impl Bound {
    pub(crate) fn from_cell(cell: Option<u64>) -> Self {
        match cell {
            None | Some(0) => Self::Unlimited,
            Some(limit) => Self::At(limit),
        }
    }

    /// Returns the number, or `None` if there is no limit.
    pub fn get(self) -> Option<u64> {
        match self {
            Self::At(limit) => Some(limit),
            Self::Unlimited => None,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(limit) => limit.fmt(f),
            Self::Unlimited => f.pad("unlimited"),
        }
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Bound {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.get().serialize(serializer)
    }
}

/// A merged figure of a column or key that is chosen by name at run time.
///
/// # Example
///
/// ```no_run
/// # async fn example() -> haproxyadmin::Result<()> {
/// use haproxyadmin::snapshot::MetricValue;
/// use haproxyadmin::Cluster;
///
/// let app = Cluster::from_dir("/run/haproxy").await?.backend("app").await?;
/// if let Some(MetricValue::Number(queued)) = app.metric("qcur")? {
///     println!("{queued} requests wait in the queue");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum MetricValue<'a> {
    /// A sum, a highest value or a lowest value.
    Number(u64),
    /// A mean.
    Mean(f64),
    /// A maximum, or a counter if it is not known how processes share it.
    Range(CountRange),
    /// A limit.
    Limit(Limit),
    /// A number that should be the same in all processes.
    SameNumber(Agreement<u64>),
    /// A limit that should be the same in all processes, and is not added up.
    SameBound(Agreement<Bound>),
    /// Text that should be the same in all processes; also the text of a column or key that this
    /// crate does not know.
    SameText(Agreement<&'a str>),
    /// A status.
    Status(Agreement<Status>),
    /// Result of a check.
    Check(Agreement<CheckStatus>),
    /// Mode of a proxy.
    Mode(Agreement<Mode>),
    /// The text of each process, for a column or key that is never merged.
    Own(Vec<(Label, &'a str)>),
}

impl fmt::Display for MetricValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Mean(mean) => mean.fmt(f),
            Self::Range(range) => range.fmt(f),
            Self::Limit(limit) => limit.fmt(f),
            Self::SameNumber(agreement) => agreement.fmt(f),
            Self::SameBound(agreement) => agreement.fmt(f),
            Self::SameText(agreement) => agreement.fmt(f),
            Self::Status(agreement) => agreement.fmt(f),
            Self::Check(agreement) => agreement.fmt(f),
            Self::Mode(agreement) => agreement.fmt(f),
            Self::Own(list) => Agreement::Differs(list.clone()).fmt(f),
        }
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for MetricValue<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => number.serialize(serializer),
            Self::Mean(mean) => mean.serialize(serializer),
            Self::Range(range) => range.serialize(serializer),
            Self::Limit(limit) => limit.serialize(serializer),
            Self::SameNumber(agreement) => agreement.serialize(serializer),
            Self::SameBound(agreement) => agreement.serialize(serializer),
            Self::SameText(agreement) => agreement.serialize(serializer),
            Self::Status(agreement) => agreement.serialize(serializer),
            Self::Check(agreement) => agreement.serialize(serializer),
            Self::Mode(agreement) => agreement.serialize(serializer),
            Self::Own(list) => by_label(list, serializer),
        }
    }
}
