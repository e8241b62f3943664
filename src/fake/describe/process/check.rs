use std::collections::HashSet;

use super::{Process, word};
use crate::error::{Error, Result};
use crate::fake::describe::{Cells, Session, info, row};
use crate::field::RowKind;

impl Process {
    /// Returns an error if no HAProxy process could match the description.
    pub(in crate::fake) fn check(&self) -> Result<()> {
        let version = &self.version;
        if *version < (2, 2) {
            let text = format!("HAProxy {:?}: expected a release from 2.2 on", version.as_str());
            return Err(Error::invalid(text));
        }
        if self.nbproc > 1 && *version >= (2, 5) {
            return Err(Error::invalid(format!("HAProxy {version} has no `nbproc`")));
        }
        if !(1..=self.nbproc).contains(&self.number) {
            return Err(Error::invalid(format!("no process {} of {}", self.number, self.nbproc)));
        }
        for (key, value) in self.info.iter() {
            if let Some(problem) = info::problem(version, key, value) {
                return Err(Error::invalid(problem));
            }
        }
        let mut seen = HashSet::new();
        for pattern in &self.patterns {
            let what = || format!("{} {:?}", pattern.kind.word(), pattern.file);
            if let Some(problem) = pattern.problem() {
                return Err(Error::invalid(format!("{}: {problem}", what())));
            }
            let is_new = pattern.file.is_empty() || seen.insert(pattern.file.to_string());
            if !is_new || pattern.id.is_some_and(|id| !seen.insert(format!("#{id}"))) {
                return Err(Error::invalid(format!("{}: there are two of that name or number", what())));
            }
        }
        if let Some(problem) = self.sessions.iter().find_map(|session| self.problem(session)) {
            return Err(Error::invalid(problem));
        }
        let mut seen = HashSet::new();
        for (kind, name, cells) in self.objects() {
            let what = || format!("{} {name:?}", word(kind));
            if !name.split('/').all(is_name) {
                let text = "a name is made of letters, digits and `_.:-`";
                return Err(Error::invalid(format!("{}: {text}", what())));
            }
            if kind != RowKind::Listener && !seen.insert((kind, name.clone())) {
                return Err(Error::invalid(format!("{}: there are two of that name", what())));
            }
            for (column, value) in cells.iter() {
                if let Some(problem) = row::problem(kind, version, column, value) {
                    return Err(Error::invalid(format!("{}: {problem}", what())));
                }
            }
        }
        let backends = self.proxies.iter().filter_map(|proxy| proxy.backend.as_ref());
        let mut servers =
            backends.flat_map(|backend| backend.servers.iter().map(|server| (&backend.name, server)));
        match servers.find_map(|(backend, server)| Some((backend, server, server.problem()?))) {
            Some((backend, server, problem)) => {
                Err(Error::invalid(format!("server \"{backend}/{}\": {problem}", server.name)))
            }
            None => Ok(()),
        }
    }

    /// Returns every object that has a row, with its full name and its settings.
    fn objects(&self) -> impl Iterator<Item = (RowKind, String, &Cells)> {
        self.proxies.iter().flat_map(|proxy| {
            let frontend = proxy.frontend.iter().flat_map(|frontend| {
                let listeners = frontend.listeners.iter().map(|listener| {
                    (RowKind::Listener, format!("{}/{}", frontend.name, listener.name), &listener.cells)
                });
                listeners.chain([(RowKind::Frontend, frontend.name.to_string(), &frontend.cells)])
            });
            let backend = proxy.backend.iter().flat_map(|backend| {
                let servers = backend.servers.iter().map(|server| {
                    (RowKind::Server, format!("{}/{}", backend.name, server.name), &server.cells)
                });
                servers.chain([(RowKind::Backend, backend.name.to_string(), &backend.cells)])
            });
            frontend.chain(backend)
        })
    }

