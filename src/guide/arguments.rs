//! Why no string that is given to this crate can do anything but be that string.
//!
//! HAProxy splits a line into commands at `;` and into words at blanks; it has no
//! quotes. A value such as `v;disable server app/web1`, taken from a request or from
//! a database and put into a command as it is, is a second command, and `two words`
//! is stored as `two`. Some strings make HAProxy wait for ever. Every typed call of
//! this crate goes through one encoder, which knows all of it:
//!
//! | in an argument | what HAProxy makes of it | what this crate does |
//! |---|---|---|
//! | blank, tab, `;`, `\` | the end of a word, of a command, an escape | puts `\` before it |
//! | line feed, carriage return, NUL | the end of the command; from 3.2 on also NUL | refuses it |
//! | nothing at all | cannot be said | refuses it |
//! | a word of the value that begins or ends with `<<` at its end | waits for a payload, escaped or not, by different rules in each release | refuses it |
//! | a line longer than 15,359 bytes | hangs, or ends the connection, up to 2.6 | refuses it |
//! | `#` before a name | a number: `#0` is the proxy of the stats sockets themselves | takes only what the configuration takes for a name: letters, digits, `_`, `.`, `:`, `-` |
//! | `#` before a key that is set or deleted | a reference | refuses it; [`Map::set_entry`](crate::Map::set_entry) takes the reference |
//! | `#`, `@` before a map or ACL | a number, a version | [`PatternId`](crate::PatternId) |
//! | quotes, `%`, other control characters, any other letter | nothing | sends it as it is |
//!
//! Refused means [`InvalidInput`](crate::ErrorKind::InvalidInput), before anything is
//! sent to anybody. The rules are those of all releases at once: which release runs
//! behind a socket can change at any moment. The length is that of the default
//! `tune.bufsize`; where it is smaller, a long line may end as it did before: without an
//! answer, and with an unknown outcome.
//!
//! # Numbers
//!
//! HAProxy takes `port 99999` for port 34463, `set maxconn frontend web abc` for no
//! limit, and says nothing. Weights, ports, addresses, states and limits are types
//! here, and what they can hold is what HAProxy takes.
//!
//! # Secrets
//!
//! Keys, values, patterns and the text that agents are sent are shown as `...` where
//! errors and traces name a command. Names of proxies, servers, maps and ACLs are shown.
//! HAProxy's own words, which an error quotes, can repeat what it did not take
//! (`'x' is not a valid IPv4 or IPv6 address.`).
//!
//! # Raw commands
//!
//! [`Cluster::command`](crate::Cluster::command) and
//! [`StatsSocket::command`](crate::StatsSocket::command) send a line as it is. It is
//! for you to know what is in it. A line that would leave HAProxy waiting is refused
//! all the same. Errors and traces name its first command, if HAProxy has such a
//! command (`add map`), and say `raw command` otherwise: no other word of it is shown.
//!
//! # What is printed
//!
//! `show map` prints key and value with a blank between them, and either may hold
//! blanks: where the key ends is known only if there is one blank.
//! [`Entry::pair`](crate::Entry::pair) says so, and [`Entry::is`](crate::Entry::is)
//! answers what can be answered for certain. Entries that somebody else added can
//! hold the end of a line, and look like two then.
