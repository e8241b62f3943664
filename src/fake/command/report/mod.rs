//! Commands that only report: rings, resolvers, and texts for people.

mod events;
mod resolvers;
mod text;

pub(in crate::fake) use events::show as show_events;
pub(in crate::fake) use resolvers::show as show_resolvers;
pub(in crate::fake) use text::{activity, env, fd, libs, pools, profiling, startup_logs, threads};
