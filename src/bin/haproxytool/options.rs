use std::time::Duration;

use crate::problem::Problem;

/// Where HAProxy's sockets are if nothing else is said.
pub(crate) const DIR: &str = "/run/haproxy";

/// The options of the command line, and the words between them.
#[derive(Default)]
pub(crate) struct Options {
    /// Those that have no value.
    flags: Vec<String>,
    pub(crate) dirs: Vec<String>,
    pub(crate) sockets: Vec<String>,
    pub(crate) only: Vec<String>,
    /// How many processes there are at least.
    pub(crate) expect: usize,
    pub(crate) timeout: Option<Duration>,
    pub(crate) port: Option<u16>,
    pub(crate) backend: Option<String>,
    pub(crate) words: Vec<String>,
}

impl Options {
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, Problem> {
        let mut options = Self::default();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(usage(format!("{argument}: expected a value")));
            match argument.as_str() {
                "--help" | "--json" | "--allow-partial" | "--demo" | "--all" => options.flags.push(argument),
                "-D" => options.dirs.push(value()?),
                "-F" => options.sockets.push(value()?),
                "--only" => options.only.push(value()?),
                "--expect" => options.expect = parse("a number of processes", &value()?)?,
                "--timeout" => options.timeout = Some(seconds(&value()?)?),
                "--port" => options.port = Some(parse("port", &value()?)?),
                "--backend" => options.backend = Some(value()?),
                "--" => options.words.extend(arguments.by_ref()),
                option if option.starts_with('-') && option != "-" => {
                    return Err(usage(format!("unknown option {option}")));
                }
                _ => options.words.push(argument),
            }
        }
        if options.has("--demo") && !(options.dirs.is_empty() && options.sockets.is_empty()) {
            return Err(usage("--demo takes neither -D nor -F".into()));
        }
        Ok(options)
    }

    pub(crate) fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|given| given == flag)
    }
}

/// A word as what it should be.
pub(crate) fn parse<T: std::str::FromStr>(what: &str, word: &str) -> Result<T, Problem> {
    word.parse().map_err(|_| usage(format!("expected {what}, found {word:?}")))
}

/// The one of `values` that is called so.
pub(crate) fn one_of<T: Copy + ToString>(word: &str, values: &[T]) -> Result<T, Problem> {
    let found = values.iter().find(|value| value.to_string() == word);
    found.copied().ok_or_else(|| {
        let names: Vec<_> = values.iter().map(ToString::to_string).collect();
        usage(format!("expected {}, found {word:?}", names.join(" or ")))
    })
}

fn seconds(word: &str) -> Result<Duration, Problem> {
    let seconds: f64 = parse("seconds", word)?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(timeout) if !timeout.is_zero() => Ok(timeout),
        _ => Err(usage(format!("expected seconds, found {word:?}"))),
    }
}

fn usage(text: String) -> Problem {
    Problem::Usage(text)
}
