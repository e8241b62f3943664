//! Resolvers of a process of each release, with a name server that never answers.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use haproxyadmin::Cluster;
use haproxyadmin::resolvers::ResolversSection;
use tokio::net::UdpSocket;

mod support;

use support::{Config, Running, levels, releases, until};

const CONFIG: &str = r#"
global
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level user
resolvers local
    nameserver silent 127.0.0.1:${SILENT}
    nameserver unused 127.0.0.1:${SILENT}
    timeout retry 100ms
    hold valid 100ms
defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s
backend app
    server web1 host.test:80 resolvers local init-addr none check inter 100
"#;

#[tokio::test]
async fn queries_of_name_servers_are_counted() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let config = Config::new(CONFIG).set("SILENT", silent.local_addr().unwrap().port());
    let mut running = Running::new();
    for (n, release) in (1..).zip(releases()) {
        running.add(&release, &format!("process{n}"), &config.clone().set("N", n)).await;
    }
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    let look = async || {
        let outcomes = cluster.resolvers().await.unwrap();
        let lists: Vec<_> = outcomes.values().map(|(_, sections)| sections.clone()).collect();
        let has_asked = |sections: &Vec<ResolversSection>| {
            let counted = sections[0].nameservers[0].get("sent").unwrap();
            counted > 0
        };
        lists.iter().all(has_asked).then_some(lists)
    };
    let lists = until("each process has asked", look).await;
    assert_eq!(lists.len(), releases().len());
    for sections in lists {
        assert_eq!(&*sections[0].name, "local");
        let names: Vec<_> = sections[0].nameservers.iter().map(|one| &*one.name).collect();
        assert_eq!(names, ["silent", "unused"]);
        for nameserver in &sections[0].nameservers {
            assert_eq!((nameserver.get("valid"), nameserver.get("nope")), (Some(0), None));
            assert!(nameserver.counters.len() >= 15, "{nameserver:?}");
        }
        let json = serde_json::to_string(&sections).unwrap();
        assert_eq!(serde_json::from_str::<Vec<ResolversSection>>(&json).unwrap(), sections);
    }
}

#[tokio::test]
async fn a_process_without_resolvers_lists_at_most_the_default() {
    for release in releases() {
        let running = levels(&release).await;
        let cluster = Cluster::from_addresses([running.stats().join("user.sock")]).await.unwrap();
        let outcomes = cluster.resolvers().await.unwrap();
        let (_, sections) = outcomes.values().next().unwrap();
        let names: Vec<_> = sections.iter().map(|section| &*section.name).collect();
        assert!(names.iter().all(|name| *name == "default"), "{}: {names:?}", release.version);
    }
}
