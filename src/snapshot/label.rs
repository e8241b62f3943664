//! Short names of processes.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::record::Record;
use crate::address::{Address, WorkerId};
use crate::protocol::Nbproc;
use crate::show::Info;

/// Short name of a process among others: for people, and as a key in JSON.
///
/// By default it is the end of the address of the process, without a final `.sock` if it is unique
/// without it: `p1` for `/run/haproxy/p1.sock`. [`Process::label`](crate::Process::label)
/// describes the choice.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// use haproxyadmin::snapshot::Label;
///
/// let snapshot = cluster.allow_partial().snapshot().await?;
/// let failed: Vec<Label> = snapshot.failed().map(|process| process.label().clone()).collect();
/// println!("no answer from {}", failed.join(", "));
/// # Ok(())
/// # }
/// ```
pub type Label = Arc<str>;

/// Returns a unique label for each record, in the same order.
///
/// A label that the user gave is kept, unless it was given twice: then no record has it. If every
/// process that answered is one of several of the same HAProxy (`nbproc`), the label is the
/// relative number of the process. Otherwise it is the shortest end of the address that no other
/// address has, without a final `.sock` if no other address has it without.
pub(super) fn labels<'a>(records: impl Iterator<Item = &'a Record>) -> Vec<Label> {
    let records: Vec<&Record> = records.collect();
    assign(&records, is_numbered(&records), HashSet::new())
}

/// Returns a label for each of the records in `unlabelled`; no label is one of `taken`. `all` are
/// the records of the whole cluster.
pub(crate) fn labels_beside(unlabelled: &[&Record], all: &[&Record], taken: HashSet<Label>) -> Vec<Label> {
    assign(unlabelled, is_numbered(all), taken)
}

/// Returns `true` if every process that answered is one of several of the same HAProxy.
fn is_numbered(records: &[&Record]) -> bool {
    let mut answered = records.iter().filter_map(|record| record.info()).peekable();
    answered.peek().is_some() && answered.all(|info| Nbproc::new(info.nbproc()).is_numbered())
}

fn assign(records: &[&Record], numbered: bool, taken: HashSet<Label>) -> Vec<Label> {
    let mut given = HashSet::with_capacity(records.len());
    let kept = records.iter().map(|record| {
        let label = record.label.as_ref()?;
        (!taken.contains(label) && given.insert(label)).then(|| label.clone())
    });
    if let Some(kept) = kept.collect() {
        return kept;
    }
    let mut labels = Labels { chosen: vec![None; records.len()], taken };
    labels.choose(records, |record| record.label.as_deref().map(String::from).into_iter().collect());
    if numbered {
        let number = |record: &Record| record.info().and_then(Info::process_num);
        labels.choose(records, |record| number(record).map(|n| n.to_string()).into_iter().collect());
    }
    // A number is the relative number of a process there, and the number of a dead one is unknown.
    let is_misleading = |end: &String| numbered && end.bytes().all(|byte| byte.is_ascii_digit());
    labels.choose(records, |record| ends(record).into_iter().filter(|end| !is_misleading(end)).collect());
    labels.complete(records)
}

/// Labels while they are being assigned.
struct Labels {
    chosen: Vec<Option<Label>>,
    taken: HashSet<Label>,
}

impl Labels {
    /// Gives each record that has no label yet the first of its preferences that is not taken and
    /// that no other unlabelled record prefers too.
    fn choose(&mut self, records: &[&Record], preferences: impl Fn(&Record) -> Vec<String>) {
        let open = self.chosen.iter_mut().zip(records).filter(|(label, _)| label.is_none());
        let open: Vec<_> = open.map(|(label, record)| (label, preferences(record))).collect();
        let mut uses: HashMap<String, usize> = HashMap::new();
        for preference in open.iter().flat_map(|(_, preferences)| preferences) {
            *uses.entry(preference.clone()).or_default() += 1;
        }
        for (label, preferences) in open {
            let free = |preference: &&String| {
                uses.get(*preference) == Some(&1) && !self.taken.contains(preference.as_str())
            };
            *label = preferences.iter().find(free).map(|preference| Label::from(preference.as_str()));
            self.taken.extend(label.clone());
        }
    }

