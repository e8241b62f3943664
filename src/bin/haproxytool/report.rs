use std::fmt::Display;

use futures::future::join_all;
use haproxyadmin::snapshot::Label;
use haproxyadmin::{Agreement, Change, Error, Outcome, Outcomes, Snapshot};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::failure::Failures;
use crate::problem::Problem;

/// Result of an action.
#[derive(Default)]
pub(crate) struct Report {
    /// Output for people.
    pub(crate) text: String,
    /// Output for programs.
    json: Json,
    /// Failures of processes, for stderr.
    pub(crate) failures: Failures,
    /// Remarks for stderr, one on each line.
    pub(crate) notes: Vec<String>,
    pub(crate) failed: bool,
    /// Set if a plan has changes, which were not made.
    pub(crate) has_plan: bool,
}

enum Json {
    /// Nothing is printed.
    Nothing,
    Value(Value),
    Changes(Vec<Outcomes<Change>>),
}

/// A figure, for people and for programs.
pub(crate) struct Cell {
    text: String,
    json: Value,
}

/// Number of objects that are changed at the same time.
const TOGETHER: usize = 64;

impl Report {
    /// Makes a report of an action that has printed everything itself.
    pub(crate) fn nothing() -> Self {
        Self { json: Json::Nothing, ..Self::default() }
    }

    /// Makes a report of a single figure.
    pub(crate) fn cell(cell: Cell) -> Self {
        Self { text: cell.text + "\n", json: Json::Value(cell.json), ..Self::default() }
    }

    /// Makes a report with a figure for each name.
    pub(crate) fn figures(figures: impl IntoIterator<Item = (String, Cell)>) -> Self {
        let mut rows = Vec::new();
        let mut json = Map::new();
        for (name, cell) in figures {
            rows.push(vec![name.clone(), cell.text]);
            json.insert(name, cell.json);
        }
        Self { text: table(&rows), json: Json::Value(json.into()), ..Self::default() }
    }

    /// Makes a report of names alone.
    pub(crate) fn names<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> Self {
        let names: Vec<String> = names.into_iter().map(|name| name.as_ref().to_owned()).collect();
        let text = names.iter().flat_map(|name| [name, "\n"]).collect();
        Self { text, json: Json::Value(names.into()), ..Self::default() }
    }

    /// Makes a report of rows for people and of any JSON for programs.
    pub(crate) fn rows(rows: &[Vec<String>], json: Value) -> Self {
        Self::value(table(rows), json)
    }

    /// Makes a report of the answer of each process: rows for people, and the answer itself for programs.
    pub(crate) fn of_each<T: Serialize, const N: usize>(
        head: [&str; N],
        outcomes: &Outcomes<T>,
        rows: impl Fn(&T) -> Vec<[String; N]>,
    ) -> Self {
        let row = |label: &str, cells: [String; N]| [label.to_owned()].into_iter().chain(cells).collect();
        let mut table: Vec<Vec<String>> = vec![row("PROCESS", head.map(String::from))];
        let mut json = Map::new();
        for (label, answer) in outcomes.values() {
            table.extend(rows(answer).into_iter().map(|cells| row(label, cells)));
            json.insert(label.to_string(), serde_json::to_value(answer).unwrap_or_default());
        }
        Self::rows(&table, json.into()).asked(outcomes)
    }

    /// Makes a report of any text for people and of any JSON for programs.
    pub(crate) fn value(text: String, json: Value) -> Self {
        Self { text, json: Json::Value(json), ..Self::default() }
    }

    /// Makes a report of changes, with the outcome of each process for each object.
    pub(crate) fn changes(changes: Vec<Outcomes<Change>>) -> Self {
        let is_well = |outcomes: &Outcomes<Change>| outcomes.is_complete() && outcomes.values().count() > 0;
        // The requirements belong to the cluster and do not depend on the object.
        let mut failures = Failures::default();
        let missing = changes.iter().flat_map(Outcomes::missing).map(ToString::to_string).collect();
        failures.add(Failures { missing, ..Failures::default() });
        Self {
            text: changes.iter().map(table_of).collect::<Vec<_>>().join("\n"),
            failed: !changes.iter().all(is_well),
            json: Json::Changes(changes),
            failures,
            ..Self::default()
        }
    }

    /// Changes each of `objects` and makes a report of the changes.
    pub(crate) async fn each<T>(
        objects: &[T],
        change: impl AsyncFn(&T) -> haproxyadmin::Result<Outcomes<Change>>,
    ) -> Result<Self, Problem> {
        let (mut changes, mut errors) = (Vec::new(), Vec::new());
        for some in objects.chunks(TOGETHER) {
            for result in join_all(some.iter().map(|object| change(object))).await {
                match result {
                    Ok(outcomes) => changes.push(outcomes),
                    Err(error) => errors.push(error),
                }
            }
        }
        if changes.is_empty() && !errors.is_empty() {
            return Err(errors.swap_remove(0).into());
        }
        let mut report = Self::changes(changes);
        report.failed |= !errors.is_empty();
        report.notes.extend(errors.iter().map(Error::to_string));
        report.notes.dedup();
        Ok(report)
    }

