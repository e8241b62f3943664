use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::site::{SERVERS, Site, errors, labelled, results, text, value};
use super::support::{Agent, Release, every_cell, every_state, hold, row, until};

/// Time limit for the end of an action.
const LIMIT: Duration = Duration::from_secs(60);

/// Returns the result of each process, for an action on one object that waits.
fn words_of(output: &std::process::Output) -> Vec<String> {
    let outcomes = value(output)[0]["outcomes"].as_array().unwrap().clone();
    outcomes.iter().map(|outcome| outcome["result"].as_str().unwrap().to_owned()).collect()
}

impl Site {
    pub(crate) async fn server_figures(&self) {
        assert_eq!(self.read(&["server", "list"]).await, json!(SERVERS));
        assert_eq!(self.read(&["server", "list", "web1"]).await, json!(["app/web1", "static/web1"]));
        assert_eq!(self.read(&["server", "list", "--backend", "tls"]).await, json!(["tls/t1"]));
        assert_eq!(self.read(&["server", "status", "app/web2"]).await, json!({"app/web2": "no check"}));
        let requests: u64 = self.numbers("app", "web1", "stot").await.iter().sum();
        let of_web1 = json!({"app/web1": requests});
        assert_eq!(self.read(&["server", "requests", "app/web1"]).await, of_web1);
        assert_eq!(self.read(&["server", "metric", "app/web1", "stot"]).await, of_web1);
        assert_eq!(self.read(&["server", "process", "tls/t1"]).await, json!({"tls/t1": self.labels()}));
        let numbers = self.numbers("app", "web2", "sid").await;
        self.agrees(&["server", "sid", "app/web2"], "app/web2", &numbers).await;
        let names = self.read(&["server", "metrics"]).await;
        assert!(names.as_array().unwrap().contains(&"check_status".into()));
        assert_eq!(self.read(&["server", "check-status", "app/web1"]).await, json!({"app/web1": "L4OK"}));
        assert_eq!(self.read(&["server", "check-code", "app/web1"]).await, json!({"app/web1": null}));
        for (action, column) in [("last-status", "last_chk"), ("last-agent", "last_agt")] {
            let said = every_cell(&self.running, "app", "agent", column).await;
            let said: Vec<_> =
                said.iter().map(|text| if text.is_empty() { Value::Null } else { json!(text) }).collect();
            let read = self.read(&["server", action, "app/agent"]).await;
            let is_of = |label: &String, own: &Value| {
                let all = &read["app/agent"];
                all == own || all[label] == *own
            };
            assert!(self.labels().iter().zip(&said).all(|(label, own)| is_of(label, own)), "{said:?} {read}");
        }
    }

