//! Reads the counters of a snapshot anew from the files of its processes.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use futures::future::join_all;
use tokio::time::timeout;

use super::process::Process;
use super::record::Record;
use super::shared_counters::{CountersRead, Local};
use super::{Inner, Snapshot};
use crate::error::{ErrorKind, Failure};
use crate::field::Col;
use crate::shm::{self, FileAccess, FileCounters, RowCounters, Turn, Wanted};
use crate::show::ProcessReport;
use crate::show::stat::{NewerCells, StatTable};

impl Snapshot {
    /// Returns a snapshot with the counters of this moment, read from the `shm-stats-file` of each process
    /// that has one on this host. Asks no process: it costs HAProxy nothing, and a process that hangs is read
    /// as well.
    ///
    /// Newer are the [shared](crate::field::Column::shared) columns of all objects that are in a file:
    /// [`Process::is_from_file`]. All other figures are those of this snapshot, which
    /// was read through the sockets: [`Process::read_at`] and [`Process::counters_read_at`] have both times.
    /// Processes without a file that this program can read are as before. So are all processes of a snapshot
    /// that was stored and read back.
    ///
    /// # Failed processes
    ///
    /// A process has [failed](Snapshot::failed) in the result if its counters cannot be read, or do not
    /// belong to its rows any more:
    ///
    /// - [`NotFound`](crate::ErrorKind::NotFound) if the process has ended or was restarted, if it has added
    ///   objects with a `guid` since, or if its counters fell. Read a new snapshot through the sockets.
    /// - [`Unsupported`](crate::ErrorKind::Unsupported) if the layout of the file is not known.
    /// - [`Io`](crate::ErrorKind::Io), [`Truncated`](crate::ErrorKind::Truncated),
    ///   [`Malformed`](crate::ErrorKind::Malformed) or [`TooLarge`](crate::ErrorKind::TooLarge) if the file
    ///   cannot be read, is another one now, or is longer than
    ///   [`max_reply_size`](crate::Limits::max_reply_size).
    /// - [`Timeout`](crate::ErrorKind::Timeout) if the file cannot be read within
    ///   [`command_timeout`](crate::Limits::command_timeout), or an earlier read of it has not ended by then.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind but a thread that ends with its read. Until then no other
    /// thread reads the file: if a file system does not answer, it keeps one thread for each file.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example() -> haproxyadmin::Result<()> {
    /// use std::time::Duration;
    ///
    /// use haproxyadmin::Cluster;
    ///
    /// let snapshot = Cluster::from_dir("/run/haproxy").await?.snapshot().await?;
    /// let earlier = snapshot.with_counters_from_files().await;
    /// tokio::time::sleep(Duration::from_millis(100)).await;
    /// let delta = snapshot.with_counters_from_files().await.since(&earlier);
    /// for server in delta.servers() {
    ///     println!("{}/{}: {:?} requests per second", server.backend(), server.name(), server.rate("stot")?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn with_counters_from_files(&self) -> Self {
        let mut records: Vec<Arc<Record>> =
            self.processes().iter().map(|process| process.record.answered()).collect();
        let mut files: Vec<(File, Vec<usize>)> = Vec::new();
        for (at, record) in records.iter().enumerate() {
            let Some(access) = record.access() else { continue };
            match files.iter_mut().find(|(file, _)| file.id == access.file()) {
                Some((_, processes)) => processes.push(at),
                None => files.push((File { id: access.file(), patience: access.patience }, vec![at])),
            }
        }
        let reads = files.iter().map(|(file, processes)| {
            let records = processes.iter().filter_map(|at| records.get(*at).cloned()).collect();
            file.read(records)
        });
        for ((_, processes), newer) in files.iter().zip(join_all(reads).await) {
            for (at, newer) in processes.iter().zip(newer) {
                if let Some(record) = records.get_mut(*at) {
                    *record = Arc::new(newer);
                }
            }
        }
        self.with_records(records)
    }

    /// Returns a snapshot in which a process has the figures of its reply if its file cannot be read.
    pub(crate) fn with_replies_of_unreadable_files(&self) -> Self {
        if self.failed().all(Process::needs_reply) {
            return self.clone();
        }
        let reply = |process: &Process| match process.failure() {
            Some(_) if !process.needs_reply() => process.record.answered(),
            _ => Arc::clone(&process.record),
        };
        self.with_records(self.processes().iter().map(reply).collect())
    }

    /// Returns a snapshot with these records of its processes.
    fn with_records(&self, records: Vec<Arc<Record>>) -> Self {
        let before = self.processes();
        let has_rows = |record: &Record| record.answer.is_ok();
        let has_same_rows = before
            .iter()
            .zip(&records)
            .all(|(process, record)| has_rows(&process.record) == has_rows(record));
        let index = if has_same_rows { Arc::clone(&self.0.index) } else { Arc::default() };
        let processes = before.iter().zip(records);
        let processes =
            processes.map(|(process, record)| Process::new(process.label.clone(), record)).collect();
        let (requirements, by_label) = (self.0.requirements.clone(), self.0.by_label.clone());
        Self(Arc::new(Inner { processes, requirements, by_label, index, columns: OnceLock::new() }))
    }
}

/// A file, and the longest time for a read.
struct File {
    id: (u64, u64),
    patience: Duration,
}

impl File {
    /// Returns the records of the processes with newer counters.
    async fn read(&self, records: Vec<Arc<Record>>) -> Vec<Record> {
        let reading = self.in_turn({
            let records = records.clone();
            move || read(&records)
        });
        reading.await.unwrap_or_else(|failure| {
            records.iter().map(|record| record.without_newer(failure.clone())).collect()
        })
    }

