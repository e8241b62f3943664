use crate::protocol::keywords;

/// Rate limit of a whole process (`set rate-limit`).
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// use haproxyadmin::global::RateLimit;
///
/// cluster.set_rate_limit(RateLimit::SslSessions, 500).await?;
/// assert_eq!(RateLimit::SslSessions.key(), "SslRateLimit");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RateLimit {
    /// New connections per second; `ConnRateLimit` of `show info`.
    Connections,
    /// New sessions per second; `SessRateLimit` of `show info`.
    Sessions,
    /// New TLS sessions per second; `SslRateLimit` of `show info`.
    SslSessions,
    /// Kilobytes of output of HTTP compression per second. `CompressBpsRateLim` of `show info`
    /// reports this limit in bytes.
    HttpCompression,
}

impl RateLimit {
    /// Returns the key of `show info` that reports the limit. The key of
    /// [`HttpCompression`](Self::HttpCompression) is in bytes.
    pub fn key(self) -> &'static str {
        match self {
            Self::Connections => "ConnRateLimit",
            Self::Sessions => "SessRateLimit",
            Self::SslSessions => "SslRateLimit",
            Self::HttpCompression => "CompressBpsRateLim",
        }
    }
}

keywords!(RateLimit, "rate limit", { Connections = "connections", Sessions = "sessions", SslSessions = "ssl-sessions", HttpCompression = "http-compression" });
