mod check;
mod proxy;

pub(in crate::fake) use proxy::{Proxy, word};

use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, Ordering};

use super::cells::Cells;
use super::certificate::{AuthorityFile, Certificate, Certificates, CrtList};
use super::ocsp::{KnownResponse, OcspResponse};
use super::pattern::Pattern;
use super::report::{Resolvers, Ring};
use super::{Backend, Frontend, Server, Session, Table, Value};
use crate::Version;
use crate::fake::describe::pattern::{Acl, Map};
use crate::field::RowKind;
use crate::info::TextReport;
use crate::level::Level;

/// The description of one HAProxy process: its proxies, maps and ACLs, and its values of
/// `show info`.
///
/// The methods only record values and can be chained. [`serve`](Process::serve) checks the whole
/// description; if no HAProxy process could match it, it fails and names the mistake.
///
/// # Example
///
/// Process 3 of a HAProxy 2.2 with `nbproc 4`:
///
/// ```
/// use haproxyadmin::fake::{Backend, Frontend, Process, Server};
///
/// let process = Process::new("2.2.9")
///     .number(3)
///     .nbproc(4)
///     .pid(1003)
///     .info("CumReq", 9)
///     .frontend(Frontend::new("web").set("req_tot", 12))
///     .backend(Backend::new("app").server(Server::new("web1").check("L4OK").set("stot", 5)));
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Process {
    pub(in crate::fake) version: Version,
    pub(in crate::fake) number: u32,
    pub(in crate::fake) nbproc: u32,
    pub(in crate::fake) pid: u32,
    pub(in crate::fake) level: Level,
    pub(in crate::fake) is_exposed: bool,
    pub(in crate::fake) info: Cells,
    pub(in crate::fake) proxies: Vec<Proxy>,
    pub(in crate::fake) patterns: Vec<Pattern>,
    pub(in crate::fake) sessions: Vec<Session>,
    pub(in crate::fake) certificates: Certificates,
    pub(in crate::fake) tables: Vec<Table>,
    pub(in crate::fake) defaults: Vec<Box<str>>,
    pub(in crate::fake) rings: Vec<Ring>,
    pub(in crate::fake) resolvers: Vec<Resolvers>,
    reports: Vec<(TextReport, Box<str>)>,
    /// Number of the backend that a command added last: HAProxy looks for a free one from there on.
    pub(in crate::fake) last_iid: i64,
    /// Set at the start if health checks of a server take time.
    pub(in crate::fake) has_counters: bool,
}

impl Process {
    /// Creates a process of this release, such as `2.6.12` or `3.4`, without proxies.
    ///
    /// By default it is number 1 of 1, its level is `admin`, and its process id is different from
    /// the default of every other process in this program.
    pub fn new(version: &str) -> Self {
        Self {
            version: Version::parse(version),
            number: 1,
            nbproc: 1,
            pid: NEXT_PID.fetch_add(1, Ordering::Relaxed),
            level: Level::Admin,
            is_exposed: false,
            info: Cells::default(),
            proxies: Vec::new(),
            patterns: Vec::new(),
            sessions: Vec::new(),
            certificates: Certificates::default(),
            tables: Vec::new(),
            defaults: Vec::new(),
            rings: Vec::new(),
            resolvers: Vec::new(),
            reports: Vec::new(),
            last_iid: 0,
            has_counters: false,
        }
    }

    /// Adds a named `defaults` section, from which `add backend` makes backends.
    pub fn defaults(mut self, name: impl Into<Box<str>>) -> Self {
        self.defaults.push(name.into());
        self
    }

    /// Sets its number among the processes of one HAProxy: `Process_num`, and the column `pid`.
    pub fn number(mut self, number: u32) -> Self {
        self.number = number;
        self
    }

    /// Sets the number of processes that its HAProxy runs. Only releases before 2.5 allow more than
    /// 1.
    pub fn nbproc(mut self, processes: u32) -> Self {
        self.nbproc = processes;
        self
    }

    /// Sets its process id.
    pub fn pid(mut self, pid: u32) -> Self {
        self.pid = pid;
        self
    }

    /// Sets the name of its node. The default is `localhost`.
    pub fn node(self, name: &str) -> Self {
        self.info("node", name)
    }

    /// Sets the level of its first socket, which decides the commands that the socket permits.
    pub fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Allows TCP addresses outside the loopback interface, open to every host that can reach them.
    pub fn exposed(mut self) -> Self {
        self.is_exposed = true;
        self
    }

