//! Remembering settings over a reload or a restart.
//!
//! HAProxy forgets at a reload all that was set at run time: drains, weights, addresses, limits, checks that
//! were turned off, servers that were added. [`Cluster::settings`](crate::Cluster::settings) reads these
//! settings as a value that can be stored, and [`Cluster::restore`](crate::Cluster::restore) sends to each
//! process of today the ones that it lacks. [`Cluster::restore_plan`](crate::Cluster::restore_plan) returns
//! the changes and sends none.
//!
//! HAProxy has a file for this (`load-server-state-from-file`). It must be in the configuration of each
//! process; it also brings back the results of checks, and addresses that the configuration has changed
//! since. Here the configuration wins.
//!
//! # The rule
//!
//! Over a reload, a setting is restored if it had been changed at run time, and if its value in the
//! configuration is the same as before:
//!
//! | setting | value in the configuration, as HAProxy shows it | restored over a reload |
//! |---|---|---|
//! | administrative state | `disabled` or not: a bit of `srv_admin_state` | by the rule |
//! | weight | `srv_iweight` | by the rule |
//! | health checks, agent checks on or off | on | if they were off |
//! | address and port | not shown | servers of a [`template`](crate::settings::Restore::template); all of them with [`with_addresses`](crate::settings::Restore::with_addresses) |
//! | host name | shown until it is set at run time | with [`with_addresses`](crate::settings::Restore::with_addresses) |
//! | `maxconn` | not shown | with [`with_maxconn`](crate::settings::Restore::with_maxconn) |
//! | servers that were added | - | the [`dynamic`](crate::settings::Restore::dynamic) ones |
//!
//! The process is the same as before if its process ID and its start time are. Its configuration cannot have
//! changed then, and every setting that differs is restored.
//!
//! # Limits
//!
//! - Maintenance and drain that a server inherits from the server that it tracks, and maintenance because
//!   its name is not resolved, are not restored: HAProxy finds them again by itself.
//! - The results of checks, and results that an operator has imposed (`set server B/S health`), are not
//!   restored.
//! - A static balancing algorithm accepts the weights 0 % and 100 % only. They are sent as percentages.
//! - HAProxy does not tell which servers were added at run time, except one that has a deleted server's
//!   number (`srid`, 3.0). The caller names the others. A server that is gone and not named is reported
//!   ([`LeftReason::ServerGone`](crate::settings::LeftReason::ServerGone)).
//! - HAProxy shows the address, weight, `maxconn`, `backup` and cookie of a server to add again, and the
//!   addresses and ports of its checks. It shows `rise` and `fall` while the checks run. It does not show
//!   the interval and the kind of the checks, TLS parameters, `slowstart`, `proto` and the like. A
//!   server with TLS is not added without a description. Before 2.4 the words are not shown at all; these
//!   releases add no servers.
//! - An agent that sets the weight or the state of a server may do so again at once. The process then does
//!   not show what was restored, and the outcome is an error.
//! - Settings of frontends and of whole processes, and entries of maps and ACLs, are not remembered. For
//!   entries, see [`Map::replace_mirrored`](crate::Map::replace_mirrored).
