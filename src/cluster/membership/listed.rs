use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::directory;
use crate::address::Address;
use crate::show::{ListedSocket, SocketList};
use crate::transport::{Deadline, Step};

/// Number of `nbproc` processes that answer at a socket, according to the list of stats sockets
/// that the process prints (`show cli sockets`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listed {
    /// One process only.
    One,
    /// Several processes: the one that accepts first answers.
    Several,
    /// The process does not list the socket.
    Nowhere,
}

/// The probed socket, in every form that HAProxy may list.
#[derive(Debug)]
struct Here {
    address: Address,
    /// The path without symbolic links.
    path: Option<PathBuf>,
    /// The IP addresses of the host.
    hosts: Vec<IpAddr>,
}

const RESOLVE: Step = Step::new("looking up the host", "address");

impl Listed {
    /// Looks for the socket at `address` in the list.
    pub(super) async fn find(list: &SocketList, address: &Address, deadline: &Deadline) -> Self {
        let here = Here::new(address, deadline).await;
        let lines: Vec<&ListedSocket> = list.iter().filter(|socket| here.is(&socket.address)).collect();
        let is_one = |socket: &&ListedSocket| socket.processes.parse::<u32>().is_ok();
        match lines.as_slice() {
            [] => Self::Nowhere,
            lines if lines.iter().any(is_one) => Self::One,
            _ => Self::Several,
        }
    }
}

impl Here {
    async fn new(address: &Address, deadline: &Deadline) -> Self {
        let mut here = Self { address: address.clone(), path: None, hosts: Vec::new() };
        match address {
            Address::Unix(path) => here.path = path.canonicalize().ok(),
            Address::Tcp { host, port } => {
                let looking_up = tokio::net::lookup_host((host.as_str(), *port));
                // A host that does not resolve matches no listed socket.
                if let Ok(Ok(found)) =
                    deadline.timeout(RESOLVE, deadline.limits().connect_timeout, looking_up).await
                {
                    here.hosts = found.map(|address| address.ip().to_canonical()).collect();
                }
            }
            _ => {}
        }
        here
    }

    /// Returns `true` if `text` is this socket in HAProxy's list.
    fn is(&self, text: &str) -> bool {
        match &self.address {
            Address::Unix(path) => {
                let Some(listed) = text.strip_prefix("unix@").map(Path::new) else { return false };
                let mut paths = self.path.iter().map(PathBuf::as_path).chain([path.as_path()]);
                if listed.is_relative() {
                    // The path is relative to the directory that HAProxy was started in.
                    let listed = listed.strip_prefix("./").unwrap_or(listed);
                    return paths.any(|path| path.ends_with(listed));
                }
                let same_file = || match (directory::file_id(path), directory::file_id(listed)) {
                    (Some(one), Some(other)) => one.is_same_file(&other),
                    _ => false,
                };
                paths.any(|path| path == listed) || same_file()
            }
            Address::Tcp { port, .. } => match tcp(text) {
                Some((ip, listed)) => {
                    listed == *port && (ip.is_unspecified() || self.hosts.contains(&ip.to_canonical()))
                }
                None => false,
            },
            address => text.parse::<Address>().is_ok_and(|listed| listed == *address),
        }
    }
}

/// Parses the IP address and port of a TCP socket in HAProxy's list.
fn tcp(text: &str) -> Option<(IpAddr, u16)> {
    let rest = ["ipv4@", "ipv6@", "tcp4@", "tcp6@"].iter().find_map(|prefix| text.strip_prefix(prefix))?;
    let (ip, port) = rest.rsplit_once(':')?;
    let ip = ip.trim_start_matches('[').trim_end_matches(']');
    Some((ip.parse().ok()?, port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Limits;

    fn list(sockets: &[(&str, &str)]) -> SocketList {
        let mut list = SocketList::default();
        for (address, processes) in sockets {
            list.add(&format!("{address} admin {processes}"));
        }
        list
    }

    async fn found(list: &SocketList, address: &str) -> Listed {
        Listed::find(list, &address.parse().unwrap(), &Deadline::new(Limits::new())).await
    }

    #[tokio::test]
    async fn a_socket_without_a_process_number_is_shared() {
        let list = list(&[
            ("unix@./p1.sock", "1"),
            ("unix@/run/p2.sock", "2"),
            ("unix@./all.sock", "all"),
            ("unix@./two.sock", "1,2"),
            ("ipv4@0.0.0.0:9001", "1"),
            ("ipv4@127.0.0.1:9002", "all"),
            ("ipv6@[::1]:9003", "3"),
            ("abns@four", "4"),
        ]);
        for (address, expected) in [
            ("/run/p1.sock", Listed::One),
            ("/run/p2.sock", Listed::One),
            ("/elsewhere/p2.sock", Listed::Nowhere),
            ("/run/all.sock", Listed::Several),
            ("/run/two.sock", Listed::Several),
            ("/run/unnamed.sock", Listed::Nowhere),
            ("127.0.0.1:9001", Listed::One),
            ("127.0.0.1:9002", Listed::Several),
            ("localhost:9002", Listed::Several),
            ("127.0.0.1:9003", Listed::Nowhere),
            ("[::1]:9003", Listed::One),
            ("abns@four", Listed::One),
        ] {
            assert_eq!(found(&list, address).await, expected, "{address}");
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_link_to_a_socket_is_the_socket() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real"), dir.path().join("link"));
        std::fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        std::fs::write(real.join("all.sock"), "").unwrap();
        std::fs::hard_link(real.join("all.sock"), real.join("other.sock")).unwrap();
        let list = list(&[(&format!("unix@{}", real.join("all.sock").display()), "all")]);
        for path in [link.join("all.sock"), real.join("other.sock"), link.join("other.sock")] {
            assert_eq!(found(&list, path.to_str().unwrap()).await, Listed::Several);
        }
    }
}
