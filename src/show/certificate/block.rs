//! Replies that describe several things: a head, and one block of lines for each thing.

use super::x509::{Field, fields};
use crate::error::Malformed;

/// A reply to `show ssl ca-file NAME` or `show ssl crl-file NAME`.
pub(super) struct Blocks<'a> {
    pub(super) head: Vec<Field<'a>>,
    /// The lines of each block, with their numbers.
    pub(super) blocks: Vec<Vec<(usize, &'a str)>>,
}

impl<'a> Blocks<'a> {
    /// Splits a text at the lines that begin with `mark` and a number, such as `Certificate #1:`.
    /// A line with one blank stands before each of them.
    pub(super) fn read(text: &'a str, mark: &str) -> Result<Self, Malformed> {
        let (mut head, mut blocks) = (Vec::new(), Vec::<Vec<_>>::new());
        for (at, line) in (1..).zip(text.lines()) {
            let number = line.strip_prefix(mark).and_then(|rest| rest.strip_suffix(':'));
            match blocks.last_mut() {
                _ if number.is_some_and(|number| number.parse::<usize>().is_ok()) => blocks.push(Vec::new()),
                Some(block) => block.push((at, line)),
                None => head.push((at, line)),
            }
        }
        Ok(Self { head: fields(head.into_iter(), false)?, blocks })
    }

    /// Returns the value of a field of the head.
    pub(super) fn required(&self, name: &'static str) -> Result<&'a str, Malformed> {
        let found = self.head.iter().find(|(_, found, _)| *found == name);
        let missing = || Malformed::new(1, Some(name), "a line of that name", b"");
        found.map(|(_, _, value)| *value).ok_or_else(missing)
    }
}
