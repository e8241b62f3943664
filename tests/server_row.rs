//! Reads of one server, which ask each process for one row once its numbers are known.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use haproxyadmin::{Agreement, Cluster, ErrorKind};

mod support;

use support::{Config, Release, Running, Tap, releases};

/// The servers are in the configuration in the given order, so their numbers are 1, 2, 3, 4.
///
/// Up to 3.2 a frontend has the name of the backend.
fn config(release: &Release, servers: &[&str]) -> Config {
    let lines: Vec<String> = servers
        .iter()
        .zip(1..)
        .map(|(server, weight)| format!("    server {server} 127.0.0.1:{} weight {weight}", 1000 + weight))
        .collect();
    let frontend = if release.is_at_least("3.3") { "web" } else { "app" };
    Config::new(CONFIG).set("SERVERS", lines.join("\n")).set("FRONTEND", frontend)
}

const CONFIG: &str = r#"
global
    nbthread 1
    stats socket "unix@${DIR}/${N}.real" mode 600 level admin
defaults
    mode http
    timeout connect 1s
    timeout client 1m
    timeout server 1m
frontend ${FRONTEND}
    bind "unix@${DIR}/traffic/app.${N}"
    default_backend app
backend app
${SERVERS}
"#;

struct Tapped {
    running: Running,
    taps: Vec<Tap>,
    cluster: Cluster,
}

impl Tapped {
    async fn start(release: &Release, orders: &[&[&str]]) -> Self {
        let mut running = Running::new();
        let mut taps = Vec::new();
        for (n, order) in (1..).zip(orders) {
            running.add(release, &n.to_string(), &config(release, order).set("N", n)).await;
            taps.push(Tap::new(
                running.stats().join(format!("{n}.sock")),
                running.dir().join(format!("{n}.real")),
            ));
        }
        let cluster = Cluster::from_dir(running.stats()).await.unwrap();
        Self { running, taps, cluster }
    }

    /// Returns the text that each process has received so far.
    fn sent(&self) -> Vec<String> {
        self.taps.iter().map(Tap::sent).collect()
    }
}

#[tokio::test]
async fn a_server_is_asked_for_by_its_numbers_in_each_process() {
    for release in releases() {
        let tapped = Tapped::start(&release, &[&["a", "b", "c"], &["c", "b", "a"]]).await;
        let weights = Agreement::Differs(vec![("1".into(), 3), ("2".into(), 1)]);
        for round in 0..3 {
            let before = tapped.sent();
            let c = tapped.cluster.server("app", "c").await.unwrap();
            assert_eq!(c.weight(), Some(weights.clone()), "{release:?} {round}");
            let rows = c.snapshot().processes().iter().map(|process| process.stat().unwrap().len());
            assert_eq!(rows.collect::<Vec<_>>(), [1, 1], "{release:?} {round}");
            for ((sent, before), number) in tapped.sent().iter().zip(before).zip([3, 1]) {
                let sent = &sent[before.len()..];
                assert_eq!(sent.contains(&format!(" 4 {number}\n")), round > 0, "{sent}");
                assert_eq!(sent.contains("show stat app"), round == 0, "{sent}");
            }
        }
        assert_eq!(tapped.cluster.server("app", "b").await.unwrap().weight(), Some(Agreement::Same(2)));
        let error = tapped.cluster.server("app", "nobody").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{release:?}");
    }
}

#[tokio::test]
async fn numbers_that_mean_another_server_are_found_out() {
    for release in releases() {
        let mut tapped = Tapped::start(&release, &[&["a", "b", "c"]]).await;
        let cluster = tapped.cluster.clone();
        let read = async |name: &str| {
            let server = cluster.server("app", name).await?;
            Ok::<_, haproxyadmin::Error>(server.weight().and_then(|weight| weight.same().copied()))
        };
        assert_eq!(read("c").await.unwrap(), Some(3));
        for (order, weight) in
            [(&["c", "d", "e"][..], Some(1)), (&["d", "c"], Some(2)), (&["d", "e", "f"], None)]
        {
            let config = tapped.running.fill(config(&release, order).set("N", 1));
            tapped.running.haproxies[0].replace(&release, &config).await;
            for _ in 0..2 {
                match weight {
                    Some(weight) => {
                        assert_eq!(read("c").await.unwrap(), Some(weight), "{release:?} {order:?}");
                    }
                    None => assert_eq!(read("c").await.unwrap_err().kind(), ErrorKind::NotFound),
                }
            }
        }
    }
}
