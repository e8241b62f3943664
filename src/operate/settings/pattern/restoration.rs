use std::collections::BTreeMap;
use std::fmt;

use super::super::left_reason::LeftReason;
use crate::count::counted;
use crate::object::PatternKind;

/// Changes that restore the entries of one map or ACL of a process, and entries that are left as they are.
///
/// [`Display`](fmt::Display) prints the numbers. Unlike errors and traces, the fields show keys and values.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// use haproxyadmin::settings::Remember;
///
/// let settings = cluster.settings_with(Remember::new().patterns()).await?;
/// for (label, plan) in cluster.restore_plan(&settings).await?.values() {
///     for list in &plan.patterns {
///         println!("{label}: {list}");
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PatternRestoration {
    /// Map or ACL.
    pub kind: PatternKind,
    /// File, as HAProxy spells it.
    pub file: Box<str>,
    /// Changes.
    pub changes: Vec<EntryChange>,
    /// Entries that differ and are left as they are.
    pub left: Vec<EntryLeft>,
}

/// A change of one entry of a map or an ACL.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// use haproxyadmin::settings::Remember;
///
/// let settings = cluster.settings_with(Remember::new().patterns()).await?;
/// for (_, plan) in cluster.restore_plan(&settings).await?.values() {
///     for change in plan.patterns.iter().flat_map(|list| &list.changes) {
///         println!("{}: {:?} -> {:?}", change.key, change.from, change.to);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct EntryChange {
    /// Key of the map, or pattern of the ACL.
    pub key: Box<str>,
    /// Value that the process shows now; `None` if the entry is added. Empty for an ACL.
    pub from: Option<Box<str>>,
    /// Remembered value; `None` if the entry is deleted. Empty for an ACL.
    pub to: Option<Box<str>>,
}

/// An entry of a map or an ACL that is not restored, with the reason.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// use haproxyadmin::settings::Remember;
///
/// let settings = cluster.settings_with(Remember::new().patterns()).await?;
/// for (_, plan) in cluster.restore_plan(&settings).await?.values() {
///     for left in plan.patterns.iter().flat_map(|list| &list.left) {
///         println!("{}: {}", left.key, left.reason);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct EntryLeft {
    /// Key of the map, or pattern of the ACL; the whole entry if the end of its key is not known.
    pub key: Box<str>,
    /// Remembered value, if there is one.
    pub remembered: Option<Box<str>>,
    /// Value that the process shows now, if it shows one.
    pub shown: Option<Box<str>>,
    /// Reason.
    pub reason: LeftReason,
}

impl PatternRestoration {
    /// Returns `true` if no change is needed, or none was needed.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Returns a line for the changes, and one for each reason with the entries that are left for it.
    pub(in super::super) fn lines(&self) -> Vec<String> {
        let count = |is_it: fn(&EntryChange) -> bool| self.changes.iter().filter(|one| is_it(one)).count();
        let numbers = [
            ("add", count(|change| change.from.is_none())),
            ("change", count(|change| change.from.is_some() && change.to.is_some())),
            ("delete", count(|change| change.to.is_none())),
        ];
        let parts: Vec<_> = numbers
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(verb, count)| format!("{verb} {count}"))
            .collect();
        let mut lines = Vec::new();
        if !parts.is_empty() {
            lines.push(format!("{}: {}", self.file, parts.join(", ")));
        }
        let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
        for left in &self.left {
            *reasons.entry(left.reason.to_string()).or_default() += 1;
        }
        lines.extend(reasons.iter().map(|(reason, count)| {
            format!("{}: {} left: {reason}", self.file, counted(*count, "entry is", "entries are"))
        }));
        lines
    }
}

impl fmt::Display for PatternRestoration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().join("\n"))
    }
}
