/// The arguments of the program.
pub(crate) struct Options {
    /// Number of rounds of each comparison.
    pub(crate) rounds: usize,
    /// `true` in a test run, in which everything is small.
    is_test: bool,
    /// The groups to run. Empty if all are.
    groups: Vec<String>,
}

/// Rounds by default.
const ROUNDS: usize = 31;

/// Rounds of a test run.
const FEW: usize = 2;

impl Options {
    /// Reads `[GROUP...] [--test] [--rounds N]`. Without `--bench`, which `cargo bench` adds, the run
    /// is a test run.
    pub(crate) fn read() -> Self {
        let mut arguments = std::env::args().skip(1);
        let (mut rounds, mut is_bench, mut is_test, mut groups) = (None, false, false, Vec::new());
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--bench" => is_bench = true,
                "--test" => is_test = true,
                "--rounds" => {
                    rounds = Some(arguments.next().expect("a number").parse().expect("a number"));
                }
                _ => groups.push(argument),
            }
        }
        let is_test = is_test || !is_bench;
        let rounds = rounds.unwrap_or(if is_test { FEW } else { ROUNDS });
        assert!(rounds > 0, "no ratio comes from 0 rounds");
        Self { rounds, is_test, groups }
    }

    /// Returns `true` if a group was asked for.
    pub(crate) fn runs(&self, group: &str) -> bool {
        self.groups.is_empty() || self.groups.iter().any(|wanted| wanted == group)
    }

    /// Returns the groups that were asked for and are not among `known`.
    pub(crate) fn unknown<'a>(&'a self, known: &[&str]) -> Vec<&'a str> {
        self.groups.iter().map(String::as_str).filter(|group| !known.contains(group)).collect()
    }

    /// Returns `full`, or `few` in a test run.
    pub(crate) fn size(&self, full: usize, few: usize) -> usize {
        if self.is_test { few } else { full }
    }
}
