//! Serves the state of a cluster over HTTP. All requests share one watch, so a hundred dashboards cost
//! HAProxy as much as one.
//!
//! `cargo run --example service -- 127.0.0.1:8080 /run/haproxy`; without a directory, or without arguments,
//! it shows two fake processes.
//!
//! | request | reply |
//! |---|---|
//! | `GET /health` | 200 if every process answers and they agree on every server; otherwise 503, with the reasons |
//! | `GET /servers` | the state of every server in every process |
//! | `GET /backends` | the merged figures of the backends, with the processes that are missing in them |
//! | `GET /metrics` | states, requests and sessions, as Prometheus reads them |
//! | `GET /events` | each change as a server-sent event |
//! | `POST /servers/BACKEND/SERVER/drain?within=30` | drains the server on every process, or undoes it after the time |
//! | `POST /servers/BACKEND/SERVER/ready?within=30` | puts it back, and waits until it is up |

#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::path::Path as FilePath;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures::{Stream, StreamExt as _};
use haproxyadmin::drain::Drain;
use haproxyadmin::fake::{self, Running};
use haproxyadmin::server::{OperationalState, ServerState};
use haproxyadmin::watch::{ProcessStatus, Watch, WatchOptions, WatchedProcess};
use haproxyadmin::{AdminState, Cluster, Error, ErrorKind, Snapshot, wait};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let mut arguments = std::env::args().skip(1);
    let listen = arguments.next().unwrap_or_else(|| "127.0.0.1:8080".into());
    let temporary = tempfile::tempdir()?;
    let (dir, _held) = match arguments.next() {
        Some(dir) => (dir.into(), Vec::new()),
        None => (temporary.path().to_owned(), embedded(temporary.path()).await?),
    };
    let cluster = Cluster::from_dir(dir).await?;
    let watch = cluster.watch(WatchOptions::new().figures_every(Duration::from_secs(2))).await?;
    let listener = TcpListener::bind(listen).await?;
    println!("http://{}", listener.local_addr()?);
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let ending = watch.clone();
    let ends = async move {
        tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
        // Ends the streams of events and the drains too, without which no connection would end.
        ending.stop().await;
    };
    axum::serve(listener, router(Site { cluster, watch })).with_graceful_shutdown(ends).await?;
    println!("ended");
    Ok(())
}

/// The part that all requests share. Both are cheap to clone.
#[derive(Clone)]
struct Site {
    cluster: Cluster,
    watch: Watch,
}

fn router(site: Site) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/servers", get(servers))
        .route("/backends", get(backends))
        .route("/metrics", get(metrics))
        .route("/events", get(events))
        .route("/servers/{backend}/{server}/drain", post(drain))
        .route("/servers/{backend}/{server}/ready", post(ready))
        .with_state(site)
}

