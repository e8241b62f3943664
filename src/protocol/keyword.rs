//! Enums with one HAProxy keyword for each variant.

/// Implements `as_str`, `Display` and `FromStr` for `$type`.
macro_rules! keywords {
    ($type:ident, $what:literal, { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $type {
            /// Returns the keyword of HAProxy.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::error::Error;

            /// Reads the keyword of HAProxy.
            fn from_str(word: &str) -> $crate::error::Result<Self> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => {
                        let words = [$($word),+].join(", ");
                        let found = $crate::excerpt::excerpt(word);
                        Err($crate::error::Error::invalid(format!("{} {found:?}: expected {words}", $what)))
                    }
                }
            }
        }
    };
}

pub(crate) use keywords;
