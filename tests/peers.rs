//! Peers of two processes of each release that copy the entries of stick tables to each other, and
//! stick tables that are merged over such processes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::net::TcpListener;
use std::time::Duration;

use haproxyadmin::peers::{Peer, PeersSection};
use haproxyadmin::table::MergedValue;
use haproxyadmin::{Agreement, Cluster, ErrorKind};

mod managed;
mod support;

use managed::all;
use support::{Config, Release, Running, releases, until};

const CONFIG: &str = r#"
global
    stats socket "unix@${DIR}/stats/${PEER}.sock" mode 600 level admin
peers mine
    peer one 127.0.0.1:${PEER_ONE}
    peer two 127.0.0.1:${PEER_TWO}
peers alone
    peer ${PEER} 127.0.0.1:${PORT_ALONE}
    table own type string len 32 size 100 expire 1m store gpc0
defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s
backend shared
    stick-table type string len 32 size 100 expire 10m store gpc0,gpt0,http_req_rate(10s),server_id peers mine
backend apart
    stick-table type string len 32 size 100 expire 10m store gpc0,gpt0,http_req_rate(10s),server_id
"#;

/// Starts two processes, `one` and `two`, that are peers of each other.
async fn pair(release: &Release) -> (Running, Cluster) {
    let mut running = Running::new();
    let held = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let ports = held.each_ref().map(|listener| listener.local_addr().unwrap().port());
    drop(held);
    let config = Config::new(CONFIG).set("PEER_ONE", ports[0]).set("PEER_TWO", ports[1]);
    for name in ["one", "two"] {
        running.add(release, name, &config.clone().set("PEER", name)).await;
    }
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    (running, cluster)
}

/// Waits until both processes have a session with the other one.
async fn connected(cluster: &Cluster) -> Vec<Vec<PeersSection>> {
    let look = async || {
        let outcomes = cluster.peers().await.unwrap();
        let lists: Vec<_> = outcomes.values().map(|(_, sections)| sections.clone()).collect();
        let is_connected = |sections: &Vec<PeersSection>| {
            let peer = mine(sections).peers.iter().find(|peer| !peer.is_local);
            peer.is_some_and(|peer| peer.last_status.as_deref() == Some("ESTA"))
        };
        lists.iter().all(is_connected).then_some(lists)
    };
    until("the processes are connected", look).await
}

fn mine(sections: &[PeersSection]) -> &PeersSection {
    sections.iter().find(|section| &*section.name == "mine").unwrap()
}

#[tokio::test]
async fn peers_are_listed_with_the_tables_that_they_share() {
    for release in releases() {
        let (_running, cluster) = pair(&release).await;
        let lists = connected(&cluster).await;
        for (own, sections) in ["one", "two"].into_iter().zip(&lists) {
            let mut names: Vec<_> = sections.iter().map(|section| &*section.name).collect();
            names.sort_unstable();
            assert_eq!(names, ["alone", "mine"], "{}", release.version);
            let section = mine(sections);
            assert_eq!(&*section.local().unwrap().name, own);
            assert!(section.get("flags").unwrap().starts_with("0x"));
            let [remote] = section.peers.iter().filter(|peer| !peer.is_local).collect::<Vec<_>>()[..] else {
                panic!("{section:?}");
            };
            assert_eq!(&*remote.name, if own == "one" { "two" } else { "one" });
            assert!(remote.is_active && remote.address.starts_with("127.0.0.1:"), "{remote:?}");
            let state = release.is_at_least("3.0").then_some("RUNNING");
            assert_eq!(remote.get("app_state"), state, "{remote:?}");
            for peer in &section.peers {
                assert_eq!(tables(peer), ["shared"], "{}: {peer:?}", release.version);
                assert_eq!(peer.tables[0].get("update"), Some("0"));
            }
            let alone = sections.iter().find(|section| &*section.name == "alone").unwrap();
            assert_eq!(tables(&alone.peers[0]), ["alone/own"]);
            let json = serde_json::to_string(&sections).unwrap();
            assert_eq!(&serde_json::from_str::<Vec<PeersSection>>(&json).unwrap(), sections);
        }
    }
}

fn tables(peer: &Peer) -> Vec<&str> {
    peer.tables.iter().map(|table| &*table.name).collect()
}

#[tokio::test]
async fn a_peer_that_is_gone_is_inactive() {
    for release in releases() {
        let (mut running, cluster) = pair(&release).await;
        connected(&cluster).await;
        running.kill(2);
        let cluster = cluster.only(["one"]);
        let look = async || {
            let outcomes = cluster.peers().await.unwrap();
            let sections = outcomes.values().next().unwrap().1;
            mine(sections).peers.iter().all(|peer| !peer.is_active).then_some(())
        };
        until("the peer is inactive", look).await;
    }
}

#[tokio::test]
async fn a_process_without_peers_has_none() {
    let (_running, cluster) = managed::managed().await;
    let outcomes = cluster.peers().await.unwrap();
    assert_eq!(outcomes.values().map(|(_, sections)| sections.len()).collect::<Vec<_>>(), all(0));
}

#[tokio::test]
async fn entries_count_once_if_the_processes_synchronise_them() {
    for release in releases() {
        let (_running, cluster) = pair(&release).await;
        connected(&cluster).await;
        let (shared, apart) = (cluster.table("shared").unwrap(), cluster.table("apart").unwrap());
        shared.on(&cluster.only(["one"])).set("k", [("gpc0", 5), ("gpt0", 3)]).await.unwrap();
        let look = async || {
            let merged = shared.merged().await.unwrap();
            let entry = merged.get("k").filter(|entry| entry.processes.len() == 2)?.clone();
            Some((merged, entry))
        };
        let (merged, entry) = until("the entry is copied", look).await;
        assert_eq!(merged.synchronised(), [["one".into(), "two".into()].to_vec()], "{}", release.version);
        assert_eq!(entry.sum("gpc0"), Some(5), "{}: {entry:?}", release.version);
        assert_eq!(entry.get("gpt0"), Some(&MergedValue::Tag(Agreement::Same("3".into()))));
        assert!(entry.expires_in > Duration::from_secs(500), "{entry:?}");

        for (process, count) in [("one", 5), ("two", 7)] {
            let table = apart.on(&cluster.only([process]));
            table.set("k", [("gpc0", count), ("gpt0", count)]).await.unwrap();
        }
        apart.on(&cluster.only(["two"])).set("l", [("gpc0", 1)]).await.unwrap();
        let merged = apart.merged().await.unwrap();
        assert_eq!((merged.synchronised().len(), merged.entries().len()), (0, 2));
        let entry = merged.get("k").unwrap();
        assert_eq!(
            (entry.sum("gpc0"), entry.sum("http_req_rate"), entry.sum("gpt0")),
            (Some(12), Some(0), None)
        );
        let differs = [("one".into(), "5".into()), ("two".into(), "7".into())].to_vec();
        assert_eq!(entry.get("gpt0"), Some(&MergedValue::Tag(Agreement::Differs(differs))));
        assert_eq!(merged.get("l").unwrap().processes, ["two".into()]);

        // A table of a peers section with no other process.
        let own = cluster.table("alone/own").unwrap();
        own.set("k", [("gpc0", 2)]).await.unwrap();
        let merged = own.merged().await.unwrap();
        assert_eq!((merged.get("k").unwrap().sum("gpc0"), merged.synchronised().len()), (Some(4), 0));
        assert_eq!(cluster.table("nope").unwrap().merged().await.unwrap_err().kind(), ErrorKind::NotFound);
    }
}
