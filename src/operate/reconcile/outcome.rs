use std::fmt;

use super::step::Step;
use crate::snapshot::Label;

/// Outcome of an application on one process, which shows the desired state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Applied {
    /// The steps that were taken, in their order.
    pub steps: Vec<Step>,
}

/// A step that begins or has been taken in one process.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ApplyProgress {
    /// Label of the process.
    pub label: Label,
    /// The step.
    pub step: Step,
    /// `true` if the step has been taken, `false` if it waits for a budget or for the end of sessions.
    pub is_done: bool,
}

impl fmt::Display for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() {
            return f.write_str("nothing to do");
        }
        let lines: Vec<_> = self.steps.iter().map(Step::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl fmt::Display for ApplyProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { label, step, is_done } = self;
        write!(f, "{label}: {step}{}", if *is_done { "" } else { " ..." })
    }
}
