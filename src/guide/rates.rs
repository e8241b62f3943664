//! Rates: the increases of counters between two snapshots, and the traps.
//!
//! HAProxy prints counters since the start of each process. A rate is the increase of a counter
//! between two readings, divided by the time between them:
//!
//! ```no_run
//! # async fn example() -> haproxyadmin::Result<()> {
//! use std::time::Duration;
//!
//! use haproxyadmin::Cluster;
//!
//! let cluster = Cluster::from_dir("/run/haproxy").await?.allow_partial();
//! let mut earlier = cluster.snapshot().await?;
//! loop {
//!     tokio::time::sleep(Duration::from_secs(2)).await;
//!     let later = cluster.snapshot().await?;
//!     let delta = later.since(&earlier);
//!     for frontend in delta.frontends() {
//!         if let Some(requests) = frontend.requests() {
//!             println!("{}: {:?} requests per second", frontend.name(), requests.rate());
//!         }
//!     }
//!     for process in delta.not_counted() {
//!         println!("without {}: {}", process.label(), process.standing());
//!     }
//!     earlier = later;
//! }
//! # }
//! ```
//!
//! `haproxytool rates` prints the same. [`Delta`](crate::snapshot::Delta) has the increases of every
//! counter of every frontend, backend, server and listener, and of the counters of `show info`. The
//! snapshots may be stored in between, or read by different programs.
//!
//! # Processes
//!
//! The sum over all processes falls when a process restarts or leaves, and jumps when one joins. The
//! difference of two sums is therefore wrong. A delta subtracts process by process, and adds the
//! differences. A process counts only if it was read twice and nothing was lost in between:
//!
//! | [`Standing`](crate::snapshot::Standing) | meaning |
//! |---|---|
//! | `Counted` | the same start of the same process answered twice, and no counter fell |
//! | `New` | the process started or joined since; after a restart, a process with the same address has `Left` |
//! | `Left` | the process ended, or is no longer a member |
//! | `Reset` | a counter fell: `clear counters all` |
//! | `Failed`, `FailedBefore` | the process did not answer for the later or the earlier snapshot |
//! | `SameReply`, `Backwards` | no time lies between the two replies, or a negative one |
//! | `Unidentified` | the process cannot be told apart from others |
//!
//! The counts of a new process since its start are not part of the difference. Neither are the counts
//! of a process from the earlier reply to its end.
//!
//! A process is known by its id, its start and its node ([`Process::pid`](crate::Process::pid),
//! [`started_at`](crate::Process::started_at)), not by its socket. After a reload another worker
//! answers at the same socket. Behind a master, the old worker goes on at another address and still
//! counts, as long as it lists its proxies (HAProxy 2.6 and later).
//!
//! # Time
//!
//! A difference covers the time between the ends of the two replies of one process
//! ([`ProcessDelta::covers`](crate::snapshot::ProcessDelta::covers)). This time is not the pause
//! between two calls: a call lasts until the slowest process has answered or is given up. A merged
//! rate is the sum of the rates of the processes, and
//! [`Increase::covers`](crate::snapshot::Increase::covers) has the shortest and the longest time.
//!
//! The times are those of the system clock of the host that read the process, because snapshots are
//! stored and sent to other hosts. A step of this clock between the readings changes the rates.
//!
//! # Counters that fall
//!
//! - A restart or a reload begins all counters again. The start of the process tells.
//! - `clear counters all` clears the counters of `show stat`. One counter that fell is enough for the
//!   whole process to be `Reset`, because others may have grown beyond their earlier value since. If
//!   *all* of them have, the command is not noticed, and the difference is what was counted
//!   since. This is possible if the process had counted little before.
//! - `sess_other` is no count of its own: HAProxy 3.0 and later print `stot` without `h1sess`, `h2sess`
//!   and `h3sess`. A session counts in `stot` when it is accepted, and in one of the others when it
//!   begins to use HTTP, for example after the delay of `tcp-request inspect-delay`. A process in which
//!   `sess_other` of an object fell still counts, without the increase of this column.
//! - `clear counters` clears maxima. HAProxy 2.6 and later also clear the counters of modules, such
//!   as `h1_total_streams` and `ssl_sess`. The process still counts, without these columns
//!   ([`ProcessDelta::modules_cleared`](crate::snapshot::ProcessDelta::modules_cleared)).
//! - No command clears the counters of `show info`. Those of 32 bits, such as `CumReq` and `CumConns`,
//!   begin again at 0 after 4,294,967,295. A delta adds this number if the result is below half of it.
//!   Two such turns within one interval cannot be noticed. The counters of `show stat` have 64 bits.
//! - HAProxy 2.2 does not report its start. The start is derived from the uptime, which does not grow
//!   while the process is stopped. After such a pause the process counts if it has run for longer
//!   than the time between the two replies, and is `New` otherwise.
//!
//! # Objects
//!
//! Within one start of a process, an object is known by its numbers (`iid`, `sid`) and not by its name.
//! A server that is renamed keeps its counters and has its later name. A server that is deleted and
//! added anew is another one: from 3.0 on the revision of its number (`srid`) tells. On 2.6 only its
//! counters tell, and the process is `Reset` for one interval.
//!
//! [`ObjectStanding`](crate::snapshot::ObjectStanding) tells for each process whether the object was
//! counted, added, or is gone. The first counts of an added object are not taken as an increase.
//!
//! # Shared counters
//!
//! Processes with one `shm-stats-file` print the same counters ([`shared_counters`](super::shared_counters)).
//! The increase of such a counter counts once. Of the processes that were counted, the one with the most
//! thread groups (`NbThreadGroups`) gives it, because a process prints only the counts of as many groups as
//! it has. Among equals, the first one gives it. HAProxy 3.3 does not report the number, so there the
//! greatest increase counts. While it is not known which counters are shared, a difference is a
//! [`CountRange`](crate::snapshot::CountRange), and a rate is a [`RateRange`](crate::snapshot::RateRange).
