//! Stick tables.

mod merged;
mod stored;

pub use merged::{MergedDatum, MergedEntry, MergedTable, MergedValue};

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use crate::cluster::{Cluster, Outcomes, Target};
use crate::error::{Error, Problem, Result};
use crate::excerpt::excerpt;
use crate::level::Level;
use crate::protocol::{Change, Command, Response};
use crate::show::stat::StatFilter;
use crate::show::{KeyType, TableEntries, TableEntry, TableInfo};
use crate::transport::Deadline;
use stored::StoredName;

/// A stick table of a [`Cluster`], addressed by its name.
///
/// Creating this value sends nothing, and the table is not checked until it is used.
///
/// Each process has a table of its own, even if it has the same name. HAProxy copies entries between
/// processes only if the table has `peers`; then several processes hold the same events, and their
/// figures must not be added up. [`merged`](StickTable::merged) looks at the peers of each process and
/// adds up what may be added up.
///
/// See [`Outcomes`] for the result of a call and its failures. A process without this table is not a
/// failure: its outcome is absent.
///
/// # Cancel safety
///
/// Dropping the future of a read closes the connections and leaves nothing behind. Dropping the
/// future of a change closes the connections, and each process may have executed the command or may
/// still do so. See [`guide::cancellation`](crate::guide::cancellation).
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// use haproxyadmin::table::{Comparison, Condition};
///
/// let clients = cluster.table("clients")?;
/// let busy = [Condition::new("http_req_rate", Comparison::Greater, 100)];
/// for (label, entries) in clients.show_where(&busy).await?.values() {
///     println!("{label}: {} busy clients", entries.len());
/// }
/// clients.set("192.0.2.7", [("gpc0", 1)]).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct StickTable {
    cluster: Cluster,
    name: Box<str>,
}

/// A condition on a stored value of the entries of a stick table.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// use haproxyadmin::table::{Comparison, Condition};
///
/// let idle = Condition::new("conn_cur", Comparison::Equal, 0);
/// cluster.table("clients")?.clear_where(&[idle]).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Condition {
    name: Box<str>,
    comparison: Comparison,
    value: u64,
}

/// Comparison of a stored value with a number.
///
/// # Example
///
/// ```
/// use haproxyadmin::table::Comparison;
///
/// assert_eq!(Comparison::AtLeast.to_string(), "ge");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Comparison {
    /// `eq`: equal.
    Equal,
    /// `ne`: not equal.
    NotEqual,
    /// `le`: at most.
    AtMost,
    /// `ge`: at least.
    AtLeast,
    /// `lt`: less.
    Less,
    /// `gt`: greater.
    Greater,
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "eq",
            Self::NotEqual => "ne",
            Self::AtMost => "le",
            Self::AtLeast => "ge",
            Self::Less => "lt",
            Self::Greater => "gt",
        })
    }
}

impl Condition {
    /// Returns the condition that the stored value called `name`, such as `http_req_rate`, compares
    /// with `value` in this way.
    pub fn new(name: &str, comparison: Comparison, value: u64) -> Self {
        Self { name: name.into(), comparison, value }
    }
}

/// Most conditions of one command.
const MOST: usize = 4;

impl Cluster {
    /// Returns a stick table by its name: that of its proxy, or `PEERS/TABLE` for a table of a
    /// `peers` section. Sends nothing.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if `name` cannot be the name of a table: if
    ///   it is empty, or has a character other than letters, digits and `_.:-/`.
    pub fn table(&self, name: &str) -> Result<StickTable> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-/".contains(&byte);
        if name.is_empty() || !name.bytes().all(fits) {
            let text = format!("stick table {:?}: expected letters, digits and `_.:-/`", excerpt(name));
            return Err(Error::invalid(text));
        }
        Ok(StickTable { cluster: self.clone(), name: name.into() })
    }

    /// Reads the list of stick tables from each process: `show table`.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    #[doc(alias = "show table")]
    pub async fn tables(&self) -> Result<Outcomes<Vec<TableInfo>>> {
        self.fan_out().ask(Command::read("show table"), list).await
    }
}

