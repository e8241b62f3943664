//! The reply to `show stat`: its parser, its rows and the values of its cells.

mod cells;
mod filter;
mod header;
mod last_reply;
mod parser;
mod quoted;
mod recycled;
mod renewal;
mod row;
mod row_list;
mod scope;
mod selection;
mod table;
mod text;

pub use header::Header;
pub use parser::StatParser;
pub use row::Row;
pub use scope::Scope;
pub use table::StatTable;
pub use text::{CheckResult, CheckStatus, Mode, ServerAddress, State, Status, StatusDetail};

pub(crate) use crate::show::scan::FoundCells;
pub(crate) use cells::{Cells, number};
pub(crate) use filter::StatFilter;
pub(crate) use last_reply::LastReply;
pub(crate) use row::SplitRow;
pub(crate) use row_list::{ListedRow, ListenerId, RowList};
pub(crate) use selection::Selection;
pub(crate) use table::{CELLS_IN_BLOCK, NewerCells};
