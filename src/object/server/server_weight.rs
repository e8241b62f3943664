use std::fmt;

use crate::error::Malformed;

/// Weight of a server in one process: the reply to `get weight`.
///
/// # Example
///
/// ```no_run
/// # async fn example(server: haproxyadmin::ServerRef) -> haproxyadmin::Result<()> {
/// for (label, weight) in server.fetch_weight().await?.values() {
///     println!("{label}: {}, configured {}", weight.current, weight.initial);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ServerWeight {
    /// Weight by which the server receives traffic now; lower while the server warms up
    /// (`slowstart`).
    pub current: u64,
    /// Weight from the configuration.
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
