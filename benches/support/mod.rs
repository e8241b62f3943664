//! Dumps for the benchmarks, and the program that they compare with.

mod corpus;
pub(crate) mod peer;
pub(crate) mod replay;

#[allow(unused_imports, reason = "not every program needs all")]
pub(crate) use corpus::{Corpus, Load, PROCESSES};
