use super::counter;
use super::difference::Delta;
use super::entry::{ObjectStanding, Part};
use super::increase::{Covers, Increase, Portion};
use super::process::ProcessDelta;
use crate::error::Result;
use crate::field::{Col, RowKind};
use crate::show::Info;
use crate::show::stat::{Cells as _, Row};
use crate::snapshot::sharing::Kept;

/// Frontend, backend, server or listener in both snapshots.
#[derive(Clone)]
pub(super) struct Object {
    delta: Delta,
    entry: u32,
}

impl Object {
    pub(super) fn new(delta: Delta, entry: u32) -> Self {
        Self { delta, entry }
    }

    pub(super) fn delta(&self) -> &Delta {
        &self.delta
    }

    /// Returns its number in the index of the later snapshot, or a higher number if it is gone.
    pub(super) fn number(&self) -> u32 {
        self.entry
    }

    fn parts(&self) -> &[Part] {
        self.delta.0.entries.get(self.entry as usize).map_or(&[], |entry| entry.parts.as_slice())
    }

    fn process(&self, part: &Part) -> Option<&ProcessDelta> {
        self.delta.0.processes.get(part.process)
    }

    fn later_row(&self, part: &Part) -> Option<Row<'_>> {
        self.process(part)?.later()?.stat()?.row(part.later?)
    }

    fn earlier_row(&self, part: &Part) -> Option<Row<'_>> {
        self.process(part)?.earlier()?.stat()?.row(part.earlier?)
    }

    /// Returns its names, as the later snapshot has them if it has the object.
    fn first_row(&self) -> Option<Row<'_>> {
        self.parts().iter().find_map(|part| self.later_row(part).or_else(|| self.earlier_row(part)))
    }

    pub(super) fn proxy(&self) -> &str {
        self.first_row().map_or("", |row| row.proxy())
    }

    pub(super) fn name(&self) -> &str {
        self.first_row().map_or("", |row| row.name())
    }

    /// Returns each process that has or had the object, with the result of the comparison.
    pub(super) fn standings(&self) -> impl Iterator<Item = (&ProcessDelta, ObjectStanding)> {
        self.parts().iter().filter_map(|part| Some((self.process(part)?, part.standing)))
    }

    pub(super) fn covers(&self) -> Option<Covers> {
        let counted = self.standings().filter(|(_, standing)| *standing == ObjectStanding::Counted);
        Covers::of(counted.filter_map(|(process, _)| process.covers()))
    }

    /// Returns the increase of a counter. `choose` names the column of the counter in each row.
    pub(super) fn increase_of(&self, choose: impl Fn(&Row<'_>) -> Col) -> Option<Increase> {
        Increase::of(self.parts().iter().filter_map(|part| {
            let process = self.process(part)?;
            let (later, earlier) = (self.later_row(part)?, self.earlier_row(part)?);
            let column = choose(&later);
            if column.is_of_module() && process.modules_cleared {
                return None;
            }
            // A read may have asked for fewer columns.
            earlier.header().position(column)?;
            // A cell is empty until the first event.
            let then = earlier.number(column).unwrap_or(0);
            let count = later.number(column)?.checked_sub(then)?;
            let now = process.later()?;
            let kept = if column.declared().shared { Kept::of(now, later.index()) } else { Kept::Separate };
            let covers = process.covers_of(later.index(), earlier.index(), column)?;
            let thread_groups = now.info().and_then(Info::nb_thread_groups);
            Some(Portion { kept, label: now.label(), count, covers, thread_groups })
        }))
    }

    pub(super) fn increase(&self, name: &str) -> Result<Option<Increase>> {
        let kind = self.kind();
        Ok(counter::column(name, kind)?.and_then(|column| self.increase_of(|_| column)))
    }

    /// Returns the increase of each counter that a process fills, with the name of the column.
    pub(super) fn increases(&self) -> Vec<(&'static str, Increase)> {
        let columns = counter::columns(self.kind());
        columns.filter_map(|column| Some((column.declared().name, self.increase_of(|_| column)?))).collect()
    }

    fn kind(&self) -> RowKind {
        self.delta.0.entries.get(self.entry as usize).map_or(RowKind::Other, |entry| entry.kind)
    }
}
