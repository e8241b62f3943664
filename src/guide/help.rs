//! HAProxy's commands that this crate does not send, and the reasons.
//!
//! HAProxy prints the list of its commands for `help`. Each line that HAProxy 3.4 prints at level
//! admin has a row either here or in [`guide::commands`](crate::guide::commands).
//! [`Cluster::command`](crate::Cluster::command) sends any of these commands to every process, and
//! [`StatsSocket::command`](crate::StatsSocket::command) to one.
//!
//! # Done by another command
//!
//! | command | done by |
//! |---|---|
//! | `set weight` | deprecated: `set server B/S weight W` |
//! | `show backend` | `show stat` lists the backends with their figures |
//! | `show schema json` | describes the JSON output, which HAProxy cuts at the size of one buffer. This crate reads CSV |
//! | `wait` | the calls that wait poll, because releases before 3.0 do not have the command and a dropped future must end at once |
//!
//! # About one connection
//!
//! No connection stays open between two calls, so a setting of one connection has no use.
//!
//! | command | purpose |
//! |---|---|
//! | `echo` | prints its argument |
//! | `help` | prints this list |
//! | `operator` | lowers the level of the connection |
//! | `quit` | ends the connection |
//! | `user` | lowers the level of the connection |
//!
//! # Debugging and privacy of one process
//!
//! The output is made for developers of HAProxy and differs between releases, or has no meaning for
//! more than one process.
//!
//! | command | purpose |
//! |---|---|
//! | `debug counters` | counters of rare events |
//! | `debug dev hash` | hashes a word as the anonymised mode does it |
//! | `set anon global-key` | key of the anonymised mode |
//! | `set anon off` | prints names again |
//! | `set anon on` | hides names in the output of the connection |
//! | `set profiling` | switches the profiler, which slows the process down |
//! | `show anon` | state of the anonymised mode |
//! | `show dev` | build, host and boot of the process |
//! | `show quic` | QUIC connections |
//! | `show tasks` | running tasks |
//! | `show trace` | traces |
//! | `trace` | switches traces, which slow the process down |
//!
//! # Rare
//!
//! | command | purpose |
//! |---|---|
//! | `acme challenge_ready` | a step of an order of a certificate, which one process makes |
//! | `acme renew` | orders a certificate by ACME, which one process does for all |
//! | `acme status` | orders of certificates of one process |
//! | `add ssl jwt` | certificates for tokens: the process reads the file of the certificate itself |
//! | `del ssl jwt` | certificates for tokens |
//! | `disable dynamic-cookie backend` | cookies that HAProxy derives from the address of the server |
//! | `dump ssl cert` | a certificate with its private key, which this crate does not bring off the host |
//! | `enable dynamic-cookie backend` | cookies that HAProxy derives from the address of the server |
//! | `get var` | variables of the process, of which each has a type of its own |
//! | `set dynamic-cookie-key backend` | the key of these cookies |
//! | `set ssl tls-key` | TLS ticket keys |
//! | `show ssl jwt` | certificates for tokens |
//! | `show ssl providers` | modules of the TLS library |
//! | `show ssl sni` | names in certificates |
