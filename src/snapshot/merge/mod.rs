//! Rules by which the values of several processes become one.

pub(super) mod fold;
mod value;

pub use value::{Agreement, Bound, Limit, MetricValue};

use std::collections::HashMap;

use super::count_range::CountRange;
use super::label::Label;
use super::process::Process;
use super::sharing::{self, Kept};
use crate::field::{COLUMNS, Col, Column, HIDDEN_FROM_USERS, Nature, RowKind, Rule, ValueType};
use crate::level::Level;
use crate::show::stat::{Cells, CheckStatus, Mode, Status};
use fold::Underflow;

/// Rows of one object, to be merged column by column: every process that has the object, with its
/// row.
pub(super) struct Merge<I> {
    rows: I,
}

impl<'a, R, I> Merge<I>
where
    R: Cells<'a>,
    I: Iterator<Item = (&'a Process, R)> + Clone,
{
    pub(crate) fn new(rows: I) -> Self {
        Self { rows }
    }

    /// Returns the rows that decide states, weights, limits and ages: the rows of the processes
    /// that are not stopping, or all rows if all processes are stopping.
    fn current(&self) -> impl Iterator<Item = (&'a Process, R)> + Clone {
        let has_say = self.has_say();
        self.rows.clone().filter(move |(process, _)| has_say(process))
    }

    fn has_say(&self) -> impl Fn(&Process) -> bool + Clone + use<'a, R, I> {
        let all = self.rows.clone().all(|(process, _)| process.is_stopping());
        move |process| all || !process.is_stopping()
    }

    /// Returns the sum, if it is known exactly. A counter that processes keep in one place counts
    /// once.
    pub(super) fn sum(&self, column: Col) -> Option<u64> {
        self.count(column)?.exact()
    }

    /// Returns the sum, or the bounds of the sum.
    pub(super) fn count(&self, column: Col) -> Option<CountRange> {
        self.count_of(|_| column)
    }

    /// Returns the sum of a counter, or the bounds of the sum. `choose` names the column of the
    /// counter in each row.
    pub(super) fn count_of(&self, choose: impl Fn(&R) -> Col) -> Option<CountRange> {
        let column = choose(&self.rows.clone().next()?.1);
        let shared = COLUMNS.get(column as usize).is_some_and(|declared| declared.shared);
        if shared && self.has_file() {
            let kept = |process: &'a Process, row: &R| Kept::of(process, row.index());
            let values = self.rows.clone();
            return sharing::count(
                values.filter_map(|(process, row)| Some((kept(process, &row), row.number(choose(&row))?))),
            );
        }
        let values = self.rows.clone().map(|(_, row)| row.number(choose(&row)));
        fold::sum(values, underflow(column)).map(CountRange::from)
    }

    /// Returns `true` if any of the processes keeps counters in a file.
    fn has_file(&self) -> bool {
        self.rows.clone().any(|(process, _)| process.shared_counters().is_some())
    }

    pub(super) fn range(&self, column: Col) -> Option<CountRange> {
        fold::range(self.rows.clone().map(|(_, row)| row.number(column)))
    }

    pub(super) fn max(&self, column: Col) -> Option<u64> {
        fold::max(self.current().map(|(_, row)| row.number(column)))
    }

    pub(super) fn min(&self, column: Col) -> Option<u64> {
        fold::min(self.current().map(|(_, row)| row.signed(column)))
    }

    /// Returns the mean over the requests that each process remembers, at most 1024.
    ///
    /// If the number of requests is kept in a file, HAProxy divides the times of one process by the
    /// number of requests of all processes: two processes with ten requests of 60 ms each print
    /// 30 ms. Both may print the same wrong value; only 0 is certain. The mean is therefore `None`
    /// if several processes have samples, one of them shares its counters, and any value is not 0.
    pub(super) fn mean(&self, column: Col) -> Option<f64> {
        let samples = self.rows.clone().filter_map(|(process, row)| {
            let weight = row.number(Col::stot).unwrap_or(0).min(1024);
            let separate = Kept::of(process, row.index()) == Kept::Separate;
            (weight > 0).then_some((separate, row.number(column)?, weight))
        });
        let values = || samples.clone().map(|(_, value, _)| value);
        let own = samples.clone().all(|(separate, ..)| separate) || samples.clone().nth(1).is_none();
        if own || values().all(|value| value == 0) {
            return fold::mean(samples.map(|(_, value, weight)| (Some(value), weight)));
        }
        None
    }

    pub(super) fn limit(&self, column: Col) -> Option<Limit> {
        let printed = self.current().filter(|(_, row)| row.header().position(column).is_some());
        fold::limit(printed.map(|(process, row)| (process.label(), Bound::from_cell(row.number(column)))))
    }

    pub(super) fn same<T>(
        &self,
        get: impl Fn(&R) -> Option<T>,
        agrees: impl Fn(&T, &T) -> bool,
    ) -> Option<Agreement<T>> {
        let values = self.current().filter_map(|(process, row)| Some((process.label(), get(&row)?)));
        fold::agreement(values, agrees)
    }

    pub(super) fn same_number(&self, column: Col) -> Option<Agreement<u64>> {
        self.same(|row| row.number(column), u64::eq)
    }

    pub(super) fn same_text(&self, column: Col) -> Option<Agreement<&'a str>> {
        self.same(|row| row.text(column), |a, b| a == b)
    }

    /// Returns the agreement on a column in which an empty cell is a value; `None` if no process
    /// fills the column.
    pub(super) fn same_or_empty<T>(
        &self,
        column: Col,
        read: impl Fn(&'a str) -> T + Clone,
        agrees: impl Fn(&T, &T) -> bool,
    ) -> Option<Agreement<T>> {
        fold::filled(self.printed(column), read, agrees)
    }

    pub(super) fn same_text_or_empty(&self, column: Col) -> Option<Agreement<&'a str>> {
        self.same_or_empty(column, |text| text, |a, b| a == b)
    }

    /// Returns the agreement on a limit for which an empty cell means unlimited, and 0 does not.
    pub(super) fn same_bound(&self, column: Col) -> Option<Agreement<Bound>> {
        let printed = self.current().filter(|(_, row)| row.header().position(column).is_some());
        let bound = |row: R| row.number(column).map_or(Bound::Unlimited, Bound::At);
        fold::agreement(printed.map(|(process, row)| (process.label(), bound(row))), Bound::eq)
    }

    /// Returns the agreement on texts of an unknown column. An empty text may be a value; `None` if
    /// all texts are empty.
    pub(super) fn same_unknown(&self, get: impl Fn(&R) -> Option<&'a str>) -> Option<Agreement<&'a str>> {
        let texts = self.current().filter_map(|(process, row)| Some((process.label(), get(&row)?)));
        fold::filled(texts, |text| text, |a, b| a == b)
    }

    /// Returns the texts of a column, empty texts included. Leaves out a process if it does not
    /// print the column, or if the text is empty because the level of its socket hides the column,
    /// or may hide it.
    fn printed(&self, column: Col) -> impl Iterator<Item = (&'a Label, &'a str)> + Clone {
        let hidden = COLUMNS.get(column as usize).is_some_and(|one| HIDDEN_FROM_USERS.contains(&one.name));
        self.current().filter_map(move |(process, row)| {
            let text = row.printed(column)?;
            let is_hidden = hidden && text.is_empty() && process.level().is_none_or(|one| one == Level::User);
            (!is_hidden).then_some((process.label(), text))
        })
    }

    /// Returns the agreement on a status. Statuses that differ only in the counts of health checks
    /// agree on the worst of them.
    pub(super) fn same_status(&self, column: Col) -> Option<Agreement<Status>> {
        let status = |row: &R| row.text(column).map(Status::parse);
        let agreed = self.same(status, Status::agrees)?;
        if !agreed.is_same() {
            return Some(agreed);
        }
        let worst = self.current().filter_map(|(_, row)| status(&row)).min_by_key(Status::severity)?;
        Some(Agreement::Same(worst))
    }

    /// Returns the agreement on a check result. Results agree even if another check is in progress
    /// in some of the processes.
    pub(super) fn same_check(&self, column: Col) -> Option<Agreement<CheckStatus>> {
        let agreed = self.same_or_empty(column, CheckStatus::parse, |a, b| a.result == b.result)?;
        let Agreement::Same(mut check) = agreed else { return Some(agreed) };
        check.running = self.printed(column).any(|(_, text)| CheckStatus::parse(text).running);
        Some(Agreement::Same(check))
    }

    pub(super) fn same_mode(&self, column: Col) -> Option<Agreement<Mode>> {
        self.same(|row| row.text(column).map(Mode::parse), Mode::eq)
    }

    /// Returns the merged figures of all columns that this crate does not know, in the order of the
    /// rows.
    pub(super) fn unknown_figures(&self) -> impl Iterator<Item = (&'a str, MetricValue<'a>)> + use<'a, R, I> {
        let mut names = Vec::new();
        // Each column with its texts, and the index of the row of each text. A search for every
        // column in every row would take time proportional to the square of their number.
        let mut texts: HashMap<&str, Vec<(usize, &Label, &str)>> = HashMap::new();
        let has_say = self.has_say();
        for (at, (process, row)) in self.rows.clone().enumerate() {
            for (position, name) in row.header().unknown() {
                let texts = texts.entry(name).or_insert_with(|| {
                    names.push(name);
                    Vec::new()
                });
                // If a header has a name twice, the first column counts.
                let is_first = texts.last().is_none_or(|(row, ..)| *row != at);
                if let (true, true, Some(text)) = (is_first, has_say(process), row.text_at(position)) {
                    texts.push((at, process.label(), text));
                }
            }
        }
        names.into_iter().filter_map(move |name| {
            let texts = texts.get(name)?.iter().map(|(_, label, text)| (*label, *text));
            Some((name, MetricValue::SameText(fold::filled(texts, |text| text, |a, b| a == b)?)))
        })
    }

    /// Returns the merged figure of a column on rows of `kind`, by the rule in the table of
    /// columns.
    pub(super) fn figure(&self, kind: RowKind, column: Col) -> Option<MetricValue<'a>> {
        let declared = COLUMNS.get(column as usize)?;
        let rule = declared.kinds.iter().find_map(|(one, rule)| (*one == kind).then_some(*rule));
        match (rule?, declared.value_type) {
            (Rule::Sum, _) => {
                let count = self.count(column)?;
                Some(count.exact().map_or(MetricValue::Range(count), MetricValue::Number))
            }
            (Rule::Max, _) => self.max(column).map(MetricValue::Number),
            (Rule::Min, _) => self.min(column).map(MetricValue::Number),
            (Rule::Mean, _) => self.mean(column).map(MetricValue::Mean),
            (Rule::Range, _) => self.range(column).map(MetricValue::Range),
            (Rule::Limit, _) => self.limit(column).map(MetricValue::Limit),
            (Rule::Same | Rule::Identity | Rule::SameOrEmpty, ValueType::Status) => {
                self.same_status(column).map(MetricValue::Status)
            }
            (Rule::Same | Rule::Identity | Rule::SameOrEmpty, ValueType::Check) => {
                self.same_check(column).map(MetricValue::Check)
            }
            (Rule::Same | Rule::Identity | Rule::SameOrEmpty, ValueType::Mode) => {
                self.same_mode(column).map(MetricValue::Mode)
            }
            (Rule::SameOrEmpty, ValueType::Text) => {
                self.same_text_or_empty(column).map(MetricValue::SameText)
            }
            (Rule::SameOrEmpty, _) => self.same_bound(column).map(MetricValue::SameBound),
            (Rule::Same | Rule::Identity, ValueType::Text) => {
                self.same_text(column).map(MetricValue::SameText)
            }
            (Rule::Same | Rule::Identity, _) => self.same_number(column).map(MetricValue::SameNumber),
            (Rule::PerProcess, _) => {
                let own: Vec<(Label, &'a str)> = self
                    .rows
                    .clone()
                    .filter_map(|(process, row)| Some((process.label().clone(), row.text(column)?)))
                    .collect();
                (!own.is_empty()).then_some(MetricValue::Own(own))
            }
        }
    }
}

/// Returns the threshold at which a figure of `column` counts as below zero.
fn underflow(column: Col) -> Underflow {
    match COLUMNS.get(column as usize) {
        Some(Column { nature: Nature::Gauge, value_type: ValueType::U32, .. }) => Underflow::BITS_32,
        Some(Column { nature: Nature::Gauge, value_type: ValueType::U64, .. }) => Underflow::BITS_64,
        _ => Underflow::NEVER,
    }
}
