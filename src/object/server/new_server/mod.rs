//! The description of a server to add.

mod agent_check;
mod health_check;
mod tls;

pub use agent_check::AgentCheck;
pub use health_check::HealthCheck;
pub use tls::Tls;

use std::net::SocketAddr;

use super::{Weight, checked};
use crate::error::{Error, Result};
use crate::protocol::{Command, ServerName};

/// Description of a server to add while HAProxy runs:
/// [`BackendRef::add_server`](crate::BackendRef::add_server), or
/// [`BackendRef::take_slot`](crate::BackendRef::take_slot), which accepts only an address and a weight.
///
/// HAProxy does not apply `default-server` of the backend to such a server. A setting that is not
/// in the description has HAProxy's default.
///
/// The address is an IP address. HAProxy accepts a host name too, but never resolves the name of a
/// server that was added at run time: the server would be up without an address.
///
/// # Example
///
/// ```
/// use haproxyadmin::server::{HealthCheck, NewServer};
///
/// let web9 = NewServer::new("192.0.2.9:80".parse()?).weight(50).maxconn(200).check(HealthCheck::new());
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct NewServer {
    address: SocketAddr,
    weight: Option<u32>,
    maxconn: Option<u32>,
    backup: bool,
    id: Option<u32>,
    guid: Option<Box<str>>,
    cookie: Option<Box<str>>,
    check: Option<HealthCheck>,
    agent: Option<AgentCheck>,
    tls: Option<Tls>,
    words: Vec<Box<str>>,
}

/// Greatest weight of a server.
const GREATEST_WEIGHT: u32 = 256;

impl NewServer {
    /// Describes a server at this address. The port must not be 0.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            weight: None,
            maxconn: None,
            backup: false,
            id: None,
            guid: None,
            cookie: None,
            check: None,
            agent: None,
            tls: None,
            words: Vec::new(),
        }
    }

    /// Sets the weight, from 0 to 256: `weight`. HAProxy's default is 1.
    pub fn weight(mut self, weight: u32) -> Self {
        self.weight = Some(weight);
        self
    }

    /// Sets the number of requests that the server handles at once, in each process: `maxconn`.
    /// HAProxy's default is 0, which is no limit.
    pub fn maxconn(mut self, requests: u32) -> Self {
        self.maxconn = Some(requests);
        self
    }

    /// Makes it a backup server, which takes traffic while no other server is up: `backup`.
    pub fn backup(mut self) -> Self {
        self.backup = true;
        self
    }

    /// Sets the number of the server in its backend, 1 or more: `id`. By default each process takes
    /// the first free number.
    pub fn id(mut self, id: u32) -> Self {
        self.id = Some(id);
        self
    }

    /// Sets the identifier that is unique in its process: `guid`. Needs HAProxy 3.0.
    pub fn guid(mut self, guid: impl Into<Box<str>>) -> Self {
        self.guid = Some(guid.into());
        self
    }

    /// Sets the value of the persistence cookie: `cookie`. Needs HAProxy 3.0.
    pub fn cookie(mut self, cookie: impl Into<Box<str>>) -> Self {
        self.cookie = Some(cookie.into());
        self
    }

    /// Adds health checks, which run as soon as the server is enabled: `check`.
    pub fn check(mut self, check: HealthCheck) -> Self {
        self.check = Some(check);
        self
    }

    /// Adds agent checks, which run as soon as the server is enabled: `agent-check`.
    pub fn agent(mut self, agent: AgentCheck) -> Self {
        self.agent = Some(agent);
        self
    }

    /// Makes HAProxy use TLS to the server: `ssl`.
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Adds one more word of a server line, for a setting without a method:
    /// `word("slowstart").word("5s")`.
    ///
    /// The word is escaped, and is redacted in errors. HAProxy refuses words that it does not know,
    /// and words that only the configuration may use, such as `resolvers`. `check` and `agent-check`
    /// are refused here, because the call would not start the checks.
    pub fn word(mut self, word: impl Into<Box<str>>) -> Self {
        self.words.push(word.into());
        self
    }

    pub(super) fn has_check(&self) -> bool {
        self.check.is_some()
    }

    pub(super) fn has_agent(&self) -> bool {
        self.agent.is_some()
    }

    /// Returns the command that adds the server.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` if a number, a time or a word is not valid.
    pub(crate) fn command(&self, name: &ServerName) -> Result<Command> {
        let mut command = Command::write_once("add server").word(name).since(FIRST);
        checked(self.address.port())?;
        command = command.word(self.address);
        if let Some(weight) = self.checked_weight()? {
            command = command.word("weight").word(weight);
        }
        if let Some(requests) = self.maxconn {
            command = command.word("maxconn").word(requests);
        }
        if self.backup {
            command = command.word("backup");
        }
        if let Some(id) = self.id {
            command = command.word("id").word(id);
        }
        for (word, value) in [("guid", &self.guid), ("cookie", &self.cookie)] {
            if let Some(value) = value {
                command = command.word(word).text(value)?.since((3, 0));
            }
        }
        if let Some(check) = &self.check {
            command = check.add_to(command)?;
        }
        if let Some(agent) = &self.agent {
            command = agent.add_to(command)?;
        }
        if let Some(tls) = &self.tls {
            command = tls.add_to(command)?;
        }
        for word in &self.words {
            if matches!(&**word, "check" | "agent-check") {
                return Err(Error::invalid(format!("word {word:?}: the checks have a method of their own")));
            }
            command = command.secret(word)?;
        }
        Ok(command)
    }

    fn checked_weight(&self) -> Result<Option<u32>> {
        match self.weight {
            Some(weight) if weight > GREATEST_WEIGHT => {
                Err(Error::invalid(format!("weight {weight}: expected 0 to {GREATEST_WEIGHT}")))
            }
            weight => Ok(weight),
        }
    }

    /// Returns the address and the weight, which are all that a slot can take.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` if a number is not valid, or if the description has another setting.
    pub(super) fn for_slot(&self) -> Result<(SocketAddr, Weight)> {
        let settings = [
            ("maxconn", self.maxconn.is_some()),
            ("backup", self.backup),
            ("id", self.id.is_some()),
            ("guid", self.guid.is_some()),
            ("cookie", self.cookie.is_some()),
            ("check", self.check.is_some()),
            ("agent-check", self.agent.is_some()),
            ("ssl", self.tls.is_some()),
            // The words themselves may be secret.
            ("word", !self.words.is_empty()),
        ];
        if let Some((name, _)) = settings.iter().find(|(_, is_given)| *is_given) {
            let rule =
                "a slot has the settings of its `server-template` line, except the address and the weight";
            return Err(Error::invalid(format!("setting {name:?}: {rule}")));
        }
        checked(self.address.port())?;
        let weight = match self.checked_weight()? {
            Some(weight) => Weight::absolute(weight.into())?,
            None => Weight::percent(100),
        };
        Ok((self.address, weight))
    }
}

