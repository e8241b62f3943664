use std::pin::pin;

use futures::StreamExt as _;
use futures::future::{Either, select};
use haproxyadmin::ring::{Event, Followed, News, Ring};
use serde_json::{Map, Value, json};

use crate::Views;
use crate::call::Call;
use crate::printer::{Line, Printer};
use crate::problem::Problem;
use crate::report::Report;

pub(crate) async fn run(call: &Call, views: &Views) -> Result<Report, Problem> {
    match call.action {
        "list" => list(views).await,
        "show" => {
            let [ring] = call.arguments()?;
            show(ring, views).await
        }
        _ => {
            let [ring] = call.arguments()?;
            follow(ring, call.json, views).await
        }
    }
}

async fn list(views: &Views) -> Result<Report, Problem> {
    let lists = views.read.rings().await?;
    Ok(Report::of_each(["NAME", "TYPE", "DROPPED", "DESCRIPTION"], &lists, |rings| {
        let row = |ring: &Ring| {
            [&*ring.name, &ring.kind, &ring.dropped.to_string(), &ring.description].map(String::from)
        };
        rings.iter().map(row).collect()
    }))
}

async fn show(ring: &str, views: &Views) -> Result<Report, Problem> {
    let lists = views.read.events(ring).await?;
    let is_one = lists.len() == 1;
    let mut rows = Vec::new();
    let mut json = Map::new();
    for (label, events) in lists.values() {
        rows.extend(events.iter().map(|event| vec![line(label, is_one, event)]));
        json.insert(label.to_string(), serde_json::to_value(events).unwrap_or_default());
    }
    Ok(Report::rows(&rows, Value::Object(json)).asked(&lists))
}

/// Prints news as they come, until the output is closed.
async fn follow(ring: &str, is_json: bool, views: &Views) -> Result<Report, Problem> {
    let mut events = views.read.follow_events(ring).await?;
    let is_one = events.processes() == 1;
    let printer = Printer::start();
    loop {
        let followed = match select(events.next(), pin!(printer.is_closed())).await {
            Either::Left((followed, _)) => followed,
            Either::Right(_) => None,
        };
        let Some(Followed { process, news, .. }) = followed else { return printer.end().await };
        let line = if is_json {
            Line::Out(json!({ "process": &*process, "news": described(&news) }).to_string())
        } else {
            match news {
                News::Event(event) => Line::Out(line(&process, is_one, &event)),
                News::Ended(error) => Line::Error(format!("{process}: {error}")),
                News::Silent(error) => Line::Error(format!("{process}: does not answer: {error}")),
                News::Answering => Line::Error(format!("{process}: answers again")),
                _ => Line::Error(format!("{process}: connected")),
            }
        };
        if !printer.print(line).await {
            return printer.end().await;
        }
    }
}

/// Returns an event as a line for people, with the label of its process if there are several.
fn line(label: &str, is_one: bool, event: &Event) -> String {
    if is_one { event.to_string() } else { format!("{label}: {event}") }
}

fn described(news: &News) -> Value {
    match news {
        News::Event(event) => serde_json::to_value(event).unwrap_or_default(),
        News::Ended(error) => json!({ "ended": error.to_string() }),
        News::Connected { is_new } => json!({ "connected": { "is_new": is_new } }),
        News::Silent(error) => json!({ "silent": error.to_string() }),
        News::Answering => json!("answering"),
        _ => Value::Null,
    }
}
