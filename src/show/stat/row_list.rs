use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::cells::text;
use crate::field::RowKind;

/// The kinds and names of the rows of a table, in their order. They identify the rows.
///
/// Processes with one configuration list the same rows, and share one list. What is known of the rows of one
/// process is therefore known of those of the others, without a look at them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RowList {
    hash: u64,
    rows: Box<[ListedRow]>,
    /// The names of all rows. Both names of a row are stored as a plain row begins, with a comma behind each; with
    /// another separator if there is a comma in a name.
    names: Box<[u8]>,
}

/// The kind and the names of one row.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct ListedRow {
    pub(crate) kind: RowKind,
    /// Start of the name of the proxy, start of the other name, and the end of both.
    names: [u32; 3],
    /// Address and position of a listener, which distinguish it from others with its names. `None` for another kind of
    /// row.
    pub(crate) listener: Option<Box<ListenerId>>,
}

/// Address and position of a listener. The address distinguishes it from others with its names; the position does if
/// a socket of level `user` hides the address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ListenerId {
    pub(crate) address: Option<Box<str>>,
    pub(crate) number: Option<u64>,
}

/// The lists of the processes of a cluster.
#[derive(Debug, Default)]
pub(super) struct RowLists(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// The list that was found last.
    last: Option<Arc<RowList>>,
    by_hash: HashMap<u64, Weak<RowList>>,
}

/// This byte never occurs in UTF-8.
const NOT_IN_NAMES: u8 = 0xff;

impl RowList {
    /// Makes a list of the kinds of the rows, both names of each, and what tells listeners apart.
    pub(super) fn new<'a>(listed: impl Iterator<Item = (RowKind, [&'a str; 2], Option<ListenerId>)>) -> Self {
        let mut names = Vec::new();
        let end = |names: &Vec<u8>| u32::try_from(names.len()).unwrap_or(u32::MAX);
        let rows = listed.map(|(kind, both, listener)| {
            let separator = if both.iter().any(|name| name.contains(',')) { NOT_IN_NAMES } else { b',' };
            let start = end(&names);
            let [middle, end] = both.map(|name| {
                names.extend_from_slice(name.as_bytes());
                names.push(separator);
                end(&names)
            });
            ListedRow { kind, names: [start, middle, end], listener: listener.map(Box::new) }
        });
        let rows: Box<[ListedRow]> = rows.collect();
        let mut hasher = DefaultHasher::new();
        (&rows, &names).hash(&mut hasher);
        Self { hash: hasher.finish(), rows, names: names.into() }
    }

    pub(crate) fn rows(&self) -> &[ListedRow] {
        &self.rows
    }

    /// Returns the name of the proxy of a row, and its other name.
    pub(crate) fn names_of(&self, row: &ListedRow) -> (&str, &str) {
        let [start, middle, end] = row.names;
        let name = |range| text(self.stored(range).split_last().map_or(&[], |(_, name)| name));
        (name(start..middle), name(middle..end))
    }

    /// Returns both names as a plain row begins with them. Other names are other bytes.
    pub(crate) fn stored_names_of(&self, row: &ListedRow) -> &[u8] {
        self.stored(row.names[0]..row.names[2])
    }

    fn stored(&self, range: Range<u32>) -> &[u8] {
        self.names.get(range.start as usize..range.end as usize).unwrap_or_default()
    }

    pub(crate) fn heap_size(&self) -> usize {
        let listener = |row: &ListedRow| row.listener.as_ref().map_or(0, |listener| listener.heap_size());
        self.names.len() + size_of_val(&*self.rows) + self.rows.iter().map(listener).sum::<usize>()
    }
}

impl Hash for RowList {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash.hash(state);
    }
}

impl ListenerId {
    /// Returns `true` if two listeners with the same names are one.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (&self.address, &other.address) {
            (Some(one), Some(other)) => one == other,
            _ => self.number == other.number,
        }
    }

    fn heap_size(&self) -> usize {
        size_of::<Self>() + self.address.as_ref().map_or(0, |address| address.len())
    }
}

