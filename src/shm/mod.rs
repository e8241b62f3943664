//! The file in which HAProxy processes keep counters together (`shm-stats-file`, HAProxy
//! 3.3 and later): its layout, the processes that map it, and which rows of `show stat`
//! are in it.
//!
//! HAProxy writes into the file while it is read here. Only what does not change while a
//! process lives is taken from it: who uses which object. The layout is described in
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
