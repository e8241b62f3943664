//! Changes of ACLs in a process of each release, checked on the stats socket of each process.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use haproxyadmin::{Acl, Change, Cluster, ErrorKind, Outcome};

mod managed;
mod support;

use managed::{all, counts, from, managed, words};
use support::{Running, Tap, every_reply, http_get, managed_cluster, releases};

/// Entries that each process prints, without their references.
async fn held(running: &Running, command: &str, file: &str) -> Vec<Vec<String>> {
    let replies = every_reply(running, &format!("{command} {}/{file}", running.dir().display())).await;
    let line = |line: &str| Some(line.strip_prefix("0x")?.split_once(' ')?.1.to_owned());
    replies.iter().map(|reply| reply.lines().filter_map(line).collect()).collect()
}

async fn paths(running: &Running) -> Vec<Vec<String>> {
    held(running, "show acl", "paths.acl").await
}

fn acl(cluster: &Cluster, running: &Running, file: &str) -> Acl {
    cluster.acl(running.dir().join(file).display().to_string()).unwrap()
}

/// The pattern of the file, followed by `more`.
fn with<S: AsRef<str>>(more: impl IntoIterator<Item = S>) -> Vec<String> {
    let more = more.into_iter().map(|text| text.as_ref().to_owned());
    std::iter::once("/admin".to_owned()).chain(more).collect()
}

#[tokio::test]
async fn the_acls_of_each_process_are_listed() {
    let (running, cluster) = managed().await;
    let lists = cluster.acls().await.unwrap();
    let file = |name: &str| running.dir().join(name).display().to_string();
    for (release, (label, acls)) in releases().iter().zip(lists.values()) {
        let named: Vec<_> = acls.iter().filter_map(|acl| Some((acl.file.as_deref()?, acl.entries))).collect();
        let count = |count| release.is_at_least("2.6").then_some(count);
        assert_eq!(named, [(&*file("deny.acl"), count(2)), (&*file("paths.acl"), count(1))], "{label}");
        let inline = acls.iter().find(|acl| acl.file.is_none()).unwrap();
        assert!(inline.description.starts_with("acl 'path_beg' file '"), "{label}: {}", inline.description);
        let one = cluster.only([label]).acl(inline.number).unwrap().show().await.unwrap();
        assert_eq!(one.entries().unwrap().map(|entry| entry.to_string()).collect::<Vec<_>>(), ["/inline"]);
    }
    assert_eq!(lists.values().count(), releases().len());
}

#[tokio::test]
async fn an_acl_shows_what_each_process_holds() {
    let (running, cluster) = managed().await;
    let acl = acl(&cluster, &running, "deny.acl");
    let contents = acl.show().await.unwrap();
    let patterns: Vec<_> = contents.entries().unwrap().map(|entry| entry.to_string()).collect();
    assert_eq!(patterns, ["192.0.2.0/24", "198.51.100.7"]);
    let replies = every_reply(&running, &format!("show acl {}", acl.id())).await;
    for ((_, entries), reply) in contents.per_process().zip(replies) {
        let lines = entries.map(|entry| format!("{} {entry}\n", entry.reference()));
        assert_eq!(lines.collect::<String>() + "\n", reply);
    }
}

#[tokio::test]
async fn a_value_is_matched_by_each_process() {
    let (running, cluster) = managed().await;
    let acl = acl(&cluster, &running, "deny.acl");
    for (value, pattern) in [("192.0.2.77", Some("192.0.2.0/24")), ("198.51.100.8", None)] {
        let found = acl.get(value).await.unwrap();
        for (_, found) in found.values() {
            assert_eq!((found.found, found.key.as_deref()), (pattern.is_some(), pattern));
        }
        assert_eq!(found.values().count(), releases().len());
    }
}

#[tokio::test]
async fn a_pattern_is_kept_from_its_addition_to_its_deletion() {
    let (running, cluster) = managed().await;
    let acl = acl(&cluster, &running, "paths.acl");
    // One request of many goes to the server that is not there.
    let is_denied = async |expected: bool| {
        for n in 1..=running.processes() {
            let status = http_get(running.traffic("web", n), "/secret/x").await;
            assert_eq!(status == 403, expected, "process {n}: {status}");
        }
    };
    is_denied(false).await;
    assert_eq!(words(&acl.add("/secret").await.unwrap()), all("changed"));
    is_denied(true).await;
    assert_eq!(words(&acl.delete("/secret").await.unwrap()), all("changed"));
    is_denied(false).await;
}

