//! The tables of columns and keys compared with the output of real HAProxy, release by release.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "the helpers below only serve tests, where a panic is the failure"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::fs;
use std::path::Path;

#[path = "support/version.rs"]
mod version;

use haproxyadmin::field::{COLUMNS, Column, InfoKey, KEYS, Nature, RowKind, Rule, ValueType};
use version::versions;

#[test]
fn header_of_each_release_is_the_table_up_to_that_release() {
    for version in versions() {
        let table: Vec<_> = COLUMNS
            .iter()
            .filter(|column| age(column.since) <= age(version))
            .map(|column| column.name)
            .collect();
        assert_eq!(header(version), table, "columns of {version}");
    }
    let counts: Vec<_> = versions().into_iter().map(|version| (version, header(version).len())).collect();
    assert_eq!(counts, COUNTS, "number of columns of each release");
    assert_eq!(counts.last().map(|(_, count)| *count), Some(COLUMNS.len()), "columns that no release has");
}

#[test]
fn keys_of_each_release_are_the_table_up_to_that_release() {
    for version in versions() {
        let gone =
            |key: &InfoKey| GONE.iter().any(|(name, last, _)| *name == key.name && age(last) < age(version));
        let table: Vec<_> = KEYS
            .iter()
            .filter(|key| age(key.since) <= age(version) && !gone(key))
            .map(|key| key.name)
            .collect();
        assert_eq!(info_keys(version), table, "keys of {version}");
    }
}

#[test]
fn natures_of_columns_are_haproxys_own() {
    let found = stat_tags()
        .filter(|tag| column(&tag.name).nature != tag.nature)
        .map(|tag| format!("{} of {:?} in {}: {:?}", tag.name, tag.kind, tag.version, tag.nature));
    let listed = NATURES.iter().flat_map(|(name, kind, last, nature, _)| {
        let those =
            versions().into_iter().filter(|version| last.is_none_or(|last| age(version) <= age(last)));
        those.map(move |version| format!("{name} of {:?} in {version}: {nature:?}", Some(kind)))
    });
    assert_eq!(set(found), set(listed), "natures that differ from the table (left) and those listed (right)");
}

#[test]
fn natures_of_keys_are_haproxys_own() {
    let found = info_tags()
        .filter(|tag| key(&tag.name).nature != tag.nature)
        .map(|tag| format!("{} in {}: {:?}", tag.name, tag.version, tag.nature));
    assert_eq!(set(found), set([]), "natures that differ from the table");
}

#[test]
fn only_the_separator_has_no_nature() {
    let printed: BTreeSet<_> = stat_tags().map(|tag| tag.name).collect();
    let silent = COLUMNS.iter().map(|column| column.name).filter(|name| !printed.contains(*name));
    assert_eq!(set(silent), set(["-"]), "columns that `show stat typed` never prints");
    let unseen = COLUMNS.iter().filter(|column| column.nature == Nature::Unseen).map(|column| column.name);
    assert_eq!(set(unseen), set(["-"]), "columns without a nature");
}

#[test]
fn shared_columns_are_those_that_haproxy_keeps_in_the_file() {
    let shared = |column: &Column| column.shared;
    let table = COLUMNS.iter().filter(|one| shared(one) && !DERIVED.contains(&one.name)).map(|one| one.name);
    let printed = stat_tags().filter(|tag| tag.is_shared).map(|tag| tag.name);
    assert_eq!(set(printed), set(table.map(String::from)), "tagged (left) and in the table (right)");
    assert!(DERIVED.iter().all(|name| column(name).shared));
}

#[test]
fn wire_types_are_haproxys_own() {
    let columns = stat_tags().map(|tag| (column(&tag.name).value_type, tag));
    let keys = info_tags().map(|tag| (key(&tag.name).value_type, tag));
    let differing = columns
        .chain(keys)
        .filter(|(wire, tag)| printed_as(*wire) != tag.wire)
        .map(|(wire, tag)| format!("{} in {}: {}, not {wire:?}", tag.name, tag.version, tag.wire));
    assert_eq!(set(differing), set([]), "wire types that differ from the table");
}

