//! Rings, resolvers and reports as text, of the fake and of real HAProxy processes, release by
//! release.
#![cfg(unix)]
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "in a helper of tests too, a panic is the failure"
)]

use std::path::PathBuf;
use std::time::Duration;

use futures::StreamExt as _;
use haproxyadmin::fake::{self, Process, Resolvers, Ring};
use haproxyadmin::info::TextReport;
use haproxyadmin::ring::{Event, News};
use haproxyadmin::{Cluster, ErrorKind, Level};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

#[path = "fake_report/script.rs"]
mod script;
mod support;

use support::{Config, Release, Running, ask, received, release, versions};

const CONFIG: &str = r#"
global
    nbthread 1
    stats socket "unix@${DIR}/stats/admin.sock" mode 600 level admin
    stats socket "unix@${DIR}/stats/operator.sock" mode 600 level operator
    stats socket "unix@${DIR}/stats/user.sock" mode 600 level user

ring requests
    description "the requests"
    format raw
    maxlen 200
    size 20000

resolvers dns
    nameserver one 127.0.0.1:9
    nameserver two 127.0.0.1:9

resolvers other
    nameserver three 127.0.0.1:9

defaults
    mode http
    timeout connect 1s
    timeout client 1m
    timeout server 1m

frontend web
    bind "unix@${DIR}/traffic/web.1"
    log ring@requests format raw local0
    log-format "%HP"
    http-request return status 200
"#;

/// The time in which a fake answers.
const SILENCE: Duration = Duration::from_millis(60);

/// A real process, and a fake one with the same description.
struct Pair {
    release: Release,
    real: Running,
    fake: fake::Running,
    dir: TempDir,
}

impl Pair {
    async fn start(release: &Release) -> Self {
        let mut real = Running::new();
        real.add(release, "one", &Config::new(CONFIG)).await;
        let dir = TempDir::new().unwrap();
        // The real ring may begin with a line of HAProxy about its start.
        let lines =
            String::from_utf8(ask(real.stats().join("admin.sock"), "show events requests").await).unwrap();
        let ring = Ring::new("requests").description("the requests");
        let ring = lines.lines().filter(|line| !line.is_empty()).fold(ring, Ring::event);
        let process = Process::new(&release.version)
            .ring(ring)
            .resolvers(Resolvers::new("dns").nameserver("one", []).nameserver("two", []))
            .resolvers(Resolvers::new("other").nameserver("three", []));
        let mut fake = process.serve(dir.path().join("admin.sock")).await.unwrap();
        for level in [Level::Operator, Level::User] {
            fake.also(dir.path().join(format!("{level}.sock")), level).await.unwrap();
        }
        Self { release: release.clone(), real, fake, dir }
    }

    fn folders(&self) -> [PathBuf; 2] {
        [self.dir.path().to_owned(), self.real.stats()]
    }

    /// Sends a line to both, and returns the replies.
    async fn replies(&self, socket: &str, line: &str) -> [String; 2] {
        let [fake, real] = self.folders();
        let fake = ask(fake.join(socket), line).await;
        let real = ask(real.join(socket), line).await;
        [fake, real].map(|reply| String::from_utf8_lossy(&reply).into_owned())
    }

    /// Adds an event to both rings.
    async fn add(&self, event: &str) {
        self.fake.push_event("requests", event).unwrap();
        let mut stream = UnixStream::connect(self.real.traffic("web", 1)).await.unwrap();
        stream.write_all(format!("GET {event} HTTP/1.0\r\n\r\n").as_bytes()).await.unwrap();
        stream.read_to_end(&mut Vec::new()).await.unwrap();
    }

    /// Plays a connection. Returns the number of lines.
    async fn follow(&self, lines: &[&str]) -> usize {
        let [fake, real] = self.folders();
        let mut fake = UnixStream::connect(fake.join("admin.sock")).await.unwrap();
        let mut real = UnixStream::connect(real.join("admin.sock")).await.unwrap();
        for line in lines {
            if let Some(event) = line.strip_prefix('+') {
                self.add(event).await;
            } else {
                let line = format!("{line}\n");
                fake.write_all(line.as_bytes()).await.unwrap();
                real.write_all(line.as_bytes()).await.unwrap();
            }
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let expected = received(&mut fake, SILENCE, None, text).await;
            let found = received(&mut real, SILENCE, Some(&expected), text).await;
            assert_eq!(expected, found, "{line:?} of {lines:?}, HAProxy {}", self.release.version);
            if found.1 {
                break;
            }
        }
        lines.len()
    }
}

/// Returns a reply without the section of resolvers that HAProxy takes from the system.
fn comparable(reply: &str) -> String {
    let Some(start) = reply.find("Resolvers section default") else { return reply.to_owned() };
    let (before, section) = reply.split_at(start);
    let rest = section.split_inclusive('\n').skip(1).skip_while(|line| line.starts_with(' '));
    before.to_owned() + &rest.collect::<String>()
}

