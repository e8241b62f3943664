/// Which counters to clear (`clear counters`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Counters {
    /// Maxima, such as `smax`; from 2.6 on also the counters of modules, `h1_*` and
    /// whatever stands behind the column `-`. Needs level operator.
    Max,
    /// All of them. Needs level admin.
    All,
}
