//! Disables a server on every process, and tries once more on those that failed.
//!
//! `cargo run --example retry -- /run/haproxy app web1`

#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use haproxyadmin::{Change, Cluster};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(dir), Some(backend), Some(name)) = (args.next(), args.next(), args.next()) else {
        return Err("usage: retry DIRECTORY BACKEND SERVER".into());
    };
    let cluster = Cluster::from_dir(dir).await?;
    let server = cluster.server_ref(&backend, &name)?;
    let Err(error) = server.disable().await else {
        println!("disabled everywhere");
        return Ok(());
    };
    println!("{error}");
    let outcomes = error.outcomes::<Change>().ok_or("no process was asked")?;
    // Disabling a server twice is the same as disabling it once.
    let rest = server.on(&cluster.allow_partial().only(outcomes.failed()));
    println!("{}", rest.disable().await?);
    Ok(())
}
