use super::fold::{self, Underflow};
use super::index::Place;
use super::process::Process;
use super::snapshot::Snapshot;
use super::{Agreement, Bound, Figure, Label, Limit, MaxRange};
use crate::error::{Error, Problem, Result};
use crate::field::{COLUMNS, Col, Column, Nature, Rule, Wire};
use crate::model::{CheckStatus, Dump, Header, Mode, Row, Status};

/// One frontend, backend, server or listener in all processes that have it.
#[derive(Clone)]
pub(super) struct Object {
    snapshot: Snapshot,
    id: u32,
}

impl Object {
    pub(super) fn new(snapshot: Snapshot, id: u32) -> Self {
        Self { snapshot, id }
    }

    pub(super) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    pub(super) fn children(&self) -> impl Iterator<Item = Object> {
        let ids = self.snapshot.index().children(self.id);
        ids.iter().map(|id| Object::new(self.snapshot.clone(), *id))
    }

    pub(super) fn proxy(&self) -> &str {
        self.rows().next().map_or("", |(_, row)| row.proxy())
    }

    pub(super) fn name(&self) -> &str {
        self.rows().next().map_or("", |(_, row)| row.name())
    }

    /// Every process that has the object, with its row.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&Process, Row<'_>)> + Clone {
        let places = self.snapshot.index().places(self.id);
        places.iter().filter_map(|Place { process, row }| {
            let process = self.snapshot.processes().get(*process as usize)?;
            Some((process, process.stat()?.row(*row as usize)?))
        })
    }

    /// The rows that states, weights, limits and ages are told by: those of
    /// processes that are not stopping, unless all are.
    fn current(&self) -> impl Iterator<Item = (&Process, Row<'_>)> + Clone {
        let all = self.rows().all(|(process, _)| process.is_stopping());
        self.rows().filter(move |(process, _)| all || !process.is_stopping())
    }

    pub(super) fn sum(&self, column: Col) -> Option<u64> {
        fold::sum(self.rows().map(|(_, row)| row.number(column)), underflow(column))
    }

    pub(super) fn range(&self, column: Col) -> Option<MaxRange> {
        fold::range(self.rows().map(|(_, row)| row.number(column)))
    }

    pub(super) fn max(&self, column: Col) -> Option<u64> {
        fold::max(self.current().map(|(_, row)| row.number(column)))
    }

    pub(super) fn min(&self, column: Col) -> Option<u64> {
        fold::min(self.current().map(|(_, row)| row.signed(column)))
    }

    /// Mean over the requests that each process remembers, 1024 at the most.
    pub(super) fn mean(&self, column: Col) -> Option<f64> {
        fold::mean(self.rows().map(|(_, row)| (row.number(column), row.stot().unwrap_or(0).min(1024))))
    }

    pub(super) fn limit(&self, column: Col) -> Option<Limit> {
        let printed = self.current().filter(|(_, row)| row.has(column));
        fold::limit(
            printed.map(|(process, row)| (process.label().clone(), Bound::from_cell(row.number(column)))),
        )
    }

    pub(super) fn same<'a, T>(
        &'a self,
        get: impl Fn(&Row<'a>) -> Option<T>,
        agrees: impl Fn(&T, &T) -> bool,
    ) -> Option<Agreement<T>> {
        let values = self.current().filter_map(|(process, row)| Some((process.label().clone(), get(&row)?)));
        fold::agreement(values, agrees)
    }

    pub(super) fn same_number(&self, column: Col) -> Option<Agreement<u64>> {
        self.same(|row| row.number(column), u64::eq)
    }

    pub(super) fn same_text(&self, column: Col) -> Option<Agreement<&str>> {
        self.same(|row| row.text(column), |a, b| a == b)
    }

    /// Statuses agree if their states do. What HAProxy remarks beside them is
    /// kept if it is the same everywhere, but for counts, which never are.
    pub(super) fn same_status(&self, column: Col) -> Option<Agreement<Status>> {
        let agreed = self.same(|row| row.text(column).map(Status::parse), Status::agrees)?;
        let Agreement::Same(mut status) = agreed else { return Some(agreed) };
        let alike =
            self.current().all(|(_, row)| row.text(column).map(Status::parse).as_ref() == Some(&status));
        if !alike && !status.is_unpublished() {
            status.remark = None;
        }
        Some(Agreement::Same(status))
    }

    /// Check results agree whether or not a further check is under way.
    pub(super) fn same_check(&self, column: Col) -> Option<Agreement<CheckStatus>> {
        let checks = |row: &Row<'_>| row.text(column).map(CheckStatus::parse);
        let agreed = self.same(checks, |a, b| a.result == b.result)?;
        let Agreement::Same(mut check) = agreed else { return Some(agreed) };
        check.running = self.current().any(|(_, row)| checks(&row).is_some_and(|check| check.running));
        Some(Agreement::Same(check))
    }

    pub(super) fn same_mode(&self, column: Col) -> Option<Agreement<Mode>> {
        self.same(|row| row.text(column).map(Mode::parse), Mode::eq)
    }

    /// The merged figure of a column that is only known at run time.
    pub(super) fn figure(&self, name: &str) -> Result<Option<Figure<'_>>> {
        let known = COLUMNS.iter().position(|column| column.name == name);
        match known.and_then(|index| Some((Col::ALL.get(index)?, COLUMNS.get(index)?))) {
            Some((column, declared)) => Ok(self.known_figure(*column, declared)),
            None if self.rows().any(|(_, row)| row.get(name).is_some()) => {
                let text = self.same(|row| row.get(name).filter(|cell| !cell.is_empty()), |a, b| a == b);
                Ok(text.map(Figure::SameText))
            }
            None => Err(Error::new(Problem::NotFound(format!("column {name:?} in `show stat`")))),
        }
    }

    fn known_figure(&self, column: Col, declared: &Column) -> Option<Figure<'_>> {
        let kind = self.snapshot.index().kind(self.id)?;
        let rule = declared.kinds.iter().find_map(|(one, rule)| (*one == kind).then_some(*rule));
        match (rule?, declared.wire) {
            (Rule::Sum, _) => self.sum(column).map(Figure::Number),
            (Rule::Max, _) => self.max(column).map(Figure::Number),
            (Rule::Min, _) => self.min(column).map(Figure::Number),
            (Rule::Mean, _) => self.mean(column).map(Figure::Mean),
            (Rule::Range, _) => self.range(column).map(Figure::Range),
            (Rule::Limit, _) => self.limit(column).map(Figure::Limit),
            (Rule::Same | Rule::Key, Wire::Status) => self.same_status(column).map(Figure::Status),
            (Rule::Same | Rule::Key, Wire::Check) => self.same_check(column).map(Figure::Check),
            (Rule::Same | Rule::Key, Wire::Mode) => self.same_mode(column).map(Figure::Mode),
            (Rule::Same | Rule::Key, Wire::Text) => self.same_text(column).map(Figure::SameText),
            (Rule::Same | Rule::Key, _) => self.same_number(column).map(Figure::SameNumber),
            (Rule::Own, _) => {
                let own: Vec<(Label, &str)> = self
                    .rows()
                    .filter_map(|(process, row)| Some((process.label().clone(), row.text(column)?)))
                    .collect();
                (!own.is_empty()).then_some(Figure::Own(own))
            }
        }
    }

    /// Every column that any process fills, merged.
    pub(super) fn figures(&self) -> Vec<(&str, Figure<'_>)> {
        let mut names: Vec<&str> = COLUMNS.iter().map(|column| column.name).collect();
        for (process, _) in self.rows() {
            let header = process.stat().map(Dump::header);
            for name in header.into_iter().flat_map(Header::names) {
                if !COLUMNS.iter().any(|column| column.name == name) && !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names.into_iter().filter_map(|name| Some((name, self.figure(name).ok()??))).collect()
    }
}

/// When a figure of `column` has fallen below zero.
fn underflow(column: Col) -> Underflow {
    match COLUMNS.get(column as usize) {
        Some(Column { nature: Nature::Gauge, wire: Wire::U32, .. }) => Underflow::BITS_32,
        Some(Column { nature: Nature::Gauge, wire: Wire::U64, .. }) => Underflow::BITS_64,
        _ => Underflow::NEVER,
    }
}

impl PartialEq for Object {
    /// The same thing with the same rows in the same processes.
    fn eq(&self, other: &Self) -> bool {
        self.rows()
            .map(|(process, row)| (process.label(), row))
            .eq(other.rows().map(|(process, row)| (process.label(), row)))
    }
}
