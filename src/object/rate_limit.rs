use crate::protocol::keywords;

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

impl RateLimit {
    /// The key of `show info` that tells the limit. That of
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
