use std::fmt;

/// What a stats socket permits: the `level` of its `stats socket` line.
///
/// The higher level compares as greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum Level {
    /// Reads most things. `addr`, `cookie` and `algo` of `show stat` are empty.
    User,
    /// Reads everything and changes what is not sensitive.
    Operator,
    /// Everything.
    Admin,
}

impl Level {
    /// Reads the word that `show cli level` prints.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        match word {
            "user" => Some(Self::User),
            "operator" => Some(Self::Operator),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "user",
            Self::Operator => "operator",
            Self::Admin => "admin",
        })
    }
}
