//! A fake stats socket that answers like HAProxy from inside this program, for tests and examples.
//!
//! A [`Process`] describes one HAProxy process: its release, its own values of `show info`, and its
//! frontends, backends and servers with their figures. [`serve`](Process::serve) makes the process
//! answer at an address, in the framing of its release, until the returned [`Running`] is dropped.
//! Meanwhile a test can change figures and make the process hang, fail or die. It can therefore
//! exercise automation under failures, without a HAProxy.
//!
//! Replies are made from the description and from the [tables](crate::field) of columns and keys.
//! The header of a release is the table up to that release, and a row has the cells that its kind
//! fills. A value that the description leaves out is the value of an idle process (0 for counters).
//!
//! # Supported commands
//!
//! | command | |
//! |---|---|
//! | `show info` | |
//! | `show stat [IID\|NAME TYPE SID] [up\|no-maint]` | CSV only |
//! | `show servers state [BACKEND]`, `show backend` | no host names; agents have no port until it is set |
//! | `show sess [ID\|all]`, `shutdown session ID` | the main lines of one session |
//! | `show events [RING]`, `-w`, `-n` | events that a test adds; behind a master without `-w` |
//! | `show resolvers [SECTION]` | |
//! | `show activity`, `env`, `fd`, `libs`, `pools`, `profiling`, `startup-logs`, `threads` | any text: `Process::text_report` |
//! | `show cache`, `show tls-keys`, `show peers` | always empty |
//! | `show version` | |
//! | `show errors` | always without events |
//! | `show cli level`, `show cli sockets` | |
//! | `enable`, `disable server B/S`, `shutdown sessions server B/S` | |
//! | `set server B/S state`, `weight`, `health`, `agent` | the servers that track it follow |
//! | `set server B/S addr`, `check-addr`, `check-port`, `agent-addr`, `agent-port`, `agent-send` | no port maps |
//! | `set server B/S fqdn`, `ssl` | as for a server without resolvers and TLS |
//! | `get weight B/S`, `set weight B/S`, `set maxconn server B/S` | |
//! | `enable`, `disable health B/S`, `agent B/S` | |
//! | `enable`, `disable`, `shutdown frontend F`, `set maxconn frontend F` | |
//! | `set maxconn global`, `set rate-limit`, `clear counters [all]` | |
//! | `show`, `add`, `set`, `del`, `get`, `clear`, `prepare`, `commit map` | whole keys, as `map` looks them up |
//! | `show`, `add`, `del`, `get`, `clear`, `prepare`, `commit acl` | whole texts or addresses |
//! | `show`, `set`, `clear table` | values by name, without rates; keys of the type of the table |
//! | `show`, `new`, `set`, `commit`, `abort`, `del ssl cert` | PEM texts that were described with `Process::pem` |
//! | `show`, `new`, `set`, `add`, `commit`, `abort`, `del ssl ca-file`, `crl-file` | the same |
//! | `show`, `add`, `del ssl crt-list` | options are kept as they are given |
//! | `show`, `set`, `update ssl ocsp-response`, `show ssl ocsp-updates` | DER texts that were described with `Process::ocsp_der`; no updates |
//! | `set severity-output`, `set timeout cli`, `operator`, `user`, `prompt`, `quit` | |
//!
//! Several commands can be joined with `;`. Each command needs the level that it needs in the
//! release, has the effect that it has there, and answers in HAProxy's words. Numbers (`#3`),
//! entries (`#0x7f...`), versions (`@2`) and payloads (`<<`) are understood. Any other command is
//! unknown, and is refused in the words of the release; only the commands suggested in that reply
//! are the fake's own and not HAProxy's. If a command would do something that the fake does not
//! model, the fake refuses it in its own words: `Not a part of this fake: ...`. The words
//! `timed` and `help` of `prompt`, the idle timeout, and commands on processes of an `nbproc` that do
//! not have the object are not modelled.
//!
//! A described health check has its result at once, whenever checks run, and a state given by
//! `set server B/S health` lasts until the server leaves maintenance. With [`Server::inter`] checks take
//! their time instead: the server rises and falls as in HAProxy (`UP 2/3`, `DOWN 1/2`). Weights are accepted
//! in full, as HAProxy does unless the algorithm is static.
//!
//! A [`Master`] is the socket of a master process, which lists such processes as its workers.
//!
//! # Tests of code that uses this crate
//!
//! | question | answer |
//! |---|---|
//! | Which commands did my code send, and which of them took effect? | [`Running::received`] |
//! | What if a reply is lost, and the change took effect, or did not? | [`Fault::Close`], [`Fault::CloseUnexecuted`] |
//! | What if one command fails, or the next two, or the third? | [`Running::fail_command`], [`fail_next`](Running::fail_next), [`fail_when`](Running::fail_when) |
//! | What if a process hangs, dies, restarts or is reloaded? | [`Running::pause`], [`kill`](Running::kill), [`Process::serve`], [`Running::replace`] |
//! | What if health checks fail, and pass later? | [`Server::inter`], [`Running::set_check`] |
//!
//! The example `testing` of the repository has such tests.
//!
//! ## A paused clock
//!
//! With `#[tokio::test(start_paused = true)]` waits take no real time: whenever all tasks of the runtime
//! wait, Tokio moves its clock to the next timer. This works with a fake in the same runtime, although its
//! sockets are real: bytes that one task has sent wake the task that waits for them before Tokio moves the
//! clock. A command takes no time, and a wait, the pauses of a [`Fault::Dribble`] and
//! [checks](Server::inter) take exactly theirs. It needs
//!
//! - Tokio 1.53.3 or later, or 1.51.6 or a later release of 1.51. Former releases move the clock although
//!   bytes have arrived, and limits pass that were not due.
//! - the fake and its client in one runtime, and no other thread or process that the code waits for. A real
//!   HAProxy takes its time to answer, in which Tokio moves the clock.
//! - no test beside it, in the same program, that starts programs: a program that is being started holds the
//!   sockets of all tests for a moment, so that the end of a reply comes late.
//!
//! ```
//! # #[cfg(unix)]
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use haproxyadmin::{Cluster, fake};
//! use tokio::time::{Instant, sleep};
//!
//! let app = fake::Backend::new("app").server(fake::Server::new("web1").set("scur", 3));
//! let dir = tempfile::tempdir()?;
//! let running = fake::Process::new("3.4").backend(app).serve(dir.path().join("1.sock")).await?;
//! let cluster = Cluster::from_dir(dir.path()).await?;
//!
//! let start = Instant::now();
//! let web1 = cluster.server_ref("app", "web1")?;
//! let (drained, changed) = tokio::join!(web1.drain(Duration::from_secs(30)).into_future(), async {
//!     sleep(Duration::from_secs(20)).await;
//!     running.set_server("app", "web1", "scur", 0)
//! });
//! changed?;
//! assert_eq!(drained?.values().count(), 1);
//! // No test waits for these 20 seconds.
//! assert_eq!(start.elapsed().as_secs(), 20);
//! # Ok(())
//! # }
//! # #[cfg(not(unix))]
//! # fn main() {}
//! ```
//!
//! # Releases
//!
//! The fake was compared with real processes of 2.2, 2.6, 3.0, 3.2 and 3.4 only. A release in
//! between behaves like its older neighbour if the release that made a change is not known.
//!
//! # Example
//!
//! ```
//! # #[cfg(unix)]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use haproxyadmin::{Cluster, fake};
//!
//! let app = |stot| fake::Backend::new("app").server(fake::Server::new("web1").check("L4OK").set("stot", stot));
//! let dir = tempfile::tempdir()?;
//! let one = fake::Process::new("2.6.12").backend(app(5)).serve(dir.path().join("1.sock")).await?;
//! let two = fake::Process::new("3.2.4").backend(app(7)).serve(dir.path().join("2.sock")).await?;
//!
//! let cluster = Cluster::from_dir(dir.path()).await?;
//! assert_eq!(cluster.server("app", "web1").await?.requests(), 12);
//!
//! // An old worker is about to leave, and the other one dies.
//! one.set_info("Stopping", 1)?;
//! two.kill().await;
//! assert_eq!(cluster.snapshot().await.unwrap_err().kind(), haproxyadmin::ErrorKind::Incomplete);
//! let rest = cluster.allow_partial().snapshot().await?;
//! assert_eq!(rest.server("app", "web1")?.requests(), 5);
//! # Ok(())
//! # }
//! # #[cfg(not(unix))]
//! # fn main() {}
//! ```

mod command;
mod describe;
mod master;
mod serve;

pub use describe::{
    Acl, AuthorityFile, Backend, Certificate, CrtList, Fault, Frontend, Listener, Map, OcspResponse, Process,
    Received, Resolvers, Ring, Server, Session, Table, Value, When,
};
pub use master::{Master, RunningMaster};
pub use serve::Running;