impl StickTable {
    /// Returns the name of the table.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the same table, acting through `cluster`, another view of the cluster.
    #[must_use]
    pub fn on(&self, cluster: &Cluster) -> Self {
        Self { cluster: cluster.clone(), name: self.name.clone() }
    }

    /// Reads the entries of the table from each process: `show table NAME`. Needs level operator.
    ///
    /// HAProxy does not stop while it prints, so entries that change meanwhile are printed with their
    /// values of different moments.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`PermissionDenied`](crate::ErrorKind::PermissionDenied) if the level of a socket is `user`.
    #[doc(alias = "show table")]
    pub async fn show(&self) -> Result<Outcomes<TableEntries>> {
        self.show_where(&[]).await
    }

    /// Reads the entries that meet all conditions from each process:
    /// `show table NAME data.TYPE OPERATOR VALUE`. Needs level operator.
    ///
    /// # Errors
    ///
    /// - The errors of [`show`](Self::show).
    /// - [`Refused`](crate::ErrorKind::Refused) if the table does not store one of the values.
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if there are more than four conditions, or
    ///   if the name of a stored value is not one.
    #[doc(alias = "show table")]
    pub async fn show_where(&self, conditions: &[Condition]) -> Result<Outcomes<TableEntries>> {
        let command = with_conditions(self.command(Command::read("show table")), conditions)?;
        self.cluster.fan_out().ask(command, entries).await
    }

