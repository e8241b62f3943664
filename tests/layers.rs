//! The layers of the house: no folder of `src/` imports from one above it, the files of
//! one folder do not import each other in a circle, and no folder is crowded.
//!
//! `cargo test --test layers -- --nocapture` also prints which room imports from which.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

mod source;

use source::{Part, Source, pieces, sources};

/// The rooms of `src/`, files or folders, from the ground up.
///
/// A room imports from those before it. `lib.rs` stands on top of all of them.
const ROOMS: &[&str] = &[
    "excerpt",
    "count",
    "version",
    "level",
    "address",
    "error",
    "field",
    "protocol",
    "show",
    "shm",
    "transport",
    "snapshot",
    "process",
    "master",
    "cluster",
    "object",
    "operate",
    "watch",
    "guide",
    "fake",
];

/// The fake is a user of the public API, so it may import through the crate root.
const USES_THE_ROOT: &str = "fake";

/// The same inside of a folder. A `*` stands for the children that are not listed, among
/// them the folder's `mod`; without one, they stand on top.
const INSIDE: &[(&str, &[&str])] = &[
    ("cluster", &["identity", "selector", "view", "shared_counters", "membership", "fan_out"]),
    ("protocol", &["*", "reply"]),
    ("show", &["*", "stat", "report"]),
    ("snapshot", &["*", "merge", "stats", "delta"]),
    ("fake", &["describe", "command", "serve", "master"]),
];

/// Children of one folder that import each other, with the reason.
///
/// An entry is the folder, its children in alphabetical order, and the reason.
const CIRCLES: &[(&str, &[&str], &str)] = &[];

/// The most files in one folder, without those of its folders.
const FILES: usize = 14;

