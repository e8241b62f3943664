use std::fmt;

/// Answer of a process to a command that changes something.
///
/// With the feature `serde` a change is written as a map of `change` (`changed` or
/// `unchanged`) and, if HAProxy printed a message, `message`.
///
/// # Example
///
/// ```
/// use haproxyadmin::Change;
///
/// let change = Change::Unchanged("Frontend is already disabled.".into());
/// assert!(!change.is_changed());
/// assert_eq!(change.to_string(), "unchanged: Frontend is already disabled.");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Change {
    /// HAProxy executed the command. Holds HAProxy's message, if it printed one, or the number
    /// of entries if the call added or deleted many entries.
    ///
    /// HAProxy prints no message for most commands, even if the state was the same before:
    /// disabling a server twice is `Changed` both times.
    Changed(Option<Box<str>>),
    /// HAProxy said that there was nothing to change. Holds HAProxy's message.
    #[doc(alias = "nothing changed")]
    #[doc(alias = "no need to change")]
    Unchanged(Box<str>),
}

impl Change {
    /// Returns `true` if HAProxy executed the command and did not say that there was nothing to
    /// change.
    pub fn is_changed(&self) -> bool {
        matches!(self, Self::Changed(_))
    }

    /// Returns `changed` or `unchanged`.
    pub(crate) fn word(&self) -> &'static str {
        if self.is_changed() { "changed" } else { "unchanged" }
    }

    /// Returns the message, if there is one.
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
