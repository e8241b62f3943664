//! Serialises values as the text that HAProxy prints for them.

use super::{CheckStatus, Mode, ServerAddress, Status};
use crate::version::Version;

/// Serialises `$value` with its `Display` and deserialises it with its `parse`.
macro_rules! as_text {
    ($($value:ident)*) => {$(
        impl serde::Serialize for $value {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $value {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Ok(Self::parse(&text))
            }
        }
    )*};
}

as_text!(CheckStatus Mode ServerAddress Status Version);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_haproxy_prints_them() {
        let status = Status::parse("MAINT (via app/web1)");
        let json = serde_json::to_string(&status).unwrap();
        assert_eq!(json, "\"MAINT (via app/web1)\"");
        assert_eq!(serde_json::from_str::<Status>(&json).unwrap(), status);
        assert_eq!(serde_json::to_string(&CheckStatus::parse("* L4OK")).unwrap(), "\"* L4OK\"");
        assert_eq!(serde_json::from_str::<Version>("\"3.4.7\"").unwrap().branch(), (3, 4));
    }
}
