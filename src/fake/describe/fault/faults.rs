use super::{Fault, When};

/// The faults of a fake process, each with the commands that it is for.
#[derive(Debug, Default)]
pub(in crate::fake) struct Faults {
    /// The fault of every command that has no other.
    always: Option<Fault>,
    /// The other ones; the last one counts first.
    chosen: Vec<(When, Fault)>,
}

impl Faults {
    /// Sets the fault of every command that has no other.
    pub(in crate::fake) fn set(&mut self, fault: Fault) {
        self.always = Some(fault);
    }

    /// Adds a fault of some commands.
    pub(in crate::fake) fn add(&mut self, when: When, fault: Fault) {
        self.chosen.push((when, fault));
    }

    /// Ends all faults.
    pub(in crate::fake) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Returns the fault of a line of commands, and counts the line. Only the fault that is returned, and
    /// those added later, count it.
    pub(in crate::fake) fn take(&mut self, commands: &[Vec<String>]) -> Option<Fault> {
        let found = self.chosen.iter_mut().rev().find_map(|(when, fault)| {
            let is_met = when.meets(commands);
            is_met.then(|| fault.clone())
        });
        self.chosen.retain(|(when, _)| !when.is_over());
        found.or_else(|| self.always.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fault_that_was_added_last_counts_first() {
        let line = |text: &str| vec![text.split(' ').map(Into::into).collect::<Vec<String>>()];
        let mut faults = Faults::default();
        faults.add(When::command("show info"), Fault::Cut(1));
        faults.add(When::always().times(2), Fault::Hang);
        faults.set(Fault::Close);
        let mut taken = |text: &str| faults.take(&line(text));
        assert_eq!(taken("show info"), Some(Fault::Hang));
        assert_eq!(taken("show stat"), Some(Fault::Hang));
        assert_eq!(taken("show info"), Some(Fault::Cut(1)));
        assert_eq!(taken("show stat"), Some(Fault::Close));
        faults.clear();
        assert_eq!(faults.take(&line("show info")), None);
    }
}
