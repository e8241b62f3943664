use std::collections::BTreeMap;
use std::fmt;

use haproxyadmin::Error;

use crate::site::{Plan, SERVERS};

/// The counts of one task or of a whole test.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) reloads: usize,
    /// Changes of servers that were reported as made.
    pub(crate) written: usize,
    /// Entries that were reported as added.
    pub(crate) added: usize,
    /// Reads that gave figures.
    pub(crate) read: usize,
    /// Changes and entries that are lost because the worker that made them was replaced.
    pub(crate) replaced: usize,
    /// Calls that returned success although the reloaded process had executed nothing, with
    /// the outcomes of that process.
    pub(crate) wrong_successes: BTreeMap<String, usize>,
    /// Calls that returned `NotFound` for a server or map that every process has.
    pub(crate) not_found: BTreeMap<String, usize>,
    /// Keys that one process has more than once after one call.
    pub(crate) doubled: BTreeMap<String, usize>,
    /// Calls that returned more than one outcome for the reloaded process.
    pub(crate) told_twice: BTreeMap<String, usize>,
    /// Reads without the reloaded process.
    pub(crate) missed: BTreeMap<String, usize>,
    /// Reads that counted one worker twice.
    pub(crate) counted_twice: BTreeMap<String, usize>,
    /// Reads with both workers, each at its own socket.
    pub(crate) seen_twice: BTreeMap<String, usize>,
    /// Everything else that failed.
    pub(crate) failures: BTreeMap<String, usize>,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.reloads += other.reloads;
        self.written += other.written;
        self.added += other.added;
        self.read += other.read;
        self.replaced += other.replaced;
        for (into, from) in [
            (&mut self.wrong_successes, other.wrong_successes),
            (&mut self.not_found, other.not_found),
            (&mut self.doubled, other.doubled),
            (&mut self.told_twice, other.told_twice),
            (&mut self.missed, other.missed),
            (&mut self.counted_twice, other.counted_twice),
            (&mut self.seen_twice, other.seen_twice),
            (&mut self.failures, other.failures),
        ] {
            for (text, count) in from {
                *into.entry(text).or_default() += count;
            }
        }
    }

    pub(crate) fn fail(&mut self, what: &str, error: &Error, plan: &Plan) {
        let text = format!("{what}: {:?}: {}", error.kind(), nameless(&error.to_string(), plan));
        *self.failures.entry(text).or_default() += 1;
    }

    /// Lists the counts that must be zero.
    pub(crate) fn wrong(&self) -> Vec<String> {
        let all = [
            ("wrong success", &self.wrong_successes),
            ("not found", &self.not_found),
            ("doubled entry", &self.doubled),
            ("told twice", &self.told_twice),
            ("read without it", &self.missed),
            ("counted twice", &self.counted_twice),
            ("seen twice", &self.seen_twice),
        ];
        let texts = all.iter().flat_map(|(name, texts)| texts.iter().map(move |text| (name, text)));
        texts.map(|(name, (text, count))| format!("{count} x {name}: {text}")).collect()
    }
}

/// Removes the folder, the server's name and the weight from a text. Errors that differ only
/// in these count as one.
pub(crate) fn nameless(text: &str, plan: &Plan) -> String {
    let mut text = text.replace(&format!("{}/", plan.dir.display()), "");
    for server in SERVERS {
        text = text.replace(&format!("app/{server}"), "app/wN");
    }
    let Some((before, rest)) = text.split_once(" weight ") else { return text };
    format!("{before} weight N{}", rest.trim_start_matches(|first: char| first.is_ascii_digit()))
}

pub(crate) fn count(texts: &mut BTreeMap<String, usize>, text: impl Into<String>) {
    *texts.entry(text.into()).or_default() += 1;
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sum = |texts: &BTreeMap<String, usize>| texts.values().sum::<usize>();
        writeln!(
            f,
            "  {} reloads; {} writes, {} adds, {} reads succeeded; {} changes went with their worker",
            self.reloads, self.written, self.added, self.read, self.replaced
        )?;
        for (name, texts) in [
            ("wrong successes", &self.wrong_successes),
            ("not found", &self.not_found),
            ("doubled entries", &self.doubled),
            ("told twice", &self.told_twice),
            ("reads without the process", &self.missed),
            ("reads with one worker twice", &self.counted_twice),
            ("reads with both workers", &self.seen_twice),
            ("plain failures", &self.failures),
        ] {
            writeln!(f, "  {name}: {}", sum(texts))?;
            for (text, count) in texts {
                writeln!(f, "    {count} x {text}")?;
            }
        }
        Ok(())
    }
}
