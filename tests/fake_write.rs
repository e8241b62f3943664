//! Commands that change something, on the fake stats socket and on real HAProxy processes, release
//! by release. Scripts of changes and reads must get the same replies from both.
#![cfg(unix)]
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "in a helper of tests too, a panic is the failure"
)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use haproxyadmin::Level;
use haproxyadmin::fake::{
    self, Acl, AuthorityFile, Backend, Certificate, CrtList, Frontend, Listener, Map, OcspResponse, Process,
    Table,
};
use haproxyadmin::field::{COLUMNS, KEYS, Nature};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

mod authority;
#[path = "fake_write/script.rs"]
mod script;
mod support;

use authority::ocsp::{Status, base64};
use support::{Config, Release, Running, ask, release, row, until, versions};

/// Runs each script at every level, and with both kinds of severity output.
macro_rules! scripts {
    ($($(#[$doc:meta])* $name:ident $script:expr;)*) => {$(
        $(#[$doc])*
        #[tokio::test]
        async fn $name() {
            for release in held_to() {
                Pair::start(&release).await.play($script).await;
            }
        }
    )*};
}

scripts! {
    servers_change_their_state_alike script::SERVER_STATE;
    servers_change_their_health_alike script::HEALTH;
    servers_change_their_weight_alike script::WEIGHT;
    servers_change_their_address_alike script::ADDRESS;
    servers_are_named_alike script::NAMES;
    servers_are_added_and_deleted_alike script::DYNAMIC;
    slots_are_taken_and_released_alike script::SLOT;
    backends_are_added_and_deleted_alike script::BACKEND;
    frontends_are_opened_and_closed_alike script::FRONTEND;
    limits_are_set_alike script::LIMIT;
    maps_are_edited_alike script::MAP;
    versions_of_maps_are_swapped_alike script::VERSION;
    acls_are_edited_alike script::ACL;
    a_session_is_set_up_alike script::SESSION;
    sessions_are_listed_and_ended_alike script::STREAM;
}

#[tokio::test]
async fn stick_tables_are_edited_alike() {
    for release in held_to() {
        let pair = Pair::start(&release).await;
        if release.is_at_least("3.0") && !release.is_at_least("3.2") {
            for line in script::TABLE {
                pair.compare("admin.sock", line).await;
            }
        } else {
            pair.play(script::TABLE).await;
            pair.play(script::TABLE_REFUSED).await;
        }
    }
}

/// The fake gets the details of each PEM text from the release itself.
#[tokio::test]
async fn certificates_are_changed_alike() {
    let authority = authority::Authority::new("Test CA");
    let pems = [1, 2].map(|serial| authority.issue(serial).pem().trim_end().to_owned());
    for release in held_to() {
        let pair = Pair::start(&release).await;
        let real = pair.real().join("admin.sock");
        let mut process = Process::new(&release.version);
        for pem in &pems {
            let lines = ["new ssl cert x", &format!("set ssl cert x <<\n{pem}\n"), "show ssl cert *x"];
            let mut shown = String::new();
            for line in lines.into_iter().chain(["abort ssl cert x", "del ssl cert x"]) {
                let reply = text(&real, line).await;
                if line.starts_with("show") {
                    shown = reply;
                }
            }
            let details = shown.split_once("Serial").unwrap().1;
            let end = details.find("OCSP Response Key").unwrap_or(details.len() - 1);
            process = process.pem(pem, format!("Serial{}", &details[..end]));
        }
        pair.running.replace(process).unwrap();
        let script: Vec<_> = script::CERTIFICATE
            .iter()
            .map(|line| line.replace("PEM1", &pems[0]).replace("PEM2", &pems[1]))
            .collect();
        pair.play(&script.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
}

/// The fake gets the certificates and lists of each text, and the authorities of the host, from the
/// release itself.
#[tokio::test]
async fn files_of_authorities_are_changed_alike() {
    let authorities = ["CA 1", "CA 2"].map(authority::Authority::new);
    let lists = [&[1][..], &[2, 3]].map(|serials| authorities[0].revoke(serials).trim_end().to_owned());
    let authorities = authorities.map(|authority| authority.pem().trim_end().to_owned());
    for release in held_to() {
        for (kind, pems) in [("ca-file", &authorities), ("crl-file", &lists)] {
            let pair = Pair::start(&release).await;
            let real = pair.real().join("admin.sock");
            let blocks = async |line: &str| {
                let reply = text(&real, line).await;
                let rest = reply.split_once("\nStatus: ").and_then(|(_, rest)| rest.split_once('\n'));
                rest.map_or_else(String::new, |(_, rest)| rest.trim_end_matches('\n').to_owned() + "\n")
            };
            let mut process = Process::new(&release.version);
            if kind == "ca-file" {
                let host =
                    AuthorityFile::new("@system-ca").blocks(blocks("show ssl ca-file @system-ca").await);
                process = process.ca_file(host);
            }
            for pem in pems {
                for line in [format!("new ssl {kind} x"), format!("set ssl {kind} x <<\n{pem}\n")] {
                    text(&real, &line).await;
                }
                process = process.pem(pem, blocks(&format!("show ssl {kind} *x")).await);
                for verb in ["abort", "del"] {
                    text(&real, &format!("{verb} ssl {kind} x")).await;
                }
            }
            pair.running.replace(process).unwrap();
            let is_of = |line: &&&str| kind == "ca-file" || !line.contains("ca-file");
            let script: Vec<_> = script::FILE
                .iter()
                .filter(is_of)
                .map(|line| line.replace("KIND", kind).replace("PEM1", &pems[0]).replace("PEM2", &pems[1]))
                .collect();
            pair.play(&script.iter().map(String::as_str).collect::<Vec<_>>()).await;
        }
    }
}

#[tokio::test]
async fn crt_lists_are_changed_alike() {
    let authority = authority::Authority::new("Test CA");
    let pem = authority.issue(1).pem().trim_end().to_owned();
    for release in held_to() {
        let mut real = Running::new();
        let [list, first] =
            ["sites.list", "first.pem"].map(|name| real.dir().join(name).display().to_string());
        std::fs::write(&first, &pem).unwrap();
        std::fs::write(&list, format!("{first} [verify none] a.example\n")).unwrap();
        real.add(&release, "list", &Config::new(LIST_CONFIG)).await;
        let socket = real.stats().join("admin.sock");
        let mut details = String::new();
        let lines = ["new ssl cert y", &format!("set ssl cert y <<\n{pem}\n"), "show ssl cert *y"];
        for line in lines.into_iter().chain(["abort ssl cert y", "del ssl cert y"]) {
            let reply = text(&socket, line).await;
            if let Some((_, shown)) = reply.split_once("Serial") {
                let end = shown.find("OCSP Response Key").unwrap_or(shown.len() - 1);
                details = format!("Serial{}", &shown[..end]);
            }
        }
        let process = Process::new(&release.version)
            .pem(&pem, details)
            .certificate(Certificate::new(first.as_str()))
            .crt_list(CrtList::new(list.as_str()).line(&format!("{first} [verify none] a.example")));
        let pair = Pair::of(&release, real, process).await;
        // Number of the last line.
        let mut added = 1;
        for (name, prefix) in [
            ("user.sock", ""),
            ("operator.sock", ""),
            ("admin.sock", ""),
            ("admin.sock", "set severity-output number;"),
            ("admin.sock", "set severity-output string;"),
        ] {
            for line in script::CRT_LIST {
                let line = line
                    .replace("LIST", &list)
                    .replace("PEM1", &pem)
                    .replace("LINE1", &(added + 1).to_string())
                    .replace("LINE2", &(added + 2).to_string());
                pair.compare(name, &format!("{prefix}{line}")).await;
            }
            // The script adds three lines.
            added += if name == "admin.sock" { 3 } else { 0 };
        }
    }
}

/// The fake gets the text of each response from the release itself. 2.2 shows no response.
#[tokio::test]
async fn ocsp_responses_are_changed_alike() {
    let authority = authority::Authority::new("Test CA");
    let [good, revoked, other] =
        [Status::good(1), Status::revoked(1), Status::good(3)].map(|status| authority.respond(&status));
    let ids = [1, 2, 3].map(|serial| authority.certificate_id_text(serial));
    for release in held_to() {
        let mut real = Running::new();
        let path = |name: &str| real.dir().join(name).display().to_string();
        let [first, second, plain] = ["first.pem", "second.pem", "plain.pem"].map(path);
        for (n, file) in (1..).zip([&first, &second, &plain]) {
            let pem = authority.issue(n).pem();
            std::fs::write(file, format!("{pem}{}", authority.pem())).unwrap();
        }
        std::fs::write(path("first.pem.ocsp"), &good).unwrap();
        std::fs::write(path("second.pem.ocsp"), authority.respond(&Status::good(2))).unwrap();
        std::fs::write(path("sites.list"), format!("{first}\n{second}\n{plain}\n")).unwrap();
        real.add(&release, "ocsp", &Config::new(LIST_CONFIG)).await;
        let socket = real.stats().join("admin.sock");
        let shown = async |id: &str| {
            let reply = text(&socket, &format!("show ssl ocsp-response {id}")).await;
            reply.strip_suffix('\n').unwrap().to_owned()
        };
        let set = |der: &[u8]| format!("set ssl ocsp-response <<\n{}\n", base64(der));
        let texts = [shown(&ids[0]).await, shown(&ids[1]).await];
        text(&socket, &set(&revoked)).await;
        let new = shown(&ids[0]).await;
        text(&socket, &set(&good)).await;
        let process =
            [&first, &second, &plain].into_iter().fold(Process::new(&release.version), |process, file| {
                process.certificate(Certificate::new(file.as_str()))
            });
        let process = process
            .ocsp_response(OcspResponse::new(&ids[1], second.as_str()).text(texts[1].as_str()))
            .ocsp_response(OcspResponse::new(&ids[0], first.as_str()).text(texts[0].as_str()))
            .ocsp_der(&good, &ids[0], texts[0].as_str())
            .ocsp_der(&revoked, &ids[0], new)
            .ocsp_der(&other, &ids[2], "");
        let pair = Pair::of(&release, real, process).await;
        let script: Vec<_> = script::OCSP
            .iter()
            .filter(|line| release.is_at_least("2.5") || line.starts_with("set"))
            // `update` has the real process ask a responder, and its result depends on the time.
            .filter(|line| release.is_at_least("2.8") || !line.contains("updat"))
            .map(|line| {
                line.replace("FIRST", &first)
                    .replace("PLAIN", &plain)
                    .replace("ID1", &ids[0])
                    .replace("ID3", &ids[2])
                    .replace("GOOD", &base64(&good))
                    .replace("REVOKED", &base64(&revoked))
                    .replace("OTHER", &base64(&other))
            })
            .collect();
        pair.play(&script.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
}

#[tokio::test]
async fn payloads_are_taken_alike() {
    for release in held_to() {
        let pair = Pair::start(&release).await;
        for payload in script::PAYLOADS {
            for line in [payload, "show map #4"] {
                pair.compare("admin.sock", line).await;
            }
        }
    }
}

#[tokio::test]
async fn a_payload_that_is_too_long_is_refused_alike() {
    // 2.2 and 2.6 sometimes hang and sometimes close.
    for release in held_to().into_iter().filter(|release| release.is_at_least("3.0")) {
        let pair = Pair::start(&release).await;
        for entries in [1500, 1700, 12_000, 13_500] {
            // Each entry has ten bytes.
            let lines = (0..entries).map(|key| format!("k{key:06} v")).collect::<Vec<_>>().join("\n");
            let line = format!("add map #4 <<\n{lines}\n\n");
            let (fake, real) = (pushed(&pair.fake(), &line).await, pushed(&pair.real(), &line).await);
            assert_eq!(fake, real, "{entries} entries to HAProxy {}", release.version);
        }
    }
}

#[tokio::test]
async fn entries_are_named_by_their_references_alike() {
    for release in held_to() {
        let pair = Pair::start(&release).await;
        for line in ["add map #4 k one", "add map #4 k two", "add map #4 k three"] {
            pair.compare("admin.sock", line).await;
        }
        for command in ["set map #4 REF new", "del map #4 REF", "del map #4 REF"] {
            let mut replies = Vec::new();
            for path in [pair.real(), pair.fake()] {
                let list = text(path.join("admin.sock"), "show map #4").await;
                let line = list.lines().find(|line| line.contains(" k two") || line.contains(" k new"));
                let reference = line.map_or("0x1", |line| line.split(' ').next().unwrap());
                let command = command.replace("REF", &format!("#{reference}"));
                replies.push(text(path.join("admin.sock"), &command).await);
            }
            assert_eq!(replies[0], replies[1], "{command} of HAProxy {}", release.version);
            pair.compare("admin.sock", "show map #4").await;
        }
    }
}

#[tokio::test]
async fn counters_are_cleared_alike() {
    for release in held_to() {
        let pair = Pair::start(&release).await;
        pair.real.send("web", 1, "/", 5).await;
        let (real, fake) = (pair.real().join("admin.sock"), pair.fake().join("admin.sock"));
        let counted: Vec<_> = COLUMNS
            .iter()
            .filter(|column| matches!(column.nature, Nature::Counter | Nature::Max))
            .filter(|column| release.is_at_least(column.since))
            .collect();
        for (proxy, name) in COUNTING {
            let before = row(&real, proxy, name).await;
            for column in counted.iter().filter(|column| !before.cell(column.name).is_empty()) {
                let number = before.number(column.name);
                match name {
                    "FRONTEND" => pair.running.set_frontend(proxy, column.name, number),
                    "BACKEND" => pair.running.set_backend(proxy, column.name, number),
                    _ => pair.running.set_server(proxy, name, column.name, number),
                }
                .unwrap();
            }
        }
        for command in ["show cli level", "clear counters bogus", "clear counters all"] {
            pair.compare("admin.sock", command).await;
            for (proxy, name) in COUNTING {
                let (real, fake) = (row(&real, proxy, name).await, row(&fake, proxy, name).await);
                for column in counted.iter().map(|column| column.name) {
                    let what = format!("{column} of {proxy},{name} after {command}");
                    assert_eq!(fake.cell(column), real.cell(column), "{what}, HAProxy {}", release.version);
                }
            }
        }
    }
}

/// A real process, and a fake one with the same description.
struct Pair {
    release: Release,
    real: Running,
    running: fake::Running,
    dir: TempDir,
}

impl Pair {
    async fn start(release: &Release) -> Self {
        let mut real = Running::new();
        real.add_servers(1).await;
        for (name, lines) in [("hosts.map", HOSTS), ("deny.acl", DENIED), ("words.acl", WORDS)] {
            std::fs::write(real.dir().join(name), lines).unwrap();
        }
        let config = real.fill(Config::new(CONFIG));
        real.add(release, "write", &config).await;

        let process = described(&release.version, real.dir(), &real.servers[0].address().to_string());
        Self::of(release, real, process).await
    }

    /// Serves the description of a real process.
    async fn of(release: &Release, real: Running, process: Process) -> Self {
        let dir = TempDir::new().unwrap();
        let mut running = process.serve(dir.path().join("admin.sock")).await.unwrap();
        for (name, level) in [("operator.sock", Level::Operator), ("user.sock", Level::User)] {
            running.also(dir.path().join(name), level).await.unwrap();
        }
        Self { release: release.clone(), real, running, dir }
    }

    /// The folder of the sockets.
    fn real(&self) -> PathBuf {
        self.real.stats()
    }

    fn fake(&self) -> PathBuf {
        self.dir.path().to_owned()
    }

    /// Runs a script, which continues from the state that its previous run left.
    async fn play(&self, script: &[&str]) {
        for (name, prefix) in [
            ("user.sock", ""),
            ("operator.sock", ""),
            ("admin.sock", ""),
            ("admin.sock", "set severity-output number;"),
            ("admin.sock", "set severity-output string;"),
        ] {
            for line in script {
                self.compare(name, &format!("{prefix}{line}")).await;
            }
        }
    }

    async fn compare(&self, name: &str, line: &str) {
        let line = line.replace("DIR", &self.real.dir().display().to_string());
        let look = async |dir: &Path| comparable(&text(dir.join(name), &line).await);
        let fake = look(&self.fake()).await;
        if ["show stat", "show servers state", "show sess"].iter().any(|command| line.contains(command)) {
            // Checks go on, and the connection before this one may still be a session. If the replies stay different, the assertions below fail.
            let same = async || (look(&self.real()).await == fake).then_some(());
            if timeout(Duration::from_secs(5), until("the same", same)).await.is_ok() {
                return;
            }
        }
        let real = look(&self.real()).await;
        let what = format!("{line:?} to {name} of HAProxy {}", self.release.version);
        for (fake, real) in fake.split('\n').zip(real.split('\n')) {
            assert_eq!(fake, real, "{what}");
        }
        assert_eq!(fake.len(), real.len(), "{what}");
    }
}

/// The releases that a fake is compared with; the replies for other releases are a guess.
fn held_to() -> Vec<Release> {
    versions().into_iter().map(release).collect()
}

async fn text(path: impl AsRef<Path>, line: &str) -> String {
    String::from_utf8(ask(path, line).await).unwrap()
}

/// The reply to a text that may be too long.
async fn pushed(dir: &Path, text: &str) -> String {
    let mut stream = UnixStream::connect(dir.join("admin.sock")).await.unwrap();
    let mut reply = Vec::new();
    let exchange = async {
        let _ = stream.write_all(text.as_bytes()).await;
        let _ = stream.read_to_end(&mut reply).await;
    };
    timeout(Duration::from_secs(10), exchange).await.unwrap();
    String::from_utf8(reply).unwrap()
}

/// A reply without the parts that may differ between two processes.
fn comparable(reply: &str) -> String {
    let Some(dump) = reply.find("# pxname,") else {
        return reply.split_inclusive('\n').filter_map(comparable_line).collect();
    };
    let (before, dump) = reply.split_at(dump);
    let mut reader = csv::ReaderBuilder::new().from_reader(&dump.as_bytes()[2..]);
    let header = reader.headers().unwrap().clone();
    let row = |record: csv::StringRecord| {
        let cells = header.iter().zip(record.iter());
        let said = cells.filter_map(|(column, cell)| match column {
            "pxname" | "svname" | "status" | "weight" | "uweight" | "act" | "bck" | "addr" | "slim" => {
                Some(format!("{column}={cell}"))
            }
            // Filled cells show that the server has checks.
            "check_status" | "check_health" | "chkfail" | "chkdown" | "downtime" | "agent_status"
            | "agent_health" => Some(format!("{column}={}", !cell.is_empty())),
            _ => None,
        });
        said.collect::<Vec<_>>().join(" ") + "\n"
    };
    before.to_owned() + &reader.records().map(|record| row(record.unwrap())).collect::<String>()
}

fn comparable_line(line: &str) -> Option<String> {
    // Drops the commands that HAProxy suggests for an unknown one (but not the lines of a message)
    // and the objects that HAProxy uses for itself.
    if (line.starts_with("  ") && !line.starts_with("   - ")) || line.contains("'httpclient'") {
        return None;
    }
    let info = [
        "Maxconn: ",
        "Hard_maxconn: ",
        "ConnRateLimit: ",
        "SessRateLimit: ",
        "SslRateLimit: ",
        "CompressBps",
    ];
    if line.split_once(": ").is_some_and(|(key, _)| KEYS.iter().any(|known| known.name == key)) {
        return info.iter().any(|key| line.starts_with(key)).then(|| line.to_owned());
    }
    let words: Vec<&str> = line.split(' ').collect();
    Some(match words.as_slice() {
        [id, backend, rest @ ..] if id.parse::<u32>().is_ok() && rest.len() > 15 && rest[0].len() < 3 => {
            server_state(id, backend, rest)
        }
        [id, protocol, _, rest @ ..] if id.starts_with("0x") && protocol.starts_with("proto=") => {
            session(protocol, rest)
        }
        [_, numbers, rest @ ..] if is_pair_of_numbers(numbers) => server_connections(&words, rest.len()),
        [reference, rest @ ..] if reference.starts_with("0x") => format!("0x... {}", rest.join(" ")),
        ["Total", "events", ..] => "Total events captured on [...] : 0\n".to_owned(),
        _ => match line.split_once(" at file '") {
            Some((start, rest)) => format!("{start} at ...{}", after_line_number(rest)),
            None => match line.split_once(" file '").filter(|_| line.contains(" () acl ")) {
                Some((start, rest)) => format!("{start} file ...{}", after_line_number(rest)),
                None => line.to_owned(),
            },
        },
    })
}

/// A line of `show sess` without what differs from session to session: its names, and the words
/// that follow them.
fn session(protocol: &str, rest: &[&str]) -> String {
    let names: Vec<_> = rest
        .iter()
        .map(|word| match word.split_once(['=', '[']) {
            Some((name, value)) if ["fe", "be", "srv"].contains(&name) => format!("{name}={value}"),
            Some((name, _)) => name.to_owned(),
            None => (*word).to_owned(),
        })
        .collect();
    format!("{protocol} {}\n", names.join(" "))
}

fn is_pair_of_numbers(text: &str) -> bool {
    text.split_once('/')
        .is_some_and(|(one, other)| one.parse::<u32>().is_ok() && other.parse::<u32>().is_ok())
}

/// A line of `show servers conn` without the numbers of connections, which checks change.
fn server_connections(words: &[&str], length: usize) -> String {
    format!("{}, {length} more\n", words[..6].join(" "))
}

/// The text after `...' line 12`.
fn after_line_number(text: &str) -> &str {
    let number = text.split_once("' line ").unwrap().1;
    number.trim_start_matches(|c: char| c.is_ascii_digit())
}

/// A line of `show servers state` without the age, the flag of a check under way, and a configured
/// agent port. No description sets these.
fn server_state(id: &str, backend: &str, rest: &[&str]) -> String {
    let mut rest: Vec<String> = rest.iter().map(|word| (*word).to_owned()).collect();
    rest[7] = String::from("AGE");
    let state: u32 = rest[11].parse().unwrap();
    rest[11] = (state & !1).to_string();
    let state: u32 = rest[12].parse().unwrap();
    rest[12] = (state & !1).to_string();
    if rest.last().is_some_and(|port| port == "1\n") {
        *rest.last_mut().unwrap() = String::from("0\n");
    }
    format!("{id} {backend} {}", rest.join(" "))
}

/// The fake process with the configuration below.
fn described(version: &str, dir: &Path, address: &str) -> Process {
    let server = |name: &str| fake::Server::new(name).set("addr", address);
    let frontend = |name: &str| Frontend::new(name).set("slim", 200);
    let app = Backend::new("app")
        .set("slim", 40)
        .server(server("web1").weight(100).check("L4OK").set("slim", 50))
        .server(server("web2").weight(50))
        .server(server("web3").set("status", "MAINT"))
        .server(server("web4").set("status", "UP").set("tracked", "app/web1"))
        .server(server("web5").set("status", "UP").set("tracked", "app/web4"))
        .server(server("spare").backup())
        .server(server("agent").agent("INI"))
        .server(server("local").set("addr", "unix"));
    let file = |name: &str| dir.join(name).display().to_string();
    let hosts = HOSTS.lines().filter_map(|line| line.split_once(' '));
    let hosts = hosts.fold(Map::new(&file("hosts.map")), |map, (key, value)| map.entry(key, value));
    Process::new(version)
        .info("Maxconn", 200)
        .info("Hard_maxconn", 200)
        .defaults("base")
        .frontend(frontend("web").set("slim", 100).listener(Listener::new("one").set("addr", "unix")))
        .frontend(frontend("api"))
        .frontend(frontend("old"))
        .backend(app)
        .frontend(frontend("both"))
        .backend(Backend::new("both").set("slim", 40).server(server("b1")))
        .backend(Backend::new("empty").set("slim", 40))
        .acl(DENIED.lines().fold(Acl::new(&file("deny.acl")).addresses(), Acl::pattern))
        .acl(Acl::unnamed(1).addresses())
        .acl(WORDS.lines().fold(Acl::new(&file("words.acl")), Acl::pattern))
        .acl(Acl::unnamed(3))
        .map(hosts)
        .table(Table::new("app", "ip").store("gpc0"))
        .table(Table::new("empty", "string").store("gpt0").store("gpc0"))
}

const HOSTS: &str = "a.example app\nb.example other\n";
const DENIED: &str = "192.0.2.0/24\n198.51.100.7\n";
const WORDS: &str = "one\ntwo\n";

const COUNTING: [(&str, &str); 4] =
    [("web", "FRONTEND"), ("app", "BACKEND"), ("app", "web1"), ("app", "web2")];

/// A process with a crt-list.
const LIST_CONFIG: &str = r#"
global
    stats socket "unix@${DIR}/stats/admin.sock" mode 600 level admin
    stats socket "unix@${DIR}/stats/operator.sock" mode 600 level operator
    stats socket "unix@${DIR}/stats/user.sock" mode 600 level user
defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s
frontend web
    bind "unix@${DIR}/traffic/web.1" ssl crt-list "${DIR}/sites.list"
"#;

const CONFIG: &str = r#"
global
    nbthread 1
    maxconn 200
    stats socket "unix@${DIR}/stats/admin.sock" mode 600 level admin
    stats socket "unix@${DIR}/stats/operator.sock" mode 600 level operator
    stats socket "unix@${DIR}/stats/user.sock" mode 600 level user

defaults base
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s

defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s
    fullconn 40

frontend web
    bind "unix@${DIR}/traffic/web.1" name one
    option socket-stats
    maxconn 100
    acl denied src -f "${DIR}/deny.acl"
    acl word hdr(x-word) -f "${DIR}/words.acl"
    http-request deny if denied or word
    http-request set-header X-Host "%[hdr(host),map(${DIR}/hosts.map)]"
    default_backend app

frontend api
    bind "unix@${DIR}/traffic/api.1"
    default_backend app

frontend old
    bind "unix@${DIR}/traffic/old.1"
    default_backend app

backend app
    stick-table type ip size 100 store gpc0
    server web1 "${SERVER_1}" weight 100 check inter 100 maxconn 50
    server web2 "${SERVER_1}" weight 50
    server web3 "${SERVER_1}" disabled
    server web4 "${SERVER_1}" track app/web1
    server web5 "${SERVER_1}" track app/web4
    server spare "${SERVER_1}" backup
    server agent "${SERVER_1}" agent-check agent-port 1 agent-inter 1h
    server local "unix@${DIR}/traffic/none.sock"

listen both
    bind "unix@${DIR}/traffic/both.1"
    server b1 "${SERVER_1}"

backend empty
    stick-table type string len 40 size 100 store gpc0,gpt0
"#;
