//! The differences between remembered settings and the settings of a process.

use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::net::SocketAddr;

use super::command::{set_address, set_weight};
use super::left_reason::LeftReason;
use super::reading::Found;
use super::remembered::ProcessSettings;
use super::restoration::{Restoration, SettingChange, SettingLeft, SettingName};
use super::server::{ServerSettings, Setting};
use super::terms::Restore;
use crate::error::Result;
use crate::object::{AgentCheck, HealthCheck, NewServer};
use crate::protocol::{Command, Host, ServerName};
use crate::show::AdminState;

/// Returns the changes that restore the settings of a process.
///
/// # Errors
///
/// - `InvalidInput` if a remembered value cannot be sent.
pub(super) fn plan(remembered: &ProcessSettings, now: &Found, terms: &Restore<'_>) -> Result<Restoration> {
    let is_same = now.identity.may_be(remembered.pid, remembered.started_at);
    let shown = &Shown::new(now);
    let mut whole = Restoration::default();
    for server in &remembered.servers {
        let name = ServerName::new(&server.backend, &server.name)?;
        let mut plan = Planning { server, name: &name, plan: &mut whole, terms, is_same };
        match shown.servers.get(&(&*server.backend, &*server.name)) {
            Some(shown) => plan.compare(shown)?,
            None => plan.add_again(shown)?,
        }
    }
    Ok(whole)
}

/// The settings that a process shows, by the names and the numbers of the servers.
struct Shown<'a> {
    found: &'a Found,
    servers: HashMap<(&'a str, &'a str), &'a ServerSettings>,
    ids: HashSet<(&'a str, u64)>,
}

impl<'a> Shown<'a> {
    fn new(found: &'a Found) -> Self {
        let servers = &found.settings.servers;
        Self {
            found,
            servers: servers.iter().map(|server| ((&*server.backend, &*server.name), server)).collect(),
            ids: servers.iter().map(|server| (&*server.backend, server.id)).collect(),
        }
    }
}

/// The plan of one server.
struct Planning<'a> {
    /// The remembered settings.
    server: &'a ServerSettings,
    name: &'a ServerName,
    plan: &'a mut Restoration,
    terms: &'a Restore<'a>,
    /// `true` if the configuration cannot have changed, because the process is the same.
    is_same: bool,
}

/// The thing to do about a setting.
enum Verdict {
    Keep,
    Restore,
    Leave(LeftReason),
}

/// Decides about one setting. Over a reload, a setting is restored if it was changed at run time, and if
/// its value in the configuration is the same as before. `is_asked` decides if that is not known.
fn decide<T: PartialEq>(
    remembered: &Setting<T>,
    shown: &Setting<T>,
    is_same: bool,
    is_asked: bool,
) -> Verdict {
    if remembered.value == shown.value {
        return Verdict::Keep;
    }
    if is_same {
        return Verdict::Restore;
    }
    match (&remembered.configured, &shown.configured) {
        (Some(configured), _) if *configured == remembered.value => Verdict::Keep,
        (Some(before), Some(now)) if before != now => Verdict::Leave(LeftReason::ConfigurationChanged),
        (Some(_), Some(_)) => Verdict::Restore,
        _ if is_asked => Verdict::Restore,
        _ => Verdict::Leave(LeftReason::ConfigurationNotShown),
    }
}

