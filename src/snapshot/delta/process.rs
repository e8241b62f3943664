use std::fmt;
use std::time::Duration;

use crate::field::Col;
use crate::snapshot::Process;

/// One process in a [`Delta`](crate::snapshot::Delta): whether its counters could be subtracted, and
/// the time that the difference covers.
///
/// With the feature `serde` it is written as a map of `label`, `host`, `standing`, `covers` (in
/// microseconds) and `modules_cleared`; `covers` is left out unless the process was counted.
///
/// # Example
///
/// ```no_run
/// # async fn example() -> haproxyadmin::Result<()> {
/// use std::time::Duration;
///
/// use haproxyadmin::Cluster;
///
/// let cluster = Cluster::from_dir("/run/haproxy").await?.allow_partial();
/// let earlier = cluster.snapshot().await?;
/// tokio::time::sleep(Duration::from_secs(2)).await;
/// for process in cluster.snapshot().await?.since(&earlier).processes() {
///     println!("{}: {}, {:?}", process.label(), process.standing(), process.covers());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ProcessDelta {
    pub(super) standing: Standing,
    pub(super) later: Option<Process>,
    pub(super) earlier: Option<Process>,
    pub(super) modules_cleared: bool,
}

/// Result of the comparison of one process in two snapshots. Only processes that are
/// [`Counted`](Standing::Counted) contribute to differences and rates.
///
/// # Example
///
/// ```
/// use haproxyadmin::snapshot::Standing;
///
/// assert_eq!(Standing::Reset.to_string(), "reset");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Standing {
    /// The process answered for both snapshots, and no counter fell.
    Counted,
    /// The process answered for the later snapshot, and the earlier one does not have it: it
    /// started since, or it has joined the cluster.
    New,
    /// A counter of the process fell: its counters were cleared (`clear counters all`) or lost. All
    /// counters of the process are disregarded, because a counter that was cleared may have grown
    /// beyond its earlier value since. `sess_other` may fall, because HAProxy calculates it from other
    /// counters.
    Reset,
    /// The earlier snapshot has the process, and the later one does not.
    Left,
    /// The process did not answer for the later snapshot.
    Failed,
    /// The process answered for the later snapshot only. A process with the same address did not
    /// answer for the earlier one, and may have been the same.
    FailedBefore,
    /// Both snapshots have the same reply of the process, which covers no time.
    SameReply,
    /// The reply in the later snapshot ended before the reply in the earlier one: the snapshots are
    /// in the wrong order, or the clock of this host was set back.
    Backwards,
    /// The process does not report its id and its start, or several processes of the host report
    /// the same ones at other addresses than before.
    Unidentified,
}

impl ProcessDelta {
    /// Returns the result of the comparison.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// Returns `true` if the process contributes to differences and rates.
    pub fn is_counted(&self) -> bool {
        self.standing == Standing::Counted
    }

    /// Returns the label of the process in the later snapshot, or in the earlier one if the process
    /// has left. The label of a process that left may be the label of its successor.
    pub fn label(&self) -> &str {
        self.later.as_ref().or(self.earlier.as_ref()).map_or("", |process| process.label())
    }

    /// Returns the process in the later snapshot.
    pub fn later(&self) -> Option<&Process> {
        self.later.as_ref()
    }

    /// Returns the process in the earlier snapshot. If the process is
    /// [`Failed`](Standing::Failed) or [`FailedBefore`](Standing::FailedBefore), it is the process
    /// that was expected at the same address.
    pub fn earlier(&self) -> Option<&Process> {
        self.earlier.as_ref()
    }

    /// Returns the time that the differences of the process cover: from the end of its earlier reply
    /// to the end of its later reply. For counters that were
    /// [read from a file](crate::Snapshot::with_counters_from_files), from one such read to the other.
    /// `None` unless the process was counted.
    pub fn covers(&self) -> Option<Duration> {
        if !self.is_counted() {
            return None;
        }
        let (later, earlier) = (&self.later.as_ref()?.record, &self.earlier.as_ref()?.record);
        between(later.counters_read_at(), earlier.counters_read_at())
    }

    /// Returns the time that the difference of a counter in a row covers. `None` if both snapshots have it
    /// from the same reply.
    pub(super) fn covers_of(&self, later_row: usize, earlier_row: usize, column: Col) -> Option<Duration> {
        let (later, earlier) = (self.later.as_ref()?, self.earlier.as_ref()?);
        between(later.moment(later_row, column), earlier.moment(earlier_row, column))
    }

    /// Returns the time between the two replies. `None` if both snapshots have the same reply.
    pub(super) fn covers_of_info(&self) -> Option<Duration> {
        between(self.later.as_ref()?.record.read_at, self.earlier.as_ref()?.record.read_at)
    }

    /// Returns `true` if counters of HAProxy's modules fell (columns such as `h1_total_streams` and
    /// `ssl_sess`), and no other counter did. The process does not contribute to the differences of
    /// these columns.
    ///
    /// HAProxy 2.6 and later clear them with `clear counters`, which is otherwise for maxima only.
    pub fn modules_cleared(&self) -> bool {
        self.modules_cleared
    }
}

/// Returns the time between two moments in microseconds, or `None` if no time is between them.
fn between(later: u64, earlier: u64) -> Option<Duration> {
    later.checked_sub(earlier).filter(|time| *time > 0).map(Duration::from_micros)
}

impl Standing {
    /// Returns the standing in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counted => "counted",
            Self::New => "new",
            Self::Reset => "reset",
            Self::Left => "left",
            Self::Failed => "failed",
            Self::FailedBefore => "failed before",
            Self::SameReply => "same reply",
            Self::Backwards => "backwards",
            Self::Unidentified => "unidentified",
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for ProcessDelta {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        #[serde(rename = "ProcessDelta")]
        struct Written<'a> {
            label: &'a str,
            host: &'a str,
            standing: Standing,
            #[serde(skip_serializing_if = "Option::is_none")]
            covers: Option<u64>,
            modules_cleared: bool,
        }

        Written {
            label: self.label(),
            host: self.later.as_ref().or(self.earlier.as_ref()).map_or("", Process::host),
            standing: self.standing,
            covers: self.covers().map(super::increase::microseconds),
            modules_cleared: self.modules_cleared,
        }
        .serialize(serializer)
    }
}
