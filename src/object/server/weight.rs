use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// Weight to set on a server: a number, or a percentage of the server's initial weight.
///
/// # Example
///
/// ```
/// use haproxyadmin::Weight;
///
/// assert_eq!(Weight::absolute(50)?, "50".parse()?);
/// assert_eq!(Weight::percent(20), "20%".parse()?);
/// assert!("300".parse::<Weight>().is_err());
/// # Ok::<(), haproxyadmin::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Weight {
    number: u64,
    relative: bool,
}

/// Highest weight that HAProxy accepts.
const HIGHEST: u64 = 256;

impl Weight {
    /// Creates a weight from 0 to 256. A server with weight 0 takes no new traffic.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if `number` is more than 256.
    pub fn absolute(number: u64) -> Result<Self> {
        if number > HIGHEST {
            return Err(Error::invalid(format!("weight {number}: expected 0 to {HIGHEST}, or a percentage")));
        }
        Ok(Self { number, relative: false })
    }

    /// Creates a percentage of the weight that the configuration gives the server, rounded down.
    /// HAProxy replaces a result above 256 with 256.
    pub fn percent(number: u64) -> Self {
        Self { number, relative: true }
    }
}

impl FromStr for Weight {
    type Err = Error;

    /// Reads `50` or `50%`.
    fn from_str(text: &str) -> Result<Self> {
        let (digits, relative) = match text.strip_suffix('%') {
            Some(digits) => (digits, true),
            None => (text, false),
        };
        let number =
            if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None };
        match number {
            Some(number) if relative => Ok(Self::percent(number)),
            Some(number) => Self::absolute(number),
            None => Err(Error::invalid(format!("weight {text:?}: expected 0 to {HIGHEST}, or a percentage"))),
        }
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.number, if self.relative { "%" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_weights_are_weights() {
        for text in ["0", "256", "0%", "150%"] {
            assert_eq!(text.parse::<Weight>().unwrap().to_string(), text);
        }
        for text in ["257", "-1", "+1", "", "%", "1 %", "1%%", "1.5", "99999999999", "0x10"] {
            assert!(text.parse::<Weight>().is_err(), "{text}");
        }
    }
}
