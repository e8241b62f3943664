//! Writes a server of the cluster as JSON, with every figure that HAProxy prints.
//!
//! `cargo run --example json -- /run/haproxy app web1`

#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use haproxyadmin::Cluster;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(dir), Some(backend), Some(name)) = (args.next(), args.next(), args.next()) else {
        return Err("usage: json DIRECTORY BACKEND SERVER".into());
    };
    let server = Cluster::from_dir(dir).await?.server(&backend, &name).await?;
    println!("{}", serde_json::to_string_pretty(&server)?);
    Ok(())
}
