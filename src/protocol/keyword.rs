//! Types that are one of a few words of HAProxy.

/// Gives `$type` its words: `as_str`, `Display` and `FromStr`.
macro_rules! keywords {
    ($type:ident, $what:literal, { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $type {
            /// The word that HAProxy has for it.
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

            /// Reads the word that HAProxy has for it.
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
