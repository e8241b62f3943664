//! Rules by which the values of several processes become one.

mod fold;
mod value;
mod values;

pub use value::{Agreement, Bound, Limit, MetricValue};

use std::collections::HashMap;

use super::columns::{Figure, ObjectColumns};
use super::count_range::CountRange;
use super::label::Label;
use super::process::Process;
use super::sharing::{self, Kept};
use crate::field::{Field, Rule, Underflow, ValueType};
use crate::level::Level;
use crate::show::stat::{CheckStatus, Mode, Status};
use values::Values;

/// Values of one object, to be merged field by field: every process that has the object, with its
/// row of `show stat`, or with its `show info`.
pub(super) struct Merge<'a, I> {
    rows: I,
    /// The figures that were merged for all objects at once.
    columns: Option<ObjectColumns<'a>>,
}

/// Outcome of a search for one row that stands for all rows in a field.
enum Common<R> {
    /// No row has a value.
    None,
    /// All rows that have a say print what this row prints. The number is that of these rows.
    Row(R, u64),
    /// The rows must be compared.
    Unknown,
}

impl<'a, R, I> Merge<'a, I>
where
    R: Values<'a>,
    I: Iterator<Item = (&'a Process, R)> + Clone,
{
    pub(crate) fn new(rows: I) -> Self {
        Self { rows, columns: None }
    }

    /// Uses figures that were merged for all objects at once.
    pub(crate) fn with_columns(self, columns: ObjectColumns<'a>) -> Self {
        Self { columns: Some(columns), ..self }
    }

    /// Returns the figure of a field if it was merged for all objects at once.
    fn merged(&self, field: R::Field) -> Figure {
        match (&self.columns, field.column()) {
            (Some(columns), Some(column)) => columns.figure(column),
            _ => Figure::Rows,
        }
    }

    fn common(&self, field: R::Field) -> Common<R> {
        match self.merged(field) {
            Figure::Absent => Common::None,
            Figure::Same { row, processes } => {
                let position = self.columns.as_ref().and_then(|columns| columns.position(row));
                let found = position.and_then(|position| self.rows.clone().nth(position));
                found.map_or(Common::Unknown, |(_, row)| Common::Row(row, processes))
            }
            _ => Common::Unknown,
        }
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
    pub(super) fn sum(&self, field: R::Field) -> Option<u64> {
        self.count(field)?.exact()
    }

    /// Returns the sum, or the bounds of the sum.
    pub(super) fn count(&self, field: R::Field) -> Option<CountRange> {
        match self.merged(field) {
            Figure::Number(number) => Some(number.into()),
            Figure::Absent => None,
            _ => self.count_of(|_| field),
        }
    }

    /// Returns the sum of a counter, or the bounds of the sum. `choose` names the field of the
    /// counter in each row.
    pub(super) fn count_of(&self, choose: impl Fn(&R) -> R::Field) -> Option<CountRange> {
        let field = choose(&self.rows.clone().next()?.1);
        if field.is_shared() && self.has_file() {
            let values = self.rows.clone();
            return sharing::count(
                values.filter_map(|(process, row)| Some((kept(process, &row), row.number(choose(&row))?))),
            );
        }
        let values = self.rows.clone().map(|(_, row)| row.number(choose(&row)));
        fold::sum(values, Underflow::of(field)).map(CountRange::from)
    }

    /// Returns `true` if any of the processes keeps counters in a file.
    fn has_file(&self) -> bool {
        self.rows.clone().any(|(process, _)| process.shared_counters().is_some())
    }

    pub(super) fn range(&self, field: R::Field) -> Option<CountRange> {
        match self.merged(field) {
            Figure::Range(range) => Some(range),
            Figure::Absent => None,
            _ => fold::range(self.rows.clone().map(|(_, row)| row.number(field))),
        }
    }

    pub(super) fn max(&self, field: R::Field) -> Option<u64> {
        match self.merged(field) {
            Figure::Number(number) => Some(number),
            Figure::Absent => None,
            _ => fold::max(self.current().map(|(_, row)| row.number(field))),
        }
    }

    pub(super) fn min(&self, field: R::Field) -> Option<u64> {
        match self.merged(field) {
            Figure::Number(number) => Some(number),
            Figure::Absent => None,
            _ => fold::min(self.current().map(|(_, row)| row.signed(field))),
        }
    }

    /// Returns the mean, weighted by the [weight](Values::weight) of each process: for times, the
    /// requests that the process remembers.
    ///
    /// If the number of requests is kept in a file, HAProxy divides the times of one process by the
    /// number of requests of all processes: two processes with ten requests of 60 ms each print
    /// 30 ms. Both may print the same wrong value; only 0 is certain. The mean is therefore `None`
    /// if several processes have samples, one of them shares its counters, and any value is not 0.
    pub(super) fn mean(&self, field: R::Field) -> Option<f64> {
        match self.merged(field) {
            Figure::Mean(mean) => return Some(mean),
            Figure::Absent => return None,
            _ => {}
        }
        let has_say = self.has_say();
        let samples = self.rows.clone().filter_map(|(process, row)| {
            let weight = row.weight(field, has_say(process));
            let separate = kept(process, &row) == Kept::Separate;
            (weight > 0).then_some((separate, row.number(field)?, weight))
        });
        let values = || samples.clone().map(|(_, value, _)| value);
        let own = samples.clone().all(|(separate, ..)| separate) || samples.clone().nth(1).is_none();
        if own || values().all(|value| value == 0) {
            return fold::mean(samples.map(|(_, value, weight)| (Some(value), weight)));
        }
        None
    }

    pub(super) fn limit(&self, field: R::Field) -> Option<Limit> {
        match self.common(field) {
            Common::None => return None,
            Common::Row(row, processes) => {
                return Some(fold::same_limit(Bound::from_cell(row.number(field)), processes));
            }
            Common::Unknown => {}
        }
        let printed = self.current().filter(|(_, row)| row.printed(field).is_some());
        fold::limit(printed.map(|(process, row)| (process.label(), Bound::from_cell(row.number(field)))))
    }

    pub(super) fn same<T>(
        &self,
        get: impl Fn(&R) -> Option<T>,
        agrees: impl Fn(&T, &T) -> bool,
    ) -> Option<Agreement<T>> {
        let values = self.current().filter_map(|(process, row)| Some((process.label(), get(&row)?)));
        fold::agreement(values, agrees)
    }

    pub(super) fn same_number(&self, field: R::Field) -> Option<Agreement<u64>> {
        match self.common(field) {
            Common::None => None,
            Common::Row(row, _) => row.number(field).map(Agreement::Same),
            Common::Unknown => self.same(|row| row.number(field), u64::eq),
        }
    }

    pub(super) fn same_text(&self, field: R::Field) -> Option<Agreement<&'a str>> {
        match self.common(field) {
            Common::None => None,
            Common::Row(row, _) => row.text(field).map(Agreement::Same),
            Common::Unknown => self.same(|row| row.text(field), |a, b| a == b),
        }
    }

    /// Returns the agreement on a field in which an empty text is a value; `None` if no process
    /// fills the field.
    pub(super) fn same_or_empty<T>(
        &self,
        field: R::Field,
        read: impl Fn(&'a str) -> T + Clone,
        agrees: impl Fn(&T, &T) -> bool,
    ) -> Option<Agreement<T>> {
        match self.common(field) {
            Common::None => None,
            Common::Row(row, _) => row.text(field).map(|text| Agreement::Same(read(text))),
            Common::Unknown => fold::filled(self.printed(field), read, agrees),
        }
    }

    pub(super) fn same_text_or_empty(&self, field: R::Field) -> Option<Agreement<&'a str>> {
        self.same_or_empty(field, |text| text, |a, b| a == b)
    }

    /// Returns the agreement on a limit for which an empty cell means unlimited, and 0 does not.
    pub(super) fn same_bound(&self, field: R::Field) -> Option<Agreement<Bound>> {
        let bound = |row: R| row.number(field).map_or(Bound::Unlimited, Bound::At);
        let printed = match self.common(field) {
            Common::None => return None,
            Common::Row(row, _) => return Some(Agreement::Same(bound(row))),
            Common::Unknown => self.current().filter(|(_, row)| row.printed(field).is_some()),
        };
        fold::agreement(printed.map(|(process, row)| (process.label(), bound(row))), Bound::eq)
    }

    /// Returns the agreement on texts of an unknown field. An empty text may be a value; `None` if
    /// all texts are empty.
    pub(super) fn same_unknown(&self, get: impl Fn(&R) -> Option<&'a str>) -> Option<Agreement<&'a str>> {
        let texts = self.current().filter_map(|(process, row)| Some((process.label(), get(&row)?)));
        fold::filled(texts, |text| text, |a, b| a == b)
    }

    /// Returns the texts of a field, empty texts included. Leaves out a process if it does not
    /// print the field, or if the text is empty because the level of its socket hides the field,
    /// or may hide it.
    fn printed(&self, field: R::Field) -> impl Iterator<Item = (&'a Label, &'a str)> + Clone {
        let hidden = field.is_hidden_from_users();
        self.current().filter_map(move |(process, row)| {
            let text = row.printed(field)?;
            let is_hidden = hidden && text.is_empty() && process.level().is_none_or(|one| one == Level::User);
            (!is_hidden).then_some((process.label(), text))
        })
    }

    /// Returns the agreement on a status. Statuses that differ only in the counts of health checks
    /// agree on the worst of them.
    pub(super) fn same_status(&self, field: R::Field) -> Option<Agreement<Status>> {
        let status = |row: &R| row.text(field).map(Status::parse);
        match self.common(field) {
            Common::None => return None,
            Common::Row(row, _) => return status(&row).map(Agreement::Same),
            Common::Unknown => {}
        }
        let agreed = self.same(status, Status::agrees)?;
        if !agreed.is_same() {
            return Some(agreed);
        }
        let worst = self.current().filter_map(|(_, row)| status(&row)).min_by_key(Status::severity)?;
        Some(Agreement::Same(worst))
    }

    /// Returns the agreement on a check result. Results agree even if another check is in progress
    /// in some of the processes.
    pub(super) fn same_check(&self, field: R::Field) -> Option<Agreement<CheckStatus>> {
        match self.common(field) {
            Common::None => return None,
            Common::Row(row, _) => return row.text(field).map(CheckStatus::parse).map(Agreement::Same),
            Common::Unknown => {}
        }
        let agreed = self.same_or_empty(field, CheckStatus::parse, |a, b| a.result == b.result)?;
        let Agreement::Same(mut check) = agreed else { return Some(agreed) };
        check.running = self.printed(field).any(|(_, text)| CheckStatus::parse(text).running);
        Some(Agreement::Same(check))
    }

    pub(super) fn same_mode(&self, field: R::Field) -> Option<Agreement<Mode>> {
        match self.common(field) {
            Common::None => None,
            Common::Row(row, _) => row.text(field).map(|text| Agreement::Same(Mode::parse(text))),
            Common::Unknown => self.same(|row| row.text(field).map(Mode::parse), Mode::eq),
        }
    }

    /// Returns the merged figures of `known` fields and of all fields that this crate does not
    /// know, with their names.
    pub(super) fn figures(
        &self,
        known: impl Iterator<Item = (&'static str, R::Field, Rule)>,
    ) -> Vec<(&'a str, MetricValue<'a>)> {
        let known = known.filter_map(|(name, field, rule)| Some((name, self.figure(field, rule)?)));
        let has_unknown = self.columns.as_ref().is_none_or(ObjectColumns::has_unknown);
        known.chain(has_unknown.then(|| self.unknown_figures()).into_iter().flatten()).collect()
    }

    /// Returns the merged figures of all fields that this crate does not know, in the order of the
    /// rows.
    fn unknown_figures(&self) -> impl Iterator<Item = (&'a str, MetricValue<'a>)> + use<'a, R, I> {
        let mut names = Vec::new();
        // Each field with its texts, and the index of the row of each text. A search for every
        // field in every row would take time proportional to the square of their number.
        let mut texts: HashMap<&str, Vec<(usize, &Label, &str)>> = HashMap::new();
        let has_say = self.has_say();
        for (at, (process, row)) in self.rows.clone().enumerate() {
            for (name, text) in row.unknown() {
                let texts = texts.entry(name).or_insert_with(|| {
                    names.push(name);
                    Vec::new()
                });
                // If a process prints a name twice, the first text counts.
                let is_first = texts.last().is_none_or(|(row, ..)| *row != at);
                if is_first && has_say(process) {
                    texts.push((at, process.label(), text));
                }
            }
        }
        names.into_iter().filter_map(move |name| {
            let texts = texts.get(name)?.iter().map(|(_, label, text)| (*label, *text));
            Some((name, MetricValue::SameText(fold::filled(texts, |text| text, |a, b| a == b)?)))
        })
    }

    /// Returns the text of each process, or `None` if no process has one.
    fn own(&self, field: R::Field) -> Option<Vec<(Label, &'a str)>> {
        match (self.common(field), &self.columns) {
            (Common::None, _) => return None,
            (Common::Row(row, processes), Some(columns)) => {
                // The rows need not be looked at if all of them print the same.
                let labels = columns.labels();
                if u64::try_from(labels.clone().count()) == Ok(processes) {
                    let text = row.text(field)?;
                    return Some(labels.map(|label| (label.clone(), text)).collect());
                }
            }
            _ => {}
        }
        let texts = self.rows.clone();
        let texts = texts.filter_map(|(process, row)| Some((process.label().clone(), row.text(field)?)));
        Some(texts.collect()).filter(|texts: &Vec<_>| !texts.is_empty())
    }

    /// Returns the figure of a field, merged by `rule`.
    pub(super) fn figure(&self, field: R::Field, rule: Rule) -> Option<MetricValue<'a>> {
        match (rule, field.value_type()) {
            (Rule::Sum, _) => {
                let count = self.count(field)?;
                Some(count.exact().map_or(MetricValue::Range(count), MetricValue::Number))
            }
            (Rule::Max, _) => self.max(field).map(MetricValue::Number),
            (Rule::Min, _) => self.min(field).map(MetricValue::Number),
            (Rule::Mean, _) => self.mean(field).map(MetricValue::Mean),
            (Rule::Range, _) => self.range(field).map(MetricValue::Range),
            (Rule::Limit, _) => self.limit(field).map(MetricValue::Limit),
            (Rule::Same | Rule::Identity | Rule::SameOrEmpty, ValueType::Status) => {
                self.same_status(field).map(MetricValue::Status)
            }
            (Rule::Same | Rule::Identity | Rule::SameOrEmpty, ValueType::Check) => {
                self.same_check(field).map(MetricValue::Check)
            }
            (Rule::Same | Rule::Identity | Rule::SameOrEmpty, ValueType::Mode) => {
                self.same_mode(field).map(MetricValue::Mode)
            }
            (Rule::SameOrEmpty, ValueType::Text) => self.same_text_or_empty(field).map(MetricValue::SameText),
            (Rule::SameOrEmpty, _) => self.same_bound(field).map(MetricValue::SameBound),
            (Rule::Same | Rule::Identity, ValueType::Text) => {
                self.same_text(field).map(MetricValue::SameText)
            }
            (Rule::Same | Rule::Identity, _) => self.same_number(field).map(MetricValue::SameNumber),
            (Rule::PerProcess, _) => self.own(field).map(MetricValue::Own),
        }
    }
}

/// Returns the place in which a process keeps the counters of its row.
fn kept<'a, R: Values<'a>>(process: &'a Process, row: &R) -> Kept<'a> {
    row.position().map_or(Kept::Separate, |row| Kept::of(process, row))
}