#[test]
fn no_room_imports_from_one_above_it() {
    let house = House::read(&library());
    println!("{}", house.table(ROOMS));
    let problems = house.upward(ROOMS, INSIDE);
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn files_of_one_folder_do_not_import_each_other_in_a_circle() {
    let problems = House::read(&library()).circles(CIRCLES);
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn no_folder_is_crowded() {
    let mut files = BTreeMap::<&str, usize>::new();
    let library = library();
    for source in &library {
        *files.entry(source.path.rsplit_once('/').unwrap().0).or_default() += 1;
    }
    let crowded = files.iter().filter(|&(_, &files)| files > FILES);
    let problems: Vec<_> = crowded.map(|(folder, files)| format!("{folder} has {files} files")).collect();
    assert!(problems.is_empty(), "\n{}\nat most {FILES} are allowed", problems.join("\n"));
}

/// Every file of the library.
fn library() -> Vec<Source> {
    let mut library = sources("src");
    library.retain(|source| !source.path.starts_with("src/bin/"));
    library
}

/// The files of `src/` with their imports from each other.
struct House {
    /// The path of each module, such as `a::b`, and of the file it is in. The root is empty.
    modules: BTreeMap<String, String>,
    imports: Vec<Import>,
    /// Targets of the names that a module imports, by module and name. Other modules
    /// reach the targets through these names.
    aliases: BTreeMap<(String, String), Vec<String>>,
}

/// A path in `path` that leads into this crate.
struct Import {
    path: String,
    line: usize,
    /// The module of the file it stands in.
    module: String,
    /// From the crate root, which is left out.
    target: Vec<String>,
    /// True for a re-export of a name of the module's own child, which is no dependency.
    is_reexport: bool,
}

impl House {
    fn read(sources: &[Source]) -> Self {
        let mut modules: BTreeMap<_, _> =
            sources.iter().map(|source| (module_of(&source.path), module_of(&source.path))).collect();
        let scans: Vec<_> = sources.iter().map(|source| (source, Scan::new(source))).collect();
        for (source, scan) in &scans {
            modules.extend(scan.inner.iter().map(|inner| (inner.clone(), module_of(&source.path))));
        }
        let mut house = Self { modules, imports: Vec::new(), aliases: BTreeMap::new() };
        for (source, scan) in scans {
            for found in scan.paths {
                house.add(source, found);
            }
        }
        house
    }

    fn add(&mut self, source: &Source, found: Found) {
        let Some(target) = self.absolute(&found.module, &found.path) else {
            return;
        };
        let own = if found.module.is_empty() { Vec::new() } else { found.module.split("::").collect() };
        let is_reexport =
            found.is_public && target.len() > own.len() && target.iter().zip(&own).all(|(a, b)| a == b);
        if let Some(name) = found.name {
            self.aliases.insert((found.module, name), target.clone());
        }
        let (path, module) = (source.path.clone(), module_of(&source.path));
        self.imports.push(Import { path, line: found.line, module, target, is_reexport });
    }

    /// Returns `path`, which stands in `module`, from the crate root; `None` if it leads
    /// to another crate.
    fn absolute(&self, module: &str, path: &[String]) -> Option<Vec<String>> {
        let mut base: Vec<_> =
            module.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let mut rest = path;
        match path.first()?.as_str() {
            "crate" => {
                base.clear();
                rest = rest.get(1..)?;
            }
            "self" => rest = rest.get(1..)?,
            "super" => {
                while rest.first().is_some_and(|name| name == "super") {
                    base.pop();
                    rest = rest.get(1..)?;
                }
            }
            child if self.modules.contains_key(&below(module, child)) => {}
            _ => return None,
        }
        base.extend(rest.iter().cloned());
        Some(base)
    }

    /// Returns the module in which the item at `target` is declared. Re-exports are followed.
    fn home(&self, target: &[String]) -> String {
        let mut module = String::new();
        let mut rest = target.to_vec();
        // More than any chain of such names; one that leads to itself ends too.
        for _ in 0..16 {
            while let Some(child) = rest.first().map(|name| below(&module, name)) {
                if !self.modules.contains_key(&child) {
                    break;
                }
                module = child;
                rest.remove(0);
            }
            let alias = rest.first().and_then(|name| self.aliases.get(&(module.clone(), name.clone())));
            let Some(alias) = alias else {
                break;
            };
            rest.splice(..1, alias.iter().cloned());
            module.clear();
        }
        self.modules.get(&module).cloned().unwrap_or_default()
    }

    /// Returns the room `import` leads to, and `true` if it leads through the crate root.
    fn room(&self, import: &Import) -> (String, bool) {
        let direct = import.target.first().filter(|room| self.modules.get(*room) == Some(room));
        direct.map_or_else(|| (room_of(&self.home(&import.target)), true), |room| (room.clone(), false))
    }

    /// Lists the imports that lead upward, and those through the crate root.
    fn upward(&self, rooms: &[&str], inside: &[(&str, &[&str])]) -> Vec<String> {
        let floor = |order: &[&str], child: &str| order.iter().position(|name| *name == child);
        let mut problems: BTreeSet<(String, usize, String)> = BTreeSet::new();
        for import in self.imports.iter().filter(|import| !import.is_reexport) {
            let Import { path, line, module, target, .. } = import;
            let mut tell = |text: String| problems.insert((path.clone(), *line, text));
            let shown = format!("crate::{}", target.join("::"));
            let from = room_of(module);
            if from.is_empty() {
                continue;
            }
            let (to, through_root) = self.room(import);
            if through_root && from != USES_THE_ROOT {
                let home = if to.is_empty() { String::new() } else { format!(" (of {to})") };
                tell(format!("imports {shown}{home} through the crate root"));
            }
            match (floor(rooms, &from), floor(rooms, &to)) {
                (None, _) => drop(tell(format!("is in {from}, which is missing in the list of rooms"))),
                (Some(from), Some(to)) if to > from => {
                    tell(format!("imports {shown}, which stands above it"));
                }
                _ => {}
            }
            if let Some((folder, from, to)) = self.children(import) {
                let order =
                    inside.iter().find(|(name, _)| *name == folder).map_or(&[][..], |(_, order)| order);
                let floor = |child| floor(order, child).or_else(|| floor(order, "*")).unwrap_or(order.len());
                if floor(&to) > floor(&from) {
                    tell(format!("imports {shown}, which stands above {from} in {folder}"));
                }
            }
        }
        problems.into_iter().map(|(path, line, text)| format!("{path}:{line} {text}")).collect()
    }

    /// Returns the folder in which both ends of `import` are, and the children of it that
    /// they are in; `None` if both are in one file.
    fn children(&self, import: &Import) -> Option<(String, String, String)> {
        let home = self.home(&import.target);
        let (mut from, mut to) = (import.module.as_str(), home.as_str());
        let mut folder = String::new();
        while from != to {
            let (from_child, from_rest) = from.split_once("::").unwrap_or((from, ""));
            let (to_child, to_rest) = to.split_once("::").unwrap_or((to, ""));
            if from_child != to_child {
                let name = |child: &str| if child.is_empty() { "mod".to_owned() } else { child.to_owned() };
                return Some((folder, name(from_child), name(to_child)));
            }
            folder = below(&folder, from_child);
            (from, to) = (from_rest, to_rest);
        }
        None
    }

    /// Lists the children of one folder that import each other, unless they are `allowed`,
    /// and the entries of `allowed` that match no circle.
    fn circles(&self, allowed: &[(&str, &[&str], &str)]) -> Vec<String> {
        let mut folders = BTreeMap::<String, BTreeMap<(String, String), String>>::new();
        for import in self.imports.iter().filter(|import| !import.is_reexport) {
            let top = |child: &str| child == "mod" || child == USES_THE_ROOT;
            if let Some((folder, from, to)) = self.children(import) {
                if !folder.is_empty() || !top(&from) && !top(&to) {
                    let place = format!("{}:{}", import.path, import.line);
                    folders.entry(folder).or_default().entry((from, to)).or_insert(place);
                }
            }
        }
        let mut unused: BTreeSet<_> =
            allowed.iter().map(|(folder, children, _)| (*folder, children.to_vec())).collect();
        let mut problems = Vec::new();
        for (folder, arrows) in &folders {
            for circle in circles(arrows.keys()) {
                let children: Vec<_> = circle.iter().map(|child| &***child).collect();
                if unused.remove(&(folder, children.clone())) {
                    continue;
                }
                let mut problem = format!("in src/{}: {}", folder.replace("::", "/"), children.join(", "));
                let arrows =
                    arrows.iter().filter(|((from, to), _)| circle.contains(from) && circle.contains(to));
                for ((from, to), place) in arrows {
                    write!(problem, "\n    {from} -> {to} ({place})").unwrap();
                }
                problems.push(problem);
            }
        }
        let stale = |(folder, children): (&str, Vec<&str>)| {
            format!("in src/{}: no circle of {}", folder.replace("::", "/"), children.join(", "))
        };
        problems.extend(unused.into_iter().map(stale));
        problems
    }

    /// Prints how many paths lead from each room to each other one.
    fn table(&self, rooms: &[&str]) -> String {
        let mut counts = BTreeMap::<String, BTreeMap<String, usize>>::new();
        for import in self.imports.iter().filter(|import| !import.is_reexport) {
            let (from, to) = (room_of(&import.module), self.room(import).0);
            if from != to && !from.is_empty() {
                *counts.entry(from).or_default().entry(to).or_default() += 1;
            }
        }
        let floor = |room: &&String| rooms.iter().position(|name| name == room).unwrap_or(rooms.len());
        let mut lines = String::from("imports of each room, from the top down\n");
        let mut order: Vec<_> = counts.keys().collect();
        order.sort_by_key(floor);
        for room in order.into_iter().rev() {
            let mut targets: Vec<_> = counts[room].iter().collect();
            targets.sort_by_key(|(target, _)| floor(target));
            let targets = targets.iter().map(|(target, count)| match target.as_str() {
                "" => format!("(root) {count}"),
                target => format!("{target} {count}"),
            });
            writeln!(lines, "{room:>10} -> {}", targets.collect::<Vec<_>>().join(", ")).unwrap();
        }
        lines
    }
}

/// Returns the groups of children that reach each other along `arrows`.
fn circles<'a>(arrows: impl Iterator<Item = &'a (String, String)>) -> BTreeSet<BTreeSet<&'a String>> {
    let mut reached = BTreeMap::<&String, BTreeSet<&String>>::new();
    for (from, to) in arrows {
        reached.entry(from).or_default().insert(to);
    }
    let direct = reached.clone();
    for targets in reached.values_mut() {
        let mut open: Vec<_> = targets.iter().copied().collect();
        while let Some(child) = open.pop() {
            let next = direct.get(child).into_iter().flatten().copied();
            open.extend(next.filter(|next| targets.insert(next)));
        }
    }
    let mutual = |child: &'a String| {
        let others = reached[child].iter().copied();
        others.filter(|other| reached.get(other).is_some_and(|back| back.contains(child))).collect()
    };
    reached.keys().map(|child| mutual(child)).filter(|circle: &BTreeSet<_>| !circle.is_empty()).collect()
}

