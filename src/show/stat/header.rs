use std::fmt;

use crate::error::Malformed;
use crate::field::{COLUMNS, Col, Column, ValueType};
use crate::show::scan::Class;

/// Header line of `show stat`: the columns and their positions.
///
/// Columns are found by name. HAProxy inserts new columns in the middle with each release, so a
/// position is meaningful only with the header of the same reply.
///
/// # Example
///
/// ```
/// use haproxyadmin::stat::StatParser;
///
/// let mut parser = StatParser::new();
/// parser.feed(b"# pxname,svname,scur,type,\n\n")?;
/// let table = parser.finish()?;
/// assert_eq!(table.header().find("scur"), Some(2));
/// # Ok::<(), haproxyadmin::Error>(())
/// ```
pub struct Header {
    /// The names, separated by commas.
    text: Box<str>,
    /// Start and end of each name in `text`.
    names: Vec<(u32, u32)>,
    /// Position of each known column, or [`ABSENT`].
    positions: [u16; COLUMNS.len()],
    classes: Vec<Class>,
    /// For each position: `true` if the column can be in a `shm-stats-file`.
    renewable: Vec<bool>,
    /// Positions of the columns that this crate does not know.
    unknown: Vec<u16>,
}

/// Position of a column that the header does not have.
const ABSENT: u16 = u16::MAX;

impl Header {
    /// Reads a header line, from `# ` to the end, without the line feed.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, Malformed> {
        let wrong = |expected| Malformed::new(1, None, expected, line);
        let text = line
            .strip_prefix(b"# ")
            .and_then(|names| names.strip_suffix(b","))
            .ok_or_else(|| wrong("the header of `show stat`"))?;
        let text = std::str::from_utf8(text).map_err(|_| wrong("a header in UTF-8"))?;

        let mut header = Self {
            text: text.into(),
            names: Vec::new(),
            positions: [ABSENT; COLUMNS.len()],
            classes: Vec::new(),
            renewable: Vec::new(),
            unknown: Vec::new(),
        };
        let (mut start, mut expected) = (0, 0);
        for name in text.as_bytes().split(|byte| *byte == b',') {
            let position = u16::try_from(header.names.len()).ok().filter(|position| *position != ABSENT);
            let (Some(position), Ok(begin), Ok(end)) =
                (position, u32::try_from(start), u32::try_from(start + name.len()))
            else {
                return Err(wrong("fewer columns"));
            };
            start += name.len() + 1;
            header.names.push((begin, end));

            let known = known(name, expected);
            header.renewable.push(known.is_some_and(|(_, column)| column.shared));
            header.classes.push(known.map_or(Class::Text, |(_, column)| class(column.value_type)));
            if let Some((index, _)) = known {
                expected = index + 1;
                let slot = header.positions.get_mut(index).filter(|slot| **slot == ABSENT);
                *slot.ok_or_else(|| wrong("each column once"))? = position;
            } else {
                header.unknown.push(position);
            }
        }
        for needed in [Col::pxname, Col::svname, Col::kind_code] {
            if header.position(needed).is_none() {
                return Err(wrong("a header with the columns pxname, svname and type"));
            }
        }
        Ok(header)
    }

    /// Returns a header with only the columns that every header must have.
    pub(super) fn smallest() -> Self {
        let mut header = Self {
            text: "pxname,svname,type".into(),
            names: vec![(0, 6), (7, 13), (14, 18)],
            positions: [ABSENT; COLUMNS.len()],
            classes: vec![Class::Text, Class::Text, Class::Number],
            renewable: vec![false; 3],
            unknown: Vec::new(),
        };
        for (position, column) in (0..).zip([Col::pxname, Col::svname, Col::kind_code]) {
            if let Some(slot) = header.positions.get_mut(column as usize) {
                *slot = position;
            }
        }
        header
    }

    /// Returns the number of columns.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Returns `true` if the header has no columns, which is never the case.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Returns the names of the columns, in the order of the reply.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names
            .iter()
            .map(|(begin, end)| self.text.get(*begin as usize..*end as usize).unwrap_or_default())
    }

    /// Returns the position of the column called `name`.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.names().position(|column| column == name)
    }

    #[inline]
    pub(crate) fn position(&self, column: Col) -> Option<usize> {
        match self.positions.get(column as usize) {
            Some(&position) if position != ABSENT => Some(usize::from(position)),
            _ => None,
        }
    }

    pub(crate) fn name(&self, position: usize) -> Option<&str> {
        let (begin, end) = self.names.get(position)?;
        self.text.get(*begin as usize..*end as usize)
    }

    /// Returns `true` if the first two columns are `pxname` and `svname`, as in every release so
    /// far.
    #[inline]
    pub(crate) fn begins_with_names(&self) -> bool {
        self.position(Col::pxname) == Some(0) && self.position(Col::svname) == Some(1)
    }

    /// Returns position and name of the columns that this crate does not know.
    pub(crate) fn unknown(&self) -> impl Iterator<Item = (usize, &str)> {
        let positions = self.unknown.iter().map(|position| usize::from(*position));
        positions.filter_map(|position| Some((position, self.name(position)?)))
    }

    /// Returns `true` if the column at `position` can be in a `shm-stats-file`.
    #[inline]
    pub(super) fn is_renewable(&self, position: usize) -> bool {
        self.renewable.get(position) == Some(&true)
    }

    pub(super) fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// Returns `true` if [`parse`](Self::parse) makes this header of the line.
    pub(super) fn is_read_from(&self, line: &[u8]) -> bool {
        let names = line.strip_prefix(b"# ").and_then(|names| names.strip_suffix(b","));
        names == Some(self.text.as_bytes())
    }

    /// Returns the length of the header line at the start of `bytes`, with its line feed, if
    /// [`parse`](Self::parse) makes this header of it.
    pub(super) fn length_at_start_of(&self, bytes: &[u8]) -> Option<usize> {
        let rest = bytes.strip_prefix(b"# ")?.strip_prefix(self.text.as_bytes())?.strip_prefix(b",\n")?;
        Some(bytes.len() - rest.len())
    }

    /// Returns the line from which this header was read, without its line feed.
    pub(crate) fn to_line(&self) -> String {
        format!("# {},", self.text)
    }
}

