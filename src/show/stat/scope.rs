use std::sync::Arc;

use super::filter::StatFilter;
use super::selection::{self, Selection};
use crate::error::{Error, Result};
use crate::field::Col;

/// The rows and columns that a read asks for: [`Cluster::snapshot_of`](crate::Cluster::snapshot_of).
///
/// A scope names kinds of rows, and may name one proxy and some columns. HAProxy prints no row of other kinds
/// or proxies, which saves its time. It cannot print fewer columns. The parser checks every cell, and
/// keeps those of the wanted columns, which saves memory and the time of later merges.
///
/// # Columns that are always there
///
/// Names, `status`, `stot` and the numbers of objects are kept in every scope, because rows are
/// identified by them and means are weighted by `stot`. So are `mode` and `req_tot` of frontends, `srid` of
/// servers, and `addr` of listeners. `show info`, the level and the sockets of each process are complete.
///
/// A column that was not requested reads as a column that the release does not print: its figure is `None`.
///
/// # Example
///
/// ```no_run
/// # async fn example() -> haproxyadmin::Result<()> {
/// use haproxyadmin::{Cluster, Scope};
///
/// let cluster = Cluster::from_dir("/run/haproxy").await?;
/// let scope = Scope::servers().proxy("app").columns(["scur", "qtime"])?;
/// for server in cluster.snapshot_of(&scope).await?.servers() {
///     println!("{} {} {:?} {:?}", server.name(), server.status(), server.scur(), server.queue_time());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Kinds of rows, as the bits that `show stat` takes.
    kinds: u8,
    /// Name of the proxy; `None` stands for all.
    proxy: Option<Box<str>>,
    /// Names of the columns; `None` stands for all.
    columns: Option<Vec<Box<str>>>,
}

impl Scope {
    /// Returns the scope of all rows: `show stat`.
    pub fn all() -> Self {
        Self::of(selection::EVERY)
    }

    /// Returns the scope of frontends: `show stat -1 1 -1`.
    pub fn frontends() -> Self {
        Self::of(selection::FRONTEND)
    }

    /// Returns the scope of listeners: `show stat -1 8 -1`. Only frontends with `option socket-stats` have them.
    pub fn listeners() -> Self {
        Self::of(selection::LISTENER)
    }

    /// Returns the scope of backends, without their servers: `show stat -1 2 -1`.
    pub fn backends() -> Self {
        Self::of(selection::BACKEND)
    }

    /// Returns the scope of servers: `show stat -1 4 -1`. [`Snapshot::servers`](crate::Snapshot::servers) lists them;
    /// the rows of their backends are not among them.
    pub fn servers() -> Self {
        Self::of(selection::SERVER)
    }

    fn of(kinds: u8) -> Self {
        Self { kinds, proxy: None, columns: None }
    }

