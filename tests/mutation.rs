//! Replies that no HAProxy gives: real ones, cut and changed in every way.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]
#![allow(clippy::print_stdout, reason = "the figures are for people")]

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use haproxyadmin::{Cluster, Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

mod call;
#[path = "mutation/mutator.rs"]
mod mutator;
mod support;

use call::{CHANGES, Call, READS, Said};
use mutator::Mutator;
use support::{Parrot, Running, ask, managed_cluster, releases};

/// A process of each release, each behind a socket that answers as it did or worse.
struct Site {
    #[allow(dead_code, reason = "ends the processes when it is dropped")]
    running: Running,
    parrots: Vec<(String, Parrot, Cluster)>,
    map: PathBuf,
    acl: PathBuf,
}

impl Site {
    async fn start() -> Self {
        let running = managed_cluster().await;
        let (map, acl) = (running.dir().join("hosts.map"), running.dir().join("deny.acl"));
        for n in 1..=running.processes() {
            // Entries that look like an answer of their own, at the end of the list.
            for entry in ["[3]: key", "k \\[6]:\\ admin"] {
                ask(running.socket(n), &format!("add map {} {entry}", map.display())).await;
            }
            ask(running.socket(n), &format!("add acl {} 203.0.113.0/24", acl.display())).await;
            bad_request(running.traffic("web", n)).await;
        }
        let mut parrots = Vec::new();
        for (n, release) in (1..).zip(releases()) {
            let path = running.dir().join(format!("parrot.{n}.sock"));
            let parrot = Parrot::new(&path, running.socket(n));
            parrots.push((release.version, parrot));
        }
        let mut site = Self { running, parrots: Vec::new(), map, acl };
        for (version, parrot) in parrots {
            let cluster = site.anew(&parrot).await;
            cluster.info().await.unwrap();
            site.parrots.push((version, parrot, cluster));
        }
        site
    }

    /// The same process in a cluster that has not asked it yet.
    async fn anew(&self, parrot: &Parrot) -> Cluster {
        let limits = Limits::new().with_idle_timeout(LIMIT).with_command_timeout(LIMIT);
        let builder = Cluster::builder().address(parrot.path()).limits(limits);
        builder.build().await.unwrap().allow_partial()
    }

    async fn make(&self, call: Call, cluster: &Cluster) -> Said {
        let start = Instant::now();
        let answers = call.make(cluster, &self.map, &self.acl).await;
        assert!(start.elapsed() < LIMIT * 2, "{call:?} took {:?}", start.elapsed());
        match answers {
            Ok(mut answers) => answers.pop_first().unwrap().1,
            Err(error) => Err((error.kind(), error.to_string())),
        }
    }
}

/// Something for `show errors`.
async fn bad_request(socket: PathBuf) {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nbad header\r\n\r\n").await.unwrap();
    stream.read_to_end(&mut Vec::new()).await.unwrap();
}

const LIMIT: Duration = Duration::from_secs(5);

/// Replies for each call and release; `MUTATIONS` has more of them tried.
fn count() -> usize {
    env::var("MUTATIONS").map_or(60, |text| text.parse().expect("a number"))
}

#[tokio::test]
async fn a_reply_that_is_cut_is_never_taken_for_a_whole_one() {
    let site = Site::start().await;
    let (mut cuts, mut wrong) = (0, Vec::new());
    for (version, parrot, cluster) in &site.parrots {
        for call in READS {
            parrot.repeat();
            let truth = site.make(call, cluster).await.unwrap();
            let longest = parrot.heard().iter().map(|(_, reply)| reply.len()).max().unwrap();
            let step = (longest / count()).max(1);
            // The beginning and the end matter most.
            for at in (0..longest).filter(|at| at % step == 0 || *at < 100 || at + 20 > longest) {
                let length = Arc::new(AtomicUsize::new(0));
                let most = Arc::clone(&length);
                parrot.change(move |_, reply| {
                    most.fetch_max(reply.len(), Ordering::SeqCst);
                    reply[..at.min(reply.len())].to_vec()
                });
                let said = site.make(call, cluster).await;
                let is_cut = at < length.load(Ordering::SeqCst);
                cuts += usize::from(is_cut);
                if said.as_ref().is_ok_and(|text| is_cut || *text != truth) {
                    wrong.push(format!("{version} {call:?} cut to {at}: {said:.200?}"));
                }
            }
        }
    }
    println!("{cuts} cuts");
    assert_eq!(wrong, Vec::<String>::new());
}

#[tokio::test]
async fn no_reply_makes_a_read_panic_or_hang() {
    let site = Site::start().await;
    let mut said = BTreeMap::<String, usize>::new();
    for (_, parrot, cluster) in &site.parrots {
        for call in READS {
            for seed in 0..count() {
                // Half of the time it is not known yet which process it is.
                let cluster = if seed % 2 == 0 { cluster.clone() } else { site.anew(parrot).await };
                let mutator = Mutator::new(seed);
                parrot.change(move |_, reply| mutator.mutate(reply));
                let found = site.make(call, &cluster).await;
                let found = found.map_or_else(|(kind, _)| format!("{kind:?}"), |_| "Ok".to_owned());
                *said.entry(format!("{call:?} {found}")).or_default() += 1;
            }
        }
    }
    println!("{said:#?}");
}

/// For every reply, a change is reported as made only if HAProxy's words say so; if they do
/// not, its outcome is unknown.
#[tokio::test]
async fn no_reply_makes_a_change_a_success_that_is_none() {
    let site = Site::start().await;
    let (mut said, mut wrong) = (BTreeMap::<String, usize>::new(), Vec::new());
    for (version, parrot, cluster) in &site.parrots {
        for call in CHANGES.into_iter().filter(|call| *call != Call::MapAddAll) {
            parrot.repeat();
            let truth = site.make(call, cluster).await.unwrap();
            for seed in 0..count() {
                let mutator = Mutator::new(seed);
                let last = Arc::new(Mutex::new(Vec::new()));
                let kept = Arc::clone(&last);
                parrot.change(move |_, reply| {
                    let reply = mutator.mutate(reply);
                    kept.lock().unwrap().clone_from(&reply);
                    reply
                });
                let found = site.make(call, cluster).await;
                let reply = String::from_utf8_lossy(&last.lock().unwrap()).into_owned();
                // Silence is the answer of most changes that were made, and a notice of some.
                let words = ["changed from '", "[5]: ", "[6]: "];
                let is_silent = reply.trim_end_matches("> ").trim_matches('\n').is_empty();
                let is_made = is_silent || words.iter().any(|words| reply.contains(words));
                if found.as_ref().is_ok_and(|text| *text != truth && !is_made) {
                    wrong.push(format!("{version} {call:?} {reply:?}: {found:?}"));
                }
                let found = found.map_or_else(|(kind, _)| format!("{kind:?}"), |_| "Ok".to_owned());
                *said.entry(format!("{call:?} {found}")).or_default() += 1;
            }
        }
    }
    println!("{said:#?}");
    assert_eq!(wrong, Vec::<String>::new());
}
