//! Whether two sockets lead to one process.

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

/// Whether a process that is asked at `here` names `there` among its own stats
/// sockets, in its `show cli sockets`.
///
/// It names them as its configuration does. Relative paths count from a folder
/// that only follows from how it names the socket it was asked at.
pub(super) fn names(list: &SocketList, here: &Address, there: &Address) -> bool {
    let relative = |text: &str| relative(text).map(Path::to_owned);
    list.iter().any(|socket| match relative(&socket.address) {
        None => socket.address.parse::<Address>().is_ok_and(|address| address == *there),
        Some(path) => match (here, there) {
            (Address::Unix(here), Address::Unix(there)) => list
                .iter()
                .filter_map(|own| base(here, &relative(&own.address)?))
                .any(|base| base.join(&path) == *there),
            _ => false,
        },
    })
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

/// The folder below which `path` is `relative`.
fn base<'a>(path: &'a Path, relative: &Path) -> Option<&'a Path> {
    path.ends_with(relative).then(|| path.ancestors().nth(relative.components().count()))?
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
    fn absolute_names_are_compared_as_they_are() {
        let list =
            list(&[("unix@/run/a.sock", "all"), ("unix@/run/b.sock", "all"), ("ipv4@127.0.0.1:99", "all")]);
        assert!(names(&list, &at("/run/a.sock"), &at("/run/b.sock")));
        assert!(names(&list, &at("/run/a.sock"), &at("127.0.0.1:99")));
        assert!(!names(&list, &at("/run/a.sock"), &at("/mnt/run/b.sock")));
    }

    #[test]
    fn relative_names_count_from_the_folder_of_the_socket_asked() {
        let list = list(&[("unix@./x/a.sock", "all"), ("unix@b.sock", "all")]);
        assert!(names(&list, &at("/srv/1/x/a.sock"), &at("/srv/1/b.sock")));
        assert!(!names(&list, &at("/srv/1/x/a.sock"), &at("/srv/2/b.sock")));
        assert!(!names(&list, &at("127.0.0.1:99"), &at("/srv/1/b.sock")));
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
