//! What to know before this crate is let loose on a fleet. Nothing but text.

pub mod arguments;
pub mod cancellation;
pub mod commands;
pub mod fan_out;
pub mod shared_counters;
pub mod versions;
