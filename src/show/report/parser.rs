use std::sync::Arc;

use super::ProcessReport;
use super::part::Part;
use crate::error::{Error, Malformed, Problem, Result};
use crate::level::Level;
use crate::protocol::{Next, ReplyReader, without_severity};
use crate::show::cli_sockets::SocketList;
use crate::show::info;
use crate::show::scan::{self, LineEnd};
use crate::show::stat::{LastReply, Selection, StatParser, StatTable};

/// Parser for the reply to [`ReportParser::request`], fed while the reply arrives.
///
/// The answers of the four commands follow each other, separated by empty lines. The parser
/// recognises each answer by its form, not by the empty lines alone, because quoted values can
/// contain empty lines too.
#[derive(Debug)]
pub(crate) struct ReportParser {
    part: Part,
    /// Bytes of the current part that have not been read yet. Rows of `show stat` are never held
    /// here.
    held: Vec<u8>,
    /// Search for the end of the first line of `held`.
    end: LineEnd,
    /// Number of bytes in the lines that have been read, without the rows of `show stat`.
    head: usize,
    line: usize,
    info: info::Builder,
    level: Option<Level>,
    sockets: SocketList,
    stat: StatParser,
}

/// Reply of a process that has no proxy with the requested name.
const NO_SUCH_PROXY: &str = "No such proxy.";

/// Most bytes that are held while the end of their line has not arrived.
const LONGEST_LINE: usize = 65_535;

/// Most bytes before the rows of `show stat`. Real replies have a few thousand. The stored form of
/// a line can take many times its length.
const LONGEST_HEAD: usize = 1 << 20;

impl ReportParser {
    /// Creates a parser for the reply after another one of the same process to the same request.
    pub(crate) fn after(last: LastReply) -> Self {
        Self {
            part: Part::Start,
            held: Vec::new(),
            end: LineEnd::default(),
            head: 0,
            line: 0,
            info: info::Builder::default(),
            level: None,
            sockets: SocketList::default(),
            stat: StatParser::after(last),
        }
    }

    /// Keeps only these rows and columns of `show stat`.
    pub(crate) fn keeping(mut self, selection: Option<&Arc<Selection>>) -> Self {
        self.stat = self.stat.keeping(selection);
        self
    }

