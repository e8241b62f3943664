//! Tools that start real HAProxy processes for the tests and read them.
//!
//! Nothing here uses the crate. Configurations are started, sockets are asked and traffic is sent
//! with tokio alone, so the results can be used to check the crate.
//!
//! A test picks a [`Release`], starts one of the ready-made clusters (or puts one together from
//! [`Running`], [`Config`] and [`Server`]) and drops it at the end, which ends every process that
//! it started.

#![allow(dead_code, reason = "every test file is a crate of its own and uses a part of this")]
#![allow(unreachable_pub, reason = "the same: nothing here leaves the test's crate")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]
#![allow(clippy::missing_panics_doc, reason = "all of it panics when HAProxy does not do its part")]

mod access;
mod agent;
mod ancestor;
mod ask;
mod baseline;
mod config;
mod container;
mod crowded;
mod cutter;
mod every;
mod haproxy;
mod level;
mod load;
mod managed;
mod master_worker;
mod mixed;
mod namespace;
mod parrot;
mod process;
mod random;
mod received;
mod relay;
mod release;
mod row;
mod running;
mod server;
mod session;
mod shared;
mod stranger;
mod tap;
mod traffic;
mod version;
mod zoo;

#[allow(unused_imports, reason = "every test file uses a part of this")]
pub use self::{
    access::CheckedAccess,
    agent::Agent,
    ancestor::{ANCESTOR_TRAFFIC, ancestor_cluster},
    ask::{ask, try_ask, until},
    baseline::Baseline,
    config::Config,
    container::{Container, Inside, contained},
    crowded::{MANY, assert_no_leftovers, crowded_cluster},
    cutter::Cutter,
    every::{
        end_sessions, every_cell, every_info, every_reply, every_state, hold_at, hold_each, until_every_cell,
    },
    haproxy::Haproxy,
    level::levels,
    load::Clients,
    managed::managed_cluster,
    master_worker::MasterWorker,
    mixed::{mixed_cluster, mixed_traffic},
    parrot::Parrot,
    process::is_alive,
    random::Random,
    received::received,
    relay::{Moment, Relay},
    release::{Release, release, releases, releases_since},
    row::{Row, info, row, rows},
    running::Running,
    server::Server,
    session::Session,
    shared::{
        Member, SHARED_TRAFFIC, send_raw, send_shared_traffic, shared_cluster, shared_config, shared_file,
    },
    stranger::{Stranger, datagram, plain_file, stale},
    tap::{Conversation, Tap},
    traffic::{Address, Held, hold, http_get, try_get},
    version::versions,
    zoo::{zoo, zoo_settled},
};
