//! Files that are larger than a buffer of HAProxy. Only 3.4 and later take them.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use haproxyadmin::{Cluster, ErrorKind, Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::AbortHandle;
use tokio::time::sleep;

mod authority;
mod support;

use authority::site::only;
use authority::{Authority, served};
use support::{Config, Release, Running, ask, releases_since};

/// A frontend with a certificate and a CA file, and buffers of a size.
const CONFIG: &str = r#"
global
    tune.bufsize "${BUFFER}"
    tune.cli.max-payload-size "${LONGEST}"
    stats socket "unix@${DIR}/stats/1.sock" mode 600 level admin
defaults
    mode http
    timeout connect 1s
    timeout client 1m
    timeout server 1m
frontend web
    bind "unix@${DIR}/traffic/web.1" ssl crt "${DIR}/site.pem" verify optional ca-file "${DIR}/ca.pem"
    http-request return status 200
"#;

/// The default of `tune.bufsize`.
const DEFAULT: usize = 16_384;

/// Path to a process.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Socket,
    Master,
    /// A relay that passes lines on in pieces.
    Pieces,
}

/// A process with a CA file, and many authorities.
struct Site {
    running: Running,
    authority: Authority,
    cluster: Cluster,
    texts: Vec<String>,
    name: String,
    _relay: Option<Relay>,
}

impl Site {
    async fn start(release: &Release, buffer: usize, way: Way) -> Self {
        Self::with(release, buffer, way, 131_072).await
    }

    /// The same for a process that takes payloads of up to `longest` bytes.
    async fn with(release: &Release, buffer: usize, way: Way, longest: usize) -> Self {
        // Names of all lengths, so that lines end at all places of a buffer.
        let name = |n: usize| format!("CA {n} {}", "x".repeat(n % 60));
        let texts = (0..120).map(|n| Authority::new(&name(n)).pem()).collect();
        let (mut running, authority) = (Running::new(), Authority::new("Test CA"));
        fs::write(running.dir().join("site.pem"), authority.issue(1).pem()).unwrap();
        fs::write(running.dir().join("ca.pem"), authority.pem()).unwrap();
        let config = Config::new(CONFIG).set("BUFFER", buffer).set("LONGEST", longest);
        let mut relay = None;
        let cluster = if way == Way::Master {
            let master = running.add_master(release, "pair", &config).await;
            Cluster::builder().master(master).build().await
        } else {
            running.add(release, "process", &config).await;
            let mut socket = running.socket(1);
            if way == Way::Pieces {
                let path = running.dir().join("pieces.sock");
                relay = Some(Relay::new(&path, socket));
                socket = path;
            }
            Cluster::from_addresses([socket]).await
        };
        let (cluster, name) = (cluster.unwrap(), format!("{}, {buffer}, {way:?}", release.version));
        Self { running, authority, cluster, texts, name, _relay: relay }
    }

    fn path(&self, name: &str) -> String {
        self.running.dir().join(name).display().to_string()
    }

    /// Returns authorities from `first` on, as many as fit `length` bytes, and their number.
    fn authorities(&self, first: usize, length: usize) -> (String, u64) {
        let (mut pem, mut count) = (String::new(), 0_u64);
        for text in self.texts[first..].iter().chain(&self.texts[..first]) {
            if pem.len() + text.len() > length {
                break;
            }
            pem += text;
            count += 1;
        }
        (pem, count)
    }

    /// Puts the authorities from `first` on into the CA file. Other sections behind them make its length `length`.
    async fn set(&self, first: usize, length: usize) {
        let (pem, count) = self.authorities(first, length - 80);
        let pem = padded(pem, length);
        let name = format!("{}, {length} bytes, from {first}", self.name);
        let file = self.cluster.ca_file(&self.path("ca.pem")).unwrap();
        file.set(&pem).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        let listed = only(self.cluster.ca_files().await.unwrap());
        let own = listed.iter().find(|one| *one.name == *self.path("ca.pem")).unwrap();
        assert_eq!(own.pending, Some(count), "{name}");
    }

    async fn abort(&self) {
        self.cluster.ca_file(&self.path("ca.pem")).unwrap().abort().await.unwrap();
    }
}

/// Adds sections that are no certificates, up to a length that is larger by 80 or more.
fn padded(mut pem: String, length: usize) -> String {
    let section = |name: String| format!("-----BEGIN {name}-----\nAAAA\n-----END {name}-----\n");
    let empty = section(String::new()).len();
    while pem.len() < length {
        let rest = length - pem.len();
        let is_odd = (rest - empty) % 2 == 1;
        let name = if is_odd { 1 } else { (rest - empty) / 2 };
        pem += &section("X".repeat(if name > 100 { 50 } else { name }));
    }
    assert_eq!(pem.len(), length);
    pem
}

/// A socket in front of another one that passes on what it gets, in pieces that arrive one after the other.
struct Relay(AbortHandle);

