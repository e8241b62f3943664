//! Recipes: whole programs that use this crate.
//!
//! They are in the folder `examples` of the repository. Each one runs on fake processes if it gets no
//! address, and the tests of this crate run it on processes of every release of HAProxy.
//!
//! | recipe | contents |
//! |---|---|
//! | [`service`](#an-http-service) | an HTTP service on axum: states, figures and events from one shared watch, and drains |
//! | [`deploy`](#a-rolling-deploy) | one server after the other is drained, deployed on, and up again |
//! | [`control`](#a-control-plane) | every process is kept in the state that a file describes |
//! | [`testing`](#unit-tests-with-the-fake) | unit tests of code that changes servers, without HAProxy and without waiting |
//!
//! # An HTTP service
//!
//! - All requests share one [`Watch`](crate::watch::Watch). A hundred dashboards cost HAProxy as much as one.
//! - The health of the service is the health of what it shows: processes that do not answer, and states that
//!   differ between processes.
//! - An error of this crate becomes an HTTP status by its [`ErrorKind`](crate::ErrorKind), and its JSON has the
//!   outcome of each process.
//! - A drain runs in a task of its own, so that it ends in order if the client goes away. When the service
//!   ends, the watch stops, the streams of events end with it, and drains under way are undone.
//!
//! ```ignore
#![doc = include_str!("../../examples/service.rs")]
//! ```
//!
//! # A rolling deploy
//!
//! - [`BackendRef::roll`](crate::BackendRef::roll) waits until another server is up, drains, runs the command,
//!   and waits until the server is up on every process.
//! - If the command fails, or on Ctrl-C, the server is set back on each process to the state that it had there.
//!   Ctrl-C ends the work with an error for this purpose: a future of `roll` that is dropped sets nothing back.
//!   [`roll_until`](crate::BackendRef::roll_until) would complete the server in work first.
//!
//! ```ignore
#![doc = include_str!("../../examples/deploy.rs")]
//! ```
//!
//! # A control plane
//!
//! - [`Cluster::reconcile`](crate::Cluster::reconcile) takes each version of the file from a stream, and waits for
//!   budgets, sessions and health. Ctrl-C at any moment leaves nothing that the next start does not complete.
//! - A version that cannot be read is reported, and the one before stays.
//!
//! ```ignore
#![doc = include_str!("../../examples/control.rs")]
//! ```
//!
//! # Unit tests with the fake
//!
//! - Two fake processes of different releases stand for the cluster; the feature `fake` belongs into
//!   `[dev-dependencies]`.
//! - A lost reply has two tests: the change took effect, and it did not.
//! - The commands that each process received show that no other process was told twice.
//! - With a paused clock, health checks and waits of half a minute take no time.
//!
//! ```ignore
#![doc = include_str!("../../examples/testing.rs")]
//! ```
