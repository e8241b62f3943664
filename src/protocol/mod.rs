//! Commands as text and replies as meaning, without any I/O.

mod agent_state;
mod answer;
mod change;
mod command;
mod counters;
mod health;
mod lookup;
mod name;
mod pattern_id;
mod rate_limit;
mod server_weight;
mod weight;

pub use agent_state::AgentState;
pub use change::Change;
pub use counters::Counters;
pub use health::Health;
pub use lookup::Lookup;
pub use pattern_id::PatternId;
pub use rate_limit::RateLimit;
pub use server_weight::ServerWeight;
pub use weight::Weight;

pub(crate) use answer::{Answer, malformed};
pub(crate) use command::{Command, Effect};
pub(crate) use name::{Host, ProxyName, ServerName};
