//! The lines that are sent to both the fake and the real processes. `+EVENT` adds an event to the
//! ring `requests` instead.

#![allow(unreachable_pub, reason = "nothing here leaves the test's crate")]

/// Lines with one reply each, at every level.
pub const LINES: &[&str] = &[
    "show resolvers",
    "show resolvers dns",
    "show resolvers other extra",
    "show resolvers nope",
    "show events",
    "show events requests",
    "show events requests -n",
    "show events buf0",
    "show events dpapi",
    "show events nope -w",
    "show events stdout -w",
    "show events requests -x",
    "show events requests -w extra",
    "show events requests w",
    "show events requests -",
    "show events requests -nx",
    "set timeout",
    "set timeout cli",
    "set timeout cli 3",
    "set timeout cli 1h;show cli level",
    "set timeout cli 0",
    "set timeout cli x",
    "set timeout other 3",
];

/// Connections at level admin that follow the ring.
pub const FOLLOWED: &[&[&str]] = &[
    &["show events requests -w", "+/1", "", "show cli level"],
    &["show events requests -wn", "+/2", "+/3", "x"],
    &["show events requests -nw", "+/4", "show cli level"],
    &["show events requests -w -n", "+/5"],
    &["show events requests -n -w -n", "+/6", ""],
    &["set severity-output number;show events requests -n -w", "+/7"],
    &["show cli level;show events requests -w -n", "+/8"],
    &["prompt", "show events requests -w -n", "+/9", "", "show cli level"],
];

/// The same with commands behind it, which HAProxy executes from 3.2 on.
pub const FOLLOWED_BY: &[&[&str]] = &[
    &["show events requests -n -w;show cli level", "+/a", ""],
    &["show events requests -n -w;show cli level;get weight a/b", "+/b", "x"],
];

/// Reports with another text in each process, and a part that every process prints.
pub const REPORTS: &[(&str, &str)] = &[
    ("show activity", "thread_id: 1 (1..1)\n"),
    ("show cache", ""),
    ("show env", "PATH="),
    ("show fd", " : st=0x"),
    ("show libs", "/usr/sbin/haproxy\n"),
    ("show pools", "Dumping pools usage. Use SIGQUIT to flush them.\n"),
    ("show profiling", "Per-task CPU profiling              : auto"),
    ("show sess all", "frontend=GLOBAL"),
    ("show startup-logs", ""),
    ("show threads", "* Thread 1 : id=0x7"),
    ("show tls-keys", "# id (file)\n"),
    ("show version", "."),
];