    pub(crate) async fn server_settings(&self) {
        let address = self.running.servers[0].address();
        let read = self.read(&["server", "address", "app/web2"]).await;
        assert_eq!(read, json!({"app/web2": address.to_string()}));
        assert_eq!(self.read(&["server", "port", "app/web2"]).await, json!({"app/web2": address.port()}));
        self.changed(&["server", "address", "app/web2", "127.0.0.2"]).await;
        self.all_say("app", "web2", "addr", &format!("127.0.0.2:{}", address.port())).await;
        self.changed(&["server", "address", "app/web2", "127.0.0.3", "--port", "8080"]).await;
        self.all_say("app", "web2", "addr", "127.0.0.3:8080").await;
        self.changed(&["server", "address", "app/web2", "2001:db8::1", "--port", "8081"]).await;
        self.all_say("app", "web2", "addr", "[2001:db8::1]:8081").await;
        self.changed(&["server", "port", "app/web2", "8082"]).await;
        self.all_say("app", "web2", "addr", "[2001:db8::1]:8082").await;
        assert_eq!(self.read(&["server", "port", "app/web2"]).await, json!({"app/web2": 8082}));

        assert_eq!(self.read(&["server", "fqdn", "app/dyn"]).await, json!({"app/dyn": "host.example"}));
        self.changed(&["server", "fqdn", "app/dyn", "www.example"]).await;
        assert_eq!(
            every_state(&self.running, "app", "dyn", "srv_fqdn").await,
            self.everywhere("www.example")
        );

        assert_eq!(self.read(&["server", "weight", "app/web1"]).await, json!({"app/web1": 100}));
        self.changed(&["server", "weight", "app/web1", "50%"]).await;
        self.all_say("app", "web1", "weight", "50").await;
        let changes = self.read(&["server", "weight", "web1", "7"]).await;
        let commands: Vec<_> = changes.as_array().unwrap().iter().map(|one| &one["command"]).collect();
        assert_eq!(commands, ["set server app/web1 weight 7", "set server static/web1 weight 7"]);
        for backend in ["app", "static"] {
            self.all_say(backend, "web1", "weight", "7").await;
        }
        self.changed(&["server", "weight", "web1", "9", "--backend", "static"]).await;
        self.all_say("app", "web1", "weight", "7").await;
        self.all_say("static", "web1", "weight", "9").await;

        assert_eq!(self.read(&["server", "maxconn", "app/web1"]).await["app/web1"]["each"], 30);
        self.changed(&["server", "maxconn", "app/web1", "20"]).await;
        self.all_say("app", "web1", "slim", "20").await;

        self.taken(&["ssl", "tls/t1", "on"], since_2_4, ("srv_use_ssl", "1")).await;
    }

    pub(crate) async fn fetch_server_states(&self) {
        for (arguments, status, state) in [
            (&["state", "app/web2", "maint"][..], "MAINT", "maint"),
            (&["state", "app/web2", "drain"], "DRAIN", "drain"),
            (&["ready", "app/web2"], "no check", "ready"),
            (&["drain", "app/web2"], "DRAIN", "drain"),
            (&["maint", "app/web2"], "MAINT", "maint"),
            (&["ready", "app/web2"], "no check", "ready"),
            (&["disable", "app/web2"], "MAINT", "maint"),
            (&["enable", "app/web2"], "no check", "ready"),
        ] {
            self.changed(&[&["server"], arguments].concat()).await;
            self.all_say("app", "web2", "status", status).await;
            assert_eq!(self.read(&["server", "state", "app/web2"]).await, json!({"app/web2": state}));
            let states = self.read(&["server", "states", "app/web2"]).await;
            for label in self.labels() {
                assert_eq!(states["app/web2"][label]["wanted"], state);
            }
        }
        for (action, status) in [("maint", "MAINT"), ("ready", "no check")] {
            let changes = self.read(&["server", action, "--all"]).await;
            assert_eq!(changes.as_array().unwrap().len(), SERVERS.len());
            for (backend, name) in [("app", "web2"), ("static", "web1"), ("tls", "t1")] {
                self.all_say(backend, name, "status", status).await;
            }
        }
        self.changed(&["server", "maint", "--all", "--backend", "static"]).await;
        self.all_say("static", "web1", "status", "MAINT").await;
        self.all_say("app", "web2", "status", "no check").await;
        self.changed(&["server", "ready", "static/web1"]).await;

        for n in 1..=self.releases.len() {
            let held = hold(self.running.traffic("api", n), "/hold").await;
            let socket = self.running.socket(n);
            let sessions = async |wanted: u64| {
                let look =
                    async || (row(&socket, "static", "web1").await.number("scur") == wanted).then_some(());
                until(&format!("{wanted} sessions"), look).await;
            };
            sessions(1).await;
            self.changed(&["server", "shutdown-sessions", "static/web1"]).await;
            sessions(0).await;
            drop(held);
        }
    }

