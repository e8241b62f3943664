//! The file in which HAProxy processes keep counters together (`shm-stats-file`, HAProxy 3.3 and
//! later): its layout, the processes that map it, and the rows of `show stat` that it contains.
//!
//! HAProxy writes to the file while this crate reads it. Which process uses which object stays the
//! same while a process runs, so this is found once. Counters are read twice, so that one read proves
//! the other. The layout is described in HAProxy's
//! `doc/internals/shm-stats-file-description.txt`.

mod access;
mod counters;
mod field;
mod file;
mod guid;
mod maps;
mod number;
mod place;
mod process;
mod reading;
mod turn;

pub(crate) use access::{FileAccess, Read, Wanted, read};
pub(crate) use counters::FileCounters;
pub(crate) use file::ShmFile;
pub(crate) use guid::{RowGuid, join};
pub(crate) use place::{Member, RowCounters, Usage, places};
pub(crate) use process::{Claim, Mapped, Seen, look};
pub(crate) use reading::Clock;
pub(crate) use turn::Turn;
