//! What the benchmarks work on and compare with.

mod corpus;
pub(crate) mod peer;

pub(crate) use corpus::{Corpus, Load, PROCESSES};
