//! Servers: the output of `show servers state` and `show servers conn`.

mod address_change;
mod admin_state;
mod connections;
mod state;

pub use admin_state::AdminState;
pub use connections::ServerConnections;
pub use state::{AdminFlags, OperationalState, ServerState};

pub(crate) use address_change::previous_address;
