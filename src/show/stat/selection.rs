use std::sync::{Arc, Mutex, PoisonError};

use super::cells::Cells as _;
use super::header::Header;
use super::last_reply::LastReply;
use super::row::Row;
use super::table::{Entry, StatTable};
use crate::error::Malformed;
use crate::field::RowKind;
use crate::show::scan::{self, STEP};

/// The kinds of rows, as the bits that `show stat` takes.
pub(super) const FRONTEND: u8 = 1;
pub(super) const BACKEND: u8 = 2;
pub(super) const SERVER: u8 = 4;
pub(super) const LISTENER: u8 = 8;
pub(super) const EVERY: u8 = FRONTEND | BACKEND | SERVER | LISTENER;

/// The rows and columns that are kept of the replies to one request.
///
/// HAProxy prints whole rows. The parser checks every cell of them, and keeps the cells of these columns.
#[derive(Debug)]
pub(crate) struct Selection {
    /// Kinds of rows, as the bits that `show stat` takes.
    kinds: u8,
    /// Name of the proxy; `None` stands for all.
    proxy: Option<Box<str>>,
    /// Names of the columns; `None` stands for all.
    columns: Option<Box<[Box<str>]>>,
    /// The layout for each header so far. Processes of one release share one.
    layouts: Mutex<Vec<Arc<Layout>>>,
}

/// The columns of one header that are kept.
#[derive(Debug)]
struct Layout {
    source: Arc<Header>,
    header: Arc<Header>,
    runs: Box<[Run]>,
    /// Sizes of the last table with these columns.
    last: LastReply,
}

/// Columns that are kept and follow each other.
#[derive(Debug)]
struct Run {
    /// Position of the first one.
    first: usize,
    length: usize,
    /// `true` if the kept row has a mark where the run begins.
    is_marked: bool,
}

/// The kept cells of a reply that is arriving.
#[derive(Debug)]
pub(super) struct Kept {
    selection: Arc<Selection>,
    layout: Arc<Layout>,
    table: StatTable,
}

/// Columns that are always kept: they identify a row, or figures with other names are made of them. Means are
/// weighted by `stot`, and `status` always has a value.
const ALWAYS: &[&str] = &["pxname", "svname", "status", "stot", "iid", "sid", "type"];

/// Columns that are always kept if there are rows of this kind. The requests of a frontend are `req_tot`
/// or `stot`, by its mode. `srid` tells apart servers with one number, and `addr` listeners with one name.
const BY_KIND: &[(u8, &[&str])] =
    &[(FRONTEND, &["mode", "req_tot"]), (SERVER, &["srid"]), (LISTENER, &["addr"])];

impl Selection {
    pub(super) fn new(kinds: u8, proxy: Option<&str>, columns: Option<&[Box<str>]>) -> Self {
        Self {
            kinds,
            proxy: proxy.map(Into::into),
            columns: columns.map(Into::into),
            layouts: Mutex::default(),
        }
    }

    /// Begins to keep the cells of a reply with this header.
    pub(super) fn begin(self: &Arc<Self>, source: &Arc<Header>) -> Result<Kept, Malformed> {
        let layout = self.layout(source)?;
        let mut table = StatTable::new(Arc::clone(&layout.header));
        layout.last.reserve(&mut table);
        Ok(Kept { selection: Arc::clone(self), layout, table })
    }

    fn layout(&self, source: &Arc<Header>) -> Result<Arc<Layout>, Malformed> {
        let mut layouts = self.layouts.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |layout: &&Arc<Layout>| Arc::ptr_eq(&layout.source, source) || layout.source == *source;
        if let Some(layout) = layouts.iter().find(is_it) {
            return Ok(Arc::clone(layout));
        }
        let wanted = source.names().enumerate().filter(|(_, name)| self.keeps_column(name));
        let (positions, names): (Vec<usize>, Vec<&str>) = wanted.unzip();
        let header = Header::parse(format!("# {},", names.join(",")).as_bytes())?;
        let layout = Arc::new(Layout {
            source: Arc::clone(source),
            header: header.into(),
            runs: runs(&positions),
            last: LastReply::of_cluster(),
        });
        layouts.push(Arc::clone(&layout));
        Ok(layout)
    }

