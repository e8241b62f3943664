//! Actions that wait: `server wait`, `server drain --within` and `backend wait`.

use std::time::Duration;

use futures::StreamExt as _;
use futures::future::{BoxFuture, FutureExt as _, join_all};
use haproxyadmin::drain::{Drain, DrainEnd, Drained};
use haproxyadmin::wait::{self, Waited};
use haproxyadmin::{BackendRef, Outcome, Outcomes, ServerRef};
use serde_json::json;

use crate::call::Call;
use crate::failure::{Failures, reason};
use crate::interrupt::interrupted;
use crate::options::{one_of, parse, seconds_or_zero};
use crate::problem::Problem;
use crate::progress::Progress;
use crate::report::{Report, table};

/// Time of a wait, unless it is given.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until each server meets the condition on every process.
pub(crate) async fn servers(call: &Call, servers: &[ServerRef]) -> Result<Report, Problem> {
    let ([word], within) = (call.arguments()?, within(call)?);
    let condition = ServerCondition::parse(word)?;
    let waits = servers.iter().map(|server| async move {
        let waited = condition.wait(server, within).await;
        (format!("{}/{}", server.backend(), server.name()), waited)
    });
    Ok(report(&join_all(waits).await, |waited| Row::new(word, "", waited.time, waited.restarts)))
}

/// Waits until each backend meets the condition on every process.
pub(crate) async fn backends(call: &Call, backends: &[BackendRef]) -> Result<Report, Problem> {
    let ([word], within) = (call.arguments()?, within(call)?);
    let servers =
        word.strip_prefix("servers=").map(|count| parse("a number of servers", count)).transpose()?;
    if servers.is_none() {
        one_of(word, &["up", "down"])?;
    }
    let waits = backends.iter().map(|backend| async move {
        let waited: BoxFuture<'_, _> = match (servers, word) {
            (Some(count), _) => backend.wait_until(wait::servers_up(count), within).boxed(),
            (None, "up") => backend.wait_until(wait::is_up(), within).boxed(),
            _ => backend.wait_until(wait::is_down(), within).boxed(),
        };
        (backend.name().to_owned(), waited.await)
    });
    Ok(report(&join_all(waits).await, |waited| Row::new(word, "", waited.time, waited.restarts)))
}

/// Drains each server, and prints its sessions meanwhile. If the user ends the tool, the drain stops as at the
/// end of its time, so that it can be undone.
pub(crate) async fn drain(call: &Call, servers: &[ServerRef]) -> Result<Report, Problem> {
    let mut terms = Drain::within(within(call)?);
    if let Some(then) = call.given.value("then") {
        one_of(then, &["maint"])?;
        terms = terms.then_maint();
    }
    terms = match (call.given.has("force"), call.given.has("undo")) {
        (true, true) => return Err(Problem::Usage("takes --force or --undo, not both".into())),
        (true, false) => terms.or_force(),
        (false, true) => terms.or_undo(),
        (false, false) => terms,
    };
    let progress = &Progress::new(!call.json);
    let mut drains = Vec::new();
    for server in servers {
        let name = format!("{}/{}", server.backend(), server.name());
        let mut draining = server.drain(terms.clone()).until(interrupted()?);
        drains.push(async move {
            while let Some(look) = draining.next().await {
                let queued =
                    if look.queued > 0 { format!(", {} queued", look.queued) } else { String::new() };
                progress
                    .show(&format!("{name} {}", look.label), &format!("{}{queued}", sessions(look.sessions)));
            }
            (name, draining.await)
        });
    }
    Ok(report(&join_all(drains).await, |drained: &Drained| {
        let (result, message) = match drained.end {
            DrainEnd::Forced { sessions } => {
                ("forced", format!("{} ended by force", self::sessions(sessions)))
            }
            DrainEnd::WasDown => ("down", String::new()),
            _ => ("idle", String::new()),
        };
        Row::new(result, &message, drained.time, drained.restarts)
    }))
}

fn sessions(number: u64) -> String {
    if number == 1 { "1 session".into() } else { format!("{number} sessions") }
}

/// Condition on a server, as it is typed.
#[derive(Clone, Copy)]
enum ServerCondition {
    Up,
    Down,
    Idle,
    Drained,
    Weight(u64),
}

