//! Work on the servers of a backend under load, on processes of four releases.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use haproxyadmin::drain::Drain;
use haproxyadmin::rolling::{Rolling, RollingError, RollingStep};
use haproxyadmin::{BackendRef, Cluster, ServerRef, Weight};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time;

mod support;

use support::{
    Clients, Config, MasterWorker, Running, ask, assert_no_leftovers, every_cell, every_state, hold_at,
    release, releases, until,
};

const SERVERS: usize = 6;

const CONFIG: &str = r#"
global
    nbthread 1
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level admin
defaults
    mode http
    timeout connect 5s
    timeout client 1m
    timeout server 1m
    retries 3
    option redispatch 1
frontend web
    bind "unix@${DIR}/traffic/web.${N}"
    default_backend app
backend app
    balance roundrobin
    default-server check inter 100ms rise 2 fall 2
    server web1 127.0.0.1:${SERVICE_1}
    server web2 127.0.0.1:${SERVICE_2}
    server web3 127.0.0.1:${SERVICE_3}
    server web4 127.0.0.1:${SERVICE_4}
    server web5 127.0.0.1:${SERVICE_5}
    server web6 127.0.0.1:${SERVICE_6}
"#;

/// A service that is stopped and started by its deploy.
struct Service {
    address: SocketAddr,
    task: JoinHandle<()>,
    version: u32,
}

/// The services, by the names of their servers.
type Services = Arc<Mutex<HashMap<String, Service>>>;

async fn listen(address: SocketAddr) -> Service {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
                if request.starts_with(b"GET /hold ") {
                    let _ = stream.read_to_end(&mut Vec::new()).await;
                    return;
                }
                let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
                let _ = stream.write_all(reply).await;
            });
        }
    });
    Service { address, task, version: 1 }
}

struct Site {
    running: Running,
    services: Services,
    cluster: Cluster,
}

impl Site {
    async fn start() -> Self {
        let mut services = HashMap::new();
        for n in 1..=SERVERS {
            services.insert(format!("web{n}"), listen("127.0.0.1:0".parse().unwrap()).await);
        }
        let releases = ["2.2", "2.6", "3.0", "3.4"].map(release);
        let config = |_: &_| {
            let port = |n: usize| services[&format!("web{n}")].address.port();
            (1..=SERVERS).fold(Config::new(CONFIG), |config, n| config.set(&format!("SERVICE_{n}"), port(n)))
        };
        let running = Running::of(0, &releases, config).await;
        let cluster = Cluster::from_dir(running.stats()).await.unwrap();
        Self { running, services: Arc::new(Mutex::new(services)), cluster }
    }

    fn app(&self) -> BackendRef {
        self.cluster.backend_ref("app").unwrap()
    }

    async fn until_up(&self) {
        let is_up = async || {
            let cells = every_cell(&self.running, "app", "web6", "status").await;
            cells.iter().all(|cell| cell == "UP").then_some(())
        };
        until("the checks pass", is_up).await;
    }

    fn versions(&self) -> Vec<u32> {
        let services = self.services.lock().unwrap();
        (1..=SERVERS).map(|n| services[&format!("web{n}")].version).collect()
    }

    async fn states(&self, server: &str) -> Vec<String> {
        every_state(&self.running, "app", server, "srv_admin_state").await
    }
}

fn cause(error: &RollingError) -> String {
    std::error::Error::source(error).unwrap().to_string()
}

