//! Differences of snapshots that are made from text: processes that restart, move, fail and leave,
//! counters that are cleared, and servers that are renamed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::collections::BTreeMap;
use std::time::Duration;

use arbtest::arbitrary::{Result, Unstructured};
use arbtest::arbtest;
use haproxyadmin::snapshot::{Delta, Increase, ObjectStanding, Standing};
use haproxyadmin::{ErrorKind, Snapshot};
use serde_json::{Value, json};

const COLUMNS: &str =
    "pxname,svname,type,iid,sid,srid,mode,stot,bout,scur,req_tot,chkdown,-,h1_total_streams,";

/// A process as a snapshot stores it.
#[derive(Clone)]
struct Process {
    address: String,
    pid: u64,
    /// Seconds.
    started_at: u64,
    /// Seconds.
    read_at: f64,
    prints_start: bool,
    info: Vec<(&'static str, u64)>,
    rows: Vec<String>,
    fails: bool,
}

impl Process {
    fn new(n: u64, read_at: f64, rows: &[&str]) -> Self {
        Self {
            address: format!("/run/{n}.sock"),
            pid: 100 + n,
            started_at: 50,
            read_at,
            prints_start: true,
            info: Vec::new(),
            rows: rows.iter().map(|row| (*row).to_owned()).collect(),
            fails: false,
        }
    }

    fn at(mut self, address: &str) -> Self {
        address.clone_into(&mut self.address);
        self
    }

    fn started(mut self, pid: u64, at: u64) -> Self {
        (self.pid, self.started_at) = (pid, at);
        self
    }

    fn without_start(mut self) -> Self {
        self.prints_start = false;
        self
    }

