//! The reply to `show stat`: its parser, its rows and the values of its cells.

mod cells;
mod check_status;
mod filter;
mod header;
mod last_reply;
mod mode;
mod parser;
mod quoted;
mod row;
#[cfg(feature = "serde")]
mod serde_text;
mod server_address;
mod status;
mod table;

pub use check_status::{CheckResult, CheckStatus};
pub use header::Header;
pub use mode::Mode;
pub use parser::StatParser;
pub use row::Row;
pub use server_address::ServerAddress;
pub use status::{State, Status, StatusDetail};
pub use table::StatTable;

pub(crate) use cells::{Cells, number};
pub(crate) use filter::StatFilter;
pub(crate) use last_reply::LastReply;
pub(crate) use row::SplitRow;
pub(crate) use table::NewerCells;