#[tokio::test]
async fn patterns_are_added_as_they_are() {
    let (running, cluster) = managed().await;
    let acl = acl(&cluster, &running, "paths.acl");
    let patterns =
        ["/a b", "#0x12", "# x", "/a;clear acl #1", "\\", "\"q\"", "é", "<<x y", "/twice", "/twice", "\t"];
    for pattern in patterns {
        assert_eq!(words(&acl.add(pattern).await.unwrap()), all("changed"), "{pattern}");
    }
    assert_eq!(paths(&running).await, all(with(patterns)));
}

#[tokio::test]
async fn a_pattern_of_another_kind_is_refused() {
    let (running, cluster) = managed().await;
    let acl = acl(&cluster.allow_partial(), &running, "deny.acl");
    let outcomes = acl.add("no address").await.unwrap();
    let said: Vec<_> = outcomes.iter().map(|outcome| outcome.message().unwrap()).collect();
    assert_eq!(said, all("refused: \"'no address' is not a valid IPv4 or IPv6 address.\""));
    assert!(outcomes.failed().all(|outcome| outcome.error().unwrap().kind() == ErrorKind::Refused));
}

/// HAProxy up to 3.2 deletes all of them, and 3.4 deletes one.
#[tokio::test]
async fn patterns_of_one_text_are_deleted() {
    let (running, cluster) = managed().await;
    let acl = acl(&cluster, &running, "paths.acl");
    for _ in 0..2 {
        acl.add("/a b").await.unwrap();
    }
    assert_eq!(words(&acl.delete("/a b").await.unwrap()), all("changed"));
    assert_eq!(paths(&running).await, from("3.4", with([""; 0]), with(["/a b"])));
}