/// Stops the service of a server for a while, and starts a new version.
async fn deploy(services: Services, server: ServerRef) -> io::Result<()> {
    let address = {
        let services = services.lock().unwrap();
        let service = &services[server.name()];
        service.task.abort();
        service.address
    };
    time::sleep(Duration::from_millis(400)).await;
    let service = Service { version: 2, ..listen(address).await };
    services.lock().unwrap().insert(server.name().to_owned(), service);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deploy_loses_no_request_though_a_process_restarts() {
    let mut site = Site::start().await;
    let clients = Clients::start_at(&site.running, "web", 1..=3);
    let (app, services) = (site.app(), Arc::clone(&site.services));
    let rolling = tokio::spawn(async move {
        let terms = Rolling::new().keep_up(4);
        app.roll(&terms, |server| deploy(Arc::clone(&services), server)).await
    });
    let at_third =
        async || (site.versions().iter().filter(|version| **version == 2).count() == 2).then_some(());
    until("two servers are done", at_third).await;
    site.running.kill(4);
    time::sleep(Duration::from_millis(300)).await;
    site.running.restart(4).await;
    let done = rolling.await.unwrap().unwrap();
    assert_eq!(done, ["web1", "web2", "web3", "web4", "web5", "web6"]);
    let (sent, lost) = clients.end().await;
    assert_eq!(lost, [""; 0], "of {sent}");
    assert!(sent > 500, "{sent}");
    assert_eq!(site.versions(), [2; SERVERS]);
    for server in done {
        assert_eq!(site.states(&server).await, ["0"; 4]);
        assert_eq!(every_cell(&site.running, "app", &server, "status").await, ["UP"; 4], "{server}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deploy_that_fails_leaves_each_process_as_it_was() {
    let site = Site::start().await;
    // The fourth server has another state on each process.
    let by_hand = |n: usize| Cluster::from_addresses([site.running.socket(n)]);
    for (n, state) in [(2, "drain"), (3, "maint")] {
        let web4 = by_hand(n).await.unwrap().server_ref("app", "web4").unwrap();
        web4.set_state(state.parse().unwrap()).await.unwrap();
    }
    let before = site.states("web4").await;
    assert_eq!(before, ["0", "8", "1", "0"]);
    let clients = Clients::start(&site.running, "web");
    let work = |server: ServerRef| {
        let services = Arc::clone(&site.services);
        async move {
            if server.name() == "web4" {
                return Err(io::Error::other("no space left"));
            }
            deploy(services, server).await
        }
    };
    let error = site.app().roll(&Rolling::new(), work).await.unwrap_err();
    assert_eq!(error.step(), RollingStep::Work);
    assert_eq!(error.servers(), ["web4"]);
    assert!(error.not_set_back().is_none());
    assert_eq!(error.to_string(), "work of web4");
    assert_eq!(cause(&error), "no space left");
    let (sent, lost) = clients.end().await;
    assert_eq!(lost, [""; 0], "of {sent}");
    assert_eq!(site.versions(), [2, 2, 2, 1, 1, 1]);
    assert_eq!(site.states("web4").await, before);
    for server in ["web1", "web2", "web3", "web5", "web6"] {
        assert_eq!(site.states(server).await, ["0"; 4]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deploy_that_is_stopped_ends_after_the_server_in_work() {
    let site = Site::start().await;
    site.until_up().await;
    let (running, stopped) = oneshot::channel::<()>();
    let running = Mutex::new(Some(running));
    let work = |server: ServerRef| {
        let services = Arc::clone(&site.services);
        if server.name() == "web2" {
            drop(running.lock().unwrap().take());
        }
        deploy(services, server)
    };
    let done = site.app().roll_until(&Rolling::new(), stopped.map(drop), work).await.unwrap();
    assert_eq!(done, ["web1", "web2"]);
    assert_eq!(site.versions(), [2, 2, 1, 1, 1, 1]);
    for n in 1..=SERVERS {
        assert_eq!(site.states(&format!("web{n}")).await, ["0"; 4]);
    }
    assert_eq!(every_cell(&site.running, "app", "web2", "status").await, ["UP"; 4]);
    // Nor does it go on to wait for the other servers.
    let terms = Rolling::new().keep_up(SERVERS).up_within(Duration::from_secs(3600));
    let stop = time::sleep(Duration::from_millis(100));
    assert_eq!(site.app().roll_until(&terms, stop, work).await.unwrap(), [""; 0]);
    assert_eq!(site.versions(), [2, 2, 1, 1, 1, 1]);
}

#[tokio::test]
async fn servers_that_are_needed_are_not_taken_out() {
    let site = Site::start().await;
    site.until_up().await;
    let terms = Rolling::new().at_once(3).keep_up(4).up_within(Duration::from_millis(300));
    let work = |server: ServerRef| async move { Err::<(), _>(io::Error::other(server.name().to_owned())) };
    let error = site.app().roll(&terms, work).await.unwrap_err();
    assert_eq!((error.step(), error.servers().len()), (RollingStep::KeepUp, 3));
    let text = cause(&error);
    assert_eq!(text.matches(": 3 other servers are up, and 4 are needed after ").count(), 4, "{text}");
    assert_eq!(site.states("web1").await, ["0"; 4]);
    ask(site.running.socket(2), "set server app/web5 state maint").await;
    let terms = Rolling::new().keep_up(5).up_within(Duration::from_millis(300));
    let text = cause(&site.app().roll(&terms, work).await.unwrap_err());
    let lack = "/2.sock: 4 other servers are up, and 5 are needed: web5 has status MAINT after ";
    assert!(text.contains(lack) && text.matches("are needed").count() == 1, "{text}");
}

#[tokio::test]
async fn a_deploy_of_servers_that_are_nowhere_does_not_begin() {
    let site = Site::start().await;
    let work = |server: ServerRef| async move { Err::<(), _>(io::Error::other(server.name().to_owned())) };
    let terms = Rolling::new().servers(["web1", "web8", "web9"]);
    let error = site.app().roll(&terms, work).await.unwrap_err();
    assert_eq!((error.step(), error.servers()), (RollingStep::Read, &["web8".into(), "web9".into()][..]));
    assert_eq!(cause(&error), "no such server \"app/web8\", \"app/web9\"");
    let app = site.cluster.only(["1", "nowhere"]).backend_ref("app").unwrap();
    let error = app.roll(&Rolling::new().servers(["web1"]), work).await.unwrap_err();
    assert_eq!(error.step(), RollingStep::Read);
    assert_eq!(cause(&error), "no such process \"nowhere\"; there are 1, 2, 3, 4");
    assert_eq!(site.states("web1").await, ["0"; 4]);
}

#[tokio::test]
async fn a_deploy_of_a_server_that_is_given_twice_does_not_begin() {
    let site = Site::start().await;
    let worked = AtomicUsize::new(0);
    let work = |_| {
        worked.fetch_add(1, Relaxed);
        async { Ok::<(), io::Error>(()) }
    };
    let terms = Rolling::new().servers(["web1", "web2", "web1"]).at_once(3);
    let error = site.app().roll(&terms, work).await.unwrap_err();
    assert_eq!((error.step(), error.servers()), (RollingStep::Read, &["web1".into()][..]));
    assert_eq!(cause(&error), "server \"web1\" occurs twice");
    assert_eq!((worked.into_inner(), site.states("web1").await), (0, vec!["0".to_owned(); 4]));
}

#[tokio::test]
async fn a_server_that_does_not_drain_ends_the_deploy() {
    let site = Site::start().await;
    let web6 = site.cluster.server_ref("app", "web6").unwrap();
    for n in 1..SERVERS {
        site.cluster.server_ref("app", &format!("web{n}")).unwrap().disable().await.unwrap();
    }
    let _held = hold_at(&site.running, 1, "web", ("app", "web6")).await;
    let terms =
        Rolling::new().servers([web6.name()]).keep_up(0).drain(Drain::within(Duration::from_millis(300)));
    let work = |_| async { Ok::<(), io::Error>(()) };
    let error = site.app().roll(&terms, work).await.unwrap_err();
    assert_eq!(error.step(), RollingStep::Drain);
    assert!(cause(&error).contains("1 session,"), "{error:?}");
    assert_eq!(site.states("web6").await, ["0"; 4]);
    // Nor does the server of a cluster with partial results, which has an outcome that failed.
    let lenient = site.cluster.allow_partial().backend_ref("app").unwrap();
    let error = lenient.roll(&terms, work).await.unwrap_err();
    assert_eq!(error.step(), RollingStep::Drain);
    assert_eq!(site.states("web6").await, ["0"; 4]);
}

/// Polls a rolling change n times and drops it, for every n.
#[tokio::test]
async fn a_rolling_change_that_is_dropped_leaves_no_connection_and_can_be_repeated() {
    let site = Site::start().await;
    let terms = Rolling::new().at_once(2).keep_up(1);
    let work = |_| async { Ok::<(), io::Error>(()) };
    let ready = async || {
        for n in 1..=SERVERS {
            site.cluster.server_ref("app", &format!("web{n}")).unwrap().enable().await.unwrap();
        }
    };
    for polls in 1..80 {
        let app = site.app();
        let mut roll = Box::pin(app.roll(&terms, work));
        for _ in 0..polls {
            if roll.as_mut().now_or_never().is_some() {
                break;
            }
            time::sleep(Duration::from_millis(1)).await;
        }
        drop(roll);
        ready().await;
    }
    for socket in site.running.sockets() {
        assert_no_leftovers(&socket, "dropped rolling changes").await;
    }
    site.app().roll(&terms, work).await.unwrap();
    for n in 1..=SERVERS {
        assert_eq!(site.states(&format!("web{n}")).await, ["0"; 4]);
    }
}

/// An old worker refuses changes of its servers, and its checks do not run any more.
#[tokio::test]
async fn a_deploy_behind_a_master_leaves_an_old_worker_out() {
    for release in releases() {
        let mut site = MasterWorker::start(&release).await;
        // A request that has not ended keeps the old worker alive.
        let mut visitor = UnixStream::connect(site.running.traffic("web", 1)).await.unwrap();
        visitor.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        site.running.haproxies[0].reload().await;
        site.running.haproxies[0].master_ready().await;
        let cluster = Cluster::builder().master(site.master.clone()).build().await.unwrap();
        assert_eq!(cluster.snapshot().await.unwrap().processes().len(), 2);
        let app = cluster.backend_ref("app").unwrap();
        let work = |_| async { Ok::<(), io::Error>(()) };
        let done = app.roll(&Rolling::new().keep_up(0), work).await;
        assert_eq!(done.unwrap_or_else(|error| panic!("{}: {error}", cause(&error))), ["web1"]);
        assert_eq!(every_state(&site.running, "app", "web1", "srv_admin_state").await, ["0"]);
        drop(visitor);
    }
}

/// A server of weight 0 is up and takes no traffic.
#[tokio::test]
async fn a_server_without_weight_does_not_stand_in_for_another() {
    let site = Site::start().await;
    site.until_up().await;
    for n in 2..=SERVERS {
        let server = site.cluster.server_ref("app", &format!("web{n}")).unwrap();
        server.set_weight(Weight::absolute(0).unwrap()).await.unwrap();
    }
    let terms = Rolling::new().servers(["web1"]).up_within(Duration::from_millis(300));
    let work = |_| async { Ok::<(), io::Error>(()) };
    let error = site.app().roll(&terms, work).await.unwrap_err();
    assert_eq!(error.step(), RollingStep::KeepUp, "{}", cause(&error));
    assert!(cause(&error).contains("web2 has weight 0"), "{}", cause(&error));
    assert_eq!(site.states("web1").await, ["0"; 4]);
}
