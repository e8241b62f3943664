use std::sync::Arc;

use super::header::Header;
use super::last_reply::LastReply;
use super::quoted::Unquoter;
use super::row_list::RowList;
use super::selection::{Kept, Selection};
use super::table::{Entry, StatTable, UNQUOTED, marks_per_row};
use crate::error::Malformed;
use crate::field::RowKind;
use crate::show::scan::{self, Class, LineEnd, Marks, STEP, Stop};

/// Parser that reads the reply to `show stat` while it arrives.
///
/// Push bytes with [`feed`](StatParser::feed) in pieces of any size. [`finish`](StatParser::finish)
/// returns the rows, or an error if the reply is incomplete. Each cell of a known column is checked
/// against its type when it arrives. The parser does no I/O and never waits: its result depends on
/// the bytes alone.
///
/// Rows that contain a quote are read as the `csv` crate reads them. All other rows, which are nearly
/// all, are read by a faster scanner with the same result. A byte that is not UTF-8 (a health check can put
/// one into `last_chk`) is replaced by a `?`.
///
/// # Example
///
/// ```
/// use haproxyadmin::stat::StatParser;
///
/// let mut parser = StatParser::new();
/// parser.feed(b"# pxname,svname,scur,type,\nweb,FRONT")?;
/// parser.feed(b"END,3,0,\n\n")?;
/// let dump = parser.finish()?;
/// assert_eq!(dump.row(0).unwrap().scur(), Some(3));
/// # Ok::<(), haproxyadmin::Error>(())
/// ```
#[derive(Debug)]
pub struct StatParser {
    state: State,
    /// Line of the reply on which the next row begins, counted from 1.
    line: usize,
    quoted: Unquoter,
    last: LastReply,
    /// The rows and columns to keep; `None` for all.
    selection: Option<Arc<Selection>>,
}

#[derive(Debug)]
enum State {
    Header(Vec<u8>),
    /// Rows are checked up to `done`. The bytes after it are the beginning of a row; `end`
    /// searches for its end.
    Rows {
        dump: StatTable,
        done: usize,
        end: LineEnd,
        /// The table of the kept cells. `dump` gives each whole row to it; without it, `dump` keeps the rows.
        kept: Option<Kept>,
        /// The list that the rows so far agree with.
        list: Option<Arc<RowList>>,
    },
    /// The empty line at the end has been read. The list is the one of the rows, if it is known.
    End(StatTable, Option<Arc<RowList>>),
}

/// Longest accepted row, in bytes. A row must fit into HAProxy's `tune.bufsize`, which is 16384
/// bytes unless configured otherwise.
const LONGEST_ROW: usize = 65_535;

/// Longest accepted header, in bytes; HAProxy 3.4 prints 3,300.
const LONGEST_HEADER: usize = 65_535;

impl StatParser {
    /// Creates a parser for one reply.
    pub fn new() -> Self {
        Self::after(LastReply::default())
    }

    /// Creates a parser for the reply after another one.
    pub(crate) fn after(last: LastReply) -> Self {
        let (state, quoted) = (State::Header(Vec::new()), Unquoter::default());
        Self { state, line: 1, quoted, last, selection: None }
    }

    /// Keeps only these rows and columns of the reply. Every cell is checked all the same.
    pub(crate) fn keeping(mut self, selection: Option<&Arc<Selection>>) -> Self {
        self.selection = selection.cloned();
        self
    }

    /// Reads the next bytes of the reply.
    ///
    /// # Errors
    ///
    /// - [`Malformed`](crate::ErrorKind::Malformed) if the bytes can no longer become a reply to
    ///   `show stat`. The error has line, column and text. The parser must not be fed again.
    pub fn feed(&mut self, bytes: &[u8]) -> crate::error::Result<()> {
        Ok(self.push(bytes)?)
    }

    /// Returns the rows if the reply is complete: it ends in an empty line outside quotes.
    ///
    /// # Errors
    ///
    /// - [`Truncated`](crate::ErrorKind::Truncated) if the reply is not complete, even if all rows
    ///   so far are.
    pub fn finish(self) -> crate::error::Result<StatTable> {
        match self.state {
            State::End(mut dump, list) => {
                if self.selection.is_none() {
                    self.last.remember(&dump, list);
                }
                shrink(&mut dump.text);
                shrink(&mut dump.rows);
                shrink(&mut dump.marks);
                Ok(dump)
            }
            State::Header(_) => Err(truncated("in the header of `show stat`")),
            State::Rows { .. } => Err(truncated("in the rows of `show stat`")),
        }
    }

    /// Reads the whole first line, without its line feed.
    pub(crate) fn header(&mut self, line: &[u8]) -> Result<(), Malformed> {
        self.begin(self.last.header(line)?)
    }