/// 3.4 deletes one pattern with each command, so that the texts are sent until none is left.
#[tokio::test]
async fn all_patterns_of_many_texts_are_deleted() {
    let (running, cluster) = managed().await;
    let acl = acl(&cluster, &running, "paths.acl");
    acl.add_all(["/a b", "/a b", "/a b", "/c;d", "/kept"]).await.unwrap();
    let outcomes = acl.delete_all(["/a b", "/c;d", "/nobody", "/admin"]).await.unwrap();
    assert_eq!(words(&outcomes), all("changed"));
    assert_eq!(outcomes.iter().next().unwrap().message().as_deref(), Some("3 of 4 keys"));
    assert_eq!(paths(&running).await, all(vec!["/kept".to_owned()]));
    let outcomes = acl.delete_all(["/nobody"]).await.unwrap();
    assert_eq!(words(&outcomes), all("unchanged"));
    assert_eq!(outcomes.iter().next().unwrap().message().as_deref(), Some("0 of 1 key"));
    let error = cluster.acl("nobody.acl").unwrap().delete_all(["x"]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_pattern_that_nobody_has_is_not_found() {
    let (running, cluster) = managed().await;
    let error = acl(&cluster, &running, "paths.acl").delete("/nobody").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let outcomes = error.outcomes::<Change>().unwrap();
    assert_eq!(outcomes.iter().map(Outcome::absent).collect::<Vec<_>>(), all(Some("Key not found.")));
}

/// The reply to `del acl` names a map up to 3.0.
#[tokio::test]
async fn an_acl_that_nobody_has_is_not_found() {
    let (_running, cluster) = managed().await;
    let acl = cluster.acl("nobody.acl").unwrap();
    let words = "Unknown ACL identifier. Please use #<id> or <file>.";
    for (outcomes, said) in [
        (acl.add("x").await, all(words.to_owned())),
        (acl.add_all(["x", "y"]).await, all(words.to_owned())),
        (acl.clear().await, all(words.to_owned())),
        (acl.delete("x").await, from("3.2", words.replace("ACL", "map"), words.to_owned())),
    ] {
        let error = outcomes.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        let outcomes = error.outcomes::<Change>().unwrap();
        let found: Vec<_> = outcomes.iter().map(|outcome| outcome.absent().unwrap().to_owned()).collect();
        assert_eq!(found, said);
    }
    assert_eq!(acl.show().await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(acl.get("x").await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn one_of_equal_patterns_is_deleted_by_its_reference() {
    let (running, cluster) = managed().await;
    let acl = acl(&cluster, &running, "paths.acl");
    acl.add_all(["/a", "/a", "/b"]).await.unwrap();
    let contents = acl.show().await.unwrap();
    for (label, mut entries) in contents.per_process() {
        let own = acl.on(&cluster.only([label]));
        let reference = entries.nth(2).unwrap().reference();
        let outcomes = own.delete_entry(reference).await.unwrap();
        assert_eq!(outcomes.to_string(), format!("{label}: changed"));
    }
    assert_eq!(paths(&running).await, all(with(["/a", "/b"])));
    let reference = "0x12".parse().unwrap();
    assert_eq!(acl.delete_entry(reference).await.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn an_acl_is_cleared() {
    let (running, cluster) = managed().await;
    let acl = acl(&cluster, &running, "paths.acl");
    assert_eq!(words(&acl.clear().await.unwrap()), all("changed"));
    assert_eq!(paths(&running).await, all(Vec::<String>::new()));
}

#[tokio::test]
async fn thousands_of_patterns_are_added_as_they_are() {
    let (running, cluster) = managed().await;
    let acl = acl(&cluster, &running, "paths.acl");
    let mut patterns: Vec<_> = (0..4000).map(|n| format!("/path/{n}")).collect();
    let long = "x".repeat(13_500);
    for (at, pattern) in
        ["/a b", "#hash", &long, "a;b", "\\", "\ttab", "é", "/path/1"].into_iter().enumerate()
    {
        patterns.insert(at * 400, pattern.to_owned());
    }
    let outcomes = acl.add_all(&patterns).await.unwrap();
    assert_eq!(words(&outcomes), all("changed"));
    assert_eq!(outcomes.iter().next().unwrap().message().as_deref(), Some("4008 entries"));
    let expected = with(&patterns);
    for held in paths(&running).await {
        assert_eq!(held.len(), expected.len());
        let wrong = held.iter().zip(&expected).find(|(held, expected)| held != expected);
        assert_eq!(wrong, None);
    }
    assert!(acl.show().await.unwrap().is_same());
}

/// HAProxy also adds the patterns after the refused one that were sent together with it.
#[tokio::test]
async fn patterns_that_were_sent_with_a_refused_one_are_counted() {
    let (running, cluster) = managed().await;
    let acl = acl(&cluster.allow_partial(), &running, "deny.acl");
    let before = held(&running, "show acl", "deny.acl").await;
    let pattern =
        |n: usize| if n == 700 { "nonsense".into() } else { format!("10.0.{}.{}", n / 256, n % 256) };
    let outcomes = acl.add_all((0..3000).map(pattern)).await.unwrap();
    let held = held(&running, "show acl", "deny.acl").await;
    for ((outcome, held), before) in outcomes.iter().zip(held).zip(before) {
        let added = held.len() - before.len();
        assert!((700..1500).contains(&added), "{added} are in");
        assert_eq!(outcome.error().unwrap().kind(), ErrorKind::PartiallyApplied);
        assert_eq!(outcome.error().unwrap().entries(), Some(added));
        let refused = "refused: \"'nonsense' is not a valid IPv4 or IPv6 address.\"";
        assert_eq!(outcome.message().unwrap(), format!("after {added} of 3000 entries: {refused}"));
    }
}

#[tokio::test]
async fn what_differs_between_processes_is_told() {
    let (running, cluster) = managed().await;
    let acl = acl(&cluster, &running, "paths.acl");
    acl.on(&cluster.only(["2"])).add("/a b").await.unwrap();
    acl.on(&cluster.only(["3"])).clear().await.unwrap();
    let contents = acl.show().await.unwrap();
    let differences: Vec<_> = contents.differences().iter().map(ToString::to_string).collect();
    assert_eq!(
        differences,
        [format!("\"/a b\" {}", counts(&[0, 1], 0)), format!("\"/admin\" {}", counts(&[1, 1, 0], 1)),]
    );
    assert_eq!(contents.entries().map(|_| ()).unwrap_err().kind(), ErrorKind::Diverging);
}

#[tokio::test]
async fn nothing_is_sent_of_what_cannot_be_a_pattern() {
    let running = managed_cluster().await;
    let path = running.dir().join("tap");
    let tap = Tap::new(&path, running.socket(1));
    let cluster = Cluster::from_addresses([path.as_path()]).await.unwrap();
    cluster.info().await.unwrap();
    let acl = acl(&cluster, &running, "paths.acl");
    let long = "x".repeat(15_400);
    for text in ["", "a\nb", "a\rb", "a\0b", "<<", "a<<", &long] {
        for outcomes in [
            acl.add(text).await,
            acl.delete(text).await,
            acl.add_all(["fine", text, "fine"]).await,
            acl.delete_all(["fine", text, "fine"]).await,
        ] {
            assert_eq!(outcomes.unwrap_err().kind(), ErrorKind::InvalidInput, "{text:?}");
        }
        assert_eq!(acl.get(text).await.unwrap_err().kind(), ErrorKind::InvalidInput, "{text:?}");
    }
    assert_eq!(acl.delete("#0x1").await.unwrap_err().kind(), ErrorKind::InvalidInput);
    let error = acl.delete_all(["fine", "#0x1"]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(!tap.sent().contains(" acl "), "{}", tap.sent());
}