impl ServerCondition {
    fn parse(word: &str) -> Result<Self, Problem> {
        if let Some(weight) = word.strip_prefix("weight=") {
            return Ok(Self::Weight(parse("a weight", weight)?));
        }
        Ok(match one_of(word, &["up", "down", "idle", "drained"])? {
            "up" => Self::Up,
            "down" => Self::Down,
            "idle" => Self::Idle,
            _ => Self::Drained,
        })
    }

    fn wait(
        self,
        server: &ServerRef,
        within: Duration,
    ) -> BoxFuture<'_, haproxyadmin::Result<Outcomes<Waited>>> {
        match self {
            Self::Up => server.wait_until(wait::is_up(), within).boxed(),
            Self::Down => server.wait_until(wait::is_down(), within).boxed(),
            Self::Idle => server.wait_until(wait::is_idle(), within).boxed(),
            Self::Drained => server.wait_until(wait::is_drained(), within).boxed(),
            Self::Weight(weight) => server.wait_until(wait::has_weight(weight), within).boxed(),
        }
    }
}

fn within(call: &Call) -> Result<Duration, Problem> {
    call.given.value("within").map_or(Ok(PATIENCE), seconds_or_zero)
}

/// The outcome of one process.
struct Row {
    result: String,
    message: String,
    /// Seconds of the wait, and number of restarts.
    waited: Option<(f64, u32)>,
}

impl Row {
    fn new(result: &str, message: &str, time: Duration, restarts: u32) -> Self {
        let mut parts = vec![format!("after {:.1}s", time.as_secs_f64())];
        parts.extend(Some(message.to_owned()).filter(|message| !message.is_empty()));
        parts.extend(match restarts {
            0 => None,
            1 => Some("1 restart meanwhile".to_owned()),
            _ => Some(format!("{restarts} restarts meanwhile")),
        });
        let message = parts.join(", ");
        Self { result: result.into(), message, waited: Some((time.as_secs_f64(), restarts)) }
    }

    fn of<T>(outcome: &Outcome<T>, say: impl Fn(&T) -> Self) -> Self {
        match outcome.result() {
            Ok(Some(value)) => say(value),
            Ok(None) => Self {
                result: "absent".into(),
                message: outcome.absent().unwrap_or_default().into(),
                waited: None,
            },
            Err(error) => Self { result: "failed".into(), message: reason(error), waited: None },
        }
    }
}

/// Makes a report of the outcomes of each object.
fn report<T: 'static>(
    results: &[(String, haproxyadmin::Result<Outcomes<T>>)],
    say: impl Fn(&T) -> Row,
) -> Report {
    let mut rows = vec![["NAME", "PROCESS", "RESULT", "MESSAGE"].map(String::from).to_vec()];
    let (mut all, mut failures, mut notes) = (Vec::new(), Failures::default(), Vec::new());
    for (name, result) in results {
        let outcomes = result.as_ref().ok().or_else(|| result.as_ref().err()?.outcomes::<T>());
        match (result, outcomes) {
            (Ok(outcomes), _) => failures.add(Failures::of_outcomes(outcomes)),
            (Err(error), None) => notes.push(error.to_string()),
            (Err(_), Some(_)) => {}
        }
        let mut each = Vec::new();
        for outcome in outcomes.into_iter().flatten() {
            let Row { result, message, waited } = Row::of(outcome, &say);
            let (label, seconds, restarts) = (
                outcome.label().to_string(),
                waited.map(|(seconds, _)| seconds),
                waited.map(|(_, count)| count),
            );
            each.push(json!({
                "label": label, "result": result, "message": message, "seconds": seconds, "restarts": restarts,
            }));
            rows.push(vec![name.clone(), label, result, message]);
        }
        all.push(json!({ "name": name, "outcomes": each }));
    }
    let mut report = Report::value(table(&rows), all.into());
    report.failed = results.iter().any(|(_, result)| !result.as_ref().is_ok_and(Outcomes::is_complete));
    (report.failures, report.notes) = (failures, notes);
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_is_told() {
        let message =
            |message, restarts| Row::new("idle", message, Duration::from_millis(1500), restarts).message;
        assert_eq!(message("", 0), "after 1.5s");
        assert_eq!(message("", 1), "after 1.5s, 1 restart meanwhile");
        assert_eq!(
            message("2 sessions ended by force", 2),
            "after 1.5s, 2 sessions ended by force, 2 restarts meanwhile"
        );
    }
}
