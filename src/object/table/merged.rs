//! Stick tables, merged over processes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::StickTable;
use crate::cluster::{Outcome, Outcomes, Target};
use crate::error::{Error, Result};
use crate::protocol::{Command, Response};
use crate::show::stat::StatFilter;
use crate::show::{Datum, Peer, PeersSection, TableEntries, TableEntry};

use crate::snapshot::{Agreement, Label, Requirement};

/// A stick table, merged over the processes that have it: [`StickTable::merged`].
///
/// # Processes that synchronise the table
///
/// If the `peers` of processes copy the entries of the table to each other, they hold the same events, and
/// their values are not added up. The group of these processes counts once, with the values of the entry of a
/// key that expires last. Two processes are in one group if `show peers` of both has the table among the
/// shared tables of a section, and if the local peer of each is a remote peer of the other, at an address
/// that does not contradict. The names and addresses decide, and not the connection: after the
/// connection of two peers has broken, their values drift apart, and still count once.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// let clients = cluster.table("clients")?.merged().await?;
/// for group in clients.synchronised() {
///     println!("counted once: {}", group.join(", "));
/// }
/// for entry in clients.entries() {
///     println!("{} {:?} on {}", entry.key_text(), entry.sum("http_req_rate"), entry.processes.join(", "));
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct MergedTable {
    entries: BTreeMap<Box<[u8]>, MergedEntry>,
    synchronised: Vec<Vec<Label>>,
    absent: Vec<Label>,
    failed: Vec<(Label, Error)>,
    missing: Vec<Requirement>,
}

/// One key of a stick table, merged over the processes that hold it.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// let clients = cluster.table("clients")?.merged().await?;
/// if let Some(entry) = clients.get("192.0.2.7") {
///     println!("{} processes, expires in {:?}", entry.processes.len(), entry.expires_in);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MergedEntry {
    /// Bytes of the key, as [`TableEntry::key`](crate::table::TableEntry::key) returns them.
    pub key: Box<[u8]>,
    /// Labels of the processes that hold the key.
    pub processes: Vec<Label>,
    /// Number of connections and streams that track the entry now, in all these processes (`use`).
    pub in_use: u64,
    /// Time until the last of the entries expires. Zero if one of them never expires.
    pub expires_in: Duration,
    /// The stored values, in the order of the first process that holds the key.
    pub data: Vec<MergedDatum>,
}

/// A stored value, merged over processes.
///
/// # Example
///
/// ```no_run
/// # fn example(entry: &haproxyadmin::table::MergedEntry) {
/// for datum in &entry.data {
///     println!("{} {:?}", datum.name, datum.value);
/// }
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MergedDatum {
    /// Name of the data type, such as `http_req_rate`.
    pub name: Box<str>,
    /// Period over which HAProxy counts a rate. Rates over different periods are not added up, and are
    /// values of their own.
    pub period: Option<Duration>,
    /// The merged value.
    pub value: MergedValue,
}

/// Value of a [`MergedDatum`].
///
/// # Example
///
/// ```
/// use haproxyadmin::table::MergedValue;
///
/// let requests = MergedValue::Sum(7);
/// assert!(matches!(requests, MergedValue::Sum(7)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MergedValue {
    /// Sum of counters, rates or numbers of connections. Stops at the largest number of 64 bits.
    Sum(u64),
    /// A value that is not added up: `server_id`, `server_key`, and tags such as `gpt0`. Each
    /// group of processes that synchronise counts once, with the label and the value of the entry that
    /// expires last.
    Tag(Agreement<Box<str>>),
}

/// Replies of one process.
type Read = (TableEntries, Vec<PeersSection>);

impl StickTable {
    /// Reads the entries of the table and the peers from each process, and merges the entries of each
    /// key: `show table NAME` and `show peers`. Needs level operator.
    ///
    /// Counters and rates are added up, except over processes that synchronise the table with each
    /// other: see [`MergedTable`]. All entries of all processes are held in memory.
    ///
    /// # Errors
    ///
    /// - The errors of [`show`](Self::show).
    #[doc(alias = "show table")]
    #[doc(alias = "show peers")]
    pub async fn merged(&self) -> Result<MergedTable> {
        let command = &self.command(Command::read("show table"));
        let job = |target: Target, deadline| async move {
            let entries = match target.ask(command, super::entries, &deadline).await? {
                Response::Value(entries) => entries,
                Response::Absent(message) => return Ok(Response::Absent(message)),
            };
            Ok(match target.peers(&deadline).await? {
                Response::Value(peers) => Response::Value((entries, peers)),
                Response::Absent(message) => Response::Absent(message),
            })
        };
        let outcomes = self.cluster.fan_out().each(command, StatFilter::Nothing, job).await?;
        Ok(MergedTable::new(&self.name, &outcomes))
    }
}

