//! Processes of all releases with one certificate, and a relay in front of the last one.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use haproxyadmin::certificate::Certificate;
use haproxyadmin::{Change, Cluster, Error, Limits, Outcome, Outcomes};

use super::authority::{Authority, Issued, served};
use super::support::{Config, Relay, Running, ask, releases};

const CONFIG: &str = r#"
global
    nbthread 2
    maxconn 200
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level admin
    stats socket "unix@${DIR}/x.operator.${N}.sock" mode 600 level operator
defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s
frontend web
    bind "unix@${DIR}/traffic/web.${N}" ssl crt "${DIR}/site.pem"
    bind "unix@${DIR}/traffic/more.${N}" ssl crt "${DIR}/site.pem"
    http-request return status 200
"#;

/// One process of each release, and a relay in front of the last one.
pub(crate) struct Site {
    pub(crate) running: Running,
    pub(crate) relay: Relay,
    pub(crate) authority: Authority,
    pub(crate) old: Issued,
    pub(crate) new: Issued,
}

/// The name of the relay's socket, which comes last in the order of the cluster.
pub(crate) const RELAY: &str = "z.sock";

pub(crate) fn count() -> usize {
    releases().len()
}

pub(crate) fn all<T: Clone>(value: T) -> Vec<T> {
    vec![value; count()]
}

/// Returns the same value for each process but the last.
pub(crate) fn but_last<T: Clone>(value: T, last: T) -> Vec<T> {
    let mut values = all(value);
    values.pop();
    values.push(last);
    values
}

pub(crate) fn words(outcomes: &Outcomes<Change>) -> Vec<&str> {
    outcomes.iter().map(Outcome::word).collect()
}

/// Returns the outcomes of a call that failed.
pub(crate) fn outcomes(error: &Error) -> &Outcomes<Change> {
    error.outcomes::<Change>().unwrap_or_else(|| panic!("{error}"))
}

/// Returns the error of the last process.
pub(crate) fn last(error: &Error) -> &Error {
    outcomes(error).iter().last().unwrap().error().unwrap()
}

impl Site {
    pub(crate) async fn start() -> Self {
        let mut running = Running::new();
        let authority = Authority::new("Test CA");
        let (old, new) = (authority.issue(0xa1), authority.issue(0xb1));
        fs::write(running.dir().join("site.pem"), old.pem()).unwrap();
        for (n, release) in (1..).zip(releases()) {
            running.add(&release, &format!("process{n}"), &Config::new(CONFIG).set("N", n)).await;
        }
        let relay = Relay::new(running.dir().join(RELAY), running.socket(count()));
        Self { running, relay, authority, old, new }
    }

    /// Returns the cluster, with this socket for the last process.
    pub(crate) async fn cluster(&self, last: &str) -> Cluster {
        let others = (1..count()).map(|n| self.running.socket(n));
        let sockets: Vec<PathBuf> = others.chain([self.running.dir().join(last)]).collect();
        let limits = Limits::new().with_idle_timeout(Duration::from_secs(1));
        let cluster = Cluster::from_addresses(sockets).await.unwrap().with_limits(limits);
        cluster.info().await.unwrap();
        cluster
    }

    pub(crate) fn name(&self) -> String {
        self.running.dir().join("site.pem").display().to_string()
    }

    pub(crate) async fn certificate(&self) -> Certificate {
        self.cluster(RELAY).await.certificate(&self.name()).unwrap()
    }

    /// Returns the certificate that each living process serves: `old`, `new` or `other`.
    pub(crate) async fn served(&self) -> Vec<&'static str> {
        let client = self.authority.client();
        let mut found = Vec::new();
        for n in (1..=count()).filter(|n| self.running.is_alive(*n)) {
            let mut each = Vec::new();
            for frontend in ["web", "more"] {
                let der = served(&client, &self.running.traffic(frontend, n)).await.unwrap();
                each.push(match der {
                    der if der == self.old.der => "old",
                    der if der == self.new.der => "new",
                    _ => "other",
                });
            }
            assert_eq!(each[0], each[1], "process {n}");
            found.push(each[0]);
        }
        found
    }

    /// Returns the name in the transaction of each living process.
    pub(crate) async fn pending(&self) -> Vec<Option<String>> {
        let mut pending = Vec::new();
        for n in (1..=count()).filter(|n| self.running.is_alive(*n)) {
            let list = String::from_utf8(ask(self.running.socket(n), "show ssl cert").await).unwrap();
            pending.push(list.lines().find_map(|line| Some(line.strip_prefix('*')?.to_owned())));
        }
        pending
    }

    /// Checks that each living process serves the old certificate and has no transaction.
    pub(crate) async fn assert_nothing_changed(&self) {
        let served = self.served().await;
        assert!(served.iter().all(|served| *served == "old"), "{served:?}");
        let pending = self.pending().await;
        assert!(pending.iter().all(Option::is_none), "{pending:?}");
    }
}
