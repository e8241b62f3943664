use crate::field::RowKind;

#[derive(Debug)]
pub(super) struct Object {
    pub(super) kind: RowKind,
    pub(super) first: Place,
    /// Its positions in `row_refs`, unless it is the row `first` of one list and nothing else.
    pub(super) row_refs: Option<Span>,
    pub(super) children: Span,
}

/// Position of a row in the lists.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    pub(super) list: u32,
    pub(super) row: u32,
}

/// Start and end of adjacent values.
pub(super) type Span = (u32, u32);

/// Number of no object and of no list.
pub(super) const NONE: u32 = u32::MAX;

pub(super) fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(NONE)
}

pub(super) fn within<T>(all: &[T], (start, end): Span) -> &[T] {
    all.get(start as usize..end as usize).unwrap_or_default()
}

/// Values ordered by their group, and the span of each group.
pub(super) type Grouped<T> = (Vec<T>, Vec<Span>);

/// Returns the values ordered by their group, and the span of each group.
pub(super) fn grouped<T: Copy + Default>(
    values: impl Iterator<Item = (T, u32)> + Clone,
    groups: usize,
) -> Grouped<T> {
    let mut ranges = vec![(0u32, 0u32); groups];
    for (_, group) in values.clone() {
        if let Some((_, count)) = ranges.get_mut(group as usize) {
            *count += 1;
        }
    }
    let mut start = 0;
    for range in &mut ranges {
        let count = range.1;
        *range = (start, start);
        start += count;
    }
    let mut ordered = vec![T::default(); start as usize];
    for (value, group) in values {
        if let Some((_, end)) = ranges.get_mut(group as usize) {
            if let Some(slot) = ordered.get_mut(*end as usize) {
                *slot = value;
            }
            *end += 1;
        }
    }
    (ordered, ranges)
}
