//! Processes that keep their counters together, and the figures that follow.
//!
//! With `shm-stats-file PATH` in its configuration (HAProxy 3.3 and later, not
//! experimental since 3.4) a process keeps counters in a file. Processes with the same
//! file count in it together, so that each of them prints what all of them counted. To add
//! up what they print would count every request once for each process.
//!
//! # What is shared
//!
//! HAProxy shares the counters of frontends, listeners, servers and backends that have a
//! `guid`. Objects without one count in each process.
//!
//! | figure | where it is | merged |
//! |---|---|---|
//! | counters and rates of `show stat` ([`Column::shared`](crate::field::Column::shared)) | in the file | once for each file; the highest where processes were read one after the other |
//! | gauges, maxima, limits, states, times, columns of modules such as `h1_...` and `ssl_...` | in each process | by the rule of the column |
//! | `show info` | in each process | by the rule of the key |
//! | counters of a backend that is no frontend, in 3.4 up to 3.4.7 | in each process | added up; HAProxy gives each process a place of its own in the file |
//! | `chkfail`, `chkdown` | in the file | the highest, which is then the sum over the processes' own checks |
//! | `qtime`, `ctime`, `rtime`, `ttime` | in each process | `None` if more than one process has samples |
//!
//! The last line is HAProxy's doing: it divides the times of one process by the requests of
//! all. Two processes with ten requests of 60 ms each print 30 ms. What one process prints
//! by itself is passed on as it is; after a reload it is too low until the process has seen
//! 1024 requests.
//!
//! # How it is known
//!
//! HAProxy's commands do not tell that counters are shared. This crate finds it out when it
//! meets a process of 3.3 or later, once for each start of the process:
//!
//! 1. A process of this host is looked at in `/proc/PID/maps`. `show info` has its number;
//!    the time when it started tells it from a process of another container that has the
//!    same number. The file itself says which of its objects the process uses.
//! 2. Other processes are declared:
//!    [`ClusterBuilder::shared_counters`](crate::ClusterBuilder::shared_counters). This is
//!    for containers, for other hosts, and for processes that this program may not look at.
//!    Linux lets root look at all of them. A HAProxy that was started as root and then
//!    became another user can be looked at by root alone.
//! 3. `dump stats-file` lists the guids, and `show stat` the names. They are put together by
//!    their order and by what they count.
//!
//! A process of 3.3 or later that is neither seen nor declared is taken to share nothing.
//!
//! # When it is not known
//!
//! It can be known that processes have one file, and not which objects are in it: the
//! command failed, the layout of the file is newer than this crate, or idle objects count
//! so much alike that it is not proved which of them has a guid. A read does not fail for
//! that. The counters of these objects are then known within bounds, between the highest
//! of one process and the sum of all:
//!
//! - `requests()` and `sessions()` give a [`CountRange`](crate::CountRange), which prints as
//!   `42..84`, and as `42` when the bounds are equal;
//! - `metric(name)` and `metrics()` give [`MetricValue::Range`](crate::MetricValue::Range);
//! - accessors of single columns such as `stot()` give `None`;
//! - `sharing()` gives [`CounterSharing::Unknown`](crate::CounterSharing::Unknown), and
//!   [`Process::shm_stats_file_problem`](crate::Process::shm_stats_file_problem) the reason.
//!
//! What is not known is asked again ten seconds later, if the figures depend on it.
//!
//! # Snapshots
//!
//! A [`Snapshot`](crate::Snapshot) carries the file and the objects of each process, also
//! when it is written down. Snapshots of the processes of one file can be joined: a file is
//! the same if host (`host`), device and number are, or the declared name.
