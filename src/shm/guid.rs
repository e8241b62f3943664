//! Finds the guid of each row of `show stat`.

use std::collections::HashSet;

use super::file::Side;
use crate::field::{Col, RowKind};
use crate::show::stat::{Cells as _, Row, StatTable};
use crate::show::{GuidLine, GuidList};

/// The guid of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RowGuid {
    None,
    Is(Side, Box<str>),
    /// The replies do not show if the row has a guid, or which one.
    Unknown,
}

/// The reason why no guid is assigned: the list does not fit between the two dumps.
pub(crate) const UNFIT: &str = "`dump stats-file` does not fit to `show stat`";

/// Finds the guid of each row of `before`. `list` is the reply that the process printed after
/// `before` and before `after`.
///
/// The list has the order of the rows and leaves out rows without a guid, so a line may belong to
/// one of several rows. A line cannot belong to a row of another kind. Because counters only grow,
/// it cannot belong to a row if one of its counters is lower than in `before` or higher than in
/// `after`. A row gets a guid if these rules and the order leave only this row for the line; it has
/// no guid if no line fits it. Otherwise the guid is [`RowGuid::Unknown`].
///
/// `is_frontend` tells if the guid of a frontend or a listener is a frontend's, as far as that is
/// known.
pub(crate) fn join(
    before: &StatTable,
    list: &GuidList,
    after: &StatTable,
    is_frontend: impl Fn(&str) -> Option<bool>,
) -> Result<Vec<RowGuid>, &'static str> {
    let same = |(one, other): (Row<'_>, Row<'_>)| {
        one.kind() == other.kind() && one.is_named(other.proxy(), other.name()) && one.sid() == other.sid()
    };
    if before.len() != after.len() || !before.rows().zip(after.rows()).all(same) {
        return Err("its rows changed while it was asked for their guids");
    }
    let both_sides = BothSides::new(before, list);
    let mut guids = vec![RowGuid::None; before.len()];
    for (side, lines) in [(Side::Front, &list.front), (Side::Back, &list.back)] {
        let rows: Vec<_> =
            before.rows().zip(after.rows()).filter(|(row, _)| is_of(row.kind(), side)).collect();
        let fits = |line: &GuidLine, (before, after): &(Row<'_>, Row<'_>)| {
            let of_proxy = matches!(before.kind(), RowKind::Frontend | RowKind::Backend);
            let known = is_frontend(&line.guid).filter(|_| side == Side::Front);
            known.is_none_or(|is_frontend| is_frontend == of_proxy)
                && both_sides.has_guid(&line.guid) == (of_proxy && both_sides.has_name(before.proxy()))
                && continues(line, before, after)
        };
        let found = assign(lines, &rows, fits).ok_or(UNFIT)?;
        for ((row, _), found) in rows.iter().zip(found) {
            let guid = match found {
                Line::None => RowGuid::None,
                Line::Is(line) => RowGuid::Is(side, line.guid.clone()),
                Line::Unknown => RowGuid::Unknown,
            };
            if let Some(slot) = guids.get_mut(row.index()) {
                *slot = guid;
            }
        }
    }
    Ok(guids)
}

/// The proxies that are both frontend and backend: their names, and their guids, which are listed
/// twice.
struct BothSides<'a> {
    names: HashSet<&'a str>,
    guids: HashSet<&'a str>,
}

impl<'a> BothSides<'a> {
    fn new(stat: &'a StatTable, list: &'a GuidList) -> Self {
        let names = |kind| stat.rows().filter(move |row| row.kind() == kind).map(|row| row.proxy());
        let guids = |lines: &'a [GuidLine]| lines.iter().map(|line| &*line.guid).collect::<HashSet<_>>();
        let backends: HashSet<_> = names(RowKind::Backend).collect();
        Self {
            names: names(RowKind::Frontend).filter(|name| backends.contains(name)).collect(),
            guids: guids(&list.front).intersection(&guids(&list.back)).copied().collect(),
        }
    }

    fn has_name(&self, proxy: &str) -> bool {
        self.names.contains(proxy)
    }

    fn has_guid(&self, guid: &str) -> bool {
        self.guids.contains(guid)
    }
}

