//! Objects that a user holds and changes: one file for each kind of object in HAProxy.

// First, so that the page of `Cluster` goes on with reading.
mod read;

mod backend;
mod certificate;
mod counters;
mod frontend;
mod handle;
mod pattern;
mod peers;
mod process;
mod publication;
mod rate_limit;
mod resolvers;
mod ring;
mod server;
mod session;
mod table;
mod text_report;

pub use backend::BackendRef;
pub use certificate::{CaFile, Certificate, CrlFile, CrtList, NewCrtListEntry};
pub use counters::Counters;
pub use frontend::FrontendRef;
pub use handle::{Backend, Frontend, Listener, Server};
pub(crate) use pattern::Edit;
pub use pattern::{Acl, Contents, Difference, Lookup, Map, NewValue, PatternId, PatternKind, Plan};
pub use publication::NewBackend;
pub use rate_limit::RateLimit;
pub use ring::{EventStream, Followed, News};
pub(crate) use server::server_state;
pub use server::{
    AgentCheck, AgentState, Health, HealthCheck, NewServer, Removal, ServerRef, ServerTemplate, ServerWeight,
    Tls, Weight,
};
pub use table::{Comparison, Condition, MergedDatum, MergedEntry, MergedTable, MergedValue, StickTable};
pub use text_report::TextReport;

pub(crate) use certificate::Leaf;
pub(crate) use pattern::{check_acl, check_map};
pub(crate) use ring::{check as check_ring, follow_process};
