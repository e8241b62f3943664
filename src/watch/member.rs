//! One member of the cluster in a watch: turns its answers into events.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use tokio::time::Instant;

use super::difference::{Difference, Name, differences};
use super::event::Event;
use super::picture::{ProcessStatus, Seen, Watched, WatchedProcess};
use crate::address::Address;
use crate::cluster::Identity;
use crate::error::{Error, ErrorKind, Failure, Result};
use crate::excerpt::cut;
use crate::show::{ServerNotice, ServerState};
use crate::snapshot::Label;

/// A member, with all that the watch knows about it.
#[derive(Debug)]
pub(super) struct Member {
    label: Label,
    address: Address,
    /// `None` until the first question has ended.
    status: Option<ProcessStatus>,
    failure: Option<Failure>,
    seen: Option<Seen>,
    /// Set if the process has joined, and has not left since.
    has_joined: bool,
    /// HAProxy's words about servers that the next answers may show as changed.
    notices: HashMap<Name, (Instant, Box<str>)>,
    question: Question,
    /// `None` if the first attempt to follow its ring has not ended.
    ring: Option<Result<(), Failure>>,
    published: Option<WatchedProcess>,
}

/// State of the questions to one member.
#[derive(Debug, Default)]
struct Question {
    /// Start of the question that is under way.
    since: Option<Instant>,
    /// Set if another question must follow at once.
    is_again: bool,
}

/// Highest number of notices that are kept between two answers.
const NOTICES: usize = 8192;

/// Highest number of characters of HAProxy's words in a notice. Its words about a health check, with the
/// answer of the server, are shorter.
const WORDS: usize = 256;

impl Member {
    pub(super) fn new(address: Address, label: Label) -> Self {
        Self {
            label,
            address,
            status: None,
            failure: None,
            seen: None,
            has_joined: false,
            notices: HashMap::new(),
            question: Question::default(),
            ring: None,
            published: None,
        }
    }

    /// Returns the process for the next picture, or `None` if its first question has not ended yet.
    pub(super) fn process(&mut self) -> Option<WatchedProcess> {
        if self.published.is_none() {
            self.published = Some(WatchedProcess(Arc::new(Watched {
                label: self.label.clone(),
                address: self.address.clone(),
                status: self.status?,
                failure: self.failure.clone(),
                seen: self.seen.clone(),
                ring: self.ring.clone(),
            })));
        }
        self.published.clone()
    }

    /// Returns the reason why the process cannot be read, if it hangs or fails.
    pub(super) fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// Returns `true` if the process hangs or cannot be read, so that others must not wait for it.
    pub(super) fn is_slow(&self) -> bool {
        matches!(self.status, Some(ProcessStatus::Hung | ProcessStatus::Failed))
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.status == Some(ProcessStatus::Stopping)
    }

    /// Returns `true` if a question is under way.
    pub(super) fn is_asked(&self) -> bool {
        self.question.since.is_some()
    }

    /// Returns `true` if a question is to be sent now. It is not if the one before has not ended.
    pub(super) fn begin(&mut self) -> bool {
        if self.question.since.is_some() {
            return false;
        }
        self.question.since = Some(Instant::now());
        true
    }

    /// Returns `true` if a question is to be sent now, because something may have changed. If one is under
    /// way, another one follows.
    pub(super) fn begin_again(&mut self) -> bool {
        self.question.is_again |= self.question.since.is_some();
        self.begin()
    }

    /// Returns `true` once if another question must follow.
    pub(super) fn take_again(&mut self) -> bool {
        std::mem::take(&mut self.question.is_again)
    }

    /// Keeps HAProxy's words about a server.
    pub(super) fn note(&mut self, notice: ServerNotice<'_>) {
        let name = (notice.backend.into(), notice.server.into());
        if self.notices.len() < NOTICES || self.notices.contains_key(&name) {
            self.notices.insert(name, (Instant::now(), cut(notice.words, WORDS)));
        }
    }

    /// Notes that the ring is followed from now on.
    pub(super) fn ring_followed(&mut self) -> Event {
        (self.ring, self.published) = (Some(Ok(())), None);
        Event::RingFollowed { process: self.label.clone() }
    }

    /// Notes that the ring is not followed any more, or cannot be followed.
    pub(super) fn ring_failed(&mut self, error: &Error) -> Event {
        let failure = Failure::new(error.clone(), "");
        (self.ring, self.published) = (Some(Err(failure.clone())), None);
        Event::RingFailed { process: self.label.clone(), failure }
    }

