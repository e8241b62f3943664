//! Changes of servers: states, weights, health, limits and sessions, on a process of each
//! release. Each result is read from the process' own socket.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use haproxyadmin::server::{AgentState, Health, OperationalState};
use haproxyadmin::{AdminState, Agreement, Cluster, ErrorKind, Outcome, Weight};

#[macro_use]
mod managed;
mod support;

use managed::{all, from, managed, words};
use support::{
    ancestor_cluster, every_cell, every_info, every_reply, every_state, hold, release, releases, until,
};

#[tokio::test]
async fn a_server_is_in_the_state_that_was_set() {
    let (running, cluster) = managed().await;
    named_and_read!(cluster, "app", "web2", |server| {
        for (state, bits, status) in [
            (AdminState::Drain, "8", "DRAIN"),
            (AdminState::Maint, "1", "MAINT"),
            (AdminState::Drain, "8", "DRAIN"),
            (AdminState::Ready, "0", "no check"),
            (AdminState::Ready, "0", "no check"),
        ] {
            assert_eq!(words(&server.set_state(state).await.unwrap()), all("changed"));
            assert_eq!(every_state(&running, "app", "web2", "srv_admin_state").await, all(bits));
            assert_eq!(every_cell(&running, "app", "web2", "status").await, all(status));
        }
    });
}

#[tokio::test]
async fn maintenance_and_its_end_both_end_a_drain() {
    let (running, cluster) = managed().await;
    named_and_read!(cluster, "app", "web2", |server| {
        server.set_state(AdminState::Drain).await.unwrap();
        assert_eq!(words(&server.disable().await.unwrap()), all("changed"));
        assert_eq!(every_state(&running, "app", "web2", "srv_admin_state").await, all("1"));
        assert_eq!(every_cell(&running, "app", "web2", "status").await, all("MAINT"));
        server.set_state(AdminState::Drain).await.unwrap();
        assert_eq!(words(&server.enable().await.unwrap()), all("changed"));
        assert_eq!(every_state(&running, "app", "web2", "srv_admin_state").await, all("0"));
        assert_eq!(every_cell(&running, "app", "web2", "status").await, all("no check"));
    });
}

#[tokio::test]
async fn a_server_has_the_weight_that_was_set() {
    let (running, cluster) = managed().await;
    named_and_read!(cluster, "app", "web2", |server| {
        for (weight, number) in [
            (Weight::absolute(20).unwrap(), 20),
            (Weight::percent(50), 25),
            (Weight::percent(101), 50),
            (Weight::percent(300), 150),
            (Weight::percent(10_000), 256),
            (Weight::absolute(0).unwrap(), 0),
            (Weight::percent(100), 50),
        ] {
            assert_eq!(words(&server.set_weight(weight).await.unwrap()), all("changed"));
            let text = format!("{number} (initial 50)");
            assert_eq!(every_reply(&running, "get weight app/web2").await, all(format!("{text}\n\n")));
            assert_eq!(every_cell(&running, "app", "web2", "weight").await, all(number.to_string()));
            let now = server.fetch_weight().await.unwrap();
            assert_eq!(now.values().count(), releases().len());
            let Some(Agreement::Same(now)) = now.agreement() else { panic!("{now}") };
            assert_eq!((now.current, now.initial), (number, 50));
        }
    });
}

#[tokio::test]
async fn weights_that_differ_are_told_process_by_process() {
    let (_running, cluster) = managed().await;
    let one = cluster.only(["2"]).server_ref("app", "web2").unwrap();
    assert_eq!(one.set_weight(Weight::absolute(7).unwrap()).await.unwrap().to_string(), "2: changed");
    let weights = one.on(&cluster).fetch_weight().await.unwrap();
    let texts: Vec<_> =
        weights.values().map(|(label, weight)| format!("{label} {}", weight.current)).collect();
    assert_eq!(texts[..3], ["1 50", "2 7", "3 50"]);
    assert!(matches!(weights.agreement(), Some(Agreement::Differs(all)) if all.len() == texts.len()));
}

#[tokio::test]
async fn a_server_is_as_well_as_its_check_is_made_to_find() {
    let (running, cluster) = managed().await;
    named_and_read!(cluster, "app", "web1", |server| {
        for (health, status) in [(Health::Down, "DOWN"), (Health::Stopping, "NOLB"), (Health::Up, "UP")] {
            assert_eq!(words(&server.set_health(health).await.unwrap()), all("changed"));
            assert_eq!(every_cell(&running, "app", "web1", "status").await, all(status));
        }
    });
}