    /// Reads the next bytes of the reply.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<()> {
        if self.held.is_empty() {
            let taken = self.lines(bytes)?;
            return self.rest(bytes.get(taken..).unwrap_or_default());
        }
        let mut held = std::mem::take(&mut self.held);
        held.extend_from_slice(bytes);
        let taken = self.lines(&held)?;
        if self.part == Part::Stat {
            return self.rest(held.get(taken..).unwrap_or_default());
        }
        held.drain(..taken);
        self.held = held;
        self.wait()
    }

    /// Reads the whole lines before the rows of `show stat`. Returns the number of their bytes.
    fn lines(&mut self, bytes: &[u8]) -> Result<usize> {
        let mut taken = 0;
        while self.part != Part::Stat {
            let rest = bytes.get(taken..).unwrap_or_default();
            let (lines, length) = self.expected_lines(rest);
            if lines > 0 {
                taken += length;
                self.line += lines;
                self.within_head(length)?;
                continue;
            }
            let Some(length) = self.end.find(rest) else { break };
            taken += length;
            self.line += 1;
            self.within_head(length)?;
            let line = scan::text(rest.get(..length - 1).unwrap_or_default());
            self.take(&line)?;
            self.line += line.matches('\n').count();
        }
        Ok(taken)
    }

    /// Reads the lines at the start of `bytes` that are whole and as expected, which saves the search for their
    /// ends. Returns their number, and their length with the line feeds.
    fn expected_lines(&mut self, bytes: &[u8]) -> (usize, usize) {
        let (lines, length) = match self.part {
            Part::Info => self.info.expected_lines(bytes),
            Part::Header => match self.stat.same_header(bytes) {
                Some(length) => {
                    self.part = Part::Stat;
                    (1, length)
                }
                None => (0, 0),
            },
            _ => (0, 0),
        };
        if lines > 0 {
            self.end = LineEnd::default();
        }
        (lines, length)
    }

    /// Reads rows, or keeps the beginning of a line before them.
    fn rest(&mut self, bytes: &[u8]) -> Result<()> {
        if self.part == Part::Stat {
            return self.rows(bytes);
        }
        self.held.extend_from_slice(bytes);
        self.wait()
    }

    fn rows(&mut self, bytes: &[u8]) -> Result<()> {
        self.stat.push(bytes).map_err(|error| Error::from(error).during("show stat"))
    }

    /// Returns `true` if the reply so far says that no proxy has the requested name.
    pub(crate) fn is_absent(&self) -> bool {
        matches!(self.part, Part::Absent | Part::End)
    }

    /// Returns the report, or an error if the reply is incomplete.
    pub(crate) fn finish(self) -> Result<ProcessReport> {
        let stat = match self.part {
            Part::Stat => self.stat.finish().map_err(|error| error.during("show stat"))?,
            Part::End if self.held.is_empty() => StatTable::empty(),
            Part::Start if self.held.is_empty() => return Err(Error::new(Problem::Closed)),
            part => {
                let text = format!("in the answer to `{}`", part.command());
                return Err(Error::new(Problem::Truncated(text)));
            }
        };
        Ok(ProcessReport { info: self.info.build(), level: self.level, sockets: self.sockets, stat })
    }

    /// Checks that the bytes of a line without end can be HAProxy's.
    fn wait(&self) -> Result<()> {
        // A peer that is not HAProxy may never send a line feed.
        let agrees = |text: &[u8]| text.iter().zip(&self.held).all(|(expected, found)| expected == found);
        if self.part == Part::Start && !agrees(FIRST_KEY) && !agrees(UNKNOWN) {
            return Err(foreign(&String::from_utf8_lossy(&self.held)));
        }
        if self.held.len() > LONGEST_LINE {
            let error = Malformed::new(self.line + 1, None, "a line of at most 65535 bytes", b"a longer one");
            return Err(Error::from(error).during(self.part.command()));
        }
        Ok(())
    }

    /// Counts a whole line before the rows, and checks the limit.
    fn within_head(&mut self, length: usize) -> Result<()> {
        self.head += length;
        if self.head > LONGEST_HEAD {
            let expected = "at most 1048576 bytes before the rows of `show stat`";
            let error = Malformed::new(self.line, None, expected, b"more");
            return Err(Error::from(error).during(self.part.command()));
        }
        Ok(())
    }

    /// Reads one whole line of the current part. An empty line ends the part.
    fn take(&mut self, line: &str) -> Result<()> {
        if self.part == Part::Start {
            if line.as_bytes().starts_with(UNKNOWN) {
                return Err(Error::new(Problem::Unsupported(line.into())).during(self.part.command()));
            }
            if !line.as_bytes().starts_with(FIRST_KEY) {
                return Err(foreign(line));
            }
            self.part = Part::Info;
        }
        let part = self.part;
        let taken = match (part, line.is_empty()) {
            (Part::Level, true) if self.level.is_none() => {
                Err(Malformed::new(self.line, None, "a level", b""))
            }
            (Part::Header, false) if without_severity(line) == NO_SUCH_PROXY => {
                self.part = part.next();
                Ok(())
            }
            (Part::Header, _) => {
                self.part = Part::Stat;
                self.stat.header(line.as_bytes())
            }
            (Part::SocketsHeader, _) if line.starts_with(SOCKETS_HEADER) => {
                self.part = Part::Sockets;
                Ok(())
            }
            // A release that knows `show cli level` also knows `show cli sockets`.
            (Part::SocketsHeader, _) if self.level.is_none() && is_unknown(line) => {
                self.part = Part::NoSockets;
                Ok(())
            }
            (Part::SocketsHeader, _) => {
                Err(Malformed::new(self.line, None, "`# socket lvl processes`", line.as_bytes()))
            }
            (Part::End, _) | (Part::Absent, false) => {
                Err(Malformed::new(self.line, None, "nothing after the end", line.as_bytes()))
            }
            (_, true) => {
                self.part = part.next();
                self.line = 0;
                Ok(())
            }
            (Part::Start | Part::Info, false) => self.info.line(self.line, line),
            (Part::Level, false) => match Level::parse(without_severity(line)) {
                Some(level) if self.level.is_none() => {
                    self.level = Some(level);
                    Ok(())
                }
                None if self.level.is_none() && is_unknown(line) => {
                    self.part = Part::NoLevel;
                    Ok(())
                }
                _ => Err(Malformed::new(self.line, None, "user, operator or admin", line.as_bytes())),
            },
            // The line is part of the list of commands that the release knows.
            (Part::NoLevel | Part::NoSockets, false) => Ok(()),
            (_, false) => {
                self.sockets.add(line);
                Ok(())
            }
        };
        taken.map_err(|error| Error::from(error).during(part.command()))
    }
}

