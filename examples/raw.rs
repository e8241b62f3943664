//! Sends a command line unchanged to every process and prints each reply unchanged.
//!
//! `cargo run --example raw -- /run/haproxy "show cli level"`

#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use haproxyadmin::Cluster;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(dir), Some(line)) = (args.next(), args.next()) else {
        return Err("usage: raw DIRECTORY COMMAND".into());
    };
    let cluster = Cluster::from_dir(dir).await?;
    for (process, reply) in cluster.command(&line).await?.values() {
        print!("{process}: {reply}");
    }
    Ok(())
}
