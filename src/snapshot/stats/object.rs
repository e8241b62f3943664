use std::time::Duration;

use crate::error::{Error, Problem, Result};
use crate::field::{Col, Rule};
use crate::show::stat::Row;
use crate::snapshot::index::RowRef;
use crate::snapshot::merge::{Merge, MetricValue};
use crate::snapshot::{CounterSharing, Process, Snapshot};

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

    /// Returns every process that has the object, with its row.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&Process, Row<'_>)> + Clone {
        let row_refs = self.snapshot.index().row_refs(self.id);
        row_refs.filter_map(|RowRef { process, row }| {
            let process = self.snapshot.processes().get(process as usize)?;
            Some((process, process.stat()?.row(row as usize)?))
        })
    }

    pub(super) fn merge(&self) -> Merge<'_, impl Iterator<Item = (&Process, Row<'_>)> + Clone> {
        Merge::new(self.rows()).with_columns(self.snapshot.columns(self.id))
    }

    pub(super) fn sharing(&self) -> CounterSharing {
        let row_refs = self.snapshot.index().row_refs(self.id);
        CounterSharing::of(row_refs.filter_map(|RowRef { process, row }| {
            Some((self.snapshot.processes().get(process as usize)?, row as usize))
        }))
    }

    /// Returns the merged mean of a column of milliseconds.
    pub(super) fn mean_time(&self, column: Col) -> Option<Duration> {
        let mean = self.merge().mean(column)?;
        Some(Duration::try_from_secs_f64(mean / 1000.0).unwrap_or(Duration::MAX))
    }

    /// Returns the merged figure of a column that is chosen by name at run time.
    pub(super) fn figure(&self, name: &str) -> Result<Option<MetricValue<'_>>> {
        match Col::named(name) {
            Some(column) => Ok(self.rule(column).and_then(|rule| self.merge().figure(column, rule))),
            None if self.rows().any(|(_, row)| row.get(name).is_some()) => {
                Ok(self.merge().same_unknown(|row| row.get(name)).map(MetricValue::SameText))
            }
            None => Err(Error::new(Problem::NotFound(format!("column {name:?} in `show stat`")))),
        }
    }

    /// Returns the merged figure of every column that any process fills.
    pub(super) fn figures(&self) -> Vec<(&str, MetricValue<'_>)> {
        let columns =
            Col::ALL.iter().filter_map(|column| Some((column.declared().name, *column, self.rule(*column)?)));
        Merge::new(self.rows()).with_columns(self.snapshot.columns(self.id).with_every()).figures(columns)
    }

    /// Returns the merge rule of a column for objects of this kind.
    fn rule(&self, column: Col) -> Option<Rule> {
        let kind = self.snapshot.index().kind(self.id)?;
        column.declared().kinds.iter().find_map(|(one, rule)| (*one == kind).then_some(*rule))
    }
}

impl PartialEq for Object {
    /// Compares the rows and the labels of their processes.
    fn eq(&self, other: &Self) -> bool {
        self.rows()
            .map(|(process, row)| (process.label(), row))
            .eq(other.rows().map(|(process, row)| (process.label(), row)))
    }
}

