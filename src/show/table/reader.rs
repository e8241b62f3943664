use super::entry::TableEntry;
use super::info::TableInfo;
use crate::error::{Error, Malformed, Problem, Result};
use crate::protocol::{Next, ReplyReader};

/// Reader of the reply to `show table NAME` that hands on each entry when its line has arrived, and
/// keeps no entry. Severities must be switched on.
pub(crate) struct EntryReader<F> {
    visit: F,
    place: Place,
    /// The beginning of a line.
    rest: Vec<u8>,
    /// Number of lines of the table so far.
    lines: usize,
}

/// Place in the reply.
enum Place {
    /// Before the line of the table. The lines so far: if that line never comes, they are the reply.
    Start(Vec<u8>),
    Entries,
    /// Behind the empty line at the end.
    End,
}

impl<F: FnMut(TableEntry<'_>)> EntryReader<F> {
    pub(crate) fn new(visit: F) -> Self {
        Self { visit, place: Place::Start(Vec::new()), rest: Vec::new(), lines: 0 }
    }

    /// Returns the number of entries, or the whole reply if it is not a table.
    ///
    /// # Errors
    ///
    /// - `Truncated` if the reply ended before the table.
    pub(crate) fn finish(mut self) -> Result<Result<u64, Vec<u8>>> {
        match self.place {
            Place::Start(mut reply) => {
                reply.append(&mut self.rest);
                Ok(Err(reply))
            }
            Place::End if self.rest.is_empty() => Ok(Ok(self.lines.saturating_sub(1) as u64)),
            Place::Entries | Place::End => {
                let text = format!("{} lines, and no empty line at the end", self.lines);
                Err(Error::new(Problem::Truncated(text)))
            }
        }
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Problem> {
        match &mut self.place {
            Place::Start(_) if line.starts_with(b"# table: ") => {
                TableInfo::head(&String::from_utf8_lossy(line))?;
                self.place = Place::Entries;
            }
            Place::Start(reply) => {
                reply.extend_from_slice(line);
                reply.push(b'\n');
                return Ok(());
            }
            Place::Entries if line.is_empty() => {
                self.place = Place::End;
                return Ok(());
            }
            Place::Entries => {
                (self.visit)(TableEntry::read(self.lines + 1, &String::from_utf8_lossy(line))?);
            }
            Place::End => {
                return Err(Malformed::new(self.lines + 2, None, "the end of the reply", line).into());
            }
        }
        self.lines += 1;
        Ok(())
    }
}

impl<F: FnMut(TableEntry<'_>)> ReplyReader for EntryReader<F> {
    fn feed(&mut self, bytes: &[u8]) -> Result<Next> {
        let mut lines = std::mem::take(&mut self.rest);
        lines.extend_from_slice(bytes);
        let mut whole = 0;
        for line in lines.split_inclusive(|&byte| byte == b'\n') {
            let Some(line) = line.strip_suffix(b"\n") else { break };
            self.line(line).map_err(Error::new)?;
            whole += line.len() + 1;
        }
        lines.drain(..whole);
        self.rest = lines;
        Ok(Next::More)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPLY: &str = "\n# table: st, type: string, size:100, used:2\n\
        0x7f1: key=a\\ b use=0 exp=0 gpc0=5\n\
        0x7f2: key=c use=0 exp=0 gpc0=6\n\n";

    /// Feeds the pieces, and returns the keys and the result.
    fn read(pieces: &[&str]) -> (Vec<String>, Result<Result<u64, String>, String>) {
        let mut keys = Vec::new();
        let mut reader = EntryReader::new(|entry| keys.push(entry.key_text().into_owned()));
        let fed: Result<Vec<_>> = pieces.iter().map(|piece| reader.feed(piece.as_bytes())).collect();
        let result = fed.and_then(|_| reader.finish()).map_err(|error| error.to_string());
        (keys, result.map(|whole| whole.map_err(|bytes| String::from_utf8(bytes).unwrap())))
    }

    #[test]
    fn entries_are_handed_on_wherever_the_reply_is_cut() {
        for cut in 0..REPLY.len() {
            let (start, end) = REPLY.split_at(cut);
            assert_eq!(read(&[start, end]), (vec!["a b".into(), "c".into()], Ok(Ok(2))), "{start:?}");
        }
    }

    #[test]
    fn a_reply_that_ends_early_is_no_table() {
        for cut in 0..REPLY.len() {
            let result = read(&[&REPLY[..cut]]).1;
            assert!(!matches!(result, Ok(Ok(_))), "{:?}: {result:?}", &REPLY[..cut]);
        }
    }

    #[test]
    fn a_reply_without_a_table_is_kept() {
        for reply in ["\n[3]: No such table\n", "\n\n", "\n[3]: half a li"] {
            assert_eq!(read(&[reply]), (vec![], Ok(Err(reply.to_owned()))));
        }
    }

    #[test]
    fn text_behind_the_table_is_an_error() {
        let (keys, result) = read(&[REPLY, "0x1: key=d use=0 exp=0\n"]);
        assert_eq!(keys, ["a b", "c"]);
        assert!(result.unwrap_err().starts_with("line 5: expected the end of the reply"));
    }
}
