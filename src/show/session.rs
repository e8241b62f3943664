//! Sessions: the output of `show sess`.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::error::Malformed;
use crate::protocol::SessionId;

/// A session of a process: one line of `show sess`.
///
/// HAProxy calls it a stream since 1.7, and keeps the word session in its commands. In `mode tcp` a
/// session is one client connection, in `mode http` it is one request and its response. A connection
/// that waits for its next request, or for its first one, has no session from 2.6 on.
///
/// The connections to the stats socket are sessions too, among them the connection that reads the
/// list. Their frontend is `GLOBAL`. A connection that has just been closed may still be listed.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// let lists = cluster.sessions().await?;
/// for (label, sessions) in lists.values() {
///     for session in sessions.iter().filter(|session| session.is_on("app", "web1")) {
///         println!("{label} {} from {:?} for {:?}", session.id, session.source, session.age);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Session {
    /// Id of the session in its process.
    pub id: SessionId,
    /// Protocol of the client connection, in HAProxy's words: `tcpv4`, `tcpv6`, `unix_stream`; `?`
    /// for a session that HAProxy itself has opened.
    pub protocol: Box<str>,
    /// Address and port of the client; `None` if the client is not connected over IP.
    pub source: Option<SocketAddr>,
    /// Name of the frontend. `None` if HAProxy knows no address of the client; frontend, backend and
    /// server are not printed then.
    pub frontend: Option<Box<str>>,
    /// Name of the backend; `None` if none has been chosen.
    pub backend: Option<Box<str>>,
    /// Name of the server; `None` if none has been chosen.
    pub server: Option<Box<str>>,
    /// Time since the session began, rounded down to the two largest units that HAProxy prints: an
    /// age of `1d2h` may be 59 minutes more. `None` if the clock of the host was set back before the beginning.
    pub age: Option<Duration>,
    /// Number of times that HAProxy has woken the task of the session.
    pub calls: u64,
    /// The whole line. Its words differ from release to release: [`get`](Self::get).
    pub text: Box<str>,
}

impl Session {
    /// Returns a word of the line by its name, such as `exp` (2.2: `exp=58s`) or `scf` (2.6 and
    /// later: `scf=[8,0h,fd=18]`).
    ///
    /// An empty text is a word without a value, such as the `c_exp=` of a session without such a
    /// time limit. Returns `None` if the release prints no such word.
    pub fn get(&self, name: &str) -> Option<&str> {
        word(&self.text, name)
    }

    /// Returns `true` if the session is on the server called `server` in the backend called
    /// `backend`.
    pub fn is_on(&self, backend: &str, server: &str) -> bool {
        self.backend.as_deref() == Some(backend) && self.server.as_deref() == Some(server)
    }

    /// Reads the reply to `show sess`.
    pub(crate) fn read(text: &str) -> Result<Vec<Self>, Malformed> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty());
        lines.map(|(at, line)| Self::line(at + 1, line)).collect()
    }

    /// Returns the number of sessions in the reply to `show sess`.
    pub(crate) fn count(text: &[u8]) -> Result<u64, Malformed> {
        let mut count = 0;
        for (at, line) in text.split(|&byte| byte == b'\n').enumerate() {
            if line.starts_with(b"0x") {
                count += 1;
            } else if !line.is_empty() {
                return Err(Malformed::new(at + 1, None, EXPECTED, line));
            }
        }
        Ok(count)
    }

    fn line(at: usize, line: &str) -> Result<Self, Malformed> {
        let id = line.split_once(": ").and_then(|(id, _)| id.parse().ok());
        let id = id.ok_or_else(|| Malformed::new(at, None, EXPECTED, line.as_bytes()))?;
        let required = |name: &'static str| {
            word(line, name)
                .ok_or_else(|| Malformed::new(at, Some(name), "a word of that name", line.as_bytes()))
        };
        let name = |name: &str| word(line, name).filter(|name| !NONE.contains(name)).map(Into::into);
        let (age, calls) = (required("age")?, required("calls")?);
        let malformed =
            |column, expected, found: &str| Malformed::new(at, Some(column), expected, found.as_bytes());
        // HAProxy prints `?` for a time that it does not know.
        let age = match age {
            "?" => None,
            age => Some(duration(age).ok_or_else(|| malformed("age", "a time such as 3m4s", age))?),
        };
        Ok(Self {
            id,
            protocol: required("proto")?.into(),
            source: word(line, "src").and_then(address),
            frontend: name("fe"),
            backend: name("be"),
            server: name("srv"),
            age,
            calls: calls.parse().map_err(|_| malformed("calls", "a whole number", calls))?,
            text: line.into(),
        })
    }

    /// Returns `true` if the reply to `show sess ID` can describe this session, or `false` if the id
    /// has been given to another session since: one from another client, or a younger one.
    pub(crate) fn is_described_by(&self, details: &str) -> bool {
        let is_same = |name: &str, listed: Option<&str>| {
            let found = detail(details, name);
            listed.is_none_or(|listed| found == Some(listed))
        };
        // The age can be smaller here than in the list, and `?` if it is negative.
        let age = detail(details, "age")
            .and_then(|age| if age == "?" { Some(Duration::ZERO) } else { duration(age) });
        is_same("proto", Some(&self.protocol))
            && is_same("source", self.get("src"))
            && is_same("frontend", self.frontend.as_deref())
            && self.age.is_none_or(|listed| age.is_some_and(|age| age.saturating_add(slack(age)) >= listed))
    }
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Returns the value of the word `name=VALUE` or `name[VALUE]` of a line.
fn word<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.split(' ').skip(1).find_map(|word| {
        let value = word.strip_prefix(name)?;
        if value.starts_with('[') { Some(value) } else { value.strip_prefix('=') }
    })
}