#[tokio::test]
async fn a_server_is_as_well_as_its_agent_is_made_to_find() {
    let (running, cluster) = managed().await;
    named_and_read!(cluster, "checks", "agent", |server| {
        for (agent, status) in [(AgentState::Down, "DOWN (agent)"), (AgentState::Up, "no check")] {
            assert_eq!(words(&server.set_agent(agent).await.unwrap()), all("changed"));
            assert_eq!(every_cell(&running, "checks", "agent", "status").await, all(status));
        }
    });
}

#[tokio::test]
async fn a_server_takes_as_many_requests_as_it_may() {
    let (running, cluster) = managed().await;
    named_and_read!(cluster, "app", "web1", |server| {
        for (requests, slim) in [(7, "7"), (0, ""), (u32::MAX, "4294967295"), (50, "50")] {
            assert_eq!(words(&server.set_maxconn(requests).await.unwrap()), all("changed"));
            assert_eq!(every_cell(&running, "app", "web1", "slim").await, all(slim));
        }
    });
}

#[tokio::test]
async fn sessions_of_a_server_are_shut_down() {
    let (running, cluster) = managed().await;
    named_and_read!(cluster, "held", "h1", |server| {
        let mut held = Vec::new();
        for n in 1..=running.processes() {
            held.push(hold(running.traffic("web", n), "/hold").await);
        }
        let sessions = async |number: &str| {
            let look =
                async || (every_cell(&running, "held", "h1", "scur").await == all(number)).then_some(());
            until(&format!("{number} sessions on each process"), look).await;
        };
        sessions("1").await;
        assert_eq!(words(&server.shutdown_sessions().await.unwrap()), all("changed"));
        sessions("0").await;
    });
}

#[tokio::test]
async fn the_state_of_a_server_is_what_each_process_prints() {
    let (running, cluster) = managed().await;
    cluster.server_ref("app", "web2").unwrap().set_state(AdminState::Drain).await.unwrap();
    named_and_read!(cluster, "app", "web2", |server| {
        let states = server.fetch_state().await.unwrap();
        for (n, (_, state)) in states.values().enumerate() {
            let said = async |column| every_state(&running, "app", "web2", column).await.swap_remove(n);
            assert_eq!((&*state.backend, &*state.name), ("app", "web2"));
            assert_eq!(state.operational, OperationalState::Running);
            assert_eq!(state.administrative.bits().to_string(), said("srv_admin_state").await);
            assert_eq!(state.administrative.state(), AdminState::Drain);
            assert_eq!(state.address.unwrap().to_string(), said("srv_addr").await);
            assert_eq!(state.port.unwrap().to_string(), said("srv_port").await);
            assert_eq!((state.weight, state.initial_weight, &state.fqdn), (50, 50, &None));
        }
        assert_eq!(states.values().count(), releases().len());
    });
}

#[tokio::test]
async fn the_states_of_a_backend_are_those_of_all_its_servers() {
    let (_running, cluster) = managed().await;
    let backend = cluster.backend_ref("app").unwrap();
    let read = cluster.backend("app").await.unwrap();
    for states in [backend.fetch_server_states().await.unwrap(), read.fetch_server_states().await.unwrap()] {
        for (_, states) in states.values() {
            let names: Vec<_> = states.iter().map(|state| &*state.name).collect();
            assert_eq!(names, ["web1", "web2", "follower", "local", "named"]);
            let last = &states[4];
            assert_eq!((last.fqdn.as_deref(), last.address), (Some("host.example"), None));
            assert!(last.administrative.is_resolution_maint());
        }
        assert_eq!(states.values().count(), releases().len());
    }
}

