//! The one task that asks all processes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll as Polled};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{AbortHandle, BoxStream, FuturesUnordered, SelectAll, abortable};
use futures::{FutureExt as _, StreamExt as _};
use tokio::time::{Instant, Interval, Sleep, sleep, sleep_until};

use super::beat::beat;
use super::divergence::Divergences;
use super::event::Event;
use super::member::Member;
use super::options::WatchOptions;
use super::output::Output;
use super::picture::{Picture, Seen, WatchedProcess};
use super::source::Source;
use crate::address::Address;
use crate::cluster::Listed;
use crate::error::Result;
use crate::object::News;
use crate::show::Event as Line;
use crate::show::ServerNotice;
use crate::snapshot::{Process, Snapshot};

/// The poll of a watch. Dropping it closes all of its connections.
///
/// All of its work is in futures of their own, which it polls together: a process, a list or a snapshot
/// that takes long delays nothing else.
pub(super) struct Poll<S> {
    source: S,
    options: WatchOptions,
    members: BTreeMap<Address, Place>,
    /// Number of members that have been listed, those that have left included.
    joins: u64,
    beats: Interval,
    figure_beats: Option<Interval>,
    /// Beats at which the counters are read from files.
    counter_beats: Option<Interval>,
    questions: FuturesUnordered<BoxFuture<'static, (Asked, Result<Seen>)>>,
    list: Option<BoxFuture<'static, Result<Vec<Listed>>>>,
    /// Set if the next list probes all members: another process answers somewhere.
    is_stale: bool,
    reading: Option<BoxFuture<'static, Result<Snapshot>>>,
    /// Time at which the last read of the figures began.
    read_at: Option<Instant>,
    /// The read of counters from files.
    counting: Option<BoxFuture<'static, Snapshot>>,
    rings: SelectAll<BoxStream<'static, (Address, News)>>,
    /// Number of lines of rings since anything else was looked at.
    lines: usize,
    figures: Option<Snapshot>,
    divergences: Divergences,
    /// Set until the first picture is published. It has an answer or a failure of each member, and the
    /// figures.
    is_first: bool,
    /// Set if the next picture is different from the last one.
    is_changed: bool,
    /// Time at which a picture is published, even if answers of the beat are missing.
    due: Option<Pin<Box<Sleep>>>,
    stop: BoxFuture<'static, ()>,
    /// Last, so that the readers learn of the end when all else is closed.
    output: Output,
}

/// A member in its place of the order.
struct Place {
    member: Member,
    /// Tells the member from an earlier one at the same address.
    join: u64,
    number: usize,
    /// Set if a question has ended, with an answer or a failure.
    is_answered: bool,
    /// Time of the last question that a ring asked for.
    urged_at: Option<Instant>,
    /// Ends the reading of its ring.
    ring: Option<AbortHandle>,
}

/// The member that a question was sent to.
struct Asked {
    address: Address,
    join: u64,
}

enum Step {
    Stop,
    Beat,
    Due,
    Figures,
    Counters,
    Answer(Asked, Result<Seen>),
    Listed(Result<Vec<Listed>>),
    Read(Result<Snapshot>),
    Counted(Snapshot),
    Ring(Address, News),
}

/// Shortest time between two questions to one process that its ring asks for.
const URGED: Duration = Duration::from_millis(20);

/// Shortest time between two reads of the figures, if counters in a file ask for them.
const ANEW: Duration = Duration::from_secs(1);

/// Longest time that a picture waits for the answers of a beat.
const PATIENCE: Duration = Duration::from_millis(100);

/// Number of lines of rings after which everything else is looked at first.
const LINES: usize = 64;