#[tokio::test]
async fn rings_and_resolvers_are_shown_alike() {
    let mut sent = 0;
    for release in versions().into_iter().map(release) {
        let pair = Pair::start(&release).await;
        for (socket, prefix) in [
            ("user.sock", ""),
            ("operator.sock", ""),
            ("admin.sock", ""),
            ("admin.sock", "set severity-output number;"),
        ] {
            for line in script::LINES {
                let line = format!("{prefix}{line}");
                let [fake, real] = pair.replies(socket, &line).await;
                let what = format!("{line:?} to {socket} of HAProxy {}", release.version);
                assert_eq!(comparable(&fake), comparable(&real), "{what}");
                sent += 1;
            }
        }
    }
    println!("{sent} lines");
}

#[tokio::test]
async fn rings_are_followed_alike() {
    let mut sent = 0;
    for release in versions().into_iter().map(release) {
        let pair = Pair::start(&release).await;
        let behind = if release.is_at_least("3.2") { script::FOLLOWED_BY } else { &[] };
        for lines in script::FOLLOWED.iter().chain(behind) {
            sent += pair.follow(lines).await;
        }
    }
    println!("{sent} lines");
}

#[tokio::test]
async fn reports_have_the_same_level_and_form() {
    let mut sent = 0;
    for release in versions().into_iter().map(release) {
        let pair = Pair::start(&release).await;
        for socket in ["user.sock", "operator.sock", "admin.sock"] {
            for (line, part) in script::REPORTS {
                let prefixed = format!("set severity-output number;{line}");
                for line in [*line, &prefixed] {
                    let [fake, real] = pair.replies(socket, line).await;
                    let what = format!("{line:?} to {socket} of HAProxy {}", release.version);
                    assert_eq!(form(&fake, part), form(&real, part), "{what}\n{fake}\n{real}");
                    sent += 1;
                }
            }
        }
    }
    println!("{sent} lines");
}

/// Returns the refusal if a report is refused, and otherwise its severity, whether it has the part,
/// and whether it is empty.
fn form(reply: &str, part: &str) -> (String, String, bool, bool) {
    let start = reply.trim_start_matches('\n');
    let severity =
        start.strip_prefix('[').and_then(|rest| rest.split_once("]: ")).filter(|(one, _)| one.len() == 1);
    let (severity, text) = severity.unwrap_or(("", start));
    let refusal = ["Permission denied", "Unknown command"].into_iter().find(|words| text.starts_with(words));
    // The logs of a start depend on the machine.
    let is_empty = text.trim().is_empty() || text.starts_with("[NOTICE]");
    let has_part = refusal.is_none() && !is_empty && text.contains(part);
    (refusal.unwrap_or_default().to_owned(), severity.to_owned(), has_part, is_empty)
}

#[tokio::test]
async fn the_client_reads_every_report_and_follows_a_ring_of_the_fake() {
    for release in versions() {
        let pair = Pair::start(&support::release(release)).await;
        let cluster = Cluster::from_addresses([pair.fake.address().clone()]).await.unwrap();
        for &report in TextReport::ALL {
            let outcomes = cluster.show(report).await;
            let is_late = matches!(report, TextReport::Libraries | TextReport::Version) && release == "2.2";
            assert_eq!(outcomes.is_err(), is_late, "{report} {release}");
        }
        assert_eq!(cluster.resolvers().await.unwrap().values().next().unwrap().1.len(), 2);
        let mut events = cluster.follow_events("requests").await.unwrap();
        pair.fake.push_event("requests", "/1").unwrap();
        pair.fake.drop_events("requests", 5).unwrap();
        let dropped = cluster.rings().await.unwrap();
        let rings = dropped.values().next().unwrap().1;
        assert_eq!(rings.iter().find(|ring| &*ring.name == "requests").unwrap().dropped, 5);
        pair.fake.push_event("requests", "/2").unwrap();
        for expected in [Event::Line("/1".into()), Event::Lost(5), Event::Line("/2".into())] {
            let followed = timeout(Duration::from_secs(5), events.next()).await.unwrap().unwrap();
            let News::Event(event) = followed.news else { panic!("{release}: {:?}", followed.news) };
            assert_eq!(event, expected, "{release}");
        }
        // A process takes the place of this one. Its ring is read from the beginning.
        pair.fake.replace(Process::new(release).ring(Ring::new("requests").event("/first"))).unwrap();
        let mut news = Vec::new();
        while news.len() < 3 {
            let followed = timeout(Duration::from_secs(5), events.next()).await.unwrap().unwrap();
            news.push(followed.news);
        }
        assert!(matches!(&news[0], News::Ended(error) if error.kind() == ErrorKind::Io), "{news:?}");
        assert!(matches!(&news[1], News::Connected { is_new: true }), "{news:?}");
        assert!(matches!(&news[2], News::Event(Event::Line(line)) if &**line == "/first"), "{news:?}");
        assert_eq!(pair.fake.push_event("nope", "/1").unwrap_err().kind(), ErrorKind::NotFound);
    }
}
