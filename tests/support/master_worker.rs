use std::{fs, path::PathBuf};

use super::{Config, Release, Running, info};

/// A master with one worker, which also has a stats socket for a look without the crate.
///
/// The frontend `web` uses the empty map `DIR/hosts.map`, and sends requests to `app/web1`.
#[derive(Debug)]
pub struct MasterWorker {
    pub running: Running,
    /// Socket of the master.
    pub master: PathBuf,
}

impl MasterWorker {
    pub async fn start(release: &Release) -> Self {
        Self::start_with(release, &[("hosts.map", "")], "", "").await
    }

    /// The same with other files, more lines in the frontend, and more sections.
    pub async fn start_with(
        release: &Release,
        files: &[(&str, &str)],
        frontend: &str,
        sections: &str,
    ) -> Self {
        let mut running = Running::new();
        running.add_servers(1).await;
        for (name, contents) in files {
            fs::write(running.dir().join(name), contents).unwrap();
        }
        let config = CONFIG.replace("${FRONTEND}", frontend).replace("${SECTIONS}", sections);
        let config = running.fill(Config::new(config));
        let master = running.add_master(release, "pair", &config).await;
        Self { running, master }
    }

    pub fn map(&self) -> String {
        self.running.dir().join("hosts.map").display().to_string()
    }

    /// Returns the pid of the worker that answers at the stats socket.
    pub async fn pid(&self) -> u32 {
        info(self.running.socket(1)).await["Pid"].parse().unwrap()
    }

    /// Appends lines to the configuration file, in place of the lines that were appended before. The
    /// last section is a backend.
    pub fn append(&self, text: &str) {
        let path = self.running.dir().join("pair.cfg");
        let config = fs::read_to_string(&path).unwrap();
        let config = config.split("# appended").next().unwrap();
        fs::write(&path, format!("{config}# appended\n{text}")).unwrap();
    }
}

const CONFIG: &str = r#"
global
    nbthread 1
    maxconn 200
    stats socket "unix@${DIR}/stats/worker.sock" mode 600 level admin expose-fd listeners

defaults
    mode http
    timeout connect 1s
    timeout client 1m
    timeout server 1m

frontend web
    bind "unix@${DIR}/traffic/web.1"
    http-request set-header X-Host %[req.hdr(host),map("${DIR}/hosts.map",none)]
    ${FRONTEND}
    default_backend app

backend app
    server web1 "${SERVER_1}" weight 100

${SECTIONS}
"#;