impl<S: Source> Poll<S> {
    /// Creates the poll of these members. It asks all of them when it runs.
    pub(super) fn new(
        source: S,
        options: WatchOptions,
        listed: Vec<Listed>,
        stop: BoxFuture<'static, ()>,
        output: Output,
    ) -> Self {
        let jitter = options.jitter.unwrap_or(options.every);
        let beats = beat(options.every, Duration::ZERO, jitter);
        let figure_beats = options.figures_every.map(|every| beat(every, every, jitter));
        let counter_beats = options.counters_every.map(|every| beat(every, every, jitter.min(every)));
        let mut poll = Self {
            source,
            options,
            members: BTreeMap::new(),
            joins: 0,
            beats,
            figure_beats,
            counter_beats,
            questions: FuturesUnordered::new(),
            list: None,
            is_stale: false,
            reading: None,
            read_at: None,
            counting: None,
            rings: SelectAll::new(),
            lines: 0,
            figures: None,
            divergences: Divergences::default(),
            is_first: true,
            is_changed: false,
            due: None,
            stop,
            output,
        };
        poll.listed(listed);
        if poll.figure_beats.is_some() {
            poll.read_figures();
        }
        poll
    }

    /// Asks until it is stopped. The questions that are under way then are not cut off: this would harm some
    /// releases of HAProxy. The rest is.
    pub(super) async fn run(mut self) {
        self.publish_if_whole();
        loop {
            match poll_fn(|cx| self.step(cx)).await {
                Step::Stop => break,
                step => self.take(step),
            }
        }
        (self.list, self.reading, self.counting) = (None, None, None);
        self.rings = SelectAll::new();
        while self.questions.next().await.is_some() {}
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Polled<Step> {
        let is_others_turn = self.lines >= LINES;
        // Rings first: their lines explain the answers.
        if !is_others_turn {
            if let Polled::Ready(step) = self.ring(cx) {
                return Polled::Ready(step);
            }
        }
        self.lines = 0;
        if let Polled::Ready(step) = self.other(cx) {
            return Polled::Ready(step);
        }
        if is_others_turn { self.ring(cx) } else { Polled::Pending }
    }

    fn ring(&mut self, cx: &mut Context<'_>) -> Polled<Step> {
        let Polled::Ready(Some((address, news))) = self.rings.poll_next_unpin(cx) else {
            return Polled::Pending;
        };
        self.lines += 1;
        Polled::Ready(Step::Ring(address, news))
    }

    fn other(&mut self, cx: &mut Context<'_>) -> Polled<Step> {
        if self.stop.poll_unpin(cx).is_ready() {
            return Polled::Ready(Step::Stop);
        }
        if self.beats.poll_tick(cx).is_ready() {
            return Polled::Ready(Step::Beat);
        }
        if self.due.as_mut().is_some_and(|due| due.poll_unpin(cx).is_ready()) {
            self.due = None;
            return Polled::Ready(Step::Due);
        }
        if self.figure_beats.as_mut().is_some_and(|beats| beats.poll_tick(cx).is_ready()) {
            return Polled::Ready(Step::Figures);
        }
        if self.counter_beats.as_mut().is_some_and(|beats| beats.poll_tick(cx).is_ready()) {
            return Polled::Ready(Step::Counters);
        }
        if let Polled::Ready(Some((asked, answer))) = self.questions.poll_next_unpin(cx) {
            return Polled::Ready(Step::Answer(asked, answer));
        }
        if let Some(Polled::Ready(listed)) = self.list.as_mut().map(|list| list.poll_unpin(cx)) {
            self.list = None;
            return Polled::Ready(Step::Listed(listed));
        }
        if let Some(Polled::Ready(read)) = self.reading.as_mut().map(|reading| reading.poll_unpin(cx)) {
            self.reading = None;
            return Polled::Ready(Step::Read(read));
        }
        if let Some(Polled::Ready(counted)) = self.counting.as_mut().map(|counting| counting.poll_unpin(cx)) {
            self.counting = None;
            return Polled::Ready(Step::Counted(counted));
        }
        Polled::Pending
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Stop => {}
            Step::Beat => self.beat(),
            Step::Due => self.publish_if_changed(),
            Step::Figures => self.read_figures(),
            Step::Counters => self.read_counters(),
            Step::Answer(asked, answer) => self.answered(&asked, answer),
            Step::Listed(Ok(listed)) => self.listed(listed),
            // The members are as before.
            Step::Listed(Err(error)) => tracing::debug!(%error, "watch: listing"),
            Step::Read(read) => {
                match read {
                    Ok(figures) => {
                        self.figures = Some(figures);
                        // Counters that are being read belong to the figures before.
                        self.counting = None;
                    }
                    // The last figures stay; their processes have the times.
                    Err(error) => tracing::debug!(%error, "watch: figures"),
                }
                self.is_changed = true;
                self.publish_if_whole();
            }
            Step::Counted(counted) => self.counted(&counted),
            Step::Ring(address, news) => self.told(&address, &news),
        }
    }

