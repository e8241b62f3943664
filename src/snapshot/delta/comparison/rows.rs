//! Finds the rows of one reply of a process in an earlier reply of the same process.

use std::collections::HashMap;

use crate::field::{Col, RowKind};
use crate::show::stat::{Cells as _, Row, StatTable};

/// The rows of one process in two replies.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::snapshot::delta) struct Rows {
    /// For each row of the later reply: the row of the same object in the earlier one.
    pub(in crate::snapshot::delta) earlier: Vec<Option<u32>>,
    /// The rows of the earlier reply that the later one has no row for.
    pub(in crate::snapshot::delta) gone: Vec<u32>,
}

/// Identity of an object within one incarnation of a process: kind, number of the proxy, number of
/// the server or listener, and a mark that tells apart objects that had the numbers one after the
/// other.
type Key<'a> = (RowKind, Option<u64>, Option<u64>, Mark<'a>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Mark<'a> {
    /// Revision of the number of a server (`srid`). The server may be renamed.
    Revision(u64),
    /// Names of the proxy and the object. Releases without revisions cannot rename a server.
    Names(&'a str, &'a str),
}

fn key<'a>(row: &Row<'a>) -> Key<'a> {
    let kind = row.kind();
    let revision =
        row.number(Col::srid).filter(|_| kind == RowKind::Server && row.number(Col::sid).is_some());
    let mark = revision.map_or(Mark::Names(row.proxy(), row.name()), Mark::Revision);
    (kind, row.number(Col::iid), row.number(Col::sid), mark)
}

impl Rows {
    pub(in crate::snapshot::delta) fn new<'a>(later: &'a StatTable, earlier: &'a StatTable) -> Self {
        let mut search = Search { earlier, is_taken: vec![false; earlier.len()], next: 0, by_key: None };
        let found = later.rows().map(|row| search.take(&row)).collect();
        let is_counted = |at: usize| earlier.row(at).is_some_and(|row| row.kind() != RowKind::Other);
        let gone = search.is_taken.iter().enumerate().filter(|(at, taken)| !**taken && is_counted(*at));
        let gone = gone.filter_map(|(at, _)| u32::try_from(at).ok()).collect();
        Self { earlier: found, gone }
    }
}

/// Search for rows. A process lists its rows in the same order each time, so the wanted row nearly
/// always follows the row that was found last.
struct Search<'a> {
    earlier: &'a StatTable,
    is_taken: Vec<bool>,
    next: usize,
    /// Rows of each key, the last one first; built when a row is at another place than expected.
    by_key: Option<HashMap<Key<'a>, Vec<usize>>>,
}

impl<'a> Search<'a> {
    fn take(&mut self, row: &Row<'a>) -> Option<u32> {
        if row.kind() == RowKind::Other {
            return None;
        }
        let at = self.find(row)?;
        *self.is_taken.get_mut(at)? = true;
        self.next = at + 1;
        u32::try_from(at).ok()
    }

    fn find(&mut self, row: &Row<'a>) -> Option<usize> {
        let key_of = key(row);
        let is_free = |is_taken: &[bool], at: usize| is_taken.get(at) == Some(&false);
        let expected = self.earlier.row(self.next).filter(|_| is_free(&self.is_taken, self.next));
        if expected.is_some_and(|expected| key(&expected) == key_of) {
            return Some(self.next);
        }
        let by_key = self.by_key.get_or_insert_with(|| {
            let mut by_key: HashMap<_, Vec<usize>> = HashMap::new();
            for (at, row) in self.earlier.rows().enumerate().rev() {
                by_key.entry(key(&row)).or_default().push(at);
            }
            by_key
        });
        let same = by_key.get_mut(&key_of)?;
        // The last entry is the first row. A row that was taken is not looked at again.
        while let Some(at) = same.pop() {
            if is_free(&self.is_taken, at) {
                return Some(at);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::stat::StatParser;

    fn table(rows: &str) -> StatTable {
        let mut parser = StatParser::new();
        let text = format!("# pxname,svname,type,iid,sid,srid,stot,\n{rows}\n");
        parser.feed(text.as_bytes()).unwrap();
        parser.finish().unwrap()
    }

    fn rows(later: &str, earlier: &str) -> (Vec<Option<u32>>, Vec<u32>) {
        let Rows { earlier, gone } = Rows::new(&table(later), &table(earlier));
        (earlier, gone)
    }

    #[test]
    fn a_renamed_server_is_the_same_and_an_added_one_is_not() {
        let earlier = "web,FRONTEND,0,2,0,,1,\napp,a,2,3,1,0,1,\napp,b,2,3,2,0,1,\napp,BACKEND,1,3,0,,1,\n";
        let renamed = "web,FRONTEND,0,2,0,,1,\napp,c,2,3,1,0,1,\napp,b,2,3,2,4,1,\napp,BACKEND,1,3,0,,1,\n";
        assert_eq!(rows(renamed, earlier), (vec![Some(0), Some(1), None, Some(3)], vec![2]));
    }

    #[test]
    fn without_revisions_a_server_with_another_name_is_another_one() {
        let earlier = "app,a,2,3,1,,1,\napp,b,2,3,2,,1,\n";
        assert_eq!(rows("app,b,2,3,2,,1,\napp,c,2,3,1,,1,\n", earlier), (vec![Some(1), None], vec![0]));
    }

    #[test]
    fn rows_in_another_order_are_found_and_equal_keys_in_their_order() {
        let earlier = "web,l,3,2,1,,1,\nweb,l,3,2,1,,2,\nweb,m,3,2,2,,3,\n";
        let later = "web,m,3,2,2,,3,\nweb,l,3,2,1,,1,\nweb,l,3,2,1,,2,\nweb,l,3,2,1,,9,\n";
        assert_eq!(rows(later, earlier), (vec![Some(2), Some(0), Some(1), None], vec![]));
    }
}
