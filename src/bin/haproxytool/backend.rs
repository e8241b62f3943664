use std::time::Duration;

use futures::future::join_all;
use haproxyadmin::backend::NewBackend;
use haproxyadmin::snapshot::{BackendStats, ServerStats};
use haproxyadmin::stat::{Mode, RowKind};
use haproxyadmin::{BackendRef, Snapshot};

use crate::Views;
use crate::call::Call;
use crate::dump::metric_names;
use crate::problem::Problem;
use crate::report::{Cell, Report};
use crate::server::{drain, states_report};
use crate::wait;

pub(crate) async fn run(call: &Call, views: &Views) -> Result<Report, Problem> {
    let show =
        async |figure: fn(&BackendStats) -> Cell| show(call, views, |backend| Ok(figure(backend))).await;
    match call.action {
        "list" => {
            let (snapshot, backends) = read(call, views).await?;
            Ok(Report::names(backends.iter().map(BackendStats::name)).read_from(&snapshot))
        }
        "servers" => show(|backend| Cell::list(&names(&backend.servers()))).await,
        "status" => show(|backend| Cell::new(backend.status())).await,
        "requests" => show(|backend| Cell::new(backend.requests())).await,
        "process" => show(|backend| Cell::list(&backend.processes())).await,
        "iid" => show(|backend| Cell::of(backend.id())).await,
        "metrics" => Ok(metric_names(RowKind::Backend)),
        "metric" => {
            let [metric] = call.arguments()?;
            self::show(call, views, |backend| Ok(Cell::of(backend.metric(metric)?))).await
        }
        "shutdown-sessions" => Report::each(&refs(call, views).await?, BackendRef::shutdown_sessions).await,
        "add" => {
            let [name] = call.arguments()?;
            Ok(Report::changes(vec![views.write.backend_ref(name)?.add(described(call)).await?]))
        }
        "publish" => Report::each(&refs(call, views).await?, BackendRef::publish).await,
        "wait" => wait::backends(call, &refs(call, views).await?).await,
        "unpublish" => Report::each(&refs(call, views).await?, BackendRef::unpublish).await,
        "delete" => {
            let within = drain(call)?.unwrap_or(PATIENCE);
            Report::each(&refs(call, views).await?, async |backend| backend.delete(within).await).await
        }
        _ => states(call, views).await,
    }
}

/// Returns the description of the backend to make.
fn described(call: &Call) -> NewBackend {
    let mut backend = NewBackend::from(call.given.value("from").unwrap_or_default());
    if let Some(mode) = call.given.value("mode") {
        backend = backend.mode(Mode::parse(mode));
    }
    match call.given.value("guid") {
        Some(guid) => backend.guid(guid),
        None => backend,
    }
}

/// Time in which the sessions of a backend may end, unless another is given.
const PATIENCE: Duration = Duration::from_secs(10);

/// Returns references to the named backends, or to all of them.
async fn refs(call: &Call, views: &Views) -> Result<Vec<BackendRef>, Problem> {
    let mut names = call.names.clone();
    if call.all {
        let snapshot = views.write.snapshot().await?;
        names.extend(snapshot.backends().iter().map(|backend| backend.name().to_owned()));
        if names.is_empty() {
            return Err(Problem::absent("backend", &snapshot));
        }
    }
    Ok(names.iter().map(|name| views.write.backend_ref(name)).collect::<Result<_, _>>()?)
}

fn names(servers: &[ServerStats]) -> Vec<&str> {
    servers.iter().map(ServerStats::name).collect()
}

async fn states(call: &Call, views: &Views) -> Result<Report, Problem> {
    let (snapshot, backends) = read(call, views).await?;
    let asked = backends
        .iter()
        .map(|backend| async { views.read.backend_ref(backend.name())?.fetch_server_states().await });
    let states = join_all(asked).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    let report = states_report(states.iter().flat_map(|outcomes| {
        outcomes.values().flat_map(|(label, states)| states.iter().map(move |state| (label, state)))
    }));
    Ok(report.asked_all(&states, &snapshot))
}

async fn show(
    call: &Call,
    views: &Views,
    figure: impl Fn(&BackendStats) -> Result<Cell, Problem>,
) -> Result<Report, Problem> {
    let (snapshot, backends) = read(call, views).await?;
    let figures = backends.iter().map(|backend| Ok((backend.name().to_owned(), figure(backend)?)));
    Ok(Report::figures(figures.collect::<Result<Vec<_>, Problem>>()?).read_from(&snapshot))
}

/// Reads the named backends, or all of them. For a single backend, requests only its own rows.
async fn read(call: &Call, views: &Views) -> Result<(Snapshot, Vec<BackendStats>), Problem> {
    let snapshot = match call.names.as_slice() {
        [name] => views.read.backend(name).await?.snapshot().clone(),
        _ => views.read.snapshot().await?,
    };
    let backends = match call.names.as_slice() {
        [] => snapshot.backends(),
        names => names.iter().map(|name| snapshot.backend(name)).collect::<Result<_, _>>()?,
    };
    Ok((snapshot, backends))
}