    /// Numbers the remaining records. The text of their host and address is already a label: the
    /// user gave it to another process, or another host and address have the same text.
    fn complete(mut self, records: &[&Record]) -> Vec<Label> {
        let mut labels = Vec::with_capacity(records.len());
        for (label, record) in self.chosen.into_iter().zip(records) {
            let mut count = 0;
            labels.push(label.unwrap_or_else(|| {
                loop {
                    count += 1;
                    let label = Label::from(format!("{}:{}#{count}", record.host, record.address));
                    if self.taken.insert(label.clone()) {
                        return label;
                    }
                }
            }));
        }
        labels
    }
}

/// Returns the ends of the address, the shortest first and each without its `.sock` before itself,
/// then the address with its host.
fn ends(record: &Record) -> Vec<String> {
    let worker = match record.address.worker() {
        // Several workers have one master, and the first worker that serves has the name of the master.
        None | Some(WorkerId::Number(1)) => String::new(),
        Some(worker) => worker.to_string(),
    };
    let address = record.address.to_string();
    let starts = address.rmatch_indices('/').map(|(at, _)| at + 1).filter(|at| *at < address.len());
    let ends = starts.take(MOST_ENDS).filter_map(|at| address.get(at..));
    let ends = ends.flat_map(|end| [without_sock(&record.address, end), Some(end)]);
    let mut ends: Vec<String> = ends.flatten().map(|end| format!("{end}{worker}")).collect();
    // An end with the leading slash is the whole address. It keeps its `.sock`: without it, it
    // would be the address of another socket.
    ends.push(address.clone());
    ends.push(format!("{}:{address}", record.host));
    ends
}

/// Returns an end of `address` without a final `.sock`. Returns `None` if it has none, if the file
/// name would be empty, or if the address is not the path of a UNIX socket.
pub(crate) fn without_sock<'a>(address: &Address, end: &'a str) -> Option<&'a str> {
    let short = end.strip_suffix(".sock").filter(|short| !short.is_empty() && !short.ends_with('/'))?;
    matches!(address.socket(), Address::Unix(_)).then_some(short)
}

/// Maximum number of ends of an address that are tried. The path of a socket has 107 bytes at most,
/// and therefore fewer ends than this. A longer path, which cannot be the path of a socket, would
/// be copied once for each of its folders.
const MOST_ENDS: usize = 64;

