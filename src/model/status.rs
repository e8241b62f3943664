use std::fmt;

/// Status of a frontend, backend, server or listener: the `status` column.
///
/// HAProxy prints a word and sometimes a remark behind it, as in `UP 2/3` or
/// `MAINT (via app/web1)`; [`state`](Status::state) is the word, and mostly what
/// one wants to compare.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Status {
    /// The state itself.
    pub state: State,
    /// What HAProxy adds to it.
    pub remark: Option<Remark>,
}

/// State of a proxy, server or listener.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// `OPEN`: a frontend or listener accepts connections.
    Open,
    /// `FULL`: a frontend or listener has reached its limit.
    Full,
    /// `WAITING`: a listener waits to be started.
    Waiting,
    /// `PAUSED`: a frontend was disabled for a time (2.6 and later; 2.2 says
    /// `STOP`).
    Paused,
    /// `STOP`: a frontend was shut down.
    Stop,
    /// `UP`: a backend or server takes traffic.
    Up,
    /// `DOWN`: health checks or an agent took it out.
    Down,
    /// `NOLB`: a server finishes what it has and gets no new traffic, by its own
    /// health check's word.
    Nolb,
    /// `DRAIN`: a server finishes what it has, by the operator's or agent's word.
    Drain,
    /// `MAINT`: a server is in maintenance.
    Maint,
    /// `no check`: a server without health checks, taken for up.
    NoCheck,
    /// A word this crate does not know, with all that followed it.
    Other(Box<str>),
}

/// What HAProxy adds to a state.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Remark {
    /// `UP 2/3`: so many checks passed or failed of those that change the state.
    Checks {
        /// Checks so far.
        seen: u32,
        /// Checks that it takes.
        needed: u32,
    },
    /// `UP (3/5)`: so many of a backend's servers are shown by a filtered
    /// `show stat`.
    Servers {
        /// Servers that count.
        active: u32,
        /// Servers in all.
        total: u32,
    },
    /// `(agent)`: by word of the agent.
    Agent,
    /// `(resolution)`: the server's name does not resolve.
    Resolution,
    /// `(via BACKEND/SERVER)`: taken over from the server it tracks.
    Via {
        /// Backend of the tracked server.
        backend: Box<str>,
        /// The tracked server.
        server: Box<str>,
    },
    /// `(UNPUB)`: a backend that gets no traffic yet (3.4 and later).
    Unpublished,
    /// A remark this crate does not know.
    Other(Box<str>),
}

impl Status {
    /// Reads the text of a `status` cell. Every text has a meaning; what is not
    /// known is kept.
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
        let remark = (!rest.is_empty()).then(|| Remark::parse(rest));
        Self { state, remark }
    }

    /// Whether the backend is kept from traffic by `unpublish backend`.
    pub fn is_unpublished(&self) -> bool {
        self.remark == Some(Remark::Unpublished)
    }

    /// Whether two processes that say this and that mean the same: the same
    /// state, whatever their checks have counted so far.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        self.state == other.state && self.is_unpublished() == other.is_unpublished()
    }
}

impl Remark {
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

fn fraction(text: &str) -> Option<(u32, u32)> {
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

impl fmt::Display for Remark {
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
            ("UP 2/3", State::Up, Some(Remark::Checks { seen: 2, needed: 3 })),
            ("UP (3/5)", State::Up, Some(Remark::Servers { active: 3, total: 5 })),
            ("UP (UNPUB)", State::Up, Some(Remark::Unpublished)),
            ("DOWN (agent)", State::Down, Some(Remark::Agent)),
            ("DRAIN 1/2", State::Drain, Some(Remark::Checks { seen: 1, needed: 2 })),
            (
                "MAINT (via app/web.1)",
                State::Maint,
                Some(Remark::Via { backend: "app".into(), server: "web.1".into() }),
            ),
            ("MAINT (resolution)", State::Maint, Some(Remark::Resolution)),
            ("no check", State::NoCheck, None),
            ("UP (brand new)", State::Up, Some(Remark::Other("(brand new)".into()))),
            ("SLEEPING 1/2", State::Other("SLEEPING 1/2".into()), None),
        ];
        for (text, state, remark) in texts {
            let status = Status::parse(text);
            assert_eq!(status, Status { state, remark }, "{text}");
            assert_eq!(status.to_string(), text);
        }
    }

    #[test]
    fn counts_are_no_disagreement_but_publication_is() {
        let agree = |a, b| Status::parse(a).agrees(&Status::parse(b));
        assert!(agree("UP", "UP 2/3"));
        assert!(!agree("UP", "DOWN 1/2"));
        assert!(!agree("UP", "UP (UNPUB)"));
    }
}
