use super::{Field, Nature, ValueType};

/// Threshold for gauges that fell below zero: HAProxy prints a very large number for them, and a
/// value at or above the threshold counts as zero. Draining workers print such values, for instance
/// `h1_open_connections` 18446744073709551615.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Underflow(u64);

impl Underflow {
    pub(crate) const NEVER: Self = Self(u64::MAX);
    pub(crate) const BITS_32: Self = Self(1 << 31);
    pub(crate) const BITS_64: Self = Self(1 << 63);

    /// Returns the threshold of a field.
    pub(crate) fn of(field: impl Field) -> Self {
        match (field.nature(), field.value_type()) {
            (Nature::Gauge, ValueType::U32) => Self::BITS_32,
            (Nature::Gauge, ValueType::U64) => Self::BITS_64,
            _ => Self::NEVER,
        }
    }

    pub(crate) fn mend(self, value: u64) -> u64 {
        if value >= self.0 && self.0 != Self::NEVER.0 { 0 } else { value }
    }
}
