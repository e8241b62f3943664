//! What haproxytool did for haproxyadmin, on this crate: a command line for a
//! cluster of HAProxy processes.
//!
//! `--help` lists the actions, `--demo` tries them without HAProxy.

mod acl;
mod action;
mod backend;
mod call;
mod demo;
mod dump;
mod frontend;
mod map;
mod options;
mod pattern;
mod problem;
mod process;
mod report;
mod server;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use haproxyadmin::{Address, Cluster, Limits};

use call::Call;
use demo::Demo;
use options::Options;
use problem::Problem;
use report::Report;

/// The same cluster twice.
pub(crate) struct Views {
    /// Strict, unless `--allow-partial`.
    pub(crate) read: Cluster,
    /// Whatever became of a change is shown, process by process.
    pub(crate) write: Cluster,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            complain(&problem.to_string());
            ExitCode::from(problem.code())
        }
    }
}

/// Whether all is well.
async fn run() -> Result<bool, Problem> {
    let options = Options::parse(std::env::args().skip(1))?;
    if options.has("--help") {
        io::stdout().write_all(action::help().as_bytes())?;
        return Ok(true);
    }
    let call = Call::parse(&options)?;
    // They answer for as long as they are held.
    let demo = if options.has("--demo") { Some(Demo::start().await?) } else { None };
    let cluster = connect(&options, demo.as_ref()).await?;
    let partial = cluster.allow_partial();
    let read = if options.has("--allow-partial") { partial.clone() } else { cluster };
    let report = act(&call, &Views { read, write: partial }).await?;
    let text = if options.has("--json") { report.json()? } else { report.text };
    io::stdout().write_all(text.as_bytes())?;
    report.notes.iter().for_each(|note| complain(note));
    Ok(!report.failed)
}

async fn connect(options: &Options, demo: Option<&Demo>) -> Result<Cluster, Problem> {
    let mut builder = Cluster::builder();
    for dir in &options.dirs {
        builder = builder.dir(dir);
    }
    for socket in &options.sockets {
        let path = Path::new(socket);
        builder = if path.exists() {
            builder.address(path)
        } else {
            builder.address(socket.parse::<Address>().map_err(haproxyadmin::Error::from)?)
        };
    }
    if let Some(demo) = demo {
        builder = builder.dir(demo.dir());
    } else if options.dirs.is_empty() && options.sockets.is_empty() {
        builder = builder.dir(options::DIR);
    }
    builder = builder.expect_at_least(options.expect);
    if let Some(timeout) = options.timeout {
        builder = builder.limits(Limits::new().with_command_timeout(timeout).with_idle_timeout(timeout));
    }
    let cluster = builder.build().await?;
    Ok(if options.only.is_empty() { cluster } else { cluster.only(&options.only) })
}

async fn act(call: &Call, views: &Views) -> Result<Report, Problem> {
    match call.object {
        "process" => process::run(call, views).await,
        "command" => process::command(call, views).await,
        "frontend" => frontend::run(call, views).await,
        "backend" => backend::run(call, views).await,
        "server" => server::run(call, views).await,
        "map" => map::run(call, views).await,
        "acl" => acl::run(call, views).await,
        _ => dump::run(call, views).await,
    }
}

fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "haproxytool: {}", text.replace('\n', " "));
}