#[test]
fn texts_with_a_grammar_are_these() {
    let having =
        |wire| COLUMNS.iter().filter(move |column| column.value_type == wire).map(|column| column.name);
    assert_eq!(set(having(ValueType::Status)), set(["status"]));
    assert_eq!(set(having(ValueType::Check)), set(["check_status", "agent_status"]));
    assert_eq!(set(having(ValueType::Mode)), set(["mode"]));
}

#[test]
fn kinds_are_those_that_any_release_prints() {
    let printed = stat_tags().map(|tag| format!("{} of {:?}", tag.name, tag.kind));
    let declared = COLUMNS.iter().flat_map(|column| {
        column.kinds.iter().map(|(kind, _)| format!("{} of {:?}", column.name, Some(kind)))
    });
    assert_eq!(set(printed), set(declared), "printed (left) and declared (right)");
}

#[test]
fn rules_of_columns_follow_their_natures() {
    let found = COLUMNS.iter().flat_map(|column| {
        column
            .kinds
            .iter()
            .filter(|(_, rule)| natural(column.nature) != Some(*rule))
            .map(|(kind, rule)| format!("{} of {kind:?}: {rule:?}", column.name))
    });
    let listed = COLUMN_RULES.iter().flat_map(|(rule, names, only, _)| {
        names.iter().flat_map(move |name| {
            column(name)
                .kinds
                .iter()
                .filter(|(kind, _)| only.is_none_or(|only| only == *kind))
                .map(move |(kind, _)| format!("{name} of {kind:?}: {rule:?}"))
        })
    });
    assert_eq!(set(found), set(listed), "rules other than the nature's (left) and those listed (right)");
}

/// An empty cell of rule `Same` is skipped. This is right only if another column, which is compared
/// as well, shows that the figure does not apply.
#[test]
fn an_empty_cell_of_a_same_column_is_told_by_another_column() {
    let mut found = BTreeSet::new();
    for (column, kind) in of_rule(Rule::Same) {
        let cells: Vec<_> = rows(kind).filter_map(|row| row.get(column.name).cloned()).collect();
        assert!(!cells.is_empty(), "no row has {} of {kind:?}", column.name);
        if cells.iter().any(String::is_empty) {
            found.insert(column.name);
        }
    }
    assert_eq!(found, set(TOLD.iter().flat_map(|(_, columns)| columns.iter().copied())));

    for (teller, columns) in TOLD {
        for name in *columns {
            let mut filled = BTreeMap::new();
            for row in rows(RowKind::Server).filter(|row| row.contains_key(*name)) {
                // `* ` marks a check under way.
                let told = row[*teller].trim_start_matches("* ").to_owned();
                let is_filled = !row[*name].is_empty();
                let before = *filled.entry(told).or_insert(is_filled);
                assert_eq!(before, is_filled, "{name} where {teller} is {:?}", row[*teller]);
            }
            assert!(filled.values().any(|filled| *filled), "{name} is never filled");
        }
    }
}

#[test]
fn a_column_whose_empty_cells_are_values_has_both() {
    for (column, kind) in of_rule(Rule::SameOrEmpty) {
        let cells: Vec<_> = rows(kind).filter_map(|row| row.get(column.name).cloned()).collect();
        let (empty, filled): (Vec<_>, Vec<_>) = cells.iter().partition(|cell| cell.is_empty());
        let always = kind == RowKind::Listener && column.name == "addr";
        assert_eq!((empty.is_empty(), filled.is_empty()), (always, false), "{} of {kind:?}", column.name);
    }
}

#[test]
fn rules_of_keys_follow_their_natures() {
    let found = KEYS
        .iter()
        .filter(|key| natural(key.nature) != Some(key.rule))
        .map(|key| format!("{}: {:?}", key.name, key.rule));
    let listed = KEY_RULES
        .iter()
        .flat_map(|(rule, names, _)| names.iter().map(move |name| format!("{name}: {rule:?}")));
    assert_eq!(set(found), set(listed), "rules other than the nature's (left) and those listed (right)");
}

#[test]
fn names_are_unique() {
    assert_eq!(set(COLUMNS.iter().map(|column| column.name)).len(), COLUMNS.len());
    assert_eq!(set(KEYS.iter().map(|key| key.name)).len(), KEYS.len());
}

