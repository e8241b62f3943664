use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::ProcessClient;
use crate::address::Address;
use crate::error::Result;
use crate::field::RowKind;
use crate::show::ProcessReport;
use crate::show::stat::{Cells as _, Row, StatFilter};
use crate::transport::Deadline;

/// The numbers of servers (`iid` and `sid`) that reads have found, by the address of the process.
///
/// With its numbers, a process prints the row of one server and no other. A number is used only to ask: the names in the
/// row that comes back say which server it is.
#[derive(Debug, Default)]
pub(crate) struct ServerNumbers(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    processes: HashMap<Address, Backends>,
    /// Number of servers of all processes.
    count: usize,
}

/// The numbers of servers, by the names of their backends and by their own names.
type Backends = HashMap<Box<str>, HashMap<Box<str>, (u64, u64)>>;

/// Maximum number of servers that are kept. Beyond it, all are forgotten and found again.
const MOST: usize = 65_536;

impl ServerNumbers {
    fn of(&self, address: &Address, backend: &str, name: &str) -> Option<(u64, u64)> {
        self.known().processes.get(address)?.get(backend)?.get(name).copied()
    }

    /// Keeps the numbers of the server in `row`. A server that HAProxy does not tell apart has no number.
    fn keep(&self, address: &Address, row: &Row<'_>) {
        let positive = |number: Option<u64>| number.filter(|number| *number > 0);
        let (Some(proxy), Some(server)) = (positive(row.iid()), positive(row.sid())) else { return };
        let mut known = self.known();
        if known.count >= MOST {
            *known = Known::default();
        }
        let backends = known.processes.entry(address.clone()).or_default();
        let servers = backends.entry(row.proxy().into()).or_default();
        if servers.insert(row.name().into(), (proxy, server)).is_none() {
            known.count += 1;
        }
    }

    fn forget(&self, address: &Address, backend: &str, name: &str) {
        let known = &mut *self.known();
        let Some(backends) = known.processes.get_mut(address) else { return };
        let Some(servers) = backends.get_mut(backend) else { return };
        known.count -= usize::from(servers.remove(name).is_some());
        if servers.is_empty() {
            backends.remove(backend);
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProcessClient {
    /// Reads the report with the row of one server, or with no row if the process does not have the server. Asks for
    /// the row by its numbers if they are known and still right, and for all rows of the backend otherwise.
    pub(super) async fn read_server(
        &self,
        backend: &str,
        name: &str,
        deadline: &Deadline,
    ) -> Result<Arc<ProcessReport>> {
        let is_it =
            |row: &Row<'_>| row.kind() == RowKind::Server && row.proxy() == backend && row.name() == name;
        if let Some((proxy, server)) = self.numbers.of(self.address(), backend, name) {
            let report = self.read(&StatFilter::Server { proxy, server }, deadline).await?;
            if report.stat.rows().any(|row| is_it(&row)) {
                return Ok(report);
            }
            self.numbers.forget(self.address(), backend, name);
        }
        let report = self.read(&StatFilter::backend(backend), deadline).await?;
        let row = report.stat.rows().find(is_it);
        if let Some(row) = &row {
            self.numbers.keep(self.address(), row);
        }
        let stat = report.stat.only(row.map(|row| row.index()));
        let ProcessReport { info, level, sockets, .. } = Arc::unwrap_or_clone(report);
        Ok(Arc::new(ProcessReport { info, level, sockets, stat }))
    }
}
