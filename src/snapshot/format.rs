//! Stored form of a snapshot: a format number and one map for each process.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Snapshot;
use super::extra::Extra;
use super::record::Record;
use super::requirement::Requirement;
use super::shared_counters::{CountersRead, Local, SharedCounters, ShmStatsFile};
use crate::address::Address;
use crate::error::Failure;
use crate::level::Level;
use crate::shm::RowCounters;
use crate::show::stat::{LastReply, StatParser};
use crate::show::{Info, ListedSocket, ProcessReport};

/// Number of the format. A change that adds fields keeps it.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Written<P> {
    format: u32,
    processes: Vec<P>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    requirements: Vec<Requirement>,
}

/// One process: either `error`, or the parts of a report. Some releases have no `level`.
#[derive(Serialize, Deserialize)]
struct WrittenProcess {
    host: Arc<str>,
    address: Address,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<Arc<str>>,
    /// Microseconds since 1970.
    read_at: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    level: Option<Level>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sockets: Vec<ListedSocket>,
    /// Pairs, in the order in which HAProxy prints them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    info: Vec<(String, String)>,
    /// CSV, as HAProxy prints it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stat: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shared: Option<WrittenShared>,
    /// The read of the counters in `stat` that are in the file, if it was later than `read_at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    counters: Option<CountersRead>,
    #[serde(flatten)]
    extra: Extra,
}

/// Counters that a process keeps in one file with others. Rows are identified by their position in
/// `stat`. The process counts alone in rows that are in neither list.
#[derive(Serialize, Deserialize)]
struct WrittenShared {
    file: ShmStatsFile,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    problem: Option<Box<str>>,
    /// Rows of each place in the file.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    places: BTreeMap<Arc<str>, Vec<usize>>,
    /// Rows that may or may not be in the file; this is not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unknown: Vec<usize>,
}

impl Serialize for Snapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let processes = self.processes().iter().map(|process| WrittenProcess::new(&process.record)).collect();
        let requirements = self.requirements().to_vec();
        Written { format: FORMAT, processes, requirements }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Snapshot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written: Written<WrittenProcess> = Written::deserialize(deserializer)?;
        if written.format != FORMAT {
            let text = format!("snapshot format {} is not {FORMAT}", written.format);
            return Err(D::Error::custom(text));
        }
        // The processes share headers and lists of rows.
        let last = LastReply::of_cluster();
        let records: Result<Vec<_>, _> =
            written.processes.into_iter().map(|process| process.read(&last)).collect();
        let records = records.map_err(D::Error::custom)?.into_iter().map(Arc::new);
        Ok(Self::with_requirements(records, written.requirements))
    }
}

impl WrittenProcess {
    fn new(record: &Record) -> Self {
        let reading = record.answer.as_ref().ok();
        let pairs = |info: &Info| info.iter().map(|(key, value)| (key.into(), value.into())).collect();
        Self {
            host: record.host.clone(),
            address: record.address.clone(),
            label: record.label.clone(),
            read_at: record.read_at,
            error: record.answer.as_ref().err().cloned(),
            level: reading.and_then(|reading| reading.level),
            sockets: reading.map(|reading| reading.sockets.iter().cloned().collect()).unwrap_or_default(),
            info: reading.map(|reading| pairs(&reading.info)).unwrap_or_default(),
            stat: reading.map(|reading| reading.stat.to_csv()),
            shared: record.shared.as_deref().map(WrittenShared::new),
            counters: record.counters.clone(),
            extra: record.extra.clone(),
        }
    }

    fn read(self, last: &LastReply) -> crate::error::Result<Record> {
        let answer = match (self.error, self.level, self.stat) {
            (Some(failure), None, None) => Err(failure),
            (None, level, Some(text)) => {
                let mut parser = StatParser::after(last.of_others());
                parser.feed(text.as_bytes())?;
                let pairs = self.info.iter().map(|(key, value)| (key.as_str(), value.as_str()));
                Ok(Arc::new(ProcessReport {
                    info: Info::from_pairs(pairs)?,
                    level,
                    sockets: self.sockets.into_iter().collect(),
                    stat: parser.finish()?,
                }))
            }
            _ => {
                let text = "a process has either an error or `show stat`";
                return Err(crate::error::Error::invalid(text).at(&self.address));
            }
        };
        let rows = answer.as_ref().map_or(0, |reading: &Arc<ProcessReport>| reading.stat.len());
        let mut record = Record::new(self.host, self.address, answer);
        record.shared = self.shared.map(|shared| Arc::new(shared.read(rows)));
        record.counters = self.counters;
        record.label = self.label;
        record.read_at = self.read_at;
        record.extra = self.extra;
        Ok(record)
    }
}

impl WrittenShared {
    fn new(shared: &SharedCounters) -> Self {
        let mut written = Self {
            file: shared.file.clone(),
            problem: shared.problem.clone(),
            places: BTreeMap::new(),
            unknown: Vec::new(),
        };
        for (row, counters) in shared.rows.iter().enumerate() {
            match counters {
                RowCounters::Separate => {}
                RowCounters::Shared(place) => written.places.entry(place.clone()).or_default().push(row),
                RowCounters::Unknown => written.unknown.push(row),
            }
        }
        written
    }

    fn read(self, rows: usize) -> SharedCounters {
        let mut all = vec![RowCounters::Separate; rows];
        let mut set = |row: usize, counters: RowCounters| {
            if let Some(slot) = all.get_mut(row) {
                *slot = counters;
            }
        };
        for (place, rows) in self.places {
            for row in rows {
                set(row, RowCounters::Shared(place.clone()));
            }
        }
        for row in self.unknown {
            set(row, RowCounters::Unknown);
        }
        SharedCounters { file: self.file, problem: self.problem, rows: all.into(), access: Local::default() }
    }
}