    fn keeps_column(&self, name: &str) -> bool {
        let Some(columns) = &self.columns else { return true };
        let mut by_kind = BY_KIND.iter().filter(|(kind, _)| self.kinds & kind != 0);
        columns.iter().any(|column| **column == *name)
            || ALWAYS.contains(&name)
            || by_kind.any(|(_, names)| names.contains(&name))
    }

    fn keeps(&self, row: &Row<'_>) -> bool {
        let is_kind = match row.kind() {
            RowKind::Frontend => self.kinds & FRONTEND != 0,
            RowKind::Backend => self.kinds & BACKEND != 0,
            RowKind::Server => self.kinds & SERVER != 0,
            RowKind::Listener => self.kinds & LISTENER != 0,
            RowKind::Other => self.kinds == EVERY,
        };
        is_kind && self.proxy.as_ref().is_none_or(|proxy| **proxy == *row.proxy())
    }
}

impl PartialEq for Selection {
    fn eq(&self, other: &Self) -> bool {
        (self.kinds, &self.proxy, &self.columns) == (other.kinds, &other.proxy, &other.columns)
    }
}

impl Eq for Selection {}

impl Kept {
    /// Moves the kept cells of all rows out of `read`. The bytes of these rows end at `done`, and are dropped.
    pub(super) fn take(
        &mut self,
        read: &mut StatTable,
        done: &mut usize,
        line: usize,
    ) -> Result<(), Malformed> {
        for row in read.rows().filter(|row| self.selection.keeps(row)) {
            // Positions in a table have 32 bits.
            if u32::try_from(self.table.text.len()).is_err() {
                return Err(Malformed::new(line, None, "less than 4 GiB", b"more"));
            }
            add(&mut self.table, &self.layout.runs, read, row.index(), row.entry());
        }
        read.text.drain(..*done);
        read.rows.clear();
        read.marks.clear();
        *done = 0;
        Ok(())
    }

    pub(super) fn into_table(self) -> StatTable {
        self.layout.last.remember(&self.table, None);
        self.table
    }
}

/// Returns the runs of these positions. None goes on over a mark of the kept row.
fn runs(positions: &[usize]) -> Box<[Run]> {
    let mut runs: Vec<Run> = Vec::new();
    for (place, position) in positions.iter().enumerate() {
        let is_marked = place > 0 && place % STEP == 0;
        match runs.last_mut().filter(|run| run.first + run.length == *position && !is_marked) {
            Some(run) => run.length += 1,
            None => runs.push(Run { first: *position, length: 1, is_marked }),
        }
    }
    runs.into()
}

