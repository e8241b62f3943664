//! Releases of HAProxy, and their differences.
//!
//! The tests run everything on real processes of 2.2, 2.6, 3.0, 3.2 and 3.4, also mixed in
//! one cluster. Additions of later releases to a reply are kept: columns are found by name,
//! and unknown words are kept as text.
//!
//! # Calls that need a release
//!
//! The release of each process is known from its `show info`. If the process is too old for a
//! command, the command is not sent, and the error names the release that is needed:
//!
//! | call | needs |
//! |---|---|
//! | every command except reads of figures and [raw commands](crate::Cluster::command) | 1.8, which marks errors with a severity |
//! | [`Process::level`](crate::Process::level) | 1.9; the level is not known before |
//! | [`set_check_address`](crate::ServerRef::set_check_address), [`set_agent_port`](crate::ServerRef::set_agent_port), [`set_ssl`](crate::ServerRef::set_ssl) | 2.4 |
//! | [`set_agent_address`](crate::ServerRef::set_agent_address) with a port | 2.4 |
//! | [`add_server`](crate::BackendRef::add_server), [`delete`](crate::ServerRef::delete) | 2.6; [`take_slot`](crate::BackendRef::take_slot) and [`release_slot`](crate::ServerRef::release_slot) do it on older releases too, with servers of a `server-template` |
//! | `add_server` with [`guid`](crate::server::NewServer::guid) or [`cookie`](crate::server::NewServer::cookie) | 3.0 |
//! | [`BackendRef::add`](crate::BackendRef::add), [`publish`](crate::BackendRef::publish), [`unpublish`](crate::BackendRef::unpublish), [`delete`](crate::BackendRef::delete) | 3.4 |
//! | the number of entries in [`Cluster::maps`](crate::Cluster::maps) and [`acls`](crate::Cluster::acls) | 2.6 |
//!
//! In a cluster of several releases the other processes execute the command all the same. A
//! process that may have been replaced since it was identified is identified again before
//! it is found too old. If a process does not know a command although its release should,
//! the outcome is [`Unsupported`](crate::ErrorKind::Unsupported) with the process's own words.
//!
//! [`guide::commands`](crate::guide::commands) has the level and the first release of each
//! command.
//!
//! # Differences in behaviour
//!
//! | release | behaviour |
//! |---|---|
//! | 2.2 | ends `show events -w` after `stats timeout` without events: the stream of [`follow_events`](crate::Cluster::follow_events) prolongs this time for its connection |
//! | 2.2 with `nbproc` | a process answers that a backend of another process is absent; it takes a frontend of another process for a frontend that was shut down |
//! | 2.2 | a disabled frontend is `STOP`, later `PAUSED`; a frontend that was shut down is no longer listed |
//! | 2.2 | `enable health` and `check-port` are accepted for servers without health check too |
//! | 2.2.9 | a master dies if a client that has selected a worker sends a command after this worker has ended, as after a reload: each line to a worker selects it again |
//! | up to 2.6 | HAProxy uses other words for an address that was set before; both are [`Unchanged`](crate::Change::Unchanged) |
//! | up to 2.6 | [`Map::set`](crate::Map::set) accepts a value that does not have the type of the map, such as a word among numbers, and changes nothing |
//! | up to 2.9 | an address for a server that is in `MAINT (resolution)` and has none would be refused and end the maintenance all the same: [`set_address`](crate::ServerRef::set_address) refuses it before anything is sent |
//! | up to 3.2 | a server that was added shows the weight 1 in `show stat` until it is enabled |
//! | 3.2 and later | a time without a unit is refused in `add server` if it is small: [`HealthCheck`](crate::server::HealthCheck) sends times with a unit |
//! | up to 3.2 | every level may change maps and ACLs, and a "read-only" socket is not read-only |
//! | up to 3.2 | deleting a key deletes all entries that have it; 3.4 deletes one |
//! | 3.4.7 | breaks its lock of certificates if `set ssl cert` arrives while another connection reads or commits certificates, and refuses all commands on them until a reload; the calls of one `Cluster` take turns ([`Certificate`](crate::certificate::Certificate)) |
//! | 3.4.7 | refuses every address of [`set_check_address`](crate::ServerRef::set_check_address) |
//! | 3.4.7 | moves a payload that is larger than a buffer in pieces: it loses lines or executes them as commands, and misses the end of some payloads. Which ones depends on `tune.bufsize` and on the pieces in which the bytes arrive. Entries of maps are sent in pieces that fit the buffers. A [`Certificate`](crate::certificate::Certificate) or a file beside it is sent with an end that no line of it looks like, and the end is sent again if HAProxy misses it. Behind a master, the master hands on the whole connection for this (`@@!PID`) |
//! | up to 3.2 | a frontend and a backend may share a name |
//!
//! # Replies that must not be cut
//!
//! Some releases are harmed if a client closes the connection in the middle of a reply, which
//! happens when a future is dropped or a limit passes:
//!
//! | release | closed during | effect | this crate |
//! |---|---|---|---|
//! | 2.6.12, 3.0.11 | a long reply, while another command waits behind it | HAProxy never frees the connection; ten of them close all stats sockets | sends nothing behind a long reply |
//! | 3.2.26 | a long `show servers state` or `show servers conn` | HAProxy dies or hangs, a few calls later | reads such a reply to its end in a task of its own |
//! | 3.2.26, 3.4.7 | a payload, within one of its lines | HAProxy never frees the connection, and keeps a thread busy | sends a command and its payload in one piece |
//!
//! Lines that callers send with [`Cluster::command`](crate::Cluster::command) and
//! [`StatsSocket::command`](crate::StatsSocket::command) are read to their end in the same
//! way, if they have that form. [`guide::cancellation`](crate::guide::cancellation) describes
//! the task.
//!
//! # Levels
//!
//! `user` reads figures, states and weights. `operator` also reads `show errors` and may clear
//! maxima. All other changes need `admin`. The documentation of each call names the level, and
//! so does the error if the level is denied. If a process has several sockets, the socket with
//! the highest level is used.
