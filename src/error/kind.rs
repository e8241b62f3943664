use std::fmt;

/// Kind of an [`Error`](crate::Error).
///
/// With the feature `serde` a kind is written as the word that [`as_str`](ErrorKind::as_str)
/// returns. An unknown word is read as [`Other`](ErrorKind::Other).
///
/// # Example
///
/// ```
/// use haproxyadmin::{Error, ErrorKind};
///
/// let error = Error::from_kind(ErrorKind::Timeout, "no byte within 5s");
/// assert_eq!(error.kind(), ErrorKind::Timeout);
/// assert_eq!(error.kind().as_str(), "timeout");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ErrorKind {
    /// This crate refused an argument. Nothing was sent.
    InvalidInput,
    /// No process listens at the address, or the address cannot be reached.
    #[doc(alias = "ECONNREFUSED")]
    #[doc(alias = "ENOENT")]
    Connect,
    /// The operating system does not let this program connect (`EACCES`, `EPERM`): the user
    /// lacks write permission on the socket file or search permission on a directory above
    /// it, or a firewall of this host forbids the connection.
    ///
    /// The process itself may work. If HAProxy refuses a command because of its level, the
    /// kind is [`PermissionDenied`](ErrorKind::PermissionDenied).
    #[doc(alias = "EACCES")]
    #[doc(alias = "EPERM")]
    AccessDenied,
    /// A time limit passed.
    #[doc(alias = "deadline")]
    #[doc(alias = "hung")]
    Timeout,
    /// The connection ended without a single byte of answer: the process closed it, or died.
    #[doc(alias = "EOF")]
    Closed,
    /// The connection broke while it was in use, or a file could not be written.
    #[doc(alias = "ECONNRESET")]
    #[doc(alias = "EPIPE")]
    Io,
    /// The connection ended before the answer was complete.
    #[doc(alias = "partial")]
    Truncated,
    /// The answer is longer than the limit allows.
    TooLarge,
    /// The answer does not have the format of the command's output.
    #[doc(alias = "parse")]
    Malformed,
    /// This release of HAProxy does not know the command. If the release was known before the
    /// call, nothing was sent.
    #[doc(alias = "Unknown command")]
    Unsupported,
    /// No process of the cluster has an object of that name.
    #[doc(alias = "No such backend")]
    #[doc(alias = "No such frontend")]
    #[doc(alias = "No such proxy")]
    #[doc(alias = "No such server")]
    NotFound,
    /// A call failed on some processes of the cluster, or failed on all of them for different
    /// reasons. [`Error::snapshot`](crate::Error::snapshot) has the answers of the other
    /// processes to a read of figures, and [`Error::outcomes`](crate::Error::outcomes) has
    /// their answers to any other call.
    #[doc(alias = "partial")]
    Incomplete,
    /// HAProxy refused the command; the text holds HAProxy's message. Nothing was changed,
    /// with one exception: a change of several parts may have been made in part, and the
    /// message says so.
    Refused,
    /// The level of the stats socket does not permit the command.
    #[doc(alias = "level")]
    PermissionDenied,
    /// A command that changes something was sent, and its reply was lost. The process may have
    /// executed the command, or may still do so. This crate never repeats the command: read
    /// the state back, or repeat the command if it is idempotent.
    #[doc(alias = "ambiguous")]
    OutcomeUnknown,
    /// A call stopped before its end, and a part of its change was made, or may have been made.
    ///
    /// - A call that adds or deletes many entries stopped before the last entry.
    ///   [`Error::entries`](crate::Error::entries) returns the number of entries that were
    ///   added or deleted for certain.
    /// - A call of several commands stopped after its first change, such as the addition of a server
    ///   or the synchronization of a map. The error names the command that failed, and its text
    ///   states what was done or what is left.
    PartiallyApplied,
    /// Processes of the cluster have different values, and the call asked for a single value.
    #[doc(alias = "disagreement")]
    Diverging,
    /// The peer at the address is not a HAProxy process with a stats socket.
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