/// Compares text, and numbers in it by their value: `2.sock` before `10.sock`.
pub(super) fn natural(a: &str, b: &str) -> Ordering {
    let start = start_of_difference(a, b);
    let (mut left, mut right) = (a.get(start..).unwrap_or_default(), b.get(start..).unwrap_or_default());
    loop {
        let digits = (digits(left), digits(right));
        let order = match digits {
            (x, y) if !x.is_empty() && !y.is_empty() => {
                left = left.get(x.len()..).unwrap_or_default();
                right = right.get(y.len()..).unwrap_or_default();
                let (x, y) = (x.trim_start_matches('0'), y.trim_start_matches('0'));
                x.len().cmp(&y.len()).then_with(|| x.cmp(y))
            }
            _ => {
                let (mut x, mut y) = (left.chars(), right.chars());
                let order = x.next().cmp(&y.next());
                if left.is_empty() && right.is_empty() {
                    return a.cmp(b);
                }
                (left, right) = (x.as_str(), y.as_str());
                order
            }
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Returns the length of the beginning that both texts have, without digits at its end: these may be a part of two
/// different numbers. Addresses have long beginnings in common.
fn start_of_difference(a: &str, b: &str) -> usize {
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let same = (0..=same).rev().find_map(|length| a.get(..length)).unwrap_or_default();
    same.trim_end_matches(|c: char| c.is_ascii_digit()).len()
}

fn digits(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::error::{ErrorKind, Failure};
    use std::sync::Arc;

    use arbtest::arbitrary::{Result, Unstructured};
    use arbtest::arbtest;

    use super::*;
    use crate::level::Level;
    use crate::show::stat::StatTable;
    use crate::show::{ProcessReport, SocketList};

    /// Makes a record of a process; without `nbproc`, of a process that did not answer.
    fn record(host: &str, address: Address, label: Option<&str>, nbproc: Option<(u64, u64)>) -> Record {
        let answer = match nbproc {
            None => Err(Failure::without_error(ErrorKind::Closed, "closed")),
            Some((number, all)) => Ok(Arc::new(ProcessReport {
                info: Info::parse(
                    format!("Name: HAProxy\nNbproc: {all}\nProcess_num: {number}\n\n").as_bytes(),
                )
                .unwrap(),
                level: Some(Level::User),
                sockets: SocketList::default(),
                stat: StatTable::empty(),
            })),
        };
        let mut record = Record::new(Arc::from(host), address, answer);
        record.label = label.map(Into::into);
        record
    }

    fn labelled(records: &[(&str, &str, Option<&str>)]) -> Vec<String> {
        let records: Vec<_> = records
            .iter()
            .map(|(host, address, label)| record(host, address.parse().unwrap(), *label, Some((1, 1))))
            .collect();
        labels(records.iter()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_label_that_was_given_stays_whatever_the_others_would_have() {
        let given = Some("1");
        assert_eq!(labelled(&[("h", "/a/9.sock", given), ("h", "/b/1.sock", None)]), ["1", "1.sock"]);
        assert_eq!(labelled(&[("h", "/b/1.sock", None), ("h", "/a/9.sock", given)]), ["1.sock", "1"]);
        let given = Some("1.sock");
        assert_eq!(labelled(&[("h", "/a/9.sock", given), ("h", "/b/1.sock", None)]), ["1.sock", "1"]);
        let whole = Some("h:/a/1.sock");
        assert_eq!(
            labelled(&[("h", "/a/1.sock", None), ("g", "/a/1.sock", None), ("g", "/2.sock", whole)]),
            ["h:/a/1.sock#1", "g:/a/1.sock", "h:/a/1.sock"]
        );
    }

    #[test]
    fn a_label_that_was_given_twice_is_given_to_no_process() {
        let given = Some("x");
        assert_eq!(
            labelled(&[("h", "/a/1.sock", given), ("h", "/a/2.sock", given), ("h", "/b/2.sock", None)]),
            ["1", "a/2", "b/2"]
        );
    }

    #[test]
    fn a_label_has_the_end_sock_only_if_it_is_not_unique_without_it() {
        let both = |one, two| labelled(&[("h", one, None), ("h", two, None)]);
        assert_eq!(both("/a/p1.sock", "/a/p2.sock"), ["p1", "p2"]);
        assert_eq!(both("/a/p1.sock", "/b/p1.sock"), ["a/p1", "b/p1"]);
        assert_eq!(both("/a/p1.sock", "/b/p1"), ["p1.sock", "b/p1"]);
        assert_eq!(both("/a/p1.sock", "/a/p1"), ["p1.sock", "/a/p1"]);
        assert_eq!(both("/a/p1.sock", "/a/p1.sock.sock"), ["p1", "p1.sock.sock"]);
        assert_eq!(both("/run/1.sock", "/x/run/1.sock"), ["/run/1.sock", "x/run/1"]);
        assert_eq!(both("unix@run/1.sock", "unix@2.sock"), ["1", "unix@2.sock"]);
    }

    #[test]
    fn a_file_called_sock_keeps_its_name() {
        assert_eq!(labelled(&[("h", "/a/.sock", None), ("h", "/b/1.sock", None)]), [".sock", "1"]);
        assert_eq!(labelled(&[("h", "/a/.sock", None), ("h", "/b/.sock", None)]), ["a/.sock", "b/.sock"]);
    }

    #[test]
    fn only_paths_lose_the_end_sock() {
        assert_eq!(
            labelled(&[("h", "abns@a.sock", None), ("h", "abns@b/c.sock", None), ("h", "d.sock:1", None)]),
            ["abns@a.sock", "c.sock", "d.sock:1"]
        );
    }

    #[test]
    fn a_number_is_the_number_of_a_process_if_all_are_numbered() {
        let at = |address: &str, nbproc| record("h", address.parse().unwrap(), None, nbproc);
        let records = [at("/a/2.sock", Some((1, 2))), at("/a/1.sock", None), at("/a/p3.sock", None)];
        assert_eq!(
            labels(records.iter()).iter().map(|label| &**label).collect::<Vec<_>>(),
            ["1", "1.sock", "p3"]
        );
        let dead = [at("/a/1.sock", None), at("/a/2.sock", None)];
        assert_eq!(labels(dead.iter()).iter().map(|label| &**label).collect::<Vec<_>>(), ["1", "2"]);
    }

    #[test]
    fn an_address_that_is_the_end_of_another_keeps_its_source() {
        assert_eq!(
            labelled(&[("h", "abns@x", None), ("h", "/run/abns@x", None), ("h", "[::1]:1", None)]),
            ["h:abns@x", "run/abns@x", "[::1]:1"]
        );
    }

    #[test]
    fn a_path_longer_than_any_socket_has_a_short_end_or_its_whole_address() {
        let deep = "/a".repeat(100);
        let [one, two] = ["x", "y"].map(|start| format!("/{start}{deep}"));
        assert_eq!(labelled(&[("h", &one, None), ("h", &two, None)]), [&*one, &*two]);
        assert_eq!(labelled(&[("h", &one, None), ("h", "/b", None)]), ["a", "b"]);
    }

    fn odd_address(u: &mut Unstructured<'_>) -> Result<Address> {
        let texts = [
            "/1.sock",
            "/run/1.sock",
            "/run//1.sock",
            "/x/run/1.sock",
            "/run/2.sock",
            "/run/1",
            "/run/.sock",
            "/2",
            "/run/a/",
            "unix@1.sock",
            "unix@run/1.sock",
            "abns@x",
            "abnsz@x",
            "/run/abns@x",
            "[::1]:1",
            "/run/[::1]:1",
            "h:1",
            "/h:1",
        ];
        let unreadable = [&b"/run/\xff.sock"[..], b"/run/\xfe.sock"];
        if u.ratio(4, 5)? {
            Ok(u.choose(&texts)?.parse().unwrap())
        } else {
            Ok(unreadable_path(u.choose(&unreadable)?))
        }
    }

    #[cfg(unix)]
    fn unreadable_path(bytes: &[u8]) -> Address {
        use std::os::unix::ffi::OsStrExt;

        std::path::Path::new(std::ffi::OsStr::from_bytes(bytes)).into()
    }

    #[cfg(not(unix))]
    fn unreadable_path(bytes: &[u8]) -> Address {
        std::path::Path::new(&*String::from_utf8_lossy(bytes)).into()
    }

    fn odd_record(u: &mut Unstructured<'_>) -> Result<Record> {
        let labels = [
            "1",
            "2",
            "1.sock",
            "run/1",
            "run/1.sock",
            "/run/1.sock",
            "h:/run/1.sock",
            "h:/run/1.sock#1",
            "x",
            "abns@x",
            "",
        ];
        let host = *u.choose(&["h", "h:/run", ""])?;
        let address = odd_address(u)?;
        let label = if u.ratio(3, 10)? { Some(*u.choose(&labels)?) } else { None };
        let nbproc =
            if u.ratio(1, 2)? { Some((u.int_in_range(1..=2)?, *u.choose(&[1, 2, 2, 2])?)) } else { None };
        Ok(record(host, address, label, nbproc))
    }

    #[test]
    fn labels_are_unique_and_those_given_once_stay() {
        arbtest(|u| {
            let number = u.int_in_range(0..=8)?;
            let records = (0..number).map(|_| odd_record(u)).collect::<Result<Vec<_>>>()?;
            let labels = labels(records.iter());
            let unique: HashSet<_> = labels.iter().collect();
            assert_eq!((unique.len(), labels.len()), (records.len(), records.len()), "{labels:?}");
            for (record, label) in records.iter().zip(&labels) {
                assert!(!label.is_empty() || record.label.is_some());
                let given = records.iter().filter(|other| other.label == record.label).count();
                if let (Some(preference), 1) = (&record.label, given) {
                    assert_eq!(&**label, &**preference);
                }
            }
            Ok(())
        });
    }

    #[test]
    fn the_order_of_two_texts_is_the_one_of_their_parts() {
        let key = |text: &str| {
            let (mut parts, mut rest) = (Vec::new(), text);
            while let Some(first) = rest.chars().next() {
                let number = digits(rest);
                let value = number.trim_start_matches('0');
                let char = if number.is_empty() { first } else { '0' };
                parts.push((char, value.len(), value.to_owned()));
                rest = &rest[number.len().max(first.len_utf8())..];
            }
            (parts, text.to_owned())
        };
        arbtest(|u| {
            let text = |u: &mut Unstructured<'_>| -> Result<String> {
                (0..u.int_in_range(0..=8)?)
                    .map(|_| u.choose(&['0', '0', '1', '2', 'a', 'é', 'è', '/']).copied())
                    .collect()
            };
            let (start, a, b) = (text(u)?, text(u)?, text(u)?);
            let (a, b) = (start.clone() + &a, start + &b);
            assert_eq!(natural(&a, &b), key(&a).cmp(&key(&b)), "{a:?} {b:?}");
            Ok(())
        });
    }

    #[test]
    fn numbers_in_text_compare_as_numbers() {
        let mut names = vec!["p10.sock", "p2.sock", "p1.sock", "p02.sock", "a", "p"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["a", "p", "p1.sock", "p02.sock", "p2.sock", "p10.sock"]);
    }
}