/// Returns the module that the file at `path` is: `a::b` for `src/a/b.rs` and `src/a/b/mod.rs`.
fn module_of(path: &str) -> String {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs");
    let path = path.trim_end_matches("/mod");
    if path == "lib" { String::new() } else { path.replace('/', "::") }
}

fn room_of(module: &str) -> String {
    module.split("::").next().unwrap_or_default().to_owned()
}

fn below(module: &str, child: &str) -> String {
    if module.is_empty() { child.to_owned() } else { format!("{module}::{child}") }
}

/// A path as it stands in a file.
#[derive(Debug, PartialEq)]
struct Found {
    line: usize,
    /// The module around it.
    module: String,
    path: Vec<String>,
    /// The name it has here, if it is a `use`.
    name: Option<String>,
    /// True for a `pub use` of any visibility.
    is_public: bool,
}

/// A file that is read from its first to its last token.
struct Scan<'a> {
    tokens: Vec<(usize, &'a str)>,
    at: usize,
    module: String,
    /// Modules that are written inside of the file.
    inner: Vec<String>,
    paths: Vec<Found>,
}

impl<'a> Scan<'a> {
    fn new(source: &'a Source) -> Self {
        let mut scan = Self {
            tokens: tokens(&source.text),
            at: 0,
            module: module_of(&source.path),
            inner: Vec::new(),
            paths: Vec::new(),
        };
        scan.run();
        scan
    }

