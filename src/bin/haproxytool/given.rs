use std::collections::BTreeMap;

use clap::ArgMatches;

use crate::action::Action;

/// The options of one action, as they are typed.
#[derive(Default)]
pub(crate) struct Given {
    values: BTreeMap<&'static str, Vec<Vec<String>>>,
}

impl Given {
    pub(crate) fn new(action: &'static Action, matches: &ArgMatches) -> Self {
        let mut values = BTreeMap::new();
        for choice in action.options {
            let found = match choice.values {
                "" if matches.get_flag(choice.name) => vec![Vec::new()],
                "" => Vec::new(),
                _ => {
                    let found = matches.get_occurrences::<String>(choice.name).into_iter().flatten();
                    found.map(|values| values.cloned().collect()).collect()
                }
            };
            if !found.is_empty() {
                values.insert(choice.name, found);
            }
        }
        Self { values }
    }

    /// Returns the name of an option that is given.
    pub(crate) fn any(&self) -> Option<&'static str> {
        self.values.keys().next().copied()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Returns the values of each time that an option is given.
    pub(crate) fn all(&self, name: &str) -> &[Vec<String>] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    /// Returns the value of an option that has one. The last one counts.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name)?.last()?.first().map(String::as_str)
    }
}