    /// Sets a key of `show info`, spelt as HAProxy spells it.
    pub fn info(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.info.set(key, value.into());
        self
    }

    /// Adds a frontend. Proxies are listed in the order in which they are added.
    pub fn frontend(mut self, frontend: Frontend) -> Self {
        let proxy = self.proxy(&frontend.name, |proxy| proxy.frontend.is_none());
        proxy.frontend = Some(frontend);
        self
    }

    /// Adds a backend. With a frontend of the same name, it forms a `listen`: one proxy with one
    /// number (`iid`).
    pub fn backend(mut self, backend: Backend) -> Self {
        let proxy = self.proxy(&backend.name, |proxy| proxy.backend.is_none());
        proxy.backend = Some(backend);
        self
    }

    /// Adds a map. Maps and ACLs are listed and numbered in the order in which they are added.
    pub fn map(mut self, map: Map) -> Self {
        self.patterns.push(map.0);
        self
    }

    /// Adds an ACL.
    pub fn acl(mut self, acl: Acl) -> Self {
        self.patterns.push(acl.0);
        self
    }

    /// Adds a TLS certificate.
    pub fn certificate(mut self, certificate: Certificate) -> Self {
        self.certificates.list.push(certificate);
        self
    }

    /// Adds a CA file.
    pub fn ca_file(mut self, file: AuthorityFile) -> Self {
        self.certificates.ca_files.list.push(file);
        self
    }

    /// Adds a CRL file.
    pub fn crl_file(mut self, file: AuthorityFile) -> Self {
        self.certificates.crl_files.list.push(file);
        self
    }

    /// Adds a crt-list. Its certificates must be described too.
    pub fn crt_list(mut self, list: CrtList) -> Self {
        self.certificates.crt_lists.push(list);
        self
    }

    /// Adds a PEM text that `set ssl cert` can read, with the lines from `Serial` to `Issuer` that
    /// `show ssl cert NAME` then prints. For `set ssl ca-file` and `set ssl crl-file`, the lines are the
    /// ones of [`AuthorityFile::blocks`]. Any other text is refused.
    pub fn pem(mut self, pem: &str, details: impl Into<Box<str>>) -> Self {
        self.certificates.add_pem(pem, details.into());
        self
    }

    /// Adds a certificate of which the process staples OCSP responses.
    pub fn ocsp_response(mut self, response: OcspResponse) -> Self {
        self.certificates.ocsp.push(response);
        self
    }

    /// Adds an OCSP response that `set ssl ocsp-response` can read, with the ID of its certificate in
    /// hexadecimal digits and the text that `show ssl ocsp-response ID` then prints. Any other response is
    /// refused.
    pub fn ocsp_der(mut self, der: &[u8], id: &str, text: impl Into<Box<str>>) -> Self {
        self.certificates.known_responses.push(KnownResponse::new(der, id, text.into()));
        self
    }

    /// Adds a session. Its frontend, backend and server must be described too.
    pub fn session(mut self, mut session: Session) -> Self {
        session.id = FIRST_SESSION + SESSION_SIZE * self.sessions.len() as u64;
        self.sessions.push(session);
        self
    }

    /// Adds a stick table. HAProxy lists the last table of the configuration first.
    pub fn table(mut self, table: Table) -> Self {
        self.tables.push(table);
        self
    }

    /// Adds a ring. The rings that every process has are there already.
    pub fn ring(mut self, ring: Ring) -> Self {
        self.rings.push(ring);
        self
    }

    /// Adds a section `resolvers`.
    pub fn resolvers(mut self, resolvers: Resolvers) -> Self {
        self.resolvers.push(resolvers);
        self
    }

    /// Sets the text of a report, which ends with a line feed. The defaults are the first lines that
    /// HAProxy prints. The texts of `show cache`, `show tls-keys` and `show version` cannot be set.
    pub fn text_report(mut self, report: TextReport, text: impl Into<Box<str>>) -> Self {
        self.reports.push((report, text.into()));
        self
    }

    /// Returns the text that was set.
    pub(in crate::fake) fn report(&self, report: TextReport) -> Option<&str> {
        let set = self.reports.iter().rev().find(|(found, _)| *found == report);
        set.map(|(_, text)| &**text)
    }

    /// Adds the rings that every process has.
    pub(in crate::fake) fn add_rings(&mut self) {
        let mut rings = Ring::built_in(&self.version);
        rings.retain(|ring| self.rings.iter().all(|own| own.name != ring.name));
        rings.append(&mut self.rings);
        self.rings = rings;
    }

