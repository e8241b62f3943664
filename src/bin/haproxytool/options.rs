use std::time::Duration;

use clap::Args;

use crate::problem::Problem;

/// Directory of HAProxy's sockets, unless others are given.
pub(crate) const DIR: &str = "/run/haproxy";

/// The options of the command line, as they are typed.
#[derive(Debug, Default, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Options {
    /// Take every stats socket in a directory; can be repeated. Without -D, -F and -M: /run/haproxy
    #[arg(short = 'D', value_name = "DIR", allow_hyphen_values = true)]
    pub(crate) dirs: Vec<String>,
    /// Take a stats socket, by its path or in HAProxy's notation; can be repeated
    #[arg(short = 'F', value_name = "SOCKET", allow_hyphen_values = true)]
    pub(crate) sockets: Vec<String>,
    /// Take the workers of a master, by the socket of the master; can be repeated
    #[arg(short = 'M', value_name = "SOCKET", allow_hyphen_values = true)]
    pub(crate) masters: Vec<String>,
    /// Take only the process with this label (see `process list`); can be repeated
    #[arg(long, value_name = "LABEL", allow_hyphen_values = true)]
    pub(crate) only: Vec<String>,
    /// Fail if there are fewer processes: an absent socket is noticed in no other way
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    expect: Option<String>,
    /// Limit the time of a command; 10 seconds if not given
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
    timeout: Option<String>,
    /// Print the answers of the other processes if some do not answer
    #[arg(long)]
    pub(crate) allow_partial: bool,
    /// Take every object of the kind, in place of names
    #[arg(long)]
    pub(crate) all: bool,
    /// Take servers of this backend
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    pub(crate) backend: Option<String>,
    /// Print JSON, errors too
    #[arg(long)]
    pub(crate) json: bool,
    /// Start embedded processes that answer like HAProxy; each call starts them anew
    #[arg(long)]
    pub(crate) demo: bool,
}

impl Options {
    /// Adds options that come later on the command line.
    pub(crate) fn add(&mut self, later: Self) {
        self.dirs.extend(later.dirs);
        self.sockets.extend(later.sockets);
        self.masters.extend(later.masters);
        self.only.extend(later.only);
        self.expect = later.expect.or(self.expect.take());
        self.timeout = later.timeout.or(self.timeout.take());
        self.backend = later.backend.or(self.backend.take());
        self.allow_partial |= later.allow_partial;
        self.all |= later.all;
        self.json |= later.json;
        self.demo |= later.demo;
    }

    /// Returns `true` if the command line names no place to find processes.
    pub(crate) fn has_no_place(&self) -> bool {
        self.dirs.is_empty() && self.sockets.is_empty() && self.masters.is_empty()
    }

    /// Returns the least number of processes that must be there.
    pub(crate) fn expect(&self) -> Result<usize, Problem> {
        self.expect.as_deref().map_or(Ok(0), |word| parse("a number of processes", word))
    }

    pub(crate) fn timeout(&self) -> Result<Option<Duration>, Problem> {
        self.timeout.as_deref().map(seconds).transpose()
    }
}

/// Parses a word as a value of the type that it should have.
pub(crate) fn parse<T: std::str::FromStr>(what: &str, word: &str) -> Result<T, Problem> {
    word.parse().map_err(|_| usage(format!("expected {what}, found {word:?}")))
}

/// Returns the one of `values` that has this name.
pub(crate) fn one_of<T: Copy + ToString>(word: &str, values: &[T]) -> Result<T, Problem> {
    let found = values.iter().find(|value| value.to_string() == word);
    found.copied().ok_or_else(|| {
        let names: Vec<_> = values.iter().map(ToString::to_string).collect();
        usage(format!("expected {}, found {word:?}", names.join(" or ")))
    })
}

/// Parses a time above 0 in seconds, such as `2s` or `0.5`.
pub(crate) fn seconds(word: &str) -> Result<Duration, Problem> {
    match seconds_or_zero(word)? {
        Duration::ZERO => Err(usage(format!("expected seconds, found {word:?}"))),
        time => Ok(time),
    }
}

/// Parses a time in seconds, such as `2s`, `0.5` or `0`.
pub(crate) fn seconds_or_zero(word: &str) -> Result<Duration, Problem> {
    let seconds = word.strip_suffix('s').unwrap_or(word).parse().ok();
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.ok_or_else(|| usage(format!("expected seconds, found {word:?}")))
}

fn usage(text: String) -> Problem {
    Problem::Usage(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_with_or_without_their_unit() {
        for (word, millis) in [("2", 2000), ("2s", 2000), ("0.5", 500), ("0.5s", 500)] {
            assert_eq!(seconds(word).ok(), Some(Duration::from_millis(millis)), "{word}");
            assert_eq!(seconds_or_zero(word).ok(), Some(Duration::from_millis(millis)), "{word}");
        }
        for word in ["0", "0s", "0.0"] {
            assert_eq!(seconds_or_zero(word).ok(), Some(Duration::ZERO), "{word}");
            assert!(seconds(word).is_err(), "{word}");
        }
        for word in ["", "s", "2ss", "2ms", "2 s", "-1", "-1s", "nan", "infs", "1e300", "soon"] {
            assert!(seconds(word).is_err() && seconds_or_zero(word).is_err(), "{word}");
        }
    }
}