    /// Returns the reason why the process cannot have a session, or `None` if it can.
    fn problem(&self, session: &Session) -> Option<String> {
        let Session { frontend, backend, server, .. } = session;
        let what = |what: &str| Some(format!("session of {frontend:?}: there is no such {what}"));
        if !self.has(RowKind::Frontend, frontend, "") {
            return what("frontend");
        }
        let backend = backend.as_deref()?;
        if !self.has(RowKind::Backend, backend, "") {
            return what("backend");
        }
        if !self.has(RowKind::Server, backend, server.as_deref()?) {
            return what("server");
        }
        None
    }

    /// Returns `true` if an object is described. `name` is the name of a server without its backend.
    fn has(&self, kind: RowKind, proxy: &str, name: &str) -> bool {
        let full = if kind == RowKind::Server { format!("{proxy}/{name}") } else { proxy.to_owned() };
        self.objects().any(|(found, name, _)| found == kind && name == full)
    }
}

/// Returns `true` if HAProxy accepts a text as the name of a proxy, server or listener.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.:-".contains(c))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fake::{Acl, Backend, Frontend, Listener, Map, Server};

    fn refused(process: &Process) -> String {
        process.check().unwrap_err().to_string()
    }

    #[test]
    fn what_no_haproxy_could_have_is_refused() {
        let old = Process::new("2.6");
        for (process, message) in [
            (Process::new("1.8"), "HAProxy \"1.8\": expected a release from 2.2 on"),
            (Process::new("new"), "HAProxy \"new\": expected a release from 2.2 on"),
            (Process::new("2.6").nbproc(2), "HAProxy 2.6 has no `nbproc`"),
            (Process::new("2.2").number(3).nbproc(2), "no process 3 of 2"),
            (old.clone().info("CumReqs", 1), "no key \"CumReqs\" in `show info` of HAProxy 2.6"),
            (old.clone().info("TotalWarnings", 1), "no key \"TotalWarnings\" in `show info` of HAProxy 2.6"),
            (
                old.clone().info("CumReq", "many"),
                "key \"CumReq\": expected a whole number from 0 to 4294967295, found \"many\"",
            ),
            (
                old.clone().frontend(Frontend::new("my web")),
                "frontend \"my web\": a name is made of letters, digits and `_.:-`",
            ),
            (
                old.clone().frontend(Frontend::new("web")).frontend(Frontend::new("web")),
                "frontend \"web\": there are two of that name",
            ),
            (
                old.clone().backend(Backend::new("app").server(Server::new("a").set("stott", 1))),
                "server \"app/a\": no column \"stott\" in `show stat` of HAProxy 2.6",
            ),
            (
                old.clone().backend(Backend::new("app").server(Server::new("a").inter(Duration::ZERO))),
                "server \"app/a\": `inter` must be 1 ms or longer",
            ),
            (
                old.clone().backend(Backend::new("app").server(Server::new("a").starting().rise(0))),
                "server \"app/a\": `rise` and `fall` must be 1 or more",
            ),
            (
                old.clone().backend(Backend::new("app").set("bin", -1)),
                "backend \"app\": column \"bin\": expected a whole number from 0 to 18446744073709551615, found -1",
            ),
            (
                old.clone().backend(Backend::new("app").set("pxname", "b")),
                "backend \"app\": column \"pxname\" follows from the description",
            ),
            (
                old.clone().acl(Acl::new("deny.acl").addresses().pattern("nope")),
                "ACL \"deny.acl\": no file can hold the entry \"nope\" \"\"",
            ),
            (
                old.clone().map(Map::new("hosts.map").entry("a b", "c")),
                "map \"hosts.map\": no file can hold the entry \"a b\" \"c\"",
            ),
            (
                old.clone().frontend(Frontend::new("web")).session(Session::new("web").backend("app")),
                "session of \"web\": there is no such backend",
            ),
            (old.clone().map(Map::new("")), "map \"\": expected the name of a file"),
            (
                old.clone().map(Map::new("a").id(3)).acl(Acl::unnamed(3)),
                "ACL \"\": there are two of that name or number",
            ),
            (
                old.frontend(Frontend::new("web").listener(Listener::new("l").set("conn_tot", 1))),
                "listener \"web/l\": column \"conn_tot\" is always empty in such a row of HAProxy 2.6",
            ),
        ] {
            assert_eq!(refused(&process), message);
        }
    }
}
