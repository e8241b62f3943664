use std::fmt;

/// Answer of a process to a command that changes something.
///
/// With the feature `serde` it is written as a map of `change` (`changed` or `unchanged`)
/// and, if HAProxy printed any, its words as `message`.
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

    /// `changed` or `unchanged`.
    pub(crate) fn word(&self) -> &'static str {
        if self.is_changed() { "changed" } else { "unchanged" }
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
        let word = self.word();
        match self.message() {
            Some(message) => write!(f, "{word}: {message}"),
            None => f.write_str(word),
        }
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Change {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        #[serde(rename = "Change")]
        struct Written<'a> {
            change: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            message: Option<&'a str>,
        }

        Written { change: self.word(), message: self.message() }.serialize(serializer)
    }
}
