//! The description of a fake process: its proxies, servers, maps and ACLs.

mod backend;
mod cells;
mod certificate;
mod fault;
mod frontend;
pub(in crate::fake) mod info;
mod listener;
mod ocsp;
pub(in crate::fake) mod pattern;
mod process;
mod received;
mod report;
pub(in crate::fake) mod row;
pub(in crate::fake) mod server;
mod session;
mod state;
mod table;

pub use backend::Backend;
pub use cells::Value;
pub use certificate::{AuthorityFile, Certificate, CrtList};
pub use fault::{Fault, When};
pub use frontend::Frontend;
pub use listener::Listener;
pub use ocsp::OcspResponse;
pub use pattern::{Acl, Map};
pub use process::Process;
pub use received::Received;
pub use report::{Resolvers, Ring};
pub use server::Server;
pub use session::Session;
pub use table::Table;

pub(in crate::fake) use backend::numbers;
pub(in crate::fake) use cells::{Cells, quoted};
pub(in crate::fake) use certificate::{AuthorityFiles, CrtListLine};
pub(in crate::fake) use fault::Faults;
pub(in crate::fake) use pattern::{Kind, Pattern, Which};
pub(in crate::fake) use process::{Proxy, word};
pub(in crate::fake) use received::Log;
pub(in crate::fake) use report::Follow;
pub(in crate::fake) use row::{Row, columns};
pub(in crate::fake) use server::{Admin, Health, check};
pub(in crate::fake) use state::State;