    /// Takes the answer to the question that is under way.
    pub(super) fn answered(&mut self, answer: Result<Seen>) -> Vec<Event> {
        let mut events = Vec::new();
        match answer {
            Ok(seen) => self.seen(seen, &mut events),
            Err(error) => events = self.failed(Failure::new(error, READING)),
        }
        self.published = None;
        // Words that arrived before the question began did not announce a change that is still to come.
        if let Some(since) = self.question.since.take() {
            self.notices.retain(|_, (at, _)| *at > since);
        }
        events
    }

    /// Takes the reason why the process could not be read.
    pub(super) fn failed(&mut self, failure: Failure) -> Vec<Event> {
        let status = status_of(&failure);
        let is_new = self.status.replace(status) != Some(status);
        self.failure = Some(failure.clone());
        self.published = None;
        let process = self.label.clone();
        match status {
            ProcessStatus::Gone => self.left().into_iter().collect(),
            _ if !is_new => Vec::new(),
            ProcessStatus::Hung => vec![Event::Hung { process, failure }],
            _ => vec![Event::Failed { process, failure }],
        }
    }

    /// Returns the event for a member that the cluster does not list any more.
    pub(super) fn left(&mut self) -> Option<Event> {
        let pid = self.seen.as_ref().and_then(|seen| seen.info.pid());
        std::mem::take(&mut self.has_joined).then(|| Event::Left { process: self.label.clone(), pid })
    }

    fn seen(&mut self, mut seen: Seen, events: &mut Vec<Event>) {
        let process = || self.label.clone();
        let pid = seen.info.pid();
        let before = self.seen.take();
        let is_same = before.as_ref().is_some_and(|before| is_same(before, &seen));
        if !self.has_joined {
            events.push(Event::Joined { process: process(), pid });
        } else if !is_same {
            let from = before.as_ref().and_then(|before| before.info.pid());
            events.push(Event::Restarted { process: process(), from, to: pid });
        } else if self.is_slow() {
            events.push(Event::Back { process: process() });
        }
        if !is_same {
            self.notices.clear();
        }
        let is_stopping = seen.info.is_stopping();
        let was_stopping = before.as_ref().is_some_and(|before| before.info.is_stopping());
        if is_stopping && !(self.has_joined && is_same && was_stopping) {
            events.push(Event::Stopping { process: process(), pid });
        }
        if let Some(before) = &before {
            if is_stopping {
                // A process that is stopping no longer runs its proxies. The next process at this address is
                // compared with the last one that ran them.
                seen.servers = Arc::clone(&before.servers);
            } else {
                self.compare(&before.servers, &seen.servers, events);
            }
        }
        self.has_joined = true;
        self.status = Some(if is_stopping { ProcessStatus::Stopping } else { ProcessStatus::Running });
        self.failure = None;
        self.seen = Some(seen);
    }

    fn compare(&mut self, before: &[ServerState], now: &[ServerState], events: &mut Vec<Event>) {
        for difference in differences(before, now) {
            let (Difference::Changed(_, one) | Difference::Added(one) | Difference::Removed(one)) =
                difference;
            let (process, backend, server) = (self.label.clone(), one.backend.clone(), one.name.clone());
            let Difference::Changed(before, now) = difference else {
                events.push(match difference {
                    Difference::Removed(_) => Event::ServerRemoved { process, backend, server },
                    _ => Event::ServerAdded { process, backend, server },
                });
                continue;
            };
            let reason = self.notices.remove(&(backend.clone(), server.clone())).map(|(_, words)| words);
            let (from, to) = (before.administrative.state(), now.administrative.state());
            if from != to {
                let (process, backend, server) = (process.clone(), backend.clone(), server.clone());
                let reason = reason.clone();
                events.push(Event::Administrative { process, backend, server, from, to, reason });
            }
            let (from, to) = (before.operational, now.operational);
            if from != to {
                events.push(Event::Operational { process, backend, server, from, to, reason });
            }
        }
    }
}

/// Name of the question in failures.
const READING: &str = "show servers state";

/// Returns the status of a process that could not be read.
fn status_of(failure: &Failure) -> ProcessStatus {
    let io = failure.error().and_then(Error::io).map(io::Error::kind);
    match (failure.kind, io) {
        (ErrorKind::NotFound, _)
        | (ErrorKind::Connect, Some(io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)) => {
            ProcessStatus::Gone
        }
        (ErrorKind::Timeout, _) => ProcessStatus::Hung,
        // A host name that cannot be looked up, or a host without a route, tells nothing about the process.
        _ => ProcessStatus::Failed,
    }
}

