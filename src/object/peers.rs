//! Peers of processes.

use crate::cluster::{Cluster, Outcomes, Target};
use crate::error::Result;
use crate::protocol::{Command, Response};
use crate::show::PeersSection;
use crate::show::stat::StatFilter;
use crate::transport::Deadline;

impl Cluster {
    /// Reads the `peers` sections of each process, with the peers and the stick tables that are shared
    /// with each of them: `show peers`. The list of a process without such a section is empty.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    #[doc(alias = "show peers")]
    pub async fn peers(&self) -> Result<Outcomes<Vec<PeersSection>>> {
        let job = |target: Target, deadline| async move { target.peers(&deadline).await };
        self.fan_out().each(&show(), StatFilter::Nothing, job).await
    }
}

impl Target {
    /// Reads the `peers` sections of the process. Empty lines stand between them.
    pub(super) async fn peers(&self, deadline: &Deadline) -> Result<Response<Vec<PeersSection>>> {
        let read = |data: Vec<u8>| Ok(PeersSection::read(&String::from_utf8_lossy(&data))?);
        self.list(&show(), read, deadline).await
    }
}

fn show() -> Command {
    Command::read("show peers")
}
