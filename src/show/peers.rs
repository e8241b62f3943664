//! Peers: the output of `show peers`.

use std::fmt;

use crate::error::Malformed;

/// A `peers` section of a process, with its peers: a part of the reply to `show peers`.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// for (label, sections) in cluster.peers().await?.values() {
///     for section in sections {
///         let local = section.local().map(|peer| &*peer.name);
///         println!("{label}: {} as {}", section.name, local.unwrap_or("nothing"));
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct PeersSection {
    /// Name of the section.
    pub name: Box<str>,
    /// The peers of the section, the process itself included, in the order of the reply.
    pub peers: Vec<Peer>,
    /// The line of the section. Its words differ from release to release: [`get`](Self::get).
    pub text: Box<str>,
}

/// A peer of a `peers` section: a process that entries of stick tables are sent to and received
/// from, or the process itself.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// for (label, sections) in cluster.peers().await?.values() {
///     for peer in sections.iter().flat_map(|section| &section.peers) {
///         if !peer.is_local && peer.last_status.as_deref() != Some("ESTA") {
///             println!("{label} has no session with {} at {}", peer.name, peer.address);
///         }
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Peer {
    /// Name of the peer.
    pub name: Box<str>,
    /// `true` if the peer is the process itself.
    pub is_local: bool,
    /// `true` if there is a connection to or from the peer now.
    pub is_active: bool,
    /// Address and port of the peer as HAProxy prints them.
    pub address: Box<str>,
    /// Result of the last attempt to connect, in HAProxy's words: `ESTA` for an established session,
    /// `CONN` while connecting, `NONE` before the first attempt. It stays `ESTA` after the session has
    /// ended; see [`is_active`](Self::is_active).
    pub last_status: Option<Box<str>>,
    /// The stick tables that are shared with the peer.
    pub tables: Vec<SharedTable>,
    /// The lines of the peer, without its tables and its dictionary cache. Their words differ from
    /// release to release: [`get`](Self::get).
    pub text: Box<str>,
}

/// A stick table that is shared with a peer.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// for (label, sections) in cluster.peers().await?.values() {
///     let peers = sections.iter().flat_map(|section| &section.peers);
///     for table in peers.flat_map(|peer| &peer.tables) {
///         println!("{label}: {} at update {:?}", table.name, table.get("update"));
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct SharedTable {
    /// Name of the table, as [`Cluster::table`](crate::Cluster::table) takes it.
    pub name: Box<str>,
    /// The lines of the table. Their words differ from release to release: [`get`](Self::get).
    pub text: Box<str>,
}

impl PeersSection {
    /// Returns the peer that is the process itself.
    pub fn local(&self) -> Option<&Peer> {
        self.peers.iter().find(|peer| peer.is_local)
    }

    /// Returns a word of the section by its name, such as `flags`. Returns `None` if the release
    /// prints no such word.
    pub fn get(&self, name: &str) -> Option<&str> {
        word(&self.text, name)
    }

    /// Reads the reply to `show peers`.
    pub(crate) fn read(text: &str) -> Result<Vec<Self>, Malformed> {
        let mut sections: Vec<Self> = Vec::new();
        let mut place = Place::Start;
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
            let misplaced = || Malformed::new(at + 1, None, "a section of peers", line.as_bytes());
            let malformed = |expected| Malformed::new(at + 1, None, expected, line.as_bytes());
            let indent = line.len() - line.trim_start_matches(' ').len();
            let body = line.get(indent..).unwrap_or_default();
            let begins = body.starts_with("0x");
            if indent == 0 {
                sections.push(Self::begin(body).ok_or_else(misplaced)?);
                place = Place::Section;
                continue;
            }
            let section = sections.last_mut().ok_or_else(misplaced)?;
            if begins && indent == 2 {
                section.peers.push(Peer::begin(body).ok_or_else(|| malformed("a peer"))?);
                place = Place::Peer;
                continue;
            }
            let Some(peer) = section.peers.last_mut() else {
                add(&mut section.text, body);
                continue;
            };
            match place {
                _ if body.contains("ictionary cache") => place = Place::Dictionary,
                Place::Dictionary => {}
                Place::Peer if body == "shared tables:" => place = Place::Tables,
                Place::Tables if begins => {
                    peer.tables.push(SharedTable { name: "".into(), text: body.into() });
                }
                Place::Tables => {
                    let table = peer.tables.last_mut().ok_or_else(|| malformed("a shared table"))?;
                    table.add(body);
                }
                Place::Start | Place::Section | Place::Peer => add(&mut peer.text, body),
            }
        }
        let mut tables = sections.iter().flat_map(|section| &section.peers).flat_map(|peer| &peer.tables);
        match tables.find(|table| table.name.is_empty()) {
            Some(table) => Err(Malformed::new(1, Some("id"), "the name of a table", table.text.as_bytes())),
            None => Ok(sections),
        }
    }

    /// Reads `0xPOINTER: [DATE] id=NAME WORDS`.
    fn begin(line: &str) -> Option<Self> {
        let (_, words) = line.strip_prefix("0x")?.split_once(": [")?;
        Some(Self { name: word(words, "id")?.into(), peers: Vec::new(), text: line.into() })
    }
}

/// Part of the reply that a line belongs to.
#[derive(Debug, Clone, Copy)]
enum Place {
    Start,
    Section,
    Peer,
    Tables,
    Dictionary,
}

