//! The questions of a watch.

use std::collections::{HashMap, HashSet};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use tokio::time::Instant;

use super::picture::Seen;
use crate::address::Address;
use crate::cluster::{Cluster, Listed};
use crate::error::{ErrorKind, Failure, Result};
use crate::object::{News, follow_process};
use crate::process::ProcessClient;
use crate::protocol::{Command, Response};
use crate::show::ServerState;
use crate::snapshot::Snapshot;
use crate::transport::Deadline;

/// The processes that a watch asks. Each future has its own limits.
pub(super) trait Source: Send + 'static {
    /// Lists the members. Sockets that are not known yet are probed, or all if `is_fresh` is set; those
    /// at the addresses `apart` are not.
    fn list(&self, apart: HashSet<Address>, is_fresh: bool) -> BoxFuture<'static, Result<Vec<Listed>>>;

    /// Reads the states of one process. `is_stopping` tells that it was stopping at the last look.
    fn ask(&self, address: &Address, is_stopping: bool) -> BoxFuture<'static, Result<Seen>>;

    /// Reads a snapshot. The processes in `failing` are not asked, and have failed in it.
    fn figures(&self, failing: HashMap<Address, Failure>) -> BoxFuture<'static, Result<Snapshot>>;

    /// Reads the counters of a snapshot anew from the files of its processes.
    fn counters(&self, figures: Snapshot) -> BoxFuture<'static, Snapshot> {
        async move { figures.with_counters_from_files().await }.boxed()
    }

    /// Follows the ring of one process.
    fn follow(&self, address: &Address, ring: &str) -> Result<BoxStream<'static, News>>;
}

impl Source for Cluster {
    fn list(&self, apart: HashSet<Address>, is_fresh: bool) -> BoxFuture<'static, Result<Vec<Listed>>> {
        let cluster = self.clone();
        async move { cluster.list(&apart, is_fresh).await }.boxed()
    }

    fn ask(&self, address: &Address, is_stopping: bool) -> BoxFuture<'static, Result<Seen>> {
        let (client, limits) = (self.client(address), self.limits());
        async move { ask(&client, is_stopping, &Deadline::new(limits)).await }.boxed()
    }

    fn figures(&self, failing: HashMap<Address, Failure>) -> BoxFuture<'static, Result<Snapshot>> {
        let cluster = self.clone();
        async move { cluster.read_without(&failing).await }.boxed()
    }

    fn follow(&self, address: &Address, ring: &str) -> Result<BoxStream<'static, News>> {
        follow_process(self, address, ring)
    }
}

/// Reads the states of one process.
///
/// During a reload, the worker that is about to stop may accept the connection, and may close it without
/// an answer. The next connection leads to the new worker.
async fn ask(client: &ProcessClient, is_stopping: bool, deadline: &Deadline) -> Result<Seen> {
    let first = read(client, deadline).await;
    let is_final = match &first {
        Ok(seen) => !seen.info.is_stopping() || is_stopping || !client.may_be_replaced(),
        Err(error) => !matches!(error.kind(), ErrorKind::Closed | ErrorKind::Io | ErrorKind::Truncated),
    };
    if is_final {
        return first;
    }
    match read(client, deadline).await {
        Err(_) if first.is_ok() => first,
        second => second,
    }
}

async fn read(client: &ProcessClient, deadline: &Deadline) -> Result<Seen> {
    let command = Command::read("show servers state");
    let (info, read_at, response) = client.identified_query(&command, deadline).await?;
    let with_context = client.with_context(&command);
    let mut servers = match response {
        Response::Value(reply) => ServerState::read(&reply).map_err(|error| with_context(error.into()))?,
        Response::Absent(_) => Vec::new(),
    };
    servers.retain(|server| !server.is_worker());
    Ok(Seen { info: info.into(), read_at, at: Instant::now(), servers: servers.into() })
}