/// Appends the cells of these columns of a row of `read` to `table`.
fn add(table: &mut StatTable, runs: &[Run], read: &StatTable, index: usize, entry: Entry) {
    let begin = table.text.len();
    let start = u32::try_from(begin).unwrap_or(u32::MAX);
    let (bytes, separator) = (read.bytes_from(entry), entry.separator());
    let end_of = |at, cells| scan::skip(bytes, at, cells, separator).unwrap_or(bytes.len());
    // The column that begins at `at`.
    let (mut column, mut at) = (0, 0);
    for Run { first, length, is_marked } in runs {
        if *is_marked {
            let mark = table.text.len() - begin;
            table.marks.push(u16::try_from(mark).unwrap_or(u16::MAX));
        }
        if first / STEP > column / STEP {
            column = first - first % STEP;
            at = read.offset(index, entry, column).unwrap_or(bytes.len());
        }
        at = end_of(at, first - column);
        let end = end_of(at, *length);
        table.text.extend_from_slice(bytes.get(at..end).unwrap_or_default());
        at = end;
        column = first + length;
    }
    table.text.push(b'\n');
    table.rows.push(Entry { start, ..entry });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::Col;
    use crate::show::stat::StatParser;

    fn fixture(version: &str) -> Vec<u8> {
        let path = format!("{}/fixtures/{version}/show_stat.txt", env!("CARGO_MANIFEST_DIR"));
        std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn parse(bytes: &[u8], piece: usize, selection: Option<&Arc<Selection>>) -> StatTable {
        let mut parser = StatParser::after(LastReply::default()).keeping(selection);
        bytes.chunks(piece).for_each(|piece| parser.feed(piece).unwrap());
        parser.finish().unwrap()
    }

    fn selection(kinds: u8, proxy: Option<&str>, columns: &[&str]) -> Arc<Selection> {
        let columns: Vec<Box<str>> = columns.iter().map(|name| (*name).into()).collect();
        Arc::new(Selection::new(kinds, proxy, Some(&columns)))
    }

    #[test]
    fn kept_cells_are_those_of_the_whole_table_in_pieces_of_any_size() {
        for version in ["2.2", "2.6", "3.0", "3.2", "3.4"] {
            let bytes = fixture(version);
            let whole = parse(&bytes, bytes.len(), None);
            for (kinds, columns) in [
                (EVERY, &["scur", "lastchg", "last_chk", "desc", "h1_total_streams"][..]),
                (SERVER, &["last_chk", "qtime"]),
                (FRONTEND | LISTENER, &[]),
            ] {
                let selection = selection(kinds, None, columns);
                let expected: Vec<_> = whole.rows().filter(|row| selection.keeps(row)).collect();
                assert!(!expected.is_empty());
                let small = parse(&bytes, bytes.len(), Some(&selection));
                assert_eq!(small.len(), expected.len());
                assert!(small.header().len() < 20 && small.heap_size() * 2 < whole.heap_size());
                for (row, whole) in small.rows().zip(&expected) {
                    assert_eq!(row.kind(), whole.kind());
                    for (name, text) in row.cells() {
                        assert_eq!(Some(text), whole.get(name), "{version}: {name}");
                    }
                    for column in columns.iter().filter(|name| whole.get(name).is_some()) {
                        assert_eq!(row.get(column), whole.get(column), "{version}: {column}");
                    }
                }
                for piece in [1, 7, 100, 1013] {
                    assert_eq!(parse(&bytes, piece, Some(&selection)), small, "{version}, {piece}");
                }
                let read = parse(small.to_csv().as_bytes(), 4096, None);
                assert_eq!(read, small);
            }
        }
    }

    #[test]
    fn all_columns_of_a_proxy_are_kept_with_their_marks() {
        let bytes = fixture("3.4");
        let whole = parse(&bytes, bytes.len(), None);
        let proxy = whole.row(whole.len() / 2).unwrap().proxy().to_owned();
        let selection = Arc::new(Selection::new(EVERY, Some(&proxy), None));
        let small = parse(&bytes, 1000, Some(&selection));
        let expected: Vec<_> = whole.rows().filter(|row| row.proxy() == proxy).collect();
        assert_eq!(small.rows().collect::<Vec<_>>(), expected);
        for (row, whole) in small.rows().zip(expected) {
            for column in Col::ALL {
                assert_eq!(row.cell(*column), whole.cell(*column), "{column:?}");
            }
        }
    }

    #[test]
    fn quoted_cells_and_unknown_columns_are_kept() {
        let rows = "# pxname,svname,type,new,last_chk,scur,\na,b,2,1,\"x, \"\"q\"\"\n\",7,\na,c,2,,y,8,\n\n";
        let small = parse(rows.as_bytes(), 1, Some(&selection(SERVER, None, &["new", "last_chk"])));
        assert_eq!(
            small.to_csv(),
            "# pxname,svname,type,new,last_chk,\na,b,2,1,\"x, \"\"q\"\"\n\",\na,c,2,,y,\n\n"
        );
    }

    #[test]
    fn a_malformed_cell_that_is_not_kept_is_an_error() {
        let selection = selection(SERVER, None, &[]);
        let mut parser = StatParser::after(LastReply::default()).keeping(Some(&selection));
        parser.feed(b"# pxname,svname,type,scur,\na,b,2,1,\na,c,").unwrap();
        let error = parser.feed(b"2,12a,\n").unwrap_err();
        assert_eq!(error.to_string(), "line 3, column \"scur\": expected a whole number, found \"12a\"");
        let mut cut = StatParser::after(LastReply::default()).keeping(Some(&selection));
        cut.feed(b"# pxname,svname,type,scur,\na,b,2,1,\n").unwrap();
        assert!(cut.finish().is_err());
    }

    #[test]
    fn replies_of_one_release_share_their_small_header() {
        let selection = selection(SERVER, None, &["scur"]);
        let table = |version| parse(&fixture(version), 4096, Some(&selection));
        let (one, two, other) = (table("3.4"), table("3.4"), table("2.2"));
        assert!(Arc::ptr_eq(&one.header, &two.header));
        assert!(!Arc::ptr_eq(&one.header, &other.header));
        assert_eq!(selection.layouts.lock().unwrap().len(), 2);
    }
}
