//! Servers with different states in several processes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::difference::{Name, is_other, name};
use super::event::{Divergence, Event, StateIn};
use super::picture::{ProcessStatus, WatchedProcess};
use crate::show::ServerState;
use crate::snapshot::Label;

/// The divergences, beat by beat.
///
/// Processes are not read at the same moment, and find out by their own health checks. A divergence
/// therefore begins at the second beat at which the states differ.
#[derive(Debug, Default)]
pub(super) struct Divergences {
    differing: BTreeMap<Name, Differing>,
    /// The divergences that have begun.
    begun: Arc<[Divergence]>,
}

#[derive(Debug)]
struct Differing {
    beats: u32,
    states: Vec<StateIn>,
}

/// Number of beats for which states must differ.
const BEATS: u32 = 2;

impl Divergences {
    /// Compares the processes at the end of a beat.
    pub(super) fn compare(&mut self, processes: &[WatchedProcess]) -> Vec<Event> {
        let mut differing = differing(processes);
        let mut events = Vec::new();
        self.differing.retain(|name, known| {
            let now = differing.remove(name);
            if now.is_none() && known.beats >= BEATS {
                let (backend, server) = name.clone();
                events.push(Event::DivergenceEnded { backend, server });
            }
            let Some(states) = now else { return false };
            known.states = states;
            known.beats = known.beats.saturating_add(1);
            if known.beats == BEATS {
                events.push(Event::DivergenceBegan(divergence(name, known)));
            }
            true
        });
        let new = differing.into_iter().map(|(name, states)| (name, Differing { beats: 1, states }));
        self.differing.extend(new);
        let begun = self.differing.iter().filter(|(_, differing)| differing.beats >= BEATS);
        self.begun = begun.map(|(name, differing)| divergence(name, differing)).collect();
        events
    }

    /// Returns the divergences that have begun.
    pub(super) fn begun(&self) -> Arc<[Divergence]> {
        Arc::clone(&self.begun)
    }
}

fn divergence((backend, server): &Name, differing: &Differing) -> Divergence {
    Divergence { backend: backend.clone(), server: server.clone(), states: differing.states.clone() }
}

/// Returns the servers with different states now.
fn differing(processes: &[WatchedProcess]) -> HashMap<Name, Vec<StateIn>> {
    let counts = |process: &&WatchedProcess| {
        !matches!(process.status(), ProcessStatus::Stopping | ProcessStatus::Gone)
    };
    let counting: Vec<_> = processes.iter().filter(counts).collect();
    let mut first: HashMap<(&str, &str), &ServerState> = HashMap::new();
    let mut names: Vec<(&str, &str)> = Vec::new();
    for server in counting.iter().flat_map(|process| process.servers()) {
        if is_other(first.entry(name(server)).or_insert(server), server) {
            names.push(name(server));
        }
    }
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return HashMap::new();
    }
    let indexes: Vec<_> = counting.iter().map(|process| (process.label(), index(process))).collect();
    let states = |name: (&str, &str)| {
        let states = indexes.iter().filter_map(|(process, servers)| {
            let state = servers.get(&name)?;
            let (operational, administrative) = (state.operational, state.administrative.state());
            Some(StateIn { process: Label::clone(process), operational, administrative })
        });
        ((name.0.into(), name.1.into()), states.collect())
    };
    names.into_iter().map(states).collect()
}

fn index(process: &WatchedProcess) -> HashMap<(&str, &str), &ServerState> {
    process.servers().iter().map(|server| (name(server), server)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::testing::process;

    fn compare(divergences: &mut Divergences, processes: &[(ProcessStatus, &str)]) -> Vec<String> {
        let processes: Vec<_> = (1..)
            .zip(processes)
            .map(|(n, (status, servers))| process(&n.to_string(), *status, servers))
            .collect();
        divergences.compare(&processes).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_divergence_begins_at_the_second_beat_and_ends_at_once() {
        let differing = [(ProcessStatus::Running, "a=up b=up"), (ProcessStatus::Running, "a=drain")];
        let alike = [(ProcessStatus::Running, "a=up b=up"), (ProcessStatus::Running, "a=up")];
        let mut divergences = Divergences::default();
        assert_eq!(compare(&mut divergences, &differing), [""; 0]);
        assert!(divergences.begun().is_empty());
        let began = "app/a: differs: running and ready on 1, running and drain on 2";
        assert_eq!(compare(&mut divergences, &differing), [began]);
        assert_eq!(compare(&mut divergences, &differing), [""; 0]);
        assert_eq!(divergences.begun().len(), 1);
        assert_eq!(compare(&mut divergences, &alike), ["app/a: no longer differs"]);
        assert!(divergences.begun().is_empty());
    }

    #[test]
    fn a_difference_of_one_beat_is_none() {
        let differing = [(ProcessStatus::Running, "a=up"), (ProcessStatus::Running, "a=down")];
        let alike = [(ProcessStatus::Running, "a=up"), (ProcessStatus::Running, "a=up")];
        let mut divergences = Divergences::default();
        for processes in [&differing, &alike, &differing, &alike] {
            assert_eq!(compare(&mut divergences, processes), [""; 0]);
        }
    }

    #[test]
    fn processes_that_are_stopping_or_gone_do_not_count() {
        for status in [ProcessStatus::Stopping, ProcessStatus::Gone] {
            let mut divergences = Divergences::default();
            for _ in 0..3 {
                let processes = [(ProcessStatus::Running, "a=up"), (status, "a=down")];
                assert_eq!(compare(&mut divergences, &processes), [""; 0]);
            }
        }
        let mut divergences = Divergences::default();
        let processes = [(ProcessStatus::Running, "a=up"), (ProcessStatus::Hung, "a=down")];
        compare(&mut divergences, &processes);
        assert_eq!(compare(&mut divergences, &processes).len(), 1);
    }
}
