//! Counters that fell.

use crate::field::{Col, Field as _, Key, Nature, ValueType};
use crate::show::Info;
use crate::show::stat::{Cells, Row, SplitRow};
use crate::snapshot::delta::counter;

/// The kinds of counters of a process that fell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::snapshot::delta) struct Fallen {
    /// Counters of HAProxy itself.
    pub(in crate::snapshot::delta) own: bool,
    /// Counters of its modules, which `clear counters` clears too.
    pub(in crate::snapshot::delta) modules: bool,
}

impl Fallen {
    pub(in crate::snapshot::delta) fn or(self, other: Self) -> Self {
        Self { own: self.own || other.own, modules: self.modules || other.modules }
    }
}

/// Columns of counters, split by the commands that clear them.
pub(in crate::snapshot::delta) struct Counters {
    own: Vec<Col>,
    modules: Vec<Col>,
}

impl Counters {
    pub(in crate::snapshot::delta) fn new() -> Self {
        // The other counters are the time spent down, which is no number of events, numbers that identify,
        // and differences of counters, which fall without any command.
        let counts = |column: &Col| {
            column.nature() == Nature::Counter
                && column.value_type() == ValueType::U64
                && !column.is_derived()
        };
        let (modules, own) =
            Col::ALL.iter().copied().filter(counts).partition(|column| column.is_of_module());
        Self { own, modules }
    }

    /// Compares the counters of one object.
    pub(in crate::snapshot::delta) fn compare(&self, later: Row<'_>, earlier: Row<'_>) -> Fallen {
        let (later, earlier) = (&SplitRow::new(later), &SplitRow::new(earlier));
        // Equal texts are equal numbers, unless newer numbers stand for the texts.
        let is_renewed = later.is_renewed() || earlier.is_renewed();
        let fell = |column: &Col| {
            (is_renewed || later.cell(*column) != earlier.cell(*column))
                && matches!((later.number(*column), earlier.number(*column)), (Some(now), Some(then)) if now < then)
        };
        Fallen { own: self.own.iter().any(fell), modules: self.modules.iter().any(fell) }
    }
}

/// Returns `true` if a counter of `show info` fell that is not taken as wrapped.
pub(in crate::snapshot::delta) fn info_fell(later: &Info, earlier: &Info) -> bool {
    let fell = |key: &Key| match (later.number(*key), earlier.number(*key)) {
        (Some(now), Some(then)) => info_increase(*key, now, then).is_none(),
        _ => false,
    };
    counter::keys().any(|key| fell(&key))
}

/// Returns the increase of a key of `show info`, or `None` if it fell.
///
/// No command clears these counters, and some have 32 bits: they begin again at 0 after 4,294,967,295.
/// One that fell has wrapped, unless it then increased by half of this or more.
pub(in crate::snapshot::delta) fn info_increase(key: Key, now: u64, then: u64) -> Option<u64> {
    let wrapped = || {
        let (now, then) = (u32::try_from(now).ok()?, u32::try_from(then).ok()?);
        Some(u64::from(now.wrapping_sub(then))).filter(|increase| *increase < HALF)
    };
    now.checked_sub(then).or_else(|| wrapped().filter(|_| key.value_type() == ValueType::U32))
}

const HALF: u64 = 1 << 31;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_32_bit_counter_wraps_and_a_64_bit_counter_falls() {
        let last = u64::from(u32::MAX);
        assert_eq!(info_increase(Key::cum_req, 12, 10), Some(2));
        assert_eq!(info_increase(Key::cum_req, 4, last - 5), Some(10));
        assert_eq!(info_increase(Key::cum_req, 9, 10), None);
        assert_eq!(info_increase(Key::cum_req, 5, 3_000_000_000), Some(1_294_967_301));
        assert_eq!(info_increase(Key::cum_req, 5, 2_000_000_000), None);
        assert_eq!(info_increase(Key::total_bytes_out, 4, last - 5), None);
        assert_eq!(info_increase(Key::cum_req, 4, last + 1), None);
    }
}