impl MergedTable {
    fn new(table: &str, outcomes: &Outcomes<Read>) -> Self {
        let read: Vec<_> = outcomes.values().collect();
        let groups = groups(&read, |(_, one), (_, other)| synchronise(&one.1, &other.1, table));
        let mut keys: BTreeMap<Cow<'_, [u8]>, Vec<Vec<Held<'_>>>> = BTreeMap::new();
        for group in &groups {
            let mut held: BTreeMap<Cow<'_, [u8]>, Vec<Held<'_>>> = BTreeMap::new();
            for (label, (entries, _)) in group {
                for entry in entries {
                    held.entry(entry.key()).or_default().push(Held { label, entry });
                }
            }
            for (key, held) in held {
                keys.entry(key).or_default().push(held);
            }
        }
        let merged = keys.into_iter().map(|(key, held)| {
            let key: Box<[u8]> = key.into_owned().into();
            (key.clone(), MergedEntry::new(key, &held))
        });
        let labels =
            |group: &Vec<&(&Label, &Read)>| group.iter().map(|(label, _)| (*label).clone()).collect();
        let failed = outcomes.failed().filter_map(|one| Some((one.label().clone(), one.error()?.clone())));
        let absent = outcomes.iter().filter(|outcome| outcome.absent().is_some());
        Self {
            entries: merged.collect(),
            synchronised: groups.iter().filter(|group| group.len() > 1).map(labels).collect(),
            absent: absent.map(Outcome::label).cloned().collect(),
            failed: failed.collect(),
            missing: outcomes.missing().cloned().collect(),
        }
    }

    /// Returns every key, in the order of their bytes.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &MergedEntry> {
        self.entries.values()
    }

    /// Returns the entry with this key.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<&MergedEntry> {
        self.entries.get(key.as_ref())
    }

    /// Returns the groups of processes that synchronise the table with each other, by their labels. A
    /// process that synchronises it with no other process of the cluster is in no group.
    pub fn synchronised(&self) -> &[Vec<Label>] {
        &self.synchronised
    }

    /// Returns the labels of the processes that do not have the table.
    pub fn absent(&self) -> impl Iterator<Item = &Label> {
        self.absent.iter()
    }

    /// Returns the processes that did not answer, with the errors. There are none unless the table was
    /// read through [`Cluster::allow_partial`](crate::Cluster::allow_partial).
    pub fn failed(&self) -> impl Iterator<Item = (&Label, &Error)> {
        self.failed.iter().map(|(label, error)| (label, error))
    }

    /// Returns the requirements of the cluster that were not met: see [`Outcomes::missing`].
    pub fn missing(&self) -> impl Iterator<Item = &Requirement> {
        self.missing.iter()
    }
}

/// An entry and the label of its process.
#[derive(Clone, Copy)]
struct Held<'a> {
    label: &'a Label,
    entry: TableEntry<'a>,
}

impl Held<'_> {
    /// Returns the time until the entry expires; the longest one if it never expires.
    fn life(&self) -> Duration {
        Some(self.entry.expires_in()).filter(|life| !life.is_zero()).unwrap_or(Duration::MAX)
    }
}

