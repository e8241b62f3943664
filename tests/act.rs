//! Commands to every process, and the outcome of each process.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::time::{Duration, Instant};

use haproxyadmin::global::RateLimit;
use haproxyadmin::snapshot::Bound;
use haproxyadmin::stat::State;
use haproxyadmin::{AdminState, Agreement, Change, Cluster, ErrorKind, Level, Limits, Outcomes, Weight};

mod support;

use support::{
    Config, Release, Running, Stranger, ancestor_cluster, ask, levels, mixed_cluster, release, releases, row,
};

/// The outcome of each process, in words.
fn said(outcomes: &Outcomes<Change>) -> Vec<String> {
    outcomes.iter().map(|outcome| format!("{} {}", outcome.label(), outcome.word())).collect()
}

/// Limits that end a test with a hung process soon.
fn brief() -> Limits {
    Limits::new()
        .with_idle_timeout(Duration::from_millis(700))
        .with_command_timeout(Duration::from_millis(1400))
}

async fn brief_cluster(running: &Running) -> Cluster {
    Cluster::builder().dir(running.stats()).limits(brief()).build().await.unwrap()
}

async fn status(running: &Running, n: usize, proxy: &str, name: &str) -> String {
    row(running.socket(n), proxy, name).await.cell("status").to_owned()
}

/// Starts four instances with the backend `app` and its server `web1`.
async fn four(release: &Release) -> Running {
    let mut running = Running::new();
    running.add_servers(1).await;
    for n in 1..=4 {
        let config = running
            .fill(Config::new(APP))
            .set("N", n)
            .set("LEVEL", if n == 4 { "operator" } else { "admin" });
        running.add(release, &format!("instance{n}"), &config).await;
    }
    running
}

const APP: &str = r#"
global
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level ${LEVEL}
defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s
frontend web
    bind "unix@${DIR}/traffic/web.${N}"
    default_backend app
backend app
    server web1 "${SERVER_1}" weight 10
"#;

#[tokio::test]
async fn a_change_reaches_the_processes_that_have_the_server_and_no_others() {
    let running = ancestor_cluster(&release("2.2")).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    let before = cluster.snapshot().await.unwrap();

    let server = cluster.server_ref("backend1_proc34", "bck_all_srv1").unwrap();
    let outcomes = server.disable().await.unwrap();
    assert_eq!(said(&outcomes), ["1 absent", "2 absent", "3 changed", "4 changed"]);
    assert_eq!(
        outcomes.to_string(),
        "1: absent: Proxy is disabled.\n2: absent: Proxy is disabled.\n3: changed\n4: changed"
    );

    let after = cluster.snapshot().await.unwrap();
    for (one, other) in before.servers().iter().zip(after.servers()) {
        let name = (one.backend(), one.name());
        assert_eq!(name, (other.backend(), other.name()));
        let disabled = name == ("backend1_proc34", "bck_all_srv1");
        let states = |server: &haproxyadmin::snapshot::ServerStats| -> Vec<_> {
            server
                .per_process()
                .map(|(process, row)| (process.label().clone(), row.status().unwrap().state))
                .collect()
        };
        if disabled {
            assert_eq!(states(&other), [("3".into(), State::Maint), ("4".into(), State::Maint)]);
        } else {
            assert_eq!(states(one), states(&other), "{name:?}");
        }
    }
}

#[tokio::test]
async fn what_a_process_of_nbproc_only_knows_by_name_is_not_here() {
    let running = ancestor_cluster(&release("2.2")).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    let server = cluster.server_ref("backend1_proc34", "bck_all_srv1").unwrap();
    let labels = |labels: Vec<&haproxyadmin::snapshot::Label>| {
        labels.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        labels(server.fetch_weight().await.unwrap().values().map(|(label, _)| label).collect()),
        ["3", "4"]
    );
    assert_eq!(
        labels(server.fetch_state().await.unwrap().values().map(|(label, _)| label).collect()),
        ["3", "4"]
    );
    let frontend = cluster.frontend_ref("frontend1_proc34").unwrap();
    assert_eq!(said(&frontend.disable().await.unwrap()), ["1 absent", "2 absent", "3 changed", "4 changed"]);
    assert_eq!(said(&frontend.enable().await.unwrap()), ["1 absent", "2 absent", "3 changed", "4 changed"]);
    assert_eq!(
        said(&frontend.set_maxconn(77).await.unwrap()),
        ["1 absent", "2 absent", "3 changed", "4 changed"]
    );
    assert_eq!(said(&frontend.shutdown().await.unwrap()), ["1 absent", "2 absent", "3 changed", "4 changed"]);
}

