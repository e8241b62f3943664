use super::scan;
use crate::error::{Error, Malformed, Problem};
use crate::field::{COLUMNS, Col, Nature};

/// The objects of one process that have a `guid`, with their counters: the reply to
/// `dump stats-file` (HAProxy 3.0 and later).
///
/// The reply has two sections and lists the objects in the order of `show stat`. It is the only
/// command that prints guids, and it prints no names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GuidList {
    /// The frontends and listeners.
    pub(crate) front: Vec<GuidLine>,
    /// The backends and servers.
    pub(crate) back: Vec<GuidLine>,
}

/// One object with a guid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GuidLine {
    pub(crate) guid: Box<str>,
    /// The counters that `show stat` prints too.
    pub(crate) counters: Vec<(Col, u64)>,
}

/// A section that is being read: its columns, `None` for an unused column, and its lines.
struct Section {
    columns: Vec<Option<Col>>,
    lines: Vec<GuidLine>,
}

impl GuidList {
    /// Reads a complete reply, which ends with an empty line after its second section.
    pub(crate) fn parse(reply: &[u8]) -> Result<Self, Error> {
        let (mut front, mut back): (Option<Section>, Option<Section>) = (None, None);
        for (number, line) in (1..).zip(reply.split(|byte| *byte == b'\n')) {
            if let Some(names) = line.strip_prefix(b"#fe guid,") {
                front = Some(Section::new(names, &[Col::req_tot]));
            } else if let Some(names) = line.strip_prefix(b"#be guid,") {
                back = Some(Section::new(names, &[]));
            } else if !line.is_empty() {
                let section = back.as_mut().or(front.as_mut());
                let wrong = || Malformed::new(number, None, "a line of `dump stats-file`", line);
                let read = section.and_then(|section| section.add(line));
                read.ok_or_else(wrong)?;
            }
        }
        let whole = reply.ends_with(b"\n\n");
        match (front, back) {
            (Some(front), Some(back)) if whole => Ok(Self { front: front.lines, back: back.lines }),
            _ => Err(Error::new(Problem::Truncated("in the lines of `dump stats-file`".into()))),
        }
    }
}

impl Section {
    /// `apart` are columns that hold another value than the column of the same name in `show stat`.
    fn new(names: &[u8], apart: &[Col]) -> Self {
        let names = names.strip_suffix(b",").unwrap_or(names).split(|byte| *byte == b',');
        let column = |name: &[u8]| {
            let mut known = Col::ALL.iter().zip(COLUMNS).filter(|(_, declared)| declared.shared);
            let (column, declared) = known.find(|(_, declared)| declared.name.as_bytes() == name)?;
            (declared.nature == Nature::Counter && !apart.contains(column)).then_some(*column)
        };
        Self { columns: names.map(column).collect(), lines: Vec::new() }
    }

    fn add(&mut self, line: &[u8]) -> Option<()> {
        let mut cells = line.strip_suffix(b",")?.split(|byte| *byte == b',');
        let guid = cells.next().filter(|guid| !guid.is_empty())?;
        let mut counters = Vec::new();
        let mut columns = self.columns.iter();
        for cell in cells {
            if let Some(column) = columns.next()? {
                counters.push((*column, scan::to_u64(cell)?));
            }
        }
        let guid = std::str::from_utf8(guid).ok()?.into();
        self.lines.push(GuidLine { guid, counters });
        columns.next().is_none().then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(reply: &str) -> Result<GuidList, String> {
        GuidList::parse(reply.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn lines_hold_the_counters_of_show_stat() {
        let list = parse(
            "#fe guid,stot,rate,req_tot,novel,\nweb,42,8,0,7,\n\n#be guid,stot,lastchg,\napp,33,6,\ns1,18,6,\n\n",
        )
        .unwrap();
        let line = |guid: &str, stot| GuidLine { guid: guid.into(), counters: vec![(Col::stot, stot)] };
        assert_eq!(list.front, [line("web", 42)]);
        assert_eq!(list.back, [line("app", 33), line("s1", 18)]);
        let none = parse("#fe guid,stot,\n\n#be guid,stot,\n\n").unwrap();
        assert_eq!((none.front.len(), none.back.len()), (0, 0));
    }

    #[test]
    fn a_list_that_ends_early_is_an_error() {
        let whole = "#fe guid,stot,\nweb,42,\n\n#be guid,stot,\napp,33,\n\n";
        for end in 0..whole.len() {
            assert!(parse(&whole[..end]).is_err(), "{:?}", &whole[..end]);
        }
        assert_eq!(
            parse("#fe guid,stot,\nweb,42,\n\n").unwrap_err(),
            "answer ended early: in the lines of `dump stats-file`"
        );
    }

    #[test]
    fn a_line_that_is_none_is_an_error() {
        for line in ["web", "web,1", "web,,", ",1,", "web,1,2,", "web,-1,", "web,x,"] {
            let error = parse(&format!("#fe guid,stot,\n{line}\n\n#be guid,stot,\n\n")).unwrap_err();
            let expected = format!("line 2: expected a line of `dump stats-file`, found {line:?}");
            assert_eq!(error, expected);
        }
        assert!(parse("Unknown command: 'dump'\n\n").is_err());
    }
}
