use std::time::Duration;

use futures::future::join_all;
use haproxyadmin::server::{AgentState, Health, Removal, ServerState};
use haproxyadmin::snapshot::Label;
use haproxyadmin::snapshot::ServerStats;
use haproxyadmin::stat::RowKind;
use haproxyadmin::{AdminState, Change, Outcomes, ServerRef, Snapshot, Weight};
use serde_json::{Map, Value, json};

use crate::Views;
use crate::addition;
use crate::call::Call;
use crate::dump::metric_names;
use crate::options::{one_of, parse, seconds_or_zero};
use crate::problem::Problem;
use crate::report::{Cell, Report, agreement};
use crate::slot;
use crate::wait;

pub(crate) async fn run(call: &Call, views: &Views) -> Result<Report, Problem> {
    let show = async |figure: fn(&ServerStats) -> Cell| show(call, views, |server| Ok(figure(server))).await;
    match call.action {
        "list" => {
            let (snapshot, servers) = read(call, views).await?;
            Ok(Report::names(servers.iter().map(path)).read_from(&snapshot))
        }
        "status" => show(|server| Cell::new(server.status())).await,
        "requests" => show(|server| Cell::new(server.requests())).await,
        "process" => show(|server| Cell::list(&server.processes())).await,
        "sid" => show(|server| Cell::of(server.id())).await,
        "metrics" => Ok(metric_names(RowKind::Server)),
        "metric" => {
            let [metric] = call.arguments()?;
            self::show(call, views, |server| Ok(Cell::of(server.metric(metric)?))).await
        }
        "check-code" => show(|server| Cell::of(server.check_code())).await,
        "check-status" => show(|server| Cell::of(server.check_status())).await,
        "last-status" => show(|server| Cell::of(server.last_check())).await,
        "last-agent" => show(|server| Cell::of(server.last_agent_check())).await,
        "states" => states(call, views).await,
        "add" => addition::run(call, views).await,
        "wait" => wait::servers(call, &refs(call, views).await?).await,
        "take" => slot::take(call, views).await,
        action => match (action, call.argument()) {
            ("address", None) => {
                show(|server| Cell::of(server.address().map(|all| all.map(|one| one.to_string())))).await
            }
            ("port", None) => show(|server| Cell::of(server.port())).await,
            ("weight", None) => show(|server| Cell::of(server.weight())).await,
            ("maxconn", None) => show(|server| Cell::of(server.slim())).await,
            ("state", None) => state(call, views, |state| state.administrative.state().as_str()).await,
            ("fqdn", None) => state(call, views, |state| state.fqdn.as_deref().unwrap_or("-")).await,
            (_, argument) => change(call, views, argument.unwrap_or_default()).await,
        },
    }
}

