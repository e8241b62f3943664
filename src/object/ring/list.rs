//! The list of rings of a process.

use crate::cluster::Target;
use crate::error::{Error, Problem, Result};
use crate::protocol::{Command, Response};
use crate::show::Ring;
use crate::transport::Deadline;

pub(super) fn command() -> Command {
    Command::read("show events")
}

/// Looks for a ring in the list of the process. Returns a message if the process does not have it.
pub(super) async fn look(target: &Target, ring: &str, deadline: &Deadline) -> Result<Option<Box<str>>> {
    let rings = match target.ask(&command(), read, deadline).await? {
        Response::Value(rings) => rings,
        Response::Absent(message) => return Ok(Some(message)),
    };
    match rings.iter().find(|found| *found.name == *ring) {
        Some(found) if found.is_kept() => Ok(None),
        Some(found) => {
            let text = format!("ring {ring} is not kept in memory: its type is {}", found.kind);
            Err(Error::new(Problem::Refused(text.into())))
        }
        None => Ok(Some("No such event sink".into())),
    }
}

#[allow(clippy::needless_pass_by_value, reason = "the shape of `FanOut::ask`")]
pub(super) fn read(data: Vec<u8>) -> Result<Vec<Ring>> {
    Ok(Ring::read(&String::from_utf8_lossy(&data))?)
}
