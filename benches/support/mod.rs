//! Dumps for the benchmarks, and the program that they compare with.

mod corpus;
pub(crate) mod peer;

pub(crate) use corpus::{Corpus, Load, PROCESSES};