    /// Reads the entries that meet all conditions, hands each to `visit` when it arrives, with the
    /// label of its process, and keeps none: for tables with millions of entries. The outcome of a
    /// process is the number of its entries. Needs level operator.
    ///
    /// `visit` is called for all processes in turn, as their replies arrive, and delays all of them
    /// while it runs. If the outcome of a process is an error, `visit` may have got a part of its
    /// entries. The error then states their number.
    ///
    /// Behind a master, a reload cuts the connection. The command is sent again if `visit` has got no
    /// entry of the process yet. Otherwise the outcome is an error, because `visit` would get entries
    /// twice: the caller discards them, and repeats the call.
    ///
    /// # Errors
    ///
    /// - The errors of [`show_where`](Self::show_where).
    /// - [`Truncated`](crate::ErrorKind::Truncated), [`Closed`](crate::ErrorKind::Closed) or
    ///   [`Io`](crate::ErrorKind::Io) if the dump was cut: "the dump ended early, after entry N; all
    ///   entries up to it were handed on". Without these words, no entry was handed on.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
    /// let mut bytes = 0;
    /// let count = |_: &str, entry: haproxyadmin::table::TableEntry<'_>| {
    ///     bytes += entry.get("bytes_in_cnt").unwrap_or(0);
    /// };
    /// cluster.table("clients")?.for_each(&[], count).await?;
    /// println!("{bytes} bytes");
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "show table")]
    pub async fn for_each(
        &self,
        conditions: &[Condition],
        visit: impl FnMut(&str, TableEntry<'_>) + Send,
    ) -> Result<Outcomes<u64>> {
        let command = &with_conditions(self.command(Command::read("show table")), conditions)?;
        let visit = &Mutex::new(visit);
        let job = |target: Target, deadline| async move {
            let own = |entry: TableEntry<'_>| {
                let mut visit = visit.lock().unwrap_or_else(PoisonError::into_inner);
                visit(target.label(), entry);
            };
            target.member.visit_table(command, target.nbproc(), own, &deadline).await
        };
        self.cluster.fan_out().each(command, StatFilter::Nothing, job).await
    }

    /// Reads one entry from each process: `show table NAME key KEY`. Needs level operator.
    ///
    /// The outcome of a process that has the table and not the key is absent. A key that is longer
    /// than the table stores is cut by HAProxy (`len`), and then finds the shorter key.
    ///
    /// # Errors
    ///
    /// - The errors of [`show`](Self::show).
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the key is not of the type of the table
    ///   in a process: releases up to 2.6 would look up 0.0.0.0 for a word that is no address.
    #[doc(alias = "show table")]
    pub async fn get(&self, key: &str) -> Result<Outcomes<TableEntries>> {
        let command = &self.command(Command::read("show table")).word("key").secret(key)?;
        let job = |target: Target, deadline| async move {
            if let Some(absent) = self.check_key(&target, key, &deadline).await? {
                return Ok(Response::Absent(absent));
            }
            Ok(match target.ask(command, entries, &deadline).await? {
                Response::Value(found) if found.is_empty() => Response::Absent("no such key".into()),
                response => response,
            })
        };
        self.cluster.fan_out().each(command, StatFilter::Nothing, job).await
    }

    /// Sets stored values of one entry, and makes the entry if it does not exist:
    /// `set table NAME key KEY data.TYPE VALUE`. Needs level operator.
    ///
    /// An element of an array is set as `gpc[1]` (3.2 and later). HAProxy makes the entry even if it
    /// refuses a value, and HAProxy 3.0 then keeps the entry for good. The call therefore checks the
    /// values against those of the entry, if it exists, before it sends anything.
    ///
    /// HAProxy cuts a greater number than it can store, and reports success. The call therefore refuses
    /// it for all processes:
    ///
    /// | value | greatest number |
    /// |---|---|
    /// | `gpc*`, `gpt*`, `conn_cur`, `*_cnt` without the next row, `*_rate` | 4,294,967,295 ([`u32::MAX`]) |
    /// | `bytes_in_cnt`, `bytes_out_cnt` | 9,223,372,036,854,775,807 ([`i64::MAX`]) |
    /// | `server_id` | 2,147,483,647 ([`i32::MAX`]) |
    /// | `server_key`, `server_name` | none: HAProxy takes any number and stores nothing |
    ///
    /// A value that this crate does not know has the limit [`i64::MAX`]. HAProxy prints a rate above
    /// [`i32::MAX`] as a negative number up to 2.4.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Refused`](crate::ErrorKind::Refused) if the table does not store one of the values.
    /// - [`PermissionDenied`](crate::ErrorKind::PermissionDenied) if the level of a socket is `user`.
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the key is not of the type of the table
    ///   in a process, if HAProxy cannot set keys of this type (binary), if there is no value, if the
    ///   name of a stored value is not one, or if a number is greater than HAProxy can store.
    #[doc(alias = "set table")]
    pub async fn set<N: AsRef<str>>(
        &self,
        key: &str,
        values: impl IntoIterator<Item = (N, u64)>,
    ) -> Result<Outcomes<Change>> {
        // Without a key, HAProxy would delete every entry.
        let mut command =
            Command::write("set table").word(&self.name).word("key").needs(Level::Operator).secret(key)?;
        let mut names = Vec::new();
        for (name, value) in values {
            let name = StoredName::new(name.as_ref())?;
            name.check(value)?;
            command = command.word(format_args!("data.{}", name.as_str())).word(value);
            names.push(name.printed());
        }
        if names.is_empty() {
            return Err(Error::invalid("no value to set").during(command.redacted()));
        }
        let (command, names) = (&command, &names);
        let look = &self.command(Command::read("show table")).word("key").secret(key)?;
        let job = |target: Target, deadline| async move {
            if let Some(absent) = self.check_key(&target, key, &deadline).await? {
                return Ok(Response::Absent(absent));
            }
            // At level `user` this is denied and leaves nothing behind; a denied change would.
            if let Response::Value(found) = target.ask(look, entries, &deadline).await? {
                check_stored(&found, names)?;
            }
            target.change(command, &deadline).await
        };
        self.cluster.fan_out().each(command, StatFilter::Nothing, job).await
    }

    /// Deletes one entry: `clear table NAME key KEY`. Needs level operator.
    ///
    /// HAProxy does not say whether the entry existed.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`Refused`](crate::ErrorKind::Refused) if a connection or stream tracks the entry ("Entry
    ///   currently in use, cannot remove").
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the key is not of the type of the table
    ///   in a process, or if HAProxy cannot look up keys of this type (binary).
    #[doc(alias = "clear table")]
    pub async fn delete(&self, key: &str) -> Result<Outcomes<Change>> {
        let command = &self.command(Command::write("clear table")).word("key").secret(key)?;
        let job = |target: Target, deadline| async move {
            match self.check_key(&target, key, &deadline).await? {
                Some(absent) => Ok(Response::Absent(absent)),
                None => target.change(command, &deadline).await,
            }
        };
        self.cluster.fan_out().each(command, StatFilter::Nothing, job).await
    }

    /// Deletes the entries that meet all conditions and are not tracked:
    /// `clear table NAME data.TYPE OPERATOR VALUE`. Needs level operator; up to HAProxy 3.0, every
    /// level may do it.
    ///
    /// # Errors
    ///
    /// - The errors of [`show_where`](Self::show_where).
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if there is no condition; see
    ///   [`clear`](Self::clear).
    #[doc(alias = "clear table")]
    pub async fn clear_where(&self, conditions: &[Condition]) -> Result<Outcomes<Change>> {
        let command = self.command(Command::write("clear table"));
        if conditions.is_empty() {
            let text = "no condition: `clear` deletes all entries";
            return Err(Error::invalid(text).during(command.redacted()));
        }
        self.change(with_conditions(command, conditions)?).await
    }

    /// Deletes all entries that are not tracked: `clear table NAME`. Needs level operator; up to HAProxy
    /// 3.0, every level may do it.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    #[doc(alias = "clear table")]
    pub async fn clear(&self) -> Result<Outcomes<Change>> {
        self.change(self.command(Command::write("clear table"))).await
    }

    fn command(&self, command: Command) -> Command {
        command.word(&self.name).needs(Level::Operator)
    }

    async fn change(&self, command: Command) -> Result<Outcomes<Change>> {
        self.cluster.fan_out().change(command, StatFilter::Nothing).await
    }

    /// Checks that the process would read `key` as a key of the table. Returns a message if the
    /// process does not have the table.
    async fn check_key(&self, target: &Target, key: &str, deadline: &Deadline) -> Result<Option<Box<str>>> {
        let tables = match target.ask(&Command::read("show table"), list, deadline).await? {
            Response::Value(tables) => tables,
            Response::Absent(message) => return Ok(Some(message)),
        };
        let Some(table) = tables.iter().find(|table| *table.name == *self.name) else {
            return Ok(Some("No such table".into()));
        };
        let fits = match table.key_type {
            KeyType::Ip => key.parse::<Ipv4Addr>().is_ok(),
            KeyType::Ipv6 => key.parse::<Ipv6Addr>().is_ok(),
            KeyType::Integer => key.bytes().all(|byte| byte.is_ascii_digit()) && key.parse::<u32>().is_ok(),
            KeyType::String => true,
            KeyType::Binary | KeyType::Other(_) => false,
        };
        if fits {
            return Ok(None);
        }
        Err(Error::invalid(format!(
            "the key is not one that HAProxy reads for a table of type {}",
            table.key_type
        )))
    }
}