/// First release that adds and deletes servers. HAProxy 2.4 and 2.5 do so in experimental mode only.
pub(super) const FIRST: (u16, u16) = (2, 6);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::protocol::Form;

    fn server() -> NewServer {
        NewServer::new("192.0.2.9:80".parse().unwrap())
    }

    fn line(server: &NewServer) -> String {
        let command = server.command(&ServerName::new("app", "web9").unwrap()).unwrap();
        let request = command.encode(Form::AtPrompt).unwrap();
        String::from_utf8(request.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn settings_become_words() {
        assert_eq!(line(&server()), "add server app/web9 192.0.2.9:80\n");
        let check = HealthCheck::new().interval(Duration::from_secs(1)).rise(2).fall(4).port(81);
        let full = NewServer::new("[2001:db8::1]:443".parse().unwrap())
            .weight(0)
            .maxconn(5)
            .backup()
            .id(7)
            .guid("g")
            .cookie("c d")
            .check(check.address("::1".parse().unwrap()).tls())
            .agent(AgentCheck::new(9).interval(Duration::from_millis(1500)))
            .tls(Tls::verified("/ca file").sni("str(a)"))
            .word("slowstart")
            .word("5;s");
        assert_eq!(
            line(&full),
            "add server app/web9 [2001:db8::1]:443 weight 0 maxconn 5 backup id 7 guid g cookie c\\ d check inter \
             1000ms rise 2 fall 4 port 81 addr ::1 check-ssl agent-check agent-port 9 agent-inter 1500ms ssl verify \
             required ca-file /ca\\ file sni str(a) slowstart 5\\;s\n"
        );
        assert_eq!(
            line(&server().tls(Tls::unverified())),
            "add server app/web9 192.0.2.9:80 ssl verify none\n"
        );
    }

    #[test]
    fn settings_that_haproxy_would_misread_are_refused() {
        let name = ServerName::new("app", "web9").unwrap();
        for (server, message) in [
            (NewServer::new("192.0.2.9:0".parse().unwrap()), "port 0: expected 1 to 65535"),
            (server().weight(257), "weight 257: expected 0 to 256"),
            (server().check(HealthCheck::new().port(0)), "port 0: expected 1 to 65535"),
            (server().agent(AgentCheck::new(0)), "port 0: expected 1 to 65535"),
            (
                server().check(HealthCheck::new().interval(Duration::ZERO)),
                "time 0ns: expected whole milliseconds, 1 or more",
            ),
            (
                server().check(HealthCheck::new().interval(Duration::from_micros(1_500))),
                "time 1.5ms: expected whole milliseconds, 1 or more",
            ),
            (server().word("check"), "word \"check\": the checks have a method of their own"),
            (
                server().word(""),
                "`add server app/web9 192.0.2.9:80 ...`: an empty argument, which HAProxy has no way to express",
            ),
        ] {
            assert_eq!(server.command(&name).unwrap_err().to_string(), message);
        }
    }
}
