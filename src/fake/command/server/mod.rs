//! Commands on servers.

mod address;
mod check;
mod connections;
mod dynamic;
mod states;

pub(in crate::fake) use check::run as run_checks;
pub(super) use connections::show as show_connections;
pub(super) use dynamic::{add, del};
pub(super) use states::show as show_states;

use crate::Version;
use crate::fake::command::answer::{Answer, Severity};
use crate::fake::command::call::Call;
use crate::fake::command::number::split_number;
use crate::fake::command::stat;
use crate::fake::describe::{Admin, Backend, Health, Process, Server, numbers};

pub(in crate::fake) fn enable(call: &mut Call<'_>) -> Answer {
    on_server(call, |server| server.told(Admin::Ready))
}

pub(in crate::fake) fn disable(call: &mut Call<'_>) -> Answer {
    on_server(call, |server| server.told(Admin::Maint))
}

pub(in crate::fake) fn enable_health(call: &mut Call<'_>) -> Answer {
    let version = call.version();
    on_server(call, |server| match server.has_checks() {
        true => {
            server.live.is_unchecked = false;
            Answer::Done
        }
        false if version < (2, 4) => Answer::unsupported("checks that were not configured"),
        false => Answer::error("Health check was not configured on this server, cannot enable."),
    })
}

pub(in crate::fake) fn disable_health(call: &mut Call<'_>) -> Answer {
    on_server(call, |server| {
        server.live.is_unchecked = server.has_checks();
        Answer::Done
    })
}

pub(in crate::fake) fn enable_agent(call: &mut Call<'_>) -> Answer {
    on_server(call, |server| {
        if !server.has_agent_checks() {
            return Answer::error("Agent was not configured on this server, cannot enable.");
        }
        server.live.has_no_agent = false;
        Answer::Done
    })
}

pub(in crate::fake) fn disable_agent(call: &mut Call<'_>) -> Answer {
    on_server(call, |server| {
        server.live.has_no_agent = server.has_agent_checks();
        Answer::Done
    })
}

pub(in crate::fake) fn shutdown_sessions(call: &mut Call<'_>) -> Answer {
    let mut name = None;
    let answer = on_server(call, |server| {
        server.cells.set("scur", 0.into());
        name = Some(server.name.clone());
        Answer::Done
    });
    if let (Some(server), Some((backend, _))) = (name, call.word(0).split_once('/')) {
        call.state.process.sessions.retain(|session| !session.is_on(backend, &server));
    }
    answer
}

pub(in crate::fake) fn set(call: &mut Call<'_>) -> Answer {
    let version = call.version();
    let (name, keyword, value) = (call.word(0), call.word(1), call.word(2));
    let port = match call.word(3) {
        "port" => Some(call.word(4)),
        _ => None,
    };
    on_server(call, |server| match keyword {
        "weight" => server.set_weight(value, &version),
        "state" => match value {
            "ready" => server.told(Admin::Ready),
            "drain" => server.told(Admin::Drain),
            "maint" => server.told(Admin::Maint),
            _ => Answer::error("'set server <srv> state' expects 'ready', 'drain' and 'maint'."),
        },
        "health" if server.is_tracking() => Answer::error("cannot change health on a tracking server."),
        "health" => match value {
            "up" => server.is_like(Health::Up),
            "stopping" => server.is_like(Health::Stopping),
            "down" => server.is_like(Health::Down),
            _ => Answer::error("'set server <srv> health' expects 'up', 'stopping', or 'down'."),
        },
        "agent" | "agent-send" if !server.has_agent() => {
            Answer::error("agent checks are not enabled on this server.")
        }
        // No command prints this text.
        "agent-send" => Answer::Done,
        "agent" => match value {
            "up" => server.is_like(Health::Up),
            "down" => server.is_like(Health::AgentDown),
            _ => Answer::error("'set server <srv> agent' expects 'up' or 'down'."),
        },
        "addr" => address::set(server, value, port, &version),
        "agent-addr" => address::set_agent(server, value, port, &version),
        "check-port" => address::set_check_port(server, value, &version),
        "check-addr" if version >= (2, 4) => address::set_check(server, value, port, &version),
        "agent-port" if version >= (2, 4) => address::set_agent_port(server, value, &version),
        "fqdn" if value.is_empty() => Answer::error("set server <b>/<s> fqdn requires a FQDN."),
        "fqdn" if version >= (2, 4) => {
            Answer::error("set server <b>/<s> fqdn failed because no resolution is configured.")
        }
        "fqdn" => {
            let text = format!("could not update {name} FQDN by 'stats socket command'");
            Answer::message(Severity::Warning, &text)
        }
        "ssl" if version >= (2, 4) => {
            Answer::error("'set server <srv> ssl' cannot be set.  default-server should define ssl settings")
        }
        _ if version >= (2, 4) => Answer::error(
            "usage: set server <backend>/<server> addr | agent | agent-addr | agent-port | agent-send | \
             check-addr | check-port | fqdn | health | ssl | state | weight",
        ),
        _ => Answer::error(
            "'set server <srv>' only supports 'agent', 'health', 'state', 'weight', 'addr', 'fqdn' and \
             'check-port'.",
        ),
    })
}