impl Relay {
    fn new(path: &Path, target: PathBuf) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        let accepting = async move {
            while let Ok((client, _)) = listener.accept().await {
                let (mut from, mut to) = client.into_split();
                let (mut replies, mut lines) = UnixStream::connect(&target).await.unwrap().into_split();
                tokio::spawn(async move { tokio::io::copy(&mut replies, &mut to).await });
                tokio::spawn(async move {
                    let mut piece = vec![0; 9_001];
                    while let Ok(length @ 1..) = from.read(&mut piece).await {
                        sleep(Duration::from_millis(1)).await;
                        lines.write_all(&piece[..length]).await.unwrap();
                    }
                });
            }
        };
        Self(tokio::spawn(accepting).abort_handle())
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// With an empty line at their ends, 3.4.7 reads one of about 40 of these files in part.
#[tokio::test]
async fn a_large_file_is_read_whole_wherever_its_lines_end() {
    for release in releases_since("3.4") {
        let site = Site::start(&release, DEFAULT, Way::Socket).await;
        for first in 0..site.texts.len() {
            site.set(first, 60_000).await;
        }
        site.abort().await;
    }
}

/// Without another end, 3.4.7 never finds the end of a file with one of some lengths, and waits for it: with buffers of
/// the default size, of those of 65,514 to 81,900 bytes.
#[tokio::test]
async fn a_file_of_any_length_is_read_to_its_end() {
    for release in releases_since("3.4") {
        for buffer in [2_048, 4_096, 8_192, DEFAULT, 32_768, 65_536] {
            let site = Site::start(&release, buffer, Way::Socket).await;
            let around = |times: usize| (times * buffer).saturating_sub(90)..times * buffer;
            let lengths = (1..=4).flat_map(|times| around(times).step_by(6));
            let lengths = lengths.chain((buffer / 2..9 * buffer).step_by(buffer / 3 + 1));
            for (n, length) in lengths.filter(|length| (2_000..120_000).contains(length)).enumerate() {
                site.set(n % site.texts.len(), length).await;
            }
            site.abort().await;
        }
    }
}

/// Behind a master, and in pieces, 3.4.7 misses the ends of files of any length.
#[tokio::test]
async fn a_file_is_read_to_its_end_whatever_pieces_arrive() {
    for release in releases_since("3.4") {
        for way in [Way::Pieces, Way::Master] {
            for buffer in [4_096, DEFAULT, 32_768] {
                let site = Site::start(&release, buffer, way).await;
                for (n, length) in (3_000..120_000).step_by(2_503).enumerate() {
                    site.set(n, length).await;
                }
                site.abort().await;
            }
        }
    }
}

/// HAProxy answers surplus ends with about 730 bytes each.
#[tokio::test]
async fn surplus_ends_do_not_count_for_the_limit_of_replies() {
    for release in releases_since("3.4") {
        let site = Site::start(&release, 4_096, Way::Pieces).await;
        let info = ask(site.running.socket(1), "show info").await.len();
        let stat = ask(site.running.socket(1), "show stat").await.len();
        let limits = Limits::new().with_max_reply_size(info + stat + 500);
        let socket = site.running.dir().join("pieces.sock");
        let cluster = Cluster::builder().address(socket).limits(limits).build().await.unwrap();
        let file = cluster.ca_file(&site.path("ca.pem")).unwrap();
        for (n, length) in (30_000..120_000).step_by(2_503).enumerate() {
            let set = file.set(&site.authorities(n, length).0).await;
            set.unwrap_or_else(|error| panic!("{}, {length}: {error}", site.name));
        }
        site.abort().await;
    }
}

#[tokio::test]
async fn a_large_certificate_is_served() {
    for release in releases_since("3.4") {
        for way in [Way::Socket, Way::Pieces, Way::Master] {
            let site = Site::start(&release, DEFAULT, way).await;
            let certificate = site.cluster.certificate(&site.path("site.pem")).unwrap();
            for (serial, length) in [(2, 1_000), (3, 20_000), (4, 74_000), (5, 30_000)] {
                let new = site.authority.issue(serial);
                let (chain, _) = site.authorities(0, length);
                let name = format!("{}, {length}", site.name);
                let replaced = certificate.replace(&(new.pem() + &chain)).await;
                replaced.unwrap_or_else(|error| panic!("{name}: {error}"));
                let web = served(&site.authority.client(), &site.running.traffic("web", 1)).await.unwrap();
                assert_eq!(*web, *new.der, "{name}");
            }
        }
    }
}

#[tokio::test]
async fn a_file_that_is_larger_than_the_process_permits_is_refused() {
    for release in releases_since("3.4") {
        let site = Site::with(&release, DEFAULT, Way::Socket, 20_000).await;
        let file = site.cluster.ca_file(&site.path("ca.pem")).unwrap();
        let error = file.set(&site.authorities(0, 60_000).0).await.unwrap_err();
        assert!(error.to_string().contains("The payload is too big."), "{}: {error}", site.name);
        assert_eq!(error.kind(), ErrorKind::Refused, "{}: {error}", site.name);
    }
}

/// The worker closes in the middle of the payload, sometimes without a word.
#[tokio::test]
async fn behind_a_master_it_is_refused_or_its_outcome_is_unknown() {
    for release in releases_since("3.4") {
        for buffer in [4_096, DEFAULT] {
            let site = Site::with(&release, buffer, Way::Master, 20_000).await;
            let file = site.cluster.ca_file(&site.path("ca.pem")).unwrap();
            for (n, length) in (21_000..120_000).step_by(5_003).enumerate() {
                let error = file.set(&site.authorities(n, length).0).await.unwrap_err();
                let is_refused = error.kind() == ErrorKind::Refused;
                let text = if is_refused { "The payload is too big." } else { "closed without an answer" };
                assert!(error.to_string().contains(text), "{}, {length}: {error}", site.name);
            }
        }
    }
}