    /// Reads the first line at the start of `bytes` if it is the one of the last reply. Returns its length with
    /// the line feed.
    pub(crate) fn same_header(&mut self, bytes: &[u8]) -> Option<usize> {
        let (header, length) = self.last.same_header(bytes)?;
        // An error is the one of the whole line too, which is read then.
        self.begin(header).ok()?;
        Some(length)
    }

    fn begin(&mut self, header: Arc<Header>) -> Result<(), Malformed> {
        let mut dump = StatTable::new(header);
        let kept = self.selection.as_ref().map(|selection| selection.begin(&dump.header)).transpose()?;
        let mut list = None;
        if kept.is_none() {
            self.last.reserve(&mut dump);
            list = self.last.expected_rows();
        }
        self.line = 2;
        self.state = State::Rows { dump, done: 0, end: LineEnd::default(), kept, list };
        Ok(())
    }

    /// Reads the next bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        let mut bytes = bytes;
        if let State::Header(line) = &mut self.state {
            let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
                line.extend_from_slice(bytes);
                if line.len() > LONGEST_HEADER || !begins_like_a_header(line) {
                    return Err(Malformed::new(1, None, "the header of `show stat`", line));
                }
                return Ok(());
            };
            let (rest_of_line, rest) = bytes.split_at(end);
            if line.is_empty() {
                self.header(rest_of_line)?;
            } else {
                let mut line = std::mem::take(line);
                line.extend_from_slice(rest_of_line);
                self.header(&line)?;
            }
            bytes = rest.get(1..).unwrap_or_default();
        }
        if bytes.is_empty() {
            return Ok(());
        }
        match &mut self.state {
            State::Rows { dump, done, end, kept, list } => {
                dump.text.extend_from_slice(bytes);
                if end.find(dump.text.get(*done..).unwrap_or_default()).is_none() {
                    return within(dump.text.len() - *done, self.line);
                }
                let before = dump.rows.len();
                let ended = rows(dump, done, &mut self.line, &mut self.quoted)?;
                // The rows are in the cache of the processor at this moment.
                list.take_if(|list| !dump.goes_on_as(list, before));
                if let Some(kept) = kept {
                    kept.take(dump, done, self.line)?;
                }
                let left = dump.text.len() - *done;
                if ended {
                    if left > 0 {
                        let found = dump.text.get(*done..).unwrap_or_default();
                        return Err(Malformed::new(self.line, None, "nothing after the end", found));
                    }
                    if let State::Rows { dump, kept, list, .. } =
                        std::mem::replace(&mut self.state, State::Header(Vec::new()))
                    {
                        let list = list.filter(|list| list.rows().len() == dump.rows.len());
                        self.state = State::End(kept.map_or(dump, Kept::into_table), list);
                    }
                    return Ok(());
                }
                within(left, self.line)
            }
            _ => Err(Malformed::new(self.line, None, "nothing after the end", bytes)),
        }
    }
}

impl Default for StatParser {
    fn default() -> Self {
        Self::new()
    }
}

/// Gives back memory that is not used, unless it is so little that a copy is worse.
fn shrink<T>(vec: &mut Vec<T>) {
    if vec.capacity() - vec.len() > vec.len() / 8 {
        vec.shrink_to_fit();
    }
}

fn truncated(place: &str) -> crate::error::Error {
    crate::error::Error::new(crate::error::Problem::Truncated(place.into()))
}

fn begins_like_a_header(line: &[u8]) -> bool {
    let start = b"# ";
    line.iter().zip(start).all(|(found, expected)| found == expected)
}

fn within(row: usize, line: usize) -> Result<(), Malformed> {
    if row > LONGEST_ROW {
        return Err(Malformed::new(line, None, "a row of at most 65535 bytes", b"a longer one"));
    }
    Ok(())
}

