//! Where the list of a map or an ACL ends: a reply is read to its end, or is an error.
//!
//! An entry may hold the text that ends a list. Since 2.6 the end of a line can be escaped, and on
//! every release a Lua script can add such an entry.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::fs;

use haproxyadmin::map::Contents;
use haproxyadmin::{Cluster, ErrorKind};

mod support;

use support::{Config, Cutter, Running, ask, http_get, releases};

const CONFIG: &str = r#"
global
    nbthread 1
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level admin
    lua-load "${DIR}/put.lua"
defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s
frontend web
    bind "unix@${DIR}/traffic/web.${N}"
    http-request deny if { path -f "${DIR}/a.acl" }
    http-request set-header X-A %[path,map("${DIR}/a.map")]
    http-request use-service lua.put
"#;

/// The entries that the script adds: values of keys, and patterns. Each holds an empty line or a
/// prompt, the last one both.
const ADDED: [(&str, &str); 4] = [
    ("one", "a\n\nb"),
    ("prompt", "x\n\n> \n\n> y"),
    ("reply", "x\n\n> \n"),
    ("last", "a\n\n> b\n\n\n> \n\nc"),
];

async fn running() -> Running {
    let mut running = Running::new();
    let file = |name: &str| running.dir().join(name);
    fs::write(file("a.map"), "k v\n").unwrap();
    fs::write(file("a.acl"), "/k\n").unwrap();
    let [map, acl] = ["a.map", "a.acl"].map(|name| file(name).display().to_string());
    let added = ADDED.map(|(key, value)| {
        format!("core.set_map({map:?}, {key:?}, {value:?})\ncore.add_acl({acl:?}, {value:?})\n")
    });
    let script = format!(
        "core.register_service(\"put\", \"http\", function(applet)\n{}applet:set_status(200)\n\
         applet:start_response()\nend)\n",
        added.concat()
    );
    fs::write(file("put.lua"), script).unwrap();
    for (n, release) in (1..).zip(releases()) {
        running.add(&release, &format!("process{n}"), &Config::new(CONFIG).set("N", n)).await;
        assert_eq!(http_get(running.traffic("web", n), "/").await, 200);
    }
    running
}

fn texts(contents: &Contents) -> Vec<String> {
    contents.entries().unwrap().map(|entry| entry.to_string()).collect()
}

#[tokio::test]
async fn an_entry_may_hold_what_ends_a_list() {
    let running = running().await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    let name = |file: &str| running.dir().join(file).display().to_string();
    let map = cluster.map(name("a.map")).unwrap().show().await.unwrap();
    let acl = cluster.acl(name("a.acl")).unwrap().show().await.unwrap();
    assert_eq!((map.per_process().count(), acl.per_process().count()), (releases().len(), releases().len()));
    let pairs = ADDED.map(|(key, value)| format!("{key} {value}"));
    assert_eq!(texts(&map), [&["k v".to_owned()][..], &pairs].concat());
    let values = ADDED.map(|(_, value)| value.to_owned());
    assert_eq!(texts(&acl), [&["/k".to_owned()][..], &values].concat());
}

#[tokio::test]
async fn a_list_that_breaks_off_anywhere_is_an_error() {
    let running = running().await;
    for (n, release) in (1..).zip(releases()) {
        let path = running.dir().join(format!("cut{n}.sock"));
        let cutter = Cutter::new(&path, running.socket(n), "show map");
        let cluster = Cluster::from_addresses([path.as_path()]).await.unwrap();
        let map = cluster.map(running.dir().join("a.map").display().to_string()).unwrap();
        let whole = map.show().await.unwrap();
        let printed = ask(running.socket(n), &format!("show map {}", map.id())).await;
        // Three prompts, one of them behind the list, and the answer to the last command.
        let all = "\n> \n> ".len() + printed.len() + "> \n".len();
        for bytes in 0..all {
            cutter.cut_behind(bytes);
            let error = map.show().await.unwrap_err();
            let kind = if bytes == 0 { ErrorKind::Closed } else { ErrorKind::Truncated };
            let place = format!("HAProxy {}, {bytes} of {all} bytes", release.version);
            assert_eq!(error.kind(), kind, "{place}: {error}");
        }
        cutter.cut_behind(all);
        assert_eq!(texts(&map.show().await.unwrap()), texts(&whole));
    }
}
