use haproxyadmin::session::{Session, SessionId};
use serde_json::{Map, Value};

use crate::Views;
use crate::call::Call;
use crate::problem::Problem;
use crate::report::{Cell, Report};

pub(crate) async fn run(call: &Call, views: &Views) -> Result<Report, Problem> {
    match call.action {
        "list" => list(views).await,
        "count" => {
            let counts = views.read.session_count().await?;
            let figures = counts.values().map(|(label, count)| (label.to_string(), Cell::new(count)));
            Ok(Report::figures(figures).asked(&counts))
        }
        _ => shut_down(call, views).await,
    }
}

async fn list(views: &Views) -> Result<Report, Problem> {
    let lists = views.read.sessions().await?;
    let head = ["PROCESS", "ID", "AGE", "SOURCE", "FRONTEND", "BACKEND", "SERVER"];
    let mut rows = vec![head.map(String::from).to_vec()];
    let mut json = Map::new();
    for (label, sessions) in lists.values() {
        for session in sessions {
            let Session { id, frontend, backend, server, .. } = session;
            let words = ["age", "src"].map(|name| session.get(name));
            let names = [frontend, backend, server].map(Option::as_deref);
            let rest = words.into_iter().chain(names).map(|word| word.unwrap_or("-").to_owned());
            rows.push([label.to_string(), id.to_string()].into_iter().chain(rest).collect());
        }
        json.insert(label.to_string(), serde_json::to_value(sessions).unwrap_or_default());
    }
    Ok(Report::rows(&rows, Value::Object(json)).asked(&lists))
}

/// Ends the session with an id, in the process that lists it.
async fn shut_down(call: &Call, views: &Views) -> Result<Report, Problem> {
    let [id] = call.arguments()?;
    let id: SessionId = id.parse()?;
    let lists = views.read.sessions().await?;
    let listed = lists.iter().filter_map(|outcome| {
        let session = outcome.value()?.iter().find(|session| session.id == id)?;
        Some((outcome, session))
    });
    match listed.collect::<Vec<_>>().as_slice() {
        [(outcome, session)] => {
            let process = views.write.only([*outcome]);
            Ok(Report::changes(vec![process.shutdown_session(session).await?]))
        }
        [] => Err(Problem::NotFound(format!("session {id}"))),
        _ => Err(Problem::Usage(format!("session {id}: several processes have one; choose with --only"))),
    }
}