    fn beat(&mut self) {
        let processes = self.processes();
        let events = self.divergences.compare(&processes);
        self.tell(events);
        self.publish_if_changed();
        self.due = Some(Box::pin(sleep(PATIENCE.min(self.options.every / 2))));
        let addresses: Vec<_> = self.members.keys().cloned().collect();
        for address in addresses {
            if self.members.get_mut(&address).is_some_and(|one| one.member.begin()) {
                self.ask(&address, None);
            }
        }
        if self.list.is_none() {
            let slow = self.members.iter().filter(|(_, one)| one.member.is_slow());
            let apart = slow.map(|(address, _)| address.clone()).collect::<HashSet<_>>();
            self.list = Some(self.source.list(apart, std::mem::take(&mut self.is_stale)));
        }
    }

    /// Sends a question, at `at` if that is later than now.
    fn ask(&mut self, address: &Address, at: Option<Instant>) {
        let Some(one) = self.members.get(address) else { return };
        let question = self.source.ask(address, one.member.is_stopping());
        let asked = Asked { address: address.clone(), join: one.join };
        self.questions.push(Box::pin(async move {
            if let Some(at) = at {
                sleep_until(at).await;
            }
            (asked, question.await)
        }));
    }

    /// Asks a process in which something has changed.
    fn urge(&mut self, address: &Address) {
        let Some(one) = self.members.get_mut(address) else { return };
        if one.member.begin_again() {
            let now = Instant::now();
            let at = one.urged_at.map_or(now, |urged_at| now.max(urged_at + URGED));
            one.urged_at = Some(at);
            self.ask(address, Some(at).filter(|at| *at > now));
        }
    }

    fn answered(&mut self, Asked { address, join }: &Asked, answer: Result<Seen>) {
        // A member that has left meanwhile has no events any more, also if another one has taken its place.
        let Some(one) = self.members.get_mut(address).filter(|one| one.join == *join) else { return };
        let had_failed = one.member.failure().is_some();
        one.is_answered = true;
        let events = one.member.answered(answer);
        let must_ask_again = one.member.take_again();
        // It may be a process that another socket leads to.
        self.is_stale |= events.iter().any(|event| match event {
            Event::Joined { .. } => had_failed,
            Event::Restarted { .. } => true,
            _ => false,
        });
        self.is_changed = true;
        self.tell(events);
        if must_ask_again {
            self.urge(address);
        }
        self.publish_if_whole();
    }

    fn listed(&mut self, listed: Vec<Listed>) {
        let addresses: HashSet<_> = listed.iter().map(|one| one.address.clone()).collect();
        let mut events = Vec::new();
        self.members.retain(|address, one| {
            let is_listed = addresses.contains(address);
            if !is_listed {
                events.extend(one.member.left());
                one.end();
            }
            self.is_changed |= !is_listed;
            is_listed
        });
        self.tell(events);
        for (number, Listed { address, label, failure }) in listed.into_iter().enumerate() {
            if let Some(one) = self.members.get_mut(&address) {
                one.number = number;
                continue;
            }
            let mut member = Member::new(address.clone(), label);
            let mut events = failure.map(|failure| member.failed(failure)).unwrap_or_default();
            let ring = self.follow(&address).unwrap_or_else(|error| {
                events.push(member.ring_failed(&error));
                None
            });
            member.begin();
            self.joins += 1;
            let place = Place { member, join: self.joins, number, is_answered: false, urged_at: None, ring };
            self.members.insert(address.clone(), place);
            self.ask(&address, None);
            self.tell(events);
        }
    }

