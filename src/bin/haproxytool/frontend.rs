use haproxyadmin::snapshot::FrontendStats;
use haproxyadmin::stat::RowKind;
use haproxyadmin::{FrontendRef, Snapshot};

use crate::Views;
use crate::call::Call;
use crate::dump::metric_names;
use crate::options::parse;
use crate::problem::Problem;
use crate::report::{Cell, Report};

pub(crate) async fn run(call: &Call, views: &Views) -> Result<Report, Problem> {
    let show =
        async |figure: fn(&FrontendStats) -> Cell| show(call, views, |frontend| Ok(figure(frontend))).await;
    match call.action {
        "list" => {
            let (snapshot, frontends) = read(call, views).await?;
            Ok(Report::names(frontends.iter().map(FrontendStats::name)).read_from(&snapshot))
        }
        "status" => show(|frontend| Cell::new(frontend.status())).await,
        "requests" => show(|frontend| Cell::new(frontend.requests())).await,
        "process" => show(|frontend| Cell::list(&frontend.processes())).await,
        "iid" => show(|frontend| Cell::of(frontend.id())).await,
        "metrics" => Ok(metric_names(RowKind::Frontend)),
        "metric" => {
            let [metric] = call.arguments()?;
            self::show(call, views, |frontend| Ok(Cell::of(frontend.metric(metric)?))).await
        }
        "maxconn" => match call.argument() {
            None => show(|frontend| Cell::of(frontend.maxconn())).await,
            Some(limit) => set_maxconn(call, views, limit).await,
        },
        "set" => match call.arguments()? {
            ["maxconn", limit] => set_maxconn(call, views, limit).await,
            [option, _] => Err(Problem::Usage(format!("frontend set: no such option {option:?}"))),
        },
        "enable" => Report::each(&refs(call, views).await?, FrontendRef::enable).await,
        "disable" => Report::each(&refs(call, views).await?, FrontendRef::disable).await,
        _ => Report::each(&refs(call, views).await?, FrontendRef::shutdown).await,
    }
}

async fn set_maxconn(call: &Call, views: &Views, limit: &str) -> Result<Report, Problem> {
    let limit = parse("a number", limit)?;
    Report::each(&refs(call, views).await?, async |frontend| frontend.set_maxconn(limit).await).await
}

async fn show(
    call: &Call,
    views: &Views,
    figure: impl Fn(&FrontendStats) -> Result<Cell, Problem>,
) -> Result<Report, Problem> {
    let (snapshot, frontends) = read(call, views).await?;
    let figures = frontends.iter().map(|frontend| Ok((frontend.name().to_owned(), figure(frontend)?)));
    Ok(Report::figures(figures.collect::<Result<Vec<_>, Problem>>()?).read_from(&snapshot))
}

/// Reads the named frontends, or all of them. For a single frontend, requests only its own rows.
async fn read(call: &Call, views: &Views) -> Result<(Snapshot, Vec<FrontendStats>), Problem> {
    let snapshot = match call.names.as_slice() {
        [name] => views.read.frontend(name).await?.snapshot().clone(),
        _ => views.read.snapshot().await?,
    };
    let frontends = match call.names.as_slice() {
        [] => snapshot.frontends(),
        names => names.iter().map(|name| snapshot.frontend(name)).collect::<Result<_, _>>()?,
    };
    Ok((snapshot, frontends))
}

/// Returns references to the same frontends, for changes. Named frontends need no request.
async fn refs(call: &Call, views: &Views) -> Result<Vec<FrontendRef>, Problem> {
    let mut names = call.names.clone();
    if call.all {
        let snapshot = views.write.snapshot().await?;
        names.extend(snapshot.frontends().iter().map(|frontend| frontend.name().to_owned()));
        if names.is_empty() {
            return Err(Problem::absent("frontend", &snapshot));
        }
    }
    Ok(names.iter().map(|name| views.write.frontend_ref(name)).collect::<Result<_, _>>()?)
}