    pub(crate) async fn server_checks(&self) {
        let is_on = |state: &String| state.parse::<u32>().unwrap() & 4 != 0;
        for (health, status) in [("down", "DOWN"), ("up", "UP"), ("stopping", "NOLB"), ("up", "UP")] {
            self.changed(&["server", "health", "app/web1", health]).await;
            self.all_say("app", "web1", "status", status).await;
        }
        for (agent, status) in [("down", "DOWN (agent)"), ("up", "no check")] {
            self.changed(&["server", "agent", "app/agent", agent]).await;
            self.all_say("app", "agent", "status", status).await;
        }
        for (action, on) in [("disable", false), ("enable", true)] {
            self.changed(&["server", &format!("{action}-health"), "app/web1"]).await;
            let states = every_state(&self.running, "app", "web1", "srv_check_state").await;
            assert!(states.iter().all(|state| is_on(state) == on), "{states:?}");
            self.changed(&["server", &format!("{action}-agent"), "app/agent"]).await;
            let states = every_state(&self.running, "app", "agent", "srv_agent_state").await;
            assert!(states.iter().all(|state| is_on(state) == on), "{states:?}");
        }

        // HAProxy 3.4 refuses every address of a health check.
        let all_but_3_4 = |release: &Release| since_2_4(release) && !release.is_at_least("3.4");
        self.taken(&["check-port", "app/web1", "7001"], |_| true, ("srv_check_port", "7001")).await;
        let to = ("srv_check_addr", "127.0.0.4");
        self.taken(&["check-addr", "app/web1", to.1], all_but_3_4, to).await;
        let to = ("srv_check_port", "7002");
        self.taken(&["check-addr", "app/web1", "::1", "--port", to.1], all_but_3_4, to).await;
        let to = ("srv_agent_addr", "127.0.0.6");
        self.taken(&["agent-addr", "app/agent", to.1], |_| true, to).await;
        let to = ("srv_agent_port", "7002");
        self.taken(&["agent-addr", "app/agent", "127.0.0.7", "--port", to.1], since_2_4, to).await;
        self.taken(&["agent-port", "app/agent", "7003"], since_2_4, ("srv_agent_port", "7003")).await;

        for (label, haproxy) in self.labels().iter().zip(&self.running.haproxies) {
            let agent = Agent::start(&haproxy.address("PORT_AGENT").to_string()).await;
            let text = format!("it is {label}; and \\ more");
            let arguments = ["server", "agent-send", "app/talker", &text, "--only", label, "--json"];
            let output = self.run(&arguments).await;
            assert_eq!(labelled(&value(&output)), [(label.clone(), "changed".into())]);
            agent.hears(&[text]).await;
        }
    }

    pub(crate) async fn server_waits(&self) {
        let run = async |words: &[&str], code: i32| {
            let output = self.run(&[&["server"], words, &["--json"]].concat()).await;
            assert_eq!(output.status.code(), Some(code), "{words:?}: {}", errors(&output));
            words_of(&output)
        };
        for condition in ["up", "idle", "weight=50"] {
            let waited = run(&["wait", "app/web2", condition, "--within", "30s"], 0).await;
            assert_eq!(waited, self.everywhere(condition));
        }
        assert_eq!(run(&["wait", "app/web2", "down", "--within", "0"], 1).await, self.everywhere("failed"));

        let mut held = Vec::new();
        for n in 1..=self.releases.len() {
            held.push(hold(self.running.traffic("api", n), "/hold").await);
        }
        let is_held = async || {
            let cells = every_cell(&self.running, "static", "web1", "scur").await;
            cells.iter().all(|cell| cell == "1").then_some(())
        };
        until("a session on each process", is_held).await;
        let output = self.run(&["server", "drain", "static/web1", "--within", "0.3", "--undo"]).await;
        assert_eq!(output.status.code(), Some(1));
        for label in self.labels() {
            let line = format!("static/web1 {label}: 1 session\n");
            assert!(errors(&output).contains(&line), "{}", errors(&output));
        }
        self.all_say("static", "web1", "status", "no check").await;
        self.end_a_drain(Signal::INT).await;
        self.end_a_drain(Signal::TERM).await;
        self.end_a_drain(Signal::HUP).await;
        let drained =
            run(&["drain", "static/web1", "--within", "0.3", "--then", "maint", "--force"], 0).await;
        assert_eq!(drained, self.everywhere("forced"));
        self.all_say("static", "web1", "status", "MAINT").await;
        assert_eq!(
            run(&["wait", "static/web1", "drained", "--within", "0"], 0).await,
            self.everywhere("drained")
        );
        assert_eq!(run(&["drain", "static/web1", "--within", "30"], 0).await, self.everywhere("idle"));
        self.changed(&["server", "ready", "static/web1"]).await;

        for wrong in [
            &["wait", "app/web2"][..],
            &["wait", "app/web2", "sideways"],
            &["wait", "app/web2", "weight=x"],
            &["drain", "app/web2", "--within", "x"],
            &["drain", "app/web2", "--then", "ready"],
            &["drain", "app/web2", "--force", "--undo"],
        ] {
            let output = self.run(&[&["server"], wrong].concat()).await;
            assert_eq!(output.status.code(), Some(2), "{wrong:?}: {}", errors(&output));
        }
        for (words, code) in
            [(&["app", "up"][..], 0), (&["static", "servers=1"], 0), (&["static", "servers=2"], 1)]
        {
            let words = [&["backend", "wait"], words, &["--within", "0.3", "--json"]].concat();
            let output = self.run(&words).await;
            assert_eq!(output.status.code(), Some(code), "{words:?}: {}", errors(&output));
            let word = if code == 0 { words[3] } else { "failed" };
            assert_eq!(words_of(&output), self.everywhere(word));
        }
    }

