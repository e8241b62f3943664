//! Deletions of servers and releases of slots during which the process ends, restarts or loses a command: the error
//! states the maintenance of the server only if HAProxy's answer proves it. Tokio's clock is paused, so that no test
//! waits.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test a panic is the failure message")]

use std::time::Duration;

use haproxyadmin::fake::{Backend, Fault, Process, Running, Server, When};
use haproxyadmin::server::{Removal, ServerTemplate};
use haproxyadmin::{Change, Cluster, Error, ErrorKind, Outcomes, Result, ServerRef};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time;

const NOT_KNOWN: &str = ": the server was put into maintenance, and its state is unknown: ";
const MAYBE: &str = ": the server was put into maintenance, and this command may have been executed: ";

#[derive(Debug, Clone, Copy)]
enum Call {
    Delete,
    Release,
}

impl Call {
    const ALL: [Self; 2] = [Self::Delete, Self::Release];

    async fn run(self, server: ServerRef) -> Result<Outcomes<Change>> {
        let removal = Removal::new().within(Duration::from_secs(30));
        match self {
            Self::Delete => server.delete(&removal).await,
            Self::Release => {
                let template = ServerTemplate::new("srv", "192.0.2.1:1".parse().unwrap()).unwrap();
                server.release_slot(&template, &removal).await
            }
        }
    }
}

struct Site {
    dir: TempDir,
    running: Option<Running>,
    server: ServerRef,
}

fn process() -> Process {
    Process::new("3.2").backend(Backend::new("app").server(Server::new("srv1")))
}

impl Site {
    async fn start() -> Self {
        let dir = TempDir::new().unwrap();
        let running = process().serve(dir.path().join("1.sock")).await.unwrap();
        let cluster = Cluster::from_dir(dir.path()).await.unwrap();
        Self { dir, running: Some(running), server: cluster.server_ref("app", "srv1").unwrap() }
    }

    fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    /// Begins a call, and returns when it waits for a connection of the server to end.
    async fn wait_in(&self, call: Call) -> JoinHandle<Result<Outcomes<Change>>> {
        self.running().set_server("app", "srv1", "scur", 1).unwrap();
        let calling = tokio::spawn(call.run(self.server.clone()));
        while !self.running().received().iter().any(|line| line.begins_with("show servers conn")) {
            time::sleep(Duration::from_millis(1)).await;
        }
        calling
    }

    async fn status(&self) -> String {
        self.server.read().await.unwrap().status().to_string()
    }
}

fn assert_text(error: &Error, text: &str) {
    assert_eq!(error.kind(), ErrorKind::PartiallyApplied, "{error}");
    assert!(error.to_string().contains(text), "{error}");
    assert!(!error.to_string().contains("is in maintenance"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_state_is_unknown_if_the_process_ends_during_the_wait() {
    for call in Call::ALL {
        let mut site = Site::start().await;
        let calling = site.wait_in(call).await;
        site.running.take().unwrap().kill().await;
        let error = calling.await.unwrap().unwrap_err();
        assert_text(&error, NOT_KNOWN);
        // After a restart, the server takes traffic.
        site.running = Some(process().serve(site.dir.path().join("1.sock")).await.unwrap());
        assert_eq!(site.status().await, "no check", "{call:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_state_is_unknown_if_a_later_command_gets_no_answer() {
    let without = [Fault::Close, Fault::Hang, Fault::CloseUnexecuted];
    for (call, fault) in Call::ALL.into_iter().flat_map(|call| without.clone().map(|fault| (call, fault))) {
        let site = Site::start().await;
        site.running().fail_command("show servers conn", fault);
        let error = call.run(site.server.clone()).await.unwrap_err();
        assert_text(&error, NOT_KNOWN);
        // The wait puts the server into maintenance again and again.
        let site = Site::start().await;
        let calling = site.wait_in(call).await;
        site.running().fail_command("disable server", Fault::Close);
        assert_text(&calling.await.unwrap().unwrap_err(), NOT_KNOWN);
    }
}

#[tokio::test(start_paused = true)]
async fn a_last_command_may_have_been_executed() {
    for (call, command) in Call::ALL.into_iter().zip(["del server", "set server"]) {
        for fault in [Fault::Close, Fault::CloseUnexecuted] {
            let site = Site::start().await;
            site.running().fail_when(When::command(command).times(1), fault);
            assert_text(&call.run(site.server.clone()).await.unwrap_err(), MAYBE);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_proves_the_maintenance() {
    for (call, left) in Call::ALL.into_iter().zip(["was not deleted", "keeps its address"]) {
        let site = Site::start().await;
        let calling = site.wait_in(call).await;
        let error = calling.await.unwrap().unwrap_err();
        let left =
            format!(": the server was put into maintenance, and {left}, with 1 connection in use after 30");
        assert!(error.to_string().contains(&left), "{error}");
        assert_eq!(site.status().await, "MAINT", "{call:?}");
    }
}
