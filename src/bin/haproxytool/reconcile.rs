//! The desired state of a file: `plan`, `apply` and `drift`.

use std::io::{self, Read as _};
use std::time::Duration;

use futures::StreamExt as _;
use haproxyadmin::Outcomes;
use haproxyadmin::reconcile::{Applied, Apply, Desired, Plan, Reference, Step};

use crate::Views;
use crate::call::Call;
use crate::options::{parse, seconds};
use crate::problem::Problem;
use crate::progress::Progress;
use crate::report::Report;

pub(crate) async fn plan(call: &Call, views: &Views) -> Result<Report, Problem> {
    let [path] = call.arguments()?;
    Ok(planned(&views.read.plan(&read(path)?).await?))
}

pub(crate) async fn drift(call: &Call, views: &Views) -> Result<Report, Problem> {
    let reference = call.given.value("like").map_or(Reference::Majority, Reference::process);
    Ok(planned(&views.read.drift(reference).await?))
}

/// Takes the steps, and prints each one meanwhile.
pub(crate) async fn apply(call: &Call, views: &Views) -> Result<Report, Problem> {
    let [path] = call.arguments()?;
    let (desired, terms) = (read(path)?, terms(call)?);
    let mut applying = views.write.apply(&desired, terms);
    let progress = Progress::new(!call.json);
    while let Some(one) = applying.next().await {
        let waits = if one.is_done { "" } else { " ..." };
        progress.show(&one.label, &format!("{}{waits}", one.step));
    }
    let outcomes = applying.await?;
    let rows = |applied: &Applied| applied.steps.iter().map(|step| row("done", step)).collect();
    let mut report = Report::of_each(["RESULT", "STEP"], &outcomes, rows);
    report.failed |= !outcomes.is_complete();
    report
        .notes
        .extend(outcomes.iter().filter_map(|one| Some(format!("{}: {}", one.label(), one.absent()?))));
    Ok(report)
}

fn planned(outcomes: &Outcomes<Plan>) -> Report {
    let rows = |plan: &Plan| {
        let steps = plan.steps.iter().map(|step| row("needed", step));
        let blocked = plan.blocked.iter().map(|blocked| ["blocked".to_owned(), blocked.to_string()]);
        let absent = plan.absent.iter().map(|name| ["absent".to_owned(), name.to_string()]);
        steps.chain(blocked).chain(absent).collect()
    };
    let mut report = Report::of_each(["RESULT", "STEP"], outcomes, rows);
    report.has_plan = outcomes.values().any(|(_, plan)| !plan.is_empty());
    report
        .notes
        .extend(outcomes.iter().filter_map(|one| Some(format!("{}: {}", one.label(), one.absent()?))));
    report
}

fn row(word: &str, step: &Step) -> [String; 2] {
    [word.to_owned(), step.to_string()]
}

fn terms(call: &Call) -> Result<Apply, Problem> {
    let given = &call.given;
    let time = |name| match given.value(name) {
        Some("0") => Ok(Some(Duration::ZERO)),
        word => word.map(|word| seconds(word.strip_suffix('s').unwrap_or(word))).transpose(),
    };
    let mut terms = Apply::new();
    if let Some(word) = given.value("max-unavailable") {
        terms = terms.max_unavailable(parse("a number of servers", word)?);
    }
    if let Some(word) = given.value("min-healthy") {
        terms = terms.min_healthy(parse("a number of servers", word)?);
    }
    if let Some(time) = time("drain")? {
        terms = terms.drain_within(time);
    }
    if let Some(time) = time("up-within")? {
        terms = terms.up_within(time);
    }
    Ok(if given.has("force") { terms.or_force() } else { terms })
}

/// Reads the desired state from a file, or from stdin.
fn read(path: &str) -> Result<Desired, Problem> {
    let failed = |error| Problem::File(path.to_owned(), error);
    let mut text = String::new();
    if path == "-" {
        io::stdin().read_to_string(&mut text).map_err(failed)?;
    } else {
        text = std::fs::read_to_string(path).map_err(failed)?;
    }
    serde_json::from_str(&text).map_err(|error| {
        let said = error.to_string();
        // Other messages quote the text, which may be a private key.
        let is_safe = !error.is_data()
            || ["unknown field", "missing field"].iter().any(|start| said.starts_with(start));
        let place =
            format!("a value of another kind is expected at line {} column {}", error.line(), error.column());
        failed(io::Error::new(io::ErrorKind::InvalidData, if is_safe { said } else { place }))
    })
}
