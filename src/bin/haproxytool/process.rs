use haproxyadmin::global::{Counters, RateLimit};
use haproxyadmin::info::{Info, TextReport};
use haproxyadmin::snapshot::ClusterInfo;
use haproxyadmin::{ErrorKind, Outcomes, Snapshot};
use serde_json::json;

use crate::Views;
use crate::call::Call;
use crate::failure::{Failure, Failures};
use crate::options::{one_of, parse};
use crate::problem::Problem;
use crate::report::{Cell, Report};

/// Limits on rates, each with the key of `show info` that has its value.
const RATES: [(RateLimit, &str); 4] = [
    (RateLimit::Connections, "ConnRateLimit"),
    (RateLimit::Sessions, "SessRateLimit"),
    (RateLimit::SslSessions, "SslRateLimit"),
    (RateLimit::HttpCompression, "CompressBpsRateLim"),
];

pub(crate) async fn run(call: &Call, views: &Views) -> Result<Report, Problem> {
    let one = async |key: &str| metric(&views.read.snapshot().await?, key);
    match call.action {
        "metric" => one(call.arguments::<1>()?[0]).await,
        "requests" => one("CumReq").await,
        "pids" => each(views, |info| Cell::of(info.pid())).await,
        "uptime" => each(views, |info| Cell::of(info.uptime())).await,
        "uptime-seconds" => each(views, |info| Cell::of(info.uptime_sec())).await,
        "version" => one("Version").await,
        "released" => one("Release_date").await,
        "node" => one("node").await,
        "description" => one("description").await,
        "maxconn" => match call.argument() {
            None => one("Maxconn").await,
            Some(limit) => {
                Ok(Report::changes(vec![views.write.set_maxconn(parse("a number", limit)?).await?]))
            }
        },
        "ratelimit" => ratelimit(call, views).await,
        "clear" => {
            let [what] = call.arguments()?;
            let counters =
                if one_of(what, &["all", "max"])? == "all" { Counters::All } else { Counters::Max };
            Ok(Report::changes(vec![views.write.clear_counters(counters).await?]))
        }
        "errors" => {
            let errors = match call.argument() {
                None => views.read.show_errors().await?,
                Some(proxy) => views.read.show_errors_of(proxy).await?,
            };
            Ok(texts(&errors, Clone::clone))
        }
        "show" => {
            let [word] = call.arguments()?;
            let words: Vec<_> = TextReport::ALL.iter().map(|report| word_of(*report)).collect();
            let words: Vec<_> = words.iter().map(String::as_str).collect();
            let word = one_of(word, &words)?;
            let report = TextReport::ALL.iter().find(|report| word_of(**report) == word);
            let report = report.ok_or_else(|| Problem::Usage(format!("no report {word:?}")))?;
            Ok(texts(&views.read.show(*report).await?, Clone::clone))
        }
        "list" => list(views).await,
        action => {
            let snapshot = views.read.snapshot().await?;
            let info = snapshot.info();
            let metrics = info.metrics().into_iter();
            let report = match action {
                "metrics" => Report::names(metrics.map(|(name, _)| name)),
                _ => Report::figures(metrics.map(|(name, figure)| (name.into(), Cell::new(figure)))),
            };
            Ok(report.read_from(&snapshot))
        }
    }
}

/// Returns the word for a report, such as `sess-all` for `show sess all`.
fn word_of(report: TextReport) -> String {
    report.to_string().trim_start_matches("show ").replace(' ', "-")
}

/// Sends any line, which may change something, so every failure makes the call fail.
pub(crate) async fn command(call: &Call, views: &Views) -> Result<Report, Problem> {
    let [line] = call.arguments()?;
    let replies = views.write.command(line).await?;
    let mut report = texts(&replies, |reply| reply.text().into_owned());
    for outcome in &replies {
        if outcome.value().is_some_and(|reply| is_unknown(line, &reply.text())) {
            let kind = ErrorKind::Unsupported;
            let processes = vec![Failure::new(outcome, line, kind, "unknown command")];
            report.failures.add(Failures { processes, ..Failures::default() });
        }
    }
    report.failed |= !report.failures.is_empty();
    Ok(report)
}

