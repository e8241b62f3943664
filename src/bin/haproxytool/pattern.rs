//! Actions that maps and ACLs have in common.

use std::fs;
use std::io::{self, Read};

use haproxyadmin::map::{Contents, Lookup, PatternInfo, Plan};
use haproxyadmin::snapshot::Label;
use haproxyadmin::{Change, Outcomes};
use serde_json::{Map, Value};

use crate::call::Call;
use crate::failure::Failures;
use crate::problem::Problem;
use crate::report::{Cell, Report, agreement};

pub(crate) fn list(outcomes: &Outcomes<Vec<PatternInfo>>) -> Report {
    let mut rows = vec![["PROCESS", "ID", "ENTRIES", "FILE"].map(String::from).to_vec()];
    let mut json = Map::new();
    for (label, sources) in outcomes.values() {
        for host in sources {
            let entries = host.entries.map_or("-".into(), |entries| entries.to_string());
            let file = host.file.as_deref().unwrap_or("-").to_owned();
            rows.push(vec![label.to_string(), format!("#{}", host.number), entries, file]);
        }
        json.insert(label.to_string(), serde_json::to_value(sources).unwrap_or_default());
    }
    Report::rows(&rows, json.into()).asked(outcomes)
}

/// Shows the entries once if all processes have the same, else the entries of each process.
pub(crate) fn show(contents: &Contents) -> Report {
    let lists: Vec<_> = contents.per_process().map(|(label, entries)| (label, texts(entries))).collect();
    let mut report = match lists.first() {
        Some((_, entries)) if contents.is_same() => Report::names(entries),
        _ => {
            let row = |label: &Label, entry: &String| vec![label.to_string(), entry.clone()];
            let rows: Vec<_> =
                lists.iter().flat_map(|(label, list)| list.iter().map(|entry| row(label, entry))).collect();
            let json: Map<_, _> =
                lists.iter().map(|(label, list)| (label.to_string(), Value::from(list.clone()))).collect();
            Report::rows(&rows, json.into())
        }
    };
    let differences = contents.differences();
    let note = |first| format!("processes differ in {} entries, first of all {first}", differences.len());
    report.notes.extend(differences.first().map(note));
    judged(report, contents)
}

pub(crate) fn count(contents: &Contents) -> Report {
    let counts = agreement(contents.per_process().map(|(label, entries)| (label, entries.len())));
    judged(Report::cell(Cell::of(counts)), contents)
}

pub(crate) fn found(outcomes: &Outcomes<Lookup>) -> Report {
    let said = |lookup: &Lookup| match (&lookup.value, &lookup.key) {
        _ if !lookup.found => "not found".to_owned(),
        (Some(found), _) | (None, Some(found)) => found.to_string(),
        (None, None) => lookup.text.to_string(),
    };
    let text = outcomes.agreement().map_or("-".into(), |all| all.map(said).to_string());
    Report::cell(Cell::said(text, outcomes.agreement())).asked(outcomes)
}

/// Shows the outcome of each process, also if the call failed because of some of them.
pub(crate) fn changed(result: haproxyadmin::Result<Outcomes<Change>>) -> Result<Report, Problem> {
    match result {
        Ok(outcomes) => Ok(Report::changes(vec![outcomes])),
        Err(error) => match error.outcomes::<Change>() {
            Some(outcomes) => Ok(Report::changes(vec![outcomes.clone()])),
            None => Err(error.into()),
        },
    }
}

/// Shows the changes that each process needs.
pub(crate) fn plan(outcomes: &Outcomes<Plan>) -> Report {
    let plans = outcomes.values();
    let text = plans.flat_map(|(label, plan)| [label.to_string(), format!(": {plan}\n")]).collect();
    let json = outcomes
        .values()
        .map(|(label, plan)| (label.to_string(), serde_json::to_value(plan).unwrap_or_default()));
    Report::value(text, json.collect::<Map<_, _>>().into()).asked(outcomes)
}

/// Returns the file that the entries are written to at the end.
pub(crate) fn mirror(call: &Call) -> Result<Option<&str>, Problem> {
    let path = call.given.value("mirror");
    if path.is_some() && call.given.has("plan") {
        return Err(Problem::Usage(format!("{} sync: takes --plan or --mirror, not both", call.object)));
    }
    Ok(path)
}

/// Does the same as [`changed`] for entries that are also written to a file, and notes if they were not.
pub(crate) fn mirrored(
    path: &str,
    result: haproxyadmin::Result<Outcomes<Change>>,
) -> Result<Report, Problem> {
    let mut report = changed(result)?;
    if report.failed {
        report.notes.push(format!("file {path} was not written, because not every process has the entries"));
    }
    Ok(report)
}

/// Reads the lines of a file, or of stdin, that hold an entry, without the blanks before it.
///
/// HAProxy reads its files in the same way: a comment begins at the start of its line, and CR ends
/// a line too.
pub(crate) fn lines(path: Option<&str>) -> Result<Vec<String>, Problem> {
    let mut text = String::new();
    match path {
        None | Some("-") => io::stdin().read_to_string(&mut text).map(drop)?,
        Some(path) => {
            text = fs::read_to_string(path).map_err(|error| Problem::File(path.to_owned(), error))?;
        }
    }
    let lines = text.split('\n').filter(|line| !line.starts_with('#'));
    let entries = lines.filter_map(|line| line.trim_start_matches([' ', '\t']).split('\r').next());
    Ok(entries.filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

fn texts<'a>(entries: impl Iterator<Item = haproxyadmin::map::Entry<'a>>) -> Vec<String> {
    entries.map(|entry| entry.text().into_owned()).collect()
}

fn judged(mut report: Report, contents: &Contents) -> Report {
    report.failures.add(Failures::of_contents(contents));
    report.failed |= contents.per_process().next().is_none();
    report
}
