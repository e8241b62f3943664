//! The changes that restore the entries of one map or ACL.

use std::collections::HashMap;

use super::super::left_reason::LeftReason;
use super::comparison::split;
use super::restoration::{EntryChange, EntryLeft, PatternRestoration};
use super::setting::{EntrySetting, PatternSettings};
use crate::error::Result;
use crate::object::{Edit, PatternKind};
use crate::process::IdentifiedConnection;
use crate::protocol::EntryRef;
use crate::show::Entries;

/// The circumstances of a restoration.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// `true` if the configuration cannot have changed, because the process is the same.
    pub(super) is_same: bool,
    /// `true` if differences from files count that were changed after the start of the process.
    pub(super) with_changed_files: bool,
}

/// The entries of a key in the process now.
#[derive(Default)]
struct Now<'a> {
    value: Option<&'a [u8]>,
    has_other_values: bool,
    entries: Vec<EntryRef>,
}

/// The thing to do about an entry.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Keep,
    Restore,
    Leave(LeftReason),
}

/// Returns the plan of a list that the process does not have.
pub(super) fn plan_without(list: &PatternSettings) -> PatternRestoration {
    let mut plan = PatternRestoration::of(list);
    for EntrySetting { key, value, .. } in &list.entries {
        plan.leave(key, value.as_deref(), None, LeftReason::PatternsGone);
    }
    plan.leave_unclear(list);
    plan
}

/// Returns the changes that the process needs, and puts them into `edit`.
pub(super) fn plan(
    list: &PatternSettings,
    shown: &Entries,
    terms: Terms,
    edit: &mut Edit,
    connection: &IdentifiedConnection<'_>,
) -> PatternRestoration {
    let now = now(list, shown);
    let mut plan = PatternRestoration::of(list);
    let absent = Now::default();
    for entry in &list.entries {
        let now = now.get(entry.key.as_bytes()).unwrap_or(&absent);
        let from = now.value.map(|value| Box::from(String::from_utf8_lossy(value)));
        match decide(entry, now, list.is_file_changed, terms) {
            Verdict::Keep => {}
            Verdict::Leave(reason) => plan.leave(&entry.key, entry.value.as_deref(), from, reason),
            Verdict::Restore => match put(list.kind, entry, now, edit, connection) {
                Ok(()) => {
                    let (key, to) = (entry.key.clone(), entry.value.clone());
                    plan.changes.push(EntryChange { key, from, to });
                }
                Err(_) => plan.leave(&entry.key, entry.value.as_deref(), from, LeftReason::NotSettable),
            },
        }
    }
    plan.leave_unclear(list);
    plan
}

/// Finds the remembered keys in the process.
fn now<'a>(list: &'a PatternSettings, shown: &'a Entries) -> HashMap<&'a [u8], Now<'a>> {
    let keys = list.entries.iter().map(|entry| (entry.key.as_bytes(), Now::default()));
    let mut found: HashMap<_, _> = keys.collect();
    for entry in shown.iter() {
        let (key, value) = split(list.kind, entry.as_bytes());
        if let Some(now) = found.get_mut(key) {
            now.has_other_values |= now.value.is_some_and(|first| first != value);
            now.value = now.value.or(Some(value));
            now.entries.push(entry.reference());
        }
    }
    found
}

/// Decides about one entry: it is restored if the process shows the value of the file.
fn decide(entry: &EntrySetting, now: &Now<'_>, is_file_changed: bool, terms: Terms) -> Verdict {
    let is = |value: &Option<Box<str>>| value.as_deref().map(str::as_bytes) == now.value;
    if now.has_other_values {
        Verdict::Leave(LeftReason::SeveralEntries)
    } else if is(&entry.value) {
        Verdict::Keep
    } else if terms.is_same {
        Verdict::Restore
    } else if !is(&entry.configured) {
        Verdict::Leave(LeftReason::ConfigurationChanged)
    } else if is_file_changed && !terms.with_changed_files {
        Verdict::Leave(LeftReason::FileChanged)
    } else {
        Verdict::Restore
    }
}

/// Puts the change of an entry into `edit`.
fn put(
    kind: PatternKind,
    entry: &EntrySetting,
    now: &Now<'_>,
    edit: &mut Edit,
    connection: &IdentifiedConnection<'_>,
) -> Result<()> {
    let value = |value| (kind == PatternKind::Map).then_some(value);
    match (entry.value.as_deref(), now.entries.as_slice()) {
        (Some(new), []) => edit.add(&entry.key, value(new), connection),
        (Some(new), held) => edit.set(&entry.key, held, new, connection),
        (None, held) => edit.delete(&entry.key, held, connection),
    }
}

impl PatternRestoration {
    fn of(list: &PatternSettings) -> Self {
        Self { kind: list.kind, file: list.file.clone(), changes: Vec::new(), left: Vec::new() }
    }

    fn leave(&mut self, key: &str, remembered: Option<&str>, shown: Option<Box<str>>, reason: LeftReason) {
        self.left.push(EntryLeft { key: key.into(), remembered: remembered.map(Into::into), shown, reason });
    }

    fn leave_unclear(&mut self, list: &PatternSettings) {
        for unclear in &list.unclear {
            self.leave(&unclear.text, None, None, unclear.reason);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_wins_unless_the_process_is_the_same() {
        let entry = |value: &str, configured: &str| {
            let text = |text: &str| (!text.is_empty()).then(|| Box::from(text));
            EntrySetting { key: "k".into(), value: text(value), configured: text(configured) }
        };
        let now = |value: &'static str| Now {
            value: (!value.is_empty()).then_some(value.as_bytes()),
            ..Now::default()
        };
        let new = Terms { is_same: false, with_changed_files: false };
        let changed = Verdict::Leave(LeftReason::ConfigurationChanged);
        for (value, configured, shown, expected) in [
            ("2", "1", "1", &Verdict::Restore),
            ("2", "1", "2", &Verdict::Keep),
            ("2", "1", "3", &changed),
            ("2", "1", "", &changed),
            ("2", "", "", &Verdict::Restore),
            ("2", "", "3", &changed),
            ("", "1", "1", &Verdict::Restore),
            ("", "1", "", &Verdict::Keep),
            ("", "1", "3", &changed),
        ] {
            let (entry, now) = (entry(value, configured), now(shown));
            assert_eq!(decide(&entry, &now, false, new), *expected, "{value} {configured} {shown}");
            let is_kept = *expected == Verdict::Keep;
            let same = decide(&entry, &now, true, Terms { is_same: true, ..new });
            assert_eq!(same, if is_kept { Verdict::Keep } else { Verdict::Restore });
            let late = decide(&entry, &now, true, new);
            let is_restored = *expected == Verdict::Restore;
            assert_eq!(late == Verdict::Leave(LeftReason::FileChanged), is_restored);
            assert_eq!(decide(&entry, &now, true, Terms { with_changed_files: true, ..new }), *expected);
        }
        let several = Now { has_other_values: true, ..now("2") };
        let verdict = decide(&entry("2", "1"), &several, false, new);
        assert_eq!(verdict, Verdict::Leave(LeftReason::SeveralEntries));
    }
}