pub(in crate::fake) fn set_weight(call: &mut Call<'_>) -> Answer {
    let (version, weight) = (call.version(), call.word(1));
    on_server(call, |server| server.set_weight(weight, &version))
}

pub(in crate::fake) fn get_weight(call: &mut Call<'_>) -> Answer {
    on_server(call, |server| {
        Answer::Dump(format!("{} (initial {})\n", server.user_weight(), server.initial_weight()))
    })
}

pub(in crate::fake) fn set_maxconn(call: &mut Call<'_>) -> Answer {
    let (version, limit) = (call.version(), call.word(1));
    on_server(call, |server| {
        let bare = |text| Answer::bare(&version, Severity::Error, text);
        match split_number(limit) {
            _ if limit.is_empty() => Answer::error("Require <maxconn>."),
            None => bare("maxconn string empty or preceded by garbage"),
            Some((limit, "")) => {
                // HAProxy reads the limit as an unsigned number; 0 is no limit, and `slim` is
                // empty.
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                let limit = limit as u32;
                server.cells.set("slim", if limit == 0 { crate::fake::Value::EMPTY } else { limit.into() });
                Answer::Done
            }
            Some(_) => bare("Trailing garbage in maxconn string"),
        }
    })
}

/// Runs a command on the server named by the first word, and updates the servers that track it.
fn on_server(call: &mut Call<'_>, run: impl FnOnce(&mut Server) -> Answer) -> Answer {
    let name = call.word(0);
    let process = &mut call.state.process;
    let empty_backend = process.version < (3, 0) && name.starts_with('/');
    let (backend, server) = match name.split_once('/') {
        Some((backend, server)) if !server.is_empty() && !empty_backend => (backend, server),
        _ => return Answer::error("Require 'backend/server'."),
    };
    let Some(servers) = servers_mut(process, backend) else { return Answer::error("No such backend.") };
    let number = server.strip_prefix('#').and_then(|id| id.parse::<i64>().ok());
    let numbers = numbers(servers);
    let found = servers.iter_mut().zip(numbers).find(|(one, id)| *one.name == *server || number == Some(*id));
    let Some((found, _)) = found else { return Answer::error("No such server.") };
    let answer = run(found);
    let server = found.name.clone();
    process.follow(&format!("{backend}/{server}"));
    answer
}

/// Returns the named backend, or all of them if the name is empty, with their numbers.
fn wanted<'a>(process: &'a Process, name: &str) -> Result<Vec<(i64, &'a Backend)>, Answer> {
    let numbered = (stat::FIRST_IID..).zip(&process.proxies).filter_map(|(assigned, proxy)| {
        let backend = proxy.backend.as_ref()?;
        Some((backend.cells.number("iid").unwrap_or(assigned), backend))
    });
    let wanted: Vec<_> = numbered.filter(|(_, backend)| name.is_empty() || *backend.name == *name).collect();
    if wanted.is_empty() && !name.is_empty() {
        return Err(Answer::error("Can't find backend."));
    }
    Ok(wanted)
}