#[tokio::test]
async fn a_server_is_the_same_whichever_way_it_is_named() {
    let (running, cluster) = managed().await;
    let named = cluster.backend_ref("app").unwrap();
    let read = named.read().await.unwrap();
    let servers = [named.server_ref("web2").unwrap(), read.server_ref("web2").unwrap()];
    for (weight, server) in (11..).zip(servers) {
        server.set_weight(Weight::absolute(weight).unwrap()).await.unwrap();
        assert_eq!(every_cell(&running, "app", "web2", "weight").await, all(weight.to_string()));
        let figures = server.read().await.unwrap();
        assert_eq!(figures.weight(), Some(Agreement::Same(weight)));
        figures.set_weight(Weight::absolute(99).unwrap()).await.unwrap();
        assert_eq!(figures.refresh().await.unwrap().weight(), Some(Agreement::Same(99)));
    }
    let server = read.server("web2").unwrap();
    assert_eq!(words(&server.set_state(AdminState::Maint).await.unwrap()), all("changed"));
    assert_eq!(every_cell(&running, "app", "web2", "status").await, all("MAINT"));
}

#[tokio::test]
async fn a_backend_that_nobody_has_has_no_states() {
    let (_running, cluster) = managed().await;
    let error = cluster.backend_ref("nobody").unwrap().fetch_server_states().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("Can't find backend."), "{error}");
}

#[tokio::test]
async fn a_process_that_does_not_run_a_backend_has_no_states_of_it() {
    let running = ancestor_cluster(&release("2.2")).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    let states = cluster.backend_ref("backend1_proc34").unwrap().fetch_server_states().await.unwrap();
    let here: Vec<_> = states.iter().map(|outcome| outcome.value().is_some()).collect();
    assert_eq!(here, [false, false, true, true]);
}

#[tokio::test]
async fn a_server_that_some_processes_have_is_changed_there() {
    let (running, cluster) = managed().await;
    let server = cluster.server_ref("late", "l1").unwrap();
    let outcomes = server.set_state(AdminState::Maint).await.unwrap();
    assert_eq!(words(&outcomes), from("2.6", "absent", "changed"));
    assert_eq!(outcomes.get("1").unwrap().absent(), Some("No such backend."));
    assert_eq!(every_cell(&running, "late", "l1", "status").await, from("2.6", "", "MAINT"));
    assert_eq!(server.fetch_state().await.unwrap().values().count(), releases().len() - 1);
    assert_eq!(server.fetch_weight().await.unwrap().values().count(), releases().len() - 1);
}

#[tokio::test]
async fn what_was_there_before_is_kept_on_demand() {
    let (running, cluster) = managed().await;
    let server = cluster.with_previous().server_ref("app", "web2").unwrap();
    let outcomes = server.set_weight(Weight::absolute(9).unwrap()).await.unwrap();
    let previous = outcomes.previous().unwrap().server("app", "web2").unwrap();
    assert_eq!(previous.weight(), Some(Agreement::Same(50)));
    assert_eq!(previous.processes().len(), releases().len());
    assert_eq!(every_cell(&running, "app", "web2", "weight").await, all("9"));
}

#[tokio::test]
async fn a_process_that_does_not_run_the_backend_is_left_alone() {
    for release in releases() {
        let running = ancestor_cluster(&release).await;
        let cluster = Cluster::from_dir(running.stats()).await.unwrap();
        let words = if release.version == "2.2" { "Proxy is disabled." } else { "No such backend." };
        named_and_read!(cluster, "backend1_proc34", "bck_all_srv1", |server| {
            let changes = [
                server.disable().await,
                server.enable().await,
                server.set_state(AdminState::Drain).await,
                server.set_state(AdminState::Ready).await,
                server.set_weight(Weight::absolute(3).unwrap()).await,
                server.set_weight(Weight::percent(100)).await,
                server.set_maxconn(4).await,
                server.set_health(Health::Up).await,
                server.disable_health().await,
                server.enable_health().await,
                server.disable_agent().await,
                server.set_check_port(1).await,
                server.shutdown_sessions().await,
            ];
            for outcomes in changes {
                let outcomes = outcomes.unwrap();
                let said: Vec<_> = outcomes.iter().map(Outcome::absent).collect();
                assert_eq!(said, [Some(words), Some(words), None, None], "{}", outcomes.command());
            }
            let weights = server.fetch_weight().await.unwrap();
            let here: Vec<_> = weights.iter().map(|outcome| outcome.value().is_some()).collect();
            assert_eq!(here, [false, false, true, true]);
            let states = server.fetch_state().await.unwrap();
            let here: Vec<_> = states.iter().map(|outcome| outcome.value().is_some()).collect();
            assert_eq!(here, [false, false, true, true]);
        });
        let connections = every_info(&running, "CurrConns").await;
        assert_eq!(connections.len(), 4, "all are still there");
    }
}
