//! Resolvers of processes.

use crate::cluster::{Cluster, Outcomes, Target};
use crate::error::Result;
use crate::protocol::Command;
use crate::show::ResolversSection;
use crate::show::stat::StatFilter;

impl Cluster {
    /// Reads the `resolvers` sections of each process, with the counters of each name server:
    /// `show resolvers`.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    #[doc(alias = "show resolvers")]
    pub async fn resolvers(&self) -> Result<Outcomes<Vec<ResolversSection>>> {
        let command = &Command::read("show resolvers");
        let read = |data: Vec<u8>| Ok(ResolversSection::read(&String::from_utf8_lossy(&data))?);
        let job = |target: Target, deadline| async move { target.list(command, read, &deadline).await };
        self.fan_out().each(command, StatFilter::Nothing, job).await
    }
}
