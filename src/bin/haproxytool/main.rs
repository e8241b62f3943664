//! A command line for a cluster of HAProxy processes.
//!
//! `--help` lists the objects, `OBJECT --help` the actions, and `--demo` tries them
//! without HAProxy.

mod acl;
mod action;
mod addition;
mod backend;
mod ca;
mod call;
mod cert;
mod cli;
mod complaint;
mod crl;
mod crtlist;
mod demo;
mod dump;
mod event;
mod failure;
mod frontend;
mod given;
mod interrupt;
mod man;
mod map;
mod master;
mod ocsp;
mod options;
mod pattern;
mod printer;
mod problem;
mod process;
mod progress;
mod rates;
mod reconcile;
mod report;
mod server;
mod session;
mod settings;
mod slot;
mod table;
mod wait;
mod watch;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;
use haproxyadmin::{Address, Cluster, ClusterBuilder, Limits};

use call::Call;
use cli::{Act, Cli, Order};
use complaint::Complaint;
use demo::Demo;
use options::Options;
use problem::Problem;
use report::Report;

/// The cluster as two views.
pub(crate) struct Views {
    /// Strict, unless `--allow-partial` is given.
    pub(crate) read: Cluster,
    /// Never strict: every outcome is shown, process by process.
    pub(crate) write: Cluster,
    /// Returns `true` if `--allow-partial` is given.
    pub(crate) partial: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Cli { mut options, order } = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    let (done, json) = match order {
        Order::Completions { shell } => (print(&Cli::completions(shell)), options.json),
        Order::Man => (man::page().map_err(Problem::from).and_then(|page| print(&page)), options.json),
        Order::Act(act) => {
            let Act { action, words, given, options: later } = *act;
            options.add(later);
            let call = Call::new(action, &words, given, &options);
            (run(call, &options).await, options.json)
        }
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(problem) => {
            Complaint::of_problem(&problem).print(json);
            ExitCode::from(problem.code())
        }
    }
}

/// Prints the requested help or version, or the error in the command line.
fn refuse(error: &clap::Error) -> ExitCode {
    let is_json = std::env::args_os().take_while(|word| word != "--").any(|word| word == "--json");
    if is_json && error.use_stderr() {
        Complaint::of_command_line(error).print(true);
    } else {
        let _ = error.print();
    }
    if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS }
}

/// Runs the call. Returns the exit status.
async fn run(call: Result<Call, Problem>, options: &Options) -> Result<u8, Problem> {
    let call = call?;
    if call.object == "master" {
        return print_report(master::run(&call, options).await?, options);
    }
    if options.demo && !options.has_no_place() {
        return Err(Problem::Usage("--demo takes no -D, -F or -M".into()));
    }
    let (expect, timeout) = (options.expect()?, options.timeout()?);
    // The embedded processes answer for as long as they are held.
    let demo = if options.demo { Some(Demo::start().await?) } else { None };
    let mut builder = with_sockets(options, demo.as_ref())?.expect_at_least(expect);
    if let Some(timeout) = timeout {
        builder = builder.limits(Limits::new().with_command_timeout(timeout).with_idle_timeout(timeout));
    }
    let cluster = builder.build().await?;
    let cluster = if options.only.is_empty() { cluster } else { cluster.only(&options.only) };
    let (write, partial) = (cluster.allow_partial(), options.allow_partial);
    let read = if partial { write.clone() } else { cluster };
    print_report(act(&call, &Views { read, write, partial }).await?, options)
}

/// Prints a report. Returns the exit status.
fn print_report(report: Report, options: &Options) -> Result<u8, Problem> {
    let code = report.code();
    print(if options.json { report.json()? } else { report.text.clone() }.as_bytes())?;
    if let Some(complaint) = Complaint::of_report(report) {
        complaint.print(options.json);
    }
    Ok(code)
}

fn with_sockets(options: &Options, demo: Option<&Demo>) -> Result<ClusterBuilder, Problem> {
    let mut builder = Cluster::builder();
    for dir in &options.dirs {
        builder = builder.dir(dir);
    }
    for socket in &options.sockets {
        builder = builder.address(address(socket)?);
    }
    for socket in &options.masters {
        builder = builder.master(address(socket)?);
    }
    Ok(match demo {
        Some(demo) => builder.dir(demo.dir()),
        None if options.has_no_place() => builder.dir(options::DIR),
        None => builder,
    })
}

/// Returns the address of a socket that is given by its path or in HAProxy's notation.
pub(crate) fn address(socket: &str) -> Result<Address, Problem> {
    let path = Path::new(socket);
    Ok(if path.exists() { path.into() } else { socket.parse().map_err(haproxyadmin::Error::from)? })
}

async fn act(call: &Call, views: &Views) -> Result<Report, Problem> {
    match call.object {
        "process" => process::run(call, views).await,
        "command" => process::command(call, views).await,
        "frontend" => frontend::run(call, views).await,
        "backend" => backend::run(call, views).await,
        "server" => server::run(call, views).await,
        "settings" => settings::run(call, views).await,
        "plan" => reconcile::plan(call, views).await,
        "apply" => reconcile::apply(call, views).await,
        "drift" => reconcile::drift(call, views).await,
        "session" => session::run(call, views).await,
        "rates" => rates::run(call, views).await,
        "cert" => cert::run(call, views).await,
        "ca" => ca::run(call, views).await,
        "crl" => crl::run(call, views).await,
        "crtlist" => crtlist::run(call, views).await,
        "ocsp" => ocsp::run(call, views).await,
        "events" => event::run(call, views).await,
        "watch" => watch::run(call, views).await,
        "table" => table::run(call, views).await,
        "map" => map::run(call, views).await,
        "acl" => acl::run(call, views).await,
        _ => dump::run(call, views).await,
    }
}

fn print(text: &[u8]) -> Result<u8, Problem> {
    // Writing nothing would still write what a closed output has not taken before.
    if !text.is_empty() {
        io::stdout().write_all(text)?;
    }
    Ok(0)
}
