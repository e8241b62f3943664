//! Entries of maps and ACLs that differ from their files.

mod comparison;
mod file;
mod plan;
mod reading;
mod restoration;
mod setting;
mod work;

pub(super) use reading::read;
pub use restoration::{EntryChange, EntryLeft, PatternRestoration};
pub use setting::{EntrySetting, PatternSettings, ProcessPatterns, UnclearEntry, UnreadPatterns};
pub(super) use work::Restoring;
