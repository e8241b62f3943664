//! Joins the snapshots of two hosts to get the figures of a fleet.
//!
//! Here both hosts are directories of this machine. On real hosts, serde writes a snapshot on one
//! host and reads it on the other.
//!
//! `cargo run --example join -- /run/haproxy /run/other`

#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use haproxyadmin::Cluster;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(here), Some(there)) = (args.next(), args.next()) else {
        return Err("usage: join DIRECTORY DIRECTORY".into());
    };
    let one = Cluster::builder().dir(here).host("one").build().await?.snapshot().await?;
    let two = Cluster::builder().dir(there).host("two").build().await?.snapshot().await?;
    for backend in one.join(&two).backends() {
        println!("{} {} {:?}", backend.name(), backend.requests(), backend.processes());
    }
    Ok(())
}
