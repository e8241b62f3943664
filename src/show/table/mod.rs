//! Stick tables: the output of `show table`.

mod entries;
mod entry;
mod info;
mod reader;

pub use entries::{TableEntries, TableEntriesIter};
pub use entry::{Datum, TableEntry};
pub use info::{KeyType, TableInfo};

pub(crate) use reader::EntryReader;