impl PartialEq for Header {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Header {}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Header").field(&self.text).finish()
    }
}

/// Returns the known column called `name`. The search begins at `expected`, because every release
/// prints its columns in the order of the table.
fn known(name: &[u8], expected: usize) -> Option<(usize, &'static Column)> {
    let (before, after) = COLUMNS.split_at_checked(expected)?;
    let is_it = |column: &Column| column.name.as_bytes() == name;
    let (start, found) = match after.iter().position(is_it) {
        Some(found) => (expected, found),
        None => (0, before.iter().position(is_it)?),
    };
    Some((start + found, COLUMNS.get(start + found)?))
}

fn class(value_type: ValueType) -> Class {
    match value_type {
        ValueType::U32 | ValueType::U64 => Class::Number,
        ValueType::I32 => Class::Signed,
        ValueType::Text | ValueType::Status | ValueType::Check | ValueType::Mode => Class::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_in_any_order_and_unknown_ones_kept() {
        let header = Header::parse(b"# type,new_one,svname,pxname,").unwrap();
        assert_eq!(header.names().collect::<Vec<_>>(), ["type", "new_one", "svname", "pxname"]);
        assert_eq!(header.position(Col::pxname), Some(3));
        assert_eq!(header.position(Col::kind_code), Some(0));
        assert_eq!(header.position(Col::qcur), None);
        assert_eq!(header.find("new_one"), Some(1));
        assert_eq!(header.classes(), [Class::Number, Class::Text, Class::Text, Class::Text]);
        assert_eq!(header.unknown().collect::<Vec<_>>(), [(1, "new_one")]);
    }

    #[test]
    fn the_smallest_header_is_what_its_line_says() {
        let (made, read) = (Header::smallest(), Header::parse(b"# pxname,svname,type,").unwrap());
        assert_eq!(
            (&made.text, &made.names, made.positions, &made.classes, &made.unknown),
            (&read.text, &read.names, read.positions, &read.classes, &read.unknown)
        );
    }

    #[test]
    fn a_line_that_is_no_header_is_shown_in_the_error() {
        let error = Header::parse(b"Permission denied").unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 1: expected the header of `show stat`, found \"Permission denied\""
        );
        for line in ["# pxname,svname,", "# pxname,svname,type,svname,", "# pxname,svname,type", "# ,"] {
            assert!(Header::parse(line.as_bytes()).is_err(), "{line}");
        }
    }
}