    /// Follows the ring of a process, if the watch has one.
    fn follow(&mut self, address: &Address) -> Result<Option<AbortHandle>> {
        let Some(ring) = &self.options.ring else { return Ok(None) };
        let news = self.source.follow(address, ring)?;
        let address = address.clone();
        let (news, handle) = abortable(news.map(move |news| (address.clone(), news)));
        self.rings.push(Box::pin(news));
        Ok(Some(handle))
    }

    fn told(&mut self, address: &Address, news: &News) {
        let Some(one) = self.members.get_mut(address) else { return };
        match news {
            News::Event(Line::Line(line)) => {
                let Some(notice) = ServerNotice::read(line) else { return };
                one.member.note(notice);
            }
            News::Event(Line::Lost(_)) | News::Answering => {}
            News::Silent(_) => return,
            News::Connected { .. } => {
                let event = one.member.ring_followed();
                self.tell(vec![event]);
            }
            News::Ended(error) => {
                let event = one.member.ring_failed(error);
                self.tell(vec![event]);
            }
        }
        self.urge(address);
    }

    fn read_figures(&mut self) {
        if self.reading.is_some() {
            return;
        }
        let slow = self.members.iter().filter(|(_, one)| one.member.is_slow());
        let failing =
            slow.filter_map(|(address, one)| Some((address.clone(), one.member.failure()?.clone())));
        let failing = failing.collect::<HashMap<_, _>>();
        self.reading = Some(self.source.figures(failing));
        self.read_at = Some(Instant::now());
    }

    fn read_counters(&mut self) {
        if let (Some(figures), None) = (&self.figures, &self.counting) {
            self.counting = Some(self.source.counters(figures.clone()));
        }
    }

    /// Takes figures with newer counters. If the counters of a process do not belong to its rows any more, the
    /// process must be read through its socket.
    fn counted(&mut self, counted: &Snapshot) {
        let must_be_read = counted.failed().any(Process::needs_reply);
        self.figures = Some(counted.with_replies_of_unreadable_files());
        self.is_changed = true;
        self.publish_if_whole();
        if must_be_read && self.read_at.is_none_or(|read_at| read_at.elapsed() >= ANEW) {
            self.read_figures();
        }
    }

    /// Tells events, after a picture that has them. Before the first picture there is no reader.
    fn tell(&mut self, events: Vec<Event>) {
        if !events.is_empty() && !self.is_first {
            self.publish();
            self.output.tell(events);
        }
    }

    fn publish_if_changed(&mut self) {
        if self.is_changed && !self.is_first {
            self.publish();
        }
    }

    /// Publishes a picture if the answers of this beat are in; processes that hang are not waited for. The first picture
    /// waits until each process has answered or failed once, and until figures are read. It does not wait for the
    /// answers to later beats: if the answers take longer than a beat, a question is under way at every moment.
    fn publish_if_whole(&mut self) {
        let is_first = self.is_first;
        let is_awaited =
            |one: &Place| one.member.is_asked() && !one.member.is_slow() && !(is_first && one.is_answered);
        let has_figures = self.figures.is_some() || self.reading.is_none();
        let is_due = if is_first { has_figures } else { self.is_changed };
        if is_due && !self.members.values().any(is_awaited) {
            self.publish();
        }
    }

    fn publish(&mut self) {
        (self.is_first, self.is_changed) = (false, false);
        let processes = self.processes();
        let (divergences, figures) = (self.divergences.begun(), self.figures.clone());
        self.output.publish(Picture { processes, divergences, figures });
    }

    fn processes(&mut self) -> Vec<WatchedProcess> {
        let members = self.members.values_mut();
        let mut processes: Vec<_> =
            members.filter_map(|one| Some((one.number, one.member.process()?))).collect();
        processes.sort_by_key(|(number, _)| *number);
        processes.into_iter().map(|(_, process)| process).collect()
    }
}

impl Place {
    fn end(&self) {
        if let Some(ring) = &self.ring {
            ring.abort();
        }
    }
}
