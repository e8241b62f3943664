//! Reads the figures of the processes that answer, and prints those that did not.
//!
//! `cargo run --example partial -- /run/haproxy`

#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use haproxyadmin::Cluster;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::args().nth(1).ok_or("usage: partial DIRECTORY")?;
    let cluster = Cluster::from_dir(dir).await?;
    // A strict read fails if one process does not answer, and its error has the other reports.
    if let Err(error) = cluster.snapshot().await {
        println!("{}", error.kind());
    }
    let snapshot = cluster.allow_partial().snapshot().await?;
    for backend in snapshot.backends() {
        println!("{} {} {:?}", backend.name(), backend.requests(), backend.processes());
    }
    for process in snapshot.failed() {
        println!("{}: no answer", process.label());
    }
    Ok(())
}
