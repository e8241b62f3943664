/// Stats sockets of a process, as its `show cli sockets` names them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SocketList(Vec<ListedSocket>);

/// One line of `show cli sockets`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ListedSocket {
    /// Address in HAProxy's notation, as the process sees it: a relative path is
    /// relative to the folder it was started in.
    pub address: Box<str>,
    /// Level in HAProxy's words.
    pub level: Box<str>,
    /// Relative numbers of the processes that answer there, or `all`.
    pub processes: Box<str>,
}

impl SocketList {
    /// The sockets, in the order of the wire.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &ListedSocket> {
        self.0.iter()
    }

    /// Takes one line; what is not an entry is passed over.
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
