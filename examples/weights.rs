//! Sets the weight of a server on every process and reads it back.
//!
//! `cargo run --example weights -- /run/haproxy app web1 50%`

#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use haproxyadmin::Cluster;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [dir, backend, name, weight] = args.as_slice() else {
        return Err("usage: weights DIRECTORY BACKEND SERVER WEIGHT".into());
    };
    let server = Cluster::from_dir(dir).await?.server_ref(backend, name)?;
    server.set_weight(weight.parse()?).await?;
    for (process, weight) in server.fetch_weight().await?.values() {
        println!("{process}: {weight}");
    }
    Ok(())
}
