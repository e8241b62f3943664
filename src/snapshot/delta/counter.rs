//! Columns and keys that have differences: counters that are added up over processes.

use crate::error::{Error, Problem, Result};
use crate::field::{Col, Field as _, Key, Nature, RowKind, Rule};

/// Returns the counters of a kind of object.
pub(super) fn columns(kind: RowKind) -> impl Iterator<Item = Col> {
    Col::ALL.iter().copied().filter(move |column| is_counter(*column, kind))
}

/// Returns the counter called `name`, or `None` if objects of this kind do not have it.
///
/// # Errors
///
/// - `NotFound` if there is no column called `name`.
/// - `InvalidInput` if the column is no counter.
pub(super) fn column(name: &str, kind: RowKind) -> Result<Option<Col>> {
    let column = Col::named(name)
        .ok_or_else(|| Error::new(Problem::NotFound(format!("column {name:?} in `show stat`"))))?;
    let kinds = column.declared().kinds.iter().map(|(kind, _)| *kind);
    if !kinds.clone().any(|kind| is_counter(column, kind)) {
        return Err(Error::invalid(format!("column {name:?} is not a counter that is added up")));
    }
    Ok(Some(column).filter(|column| is_counter(*column, kind)))
}

fn is_counter(column: Col, kind: RowKind) -> bool {
    column.nature() == Nature::Counter && column.declared().kinds.contains(&(kind, Rule::Sum))
}

/// Returns the counters of `show info`.
pub(super) fn keys() -> impl Iterator<Item = Key> {
    Key::ALL.iter().copied().filter(|key| key.is_counter() && key.declared().rule == Rule::Sum)
}

/// Returns the counter called `name`.
///
/// # Errors
///
/// - `NotFound` if there is no key called `name`.
/// - `InvalidInput` if the key is no counter.
pub(super) fn key(name: &str) -> Result<Key> {
    let key = Key::named(name)
        .ok_or_else(|| Error::new(Problem::NotFound(format!("key {name:?} in `show info`"))))?;
    if keys().any(|counter| counter == key) {
        return Ok(key);
    }
    Err(Error::invalid(format!("key {name:?} is not a counter that is added up")))
}
