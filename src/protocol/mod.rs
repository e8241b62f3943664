//! Commands as text and replies as meaning, without any I/O.

mod abandoned;
mod agent_state;
mod change;
mod command;
mod counters;
mod entry_ref;
mod framing;
mod health;
mod keyword;
mod line;
mod lookup;
mod name;
mod pattern_id;
mod prompt;
mod rate_limit;
mod reader;
mod reply;
mod response;
mod server_weight;
mod severity;
mod verb;
mod weight;

pub use agent_state::AgentState;
pub use change::Change;
pub use counters::Counters;
pub use entry_ref::Reference;
pub use health::Health;
pub use lookup::Lookup;
pub use pattern_id::PatternId;
pub use rate_limit::RateLimit;
pub use reply::Reply;
pub use server_weight::ServerWeight;
pub use weight::Weight;

pub(crate) use abandoned::{Abandoned, abandoned};
pub(crate) use command::{Command, Effect};
pub(crate) use framing::{check_ending, is_refusal};
pub(crate) use keyword::words;
pub(crate) use line::check as check_line;
pub(crate) use name::{Host, ProxyName, ServerName};
pub(crate) use prompt::PromptedReply;
pub(crate) use reader::{Flow, Sink};
pub(crate) use response::{Answer, malformed};
pub(crate) use severity::without_severity;
pub(crate) use verb::verb;