#[test]
fn descriptions_are_sentences() {
    let columns = COLUMNS.iter().map(|column| (column.name, column.doc));
    let keys = KEYS.iter().map(|key| (key.name, key.doc));
    let faulty = columns.chain(keys).filter(|(_, doc)| {
        let capital = doc.trim_start_matches('`').starts_with(char::is_uppercase);
        !capital || !doc.ends_with('.') || doc.contains("  ") || doc.contains('\n')
    });
    assert_eq!(set(faulty), set([]), "not a capital, text on one line, and a full stop");
}

/// Columns of rule `Same` that HAProxy leaves empty for some objects, after the column that shows
/// for which objects.
const TOLD: &[(&str, &[&str])] = &[
    ("check_status", &["check_code", "check_desc", "check_rise", "check_fall", "check_health"]),
    ("agent_status", &["agent_code", "agent_desc", "agent_rise", "agent_fall", "agent_health"]),
];

/// Number of columns that each release prints.
const COUNTS: &[(&str, usize)] = &[("2.2", 99), ("2.6", 128), ("3.0", 205), ("3.2", 207), ("3.4", 213)];

/// Columns that are computed from shared ones and are not tagged as shared.
const DERIVED: &[&str] = &["sess_other"];

/// Keys that later releases lack: name, last release that has it, reason.
const GONE: &[(&str, &str, &str)] = &[
    ("ZlibMemUsage", "2.2", "only a build with zlib has it; the later ones here compress without"),
    ("MaxZlibMemUsage", "2.2", "the same"),
    ("TotalSplicdedBytesOut", "2.6", "spelt TotalSplicedBytesOut since"),
];

/// Natures that differ from the table: column, kind, last release that tags the column so (`None`
/// if all do), nature, reason.
const NATURES: &[(&str, RowKind, Option<&str>, Nature, &str)] = &[
    (
        "rate",
        RowKind::Backend,
        Some("2.6"),
        Nature::Gauge,
        "a rate like that of other rows; 3.0 tags it as one",
    ),
    ("rate_max", RowKind::Backend, None, Nature::Gauge, "a maximum like that of other rows"),
];

/// Rules that do not follow from the nature: rule, columns, kind of row (`None` for all kinds),
/// reason.
const COLUMN_RULES: &[(Rule, &[&str], Option<RowKind>, &str)] = &[
    (Rule::Identity, &["pxname", "svname", "type"], None, "these tell rows apart"),
    (Rule::PerProcess, &["pid"], None, "numbers the process that answers"),
    (
        Rule::PerProcess,
        &["agg_server_status", "agg_server_check_status", "agg_check_status"],
        None,
        "the stats socket always says 0, which is no gauge of anything",
    ),
    (Rule::Same, &["iid", "srid"], None, "numbers that stand for objects have no sum"),
    (Rule::Same, &["sid"], Some(RowKind::Server), "the same"),
    (Rule::Same, &["sid"], Some(RowKind::Backend), "always 0"),
    (Rule::Same, &["sid"], Some(RowKind::Frontend), "always 0"),
    (
        Rule::PerProcess,
        &["sid"],
        Some(RowKind::Listener),
        "a position, which each of the sockets that `shards` makes of one named `bind` line has for itself",
    ),
    (Rule::Same, &["status", "mode", "algo", "proto"], None, "texts have no sum"),
    (Rule::SameOrEmpty, &["addr"], None, "the same; empty is an address that is not resolved yet"),
    (Rule::SameOrEmpty, &["cookie"], None, "empty is a server or backend without a cookie"),
    (Rule::SameOrEmpty, &["tracked"], None, "empty is a server that tracks nothing"),
    (Rule::SameOrEmpty, &["check_status", "agent_status"], None, "empty is a server that is not checked"),
    (Rule::SameOrEmpty, &["last_chk", "last_agt"], None, "empty is a check that had nothing to say"),
    (
        Rule::Same,
        &["weight", "uweight", "act", "bck"],
        None,
        "state, not traffic: between 40 and 1 lies a weight that no process uses",
    ),
    (
        Rule::Same,
        &["check_rise", "check_fall", "check_health", "agent_rise", "agent_fall", "agent_health"],
        None,
        "settings, and a score that only means something against them",
    ),
    (Rule::Same, &["slim"], Some(RowKind::Backend), "`fullconn` is a threshold, and 0 is not unlimited"),
    (Rule::SameOrEmpty, &["src_ilim"], None, "empty is unlimited, and 0 keeps no idle connection"),
    (Rule::Limit, &["qlimit"], None, "a limit that HAProxy tags as a gauge"),
    (Rule::Min, &["throttle"], None, "the process that is furthest behind decides when slow start is over"),
    (
        Rule::Max,
        &["qtime_max", "ctime_max", "rtime_max", "ttime_max"],
        None,
        "times do not add up, so the highest is the maximum of all",
    ),
    (
        Rule::Max,
        &["downtime", "chkfail", "chkdown"],
        None,
        "each process checks on its own and counts the same outage",
    ),
];