async fn health(State(site): State<Site>) -> Response {
    let picture = site.watch.latest();
    let is_here = |status| matches!(status, ProcessStatus::Running | ProcessStatus::Stopping);
    let away: Vec<String> = picture
        .processes()
        .iter()
        .filter(|process| !is_here(process.status()))
        .map(|process| format!("{}: {}", process.label(), process.status()))
        .collect();
    let is_fine = away.is_empty() && picture.divergences().is_empty();
    let code = if is_fine { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let processes = picture.processes().len();
    let body = json!({ "processes": processes, "away": away, "divergences": picture.divergences() });
    (code, Json(body)).into_response()
}

async fn servers(State(site): State<Site>) -> Json<Value> {
    let picture = site.watch.latest();
    let processes = picture.processes().iter();
    let all = processes.flat_map(|process| process.servers().iter().map(move |server| (process, server)));
    // The age of the reply grows while the process hangs.
    let row = |(process, server): (&WatchedProcess, &ServerState)| {
        let age_ms = process.age().map(|age| age.as_millis());
        json!({ "process": process.label(), "status": process.status(), "age_ms": age_ms, "server": server })
    };
    Json(all.map(row).collect())
}

async fn backends(State(site): State<Site>) -> Json<Value> {
    let picture = site.watch.latest();
    let Some(figures) = picture.figures() else { return Json(json!({ "backends": [], "failed": [] })) };
    let failed: Vec<_> = figures.failed().map(|process| process.label().clone()).collect();
    Json(json!({ "backends": figures.backends(), "failed": failed }))
}

async fn metrics(State(site): State<Site>) -> String {
    let picture = site.watch.latest();
    let mut text = String::new();
    for process in picture.processes() {
        for server in process.servers() {
            let up = u8::from(server.operational == OperationalState::Running);
            let labels = format!("process=\"{}\",backend=\"{}\"", process.label(), server.backend);
            // Writing to a string cannot fail.
            let _ = writeln!(text, "haproxy_server_up{{{labels},server=\"{}\"}} {up}", server.name);
        }
    }
    for backend in picture.figures().map(Snapshot::backends).unwrap_or_default() {
        for (process, row) in backend.per_process() {
            let labels = format!("process=\"{}\",backend=\"{}\"", process.label(), backend.name());
            let _ = writeln!(text, "haproxy_backend_requests_total{{{labels}}} {}", row.stot().unwrap_or(0));
            let _ = writeln!(text, "haproxy_backend_sessions{{{labels}}} {}", row.scur().unwrap_or(0));
        }
    }
    text
}

async fn events(State(site): State<Site>) -> Sse<impl Stream<Item = Result<Event, axum::Error>>> {
    let events = site.watch.events().map(|occurrence| Event::default().json_data(&occurrence));
    Sse::new(events).keep_alive(KeepAlive::default())
}

#[derive(Deserialize)]
struct Terms {
    /// Seconds.
    #[serde(default = "half_a_minute")]
    within: u64,
}

fn half_a_minute() -> u64 {
    30
}

type Name = Path<(String, String)>;

async fn drain(State(site): State<Site>, Path((backend, server)): Name, Query(terms): Query<Terms>) -> Reply {
    let mut watch = site.watch;
    let stopped = async move { while watch.changed().await.is_some() {} };
    let terms = Drain::within(Duration::from_secs(terms.within)).or_undo();
    let draining = site.cluster.server_ref(&backend, &server)?.drain(terms).until(stopped);
    // In a task of its own, the drain comes to its end even if the client goes away.
    match tokio::spawn(async move { draining.await }).await {
        Ok(outcomes) => Ok(Json(json!(outcomes?))),
        Err(error) => Err(Failed(StatusCode::INTERNAL_SERVER_ERROR, json!({ "error": error.to_string() }))),
    }
}

async fn ready(State(site): State<Site>, Path((backend, server)): Name, Query(terms): Query<Terms>) -> Reply {
    let server = site.cluster.server_ref(&backend, &server)?;
    server.set_state(AdminState::Ready).await?;
    let outcomes = server.wait_until(wait::is_up(), Duration::from_secs(terms.within)).await?;
    Ok(Json(json!(outcomes)))
}

type Reply = Result<Json<Value>, Failed>;

/// An error as a reply. Its JSON has the outcome of each process.
struct Failed(StatusCode, Value);

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        let code = match error.kind() {
            ErrorKind::InvalidInput => StatusCode::BAD_REQUEST,
            ErrorKind::NotFound => StatusCode::NOT_FOUND,
            ErrorKind::AccessDenied | ErrorKind::PermissionDenied => StatusCode::FORBIDDEN,
            ErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
            // Some processes were late, and the others were not.
            ErrorKind::Incomplete if error.failed().all(|(_, one)| one.kind() == ErrorKind::Timeout) => {
                StatusCode::GATEWAY_TIMEOUT
            }
            _ => StatusCode::BAD_GATEWAY,
        };
        Self(code, json!({ "error": error.to_string(), "details": error }))
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        (self.0, Json(self.1)).into_response()
    }
}

/// Starts two fake processes. Their servers are checked every 2 seconds.
async fn embedded(dir: &FilePath) -> Result<Vec<Running>, Error> {
    let server = |name| fake::Server::new(name).check("L7OK").inter(Duration::from_secs(2)).set("stot", 5);
    let app = fake::Backend::new("app").server(server("web1")).server(server("web2")).set("stot", 10);
    let mut processes = Vec::new();
    for name in ["1.sock", "2.sock"] {
        processes.push(fake::Process::new("3.4").backend(app.clone()).serve(dir.join(name)).await?);
    }
    Ok(processes)
}
