//! Every list of HAProxy releases in the documentation equals the list of
//! `tests/haproxy/releases`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]

use std::fs;
use std::path::{Path, PathBuf};

#[path = "support/version.rs"]
mod version;

use version::versions;

#[test]
fn the_documentation_names_the_releases_of_the_tests() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for name in ["src", "README.md", "tests/README.md", "fixtures/README.md"] {
        collect(&top.join(name), &mut files);
    }
    let mut naming = Vec::new();
    for file in files {
        let name = file.strip_prefix(top).unwrap().display().to_string();
        let text = fs::read_to_string(&file).unwrap();
        // The texts list other versions too, such as the versions of a file's layout.
        let is_of_releases = |list: &Vec<&str>| list.iter().any(|one| versions().contains(one));
        for list in lists(&text).into_iter().filter(is_of_releases) {
            assert_eq!(list, versions(), "{name}");
            naming.push(name.clone());
        }
    }
    for file in ["README.md", "tests/README.md", "fixtures/README.md", "src/guide/versions.rs"] {
        assert!(naming.iter().any(|name| name == file), "{file} names no releases");
    }
}

#[test]
fn a_list_is_found_over_the_end_of_a_line_and_with_either_word() {
    assert_eq!(lists("of HAProxy 2.2, 2.6\n/// and 3.0. Next."), [["2.2", "2.6", "3.0"]]);
    assert_eq!(
        lists("| `2.2`, `2.6`, `3.0` or `3.2` | 1.7 and 1.8, not 3.3."),
        [["2.2", "2.6", "3.0", "3.2"]]
    );
    assert_eq!(lists("[(\"2.2\", 99), (\"2.6\", 128), (\"3.0\", 205)] | 7.5 | 5.1 | 9.8 |"), [[""; 0]; 0]);
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            collect(&entry.unwrap().path(), files);
        }
    } else {
        files.push(path.to_owned());
    }
}

/// Returns every list of three or more releases in a row, as prose writes them.
fn lists(text: &str) -> Vec<Vec<&str>> {
    let (mut lists, mut list) = (Vec::new(), Vec::new());
    let words = text.split_whitespace().filter(|word| !["///", "//!", "//", "and", "or"].contains(word));
    for word in words.chain([""]) {
        let release = word.trim_end_matches([',', '.', ';', ':', ')']).trim_matches('`');
        if is_release(release) {
            list.push(release);
        }
        if !is_release(release) || word.ends_with(['.', ';', ':', ')']) {
            lists.push(std::mem::take(&mut list));
        }
    }
    lists.retain(|list| list.len() > 2);
    lists
}

/// Returns `true` if `word` is a branch of HAProxy, such as `2.6`.
fn is_release(word: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    word.split_once('.').is_some_and(|(major, minor)| is_number(major) && is_number(minor))
}