    /// Returns the scope with the rows of both scopes, and the columns of both: all columns if one of them has all. The
    /// scope covers one proxy if both scopes name the same one, and all proxies otherwise: one `show stat` prints
    /// one proxy or all.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let columns = self.columns.zip(other.columns).map(|(mut columns, more)| {
            columns.extend(more);
            columns
        });
        Self {
            kinds: self.kinds | other.kinds,
            proxy: self.proxy.filter(|proxy| other.proxy.as_ref() == Some(proxy)),
            columns,
        }
    }

    /// Returns the scope without the rows of all proxies that are not called `name`: `show stat NAME KINDS -1`.
    ///
    /// Up to HAProxy 3.2 a frontend and a backend may share a name, and `show stat` finds one of them only.
    /// If the reply lacks one of both, and the scope has rows of both, the rows of all proxies are requested
    /// too, and the others are not kept. The same is done for a name that HAProxy reads as a number.
    #[must_use]
    pub fn proxy(self, name: &str) -> Self {
        Self { proxy: Some(name.into()), ..self }
    }

    /// Returns the scope with these columns, in addition to those that were named before. Without a name it has the
    /// columns that are always there.
    ///
    /// The names are those of HAProxy, as in [`COLUMNS`](crate::field::COLUMNS). An entry of this table is a name too:
    /// `scope.columns(COLUMNS.iter().filter(|column| column.nature == Nature::Counter))` has all counters.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if this crate knows no column of a name. The error has the
    ///   name. Use [`other_columns`](Self::other_columns) for a column that is newer than this crate.
    pub fn columns<C: AsRef<str>>(self, names: impl IntoIterator<Item = C>) -> Result<Self> {
        let mut columns = self.columns.unwrap_or_default();
        for name in names {
            let name = name.as_ref();
            if Col::named(name).is_none() {
                return Err(Error::invalid(format!("no such column {name:?} in `show stat`")));
            }
            columns.push(name.into());
        }
        Ok(Self { columns: Some(columns), ..self })
    }

    /// Returns the scope with these columns too, known to this crate or not. A name that no process prints has no
    /// effect.
    #[must_use]
    pub fn other_columns<C: AsRef<str>>(self, names: impl IntoIterator<Item = C>) -> Self {
        let mut columns = self.columns.unwrap_or_default();
        columns.extend(names.into_iter().map(|name| name.as_ref().into()));
        Self { columns: Some(columns), ..self }
    }

    /// Returns the filter that requests the rows and keeps the columns.
    pub(crate) fn filter(&self) -> StatFilter {
        let rows = match &self.proxy {
            Some(name) => StatFilter::proxy(name, self.kinds),
            None if self.kinds == selection::EVERY => StatFilter::All,
            None => StatFilter::Kinds(self.kinds),
        };
        if self.proxy.is_none() && self.columns.is_none() {
            return rows;
        }
        let selection = Selection::new(self.kinds, self.proxy.as_deref(), self.columns.as_deref());
        StatFilter::Selected { rows: Box::new(rows), selection: Arc::new(selection) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::COLUMNS;

    #[test]
    fn a_scope_requests_the_fewest_rows_that_have_it() {
        let line = |scope: Scope| scope.filter().command();
        assert_eq!(line(Scope::all()), "show stat");
        assert_eq!(line(Scope::frontends().and(Scope::listeners())), "show stat -1 9 -1");
        assert_eq!(line(Scope::servers().proxy("app")), "show stat app 4 -1");
        assert_eq!(line(Scope::backends().proxy("1")), "show stat -1 2 -1");
        assert_eq!(line(Scope::all().proxy("app")), "show stat app 15 -1");
        assert_eq!(line(Scope::all().columns(["scur"]).unwrap()), "show stat");
    }

    #[test]
    fn a_union_has_the_rows_and_columns_of_both() {
        let app = |scope: Scope| scope.proxy("app");
        let both = app(Scope::servers()).and(app(Scope::backends()));
        assert_eq!(both.filter().command(), "show stat app 6 -1");
        let wider = app(Scope::servers()).and(Scope::backends().proxy("web"));
        assert_eq!(wider, Scope::servers().and(Scope::backends()));
        let one = Scope::servers().columns(["scur"]).unwrap();
        let other = Scope::backends().other_columns(["new"]);
        let names = Scope::servers().and(Scope::backends()).columns(["scur"]).unwrap().other_columns(["new"]);
        assert_eq!(one.clone().and(other), names);
        assert_eq!(one.and(Scope::servers()), Scope::servers());
        assert_eq!(Scope::all().columns(COLUMNS).unwrap().columns.unwrap().len(), COLUMNS.len());
    }

    #[test]
    fn a_name_of_no_column_is_refused() {
        let error = Scope::servers().columns(["scur", "curr"]).unwrap_err();
        assert_eq!(error.kind(), crate::error::ErrorKind::InvalidInput);
        assert_eq!(error.to_string(), "no such column \"curr\" in `show stat`");
    }
}
