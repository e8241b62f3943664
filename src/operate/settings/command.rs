//! The commands that set the values of a server.

use std::net::SocketAddr;

use crate::error::Result;
use crate::object::Weight;
use crate::protocol::{Command, ServerName};

/// Returns the command that sets the address of a server that shows the address `from`.
pub(in crate::operate) fn set_address(
    server: &ServerName,
    from: Option<SocketAddr>,
    to: SocketAddr,
) -> Command {
    let command = set(server).word("addr").word(to.ip());
    match from {
        // Without a port, a server that uses the client's port goes on to do so.
        Some(from) if from.port() == to.port() => command,
        _ => command.word("port").word(to.port()),
    }
}

/// Returns the command that sets the weight of a server with this weight in the configuration.
///
/// # Errors
///
/// - `InvalidInput` if the weight is too high.
pub(in crate::operate) fn set_weight(
    server: &ServerName,
    configured: Option<u64>,
    to: u64,
) -> Result<Command> {
    // A backend with a static balancing algorithm accepts nothing but 0 % and 100 %.
    let weight = match to {
        0 => Weight::percent(0),
        to if configured == Some(to) => Weight::percent(100),
        to => Weight::absolute(to)?,
    };
    Ok(set(server).word("weight").word(weight))
}

fn set(server: &ServerName) -> Command {
    Command::write("set server").word(server).refused_when_stopping()
}
