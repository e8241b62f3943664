use std::fmt;

/// A limit on a rate that a whole process keeps to (`set rate-limit`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RateLimit {
    /// New connections each second; `ConnRateLimit` of `show info`.
    Connections,
    /// New sessions each second; `SessRateLimit` of `show info`.
    Sessions,
    /// New TLS sessions each second; `SslRateLimit` of `show info`.
    SslSessions,
    /// Kilobytes that HTTP compression puts out each second;
    /// `CompressBpsRateLim` of `show info` has it in bytes.
    HttpCompression,
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Connections => "connections",
            Self::Sessions => "sessions",
            Self::SslSessions => "ssl-sessions",
            Self::HttpCompression => "http-compression",
        })
    }
}
