use std::fmt;

/// Kind of an [`Error`](crate::Error).
///
/// Serialises as the word of [`as_str`](ErrorKind::as_str), and reads a word that it
/// does not know as [`Other`](ErrorKind::Other).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument was refused before anything was sent.
    InvalidInput,
    /// No process listens at the address, or the address cannot be reached.
    Connect,
    /// The operating system does not let this program connect (`EACCES`, `EPERM`):
    /// the user lacks write permission on the socket file or search permission on a
    /// directory above it, or a firewall of this host forbids the connection.
    ///
    /// The process itself may be well. [`PermissionDenied`](ErrorKind::PermissionDenied)
    /// is the refusal of HAProxy.
    AccessDenied,
    /// A time limit passed.
    Timeout,
    /// The connection ended without a single byte of answer: the process closed
    /// it, or died.
    Closed,
    /// The connection broke while it was in use.
    Io,
    /// The answer ended before its end.
    Truncated,
    /// The answer is longer than the limit allows.
    TooLarge,
    /// The answer is not what the command prints.
    Malformed,
    /// This release of HAProxy does not know the command. If that is known
    /// beforehand, nothing was sent.
    Unsupported,
    /// No process of the cluster has an object of that name.
    NotFound,
    /// A call failed on some processes of the cluster, or failed on all of them for
    /// different reasons. [`Error::snapshot`](crate::Error::snapshot) has what the other
    /// processes answered to a read of figures,
    /// [`Error::outcomes`](crate::Error::outcomes) what they answered to everything else.
    Incomplete,
    /// HAProxy refused the command; its words are in the text. Nothing was changed,
    /// but for a change of several parts that was made in part, which its words tell.
    Refused,
    /// The level of the stats socket does not permit the command.
    PermissionDenied,
    /// A command that changes something was sent, and its reply was lost: whether
    /// it was executed is not known, and it may still be. It is never repeated by
    /// itself; read back, or repeat it if that does no harm.
    OutcomeUnknown,
    /// A call that adds many entries stopped on its way: some are in, or may be.
    /// [`Error::entries`](crate::Error::entries) says how many for certain.
    PartiallyApplied,
    /// Processes of the cluster hold different things where one was asked for.
    Diverging,
    /// What answers at the address is not a stats socket of a HAProxy process.
    NotHaproxy,
    /// A kind that a newer version of this crate stored.
    #[cfg_attr(feature = "serde", serde(other))]
    Other,
}

impl ErrorKind {
    /// Returns the kind as one word of lower-case letters and underscores, such as
    /// `access_denied`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid_input",
            Self::Connect => "connect",
            Self::AccessDenied => "access_denied",
            Self::Timeout => "timeout",
            Self::Closed => "closed",
            Self::Io => "io",
            Self::Truncated => "truncated",
            Self::TooLarge => "too_large",
            Self::Malformed => "malformed",
            Self::Unsupported => "unsupported",
            Self::NotFound => "not_found",
            Self::Incomplete => "incomplete",
            Self::Refused => "refused",
            Self::PermissionDenied => "permission_denied",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::PartiallyApplied => "partially_applied",
            Self::Diverging => "diverging",
            Self::NotHaproxy => "not_haproxy",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::ErrorKind;

    const ALL: [ErrorKind; 19] = [
        ErrorKind::InvalidInput,
        ErrorKind::Connect,
        ErrorKind::AccessDenied,
        ErrorKind::Timeout,
        ErrorKind::Closed,
        ErrorKind::Io,
        ErrorKind::Truncated,
        ErrorKind::TooLarge,
        ErrorKind::Malformed,
        ErrorKind::Unsupported,
        ErrorKind::NotFound,
        ErrorKind::Incomplete,
        ErrorKind::Refused,
        ErrorKind::PermissionDenied,
        ErrorKind::OutcomeUnknown,
        ErrorKind::PartiallyApplied,
        ErrorKind::Diverging,
        ErrorKind::NotHaproxy,
        ErrorKind::Other,
    ];

    #[test]
    fn every_kind_has_a_word_of_its_own() {
        let words: std::collections::HashSet<_> = ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(words.len(), ALL.len());
        assert_eq!(format!("{:>14}|", ErrorKind::AccessDenied), " access_denied|");
    }

    #[cfg(feature = "serde")]
    #[test]
    fn a_kind_is_written_as_its_word_and_read_back() {
        for kind in ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert_eq!(serde_json::from_value::<ErrorKind>(kind.as_str().into()).unwrap(), kind);
        }
        assert_eq!(serde_json::from_value::<ErrorKind>("novel".into()).unwrap(), ErrorKind::Other);
    }
}
