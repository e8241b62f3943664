use std::fmt;
use std::str::FromStr;

/// Status of a frontend, backend, server or listener: the `status` column.
///
/// HAProxy prints a word and sometimes a remark after it, as in `UP 2/3` or
/// `MAINT (via app/web1)`. [`state`](Status::state) is the word alone, so it is the same for
/// `UP 1/3` and `UP`; [`StatusDetail::Checks`] has the numbers.
///
/// # Example
///
/// ```
/// use haproxyadmin::stat::{State, Status, StatusDetail};
///
/// let status = Status::parse("UP 2/3");
/// assert_eq!(status.state, State::Up);
/// assert_eq!(status.remark, Some(StatusDetail::Checks { seen: 2, needed: 3 }));
/// assert_eq!(status.to_string(), "UP 2/3");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Status {
    /// The state.
    pub state: State,
    /// The remark that HAProxy prints after the state.
    pub remark: Option<StatusDetail>,
}

/// State of a proxy, server or listener.
///
/// # Example
///
/// ```
/// use haproxyadmin::stat::{State, Status};
///
/// assert_eq!(Status::parse("MAINT (resolution)").state, State::Maint);
/// assert_eq!(State::NoCheck.to_string(), "no check");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// `OPEN`: a frontend or listener accepts connections.
    Open,
    /// `FULL`: a frontend or listener has reached its limit.
    Full,
    /// `WAITING`: a listener has not been started yet.
    Waiting,
    /// `PAUSED`: a frontend was disabled temporarily (2.6 and later; 2.2 prints `STOP`).
    Paused,
    /// `STOP`: a frontend was shut down.
    Stop,
    /// `UP`: a backend or server takes traffic.
    Up,
    /// `DOWN`: health checks or an agent took a backend or server out of service.
    Down,
    /// `NOLB`: a server serves its existing sessions and gets no new traffic, because its own
    /// health check asked for that.
    Nolb,
    /// `DRAIN`: a server serves its existing sessions, because the operator or the agent asked for
    /// that.
    Drain,
    /// `MAINT`: a server is in maintenance.
    Maint,
    /// `no check`: a server without health checks, which HAProxy treats as up.
    NoCheck,
    /// A word that this crate does not know, with the text after it.
    Other(Box<str>),
}

/// Remark that HAProxy prints after a state.
///
/// # Example
///
/// ```
/// use haproxyadmin::stat::{Status, StatusDetail};
///
/// let status = Status::parse("MAINT (via app/web1)");
/// let via = StatusDetail::Via { backend: "app".into(), server: "web1".into() };
/// assert_eq!(status.remark, Some(via));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StatusDetail {
    /// `UP 2/3`: progress of the health checks towards another state.
    ///
    /// - `UP n/m`, `NOLB n/m` and `DRAIN n/m`: `n` more failed checks make the server `DOWN`; `m`
    ///   is the setting `fall`. One check that passes makes it plain `UP`. The fraction counts
    ///   down: `UP 1/3` is worse than `UP 2/3`, and plain `UP` is best.
    /// - `DOWN n/m`: `n` checks of the `m` in a row that make the server `UP` have passed; `m` is
    ///   the setting `rise`. One check that fails makes it plain `DOWN`, which is worst.
    ///
    /// Until enough checks have passed after its start, 3.4 prints `UP 0/m`, `UP -1/m` and so on.
    ///
    /// A server that leaves maintenance is `UP 1/m` at once, before any check has passed. It takes
    /// traffic, and its health is unknown until the status is plain `UP`. With `fall 1` the status
    /// is plain `UP` from the beginning, so it does not show if a check has passed.
    Checks {
        /// Number before the slash.
        seen: i32,
        /// Number after the slash.
        needed: u32,
    },
    /// `UP (3/5)`: number of the servers of a backend that a filtered `show stat` prints.
    Servers {
        /// Servers that are counted.
        active: u32,
        /// All servers.
        total: u32,
    },
    /// `(agent)`: the state was set by the agent.
    Agent,
    /// `(resolution)`: the server's name cannot be resolved.
    Resolution,
    /// `(via BACKEND/SERVER)`: the state is inherited from the server that this one tracks.
    Via {
        /// Backend of the tracked server.
        backend: Box<str>,
        /// The tracked server.
        server: Box<str>,
    },
    /// `(UNPUB)`: the backend is unpublished and gets no traffic (3.4 and later).
    Unpublished,
    /// A remark that this crate does not know.
    Other(Box<str>),
}

