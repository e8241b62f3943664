//! How a call reaches many processes, and what becomes of it when some of them
//! fail.
//!
//! # Who is asked
//!
//! A change goes to every member of the cluster at the moment of the call: also to
//! those that did not answer when the object was read, and to those that came since.
//! Directories are listed anew each time. Who a socket is (a HAProxy, a second
//! socket of one that is asked already, something else) is asked first, and again when
//! another file is there: while the members are known, a change is one connection to
//! each and nothing else. That question may take half of the time of the call, so that
//! a process that hangs before it was ever met leaves the rest to the others.
//!
//! A socket that accepts and says nothing is taken for a HAProxy that hangs. It is sent
//! what does no harm twice, such as a state or a weight, without being waited for
//! first a second time; what adds something it is not sent before it has said who it
//! is. At TCP and abstract addresses, where no file tells that another process has
//! come, that is asked anew before anything is added.
//!
//! All are asked at the same time. The slowest decides when the call returns, and
//! none takes longer than the [`Limits`](crate::Limits) of the call allow, waiting
//! for a free connection included.
//!
//! # What each of them said
//!
//! Every call returns [`Outcomes`](crate::Outcomes), one
//! [`Outcome`](crate::Outcome) for each process in the cluster's order:
//!
//! | outcome | is a failure | |
//! |---|---|---|
//! | [`Changed`](crate::Change::Changed) | no | it did as it was told; most commands answer in silence also when everything was so before |
//! | [`Unchanged`](crate::Change::Unchanged) | no | it said that there was nothing to do |
//! | [`not_here`](crate::Outcome::not_here) | no | it does not have the object; a failure ([`NotFound`](crate::ErrorKind::NotFound)) if nobody has it |
//! | [`Refused`](crate::ErrorKind::Refused) | yes | it said why |
//! | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | yes | the level of the socket is too low; the error names the one that is needed |
//! | [`Unsupported`](crate::ErrorKind::Unsupported) | yes | it is too old; nothing was sent if that was known |
//! | [`Connect`](crate::ErrorKind::Connect), [`AccessDenied`](crate::ErrorKind::AccessDenied), [`Timeout`](crate::ErrorKind::Timeout) | yes | it could not be reached, and nothing was sent |
//! | [`Partly`](crate::ErrorKind::Partly) | yes | of many entries some are in, or may be |
//! | [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) | yes | the command was sent, and the reply was lost |
//!
//! # Strict, and lenient
//!
//! A call is strict: it fails unless all went well, and the
//! [error](crate::Error::outcomes) has the outcomes of all processes. It is not
//! undone where it went well.
//! [`Cluster::allow_partial`](crate::Cluster::allow_partial) gives the outcomes
//! whatever they are; [`all`](crate::Outcomes::all),
//! [`at_least`](crate::Outcomes::at_least) and [`any`](crate::Outcomes::any) judge
//! them, and who asks none of them is told of no failure. They judge when all have finished, and keep nothing from anybody.
//!
//! ```no_run
//! # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
//! use haproxyadmin::{AdminState, Change, ErrorKind};
//!
//! let web1 = cluster.server_ref("app", "web1")?;
//! if let Err(error) = web1.set_state(AdminState::Maint).await {
//!     let outcomes = error.outcomes::<Change>().filter(|outcomes| !outcomes.is_complete());
//!     // If it failed nowhere, nobody has the server.
//!     let Some(outcomes) = outcomes else { return Err(error) };
//!     // Maintenance twice is maintenance, so that even those whose fate is unknown
//!     // can be told again.
//!     web1.of(&cluster.only(outcomes.failed())).set_state(AdminState::Maint).await?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # When the outcome is unknown
//!
//! Nothing that may have been executed is ever sent again by itself. A process that
//! hangs executes what waits at its socket when it wakes, after the call has long
//! given up; one that dies may have done it before. So does a call whose future is
//! dropped. To find out, read: [`Cluster::server`](crate::Cluster::server),
//! [`Map::show`](crate::Map::show). To be sure, say it again, if twice is the same as
//! once: it is for states, weights, addresses and limits, and it is not for entries
//! that are added, which are there twice then.
//!
//! # What was there before
//!
//! A change costs no read. With
//! [`Cluster::with_previous`](crate::Cluster::with_previous) each process is read
//! right before it is changed, and
//! [`Outcomes::previous`](crate::Outcomes::previous) has the figures of all.
//!
//! # What is not promised
//!
//! A change is not atomic over processes, nor is it kept over a reload: HAProxy has it
//! in memory. An object keeps the figures of the moment when it was read, also after a
//! change; `refresh` gives those of now.
