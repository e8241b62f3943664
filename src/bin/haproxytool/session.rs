use haproxyadmin::session::{Session, SessionId};

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
    Ok(Report::of_each(["ID", "AGE", "SOURCE", "FRONTEND", "BACKEND", "SERVER"], &lists, |sessions| {
        let row = |session: &Session| {
            let Session { id, frontend, backend, server, .. } = session;
            let [age, source] = ["age", "src"].map(|name| session.get(name));
            let [frontend, backend, server] = [frontend, backend, server].map(Option::as_deref);
            let id = id.to_string();
            [Some(&*id), age, source, frontend, backend, server].map(|word| word.unwrap_or("-").to_owned())
        };
        sessions.iter().map(row).collect()
    }))
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