async fn change(call: &Call, views: &Views, word: &str) -> Result<Report, Problem> {
    let port = call.given.value("port").map(|word| parse("port", word)).transpose()?;
    match call.action {
        "address" => {
            let address = parse("an IP address", word)?;
            each(call, views, async |server| server.set_address(address, port).await).await
        }
        "port" => {
            let port = parse("a port", word)?;
            each(call, views, async |server| server.set_port(port).await).await
        }
        "fqdn" => each(call, views, async |server| server.set_fqdn(word).await).await,
        "weight" => {
            let weight: Weight = parse("a weight from 0 to 256, or a percentage", word)?;
            each(call, views, async |server| server.set_weight(weight).await).await
        }
        "maxconn" => {
            let limit = parse("a number", word)?;
            each(call, views, async |server| server.set_maxconn(limit).await).await
        }
        "state" => {
            let state = one_of(word, &[AdminState::Ready, AdminState::Drain, AdminState::Maint])?;
            each(call, views, async |server| server.set_state(state).await).await
        }
        "ready" => each(call, views, async |server| server.set_state(AdminState::Ready).await).await,
        "drain" if call.given.any().is_some() => wait::drain(call, &refs(call, views).await?).await,
        "drain" => each(call, views, async |server| server.set_state(AdminState::Drain).await).await,
        "maint" => each(call, views, async |server| server.set_state(AdminState::Maint).await).await,
        "enable" => each(call, views, ServerRef::enable).await,
        "disable" => each(call, views, ServerRef::disable).await,
        "health" => {
            let health = one_of(word, &[Health::Up, Health::Stopping, Health::Down])?;
            each(call, views, async |server| server.set_health(health).await).await
        }
        "enable-health" => each(call, views, ServerRef::enable_health).await,
        "disable-health" => each(call, views, ServerRef::disable_health).await,
        "check-port" => {
            let port = parse("a port", word)?;
            each(call, views, async |server| server.set_check_port(port).await).await
        }
        "check-addr" => {
            let address = parse("an IP address", word)?;
            each(call, views, async |server| server.set_check_address(address, port).await).await
        }
        "agent" => {
            let agent = one_of(word, &[AgentState::Up, AgentState::Down])?;
            each(call, views, async |server| server.set_agent(agent).await).await
        }
        "enable-agent" => each(call, views, ServerRef::enable_agent).await,
        "disable-agent" => each(call, views, ServerRef::disable_agent).await,
        "agent-addr" => each(call, views, async |server| server.set_agent_address(word, port).await).await,
        "agent-port" => {
            let port = parse("a port", word)?;
            each(call, views, async |server| server.set_agent_port(port).await).await
        }
        "agent-send" => each(call, views, async |server| server.set_agent_send(word).await).await,
        "ssl" => {
            let on = one_of(word, &["on", "off"])? == "on";
            each(call, views, async |server| server.set_ssl(on).await).await
        }
        "delete" => {
            let removal = removal(call)?;
            each(call, views, async |server| server.delete(&removal).await).await
        }
        "release" => {
            let (removal, address) = (removal(call)?, slot::free_address(call)?);
            each(call, views, async |server| slot::release(server, address, &removal).await).await
        }
        _ => each(call, views, ServerRef::shutdown_sessions).await,
    }
}

fn removal(call: &Call) -> Result<Removal, Problem> {
    let removal = drain(call)?.map_or_else(Removal::new, |time| Removal::new().within(time));
    Ok(if call.given.has("force") { removal.force() } else { removal })
}

/// Returns the time in which sessions may end, if it is given.
pub(crate) fn drain(call: &Call) -> Result<Option<Duration>, Problem> {
    call.given.value("drain").map(seconds_or_zero).transpose()
}

async fn each(
    call: &Call,
    views: &Views,
    change: impl AsyncFn(&ServerRef) -> haproxyadmin::Result<Outcomes<Change>>,
) -> Result<Report, Problem> {
    Report::each(&refs(call, views).await?, change).await
}

async fn show(
    call: &Call,
    views: &Views,
    figure: impl Fn(&ServerStats) -> Result<Cell, Problem>,
) -> Result<Report, Problem> {
    let (snapshot, servers) = read(call, views).await?;
    let figures = servers.iter().map(|server| Ok((path(server), figure(server)?)));
    Ok(Report::figures(figures.collect::<Result<Vec<_>, Problem>>()?).read_from(&snapshot))
}

/// Shows one figure of `show servers state`, merged.
async fn state(call: &Call, views: &Views, what: fn(&ServerState) -> &str) -> Result<Report, Problem> {
    let (snapshot, asked) = ask(call, views).await?;
    let figures = asked.iter().map(|(name, states)| {
        let values = states.values().map(|(label, state)| (label, what(state)));
        (name.clone(), Cell::of(agreement(values)))
    });
    Ok(Report::figures(figures).asked_all(asked.iter().map(|(_, states)| states), &snapshot))
}

/// Shows `show servers state` of each process.
async fn states(call: &Call, views: &Views) -> Result<Report, Problem> {
    let (snapshot, asked) = ask(call, views).await?;
    let report = states_report(asked.iter().flat_map(|(_, states)| states.values()));
    Ok(report.asked_all(asked.iter().map(|(_, states)| states), &snapshot))
}

