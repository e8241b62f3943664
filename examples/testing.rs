//! Code that changes servers, and its unit tests on fake processes, which need no HAProxy and no time.
//!
//! `cargo test --example testing` runs the tests. `cargo run --example testing -- /run/haproxy app web1`
//! takes a server out of service and back; without arguments, it does so on a fake process.

#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::time::Duration;

use haproxyadmin::{Change, Cluster, ErrorKind, Result, ServerRef, fake, wait};

/// Puts a server into maintenance on every process. If the reply of a process is lost, that process gets the
/// command once more, because maintenance is the same if it is ordered twice.
async fn take_out(server: &ServerRef, cluster: &Cluster) -> Result<()> {
    let Err(error) = server.disable().await else { return Ok(()) };
    match error.outcomes::<Change>() {
        Some(outcomes) if outcomes.failed().all(|one| one.error().is_some_and(is_lost)) => {
            server.on(&cluster.only(outcomes.failed())).disable().await.map(drop)
        }
        _ => Err(error),
    }
}

fn is_lost(error: &haproxyadmin::Error) -> bool {
    error.kind() == ErrorKind::OutcomeUnknown
}

/// Puts a server back into traffic, and waits until its health checks pass on every process.
async fn put_back(server: &ServerRef) -> Result<()> {
    server.enable().await?;
    server.wait_until(wait::is_up(), Duration::from_secs(30)).await.map(drop)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let temporary = tempfile::tempdir()?;
    let mut held = None;
    let (dir, backend, name) = match arguments.as_slice() {
        [dir, backend, name] => (dir.into(), &**backend, &**name),
        [] => {
            let app = fake::Backend::new("app").server(web1());
            held = Some(fake::Process::new("3.4").backend(app).serve(temporary.path().join("1.sock")).await?);
            (temporary.path().to_owned(), "app", "web1")
        }
        _ => return Err("usage: testing [DIRECTORY BACKEND SERVER]".into()),
    };
    let cluster = Cluster::from_dir(dir).await?;
    let server = cluster.server_ref(backend, name)?;
    take_out(&server, &cluster).await?;
    println!("out of service: {}", server.read().await?.status());
    put_back(&server).await?;
    println!("in service: {}", server.read().await?.status());
    drop(held);
    Ok(())
}

/// A server with a health check in each tenth of a second.
fn web1() -> fake::Server {
    fake::Server::new("web1").check("L7OK").inter(Duration::from_millis(100))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "in a test a panic is the failure message")]
mod tests {
    use fake::{Fault, Running, When};
    use tempfile::TempDir;
    use tokio::time::{Instant, sleep};

    use super::*;

    struct Site {
        processes: Vec<Running>,
        cluster: Cluster,
        server: ServerRef,
        _dir: TempDir,
    }

    /// Two processes of different releases.
    async fn site() -> Site {
        let dir = TempDir::new().unwrap();
        let mut processes = Vec::new();
        for release in ["2.6", "3.4"] {
            let app = fake::Backend::new("app").server(web1());
            let path = dir.path().join(format!("{release}.sock"));
            processes.push(fake::Process::new(release).backend(app).serve(path).await.unwrap());
        }
        let cluster = Cluster::from_dir(dir.path()).await.unwrap();
        let server = cluster.server_ref("app", "web1").unwrap();
        Site { processes, cluster, server, _dir: dir }
    }

    /// Returns the number of times that each process got the change, and executed it.
    fn changes(site: &Site) -> Vec<(usize, usize)> {
        let of_one = |running: &Running| {
            let all = running.received();
            let changes: Vec<_> =
                all.iter().filter(|one| one.begins_with("disable server app/web1")).collect();
            (changes.len(), changes.iter().filter(|one| one.executed).count())
        };
        site.processes.iter().map(of_one).collect()
    }

    #[tokio::test]
    async fn each_process_is_told_once() {
        let site = site().await;
        take_out(&site.server, &site.cluster).await.unwrap();
        assert_eq!(changes(&site), [(1, 1), (1, 1)]);
        assert_eq!(site.server.read().await.unwrap().status().to_string(), "MAINT");
    }

    #[tokio::test]
    async fn a_process_with_a_lost_reply_is_told_again() {
        for (fault, executed) in [(Fault::Close, 2), (Fault::CloseUnexecuted, 1)] {
            let site = site().await;
            site.processes[1].fail_when(When::command("disable server").times(1), fault);
            take_out(&site.server, &site.cluster).await.unwrap();
            assert_eq!(changes(&site), [(1, 1), (2, executed)]);
            assert_eq!(site.server.read().await.unwrap().status().to_string(), "MAINT");
        }
    }

    #[tokio::test]
    async fn a_process_that_is_gone_is_not_told_again() {
        let mut site = site().await;
        site.cluster.info().await.unwrap();
        site.processes.pop().unwrap().kill().await;
        assert_eq!(take_out(&site.server, &site.cluster).await.unwrap_err().kind(), ErrorKind::Incomplete);
        assert_eq!(changes(&site), [(1, 1)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_is_back_when_its_checks_pass() {
        let site = site().await;
        for running in &site.processes {
            running.set_check("app", "web1", "L7STS").unwrap();
        }
        take_out(&site.server, &site.cluster).await.unwrap();
        let start = Instant::now();
        let recovers = async {
            for running in &site.processes {
                sleep(Duration::from_secs(10)).await;
                running.set_check("app", "web1", "L7OK").unwrap();
            }
        };
        tokio::try_join!(put_back(&site.server), async {
            recovers.await;
            Ok(())
        })
        .unwrap();
        // The clock is paused: these are not seconds of the test.
        assert_eq!(start.elapsed().as_secs(), 20);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_with_checks_that_fail_is_not_back() {
        let site = site().await;
        site.processes[1].set_check("app", "web1", "L7STS").unwrap();
        take_out(&site.server, &site.cluster).await.unwrap();
        let error = put_back(&site.server).await.unwrap_err();
        assert!(error.to_string().contains("status DOWN after 3"), "{error}");
    }
}
