//! Conclusions from the answers of the processes that have one file.

use std::sync::Arc;

use super::rows::SharedRows;
use crate::error::{Error, Result};
use crate::shm;
use crate::shm::{Clock, Mapped, RowGuid, ShmFile, Usage};
use crate::show::{GuidList, ProcessReport};
use crate::snapshot::ShmStatsFile;
use crate::version::Version;

/// The answer of a process to the query for its guids.
pub(super) struct GuidAnswer {
    /// The report before the guids, the guids, and the report after them.
    pub(super) reply: Result<(Arc<ProcessReport>, GuidList, Arc<ProcessReport>)>,
    pub(super) pid: u64,
    /// The file that the process was seen to map.
    pub(super) mapped: Option<Mapped>,
}

/// Decides where each process keeps the counters of its rows. Reads the file, up to `limit` bytes,
/// if it can be seen on this host.
pub(super) fn decide(file: &ShmStatsFile, answers: &[GuidAnswer], limit: usize) -> Vec<SharedRows> {
    let (content, problem) = match content(answers, limit) {
        Ok(content) => (content, None),
        // The file is declared, so its content is not needed.
        Err(Unreadable::One(_)) if matches!(file, ShmStatsFile::Declared(_)) => (None, None),
        Err(Unreadable::One(problem) | Unreadable::Several(problem)) => (None, Some(problem)),
    };
    let content = content.as_ref();
    // The processes were active a moment ago, so the clock of the file is right.
    let clock = content.map(|content| Clock::now_at(content.now));
    let versions: Vec<Option<Version>> = answers.iter().map(GuidAnswer::version).collect();
    let joined: Vec<Result<Vec<RowGuid>, String>> =
        answers.iter().map(|answer| answer.guids(content)).collect();
    let members = answers.iter().zip(&versions).zip(&joined).filter_map(|((answer, version), guids)| {
        let (Ok((before, _, after)), Ok(guids)) = (&answer.reply, guids) else { return None };
        Some(shm::Member {
            guids,
            before: &before.stat,
            after: &after.stat,
            version: version.as_ref(),
            thread_groups: before.info.nb_thread_groups().unwrap_or(1),
            usage: if problem.is_some() { Usage::Unknown } else { answer.usage(content, before) },
        })
    });
    let members: Vec<_> = members.collect();
    let mut places = shm::places(&members, content).into_iter();
    let rows = answers.iter().zip(&joined).map(|(answer, guids)| match (&answer.reply, guids) {
        (Ok((before, ..)), Ok(_)) => {
            let problem = problem.as_deref().unwrap_or(UNPROVED);
            let places = places.next().unwrap_or_default();
            SharedRows::new(file.clone(), problem, &before.stat, places).with_clock(clock)
        }
        (_, Err(problem)) => SharedRows::unknown(file.clone(), problem),
        (Err(error), _) => SharedRows::unknown(file.clone(), &error.to_string()),
    });
    rows.collect()
}

/// Reason why rows are unknown although the process and the file were read.
const UNPROVED: &str = "its rows count so much alike that their guids are not proved, or do not count as one";

/// Reason why there is no file to read.
enum Unreadable {
    One(String),
    Several(String),
}

/// Reads the file that the processes map. Returns `None` if no process was seen to map one.
fn content(answers: &[GuidAnswer], limit: usize) -> Result<Option<ShmFile>, Unreadable> {
    let mapped = || answers.iter().filter_map(|answer| answer.mapped.as_ref());
    let id = |mapped: &Mapped| (mapped.device, mapped.inode);
    let Some(first) = mapped().next() else { return Ok(None) };
    if mapped().any(|other| id(other) != id(first)) {
        return Err(Unreadable::Several("declared to have one file, and they map several".into()));
    }
    // The path of any of these processes may lead to the file, so each is tried.
    let read = mapped()
        .map(|mapped| mapped.read(limit))
        .reduce(|one, other| one.or_else(|error| other.map_err(|_| error)));
    read.transpose().map_err(Unreadable::One)
}

impl GuidAnswer {
    fn version(&self) -> Option<Version> {
        self.reply.as_ref().ok()?.0.info.version().map(Version::parse)
    }

    /// Returns the guid of each row.
    fn guids(&self, file: Option<&ShmFile>) -> Result<Vec<RowGuid>, String> {
        let (before, list, after) = self.reply.as_ref().map_err(Error::to_string)?;
        let is_frontend = |guid: &str| file?.is_frontend(guid);
        Ok(shm::join(&before.stat, list, &after.stat, is_frontend)?)
    }

    /// Returns the way in which the process uses the file. The report of the process says if it is
    /// stopping.
    fn usage(&self, file: Option<&ShmFile>, reading: &ProcessReport) -> Usage {
        let is_stopping = reading.info.stopping().is_some_and(|stopping| stopping > 0);
        match file.filter(|_| self.mapped.is_some()).map(|file| file.slot(self.pid, is_stopping)) {
            // The process is only declared to use the file.
            None => Usage::Some,
            Some(Some(slot)) => Usage::Slot(slot),
            Some(None) if is_stopping => Usage::Some,
            Some(None) => Usage::Unknown,
        }
    }
}