impl Status {
    /// Reads the text of a `status` cell. Unknown texts are kept in [`State::Other`] and
    /// [`StatusDetail::Other`].
    pub fn parse(text: &str) -> Self {
        let (word, rest) = match text.strip_prefix("no check") {
            Some(rest) => ("no check", rest.trim_start()),
            None => text.split_once(' ').unwrap_or((text, "")),
        };
        let state = match word {
            "OPEN" => State::Open,
            "FULL" => State::Full,
            "WAITING" => State::Waiting,
            "PAUSED" => State::Paused,
            "STOP" => State::Stop,
            "UP" => State::Up,
            "DOWN" => State::Down,
            "NOLB" => State::Nolb,
            "DRAIN" => State::Drain,
            "MAINT" => State::Maint,
            "no check" => State::NoCheck,
            _ => return Self { state: State::Other(text.into()), remark: None },
        };
        let remark = (!rest.is_empty()).then(|| StatusDetail::parse(rest));
        Self { state, remark }
    }

    /// Returns `true` if `unpublish backend` keeps traffic from the backend.
    pub fn is_unpublished(&self) -> bool {
        self.remark == Some(StatusDetail::Unpublished)
    }

    /// Returns `true` if two statuses are the same or differ only in the numbers of the health
    /// checks.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        let is_counted = |status: &Self| matches!(status.remark, None | Some(StatusDetail::Checks { .. }));
        self.state == other.state && (self.remark == other.remark || is_counted(self) && is_counted(other))
    }

    /// Returns a key that orders statuses which [agree](Self::agrees): the worst has the lowest
    /// key.
    ///
    /// An up status is worse if fewer failed checks take it down. A down status is worse if it
    /// needs more passed checks to come up.
    pub(crate) fn severity(&self) -> impl Ord + use<> {
        let counts = match self.remark {
            Some(StatusDetail::Checks { seen, needed }) => Some((i64::from(seen), i64::from(needed))),
            _ => None,
        };
        match (&self.state, counts) {
            (State::Down, None) => (false, 0, 0),
            (State::Down, Some((seen, needed))) => (true, seen - needed, seen),
            (_, Some((seen, needed))) => (false, seen, -needed),
            (_, None) => (true, 0, 0),
        }
    }
}

impl StatusDetail {
    fn parse(text: &str) -> Self {
        let inner = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
        let remark = match inner {
            Some("agent") => Some(Self::Agent),
            Some("resolution") => Some(Self::Resolution),
            Some("UNPUB") => Some(Self::Unpublished),
            Some(inner) => match inner.strip_prefix("via ").and_then(|name| name.split_once('/')) {
                Some((backend, server)) => Some(Self::Via { backend: backend.into(), server: server.into() }),
                None => fraction(inner).map(|(active, total)| Self::Servers { active, total }),
            },
            None => fraction(text).map(|(seen, needed)| Self::Checks { seen, needed }),
        };
        remark.unwrap_or_else(|| Self::Other(text.into()))
    }
}

fn fraction<T: FromStr>(text: &str) -> Option<(T, u32)> {
    let (part, whole) = text.split_once('/')?;
    Some((part.parse().ok()?, whole.parse().ok()?))
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.remark {
            None => self.state.fmt(f),
            Some(remark) => write!(f, "{} {remark}", self.state),
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Open => "OPEN",
            Self::Full => "FULL",
            Self::Waiting => "WAITING",
            Self::Paused => "PAUSED",
            Self::Stop => "STOP",
            Self::Up => "UP",
            Self::Down => "DOWN",
            Self::Nolb => "NOLB",
            Self::Drain => "DRAIN",
            Self::Maint => "MAINT",
            Self::NoCheck => "no check",
            Self::Other(text) => text,
        })
    }
}

