//! Many values to one: the rows of all processes as one frontend, backend,
//! server or listener each, and the rules by which figures are merged.

mod accessor;
mod backend;
mod count_range;
#[cfg(feature = "serde")]
mod extra;
mod fold;
mod frontend;
mod index;
mod info;
mod label;
mod listener;
mod merge;
mod object;
mod process;
mod record;
mod requirement;
mod server;
mod sharing;
mod snapshot;
mod value;
mod view;
#[cfg(feature = "serde")]
mod wire;

use std::time::Duration;

pub use backend::Backend;
pub use count_range::CountRange;
pub use frontend::Frontend;
pub use info::{ClusterInfo, Uptime};
pub use listener::Listener;
pub use process::Process;
pub use requirement::{Required, Requirement};
pub use server::Server;
pub use sharing::{CounterSharing, Sharers, ShmStatsFile};
pub use snapshot::Snapshot;
pub use value::{Agreement, Bound, Figure, Label, Limit};

pub(crate) use label::labels_beside;
pub(crate) use record::Record;
pub(crate) use sharing::SharedCounters;

/// A mean of milliseconds as a duration.
fn milliseconds(mean: f64) -> Duration {
    Duration::try_from_secs_f64(mean / 1000.0).unwrap_or(Duration::MAX)
}
