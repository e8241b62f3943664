//! Changes of maps in a process of each release. The tests check them on each process' own
//! socket.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use haproxyadmin::{Change, Cluster, ErrorKind, Map, Outcome};

mod managed;
mod support;

use managed::{all, counts, from, managed, words};
use support::{Running, Tap, every_reply, managed_cluster, releases};

/// Returns the entries that each process holds, without their references.
async fn held(running: &Running, command: &str, file: &str) -> Vec<Vec<String>> {
    let replies = every_reply(running, &format!("{command} {}/{file}", running.dir().display())).await;
    let line = |line: &str| Some(line.strip_prefix("0x")?.split_once(' ')?.1.to_owned());
    replies.iter().map(|reply| reply.lines().filter_map(line).collect()).collect()
}

async fn hosts(running: &Running) -> Vec<Vec<String>> {
    held(running, "show map", "hosts.map").await
}

fn map(cluster: &Cluster, running: &Running, file: &str) -> Map {
    cluster.map(running.dir().join(file).display().to_string()).unwrap()
}

const FILED: [&str; 2] = ["a.example one", "b.example two"];

/// The lines of the file, and these behind them.
fn with<S: AsRef<str>>(more: impl IntoIterator<Item = S>) -> Vec<String> {
    let more = more.into_iter().map(|text| text.as_ref().to_owned());
    FILED.into_iter().map(String::from).chain(more).collect()
}

#[tokio::test]
async fn the_maps_of_each_process_are_listed() {
    let (running, cluster) = managed().await;
    let lists = cluster.maps().await.unwrap();
    let file = |name: &str| running.dir().join(name).display().to_string();
    for (release, (label, maps)) in releases().iter().zip(lists.values()) {
        let found: Vec<_> = maps.iter().map(|map| (map.file.as_deref().unwrap(), map.entries)).collect();
        let count = |count| release.is_at_least("2.6").then_some(count);
        let (hosts, nets, late) = (file("hosts.map"), file("nets.map"), file("late hosts.map"));
        let mut expected = vec![(&*hosts, count(2)), (&*nets, count(1)), (&*late, count(1))];
        expected.truncate(if release.is_at_least("2.6") { 3 } else { 2 });
        assert_eq!(found, expected, "{label}");
        assert!(maps[0].description.starts_with("pattern loaded from file '"), "{label}");
        let one = cluster.only([label]).map(maps[0].number).unwrap().show().await.unwrap();
        assert_eq!(one.entries().unwrap().map(|entry| entry.to_string()).collect::<Vec<_>>(), FILED);
    }
    assert_eq!(lists.values().count(), releases().len());
}

#[tokio::test]
async fn a_map_shows_what_each_process_holds() {
    let (running, cluster) = managed().await;
    let map = map(&cluster, &running, "hosts.map");
    let contents = map.show().await.unwrap();
    let pairs: Vec<_> = contents.entries().unwrap().map(|entry| entry.pair().unwrap()).collect();
    assert_eq!(pairs, [("a.example".into(), "one".into()), ("b.example".into(), "two".into())]);
    let replies = every_reply(&running, &format!("show map {}", map.id())).await;
    for ((_, entries), reply) in contents.per_process().zip(replies) {
        let lines = entries.map(|entry| format!("{} {entry}\n", entry.reference()));
        assert_eq!(lines.collect::<String>() + "\n", reply);
    }
}

#[tokio::test]
async fn contents_of_some_processes_are_not_taken_for_all() {
    let (mut running, cluster) = managed().await;
    let (all, file) = (releases().len(), "hosts.map");
    let missed = format!("at least {} processes expected, {all} found", all + 1);
    let expecting = Cluster::builder().dir(running.stats()).expect_at_least(all + 1).build().await.unwrap();

    let contents = map(&expecting.allow_partial(), &running, file).show().await.unwrap();
    assert_eq!(contents.missing().map(ToString::to_string).collect::<Vec<_>>(), [&*missed]);
    let error = contents.entries().err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Incomplete);
    assert!(error.to_string().ends_with(&missed), "{error}");
    let error = map(&expecting, &running, file).show().await.unwrap_err();
    assert_eq!(error.contents().unwrap().per_process().count(), all);

    running.kill(1);
    let error = map(&cluster, &running, file).show().await.unwrap_err();
    let contents = error.contents().unwrap();
    assert_eq!((contents.per_process().count(), contents.failed().count()), (all - 1, 1));
    assert_eq!(contents.entries().err().unwrap().kind(), ErrorKind::Incomplete);
    assert!(error.outcomes::<Change>().is_none());
}