    fn token(&self, ahead: usize) -> &'a str {
        self.tokens.get(self.at + ahead).map_or("", |(_, token)| token)
    }

    fn behind(&self, back: usize) -> &'a str {
        self.at.checked_sub(back).and_then(|at| self.tokens.get(at)).map_or("", |(_, token)| token)
    }

    fn run(&mut self) {
        // Depths at which inner modules end, with the modules around them.
        let mut around = Vec::new();
        let mut depth = 0_usize;
        while self.at < self.tokens.len() {
            match self.token(0) {
                "{" => depth += 1,
                "}" => {
                    depth = depth.saturating_sub(1);
                    if around.last().is_some_and(|(end, _)| *end == depth) {
                        self.module = around.pop().unwrap().1;
                    }
                }
                "#" if self.is_test() => {
                    self.skip_item();
                    continue;
                }
                "mod" if self.token(2) == "{" => {
                    let inner = below(&self.module, self.token(1));
                    self.inner.push(inner.clone());
                    around.push((depth, std::mem::replace(&mut self.module, inner)));
                }
                // `impl Trait + use<'_>` is no import.
                "use" if self.token(1) != "<" => {
                    let is_public = matches!(self.behind(1), "pub" | ")");
                    self.at += 1;
                    self.tree(Vec::new(), is_public);
                    continue;
                }
                word if is_word(word) && self.token(1) == "::" && !matches!(self.behind(1), "::" | ".") => {
                    let is_visibility = self.behind(1) == "in" && self.behind(2) == "(";
                    let found = self.path();
                    self.paths.extend(found.filter(|_| !is_visibility));
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    fn is_test(&self) -> bool {
        (0..7).map(|ahead| self.token(ahead)).eq(["#", "[", "cfg", "(", "test", ")", "]"])
    }

    /// Goes behind the item that the attribute here belongs to.
    fn skip_item(&mut self) {
        let mut depth = 0_usize;
        while self.at < self.tokens.len() {
            let token = self.token(0);
            self.at += 1;
            match token {
                "{" | "(" | "[" => depth += 1,
                "}" | ")" | "]" => depth -= 1,
                _ => {}
            }
            if depth == 0 && matches!(token, "}" | ";") {
                return;
            }
        }
    }

    /// Reads a path in code.
    fn path(&mut self) -> Option<Found> {
        let line = self.tokens.get(self.at)?.0;
        let mut path = vec![self.token(0).to_owned()];
        self.at += 1;
        while self.token(0) == "::" && is_word(self.token(1)) {
            path.push(self.token(1).to_owned());
            self.at += 2;
        }
        Some(Found { line, module: self.module.clone(), path, name: None, is_public: false })
    }

    /// Reads the tree behind `use`, or one of the trees in its braces.
    fn tree(&mut self, mut path: Vec<String>, is_public: bool) {
        let line = self.tokens.get(self.at).map_or(0, |(line, _)| *line);
        while self.at < self.tokens.len() {
            let token = self.token(0);
            self.at += 1;
            match token {
                "::" => continue,
                "{" => {
                    while !matches!(self.token(0), "}" | "") {
                        self.tree(path.clone(), is_public);
                        self.at += usize::from(self.token(0) == ",");
                    }
                    self.at += 1;
                    return;
                }
                "as" => {
                    let name = Some(self.token(0).to_owned());
                    self.at += 1;
                    self.paths.push(Found { line, module: self.module.clone(), path, name, is_public });
                    return;
                }
                // In braces, after a path, `self` is the path.
                "self" if !path.is_empty() => {}
                token => path.push(token.to_owned()),
            }
            if !matches!(self.token(0), "::" | "as") {
                let name = path.last().cloned();
                self.paths.push(Found { line, module: self.module.clone(), path, name, is_public });
                return;
            }
        }
    }
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Returns the words and signs of the code in `text`, each with its line.
fn tokens(text: &str) -> Vec<(usize, &str)> {
    let mut tokens = Vec::new();
    let mut pieces = pieces(text).into_iter().filter(|piece| piece.part == Part::Code).peekable();
    while let Some(piece) = pieces.next() {
        match piece.text {
            // Both are pieces of one sign, which are beside each other.
            ":" if pieces.next_if(|next| next.text == ":").is_some() => tokens.push((piece.line, "::")),
            sign if sign.trim().is_empty() => {}
            token => tokens.push((piece.line, token)),
        }
    }
    tokens
}

#[test]
fn pieces_of_a_file_are_told_apart() {
    let text = "a(\"// \\\" b\", 'x', '\\'', r#\"c \" d\"#)/* e /* f */ g */<'h>; // \"i\nlet bar = 1; //! j";
    let of = |part| pieces(text).into_iter().filter(move |piece| piece.part == part);
    let literals: Vec<_> = of(Part::Literal).map(|piece| piece.text).collect();
    assert_eq!(literals, ["\"// \\\" b\"", "'x'", "'\\''", "r#\"c \" d\"#"]);
    let comments: Vec<_> = of(Part::Comment).map(|piece| (piece.line, piece.text)).collect();
    assert_eq!(comments, [(1, "/* e /* f */ g */"), (1, "// \"i"), (2, "//! j")]);
    let code: String = of(Part::Code).map(|piece| piece.text).collect();
    assert_eq!(code, "a(, , , )<'h>; \nlet bar = 1; ");
}

/// Lists the imports of the file at `path`, as `LINE PATH` from the crate root.
fn imports(path: &str, text: &str) -> Vec<String> {
    let others = ["src/lib.rs", "src/a/mod.rs", "src/a/b.rs"].map(|path| Source::new(path, ""));
    let house = House::read(&[&others[..], &[Source::new(path, text)]].concat());
    house.imports.iter().map(|import| format!("{} {}", import.line, import.target.join("::"))).collect()
}

#[test]
fn trees_of_imports_are_read() {
    let text = "use crate::{\n    a::{self, B, c::{D as E, *}},\n    f,\n};\nuse super::{super::g, h};\nuse std::fmt;";
    let found = ["2 a", "2 a::B", "2 a::c::D", "2 a::c::*", "3 f", "5 g", "5 a::h"];
    assert_eq!(imports("src/a/x.rs", text), found);
}

#[test]
fn paths_in_code_are_read() {
    let text = "pub(in crate::a) fn f() -> crate::g::H { super::i::j::<u8>(self::k()).l(b::m(), n::o()) }";
    assert_eq!(imports("src/a/mod.rs", text), ["1 g::H", "1 i::j", "1 a::k", "1 a::b::m"]);
    let text = "mod y { fn f() { super::g() } }\nfn h() -> impl Sized + use<'_> { super::i() }";
    assert_eq!(imports("src/a/x.rs", text), ["1 a::x::g", "2 a::i"]);
}

#[test]
fn comments_strings_and_tests_are_no_imports() {
    let text = "//! crate::a\n/// crate::b\nconst C: &str = \"crate::c\"; // crate::d\n\
                #[cfg(test)]\nmod tests {\n    use super::*;\n}\n#[cfg(test)]\nuse crate::e;\nuse crate::f;";
    assert_eq!(imports("src/a/x.rs", text), ["10 f"]);
}

/// A small house with `low` below `high`.
fn house(low: &str, high: &str, high_x: &str) -> House {
    House::read(&[
        Source::new("src/lib.rs", "pub use low::Low; pub use high::{High, X};"),
        Source::new("src/low.rs", low),
        Source::new("src/high/mod.rs", high),
        Source::new("src/high/x.rs", high_x),
    ])
}

#[test]
fn an_import_from_above_is_told() {
    let rooms = ["low", "high"];
    let house = house(
        "use crate::high::X;\nuse crate::High;\nfn f() { crate::high::y!() }",
        "pub use x::X;\nuse crate::low::Low;",
        "use crate::Low;\nuse super::Y;",
    );
    let told = [
        "src/high/x.rs:1 imports crate::Low (of low) through the crate root",
        "src/high/x.rs:2 imports crate::high::Y, which stands above x in high",
        "src/low.rs:1 imports crate::high::X, which stands above it",
        "src/low.rs:2 imports crate::High (of high) through the crate root",
        "src/low.rs:2 imports crate::High, which stands above it",
        "src/low.rs:3 imports crate::high::y, which stands above it",
    ];
    assert_eq!(house.upward(&rooms, &[("high", &["x"])]), told);
    let on_top = house.upward(&rooms, &[("high", &["*", "x"])]);
    assert_eq!(on_top, [&told[..1], &told[2..]].concat());
    assert_eq!(
        house.table(&rooms),
        "imports of each room, from the top down\n      high -> low 2\n       low -> high 3\n"
    );
    assert_eq!(
        house.upward(&["low"], &[]).last().unwrap(),
        "src/low.rs:2 imports crate::High (of high) through the crate root"
    );
    let missing = "src/high/mod.rs:2 is in high, which is missing in the list of rooms";
    assert_eq!(house.upward(&["low"], &[]).first().unwrap(), missing);
}

#[test]
fn files_that_import_each_other_are_told() {
    // `mod` offers `X`, which is no import of `x`; only `new` is.
    let house = house("", "pub(crate) use x::X;\nfn f() { x::new() }", "use super::Y;\nuse super::X;");
    let circle = "in src/high: mod, x\n    mod -> x (src/high/mod.rs:2)\n    x -> mod (src/high/x.rs:1)";
    assert_eq!(house.circles(&[]), [circle]);
    assert_eq!(house.circles(&[("high", &["mod", "x"], "they are one")]), [""; 0]);
    let stale = house.circles(&[("high", &["mod", "x"], "they are one"), ("low", &["mod", "y"], "gone")]);
    assert_eq!(stale, ["in src/low: no circle of mod, y"]);
}
