//! The way of a call to many processes, and its result if some of them fail.
//!
//! # Which processes get a command
//!
//! A change goes to every member of the cluster at the moment of the call: also to
//! members that did not answer when the object was read, and to members that came since.
//! Each call lists the directories again. A socket is identified (a HAProxy process, a
//! second socket of a process that is a member already, another program) when it is
//! first found, and again when its file has changed. While all members are known, a
//! change is one connection to each of them. Identifying takes at most half of the time
//! of the call, so that a process that hangs leaves the rest to the others.
//!
//! A socket that accepts connections and never answers is taken for a HAProxy process
//! that hangs. It is sent commands that do no harm if they are executed twice, such as a
//! state or a weight. It is not sent commands that add something.
//!
//! All processes are asked at the same time. The call returns when the slowest of them has
//! answered or failed, and none of them takes longer than the [`Limits`](crate::Limits) of
//! the call allow, waiting for a free connection included.
//!
//! # Commands that must not be executed twice
//!
//! Adding an entry to a map or an ACL twice makes two entries, and deleting one of two
//! equal entries twice deletes both (3.4). Such a command is sent on a connection on which
//! the process has said which process it is (`prompt`, `show info`, then the command). If
//! two sockets lead to one process, even only since a reload a moment ago, one of them
//! gets the command.
//!
//! A raw command ([`Cluster::command`](crate::Cluster::command)) is sent as it is. The
//! members are identified right before it, on connections of their own.
//!
//! # During a reload
//!
//! While a new worker takes over, the worker that stops may still accept a connection. It
//! refuses commands on servers (`Proxy is disabled.`), and executes others, to no effect on
//! the new worker. Where the process says that it is stopping and another process answers
//! at the same address, the command is sent to that process too. If no other process
//! answers, the answer of the stopping one counts. A read whose process turns out to be
//! stopping is made again once for the same reason, and reads from both sides of a reload
//! are not counted as two processes.
//!
//! A change that a worker executed right before it stopped is gone with it: see the last
//! section.
//!
//! # The outcome of each process
//!
//! Every call returns [`Outcomes`](crate::Outcomes), one
//! [`Outcome`](crate::Outcome) for each process in the cluster's order:
//!
//! | outcome | is a failure | meaning |
//! |---|---|---|
//! | [`Changed`](crate::Change::Changed) | no | the process executed the command; most commands answer in silence also if everything was so before |
//! | [`Unchanged`](crate::Change::Unchanged) | no | the process said that there was nothing to do |
//! | [`not_here`](crate::Outcome::absent) | no | the process does not have the object; a failure ([`NotFound`](crate::ErrorKind::NotFound)) if no process has it |
//! | [`Refused`](crate::ErrorKind::Refused) | yes | the process said why it refuses |
//! | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | yes | the level of the socket is too low; the error names the level that is needed |
//! | [`Unsupported`](crate::ErrorKind::Unsupported) | yes | the release is too old; nothing was sent if that was known |
//! | [`Connect`](crate::ErrorKind::Connect), [`AccessDenied`](crate::ErrorKind::AccessDenied), [`Timeout`](crate::ErrorKind::Timeout) | yes | the process could not be reached, and nothing was sent |
//! | [`Partly`](crate::ErrorKind::PartiallyApplied) | yes | of many entries some are in, or may be |
//! | [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) | yes | the command was sent, and the reply was lost |
//!
//! # Strict and partial calls
//!
//! A call is strict: it fails unless it succeeded on all processes and nothing is
//! [missing](crate::Outcomes::missing), and the [error](crate::Error::outcomes) has the
//! outcomes of all processes. Changes that were made stay made.
//! [`Cluster::allow_partial`](crate::Cluster::allow_partial) returns the outcomes in any
//! case; [`all`](crate::Outcomes::all), [`at_least`](crate::Outcomes::at_least) and
//! [`any`](crate::Outcomes::any) judge them afterwards. A caller that uses none of them
//! does not learn of a failure.
//!
//! ```no_run
//! # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
//! use haproxyadmin::{AdminState, Change, ErrorKind};
//!
//! let web1 = cluster.server_ref("app", "web1")?;
//! if let Err(error) = web1.set_state(AdminState::Maint).await {
//!     let outcomes = error.outcomes::<Change>().filter(|outcomes| !outcomes.is_complete());
//!     // If it failed on no process, no process has the server.
//!     let Some(outcomes) = outcomes else { return Err(error) };
//!     // Maintenance twice is maintenance, so that processes whose outcome is unknown can
//!     // be told again too.
//!     web1.on(&cluster.only(outcomes.failed())).set_state(AdminState::Maint).await?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Unknown outcomes
//!
//! A command that a process may have executed is never sent to that process again by
//! itself. A process that hangs executes the commands that wait at its socket when it goes
//! on, long after the call has given up; a process that died may have executed the
//! command before. The same holds for a call whose future is dropped. To find out, read:
//! [`Cluster::server`](crate::Cluster::server), [`Map::show`](crate::Map::show). To be
//! sure, repeat the command, if twice is the same as once: that is true of states, weights,
//! addresses and limits, and not of entries that are added.
//!
//! # The state before a change
//!
//! A change costs no read. With
//! [`Cluster::with_previous`](crate::Cluster::with_previous) each process is read
//! right before it is changed, and
//! [`Outcomes::previous`](crate::Outcomes::previous) has the figures of all.
//!
//! # Limits of this
//!
//! A change is not atomic over processes, and it is not kept over a reload: HAProxy has it
//! in memory. An object keeps the figures of the moment at which it was read, also after a
//! change; `refresh` reads them again.