    /// Ends the tool while it waits for the sessions of a server. The drain is undone.
    async fn end_a_drain(&self, signal: Signal) {
        let child = self.start(&["server", "drain", "static/web1", "--within", "600", "--undo"]);
        let is_in_drain = async || {
            let found = every_cell(&self.running, "static", "web1", "status").await;
            (found == self.everywhere("DRAIN")).then_some(())
        };
        until("the server is in drain", is_in_drain).await;
        kill_process(Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap(), signal).unwrap();
        let output = timeout(LIMIT, child.wait_with_output()).await.unwrap().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
        let shown = text(&output);
        assert_eq!(shown.matches("it is set back to ready").count(), self.releases.len(), "{shown}");
        self.all_say("static", "web1", "status", "no check").await;
    }

    pub(crate) async fn server_additions(&self) {
        let since_2_6 = |release: &Release| release.is_at_least("2.6");
        let word = |release: &Release| if since_2_6(release) { "changed" } else { "failed" };
        let words: Vec<_> = self.releases.iter().map(word).collect();
        let code = i32::from(words.contains(&"failed"));
        let address = self.running.servers[0].address().to_string();
        let run = async |arguments: &[&str]| {
            let output = self.run(&[&["server"], arguments, &["--json"]].concat()).await;
            assert_eq!((output.status.code(), errors(&output)), (Some(code), String::new()), "{arguments:?}");
            assert_eq!(results(&value(&output)), words, "{arguments:?}");
            value(&output)
        };
        let added =
            run(&["add", "app/web8", &address, "backup", "maxconn", "5", "--weight", "7", "--check"]).await;
        let command = format!("add server app/web8 {address} weight 7 check ... ... ...");
        assert_eq!(added["command"], command);
        for (column, set) in [("weight", "7"), ("bck", "1"), ("slim", "5"), ("status", "UP")] {
            let set = |release: &Release| if since_2_6(release) { set } else { "" };
            let expected: Vec<_> = self.releases.iter().map(set).collect();
            let is_so =
                async || (every_cell(&self.running, "app", "web8", column).await == expected).then_some(());
            until(&format!("{column} is set"), is_so).await;
        }
        run(&["delete", "app/web8", "--drain", "0s", "--force"]).await;
        assert_eq!(every_cell(&self.running, "app", "web8", "status").await, self.everywhere(""));
        for wrong in [
            &["add", "web8", "127.0.0.1:1"][..],
            &["add", "app/web8"],
            &["add", "app/web8", "localhost"],
            &["add", "app/web8", "127.0.0.1:1", "--weight", "x"],
            &["delete", "app/web8", "--drain", "x"],
            &["delete"],
        ] {
            let output = self.run(&[&["server"], wrong].concat()).await;
            assert_eq!(output.status.code(), Some(2), "{wrong:?}: {}", errors(&output));
        }
    }