#[tokio::test]
async fn a_key_is_looked_up_in_each_process() {
    let (running, cluster) = managed().await;
    let map = map(&cluster, &running, "hosts.map");
    map.add("a;b c", "v \"w\"").await.unwrap();
    for (key, value) in [("a.example", Some("one")), ("a;b c", Some("v \"w\"")), ("c.example", None)] {
        let found = map.get(key).await.unwrap();
        for (_, found) in found.values() {
            assert_eq!((found.found, found.value.as_deref()), (value.is_some(), value));
            assert_eq!(found.key.as_deref(), value.map(|_| key));
        }
        assert_eq!(found.values().count(), releases().len());
    }
}

#[tokio::test]
async fn entries_are_added_as_they_are() {
    let (running, cluster) = managed().await;
    let map = map(&cluster, &running, "hosts.map");
    let entries = [
        ("plain", "value"),
        ("plain", "value"),
        ("#0x12", "a reference to HAProxy"),
        ("# comment", "#"),
        ("with blank", "more  than one "),
        ("a;clear map #1", ";"),
        ("back\\slash", "\\"),
        ("tab\tand \"quotes\"", "'\t'"),
        ("é", "\u{1f600}"),
        ("<<", "<<x y"),
        ("@1", "%[src]"),
        ("\x01\x0b\x7f", "$HOME"),
    ];
    for (key, value) in entries {
        assert_eq!(words(&map.add(key, value).await.unwrap()), all("changed"), "{key}");
    }
    let expected = with(entries.map(|(key, value)| format!("{key} {value}")));
    assert_eq!(hosts(&running).await, all(expected));
    let contents = map.show().await.unwrap();
    assert!(contents.is_same());
    for ((key, value), entry) in entries.iter().zip(contents.entries().unwrap().skip(FILED.len())) {
        assert!(entry.is(key, value), "{entry}");
    }
}

#[tokio::test]
async fn all_entries_of_a_key_get_a_value() {
    let (running, cluster) = managed().await;
    let map = map(&cluster, &running, "hosts.map");
    map.add("k 1;", "one").await.unwrap();
    map.add("k 1;", "two").await.unwrap();
    assert_eq!(words(&map.set("k 1;", "a b\\").await.unwrap()), all("changed"));
    assert_eq!(hosts(&running).await, all(with(["k 1; a b\\", "k 1; a b\\"])));
}

/// Up to 3.2 all of them go.
#[tokio::test]
async fn entries_of_a_key_are_deleted() {
    let (running, cluster) = managed().await;
    let map = map(&cluster, &running, "hosts.map");
    for value in ["one", "two"] {
        map.add("k 1;", value).await.unwrap();
    }
    assert_eq!(words(&map.delete("k 1;").await.unwrap()), all("changed"));
    assert_eq!(hosts(&running).await, from("3.4", with([""; 0]), with(["k 1; two"])));
}

/// 3.4 deletes one entry with each command, so that the keys are sent until none is left.
#[tokio::test]
async fn all_entries_of_many_keys_are_deleted() {
    let (running, cluster) = managed().await;
    let map = map(&cluster, &running, "hosts.map");
    let odd = ["k 1;", "a;clear map #1", "back\\slash", "tab\tand \"quotes\"", "é", "@1", "x<<y", "\x01\x7f"];
    for value in ["one", "two", "three"] {
        map.add_all(odd.map(|key| (key, value))).await.unwrap();
    }
    map.add("kept", "v").await.unwrap();
    let keys = odd.into_iter().chain(["absent", "a.example", "a.example", "kept "]);
    let outcomes = map.delete_all(keys).await.unwrap();
    assert_eq!(words(&outcomes), all("changed"));
    let said: Vec<_> = outcomes.iter().map(|outcome| outcome.message().unwrap()).collect();
    assert_eq!(said, all("9 of 11 keys"));
    assert_eq!(hosts(&running).await, all(["b.example two", "kept v"].map(String::from).to_vec()));

    let outcomes = map.delete_all(["a.example", "absent"]).await.unwrap();
    assert_eq!(words(&outcomes), all("unchanged"));
    assert_eq!(outcomes.iter().next().unwrap().message().as_deref(), Some("0 of 2 keys"));
    let outcomes = map.delete_all([""; 0]).await.unwrap();
    assert_eq!(words(&outcomes), all("unchanged"));
}

