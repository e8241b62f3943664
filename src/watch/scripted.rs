//! Tests of a whole watch over processes that follow a script, with a paused clock.

use std::pin::pin;
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout};

use super::testing::{Behaviour, LIMIT, Script, address};
use super::{Event, Events, ProcessStatus, Watch, WatchOptions};
use crate::error::{Error, ErrorKind};
use crate::object::News;
use crate::show::Event as Line;

const ONE: &str = "Pid=1 Start_time_sec=100";
const TWO: &str = "Pid=2 Start_time_sec=100";

const SECOND: Duration = Duration::from_secs(1);

fn at_once(info: &'static str, servers: &'static str) -> Behaviour {
    Behaviour::Answers(info, servers, Duration::ZERO)
}

fn options() -> WatchOptions {
    WatchOptions::new().without_figures().jitter(Duration::ZERO)
}

/// Returns the events until nothing happens for a while, with their times in milliseconds.
async fn told(events: &mut Events, start: Instant) -> Vec<(u128, String)> {
    let mut told = Vec::new();
    while let Ok(Some(occurrence)) = timeout(20 * SECOND, events.next()).await {
        told.push((start.elapsed().as_millis(), occurrence.event.to_string()));
    }
    told
}

/// Runs the poll until it waits.
async fn settle() {
    for _ in 0..50 {
        yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn beats_have_no_drift_and_late_ones_are_not_made_up() {
    let slow = |millis| Behaviour::Answers(TWO, "a=up", Duration::from_millis(millis));
    let script = Script::new(&[("1", slow(300)), ("2", slow(2500)), ("3", at_once(ONE, ""))]);
    let watch = script.watch(options()).await;
    sleep(Duration::from_millis(6600)).await;
    let every_second: Vec<_> = (0..10).map(|n| n * 1000).collect();
    assert_eq!(script.asked("1"), every_second[..10]);
    assert_eq!(script.asked("2"), [0, 3000, 6000, 9000]);
    assert_eq!(script.asked("3"), every_second[..10]);
    drop(watch);
}

#[tokio::test(start_paused = true)]
async fn jitter_puts_off_the_first_beat_only() {
    let script = Script::new(&[("1", at_once(ONE, ""))]);
    let _watch = script.watch(options().jitter(SECOND)).await;
    sleep(5 * SECOND).await;
    let asked = script.asked("1");
    assert_eq!(asked[0], 0);
    assert!(asked[1] <= 1000 && asked.len() >= 5, "{asked:?}");
    assert!(asked[1..].windows(2).all(|pair| pair[1] - pair[0] == 1000), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_watch_begins_when_each_process_has_answered_once() {
    let slow = |info, millis| Behaviour::Answers(info, "a=up", Duration::from_millis(millis));
    let script = Script::new(&[("1", slow(ONE, 1500)), ("2", slow(TWO, 2500))]);
    let start = Instant::now();
    let watch = script.watch(options()).await;
    // The second question to the first process is under way.
    assert_eq!((start.elapsed().as_millis(), script.asked("1")), (2500, vec![0, 2000]));
    assert_eq!(watch.latest().processes().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_hangs_delays_nothing_else() {
    let script = Script::new(&[("1", at_once(ONE, "a=up")), ("2", at_once(TWO, "a=up"))]);
    let start = Instant::now();
    let mut watch = script.watch(options()).await;
    let mut events = watch.events();
    script.set("2", Behaviour::Hangs);
    script.list_in(7 * SECOND);
    for second in 1..=12 {
        if second == 8 {
            script.set("1", at_once(ONE, "a=down"));
        }
        let picture = loop {
            let picture = watch.changed().await.unwrap();
            let age = picture.process("1").unwrap().age().unwrap();
            if start.elapsed() >= age + second * SECOND {
                break picture;
            }
        };
        // A picture waits a moment for a process that has just begun to hang.
        let wait = Duration::from_millis(if second < 6 { 100 } else { 0 });
        assert_eq!(start.elapsed(), second * SECOND + wait);
        let status = if second < 6 { ProcessStatus::Running } else { ProcessStatus::Hung };
        assert_eq!(picture.process("2").unwrap().status(), status);
        assert_eq!(picture.process("2").unwrap().age(), Some(second * SECOND + wait));
    }
    // One question at a time, each up to its limit.
    assert_eq!(script.asked("2"), [0, 1000, 7000]);
    assert_eq!(script.asked("1").len(), 13);
    script.set("2", at_once(TWO, "a=up"));
    let told = told(&mut events, start).await;
    assert_eq!(told.len(), 4, "{told:?}");
    assert_eq!(told[0].1, "2: hung: no byte within 5s");
    assert_eq!(told[1].1, "1: app/a: running -> stopped");
    assert_eq!(told[2].1, "app/a: differs: stopped and ready on 1, running and ready on 2");
    assert_eq!(told[3], (13_000, "2: back".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn processes_join_and_leave_while_a_list_takes_long() {
    let script = Script::new(&[("1", at_once(ONE, ""))]);
    let watch = script.watch(options()).await;
    let (mut events, start) = (watch.events(), Instant::now());
    script.list_in(Duration::from_millis(2500));
    script.set("2", Behaviour::Hangs);
    script.set("3", at_once(TWO, ""));
    sleep(Duration::from_millis(4500)).await;
    assert_eq!(script.asked("1"), [0, 1000, 2000, 3000, 4000]);
    assert_eq!(watch.latest().processes().len(), 2);
    script.remove("3");
    let told = told(&mut events, start).await;
    let words: Vec<_> = told.iter().map(|(_, event)| &**event).collect();
    assert_eq!(words, ["3: joined as pid 2", "3: left as pid 2", "2: hung: no byte within 5s"]);
    let picture = watch.latest();
    let statuses: Vec<_> = picture.processes().iter().map(|one| (&**one.label(), one.status())).collect();
    assert_eq!(statuses, [("1", ProcessStatus::Running), ("2", ProcessStatus::Hung)]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_a_member_that_has_left_is_not_that_of_the_next_one() {
    let script = Script::new(&[("1", at_once(ONE, "a=up")), ("2", at_once(TWO, "a=up"))]);
    let watch = script.watch(options()).await;
    let (mut events, start) = (watch.events(), Instant::now());
    // Asked at 1 s, gone at 2 s, listed again at 3 s. The answer to the first question comes at 4.5 s.
    script.set("1", Behaviour::Answers(ONE, "a=down", Duration::from_millis(3500)));
    sleep(Duration::from_millis(1500)).await;
    script.remove("1");
    sleep(SECOND).await;
    script.set("1", at_once("Pid=3 Start_time_sec=300", "a=up"));
    let told = told(&mut events, start).await;
    let words: Vec<_> = told.iter().map(|(_, event)| &**event).collect();
    assert_eq!(words, ["1: left as pid 1", "1: joined as pid 3"]);
}

#[tokio::test(start_paused = true)]
async fn figures_have_a_beat_of_their_own_and_leave_out_those_that_hang() {
    let script = Script::new(&[("1", at_once(ONE, "")), ("2", Behaviour::Hangs)]);
    let watch = script.watch(options().figures_every(10 * SECOND)).await;
    assert!(watch.latest().figures().is_some());
    sleep(21 * SECOND).await;
    let hung = vec![address("2")];
    assert_eq!(script.read(), [(0, vec![]), (10_000, hung.clone()), (20_000, hung)]);
    let script = Script::new(&[("1", at_once(ONE, ""))]);
    let watch = script.watch(options()).await;
    sleep(21 * SECOND).await;
    assert!(script.read().is_empty() && watch.latest().figures().is_none());
}

#[tokio::test(start_paused = true)]
async fn counters_from_files_have_a_beat_of_their_own_and_ask_no_process() {
    let script = Script::new(&[("1", at_once(ONE, ""))]);
    let counters = options().every(10 * SECOND).figures_every(10 * SECOND).counters_from_files(SECOND / 2);
    let mut watch = script.watch(counters).await;
    for beat in 1..=4 {
        let picture = watch.changed().await.unwrap();
        assert!(picture.figures().is_some());
        assert_eq!(script.counted(), (1..=beat).map(|beat| beat * 500).collect::<Vec<_>>());
    }
    assert_eq!((script.asked("1"), script.read()), (vec![0], vec![(0, vec![])]));
    let script = Script::new(&[("1", at_once(ONE, ""))]);
    let _watch = script.watch(options().figures_every(10 * SECOND)).await;
    sleep(21 * SECOND).await;
    assert!(script.counted().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_told_how_many_events_it_missed() {
    let script = Script::new(&[("1", at_once(ONE, "a=up"))]);
    let watch = script.watch(options().capacity(4)).await;
    let (mut slow, mut quick) = (watch.events(), watch.events());
    for n in 1..=10 {
        script.set("1", at_once(ONE, if n % 2 == 0 { "a=up" } else { "a=down" }));
        let told = quick.next().await.unwrap().event;
        assert!(matches!(told, Event::Operational { .. }), "{told}");
    }
    assert_eq!(slow.next().await.unwrap().event, Event::Missed { events: 6 });
    for _ in 0..4 {
        let told = slow.next().await.unwrap().event;
        assert!(matches!(told, Event::Operational { .. }), "{told}");
    }
    assert!(slow.next().now_or_never().is_none());
    let seconds: Vec<_> = (0..=10).map(|n| n * 1000).collect();
    assert_eq!(script.asked("1"), seconds);
}

#[tokio::test(start_paused = true)]
async fn a_picture_holds_a_change_before_the_event_is_told() {
    let script = Script::new(&[("1", at_once(ONE, "a=up"))]);
    let watch = script.watch(options()).await;
    let mut events = watch.events();
    script.set("1", at_once(ONE, "a=drain"));
    events.next().await.unwrap();
    let picture = watch.latest();
    let (process, state) = picture.server("app", "a").next().unwrap();
    assert_eq!((&**process.label(), state.administrative.to_string()), ("1", "drain".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn the_poll_ends_with_its_last_reader() {
    let script = Script::new(&[("1", at_once(ONE, "")), ("2", Behaviour::Hangs)]);
    let watch = script.watch(options().ring("states")).await;
    let (other, events) = (watch.clone(), watch.events());
    assert!(script.open() > 0);
    drop((watch, other));
    let asked = script.asked("1").len();
    sleep(Duration::from_millis(3500)).await;
    assert!(script.asked("1").len() >= asked + 3);
    drop(events);
    settle().await;
    assert_eq!((script.open(), script.clones()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn readers_that_are_dropped_after_any_number_of_polls_leave_nothing_behind() {
    for polls in 0..40 {
        let script = Script::new(&[("1", at_once(ONE, "a=up")), ("2", Behaviour::Hangs)]);
        let mut watch = script.watch(options().every(Duration::from_millis(100)).ring("states")).await;
        let mut events = watch.events();
        for n in 0..polls {
            script.set("1", at_once(ONE, if n % 2 == 0 { "a=down" } else { "a=up" }));
            let _ = pin!(watch.changed()).now_or_never();
            let _ = events.next().now_or_never();
            sleep(Duration::from_millis(30)).await;
        }
        drop((watch, events));
        settle().await;
        assert_eq!((script.open(), script.clones()), (0, 0), "after {polls} polls");
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_dropped_before_its_first_picture_leaves_nothing_behind() {
    let script = Script::new(&[("1", Behaviour::Hangs)]);
    assert!(script.watch(options()).now_or_never().is_none());
    settle().await;
    assert_eq!((script.open(), script.clones()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn stop_waits_for_the_questions_and_ends_all_readers() {
    let slow = Behaviour::Answers(ONE, "", Duration::from_millis(300));
    let script = Script::new(&[("1", slow), ("2", at_once(TWO, ""))]);
    let mut watch = script.watch(options().ring("states")).await;
    let (mut events, other) = (watch.events(), watch.clone());
    sleep(Duration::from_millis(750)).await;
    let start = Instant::now();
    assert!(script.open() > 0);
    other.stop().await;
    // The question began 50 ms before.
    assert_eq!(start.elapsed(), Duration::from_millis(250));
    assert_eq!((script.open(), script.clones()), (0, 0));
    while watch.changed().await.is_some() {}
    assert_eq!(events.next().await, None);
    assert_eq!(watch.events().next().await, None);
    assert_eq!(watch.latest().processes().len(), 2);
    other.stop().await;
}

fn line(text: &str) -> News {
    News::Event(Line::Line(text.into()))
}

#[tokio::test(start_paused = true)]
async fn a_line_of_a_ring_is_followed_by_a_look_at_once() {
    let script = Script::new(&[("1", at_once(ONE, "a=up b=up"))]);
    let ring = script.ring("1");
    let watch = script.watch(options().ring("states")).await;
    let (mut events, start) = (watch.events(), Instant::now());
    sleep(Duration::from_millis(400)).await;
    script.set("1", at_once(ONE, "a=down b=up"));
    ring.send(line("<129>Server app/a is DOWN, reason: Layer4 timeout. 1 active and 0 backup")).unwrap();
    let event = events.next().await.unwrap().event;
    assert_eq!(event.to_string(), "1: app/a: running -> stopped (is DOWN, reason: Layer4 timeout)");
    assert_eq!(start.elapsed(), Duration::from_millis(400));
    // Lines in quick succession are followed by one look, a little later.
    for n in 0..1000 {
        ring.send(line(&format!("Server app/s{n} is UP"))).unwrap();
    }
    ring.send(line("GET /")).unwrap();
    sleep(Duration::from_millis(500)).await;
    assert_eq!(script.asked("1"), [0, 400, 420, 440]);
    let error = Error::from_kind(ErrorKind::Io, "cut");
    let news =
        [News::Event(Line::Lost(3)), News::Answering, News::Ended(error), News::Connected { is_new: true }];
    for news in news {
        let asked = script.asked("1").len();
        ring.send(news).unwrap();
        sleep(Duration::from_millis(50)).await;
        assert_eq!(script.asked("1").len(), asked + 1);
    }
    ring.send(News::Silent(Error::from_kind(ErrorKind::Timeout, "no"))).unwrap();
    let told = told(&mut events, start).await;
    let told: Vec<_> = told.iter().map(|(_, event)| &**event).collect();
    assert_eq!(told, ["1: ring not followed: cut", "1: ring followed"]);
}

#[tokio::test(start_paused = true)]
async fn a_ring_without_a_pause_delays_no_beat() {
    let script = Script::new(&[("1", at_once(ONE, "a=up")), ("2", at_once(TWO, "a=up"))]);
    let ring = script.ring("1");
    let _watch = script.watch(options().ring("states")).await;
    let flood = tokio::spawn(async move {
        while ring.send(line("Server app/a is UP")).is_ok() {
            for _ in 0..100 {
                let _ = ring.send(line("GET /"));
            }
            sleep(Duration::from_millis(1)).await;
        }
    });
    sleep(Duration::from_millis(3500)).await;
    assert_eq!(script.asked("2"), [0, 1000, 2000, 3000]);
    let asked = script.asked("1");
    assert!(asked.len() > 100 && asked[1..].windows(2).all(|pair| pair[1] - pair[0] >= 10), "{asked:?}");
    flood.abort();
}

#[tokio::test(start_paused = true)]
async fn a_divergence_is_told_when_it_has_lasted_for_two_beats() {
    let script = Script::new(&[("1", at_once(ONE, "a=up")), ("2", at_once(TWO, "a=up"))]);
    let watch = script.watch(options()).await;
    let (mut events, start) = (watch.events(), Instant::now());
    script.set("1", at_once(ONE, "a=drain"));
    sleep(Duration::from_millis(3500)).await;
    assert_eq!(watch.latest().divergences().len(), 1);
    script.set("1", at_once(ONE, "a=up"));
    let told = told(&mut events, start).await;
    let expected = [
        "1: app/a: ready -> drain",
        "app/a: differs: running and drain on 1, running and ready on 2",
        "1: app/a: drain -> ready",
        "app/a: no longer differs",
    ];
    assert_eq!(told.iter().map(|(_, event)| &**event).collect::<Vec<_>>(), expected);
    assert!(watch.latest().divergences().is_empty());
}

#[test]
fn a_watch_can_be_shared() {
    fn is_shared<T: Send + Sync + Clone + 'static>() {}
    fn is_sent<T: Send + Unpin + 'static>() {}
    is_shared::<Watch>();
    is_sent::<Events>();
    assert!(LIMIT > SECOND);
}
