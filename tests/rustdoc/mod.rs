//! The documentation that rustdoc writes: its pages and the names in its search.

#![allow(dead_code, reason = "every test file is a crate of its own and uses a part of this")]
#![allow(unreachable_pub, reason = "the same: nothing here leaves the test's crate")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::missing_panics_doc, reason = "all of it panics if rustdoc writes something else")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::source::{Source, root, sources};

/// The documentation of this crate with all features.
#[derive(Debug)]
pub struct Docs {
    folder: PathBuf,
    /// Every page that the crate's page leads to, by path.
    pub pages: BTreeMap<String, Page>,
}

impl Docs {
    /// Builds the documentation, once for all tests of a program.
    pub fn get() -> &'static Self {
        static DOCS: OnceLock<Docs> = OnceLock::new();
        DOCS.get_or_init(|| {
            let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rustdoc");
            let made = Command::new(env!("CARGO"))
                .args(["doc", "--offline", "--no-deps", "--all-features", "--lib", "--target-dir"])
                .arg(&target)
                .current_dir(root())
                .env_remove("RUSTDOCFLAGS")
                .output()
                .unwrap();
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
            let folder = target.join("doc");
            let mut pages = BTreeMap::new();
            read_module(&folder, "haproxyadmin", &mut pages);
            Self { folder, pages }
        })
    }

    /// Returns the page of the type at `path`, such as `Cluster` or `field::Column`.
    pub fn page(&self, path: &str) -> &Page {
        self.pages.get(&format!("haproxyadmin::{path}")).unwrap_or_else(|| panic!("no page of {path}"))
    }

    /// Returns `true` if the index of rustdoc's search has a name or an alias that contains
    /// `text`.
    ///
    /// The index is made for rustdoc's own script: it shows names, but not the items that they
    /// belong to. [`aliases`] lists aliases with their items.
    pub fn is_in_search(&self, text: &str) -> bool {
        let names = fs::read_dir(self.folder.join("search.index/name")).expect("an index of names");
        names.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).any(|names| names.contains(text))
    }
}

/// Adds the page of `module` and the pages of its items, which `sidebar-items.js` lists. The
/// folder may hold pages of removed items too, and they are not in that list.
fn read_module(folder: &Path, module: &str, pages: &mut BTreeMap<String, Page>) {
    let inside = folder.join(module.replace("::", "/"));
    let read = |name: &str| {
        let path = inside.join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    pages.insert(module.to_owned(), Page::new("mod", &read("index.html")));
    let items = read("sidebar-items.js");
    let items = items.trim_start_matches("window.SIDEBAR_ITEMS = ").trim_end_matches(';');
    let items: BTreeMap<String, Vec<String>> = serde_json::from_str(items).expect("items by kind");
    for (kind, names) in items {
        for name in names {
            let path = format!("{module}::{name}");
            match &*kind {
                "mod" => read_module(folder, &path, pages),
                kind => drop(pages.insert(path, Page::new(kind, &read(&format!("{kind}.{name}.html"))))),
            }
        }
    }
}

/// A page of the documentation.
#[derive(Debug)]
pub struct Page {
    /// `mod`, `struct`, `enum`, `trait`, `type`, `constant`, `fn` or `macro`.
    pub kind: String,
    /// The declaration with its public fields and variants.
    pub declaration: String,
    /// The inherent `impl` blocks of the type, in the order of the page.
    pub own: Vec<Block>,
    /// The trait implementations, without blanket and auto trait implementations.
    pub traits: Vec<Block>,
    /// The re-exports of a module, written as `pub use a::B;`.
    pub reexports: Vec<String>,
}

/// An `impl` block.
#[derive(Debug)]
pub struct Block {
    pub header: String,
    pub members: Vec<Member>,
}

/// A method, constant or associated type.
#[derive(Debug)]
pub struct Member {
    pub name: String,
    pub signature: String,
}

impl Page {
    fn new(kind: &str, html: &str) -> Self {
        let main = html.split_once("<main>").expect("a page with <main>").1;
        let declaration = between(main, "<pre class=\"rust item-decl\">", "</pre>").next();
        let reexports = between(main, "<dt id=\"reexport.", "</dt>").filter_map(|item| item.split_once('>'));
        Self {
            kind: kind.to_owned(),
            declaration: declaration.map(text).unwrap_or_default(),
            own: blocks(section(main, "implementations")),
            traits: blocks(section(main, "trait-implementations")),
            reexports: reexports.map(|(_, item)| one_line(item)).collect(),
        }
    }

    /// Lists the names of the inherent methods, in the order of the page.
    pub fn methods(&self) -> Vec<&str> {
        let methods = self.own.iter().flat_map(|block| &block.members);
        methods.filter(|member| member.signature.contains("fn ")).map(|member| &*member.name).collect()
    }
}

/// Returns the part of the page between the heading with `id` and the next one.
fn section<'a>(main: &'a str, id: &str) -> &'a str {
    let heading = format!("<h2 id=\"{id}\" class=\"section-header\">");
    let behind = main.split_once(&heading).map_or("", |(_, behind)| behind);
    behind.split_once("class=\"section-header\"").map_or(behind, |(section, _)| section)
}

