use std::collections::HashMap;
use std::sync::Arc;

use crate::cluster::{Outcome, Outcomes};
use crate::error::{Error, Problem, Result};
use crate::excerpt::excerpt_of_bytes;
use crate::show::{Entries, Entry};
use crate::snapshot::{Label, Requirement};

/// Contents of a map or an ACL, process by process.
///
/// Each process has its own contents, and HAProxy does not synchronize them: an entry that was
/// added while one process was down is missing there until it is added there too.
/// [`entries`](Contents::entries) returns one list, and fails if processes differ;
/// [`differences`](Contents::differences) reports each difference and its processes.
///
/// If a process fails, the error holds the contents of the others: [`Error::contents`]. Cheap to
/// clone.
///
/// References and the order of entries belong to each process and are not compared.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// let contents = cluster.map("/etc/haproxy/hosts.map")?.show().await?;
/// for entry in contents.entries()? {
///     match entry.pair() {
///         Some((key, value)) => println!("{key} is {value}"),
///         None => println!("one of {:?}", entry.splits().collect::<Vec<_>>()),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Contents {
    outcomes: Arc<Outcomes<Entries>>,
}

/// An entry that some processes have more often than others.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// let contents = cluster.map("/etc/haproxy/hosts.map")?.show().await?;
/// for difference in contents.differences() {
///     for (label, count) in &difference.counts {
///         println!("{label} has {count} of {:?}", String::from_utf8_lossy(&difference.text));
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The entry: a pattern, or key and value with a blank between them.
    pub text: Box<[u8]>,
    /// The number of such entries in each process, in the cluster's order.
    pub counts: Vec<(Label, usize)>,
}

impl Contents {
    pub(super) fn new(outcomes: Outcomes<Entries>) -> Self {
        Self { outcomes: Arc::new(outcomes) }
    }

    /// Returns the entries, which are the same on all processes that have the map or ACL. The order
    /// is the order of the first of these processes.
    ///
    /// # Errors
    ///
    /// - [`Diverging`](crate::ErrorKind::Diverging) if the processes have different entries.
    /// - [`Incomplete`](crate::ErrorKind::Incomplete) if a process did not answer, or if something
    ///   is [missing](Contents::missing).
    /// - [`NotFound`](crate::ErrorKind::NotFound) if no process has the map or ACL.
    ///
    /// The last two occur only with contents that were read through
    /// [`Cluster::allow_partial`](crate::Cluster::allow_partial).
    pub fn entries(&self) -> Result<impl ExactSizeIterator<Item = Entry<'_>>> {
        let failed = self.outcomes.failed().next().map(|failed| {
            let reason = failed.error().map(Error::reason).unwrap_or_default();
            format!("{}: {reason}", failed.address())
        });
        if let Some(text) = failed.or_else(|| self.missing().next().map(ToString::to_string)) {
            return Err(Error::new(Problem::Incomplete { text, cause: None, answers: None })
                .during(self.outcomes.command()));
        }
        let differences = self.differences();
        let mut lists = self.outcomes.values();
        match (lists.next(), differences.len()) {
            (Some((_, entries)), 0) => Ok(entries.iter()),
            (_, 1..) => {
                // The entries may be secret; `differences` has them.
                let text = format!("processes differ in {} entries", differences.len());
                Err(Error::new(Problem::Diverging(text)).during(self.outcomes.command()))
            }
            (None, 0) => {
                Err(Error::new(Problem::NotFound("map or ACL".into())).during(self.outcomes.command()))
            }
        }
    }

    /// Returns the entries of each process that has the map or ACL, in the cluster's order.
    pub fn per_process(&self) -> impl Iterator<Item = (&Label, impl ExactSizeIterator<Item = Entry<'_>>)> {
        self.outcomes.values().map(|(label, entries)| (label, entries.iter()))
    }

    /// Returns the processes that did not answer, with the errors.
    pub fn failed(&self) -> impl Iterator<Item = (&Label, &Error)> {
        self.outcomes.failed().filter_map(|outcome| Some((outcome.label(), outcome.error()?)))
    }

    /// Returns the requirements of the cluster that were not met: see [`Outcomes::missing`].
    pub fn missing(&self) -> impl Iterator<Item = &Requirement> {
        self.outcomes.missing()
    }

    /// Returns the labels of the processes that do not have the map or ACL at all.
    pub fn absent(&self) -> impl Iterator<Item = &Label> {
        self.outcomes.iter().filter(|outcome| outcome.absent().is_some()).map(Outcome::label)
    }

    /// Returns `true` if all processes that have the map or ACL, and that answered, hold the same
    /// entries.
    pub fn is_same(&self) -> bool {
        self.differences().is_empty()
    }

    /// Returns every entry that not all processes have equally often, ordered by its text.
    pub fn differences(&self) -> Vec<Difference> {
        let lists: Vec<(&Label, &Entries)> = self.outcomes.values().collect();
        let Some(((_, first), rest)) = lists.split_first() else { return Vec::new() };
        let texts = |entries| Entries::iter(entries).map(|entry| entry.as_bytes());
        if rest.iter().all(|(_, list)| list.len() == first.len() && texts(list).eq(texts(first))) {
            return Vec::new();
        }
        let mut counts: HashMap<&[u8], Vec<usize>> = HashMap::new();
        for (at, (_, entries)) in lists.iter().enumerate() {
            for text in texts(entries) {
                let counts = counts.entry(text).or_insert_with(|| vec![0; lists.len()]);
                if let Some(count) = counts.get_mut(at) {
                    *count += 1;
                }
            }
        }
        counts.retain(|_, counts| counts.iter().any(|count| Some(count) != counts.first()));
        let mut differing: Vec<_> = counts.into_iter().collect();
        differing.sort_unstable();
        let labels = || lists.iter().map(|(label, _)| (*label).clone());
        differing
            .into_iter()
            .map(|(text, counts)| Difference { text: text.into(), counts: labels().zip(counts).collect() })
            .collect()
    }
}

/// Access to the contents that an error holds.
impl Error {
    /// Returns the contents of a map or an ACL that could not be read from some processes, or that
    /// no process has: the error of [`Map::show`](crate::Map::show) and
    /// [`Acl::show`](crate::Acl::show).
    pub fn contents(&self) -> Option<Contents> {
        let outcomes = Arc::clone(&self.answers()?.result).downcast().ok()?;
        Some(Contents { outcomes })
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", excerpt_of_bytes(&self.text))?;
        for (at, (label, count)) in self.counts.iter().enumerate() {
            write!(f, "{} {label}: {count}", if at == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}
