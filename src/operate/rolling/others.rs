use crate::object::ServerRef;
use crate::operate::wait::{Condition, is_serving};
use crate::snapshot::{BackendStats, ServerStats};

/// The condition that enough servers of a backend are up, apart from these ones.
pub(super) struct OthersUp<'a> {
    pub(super) count: usize,
    pub(super) servers: &'a [ServerRef],
}

impl Condition<BackendStats> for OthersUp<'_> {
    fn lacks(&self, backend: &BackendStats) -> Option<String> {
        let is_other = |name: &str| self.servers.iter().all(|server| server.name() != name);
        let servers = backend.servers();
        let others: Vec<_> = servers.iter().filter(|server| is_other(server.name())).collect();
        let lack =
            |server: &&ServerStats| Some(format!("{} has {}", server.name(), is_serving().lacks(*server)?));
        let mut lacks: Vec<_> = others.iter().filter_map(lack).collect();
        let up = others.len() - lacks.len();
        if up >= self.count {
            return None;
        }
        if lacks.len() > SHOWN {
            let more = lacks.split_off(SHOWN).len();
            lacks.push(format!("{more} more"));
        }
        let text = format!("{up} other servers are up, and {} are needed", self.count);
        Some(if lacks.is_empty() { text } else { format!("{text}: {}", lacks.join(", ")) })
    }
}

/// Number of servers that the text of an error names.
const SHOWN: usize = 5;