/// Returns `true` if one process gave both answers.
fn is_same(before: &Seen, now: &Seen) -> bool {
    let identity = |seen: &Seen| Identity::new(&seen.info, seen.read_at);
    match (identity(before), identity(now)) {
        (Some(one), Some(other)) if one.fits(&other) => true,
        (Some(_), Some(_)) => is_older(before, now),
        _ => before.info.pid() == now.info.pid(),
    }
}

/// Returns `true` if `now` is the process of `before` some time later, by its uptime and its connections.
///
/// Up to 2.4, HAProxy prints no start time, and does not count the time in which it was stopped as uptime:
/// the start time that follows from it moves.
fn is_older(before: &Seen, now: &Seen) -> bool {
    let (before, now) = (&before.info, &now.info);
    let has_start = before.start_time_sec().is_some() || now.start_time_sec().is_some();
    !has_start
        && (before.pid(), before.node()) == (now.pid(), now.node())
        && before.uptime_sec() <= now.uptime_sec()
        && before.cum_conns() <= now.cum_conns()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::testing::{cannot_connect, seen};

    fn member() -> Member {
        Member::new("/run/1.sock".parse().unwrap(), "1".into())
    }

    fn words(events: &[Event]) -> Vec<String> {
        events.iter().map(ToString::to_string).collect()
    }

    fn tell(member: &mut Member, info: &str, servers: &str) -> Vec<String> {
        assert!(member.begin());
        words(&member.answered(Ok(seen(info, servers))))
    }

    fn fail(member: &mut Member, kind: ErrorKind) -> Vec<String> {
        assert!(member.begin());
        words(&member.answered(Err(Error::from_kind(kind, "no"))))
    }

    fn refuse(member: &mut Member, kind: io::ErrorKind) -> Vec<String> {
        assert!(member.begin());
        words(&member.answered(Err(cannot_connect(kind))))
    }

    const ONE: &str = "Pid=7 Start_time_sec=100";
    const TWO: &str = "Pid=8 Start_time_sec=200";

    #[test]
    fn a_process_joins_hangs_returns_and_leaves() {
        let mut member = member();
        assert!(member.process().is_none());
        assert_eq!(tell(&mut member, ONE, "a=up"), ["1: joined as pid 7"]);
        assert_eq!(fail(&mut member, ErrorKind::Timeout), ["1: hung: no"]);
        assert_eq!(fail(&mut member, ErrorKind::Timeout), [""; 0]);
        assert_eq!(member.process().unwrap().servers().len(), 1);
        assert_eq!(fail(&mut member, ErrorKind::AccessDenied), ["1: failed: no"]);
        assert_eq!(tell(&mut member, ONE, "a=up"), ["1: back"]);
        assert_eq!(refuse(&mut member, io::ErrorKind::ConnectionRefused), ["1: left as pid 7"]);
        assert_eq!(refuse(&mut member, io::ErrorKind::ConnectionRefused), [""; 0]);
        assert_eq!(member.process().unwrap().status(), ProcessStatus::Gone);
        assert_eq!(fail(&mut member, ErrorKind::Timeout), ["1: hung: no"]);
        assert_eq!(tell(&mut member, TWO, "a=up"), ["1: joined as pid 8"]);
        assert_eq!(words(&Vec::from_iter(member.left())), ["1: left as pid 8"]);
        assert_eq!(member.left(), None);
    }

    #[test]
    fn a_process_that_cannot_be_reached_is_gone_only_if_nothing_listens() {
        for (kind, is_gone) in [
            (io::ErrorKind::NotFound, true),
            (io::ErrorKind::ConnectionRefused, true),
            (io::ErrorKind::HostUnreachable, false),
            (io::ErrorKind::TimedOut, false),
            // A name that cannot be looked up.
            (io::ErrorKind::Other, false),
        ] {
            let mut member = member();
            tell(&mut member, ONE, "a=up");
            let events = refuse(&mut member, kind);
            let (status, word) = if is_gone {
                (ProcessStatus::Gone, "1: left as pid 7")
            } else {
                (ProcessStatus::Failed, "1: failed: ")
            };
            assert_eq!(member.process().unwrap().status(), status, "{kind}");
            assert!(events.len() == 1 && events[0].starts_with(word), "{events:?}");
            if !is_gone {
                assert_eq!(tell(&mut member, ONE, "a=up"), ["1: back"]);
            }
        }
    }

    #[test]
    fn a_new_process_is_compared_with_the_former_one() {
        let mut member = member();
        tell(&mut member, ONE, "a=drain b=up");
        let restarted = "1: restarted as pid 8, before as pid 7";
        assert_eq!(
            tell(&mut member, TWO, "a=up c=up"),
            [restarted, "1: app/a: drain -> ready", "1: app/c: added", "1: app/b: removed"]
        );
        // In a container a process has the same number after each start.
        assert_eq!(tell(&mut member, "Pid=8 Start_time_sec=300", "a=up c=up").len(), 1);
    }

    #[test]
    fn a_process_that_stops_keeps_its_states() {
        let mut member = member();
        tell(&mut member, ONE, "a=up");
        let stopping = format!("{ONE} Stopping=1");
        assert_eq!(tell(&mut member, &stopping, ""), ["1: stopping as pid 7"]);
        assert_eq!(tell(&mut member, &stopping, ""), [""; 0]);
        assert_eq!(fail(&mut member, ErrorKind::Timeout), ["1: hung: no"]);
        assert_eq!(tell(&mut member, &stopping, ""), ["1: back"]);
        assert_eq!(member.process().unwrap().servers().len(), 1);
        assert_eq!(refuse(&mut member, io::ErrorKind::ConnectionRefused), ["1: left as pid 7"]);
        assert_eq!(tell(&mut member, &stopping, ""), ["1: joined as pid 7", "1: stopping as pid 7"]);
    }

    #[test]
    fn changes_over_two_quick_reloads_are_told() {
        let mut member = member();
        tell(&mut member, ONE, "a=drain");
        // The worker in between was told to stop before its first answer.
        let between = format!("{TWO} Stopping=1");
        let events = tell(&mut member, &between, "a=up");
        assert_eq!(events, ["1: restarted as pid 8, before as pid 7", "1: stopping as pid 8"]);
        let events = tell(&mut member, "Pid=9 Start_time_sec=300", "a=up");
        assert_eq!(events, ["1: restarted as pid 9, before as pid 8", "1: app/a: drain -> ready"]);
    }

    #[test]
    fn a_process_without_start_time_is_the_same_if_its_counters_go_on() {
        let mut member = member();
        let before = seen("Pid=7 Uptime_sec=50 CumConns=9", "");
        assert!(member.begin());
        member.answered(Ok(before.clone()));
        let later = |info: &str, seconds: u64| {
            let mut seen = seen(info, "");
            seen.read_at = before.read_at + seconds * 1_000_000;
            seen
        };
        for (info, is_it) in [
            ("Pid=7 Uptime_sec=51 CumConns=10", true),
            ("Pid=7 Uptime_sec=49 CumConns=10", false),
            ("Pid=7 Uptime_sec=51 CumConns=8", false),
            ("Pid=8 Uptime_sec=51 CumConns=10", false),
        ] {
            assert_eq!(is_same(&before, &later(info, 60)), is_it, "{info}");
        }
    }

    #[test]
    fn words_of_the_ring_belong_to_the_change_that_follows() {
        let mut member = member();
        tell(&mut member, ONE, "a=up b=up");
        let note = |member: &mut Member, line: &str| member.note(ServerNotice::read(line).unwrap());
        assert!(member.begin());
        note(&mut member, "Server app/a is DOWN, reason: x");
        let events = words(&member.answered(Ok(seen(ONE, "a=down b=down"))));
        assert_eq!(
            events,
            ["1: app/a: running -> stopped (is DOWN, reason: x)", "1: app/b: running -> stopped"]
        );
        // Words that no change followed do not belong to a later change.
        note(&mut member, "Server app/a is UP");
        assert_eq!(tell(&mut member, ONE, "a=down b=down"), [""; 0]);
        assert_eq!(tell(&mut member, ONE, "a=up b=down"), ["1: app/a: stopped -> running"]);
    }

    #[test]
    fn the_last_words_count_and_are_cut() {
        let mut member = member();
        tell(&mut member, ONE, "a=up");
        assert!(member.begin());
        let note = |member: &mut Member, line: &str| member.note(ServerNotice::read(line).unwrap());
        note(&mut member, "Server app/a is UP");
        for n in 0..NOTICES + 10 {
            note(&mut member, &format!("Server app/s{n} is UP"));
        }
        assert_eq!(member.notices.len(), NOTICES);
        let words = "x".repeat(WORDS + 1);
        note(&mut member, &format!("Server app/a {words}"));
        let events = self::words(&member.answered(Ok(seen(ONE, "a=down"))));
        assert_eq!(events, [format!("1: app/a: running -> stopped ({}...)", "x".repeat(WORDS))]);
    }

    #[test]
    fn a_change_during_a_question_is_asked_for_again() {
        let mut member = member();
        assert!(member.begin_again());
        assert!(!member.begin_again() && !member.begin());
        member.answered(Ok(seen(ONE, "")));
        assert!(member.take_again() && !member.take_again());
        assert!(member.begin());
    }
}
