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
//! | `show cli level`, `show cli sockets` | |
//! | `quit` | |
//!
//! Several of them can be joined with `;`. Anything else is an unknown command, in
//! the words of the release; the commands it suggests then are its own and not
//! HAProxy's. The other formats (`typed`, `json` and so on) are refused in words
//! of its own. Interactive mode (`prompt`) and the idle timeout are missing.
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

mod backend;
mod cells;
mod check;
mod connection;
mod fault;
mod frontend;
mod info;
mod line;
mod listener;
mod process;
mod reply;
mod row;
mod running;
mod server;
mod socket;
mod stat;
mod state;

pub use backend::Backend;
pub use cells::Value;
pub use fault::Fault;
pub use frontend::Frontend;
pub use listener::Listener;
pub use process::Process;
pub use running::Running;
pub use server::Server;
