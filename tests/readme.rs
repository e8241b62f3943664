//! The program of the README, built as a user would build it: as a separate crate, with the
//! default features of `haproxyadmin`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::fs;
use std::path::Path;
use std::process::Command;

mod support;

use support::{ANCESTOR_TRAFFIC, ancestor_cluster, release};

const MANIFEST: &str = r#"
[package]
name = "readme"
version = "0.0.0"
edition = "2024"

[dependencies]
haproxyadmin = { path = "PATH" }
tokio = { version = "1", features = ["macros", "rt-multi-thread"] }

[workspace]
"#;

fn block<'a>(readme: &'a str, fence: &str) -> &'a str {
    let (_, rest) = readme.split_once(fence).unwrap();
    rest.split_once("```").unwrap().0.trim_start_matches('\n')
}

#[tokio::test]
async fn the_program_of_the_readme_prints_what_the_readme_says() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(here.join("README.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("src")).unwrap();
    fs::write(folder.path().join("src/main.rs"), block(&readme, "```rust,no_run")).unwrap();
    fs::write(folder.path().join("Cargo.toml"), MANIFEST.replace("PATH", here.to_str().unwrap())).unwrap();
    // Uses the lock file of this crate, because `--offline` needs versions that are on the disk.
    fs::copy(here.join("Cargo.lock"), folder.path().join("Cargo.lock")).unwrap();

    let running = ancestor_cluster(&release("2.2")).await;
    running.send_all(&ANCESTOR_TRAFFIC).await;
    let up = async || {
        let rows = support::rows(running.socket(1)).await;
        rows.iter().filter(|row| row.number("type") == 2).all(|row| row.cell("status") == "UP").then_some(())
    };
    support::until("every server of process 1 is UP", up).await;

    let program = Command::new(env!("CARGO"))
        .args(["run", "--offline", "--quiet", "--target-dir"])
        .arg(here.join("target/readme"))
        .arg("--")
        .arg(running.stats())
        .current_dir(folder.path())
        .output()
        .unwrap();
    let printed = String::from_utf8(program.stdout).unwrap();
    assert!(program.status.success(), "{}", String::from_utf8_lossy(&program.stderr));
    let expected = block(&readme, "```text").trim_end().trim_end_matches("...");
    assert!(printed.starts_with(expected), "{printed}");
}
