use std::time::Duration;

use crate::error::Result;
use crate::object::{ServerRef, server_state};
use crate::operate::wait::{Clock, Look, Looking, Stop, Work};
use crate::protocol::Response;
use crate::show::AdminState;
use crate::show::stat::State;
use crate::snapshot::ServerStats;

/// Keeps a drained server out of traffic until `stop` is stopped: a process that restarts or joins the cluster
/// is told to drain. Ends when the last command has ended.
pub(super) async fn keep_out(server: &ServerRef, stop: &Stop) {
    let clock = Clock::new(Duration::MAX).with_longest_pause(PACE).stopped_by(stop);
    // A failure of a moment is no failure of the work.
    let _ = Looking::new(&server.cluster, server, &KeepOut(server), clock).run().await;
}

/// Longest pause between two looks at a process.
const PACE: Duration = Duration::from_millis(250);

struct KeepOut<'a>(&'a ServerRef);

impl Work<ServerStats> for KeepOut<'_> {
    /// Always returns that something is lacking, because the work has no end of its own.
    async fn look(&self, look: &Look<'_, ServerStats>) -> Result<Option<String>> {
        let Look { target, stats, deadline, is_new, .. } = look;
        let is_stopping = stats.per_process().all(|(process, _)| process.is_stopping());
        let is_in_traffic =
            stats.status().values().any(|status| matches!(status.state, State::Up | State::NoCheck));
        if !is_stopping && (*is_new || is_in_traffic) {
            let state = server_state(self.0, target, deadline).await?;
            if matches!(state, Response::Value(state) if state.administrative.set_state() == AdminState::Ready)
            {
                look.change(&self.0.set().word("state").word(AdminState::Drain)).await?;
            }
        }
        Ok(Some("kept out of traffic".into()))
    }
}
