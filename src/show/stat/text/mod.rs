//! Cells that are texts with a meaning.

mod check_status;
mod mode;
#[cfg(feature = "serde")]
mod serde_text;
mod server_address;
mod status;

pub use check_status::{CheckResult, CheckStatus};
pub use mode::Mode;
pub use server_address::ServerAddress;
pub use status::{State, Status, StatusDetail};
