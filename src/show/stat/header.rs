use std::fmt;

use crate::error::Malformed;
use crate::field::{COLUMNS, Col, Column, ValueType};
use crate::show::scan::Class;

/// Header line of `show stat`: which column stands where.
///
/// Columns are found by name. HAProxy inserts new ones in the middle with each
/// release, so that a position means nothing without the header it came with.
pub struct Header {
    /// Names with the commas between them.
    text: Box<str>,
    /// Where each name begins and ends in `text`.
    names: Vec<(u32, u32)>,
    /// Position of each known column, or [`ABSENT`].
    positions: [u16; COLUMNS.len()],
    classes: Vec<Class>,
    /// Positions of the columns that this crate does not know.
    unknown: Vec<u16>,
}

/// Position of a column that a header does not have.
const ABSENT: u16 = u16::MAX;

impl Header {
    /// Reads a header line, from `# ` up to the line feed, which it leaves out.
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

    /// A header with the columns that none can be without.
    pub(super) fn smallest() -> Self {
        let mut header = Self {
            text: "pxname,svname,type".into(),
            names: vec![(0, 6), (7, 13), (14, 18)],
            positions: [ABSENT; COLUMNS.len()],
            classes: vec![Class::Text, Class::Text, Class::Number],
            unknown: Vec::new(),
        };
        for (position, column) in (0..).zip([Col::pxname, Col::svname, Col::kind_code]) {
            if let Some(slot) = header.positions.get_mut(column as usize) {
                *slot = position;
            }
        }
        header
    }

    /// Number of columns.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is no column, which is never the case.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Names of the columns, in the order of the wire.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names
            .iter()
            .map(|(begin, end)| self.text.get(*begin as usize..*end as usize).unwrap_or_default())
    }

    /// Position of the column called `name`.
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

    /// Whether the first two columns are the names, as in every release so far.
    #[inline]
    pub(crate) fn begins_with_names(&self) -> bool {
        self.position(Col::pxname) == Some(0) && self.position(Col::svname) == Some(1)
    }

    /// The columns that this crate does not know: position and name.
    pub(crate) fn unknown(&self) -> impl Iterator<Item = (usize, &str)> {
        let positions = self.unknown.iter().map(|position| usize::from(*position));
        positions.filter_map(|position| Some((position, self.name(position)?)))
    }

    pub(super) fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// The line this header was read from, without its line feed.
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

/// The known column called `name`. It is most likely at `expected`: every
/// release prints the columns it has in the order of the table.
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
