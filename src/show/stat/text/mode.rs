use std::fmt;

/// Protocol of a proxy: the `mode` column.
///
/// # Example
///
/// ```
/// use haproxyadmin::stat::Mode;
///
/// assert_eq!(Mode::parse("http"), Mode::Http);
/// assert_eq!(Mode::parse("gopher").to_string(), "gopher");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// TCP: streams of bytes.
    Tcp,
    /// HTTP.
    Http,
    /// Answers health checks and does nothing else (2.2).
    Health,
    /// Log messages.
    Syslog,
    /// Data exchange between HAProxy instances.
    Peers,
    /// Stream processing offload (3.1 and later).
    Spop,
    /// A word that this crate does not know.
    Other(Box<str>),
}

impl Mode {
    /// Reads the text of a `mode` cell.
    pub fn parse(text: &str) -> Self {
        match text {
            "tcp" => Self::Tcp,
            "http" => Self::Http,
            "health" => Self::Health,
            "syslog" => Self::Syslog,
            "peers" => Self::Peers,
            "spop" => Self::Spop,
            _ => Self::Other(text.into()),
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Tcp => "tcp",
            Self::Http => "http",
            Self::Health => "health",
            Self::Syslog => "syslog",
            Self::Peers => "peers",
            Self::Spop => "spop",
            Self::Other(text) => text,
        })
    }
}