/// Returns the first value called `name` in the reply to `show sess ID`.
fn detail<'a>(details: &'a str, name: &str) -> Option<&'a str> {
    let words = details.split_whitespace();
    let value = words
        .map(|word| word.trim_start_matches('('))
        .find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    value.map(|value| value.trim_end_matches([')', ',']))
}

/// Returns the most that an age may be greater than it is printed: a difference of clocks, or
/// the smallest unit that HAProxy prints.
fn slack(age: Duration) -> Duration {
    Duration::from_secs(match age.as_secs() {
        ..3_600 => 5,
        3_600..86_400 => 60,
        _ => 3_600,
    })
}

/// Reads `192.0.2.1:80`, or `2001:db8::1:80` without brackets.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.rsplit_once(':')?;
    Some(SocketAddr::new(ip.parse::<IpAddr>().ok()?, port.parse().ok()?))
}

/// Reads `1d2h`, `3m4s` or `5s`.
fn duration(text: &str) -> Option<Duration> {
    let mut seconds: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let (number, unit) = rest.split_at_checked(rest.find(|c: char| !c.is_ascii_digit())?)?;
        let unit_seconds = match unit.chars().next()? {
            'd' => 86_400,
            'h' => 3_600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        seconds = seconds.checked_add(number.parse::<u64>().ok()?.checked_mul(unit_seconds)?)?;
        rest = unit.get(1..)?;
    }
    (!text.is_empty()).then_some(Duration::from_secs(seconds))
}

const EXPECTED: &str = "a session, which begins with its id";