#[allow(clippy::needless_pass_by_value, reason = "the shape of a reader of replies")]
fn list(data: Vec<u8>) -> Result<Vec<TableInfo>> {
    Ok(TableInfo::read(&String::from_utf8_lossy(&data))?)
}

fn entries(data: Vec<u8>) -> Result<TableEntries> {
    TableEntries::read(data).map_err(Error::new)
}

/// Checks that the entry, if it was found, has a value of each name.
fn check_stored(found: &TableEntries, names: &[String]) -> Result<()> {
    let Some(entry) = found.iter().next() else { return Ok(()) };
    match names.iter().find(|name| entry.data().all(|datum| datum.name != **name)) {
        Some(name) => Err(Error::new(Problem::Refused(format!("the table does not store {name}").into()))),
        None => Ok(()),
    }
}

fn with_conditions(command: Command, conditions: &[Condition]) -> Result<Command> {
    if conditions.len() > MOST {
        let text = format!("{} conditions: HAProxy accepts {MOST}", conditions.len());
        return Err(Error::invalid(text).during(command.redacted()));
    }
    conditions.iter().try_fold(command, |command, Condition { name, comparison, value }| {
        Ok(command
            .word(format_args!("data.{}", StoredName::new(name)?.as_str()))
            .word(comparison)
            .word(value))
    })
}
