//! Takes a server out of service on every process: no new sessions, the others may end.
//!
//! `cargo run --example drain -- /run/haproxy app web1`

#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use haproxyadmin::{AdminState, Cluster};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(dir), Some(backend), Some(name)) = (args.next(), args.next(), args.next()) else {
        return Err("usage: drain DIRECTORY BACKEND SERVER".into());
    };
    let cluster = Cluster::from_dir(dir).await?;
    let server = cluster.server_ref(&backend, &name)?;
    for outcome in server.set_state(AdminState::Drain).await? {
        println!("{outcome}");
    }
    println!("{}", server.read().await?.status());
    Ok(())
}
