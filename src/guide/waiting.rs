//! Waiting and draining, and the traps in them.
//!
//! A change of a server is done in a moment; its effect takes a while. [`ServerRef::wait_until`] waits
//! for the effect on every process, and [`ServerRef::drain`] makes a change and waits for it.
//!
//! | trap | here |
//! |---|---|
//! | After `set server B/S state ready` the status is `UP 1/3` at once, before any check has passed | [`is_up`](crate::wait::is_up) waits for plain `UP` |
//! | `UP 1/3` on its way *down* looks the same | the same |
//! | A server without sessions still has requests in its queue | [`is_idle`](crate::wait::is_idle) counts both |
//! | A server that is down or in maintenance never reaches `DRAIN` | it is [drained](crate::wait::is_drained) as soon as it is idle |
//! | `set server B/S state drain` ends maintenance: the server takes persistent traffic again | [`drain`](crate::ServerRef::drain) leaves it in maintenance |
//! | A process that restarts or reloads has forgotten the drain | it is told again, and its outcome counts the restarts |
//! | A process that joins the cluster has never heard of the drain | it is told too |
//! | An old worker prints `UP` for its servers, takes no new traffic and refuses `set server` | its servers are [drained](crate::wait::is_drained) as soon as they are idle |
//! | A process that met the condition first may not meet it any more when the last one does | all are looked at once more at the end |
//! | `show stat` of all servers is dear at a fast pace | the first look at a server in a process reads its backend, and the later ones one row, by its numbers; each look at a backend reads the backend; pauses grow with the time waited |
//!
//! # Limits
//!
//! The time of a wait is that of the whole wait. [`Limits`](crate::Limits) apply to each look on its own,
//! so that a hung process fails its look, and is looked at again until the time is over.
//!
//! # Setting back
//!
//! An [undo](crate::drain::Drain::or_undo) of a drain sets back only the state that the drain has set: a process in which another client has
//! set another state meanwhile keeps that one. The end of a [rolling change](crate::BackendRef::roll) sets each process
//! back to the state from before, whatever it shows: it overrides a state that an operator has set during the work.
//! Neither notices that an operator has set the same state again.
//!
//! # What the wait cannot see
//!
//! - With `fall 1`, HAProxy prints plain `UP` before the first check.
//! - Traffic of `option persist` and `force-persist` still reaches a server in drain: a drained server
//!   may get a session a moment later. Maintenance ([`Drain::then_maint`](crate::drain::Drain::then_maint))
//!   keeps it away.
//! - On 2.2, an old worker lists none of its servers. It is absent, whatever sessions it has left.
//! - Connections to a server that HAProxy keeps open for reuse (`http-reuse`) are not sessions. They do
//!   not keep a server from being idle.
//!
//! [`ServerRef::wait_until`]: crate::ServerRef::wait_until
//! [`ServerRef::drain`]: crate::ServerRef::drain
