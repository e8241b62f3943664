use std::fmt;
use std::sync::OnceLock;

/// The stats sockets of a process, as listed by its `show cli sockets`.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// let snapshot = cluster.snapshot().await?;
/// for report in snapshot.processes().iter().filter_map(|process| process.report()) {
///     println!("{} stats sockets", report.sockets.iter().len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct SocketList {
    /// The lines of the reply, each with its line feed.
    lines: String,
    /// Made from the lines by the first use. Most lists are never used.
    sockets: OnceLock<Vec<ListedSocket>>,
}

/// One line of `show cli sockets`.
///
/// # Example
///
/// ```no_run
/// # async fn example(report: haproxyadmin::info::ProcessReport) {
/// for socket in &report.sockets {
///     println!("{} level {}, process {}", socket.address, socket.level, socket.processes);
/// }
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ListedSocket {
    /// Address in HAProxy's notation, as the process sees it. A relative path is relative to the
    /// directory in which the process was started.
    pub address: Box<str>,
    /// Level, as HAProxy prints it.
    pub level: Box<str>,
    /// Relative numbers of the processes that answer on the socket, or `all`.
    pub processes: Box<str>,
}

impl SocketList {
    /// Returns the sockets, in the order of the reply.
    pub fn iter(&self) -> std::slice::Iter<'_, ListedSocket> {
        self.list().iter()
    }

    /// Adds the socket on one line of the reply, before the first use of the list. Lines of another form are
    /// skipped.
    pub(crate) fn add(&mut self, line: &str) {
        if self.lines.is_empty() {
            self.lines.reserve(USUAL_LENGTH);
        }
        self.lines.push_str(line);
        self.lines.push('\n');
    }

    fn list(&self) -> &Vec<ListedSocket> {
        self.sockets.get_or_init(|| self.lines.split('\n').filter_map(ListedSocket::parse).collect())
    }
}

/// Bytes that make room for two or three sockets.
const USUAL_LENGTH: usize = 128;

impl ListedSocket {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.rsplitn(3, ' ');
        let (processes, level, address) = (words.next()?.into(), words.next()?.into(), words.next()?.into());
        (!line.starts_with('#')).then_some(Self { address, level, processes })
    }
}

impl FromIterator<ListedSocket> for SocketList {
    fn from_iter<I: IntoIterator<Item = ListedSocket>>(sockets: I) -> Self {
        Self { lines: String::new(), sockets: OnceLock::from(Vec::from_iter(sockets)) }
    }
}

impl<'a> IntoIterator for &'a SocketList {
    type Item = &'a ListedSocket;
    type IntoIter = std::slice::Iter<'a, ListedSocket>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for SocketList {
    type Item = ListedSocket;
    type IntoIter = std::vec::IntoIter<ListedSocket>;

    fn into_iter(self) -> Self::IntoIter {
        self.list();
        self.sockets.into_inner().unwrap_or_default().into_iter()
    }
}

impl PartialEq for SocketList {
    fn eq(&self, other: &Self) -> bool {
        self.list() == other.list()
    }
}

impl Eq for SocketList {}

impl fmt::Debug for SocketList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SocketList").field(self.list()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_hold_blanks() {
        let mut list = SocketList::default();
        for line in ["# socket lvl processes", "unix@./my admin.sock admin all", "sockpair@4 admin 1", "odd"]
        {
            list.add(line);
        }
        let seen: Vec<_> = list.iter().map(|socket| (&*socket.address, &*socket.processes)).collect();
        assert_eq!(seen, [("unix@./my admin.sock", "all"), ("sockpair@4", "1")]);
    }
}
