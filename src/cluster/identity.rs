//! Whether two sockets may lead to one process.

use std::path::Path;

use crate::Address;
use crate::aggregate::Record;
use crate::model::SocketList;

/// What two answers of one process have in common. Answers of two processes
/// can have it in common too, in containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pid: u64,
    /// Seconds since 1970.
    started_at: u64,
    node: Box<str>,
}

/// Seconds that start times of one process may be apart where they are derived
/// from the time it has been up.
const DERIVED: u64 = 2;

impl Identity {
    pub(super) fn of(record: &Record) -> Option<Self> {
        let info = record.info()?;
        Some(Self {
            pid: info.pid()?,
            started_at: record.started_at()?,
            node: info.node().unwrap_or_default().into(),
        })
    }

    pub(super) fn pid(&self) -> u64 {
        self.pid
    }

    /// Whether both may be of one process.
    pub(super) fn fits(&self, other: &Self) -> bool {
        self.pid == other.pid
            && self.node == other.node
            && self.started_at.abs_diff(other.started_at) <= DERIVED
    }
}

/// Whether the socket asked at `here` is one that several processes listen on,
/// by the process' own word.
pub(super) fn is_shared(list: &SocketList, here: &Address) -> bool {
    let own = |text: &str| match (relative(text), here) {
        (Some(path), Address::Unix(here)) => here.ends_with(path),
        (Some(_), _) => false,
        (None, _) => text.parse::<Address>().is_ok_and(|address| address == *here),
    };
    let mut lines = list.iter().filter(|socket| own(&socket.address)).peekable();
    lines.peek().is_some() && lines.all(|socket| socket.processes.parse::<u32>().is_err())
}

/// The path of a unix socket that HAProxy names relative to its own folder.
fn relative(text: &str) -> Option<&Path> {
    let path = Path::new(text.strip_prefix("unix@")?);
    path.is_relative().then(|| path.strip_prefix("./").unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(sockets: &[(&str, &str)]) -> SocketList {
        let mut list = SocketList::default();
        for (address, processes) in sockets {
            list.add(&format!("{address} admin {processes}"));
        }
        list
    }

    fn at(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[test]
    fn a_socket_without_a_process_number_is_shared() {
        let list = list(&[("unix@./p1.sock", "1"), ("unix@./all.sock", "all"), ("unix@./two.sock", "1,2")]);
        assert!(!is_shared(&list, &at("/run/p1.sock")));
        assert!(is_shared(&list, &at("/run/all.sock")));
        assert!(is_shared(&list, &at("/run/two.sock")));
        assert!(!is_shared(&list, &at("/run/unnamed.sock")));
    }
}