#[tokio::test]
async fn each_process_is_reported_for_what_happened_there_and_the_rest_is_tried_again() {
    for release in &releases() {
        let mut running = four(release).await;
        let cluster = brief_cluster(&running).await;
        running.kill(1);
        running.hang(2);

        let start = Instant::now();
        let lenient = cluster.allow_partial();
        let outcomes = lenient.server_ref("app", "web1").unwrap().set_state(AdminState::Maint).await.unwrap();
        assert!(start.elapsed() < Duration::from_millis(2400), "{:?}", start.elapsed());
        let kinds: Vec<_> = outcomes.iter().map(|one| one.error().map(haproxyadmin::Error::kind)).collect();
        assert_eq!(
            kinds,
            [
                Some(ErrorKind::Connect),
                Some(ErrorKind::OutcomeUnknown),
                None,
                Some(ErrorKind::PermissionDenied)
            ],
            "{release:?}"
        );
        assert_eq!(said(&outcomes), ["1 failed", "2 unknown", "3 changed", "4 failed"]);
        assert_eq!(
            outcomes.get("4").unwrap().error().unwrap().to_string(),
            format!(
                "`set server app/web1 state maint` on {}: needs level admin of the stats socket: \"Permission denied\"",
                running.socket(4).display()
            )
        );

        running.resume(2);
        running.restart(1).await;
        let again = cluster.allow_partial().only(outcomes.failed());
        let again = again.server_ref("app", "web1").unwrap().set_state(AdminState::Maint).await.unwrap();
        assert_eq!(said(&again), ["1 changed", "2 changed", "4 failed"]);
        for n in 1..=3 {
            assert_eq!(status(&running, n, "app", "web1").await, "MAINT");
        }
        let agreed = cluster.only(["1", "2", "3"]).server("app", "web1").await.unwrap();
        assert_eq!(agreed.status().same().unwrap().state, State::Maint);
        assert_eq!(agreed.processes(), ["1", "2", "3"]);
    }
}

#[tokio::test]
async fn a_strict_change_fails_with_what_happened_everywhere() {
    let mut running = four(&release("2.6")).await;
    running.kill(1);
    let cluster = brief_cluster(&running).await;
    let error = cluster.server_ref("app", "web1").unwrap().disable().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incomplete);
    let outcomes = error.outcomes::<Change>().unwrap();
    assert_eq!(said(outcomes), ["1 failed", "2 changed", "3 changed", "4 failed"]);
    assert_eq!(
        error.to_string(),
        format!(
            "`disable server app/web1`: 2 of 4 processes failed: {}: cannot connect: Connection refused (os error \
             111); {}: needs level admin of the stats socket: \"Permission denied\"",
            running.socket(1).display(),
            running.socket(4).display()
        )
    );
    let lenient = cluster.allow_partial().server_ref("app", "web1").unwrap();
    assert!(lenient.disable().await.unwrap().at_least(2).is_ok());
    assert!(lenient.disable().await.unwrap().any().is_ok());
    assert_eq!(lenient.disable().await.unwrap().at_least(3).unwrap_err().kind(), ErrorKind::Incomplete);
}

#[tokio::test]
async fn a_process_that_joined_since_the_object_was_read_is_reached() {
    for release in &releases() {
        let mut running = four(release).await;
        let cluster = Cluster::from_dir(running.stats()).await.unwrap();
        let admins = cluster.only(["1", "2", "3"]);
        let web1 = admins.server("app", "web1").await.unwrap();
        let config = running.fill(Config::new(APP)).set("N", 5).set("LEVEL", "admin");
        running.add(release, "instance5", &config).await;

        let all = cluster.allow_partial();
        let outcomes = web1.on(&all).set_weight(Weight::absolute(40).unwrap()).await.unwrap();
        assert_eq!(said(&outcomes), ["1 changed", "2 changed", "3 changed", "4 failed", "5 changed"]);
        assert_eq!(ask(running.socket(5), "get weight app/web1").await, b"40 (initial 10)\n\n");
        // The object keeps the values that were read.
        assert_eq!(web1.weight().unwrap().same(), Some(&10));
    }
}

#[tokio::test]
async fn nobody_is_asked_anything_twice_once_it_is_known_who_they_are() {
    let running = four(&release("3.0")).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap().only(["1"]);
    let server = cluster.server_ref("app", "web1").unwrap();
    server.enable().await.unwrap();
    let count = async || support::info(running.socket(1)).await["CumReq"].parse::<u64>().unwrap();
    let before = count().await;
    server.enable().await.unwrap();
    // One request is the change, the other one is this count.
    assert_eq!(count().await - before, 2);
}