/// Texts for a name that does not exist.
const NONE: &[&str] = &["<NONE>", "<none>", "?"];

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "0x555563824670: proto=tcpv4 src=127.0.0.1:56720 fe=www be=app srv=web1 ts=00 age=1h5m \
        calls=3 rate=0 cpu=0 lat=0 rq[f=49840080h,i=0,an=8000h,rx=,wx=,ax=] rp[f=80400000h,i=0,an=1400000h,rx=58s,wx=,ax=] \
        s0=[8,10008h,fd=16,ex=] s1=[8,200118h,fd=17,ex=] exp=3s\n";
    const NEW: &str = "0x7f0c44690000: proto=unix_stream src=unix:1 fe=GLOBAL be=<NONE> srv=<none> ts=00 epoch=0xe \
        age=0s calls=1 rate=0 cpu=0 lat=0 rq[f=848100h,i=0,an=00h,ax=] rp[f=80048101h,i=0,an=00h,ax=] \
        scf=[8,0h,fd=25,rex=10s,wex=] scb=[8,1h,fd=-1,rex=,wex=] exp=10s rc=0 c_exp=\n";
    const DETAILS: &str = "0x555563824670: [25/Nov/2026:22:48:32.408305] id=1 proto=tcpv4 source=127.0.0.1:56720\n  \
        flags=0xc4e, conn_retries=3, srv_conn=0x5555637c7be0, pend_pos=(nil) waiting=0\n  \
        frontend=www (id=2 mode=http), listener=? (id=1) addr=127.0.0.1:19200\n  \
        task=0x555563827c40 (state=0x00 nice=0 calls=3 rate=0 exp=3s tmask=0x1 age=1h5m)\n";

    fn one(line: &str) -> Session {
        Session::read(line).unwrap().remove(0)
    }

    #[test]
    fn words_are_found_by_name() {
        let list = Session::read(&format!("{OLD}{NEW}\n")).unwrap();
        let [old, new] = list.as_slice() else { panic!("{list:?}") };
        assert_eq!((old.id.to_string().as_str(), &*old.protocol, old.calls), ("0x555563824670", "tcpv4", 3));
        assert_eq!(old.source, "127.0.0.1:56720".parse().ok());
        assert_eq!((old.frontend.as_deref(), old.age), (Some("www"), Some(Duration::from_secs(3_900))));
        assert!(old.is_on("app", "web1") && !old.is_on("app", "web2") && !old.is_on("www", "web1"));
        assert_eq!(old.get("s0"), Some("[8,10008h,fd=16,ex=]"));
        assert_eq!(old.get("rq"), Some("[f=49840080h,i=0,an=8000h,rx=,wx=,ax=]"));
        assert_eq!((old.get("scf"), old.get("s"), old.get("exp")), (None, None, Some("3s")));
        assert_eq!((new.source, new.get("src"), new.get("c_exp")), (None, Some("unix:1"), Some("")));
        assert_eq!((&new.backend, &new.server, new.age), (&None, &None, Some(Duration::ZERO)));
        assert_eq!(new.to_string(), NEW.trim_end());
        assert_eq!(Session::count(format!("{OLD}{NEW}").as_bytes()).unwrap(), 2);
    }

    #[test]
    fn a_session_without_a_client_has_no_names() {
        let session = one("0x1: proto=? ts=00 epoch=0 age=? calls=1 rate=0\n");
        assert_eq!((session.frontend, session.source, session.age), (None, None, None));
    }

    #[test]
    fn an_ipv6_address_has_no_brackets() {
        let session = one("0x1: proto=tcpv6 src=2001:db8::1:80 age=1d calls=1 fe=a srv=b be=c\n");
        assert_eq!(session.source, "[2001:db8::1]:80".parse().ok());
        assert!(session.is_on("c", "b"));
    }

    #[test]
    fn times_are_sums_of_their_units() {
        for (text, seconds) in [
            ("0s", 0),
            ("59s", 59),
            ("3m4s", 184),
            ("2h", 7_200),
            ("1d2h", 93_600),
            ("24855d", 2_147_472_000),
        ] {
            assert_eq!(duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "5", "s", "5x", "-1s", "1m?", "99999999999999999999s", "213503982334602d"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn malformed_sessions_are_errors() {
        for (text, message) in [
            ("x\n", "line 1: expected a session, which begins with its id, found \"x\""),
            (
                "\n0x1: proto=a calls=1\n",
                "line 2, column \"age\": expected a word of that name, found \"0x1: proto=a calls=1\"",
            ),
            (
                "0x1: proto=a age=1s calls=x\n",
                "line 1, column \"calls\": expected a whole number, found \"x\"",
            ),
            (
                "0x1: proto=a age=1y calls=1\n",
                "line 1, column \"age\": expected a time such as 3m4s, found \"1y\"",
            ),
        ] {
            assert_eq!(Session::read(text).unwrap_err().to_string(), message);
        }
        assert!(Session::count(b"0x1: a\nb\n").is_err());
    }

    #[test]
    fn details_of_another_session_with_the_id_are_noticed() {
        let session = one(OLD);
        assert!(session.is_described_by(DETAILS));
        for age in ["age=1d", "age=1h4m"] {
            assert!(session.is_described_by(&DETAILS.replace("age=1h5m", age)), "{age}");
        }
        let young = one(&OLD.replace("age=1h5m", "age=1s"));
        assert!(young.is_described_by(&DETAILS.replace("age=1h5m", "age=?")));
        for other in [
            DETAILS.replace("age=1h5m", "age=59m59s"),
            DETAILS.replace(":56720", ":5672"),
            DETAILS.replace("proto=tcpv4 source=127.0.0.1:56720", "proto=unix_stream source=unix:1"),
            DETAILS.replace("frontend=www", "frontend=other"),
            DETAILS.replace("age=", "old="),
            String::new(),
        ] {
            assert!(!session.is_described_by(&other), "{other}");
        }
    }
}
