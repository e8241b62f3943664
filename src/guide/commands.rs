//! HAProxy's commands that this crate sends, and the calls that send them.
//!
//! *Level* is the level that the socket needs. *From* is the first release that gets the
//! command. A dash stands for every release, back to 1.7. A process that is older than *from*
//! is an [`Unsupported`](crate::ErrorKind::Unsupported) outcome, and nothing is sent to it. In
//! a command, capitals are arguments, brackets hold an optional part, and `B/S` is a backend
//! and one of its servers.
//!
//! Methods of [`ServerRef`](crate::ServerRef), [`FrontendRef`](crate::FrontendRef) and
//! [`BackendRef`](crate::BackendRef) exist under the same names on
//! [`Server`](crate::Server), [`Frontend`](crate::Frontend) and [`Backend`](crate::Backend).
//!
//! # Processes
//!
//! | command | call | level | from |
//! |---|---|---|---|
//! | `show info` | every read, for example [`Cluster::info`](crate::Cluster::info); [`Cluster::session_count`](crate::Cluster::session_count) | user | - |
//! | `show cli level` | every read | user | -; known since 1.9 |
//! | `show cli sockets` | every read | user | -; known since 1.8 |
//! | `show stat [NAME\|-1 KINDS -1\|IID 4 SID]` | every read, for example [`Cluster::snapshot`](crate::Cluster::snapshot), [`Cluster::snapshot_of`](crate::Cluster::snapshot_of); one server by its numbers: [`ServerRef::wait_until`](crate::ServerRef::wait_until), [`ServerRef::drain`](crate::ServerRef::drain) | user | - |
//! | `dump stats-file` | every read, if processes share counters: [`guide::shared_counters`](crate::guide::shared_counters) | user | 3.3 |
//! | `show errors [NAME]` | [`Cluster::show_errors`](crate::Cluster::show_errors), [`Cluster::show_errors_of`](crate::Cluster::show_errors_of) | operator | 1.8 |
//! | `show activity` | [`Cluster::show`](crate::Cluster::show) | operator; user up to 2.6 | 1.8 |
//! | `show cache` | [`Cluster::show`](crate::Cluster::show) | admin | 1.8 |
//! | `show env` | [`Cluster::show`](crate::Cluster::show) | operator | 1.8 |
//! | `show fd` | [`Cluster::show`](crate::Cluster::show) | operator | 1.8 |
//! | `show libs` | [`Cluster::show`](crate::Cluster::show) | operator | 2.6 |
//! | `show pools` | [`Cluster::show`](crate::Cluster::show); [`Map::add_all`](crate::Map::add_all) and other calls that add many entries | user | 1.8 |
//! | `show profiling` | [`Cluster::show`](crate::Cluster::show) | admin; user in 2.2 | 1.8 |
//! | `show startup-logs` | [`Cluster::show`](crate::Cluster::show) | operator | 1.8 |
//! | `show threads` | [`Cluster::show`](crate::Cluster::show) | user | 1.8 |
//! | `show tls-keys` | [`Cluster::show`](crate::Cluster::show) | admin; user up to 3.2 | 1.8 |
//! | `show version` | [`Cluster::show`](crate::Cluster::show) | user | 2.6 |
//! | `clear counters [all]` | [`Cluster::clear_counters`](crate::Cluster::clear_counters) | operator; admin with `all` | 1.8 |
//! | `set maxconn global N` | [`Cluster::set_maxconn`](crate::Cluster::set_maxconn) | admin | 1.8 |
//! | `set rate-limit LIMIT global N` | [`Cluster::set_rate_limit`](crate::Cluster::set_rate_limit) | admin | 1.8 |
//!
//! # Sessions
//!
//! | command | call | level | from |
//! |---|---|---|---|
//! | `show sess [ID\|all]` | [`Cluster::show`](crate::Cluster::show), [`Cluster::sessions`](crate::Cluster::sessions), [`Cluster::session`](crate::Cluster::session); [`Cluster::session_count`](crate::Cluster::session_count) up to 2.9; before the change, [`Cluster::shutdown_session`](crate::Cluster::shutdown_session) | operator | 1.8 |
//! | `shutdown session ID` | [`Cluster::shutdown_session`](crate::Cluster::shutdown_session) | admin | 1.8 |
//!
//! # Frontends
//!
//! | command | call | level | from |
//! |---|---|---|---|
//! | `enable frontend NAME` | [`FrontendRef::enable`](crate::FrontendRef::enable) | admin | 1.8 |
//! | `disable frontend NAME` | [`FrontendRef::disable`](crate::FrontendRef::disable) | admin | 1.8 |
//! | `shutdown frontend NAME` | [`FrontendRef::shutdown`](crate::FrontendRef::shutdown) | admin | 1.8 |
//! | `set maxconn frontend NAME N` | [`FrontendRef::set_maxconn`](crate::FrontendRef::set_maxconn) | admin | 1.8 |
//!
//! # Servers
//!
//! | command | call | level | from |
//! |---|---|---|---|
//! | `set server B/S state ready\|drain\|maint` | [`ServerRef::set_state`](crate::ServerRef::set_state), [`ServerRef::drain`](crate::ServerRef::drain), [`BackendRef::take_slot`](crate::BackendRef::take_slot), [`Cluster::restore`](crate::Cluster::restore), [`Cluster::apply`](crate::Cluster::apply) | admin | 1.8 |
//! | `enable server B/S` | [`ServerRef::enable`](crate::ServerRef::enable), [`BackendRef::add_server`](crate::BackendRef::add_server) | admin | 1.8 |
//! | `disable server B/S` | [`ServerRef::disable`](crate::ServerRef::disable), [`ServerRef::delete`](crate::ServerRef::delete), [`ServerRef::release_slot`](crate::ServerRef::release_slot) | admin | 1.8 |
//! | `set server B/S weight W` | [`ServerRef::set_weight`](crate::ServerRef::set_weight), [`BackendRef::take_slot`](crate::BackendRef::take_slot), [`ServerRef::release_slot`](crate::ServerRef::release_slot), [`Cluster::restore`](crate::Cluster::restore), [`Cluster::apply`](crate::Cluster::apply) | admin | 1.8 |
//! | `get weight B/S` | [`ServerRef::fetch_weight`](crate::ServerRef::fetch_weight) | user | 1.8 |
//! | `show servers state [B]` | [`Cluster::watch`](crate::Cluster::watch), at each beat; [`Cluster::settings`](crate::Cluster::settings), [`BackendRef::settings`](crate::BackendRef::settings), [`ServerRef::settings`](crate::ServerRef::settings); [`Cluster::plan`](crate::Cluster::plan), [`Cluster::drift`](crate::Cluster::drift); before and after the change, [`Cluster::restore`](crate::Cluster::restore), [`Cluster::apply`](crate::Cluster::apply); [`ServerRef::fetch_state`](crate::ServerRef::fetch_state), [`Cluster::fetch_server_states`](crate::Cluster::fetch_server_states), [`BackendRef::fetch_server_states`](crate::BackendRef::fetch_server_states); before the change, [`BackendRef::shutdown_sessions`](crate::BackendRef::shutdown_sessions), [`ServerRef::set_port`](crate::ServerRef::set_port), [`ServerRef::drain`](crate::ServerRef::drain), and [`ServerRef::set_address`](crate::ServerRef::set_address) up to 2.9; after the change, [`BackendRef::add_server`](crate::BackendRef::add_server) and [`ServerRef::delete`](crate::ServerRef::delete); before and after, [`BackendRef::take_slot`](crate::BackendRef::take_slot) and [`ServerRef::release_slot`](crate::ServerRef::release_slot) | user | 1.8 |
//! | `set server B/S addr IP [port P]` | [`ServerRef::set_address`](crate::ServerRef::set_address), [`ServerRef::set_port`](crate::ServerRef::set_port), [`BackendRef::take_slot`](crate::BackendRef::take_slot), [`ServerRef::release_slot`](crate::ServerRef::release_slot), [`Cluster::restore`](crate::Cluster::restore), [`Cluster::apply`](crate::Cluster::apply) | admin | 1.8 |
//! | `set server B/S fqdn HOST` | [`ServerRef::set_fqdn`](crate::ServerRef::set_fqdn), [`Cluster::restore`](crate::Cluster::restore) | admin | 1.8 |
//! | `set maxconn server B/S N` | [`ServerRef::set_maxconn`](crate::ServerRef::set_maxconn), [`Cluster::restore`](crate::Cluster::restore) | admin | 1.8 |
//! | `set server B/S ssl on\|off` | [`ServerRef::set_ssl`](crate::ServerRef::set_ssl) | admin | 2.4 |
//! | `shutdown sessions server B/S` | [`ServerRef::shutdown_sessions`](crate::ServerRef::shutdown_sessions), [`BackendRef::shutdown_sessions`](crate::BackendRef::shutdown_sessions), [`ServerRef::delete`](crate::ServerRef::delete), [`ServerRef::release_slot`](crate::ServerRef::release_slot) and [`ServerRef::drain`](crate::ServerRef::drain) by force | admin | 1.8 |
//! | `add server B/S ADDRESS WORD...` | [`BackendRef::add_server`](crate::BackendRef::add_server), [`Cluster::restore`](crate::Cluster::restore), [`Cluster::apply`](crate::Cluster::apply) | admin | 2.6; 3.0 with `guid` or `cookie` |
//! | `del server B/S` | [`ServerRef::delete`](crate::ServerRef::delete) | admin | 2.6 |
//! | `show servers conn [B]` | [`Cluster::fetch_server_connections`](crate::Cluster::fetch_server_connections), [`BackendRef::fetch_server_connections`](crate::BackendRef::fetch_server_connections); before the change, [`ServerRef::delete`](crate::ServerRef::delete) and [`ServerRef::release_slot`](crate::ServerRef::release_slot) | user | 1.8 |
//!
//! [`Cluster::apply`](crate::Cluster::apply) also makes the calls [`ServerRef::drain`](crate::ServerRef::drain),
//! [`ServerRef::delete`](crate::ServerRef::delete), [`BackendRef::wait_until`](crate::BackendRef::wait_until),
//! [`Map::sync`](crate::Map::sync), [`Acl::sync`](crate::Acl::sync) and
//! [`Certificate::replace`](crate::certificate::Certificate::replace), and
//! [`Cluster::plan`](crate::Cluster::plan) makes the calls that read the same objects.
//! [`Cluster::reconcile`](crate::Cluster::reconcile) makes the calls of `apply`.
//!
//! # Health and agent checks of servers
//!
//! | command | call | level | from |
//! |---|---|---|---|
//! | `set server B/S health up\|stopping\|down` | [`ServerRef::set_health`](crate::ServerRef::set_health) | admin | 1.8 |
//! | `enable health B/S` | [`ServerRef::enable_health`](crate::ServerRef::enable_health), [`BackendRef::add_server`](crate::BackendRef::add_server), [`Cluster::restore`](crate::Cluster::restore), [`Cluster::apply`](crate::Cluster::apply) | admin | 1.8 |
//! | `disable health B/S` | [`ServerRef::disable_health`](crate::ServerRef::disable_health), [`Cluster::restore`](crate::Cluster::restore) | admin | 1.8 |
//! | `set server B/S check-port P` | [`ServerRef::set_check_port`](crate::ServerRef::set_check_port) | admin | 1.8 |
//! | `set server B/S check-addr IP [port P]` | [`ServerRef::set_check_address`](crate::ServerRef::set_check_address) | admin | 2.4 |
//! | `set server B/S agent up\|down` | [`ServerRef::set_agent`](crate::ServerRef::set_agent) | admin | 1.8 |
//! | `enable agent B/S` | [`ServerRef::enable_agent`](crate::ServerRef::enable_agent), [`BackendRef::add_server`](crate::BackendRef::add_server), [`Cluster::restore`](crate::Cluster::restore), [`Cluster::apply`](crate::Cluster::apply) | admin | 1.8 |
//! | `disable agent B/S` | [`ServerRef::disable_agent`](crate::ServerRef::disable_agent), [`Cluster::restore`](crate::Cluster::restore) | admin | 1.8 |
//! | `set server B/S agent-addr HOST [port P]` | [`ServerRef::set_agent_address`](crate::ServerRef::set_agent_address) | admin | 1.8; 2.4 with a port |
//! | `set server B/S agent-port P` | [`ServerRef::set_agent_port`](crate::ServerRef::set_agent_port) | admin | 2.4 |
//! | `set server B/S agent-send TEXT` | [`ServerRef::set_agent_send`](crate::ServerRef::set_agent_send) | admin | 1.8 |
//!
//! # Backends
//!
//! | command | call | level | from |
//! |---|---|---|---|
//! | `add backend NAME from DEFAULTS [mode M] [guid G]` | [`BackendRef::add`](crate::BackendRef::add) | admin | 3.4 |
//! | `publish backend NAME` | [`BackendRef::publish`](crate::BackendRef::publish) | admin | 3.4 |
//! | `unpublish backend NAME` | [`BackendRef::unpublish`](crate::BackendRef::unpublish), [`BackendRef::delete`](crate::BackendRef::delete) | admin | 3.4 |
//! | `del backend NAME` | [`BackendRef::delete`](crate::BackendRef::delete) | admin | 3.4 |
//!
//! # Maps
//!
//! Up to 3.2 every level may read and change maps and ACLs.
//!
//! | command | call | level | from |
//! |---|---|---|---|
//! | `show map [ID]` | [`Cluster::maps`](crate::Cluster::maps), [`Map::show`](crate::Map::show), [`Cluster::settings_with`](crate::Cluster::settings_with) | admin | 1.8 |
//! | `get map ID KEY` | [`Map::get`](crate::Map::get) | admin | 1.8 |
//! | `add map ID KEY VALUE` | [`Map::add`](crate::Map::add), [`Map::add_all`](crate::Map::add_all) | admin | 1.8 |
//! | `set map ID KEY VALUE` | [`Map::set`](crate::Map::set), [`Map::set_entry`](crate::Map::set_entry) | admin | 1.8 |
//! | `del map ID KEY` | [`Map::delete`](crate::Map::delete), [`Map::delete_all`](crate::Map::delete_all), [`Map::delete_entry`](crate::Map::delete_entry) | admin | 1.8 |
//! | `prepare map ID` | [`Map::replace`](crate::Map::replace) | admin | 2.4 |
//! | `commit map @N ID` | [`Map::replace`](crate::Map::replace) | admin | 2.4 |
//! | `clear map ID` | [`Map::clear`](crate::Map::clear) | admin | 1.8 |
//!
//! `add_all` sends most entries as the payload of one command: `add map ID <<`. `replace` also sends
//! `add`, `show`, `clear` and `del`, with the number of the new version: `add map @N ID <<`.
//! [`Map::sync`](crate::Map::sync) sends `show`, `add`, `set` and `del`, or the commands of `replace`,
//! and [`Map::plan`](crate::Map::plan) sends `show`. The same holds for ACLs.
//!
//! # ACLs
//!
//! | command | call | level | from |
//! |---|---|---|---|
//! | `show acl [ID]` | [`Cluster::acls`](crate::Cluster::acls), [`Acl::show`](crate::Acl::show), [`Cluster::settings_with`](crate::Cluster::settings_with) | admin | 1.8 |
//! | `get acl ID VALUE` | [`Acl::get`](crate::Acl::get) | admin | 1.8 |
//! | `add acl ID PATTERN` | [`Acl::add`](crate::Acl::add), [`Acl::add_all`](crate::Acl::add_all) | admin | 1.8 |
//! | `del acl ID PATTERN` | [`Acl::delete`](crate::Acl::delete), [`Acl::delete_all`](crate::Acl::delete_all), [`Acl::delete_entry`](crate::Acl::delete_entry) | admin | 1.8 |
//! | `prepare acl ID` | [`Acl::replace`](crate::Acl::replace) | admin | 2.4 |
//! | `commit acl @N ID` | [`Acl::replace`](crate::Acl::replace) | admin | 2.4 |
//! | `clear acl ID` | [`Acl::clear`](crate::Acl::clear) | admin | 1.8 |
//!
//! # Beside other commands
//!
//! | command | call | level | from |
//! |---|---|---|---|
//! | `set severity-output number` | every command above but the reads of figures: makes HAProxy mark its messages with a severity | user | 1.8 |
//! | `prompt` | commands that must not be executed twice, [`BackendRef::shutdown_sessions`](crate::BackendRef::shutdown_sessions), and dumps of maps and ACLs: begins interactive mode, in which the end of a reply is marked | user | 1.8 |
//!
//! Changes that HAProxy executes also while it stops are sent behind `show info`, which
//! identifies the process in the same reply: see [`guide::fan_out`](crate::guide::fan_out).
//!
//! # Stick tables
//!
//! | command | call | level | from |
//! |---|---|---|---|
//! | `show table [NAME [key KEY\|CONDITIONS]]` | [`Cluster::tables`](crate::Cluster::tables), which also goes before every call on one key, [`StickTable::show`](crate::table::StickTable::show), [`StickTable::merged`](crate::table::StickTable::merged), [`StickTable::show_where`](crate::table::StickTable::show_where), [`StickTable::for_each`](crate::table::StickTable::for_each), [`StickTable::get`](crate::table::StickTable::get), which also goes before `set` | operator; user without a name | 1.8 |
//! | `set table NAME key KEY VALUES` | [`StickTable::set`](crate::table::StickTable::set) | operator | 1.8 |
//! | `clear table NAME [key KEY\|CONDITIONS]` | [`StickTable::delete`](crate::table::StickTable::delete), [`StickTable::clear_where`](crate::table::StickTable::clear_where), [`StickTable::clear`](crate::table::StickTable::clear) | operator; user up to 3.0 without a key | 1.8 |
//!
//! # Certificates
//!
//! | command | call | level | from |
//! |---|---|---|---|
//! | `show ssl cert [[*]NAME]` | [`Cluster::certificates`](crate::Cluster::certificates), [`Certificate::show`](crate::certificate::Certificate::show), [`Certificate::show_pending`](crate::certificate::Certificate::show_pending), [`Certificate::replace`](crate::certificate::Certificate::replace); before the change, [`Certificate::set`](crate::certificate::Certificate::set) | operator | 2.2 |
//! | `new ssl cert NAME` | [`Certificate::create`](crate::certificate::Certificate::create) | admin | 2.2 |
//! | `set ssl cert NAME <<` | [`Certificate::set`](crate::certificate::Certificate::set), [`Certificate::replace`](crate::certificate::Certificate::replace) | admin | 2.2 |
//! | `commit ssl cert NAME` | [`Certificate::commit`](crate::certificate::Certificate::commit), [`Certificate::replace`](crate::certificate::Certificate::replace) | admin | 2.2 |
//! | `abort ssl cert NAME` | [`Certificate::abort`](crate::certificate::Certificate::abort); [`Certificate::replace`](crate::certificate::Certificate::replace) if a process failed | admin | 2.2 |
//! | `del ssl cert NAME` | [`Certificate::delete`](crate::certificate::Certificate::delete) | admin | 2.2 |
//! | `show ssl ca-file [[*]NAME]` | [`Cluster::ca_files`](crate::Cluster::ca_files), [`CaFile::show`](crate::certificate::CaFile::show), [`CaFile::show_pending`](crate::certificate::CaFile::show_pending), [`CaFile::replace`](crate::certificate::CaFile::replace); before the change, [`CaFile::set`](crate::certificate::CaFile::set), [`CaFile::delete`](crate::certificate::CaFile::delete) | operator | 2.5 |
//! | `new ssl ca-file NAME` | [`CaFile::create`](crate::certificate::CaFile::create) | admin | 2.5 |
//! | `set ssl ca-file NAME <<` | [`CaFile::set`](crate::certificate::CaFile::set), [`CaFile::replace`](crate::certificate::CaFile::replace) | admin | 2.5 |
//! | `add ssl ca-file NAME <<` | [`CaFile::add`](crate::certificate::CaFile::add) | admin | 2.7 |
//! | `commit ssl ca-file NAME` | [`CaFile::commit`](crate::certificate::CaFile::commit), [`CaFile::replace`](crate::certificate::CaFile::replace) | admin | 2.5 |
//! | `abort ssl ca-file NAME` | [`CaFile::abort`](crate::certificate::CaFile::abort); [`CaFile::replace`](crate::certificate::CaFile::replace) if a process failed | admin | 2.5 |
//! | `del ssl ca-file NAME` | [`CaFile::delete`](crate::certificate::CaFile::delete) | admin | 2.5 |
//! | `show ssl crl-file [[*]NAME]` | [`Cluster::crl_files`](crate::Cluster::crl_files), [`CrlFile::show`](crate::certificate::CrlFile::show), [`CrlFile::show_pending`](crate::certificate::CrlFile::show_pending), [`CrlFile::replace`](crate::certificate::CrlFile::replace); before the change, [`CrlFile::set`](crate::certificate::CrlFile::set), [`CrlFile::delete`](crate::certificate::CrlFile::delete) | operator | 2.5 |
//! | `new ssl crl-file NAME` | [`CrlFile::create`](crate::certificate::CrlFile::create) | admin | 2.5 |
//! | `set ssl crl-file NAME <<` | [`CrlFile::set`](crate::certificate::CrlFile::set), [`CrlFile::replace`](crate::certificate::CrlFile::replace) | admin | 2.5 |
//! | `commit ssl crl-file NAME` | [`CrlFile::commit`](crate::certificate::CrlFile::commit), [`CrlFile::replace`](crate::certificate::CrlFile::replace) | admin | 2.5 |
//! | `abort ssl crl-file NAME` | [`CrlFile::abort`](crate::certificate::CrlFile::abort); [`CrlFile::replace`](crate::certificate::CrlFile::replace) if a process failed | admin | 2.5 |
//! | `del ssl crl-file NAME` | [`CrlFile::delete`](crate::certificate::CrlFile::delete) | admin | 2.5 |
//! | `show ssl crt-list [-n FILE]` | [`Cluster::crt_lists`](crate::Cluster::crt_lists), [`CrtList::entries`](crate::certificate::CrtList::entries) | admin | 2.2 |
//! | `add ssl crt-list FILE CERTIFICATE` | [`CrtList::add`](crate::certificate::CrtList::add), with options and filters as a payload | admin | 2.2 |
//! | `del ssl crt-list FILE CERTIFICATE` | [`CrtList::delete`](crate::certificate::CrtList::delete), [`CrtList::delete_line`](crate::certificate::CrtList::delete_line) | admin | 2.2 |
//! | `show ssl ocsp-response [ID\|text NAME]` | [`Cluster::ocsp_responses`](crate::Cluster::ocsp_responses), [`Cluster::ocsp_response`](crate::Cluster::ocsp_response), [`Certificate::ocsp_response`](crate::certificate::Certificate::ocsp_response) | admin; user up to 3.2 | 2.5; 2.8 with a name |
//! | `set ssl ocsp-response <<` | [`Cluster::set_ocsp_response`](crate::Cluster::set_ocsp_response) | admin; user up to 3.2 | 1.8 |
//! | `update ssl ocsp-response NAME` | [`Certificate::update_ocsp_response`](crate::certificate::Certificate::update_ocsp_response) | admin; user up to 3.2 | 2.8 |
//! | `show ssl ocsp-updates` | [`Cluster::ocsp_updates`](crate::Cluster::ocsp_updates) | admin; user up to 3.2 | 2.8 |
//!
//! # Masters
//!
//! On the socket of a master. Behind each command but `reload`, `quit` on the same line makes the master
//! close the connection.
//!
//! | command | call | level | from |
//! |---|---|---|---|
//! | `show proc` | [`Master::processes`](crate::master::Master::processes); around the change, [`Master::reload`](crate::master::Master::reload) | user; operator from 3.2 on | 2.2 |
//! | `reload` | [`Master::reload`](crate::master::Master::reload) | operator | 2.2 |
//!
//! [`Master::startup_logs`](crate::master::Master::startup_logs) sends `show startup-logs`, which needs
//! level operator and 2.7. [`Master::worker`](crate::master::Master::worker) is a client of one
//! worker: `@!PID` or `@1` in front of its commands, and [`ClusterBuilder::master`](crate::ClusterBuilder::master)
//! sends all commands of this page to the workers in this way. Each call of such a cluster asks the master
//! for its processes first: `show proc`.
//!
//! # Peers and resolvers
//!
//! | command | call | level | from |
//! |---|---|---|---|
//! | `show peers` | [`Cluster::peers`](crate::Cluster::peers), [`StickTable::merged`](crate::table::StickTable::merged) | user | 1.8 |
//! | `show resolvers` | [`Cluster::resolvers`](crate::Cluster::resolvers) | user | 1.8 |
//!
//! # Rings
//!
//! | command | call | level | from |
//! |---|---|---|---|
//! | `show events [RING [-w]]` | [`Cluster::rings`](crate::Cluster::rings), which also goes before the others, [`Cluster::events`](crate::Cluster::events), [`Cluster::follow_events`](crate::Cluster::follow_events), [`Cluster::watch`](crate::Cluster::watch) with a ring | operator; user without a ring | 1.8 |
//! | `set timeout cli 1d` | before `show events -w`, so that silence does not end the connection | user | 1.8 |
//!
//! # Other commands
//!
//! [`Cluster::command`](crate::Cluster::command) sends any line to every process, and
//! [`StatsSocket::command`](crate::StatsSocket::command) to one.
//! [`StatsSocket::command_with_payload`](crate::StatsSocket::command_with_payload) adds a
//! payload. [`guide::help`](crate::guide::help) lists the commands that have no call, with the reasons.
