//! Prints the sockets of a cluster: those that are members, and those that are ignored.
//!
//! `cargo run --example members -- /run/haproxy`

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "an example prints what it does")]

use haproxyadmin::Cluster;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::args().nth(1).ok_or("usage: members DIRECTORY")?;
    let cluster = Cluster::from_dir(dir).await?;
    let snapshot = cluster.rediscover().await?;
    for process in snapshot.processes() {
        match process.failure() {
            None => println!("{}: pid {}", process.label(), process.pid().unwrap_or(0)),
            Some(failure) => println!("{}: {failure}", process.label()),
        }
    }
    for ignored in cluster.ignored() {
        println!("ignored: {ignored}");
    }
    Ok(())
}