    /// Adds the processes that did not answer a partial read, and notes those for which it is unknown
    /// which counters they share.
    pub(crate) fn read_from(mut self, snapshot: &Snapshot) -> Self {
        self.failures.add(Failures::of_snapshot(snapshot));
        for process in snapshot.processes() {
            if let Some(why) = process.shm_stats_file_problem() {
                let label = process.label();
                let file = process.shm_stats_file().map_or("a file".into(), ToString::to_string);
                self.notes.push(format!("counters of {label} that may be shared in {file}: {why}"));
            }
        }
        self.failed |= snapshot.failed().count() == snapshot.processes().len();
        self
    }

    /// Adds the processes that did not answer a command of their own.
    pub(crate) fn asked<T>(mut self, outcomes: &Outcomes<T>) -> Self {
        self.failures.add(Failures::of_outcomes(outcomes));
        self.failed |= outcomes.values().next().is_none();
        self
    }

    /// Adds the processes that did not answer for several objects that `snapshot` lists. If it
    /// lists none, the failures of the snapshot are the reason.
    pub(crate) fn asked_all<'a, T: 'a>(
        self,
        all: impl IntoIterator<Item = &'a Outcomes<T>>,
        snapshot: &Snapshot,
    ) -> Self {
        let mut all = all.into_iter().peekable();
        if all.peek().is_none() { self.read_from(snapshot) } else { all.fold(self, Self::asked) }
    }

    /// Returns the exit status.
    pub(crate) fn code(&self) -> u8 {
        match (self.failed, self.has_plan) {
            (true, _) => 1,
            (false, true) => 3,
            (false, false) => 0,
        }
    }

    /// Returns the output of `--json`.
    pub(crate) fn json(&self) -> Result<String, Problem> {
        let text = match &self.json {
            Json::Nothing => return Ok(String::new()),
            Json::Value(value) => serde_json::to_string_pretty(value),
            Json::Changes(changes) => match changes.as_slice() {
                [one] => serde_json::to_string_pretty(&value_of(one)),
                several => serde_json::to_string_pretty(&several.iter().map(value_of).collect::<Vec<_>>()),
            },
        };
        Ok(text.map_err(std::io::Error::from)? + "\n")
    }
}

impl Default for Json {
    fn default() -> Self {
        Self::Value(Value::Null)
    }
}

impl Cell {
    pub(crate) fn new(value: impl Display + Serialize) -> Self {
        Self::said(&value, &value)
    }

    /// Makes a cell of a figure that may be absent.
    pub(crate) fn of(value: Option<impl Display + Serialize>) -> Self {
        value.map_or(Self { text: "-".into(), json: Value::Null }, Self::new)
    }

    /// Makes a cell with a text for people and a value for programs.
    pub(crate) fn said(text: impl Display, value: impl Serialize) -> Self {
        Self { text: text.to_string(), json: serde_json::to_value(&value).unwrap_or_default() }
    }

    pub(crate) fn list<T: Display + Serialize>(values: &[T]) -> Self {
        let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
        Self { text: texts.join(" "), json: serde_json::to_value(values).unwrap_or_default() }
    }
}

/// Returns the common value, or the value of each process.
pub(crate) fn agreement<'a, T: PartialEq>(
    values: impl IntoIterator<Item = (&'a Label, T)>,
) -> Option<Agreement<T>> {
    let mut values: Vec<_> = values.into_iter().map(|(label, value)| (label.clone(), value)).collect();
    let first = values.first()?;
    if values.iter().all(|(_, value)| *value == first.1) {
        return Some(Agreement::Same(values.swap_remove(0).1));
    }
    Some(Agreement::Differs(values))
}

fn table_of(outcomes: &Outcomes<Change>) -> String {
    let mut rows = vec![["PROCESS", "RESULT", "MESSAGE"].map(String::from).to_vec()];
    for outcome in outcomes {
        let message = outcome.message().unwrap_or_default().replace('\n', " ");
        rows.push(vec![outcome.label().to_string(), outcome.word().into(), message]);
    }
    format!("{}\n{}", outcomes.command(), table(&rows))
}

/// Returns the same table for programs.
fn value_of(outcomes: &Outcomes<Change>) -> Value {
    let row = |outcome: &Outcome<Change>| json!({ "label": &**outcome.label(), "result": outcome.word(), "message": outcome.message() });
    json!({ "command": outcomes.command(), "outcomes": outcomes.iter().map(row).collect::<Vec<_>>() })
}

/// Formats rows as lines, with each column as wide as its widest cell.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let width = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max();
    let line = |row: &Vec<String>| {
        let cells = row.iter().enumerate().map(|(at, cell)| format!("{cell:0$}  ", width(at).unwrap_or(0)));
        cells.collect::<String>().trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}
