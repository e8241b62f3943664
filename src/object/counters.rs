/// Set of counters to clear (`clear counters`).
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// use haproxyadmin::global::Counters;
///
/// cluster.clear_counters(Counters::Max).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Counters {
    /// Maxima, such as `smax`. From 2.6 on also the counters of modules: `h1_*` and every other
    /// column after the column `-`. Needs level operator.
    Max,
    /// All counters. Needs level admin.
    All,
}
