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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SocketList(Vec<ListedSocket>);

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
        self.0.iter()
    }

    /// Adds the socket on one line. Lines of another form are skipped.
    pub(crate) fn add(&mut self, line: &str) {
        if line.starts_with('#') {
            return;
        }
        let mut words = line.rsplitn(3, ' ');
        if let (Some(processes), Some(level), Some(address)) = (words.next(), words.next(), words.next()) {
            let [address, level, processes] = [address, level, processes].map(Into::into);
            self.0.push(ListedSocket { address, level, processes });
        }
    }
}

impl FromIterator<ListedSocket> for SocketList {
    fn from_iter<I: IntoIterator<Item = ListedSocket>>(sockets: I) -> Self {
        Self(sockets.into_iter().collect())
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
        self.0.into_iter()
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
