//! The file in which HAProxy processes keep counters together (`shm-stats-file`, HAProxy 3.3 and
//! later): its layout, the processes that map it, and the rows of `show stat` that it contains.
//!
//! HAProxy writes to the file while this crate reads it. Therefore only data that stays the same
//! for the life of a process is used: which process uses which object. The layout is described in
//! HAProxy's `doc/internals/shm-stats-file-description.txt`.

mod file;
mod guid;
mod maps;
mod place;
mod process;

pub(crate) use file::ShmFile;
pub(crate) use guid::{RowGuid, join};
pub(crate) use place::{Member, RowCounters, Usage, places};
pub(crate) use process::{Claim, Mapped, Seen, look};
