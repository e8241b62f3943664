//! Rings of events: the output of `show events`.

use std::fmt;

use crate::error::Malformed;

/// A ring of a process: one line of the list that `show events` prints. HAProxy calls it an event sink.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// for (label, rings) in cluster.rings().await?.values() {
///     for ring in rings.iter().filter(|ring| ring.is_kept()) {
///         println!("{label}: {}", ring.name);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Ring {
    /// Name of the ring.
    pub name: Box<str>,
    /// Type in HAProxy's words: `buffer` for a ring in memory, `fd` for a file descriptor.
    pub kind: Box<str>,
    /// Number of events that HAProxy has dropped and not announced in the ring yet.
    pub dropped: u64,
    /// Description of the ring in the configuration.
    pub description: Box<str>,
}

/// An event of a ring: one line, or a loss.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// use haproxyadmin::ring::Event;
///
/// for (label, events) in cluster.events("requests").await?.values() {
///     let lines = events.iter().filter(|event| matches!(event, Event::Line(_))).count();
///     println!("{label}: {lines} lines");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum Event {
    /// A line, in the format of the ring (`format` in the configuration), without its line feed.
    /// Bytes that are not UTF-8 become U+FFFD.
    Line(Box<str>),
    /// The number of events that HAProxy dropped at this place, because a reader was too slow for the
    /// size of the ring. HAProxy announces a loss in a line of its own (`5 events dropped`) before the
    /// next event.
    Lost(u64),
}

impl Ring {
    /// Returns `true` if the process keeps the events in memory and can show them.
    pub fn is_kept(&self) -> bool {
        &*self.kind == "buffer"
    }

    /// Reads the list that `show events` prints. Its first line is a text.
    pub(crate) fn read(text: &str) -> Result<Vec<Self>, Malformed> {
        let lines = text.lines().enumerate().skip(1).filter(|(_, line)| !line.trim().is_empty());
        let malformed =
            |at, line: &str| Malformed::new(at, None, "a line of the list of rings", line.as_bytes());
        lines.map(|(at, line)| Self::line(line).ok_or_else(|| malformed(at + 1, line))).collect()
    }

    /// Reads `    NAME : type=TYPE, N dropped, DESCRIPTION`.
    fn line(line: &str) -> Option<Self> {
        let (name, rest) = line.split_once(" : type=")?;
        let (kind, rest) = rest.split_once(", ")?;
        let (dropped, description) = rest.split_once(" dropped, ")?;
        Some(Self {
            name: name.trim().into(),
            kind: kind.into(),
            dropped: dropped.parse().ok()?,
            description: description.into(),
        })
    }
}

impl Event {
    /// Reads a line of a ring.
    pub(crate) fn read(line: &[u8]) -> Self {
        // From 3.0 on, HAProxy ends the announcement of a loss with a NUL.
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end_matches('\0');
        lost(line).map_or_else(|| Self::Line(line.into()), Self::Lost)
    }

    /// Reads the reply to `show events RING`.
    pub(crate) fn read_all(reply: &[u8]) -> Vec<Self> {
        let lines = reply.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        lines.map(Self::read).collect()
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => f.write_str(line),
            Self::Lost(events) => write!(f, "{events} events dropped"),
        }
    }
}

/// Returns the number of events in the announcement of a loss.
///
/// A line with text from outside can end in the same words. An announcement therefore counts only if
/// nothing but the header of the ring's format is before it, and if its severity is a notice.
fn lost(line: &str) -> Option<u64> {
    let text = line.strip_suffix(" events dropped").or_else(|| line.strip_suffix(" event dropped"))?;
    let (head, number) = text
        .rsplit_once([' ', '>'])
        .map_or(("", text), |(head, number)| (text.get(..=head.len()).unwrap_or_default(), number));
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    (digits && is_header(head)).then(|| number.parse().ok())?
}

/// Returns `true` for the header of an announcement, in any format of a ring.
fn is_header(head: &str) -> bool {
    let (priority, rest) = match head.strip_prefix('<').and_then(|head| head.split_once('>')) {
        Some((priority, rest)) => (Some(priority), rest),
        None => (None, head),
    };
    let is_notice = |priority: &str| priority.parse::<u32>().is_ok_and(|priority| priority % 8 == 5);
    if !priority.is_none_or(is_notice) {
        return false;
    }
    let Some(words) = rest.strip_suffix(' ') else { return rest.is_empty() };
    let words: Vec<_> = words.split_ascii_whitespace().collect();
    match (priority, words.as_slice()) {
        // iso and timed, or rfc5424
        (_, [time]) | (Some(_), ["1", time, _, _, _, _, "-"]) => is_time(time),
        // rfc3164, local
        (Some(_), [month, _, clock, .., tag]) => {
            words.len() <= 5 && month.len() == 3 && clock.len() == 8 && tag.ends_with(':')
        }
        _ => false,
    }
}

fn is_time(word: &str) -> bool {
    word.len() >= 20
        && word.starts_with(|c: char| c.is_ascii_digit())
        && word.as_bytes().get(10) == Some(&b'T')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rings_are_listed() {
        let text = "Supported events sinks are listed below. Add -w(wait), -n(new). Any key to stop\n    \
            stdout     : type=fd, 0 dropped, standard output (fd#1)\n    \
            a.very_long-name:x : type=buffer, 7 dropped, a : type=b, ring\n\n";
        let rings = Ring::read(text).unwrap();
        let [stdout, long] = rings.as_slice() else { panic!("{rings:?}") };
        assert_eq!((&*stdout.name, stdout.is_kept(), stdout.dropped), ("stdout", false, 0));
        assert_eq!((&*long.name, long.is_kept(), long.dropped), ("a.very_long-name:x", true, 7));
        assert_eq!(&*long.description, "a : type=b, ring");
        assert!(Ring::read("x\n    stdout type=fd\n").is_err());
    }

    #[test]
    fn losses_are_found_in_every_format() {
        for line in [
            "5339 events dropped",
            "5339 events dropped\0",
            "<5>5339 events dropped",
            "<133>5339 events dropped",
            "<5>2026-11-26T01:51:20.002872+00:00 5339 events dropped\0",
            "2026-11-26T01:51:20.697701+00:00 5339 events dropped",
            "<133>Nov 26 01:51:21 localhost haproxy[9650]: 5339 events dropped",
            "<133>Nov  6 01:51:21 haproxy[9650]: 5339 events dropped",
            "<133>1 2026-11-26T01:51:22.072110+00:00 - haproxy 9650 - - 5339 events dropped",
        ] {
            assert_eq!(Event::read(line.as_bytes()), Event::Lost(5339), "{line}");
        }
        assert_eq!(Event::read(b"<5>1 event dropped"), Event::Lost(1));
    }

    #[test]
    fn lines_with_the_same_words_are_no_losses() {
        for line in [
            "N=1 path=/5 events dropped",
            "GET 5 events dropped",
            "<134>5 events dropped",
            "<x>5 events dropped",
            "<133>Nov 26 01:51:21 localhost haproxy[9650]: agent 5 events dropped",
            "<134>1 2026-11-26T01:51:22.072110+00:00 - haproxy 9650 - - 5 events dropped",
            "<133>1 2026-11-26T01:51:22.072110+00:00 - haproxy 9650 - - a 5 events dropped",
            "x events dropped",
            " events dropped",
            "-5 events dropped",
            "99999999999999999999 events dropped",
        ] {
            assert_eq!(Event::read(line.as_bytes()), Event::Line(line.into()));
        }
    }
}
