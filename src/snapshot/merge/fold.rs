//! Merge rules: the values of all processes become one value.
//!
//! Each rule is a pure fold over all values at once, never pairwise: a mean of means is wrong for
//! three processes. `None` is a cell that does not apply.

use super::{Agreement, Bound, Limit};
use crate::field::Underflow;
use crate::snapshot::{CountRange, Label};

/// Returns the sum of all values. A sum that would overflow stays at [`u64::MAX`].
pub(crate) fn sum(values: impl Iterator<Item = Option<u64>>, underflow: Underflow) -> Option<u64> {
    values.flatten().map(|value| underflow.mend(value)).reduce(u64::saturating_add)
}

/// Returns the range between the highest maximum and the sum of all maxima, because the processes
/// may have reached their maxima at different times.
pub(crate) fn range(values: impl Iterator<Item = Option<u64>>) -> Option<CountRange> {
    values.flatten().map(CountRange::from).reduce(|all, one| CountRange {
        at_least: all.at_least.max(one.at_least),
        at_most: all.at_most.saturating_add(one.at_most),
    })
}

pub(crate) fn max(values: impl Iterator<Item = Option<u64>>) -> Option<u64> {
    values.flatten().max()
}

/// Returns the lowest value. A negative age stands for an event that never happened, and is
/// ignored.
pub(crate) fn min(values: impl Iterator<Item = Option<i64>>) -> Option<u64> {
    values.flatten().filter_map(|value| u64::try_from(value).ok()).min()
}

/// Returns the weighted mean of the values; `None` if the weights add up to 0.
#[allow(clippy::cast_precision_loss, reason = "means of milliseconds and percents are far below 2^52")]
pub(crate) fn mean(values: impl Iterator<Item = (Option<u64>, u64)>) -> Option<f64> {
    let (total, weights) = values
        .filter_map(|(value, weight)| Some((value?, weight)))
        .fold((0.0, 0.0), |(total, weights), (value, weight)| {
            (total + value as f64 * weight as f64, weights + weight as f64)
        });
    (weights > 0.0).then(|| total / weights)
}

/// Returns the limit of each process and of all processes together. If one process is unlimited,
/// the total is unlimited.
pub(crate) fn limit<'a>(values: impl Iterator<Item = (&'a Label, Bound)> + Clone) -> Option<Limit> {
    let limits = values.clone().map(|(_, bound)| bound.get());
    let total = limits.reduce(|total, limit| Some(total?.saturating_add(limit?)))?;
    Some(Limit { each: agreement(values, Bound::eq)?, total: total.map_or(Bound::Unlimited, Bound::At) })
}

/// Returns the limit of processes that all have the same limit.
pub(crate) fn same_limit(each: Bound, processes: u64) -> Limit {
    let total = each.get().map_or(Bound::Unlimited, |limit| Bound::At(limit.saturating_mul(processes)));
    Limit { each: Agreement::Same(each), total }
}

/// Returns the common value, or the value of each process.
pub(crate) fn agreement<'a, T>(
    values: impl Iterator<Item = (&'a Label, T)> + Clone,
    agrees: impl Fn(&T, &T) -> bool,
) -> Option<Agreement<T>> {
    let mut rest = values.clone();
    let (_, first) = rest.next()?;
    if rest.all(|(_, one)| agrees(&first, &one)) {
        return Some(Agreement::Same(first));
    }
    Some(Agreement::Differs(values.map(|(label, value)| (label.clone(), value)).collect()))
}

