use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use super::admin_state::AdminState;
use crate::error::Malformed;
use crate::show::scan;

/// State of a server in one process, from `show servers state`. The administrative state (requested
/// by the operator) and the operational state (found by HAProxy) are separate.
///
/// # Example
///
/// ```no_run
/// # async fn example(server: haproxyadmin::ServerRef) -> haproxyadmin::Result<()> {
/// let states = server.fetch_state().await?;
/// for (_, state) in states.values() {
///     println!("{}/{} {} {}", state.backend, state.name, state.operational, state.administrative);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ServerState {
    /// Name of the backend.
    pub backend: Box<str>,
    /// Name of the server.
    pub name: Box<str>,
    /// Number of the backend in its process: `be_id`, the column `iid` of `show stat`.
    pub backend_id: u64,
    /// Number of the server in its backend and process: `srv_id`, the column `sid` of `show stat`. 0
    /// if the backend is `disabled` in the configuration.
    ///
    /// Between two moments, a server of one process is the same if process, `backend_id` and `id`
    /// are the same. A server that is added after another one was deleted can have the deleted
    /// server's number.
    pub id: u64,
    /// Operational state.
    pub operational: OperationalState,
    /// Administrative state, with its reasons.
    pub administrative: AdminFlags,
    /// IP address; `None` if it is not resolved, or not an IP address.
    pub address: Option<IpAddr>,
    /// Port; 0 if the server is reached on the port that the client connected to. If the server
    /// uses the client's port plus an offset (`server s 192.0.2.1:+10`), this is the offset, or
    /// `None` if the offset is negative.
    pub port: Option<u16>,
    /// Host name that the address is resolved from.
    pub fqdn: Option<Box<str>>,
    /// Requested weight: the value set at run time, or the initial one.
    pub weight: u64,
    /// Initial weight, from the configuration.
    pub initial_weight: u64,
    /// `true` if the health checks are on, `false` if they were turned off at run time, or not turned on
    /// since the server was added. `None` if the server has no health check. The checks of a server in
    /// maintenance are paused, and still on.
    pub health_check: Option<bool>,
    /// The same for the agent checks.
    pub agent_check: Option<bool>,
    /// Port of the health checks; `None` if it is the port of the server, or if HAProxy is older than 2.4.
    pub check_port: Option<u16>,
    /// Address of the health checks; `None` if it is the address of the server, or if HAProxy is older
    /// than 2.4.
    pub check_address: Option<IpAddr>,
    /// Port of the agent; `None` if the server has no agent check, or if HAProxy is older than 2.4.
    pub agent_port: Option<u16>,
    /// Address of the agent; `None` if it is the address of the server, or if HAProxy is older than 2.4.
    pub agent_address: Option<IpAddr>,
    /// `true` if HAProxy uses TLS to the server. `None` before HAProxy 2.4.
    pub tls: Option<bool>,
    /// Time since the last change of the operational state.
    pub since: Duration,
}

/// Operational state of a server, as HAProxy knows it from health checks and from the tracked
/// server.
///
/// # Example
///
/// ```no_run
/// use haproxyadmin::server::OperationalState;
///
/// # async fn example(server: haproxyadmin::ServerRef) -> haproxyadmin::Result<()> {
/// for (_, state) in server.fetch_state().await?.values() {
///     if state.operational == OperationalState::Stopped {
///         println!("{}/{} is down", state.backend, state.name);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum OperationalState {
    /// Down.
    Stopped,
    /// Up, with a growing share of traffic (`slowstart`).
    Starting,
    /// Up.
    Running,
    /// Up, but takes only requests that are bound to it by persistence.
    Stopping,
    /// A number that this crate does not know.
    Other(u8),
}

/// Administrative state of a server with its reasons: the bits of `srv_admin_state` (management
/// manual, 9.3).
///
/// # Example
///
/// ```no_run
/// # async fn example(server: haproxyadmin::ServerRef) -> haproxyadmin::Result<()> {
/// for (_, state) in server.fetch_state().await?.values() {
///     let flags = state.administrative;
///     println!("{} forced: {}", flags.state(), flags.is_forced_maint());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AdminFlags(u8);

