use std::fmt;

use crate::error::Malformed;

/// Weight of a server in one process: the reply to `get weight`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ServerWeight {
    /// The weight by which it gets traffic now; lower while it warms up
    /// (`slowstart`).
    pub current: u64,
    /// The weight that the configuration gives it.
    pub initial: u64,
}

impl ServerWeight {
    /// Reads `100 (initial 100)`.
    pub(crate) fn read(data: &[u8]) -> Result<Self, Malformed> {
        let text = String::from_utf8_lossy(data);
        let line = text.trim_end().strip_suffix(')').and_then(|text| text.split_once(" (initial "));
        let weights =
            line.and_then(|(current, initial)| Some((current.parse().ok()?, initial.parse().ok()?)));
        match weights {
            Some((current, initial)) => Ok(Self { current, initial }),
            None => Err(Malformed::new(1, None, "a weight and the initial one", data)),
        }
    }
}

impl fmt::Display for ServerWeight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (initial {})", self.current, self.initial)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_weights_are_read() {
        assert_eq!(
            ServerWeight::read(b"15 (initial 10)\n").unwrap(),
            ServerWeight { current: 15, initial: 10 }
        );
        for text in ["", "15", "15 (initial x)", "a (initial 1)"] {
            assert!(ServerWeight::read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