/// Returns the common value, or the value of each process. An empty text is a value too; `None` if
/// all texts are empty.
pub(crate) fn filled<'a, 'b, T>(
    texts: impl Iterator<Item = (&'a Label, &'b str)> + Clone,
    read: impl Fn(&'b str) -> T + Clone,
    agrees: impl Fn(&T, &T) -> bool,
) -> Option<Agreement<T>> {
    if texts.clone().all(|(_, text)| text.is_empty()) {
        return None;
    }
    agreement(texts.map(|(label, text)| (label, read(text))), agrees)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> [Label; 3] {
        ["0", "1", "2"].map(Label::from)
    }

    fn labelled<'a, T: Copy>(
        labels: &'a [Label; 3],
        values: &[T],
    ) -> impl Iterator<Item = (&'a Label, T)> + Clone {
        labels.iter().zip(values.iter().copied())
    }

    #[test]
    fn absent_values_do_not_count() {
        assert_eq!(sum([Some(1), None, Some(2)].into_iter(), Underflow::NEVER), Some(3));
        assert_eq!(sum([None, None].into_iter(), Underflow::NEVER), None);
        assert_eq!(max([None, Some(0)].into_iter()), Some(0));
        assert_eq!(range([None].into_iter()), None);
    }

    #[test]
    fn a_sum_never_wraps() {
        assert_eq!(sum([Some(u64::MAX), Some(1)].into_iter(), Underflow::NEVER), Some(u64::MAX));
    }

    #[test]
    fn a_gauge_below_zero_counts_as_zero() {
        assert_eq!(sum([Some(u64::MAX), Some(5)].into_iter(), Underflow::BITS_64), Some(5));
        assert_eq!(sum([Some((1 << 32) - 1), Some(5)].into_iter(), Underflow::BITS_32), Some(5));
        assert_eq!(sum([Some(u64::MAX)].into_iter(), Underflow::NEVER), Some(u64::MAX));
    }

    #[test]
    fn a_maximum_of_several_is_a_range() {
        assert_eq!(
            range([Some(3), Some(7), Some(5)].into_iter()),
            Some(CountRange { at_least: 7, at_most: 15 })
        );
    }

    #[test]
    fn age_ignores_never() {
        assert_eq!(min([Some(-1), Some(7), Some(3), None].into_iter()), Some(3));
        assert_eq!(min([Some(-1)].into_iter()), None);
    }

    #[test]
    fn a_mean_weighs_by_samples() {
        let values = [(Some(10), 1), (Some(20), 3), (Some(1000), 0), (None, 50)];
        assert_eq!(mean(values.into_iter()), Some(17.5));
        assert_eq!(mean([(Some(10), 0)].into_iter()), None);
    }

    #[test]
    fn unlimited_absorbs_a_limit() {
        let limited = limit(labelled(&labels(), &[Bound::At(77), Bound::At(77)])).unwrap();
        assert_eq!(limited, Limit { each: Agreement::Same(Bound::At(77)), total: Bound::At(154) });
        let mixed = limit(labelled(&labels(), &[Bound::At(77), Bound::Unlimited])).unwrap();
        assert_eq!(mixed.total, Bound::Unlimited);
        assert_eq!(
            mixed.each,
            Agreement::Differs(vec![("0".into(), Bound::At(77)), ("1".into(), Bound::Unlimited)])
        );
    }

    #[test]
    fn no_majority_decides() {
        assert_eq!(agreement(labelled(&labels(), &[4, 4, 4]), u64::eq), Some(Agreement::Same(4)));
        let differs = agreement(labelled(&labels(), &[4, 4, 1]), u64::eq).unwrap();
        assert_eq!(differs.values().copied().collect::<Vec<_>>(), [4, 4, 1]);
        assert_eq!(agreement(labelled::<u64>(&labels(), &[]), u64::eq), None);
    }

    #[test]
    fn an_empty_text_is_a_value_beside_others() {
        let texts = |texts: &[&'static str]| filled(labelled(&labels(), texts), |text| text, |a, b| a == b);
        let differs = [("0".into(), "x"), ("1".into(), "")];
        assert_eq!(texts(&["x", ""]), Some(Agreement::Differs(differs.to_vec())));
        assert_eq!(texts(&["x", "x"]), Some(Agreement::Same("x")));
        assert_eq!((texts(&["", ""]), texts(&[])), (None, None));
    }
}