    fn with(mut self, info: &[(&'static str, u64)]) -> Self {
        self.info = info.to_vec();
        self
    }

    fn failed(mut self) -> Self {
        self.fails = true;
        self
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time of a test")]
    fn value(&self) -> Value {
        let read_at = (self.read_at * 1e6) as u64;
        let head = json!({ "host": "host", "address": self.address, "read_at": read_at });
        let rest = if self.fails {
            json!({ "error": { "kind": "timeout", "message": "no answer" } })
        } else {
            let uptime = read_at / 1_000_000 - self.started_at;
            let mut info = vec![
                ["Name".to_owned(), "HAProxy".to_owned()],
                ["Pid".into(), self.pid.to_string()],
                ["Uptime_sec".into(), uptime.to_string()],
                ["node".into(), "node".into()],
            ];
            if self.prints_start {
                info.push(["Start_time_sec".into(), self.started_at.to_string()]);
            }
            info.extend(self.info.iter().map(|(key, value)| [(*key).to_owned(), value.to_string()]));
            let stat = format!("# {COLUMNS}\n{}\n", self.rows.join(""));
            json!({ "level": "admin", "info": info, "stat": stat })
        };
        let mut value = head;
        value.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        value
    }
}

fn snapshot(processes: &[Process]) -> Snapshot {
    let processes: Vec<_> = processes.iter().map(Process::value).collect();
    serde_json::from_value(json!({ "format": 1, "processes": processes })).unwrap()
}

fn web(stot: u64) -> String {
    format!("web,FRONTEND,0,2,0,,http,{stot},{stot}00,1,{stot},,-,{stot},\n")
}

fn server(name: &str, number: u64, revision: &str, stot: u64) -> String {
    format!("app,{name},2,3,{number},{revision},http,{stot},0,0,{stot},1,-,,\n")
}

fn standings(delta: &Delta) -> Vec<(String, &'static str)> {
    delta
        .processes()
        .iter()
        .map(|process| (process.label().to_string(), process.standing().as_str()))
        .collect()
}

fn named(standings: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
    standings.iter().map(|(label, standing)| ((*label).to_owned(), *standing)).collect()
}

#[test]
fn each_process_counts_over_its_own_time() {
    let earlier = snapshot(&[Process::new(1, 100.0, &[&web(10)]), Process::new(2, 100.5, &[&web(100)])]);
    let later = snapshot(&[Process::new(1, 102.0, &[&web(30)]), Process::new(2, 110.5, &[&web(150)])]);
    let delta = later.since(&earlier);
    assert_eq!(standings(&delta), named(&[("1", "counted"), ("2", "counted")]));
    let frontend = delta.frontend("web").unwrap();
    let requests = frontend.requests().unwrap();
    assert_eq!((requests.count(), requests.rate()), (70.into(), Some(15.0)));
    let own: Vec<_> = requests.per_process().iter().map(|one| (&*one.label, one.count, one.covers)).collect();
    assert_eq!(own, [("1", 20, Duration::from_secs(2)), ("2", 50, Duration::from_secs(10))]);
    let covers = delta.covers().unwrap();
    assert_eq!((covers.shortest, covers.longest), (Duration::from_secs(2), Duration::from_secs(10)));
    assert_eq!(frontend.covers(), Some(covers));
    assert_eq!(frontend.stot(), Some(requests));
    assert_eq!(frontend.difference("bout").unwrap(), Some(7000.into()));
    assert_eq!(frontend.rate("bout").unwrap(), Some(1500.0));
}

#[test]
fn only_counters_that_are_added_up_have_a_difference() {
    let rows = [&*web(10), &*server("a", 1, "0", 5)];
    let delta = snapshot(&[Process::new(1, 101.0, &rows)]).since(&snapshot(&[Process::new(1, 100.0, &rows)]));
    let frontend = delta.frontend("web").unwrap();
    let kind = |name: &str| frontend.increase(name).unwrap_err().kind();
    let refused = ["scur", "chkdown", "mode", "nope"].map(kind);
    let invalid = ErrorKind::InvalidInput;
    assert_eq!(refused, [invalid, invalid, invalid, ErrorKind::NotFound]);
    let text = frontend.rate("scur").unwrap_err().to_string();
    assert_eq!(text, "column \"scur\" is not a counter that is added up");
    // Servers have no such column, and no process fills the other one.
    assert_eq!(delta.server("app", "a").unwrap().increase("dreq").unwrap(), None);
    assert_eq!(frontend.increase("ereq").unwrap(), None);
    assert_eq!(delta.info().increase("CurrConns").unwrap_err().kind(), invalid);
    assert_eq!(delta.info().increase("Nope").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(delta.frontend("nope").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(delta.server("app", "nope").unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_process_is_known_by_its_start_and_not_by_its_address() {
    let worker = |address: &str, at: f64, stot| Process::new(1, at, &[&web(stot)]).at(address);
    let earlier = snapshot(&[
        worker("@1@/run/master.sock", 100.0, 10),
        worker("/run/b.sock", 100.0, 10).started(7, 40),
    ]);
    let later = snapshot(&[
        worker("@!101@/run/master.sock", 110.0, 15),
        worker("@1@/run/master.sock", 110.0, 3).started(102, 105),
        // Another process with the same number.
        worker("/run/b.sock", 110.0, 11).started(7, 106),
    ]);
    let delta = later.since(&earlier);
    let all: Vec<_> = delta
        .processes()
        .iter()
        .map(|one| (one.later().map(|one| one.address().to_string()), one.standing()))
        .collect();
    assert_eq!(
        all,
        [
            (Some("/run/b.sock".into()), Standing::New),
            (Some("@!101@/run/master.sock".into()), Standing::Counted),
            (Some("@1@/run/master.sock".into()), Standing::New),
            (None, Standing::Left),
        ]
    );
    assert_eq!(delta.frontend("web").unwrap().difference("stot").unwrap(), Some(5.into()));
    let standings: Vec<_> =
        delta.frontend("web").unwrap().standings().map(|(_, standing)| standing).collect();
    assert_eq!(standings, [ObjectStanding::NotCounted, ObjectStanding::Counted, ObjectStanding::NotCounted]);
}

#[test]
fn a_start_that_is_derived_may_be_two_seconds_off() {
    let process =
        |at: f64, started_at| Process::new(1, at, &[&web(9)]).started(5, started_at).without_start();
    let earlier = snapshot(&[process(53.5, 50)]);
    let standing = |started_at| {
        let later = snapshot(&[process(200.0, started_at)]);
        later.since(&earlier).processes()[0].standing().as_str()
    };
    assert_eq!([48, 50, 52, 53].map(standing), ["counted", "counted", "counted", "new"]);

    // The uptime did not grow for eight seconds, in which the process hung. It is the same if it has
    // run for longer than the time between the replies, and may be another one if not.
    let hung = |then: f64, now: f64| snapshot(&[process(now, 58)]).since(&snapshot(&[process(then, 50)]));
    assert_eq!(standings(&hung(100.0, 110.0)), named(&[("1", "counted")]));
    assert_eq!(standings(&hung(55.0, 110.0)), named(&[("1", "new"), ("1", "left")]));

    // The process that restarted within the same two seconds has run for less time.
    let young = snapshot(&[process(53.0, 50)]);
    assert_eq!(
        standings(&snapshot(&[process(54.0, 52)]).since(&young)),
        named(&[("1", "new"), ("1", "left")])
    );
}

#[test]
fn a_counter_that_fell_makes_its_whole_process_reset() {
    let rows = |web: u64, app: u64| [self::web(web), server("a", 1, "", app)];
    let process = |at, web, app| {
        let rows = rows(web, app);
        Process::new(1, at, &[&rows[0], &rows[1]])
    };
    // The frontend grew beyond its earlier value after the counters were cleared, and the server did not.
    let delta = snapshot(&[process(101.0, 12, 3)]).since(&snapshot(&[process(100.0, 10, 5)]));
    assert_eq!(standings(&delta), named(&[("1", "reset")]));
    assert_eq!((delta.covers(), delta.info().requests()), (None, None));
    let frontend = delta.frontend("web").unwrap();
    assert_eq!((frontend.requests(), frontend.covers(), frontend.rate("stot").unwrap()), (None, None, None));
    assert_eq!(frontend.increases(), []);
}

#[test]
fn a_calculated_counter_may_fall_alone() {
    let process = |n: u64, at, stot: u64, other: u64| {
        let mut process = Process::new(n, at, &[]).value();
        let stat = "# pxname,svname,type,iid,sid,stot,sess_other,h1sess,\n";
        process["stat"] = json!(format!("{stat}raw,FRONTEND,0,2,0,{stot},{other},{},\n\n", stot - other));
        process
    };
    let read = |processes: Vec<Value>| -> Snapshot {
        serde_json::from_value(json!({ "format": 1, "processes": processes })).unwrap()
    };
    let earlier = read(vec![process(1, 100.0, 3, 3), process(2, 100.0, 10, 4)]);
    let delta = read(vec![process(1, 102.0, 5, 1), process(2, 102.0, 20, 6)]).since(&earlier);
    assert_eq!(standings(&delta), named(&[("1", "counted"), ("2", "counted")]));
    let raw = delta.frontend("raw").unwrap();
    assert_eq!(raw.increase("stot").unwrap().unwrap().count(), 12);
    assert_eq!(raw.increase("h1sess").unwrap().unwrap().count(), 12);
    // The process in which it fell has no increase of this column.
    let other = raw.increase("sess_other").unwrap().unwrap();
    let counts: Vec<_> = other.per_process().iter().map(|one| (&*one.label, one.count)).collect();
    assert_eq!(counts, [("2", 2)]);
    // A counter of HAProxy itself that falls beside it still tells.
    let fell = read(vec![process(1, 104.0, 4, 0), process(2, 104.0, 21, 6)]).since(&earlier);
    assert_eq!(standings(&fell), named(&[("1", "counted"), ("2", "counted")]));
    let fell = read(vec![process(1, 104.0, 2, 2), process(2, 104.0, 21, 6)]).since(&earlier);
    assert_eq!(standings(&fell), named(&[("1", "reset"), ("2", "counted")]));
}

#[test]
fn counters_of_modules_may_fall_alone() {
    let process = |at, stot: u64, streams: u64| {
        let row = format!("web,FRONTEND,0,2,0,,http,{stot},0,1,{stot},,-,{streams},\n");
        Process::new(1, at, &[&row])
    };
    let delta = snapshot(&[process(102.0, 14, 3)]).since(&snapshot(&[process(100.0, 10, 9)]));
    assert_eq!(standings(&delta), named(&[("1", "counted")]));
    assert!(delta.processes()[0].modules_cleared());
    let frontend = delta.frontend("web").unwrap();
    assert_eq!((frontend.rate("stot").unwrap(), frontend.h1_total_streams()), (Some(2.0), None));
    let names: Vec<_> = frontend.increases().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["stot", "bout", "req_tot"]);
}

#[test]
fn a_process_that_did_not_answer_is_listed_and_hides_no_other() {
    let process = |n, at, stot| Process::new(n, at, &[&web(stot)]);
    let earlier = snapshot(&[process(1, 100.0, 1), process(2, 110.0, 1).failed(), process(3, 100.0, 1)]);
    let later = snapshot(&[process(1, 120.0, 21), process(2, 120.0, 9), process(3, 130.0, 9).failed()]);
    let delta = later.since(&earlier);
    assert_eq!(standings(&delta), named(&[("1", "counted"), ("2", "failed before"), ("3", "failed")]));
    assert_eq!(delta.frontend("web").unwrap().rate("stot").unwrap(), Some(1.0));
    assert_eq!(delta.not_counted().count(), 2);

    // A process that started after the failure is another one.
    let later = snapshot(&[process(1, 120.0, 21), process(2, 120.0, 9).started(7, 115)]);
    assert_eq!(standings(&later.since(&earlier)), named(&[("1", "counted"), ("2", "new"), ("3", "left")]));
}

#[test]
fn the_same_reply_and_the_wrong_order_cover_nothing() {
    let [one, two] = [100.0, 101.0].map(|at| snapshot(&[Process::new(1, at, &[&web(7)])]));
    assert_eq!(standings(&one.since(&one)), named(&[("1", "same reply")]));
    assert_eq!(standings(&one.since(&two)), named(&[("1", "backwards")]));
    assert_eq!(one.since(&two).frontend("web").unwrap().requests(), None);
}

#[test]
fn processes_with_one_identity_are_told_apart_by_their_address_or_not_at_all() {
    let process = |n, at, stot| Process::new(n, at, &[&web(stot)]).started(1, 50);
    let earlier = snapshot(&[process(1, 100.0, 1), process(2, 100.0, 1), process(3, 100.0, 1)]);
    let same = snapshot(&[process(1, 101.0, 2), process(2, 101.0, 2), process(3, 101.0, 2)]);
    assert_eq!(same.since(&earlier).counted().count(), 3);
    let moved = snapshot(&[process(1, 101.0, 2), process(7, 101.0, 2)]);
    let expected = [("1", "counted"), ("7", "unidentified"), ("2", "unidentified"), ("3", "unidentified")];
    assert_eq!(standings(&moved.since(&earlier)), named(&expected));
}

#[test]
fn a_renamed_server_goes_on_and_an_added_one_begins() {
    let process = |at, rows: [String; 2]| Process::new(1, at, &[&rows[0], &rows[1]]);
    let earlier = snapshot(&[process(100.0, [server("a", 1, "0", 5), server("b", 2, "0", 7)])]);
    let later = snapshot(&[process(101.0, [server("c", 1, "0", 6), server("b", 2, "1", 9)])]);
    let delta = later.since(&earlier);
    assert_eq!(standings(&delta), named(&[("1", "counted")]));
    assert_eq!(delta.server("app", "c").unwrap().difference("stot").unwrap(), Some(1.into()));
    let standings = |name: &str| -> Vec<_> {
        delta.server("app", name).unwrap().standings().map(|(_, standing)| standing).collect()
    };
    assert_eq!(standings("c"), [ObjectStanding::Counted]);
    assert_eq!(standings("b"), [ObjectStanding::Added, ObjectStanding::Gone]);
    assert_eq!(delta.server("app", "b").unwrap().requests(), None);
    assert_eq!(delta.server("app", "a").unwrap_err().kind(), ErrorKind::NotFound);

    let without = snapshot(&[Process::new(1, 102.0, &[&server("c", 1, "0", 8)])]).since(&later);
    let servers: Vec<_> = without.servers().iter().map(|one| one.name().to_owned()).collect();
    assert_eq!(servers, ["c", "b"]);
    let b = without.server("app", "b").unwrap();
    assert_eq!((b.standings().next().unwrap().1, b.requests()), (ObjectStanding::Gone, None));
}

#[test]
fn a_process_counter_of_32_bits_wraps() {
    let process = |at, requests, bytes| {
        Process::new(1, at, &[&web(1)]).with(&[("CumReq", requests), ("TotalBytesOut", bytes)])
    };
    let last = u64::from(u32::MAX);
    let earlier = snapshot(&[process(100.0, last - 9, 1000)]);
    let delta = snapshot(&[process(110.0, 10, 3000)]).since(&earlier);
    assert_eq!(delta.info().rate("CumReq").unwrap(), Some(2.0));
    assert_eq!(delta.info().total_bytes_out().unwrap().rate(), Some(200.0));
    let names: Vec<_> = delta.info().increases().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["CumReq", "TotalBytesOut"]);

    let fell = snapshot(&[process(110.0, last - 10, 3000)]).since(&earlier);
    assert_eq!(standings(&fell), named(&[("1", "reset")]));
    let fell = snapshot(&[process(110.0, 10, 999)]).since(&earlier);
    assert_eq!(standings(&fell), named(&[("1", "reset")]));
}

#[test]
fn requests_are_sessions_in_tcp_mode() {
    let row = |stot: u64| format!("raw,FRONTEND,0,2,0,,tcp,{stot},0,1,0,,-,,\n");
    let process = |at, stot| Process::new(1, at, &[&row(stot)]);
    let delta = snapshot(&[process(102.0, 14)]).since(&snapshot(&[process(100.0, 10)]));
    let raw = delta.frontend("raw").unwrap();
    assert_eq!((raw.requests().unwrap().count(), raw.req_tot().unwrap().count()), (4.into(), 0.into()));
}

#[test]
fn a_delta_is_written_with_its_processes_and_objects() {
    let rows = |n| [web(n), server("a", 1, "0", n)];
    let process = |n, at, count| {
        let rows = rows(count);
        Process::new(n, at, &[&rows[0], &rows[1]]).with(&[("CumReq", count)])
    };
    let delta =
        snapshot(&[process(1, 102.0, 14), process(2, 102.0, 3)]).since(&snapshot(&[process(1, 100.0, 10)]));
    let covers = json!({ "shortest": 2_000_000, "longest": 2_000_000 });
    let increase = |count: u64, rate: f64| json!({ "count": count, "rate": rate, "covers": covers });
    let processes =
        json!([{ "label": "1", "standing": "counted" }, { "label": "2", "standing": "not_counted" }]);
    assert_eq!(
        serde_json::to_value(&delta).unwrap(),
        json!({
            "processes": [
                { "label": "1", "host": "host", "standing": "counted", "covers": 2_000_000, "modules_cleared": false },
                { "label": "2", "host": "host", "standing": "new", "modules_cleared": false },
            ],
            "info": { "covers": covers, "increases": { "CumReq": increase(4, 2.0) } },
            "frontends": [{
                "name": "web", "processes": processes, "covers": covers,
                "increases": {
                    "stot": increase(4, 2.0), "bout": increase(400, 200.0), "req_tot": increase(4, 2.0),
                    "h1_total_streams": increase(4, 2.0),
                },
            }],
            "listeners": [],
            "backends": [],
            "servers": [{
                "backend": "app", "name": "a", "processes": processes, "covers": covers,
                "increases": { "stot": increase(4, 2.0), "bout": increase(0, 0.0), "req_tot": increase(4, 2.0) },
            }],
        })
    );
}

/// A process of a simulated fleet.
#[derive(Clone)]
struct Simulated {
    /// Number of the start among all starts of all processes.
    incarnation: usize,
    /// Number of times that the counters were cleared.
    clears: u64,
    address: String,
    pid: u64,
    started_at: u64,
    prints_start: bool,
    answers: bool,
    read_at: f64,
    web: u64,
    /// Count of a frontend that never reaches its count before a clear again, so that each clear is
    /// noticed.
    quiet: u64,
    servers: Vec<SimulatedServer>,
}

const QUIET: u64 = 1000;

#[derive(Clone)]
struct SimulatedServer {
    sid: u64,
    srid: u64,
    name: String,
    count: u64,
}

impl Simulated {
    fn process(&self) -> Process {
        let mut rows = vec![web(self.web), format!("quiet,FRONTEND,0,9,0,,http,{},0,0,0,,-,,\n", self.quiet)];
        rows.extend(
            self.servers.iter().map(|one| server(&one.name, one.sid, &one.srid.to_string(), one.count)),
        );
        let rows: Vec<_> = rows.iter().map(String::as_str).collect();
        let process =
            Process::new(0, self.read_at, &rows).at(&self.address).started(self.pid, self.started_at);
        let process = if self.prints_start { process } else { process.without_start() };
        if self.answers { process } else { process.failed() }
    }
}

/// The fleet, and everything that must be unique in it.
struct Fleet {
    now: u64,
    starts: usize,
    names: usize,
    revisions: u64,
    processes: Vec<Simulated>,
}

impl Fleet {
    fn start(&mut self, u: &mut Unstructured<'_>, address: String, pid: Option<u64>) -> Result<Simulated> {
        self.starts += 1;
        // In a container, a process that restarts has the number that it had before.
        let before = if u.ratio(1, 2)? { pid } else { None };
        let pid = before.unwrap_or(100 + self.starts as u64);
        Ok(Simulated {
            incarnation: self.starts,
            clears: 0,
            address,
            pid,
            started_at: self.now,
            prints_start: u.ratio(1, 2)?,
            answers: true,
            read_at: 0.0,
            web: 0,
            quiet: QUIET,
            servers: Vec::new(),
        })
    }

    /// Does something to one process.
    fn act(&mut self, u: &mut Unstructured<'_>, at: usize) -> Result<()> {
        let mut process = self.processes[at].clone();
        match u.int_in_range(0..=9)? {
            0 => process = self.start(u, process.address, Some(process.pid))?,
            1 if !process.address.starts_with('@') => {
                // A reload behind a master: the worker goes on at another address.
                let former = format!("@!{}@/m.sock", process.incarnation);
                let address = std::mem::replace(&mut process.address, former);
                let successor = self.start(u, address, None)?;
                self.processes.push(successor);
            }
            2 => {
                process.clears += 1;
                (process.web, process.quiet) = (0, QUIET - process.clears);
                process.servers.iter_mut().for_each(|server| server.count = 0);
            }
            3 => process.answers = !process.answers,
            4 if !process.servers.is_empty() => {
                self.names += 1;
                process.servers[0].name = format!("s{}", self.names);
            }
            5 if !process.servers.is_empty() => {
                process.servers.remove(0);
            }
            6 => {
                self.revisions += 1;
                let sid = u.int_in_range(1..=3)?;
                process.servers.retain(|server| server.sid != sid);
                let name = format!("s{}", u.int_in_range(1..=3)?);
                process.servers.retain(|server| server.name != name);
                process.servers.push(SimulatedServer { sid, srid: self.revisions, name, count: 0 });
            }
            _ => {}
        }
        process.web += u.int_in_range(0..=50)?;
        for server in &mut process.servers {
            server.count += u.int_in_range(0..=20)?;
        }
        self.processes[at] = process;
        Ok(())
    }

    fn read(&mut self, u: &mut Unstructured<'_>) -> Result<Snapshot> {
        for process in &mut self.processes {
            process.read_at =
                f64::from(u32::try_from(self.now).unwrap()) + f64::from(u.int_in_range(0..=900)?) / 1e3;
        }
        Ok(snapshot(&self.processes.iter().map(Simulated::process).collect::<Vec<_>>()))
    }
}

/// Counts and rates that a delta must have, by the name of the object.
#[derive(Debug, Default, PartialEq)]
struct Truth {
    counts: BTreeMap<String, u64>,
    rates: BTreeMap<String, f64>,
    counted: Vec<String>,
    reset: Vec<String>,
}

impl Truth {
    fn of(later: &[Simulated], earlier: &[Simulated]) -> Self {
        let mut truth = Self::default();
        for now in later.iter().filter(|now| now.answers) {
            let before = earlier.iter().find(|then| then.incarnation == now.incarnation && then.answers);
            let Some(then) = before else { continue };
            if now.clears != then.clears {
                truth.reset.push(now.address.clone());
                continue;
            }
            truth.counted.push(now.address.clone());
            let mut add = |name: &str, count: u64| {
                *truth.counts.entry(name.to_owned()).or_default() += count;
                #[allow(clippy::cast_precision_loss, reason = "a small number")]
                let rate = count as f64 / (now.read_at - then.read_at);
                *truth.rates.entry(name.to_owned()).or_default() += rate;
            };
            add("web", now.web - then.web);
            for server in &now.servers {
                let same = then.servers.iter().find(|one| (one.sid, one.srid) == (server.sid, server.srid));
                if let Some(same) = same {
                    add(&server.name, server.count - same.count);
                }
            }
        }
        truth.counted.sort();
        truth.reset.sort();
        truth
    }

    fn told(delta: &Delta) -> Self {
        let mut told = Self::default();
        let mut add = |name: &str, increase: Option<Increase>| {
            if let Some(increase) = increase {
                told.counts.insert(name.to_owned(), increase.count().exact().unwrap());
                told.rates.insert(name.to_owned(), increase.rate().unwrap());
            }
        };
        add("web", delta.frontend("web").ok().and_then(|web| web.stot()));
        delta.servers().iter().for_each(|server| add(server.name(), server.stot()));
        let with = |wanted: Standing| {
            let of = delta.processes().iter().filter(|process| process.standing() == wanted);
            let mut all: Vec<_> = of.map(|process| process.later().unwrap().address().to_string()).collect();
            all.sort();
            all
        };
        (told.counted, told.reset) = (with(Standing::Counted), with(Standing::Reset));
        told
    }

    fn is_close_to(&self, other: &Self) -> bool {
        let rates = self.rates.iter().zip(&other.rates);
        let close = |((one, x), (two, y)): ((&String, &f64), (&String, &f64))| {
            one == two && (x - y).abs() < 1e-2 * x.max(1.0)
        };
        self.rates.len() == other.rates.len() && rates.into_iter().all(close)
    }
}

/// Returns the events of each start of a process that was counted.
fn own_events(delta: &Delta, processes: &[Simulated]) -> BTreeMap<usize, u64> {
    let increase = delta.frontend("web").ok().and_then(|web| web.stot());
    let own = increase.iter().flat_map(Increase::per_process).map(|one| {
        let address = delta.later().process(&one.label).unwrap().address().to_string();
        let process = processes.iter().find(|process| process.address == address).unwrap();
        (process.incarnation, one.count)
    });
    own.collect()
}

#[test]
fn differences_of_any_history_add_up_to_its_events() {
    arbtest(|u| {
        let mut fleet = Fleet { now: 1000, starts: 0, names: 10, revisions: 0, processes: Vec::new() };
        for n in 0..u.int_in_range(1..=3)? {
            let process = fleet.start(u, format!("/run/{n}.sock"), None)?;
            fleet.processes.push(process);
        }
        fleet.now += 5;
        let (mut earlier, mut before) = (fleet.read(u)?, fleet.processes.clone());
        let (first, start) = (earlier.clone(), before.clone());
        // Events of each process, and the number of steps in which it was counted.
        let (steps, mut events) = (u.int_in_range(1..=6)?, BTreeMap::<usize, (u64, usize)>::new());
        for _ in 0..steps {
            fleet.now += 4 + u.int_in_range(0..=10)?;
            for at in 0..fleet.processes.len() {
                fleet.act(u, at)?;
            }
            if fleet.processes.len() > 2 && u.ratio(1, 4)? {
                fleet.processes.remove(0);
            }
            fleet.now += 4;
            let later = fleet.read(u)?;
            let delta = later.since(&earlier);
            let (truth, told) = (Truth::of(&fleet.processes, &before), Truth::told(&delta));
            assert_eq!((&told.counted, &told.reset), (&truth.counted, &truth.reset));
            assert_eq!(told.counts, truth.counts);
            assert!(told.is_close_to(&truth), "{told:?} {truth:?}");
            let listed = delta.processes().iter().filter(|process| process.later().is_some()).count();
            assert_eq!(listed, fleet.processes.len());
            for (incarnation, count) in own_events(&delta, &fleet.processes) {
                let (sum, counted) = events.entry(incarnation).or_default();
                (*sum, *counted) = (*sum + count, *counted + 1);
            }
            (earlier, before) = (later, fleet.processes.clone());
        }
        let whole = earlier.since(&first);
        assert_eq!(Truth::told(&whole).counts, Truth::of(&before, &start).counts);
        for (incarnation, count) in own_events(&whole, &before) {
            match events.get(&incarnation) {
                Some((sum, counted)) if *counted == steps => assert_eq!(count, *sum),
                _ => {}
            }
        }
        Ok(())
    });
}