impl AdminFlags {
    /// Returns the state that follows from the bits: maintenance if a bit asks for it, otherwise
    /// drain if a bit asks for that. [`is_config_maint`](Self::is_config_maint) asks for neither.
    pub fn state(self) -> AdminState {
        match self.0 {
            bits if bits & (FORCED_MAINT | INHERITED_MAINT | RESOLUTION_MAINT) != 0 => AdminState::Maint,
            bits if bits & (FORCED_DRAIN | INHERITED_DRAIN) != 0 => AdminState::Drain,
            _ => AdminState::Ready,
        }
    }

    /// Returns the state that `set server B/S state` has set or would leave: maintenance and drain for
    /// other reasons do not count.
    pub(crate) fn set_state(self) -> AdminState {
        match (self.is_forced_maint(), self.is_forced_drain()) {
            (true, _) => AdminState::Maint,
            (false, true) => AdminState::Drain,
            _ => AdminState::Ready,
        }
    }

    /// Returns the bits as HAProxy prints them.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// Returns `true` if the server was put into maintenance at run time.
    pub fn is_forced_maint(self) -> bool {
        self.0 & FORCED_MAINT != 0
    }

    /// Returns `true` if the server is in maintenance because the server that it tracks is.
    pub fn is_inherited_maint(self) -> bool {
        self.0 & INHERITED_MAINT != 0
    }

    /// Returns `true` if the configuration has the server `disabled`. This stays `true` when the
    /// server is made ready; until then, [`is_forced_maint`](Self::is_forced_maint) returns `true`
    /// too.
    pub fn is_config_maint(self) -> bool {
        self.0 & CONFIG_MAINT != 0
    }

    /// Returns `true` if the server is in maintenance because its name cannot be resolved.
    pub fn is_resolution_maint(self) -> bool {
        self.0 & RESOLUTION_MAINT != 0
    }

    /// Returns `true` if the server was put into drain at run time.
    pub fn is_forced_drain(self) -> bool {
        self.0 & FORCED_DRAIN != 0
    }

    /// Returns `true` if the server is in drain because the server that it tracks is.
    pub fn is_inherited_drain(self) -> bool {
        self.0 & INHERITED_DRAIN != 0
    }

    /// Returns `true` if the host name of the server was set at run time.
    pub fn is_fqdn_set(self) -> bool {
        self.0 & FQDN_SET != 0
    }
}

impl ServerState {
    /// Reads the reply to `show servers state`.
    pub(crate) fn read(reply: impl AsRef<[u8]>) -> Result<Vec<Self>, Malformed> {
        let text = &*scan::text(reply.as_ref());
        let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
        match lines.next() {
            Some((_, "1")) => {}
            Some((at, found)) => return Err(Malformed::new(at, None, "format 1", found.as_bytes())),
            None => return Err(Malformed::new(1, None, "format 1", b"")),
        }
        let header = lines.next().and_then(|(_, line)| line.strip_prefix("# ")).unwrap_or_default();
        let columns = Columns::new(header);
        let mut states = Vec::with_capacity(text.bytes().filter(|byte| *byte == b'\n').count());
        let mut texts = Vec::with_capacity(columns.count);
        for (line, row) in lines.filter(|(_, line)| !line.is_empty()) {
            texts.clear();
            texts.extend(scan::split(row, b' '));
            if texts.len() != columns.count {
                return Err(Malformed::new(line, None, "a cell for each column", row.as_bytes()));
            }
            states.push(Cells { line, texts: &texts }.state(&columns)?);
        }
        Ok(states)
    }
}

impl ServerState {
    /// Returns `true` if this is no server of the configuration, but a worker in the list that HAProxy 2.2
    /// keeps under a master: the servers `cur-1` and `old-PID` of a backend `MASTER`, without an address.
    pub(crate) fn is_worker(&self) -> bool {
        let number = self.name.strip_prefix("cur-").or_else(|| self.name.strip_prefix("old-"));
        let is_number = number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
        &*self.backend == "MASTER" && is_number && self.address.is_none() && self.port == Some(0)
    }
}

/// A column, and its position if the release has it.
#[derive(Clone, Copy)]
struct Column {
    name: &'static str,
    position: Option<usize>,
}

macro_rules! columns {
    ($($name:ident)*) => {
        /// The columns that are read, found once for all rows.
        struct Columns {
            /// Number of columns of the release.
            count: usize,
            $($name: Column,)*
        }

        impl Columns {
            fn new(header: &str) -> Self {
                let find = |name| {
                    Column { name, position: header.split(' ').position(|column| column == name) }
                };
                Self { count: header.split(' ').count(), $($name: find(stringify!($name)),)* }
            }
        }
    };
}