impl RowLists {
    /// Returns the list that was found last.
    pub(super) fn last(&self) -> Option<Arc<RowList>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).last.clone()
    }

    /// Returns the known list that is equal to `list`, or `list`, which is known from now on.
    pub(super) fn find(&self, list: RowList) -> Arc<RowList> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = known.by_hash.get(&list.hash).and_then(Weak::upgrade).filter(|known| **known == list);
        let list = same.unwrap_or_else(|| {
            let list = Arc::new(list);
            if known.by_hash.len() == known.by_hash.capacity() {
                known.by_hash.retain(|_, list| list.strong_count() > 0);
            }
            known.by_hash.insert(list.hash, Arc::downgrade(&list));
            list
        });
        known.last = Some(Arc::clone(&list));
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::stat::{LastReply, StatParser, StatTable};

    const HEADER: &str = "# pxname,svname,type,sid,addr,scur,\n";

    fn read(last: &LastReply, reply: &str, piece: usize) -> StatTable {
        let mut parser = StatParser::after(last.clone());
        reply.as_bytes().chunks(piece).for_each(|piece| parser.feed(piece).unwrap());
        parser.finish().unwrap()
    }

    fn same(one: &StatTable, other: &StatTable) -> bool {
        one.list() == other.list()
    }

    #[test]
    fn tables_with_the_same_rows_share_a_list() {
        let cluster = LastReply::of_cluster();
        let (one, other) = (cluster.of_others(), cluster.of_others());
        let rows = "web,FRONTEND,0,,,1,\nweb,sock,3,1,192.0.2.1:80,2,\napp,a,2,1,,3,\napp,b,2,2,,4,\n";
        let reply = |rows: &str| format!("{HEADER}{rows}\n");
        let first = read(&one, &reply(rows), 7);
        let figures = rows.replace(",3,\n", ",30,\n").replace(",1,\n", ",,\n");
        for piece in [1, 10, 1000] {
            assert!(same(&read(&one, &reply(&figures), piece), &first));
            assert!(same(&read(&other, &reply(&figures), piece), &first));
        }
        // A release with other columns, and with names at another place.
        let older = "# pxname,svname,type,sid,addr,\nweb,FRONTEND,0,,,\nweb,sock,3,1,192.0.2.1:80,\napp,a,2,1,,\napp,b,2,2,,\n\n";
        assert!(same(&read(&one, older, 9), &first));
        let turned = "# type,pxname,svname,sid,addr,\n0,web,FRONTEND,,,\n3,web,sock,1,192.0.2.1:80,\n2,app,a,1,,\n2,app,b,2,,\n\n";
        assert!(same(&read(&one, turned, 9), &first));
        // A row that is quoted in one of the replies.
        let quoted = rows.replace("app,b", "app,\"b\"");
        assert!(same(&read(&one, &reply(&quoted), 9), &first));
        assert!(same(
            &read(&LastReply::of_cluster(), &reply(&quoted), 9),
            &read(&LastReply::default(), &reply(rows), 9)
        ));
        // Each has a list of its own, which the next reply finds again.
        let others = [
            rows.replace("app,b", "app,c"),
            rows.replace("app,b", "ap,pb"),
            rows.replace("app,b,2", "app,b,1"),
            rows.replace("192.0.2.1:80", "192.0.2.1:81"),
            rows.replace("192.0.2.1:80", ""),
            rows.replace("sock,3,1,", "sock,3,2,"),
            rows.replace("app,b,2,2,,4,\n", ""),
            rows.to_owned() + "app,c,2,3,,5,\n",
            rows.replace("app,b", "app,\"b, c\""),
            rows.replace("app,b", "\"app,b,c\",x"),
            String::new(),
        ];
        for rows in &others {
            let own = cluster.of_others();
            let found = read(&own, &reply(rows), 11);
            assert!(!same(&found, &first), "{rows}");
            assert!(
                same(&read(&own, &reply(rows), 13), &found) && same(&read(&one, &reply(rows), 13), &found)
            );
            assert!(same(&read(&own, &reply(&figures), 13), &first));
        }
    }

    #[test]
    fn a_list_tells_the_names_of_its_rows() {
        let rows = "web,FRONTEND,0,,,1,\n\"a, b\",\"c \"\"d\"\"\",2,1,,3,\n,,7,,,,\n";
        let table = read(&LastReply::default(), &format!("{HEADER}{rows}\n"), 100);
        let list = table.list();
        let named: Vec<_> = list.rows().iter().map(|row| (row.kind, list.names_of(row))).collect();
        let expected: Vec<_> = table.rows().map(|row| (row.kind(), (row.proxy(), row.name()))).collect();
        assert_eq!(named, expected);
        assert_eq!(named[1].1, ("a, b", "c \"d\""));
        // A plain row with the bytes of those names is another row.
        let plain = format!("{HEADER}web,FRONTEND,0,,,1,\na, b,2,1,,3,\n,,7,,,,\n\n");
        assert_ne!(read(&LastReply::default(), &plain, 100).list(), list);
    }

    #[test]
    fn lists_that_nobody_has_are_forgotten() {
        let lists = RowLists::default();
        let list = |name: usize| {
            let name = name.to_string();
            RowList::new([(RowKind::Server, ["app", &*name], None)].into_iter())
        };
        let kept: Vec<_> = (0..3).map(|name| lists.find(list(name))).collect();
        (10..1000).for_each(|name| drop(lists.find(list(name))));
        assert!(Arc::ptr_eq(&kept[1], &lists.find(list(1))));
        assert!(lists.0.lock().unwrap().by_hash.len() < 100);
    }
}
