//! Strings from outside, and the reasons why none of them can become a command.
//!
//! HAProxy splits a line into commands at `;` and into words at blanks; it has no quotes. If
//! a value such as `v;disable server app/web1` comes from a request or a database and is put
//! into a command as it is, HAProxy executes a second command, and `two words` is stored as
//! `two`. Some strings make HAProxy wait for ever. Every typed call of this crate uses one
//! encoder, which handles all of these cases:
//!
//! | in an argument | meaning to HAProxy | this crate |
//! |---|---|---|
//! | blank, tab, `;`, `\` | the end of a word, of a command, an escape | puts `\` before it |
//! | line feed, carriage return, NUL | the end of the command; from 3.2 on also NUL | refuses it |
//! | an empty string | cannot be expressed | refuses it |
//! | `<<` at the beginning or end of the last word; behind a master, also of the last argument | waits for a payload, escaped or not, by different rules in each release | refuses it |
//! | a line longer than 15,359 bytes | hangs, or ends the connection, up to 2.6 | refuses it |
//! | `#` before a name | a number: `#0` is the proxy of the stats sockets themselves | takes only names that the configuration takes: letters, digits, `_`, `.`, `:`, `-` |
//! | `#` before a key that is set or deleted | a reference | refuses it; [`Map::set_entry`](crate::Map::set_entry) takes the reference |
//! | `#`, `@` before a map or ACL | a number, a version | [`PatternId`](crate::map::PatternId) |
//! | quotes, `%`, other control characters, any other letter | no special meaning | sends it as it is |
//!
//! Refused means [`InvalidInput`](crate::ErrorKind::InvalidInput), before anything is sent to
//! any process, or to the process behind a master. The rules are the rules of all releases together, because the release behind
//! a socket can change at any moment. The length is the length for the default
//! `tune.bufsize`. If `tune.bufsize` is smaller, a long line may still end without a reply,
//! and with an unknown outcome.
//!
//! # Numbers
//!
//! HAProxy takes `port 99999` for port 34463, and `set maxconn frontend web abc` for no limit,
//! without a message. In this crate weights, ports, addresses and states are types that hold
//! only values that HAProxy takes. A limit is a number of 32 bits, and a value of a stick table
//! one of 64 bits: if HAProxy would take it for another number, the call refuses it. HAProxy
//! itself refuses a limit of a frontend of 2^31 or more.
//!
//! # Secrets
//!
//! If errors and traces name a command, they show keys, values, patterns and the text that
//! is sent to agents as `...`. They show names of proxies, servers, maps and ACLs. HAProxy's
//! own words, which an error quotes, can repeat a refused value
//! (`'x' is not a valid IPv4 or IPv6 address.`).
//!
//! # Raw commands
//!
//! [`Cluster::command`](crate::Cluster::command) and
//! [`StatsSocket::command`](crate::StatsSocket::command) send a line as it is. The caller is
//! responsible for its contents. A line that would leave HAProxy waiting is refused all the
//! same. Errors and traces name its first command, if HAProxy has such a command
//! (`add map`), and say `raw command` otherwise. They show no other word of it.
//!
//! # Replies
//!
//! `show map` prints key and value with a blank between them, and both may contain blanks. The
//! end of the key is known only if there is one blank. [`Entry::pair`](crate::map::Entry::pair)
//! returns `None` otherwise, and [`Entry::is`](crate::map::Entry::is) compares an entry with a key
//! and a value without splitting it. Entries that other programs added can contain the end of
//! a line, and then look like two entries.
