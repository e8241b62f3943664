//! Processes with TLS frontends, for the tests of certificates, and what they have in common.

use std::fmt::Debug;

use haproxyadmin::{Change, Cluster, Error, ErrorKind, Outcome, Outcomes, Result};

use super::{Authority, served};
use crate::support::{Config, Release, Running};

/// Processes with TLS frontends, and the authority of their certificates.
pub struct TlsSite {
    pub running: Running,
    pub authority: Authority,
    pub cluster: Cluster,
}

impl TlsSite {
    /// Starts a process of each release, with frontends as in [`tls_config`]. The files of their certificates
    /// are there.
    pub async fn start(
        mut running: Running,
        authority: Authority,
        releases: &[Release],
        frontends: &[(&str, &str)],
    ) -> Self {
        for (n, release) in (1..).zip(releases) {
            running.add(release, &format!("process{n}"), &tls_config(frontends).set("N", n)).await;
        }
        let cluster = Cluster::from_dir(running.stats()).await.unwrap();
        Self { running, authority, cluster }
    }

    pub fn path(&self, name: &str) -> String {
        self.running.dir().join(name).display().to_string()
    }

    /// Returns a cluster of the process behind one socket.
    pub async fn through(&self, socket: &str) -> Cluster {
        Cluster::from_addresses([self.running.dir().join(socket)]).await.unwrap()
    }

    /// Returns the certificate that the frontend `web` of the first process serves.
    pub async fn serves(&self) -> Vec<u8> {
        served(&self.authority.client(), &self.running.traffic("web", 1)).await.unwrap().to_vec()
    }
}

/// Returns a configuration with stats sockets of three levels, and with frontends. Each frontend has a name
/// and the words behind the address of its `bind` line.
pub fn tls_config(frontends: &[(&str, &str)]) -> Config {
    let frontend = |(name, words): &(&str, &str)| {
        let bind = format!("bind \"unix@${{DIR}}/traffic/{name}.${{N}}\" {words}");
        format!("frontend {name}\n    {bind}\n    http-request return status 200\n")
    };
    Config::new(HEAD.to_owned() + &frontends.iter().map(frontend).collect::<String>())
}

const HEAD: &str = r#"
global
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level admin
    stats socket "unix@${DIR}/x.operator.${N}.sock" mode 600 level operator
    stats socket "unix@${DIR}/x.user.${N}.sock" mode 600 level user
defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s
"#;

/// Returns the value of the first process.
#[allow(clippy::needless_pass_by_value, reason = "a call to it stays short")]
pub fn only<T: Clone>(outcomes: Outcomes<T>) -> T {
    outcomes.values().next().unwrap().1.clone()
}

/// Returns the word and the message of the first process.
#[allow(clippy::needless_pass_by_value, reason = "the same")]
pub fn said(outcomes: Outcomes<Change>) -> (&'static str, String) {
    let outcome = outcomes.iter().next().unwrap();
    (outcome.word(), outcome.message().unwrap_or_default())
}

/// Returns the message of the first process, which refused the command.
pub fn refusal(error: &Error) -> String {
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    error.outcomes::<Change>().unwrap().iter().next().and_then(Outcome::message).unwrap()
}

pub fn is_absent<T: Debug>(result: Result<T>) -> bool {
    result.is_err_and(|error| error.kind() == ErrorKind::NotFound)
}
