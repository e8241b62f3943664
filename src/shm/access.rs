//! Reads the counters of all processes of one file.

use std::cell::OnceCell;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use super::counters::{FileCounters, Objects};
use super::file::ShmFile;
use super::place::RowCounters;
use super::process::{Life, Mapped};
use super::reading::{Clock, Reading};
use crate::error::{ErrorKind, Failure};
use crate::show::stat::StatTable;

/// The file of one process, as far as it can be read on this host.
#[derive(Debug)]
pub(crate) struct FileAccess {
    mapped: Mapped,
    /// Greatest accepted length of the file.
    limit: usize,
    /// Longest time for a read.
    pub(crate) patience: Duration,
    /// An earlier time of the clock of the file.
    clock: Mutex<Option<Clock>>,
    /// The objects of the rows of the process, found by the first read.
    objects: OnceLock<Arc<Objects>>,
}

/// A process, and what is known of its counters.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) access: &'a FileAccess,
    pub(crate) rows: &'a [RowCounters],
    /// The last `show stat`.
    pub(crate) table: &'a StatTable,
}

/// The counters of a process.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) counters: FileCounters,
    pub(crate) time: SystemTime,
    pub(crate) is_suspended: bool,
}

impl FileAccess {
    pub(crate) fn new(mapped: Mapped, limit: usize, patience: Duration, clock: Option<Clock>) -> Self {
        Self { mapped, limit, patience, clock: Mutex::new(clock), objects: OnceLock::new() }
    }

    /// Returns device and number of the file.
    pub(crate) fn file(&self) -> (u64, u64) {
        (self.mapped.device, self.mapped.inode)
    }

    /// Returns the reason why the file cannot be read.
    pub(crate) fn problem(&self) -> Option<&str> {
        self.mapped.problem.as_deref()
    }

    fn clock(&self) -> Option<Clock> {
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_clock(&self, clock: Clock) {
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner) = Some(clock);
    }

    /// Returns the objects of the rows of the process. Finds them if this is the first read.
    fn objects(&self, now: &Moment, wanted: Wanted<'_>) -> Result<Arc<Objects>, Failure> {
        if let Some(objects) = self.objects.get() {
            return Ok(Arc::clone(objects));
        }
        let (reading, file) = (&now.reading, now.file()?);
        let found = Arc::new(Objects::find(reading, file, self.mapped.pid, wanted.rows, wanted.table)?);
        Ok(Arc::clone(self.objects.get_or_init(|| found)))
    }
}

/// Reads the counters of processes that have one file. May wait for the disk.
pub(crate) fn read(processes: &[Wanted<'_>]) -> Vec<Result<Read, Failure>> {
    let clock = processes.iter().filter_map(|one| one.access.clock()).reduce(Clock::latest_of);
    // The path of any of these processes may lead to the file.
    let mut failure = None;
    let mut take = |one: &Wanted<'_>| {
        let taken = one.access.mapped.take(one.access.limit, clock);
        taken.map_err(|error| failure.get_or_insert(error)).ok()
    };
    let Some(reading) = processes.iter().find_map(&mut take).map(Arc::new) else {
        let failure =
            failure.unwrap_or_else(|| Failure::without_error(ErrorKind::Io, "no process has a file"));
        return processes.iter().map(|_| Err(failure.clone())).collect();
    };
    let now = Moment { reading, file: OnceCell::new() };
    let reading = &now.reading;
    let mut changes = Changes { reading, known: Vec::new() };
    let read = |wanted: &Wanted<'_>| {
        wanted.access.set_clock(reading.clock);
        // A process that runs after the read has run during the read.
        let is_suspended = match wanted.access.mapped.life() {
            Life::Running => false,
            Life::Suspended => true,
            Life::Over => return Err(Failure::without_error(ErrorKind::NotFound, GONE)),
            Life::Unknown(text) => return Err(Failure::without_error(ErrorKind::Io, text)),
        };
        let objects = wanted.access.objects(&now, *wanted)?;
        let slots = changes.since(objects.found_in());
        let counters = FileCounters::new(objects, wanted.access.mapped.pid, Arc::clone(reading), slots)?;
        Ok(Read { counters, time: reading.time, is_suspended })
    };
    processes.iter().map(read).collect()
}

/// The contents of the file.
struct Moment {
    reading: Arc<Reading>,
    /// Its slots and objects, once the objects of any process had to be found.
    file: OnceCell<Result<ShmFile, Failure>>,
}

impl Moment {
    fn file(&self) -> Result<&ShmFile, Failure> {
        self.file.get_or_init(|| self.reading.file()).as_ref().map_err(Failure::clone)
    }
}

const GONE: &str = "the process is gone";

/// Changes of the file from earlier moments to one moment.
struct Changes<'a> {
    reading: &'a Reading,
    known: Vec<(Arc<Reading>, u64)>,
}

impl Changes<'_> {
    /// Returns the changes since an earlier moment. Processes that were first read together have the same
    /// moment.
    fn since(&mut self, earlier: &Arc<Reading>) -> u64 {
        if let Some((_, changed)) = self.known.iter().find(|(one, _)| Arc::ptr_eq(one, earlier)) {
            return *changed;
        }
        let changed = self.reading.changed_since(earlier);
        self.known.push((Arc::clone(earlier), changed));
        changed
    }
}