impl MergedEntry {
    /// Merges the entries of one key, which are those of each group.
    fn new(key: Box<[u8]>, groups: &[Vec<Held<'_>>]) -> Self {
        let all = || groups.iter().flatten();
        let life = all().map(Held::life).max().filter(|life| *life < Duration::MAX);
        let counted = groups.iter().filter_map(|group| group.iter().max_by_key(|held| held.life()));
        let mut values: Vec<(Datum<'_>, Vec<(&Label, &str)>)> = Vec::new();
        for held in counted {
            for datum in held.entry.data() {
                let is_same =
                    |(own, _): &&mut (Datum<'_>, _)| own.name == datum.name && own.period == datum.period;
                match values.iter_mut().find(is_same) {
                    Some((_, list)) => list.push((held.label, datum.value)),
                    None => values.push((datum, vec![(held.label, datum.value)])),
                }
            }
        }
        let merged = values.into_iter().map(|(datum, list)| MergedDatum {
            name: datum.name.into(),
            period: datum.period,
            value: MergedValue::new(datum.name, &list),
        });
        Self {
            key,
            processes: all().map(|held| held.label.clone()).collect(),
            in_use: all().fold(0, |sum, held| sum.saturating_add(held.entry.in_use())),
            expires_in: life.unwrap_or_default(),
            data: merged.collect(),
        }
    }

    /// Returns the key as text. Bytes that are not UTF-8 become U+FFFD.
    pub fn key_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.key)
    }

    /// Returns the merged value called `name`; `None` if the table does not store it. If processes count
    /// a rate over different periods, it is the value of the first one.
    pub fn get(&self, name: &str) -> Option<&MergedValue> {
        self.data.iter().find(|datum| *datum.name == *name).map(|datum| &datum.value)
    }

    /// Returns the sum called `name`, such as `http_req_rate`; `None` if the table does not store it, or
    /// if it is not added up.
    pub fn sum(&self, name: &str) -> Option<u64> {
        match self.get(name)? {
            MergedValue::Sum(sum) => Some(*sum),
            MergedValue::Tag(_) => None,
        }
    }
}

impl MergedValue {
    fn new(name: &str, list: &[(&Label, &str)]) -> Self {
        let numbers: Option<Vec<u64>> = list.iter().map(|(_, value)| value.parse().ok()).collect();
        if let Some(numbers) = numbers.filter(|_| !is_tag(name)) {
            return Self::Sum(numbers.into_iter().fold(0, u64::saturating_add));
        }
        let own = |(label, value): &(&Label, &str)| ((*label).clone(), Box::from(*value));
        match list {
            [(_, first), rest @ ..] if rest.iter().all(|(_, value)| value == first) => {
                Self::Tag(Agreement::Same(Box::from(*first)))
            }
            list => Self::Tag(Agreement::Differs(list.iter().map(own).collect())),
        }
    }
}

/// Returns `true` for a data type with values that are names, and not amounts.
fn is_tag(name: &str) -> bool {
    name.starts_with("server_") || name.starts_with("gpt")
}

/// Puts things that belong together, directly or through others, into one group.
fn groups<T>(all: &[T], together: impl Fn(&T, &T) -> bool) -> Vec<Vec<&T>> {
    let mut groups: Vec<Vec<&T>> = Vec::new();
    for one in all {
        let (mut own, others): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|group| group.iter().any(|other| together(one, other)));
        groups = others;
        let mut joined: Vec<&T> = own.drain(..).flatten().collect();
        joined.push(one);
        groups.push(joined);
    }
    groups
}

/// Returns `true` if two processes copy the entries of the table to each other.
fn synchronise(one: &[PeersSection], other: &[PeersSection], table: &str) -> bool {
    let sharing = |sections: &&PeersSection| {
        let mut tables = sections.peers.iter().flat_map(|peer| &peer.tables);
        tables.any(|shared| *shared.name == *table)
    };
    one.iter().filter(sharing).any(|own| {
        other.iter().filter(sharing).any(|their| match (own.local(), their.local()) {
            (Some(here), Some(there)) => knows(own, there) && knows(their, here),
            _ => false,
        })
    })
}

/// Returns `true` if the section has the local peer of another process among its remote peers.
fn knows(section: &PeersSection, local: &Peer) -> bool {
    let mut remote = section.peers.iter().filter(|peer| !peer.is_local);
    remote.any(|peer| peer.name == local.name && may_be_one(&peer.address, &local.address))
}

