use haproxyadmin::Limits;
use haproxyadmin::master::{ListedProcess, Master, ProcessList, WorkerId};

use crate::call::Call;
use crate::options::{Options, parse};
use crate::problem::Problem;
use crate::process::is_unknown;
use crate::report::{Cell, Report};
use crate::{address, options};

/// Runs an action on the socket of a master, which belongs to no cluster.
pub(crate) async fn run(call: &Call, options: &Options) -> Result<Report, Problem> {
    if options.demo {
        return Err(Problem::Usage(format!("{} {}: takes no --demo", call.object, call.action)));
    }
    match call.action {
        "processes" => {
            let [socket] = call.arguments()?;
            Ok(table(&connect(socket, options)?.processes().await?))
        }
        "reload" => {
            let [socket] = call.arguments()?;
            let reload = connect(socket, options)?.reload().await?;
            let mut report = table(&reload.processes);
            report.notes.extend(reload.messages.iter().flat_map(|text| text.lines()).map(String::from));
            Ok(report)
        }
        _ => {
            let [socket, pid, line] = call.arguments()?;
            let reply = connect(socket, options)?
                .worker(WorkerId::Pid(parse("a process id", pid)?))
                .command(line)
                .await?;
            let text = reply.text();
            let mut report = Report::cell(Cell::new(text.trim_end_matches('\n')));
            if is_unknown(line, &text) {
                report.failed = true;
                report.notes.push(format!("worker {pid}: `{line}`: unknown command"));
            }
            Ok(report)
        }
    }
}

fn connect(socket: &str, options: &options::Options) -> Result<Master, Problem> {
    let limits = options.timeout()?.map_or_else(Limits::new, |timeout| {
        Limits::new().with_command_timeout(timeout).with_idle_timeout(timeout)
    });
    Ok(Master::with_limits(address(socket)?, limits))
}

fn table(list: &ProcessList) -> Report {
    let mut rows = vec![["PID", "TYPE", "STATE", "RELOADS", "UPTIME", "VERSION"].map(String::from).to_vec()];
    let current = [std::slice::from_ref(&list.master), &list.workers, &list.programs];
    let old = [&list.old_workers, &list.old_programs];
    rows.extend(current.into_iter().flatten().map(|process| row(process, "current")));
    rows.extend(
        old.into_iter().flatten().map(|process| {
            row(process, if list.serving().contains(process) { "serving" } else { "leaving" })
        }),
    );
    let mut report = Report::rows(&rows, serde_json::to_value(list).unwrap_or_default());
    if list.has_failed_reload() {
        report.notes.push("the last reload failed: the former configuration goes on".to_owned());
    }
    report
}

fn row(process: &ListedProcess, state: &str) -> Vec<String> {
    let ListedProcess { pid, kind, reloads, uptime, version, .. } = process;
    let version = version.as_deref().unwrap_or("-").to_owned();
    vec![
        pid.to_string(),
        kind.to_string(),
        state.to_owned(),
        reloads.to_string(),
        format!("{}s", uptime.as_secs()),
        version,
    ]
}