/// Returns the servers of a backend, given by name or number (`#3`).
fn servers_mut<'a>(process: &'a mut Process, backend: &str) -> Option<&'a mut Vec<Server>> {
    let number = backend.strip_prefix('#').and_then(|iid| iid.parse::<i64>().ok());
    let mut proxies = (stat::FIRST_IID..).zip(&mut process.proxies);
    proxies.find_map(|(assigned, proxy)| {
        let found = proxy.backend.as_mut()?;
        let iid = found.cells.number("iid").unwrap_or(assigned);
        (*found.name == *backend || number == Some(iid)).then_some(&mut found.servers)
    })
}

impl Process {
    /// Returns `true` if another server tracks the named server.
    fn is_tracked(&self, name: &str) -> bool {
        let backends = self.proxies.iter().filter_map(|proxy| proxy.backend.as_ref());
        let mut servers = backends.flat_map(|backend| &backend.servers);
        servers.any(|server| server.cells.text("tracked").is_some_and(|tracked| tracked == name))
    }

    /// Updates the servers that track the named server.
    fn follow(&mut self, name: &str) {
        let backends = || self.proxies.iter().filter_map(|proxy| proxy.backend.as_ref());
        let all = backends().flat_map(|backend| backend.servers.iter().map(move |server| (backend, server)));
        let mut tracked = all.filter(|(backend, server)| format!("{}/{}", backend.name, server.name) == name);
        let Some(inheritance) = tracked.next().map(|(_, server)| server.inheritance()) else { return };
        let mut changed = Vec::new();
        for backend in self.proxies.iter_mut().filter_map(|proxy| proxy.backend.as_mut()) {
            for server in &mut backend.servers {
                let follows = server.cells.text("tracked").is_some_and(|tracked| tracked == name);
                if follows && server.inherit(&inheritance) {
                    changed.push(format!("{}/{}", backend.name, server.name));
                }
            }
        }
        for name in changed {
            self.follow(&name);
        }
    }
}

impl Server {
    fn told(&mut self, admin: Admin) -> Answer {
        self.administer(admin);
        Answer::Done
    }

    fn is_like(&mut self, health: Health) -> Answer {
        self.heal(health);
        Answer::Done
    }

    /// Returns the configured weight.
    pub(in crate::fake) fn initial_weight(&self) -> u32 {
        self.cells.number("uweight").unwrap_or_else(|| self.described_weight())
    }

    /// Returns the weight that a command or the configuration asked for.
    pub(in crate::fake) fn user_weight(&self) -> u32 {
        self.live.weights.map_or_else(|| self.initial_weight(), |(uweight, _)| uweight)
    }

    fn set_weight(&mut self, weight: &str, version: &Version) -> Answer {
        let bare = |text| Answer::bare(version, Severity::Error, text);
        let weight = match split_number(weight) {
            _ if weight.is_empty() => return Answer::error("Require <weight> or <weight%>."),
            None => return bare("Empty weight string empty or preceded by garbage"),
            Some((..0, "%")) => return Answer::error("Relative weight must be positive."),
            Some((percent, "%")) => (i64::from(self.initial_weight()) * percent.min(25_600) / 100).min(256),
            Some((weight, _)) if !(0..=256).contains(&weight) => {
                return Answer::error("Absolute weight can only be between 0 and 256 inclusive.");
            }
            Some((weight, "")) => weight,
            Some(_) => return bare("Trailing garbage in weight string"),
        };
        let weight = u32::try_from(weight).unwrap_or_default();
        // Up to 2.6 a server in maintenance shows its new weight only after maintenance.
        let lags = *version < (3, 0) && self.is_in_maintenance();
        self.live.weights = Some((weight, if lags { self.effective_weight() } else { weight }));
        Answer::Done
    }
}
