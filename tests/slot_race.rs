//! Slots that several clients take at the same moment, that a restart frees, or that are on a process that hangs,
//! at each step of [`haproxyadmin::BackendRef::take_slot`] and [`haproxyadmin::ServerRef::release_slot`]. A relay
//! holds the step.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use haproxyadmin::server::{NewServer, Removal, ServerState, ServerTemplate};
use haproxyadmin::{Change, Cluster, Error, ErrorKind, Limits, Outcome, Outcomes, Result};
use tokio::task::JoinHandle;

mod support;

use support::{Config, Moment, Relay, Running, ask, every_cell, every_state, release, until};

const CONFIG: &str = r#"
global
    nbthread 1
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level admin expose-fd listeners
defaults
    mode http
    timeout connect 1s
    timeout client 1m
    timeout server 1m
backend app
    server-template srv 1-1 127.0.0.1:1 disabled
"#;

const FREE: &str = "127.0.0.1:1";
const OWN: &str = "192.0.2.9:90";
const OTHER: &str = "192.0.2.7:70";

const READ: [&str; 1] = ["show servers state app"];
const WRITE: [&str; 1] = ["set server app/srv1 addr"];
const SESSIONS: [&str; 1] = ["show servers conn app"];

/// Processes with one slot each. A relay is in front of the first one.
struct Site {
    running: Running,
    relay: Relay,
    cluster: Cluster,
}

impl Site {
    async fn start() -> Self {
        Self::of(&["2.2", "3.4"]).await
    }

    async fn of(releases: &[&str]) -> Self {
        let releases: Vec<_> = releases.iter().map(|version| release(version)).collect();
        let running = Running::of(0, &releases, |_| Config::new(CONFIG)).await;
        let path = running.dir().join("relay.sock");
        let relay = Relay::new(&path, running.socket(1));
        let others = (2..=releases.len()).map(|n| running.socket(n));
        let cluster = Cluster::from_addresses([path].into_iter().chain(others)).await.unwrap();
        let limits = Limits::new().with_command_timeout(Duration::from_millis(1500));
        let cluster = cluster.with_limits(limits);
        Self { running, relay, cluster }
    }

    /// Begins to take a slot.
    fn take(&self) -> JoinHandle<Result<Outcomes<ServerState>>> {
        let cluster = self.cluster.clone();
        tokio::spawn(async move { take(&cluster).await })
    }

    /// Begins to take a slot. The relay holds the first line with a mark.
    async fn take_until(
        &self,
        moment: Moment,
        marks: [&str; 1],
    ) -> JoinHandle<Result<Outcomes<ServerState>>> {
        self.relay.mark(marks);
        self.relay.hold(moment);
        let taking = self.take();
        self.relay.holds(1).await;
        taking
    }

    /// Takes the slot of each process, and begins to release it. The relay holds the first line with a
    /// mark.
    async fn release_until(&self, moment: Moment, marks: [&str; 1]) -> JoinHandle<Outcomes<Change>> {
        self.assert_completes().await;
        self.relay.mark(marks);
        self.relay.hold(moment);
        let server = self.cluster.allow_partial().server_ref("app", "srv1").unwrap();
        let releasing =
            tokio::spawn(async move { server.release_slot(&template(), &Removal::new()).await.unwrap() });
        self.relay.holds(1).await;
        releasing
    }

    /// Lets the relay continue until it holds the next line with a mark.
    async fn hold_next(&self, moment: Moment, marks: [&str; 1]) {
        self.relay.hold_next(moment, marks).await;
        self.relay.holds(1).await;
    }

    /// Sets the address of the slot of the first process as another client does, when HAProxy has
    /// executed every command that has come before.
    async fn set(&self, address: &str) {
        self.ask("show info").await;
        let address: SocketAddr = address.parse().unwrap();
        self.ask(&format!("set server app/srv1 addr {} port {}", address.ip(), address.port())).await;
        self.until_first_has(&address.to_string()).await;
    }

    async fn enable(&self) {
        self.ask("set server app/srv1 state ready").await;
    }

    async fn ask(&self, command: &str) {
        ask(self.running.socket(1), command).await;
    }

    async fn until_first_has(&self, address: &str) {
        let has = async || (self.addresses().await[0] == address).then_some(());
        until(&format!("the slot has the address {address}"), has).await;
    }

