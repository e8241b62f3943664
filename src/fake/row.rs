use std::borrow::Cow;

use super::cells::{Cells, quoted};
use crate::Version;
use crate::field::{COLUMNS, Column, Kind, Rule, Wire};
use crate::model::Level;

/// One row of `show stat` while it is made: what is set, and what it says where
/// nothing is.
pub(super) struct Row<'a> {
    kind: Kind,
    cells: &'a Cells,
    defaults: Vec<(&'static str, Cow<'a, str>)>,
    hidden: &'static [&'static str],
    also_hidden: &'static [&'static str],
    /// Behind the status.
    pub(super) remark: String,
}

impl<'a> Row<'a> {
    pub(super) fn new(kind: Kind, name: &'a str, cells: &'a Cells) -> Self {
        let mut row =
            Self { kind, cells, defaults: Vec::new(), hidden: &[], also_hidden: &[], remark: String::new() };
        row.default("svname", name);
        row.default("-", "-");
        row.default("type", type_code(kind));
        row
    }

    /// What a column says if it is not set; the last one given counts.
    pub(super) fn default(&mut self, column: &'static str, text: impl Into<Cow<'a, str>>) {
        self.defaults.push((column, text.into()));
    }

    /// Leaves columns empty that are not set.
    pub(super) fn without(&mut self, columns: &'static [&'static str]) {
        self.defaults.extend(columns.iter().map(|column| (*column, "".into())));
    }

    /// Leaves columns empty even if they are set.
    pub(super) fn never(&mut self, columns: &'static [&'static str]) {
        if self.hidden.is_empty() {
            self.hidden = columns;
        } else {
            self.also_hidden = columns;
        }
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// A cell's text, quotes aside.
    pub(super) fn text(&self, column: &str) -> Cow<'_, str> {
        if self.hidden.contains(&column) || self.also_hidden.contains(&column) {
            return "".into();
        }
        if let Some(text) = self.cells.text(column) {
            return text;
        }
        let found = self.defaults.iter().rev().find(|(name, _)| *name == column);
        found.map(|(_, text)| text.as_ref().into()).unwrap_or_default()
    }

    /// The line without its end, in the columns given.
    pub(super) fn line(&self, columns: &[&Column], version: &Version, level: Level) -> String {
        let mut line = String::new();
        for column in columns {
            if fills(column, self.kind, version) && (level > Level::User || !SECRET.contains(&column.name)) {
                line.push_str(&quoted(&self.cell(column)));
            }
            line.push(',');
        }
        line
    }

    fn cell(&self, column: &Column) -> Cow<'_, str> {
        let text = self.text(column.name);
        if column.name == "status" && !self.remark.is_empty() {
            return format!("{text}{}", self.remark).into();
        }
        let told = self.cells.text(column.name).is_some()
            || self.hidden.contains(&column.name)
            || self.also_hidden.contains(&column.name)
            || self.defaults.iter().any(|(name, _)| *name == column.name);
        match column.wire {
            Wire::U32 | Wire::U64 | Wire::I32 if !told => "0".into(),
            _ => text,
        }
    }

    /// What is wrong with what is set, if anything is.
    pub(super) fn problem(&self, version: &Version) -> Option<String> {
        let kind = self.kind;
        self.cells.iter().find_map(|(name, value)| {
            let Some(column) = columns(version).into_iter().find(|column| column.name == name) else {
                return Some(format!("no column {name:?} in `show stat` of HAProxy {version}"));
            };
            let rule = column.kinds.iter().find_map(|(one, rule)| (*one == kind).then_some(*rule));
            match rule {
                None => Some(format!("column {name:?} is always empty in such a row")),
                Some(Rule::Key) => Some(format!("column {name:?} follows from the description")),
                Some(_) if !fills(column, kind, version) => {
                    Some(format!("column {name:?} is always empty in such a row of HAProxy {version}"))
                }
                Some(_) => {
                    let expected = value.misfit(column.wire)?;
                    Some(format!("column {name:?}: expected {expected}, found {value}"))
                }
            }
        })
    }
}

/// Columns of a release, in its order.
pub(super) fn columns(version: &Version) -> Vec<&'static Column> {
    COLUMNS.iter().filter(|column| version.branch() >= Version::parse(column.since).branch()).collect()
}

/// Whether rows of that kind fill a column in that release.
fn fills(column: &Column, kind: Kind, version: &Version) -> bool {
    if column.name == "-" {
        return true;
    }
    let missing = match kind {
        Kind::Listener => column.name == "conn_tot" && *version < (3, 0),
        Kind::Backend => {
            let quic = ["h3_", "quic_", "qpack_", "pack_"];
            *version < (3, 4) && quic.iter().any(|start| column.name.starts_with(start))
        }
        _ => false,
    };
    !missing && column.kinds.iter().any(|(one, _)| *one == kind)
}

fn type_code(kind: Kind) -> &'static str {
    match kind {
        Kind::Frontend => "0",
        Kind::Backend => "1",
        Kind::Server => "2",
        Kind::Listener | Kind::Other => "3",
    }
}

/// Empty outside `mode http`.
pub(super) const HTTP: &[&str] = &[
    "hrsp_1xx",
    "hrsp_2xx",
    "hrsp_3xx",
    "hrsp_4xx",
    "hrsp_5xx",
    "hrsp_other",
    "req_tot",
    "intercepted",
    "cache_lookups",
    "cache_hits",
];

/// Empty at level `user`.
const SECRET: &[&str] = &["addr", "cookie", "algo"];