/// The line that belongs to a row.
#[derive(Clone, Copy)]
enum Line<'a> {
    None,
    Is(&'a GuidLine),
    Unknown,
}

/// Number of lines that are tried for a row before its guid counts as unknown.
const TRIED: usize = 64;

/// Returns the line of each row, or `None` if the lines cannot be assigned to rows in order.
fn assign<'a, R>(
    lines: &'a [GuidLine],
    rows: &[R],
    fits: impl Fn(&GuidLine, &R) -> bool,
) -> Option<Vec<Line<'a>>> {
    let fits = |line: &GuidLine, row: usize| rows.get(row).is_some_and(|row| fits(line, row));
    // The first and the last row that each line can have if all lines before it and all lines after
    // it still find a row.
    let mut first = Vec::with_capacity(lines.len());
    let mut next = 0;
    for line in lines {
        let row = (next..rows.len()).find(|row| fits(line, *row))?;
        first.push(row);
        next = row + 1;
    }
    let mut last = Vec::with_capacity(lines.len());
    let mut end = rows.len();
    for line in lines.iter().rev() {
        end = (0..end).rev().find(|row| fits(line, *row))?;
        last.push(end);
    }
    last.reverse();

    let (mut from, mut found) = (0, Vec::with_capacity(rows.len()));
    for row in 0..rows.len() {
        // Both bounds grow from line to line.
        while last.get(from).is_some_and(|last| *last < row) {
            from += 1;
        }
        let possible = lines.iter().zip(first.iter().zip(&last)).skip(from);
        let mut possible = possible.take_while(|(_, (first, _))| **first <= row).enumerate();
        let candidate = possible.find(|(tried, (line, _))| *tried >= TRIED || fits(line, row));
        found.push(match candidate {
            None => Line::None,
            Some((_, (line, (first, last)))) if first == last => Line::Is(line),
            Some(_) => Line::Unknown,
        });
    }
    Some(found)
}

fn is_of(kind: RowKind, side: Side) -> bool {
    match side {
        Side::Front => matches!(kind, RowKind::Frontend | RowKind::Listener),
        Side::Back => matches!(kind, RowKind::Backend | RowKind::Server),
    }
}

