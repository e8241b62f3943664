//! Which releases of HAProxy this works with, and where they differ.
//!
//! The tests run everything on real processes of 2.2, 2.6, 3.0, 3.2 and 3.4, also
//! mixed in one cluster. What a later release adds to a reply is kept: columns are
//! found by name, and words that are not known stay words.
//!
//! # What a release does not have
//!
//! The release of each process is known from its `show info`. What it is too old for
//! is refused before it is sent, with the release that is needed:
//!
//! | call | needs |
//! |---|---|
//! | every command but reads of figures and [raw ones](crate::Cluster::command) | 1.8, which marks errors with a severity |
//! | [`Process::level`](crate::Process::level) | 1.9; before, the level is not known |
//! | [`set_check_address`](crate::ServerRef::set_check_address), [`set_agent_port`](crate::ServerRef::set_agent_port), [`set_ssl`](crate::ServerRef::set_ssl) | 2.4 |
//! | [`set_agent_address`](crate::ServerRef::set_agent_address) with a port | 2.4 |
//! | the number of entries in [`Cluster::maps`](crate::Cluster::maps) and [`acls`](crate::Cluster::acls) | 2.6 |
//!
//! In a cluster of several releases the others execute it all the same. A process
//! that may have been replaced since it was asked is asked again before it is refused
//! anything. What does not know a command although it should says
//! [`Unsupported`](crate::ErrorKind::Unsupported) in its own words.
//!
//! # What the same call does elsewhere
//!
//! | | |
//! |---|---|
//! | 2.2 with `nbproc` | a process says that a backend is not here which another one runs; a frontend that it does not run it takes for shut down |
//! | 2.2 | a disabled frontend is `STOP`, later `PAUSED`; one that was shut down is not listed any more |
//! | 2.2 | `enable health` and `check-port` are taken also for servers without health check |
//! | up to 2.6 | an address that was so before is told in other words; both are [`Unchanged`](crate::Change::Unchanged) |
//! | up to 2.6 | a value that is none of a map's type, such as a word among numbers, is taken by [`Map::set`](crate::Map::set) and changes nothing |
//! | up to 2.9 | an address for a server that is in `MAINT (resolution)` and has none would be refused and end the maintenance all the same: [`set_address`](crate::ServerRef::set_address) refuses it before anything is sent |
//! | up to 3.2 | every level may change maps and ACLs, and a "read-only" socket is not read-only |
//! | up to 3.2 | deleting a key deletes all entries that have it; 3.4 deletes one |
//! | 3.4.7 | refuses every address of [`set_check_address`](crate::ServerRef::set_check_address) |
//! | up to 3.2 | a frontend and a backend may share a name |
//!
//! # Replies that must not be cut
//!
//! Some releases come to harm when a client closes in the middle of a reply, as it does
//! when a future is dropped or a limit is passed:
//!
//! | release | closed during | becomes | what this crate does |
//! |---|---|---|---|
//! | 2.6.12, 3.0.11 | a long reply, while another command waits behind it | never frees the connection; ten of them close all stats sockets | sends nothing behind a long reply |
//! | 3.2.26 | a long `show servers state` or `show servers conn` | dies or hangs, a few calls later | reads such a reply to its end in a task of its own |
//! | 3.2.26, 3.4.7 | a payload, within one of its lines | never frees the connection, and keeps a thread busy | sends a command and its payload in one piece |
//!
//! Lines of your own for [`Cluster::command`](crate::Cluster::command) and
//! [`StatsSocket::command`](crate::StatsSocket::command) are read to their end in the same
//! way, where they have that form.
//!
//! # Levels
//!
//! `user` reads figures, states and weights; `operator` also `show errors`, and may
//! clear maxima; everything else that changes something needs `admin`. Each call says
//! what it needs, and so does the error where it is denied. Of several sockets of one
//! process the one with the highest level is used.
