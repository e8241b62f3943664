use std::collections::{HashMap, VecDeque};
use std::fmt;

use crate::process::LONGEST;
use crate::show::Entry;

/// The changes that one process needs to hold exactly the wanted entries.
///
/// [`Map::plan`](crate::Map::plan) and [`Acl::plan`](crate::Acl::plan) return it for each process, and
/// [`Map::sync`](crate::Map::sync) and [`Acl::sync`](crate::Acl::sync) carry it out. Unlike errors and
/// traces, a plan shows keys and values.
///
/// HAProxy adds an entry at the end only. If a new entry belongs in the middle, the entries behind it
/// are deleted and added again, and the plan lists them twice.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// let hosts = cluster.map("/etc/haproxy/hosts.map")?;
/// for (label, plan) in hosts.plan([("a.example.org", "app")]).await?.values() {
///     println!("{label}: {plan}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Plan {
    /// Entries to add at the end, in this order: a pattern, or key and value with a blank between them.
    pub add: Vec<Box<str>>,
    /// Entries of a map that get another value and keep their place.
    pub change: Vec<NewValue>,
    /// Entries to delete, as HAProxy prints them.
    pub delete: Vec<Box<str>>,
    /// Number of entries that stay as they are.
    pub kept: usize,
    /// `true` if `sync` replaces the whole map or ACL on all processes, because that is cheaper than
    /// the changes.
    pub is_replacement: bool,
}

/// A new value for an entry of a map.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// let hosts = cluster.map("/etc/haproxy/hosts.map")?;
/// for (label, plan) in hosts.plan([("a.example.org", "app")]).await?.values() {
///     for value in &plan.change {
///         println!("{label}: {} was {} and becomes {}", value.key, value.from, value.to);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct NewValue {
    /// Key of the entry.
    pub key: Box<str>,
    /// Value that the process holds.
    pub from: Box<str>,
    /// Value that is wanted.
    pub to: Box<str>,
}

/// An entry that a caller wants: a key with its value, or a pattern.
pub(super) type Wanted = (Box<str>, Option<Box<str>>);

/// The steps from the held entries to the wanted ones, by their places in both lists.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Steps {
    /// Held entries that get the value of a wanted one.
    pub(super) set: Vec<(usize, usize)>,
    /// Held entries to delete.
    pub(super) delete: Vec<usize>,
    /// Number of wanted entries that have a held one. The later ones are added.
    pub(super) found: usize,
}

impl Plan {
    pub(super) fn new(held: &[Entry<'_>], wanted: &[Wanted]) -> Self {
        let steps = Steps::new(held, wanted);
        let text = |entry: &Wanted| String::from_utf8_lossy(&text_of(entry)).into();
        let changed = |(from, to): &(usize, usize)| {
            let (key, value) = held.get(*from)?.pair()?;
            let to = wanted.get(*to)?.1.clone()?;
            Some(NewValue { key: key.into(), from: value.into(), to })
        };
        let deleted = |at: &usize| Some(held.get(*at)?.text().into());
        Self {
            add: wanted.iter().skip(steps.found).map(text).collect(),
            change: steps.set.iter().filter_map(changed).collect(),
            delete: steps.delete.iter().filter_map(deleted).collect(),
            kept: steps.found - steps.set.len(),
            is_replacement: false,
        }
    }

    /// Compares the entries of two processes.
    pub(crate) fn between(held: &[Entry<'_>], wanted: &[Entry<'_>]) -> Self {
        let wanted = wanted.iter().map(|entry| match entry.pair() {
            Some((key, value)) => (key.into(), Some(value.into())),
            None => (entry.text().into(), None),
        });
        Self::new(held, &wanted.collect::<Vec<_>>())
    }

    /// Returns `true` if the process holds the wanted entries, in their order.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of changes.
    pub fn len(&self) -> usize {
        self.add.len() + self.change.len() + self.delete.len()
    }
}

/// Writes the numbers, and each change in a line of its own.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { add, change, delete, kept, .. } = self;
        let (added, changed, deleted) = (add.len(), change.len(), delete.len());
        write!(f, "{added} to add, {changed} to change, {deleted} to delete, {kept} to keep")?;
        if self.is_replacement {
            f.write_str(", by a replacement of all")?;
        }
        delete.iter().try_for_each(|text| write!(f, "\n- {text}"))?;
        let set = |NewValue { key, from, to }: &NewValue| write!(f, "\n~ {key} {from} -> {to}");
        change.iter().try_for_each(set)?;
        add.iter().try_for_each(|text| write!(f, "\n+ {text}"))
    }
}

