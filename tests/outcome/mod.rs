//! Outcomes of calls as texts, for the tests of calls that wait.

#![allow(unreachable_pub, reason = "nothing here leaves the test's crate")]
#![allow(clippy::unwrap_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use haproxyadmin::{Outcomes, Result};

/// Returns the message of each process that failed.
pub fn messages<T: std::fmt::Debug + 'static>(result: Result<Outcomes<T>>) -> Vec<String> {
    let error = result.unwrap_err();
    let failed = error.outcomes::<T>().unwrap().failed();
    let written = failed.map(|outcome| serde_json::to_value(outcome.error()).unwrap());
    written.map(|error| error["message"].as_str().unwrap().to_owned()).collect()
}
