//! Sockets with file names that are not plain text.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use haproxyadmin::{Address, Cluster, Snapshot};

mod support;

use support::{Config, Running, releases};

/// File names of sockets: in HAProxy's configuration, as bytes, and as labels.
const NAMES: [(&str, &[u8], &str); 4] = [
    (r"back\\x41.sock", br"back\x41.sock", r"back\\x41"),
    (r"byte\xff.sock", b"byte\xff.sock", r"byte\xff"),
    (r"byte\xfe.sock", b"byte\xfe.sock", r"byte\xfe"),
    (r"tab\x09.sock", b"tab\t.sock", r"tab\x09"),
];

const CONFIG: &str = r#"
global
    nbthread 1
    stats socket "unix@${DIR}/stats/${NAME}" mode 600 level admin

frontend web
    mode http
    timeout client 30s
    bind "unix@${DIR}/traffic/web.${N}"
"#;

#[tokio::test]
async fn a_socket_with_any_file_name_is_read_stored_and_reached_by_its_label() {
    for release in releases() {
        let mut running = Running::new();
        for (n, (name, ..)) in (1..).zip(NAMES) {
            let config = Config::new(CONFIG).set("NAME", name).set("N", n);
            running.add(&release, &format!("process{n}"), &config).await;
        }
        let cluster = Cluster::from_dir(running.stats()).await.unwrap();
        let snapshot = cluster.snapshot().await.unwrap();
        assert_eq!(snapshot.processes().len(), NAMES.len(), "HAProxy {}", release.version);

        let json = serde_json::to_string(&snapshot).unwrap();
        assert_eq!(serde_json::from_str::<Snapshot>(&json).unwrap(), snapshot);

        for (n, (_, bytes, label)) in (1..).zip(NAMES) {
            let path = running.stats().join(OsStr::from_bytes(bytes));
            let process = snapshot.process(label).unwrap();
            assert_eq!(process.address(), &Address::from(path));
            assert_eq!(process.pid(), Some(u64::from(running.pid(n))));
            let name = format!("{label}.sock");
            let text = format!("{}/{name}", running.stats().display());
            assert_eq!(process.address().to_string(), text);
            for chosen in [label, &name, &text] {
                let one = cluster.only([chosen]).snapshot().await.unwrap();
                assert_eq!((one.processes().len(), one.processes()[0].pid()), (1, process.pid()), "{chosen}");
            }
        }
        for n in 1..=NAMES.len() {
            running.kill(n);
        }
        let error = cluster.snapshot().await.unwrap_err();
        assert!(error.to_string().contains(r"/tab\x09.sock: cannot connect: "), "{error}");
    }
}