/// Rules of keys that do not follow from the nature: rule, keys, reason.
const KEY_RULES: &[(Rule, &[&str], &str)] = &[
    (Rule::PerProcess, &["Process_num", "Pid"], "number the process that answers"),
    (Rule::PerProcess, &["Uptime"], "text whose number is `Uptime_sec`"),
    (Rule::Min, &["Uptime_sec"], "the youngest process, as `Start_time_sec`, not the oldest"),
    (
        Rule::Same,
        &["Nbthread", "Nbproc", "NbThreadGroups", "BusyPolling"],
        "settings; a sum would hide that processes differ",
    ),
    (Rule::SameOrEmpty, &["description"], "empty is a process without a description"),
    (Rule::Same, &["Maxpipes"], "0 is that nothing splices, not that there is no limit"),
    (Rule::Same, &["Tainted"], "text with flags has no sum"),
    (Rule::Limit, &["MaxSslConns"], "the setting `maxsslconn`, which HAProxy tags as a maximum seen"),
    (Rule::Range, &["MaxSessRate"], "a maximum that HAProxy tags as a rate"),
    (Rule::Mean, &["SslFrontendSessionReuse_pct"], "a percentage, and percentages do not add up"),
];

/// The rule that follows from a nature.
fn natural(nature: Nature) -> Option<Rule> {
    Some(match nature {
        Nature::Counter | Nature::Gauge | Nature::Rate => Rule::Sum,
        Nature::Max => Rule::Range,
        Nature::Limit => Rule::Limit,
        Nature::Age => Rule::Min,
        Nature::Average => Rule::Mean,
        Nature::Duration => Rule::Max,
        Nature::Name | Nature::Output => Rule::Same,
        _ => return None,
    })
}

fn printed_as(wire: ValueType) -> &'static str {
    match wire {
        ValueType::U32 => "u32",
        ValueType::U64 => "u64",
        ValueType::I32 => "s32",
        ValueType::Text | ValueType::Status | ValueType::Check | ValueType::Mode => "str",
        _ => "a type unknown to this test",
    }
}

fn column(name: &str) -> &'static Column {
    COLUMNS
        .iter()
        .find(|column| column.name == name)
        .unwrap_or_else(|| panic!("no column {name:?} in the table"))
}

fn key(name: &str) -> &'static InfoKey {
    KEYS.iter().find(|key| key.name == name).unwrap_or_else(|| panic!("no key {name:?} in the table"))
}

/// Columns that merge by the rule, each with the kind of row.
fn of_rule(rule: Rule) -> impl Iterator<Item = (&'static Column, RowKind)> {
    let kinds = |column: &'static Column| column.kinds.iter().map(move |(kind, rule)| (column, *kind, *rule));
    let all = COLUMNS.iter().flat_map(kinds);
    all.filter(move |(_, _, one)| *one == rule).map(|(column, kind, _)| (column, kind))
}

/// Rows of a kind in all recordings, as cells by column.
fn rows(kind: RowKind) -> impl Iterator<Item = BTreeMap<String, String>> {
    let code = match kind {
        RowKind::Frontend => "0",
        RowKind::Backend => "1",
        RowKind::Server => "2",
        _ => "3",
    };
    versions().into_iter().flat_map(move |version| {
        let names = header(version);
        let text = recording(version, "show_stat");
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
        let records: Vec<_> =
            reader.records().map(|record| record.expect("a row of the recording")).collect();
        let rows = records.into_iter().map(move |record| -> BTreeMap<String, String> {
            names.iter().cloned().zip(record.iter().map(str::to_owned)).collect()
        });
        rows.filter(move |row| row.get("type").is_some_and(|one| one == code))
    })
}