/// Returns `true` if each counter of the line lies between its values in the row before and after.
/// Cells that `show stat` leaves empty, depending on the mode of the proxy, are skipped.
fn continues(line: &GuidLine, before: &Row<'_>, after: &Row<'_>) -> bool {
    line.counters.iter().all(|(column, value)| {
        let cell = |row: &Row<'_>, column: Col| row.number(column);
        cell(before, *column).is_none_or(|before| before <= *value)
            && cell(after, *column).is_none_or(|after| *value <= after)
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::show::stat::StatParser;

    /// Builds a dump of servers and backends from name, type and sessions.
    fn dump(rows: &[(&str, u64, u64)]) -> StatTable {
        let mut text = "# pxname,svname,type,stot,sid,\n".to_owned();
        for (sid, (name, kind, stot)) in (1..).zip(rows) {
            writeln!(text, "p,{name},{kind},{stot},{sid},").unwrap();
        }
        let mut parser = StatParser::new();
        parser.feed(text.as_bytes()).unwrap();
        parser.feed(b"\n").unwrap();
        parser.finish().unwrap()
    }

    fn list(lines: &[(&str, u64)]) -> GuidList {
        let mut text = "#fe guid,stot,\n\n#be guid,stot,\n".to_owned();
        for (guid, stot) in lines {
            writeln!(text, "{guid},{stot},").unwrap();
        }
        GuidList::parse((text + "\n").as_bytes()).unwrap()
    }

    fn servers(counts: &[u64]) -> StatTable {
        let names: Vec<_> = (0..counts.len()).map(|n| format!("s{n}")).collect();
        let rows: Vec<_> = names.iter().zip(counts).map(|(name, count)| (name.as_str(), 2, *count)).collect();
        dump(&rows)
    }

    /// Returns the guid of each server: `-` if it has none, `?` if it is unknown.
    fn joined(before: &[u64], lines: &[(&str, u64)], after: &[u64]) -> Result<Vec<String>, &'static str> {
        let guids = join(&servers(before), &list(lines), &servers(after), |_| None)?;
        let text = |guid: &RowGuid| match guid {
            RowGuid::None => "-".to_owned(),
            RowGuid::Is(Side::Back, guid) => guid.to_string(),
            RowGuid::Is(Side::Front, guid) => panic!("{guid} is no frontend"),
            RowGuid::Unknown => "?".to_owned(),
        };
        Ok(guids.iter().map(text).collect())
    }

    #[test]
    fn a_line_for_each_row_is_proof_whatever_they_count() {
        assert_eq!(joined(&[0, 0], &[("a", 0), ("b", 0)], &[0, 0]).unwrap(), ["a", "b"]);
        assert_eq!(joined(&[0, 0], &[], &[9, 9]).unwrap(), ["-", "-"]);
    }

    #[test]
    fn counters_tell_which_rows_are_left_out() {
        assert_eq!(joined(&[5, 7, 9], &[("b", 7)], &[5, 7, 9]).unwrap(), ["-", "b", "-"]);
        assert_eq!(joined(&[5, 7, 9], &[("a", 5), ("c", 9)], &[5, 7, 9]).unwrap(), ["a", "-", "c"]);
        // Traffic continues between the replies.
        assert_eq!(joined(&[5, 70, 900], &[("b", 75)], &[6, 80, 950]).unwrap(), ["-", "b", "-"]);
    }

    #[test]
    fn rows_that_count_alike_stay_unknown_and_the_others_do_not() {
        let found = joined(&[4, 0, 0, 8], &[("a", 4), ("b", 0)], &[4, 0, 0, 8]).unwrap();
        assert_eq!(found, ["a", "?", "?", "-"]);
        // The order alone can be enough.
        let found = joined(&[0, 8, 0], &[("a", 0), ("b", 8), ("c", 0)], &[0, 8, 0]).unwrap();
        assert_eq!(found, ["a", "b", "c"]);
        let found = joined(&[0, 8, 0, 0], &[("a", 0), ("b", 8), ("c", 0)], &[0, 8, 0, 0]).unwrap();
        assert_eq!(found, ["a", "b", "?", "?"]);
    }

    #[test]
    fn what_cannot_be_joined_is_an_error() {
        assert_eq!(joined(&[5, 7], &[("a", 6)], &[5, 7]), Err(UNFIT));
        assert_eq!(joined(&[5], &[("a", 5), ("b", 5)], &[5]), Err(UNFIT));
        assert_eq!(joined(&[5, 7], &[("b", 7), ("a", 5)], &[5, 7]), Err(UNFIT));
        let changed = Err("its rows changed while it was asked for their guids");
        assert_eq!(joined(&[5, 7], &[("a", 5)], &[5]), changed);
    }

    #[test]
    fn the_guids_found_are_those_of_the_rows_wherever_they_are_told() {
        let mut random = 1u64;
        let mut next = |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % below
        };
        for _ in 0..500 {
            let counts: Vec<u64> = (0..12).map(|_| next(3)).collect();
            let with: Vec<bool> = (0..12).map(|_| next(2) == 0).collect();
            let names: Vec<_> = (0..12).map(|n| format!("g{n}")).collect();
            let rows = names.iter().zip(&counts).zip(&with);
            let lines: Vec<_> =
                rows.filter(|(_, with)| **with).map(|((name, count), _)| (name.as_str(), *count)).collect();
            for (n, found) in joined(&counts, &lines, &counts).unwrap().iter().enumerate() {
                let truth = if with[n] { names[n].as_str() } else { "-" };
                assert!(found == "?" || found == truth, "{counts:?} {with:?}: row {n} is {found}");
            }
        }
    }

    #[test]
    fn many_rows_that_count_alike_are_given_up_soon() {
        let counts = vec![0; 20_000];
        let names: Vec<_> = (0..10_000).map(|n| format!("g{n}")).collect();
        let lines: Vec<_> = names.iter().map(|name| (name.as_str(), 0)).collect();
        let found = joined(&counts, &lines, &counts).unwrap();
        assert!(found.iter().all(|found| found == "?"));
    }
}