/// Reads every whole row from `done` on. Returns `true` if the empty line at the end was reached.
fn rows(
    dump: &mut StatTable,
    done: &mut usize,
    line: &mut usize,
    quoted: &mut Unquoter,
) -> Result<bool, Malformed> {
    // `dump.text` may end inside a character, but up to its last line feed it consists of whole
    // characters.
    let last = dump.text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    if let Some(fresh) = dump.text.get_mut(*done..last) {
        replace_invalid_utf8(fresh);
    }
    let header = Arc::clone(&dump.header);
    let per_row = marks_per_row(header.len());
    while *done < last {
        if dump.text.get(*done) == Some(&b'\n') {
            dump.text.remove(*done);
            return Ok(true);
        }
        let Ok(start) = u32::try_from(*done) else {
            return Err(Malformed::new(*line, None, "less than 4 GiB", b"more"));
        };
        let bytes = dump.text.get(*done..last).unwrap_or_default();
        let (end, lines, unquoted) = match plain(bytes, header.classes(), &mut dump.marks) {
            Ok(end) => (end, 1, false),
            Err(Deviation::Quote) => {
                dump.marks.truncate(dump.rows.len() * per_row);
                let Some(end) = scan::line_end(bytes) else { return Ok(false) };
                let row = dump.text.get_mut(*done..*done + end).unwrap_or_default();
                let lines = row.split(|byte| *byte == b'\n').count() - 1;
                quoted.unquote(row, &header, *line)?;
                mark(row, header.len(), &mut dump.marks);
                (end, lines, true)
            }
            Err(Deviation::Malformed { column, at, expected }) => {
                return Err(malformed(&header, *line, bytes, column, at, expected));
            }
        };
        within(end, *line)?;
        let entry = Entry { start, kind: RowKind::Other, unquoted };
        dump.rows.push(entry);
        let kind = dump.kind_in_cell(dump.rows.len() - 1, entry);
        let kind = kind.ok_or_else(|| Malformed::new(*line, Some("type"), "a kind of row", b""))?;
        if let Some(entry) = dump.rows.last_mut() {
            entry.kind = kind;
        }
        *done += end;
        *line += lines;
    }
    Ok(false)
}

/// The reason why a row cannot be read as a plain one.
enum Deviation {
    /// The row contains a quote.
    Quote,
    Malformed {
        column: usize,
        at: usize,
        expected: &'static str,
    },
}

/// Returns the length of the plain row at the beginning of `bytes`, including its line feed, and
/// appends its marks to `marks`.
#[inline(always)]
#[allow(clippy::inline_always, reason = "as in `scan`")]
fn plain(bytes: &[u8], classes: &[Class], marks: &mut Vec<u16>) -> Result<usize, Deviation> {
    let mut marks = Marks::new(marks, classes.len());
    let at = scan::row(bytes, classes, &mut marks).map_err(|(column, at, stop)| match stop {
        Stop::Quote => Deviation::Quote,
        Stop::End => Deviation::Malformed { column, at, expected: "as many fields as the header has" },
        Stop::NotANumber => Deviation::Malformed { column, at, expected: "a whole number" },
    })?;
    if bytes.get(at) == Some(&b'\n') {
        return Ok(at + 1);
    }
    let expected = "no more fields than the header has";
    Err(Deviation::Malformed { column: classes.len(), at, expected })
}

fn malformed(
    header: &Header,
    line: usize,
    bytes: &[u8],
    column: usize,
    at: usize,
    expected: &'static str,
) -> Malformed {
    let rest = bytes.get(at..).unwrap_or_default();
    let end = rest.iter().position(|byte| matches!(byte, b',' | b'\n')).unwrap_or(rest.len());
    Malformed::new(line, header.name(column), expected, rest.get(..end).unwrap_or_default())
}

/// Appends the marks of an unquoted row to `marks`.
fn mark(row: &[u8], columns: usize, marks: &mut Vec<u16>) {
    let mut at = 0;
    for _ in 0..marks_per_row(columns) {
        at = scan::skip(row, at, STEP, UNQUOTED).unwrap_or(row.len());
        marks.push(u16::try_from(at).unwrap_or(u16::MAX));
    }
}