/// Position of a release among the recorded ones.
fn age(version: &str) -> usize {
    versions()
        .into_iter()
        .position(|known| known == version)
        .unwrap_or_else(|| panic!("no fixtures of {version:?}"))
}

/// One line of typed output, without its value.
struct Tag {
    version: &'static str,
    kind: Option<RowKind>,
    name: String,
    nature: Nature,
    /// The fourth letter of the tags: the figure outlives the process.
    is_shared: bool,
    wire: String,
}

fn stat_tags() -> impl Iterator<Item = Tag> {
    versions().into_iter().flat_map(|version| tags(version, "show_stat_typed"))
}

fn info_tags() -> impl Iterator<Item = Tag> {
    versions().into_iter().flat_map(|version| tags(version, "show_info_typed"))
}

/// Lines of a recording, except those that continue a text.
fn tags(version: &'static str, command: &str) -> Vec<Tag> {
    let mut tags: Vec<Tag> = Vec::new();
    for line in recording(version, command).lines() {
        match tag(version, line) {
            Some(tag) => tags.push(tag),
            None => assert!(
                line.is_empty() || tags.last().is_some_and(|last| last.wire == "str"),
                "{command} of {version}: neither a value nor more of a text: {line:?}"
            ),
        }
    }
    tags
}

/// Parses a line such as `S.10.1.4.scur.1:MGPV:u32:0` or `17.CurrConns.1:MGPV:u32:3`.
fn tag(version: &'static str, line: &str) -> Option<Tag> {
    let mut parts = line.splitn(4, ':');
    let (position, tag, wire, _) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let position: Vec<_> = position.split('.').collect();
    let (kind, name) = match position[..] {
        [kind, _, _, _, name, _] => (Some(kind), name),
        [_, name, _] => (None, name),
        _ => return None,
    };
    Some(Tag {
        version,
        kind: kind.map(kind_of),
        name: name.into(),
        nature: nature_of(tag),
        is_shared: tag.get(3..4) == Some("P"),
        wire: wire.into(),
    })
}

fn kind_of(letter: &str) -> RowKind {
    match letter {
        "F" => RowKind::Frontend,
        "B" => RowKind::Backend,
        "S" => RowKind::Server,
        "L" => RowKind::Listener,
        other => panic!("unknown kind {other:?}"),
    }
}

/// The nature in the second letter of tags such as `MGPV`.
fn nature_of(tags: &str) -> Nature {
    match tags.get(1..2) {
        Some("C") => Nature::Counter,
        Some("G") => Nature::Gauge,
        Some("R") => Nature::Rate,
        Some("M") => Nature::Max,
        Some("L") => Nature::Limit,
        Some("A") => Nature::Age,
        Some("a") => Nature::Average,
        Some("D") => Nature::Duration,
        Some("N") => Nature::Name,
        Some("O") => Nature::Output,
        _ => panic!("unknown nature in {tags:?}"),
    }
}

fn header(version: &str) -> Vec<String> {
    let text = recording(version, "show_stat");
    let line = text.lines().next().and_then(|line| line.strip_prefix("# ")?.strip_suffix(','));
    line.expect("`show stat` begins with a header").split(',').map(String::from).collect()
}

/// Keys of the lines `Name: value`; a quoted value may span several lines.
fn info_keys(version: &str) -> Vec<String> {
    let text = recording(version, "show_info");
    let mut keys = Vec::new();
    let mut quoted = false;
    for line in text.lines().filter(|line| !line.is_empty()) {
        if !quoted {
            let (key, _) =
                line.split_once(": ").unwrap_or_else(|| panic!("`show info` of {version}: {line:?}"));
            keys.push(key.to_owned());
        }
        quoted ^= line.matches('"').count() % 2 == 1;
    }
    keys
}

fn recording(version: &str, command: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(version)
        .join(command)
        .with_extension("txt");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn set<T: Ord + Debug>(items: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    items.into_iter().collect()
}
