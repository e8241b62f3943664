//! The public API as it is recorded in `tests/public_api.txt`, so that each change of it is
//! seen where it is reviewed.
//!
//! It is read from the pages that rustdoc writes, since the stable toolchain offers nothing
//! else. `UPDATE_PUBLIC_API=1 cargo test --test public_api` records it anew.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fmt::Write as _;
use std::fs;

mod rustdoc;
mod source;

use rustdoc::{Alias, Block, Docs, Page, aliases_in};
use source::{Source, root};

const RECORD: &str = "tests/public_api.txt";

const COMMAND: &str = "UPDATE_PUBLIC_API=1 cargo test --test public_api";

#[test]
fn the_public_api_is_the_recorded_one() {
    let found = describe(Docs::get());
    if env::var_os("UPDATE_PUBLIC_API").is_some() {
        fs::write(root().join(RECORD), &found).unwrap();
    }
    let recorded = Source::read(RECORD).text;
    let changes = changes(&recorded, &found);
    assert!(changes.is_empty(), "the public API has changed; if it should, run `{COMMAND}`\n{changes}");
}

/// Describes every item: its path, its declaration, its methods and its traits.
fn describe(docs: &Docs) -> String {
    let mut text = String::new();
    for (path, page) in &docs.pages {
        writeln!(text, "{} {path}", page.kind).unwrap();
        for line in page.declaration.lines().chain(page.reexports.iter().map(String::as_str)) {
            if !line.trim().is_empty() {
                writeln!(text, "  {}", line.trim_end()).unwrap();
            }
        }
        describe_own(page, &mut text);
        // A mark of the compiler beside each derived `PartialEq`.
        let traits = page.traits.iter().filter(|block| !block.header.contains("StructuralPartialEq"));
        for line in traits.map(describe_trait).collect::<BTreeSet<_>>() {
            writeln!(text, "  {line}").unwrap();
        }
        text.push('\n');
    }
    text
}

/// Describes methods and constants by name, below their block unless it is the plain one.
fn describe_own(page: &Page, text: &mut String) {
    let mut blocks = BTreeMap::<&str, BTreeSet<(&str, &str)>>::new();
    for block in &page.own {
        let members = block.members.iter().map(|member| (&*member.name, &*member.signature));
        blocks.entry(&block.header).or_default().extend(members);
    }
    for (header, members) in blocks {
        writeln!(text, "  {header}").unwrap();
        for (_, signature) in members {
            writeln!(text, "    {signature}").unwrap();
        }
    }
}

/// Describes a trait with its types; the methods are the trait's own.
fn describe_trait(block: &Block) -> String {
    let types = block.members.iter().filter(|member| member.signature.starts_with("type "));
    let types: Vec<_> = types.map(|member| &*member.signature).collect();
    if types.is_empty() {
        block.header.clone()
    } else {
        format!("{} {{ {} }}", block.header, types.join("; "))
    }
}

/// Lists the lines that are missing (`-`) and new (`+`), below the items they belong to.
fn changes(recorded: &str, found: &str) -> String {
    let mut changes = String::new();
    let (recorded, found) = (items(recorded), items(found));
    for item in recorded.keys().chain(found.keys()).collect::<BTreeSet<_>>() {
        let lines = |of: &BTreeMap<_, Vec<_>>| of.get(item).cloned().unwrap_or_default();
        let (old, new) = (lines(&recorded), lines(&found));
        if old == new {
            continue;
        }
        writeln!(changes, "{item}").unwrap();
        let gone = old.iter().filter(|line| !new.contains(line)).map(|line| ('-', line));
        let come = new.iter().filter(|line| !old.contains(line)).map(|line| ('+', line));
        let before = changes.len();
        for (sign, line) in gone.chain(come) {
            writeln!(changes, "{sign} {line}").unwrap();
        }
        if changes.len() == before {
            writeln!(changes, "  its lines are in another order").unwrap();
        }
    }
    changes
}

/// Returns the lines of each item by its first line, which is repeated below it.
fn items(text: &str) -> BTreeMap<&str, Vec<&str>> {
    let items = text.split("\n\n").filter(|item| !item.trim().is_empty());
    items.map(|item| (item.lines().next().unwrap(), item.lines().collect())).collect()
}

#[test]
fn a_change_is_told_with_its_item() {
    let old = "struct a::B\n  fn c()\n  fn d()\n\nenum a::E\n  F,\n  G,\n\nmod a\n\n";
    let new = "struct a::B\n  fn c()\n  fn d(&self)\n  fn h()\n\nenum a::E\n  G,\n  F,\n\nmod i\n\n";
    let told = "enum a::E\n  its lines are in another order\nmod a\n- mod a\nmod i\n+ mod i\n\
                struct a::B\n-   fn d()\n+   fn d(&self)\n+   fn h()\n";
    assert_eq!(changes(old, new), told);
    assert_eq!(changes(old, old), "");
}

#[test]
fn methods_are_listed_in_the_order_of_the_page() {
    let docs = Docs::get();
    assert_eq!(docs.page("server::AgentState").methods(), ["as_str"]);
    // Sorted they would begin with `all`, and those of the traits are not among them.
    let page = docs.page("ClusterBuilder").methods();
    let text = fs::read_to_string(root().join("src/cluster/builder.rs")).unwrap();
    let position = |method: &&str| {
        let starts = ["(", "<"].map(|end| text.find(&format!("fn {method}{end}")));
        starts.into_iter().flatten().min().unwrap_or_else(|| panic!("no {method} in the source"))
    };
    assert!(page.len() > 5, "{page:?}");
    assert!(page.iter().map(position).is_sorted(), "{page:?}");
}

#[test]
fn the_search_has_names() {
    let docs = Docs::get();
    assert!(docs.is_in_search("ClusterBuilder"));
    assert!(!docs.is_in_search("ClusterDestroyer"));
}

#[test]
fn aliases_are_read_with_their_items() {
    let text = "#[doc(alias = \"show stat\")]\npub struct A;\nimpl<T> B<T> {\n    #[doc(alias = \"disable server\")]\n    \
                #[doc(alias(\"x y\", \"z\"))]\n    /// Sets.\n    #[must_use]\n    pub async fn set_state(&self) {}\n    \
                pub fn other() {}\n}\n#[doc(alias = \"c\")]\nfn d() {}";
    let alias = |alias: &str, item: &str| Alias { alias: alias.into(), item: item.into() };
    let found = [
        alias("show stat", "A"),
        alias("disable server", "B::set_state"),
        alias("x y", "B::set_state"),
        alias("z", "B::set_state"),
        alias("c", "d"),
    ];
    assert_eq!(aliases_in(&Source::new("src/a.rs", text)), found);
}
