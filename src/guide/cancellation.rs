//! Dropped futures, time limits, and the Tokio runtime.
//!
//! A call does nothing before its future is polled for the first time. Dropping the future
//! ends the call: in `tokio::select!`, in `tokio::time::timeout`, or when a task is aborted.
//! The futures are `Send`, so they can be spawned.
//!
//! # Dropping a read
//!
//! Reads are the calls that return figures, states, weights and contents, such as
//! [`Cluster::snapshot`](crate::Cluster::snapshot) and [`Map::show`](crate::Map::show).
//! Dropping the future closes its connections and leaves nothing behind: the processes are as
//! before, and so is the cluster's membership table. The next call has connections of its
//! own, so it cannot receive the rest of an old reply.
//!
//! A read of the rows of several processes runs a task for each of them, so that the threads of the
//! runtime parse several replies at the same time. Dropping the future aborts these tasks, and the
//! runtime closes their connections when it runs next. A task that is parsing a piece of a reply at this
//! moment, 32 KiB at most, ends after the piece.
//!
//! # Dropping a change
//!
//! Dropping the future closes its connections. It does not undo or stop the change. On a runtime with
//! several threads, a thread that sends the command at this moment may still send it after the drop. For
//! each process one of these is true, and the caller cannot know which:
//!
//! - The command was not sent, or only a part of its line. HAProxy does not execute it.
//! - HAProxy executed the command.
//! - HAProxy will execute the command later. A process that hangs leaves the connection in
//!   the queue of its socket, and executes the command when it goes on, long after the future
//!   is gone.
//!
//! Calls that add or delete many entries ([`Map::add_all`](crate::Map::add_all),
//! [`Map::delete_all`](crate::Map::delete_all), [`Acl::add_all`](crate::Acl::add_all),
//! [`Acl::delete_all`](crate::Acl::delete_all)) send several commands. After a drop a process may
//! hold some of the entries.
//!
//! To find out, read the object again. To be sure, repeat the change if it is idempotent:
//! states, weights, addresses and limits are, added entries are not. A change that runs in a
//! task of its own is not dropped with its caller:
//!
//! ```no_run
//! # async fn example(cluster: haproxyadmin::Cluster) -> Result<(), Box<dyn std::error::Error>> {
//! use haproxyadmin::AdminState;
//!
//! let web1 = cluster.server_ref("app", "web1")?;
//! let drained = tokio::spawn(async move { web1.set_state(AdminState::Drain).await });
//! // If this future is dropped here, the task goes on.
//! println!("{}", drained.await??);
//! # Ok(())
//! # }
//! ```
//!
//! # Time limits
//!
//! Every wait has a limit of its own, so no call needs a timeout around it. The
//! [`Limits`](crate::Limits) apply to each process, and a call ends when its slowest process
//! has answered or failed:
//!
//! | limit | default | covers |
//! |---|---|---|
//! | [`connect_timeout`](crate::Limits::connect_timeout) | 1 s | one attempt to connect, name lookup included |
//! | [`idle_timeout`](crate::Limits::idle_timeout) | 5 s | silence while sending or receiving |
//! | [`command_timeout`](crate::Limits::command_timeout) | 10 s | the whole command, from the first poll to the last byte, waiting for a free connection included |
//!
//! While a reply is received, the time that this program itself needs to parse replies does not count
//! against the command: a process cannot send while its connection is not read. With many large replies
//! on few threads, a command may therefore take up to twice its limit.
//!
//! A limit is better than a timeout around the call. When a limit passes, the call returns the
//! outcomes of all processes: [`Timeout`](crate::ErrorKind::Timeout) for a process to which
//! nothing was sent or that was only read, and
//! [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) for a process that may have executed a
//! change. When a timeout drops the future, the outcomes of the processes that have answered
//! are lost too.
//!
//! ```no_run
//! # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
//! use std::time::Duration;
//! use haproxyadmin::Limits;
//!
//! let quick = cluster.with_limits(Limits::new().with_command_timeout(Duration::from_secs(2)));
//! let snapshot = quick.allow_partial().snapshot().await?;
//! println!("{} processes did not answer", snapshot.failed().count());
//! # Ok(())
//! # }
//! ```
//!
//! # The task that reads an abandoned reply
//!
//! If a future is dropped, or a limit passes, in the middle of a reply, its connection is
//! closed. During some replies this harms some releases: HAProxy 3.2 dies or hangs after a
//! long `show servers state` or `show servers conn`, and 2.6 and 3.0 never free the connection
//! of a long reply while another command waits behind it on the line
//! ([`guide::versions`](crate::guide::versions)). In these cases a task takes over the
//! connection, reads the reply to its end and throws it away. The calls are:
//!
//! - [`Cluster::fetch_server_states`](crate::Cluster::fetch_server_states),
//!   [`BackendRef::fetch_server_states`](crate::BackendRef::fetch_server_states),
//!   [`ServerRef::fetch_state`](crate::ServerRef::fetch_state),
//!   [`BackendRef::add_server`](crate::BackendRef::add_server),
//!   [`BackendRef::shutdown_sessions`](crate::BackendRef::shutdown_sessions),
//!   [`ServerRef::set_port`](crate::ServerRef::set_port) and, before HAProxy 3.0,
//!   [`ServerRef::set_address`](crate::ServerRef::set_address), which read
//!   `show servers state`;
//! - [`Cluster::fetch_server_connections`](crate::Cluster::fetch_server_connections) and
//!   [`BackendRef::fetch_server_connections`](crate::BackendRef::fetch_server_connections), which read
//!   `show servers conn`;
//! - [`take_slot`](crate::BackendRef::take_slot), [drains](crate::ServerRef::drain), and
//!   [rolling changes](crate::BackendRef::roll), which read `show servers state`;
//! - settings, which are [read](crate::Cluster::settings), [planned](crate::Cluster::restore_plan) and
//!   [restored](crate::Cluster::restore) from `show servers state`;
//! - [`Cluster::plan`](crate::Cluster::plan) and [`Cluster::drift`](crate::Cluster::drift), which read
//!   `show servers state`, and [`Cluster::apply`](crate::Cluster::apply) and
//!   [`Cluster::reconcile`](crate::Cluster::reconcile), which also drain and delete servers;
//! - [`Cluster::watch`](crate::Cluster::watch), until the watch is
//!   [stopped](crate::watch::Watch::stop): it reads `show servers state` at each beat;
//! - [`ServerRef::delete`](crate::ServerRef::delete) and
//!   [`release_slot`](crate::ServerRef::release_slot), which also read `show servers conn`;
//! - [`ServerRef::fetch_weight`](crate::ServerRef::fetch_weight) on a process of `nbproc`,
//!   which reads `show servers state`;
//! - [`Cluster::command`](crate::Cluster::command) and the commands of
//!   [`StatsSocket`](crate::StatsSocket), if the line has `show servers`, or another `show`
//!   with a command behind it (`show info` and `show cli` excepted).
//!
//! The task
//!
//! - starts only if the whole command was sent: HAProxy executes no part of a line;
//! - ends with the reply, or after 60 seconds. Behind a [master](crate::master::Master) it starts for every
//!   command, and has no limit of time: the master keeps the connection until the worker has answered;
//! - holds one of the [`max_connections`](crate::Limits::max_connections) of the socket until
//!   it ends, and none of the permits of the cluster
//!   ([`ClusterBuilder::max_connections`](crate::ClusterBuilder::max_connections));
//! - runs on the Tokio runtime in which the future is dropped. If the future is dropped
//!   outside of a runtime, or if the runtime shuts down, the connection is closed at once. To
//!   be safe with HAProxy 3.2, let these calls finish before the runtime ends.
//!
//! # Tokio
//!
//! The crate needs a Tokio runtime with its I/O and time drivers (`enable_all`), of either
//! flavour: `current_thread` or `multi_thread`. It starts no runtime. It starts threads for one purpose: if a caller
//! reads figures of most objects of a large [`Snapshot`](crate::Snapshot), they are merged on as many threads as the
//! runtime of the caller has for tasks, and the threads end before the call returns. Callers outside of a runtime, and
//! those on a runtime of one thread, merge on their own thread.
//! Directories, host names and the files of shared counters are read, and the files of maps and
//! ACLs are written, on Tokio's pool for blocking calls. After a drop, such a call goes on until the
//! file system answers, and its result is thrown away. Apart from that, from the tasks above and from the task of a
//! [`Watch`](crate::watch::Watch), nothing runs in the background: a [`Cluster`](crate::Cluster) that is not
//! called does nothing and holds no connection. The task of a watch ends with its last handle.
//!
//! The limits count Tokio's time. With a paused clock (`tokio::time::pause`) a call to a real
//! socket can reach its limits at once.
