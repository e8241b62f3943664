use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::excerpt::excerpt;

/// Id of a session in one process: the address of the session in the memory of that process.
///
/// The id is valid until the session ends, and means nothing to other processes. HAProxy gives the
/// id of a session that has ended to a later session, often to the next one.
///
/// # Example
///
/// ```
/// use haproxyadmin::session::SessionId;
///
/// let id: SessionId = "0x7f0c4447c800".parse()?;
/// assert_eq!(id.to_string(), "0x7f0c4447c800");
/// # Ok::<(), haproxyadmin::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[doc(alias = "pointer")]
pub struct SessionId(u64);

impl FromStr for SessionId {
    type Err = Error;

    /// Reads an id such as `0x7f0c4447c800`.
    ///
    /// The id 0 is refused: HAProxy up to 3.0 would list all sessions instead of one.
    fn from_str(text: &str) -> Result<Self, Error> {
        let digits = text.strip_prefix("0x");
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()) {
            Some(number @ 1..) => Ok(Self(number)),
            _ => Err(Error::invalid(format!(
                "id of a session {:?}: expected `0x` and hexadecimal digits, not all of them 0",
                excerpt(text)
            ))),
        }
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for SessionId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for SessionId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_pointer_and_nothing_else() {
        let longest = "0xffffffffffffffff";
        assert_eq!(longest.parse::<SessionId>().unwrap().to_string(), longest);
        for text in ["", "0x", "0", "0x0", "0x00", "abc", "#0x1", "0x1 ", "0x1;quit", "0x-1", "0x+1", "all"] {
            assert!(text.parse::<SessionId>().is_err(), "{text:?}");
        }
        assert_eq!(
            "0x".parse::<SessionId>().unwrap_err().to_string(),
            "id of a session \"0x\": expected `0x` and hexadecimal digits, not all of them 0"
        );
        assert!("0x10000000000000000".parse::<SessionId>().is_err());
    }
}