/// Returns the states of each server, and the snapshot that lists the servers.
async fn ask(
    call: &Call,
    views: &Views,
) -> Result<(Snapshot, Vec<(String, Outcomes<ServerState>)>), Problem> {
    let (snapshot, servers) = read(call, views).await?;
    let asked = servers.iter().map(|server| async {
        let states = views.read.server_ref(server.backend(), server.name())?.fetch_state().await?;
        Ok((path(server), states))
    });
    let asked = join_all(asked).await.into_iter().collect::<Result<_, Problem>>()?;
    Ok((snapshot, asked))
}

pub(crate) fn states_report<'a>(states: impl Iterator<Item = (&'a Label, &'a ServerState)>) -> Report {
    let head = ["SERVER", "PROCESS", "WANTED", "FOUND", "WEIGHT", "ADDRESS", "PORT"];
    let mut rows = vec![head.map(String::from).to_vec()];
    let mut json = Map::new();
    for (label, state) in states {
        let name = format!("{}/{}", state.backend, state.name);
        let wanted = state.administrative.to_string();
        let found = state.operational.to_string();
        let address = state.address.map(|address| address.to_string());
        let one = json!({
            "wanted": wanted, "found": found, "weight": state.weight, "initial_weight": state.initial_weight,
            "address": address, "port": state.port, "fqdn": state.fqdn.as_deref(),
            "since": state.since.as_secs(),
        });
        if let Value::Object(processes) = json.entry(name.clone()).or_insert_with(|| json!({})) {
            processes.insert(label.to_string(), one);
        }
        let (weight, port) =
            (state.weight.to_string(), state.port.map_or_else(|| "-".into(), |port| port.to_string()));
        let address = address.unwrap_or_else(|| "-".into());
        rows.push(vec![name, label.to_string(), wanted, found, weight, address, port]);
    }
    Report::rows(&rows, json.into())
}

/// Reads the named servers, or all of them. For a single server, requests only the rows of its
/// backend.
async fn read(call: &Call, views: &Views) -> Result<(Snapshot, Vec<ServerStats>), Problem> {
    let snapshot = match call.names.iter().map(|name| name.split_once('/')).collect::<Vec<_>>()[..] {
        [Some((backend, name))] => views.read.server(backend, name).await?.snapshot().clone(),
        _ => views.read.snapshot().await?,
    };
    let servers = find(&snapshot, call)?;
    Ok((snapshot, servers))
}

/// Returns references to the same servers, for changes. Servers that are named with their backends
/// need no request.
async fn refs(call: &Call, views: &Views) -> Result<Vec<ServerRef>, Problem> {
    let name = |name: &String| name.split_once('/').map(|(one, two)| (one.to_owned(), two.to_owned()));
    let names = match call.names.iter().map(name).collect::<Option<Vec<_>>>() {
        Some(names) if !names.is_empty() => names,
        _ => {
            let snapshot = views.write.snapshot().await?;
            let servers = find(&snapshot, call)?;
            if servers.is_empty() {
                return Err(Problem::absent("server", &snapshot));
            }
            servers.iter().map(|server| (server.backend().to_owned(), server.name().to_owned())).collect()
        }
    };
    let refs = names.iter().map(|(backend, name)| views.write.server_ref(backend, name));
    Ok(refs.collect::<Result<_, _>>()?)
}

fn find(snapshot: &Snapshot, call: &Call) -> Result<Vec<ServerStats>, Problem> {
    if call.names.is_empty() {
        return Ok(match &call.backend {
            Some(backend) => snapshot.backend(backend)?.servers(),
            None => snapshot.servers(),
        });
    }
    let mut found = Vec::new();
    for name in &call.names {
        let servers = match name.split_once('/') {
            Some((backend, name)) => vec![snapshot.server(backend, name)?],
            None => snapshot.servers_named(name),
        };
        if servers.is_empty() {
            return Err(Problem::absent(&format!("server {name:?}"), snapshot));
        }
        found.extend(servers);
    }
    Ok(found)
}

fn path(server: &ServerStats) -> String {
    format!("{}/{}", server.backend(), server.name())
}