impl ReplyReader for ReportParser {
    fn feed(&mut self, bytes: &[u8]) -> Result<Next> {
        ReportParser::feed(self, bytes)?;
        Ok(Next::More)
    }
}

/// Beginning of `show info`, on every release.
const FIRST_KEY: &[u8] = b"Name: ";

/// Beginning of the list of `show cli sockets`, on every release that has it.
const SOCKETS_HEADER: &str = "# socket ";

/// Beginning of the answer to an unknown command. It comes from a release that is too old for the
/// command, or from the command line of a master that is asked for `show info`.
const UNKNOWN: &[u8] = b"Unknown command";

fn is_unknown(line: &str) -> bool {
    without_severity(line).as_bytes().starts_with(UNKNOWN)
}

fn foreign(text: &str) -> Error {
    Error::new(Problem::NotHaproxy(format!("it says {:?}", crate::excerpt::excerpt(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(version: &str) -> Vec<u8> {
        let path = format!("{}/fixtures/{version}/sweep.txt", env!("CARGO_MANIFEST_DIR"));
        std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// The releases that were recorded, oldest first.
    fn versions() -> impl Iterator<Item = &'static str> {
        let list = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/haproxy/releases"));
        list.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split(' ').next())
    }

    fn read(bytes: &[u8], piece: usize) -> Result<ProcessReport> {
        read_after(&LastReply::default(), bytes, piece)
    }

    fn read_after(last: &LastReply, bytes: &[u8], piece: usize) -> Result<ProcessReport> {
        let mut parser = ReportParser::after(last.clone());
        bytes.chunks(piece).try_for_each(|piece| parser.feed(piece))?;
        parser.finish()
    }

    fn message(bytes: &[u8]) -> String {
        read(bytes, 4096).unwrap_err().to_string()
    }

    #[test]
    fn every_release_is_understood_in_pieces_of_any_size() {
        for version in versions() {
            let bytes = fixture(version);
            let whole = read(&bytes, bytes.len()).unwrap();
            assert!(whole.info.version().unwrap().starts_with(version));
            assert_eq!(whole.level, Some(Level::Admin));
            assert!(whole.sockets.iter().len() > 0);
            assert!(whole.stat.len() > 10);
            let last = LastReply::default();
            for piece in [1, 7, 100, 1013, bytes.len()] {
                assert_eq!(read(&bytes, piece).unwrap(), whole, "HAProxy {version}, {piece}");
                assert_eq!(read_after(&last, &bytes, piece).unwrap(), whole, "HAProxy {version}, {piece}");
            }
        }
    }

    #[test]
    fn an_answer_cut_anywhere_is_never_whole() {
        for version in versions() {
            let bytes = fixture(version);
            for end in 0..bytes.len() {
                assert!(read(&bytes[..end], 65536).is_err(), "HAProxy {version} cut at {end}");
            }
        }
    }

    #[test]
    fn a_release_without_two_of_the_commands_is_understood_in_pieces_of_any_size() {
        for (version, sockets) in [("1.7", 0), ("1.8", 2)] {
            let bytes = fixture(version);
            let whole = read(&bytes, bytes.len()).unwrap();
            assert!(whole.info.version().unwrap().starts_with(version));
            assert_eq!((whole.level, whole.sockets.iter().len(), whole.stat.len()), (None, sockets, 6));
            for piece in [1, 7, 100, 1013] {
                assert_eq!(read(&bytes, piece).unwrap(), whole, "HAProxy {version}, {piece}");
            }
            for end in 0..bytes.len() {
                assert!(read(&bytes[..end], 65536).is_err(), "HAProxy {version} cut at {end}");
            }
        }
    }

    #[test]
    fn an_answer_that_lost_lines_of_the_unknown_command_is_the_same_or_an_error() {
        for version in ["1.7", "1.8"] {
            let text = String::from_utf8(fixture(version)).unwrap();
            let whole = read(text.as_bytes(), 65536).unwrap();
            let starts: Vec<_> = text.match_indices('\n').map(|(at, _)| at + 1).collect();
            let unknown = text.find("Unknown command").unwrap();
            let behind = text.find("# socket lvl").or_else(|| text.find("# pxname")).unwrap();
            let (mut same, mut errors) = (0, 0);
            for start in starts.iter().filter(|start| (unknown..behind).contains(*start)) {
                for end in starts.iter().filter(|end| *end > start) {
                    let lossy = format!("{}{}", &text[..*start], &text[*end..]);
                    match read(lossy.as_bytes(), 65536) {
                        Ok(reading) => {
                            assert_eq!(reading, whole, "HAProxy {version} without {start}..{end}");
                            same += 1;
                        }
                        Err(_) => errors += 1,
                    }
                }
            }
            assert!(same > 0 && errors > 0, "HAProxy {version}: {same} {errors}");
        }
    }

    #[test]
    fn only_a_release_without_levels_may_lack_the_list_of_sockets() {
        let unknown = "Unknown command. Please enter one of the following commands only :\n  help\n";
        let numbered = &*format!("[6]: {unknown}");
        let list = "# socket lvl processes\n";
        let parse = |level: &str, sockets: &str| {
            let reply = format!("Name: HAProxy\n\n{level}\n{sockets}\n# pxname,svname,type,\n\n");
            read(reply.as_bytes(), 1).map(|reading| reading.level).map_err(|error| error.to_string())
        };
        assert_eq!(parse("user\n", list), Ok(Some(Level::User)));
        for (level, sockets) in [(unknown, list), (unknown, unknown), (numbered, numbered)] {
            assert_eq!(parse(level, sockets), Ok(None));
        }
        for (level, sockets, problem) in [
            (
                "user\n",
                unknown,
                "`show cli sockets`: line 1: expected `# socket lvl processes`, found \"Unknown command. \
                 Please enter one of the following commands only :\"",
            ),
            (unknown, "", "`show cli sockets`: line 1: expected `# socket lvl processes`, found \"\""),
            ("", unknown, "`show cli level`: line 1: expected a level, found \"\""),
        ] {
            assert_eq!(parse(level, sockets), Err(problem.to_owned()));
        }
    }

    #[test]
    fn a_process_without_the_proxy_has_no_rows() {
        let head = "Name: HAProxy\n\nuser\n\n# socket lvl processes\n\n";
        let whole = format!("{head}No such proxy.\n\n");
        assert!(read(whole.as_bytes(), 1).unwrap().stat.is_empty());
        for end in 0..whole.len() {
            assert!(read(&whole.as_bytes()[..end], 4096).is_err(), "cut at {end}");
        }
        assert_eq!(
            message(format!("{whole}more\n").as_bytes()),
            "`show stat`: line 1: expected nothing after the end, found \"more\""
        );
        assert!(read(format!("{whole}m").as_bytes(), 4096).is_err());
    }

    #[test]
    fn a_proxy_that_is_absent_is_told_from_one_without_rows() {
        let head = "Name: HAProxy\n\nuser\n\n# socket lvl processes\n\n";
        for (stat, absent) in [
            ("No such proxy.\n\n", true),
            ("[3]: No such proxy.\n\n", true),
            ("# pxname,svname,type,\n\n", false),
        ] {
            let mut parser = ReportParser::after(LastReply::default());
            parser.feed(head.as_bytes()).unwrap();
            assert!(!parser.is_absent());
            parser.feed(stat.as_bytes()).unwrap();
            assert_eq!(parser.is_absent(), absent, "{stat:?}");
            assert!(parser.finish().unwrap().stat.is_empty(), "{stat:?}");
        }
    }

    #[test]
    fn what_stands_before_the_rows_is_limited() {
        let first = "Name: HAProxy\n";
        let keys = format!("{}: 1\n", "k".repeat(60)).repeat(1 << 14);
        let keys_message = "`show info`: line 16385: expected at most 1048576 bytes before the rows \
                            of `show stat`, found \"more\"";
        assert_eq!(message(format!("{first}{keys}").as_bytes()), keys_message);
        let sockets = format!("# socket lvl processes\n{}", "a b c\n".repeat((1 << 20) / 6));
        let sockets_message = "`show cli sockets`: line 174757: expected at most 1048576 bytes before \
                               the rows of `show stat`, found \"more\"";
        assert_eq!(message(format!("{first}\nuser\n\n{sockets}").as_bytes()), sockets_message);
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(message(b""), "closed without an answer");
        assert_eq!(message(b"Na"), "answer ended early: in the answer to `show info`");
        assert_eq!(message(b"Name: HAProxy\n\n"), "answer ended early: in the answer to `show cli level`");
        assert_eq!(
            message(b"Name: HAProxy\n\nadmin\n\n"),
            "answer ended early: in the answer to `show cli sockets`"
        );
        assert_eq!(
            message(b"Name: HAProxy\n\nadmin\n\n# socket lvl processes\n\n# px"),
            "answer ended early: in the answer to `show stat`"
        );
    }

    #[test]
    fn a_master_and_a_stranger_are_known_by_their_first_bytes() {
        let master = read(b"Unknown command: 'show', but maybe one of the following", 4096);
        assert!(master.is_err());
        let mut parser = ReportParser::after(LastReply::default());
        parser.feed(b"Unknown comm").unwrap();
        let error = parser.feed(b"and, but maybe ...\n").unwrap_err();
        assert_eq!(error.kind(), crate::error::ErrorKind::Unsupported);

        let mut stranger = ReportParser::after(LastReply::default());
        let error = stranger.feed(b"-ERR unknown").unwrap_err();
        assert_eq!(error.to_string(), "not a stats socket of a HAProxy process: it says \"-ERR unknown\"");
    }

    #[test]
    fn malformed_parts_are_named_by_their_command() {
        assert_eq!(
            message(b"Name: HAProxy\nCumReq: x\n"),
            "`show info`: line 2, column \"CumReq\": expected a whole number, found \"x\""
        );
        assert_eq!(
            message(b"Name: HAProxy\n\nPermission denied\n"),
            "`show cli level`: line 1: expected user, operator or admin, found \"Permission denied\""
        );
    }

    #[test]
    fn a_socket_with_severities_has_its_level_too() {
        let reading = read(
            b"Name: HAProxy\n\n[6]: operator\n\n# socket lvl processes\n\n# pxname,svname,type,\n\n",
            4096,
        );
        assert_eq!(reading.unwrap().level, Some(Level::Operator));
    }
}
