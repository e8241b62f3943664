//! Remembering settings over a reload or a restart.
//!
//! HAProxy forgets at a reload all that was set at run time: drains, weights, addresses, limits, checks that
//! were turned off, servers that were added, entries of maps and ACLs.
//! [`Cluster::settings`](crate::Cluster::settings) reads these settings as a value that can be stored, and
//! [`Cluster::restore`](crate::Cluster::restore) sends to each process of today the ones that it lacks.
//! [`Cluster::restore_plan`](crate::Cluster::restore_plan) returns the changes and sends none.
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
//! | entries of maps and ACLs | read from the file | by the rule, if they were [remembered](crate::settings::Remember::patterns) |
//!
//! The process is the same as before if its process ID and its start time are. Its configuration cannot have
//! changed then, and every setting that differs is restored.
//!
//! # Maps and ACLs
//!
//! [`Cluster::settings_with`](crate::Cluster::settings_with) compares each map and ACL with its file, and
//! remembers the entries that were added, changed and deleted. The files must be readable for this program:
//! at the same paths ([`patterns`](crate::settings::Remember::patterns)), below the root directory of a
//! container ([`patterns_under`](crate::settings::Remember::patterns_under)), or anywhere else
//! ([`patterns_from`](crate::settings::Remember::patterns_from)). A file that cannot be read is reported.
//! Maps of HAProxy 3.0 without a file (`virt@NAME`, and `opt@FILE` if the file is absent) are empty when
//! HAProxy is started, so that all their entries are remembered.
//!
//! | the process shows | restore |
//! |---|---|
//! | the remembered value, or no entry if it had been deleted | nothing |
//! | the value of the file, or no entry if the file had none | the remembered value is set, added or deleted |
//! | something else | it is left, because the file or another client has changed it |
//!
//! - A file is read as HAProxy reads it (`pattern.c`, the same from 2.2 to 3.4). A line that begins with `#` is a
//!   comment; blanks at the beginning are ignored; the key of a map ends at the first blank, and its
//!   value is the rest without blanks around it; CR and NUL end a line. HAProxy reads the rest of a line of more
//!   than 16,383 bytes as another entry; such a file is reported as unread. HAProxy does not show an entry that
//!   is longer than its buffer; an entry of more than 7,000 bytes that is only in the file is reported.
//! - HAProxy does not tell which entries it has read from the file. If the file was changed after the process
//!   had been started, a difference may be a change of the file. Such differences are remembered, and
//!   restored only [on demand](crate::settings::Restore::with_changed_files). The time of the last change of
//!   the file tells; it has seconds, and a change in the first two seconds of the process is not noticed.
//! - Several entries of a key with the same value count as one. A key with different values is reported and left
//!   as it is, unless the process and the file have the same ones in the same order.
//! - The order of entries is not remembered: restored entries are added at the end. The order counts if
//!   several patterns of a map match, such as regular expressions. For a map that programs replace as a
//!   whole, use [`Map::replace_mirrored`](crate::Map::replace_mirrored), which also writes the file.
//! - An entry of a map with several blanks has no known key, unless the file has the key or the caller
//!   declares that [keys have no blanks](crate::settings::Remember::plain_keys).
//! - ACLs with patterns that are listed in the configuration itself have no file. They are counted, and not
//!   remembered. An entry that is not UTF-8 is reported and left as it is, because no method of this crate can
//!   send it.
//! - HAProxy refuses `add acl` for an ACL that loads its file like a map (`acl -M -f`). Entries of such an ACL
//!   are changed and deleted only if a map uses the file too.
//! - [`Map::replace_mirrored`](crate::Map::replace_mirrored) and
//!   [`Map::sync_mirrored`](crate::Map::sync_mirrored) change the file, as any other program does.
//! - A command adds as many entries as fit into 7,000 bytes; each entry that is changed or deleted, and each pattern
//!   of an ACL, takes a command of its own. 10,000 differences of a map with
//!   10,000 entries are restored in less than a second.
//!
//! # Limits
//!
//! - Maintenance and drain that a server inherits from the server that it tracks, and maintenance because
//!   its name is not resolved, are not restored: HAProxy finds them again by itself.
//! - The results of checks, and results that an operator has imposed (`set server B/S health`), are not
//!   restored.
//! - HAProxy prints an offset to the client's port (`server s 192.0.2.1:+10`) like a port. If the address of such a server
//!   is restored, and another port was set meanwhile, it gets the port 10 in place of the offset. A server with a
//!   negative offset has no [address](crate::settings::ServerSettings::address) here, and keeps the one that it shows.
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
//! - Settings of frontends and of whole processes are not remembered.
