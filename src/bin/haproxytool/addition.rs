use std::net::SocketAddr;

use haproxyadmin::server::{HealthCheck, NewServer, ServerState};
use haproxyadmin::{Change, Outcome, Outcomes};

use crate::Views;
use crate::call::Call;
use crate::failure::Failures;
use crate::options::parse;
use crate::problem::Problem;
use crate::report::Report;

/// Adds a server, and enables it.
pub(crate) async fn run(call: &Call, views: &Views) -> Result<Report, Problem> {
    let [path, address, words @ ..] = call.words() else {
        return Err(Problem::Usage("expected BACKEND/SERVER ADDRESS:PORT".into()));
    };
    let Some((backend, name)) = path.split_once('/') else {
        return Err(Problem::Usage(format!("expected BACKEND/SERVER, found {path:?}")));
    };
    let address: SocketAddr = parse("ADDRESS:PORT", address)?;
    let mut server = NewServer::new(address);
    if let Some(weight) = call.given.value("weight") {
        server = server.weight(parse("a weight from 0 to 256", weight)?);
    }
    if call.given.has("check") {
        server = server.check(HealthCheck::new());
    }
    for word in words {
        server = server.word(word.as_str());
    }
    Ok(report(&views.write.backend_ref(backend)?.add_server(name, &server).await?))
}

/// Returns the report of a server that was added, or of a slot that was taken.
pub(crate) fn report(added: &Outcomes<ServerState>) -> Report {
    let missing = added.missing().map(ToString::to_string).collect();
    let mut report = Report::changes(vec![changes(added)]);
    report.failed |= !added.is_complete();
    report.failures.add(Failures { missing, ..Failures::default() });
    report
}

/// Says the state of the added server, in place of the message.
fn changes(added: &Outcomes<ServerState>) -> Outcomes<Change> {
    let change = |outcome: &Outcome<ServerState>| {
        let (label, address) = (outcome.label().clone(), outcome.address().clone());
        let changed = match (outcome.value(), outcome.error()) {
            (Some(state), _) => {
                let state = format!("{} {}", state.administrative, state.operational);
                Outcome::from_value(label, address, Change::Changed(Some(state.into())))
            }
            (None, Some(error)) => Outcome::from_error(label, address, error.clone()),
            (None, None) => Outcome::from_absence(label, address, outcome.absent().unwrap_or_default()),
        };
        changed.with_host(outcome.host())
    };
    added.iter().map(change).collect::<Outcomes<Change>>().with_command(added.command())
}
