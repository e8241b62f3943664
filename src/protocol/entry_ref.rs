use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::excerpt::excerpt;

/// What stands for one entry in one process, as long as it is there: its address
/// in the memory of that process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EntryRef(pub(crate) u64);

impl FromStr for EntryRef {
    type Err = Error;

    /// Reads `0x55d0c8a2f0b0`, or the same with `#` before it.
    fn from_str(text: &str) -> Result<Self, Error> {
        let digits = text.strip_prefix('#').unwrap_or(text).strip_prefix("0x");
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()) {
            Some(number) => Ok(Self(number)),
            None => Err(Error::invalid(format!(
                "reference {:?}: expected `0x` and hexadecimal digits",
                excerpt(text)
            ))),
        }
    }
}

impl fmt::Display for EntryRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}
