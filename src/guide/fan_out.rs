//! The way of a call to many processes, and its result if some of them fail.
//!
//! # Targets
//!
//! A change is sent to every member of the cluster at the moment of the call, including
//! members that did not answer when the object was read, and members that came since. Each
//! call lists the directories again. A socket is identified on first use (a HAProxy process,
//! a second socket of a process that is already a member, another program), and again when
//! its file has changed. While all members are known, a change costs one connection to each
//! of them. Identification uses at most half of the time of the call, so one hung process
//! cannot use up the time of the others.
//!
//! A socket that accepts connections but never answers is treated as a hung HAProxy process.
//! Idempotent commands, such as a state or a weight, are sent to it. Commands that add
//! something are not.
//!
//! All processes are asked at the same time. The call returns when the slowest process has
//! answered or failed. [`Cluster::snapshot_stream`](crate::Cluster::snapshot_stream) hands each answer on
//! when it arrives. No process takes longer than the [`Limits`](crate::Limits) of the call
//! allow, waiting for a free connection included.
//!
//! # Commands that must not be executed twice
//!
//! Adding an entry to a map or an ACL twice makes two entries, and deleting one of two
//! equal entries twice deletes both (3.4). The process is
//! identified on the connection of the command itself (`prompt`, `show info`, then the
//! command). If two sockets lead to one process, even if only since a reload a moment ago, the
//! command is sent through one of them.
//!
//! A raw command ([`Cluster::command`](crate::Cluster::command)) is sent as it is. The
//! members are identified right before it, on connections of their own.
//!
//! # During a reload
//!
//! While a new worker takes over, the old worker may still accept a connection. It refuses
//! commands on servers (`Proxy is disabled.`). It executes other commands, without effect on
//! the new worker. If the process says that it is stopping, and another process answers at
//! the same address, the command is sent to that process too. If no other process answers,
//! the answer of the stopping process counts. For the same reason a read is repeated once if
//! its process turns out to be stopping, and reads from both sides of a reload are not
//! counted as two processes.
//!
//! A change that a worker executed right before it stopped is lost with the worker: see the
//! last section.
//!
//! # The outcome of each process
//!
//! Every call returns [`Outcomes`](crate::Outcomes), one
//! [`Outcome`](crate::Outcome) for each process in the cluster's order:
//!
//! | outcome | failure | meaning |
//! |---|---|---|
//! | [`Changed`](crate::Change::Changed) | no | the process executed the command; most commands also answer without a message if nothing was to be changed |
//! | [`Unchanged`](crate::Change::Unchanged) | no | the process said that there was nothing to do |
//! | [`absent`](crate::Outcome::absent) | no | the process does not have the object; a failure ([`NotFound`](crate::ErrorKind::NotFound)) if no process has it |
//! | [`Refused`](crate::ErrorKind::Refused) | yes | the process refused the command; the error has its words |
//! | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | yes | the level of the socket is too low; the error names the level that is needed |
//! | [`Unsupported`](crate::ErrorKind::Unsupported) | yes | the release is too old; nothing was sent if that was known |
//! | [`Connect`](crate::ErrorKind::Connect), [`AccessDenied`](crate::ErrorKind::AccessDenied), [`Timeout`](crate::ErrorKind::Timeout) | yes | the process could not be reached, and nothing was sent |
//! | [`PartiallyApplied`](crate::ErrorKind::PartiallyApplied) | yes | some of many entries were added, or may have been added; or a call that adds or deletes a server stopped after its first command |
//! | [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) | yes | the command was sent, and the reply was lost |
//!
//! # Strict and partial calls
//!
//! Calls are strict by default: a call fails unless it succeeded on all processes and nothing
//! is [missing](crate::Outcomes::missing). The [error](crate::Error::outcomes) has the
//! outcomes of all processes. Changes are not undone.
//! [`Cluster::allow_partial`](crate::Cluster::allow_partial) returns the outcomes in any case.
//! [`all`](crate::Outcomes::all), [`at_least`](crate::Outcomes::at_least) and
//! [`any`](crate::Outcomes::any) turn them into an error afterwards. If the caller uses none
//! of these, failures are not reported.
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
//!     // The change is idempotent, so it can also be repeated on processes with an unknown
//!     // outcome.
//!     web1.on(&cluster.only(outcomes.failed())).set_state(AdminState::Maint).await?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Unknown outcomes
//!
//! A command that a process may have executed is not sent to that process again
//! automatically. The exception is a worker behind its master, because a reload cuts its connections off: an
//! idempotent change is then sent again, three times in all. A hung process executes the commands that wait at its socket when it goes
//! on, long after the call has failed. A process that died may have executed the command
//! before. The same is true if the caller drops the future of the call:
//! [`guide::cancellation`](crate::guide::cancellation). To find out, read:
//! [`Cluster::server`](crate::Cluster::server), [`Map::show`](crate::Map::show). To be sure,
//! repeat the command if it is idempotent: states, weights, addresses and limits are, added
//! entries are not.
//!
//! # The state before a change
//!
//! By default a change reads nothing. With
//! [`Cluster::with_previous`](crate::Cluster::with_previous) each process is read right before
//! it is changed, and [`Outcomes::previous`](crate::Outcomes::previous) has the figures of all
//! processes. If the previous state of a process could not be read, the change is not sent to
//! that process.
//!
//! # Limitations
//!
//! A change is not atomic over processes. It is lost at a reload, because HAProxy holds it in
//! memory. An object keeps the figures of the moment at which it was read, also after a
//! change; `refresh` reads them again.
