use std::{
    env,
    path::{Path, PathBuf},
};

use super::version::versions;

/// One HAProxy to test against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The branch, like `2.6`.
    pub version: String,
    pub binary: PathBuf,
}

impl Release {
    fn new(version: &str, binary: PathBuf) -> Self {
        assert!(
            binary.is_file(),
            "HAProxy {version} is not here: run tests/run (it installs what the tests need)"
        );
        Self { version: version.to_owned(), binary }
    }

    /// Returns `true` for the branch `version` and for a release of it, like `2.6.1` of `2.6`.
    pub fn is_of(&self, version: &str) -> bool {
        number(&self.version).starts_with(&number(version))
    }

    /// Returns `true` if this is the branch `version` or a later one.
    pub fn is_at_least(&self, version: &str) -> bool {
        number(&self.version) >= number(version)
    }
}

/// Lists every release, oldest first, and then the releases of `HAPROXY_EXTRA`.
///
/// `HAPROXY_EXTRA="2.8=/path/to/haproxy 3.1=/path/to/another"` adds binaries that the install
/// script does not bring.
pub fn releases() -> Vec<Release> {
    let mut all: Vec<_> = versions().into_iter().map(release).collect();
    all.extend(extra());
    all
}

/// Lists every release from the branch `first` on.
pub fn releases_since(first: &str) -> Vec<Release> {
    releases().into_iter().filter(|release| release.is_at_least(first)).collect()
}

/// Returns the release of one branch, like `release("2.6")`.
pub fn release(version: &str) -> Release {
    if let Some(release) = extra().into_iter().find(|release| release.version == version) {
        return release;
    }
    // The benchmarks use this too, and are a package in a folder of their own.
    let mut folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let top = folders.find(|folder| folder.join("tests/haproxy").is_dir()).expect("tests/haproxy is here");
    Release::new(version, top.join("target/haproxy").join(version).join("haproxy"))
}

fn extra() -> Vec<Release> {
    env::var("HAPROXY_EXTRA")
        .unwrap_or_default()
        .split_whitespace()
        .map(|entry| {
            let (version, binary) = entry.split_once('=').expect("HAPROXY_EXTRA holds VERSION=BINARY");
            Release::new(version, binary.into())
        })
        .collect()
}

fn number(version: &str) -> Vec<u32> {
    version.split('.').map(|part| part.parse().expect("a version is numbers and dots")).collect()
}