/// Returns `true` if HAProxy does not know the command, or does not know one of several commands.
pub(crate) fn is_unknown(line: &str, reply: &str) -> bool {
    let replies = if line.contains(';') { usize::MAX } else { 1 };
    reply.trim_start().lines().take(replies).any(|line| line.starts_with("Unknown command"))
}

async fn ratelimit(call: &Call, views: &Views) -> Result<Report, Problem> {
    let wanted = match call.argument() {
        Some(word) => Some(one_of(word, &RATES.map(|(rate, _)| rate))?),
        None => None,
    };
    if let (Some(rate), Ok([_, limit])) = (wanted, call.arguments()) {
        let limit = parse("a number", limit)?;
        return Ok(Report::changes(vec![views.write.set_rate_limit(rate, limit).await?]));
    }
    let snapshot = views.read.snapshot().await?;
    let info = snapshot.info();
    let rates = RATES.iter().filter(|(rate, _)| wanted.is_none_or(|wanted| wanted == *rate));
    let figures = rates.map(|(rate, key)| Ok((rate.to_string(), figure(&info, key)?)));
    Ok(Report::figures(figures.collect::<Result<Vec<_>, Problem>>()?).read_from(&snapshot))
}

/// Shows a figure of each process.
async fn each(views: &Views, figure: fn(&Info) -> Cell) -> Result<Report, Problem> {
    let snapshot = views.read.snapshot().await?;
    let info = snapshot.info();
    let figures = info.per_process().map(|(process, info)| (process.label().to_string(), figure(info)));
    Ok(Report::figures(figures).read_from(&snapshot))
}

fn metric(snapshot: &Snapshot, key: &str) -> Result<Report, Problem> {
    Ok(Report::cell(figure(&snapshot.info(), key)?).read_from(snapshot))
}

fn figure(info: &ClusterInfo, key: &str) -> Result<Cell, Problem> {
    Ok(Cell::of(info.metric(key)?))
}

/// Lists every process; a process that failed has the reason.
async fn list(views: &Views) -> Result<Report, Problem> {
    let snapshot = views.write.snapshot().await?;
    let any_dead = snapshot.failed().next().is_some();
    let mut rows = vec![["PROCESS", "VERSION", "PID", "LEVEL", "ADDRESS"].map(String::from).to_vec()];
    if let Some(head) = rows.first_mut().filter(|_| any_dead) {
        head.push("FAILURE".into());
    }
    let mut json = Vec::new();
    for process in snapshot.processes() {
        let version = process.version().map(|version| version.to_string());
        let (label, address) = (&**process.label(), process.address().to_string());
        let mut one = json!({
            "label": label, "address": address, "version": version, "pid": process.pid(),
            "level": process.level(),
        });
        if let (Some(one), Some(failure)) = (one.as_object_mut(), process.failure()) {
            one.insert("failure".into(), json!({ "kind": failure.kind, "message": failure.message }));
        }
        json.push(one);
        let pid = process.pid().map(|pid| pid.to_string());
        let level = process.level().map(|level| level.to_string());
        let unknown = if process.failure().is_some() { "-" } else { "" };
        let known = [version, pid, level].map(|known| known.unwrap_or_else(|| unknown.into()));
        let failure = process.failure().map(ToString::to_string);
        rows.push([label.to_owned()].into_iter().chain(known).chain([address]).chain(failure).collect());
    }
    let mut report = Report::rows(&rows, json.into()).read_from(&snapshot);
    // The table shows the failures.
    report.failures.processes.clear();
    report.failed |= !(views.partial || snapshot.is_complete());
    Ok(report)
}

/// Prints the reply of each process, under its label if there are several.
fn texts<T>(outcomes: &Outcomes<T>, text: impl Fn(&T) -> String) -> Report {
    let printed: Vec<_> = outcomes.values().map(|(label, value)| (label.to_string(), text(value))).collect();
    let several = outcomes.iter().count() > 1;
    let head = |label: &str| if several { format!("==> {label} <==\n") } else { String::new() };
    let blocks = printed.iter().map(|(label, text)| format!("{}{}\n", head(label), text.trim_end()));
    let blocks: Vec<_> = blocks.collect();
    let figures = printed.iter().map(|(label, text)| (label.clone(), Cell::new(text)));
    let mut report = Report::figures(figures);
    report.text = blocks.join("\n");
    report.asked(outcomes)
}