impl Peer {
    /// Returns a word of the peer by its name, such as `app_state` (3.0 and later) or `reconnect`.
    /// Returns `None` if the release prints no such word.
    pub fn get(&self, name: &str) -> Option<&str> {
        word(&self.text, name)
    }

    /// Reads `0xPOINTER: id=NAME(remote,active) addr=ADDRESS WORDS`.
    fn begin(line: &str) -> Option<Self> {
        let (name, states) = word(line, "id")?.strip_suffix(')')?.split_once('(')?;
        let (place, state) = states.split_once(',')?;
        let is_local = match place {
            "local" => true,
            "remote" => false,
            _ => return None,
        };
        Some(Self {
            name: name.into(),
            is_local,
            is_active: state == "active",
            address: word(line, "addr")?.into(),
            last_status: word(line, "last_status").map(Into::into),
            tables: Vec::new(),
            text: line.into(),
        })
    }
}

impl SharedTable {
    /// Returns a word of the table by its name, such as `last_pushed` or `update`. Returns `None` if
    /// the release prints no such word.
    ///
    /// HAProxy prints `update` twice up to 3.4: first the flag of the peer, then the number of the
    /// table. The second one is returned.
    pub fn get(&self, name: &str) -> Option<&str> {
        let own = self.text.rsplit('\n').find_map(|line| word(line, name));
        own.or_else(|| word(&self.text, name))
    }

    fn add(&mut self, line: &str) {
        if let Some(name) = line.strip_prefix("table:").and_then(|words| word(words, "id")) {
            self.name = name.into();
        }
        add(&mut self.text, line);
    }
}

impl fmt::Display for PeersSection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

fn add(text: &mut Box<str>, line: &str) {
    *text = format!("{text}\n{line}").into();
}

/// Returns the value of the first word `name=VALUE`.
fn word<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.split_ascii_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "\
0x1: [26/Nov/2026:01:45:25] id=other state=0 flags=0x3 resync_timeout=<PAST> task_calls=2
  0x2: id=node-a(local,inactive) addr=127.0.0.1:23002 last_status=NONE reconnect=<NEVER> confirm=0
        flags=0x0
        shared tables:
          0x3 local_id=1 remote_id=0 flags=0x0 remote_data=0x0
              last_acked=0 last_pushed=0 last_get=0 teaching_origin=0 update=0
              table:0x4 id=other/t1 update=7 localupdate=0 commitupdate=0 syncing=0
        TX dictionary cache:
        RX dictionary cache:
            0 -> -    1 -> -    2 -> -    3 -> -

0x5: [26/Nov/2026:01:45:25] id=mypeers state=0 flags=0x4 resync_timeout=<PAST> task_calls=11
  0x6: id=node-b(remote,active) addr=127.0.0.1:23001 last_status=ESTA reconnect=4s confirm=0
        flags=0x20000200 appctx:0x7 st0=7 st1=0 task_calls=8 state=EST
        remote_table:0x8 id=f local_id=1 remote_id=1
        shared tables:
          0x8 local_id=1 remote_id=1 flags=0x0 remote_data=0x405
              last_acked=0 last_pushed=1 last_get=0 teaching_origin=0 update=1
              table:0x9 id=f update=1 localupdate=1 commitupdate=1 syncing=0
          0xa local_id=2 remote_id=2 flags=0x0 remote_data=0x405
              table:0xb id=g update=1 localupdate=1 commitupdate=1 syncing=0
        Dictionary cache not dumped (use \"show peers dict\")

";

    #[test]
    fn sections_peers_and_tables_are_told_apart() {
        let sections = PeersSection::read(OLD).unwrap();
        let [other, mine] = sections.as_slice() else { panic!("{sections:?}") };
        assert_eq!((&*other.name, &*mine.name, mine.get("flags")), ("other", "mypeers", Some("0x4")));
        assert_eq!((&*other.local().unwrap().name, mine.local()), ("node-a", None));
        assert_eq!(other.peers[0].tables[0].get("update"), Some("7"));
        assert_eq!(&*other.peers[0].tables[0].name, "other/t1");
        let peer = &mine.peers[0];
        assert_eq!((&*peer.name, &*peer.address, peer.is_local), ("node-b", "127.0.0.1:23001", false));
        assert_eq!((peer.is_active, peer.last_status.as_deref()), (true, Some("ESTA")));
        assert_eq!((peer.get("state"), peer.get("app_state")), (Some("EST"), None));
        let tables: Vec<_> = peer.tables.iter().map(|table| &*table.name).collect();
        assert_eq!(tables, ["f", "g"]);
        assert_eq!(peer.tables[0].get("last_pushed"), Some("1"));
    }

    #[test]
    fn no_sections_are_an_empty_list() {
        assert_eq!(PeersSection::read("").unwrap(), []);
        assert_eq!(PeersSection::read("\n").unwrap(), []);
    }

    #[test]
    fn malformed_lines_are_errors() {
        for text in [
            "x\n",
            "  0x2: id=a(local,inactive) addr=x\n",
            "0x1: [x] id=a\n  0x2: id=a(other,active) addr=x\n",
            "0x1: [x] id=a\n  0x2: id=a(local,active) addr=x\n    shared tables:\n      last_acked=0\n",
            "0x1: [x] id=a\n  0x2: id=a(local,active) addr=x\n    shared tables:\n      0x3 local_id=1\n",
        ] {
            assert!(PeersSection::read(text).is_err(), "{text}");
        }
    }
}