#[tokio::test]
async fn what_was_there_before_is_told_on_request() {
    let running = mixed_cluster().await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    let first = cluster.only(["1"]);
    first.set_rate_limit(RateLimit::Sessions, 90).await.unwrap();
    let outcomes = cluster.with_previous().set_rate_limit(RateLimit::Sessions, 40).await.unwrap();
    let previous = outcomes.previous().unwrap();
    let limits: Vec<_> =
        previous.processes().iter().map(|one| one.info().unwrap().sess_rate_limit().unwrap()).collect();
    let mut expected = vec![0; releases().len()];
    expected[0] = 90;
    assert_eq!(limits, expected);
    let now = cluster.info().await.unwrap();
    assert_eq!(now.sess_rate_limit().unwrap().each, Agreement::Same(Bound::At(40)));
    assert!(cluster.set_rate_limit(RateLimit::Sessions, 0).await.unwrap().previous().is_none());
}

#[tokio::test]
async fn an_object_that_nobody_has_is_not_found() {
    let running = mixed_cluster().await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    let error = cluster.server_ref("nowhere", "web1").unwrap().disable().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.to_string(), "`disable server nowhere/web1`: no such object: \"No such backend.\"");
    assert_eq!(
        error.outcomes::<Change>().unwrap().iter().filter_map(|one| one.absent()).count(),
        releases().len()
    );
}

#[tokio::test]
async fn a_choice_that_is_no_member_is_refused_before_anything_is_sent() {
    let running = four(&release("3.2")).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    let chosen = cluster.only(["2", "9"]);
    let error = chosen.server_ref("app", "web1").unwrap().disable().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.to_string(), "no such process \"9\"; there are 1, 2, 3, 4");
    assert_eq!(status(&running, 2, "app", "web1").await, "no check");
    assert_eq!(chosen.snapshot().await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_process_behind_several_sockets_gets_a_change_once() {
    for release in &releases() {
        let running = levels(release).await;
        let cluster = Cluster::from_dir(running.stats()).await.unwrap();
        let outcomes = cluster.server_ref("app", "app1").unwrap().disable().await.unwrap();
        assert_eq!(said(&outcomes), ["admin changed"], "{release:?}");
        let user = cluster.only(["admin"]).snapshot().await.unwrap();
        assert_eq!(user.processes()[0].level(), Some(Level::Admin));
    }
}

#[tokio::test]
async fn what_is_not_haproxy_gets_nothing() {
    let running = four(&release("2.6")).await;
    let _stranger = Stranger::answers(running.stats().join("other.sock"), "220 hello\r\n");
    let cluster = brief_cluster(&running).await.only(["1", "2", "3"]);
    let outcomes = cluster.server_ref("app", "web1").unwrap().disable().await.unwrap();
    assert_eq!(said(&outcomes), ["1 changed", "2 changed", "3 changed"]);
    // An explicit address is a member, even if another program answers there.
    let given = Cluster::from_addresses([running.stats().join("other.sock")]).await.unwrap();
    let error = given.server_ref("app", "web1").unwrap().disable().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotHaproxy);
}

/// Starts one instance with an ACL and with a stats socket at each of `sockets`.
async fn with_acl(running: &mut Running, release: &Release, name: &str, sockets: &[&str]) {
    std::fs::write(running.dir().join("a.acl"), "").unwrap();
    let lines =
        sockets.iter().map(|socket| format!("stats socket \"unix@${{DIR}}/stats/{socket}\" level admin\n"));
    let config = format!(
        "global\n{}\ndefaults\nmode http\ntimeout connect 1s\ntimeout client 1s\ntimeout server 1s\nfrontend web\n\
         bind \"unix@${{DIR}}/traffic/{name}\"\nhttp-request deny if {{ path -f ${{DIR}}/a.acl }}\n",
        lines.collect::<String>()
    );
    running.add(release, name, &Config::new(&config)).await;
}

async fn patterns(running: &Running, n: usize) -> usize {
    let file = running.dir().join("a.acl");
    let printed = ask(running.socket(n), &format!("show acl {}", file.display())).await;
    String::from_utf8(printed).unwrap().lines().filter(|line| !line.is_empty()).count()
}

#[tokio::test]
async fn a_process_that_took_over_two_addresses_gets_an_entry_once() {
    for release in &releases() {
        let mut running = Running::new();
        with_acl(&mut running, release, "one", &["0.sock"]).await;
        with_acl(&mut running, release, "two", &["1.sock"]).await;
        let sockets = ["0.sock", "1.sock"].map(|name| running.stats().join(name));
        let cluster = Cluster::from_addresses(sockets).await.unwrap();
        let acl = cluster.acl(running.dir().join("a.acl").to_str().unwrap()).unwrap();
        assert_eq!(said(&acl.add("a").await.unwrap()), ["0 changed", "1 changed"]);

        running.kill(1);
        running.kill(2);
        with_acl(&mut running, release, "both", &["0.sock", "1.sock"]).await;
        assert_eq!(said(&acl.add("a").await.unwrap()), ["0 changed"]);
        assert_eq!(patterns(&running, 3).await, 1, "{release:?}");
    }
}

