//! The tests of the example `testing`, by themselves: a test beside them that starts a program would hold their
//! sockets for a moment.
#![cfg(unix)]

#[allow(dead_code, reason = "tests/examples.rs runs the program")]
#[path = "../examples/testing.rs"]
mod testing;