/// Reads the `impl` blocks of a section. A block is a `<section>`, and its members are the
/// `<section>` elements after it.
fn blocks(html: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for section in between(html, "<section id=\"", "</section>") {
        let (id, rest) = section.split_once('"').unwrap();
        let header =
            ["</h3>", "</h4>"].iter().find_map(|end| between(rest, "class=\"code-header\">", end).next());
        let header = one_line(header.unwrap_or_else(|| panic!("no header in {section}")));
        match id.split_once('.') {
            None => blocks.push(Block { header, members: Vec::new() }),
            Some((_, name)) => {
                let block = blocks.last_mut().expect("a block before its members");
                block.members.push(Member { name: name.to_owned(), signature: header });
            }
        }
    }
    blocks
}

/// Returns each text between `start` and the next `end`.
fn between<'a>(html: &'a str, start: &'a str, end: &'a str) -> impl Iterator<Item = &'a str> {
    html.split(start).skip(1).filter_map(move |behind| behind.split_once(end)).map(|(text, _)| text)
}

/// Returns the text of `html` in one line.
fn one_line(html: &str) -> String {
    let words: Vec<_> = text(html).split_whitespace().map(str::to_owned).collect();
    words.join(" ").replace("( ", "(").replace(", )", ")")
}

/// Returns the text of `html` without the labels of folded parts and buttons.
fn text(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some((plain, tag)) = rest.split_once('<') {
        text.push_str(plain);
        let (tag, behind) = tag.split_once('>').expect("a tag with an end");
        rest = match tag {
            _ if tag.starts_with("summary") => {
                behind.split_once("</summary>").map_or("", |(_, behind)| behind)
            }
            _ if tag.contains("class=\"tooltip\"") => {
                behind.split_once("</a>").map_or("", |(_, behind)| behind)
            }
            _ => behind,
        };
        if tag == "/div" || tag.starts_with("div class=\"where\"") {
            text.push('\n');
        }
    }
    text.push_str(rest);
    let signs =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")];
    signs.iter().fold(text, |text, (name, sign)| text.replace(name, sign))
}

/// Another name by which the search finds an item.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Alias {
    pub alias: String,
    /// `Type::method`, or only the name if the item is outside an `impl` block.
    pub item: String,
}

/// Lists all aliases in the source, each with its item.
pub fn aliases() -> Vec<Alias> {
    sources("src").iter().flat_map(aliases_in).collect()
}

pub fn aliases_in(source: &Source) -> Vec<Alias> {
    let mut found = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let mut owner = None;
    for line in source.text.lines() {
        let code = line.trim();
        if line.starts_with('}') {
            owner = None;
        }
        if let Some(header) = code.strip_prefix("impl").filter(|rest| rest.starts_with([' ', '<'])) {
            owner = header.trim_end_matches('{').split(" where ").next().and_then(|header| {
                let name = header.rsplit_once(" for ").map_or(header, |(_, name)| name).trim();
                name.split(['<', ' ']).find(|name| !name.is_empty() && !name.contains('>')).map(str::to_owned)
            });
        } else if let Some(names) = code.strip_prefix("#[doc(alias") {
            open.extend(names.split('"').skip(1).step_by(2).map(str::to_owned));
        } else if let Some(name) = item(code).filter(|_| !open.is_empty()) {
            let item = owner.as_ref().map_or_else(|| name.to_owned(), |owner| format!("{owner}::{name}"));
            found.extend(open.drain(..).map(|alias| Alias { alias, item: item.clone() }));
        }
    }
    found
}

/// Returns the name of the item that `code` declares.
fn item(code: &str) -> Option<&str> {
    if code.starts_with('#') || code.starts_with("//") {
        return None;
    }
    let words = ["fn ", "struct ", "enum ", "trait ", "type ", "const ", "mod "];
    let behind = words.iter().find_map(|word| {
        let (before, behind) = code.split_once(word)?;
        (before.is_empty() || before.ends_with(' ')).then_some(behind)
    })?;
    behind.split(|c: char| !c.is_alphanumeric() && c != '_').next()
}
