//! Adds an entry to a map on every process and shows the entries of the map.
//!
//! `cargo run --example map -- /run/haproxy /etc/haproxy/hosts.map example.org app`

#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use haproxyadmin::Cluster;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [dir, map, key, value] = args.as_slice() else {
        return Err("usage: map DIRECTORY MAP KEY VALUE".into());
    };
    let map = Cluster::from_dir(dir).await?.map(map.as_str())?;
    map.add(key, value).await?;
    let contents = map.show().await?;
    // Fails if the processes hold different entries.
    for entry in contents.entries()? {
        println!("{entry}");
    }
    Ok(())
}
