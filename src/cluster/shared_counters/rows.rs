//! Where a process keeps the counters of its rows, kept from one read to the next.

use std::collections::HashMap;

use tokio::time::{Duration, Instant};

use crate::field::{COLUMNS, Col, Nature, RowKind};
use crate::shm::RowCounters;
use crate::show::stat::{Cells as _, Row, StatTable};
use crate::snapshot::{Record, SharedCounters, ShmStatsFile};

/// The rows of one process, each with where it is counted.
#[derive(Debug)]
pub(super) struct SharedRows {
    file: ShmStatsFile,
    problem: Box<str>,
    rows: Vec<KnownRow>,
    by_name: HashMap<(RowKind, Box<str>), Vec<usize>>,
    /// When it was asked for.
    asked: Instant,
}

#[derive(Debug)]
struct KnownRow {
    kind: RowKind,
    proxy: Box<str>,
    name: Box<str>,
    /// Number, and incarnation of the number, within the proxy.
    number: (Option<u64>, Option<u64>),
    counters: RowCounters,
}

/// How long what is not known is left at that.
const PATIENCE: Duration = Duration::from_secs(10);

impl SharedRows {
    /// What is known of the rows of `stat`; `problem` is why some of them are unknown, if
    /// any is.
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
        Self { file, problem: problem.into(), rows, by_name, asked: Instant::now() }
    }

    /// That nothing is known but the file.
    pub(super) fn unknown(file: ShmStatsFile, problem: &str) -> Self {
        let (rows, by_name) = (Vec::new(), HashMap::new());
        Self { file, problem: problem.into(), rows, by_name, asked: Instant::now() }
    }

    pub(super) fn file(&self) -> &ShmStatsFile {
        &self.file
    }

    /// What is known of the rows of a record of the process.
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
        SharedCounters { file: self.file.clone(), problem, rows }
    }

    /// Whether it is worth while to ask again: there are figures that depend on what is
    /// not known, and the last time is a while ago.
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

/// Whether any counter that may be shared is above 0.
fn has_counted(row: &Row<'_>) -> bool {
    let mut columns = Col::ALL.iter().zip(COLUMNS);
    columns.any(|(column, declared)| {
        declared.shared && declared.nature == Nature::Counter && row.number(*column).is_some_and(|n| n > 0)
    })
}
