//! Processes that share their counters in a file, and the effect on figures.
//!
//! With `shm-stats-file PATH` in its configuration (HAProxy 3.3 and later, not experimental
//! since 3.4) a process keeps counters in a file. Processes with the same file count in it
//! together, so each of them prints the counts of all of them. The sum of the printed values
//! would count every request once for each process.
//!
//! # Shared figures
//!
//! HAProxy shares the counters of frontends, listeners, servers and backends that have a
//! `guid`. Objects without a `guid` count in each process.
//!
//! | figure | place | merged |
//! |---|---|---|
//! | counters and rates of `show stat` ([`Column::shared`](crate::field::Column::shared)) | in the file | once for each file; the highest if processes were read one after the other |
//! | gauges, maxima, limits, states, times, columns of modules such as `h1_...` and `ssl_...` | in each process | by the rule of the column |
//! | `show info` | in each process | by the rule of the key |
//! | counters of a backend that is no frontend, in 3.4 up to 3.4.7 | in each process | added up; HAProxy gives each process a place of its own in the file |
//! | `chkfail`, `chkdown` | in the file | the highest, which is then the sum over the processes' own checks |
//! | `qtime`, `ctime`, `rtime`, `ttime` | in each process | `None` if more than one process has samples |
//!
//! The times are `None` because HAProxy divides the times of one process by the requests of
//! all. Two processes with ten requests of 60 ms each print 30 ms. The printed value of a single
//! process is passed on as it is; after a reload it is too low until the process has seen 1024
//! requests.
//!
//! # Detection
//!
//! No command of HAProxy reports that counters are shared. This crate detects it when it meets
//! a process of 3.3 or later, once for each start of the process:
//!
//! 1. If the process runs on this host, its `/proc/PID/maps` is read. `show info` has its
//!    number. The time of its start distinguishes it from a process of another container
//!    that has the same number. The file itself lists the objects that the process uses.
//! 2. Other processes are declared:
//!    [`ClusterBuilder::shared_counters`](crate::ClusterBuilder::shared_counters). This is for
//!    containers, for other hosts, and for processes that this program may not inspect. Linux
//!    lets root inspect all processes. A HAProxy that was started as root and then became
//!    another user can be inspected by root alone.
//! 3. `dump stats-file` lists the guids, and `show stat` the names. They are matched by their
//!    order and by their counts.
//!
//! A process of 3.3 or later that can neither be inspected nor is declared is assumed to share
//! nothing.
//!
//! # Unknown sharing
//!
//! It can be known that processes have one file, but not which objects are in it: the command
//! failed, the layout of the file is newer than this crate, or the counts of idle objects are
//! so similar that they do not prove which of them has a guid. A read does not fail for this
//! reason. The counters of these objects are then known within bounds, between the highest
//! value of one process and the sum of all:
//!
//! - `requests()` and `sessions()` return a [`CountRange`](crate::snapshot::CountRange), which prints as
//!   `42..84`, and as `42` if the bounds are equal;
//! - `metric(name)` and `metrics()` return
//!   [`MetricValue::Range`](crate::snapshot::MetricValue::Range);
//! - accessors of single columns such as `stot()` return `None`;
//! - `sharing()` returns [`CounterSharing::Unknown`](crate::snapshot::CounterSharing::Unknown), and
//!   [`Process::shm_stats_file_problem`](crate::Process::shm_stats_file_problem) the reason.
//!
//! The detection is repeated ten seconds later, if the figures depend on it.
//!
//! Processes of one file may have different numbers of thread groups from 3.4 on. HAProxy 3.3 does not
//! report the number (`NbThreadGroups`), so the counters of such processes contradict each other, and
//! stay unknown.
//!
//! The look into `/proc` itself can fail for a moment, for example because this program has too many
//! open files. What was found out about a process since its start is kept. A process that was never
//! looked at may have any file of its host, or none: its file is
//! [`ShmStatsFile::Unknown`](crate::snapshot::ShmStatsFile::Unknown), and its counters are known within
//! bounds, as above. The next read looks again.
//!
//! # Counters without asking
//!
//! On the host of the processes, the counters can be read from the file itself:
//! [`Snapshot::with_counters_from_files`](crate::Snapshot::with_counters_from_files). It takes a snapshot
//! that was read through the sockets, which tells the rows and the place of each row in the file, and returns
//! one with the counters of this moment. HAProxy is not asked: this takes no CPU time of HAProxy and none of
//! the ten places of its stats sockets, and works while a process hangs.
//!
//! ```no_run
//! # async fn example() -> haproxyadmin::Result<()> {
//! use haproxyadmin::Cluster;
//! use haproxyadmin::snapshot::CounterSource;
//!
//! let snapshot = Cluster::from_dir("/run/haproxy").await?.snapshot().await?;
//! let newer = snapshot.with_counters_from_files().await;
//! for process in newer.processes() {
//!     match (process.counter_source(), process.failure()) {
//!         (_, Some(failure)) => println!("{}: {failure}", process.label()),
//!         (CounterSource::File, _) => println!("{}: {:?}", process.label(), process.counters_read_at()),
//!         _ => println!("{}: as of {:?}", process.label(), process.read_at()),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! | figure | from |
//! |---|---|
//! | [shared](crate::field::Column::shared) columns of an object with a `guid`, also those of a backend that is counted in each process | the file: [`Process::is_from_file`](crate::Process::is_from_file) |
//! | all other columns, objects without a `guid`, objects at an unknown place, `show info` | the earlier reply |
//!
//! - **Cost.** A file with 1000 servers has half a megabyte and is read in less than a millisecond, once for
//!   all of its processes. A number is decoded when it is asked for. The first read of a snapshot also finds
//!   the objects of its rows. For 64 processes with 1000 servers each and one file, `show stat` of all takes
//!   150 to 240 times as long (`cargo bench -p haproxyadmin-benches --bench shm`).
//! - **A process that changed has failed.** It ended or was restarted (it is known by its start, which `/proc`
//!   has), another process has its slot, it added objects with a `guid`, a counter fell, or the file is another
//!   one or has an unknown layout. Its figures would be wrong; read a new snapshot.
//!   What the file does not tell is not noticed: objects without a `guid`, and a server that was
//!   deleted: HAProxy leaves its counters in the file, until 3.5-dev5 at least.
//! - **A process that hangs is right.** Its counters are those that it has counted so far.
//!   [`Process::heartbeat_age`](crate::Process::heartbeat_age) grows, and
//!   [`Process::is_suspended`](crate::Process::is_suspended) tells if a signal stopped it.
//! - **No number is torn.** HAProxy writes while the file is read. It is read twice, and a number counts if the
//!   second read proves it. A number that does not is read again.
//! - **Rates and ages** (`rate`, `lastsess`) are calculated as HAProxy does it, for the moment of the read.
//!   The clock of the file stands while no process is active; the time since then is added. The first read
//!   can be behind by the time of the replies that found the file.
//! - **Differences** of counters from files cover the time between the reads of the file:
//!   [`Process::counters_read_at`](crate::Process::counters_read_at). Counters of one and the same
//!   reply have no difference.
//! - **A watch** reads the counters of its figures from files with
//!   [`WatchOptions::counters_from_files`](crate::watch::WatchOptions::counters_from_files).
//!
//! # Snapshots
//!
//! A [`Snapshot`](crate::Snapshot) carries the file and the objects of each process, also in
//! its serialised form. Snapshots of the processes of one file can be joined. Two files are the
//! same if their host (`host`), device and number are equal, or if their declared names are.
