/// Part of the reply that the next line belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The first line of `show info`.
    Start,
    Info,
    Level,
    /// After the message that the release does not know `show cli level`.
    NoLevel,
    /// The first line of `show cli sockets`.
    SocketsHeader,
    Sockets,
    /// After the message that the release does not know `show cli sockets`.
    NoSockets,
    /// The first line of `show stat`.
    Header,
    Stat,
    /// After the message that the proxy does not exist.
    Absent,
    /// After the empty line that follows the message.
    End,
}

impl Part {
    /// Returns the command that the part answers.
    pub(super) fn command(self) -> &'static str {
        match self {
            Self::Start | Self::Info => "show info",
            Self::Level | Self::NoLevel => "show cli level",
            Self::SocketsHeader | Self::Sockets | Self::NoSockets => "show cli sockets",
            Self::Header | Self::Stat | Self::Absent | Self::End => "show stat",
        }
    }

    /// Returns the part after the empty line at the end of this one.
    pub(super) fn next(self) -> Self {
        match self {
            Self::Start | Self::Info => Self::Level,
            Self::Level | Self::NoLevel => Self::SocketsHeader,
            Self::SocketsHeader | Self::Sockets | Self::NoSockets => Self::Header,
            Self::Header => Self::Absent,
            Self::Stat => Self::Stat,
            Self::Absent | Self::End => Self::End,
        }
    }
}
