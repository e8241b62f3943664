use std::path::Path;

use haproxyadmin::fake::{Acl, Backend, Frontend, Map, Process, Running, Server};
use tempfile::TempDir;

use crate::problem::Problem;

/// Processes embedded in this program: two of HAProxy 3.2 and one of 2.6, with the same proxies.
pub(crate) struct Demo {
    dir: TempDir,
    _processes: Vec<Running>,
}

impl Demo {
    pub(crate) async fn start() -> Result<Self, Problem> {
        let dir = TempDir::new()?;
        let mut processes = Vec::new();
        for (number, version) in (1..).zip(["3.2.4", "3.2.4", "2.6.12"]) {
            let process = described(version, number);
            processes.push(process.serve(dir.path().join(format!("{number}.sock"))).await?);
        }
        Ok(Self { dir, _processes: processes })
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }
}

fn described(version: &str, number: u32) -> Process {
    let web = |name| Server::new(name).check("L7OK").weight(100).set("stot", 10 * number);
    let hosts = Map::new("/etc/haproxy/hosts.map").entry("a.example", "app").entry("b.example", "static");
    Process::new(version)
        .pid(1000 + number)
        .info("CumReq", 50 * number)
        .frontend(Frontend::new("web").set("req_tot", 40 * number).set("slim", 2000))
        .frontend(Frontend::new("api").set("req_tot", 10 * number).set("slim", 500))
        .backend(
            Backend::new("app")
                .set("stot", 30 * number)
                .server(web("web1"))
                .server(web("web2"))
                .server(web("web3")),
        )
        .backend(Backend::new("static").set("stot", 10 * number).server(web("web1")))
        .map(hosts)
        .acl(Acl::new("/etc/haproxy/deny.acl").id(0).addresses().pattern("192.0.2.0/24"))
}
