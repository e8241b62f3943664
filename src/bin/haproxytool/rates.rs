use std::fmt::Write as _;
use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use haproxyadmin::Snapshot;
use haproxyadmin::snapshot::{BackendDelta, Delta, FrontendDelta, Increase, RateRange};
use serde_json::{Map, Value, json};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::Views;
use crate::call::Call;
use crate::options::{parse, seconds};
use crate::printer::{Line, Printer};
use crate::problem::Problem;
use crate::report::Report;

/// Pause between two readings, unless another is given.
const EVERY: Duration = Duration::from_secs(2);

/// Prints the rates of each interval, until the output is closed or as many times as asked.
pub(crate) async fn run(call: &Call, views: &Views) -> Result<Report, Problem> {
    let every = call.given.value("every").map_or(Ok(EVERY), seconds)?;
    let count = call.given.value("count").map(|word| parse("a number of intervals", word)).transpose()?;
    let left = count.unwrap_or(u64::MAX);
    let mut beats = interval(every);
    // Beats that pass during a reading are left out.
    beats.set_missed_tick_behavior(MissedTickBehavior::Skip);
    // The first one is now.
    beats.tick().await;
    // A process that does not answer is listed and hides no other.
    let mut earlier = views.write.snapshot().await?;
    let printer = Printer::start();
    let mut failed = false;
    for _ in 0..left {
        let next = pin!(later(views, &mut beats));
        let Either::Left((later, _)) = select(next, pin!(printer.is_closed())).await else { break };
        let line = match later {
            Ok(later) => {
                let delta = later.since(&earlier);
                failed = delta.counted().next().is_none();
                earlier = later;
                Line::Out(if call.json { object(&delta).to_string() } else { text(&delta) })
            }
            Err(error) => {
                failed = true;
                Line::Error(error.to_string())
            }
        };
        if !printer.print(line).await {
            break;
        }
    }
    let mut report = printer.end().await?;
    report.failed = failed;
    Ok(report)
}

/// Reads the next snapshot at the next beat. Beats are as far apart as asked, whatever time a reading takes.
async fn later(views: &Views, beats: &mut Interval) -> haproxyadmin::Result<Snapshot> {
    beats.tick().await;
    views.write.snapshot().await
}

/// Rates of one frontend or backend.
struct Rates {
    kind: &'static str,
    name: String,
    requests: Option<RateRange>,
    sessions: Option<RateRange>,
    bytes_in: Option<RateRange>,
    bytes_out: Option<RateRange>,
    errors: Option<RateRange>,
}

impl Rates {
    fn of_frontend(frontend: &FrontendDelta) -> Self {
        Self {
            kind: "frontend",
            name: frontend.name().to_owned(),
            requests: rate(frontend.requests()),
            sessions: rate(frontend.sessions()),
            bytes_in: rate(frontend.bin()),
            bytes_out: rate(frontend.bout()),
            errors: rate(frontend.ereq()),
        }
    }

    fn of_backend(backend: &BackendDelta) -> Self {
        Self {
            kind: "backend",
            name: backend.name().to_owned(),
            requests: rate(backend.requests()),
            sessions: rate(backend.stot()),
            bytes_in: rate(backend.bin()),
            bytes_out: rate(backend.bout()),
            errors: sum([rate(backend.econ()), rate(backend.eresp())]),
        }
    }

    fn all(delta: &Delta) -> impl Iterator<Item = Self> {
        let (frontends, backends) = (delta.frontends(), delta.backends());
        let frontends: Vec<_> = frontends.iter().map(Self::of_frontend).collect();
        let backends: Vec<_> = backends.iter().map(Self::of_backend).collect();
        frontends.into_iter().chain(backends)
    }

    fn row(&self) -> Vec<String> {
        let number = |rate: Option<RateRange>, digits: usize| {
            rate.map_or("-".to_owned(), |rate| format!("{rate:.digits$}"))
        };
        vec![
            self.kind.to_owned(),
            self.name.clone(),
            number(self.requests, 1),
            number(self.sessions, 1),
            number(self.bytes_in, 0),
            number(self.bytes_out, 0),
            number(self.errors, 1),
        ]
    }

    fn object(&self) -> Value {
        json!({
            "requests": self.requests,
            "sessions": self.sessions,
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "errors": self.errors,
        })
    }
}

fn rate(increase: Option<Increase>) -> Option<RateRange> {
    increase.map(|increase| increase.rate_range())
}

fn sum(rates: [Option<RateRange>; 2]) -> Option<RateRange> {
    rates.into_iter().flatten().reduce(|one, other| RateRange {
        at_least: one.at_least + other.at_least,
        at_most: one.at_most + other.at_most,
    })
}

const HEAD: [&str; 7] = ["KIND", "NAME", "REQUESTS/S", "SESSIONS/S", "BYTES IN/S", "BYTES OUT/S", "ERRORS/S"];

/// Returns the time that is covered, the processes that were not counted, and a table.
fn text(delta: &Delta) -> String {
    let mut text = match delta.covers() {
        None => "no process was counted".to_owned(),
        Some(covers) => {
            let [shortest, longest] =
                [covers.shortest, covers.longest].map(|time| format!("{:.1}", time.as_secs_f64()));
            let time = if shortest == longest { longest } else { format!("{shortest} to {longest}") };
            let processes = match delta.counted().count() {
                1 => "1 process".to_owned(),
                count => format!("{count} processes"),
            };
            format!("{time} s, {processes}")
        }
    };
    for process in delta.not_counted() {
        // Writing to a string cannot fail.
        let _ = write!(text, "; {}: {}", process.label(), process.standing());
    }
    text.push('\n');
    if delta.counted().next().is_some() {
        let head = [HEAD.map(String::from).to_vec()];
        let rows: Vec<_> = head.into_iter().chain(Rates::all(delta).map(|rates| rates.row())).collect();
        text.push_str(&Report::rows(&rows, Value::Null).text);
    }
    text
}

/// Returns the same for programs.
fn object(delta: &Delta) -> Value {
    let (mut frontends, mut backends) = (Map::new(), Map::new());
    for rates in Rates::all(delta) {
        let objects = if rates.kind == "frontend" { &mut frontends } else { &mut backends };
        objects.insert(rates.name.clone(), rates.object());
    }
    json!({
        "covers": delta.covers(),
        "processes": delta.processes(),
        "frontends": frontends,
        "backends": backends,
    })
}