    /// Begins the health checks that take time.
    pub(in crate::fake) fn begin_checks(&mut self) {
        for backend in self.proxies.iter_mut().filter_map(|proxy| proxy.backend.as_mut()) {
            for server in &mut backend.servers {
                self.has_counters |= server.counter.is_some();
                server.begin_checks(&self.version);
            }
        }
    }

    /// Gives the next free numbers to the maps and ACLs that have no number.
    pub(in crate::fake) fn number_patterns(&mut self) {
        let mut taken: HashSet<u32> = self.patterns.iter().filter_map(|pattern| pattern.id).collect();
        let mut next = 0;
        for pattern in self.patterns.iter_mut().filter(|pattern| pattern.id.is_none()) {
            while !taken.insert(next) {
                next += 1;
            }
            pattern.id = Some(next);
        }
    }

    fn proxy(&mut self, name: &str, has_room: impl Fn(&Proxy) -> bool) -> &mut Proxy {
        let found = self.proxies.iter().position(|proxy| *proxy.name == *name && has_room(proxy));
        let index = found.unwrap_or(self.proxies.len());
        if found.is_none() {
            self.proxies.push(Proxy { name: name.into(), frontend: None, backend: None });
        }
        // The index was just found, or is the index of the proxy just pushed.
        #[allow(clippy::indexing_slicing)]
        &mut self.proxies[index]
    }

    /// Returns the settings of every object.
    pub(in crate::fake) fn all_cells_mut(&mut self) -> impl Iterator<Item = &mut Cells> {
        self.proxies.iter_mut().flat_map(|proxy| {
            let frontend = proxy.frontend.iter_mut().flat_map(|frontend| {
                let listeners = frontend.listeners.iter_mut().map(|listener| &mut listener.cells);
                listeners.chain([&mut frontend.cells])
            });
            let backend = proxy.backend.iter_mut().flat_map(|backend| {
                backend.servers.iter_mut().map(|server| &mut server.cells).chain([&mut backend.cells])
            });
            frontend.chain(backend)
        })
    }

    /// Returns the settings of one object. `name` is the name of a listener or server without its
    /// proxy.
    pub(in crate::fake) fn cells_mut(
        &mut self,
        kind: RowKind,
        proxy: &str,
        name: &str,
    ) -> Option<&mut Cells> {
        let mut proxies = self.proxies.iter_mut().filter(|one| *one.name == *proxy);
        proxies.find_map(|found| match kind {
            RowKind::Frontend => Some(&mut found.frontend.as_mut()?.cells),
            RowKind::Backend => Some(&mut found.backend.as_mut()?.cells),
            RowKind::Listener => {
                let listeners = &mut found.frontend.as_mut()?.listeners;
                Some(&mut listeners.iter_mut().find(|one| *one.name == *name)?.cells)
            }
            RowKind::Server => Some(&mut found.server_mut(name)?.cells),
            RowKind::Other => None,
        })
    }

    pub(in crate::fake) fn server_mut(&mut self, backend: &str, name: &str) -> Option<&mut Server> {
        let mut proxies = self.proxies.iter_mut().filter(|proxy| *proxy.name == *backend);
        proxies.find_map(|proxy| proxy.server_mut(name))
    }
}

/// The default process id of the next process.
static NEXT_PID: AtomicU32 = AtomicU32::new(1001);

/// The id of the first session of a process, and the distance to the id of the next one.
const FIRST_SESSION: u64 = 0x7f00_0000_1000;
const SESSION_SIZE: u64 = 0x400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_and_acls_get_the_numbers_that_are_free() {
        let maps = Process::new("3.4").map(Map::new("a")).map(Map::new("b").id(0)).acl(Acl::new("c"));
        let mut process = maps.acl(Acl::unnamed(1));
        process.check().unwrap();
        process.number_patterns();
        let numbers: Vec<_> = process.patterns.iter().filter_map(|pattern| pattern.id).collect();
        assert_eq!(numbers, [2, 0, 3, 1]);
    }

    #[test]
    fn a_frontend_and_a_backend_of_one_name_are_one_proxy() {
        let both = Process::new("3.4").frontend(Frontend::new("both")).backend(Backend::new("both"));
        both.check().unwrap();
        assert_eq!(both.proxies.len(), 1);
    }
}
