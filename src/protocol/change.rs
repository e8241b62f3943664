use std::fmt;

/// What a process made of a command that changes something.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Change {
    /// HAProxy did as it was told; its words, where it has any. (How many entries, where
    /// many were added.)
    ///
    /// For most commands it has none, also where everything was so before:
    /// disabling a server twice is `Changed` both times.
    Changed(Option<Box<str>>),
    /// HAProxy said that there was nothing to change; its words.
    Unchanged(Box<str>),
}

impl Change {
    /// Whether HAProxy did as it was told, and did not say that there was nothing
    /// to do.
    pub fn is_changed(&self) -> bool {
        matches!(self, Self::Changed(_))
    }

    /// HAProxy's words, where it has any.
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Changed(message) => message.as_deref(),
            Self::Unchanged(message) => Some(message),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.is_changed() { "changed" } else { "unchanged" };
        match self.message() {
            Some(message) => write!(f, "{word}: {message}"),
            None => f.write_str(word),
        }
    }
}
