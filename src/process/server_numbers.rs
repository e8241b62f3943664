use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::ProcessClient;
use crate::address::Address;
use crate::error::Result;
use crate::field::RowKind;
use crate::show::ProcessReport;
use crate::show::stat::{Row, StatFilter};
use crate::transport::Deadline;

/// The numbers of servers (`iid` and `sid`) that reads have found, by the address of the process.
///
/// With its numbers, a process prints the row of one server without looking at the others. A number is used only to ask:
/// the names in the row that comes back say which server it is.
#[derive(Debug, Default)]
pub(crate) struct ServerNumbers(Mutex<HashMap<Address, Backends>>);

/// The numbers of servers, by the names of their backends and by their own names.
type Backends = HashMap<Box<str>, HashMap<Box<str>, (u64, u64)>>;

/// Maximum number of servers that are kept for one process, and of processes.
const MOST: usize = 4096;

impl ServerNumbers {
    fn of(&self, address: &Address, backend: &str, name: &str) -> Option<(u64, u64)> {
        self.all().get(address)?.get(backend)?.get(name).copied()
    }

    fn keep(&self, address: &Address, row: &Row<'_>) {
        let (Some(proxy), Some(server)) = (row.iid(), row.sid()) else { return };
        let mut all = self.all();
        if all.len() >= MOST && !all.contains_key(address) {
            all.clear();
        }
        let backends = all.entry(address.clone()).or_default();
        if backends.values().map(HashMap::len).sum::<usize>() >= MOST {
            backends.clear();
        }
        backends.entry(row.proxy().into()).or_default().insert(row.name().into(), (proxy, server));
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Address, Backends>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProcessClient {
    /// Reads the report with the row of one server: by its numbers if they are known and still right, and with all
    /// rows of its backend otherwise.
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
        }
        let report = self.read(&StatFilter::backend(backend), deadline).await?;
        if let Some(row) = report.stat.rows().find(is_it) {
            self.numbers.keep(self.address(), &row);
        }
        Ok(report)
    }
}
