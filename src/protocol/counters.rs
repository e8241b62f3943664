/// Which counters to clear (`clear counters`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Counters {
    /// Maxima only, such as `smax`. Needs level operator.
    Max,
    /// All of them. Needs level admin.
    All,
}
