//! Files that are larger than a buffer of HAProxy. Only 3.4 and later take them.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::fs;
use std::slice;

use haproxyadmin::certificate::CaFile;

mod authority;
mod support;

use authority::Authority;
use authority::site::{TlsSite, only};
use support::{Release, Running, releases_since};

/// The frontend with a CA file.
const WEB: (&str, &str) = ("web", r#"ssl crt "${DIR}/site.pem" verify optional ca-file "${DIR}/ca.pem""#);

/// A process with a CA file, and many authorities.
struct Site {
    tls: TlsSite,
    texts: Vec<String>,
    version: String,
}

impl Site {
    async fn start(release: &Release) -> Self {
        // Names of all lengths, so that lines end at all places of a buffer.
        let name = |n: usize| format!("CA {n} {}", "x".repeat(n % 60));
        let texts = (0..120).map(|n| Authority::new(&name(n)).pem()).collect();
        let (running, authority) = (Running::new(), Authority::new("Test CA"));
        fs::write(running.dir().join("site.pem"), authority.issue(1).pem()).unwrap();
        fs::write(running.dir().join("ca.pem"), authority.pem()).unwrap();
        let tls = TlsSite::start(running, authority, slice::from_ref(release), &[WEB]).await;
        Self { tls, texts, version: release.version.clone() }
    }

    fn file(&self) -> CaFile {
        self.tls.cluster.ca_file(&self.tls.path("ca.pem")).unwrap()
    }

    /// Puts the authorities from `first` on into the file, as many as fit `length` bytes.
    async fn set(&self, first: usize, length: usize) {
        let (mut pem, mut count) = (String::new(), 0);
        for text in self.texts[first..].iter().chain(&self.texts[..first]) {
            if pem.len() + text.len() > length {
                break;
            }
            pem += text;
            count += 1;
        }
        let name = format!("{}, {} bytes, from {first}", self.version, pem.len());
        self.file().set(&pem).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        let listed = only(self.tls.cluster.ca_files().await.unwrap());
        let own = listed.iter().find(|one| *one.name == *self.tls.path("ca.pem")).unwrap();
        assert_eq!(own.pending, Some(count), "{name}");
    }
}

/// With an empty line at their ends, 3.4.7 reads one of about 40 of these files in part.
#[tokio::test]
async fn a_large_file_is_read_whole_wherever_its_lines_end() {
    for release in releases_since("3.4") {
        let site = Site::start(&release).await;
        for first in 0..site.texts.len() {
            site.set(first, 60_000).await;
        }
        site.file().abort().await.unwrap();
    }
}

/// Without lines in front, 3.4.7 never finds the end of those with 65,514 to 81,900 bytes, and hangs.
#[tokio::test]
async fn a_file_of_any_length_is_read_to_its_end() {
    for release in releases_since("3.4") {
        let site = Site::start(&release).await;
        let around =
            |middle: usize, range: usize, step: usize| (middle - range..middle + range).step_by(step);
        let lengths =
            around(16_384, 700, 20).chain(around(32_768, 700, 20)).chain(around(73_500, 11_000, 200));
        for (n, length) in lengths.enumerate() {
            site.set(n % site.texts.len(), length).await;
        }
        site.file().abort().await.unwrap();
    }
}
