use std::borrow::Cow;

use super::Value;
use super::cells::{Cells, quoted};
use crate::Version;
use crate::field::{COLUMNS, Column, HIDDEN_FROM_USERS, RowKind, Rule, ValueType};
use crate::level::Level;

/// One row of `show stat` while it is built: the settings, and the defaults of the other columns.
pub(in crate::fake) struct Row<'a> {
    kind: RowKind,
    cells: &'a Cells,
    defaults: Vec<(&'static str, Cow<'a, str>)>,
    hidden: Vec<&'static str>,
    forced: Vec<(&'static str, String)>,
    /// Text written directly after the status.
    pub(in crate::fake) remark: String,
}

impl<'a> Row<'a> {
    pub(in crate::fake) fn new(kind: RowKind, name: &'a str, cells: &'a Cells) -> Self {
        let (defaults, hidden, forced) = (Vec::new(), Vec::new(), Vec::new());
        let mut row = Self { kind, cells, defaults, hidden, forced, remark: String::new() };
        row.default("svname", name);
        row.default("-", "-");
        row.default("type", type_code(kind));
        row
    }

    /// Sets the value of a column that the description does not set. The last default counts.
    pub(in crate::fake) fn default(&mut self, column: &'static str, text: impl Into<Cow<'a, str>>) {
        self.defaults.push((column, text.into()));
    }

    /// Leaves columns empty that the description does not set.
    pub(in crate::fake) fn without(&mut self, columns: &'static [&'static str]) {
        self.defaults.extend(columns.iter().map(|column| (*column, "".into())));
    }

    /// Leaves columns empty even if the description sets them.
    pub(in crate::fake) fn never(&mut self, columns: &'static [&'static str]) {
        self.hidden.extend(columns);
    }

    /// Sets the value of a column even if the description sets another one.
    pub(in crate::fake) fn force(&mut self, column: &'static str, text: String) {
        self.forced.push((column, text));
    }

    pub(in crate::fake) fn kind(&self) -> RowKind {
        self.kind
    }

    /// Returns the text of a cell without quotes, or `None` if it has the default of its type.
    pub(in crate::fake) fn given(&self, column: &str) -> Option<Cow<'_, str>> {
        if self.hidden.contains(&column) {
            return Some("".into());
        }
        if let Some((_, text)) = self.forced.iter().find(|(name, _)| *name == column) {
            return Some(text.as_str().into());
        }
        self.cells.text(column).or_else(|| {
            let found = self.defaults.iter().rev().find(|(name, _)| *name == column);
            found.map(|(_, text)| text.as_ref().into())
        })
    }

    /// Returns the line in the given columns, without its line end.
    pub(in crate::fake) fn line(&self, columns: &[&Column], version: &Version, level: Level) -> String {
        let mut line = String::new();
        for column in columns {
            if fills(column, self.kind, version)
                && (level > Level::User || !HIDDEN_FROM_USERS.contains(&column.name))
            {
                let number = matches!(column.value_type, ValueType::U32 | ValueType::U64 | ValueType::I32);
                let nothing = if number { "0" } else { "" };
                line.push_str(&quoted(&self.given(column.name).unwrap_or(nothing.into())));
            }
            if column.name == "status" {
                line.push_str(&self.remark);
            }
            line.push(',');
        }
        line
    }
}

/// Returns the reason why rows of this kind cannot have that value, or `None` if they can.
pub(in crate::fake) fn problem(
    kind: RowKind,
    version: &Version,
    name: &str,
    value: &Value,
) -> Option<String> {
    let Some(column) = COLUMNS.iter().find(|column| column.name == name && is_in(column, version)) else {
        return Some(format!("no column {name:?} in `show stat` of HAProxy {version}"));
    };
    match column.kinds.iter().find(|(one, _)| *one == kind) {
        Some((_, Rule::Identity)) => Some(format!("column {name:?} follows from the description")),
        _ if *value == Value::EMPTY => None,
        Some(_) if fills(column, kind, version) => {
            let expected = value.misfit(column.value_type)?;
            Some(format!("column {name:?}: expected {expected}, found {value}"))
        }
        _ => Some(format!("column {name:?} is always empty in such a row of HAProxy {version}")),
    }
}

/// Returns the columns of a release, in the order of its header.
pub(in crate::fake) fn columns(version: &Version) -> Vec<&'static Column> {
    COLUMNS.iter().filter(|column| is_in(column, version)).collect()
}

fn is_in(column: &Column, version: &Version) -> bool {
    version.branch() >= Version::parse(column.since).branch()
}

/// Returns `true` if rows of this kind fill a column in that release.
fn fills(column: &Column, kind: RowKind, version: &Version) -> bool {
    if column.name == "-" {
        return true;
    }
    let missing = match kind {
        RowKind::Listener => column.name == "conn_tot" && *version < (3, 0),
        RowKind::Backend => {
            let quic = ["h3_", "quic_", "qpack_", "pack_"];
            *version < (3, 4) && quic.iter().any(|start| column.name.starts_with(start))
        }
        _ => false,
    };
    !missing && column.kinds.iter().any(|(one, _)| *one == kind)
}

fn type_code(kind: RowKind) -> &'static str {
    match kind {
        RowKind::Frontend => "0",
        RowKind::Backend => "1",
        RowKind::Server => "2",
        RowKind::Listener | RowKind::Other => "3",
    }
}

/// Columns that are empty outside `mode http`.
pub(in crate::fake) const HTTP: &[&str] = &[
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