/// Replaces every byte that is not part of a UTF-8 character by a `?`.
fn replace_invalid_utf8(mut bytes: &mut [u8]) {
    // Faster than `from_utf8` alone for ASCII, as nearly all replies are.
    if bytes.is_ascii() {
        return;
    }
    while let Err(error) = std::str::from_utf8(bytes) {
        let bad = error.valid_up_to();
        let length = error.error_len().unwrap_or(bytes.len() - bad);
        let (before_end, rest) = bytes.split_at_mut(bad + length);
        if let Some(wrong) = before_end.get_mut(bad..) {
            wrong.fill(b'?');
        }
        bytes = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "# pxname,svname,scur,type,lastsess,last_chk,novel,\n";

    fn parse(rows: &str) -> crate::error::Result<StatTable> {
        let mut parser = StatParser::new();
        parser.feed(HEADER.as_bytes())?;
        parser.feed(rows.as_bytes())?;
        parser.finish()
    }

    fn message(rows: &str) -> String {
        parse(rows).unwrap_err().to_string()
    }

    #[test]
    fn rows_are_told_apart_by_type_and_not_by_name() {
        let dump =
            parse("a,BACKEND,1,2,,,,\na,BACKEND,2,1,,,,\na,FRONTEND,,0,,,,\na,x,,3,,,,\na,y,,7,,,,\n\n")
                .unwrap();
        let kinds: Vec<_> = dump.rows().map(|row| row.kind()).collect();
        assert_eq!(
            kinds,
            [RowKind::Server, RowKind::Backend, RowKind::Frontend, RowKind::Listener, RowKind::Other]
        );
    }

    #[test]
    fn empty_is_none_and_zero_is_zero() {
        let dump = parse("a,b,,2,-1,,x y,\nc,d,0,2,,,,\n\n").unwrap();
        let (first, second) = (dump.row(0).unwrap(), dump.row(1).unwrap());
        assert_eq!((first.scur(), first.lastsess(), first.last_chk()), (None, Some(-1), None));
        assert_eq!((second.scur(), second.lastsess()), (Some(0), None));
        assert_eq!(
            (first.get("novel"), first.get("absent"), second.get("novel")),
            (Some("x y"), None, Some(""))
        );
        assert_eq!(first.qcur(), None);
    }

    #[test]
    fn quoted_cells_hold_commas_quotes_and_empty_lines() {
        let dump = parse("a,b,1,2,,\"first\n\nthird line, \"\"q\"\"\",n,\nc,\"d\",\"7\",2,,,,\n\n").unwrap();
        let (first, second) = (dump.row(0).unwrap(), dump.row(1).unwrap());
        assert_eq!(first.last_chk(), Some("first\n\nthird line, \"q\""));
        assert_eq!(first.get("novel"), Some("n"));
        assert_eq!((second.name(), second.scur(), second.get("novel")), ("d", Some(7), Some("")));
    }

    #[test]
    fn a_quoted_dump_is_written_as_it_was_read() {
        let rows = "a,b,1,2,,\"x, \"\"q\"\"\n\",n,\nc,d,7,2,,plain,,\n\n";
        let dump = parse(rows).unwrap();
        assert_eq!(dump.to_csv(), format!("{HEADER}{rows}"));
    }

    #[test]
    fn a_malformed_cell_is_named_with_line_and_column() {
        assert_eq!(
            message("a,b,1,2,,,,\na,b,12a,2,,,,\n\n"),
            "line 3, column \"scur\": expected a whole number, found \"12a\""
        );
        assert_eq!(
            message("a,b,1,2,,\"\n\n\",,\na,b,1,2,soon,,,\n\n"),
            "line 5, column \"lastsess\": expected a whole number, found \"soon\""
        );
        assert_eq!(
            message("a,b,1,2,,\"q\",,\na,b,\"many\",2,,,,\n\n"),
            "line 3, column \"scur\": expected a whole number, found \"many\""
        );
        assert_eq!(message("a,b,1,,,,,\n\n"), "line 2, column \"type\": expected a kind of row, found \"\"");
    }

    #[test]
    fn a_row_has_as_many_fields_as_the_header() {
        assert_eq!(
            message("a,b,1,2,,x\n\n"),
            "line 2, column \"last_chk\": expected as many fields as the header has, found \"x\""
        );
        assert_eq!(
            message("a,b,1,2,,,,more,\n\n"),
            "line 2: expected no more fields than the header has, found \"more\""
        );
        assert_eq!(
            message("a,b,1,2,,\"q\",\n\n"),
            "line 2: expected as many fields as the header has, found \"a,b,1,2,,\\\"q\\\",\""
        );
    }

    #[test]
    fn an_answer_that_is_no_dump_is_refused_at_once() {
        let mut parser = StatParser::new();
        let error = parser.feed(b"Permission denied").unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 1: expected the header of `show stat`, found \"Permission denied\""
        );
    }

    #[test]
    fn nothing_may_follow_the_end() {
        assert_eq!(message("a,b,1,2,,,,\n\nmore"), "line 3: expected nothing after the end, found \"more\"");
        let mut parser = StatParser::new();
        parser.feed(format!("{HEADER}\n").as_bytes()).unwrap();
        assert!(parser.feed(b"\n").is_err());
    }

    #[test]
    fn a_dump_without_rows_is_whole() {
        assert_eq!(parse("\n").unwrap().len(), 0);
        assert_eq!(message(""), "answer ended early: in the rows of `show stat`");
    }

    #[test]
    fn bytes_that_are_no_text_become_question_marks() {
        let mut parser = StatParser::new();
        parser.feed(HEADER.as_bytes()).unwrap();
        parser.feed(b"a,b,1,2,,caf\xe9 \xc3\xa9 \xf0\x9f,\xff,\n\n").unwrap();
        let dump = parser.finish().unwrap();
        assert_eq!(dump.row(0).unwrap().last_chk(), Some("caf? é ??"));
        assert_eq!(dump.row(0).unwrap().get("novel"), Some("?"));
    }

    #[test]
    fn a_row_longer_than_any_buffer_of_haproxy_is_refused() {
        let long = "x".repeat(70_000);
        assert!(message(&format!("a,b,1,2,,{long},,\n\n")).contains("a row of at most 65535 bytes"));
        let mut parser = StatParser::new();
        parser.feed(HEADER.as_bytes()).unwrap();
        let fed: Result<(), _> = (0..70).try_for_each(|_| parser.feed(&[b'x'; 1000]));
        assert!(fed.is_err());
    }
}