/// Returns `true` unless the addresses are different ones. A process may name an address of its own that
/// others cannot use, such as 0.0.0.0 or a host name.
fn may_be_one(one: &str, other: &str) -> bool {
    let known = |text: &str| text.parse().ok().filter(|address: &SocketAddr| !address.ip().is_unspecified());
    match (known(one), known(other)) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(label: &str, entries: &str, peers: &str) -> Outcome<Read> {
        let reply = format!("# table: t, type: ip, size:9, used:1\n{entries}");
        let read = (TableEntries::read(reply.into()).unwrap(), PeersSection::read(peers).unwrap());
        Outcome::from_value(label, "/a.sock".parse::<crate::Address>().unwrap(), read)
    }

    fn peers(local: (&str, &str), remote: (&str, &str), table: &str) -> String {
        format!(
            "0x1: [x] id=mine\n  0x2: id={}(local,inactive) addr={}\n        shared tables:\n          0x3 a=1\n              table:0x4 id={table}\n  0x5: id={}(remote,active) addr={}\n",
            local.0, local.1, remote.0, remote.1
        )
    }

    fn merged(processes: Vec<Outcome<Read>>) -> MergedTable {
        MergedTable::new("t", &processes.into_iter().collect())
    }

    #[test]
    fn processes_without_peers_are_added_up() {
        let table = merged(vec![
            process("a", "0x1: key=k use=1 exp=9 gpt0=1 server_id=3 gpc0=5 rate(10000)=2\n", ""),
            process("b", "0x1: key=k use=2 exp=8 gpt0=2 server_id=3 gpc0=6 rate(10000)=3 rate(5)=1\n", ""),
            process("c", "0x1: key=l use=0 exp=0 gpc0=1\n", ""),
        ]);
        assert_eq!((table.entries().len(), table.synchronised().len()), (2, 0));
        let entry = table.get("k").unwrap();
        assert_eq!((entry.in_use, entry.expires_in), (3, Duration::from_millis(9)));
        assert_eq!((entry.sum("gpc0"), entry.sum("rate"), entry.sum("server_id")), (Some(11), Some(5), None));
        assert_eq!(entry.data.iter().filter(|datum| &*datum.name == "rate").count(), 2);
        assert_eq!(entry.get("server_id"), Some(&MergedValue::Tag(Agreement::Same("3".into()))));
        let differs = [("a".into(), "1".into()), ("b".into(), "2".into())].to_vec();
        assert_eq!(entry.get("gpt0"), Some(&MergedValue::Tag(Agreement::Differs(differs))));
        assert_eq!((table.get("l").unwrap().expires_in, table.get("m")), (Duration::ZERO, None));
    }

    #[test]
    fn processes_that_synchronise_count_once() {
        let (one, two) = (("one", "192.0.2.1:1"), ("two", "192.0.2.2:1"));
        let table = merged(vec![
            process("a", "0x1: key=k use=1 exp=9 gpc0=5\n", &peers(one, two, "t")),
            process(
                "b",
                "0x1: key=k use=1 exp=8 gpc0=6\n0x2: key=l use=0 exp=0 gpc0=1\n",
                &peers(two, one, "t"),
            ),
            process("c", "0x1: key=k use=1 exp=7 gpc0=100\n", ""),
        ]);
        let entry = table.get("k").unwrap();
        assert_eq!((entry.sum("gpc0"), entry.in_use, entry.processes.len()), (Some(105), 3, 3));
        assert_eq!(table.synchronised(), [["a".into(), "b".into()].to_vec()]);
        assert_eq!(table.get("l").unwrap().sum("gpc0"), Some(1));
    }

    #[test]
    fn only_processes_that_name_each_other_synchronise() {
        let (one, two) = (("one", "192.0.2.1:1"), ("two", "192.0.2.2:1"));
        let own = peers(one, two, "t");
        for (other, expected) in [
            (peers(two, one, "t"), true),
            (peers(("two", "0.0.0.0:1"), one, "t"), true),
            (peers(two, one, "u"), false),
            (peers(two, ("three", "192.0.2.1:1"), "t"), false),
            (peers(("two", "198.51.100.2:1"), one, "t"), false),
            (peers(one, two, "t"), false),
            (String::new(), false),
        ] {
            let other = PeersSection::read(&other).unwrap();
            assert_eq!(synchronise(&PeersSection::read(&own).unwrap(), &other, "t"), expected, "{other:?}");
        }
    }

    #[test]
    fn groups_are_joined_by_a_member_of_both() {
        let near = |one: &i32, other: &i32| (one - other).abs() <= 1;
        assert_eq!(groups(&[1, 3, 7, 2], near), [vec![&7], vec![&1, &3, &2]]);
    }
}