    /// Reads the file when an earlier read of it has ended, and not beside a read that was given up.
    async fn in_turn<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let mut has_turn = false;
        let reading = async {
            let turn = Turn::of_file(self.id).wait().await;
            has_turn = true;
            turn.run(read).await
        };
        let read = timeout(self.patience, reading).await;
        let missing = if has_turn { "no answer of the file system" } else { "an earlier read has not ended" };
        let read = read.map_err(|_| {
            let text = format!("reading shm-stats-file: {missing} within {:?}", self.patience);
            Failure::without_error(ErrorKind::Timeout, text)
        })?;
        read.map_err(|error| Failure::without_error(ErrorKind::Other, error.to_string()))
    }
}

/// Reads the counters of processes of one file. May wait for the disk.
fn read(records: &[Arc<Record>]) -> Vec<Record> {
    let wanted = records.iter().filter_map(|record| record.wanted()).collect::<Vec<_>>();
    let reads = shm::read(&wanted);
    let newer = records.iter().zip(reads).map(|(record, read)| match read {
        Ok(read) => record.with_newer(read),
        Err(failure) => record.without_newer(failure),
    });
    newer.collect()
}

/// Counters that are newer than the answer of a record.
struct Newer {
    base: Arc<Record>,
    counters: FileCounters,
}

impl NewerCells for Newer {
    fn table(&self) -> Option<&StatTable> {
        self.base.answer.as_ref().ok().map(|reading| &reading.stat)
    }

    fn value(&self, row: usize, column: Col) -> Option<i128> {
        self.counters.value(row, column)
    }
}

impl Record {
    /// Returns the record of the answer itself.
    fn answered(self: &Arc<Self>) -> Arc<Self> {
        Arc::clone(self.base.0.as_ref().unwrap_or(self))
    }

    /// Returns the way to the counters of the process, if it may have any in a file.
    fn access(&self) -> Option<&FileAccess> {
        let shared = self.shared.as_ref().filter(|_| self.answer.is_ok())?;
        let access = shared.access.0.as_deref()?;
        let has_any = shared.rows.iter().any(|row| matches!(row, RowCounters::Shared(_)));
        (has_any || access.problem().is_some()).then_some(access)
    }

    fn wanted(&self) -> Option<Wanted<'_>> {
        let (access, shared) = (self.access()?, self.shared.as_ref()?);
        Some(Wanted { access, rows: &shared.rows, table: &self.answer.as_ref().ok()?.stat })
    }

    /// Returns the record with newer counters.
    fn with_newer(self: &Arc<Self>, read: shm::Read) -> Self {
        let counters = CountersRead {
            read_at: microseconds(read.time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()),
            heartbeat_age: read.counters.heartbeat_age().map(microseconds),
            suspended: read.is_suspended,
        };
        let newer = Newer { base: Arc::clone(self), counters: read.counters };
        let answer = self.answer.as_ref().map_err(Failure::clone).map(|reading| {
            Arc::new(ProcessReport {
                info: reading.info.clone(),
                level: reading.level,
                sockets: reading.sockets.clone(),
                stat: StatTable::renewed(Arc::new(newer)),
            })
        });
        self.with(answer, Some(counters))
    }

    /// Returns the record of a process if its newer counters cannot be read.
    fn without_newer(self: &Arc<Self>, failure: Failure) -> Self {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { read_at: microseconds(now), shared: None, ..self.with(Err(failure), None) }
    }

    fn with(
        self: &Arc<Self>,
        answer: Result<Arc<ProcessReport>, Failure>,
        counters: Option<CountersRead>,
    ) -> Self {
        Self {
            host: Arc::clone(&self.host),
            address: self.address.clone(),
            label: self.label.clone(),
            read_at: self.read_at,
            answer,
            shared: self.shared.clone(),
            counters,
            base: Local(Some(Arc::clone(self))),
            #[cfg(feature = "serde")]
            extra: self.extra.clone(),
        }
    }
}

#[cfg(test)]
#[cfg(feature = "serde")]
impl Snapshot {
    /// Returns a snapshot in which all processes have newer cells.
    pub(super) fn with_newer_cells(&self, newer: impl Fn(StatTable) -> Arc<dyn NewerCells>) -> Self {
        let renewed = |process: &Process| {
            let reading = process.report().unwrap();
            let answer = ProcessReport {
                info: reading.info.clone(),
                level: reading.level,
                sockets: reading.sockets.clone(),
                stat: StatTable::renewed(newer(reading.stat.clone())),
            };
            let counters = CountersRead { read_at: 0, heartbeat_age: None, suspended: false };
            Arc::new(process.record.with(Ok(Arc::new(answer)), Some(counters)))
        };
        self.with_records(self.processes().iter().map(renewed).collect())
    }
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_read_that_does_not_end_is_the_only_one_of_its_file() {
        let file = File { id: (u64::MAX, 1), patience: Duration::from_millis(50) };
        let (end, ended) = mpsc::channel::<()>();
        let failure = file.in_turn(move || ended.recv()).await.unwrap_err();
        assert_eq!(failure.kind, ErrorKind::Timeout);
        let start = "reading shm-stats-file: ";
        assert_eq!(&*failure.message, format!("{start}no answer of the file system within 50ms"));
        for _ in 0..3 {
            let failure = file.in_turn(|| unreachable!("the first read has not ended")).await;
            let failure = failure.map(|(): ()| ()).unwrap_err();
            assert_eq!(failure.kind, ErrorKind::Timeout);
            assert_eq!(&*failure.message, format!("{start}an earlier read has not ended within 50ms"));
        }
        drop(end);
        let patient = File { patience: Duration::from_secs(60), ..file };
        assert_eq!(patient.in_turn(|| 7).await.unwrap(), 7);
    }
}
