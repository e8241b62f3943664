use std::sync::Arc;

use super::selection::{BACKEND, FRONTEND, LISTENER, SERVER, Selection};
use super::table::StatTable;
use crate::field::RowKind;
use crate::version::Version;

/// The rows of `show stat` to request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StatFilter {
    /// All rows.
    All,
    /// No rows.
    Nothing,
    /// The rows of some kinds, of all proxies, as the bits that `show stat` takes.
    Kinds(u8),
    /// The rows of one proxy. This saves the process the time to print all other rows.
    Proxy {
        /// Name of the proxy, valid in HAProxy's grammar.
        name: Box<str>,
        /// Kinds of rows, as the bits that `show stat` takes.
        kinds: u8,
    },
    /// The row of one server, by its names. If the numbers of the server in a process are not known, the process is
    /// asked for all rows of the backend.
    NamedServer { backend: Box<str>, name: Box<str> },
    /// The row of one server, by its numbers in one process.
    Server {
        /// Number of the backend (`iid`).
        proxy: u64,
        /// Number of the server in its backend (`sid`).
        server: u64,
    },
    /// Rows of which not everything is kept.
    Selected { rows: Box<StatFilter>, selection: Arc<Selection> },
}

impl StatFilter {
    /// Requests the rows of all frontends and their listeners.
    pub(crate) fn frontends() -> Self {
        Self::Kinds(FRONTEND | LISTENER)
    }

    /// Requests the rows of all backends and their servers.
    pub(crate) fn backends() -> Self {
        Self::Kinds(BACKEND | SERVER)
    }

    /// Requests the rows of a frontend and its listeners.
    pub(crate) fn frontend(name: &str) -> Self {
        Self::proxy(name, FRONTEND | LISTENER)
    }

    /// Requests the rows of a backend and its servers.
    pub(crate) fn backend(name: &str) -> Self {
        Self::proxy(name, BACKEND | SERVER)
    }

    /// Requests the row of a server.
    pub(crate) fn server(backend: &str, name: &str) -> Self {
        Self::NamedServer { backend: backend.into(), name: name.into() }
    }

    /// Requests the rows of all proxies if HAProxy would not read `name` as a name: strings that are not
    /// valid proxy names, and digits, which HAProxy reads as an id.
    pub(super) fn proxy(name: &str, kinds: u8) -> Self {
        let of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '-');
        let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if starts && name.len() <= LONGEST_NAME && name.chars().all(of_name) {
            return Self::Proxy { name: name.into(), kinds };
        }
        Self::Kinds(kinds)
    }

    /// Returns `true` if HAProxy may have looked at another proxy of the same name: up to 3.2 a frontend and a
    /// backend may share a name, and HAProxy looks at the first one only.
    pub(crate) fn may_lack_rows(&self, stat: &StatTable, version: Option<&str>) -> bool {
        let kinds = match self {
            Self::Proxy { kinds, .. } => *kinds,
            Self::Selected { rows, .. } => return rows.may_lack_rows(stat, version),
            _ => return false,
        };
        if version.is_some_and(|version| Version::parse(version) >= (3, 3)) {
            return false;
        }
        let lacks = |side: u8, of_side: [RowKind; 2]| {
            kinds & side != 0 && !stat.rows().any(|row| of_side.contains(&row.kind()))
        };
        lacks(FRONTEND | LISTENER, [RowKind::Frontend, RowKind::Listener])
            || lacks(BACKEND | SERVER, [RowKind::Backend, RowKind::Server])
    }

    /// Returns the filter for the same rows of all proxies, or `None` if the rows are not those of one proxy.
    pub(crate) fn of_all_proxies(&self) -> Option<Self> {
        match self {
            Self::Proxy { kinds, .. } => Some(Self::Kinds(*kinds)),
            Self::Selected { rows, selection } => {
                let rows = Box::new(rows.of_all_proxies()?);
                Some(Self::Selected { rows, selection: Arc::clone(selection) })
            }
            _ => None,
        }
    }

    /// Returns the rows and columns to keep, or `None` for all that are printed.
    pub(crate) fn selection(&self) -> Option<&Arc<Selection>> {
        match self {
            Self::Selected { selection, .. } => Some(selection),
            _ => None,
        }
    }

    /// Returns the command that prints the rows.
    pub(crate) fn command(&self) -> String {
        match self {
            Self::All => "show stat".into(),
            Self::Nothing => "show stat -1 0 -1".into(),
            Self::Kinds(kinds) => format!("show stat -1 {kinds} -1"),
            Self::Proxy { name, kinds } => format!("show stat {name} {kinds} -1"),
            Self::NamedServer { backend, .. } => Self::backend(backend).command(),
            Self::Server { proxy, server } => format!("show stat {proxy} 4 {server}"),
            Self::Selected { rows, .. } => rows.command(),
        }
    }
}

/// Longest name that is sent to HAProxy, in bytes.
const LONGEST_NAME: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_is_sent() {
        let line = |name| StatFilter::backend(name).command();
        assert_eq!(line("app.1:x-y_z"), "show stat app.1:x-y_z 6 -1");
        for name in ["", "a b", "a;b", "#1", "1", "-1", "a\n", "é", "a\\"] {
            assert_eq!(line(name), "show stat -1 6 -1", "{name:?}");
        }
        assert_eq!(StatFilter::Server { proxy: 4, server: 500 }.command(), "show stat 4 4 500");
    }
}
