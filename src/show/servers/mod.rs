//! Servers: the output of `show servers state` and `show servers conn`.

mod admin_state;
mod connections;
mod state;

pub use admin_state::AdminState;
pub use state::{AdminFlags, OperationalState, ServerState};

pub(crate) use connections::used_connections;
