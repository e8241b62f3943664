//! Tests code that uses this crate without HAProxy: a fake process that answers like one.
//!
//! `cargo run --example fake`

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "an example prints what it does")]

use haproxyadmin::fake::{Backend, Process, Server};
use haproxyadmin::{AdminState, Cluster};

/// The code under test.
async fn drain(cluster: &Cluster) -> haproxyadmin::Result<()> {
    cluster.server_ref("app", "web1")?.set_state(AdminState::Drain).await.map(drop)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let app = Backend::new("app").server(Server::new("web1").check("L4OK"));
    let process = Process::new("3.4.7").backend(app).serve(dir.path().join("1.sock")).await?;
    let cluster = Cluster::from_dir(dir.path()).await?;
    drain(&cluster).await?;
    println!("{}", cluster.server("app", "web1").await?.status());
    process.kill().await;
    println!("{}", drain(&cluster).await.unwrap_err().kind());
    Ok(())
}
