use std::io::{self, Write};

use serde::Serialize;

use crate::failure::{Failure, Failures};
use crate::problem::Problem;
use crate::report::Report;

/// Everything that one call prints on stderr.
#[derive(Serialize)]
pub(crate) struct Complaint {
    kind: String,
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failures: Vec<Failure>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
    #[serde(skip)]
    lines: Vec<String>,
}

impl Complaint {
    /// Makes a complaint of the failures and remarks in a report, if it has any.
    pub(crate) fn of_report(report: Report) -> Option<Self> {
        let kind = match (&report.failures, report.failed) {
            (failures, _) if !failures.is_empty() => "incomplete",
            (_, true) => "failed",
            (_, false) => "note",
        };
        let lines = report.failures.lines().into_iter().chain(report.notes).collect::<Vec<_>>();
        (!lines.is_empty()).then(|| Self::new(kind, lines, report.failures))
    }

    pub(crate) fn of_problem(problem: &Problem) -> Self {
        let failures = problem.failures();
        let lines = problem.headline(&failures).into_iter().chain(failures.lines()).collect();
        Self::new(problem.kind(), lines, failures)
    }

    /// Makes a complaint of an error in the command line, in the words of clap.
    pub(crate) fn of_command_line(error: &clap::Error) -> Self {
        let text = error.render().to_string();
        let text = text.split("\n\nUsage:").next().unwrap_or_default();
        let text = text.strip_prefix("error: ").unwrap_or(text);
        let words = text.split("\n\n").map(str::trim).collect::<Vec<_>>().join("; ");
        Self::new("usage", vec![words], Failures::default())
    }

    fn new(kind: &str, lines: Vec<String>, failures: Failures) -> Self {
        let Failures { processes: failures, missing } = failures;
        Self { kind: kind.to_owned(), message: lines.join("; "), failures, missing, lines }
    }

    /// Prints the complaint as one JSON object, or as a line for each reason.
    pub(crate) fn print(&self, json: bool) {
        let text = match serde_json::to_string_pretty(self) {
            Ok(text) if json => text + "\n",
            _ => {
                let line = |line: &String| format!("haproxytool: {}\n", line.replace('\n', " "));
                self.lines.iter().map(line).collect()
            }
        };
        let _ = io::stderr().write_all(text.as_bytes());
    }
}
