//! The places of the counters of the rows of a process, kept from one read to the next.

use std::collections::HashMap;

use tokio::time::{Duration, Instant};

use crate::field::{COLUMNS, Col, Nature, RowKind};
use crate::shm::{Clock, FileAccess, Mapped, RowCounters};
use crate::show::stat::{Cells as _, Row, StatTable};
use crate::snapshot::{Local, Record, SharedCounters, ShmStatsFile};
use crate::transport::Limits;

/// The rows of one process, and the place where each row is counted.
#[derive(Debug)]
pub(super) struct SharedRows {
    file: ShmStatsFile,
    problem: Box<str>,
    rows: Vec<KnownRow>,
    by_name: HashMap<(RowKind, Box<str>), Vec<usize>>,
    /// A time of the clock of the file, if the file was read.
    clock: Option<Clock>,
    /// Time of the query.
    asked: Instant,
}

#[derive(Debug)]
struct KnownRow {
    kind: RowKind,
    proxy: Box<str>,
    name: Box<str>,
    /// `sid` and `srid`: the ID of the row within its proxy, and the incarnation of the ID.
    number: (Option<u64>, Option<u64>),
    counters: RowCounters,
}

/// Time after which unknown places are queried again.
const PATIENCE: Duration = Duration::from_secs(10);

impl SharedRows {
    /// Returns the rows of `stat` with their places. `problem` is the reason why some places are
    /// unknown, if there are any.
    pub(super) fn new(
        file: ShmStatsFile,
        problem: &str,
        stat: &StatTable,
        counters: Box<[RowCounters]>,
    ) -> Self {
        let row = |(row, counters): (Row<'_>, RowCounters)| KnownRow {
            kind: row.kind(),
            proxy: row.proxy().into(),
            name: row.name().into(),
            number: number(&row),
            counters,
        };
        let rows: Vec<_> = stat.rows().zip(counters).map(row).collect();
        let mut by_name: HashMap<_, Vec<usize>> = HashMap::new();
        for (index, row) in rows.iter().enumerate() {
            by_name.entry((row.kind, row.proxy.clone())).or_default().push(index);
        }
        Self { file, problem: problem.into(), rows, by_name, clock: None, asked: Instant::now() }
    }

    /// Returns the value for a process with no known rows, because of `problem`.
    pub(super) fn unknown(file: ShmStatsFile, problem: &str) -> Self {
        let (rows, by_name) = (Vec::new(), HashMap::new());
        Self { file, problem: problem.into(), rows, by_name, clock: None, asked: Instant::now() }
    }

    /// Notes a time of the clock of the file.
    pub(super) fn with_clock(mut self, clock: Option<Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Returns the way to read the file that the process was seen to map.
    pub(super) fn access(&self, mapped: &Mapped, limits: &Limits) -> FileAccess {
        FileAccess::new(mapped.clone(), limits.max_reply_size, limits.command_timeout, self.clock)
    }

    pub(super) fn file(&self) -> &ShmStatsFile {
        &self.file
    }

    /// Returns the known places of the rows of a record of the process.
    pub(super) fn of(&self, record: &Record) -> SharedCounters {
        let mut next = 0;
        let rows = record.answer.iter().flat_map(|reading| reading.stat.rows());
        let counters = rows.map(|row| {
            let expected = self.rows.get(next).filter(|known| known.is(&row)).map(|_| next);
            let found = expected.or_else(|| {
                let key = (row.kind(), row.proxy().into());
                let of_proxy = self.by_name.get(&key)?;
                of_proxy.iter().copied().find(|index| self.rows.get(*index).is_some_and(|one| one.is(&row)))
            });
            next = found.map_or(next, |found| found + 1);
            let known = found.and_then(|index| self.rows.get(index));
            known.map_or(RowCounters::Unknown, |known| known.counters.clone())
        });
        let rows: Box<[RowCounters]> = counters.collect();
        let problem = rows.contains(&RowCounters::Unknown).then(|| self.problem.clone());
        SharedCounters { file: self.file.clone(), problem, rows, access: Local::default() }
    }

    /// Returns `true` if the process should be queried again: some figures depend on unknown
    /// places, and the last query was at least ten seconds ago.
    pub(super) fn is_due(&self, record: &Record, counters: &SharedCounters) -> bool {
        let rows = record.answer.iter().flat_map(|reading| reading.stat.rows());
        let mut unknown = rows.zip(&counters.rows).filter(|(_, one)| **one == RowCounters::Unknown);
        self.asked.elapsed() >= PATIENCE && unknown.any(|(row, _)| has_counted(&row))
    }
}

impl KnownRow {
    fn is(&self, row: &Row<'_>) -> bool {
        self.kind == row.kind() && row.is_named(&self.proxy, &self.name) && self.number == number(row)
    }
}

fn number(row: &Row<'_>) -> (Option<u64>, Option<u64>) {
    (row.sid(), row.srid())
}

/// Returns `true` if a counter of the row that may be shared is above 0.
fn has_counted(row: &Row<'_>) -> bool {
    let mut columns = Col::ALL.iter().zip(COLUMNS);
    columns.any(|(column, declared)| {
        declared.shared && declared.nature == Nature::Counter && row.number(*column).is_some_and(|n| n > 0)
    })
}