#[cfg(test)]
#[cfg(feature = "serde")]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::field::{COLUMNS, RowKind};
    use crate::show::stat::{LastReply, NewerCells, Scope, StatParser, StatTable};

    /// Returns processes of three releases; one of them is stopping.
    fn mixed() -> Snapshot {
        let processes =
            [("2.2", "0"), ("2.6", "1"), ("3.4", "0"), ("3.4", "0")].map(|(version, stopping)| {
                let path = format!("{}/fixtures/{version}/show_stat.txt", env!("CARGO_MANIFEST_DIR"));
                serde_json::json!({
                    "host": "here", "address": "/1.sock", "read_at": 0, "level": "admin",
                    "info": [["Stopping", stopping]],
                    "stat": std::fs::read_to_string(path).unwrap(),
                })
            });
        let mut written = serde_json::json!({ "format": 1, "processes": processes });
        for (number, process) in written["processes"].as_array_mut().unwrap().iter_mut().enumerate() {
            process["address"] = format!("/{number}.sock").into();
        }
        // A figure that differs, and a column that this crate does not know.
        let last = &mut written["processes"][3]["stat"];
        *last = last.as_str().unwrap().replace(",5,6,500,", ",7,6,400,").replace(",lbtot,", ",new,").into();
        serde_json::from_value(written).unwrap()
    }

    const KINDS: [RowKind; 4] = [RowKind::Frontend, RowKind::Listener, RowKind::Server, RowKind::Backend];

    /// Returns many processes. Their figures, levels and states differ; half of the objects are only in processes that
    /// are stopping, or in one that is not.
    fn many() -> Snapshot {
        let mut written = serde_json::to_value(mixed()).unwrap();
        let four = written["processes"].as_array().unwrap().clone();
        let processes = (0..48usize).map(|number| {
            let mut process = four[number % 4].clone();
            process["address"] = format!("/{number}.sock").into();
            process["level"] = ["admin", "user", "operator"][number % 3].into();
            process["info"] = serde_json::json!([["Stopping", if number % 5 == 0 { "1" } else { "0" }]]);
            let text = process["stat"].as_str().unwrap();
            // Numbers of one to nine digits.
            let mut figures =
                (number..).map(|n| (n * n * 7_919) % 10usize.pow(u32::try_from(n % 9 + 1).unwrap()));
            let is_moved = |line: usize| number < 4 || line % 7 == number % 7;
            // A quoted cell may hold line feeds.
            let mut rows: Vec<String> = Vec::new();
            for line in text.trim_end().lines() {
                match rows.last_mut().filter(|row| row.matches('"').count() % 2 == 1) {
                    Some(row) => row.extend(["\n", line]),
                    None => rows.push(line.to_owned()),
                }
            }
            let is_there = |(at, _): &(usize, String)| *at == 0 || number % 5 != 4 || at % 2 == 0;
            let rows = rows.into_iter().enumerate().filter(is_there);
            let rows = rows.map(|(at, row)| match row.splitn(3, ',').collect::<Vec<_>>()[..] {
                [proxy, name, rest] if at > 0 && is_moved(at) && !row.contains('"') => {
                    // The column 30 behind the names is `type`.
                    let cells = rest.split(',').enumerate().map(|(column, cell)| match cell {
                        "0" if column != 30 && column % 3 == 0 => figures.next().unwrap().to_string(),
                        cell => cell.to_owned(),
                    });
                    format!("{proxy},{name},{}", cells.collect::<Vec<_>>().join(","))
                }
                _ => row,
            });
            let lines: Vec<String> = rows.collect();
            process["stat"] = (lines.join("\n") + "\n\n").into();
            process
        });
        written["processes"] = processes.collect();
        serde_json::from_value(written).unwrap()
    }

    /// Returns many processes that keep counters in two files.
    fn many_with_files() -> Snapshot {
        let mut written = serde_json::to_value(many()).unwrap();
        for (number, process) in written["processes"].as_array_mut().unwrap().iter_mut().enumerate() {
            let of_place = |rest: usize| (0..200).filter(|row| row % 5 == rest).collect::<Vec<usize>>();
            // Most rows are in one place of one file, others in several, and for some it is not known.
            let other = if number % 7 == 0 { "be:other" } else { "be:same" };
            let places = |rows: Vec<usize>, guid: &str| -> BTreeMap<String, Vec<usize>> {
                rows.into_iter().map(|row| (format!("{guid}{row}"), vec![row])).collect()
            };
            let mut all = places([of_place(0), of_place(1)].concat(), "be:one");
            all.extend(places(of_place(2), other));
            if number % 2 == 0 {
                process["shared"] = serde_json::json!({
                    "file": { "declared": if number == 8 { "other" } else { "edge" } },
                    "places": all,
                    "unknown": if number % 3 == 0 { of_place(3) } else { Vec::new() },
                });
            }
        }
        serde_json::from_value(written).unwrap()
    }

    /// Newer numbers of some rows of a table.
    struct Newer(StatTable);

    impl NewerCells for Newer {
        fn table(&self) -> Option<&StatTable> {
            Some(&self.0)
        }

        fn value(&self, row: usize, column: Col) -> Option<i128> {
            let value = (row * 7 + column as usize) % 11;
            (row % 5 < 3).then(|| i128::try_from(value * value).unwrap() - 1)
        }
    }

    #[test]
    fn columns_of_all_objects_at_once_are_merged_as_each_by_itself() {
        all_at_once_are_as_each_by_itself(many);
        all_at_once_are_as_each_by_itself(many_with_files);
    }

    #[test]
    fn newer_numbers_are_merged_without_text() {
        let renewed = || many_with_files().with_newer_cells(|table| Arc::new(Newer(table)));
        let (before, snapshot) = (renewed(), all_at_once_are_as_each_by_itself(renewed));
        let sizes = |snapshot: &Snapshot| -> Vec<usize> {
            snapshot.processes().iter().filter_map(Process::stat).map(StatTable::heap_size).collect()
        };
        assert_eq!(sizes(&snapshot), sizes(&before));
        let stat = snapshot.processes()[0].stat().unwrap();
        let number = stat.row(1).unwrap().stot().unwrap();
        assert_eq!(stat.row(1).unwrap().get("stot"), Some(number.to_string().as_str()));
        assert!(sizes(&snapshot)[0] > sizes(&before)[0]);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 3)]
    async fn threads_that_merge_some_objects_each_find_the_same() {
        all_at_once_are_as_each_by_itself(many);
    }

    #[test]
    fn columns_of_few_processes_are_merged_as_each_by_itself() {
        all_at_once_are_as_each_by_itself(mixed);
    }

    /// Returns a snapshot of which all figures were read.
    fn all_at_once_are_as_each_by_itself(snapshot: impl Fn() -> Snapshot) -> Snapshot {
        let (single, every) = (snapshot(), snapshot());
        let mut merged = 0;
        for kind in KINDS {
            for id in single.index().of_kind(kind) {
                let object = Object::new(single.clone(), id);
                let alone = Merge::new(object.rows());
                let expected = |column: &Col| alone.figure(*column, object.rule(*column)?);
                for column in Col::ALL {
                    let Some(rule) = object.rule(*column) else { continue };
                    let figure = object.merge().figure(*column, rule);
                    assert_eq!(figure, expected(column), "{}/{} {column:?}", object.proxy(), object.name());
                    merged += usize::from(figure.is_some());
                }
                let columns = Col::ALL.iter();
                let known = columns
                    .filter_map(|column| Some((column.declared().name, *column, object.rule(*column)?)));
                let all = Object::new(every.clone(), id);
                assert_eq!(all.figures(), alone.figures(known), "{}/{}", object.proxy(), object.name());
            }
        }
        assert!(merged > 500, "{merged}");
        single
    }

    /// Returns the snapshot as it is if it was read with this scope.
    fn read_with(snapshot: &Snapshot, scope: &Scope) -> Snapshot {
        let filter = scope.filter();
        let mut written = serde_json::to_value(snapshot).unwrap();
        for process in written["processes"].as_array_mut().unwrap() {
            let mut parser = StatParser::after(LastReply::default()).keeping(filter.selection());
            parser.feed(process["stat"].as_str().unwrap().as_bytes()).unwrap();
            process["stat"] = parser.finish().unwrap().to_csv().into();
        }
        serde_json::from_value(written).unwrap()
    }

    /// Asserts that both snapshots have the same objects of these kinds, with the same figures of these columns.
    fn agree(small: &Snapshot, whole: &Snapshot, kinds: &[RowKind], columns: &[&str]) -> usize {
        let mut figures = 0;
        for kind in kinds {
            let ids = |snapshot: &Snapshot| snapshot.index().of_kind(*kind).collect::<Vec<_>>();
            assert_eq!(ids(small).len(), ids(whole).len());
            for (one, other) in ids(small).into_iter().zip(ids(whole)) {
                let (one, other) = (Object::new(small.clone(), one), Object::new(whole.clone(), other));
                assert_eq!((one.proxy(), one.name()), (other.proxy(), other.name()));
                let labels = |object: &Object| -> Vec<String> {
                    object.rows().map(|(process, _)| process.label().to_string()).collect()
                };
                assert_eq!(labels(&one), labels(&other), "{}/{}", one.proxy(), one.name());
                for column in columns {
                    let (figure, whole) = (one.figure(column).unwrap(), other.figure(column).unwrap());
                    assert_eq!(figure, whole, "{}/{} {column}", one.proxy(), one.name());
                    figures += usize::from(figure.is_some());
                }
            }
        }
        figures
    }

    #[test]
    fn a_column_that_is_read_alone_is_merged_as_in_the_whole_snapshot() {
        let (whole, many) = (mixed(), many());
        let mut figures = 0;
        for column in COLUMNS {
            let scope = Scope::all().columns([column.name]).unwrap();
            figures += agree(&read_with(&whole, &scope), &whole, &KINDS, &[column.name]);
        }
        assert!(figures > 2_000, "{figures}");
        for kind in KINDS {
            let scope = match kind {
                RowKind::Frontend => Scope::frontends(),
                RowKind::Backend => Scope::backends(),
                RowKind::Server => Scope::servers(),
                _ => Scope::listeners(),
            };
            let columns =
                ["scur", "smax", "slim", "qtime", "lastchg", "check_status", "weight", "addr", "algo"];
            let scope = scope.columns(columns).unwrap();
            let (small, kinds) = (read_with(&many, &scope), [kind]);
            assert!(agree(&small, &many, &kinds, &columns) > 0, "{kind:?}");
            assert_eq!(small.index().len(), small.index().of_kind(kind).count());
            assert!(small.heap_size() * 4 < many.heap_size());
        }
    }

    #[test]
    fn figures_with_names_of_their_own_need_no_column() {
        let whole = mixed();
        let small = read_with(&whole, &Scope::all().other_columns(["new"]));
        let servers = small.servers().into_iter().zip(whole.servers());
        for (one, other) in servers {
            assert_eq!((one.requests(), one.status()), (other.requests(), other.status()));
            assert_eq!((one.scur(), one.queue_time(), one.weight()), (None, None, None));
            assert_eq!(one.metric("new").unwrap(), other.metric("new").unwrap());
        }
        for (one, other) in small.frontends().into_iter().zip(whole.frontends()) {
            assert_eq!((one.requests(), one.sessions()), (other.requests(), other.sessions()));
            assert_eq!((one.status(), one.id()), (other.status(), other.id()));
        }
        for (one, other) in small.backends().into_iter().zip(whole.backends()) {
            assert_eq!(
                (one.requests(), one.status(), one.id()),
                (other.requests(), other.status(), other.id())
            );
        }
    }

    #[test]
    fn all_columns_at_once_are_merged_as_each_by_itself() {
        let snapshot = mixed();
        let headers =
            snapshot.processes().iter().filter_map(Process::stat).map(crate::show::stat::StatTable::header);
        let mut names: Vec<&str> = COLUMNS.iter().map(|column| column.name).collect();
        for name in headers.flat_map(crate::show::stat::Header::names) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        for kind in KINDS {
            for id in snapshot.index().of_kind(kind) {
                let object = Object::new(snapshot.clone(), id);
                let expected: Vec<_> =
                    names.iter().filter_map(|name| Some((*name, object.figure(name).ok()??))).collect();
                assert_eq!(object.figures(), expected, "{}/{}", object.proxy(), object.name());
            }
        }
    }
}