impl fmt::Display for StatusDetail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checks { seen, needed } => write!(f, "{seen}/{needed}"),
            Self::Servers { active, total } => write!(f, "({active}/{total})"),
            Self::Agent => f.write_str("(agent)"),
            Self::Resolution => f.write_str("(resolution)"),
            Self::Via { backend, server } => write!(f, "(via {backend}/{server})"),
            Self::Unpublished => f.write_str("(UNPUB)"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_of_haproxy_is_understood_and_printed_as_it_was() {
        let texts = [
            ("OPEN", State::Open, None),
            ("STOP", State::Stop, None),
            ("UP", State::Up, None),
            ("UP 2/3", State::Up, Some(StatusDetail::Checks { seen: 2, needed: 3 })),
            ("UP (3/5)", State::Up, Some(StatusDetail::Servers { active: 3, total: 5 })),
            ("UP (UNPUB)", State::Up, Some(StatusDetail::Unpublished)),
            ("DOWN (agent)", State::Down, Some(StatusDetail::Agent)),
            ("DRAIN 1/2", State::Drain, Some(StatusDetail::Checks { seen: 1, needed: 2 })),
            (
                "MAINT (via app/web.1)",
                State::Maint,
                Some(StatusDetail::Via { backend: "app".into(), server: "web.1".into() }),
            ),
            ("MAINT (resolution)", State::Maint, Some(StatusDetail::Resolution)),
            ("no check", State::NoCheck, None),
            ("UP (brand new)", State::Up, Some(StatusDetail::Other("(brand new)".into()))),
            ("SLEEPING 1/2", State::Other("SLEEPING 1/2".into()), None),
        ];
        for (text, state, remark) in texts {
            let status = Status::parse(text);
            assert_eq!(status, Status { state, remark }, "{text}");
            assert_eq!(status.to_string(), text);
        }
    }

    #[test]
    fn statuses_agree_if_they_are_the_same_or_differ_in_counts_alone() {
        let agree = |a, b| Status::parse(a).agrees(&Status::parse(b));
        let same = [
            ("UP", "UP 2/3"),
            ("UP 1/3", "UP 2/3"),
            ("UP 1/3", "UP 1/2"),
            ("DOWN", "DOWN 1/2"),
            ("NOLB", "NOLB 1/2"),
            ("DRAIN", "DRAIN 1/2"),
            ("DRAIN (agent)", "DRAIN (agent)"),
            ("MAINT (via a/b)", "MAINT (via a/b)"),
            ("SLEEPING 1/2", "SLEEPING 1/2"),
        ];
        let different = [
            ("UP", "DOWN 1/2"),
            ("UP", "no check"),
            ("UP", "UP (UNPUB)"),
            ("UP 1/2", "UP (UNPUB)"),
            ("UP (3/5)", "UP (4/5)"),
            ("UP", "UP (brand new)"),
            ("DOWN", "DOWN (agent)"),
            ("DOWN 1/2", "DOWN (agent)"),
            ("DRAIN", "DRAIN (agent)"),
            ("MAINT", "MAINT (via a/b)"),
            ("MAINT", "MAINT (resolution)"),
            ("MAINT (via a/b)", "MAINT (via a/c)"),
            ("SLEEPING 1/2", "SLEEPING"),
        ];
        for (a, b) in same {
            assert!(agree(a, b) && agree(b, a), "{a}, {b}");
        }
        for (a, b) in different {
            assert!(!agree(a, b) && !agree(b, a), "{a}, {b}");
        }
    }

    #[test]
    fn the_worst_count_is_the_one_next_to_down_or_farthest_from_up() {
        for from_worst in [
            ["UP 1/3", "UP 1/2", "UP 2/3", "UP"],
            ["NOLB 1/3", "NOLB 1/2", "NOLB 2/3", "NOLB"],
            ["DRAIN 1/3", "DRAIN 1/2", "DRAIN 2/3", "DRAIN"],
            ["DOWN", "DOWN 1/3", "DOWN 1/2", "DOWN 2/3"],
            ["UP 0/4294967295", "UP 1/1", "UP 2147483647/1", "UP"],
            ["UP -1/3", "UP 0/3", "UP 1/3", "UP"],
        ] {
            let mut sorted = from_worst.map(Status::parse);
            sorted.reverse();
            sorted.sort_by_key(Status::severity);
            assert_eq!(sorted.map(|status| status.to_string()), from_worst);
        }
    }
}
