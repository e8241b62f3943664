//! Keeps processes in the state that a file describes, and prints what it does and the request rates.
//!
//! `cargo run --example control -- /run/haproxy desired.json` reads the file again whenever it changes, until
//! Ctrl-C. Processes that restart, reload or join get the state too. Without arguments, it brings two fake
//! processes to one state and ends. `desired.json`:
//!
//! ```json
//! {
//!   "backends": [{ "name": "app", "servers": [{ "name": "web1", "address": "10.0.0.1:80", "weight": 20 }] }],
//!   "maps": [{ "id": "/etc/haproxy/hosts.map", "entries": [["example.com", "app"]] }]
//! }
//! ```

#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt as _};
use haproxyadmin::fake::{self, Running};
use haproxyadmin::reconcile::{Apply, Desired, DesiredBackend, DesiredServer, Reconcile};
use haproxyadmin::{AdminState, Cluster};
use tokio::{signal, time};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<PathBuf> = std::env::args().skip(1).map(PathBuf::from).collect();
    let temporary = tempfile::tempdir()?;
    // The fake processes answer for as long as they are held.
    let mut held = None;
    let (dir, states): (&Path, BoxStream<'static, Desired>) = match arguments.as_slice() {
        [dir, file] => (dir, versions(file.clone()).boxed()),
        [] => {
            held = Some(embedded(temporary.path()).await?);
            (temporary.path(), stream::iter([example()]).boxed())
        }
        _ => return Err("usage: control [DIRECTORY FILE]".into()),
    };
    let cluster = Cluster::from_dir(dir).await?;
    let terms =
        Apply::new().max_unavailable(1).min_healthy(1).drain_within(Duration::from_secs(60)).or_force();
    let events = cluster.reconcile(states, Reconcile::new(terms).every(Duration::from_secs(5)));
    // All of them go on while one of them waits.
    tokio::select! {
        () = events.for_each(async |event| println!("{event}")) => {}
        () = print_rates(&cluster) => {}
        _ = signal::ctrl_c() => {}
    }
    drop(held);
    Ok(())
}

/// Prints the request rates of the frontends, without an end.
async fn print_rates(cluster: &Cluster) {
    let mut beat = time::interval(Duration::from_secs(10));
    let mut earlier = None;
    loop {
        beat.tick().await;
        let now = match cluster.allow_partial().snapshot().await {
            Ok(now) => now,
            Err(error) => {
                println!("no request rates: {error}");
                continue;
            }
        };
        if let Some(earlier) = earlier.replace(now.clone()) {
            for frontend in now.since(&earlier).frontends() {
                match frontend.requests().and_then(|requests| requests.rate()) {
                    Some(rate) => println!("{}: {rate:.1} requests per second", frontend.name()),
                    None => println!("{}: the request rate is not known", frontend.name()),
                }
            }
        }
    }
}

/// Returns each version of the file. A version that cannot be read is reported once, and the one before stays.
fn versions(file: PathBuf) -> impl Stream<Item = Desired> {
    stream::unfold(String::new(), move |mut last| {
        let file = file.clone();
        async move {
            loop {
                let text = fs::read_to_string(&file).unwrap_or_else(|error| error.to_string());
                if text != last {
                    match serde_json::from_str(&text) {
                        Ok(desired) => return Some((desired, text)),
                        // The message could quote a private key.
                        Err(error) => println!("{}: wrong at line {}", file.display(), error.line()),
                    }
                    last = text;
                }
                time::sleep(Duration::from_secs(1)).await;
            }
        }
    })
}

/// Returns the state of the fake processes: another server, one with another weight, one in maintenance, and a map.
fn example() -> Desired {
    let app = DesiredBackend::new("app")
        .server(DesiredServer::new("web1").weight(20))
        .server(DesiredServer::new("web2").state(AdminState::Maint))
        .server(DesiredServer::new("web3").address(([127, 0, 0, 1], 8083).into()));
    Desired::new().backend(app).map("hosts.map", [("example.com", "app")])
}

async fn embedded(dir: &Path) -> Result<Vec<Running>, Box<dyn Error>> {
    let app = fake::Backend::new("app").server(fake::Server::new("web1")).server(fake::Server::new("web2"));
    let mut processes = Vec::new();
    for name in ["1.sock", "2.sock"] {
        let process = fake::Process::new("3.4").frontend(fake::Frontend::new("web")).backend(app.clone());
        let process = process.map(fake::Map::new("hosts.map").entry("example.com", "old"));
        processes.push(process.serve(dir.join(name)).await?);
    }
    Ok(processes)
}