    pub(crate) async fn server_slots(&self) {
        // A server of the configuration stands for the only slot that is free.
        let before = every_cell(&self.running, "app", "web2", "addr").await.swap_remove(0);
        let before: std::net::SocketAddr = before.parse().unwrap();
        self.changed(&["server", "address", "app/web2", "127.0.0.1", "--port", "1"]).await;
        self.changed(&["server", "maint", "app/web2"]).await;
        let template = ["--template", "127.0.0.1:1"];
        let take = ["take", "app", "web", "127.0.0.9:9", "--weight", "4"];
        self.changed(&[&["server"], &take[..], &template].concat()).await;
        for (column, cell) in [("addr", "127.0.0.9:9"), ("weight", "4"), ("status", "no check")] {
            self.all_say("app", "web2", column, cell).await;
        }
        let other = ["take", "app", "web", "127.0.0.9:8"];
        let output = self.run(&[&["server"], &other[..], &template].concat()).await;
        assert_eq!(output.status.code(), Some(1));
        assert!(errors(&output).contains("no free slot"), "{}", errors(&output));
        self.changed(
            &[&["server", "release", "app/web2", "--drain", "0", "--force"], &template[..]].concat(),
        )
        .await;
        for (column, cell) in [("addr", "127.0.0.1:1"), ("status", "MAINT")] {
            self.all_say("app", "web2", column, cell).await;
        }
        for wrong in [
            &["take", "app", "web", "127.0.0.9:9"][..],
            &["take", "app", "127.0.0.9:9", "--template", "127.0.0.1:1"],
            &["take", "app", "web", "127.0.0.9", "--template", "127.0.0.1:1"],
            &["take", "app", "web", "127.0.0.9:9", "--template", "127.0.0.1"],
            &["take", "app", "web", "127.0.0.1:1", "--template", "127.0.0.1:1"],
            &["release", "app/web2"],
            &["release", "app/dyn", "--template", "127.0.0.1:1"],
        ] {
            let output = self.run(&[&["server"], wrong].concat()).await;
            assert_eq!(output.status.code(), Some(2), "{wrong:?}: {}", errors(&output));
        }
        let (ip, port) = (before.ip().to_string(), before.port().to_string());
        self.changed(&["server", "address", "app/web2", &ip, "--port", &port]).await;
        self.changed(&["server", "ready", "app/web2"]).await;
    }

    /// Runs a change that only some releases accept. Then checks its result in a column of
    /// `show servers state`, which 2.2 does not have.
    async fn taken(&self, arguments: &[&str], takes: impl Fn(&Release) -> bool, (column, to): (&str, &str)) {
        let output = self.run(&[&["server"], arguments, &["--json"]].concat()).await;
        let code = i32::from(!self.releases.iter().all(&takes));
        assert_eq!((output.status.code(), errors(&output)), (Some(code), String::new()), "{arguments:?}");
        let word = |release: &Release| if takes(release) { "changed" } else { "failed" };
        let words: Vec<_> = self.releases.iter().map(word).collect();
        assert_eq!(results(&value(&output)), words, "{arguments:?}");
        let (backend, name) = arguments[1].split_once('/').unwrap();
        let found = every_state(&self.running, backend, name, column).await;
        for (release, found) in self.releases.iter().zip(found) {
            let shown = takes(release) && since_2_4(release);
            assert_eq!(found == to, shown, "{arguments:?} on {}: {found}", release.version);
        }
    }
}

fn since_2_4(release: &Release) -> bool {
    release.is_at_least("2.4")
}
