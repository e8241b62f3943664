//! A stats socket in this very program that answers like HAProxy, for tests and
//! examples.
//!
//! A [`Process`] describes one HAProxy process: its release, what it says of
//! itself, its frontends, backends and servers with their figures.
//! [`serve`](Process::serve) makes it answer at an address, in the framing of that
//! release, until the [`Running`] it returns is dropped. Meanwhile figures can be
//! changed, and the process can hang, fail or die: automation is tested where it
//! will hurt, and without HAProxy.
//!
//! Replies are made from the description and the [tables](crate::field) of columns
//! and keys: the header of a release is the table up to that release, the cells of
//! a row are those that its kind fills, and whatever the description leaves out is
//! what an idle process says (0 for counters).
//!
//! # What it answers
//!
//! | command | |
//! |---|---|
//! | `show info` | |
//! | `show stat [IID\|NAME TYPE SID] [up\|no-maint]` | CSV only |
//! | `show servers state [BACKEND]`, `show backend` | no host names; agents have no port until it is set |
//! | `show errors` | always none |
//! | `show cli level`, `show cli sockets` | |
//! | `enable`, `disable server B/S`, `shutdown sessions server B/S` | |
//! | `set server B/S state`, `weight`, `health`, `agent` | those that track it follow |
//! | `set server B/S addr`, `check-addr`, `check-port`, `agent-addr`, `agent-port`, `agent-send` | no port maps |
//! | `set server B/S fqdn`, `ssl` | as for a server without resolvers and TLS |
//! | `get weight B/S`, `set weight B/S`, `set maxconn server B/S` | |
//! | `enable`, `disable health B/S`, `agent B/S` | |
//! | `enable`, `disable`, `shutdown frontend F`, `set maxconn frontend F` | |
//! | `set maxconn global`, `set rate-limit`, `clear counters [all]` | |
//! | `show`, `add`, `set`, `del`, `get`, `clear`, `prepare`, `commit map` | whole keys, as `map` looks them up |
//! | `show`, `add`, `del`, `get`, `clear`, `prepare`, `commit acl` | whole texts or addresses |
//! | `set severity-output`, `operator`, `user`, `prompt`, `quit` | interactive mode without arguments |
//!
//! Several of them can be joined with `;`. They need the level that they need in the
//! release, do what they do there, and say so in its words; `#3` for a number,
//! `#0x7f...` for an entry, `@2` for a version and a payload (`<<`) are understood.
//! Anything else is an unknown command, also in the words of the release; the commands
//! it suggests then are its own and not HAProxy's. Where a command would do something
//! that this fake does not model, it is refused in words of its own: `Not a part of
//! this fake: ...`. Interactive mode (`prompt`) and the idle timeout are missing, and
//! so are commands on processes of an `nbproc` that do not have the object.
//!
//! A health check that is described has its result at once, whenever checks run; what
//! `set server B/S health` says lasts until the server was in maintenance. Weights
//! are taken in full, which HAProxy does unless the algorithm is static.
//!
//! Only 2.2, 2.6, 3.0, 3.2 and 3.4 were compared with real processes. A release in
//! between behaves like the older neighbour where the change is not known to a
//! release.
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
mod serve;

pub use describe::{Acl, Backend, Fault, Frontend, Listener, Map, Process, Server, Value};
pub use serve::Running;
