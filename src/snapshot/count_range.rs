use std::cmp::Ordering;
use std::fmt;
use std::iter::Sum;
use std::ops::Add;

/// A count over several processes, which may be known only within bounds.
///
/// A maximum is such a count: the processes may have reached their maxima at different times, so
/// the maximum of the cluster lies between the highest maximum and the sum of all maxima. A counter
/// is such a count while it is not known which processes keep it together
/// ([`CounterSharing::Unknown`](crate::snapshot::CounterSharing::Unknown)).
///
/// Prints `42` if it is exact, and `42..84` if it is not. Compares with a number: it is equal only
/// if it is exact, and greater or less only if both bounds are. Serialises as the number, or as a
/// map of the two bounds.
///
/// # Example
///
/// ```
/// use haproxyadmin::snapshot::CountRange;
///
/// let requests = CountRange::from(42);
/// assert_eq!(requests, 42);
/// assert_eq!(requests.exact(), Some(42));
/// assert_eq!(format!("{requests:>4}"), "  42");
///
/// let between = CountRange { at_least: 42, at_most: 84 };
/// assert_eq!(between.to_string(), "42..84");
/// assert_eq!(between.exact(), None);
/// assert!(between > 41 && between < 85);
/// assert!(!(between > 50) && !(between <= 50));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct CountRange {
    /// Lower bound: the count is this or more.
    pub at_least: u64,
    /// Upper bound: the count is this or less.
    pub at_most: u64,
}

impl CountRange {
    /// Returns the number, or `None` if it is known only within bounds.
    pub fn exact(self) -> Option<u64> {
        (self.at_least == self.at_most).then_some(self.at_least)
    }
}

impl From<u64> for CountRange {
    fn from(number: u64) -> Self {
        Self { at_least: number, at_most: number }
    }
}

impl PartialEq<u64> for CountRange {
    fn eq(&self, number: &u64) -> bool {
        self.exact() == Some(*number)
    }
}

impl PartialEq<CountRange> for u64 {
    fn eq(&self, range: &CountRange) -> bool {
        range == self
    }
}

impl PartialOrd<u64> for CountRange {
    /// Returns `None` if the number lies within the bounds.
    fn partial_cmp(&self, number: &u64) -> Option<Ordering> {
        let (low, high) = (self.at_least.cmp(number), self.at_most.cmp(number));
        (low == high).then_some(low)
    }
}

/// Adds the bounds. A bound that would overflow stays at [`u64::MAX`].
impl Add for CountRange {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            at_least: self.at_least.saturating_add(other.at_least),
            at_most: self.at_most.saturating_add(other.at_most),
        }
    }
}

impl Sum for CountRange {
    fn sum<I: Iterator<Item = Self>>(ranges: I) -> Self {
        ranges.fold(Self::default(), Self::add)
    }
}

impl fmt::Display for CountRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.exact() {
            Some(number) => number.fmt(f),
            None => f.pad(&format!("{}..{}", self.at_least, self.at_most)),
        }
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for CountRange {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.exact() {
            Some(number) => number.serialize(serializer),
            None => serializer.collect_map([("at_least", self.at_least), ("at_most", self.at_most)]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: CountRange = CountRange { at_least: 42, at_most: 84 };

    #[test]
    fn a_number_within_the_bounds_is_neither_equal_nor_less_nor_greater() {
        for number in [42, 50, 84] {
            assert!(WIDE != number);
            assert_eq!(WIDE.partial_cmp(&number), None, "{number}");
        }
        assert!(WIDE > 41 && WIDE < 85);
        let exact = CountRange::from(42);
        assert_eq!(exact, 42);
        assert_eq!(42, exact);
        assert_eq!(
            [41, 42, 43].map(|number| exact.partial_cmp(&number)),
            [Ordering::Greater, Ordering::Equal, Ordering::Less].map(Some)
        );
    }

    #[test]
    fn bounds_add_up_and_never_wrap() {
        let sum: CountRange = [WIDE, CountRange::from(1), WIDE].into_iter().sum();
        assert_eq!(sum, CountRange { at_least: 85, at_most: 169 });
        assert_eq!(CountRange::from(u64::MAX) + WIDE, u64::MAX);
    }

    #[test]
    fn a_range_is_as_wide_as_it_is_asked_to_be() {
        assert_eq!(format!("[{:>8}] [{:<8}]", WIDE, CountRange::from(7)), "[  42..84] [7       ]");
    }

    #[cfg(feature = "serde")]
    #[test]
    fn an_exact_count_is_written_as_a_number() {
        let json = |count: CountRange| serde_json::to_string(&count).unwrap();
        assert_eq!(json(CountRange::from(42)), "42");
        assert_eq!(json(WIDE), r#"{"at_least":42,"at_most":84}"#);
    }
}