impl Planning<'_> {
    /// Plans the changes of a server that the process has. A server is taken out of traffic first, and
    /// put into traffic last.
    fn compare(&mut self, shown: &ServerSettings) -> Result<()> {
        let is_into_traffic = self.server.state.value == AdminState::Ready;
        if !is_into_traffic {
            self.state(shown);
        }
        self.fqdn(shown)?;
        self.address(shown);
        self.weight(shown)?;
        self.maxconn(shown);
        let (health, agent) = (self.server.health_check, self.server.agent_check);
        let switch = |is_on: bool| self.verb(if is_on { "enable health" } else { "disable health" });
        let command = health.map(|check| switch(check.value));
        self.check(SettingName::HealthCheck, command, health, shown.health_check);
        let switch = |is_on: bool| self.verb(if is_on { "enable agent" } else { "disable agent" });
        let command = agent.map(|check| switch(check.value));
        self.check(SettingName::AgentCheck, command, agent, shown.agent_check);
        if is_into_traffic {
            self.state(shown);
        }
        Ok(())
    }

    fn state(&mut self, shown: &ServerSettings) {
        let (to, from) = (&self.server.state, &shown.state);
        match decide(to, from, self.is_same, false) {
            Verdict::Keep => {}
            Verdict::Restore => {
                let command = self.set().word("state").word(to.value);
                self.change(SettingName::State, from.value, to.value, command);
            }
            Verdict::Leave(reason) => self.leave(SettingName::State, to.value, Some(from.value), reason),
        }
    }

    fn fqdn(&mut self, shown: &ServerSettings) -> Result<()> {
        let (Some(to), Some(from)) = (&self.server.fqdn, &shown.fqdn) else { return Ok(()) };
        match decide(to, from, self.is_same, self.terms.addresses) {
            Verdict::Keep => {}
            Verdict::Restore => {
                let command = self.set().word("fqdn").word(Host::new(&to.value)?);
                self.change(SettingName::Fqdn, &from.value, &to.value, command);
            }
            Verdict::Leave(reason) => self.leave(SettingName::Fqdn, &to.value, Some(&from.value), reason),
        }
        Ok(())
    }

    /// Plans the address, unless HAProxy resolves it from a host name.
    fn address(&mut self, shown: &ServerSettings) {
        let Some(to) = self.server.address else { return };
        if self.server.fqdn.is_some() || shown.fqdn.is_some() {
            return;
        }
        let Some(from) = shown.address else {
            return self.leave(SettingName::Address, to.value, None::<SocketAddr>, LeftReason::NotSettable);
        };
        let configured = self.terms.configured_address(self.name.backend(), self.name.name());
        let with_line = |setting: Setting<SocketAddr>| Setting { configured, ..setting };
        match decide(&with_line(to), &with_line(from), self.is_same, self.terms.addresses) {
            Verdict::Keep => {}
            Verdict::Restore if to.value.port() == 0 && from.value.port() != 0 => {
                self.leave(SettingName::Address, to.value, Some(from.value), LeftReason::NotSettable);
            }
            Verdict::Restore => {
                let command = set_address(self.name, Some(from.value), to.value);
                self.change(SettingName::Address, from.value, to.value, command);
            }
            Verdict::Leave(reason) => self.leave(SettingName::Address, to.value, Some(from.value), reason),
        }
    }

    fn weight(&mut self, shown: &ServerSettings) -> Result<()> {
        let (to, from) = (&self.server.weight, &shown.weight);
        match decide(to, from, self.is_same, false) {
            Verdict::Keep => {}
            Verdict::Restore => {
                let command = set_weight(self.name, from.configured, to.value)?;
                self.change(SettingName::Weight, from.value, to.value, command);
            }
            Verdict::Leave(reason) => self.leave(SettingName::Weight, to.value, Some(from.value), reason),
        }
        Ok(())
    }

    fn maxconn(&mut self, shown: &ServerSettings) {
        let (Some(to), Some(from)) = (self.server.maxconn, shown.maxconn) else { return };
        match decide(&to, &from, self.is_same, self.terms.maxconn) {
            Verdict::Keep => {}
            Verdict::Restore => {
                let command = self.verb("set maxconn server").word(to.value);
                self.change(SettingName::Maxconn, from.value, to.value, command);
            }
            Verdict::Leave(reason) => self.leave(SettingName::Maxconn, to.value, Some(from.value), reason),
        }
    }

    fn check(
        &mut self,
        setting: SettingName,
        command: Option<Command>,
        to: Option<Setting<bool>>,
        from: Option<Setting<bool>>,
    ) {
        let (Some(to), Some(command)) = (to, command) else { return };
        let word = |is_on: bool| if is_on { "on" } else { "off" };
        let Some(from) = from else {
            if to.is_changed() == Some(true) {
                self.leave(setting, word(to.value), None::<&str>, LeftReason::ConfigurationChanged);
            }
            return;
        };
        match decide(&to, &from, self.is_same, false) {
            Verdict::Keep => {}
            Verdict::Restore => {
                self.change(setting, word(from.value), word(to.value), command);
            }
            Verdict::Leave(reason) => {
                self.leave(setting, word(to.value), Some(word(from.value)), reason);
            }
        }
    }

    /// Plans to add a server again that was added at run time and is gone.
    fn add_again(&mut self, now: &Shown<'_>) -> Result<()> {
        let (backend, name) = (self.name.backend(), self.name.name());
        let address = self.server.address.map(|address| address.value);
        let text = address.map_or_else(|| "without an address".to_owned(), |address| address.to_string());
        let described = self.terms.description(backend, name);
        let is_dynamic = self.server.shown.is_dynamic || self.terms.is_dynamic(backend, name);
        let address = address.filter(|address| address.port() > 0 && self.server.fqdn.is_none());
        let is_describable = address.is_some() && self.server.shown.tls != Some(true);
        let reason = match described {
            _ if !is_dynamic => Some(LeftReason::ServerGone),
            _ if !now.found.adds_servers => Some(LeftReason::Unsupported),
            _ if !now.found.backends.contains(backend) => Some(LeftReason::BackendGone),
            None if !is_describable => Some(LeftReason::DescriptionNeeded),
            _ => None,
        };
        if let Some(reason) = reason {
            self.leave(SettingName::Server, text, None::<&str>, reason);
            return Ok(());
        }
        let command = match (described, address) {
            (Some(described), _) => described.command(self.name)?,
            (None, Some(address)) => self.describe(address, now).command(self.name)?,
            (None, None) => return Ok(()),
        };
        let (backend, server) = (self.server.backend.clone(), self.server.name.clone());
        let to = text.into();
        let setting = SettingName::Server;
        self.plan.changes.push(SettingChange { backend, server, setting, from: None, to, command });
        if described.is_none() && (self.server.health_check.is_some() || self.server.agent_check.is_some()) {
            let setting = SettingName::HealthCheck;
            self.leave(setting, "parameters", None::<&str>, LeftReason::ParametersNotShown);
        }
        self.compare_added()
    }

    /// Plans the changes of a server that has just been added: it is in maintenance, its checks are off,
    /// and it has its initial weight.
    fn compare_added(&mut self) -> Result<()> {
        let server = self.server;
        let off = |check: Option<Setting<bool>>| check.map(|check| Setting { value: false, ..check });
        let initial = server.weight.configured.unwrap_or(server.weight.value);
        let added = ServerSettings {
            state: Setting { value: AdminState::Maint, ..server.state },
            weight: Setting { value: initial, ..server.weight },
            health_check: off(server.health_check),
            agent_check: off(server.agent_check),
            ..server.clone()
        };
        let is_same = std::mem::replace(&mut self.is_same, true);
        self.compare(&added)?;
        self.is_same = is_same;
        Ok(())
    }

    /// Describes the server as far as HAProxy has shown it.
    fn describe(&self, address: SocketAddr, now: &Shown<'_>) -> NewServer {
        let ServerSettings { shown, weight, maxconn, id, backend, .. } = self.server;
        let mut new = NewServer::new(address);
        // A damaged weight is refused before.
        new = new.weight(weight.configured.unwrap_or(weight.value).try_into().unwrap_or(u32::MAX));
        if let Some(maxconn) = maxconn.and_then(|maxconn| u32::try_from(maxconn.value).ok()) {
            if maxconn > 0 {
                new = new.maxconn(maxconn);
            }
        }
        if shown.is_backup {
            new = new.backup();
        }
        // Consistent hashing depends on the number.
        if let (Ok(id @ 1..), false) = (u32::try_from(*id), now.ids.contains(&(&**backend, *id))) {
            new = new.id(id);
        }
        if let Some(cookie) = &shown.cookie {
            new = new.cookie(cookie.clone());
        }
        if self.server.health_check.is_some() {
            new = new.check(self.health_check());
        }
        match (self.server.agent_check, shown.agent_port) {
            (Some(_), Some(port)) => {
                let agent = AgentCheck::new(port);
                new.agent(match shown.agent_address {
                    Some(address) => agent.address(address),
                    None => agent,
                })
            }
            _ => new,
        }
    }

    fn health_check(&self) -> HealthCheck {
        let shown = &self.server.shown;
        let mut check = HealthCheck::new();
        if let Some(rise) = shown.check_rise {
            check = check.rise(rise);
        }
        if let Some(fall) = shown.check_fall {
            check = check.fall(fall);
        }
        if let Some(port) = shown.check_port {
            check = check.port(port);
        }
        match shown.check_address {
            Some(address) => check.address(address),
            None => check,
        }
    }

    fn verb(&self, verb: &str) -> Command {
        Command::write(verb).word(self.name).refused_when_stopping()
    }

    fn set(&self) -> Command {
        self.verb("set server")
    }

    fn change(&mut self, setting: SettingName, from: impl Display, to: impl Display, command: Command) {
        self.plan.changes.push(SettingChange {
            backend: self.server.backend.clone(),
            server: self.server.name.clone(),
            setting,
            from: Some(from.to_string().into()),
            to: to.to_string().into(),
            command,
        });
    }

    fn leave(
        &mut self,
        setting: SettingName,
        remembered: impl Display,
        shown: Option<impl Display>,
        reason: LeftReason,
    ) {
        self.plan.left.push(SettingLeft {
            backend: self.server.backend.clone(),
            server: self.server.name.clone(),
            setting,
            remembered: remembered.to_string().into(),
            shown: shown.map(|shown| shown.to_string().into()),
            reason,
        });
    }
}
