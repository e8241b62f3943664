use std::fmt;

/// Permission level of a stats socket: the `level` of its `stats socket` line.
///
/// A level that permits more compares as greater.
///
/// # Example
///
/// ```
/// use haproxyadmin::Level;
///
/// assert!(Level::Admin > Level::Operator);
/// assert_eq!(Level::Operator.to_string(), "operator");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[doc(alias = "permission")]
#[doc(alias = "show cli level")]
#[non_exhaustive]
pub enum Level {
    /// Permits most reads. The columns `addr`, `cookie` and `algo` of `show stat` are empty.
    User,
    /// Permits all reads and the changes that are not sensitive.
    Operator,
    /// Permits every command.
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