impl Steps {
    /// Finds a held entry for each wanted one, in the same order, from the first one on.
    ///
    /// The order counts: of several entries with a key, and of several patterns that match, the
    /// first one is the answer. HAProxy can only add entries at the end, so the entries that stay
    /// are the first ones of the wanted list.
    pub(super) fn new(held: &[Entry<'_>], wanted: &[Wanted]) -> Self {
        let mut by_text = Places::default();
        let mut by_key = Places::default();
        for (at, entry) in held.iter().enumerate() {
            by_text.add(entry.as_bytes(), at);
            if let Some(key) = key_of(entry) {
                by_key.add(key, at);
            }
        }
        let mut steps = Self::default();
        let mut kept = vec![false; held.len()];
        let mut next = 0;
        for (at, entry) in wanted.iter().enumerate() {
            let (key, value) = entry;
            let same = by_text.first(&text_of(entry), next);
            let value = value.as_ref().filter(|value| can_be_set(value));
            let alike = value.and_then(|_| by_key.first(key.as_bytes(), next));
            let Some(found) = same.into_iter().chain(alike).min() else { break };
            if same != Some(found) {
                steps.set.push((found, at));
            }
            if let Some(kept) = kept.get_mut(found) {
                *kept = true;
            }
            steps.found += 1;
            next = found + 1;
        }
        steps.delete = kept.iter().enumerate().filter(|(_, kept)| !**kept).map(|(at, _)| at).collect();
        steps
    }
}

/// The places of each text in a list.
#[derive(Default)]
struct Places<'a>(HashMap<&'a [u8], VecDeque<usize>>);

impl<'a> Places<'a> {
    fn add(&mut self, text: &'a [u8], at: usize) {
        self.0.entry(text).or_default().push_back(at);
    }

    /// Returns the first place from `next` on. Forgets the places before it.
    fn first(&mut self, text: &[u8], next: usize) -> Option<usize> {
        let places = self.0.get_mut(text)?;
        while places.front().is_some_and(|at| *at < next) {
            places.pop_front();
        }
        places.front().copied()
    }
}

/// Returns `true` if `set map` can express a value in every map. The payload of an addition can
/// express any value, and a line of `add map` can express a longer one.
pub(super) fn can_be_set(value: &str) -> bool {
    !value.contains("<<") && value.len() <= LONGEST / 2
}

/// Returns an entry as HAProxy prints it.
pub(super) fn text_of((key, value): &Wanted) -> Box<[u8]> {
    match value {
        Some(value) => [key.as_bytes(), b" ", value.as_bytes()].concat().into(),
        None => key.as_bytes().into(),
    }
}

/// Returns the key of an entry, if its end is known.
fn key_of<'a>(entry: &Entry<'a>) -> Option<&'a [u8]> {
    let mut parts = entry.as_bytes().split(|&byte| byte == b' ');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(key), Some(_), None) => Some(key),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::Entries;

    fn pair((key, value): &(&str, &str)) -> Wanted {
        ((*key).into(), Some((*value).into()))
    }

    fn plan(held: &[&str], wanted: &[(&str, &str)]) -> String {
        let lines: Vec<_> = (1..).zip(held).map(|(n, text)| format!("0x{n} {text}")).collect();
        let printed = lines.join("\n");
        let held = Entries::read(printed.into()).unwrap();
        let held: Vec<_> = held.iter().collect();
        let plan = Plan::new(&held, &wanted.iter().map(pair).collect::<Vec<_>>());
        plan.to_string()
    }

    #[test]
    fn entries_are_changed_in_place_added_behind_and_deleted() {
        assert_eq!(plan(&[], &[]), "0 to add, 0 to change, 0 to delete, 0 to keep");
        assert_eq!(
            plan(&["a 1", "b 2", "c 3"], &[("a", "1"), ("c", "4"), ("d", "5 6")]),
            "1 to add, 1 to change, 1 to delete, 1 to keep\n- b 2\n~ c 3 -> 4\n+ d 5 6"
        );
        assert_eq!(
            plan(&["a 1", "a 1", "b 2"], &[("a", "1"), ("b", "2")]),
            "0 to add, 0 to change, 1 to delete, 2 to keep\n- a 1"
        );
    }

    #[test]
    fn an_entry_in_the_middle_moves_the_later_ones() {
        assert_eq!(
            plan(&["a 1", "b 2"], &[("a", "1"), ("x", "0"), ("b", "2")]),
            "2 to add, 0 to change, 1 to delete, 1 to keep\n- b 2\n+ x 0\n+ b 2"
        );
    }

    #[test]
    fn a_value_that_no_command_expresses_is_not_set_in_place() {
        assert_eq!(
            plan(&["k old"], &[("k", "x<<")]),
            "1 to add, 0 to change, 1 to delete, 0 to keep\n- k old\n+ k x<<"
        );
        let long = "x".repeat(LONGEST);
        assert_eq!(
            plan(&["k old"], &[("k", &long)]),
            format!("1 to add, 0 to change, 1 to delete, 0 to keep\n- k old\n+ k {long}")
        );
    }

    #[test]
    fn an_entry_of_several_blanks_is_compared_as_a_whole() {
        assert_eq!(plan(&["a b c"], &[("a b", "c")]), "0 to add, 0 to change, 0 to delete, 1 to keep");
        assert_eq!(
            plan(&["a b c"], &[("a", "d")]),
            "1 to add, 0 to change, 1 to delete, 0 to keep\n- a b c\n+ a d"
        );
    }
}
