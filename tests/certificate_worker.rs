//! Replacement of a certificate on the workers behind a master, while the old worker ends.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::fs;

use haproxyadmin::{Change, Cluster, Outcome, Outcomes};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;

mod authority;
mod support;

use authority::{Authority, Issued, served};
use support::{Config, Moment, Relay, Release, Running, ask, is_alive, releases, until};

const CONFIG: &str = r#"
global
    nbthread 1
    stats socket "unix@${DIR}/stats/worker.sock" mode 600 level admin expose-fd listeners
defaults
    mode http
    timeout connect 1s
    timeout client 1m
    timeout server 1m
frontend web
    bind "unix@${DIR}/traffic/web.1" ssl crt "${DIR}/site.pem"
    bind "unix@${DIR}/traffic/plain.1"
    http-request return status 200
"#;

/// A master behind a relay, with a worker and an old worker.
struct Site {
    running: Running,
    relay: Relay,
    authority: Authority,
    cluster: Cluster,
    old: u32,
    /// The connection that keeps the old worker alive.
    visitor: UnixStream,
}

impl Site {
    async fn start(release: &Release) -> Self {
        let mut running = Running::new();
        let authority = Authority::new("Test CA");
        fs::write(running.dir().join("site.pem"), authority.issue(0xa1).pem()).unwrap();
        let master = running.add_master(release, "pair", &Config::new(CONFIG)).await;
        let mut visitor = UnixStream::connect(running.traffic("plain", 1)).await.unwrap();
        visitor.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        let old = running.haproxies[0].reload().await;
        running.haproxies[0].master_ready().await;
        let socket = running.dir().join("relay.sock");
        let relay = Relay::new(&socket, &master);
        let cluster = Cluster::builder().master(socket).build().await.unwrap();
        assert_eq!(cluster.snapshot().await.unwrap().processes().len(), 2);
        Self { running, relay, authority, cluster, old, visitor }
    }

    /// Replaces the certificate. The old worker ends when it has done this number of steps.
    async fn replace(mut self, steps: usize, new: &Issued) -> Outcomes<Change> {
        let name = self.running.dir().join("site.pem").display().to_string();
        let (certificate, pem) = (self.cluster.certificate(&name).unwrap(), new.pem());
        self.relay.mark([READ]);
        self.relay.hold(Moment::Marking);
        let call = tokio::spawn(async move { certificate.replace(&pem).await });
        self.relay.holds(2).await;
        for _ in 1..steps {
            self.relay.hold_next(Moment::Marking, [READ]).await;
            self.relay.holds(2).await;
        }
        self.relay.hold_next(Moment::Accepted, [READ]).await;
        self.relay.holds(1).await;
        self.visitor.shutdown().await.unwrap();
        drop(self.visitor);
        until("the old worker has ended", async || (!is_alive(self.old)).then_some(())).await;
        self.relay.release();
        let outcomes = call.await.unwrap().unwrap();
        let web = served(&self.authority.client(), &self.running.traffic("web", 1)).await.unwrap();
        assert_eq!(web, new.der);
        let listed = String::from_utf8(ask(self.running.socket(1), "show ssl cert").await).unwrap();
        assert!(!listed.contains("\n*"), "{listed}");
        outcomes
    }
}

/// The end of the first step, and of the check that follows.
const READ: &str = "show ssl cert *";

#[tokio::test]
async fn an_old_worker_that_ends_before_the_check_is_absent() {
    ends_after(1).await;
}

#[tokio::test]
async fn an_old_worker_that_ends_before_the_commit_is_absent() {
    ends_after(2).await;
}

async fn ends_after(steps: usize) {
    for release in releases() {
        let site = Site::start(&release).await;
        let new = site.authority.issue(0xb1);
        let outcomes = site.replace(steps, &new).await;
        let mut words: Vec<_> = outcomes.iter().map(Outcome::word).collect();
        words.sort_unstable();
        assert_eq!(words, ["absent", "changed"], "{} {steps}", release.version);
    }
}
