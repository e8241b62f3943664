use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::excerpt::excerpt;

/// Reference to one entry of a map or ACL in one process: the address of the entry in the
/// memory of that process.
///
/// The reference is valid until the process removes the entry. It means nothing to other
/// processes.
///
/// # Example
///
/// ```
/// use haproxyadmin::map::EntryRef;
///
/// let reference: EntryRef = "#0x55d0c8a2f0b0".parse()?;
/// assert_eq!(reference.to_string(), "0x55d0c8a2f0b0");
/// # Ok::<(), haproxyadmin::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[doc(alias = "reference")]
#[doc(alias = "pointer")]
#[doc(alias = "#<ref>")]
pub struct EntryRef(pub(crate) u64);

impl FromStr for EntryRef {
    type Err = Error;

    /// Reads a reference such as `0x55d0c8a2f0b0` or `#0x55d0c8a2f0b0`.
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
