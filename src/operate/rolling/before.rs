use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::address::Address;
use crate::cluster::Cluster;
use crate::error::Result;
use crate::object::{ServerRef, server_state};
use crate::operate::wait::{Clock, Look, Looking, Work, is_up};
use crate::protocol::Response;
use crate::show::{AdminFlags, AdminState};
use crate::snapshot::ServerStats;

/// The administrative states of a server before the work, process by process.
pub(super) struct Before {
    server: ServerRef,
    states: HashMap<Address, AdminFlags>,
}

/// Reads the state of a server in each process.
struct Reading<'a> {
    server: &'a ServerRef,
    states: Mutex<HashMap<Address, AdminFlags>>,
}

/// Sets a server back in each process, and reads it back.
struct SettingBack<'a> {
    before: &'a Before,
    /// State of the processes that agreed, for a process that is new.
    common: Option<AdminState>,
}

/// Time in which a server is set back. A process may restart meanwhile.
const SET_BACK: Duration = Duration::from_secs(10);

impl Before {
    /// Reads the states on every process. A process that is restarting is waited for.
    pub(super) async fn read(server: &ServerRef, within: Duration) -> Result<Self> {
        let reading = Reading { server, states: Mutex::default() };
        Looking::new(&server.cluster, server, &reading, Clock::new(within)).run().await?.all()?;
        let states = std::mem::take(&mut *reading.states());
        Ok(Self { server: server.clone(), states })
    }

    /// Waits until the server is up on the processes on which it was in traffic.
    pub(super) async fn wait_until_up(&self, within: Duration) -> Result<()> {
        let ready = self.states.iter().filter(|(_, flags)| flags.state() == AdminState::Ready);
        let ready: Vec<_> = ready.map(|(address, _)| address).collect();
        if ready.len() == self.states.len() {
            return self.server.wait_until(is_up(), within).await.map(drop);
        }
        let Some(still) = self.server.cluster.still(ready) else { return Ok(()) };
        let server = still.server_ref(self.server.backend(), self.server.name())?;
        server.wait_until(is_up(), within).await.map(drop)
    }

    /// Sets each process back. A process that is new gets the state of the others, if they agreed.
    pub(super) async fn set_back(&self) -> Result<()> {
        let mut states = self.states.values().map(|flags| flags.set_state());
        let common = states.next().filter(|first| states.all(|state| state == *first));
        let looking = |cluster: Cluster| async move {
            let setting_back = SettingBack { before: self, common };
            Looking::new(&cluster, &self.server, &setting_back, Clock::new(SET_BACK))
                .run()
                .await?
                .all()
                .map(drop)
        };
        let cluster = &self.server.cluster;
        match looking(cluster.clone()).await {
            Err(error) if error.is_not_selected() => {
                // A selected process has left the cluster since.
                match cluster.still(self.states.keys()) {
                    Some(still) => looking(still).await,
                    None => Ok(()),
                }
            }
            result => result,
        }
    }
}

impl Reading<'_> {
    fn states(&self) -> MutexGuard<'_, HashMap<Address, AdminFlags>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Work<ServerStats> for Reading<'_> {
    async fn look(&self, Look { target, deadline, .. }: &Look<'_, ServerStats>) -> Result<Option<String>> {
        if let Response::Value(state) = server_state(self.server, target, deadline).await? {
            self.states().insert(target.member.address().clone(), state.administrative);
        }
        Ok(None)
    }
}

impl Work<ServerStats> for SettingBack<'_> {
    async fn look(&self, look: &Look<'_, ServerStats>) -> Result<Option<String>> {
        let Look { target, stats, deadline, .. } = look;
        let Before { server, states } = self.before;
        let before = states.get(target.member.address()).map(|flags| flags.set_state());
        // A process that is stopping refuses changes, and takes no new traffic.
        let is_stopping = stats.per_process().all(|(process, _)| process.is_stopping());
        let Some(wanted) = before.or(self.common).filter(|_| !is_stopping) else { return Ok(None) };
        let Response::Value(now) = server_state(server, target, deadline).await? else { return Ok(None) };
        let now = now.administrative.set_state();
        if now == wanted {
            return Ok(None);
        }
        look.change(&server.set().word("state").word(wanted)).await?;
        Ok(Some(format!("state {now} in place of {wanted}")))
    }
}
