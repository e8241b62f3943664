use std::collections::HashSet;

use super::super::left_reason::LeftReason;
use crate::error::{Error, Result};
use crate::excerpt::excerpt;
use crate::object::PatternKind;

/// Maps and ACLs of one process, compared with their files.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// use haproxyadmin::settings::Remember;
///
/// let settings = cluster.settings_with(Remember::new().patterns()).await?;
/// for patterns in settings.processes().iter().filter_map(|process| process.patterns.as_ref()) {
///     for unread in &patterns.unread {
///         println!("{}: {}", unread.file, unread.reason);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct ProcessPatterns {
    /// Maps and ACLs that were compared, also those without a difference.
    pub lists: Vec<PatternSettings>,
    /// Maps and ACLs that could not be compared, and are not remembered.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub unread: Vec<UnreadPatterns>,
    /// Number of lists of ACLs without a file. Their patterns are in the configuration itself, which HAProxy
    /// does not show, and are not remembered. Each ACL has such a list, also one with a file; HAProxy 2.6
    /// and later tell that it is empty, and it is not counted then.
    #[cfg_attr(feature = "serde", serde(default))]
    pub without_file: usize,
}

/// The entries of one map or ACL that differ from its file.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// use haproxyadmin::settings::Remember;
///
/// let settings = cluster.settings_with(Remember::new().patterns()).await?;
/// for patterns in settings.processes().iter().filter_map(|process| process.patterns.as_ref()) {
///     for list in patterns.lists.iter().filter(|list| list.is_file_changed) {
///         println!("{} was changed after the start of the process", list.file);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct PatternSettings {
    /// Map or ACL.
    pub kind: PatternKind,
    /// File, as HAProxy spells it. `virt@NAME` (3.0) has no file, and all its entries are differences.
    pub file: Box<str>,
    /// `true` if the file was changed after the process had been started. A difference may then be a
    /// change of the file that the process does not know yet.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "std::ops::Not::not"))]
    pub is_file_changed: bool,
    /// Entries that differ: first the changed and added ones in the order of the process, then the
    /// deleted ones in the order of the file.
    pub entries: Vec<EntrySetting>,
    /// Entries that differ and cannot be restored.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub unclear: Vec<UnclearEntry>,
}

/// An entry of a map or an ACL that differs from the file.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// use haproxyadmin::settings::Remember;
///
/// let settings = cluster.settings_with(Remember::new().patterns()).await?;
/// for patterns in settings.processes().iter().filter_map(|process| process.patterns.as_ref()) {
///     for entry in patterns.lists.iter().flat_map(|list| &list.entries) {
///         println!("{}: {:?}, and {:?} in the file", entry.key, entry.value, entry.configured);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct EntrySetting {
    /// Key of the map, or pattern of the ACL.
    pub key: Box<str>,
    /// Value in the process; `None` if the process does not have the entry. Empty for an ACL.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub value: Option<Box<str>>,
    /// Value in the file; `None` if the file does not have the entry. Empty for an ACL.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub configured: Option<Box<str>>,
}

/// An entry that differs from the file and cannot be restored.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// use haproxyadmin::settings::Remember;
///
/// let settings = cluster.settings_with(Remember::new().patterns()).await?;
/// for patterns in settings.processes().iter().filter_map(|process| process.patterns.as_ref()) {
///     for entry in patterns.lists.iter().flat_map(|list| &list.unclear) {
///         println!("{}: {}", entry.text, entry.reason);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct UnclearEntry {
    /// The entry as HAProxy prints it, or its key if the key has several entries.
    pub text: Box<str>,
    /// Reason.
    pub reason: LeftReason,
}

/// A map or an ACL that could not be compared with its file.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// use haproxyadmin::settings::Remember;
///
/// let settings = cluster.settings_with(Remember::new().patterns()).await?;
/// for patterns in settings.processes().iter().filter_map(|process| process.patterns.as_ref()) {
///     for unread in &patterns.unread {
///         println!("{} {}: {}", unread.kind, unread.file, unread.reason);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct UnreadPatterns {
    /// Map or ACL.
    pub kind: PatternKind,
    /// File, as HAProxy spells it.
    pub file: Box<str>,
    /// Reason.
    pub reason: Box<str>,
}

impl ProcessPatterns {
    /// Returns the lists with something to restore or to report.
    pub(in super::super) fn remembered(&self) -> impl Iterator<Item = &PatternSettings> {
        self.lists.iter().filter(|list| !list.entries.is_empty() || !list.unclear.is_empty())
    }

    /// Checks that the entries can be the ones of maps and ACLs.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` if the file from which the settings were read is damaged.
    pub(in super::super) fn check(&self) -> Result<()> {
        self.lists.iter().try_for_each(PatternSettings::check)
    }
}

impl PatternSettings {
    fn check(&self) -> Result<()> {
        let mut keys = HashSet::new();
        for EntrySetting { key, value, configured } in &self.entries {
            let why = match self.kind {
                _ if value == configured => "has no difference",
                _ if key.is_empty() => "has an empty key",
                _ if !keys.insert(key) => "is there twice",
                PatternKind::Map if key.contains(' ') => "has a blank in its key",
                PatternKind::Acl if value.iter().chain(configured).any(|value| !value.is_empty()) => {
                    "of an ACL has a value"
                }
                _ => continue,
            };
            // The entries may be secret.
            return Err(Error::invalid(format!("an entry of {:?} {why}", excerpt(&self.file))));
        }
        Ok(())
    }
}