#[tokio::test]
async fn thousands_of_keys_are_deleted() {
    let (running, cluster) = managed().await;
    let map = map(&cluster, &running, "hosts.map");
    let key = |n: usize| format!("key-{n}.example");
    map.add_all((0..5001).map(|n| (key(n), n.to_string()))).await.unwrap();
    map.add_all((0..5000).step_by(1000).map(|n| (key(n), "again"))).await.unwrap();
    let long = "x".repeat(13_500);
    map.add(&long, "v").await.unwrap();
    let keys = (0..5000).map(key).chain([long, "absent".into()]);
    let outcomes = map.delete_all(keys).await.unwrap();
    assert_eq!(words(&outcomes), all("changed"));
    let said: Vec<_> = outcomes.iter().map(|outcome| outcome.message().unwrap()).collect();
    assert_eq!(said, all("5001 of 5002 keys"));
    assert_eq!(hosts(&running).await, all(with(["key-5000.example 5000"])));
}

#[tokio::test]
async fn keys_are_deleted_from_the_processes_that_have_the_map() {
    let (running, cluster) = managed().await;
    let map = map(&cluster, &running, "late hosts.map");
    assert_eq!(words(&map.delete_all(["/late", "k"]).await.unwrap()), from("2.6", "absent", "changed"));
    let error = cluster.map("nobody.map").unwrap().delete_all(["k", "l"]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

/// The other processes delete their keys.
#[tokio::test]
async fn keys_that_may_not_be_deleted_are_denied() {
    let (running, cluster) = managed().await;
    let n = releases().len();
    map(&cluster, &running, "hosts.map").add("k", "v").await.unwrap();
    let user = running.dir().join(format!("user.{n}.sock"));
    let others = (1..n).map(|n| running.socket(n)).chain([user]);
    let cluster = Cluster::from_addresses(others).await.unwrap();
    let map = map(&cluster.allow_partial(), &running, "hosts.map");
    let outcomes = map.delete_all(["k", "a.example"]).await.unwrap();
    let mut expected = all("changed");
    expected[n - 1] = "failed";
    assert_eq!(words(&outcomes), expected);
    let error = outcomes.iter().last().unwrap().error().unwrap();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    let mut expected = all(vec!["b.example two".to_owned()]);
    expected[n - 1] = with(["k v"]);
    assert_eq!(hosts(&running).await, expected);
}

#[tokio::test]
async fn a_key_that_nobody_has_is_not_found() {
    let (running, cluster) = managed().await;
    let map = map(&cluster, &running, "hosts.map");
    for (outcomes, words) in
        [(map.set("k", "v").await, "entry not found."), (map.delete("k").await, "Key not found.")]
    {
        let error = outcomes.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        let outcomes = error.outcomes::<Change>().unwrap();
        assert_eq!(outcomes.iter().map(Outcome::absent).collect::<Vec<_>>(), all(Some(words)));
    }
}

#[tokio::test]
async fn a_map_that_some_processes_have_is_changed_there() {
    let (running, cluster) = managed().await;
    let map = map(&cluster, &running, "late hosts.map");
    let here = from("2.6", "absent", "changed");
    assert_eq!(words(&map.add("k", "v").await.unwrap()), here);
    assert_eq!(words(&map.set("k", "w").await.unwrap()), here);
    assert_eq!(words(&map.add_all([("l", "x"), ("m n", "y")]).await.unwrap()), here);
    assert_eq!(words(&map.delete("/late").await.unwrap()), here);
    let expected = from("2.6", vec![], ["k w", "l x", "m n y"].map(String::from).to_vec());
    assert_eq!(held(&running, "show map", r"late\ hosts.map").await, expected);
    let contents = map.show().await.unwrap();
    let lacking: Vec<_> = contents.absent().map(ToString::to_string).collect();
    assert_eq!(lacking, ["1"]);
    assert_eq!(contents.entries().unwrap().len(), 3);
    assert_eq!(map.get("k").await.unwrap().values().count(), releases().len() - 1);
    let cleared = map.clear().await.unwrap();
    assert_eq!(words(&cleared), here);
    let said = cleared.get("1").unwrap().absent();
    assert_eq!(said, Some("Unknown map identifier. Please use #<id> or <file>."));
}

#[tokio::test]
async fn a_map_is_cleared() {
    let (running, cluster) = managed().await;
    let map = map(&cluster, &running, "hosts.map");
    assert_eq!(words(&map.clear().await.unwrap()), all("changed"));
    assert_eq!(hosts(&running).await, all(Vec::<String>::new()));
    let contents = map.show().await.unwrap();
    assert_eq!((contents.is_same(), contents.entries().unwrap().len()), (true, 0));
}

#[tokio::test]
async fn one_of_equal_entries_is_changed_by_its_reference() {
    let (running, cluster) = managed().await;
    let map = map(&cluster, &running, "hosts.map");
    map.add_all([("k", "one"), ("k", "two"), ("k", "three")]).await.unwrap();
    let contents = map.show().await.unwrap();
    for (label, entries) in contents.per_process() {
        let own = map.on(&cluster.only([label]));
        let entries: Vec<_> = entries.collect();
        let outcomes = own.set_entry(entries[3].reference(), "a b;c").await.unwrap();
        assert_eq!(outcomes.to_string(), format!("{label}: changed"));
        own.delete_entry(entries[2].reference()).await.unwrap();
        let error = own.delete_entry(entries[2].reference()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
    assert_eq!(hosts(&running).await, all(with(["k a b;c", "k three"])));
}

#[tokio::test]
async fn a_reference_is_sent_to_one_process_only() {
    let (running, cluster) = managed().await;
    let map = map(&cluster, &running, "hosts.map");
    let contents = map.show().await.unwrap();
    let reference = contents.per_process().next().unwrap().1.next().unwrap().reference();
    for outcomes in [map.set_entry(reference, "x").await, map.delete_entry(reference).await] {
        let error = outcomes.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let text = format!("a reference is that of one process, and this would reach {}", releases().len());
        assert!(error.to_string().ends_with(&text), "{error}");
    }
    assert_eq!(hosts(&running).await, all(with([""; 0])));
}

#[tokio::test]
async fn thousands_of_entries_are_added_as_they_are() {
    let (running, cluster) = managed().await;
    let map = map(&cluster, &running, "hosts.map");
    let mut entries: Vec<_> = (0..6000).map(|n| (format!("key-{n}.example"), format!("value {n}"))).collect();
    let long = "x".repeat(13_500);
    for (at, (key, value)) in [
        ("with blank", "v"),
        ("#hash", "v w"),
        ("long", &*long),
        ("tab\tkey", "v"),
        ("value", "  of leading blanks"),
        ("key;semicolon", "v\\;w \\"),
        ("trailing", "blanks  "),
        ("payload", "a <<"),
        ("<<", "v"),
        ("+", "> "),
        ("é", "\u{1f600}"),
    ]
    .into_iter()
    .enumerate()
    {
        entries.insert(at * 500, (key.to_owned(), value.to_owned()));
    }
    let outcomes = map.add_all(entries.iter().map(|(key, value)| (key, value))).await.unwrap();
    assert_eq!(words(&outcomes), all("changed"));
    assert_eq!(outcomes.iter().next().unwrap().message().as_deref(), Some("6011 entries"));
    let expected = with(entries.iter().map(|(key, value)| format!("{key} {value}")));
    for held in hosts(&running).await {
        assert_eq!(held.len(), expected.len());
        let wrong = held.iter().zip(&expected).find(|(held, expected)| held != expected);
        assert_eq!(wrong, None);
    }
    assert!(map.show().await.unwrap().is_same());
}

/// 15,359 bytes, with the text that the crate itself puts before the command.
#[tokio::test]
async fn the_longest_line_is_taken_by_every_release() {
    let (running, cluster) = managed().await;
    let map = map(&cluster, &running, "hosts.map");
    let rest = 15_359 - format!("set severity-output number;add map {} k ", map.id()).len();
    for value in ["x".repeat(rest), ";".repeat(rest / 2)] {
        assert_eq!(words(&map.add("k", &value).await.unwrap()), all("changed"));
        assert_eq!(hosts(&running).await, all(with([format!("k {value}")])));
        map.delete("k").await.unwrap();
    }
    let error = map.add("k", &"x".repeat(rest + 1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn no_entries_are_no_change() {
    let (running, cluster) = managed().await;
    let none: [(&str, &str); 0] = [];
    let outcomes = map(&cluster, &running, "hosts.map").add_all(none).await.unwrap();
    assert_eq!(words(&outcomes), all("unchanged"));
}

#[tokio::test]
async fn entries_up_to_a_refused_one_are_counted() {
    let (running, cluster) = managed().await;
    let map = map(&cluster.allow_partial(), &running, "nets.map");
    let entry =
        |n: usize| (if n == 2500 { "nonsense".into() } else { format!("10.0.{}.{}", n / 256, n % 256) }, n);
    let outcomes = map.add_all((0..3000).map(entry).map(|(key, n)| (key, n.to_string()))).await.unwrap();
    let held = held(&running, "show map", "nets.map").await;
    for (outcome, held) in outcomes.iter().zip(held) {
        let error = outcome.error().unwrap();
        assert_eq!(error.kind(), ErrorKind::PartiallyApplied);
        let said = outcome.message().unwrap();
        let (done, rest) = said.strip_prefix("after ").unwrap().split_once(" of 3000 entries: ").unwrap();
        assert_eq!(rest, "refused: \"'nonsense' is not a valid IPv4 or IPv6 address.\"");
        // The entries before it in the same command are in too.
        let done: usize = done.parse().unwrap();
        assert_eq!(error.entries(), Some(done));
        assert!(done > 1000 && done <= 2500 && held.len() > done, "{said}, and {} are in", held.len());
        assert!(held.len() <= 2501, "none behind it is: {}", held.len());
    }
}

#[tokio::test]
async fn what_differs_between_processes_is_told() {
    let (running, cluster) = managed().await;
    let map = map(&cluster, &running, "hosts.map");
    map.on(&cluster.only(["2"])).add("k", "v").await.unwrap();
    map.on(&cluster.only(["2", "3"])).add("b.example", "two").await.unwrap();
    let contents = map.show().await.unwrap();
    assert!(!contents.is_same());
    let differences: Vec<_> = contents.differences().iter().map(ToString::to_string).collect();
    assert_eq!(
        differences,
        [format!("\"b.example two\" {}", counts(&[1, 2, 2], 1)), format!("\"k v\" {}", counts(&[0, 1], 0)),]
    );
    let error = contents.entries().map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Diverging);
    assert_eq!(error.to_string(), format!("`show map {}`: processes differ in 2 entries", map.id()));
}

#[tokio::test]
async fn nothing_is_sent_of_what_cannot_be_an_entry() {
    let running = managed_cluster().await;
    let path = running.dir().join("tap");
    let tap = Tap::new(&path, running.socket(1));
    let cluster = Cluster::from_addresses([path.as_path()]).await.unwrap();
    cluster.info().await.unwrap();
    let map = map(&cluster, &running, "hosts.map");
    let long = "x".repeat(15_400);
    for text in ["", "a\nb", "a\rb", "a\0b", &long] {
        for outcomes in [
            map.add(text, "v").await,
            map.add("k", text).await,
            map.set(text, "v").await,
            map.set("k", text).await,
            map.delete(text).await,
            map.delete_all(["fine", text]).await,
            map.add_all([("fine", "v"), (text, "v")]).await,
            map.add_all([("fine", "v"), ("k", text)]).await,
        ] {
            assert_eq!(outcomes.unwrap_err().kind(), ErrorKind::InvalidInput, "{text:?}");
        }
        assert_eq!(map.get(text).await.unwrap_err().kind(), ErrorKind::InvalidInput, "{text:?}");
    }
    for outcomes in [
        map.set("#0x1", "v").await,
        map.delete("#x").await,
        map.delete_all(["fine", "#x"]).await,
        map.add("k", "a<<").await,
    ] {
        assert_eq!(outcomes.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    assert!(!tap.sent().contains(" map "), "{}", tap.sent());
}
