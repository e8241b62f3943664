//! Deploys on the servers of a backend, one after the other, each of them out of traffic meanwhile.
//!
//! `cargo run --example deploy -- /run/haproxy app ./deploy.sh` runs `./deploy.sh app web1`, and so on, for
//! each server. Without arguments, it deploys nothing on two fake processes.
//!
//! If the command fails for a server, or on Ctrl-C, the server is set back to the state that it had on each
//! process, and the servers after it are left alone.

#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use haproxyadmin::drain::Drain;
use haproxyadmin::fake::{self, Running};
use haproxyadmin::rolling::Rolling;
use haproxyadmin::{Cluster, ServerRef};
use tokio::process::Command;
use tokio::signal;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let temporary = tempfile::tempdir()?;
    // The fake processes answer for as long as they are held.
    let mut held = None;
    let (dir, backend, command) = match arguments.as_slice() {
        [dir, backend, command @ ..] if !command.is_empty() => (Path::new(dir), &**backend, command),
        [] => {
            held = Some(embedded(temporary.path()).await?);
            (temporary.path(), "app", [].as_slice())
        }
        _ => return Err("usage: deploy [DIRECTORY BACKEND COMMAND...]".into()),
    };
    let cluster = Cluster::from_dir(dir).await?;
    let terms = Rolling::new()
        .at_once(1)
        .keep_up(1)
        .drain(Drain::within(Duration::from_secs(60)).or_force())
        .up_within(Duration::from_secs(120));
    let work = |server: ServerRef| async move {
        println!("{}/{}: out of traffic", server.backend(), server.name());
        tokio::select! {
            done = deploy(&server, command) => done,
            _ = signal::ctrl_c() => Err("interrupted".into()),
        }
    };
    let rolled = cluster.backend_ref(backend)?.roll(&terms, work).await;
    drop(held);
    match rolled {
        Ok(servers) => println!("done: {}", servers.join(", ")),
        Err(error) => {
            let cause = error.source().map(ToString::to_string).unwrap_or_default();
            return Err(format!("{error}: {cause}").into());
        }
    }
    Ok(())
}

/// Runs the command for a server that is out of traffic.
async fn deploy(server: &ServerRef, command: &[String]) -> Result<(), Box<dyn Error + Send + Sync>> {
    let [program, arguments @ ..] = command else { return Ok(()) };
    let mut child = Command::new(program);
    child.args(arguments).args([server.backend(), server.name()]).kill_on_drop(true);
    let status = child.status().await.map_err(|error| format!("{program}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{program}: {status}").into()) }
}

/// Starts two fake processes, with three servers that are checked every 100 ms.
async fn embedded(dir: &Path) -> Result<Vec<Running>, Box<dyn Error>> {
    let server = |name| fake::Server::new(name).check("L7OK").inter(Duration::from_millis(100));
    let app = ["web1", "web2", "web3"]
        .map(server)
        .into_iter()
        .fold(fake::Backend::new("app"), fake::Backend::server);
    let mut processes = Vec::new();
    for name in ["1.sock", "2.sock"] {
        processes.push(fake::Process::new("3.4").backend(app.clone()).serve(dir.join(name)).await?);
    }
    Ok(processes)
}
