//! The operator's manual: documentation without code.
//!
//! - [`fan_out`]: the way of a call to many processes, partial failure, unknown outcomes.
//! - [`cancellation`]: dropped futures, time limits, the Tokio runtime.
//! - [`commands`]: the commands of HAProxy that this crate sends, with their calls.
//! - [`help`]: the other commands of HAProxy, with the reasons.
//! - [`arguments`]: strings from outside, raw commands, secrets.
//! - [`rates`]: increases of counters, and processes that restart or lose them.
//! - [`recipes`]: whole programs that use this crate, and their tests.
//! - [`reconcile`]: bringing a cluster to a desired state, and keeping it there.
//! - [`settings`]: remembering settings of servers, and entries of maps and ACLs, over a reload.
//! - [`shared_counters`]: processes with one `shm-stats-file`.
//! - [`waiting`]: waiting for the effect of a change, draining servers.
//! - [`versions`]: differences between releases of HAProxy.
//! - [`watch`]: the price of watching and of each read, the order of events, and traps.

pub mod arguments;
pub mod cancellation;
pub mod commands;
pub mod fan_out;
pub mod help;
pub mod rates;
pub mod recipes;
pub mod reconcile;
pub mod settings;
pub mod shared_counters;
pub mod versions;
pub mod waiting;
pub mod watch;
