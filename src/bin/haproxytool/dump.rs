use haproxyadmin::Snapshot;
use haproxyadmin::field::COLUMNS;
use haproxyadmin::snapshot::MetricValue;
use haproxyadmin::stat::RowKind;
use serde_json::{Map, Value};

use crate::Views;
use crate::call::Call;
use crate::problem::Problem;
use crate::report::Report;

pub(crate) async fn run(call: &Call, views: &Views) -> Result<Report, Problem> {
    let snapshot = views.read.snapshot().await?;
    let mut dump = Dump::default();
    match call.action {
        "frontends" => {
            snapshot.frontends().iter().for_each(|frontend| dump.add(frontend.name(), frontend.metrics()));
        }
        "backends" => {
            snapshot.backends().iter().for_each(|backend| dump.add(backend.name(), backend.metrics()));
        }
        _ => {
            for server in snapshot.servers() {
                dump.add(&format!("{}/{}", server.backend(), server.name()), server.metrics());
            }
        }
    }
    Ok(dump.report(&snapshot))
}

/// Lists the metrics that objects of a kind can have.
pub(crate) fn metric_names(kind: RowKind) -> Report {
    let columns = COLUMNS.iter().filter(|column| column.kinds.iter().any(|(has, _)| *has == kind));
    Report::names(columns.map(|column| column.name))
}

#[derive(Default)]
struct Dump {
    rows: Vec<Vec<String>>,
    json: Map<String, Value>,
}

impl Dump {
    fn add(&mut self, name: &str, metrics: Vec<(&str, MetricValue<'_>)>) {
        let mut json = Map::new();
        for (metric, figure) in metrics {
            self.rows.push(vec![name.to_owned(), metric.to_owned(), figure.to_string()]);
            json.insert(metric.to_owned(), serde_json::to_value(figure).unwrap_or_default());
        }
        self.json.insert(name.to_owned(), json.into());
    }

    fn report(self, snapshot: &Snapshot) -> Report {
        Report::rows(&self.rows, self.json.into()).read_from(snapshot)
    }
}
