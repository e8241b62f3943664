//! All figures of 64 processes, compared with a loop of a shell.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use crate::fleet::{Fleet, cluster};
use crate::rounds::{Row, rounds, seconds, snapshot_and_list};

/// Sends the same commands to each socket in its arguments, and throws the replies away.
const LOOP: &str = r#"for socket do
    echo "show info;show stat" | socat - "UNIX-CONNECT:$socket"
done >/dev/null"#;

pub(crate) async fn run(fleet: &mut Fleet) {
    let processes = fleet.options.size(64, 2);
    let sockets = fleet.sockets(processes).await;
    let cluster = cluster(&sockets).await;
    let times = rounds(fleet.options.rounds, 3, |contender| {
        let (sockets, cluster) = (Arc::clone(&sockets), cluster.clone());
        async move {
            match contender {
                0 | 1 => seconds(snapshot_and_list(&cluster)).await,
                _ => seconds(async { loop_over(&sockets) }).await,
            }
        }
    })
    .await;
    Row::of(&format!("figures of {processes} processes of 3.4 read, objects listed"), "a loop of socat")
        .ratio(times.ratio(2, 0), times.ratio(1, 0))
        .at_least(7.0);
    times.print(&["snapshot and list", "", "socat, one after the other"]);
}

fn loop_over(sockets: &[PathBuf]) {
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("target/peers/socat");
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = Command::new("sh");
    shell.args(["-euc", LOOP, "loop"]).args(sockets);
    if unpacked.is_dir() {
        // A package that is not installed: its library is beside it.
        shell.env("PATH", format!("{}:{path}", unpacked.join("bin").display()));
        shell.env("LD_LIBRARY_PATH", unpacked.join("lib"));
    }
    let status = shell.stdin(Stdio::null()).status().unwrap();
    assert!(status.success(), "socat is not here: benches/run brings it");
}