    /// Returns the address of the slot of each process.
    async fn addresses(&self) -> Vec<String> {
        let ips = every_state(&self.running, "app", "srv1", "srv_addr").await;
        let ports = every_state(&self.running, "app", "srv1", "srv_port").await;
        ips.iter().zip(ports).map(|(ip, port)| format!("{ip}:{port}")).collect()
    }

    async fn statuses(&self) -> Vec<String> {
        every_cell(&self.running, "app", "srv1", "status").await
    }

    /// Checks that each process has these addresses, and that the others are in maintenance.
    async fn assert_is(&self, addresses: &[&str], statuses: &[&str]) {
        assert_eq!((self.addresses().await, self.statuses().await), (owned(addresses), owned(statuses)));
    }

    /// Checks that the same call completes what a call has left.
    async fn assert_completes(&self) {
        assert_eq!(take(&self.cluster).await.unwrap().values().count(), 2);
        self.assert_is(&[OWN; 2], &["no check"; 2]).await;
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn template() -> ServerTemplate {
    ServerTemplate::new("srv", FREE.parse().unwrap()).unwrap()
}

async fn take(cluster: &Cluster) -> Result<Outcomes<ServerState>> {
    cluster.backend_ref("app").unwrap().take_slot(&template(), &NewServer::new(OWN.parse().unwrap())).await
}

fn assert_none_is_free(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(
        error.to_string().ends_with("no free slot: none of 1 servers is free on every process"),
        "{error}"
    );
}

/// Returns the error of the first process; the call has succeeded on the second one.
fn first_error<T>(outcomes: &Outcomes<T>) -> String {
    let errors: Vec<_> = outcomes.iter().map(Outcome::error).collect();
    assert!(outcomes.len() == 2 && errors[1].is_none(), "{errors:?}");
    errors[0].unwrap().to_string()
}

#[tokio::test]
async fn a_slot_that_is_taken_after_it_was_chosen_is_not_written() {
    let site = Site::start().await;
    let taking = site.take_until(Moment::Marked, READ).await;
    site.set(OTHER).await;
    site.enable().await;
    site.relay.release();
    assert_none_is_free(&taking.await.unwrap().unwrap_err());
    assert!(!site.relay.sent().contains(WRITE[0]), "{}", site.relay.sent());
    site.assert_is(&[OTHER, FREE], &["no check", "MAINT"]).await;
}

#[tokio::test]
async fn a_read_that_is_old_is_repeated_before_the_write() {
    let site = Site::start().await;
    let taking = site.take_until(Moment::Marked, READ).await;
    site.hold_next(Moment::Marked, READ).await;
    let read_at = Instant::now();
    // The reply that is held says that the slot is free.
    site.set(OTHER).await;
    site.enable().await;
    let is_old = async || (read_at.elapsed() > Duration::from_millis(250)).then_some(());
    until("the read is old", is_old).await;
    site.relay.release();
    assert_none_is_free(&taking.await.unwrap().unwrap_err());
    assert!(!site.relay.sent().contains(WRITE[0]), "{}", site.relay.sent());
    site.assert_is(&[OTHER, FREE], &["no check", "MAINT"]).await;
}

#[tokio::test]
async fn a_slot_is_read_again_when_other_clients_have_written_too() {
    let site = Site::start().await;
    let taking = site.take_until(Moment::Marked, WRITE).await;
    let written_at = Instant::now();
    site.hold_next(Moment::Marking, READ).await;
    // Twice the longest time from a client's read to its write.
    assert!(written_at.elapsed() >= Duration::from_millis(400));
    site.set(OTHER).await;
    site.relay.release();
    assert_none_is_free(&taking.await.unwrap().unwrap_err());
    site.assert_is(&[OTHER, FREE], &["MAINT"; 2]).await;
}

#[tokio::test]
async fn a_client_that_finds_the_address_of_another_one_gives_the_slot_back() {
    for is_enabled in [true, false] {
        let site = Site::start().await;
        let taking = site.take_until(Moment::Marked, WRITE).await;
        site.until_first_has(OWN).await;
        site.set(OTHER).await;
        if is_enabled {
            site.enable().await;
        }
        site.relay.release();
        assert_none_is_free(&taking.await.unwrap().unwrap_err());
        let status = if is_enabled { "no check" } else { "MAINT" };
        site.assert_is(&[OTHER, FREE], &[status, "MAINT"]).await;
    }
}

#[tokio::test]
async fn a_late_write_frees_a_slot_in_maintenance() {
    let site = Site::start().await;
    let taking = site.take_until(Moment::Marking, WRITE).await;
    // The other client will find that it has lost the slot.
    site.set(OTHER).await;
    site.relay.release();
    assert_eq!(taking.await.unwrap().unwrap().values().count(), 2);
    site.assert_is(&[OWN; 2], &["no check"; 2]).await;
}

#[tokio::test]
async fn a_late_write_does_not_replace_the_address_of_a_third_client() {
    let site = Site::start().await;
    let taking = site.take_until(Moment::Marking, WRITE).await;
    site.set(OTHER).await;
    site.enable().await;
    // Holds the read before the address is put back.
    site.hold_next(Moment::Marking, READ).await;
    site.until_first_has(OWN).await;
    site.set("192.0.2.8:80").await;
    site.relay.release();
    assert_none_is_free(&taking.await.unwrap().unwrap_err());
    site.assert_is(&["192.0.2.8:80", FREE], &["no check", "MAINT"]).await;
}

#[tokio::test]
async fn a_late_write_whose_reply_is_lost_says_that_the_slot_is_enabled() {
    let site = Site::start().await;
    let taking = site.take_until(Moment::Marking, WRITE).await;
    site.set(OTHER).await;
    site.enable().await;
    site.relay.hold_next(Moment::Marked, WRITE).await;
    site.until_first_has(OWN).await;
    site.relay.cut();
    let error = taking.await.unwrap().unwrap_err();
    let said = "outcome unknown: closed without an answer; the slot is enabled, and this command may have \
                replaced the address that another client has set";
    assert!(error.to_string().ends_with(said), "{error}");
}

#[tokio::test]
async fn an_error_is_returned_if_another_client_has_the_slot_of_another_process() {
    let site = Site::of(&["2.2", "3.4", "3.2"]).await;
    let path = site.running.dir().join("second.sock");
    let second = Relay::new(&path, site.running.socket(2));
    let addresses = [site.running.dir().join("relay.sock"), path, site.running.socket(3)];
    let site = Site { cluster: Cluster::from_addresses(addresses).await.unwrap(), ..site };
    second.mark(WRITE);
    second.hold(Moment::Marked);
    let taking = site.take_until(Moment::Marked, READ).await;
    site.set(OTHER).await;
    site.relay.release();
    second.holds(1).await;
    second.cut();
    let error = taking.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incomplete, "{error}");
    let errors: Vec<_> = error.outcomes::<ServerState>().unwrap().iter().map(Outcome::error).collect();
    let kinds: Vec<_> = errors.iter().map(|error| error.unwrap().kind()).collect();
    assert_eq!(kinds, [ErrorKind::Refused, ErrorKind::OutcomeUnknown, ErrorKind::Refused], "{error}");
    let said =
        "refused: \"another client has taken the slot on a process, and it was given back on the others\"";
    assert!(errors[2].unwrap().to_string().ends_with(said), "{error}");
    site.assert_is(&[OTHER, OWN, FREE], &["MAINT"; 3]).await;
}

#[tokio::test]
async fn the_same_call_completes_one_whose_process_hung_at_the_claim() {
    let site = Site::start().await;
    let partial = Site { cluster: site.cluster.allow_partial(), ..site };
    let taking = partial.take_until(Moment::Marking, WRITE).await;
    let outcomes = taking.await.unwrap().unwrap();
    let error = first_error(&outcomes);
    assert!(error.contains(": outcome unknown: ") && !error.contains("enabled"), "{error}");
    partial.assert_is(&[FREE, OWN], &["MAINT", "no check"]).await;
    partial.relay.cut();
    partial.assert_completes().await;
}

#[tokio::test]
async fn a_slot_that_cannot_be_read_again_is_not_enabled() {
    let site = Site::start().await;
    let partial = Site { cluster: site.cluster.allow_partial(), ..site };
    let taking = partial.take_until(Moment::Marked, WRITE).await;
    partial.hold_next(Moment::Marking, READ).await;
    let outcomes = taking.await.unwrap().unwrap();
    assert_eq!(outcomes.iter().next().unwrap().error().unwrap().kind(), ErrorKind::PartiallyApplied);
    let error = first_error(&outcomes);
    assert!(error.contains(": the address was set, and was neither read again nor enabled: "), "{error}");
    partial.assert_is(&[OWN; 2], &["MAINT", "no check"]).await;
    partial.relay.cut();
    partial.assert_completes().await;
}

#[tokio::test]
async fn a_restart_before_the_slot_is_enabled_does_not_lose_the_address() {
    let mut site = Site::start().await;
    let taking = site.take_until(Moment::Marked, WRITE).await;
    site.hold_next(Moment::Marked, READ).await;
    site.running.restart(1).await;
    assert_eq!(site.addresses().await[0], FREE);
    site.relay.release();
    assert_eq!(taking.await.unwrap().unwrap().values().count(), 2);
    site.assert_is(&[OWN; 2], &["no check"; 2]).await;
}

#[tokio::test]
async fn a_restart_before_the_slot_is_read_again_begins_anew() {
    let mut site = Site::start().await;
    let taking = site.take_until(Moment::Marked, WRITE).await;
    site.hold_next(Moment::Accepted, READ).await;
    site.running.restart(1).await;
    site.relay.release();
    assert_eq!(taking.await.unwrap().unwrap().values().count(), 2);
    site.assert_is(&[OWN; 2], &["no check"; 2]).await;
}

#[tokio::test]
async fn an_address_that_another_client_sets_before_the_slot_is_given_back_stays() {
    let site = Site::start().await;
    let taking = site.take_until(Moment::Marked, WRITE).await;
    let has_own = async || (site.addresses().await == [OWN; 2]).then_some(());
    until("both processes have the address", has_own).await;
    let address: SocketAddr = OTHER.parse().unwrap();
    let set = format!("set server app/srv1 addr {} port {}", address.ip(), address.port());
    ask(site.running.socket(2), &set).await;
    // Holds the read that finds the own address, and then the read before it is taken off.
    site.hold_next(Moment::Marked, READ).await;
    site.hold_next(Moment::Marking, READ).await;
    site.set("192.0.2.8:80").await;
    site.relay.release();
    assert_none_is_free(&taking.await.unwrap().unwrap_err());
    site.assert_is(&["192.0.2.8:80", OTHER], &["MAINT"; 2]).await;
}

#[tokio::test]
async fn a_slot_that_another_client_takes_before_it_is_enabled_stays_with_it() {
    let site = Site::start().await;
    let partial = Site { cluster: site.cluster.allow_partial(), ..site };
    let taking = partial.take_until(Moment::Marked, WRITE).await;
    partial.hold_next(Moment::Marked, READ).await;
    partial.set(OTHER).await;
    partial.enable().await;
    partial.relay.release();
    let error = first_error(&taking.await.unwrap().unwrap());
    let said = ": the slot was taken: refused: \"another client has the slot by now\"";
    assert!(error.ends_with(said), "{error}");
    partial.assert_is(&[OTHER, OWN], &["no check"; 2]).await;
}

#[tokio::test]
async fn an_address_that_another_client_sets_during_a_release_stays() {
    let site = Site::start().await;
    let releasing = site.release_until(Moment::Marked, SESSIONS).await;
    site.set(OTHER).await;
    site.relay.release();
    let error = first_error(&releasing.await.unwrap());
    let said = ": the server was put into maintenance, and its address was not reset: refused: \
                \"another client has changed the address\"";
    assert!(error.ends_with(said), "{error}");
    site.assert_is(&[OTHER, FREE], &["MAINT"; 2]).await;
}

#[tokio::test]
async fn a_server_that_another_client_enables_during_a_release_is_an_error() {
    let site = Site::start().await;
    let releasing = site.release_until(Moment::Marked, WRITE).await;
    site.until_first_has(FREE).await;
    site.enable().await;
    site.relay.release();
    let error = first_error(&releasing.await.unwrap());
    let said = ": the address was reset: refused: \"another client has enabled the server\"";
    assert!(error.ends_with(said), "{error}");
}

#[tokio::test]
async fn a_released_slot_that_cannot_be_read_again_has_an_unknown_state() {
    let site = Site::start().await;
    let releasing = site.release_until(Moment::Marked, WRITE).await;
    site.hold_next(Moment::Marked, READ).await;
    site.relay.cut();
    let error = first_error(&releasing.await.unwrap());
    let said = ": the address was reset, and the state is unknown: closed without an answer";
    assert!(error.ends_with(said), "{error}");
    site.assert_is(&[FREE; 2], &["MAINT"; 2]).await;
}