columns! {
    be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight
    srv_time_since_last_change srv_check_state srv_agent_state srv_fqdn srv_port srv_use_ssl
    srv_check_port srv_check_addr srv_agent_addr srv_agent_port
}

/// The cells of one line.
struct Cells<'a> {
    line: usize,
    texts: &'a [&'a str],
}

impl<'a> Cells<'a> {
    fn state(&self, columns: &Columns) -> Result<ServerState, Malformed> {
        let fqdn = self.text(columns.srv_fqdn)?;
        Ok(ServerState {
            backend: self.text(columns.be_name)?.into(),
            name: self.text(columns.srv_name)?.into(),
            backend_id: self.number(columns.be_id)?,
            id: self.number(columns.srv_id)?,
            operational: OperationalState::from_number(self.number(columns.srv_op_state)?),
            administrative: AdminFlags(self.number(columns.srv_admin_state)?),
            address: self.text(columns.srv_addr)?.parse().ok(),
            port: u16::try_from(self.number::<u32>(columns.srv_port)?).ok(),
            fqdn: (fqdn != NONE).then(|| fqdn.into()),
            weight: self.number(columns.srv_uweight)?,
            initial_weight: self.number(columns.srv_iweight)?,
            health_check: self.check(columns.srv_check_state)?,
            agent_check: self.check(columns.srv_agent_state)?,
            check_port: self.later(columns.srv_check_port)?.filter(|port| *port > 0),
            check_address: self.later_address(columns.srv_check_addr),
            agent_port: self.later(columns.srv_agent_port)?.filter(|port| *port > 0),
            agent_address: self.later_address(columns.srv_agent_addr),
            // -1 stands for TLS that is turned off and can be turned on.
            tls: self.later::<i8>(columns.srv_use_ssl)?.map(|tls| tls > 0),
            since: Duration::from_secs(self.number(columns.srv_time_since_last_change)?),
        })
    }

    fn text(&self, column: Column) -> Result<&'a str, Malformed> {
        let cell = column.position.and_then(|position| self.texts.get(position).copied());
        cell.ok_or_else(|| Malformed::new(2, Some(column.name), "a column of that name", b""))
    }

    /// Returns `true` if a check is on, and `None` if the server has no such check.
    fn check(&self, column: Column) -> Result<Option<bool>, Malformed> {
        let bits: u32 = self.number(column)?;
        Ok((bits & CHECK_CONFIGURED != 0).then_some(bits & CHECK_ENABLED != 0))
    }

    /// Reads the number in a column that older releases do not have.
    fn later<T: std::str::FromStr>(&self, column: Column) -> Result<Option<T>, Malformed> {
        column.position.map(|_| self.number(column)).transpose()
    }

    fn later_address(&self, column: Column) -> Option<IpAddr> {
        self.text(column).ok().filter(|text| *text != NONE)?.parse().ok()
    }

    fn number<T: std::str::FromStr>(&self, column: Column) -> Result<T, Malformed> {
        let text = self.text(column)?;
        let malformed = |_| Malformed::new(self.line, Some(column.name), "a whole number", text.as_bytes());
        text.parse().map_err(malformed)
    }
}

impl OperationalState {
    fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Stopped,
            1 => Self::Starting,
            2 => Self::Running,
            3 => Self::Stopping,
            other => Self::Other(other),
        }
    }
}

impl fmt::Display for OperationalState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.pad("stopped"),
            Self::Starting => f.pad("starting"),
            Self::Running => f.pad("running"),
            Self::Stopping => f.pad("stopping"),
            Self::Other(number) => number.fmt(f),
        }
    }
}

impl fmt::Display for AdminFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.state().fmt(f)
    }
}

/// Text of a cell without a value.
const NONE: &str = "-";

const FORCED_MAINT: u8 = 0x01;
const INHERITED_MAINT: u8 = 0x02;
const CONFIG_MAINT: u8 = 0x04;
const FORCED_DRAIN: u8 = 0x08;
const INHERITED_DRAIN: u8 = 0x10;
const RESOLUTION_MAINT: u8 = 0x20;
const FQDN_SET: u8 = 0x40;