#[tokio::test]
async fn what_does_harm_twice_is_not_sent_to_who_was_never_met() {
    for release in &releases() {
        let mut running = Running::new();
        with_acl(&mut running, release, "one", &["0.sock", "1.sock"]).await;
        running.hang(1);
        let cluster = brief_cluster(&running).await.allow_partial();
        let file = running.dir().join("a.acl");
        let added = cluster.acl(file.to_str().unwrap()).unwrap().add("a").await.unwrap();
        assert_eq!(said(&added), ["0 failed", "1 failed"]);
        let raw = cluster.command(&format!("add acl {} b", file.display())).await.unwrap();
        let kinds: Vec<_> = raw.iter().map(|one| one.error().unwrap().kind()).collect();
        assert_eq!(kinds, [ErrorKind::Timeout, ErrorKind::Timeout]);
        running.resume(1);
        assert_eq!(patterns(&running, 1).await, 0, "{release:?}");
    }
}

#[tokio::test]
async fn who_is_known_is_not_kept_waiting_for_who_hangs() {
    let running = four(&release("3.0")).await;
    let limits =
        Limits::new().with_idle_timeout(Duration::from_secs(3)).with_command_timeout(Duration::from_secs(6));
    let cluster = Cluster::builder().dir(running.stats()).limits(limits).build().await.unwrap();
    cluster.snapshot().await.unwrap();
    let _silent = Stranger::is_silent(running.stats().join("silent.sock"));
    let start = Instant::now();
    let chosen = cluster.only(["1"]).server_ref("app", "web1").unwrap();
    assert_eq!(said(&chosen.disable().await.unwrap()), ["1 changed"]);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());

    let all = cluster.allow_partial().server_ref("app", "web1").unwrap();
    assert_eq!(all.disable().await.unwrap().failed().count(), 2);
    // The socket is now known to hang, so the other processes get the command at once.
    let start = Instant::now();
    let enabled = tokio::spawn(async move { all.enable().await });
    support::until("the first is enabled", async || {
        (status(&running, 1, "app", "web1").await != "MAINT").then_some(())
    })
    .await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    let outcomes = enabled.await.unwrap().unwrap();
    assert_eq!(outcomes.get("silent").unwrap().word(), "unknown");
}

#[tokio::test]
async fn who_hung_before_it_was_met_is_asked_again() {
    let running = four(&release("3.4")).await;
    running.hang(2);
    let cluster = brief_cluster(&running).await.allow_partial();
    let outcomes = cluster.server_ref("app", "web1").unwrap().disable().await.unwrap();
    assert_eq!(outcomes.get("2").unwrap().word(), "unknown");
    running.resume(2);
    let second = cluster.only(["2"]);
    assert_eq!(second.server("app", "web1").await.unwrap().processes(), ["2"]);
    assert_eq!(second.server_ref("app", "web1").unwrap().fetch_weight().await.unwrap().values().count(), 1);
}

#[tokio::test]
async fn a_choice_of_nobody_is_an_error() {
    let running = four(&release("2.6")).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap().allow_partial();
    let outcomes = cluster.only(["1"]).server_ref("nowhere", "web1").unwrap().disable().await.unwrap();
    let nobody = cluster.only(outcomes.failed());
    let error = nobody.server_ref("app", "web1").unwrap().disable().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::NotFound, "no such process: none was chosen")
    );
}

/// Compiles only if the futures of the crate can move between threads.
#[tokio::test]
async fn every_future_can_be_spawned() {
    fn is_send<T: Send>(_: T) {}

    let running = four(&release("2.6")).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap().allow_partial();
    let server = cluster.server_ref("app", "web1").unwrap();
    let map = cluster.map("#1").unwrap();
    is_send(map.show());
    is_send(map.get("key"));
    is_send(map.add("key", "value"));
    is_send(map.add_all([("key", "value")]));
    is_send(cluster.acl("#1").unwrap().add_all(["pattern"]));
    is_send(map.delete_all(["key"]));
    is_send(map.replace([("key", "value")]));
    is_send(cluster.acl("#1").unwrap().replace(["pattern"]));
    is_send(server.fetch_weight());
    is_send(server.fetch_state());
    is_send(server.set_port(1));
    is_send(cluster.frontend_ref("web").unwrap().set_maxconn(1));
    is_send(cluster.show_errors());
    is_send(cluster.command("show info"));
    let disabled = tokio::spawn(async move { server.disable().await.map(|outcomes| said(&outcomes)) });
    assert_eq!(disabled.await.unwrap().unwrap(), ["1 changed", "2 changed", "3 changed", "4 failed"]);
}
