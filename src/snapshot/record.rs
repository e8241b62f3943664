use std::cmp::Ordering;
use std::sync::Arc;

use super::shared_counters::{CountersRead, Local, SharedCounters};
use crate::address::Address;
use crate::error::Failure;
use crate::show::stat::StatTable;
use crate::show::{Info, ProcessReport};
use crate::version::Version;

/// Data that is kept about one process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) host: Arc<str>,
    pub(crate) address: Address,
    /// Label that the user gave or the cluster chose.
    pub(crate) label: Option<Arc<str>>,
    /// Time when the answer was complete or the read was given up, in microseconds since 1970.
    pub(crate) read_at: u64,
    pub(crate) answer: Result<Arc<ProcessReport>, Failure>,
    /// Counters that the process keeps in one file with others, if it is known to do so.
    pub(crate) shared: Option<Arc<SharedCounters>>,
    /// The read of the counters from the file, if it was later than the answer.
    pub(crate) counters: Option<CountersRead>,
    /// The record of the answer, if this one has newer counters or was to have them.
    pub(super) base: Local<Option<Arc<Record>>>,
    /// Fields that a newer version of this crate stored with the process.
    #[cfg(feature = "serde")]
    pub(crate) extra: super::extra::Extra,
}

impl Record {
    pub(crate) fn new(host: Arc<str>, address: Address, answer: Result<Arc<ProcessReport>, Failure>) -> Self {
        Self {
            host,
            address,
            label: None,
            read_at: 0,
            answer,
            shared: None,
            counters: None,
            base: Local::default(),
            #[cfg(feature = "serde")]
            extra: super::extra::Extra::default(),
        }
    }

    /// Returns a copy without the rows.
    pub(crate) fn without_rows(&self) -> Self {
        let answer = self.answer.as_ref().map_err(Failure::clone).map(|reading| {
            Arc::new(ProcessReport {
                info: reading.info.clone(),
                level: reading.level,
                sockets: reading.sockets.clone(),
                stat: StatTable::empty(),
            })
        });
        Self { answer, shared: None, counters: None, base: Local::default(), ..self.clone() }
    }

    pub(crate) fn info(&self) -> Option<&Info> {
        self.answer.as_ref().ok().map(|reading| &reading.info)
    }

    /// Returns the time of the counters that are in a file, or else of the answer, in microseconds
    /// since 1970.
    pub(crate) fn counters_read_at(&self) -> u64 {
        self.counters.as_ref().map_or(self.read_at, |counters| counters.read_at)
    }

    pub(crate) fn version(&self) -> Option<Version> {
        self.info()?.version().map(Version::parse)
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.info().is_some_and(Info::is_stopping)
    }

    /// Returns the process ID if the process is stopping.
    pub(crate) fn stopping_pid(&self) -> Option<u64> {
        self.info().filter(|info| info.is_stopping())?.pid()
    }

    /// Returns the start time of the process in seconds since 1970.
    pub(crate) fn started_at(&self) -> Option<u64> {
        Self::start_of(self.info()?, self.read_at)
    }

    /// Returns the start time of a process in seconds since 1970, from `info`, which was read at
    /// `read_at`, in microseconds since 1970.
    pub(crate) fn start_of(info: &Info, read_at: u64) -> Option<u64> {
        info.start_time_sec().or_else(|| (read_at / 1_000_000).checked_sub(info.uptime_sec()?))
    }

    /// Orders two records of one process: the greater one is kept. The newer record is greater, or of
    /// one answer the one with newer counters. For records of the same microsecond, any fixed order of their contents is enough.
    pub(super) fn precedence(self: &Arc<Self>, other: &Arc<Self>) -> Ordering {
        if Arc::ptr_eq(self, other) {
            return Ordering::Equal;
        }
        let times = |one: &Self| (one.read_at, one.counters_read_at());
        times(self).cmp(&times(other)).then_with(|| self.written().cmp(&other.written()))
    }

    /// Returns all contents except the time and the host.
    fn written(&self) -> impl Ord {
        let answer = match &self.answer {
            Ok(reading) => {
                let info: Vec<_> = reading.info.iter().collect();
                let sockets: Vec<_> = reading
                    .sockets
                    .iter()
                    .map(|socket| (&socket.address, &socket.level, &socket.processes))
                    .collect();
                Ok((info, reading.level, sockets, reading.stat.to_csv()))
            }
            Err(failure) => Err((failure.kind.as_str(), &failure.message)),
        };
        #[cfg(feature = "serde")]
        let extra = &self.extra;
        #[cfg(not(feature = "serde"))]
        let extra = ();
        // Equal addresses can have two texts: `/run/a` and `/run//a`.
        (self.address.to_string(), answer, &self.label, &self.shared, &self.counters, extra)
    }
}