const CHECK_CONFIGURED: u32 = 0x02;
const CHECK_ENABLED: u32 = 0x04;

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight \
        srv_iweight srv_time_since_last_change srv_check_state srv_agent_state srv_fqdn srv_port later\n\
        8 app 1 web1 2001:db8::1 2 9 100 50 158 10 22 - 18001 x\n\
        8 app 2 web2 - 0 36 1 1 5 8 0 host.example 0 x\n\n";

    #[test]
    fn columns_are_found_by_name() {
        let states = ServerState::read(TEXT).unwrap();
        let [web1, web2] = states.as_slice() else { panic!("{states:?}") };
        assert_eq!((&*web1.name, web1.address, web1.port), ("web1", "2001:db8::1".parse().ok(), Some(18001)));
        assert_eq!((web1.backend_id, web1.id, web2.id), (8, 1, 2));
        assert_eq!((web1.weight, web1.initial_weight, &web1.fqdn), (100, 50, &None));
        assert_eq!(
            (web1.operational, web1.administrative.state()),
            (OperationalState::Running, AdminState::Maint)
        );
        assert!(web1.administrative.is_forced_drain() && web1.administrative.is_forced_maint());
        assert_eq!((web2.address, web2.fqdn.as_deref()), (None, Some("host.example")));
        assert!(web2.administrative.is_resolution_maint() && web2.administrative.is_config_maint());
    }

    #[test]
    fn checks_are_on_or_off_or_not_there() {
        let states = ServerState::read(TEXT).unwrap();
        let checks: Vec<_> = states.iter().map(|state| (state.health_check, state.agent_check)).collect();
        assert_eq!(checks, [(Some(false), Some(true)), (None, None)]);
        let unknown = &states[0];
        assert_eq!((unknown.check_port, unknown.agent_port, unknown.tls), (None, None, None));
        let text =
            TEXT.replace("later", "srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port");
        let states = ServerState::read(text.replace(" x", " 1 0 - 192.0.2.1 9")).unwrap();
        let known = &states[0];
        assert_eq!((known.check_port, known.check_address, known.tls), (None, None, Some(true)));
        assert_eq!((known.agent_port, known.agent_address), (Some(9), "192.0.2.1".parse().ok()));
        let off = ServerState::read(text.replace(" x", " -1 0 - - 0")).unwrap();
        assert_eq!((off[0].tls, off[0].agent_port), (Some(false), None));
    }

    #[test]
    fn a_negative_offset_is_no_port() {
        let states = ServerState::read(TEXT.replace("18001", "4294967286")).unwrap();
        assert_eq!((states[0].port, states[1].port), (None, Some(0)));
    }

    #[test]
    fn the_workers_that_2_2_lists_are_known() {
        let text = TEXT.replace("8 app", "8 MASTER").replace("web1", "cur-1").replace("web2", "old-25482");
        let are_workers = |text: &str| {
            let states = ServerState::read(text).unwrap();
            states.iter().map(ServerState::is_worker).collect::<Vec<_>>()
        };
        assert_eq!(are_workers(&text), [false, true]);
        assert_eq!(are_workers(&text.replace("2001:db8::1", "-").replace("18001", "0")), [true, true]);
        assert_eq!(are_workers(TEXT), [false, false]);
        assert_eq!(are_workers(&text.replace("old-25482", "old-web")), [false, false]);
    }

    #[test]
    fn a_server_disabled_by_configuration_can_be_ready() {
        assert_eq!(AdminFlags(CONFIG_MAINT).state(), AdminState::Ready);
        assert_eq!(AdminFlags(CONFIG_MAINT | FORCED_MAINT).state(), AdminState::Maint);
        assert_eq!(AdminFlags(INHERITED_DRAIN).state(), AdminState::Drain);
    }

    #[test]
    fn malformed_states_are_errors() {
        for (text, message) in [
            ("", "line 1: expected format 1, found \"\""),
            ("2\n", "line 1: expected format 1, found \"2\""),
            ("1\n# be_name\na b\n", "line 3: expected a cell for each column, found \"a b\""),
            ("1\n# be_name\na\n", "line 2, column \"srv_fqdn\": expected a column of that name, found \"\""),
            (
                &TEXT.replace("158", "x"),
                "line 3, column \"srv_time_since_last_change\": expected a whole number, found \"x\"",
            ),
        ] {
            assert_eq!(ServerState::read(text).unwrap_err().to_string(), message);
        }
    }
}
