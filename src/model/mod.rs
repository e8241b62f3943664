//! Text to typed values: the replies of HAProxy, read without waiting for
//! anything.

mod admin_state;
mod cells;
mod check_status;
mod dump;
mod guid_list;
mod header;
mod info;
mod mode;
mod pattern;
mod quoted;
mod row;
mod scan;
mod scope;
mod server_address;
mod server_state;
mod socket_list;
mod stat;
mod status;
mod sweep;
#[cfg(feature = "serde")]
mod text;

pub use admin_state::AdminState;
pub use check_status::{CheckResult, CheckStatus};
pub use dump::Dump;
pub use header::Header;
pub use info::Info;
pub use mode::Mode;
pub use pattern::{Entry, PatternSource};
pub use row::Row;
pub use server_address::ServerAddress;
pub use server_state::{Administrative, OperationalState, ServerState};
pub use socket_list::{ListedSocket, SocketList};
pub use stat::StatParser;
pub use status::{Remark, State, Status};
pub use sweep::Reading;

pub(crate) use cells::{Cells, Cut};
pub(crate) use guid_list::{GuidLine, GuidList};
pub(crate) use pattern::Entries;
pub(crate) use scope::Scope;
pub(crate) use sweep::SweepParser;
