//! Watching: the price, the order of things, and the traps.
//!
//! [`Cluster::watch`](crate::Cluster::watch) begins one poll, and any number of readers share it:
//!
//! | reader | gets |
//! |---|---|
//! | [`Watch::latest`](crate::watch::Watch::latest) | the last picture, at once |
//! | [`Watch::changed`](crate::watch::Watch::changed) | the next picture |
//! | [`Watch::events`](crate::watch::Watch::events) | each change as an event |
//!
//! ```no_run
//! # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
//! use futures::StreamExt as _;
//! use haproxyadmin::watch::{Event, WatchOptions};
//!
//! let watch = cluster.watch(WatchOptions::new().ring("states")).await?;
//! let mut events = watch.events();
//! while let Some(occurrence) = events.next().await {
//!     match occurrence.event {
//!         Event::Restarted { process, .. } => println!("{process}: repeat the changes at run time"),
//!         Event::DivergenceBegan(divergence) => println!("{divergence}"),
//!         Event::Missed { .. } => println!("begin again with {:?}", watch.latest()),
//!         event => println!("{event}"),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Price
//!
//! | read | beat | command | for 1000 servers |
//! |---|---|---|---|
//! | states | [`every`](crate::watch::WatchOptions::every), 1 s | `show info;show servers state` | 68 KB, 0.6 ms of HAProxy's time |
//! | figures | [`figures_every`](crate::watch::WatchOptions::figures_every), 10 s | the commands of [`Cluster::snapshot`](crate::Cluster::snapshot) | 320 KB, 4 ms |
//! | counters | [`counters_from_files`](crate::watch::WatchOptions::counters_from_files), never | none: read from [`shm-stats-file`](crate::guide::shared_counters#counters-without-asking) | 0.5 MB, nothing of HAProxy's time |
//! | ring | always | `show events RING -w -n`, and `show info` once in a second | 8 us for each line |
//!
//! Each read is one connection to each process, which is closed after the reply. Readers cost nothing: ten
//! dashboards with one [`Watch`](crate::watch::Watch) cost as much as one. A second call of
//! [`Cluster::watch`](crate::Cluster::watch) is a second poll: clone the first one.
//!
//! The members are listed at each beat. This reads directories, and asks masters for their workers
//! (`show proc`). If it finds a socket that is not known yet, all processes that do not hang are
//! probed once.
//!
//! # Price of one read
//!
//! HAProxy spends most of the time of a read on printing. The price is its time, relative to `show stat`, measured on
//! HAProxy 3.4 with one thread, 1,000 servers in one backend and no traffic (3.8 ms for each process).
//!
//! | wanted | call | command | price |
//! |---|---|---|---|
//! | all figures | [`Cluster::snapshot`](crate::Cluster::snapshot) | `show stat` | 1 |
//! | figures of servers | [`Cluster::snapshot_of`](crate::Cluster::snapshot_of) with [`Scope::servers`](crate::Scope::servers) | `show stat -1 4 -1` | 0.96 |
//! | some figures | the same with [`Scope::columns`](crate::Scope::columns) | the same | the same; the snapshot takes less memory |
//! | figures of frontends | [`Cluster::frontends`](crate::Cluster::frontends), [`Scope::frontends`](crate::Scope::frontends) | `show stat -1 9 -1`, `show stat -1 1 -1` | 1/500, if there are 10,000 servers |
//! | figures of backends without their servers | [`Scope::backends`](crate::Scope::backends) | `show stat -1 2 -1` | 1/40, if there are 10,000 servers in 100 backends |
//! | one backend and its servers | [`Cluster::backend`](crate::Cluster::backend) | `show stat B 6 -1` | its part of all rows |
//! | one server | [`Cluster::server`](crate::Cluster::server), from the second read on | `show stat IID 4 SID` | 1/48 |
//! | states, weights and addresses of servers | [`Cluster::fetch_server_states`](crate::Cluster::fetch_server_states), [`BackendRef::fetch_server_states`](crate::BackendRef::fetch_server_states), [`Cluster::watch`](crate::Cluster::watch) | `show servers state [B]` | 1/7 |
//! | connections of servers | [`Cluster::fetch_server_connections`](crate::Cluster::fetch_server_connections), [`BackendRef::fetch_server_connections`](crate::BackendRef::fetch_server_connections) | `show servers conn [B]` | 1/9 |
//! | the processes themselves | [`Cluster::info`](crate::Cluster::info) | `show info` | 1/54 |
//! | counters of processes on this host | [`Snapshot::with_counters_from_files`](crate::Snapshot::with_counters_from_files) | none | nothing |
//!
//! `show stat typed` costs 4 times as much as `show stat`, and `show stat json` 8 times: this crate sends neither.
//! HAProxy has no way to print fewer columns. Every read of figures also sends `show info;show cli level;show cli sockets`,
//! which tell the process apart.
//!
//! # Order
//!
//! - A picture is published before the events about its changes: a reader of an event finds the change in
//!   [`Watch::latest`](crate::watch::Watch::latest).
//! - The events of one process are in order. Events of different processes are in the order of their answers.
//! - The first look makes no events. [`Watch::latest`](crate::watch::Watch::latest) has its result.
//!
//! # Processes
//!
//! | event | meaning |
//! |---|---|
//! | [`Joined`](crate::watch::Event::Joined) | a process answers for the first time, or again after `Left` |
//! | [`Restarted`](crate::watch::Event::Restarted) | another process answers at the address, between two beats: a reload, or a quick restart |
//! | [`Stopping`](crate::watch::Event::Stopping) | it serves its last connections: `Stopping: 1` |
//! | [`Hung`](crate::watch::Event::Hung), [`Failed`](crate::watch::Event::Failed) | it does not answer within its [`Limits`](crate::Limits), or not with its states |
//! | [`Back`](crate::watch::Event::Back) | the same process answers again |
//! | [`Left`](crate::watch::Event::Left) | no process listens at the address, or the master does not list the worker any more |
//!
//! A restart that takes longer than a beat is `Left` and then `Joined`. In both cases the process has
//! forgotten changes at run time, and events follow for each server that had another state when it was last
//! seen at this address.
//!
//! Behind a [master](crate::ClusterBuilder::master), a reload is `Restarted` for the worker that serves, and
//! `Joined`, `Stopping` and later `Left` for the old worker, which is listed under its process ID.
//!
//! A process that is told to stop closes its stats sockets at once, while it still serves its last
//! connections. Without a master, `Stopping` is therefore seldom told: a reload is `Restarted`, because the
//! new worker has the socket, and a process that stops for good (`SIGUSR1`) has `Left`.
//!
//! A member that has `Left` stays in the picture with the status
//! [`Gone`](crate::watch::ProcessStatus::Gone), because it stays a member of the cluster. Old workers are
//! removed.
//!
//! # Traps
//!
//! - **Short changes are not seen.** A server that goes down and up between two beats has no event. With a
//!   [ring](crate::watch::WatchOptions::ring) each change is followed by a look within milliseconds; two
//!   changes within 20 ms can still be one.
//! - **`running` is not proof of health.** After a change to `ready`, HAProxy has the server running before
//!   any health check has passed (`UP 1/3` in `show stat`). [`wait::is_up`](crate::wait::is_up) waits for the
//!   health checks.
//! - **Processes check servers on their own**, and find out at different moments. A divergence is told when it
//!   has lasted for two beats.
//! - **A process that hangs keeps its last states.** They count in divergences. Look at
//!   [`WatchedProcess::age`](crate::watch::WatchedProcess::age).
//! - **The limits are those of the view.** With the defaults, a process is hung after 5 s without a byte. Use
//!   [`Cluster::with_limits`](crate::Cluster::with_limits) to learn it earlier.
//! - **Events are not a log.** A reader that is too slow misses some
//!   ([`Missed`](crate::watch::Event::Missed)), and a program that is down misses all. Use events to act
//!   soon, and pictures to be right.
//! - **A reason is a hint.** It is the text of the last line about this server in the ring. If the ring holds
//!   the lines of requests too, a client can write such a line: let only `notice` and above into it.
//! - **A ring may be missing.** A process without it, or with a socket below level operator, is watched by its
//!   beats alone. [`RingFailed`](crate::watch::Event::RingFailed) and
//!   [`WatchedProcess::ring_failure`](crate::watch::WatchedProcess::ring_failure) tell.
//! - **A ring is not followed through a master.** A process behind its [master](crate::ClusterBuilder::master) is
//!   watched by its beats alone, and [`RingFailed`](crate::watch::Event::RingFailed) says so. Give the stats socket of the
//!   worker, if it has one.
//! - **A ring pins old workers for a moment.** See [`EventStream`](crate::ring::EventStream).
//! - **End a watch before the runtime.** [`Watch::stop`](crate::watch::Watch::stop) lets the last questions
//!   finish. HAProxy 3.2 dies if a long reply to `show servers state` is cut.
