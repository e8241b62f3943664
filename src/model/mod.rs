//! Text to typed values: the replies of HAProxy, read without waiting for
//! anything.

mod cells;
mod check_status;
mod dump;
mod header;
mod info;
mod level;
mod mode;
mod quoted;
mod row;
mod scan;
mod server_address;
mod severity;
mod socket_list;
mod stat;
mod status;
mod sweep;
#[cfg(feature = "serde")]
mod text;
mod version;

pub(crate) use cells::{Cells, Cut};
pub use check_status::{CheckResult, CheckStatus};
pub use dump::Dump;
pub use header::Header;
pub use info::Info;
pub use level::Level;
pub use mode::Mode;
pub use row::Row;
pub use server_address::ServerAddress;
pub use socket_list::{ListedSocket, SocketList};
pub use stat::StatParser;
pub use status::{Remark, State, Status};
pub use sweep::Reading;
pub use version::Version;

pub(crate) use sweep::{Scope, SweepParser};
