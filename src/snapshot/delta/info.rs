use std::fmt;

use super::accessor::increases;
use super::comparison::info_increase;
use super::counter;
use super::difference::Delta;
use super::increase::{Covers, Increase, Portion};
use crate::error::Result;
use crate::field::{Key, for_each_key};
use crate::snapshot::CountRange;
use crate::snapshot::sharing::Kept;

/// Counters of `show info`: their increases between two snapshots, over all processes that were
/// counted.
///
/// Some of these counters have 32 bits and begin again at 0, such as `CumReq` and `CumConns`. This is
/// taken into account if they did so once. A counter that fell otherwise makes its process
/// [`Reset`](crate::snapshot::Standing::Reset).
///
/// With the feature `serde` it is written as a map of `covers` and `increases` (a map of
/// [`increases`](InfoDelta::increases)).
///
/// # Example
///
/// ```no_run
/// # fn example(delta: haproxyadmin::snapshot::Delta) -> haproxyadmin::Result<()> {
/// let info = delta.info();
/// println!("{:?} requests per second", info.requests().and_then(|requests| requests.rate()));
/// println!("{:?} connections", info.difference("CumConns")?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct InfoDelta(ProcessCounters);

/// The processes of a delta, each with its `show info`.
#[derive(Clone)]
struct ProcessCounters(Delta);

impl ProcessCounters {
    fn increase_of(&self, choose: impl Fn(()) -> Key) -> Option<Increase> {
        let key = choose(());
        Increase::of(self.0.counted().filter_map(|process| {
            let (later, earlier) = (process.later()?, process.earlier()?);
            let (now, then) = (later.info()?.number(key)?, earlier.info()?.number(key)?);
            let (count, covers) = (info_increase(key, now, then)?, process.covers_of_info()?);
            Some(Portion { kept: Kept::Separate, label: later.label(), count, covers, thread_groups: None })
        }))
    }
}

impl InfoDelta {
    pub(super) fn new(delta: Delta) -> Self {
        Self(ProcessCounters(delta))
    }

    /// Returns the delta that it is part of, which has the processes that were not counted.
    pub fn delta(&self) -> &Delta {
        &self.0.0
    }

    /// Returns the increase of the HTTP requests of all processes (`CumReq`).
    pub fn requests(&self) -> Option<Increase> {
        self.cum_req()
    }

    /// Returns the shortest and the longest time that the differences cover; `None` if no process
    /// was counted.
    pub fn covers(&self) -> Option<Covers> {
        self.delta().covers()
    }

    /// Returns the increase of the counter called `name`, spelt as HAProxy spells it. `None` if no
    /// process that was counted has a value.
    ///
    /// # Errors
    ///
    /// - [`NotFound`](crate::ErrorKind::NotFound) if this crate knows no key called `name`.
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the key is not a counter.
    pub fn increase(&self, name: &str) -> Result<Option<Increase>> {
        let key = counter::key(name)?;
        Ok(self.0.increase_of(|()| key))
    }

    /// Returns the number of events that the counter called `name` counted.
    ///
    /// # Errors
    ///
    /// - The errors of [`increase`](Self::increase).
    pub fn difference(&self, name: &str) -> Result<Option<CountRange>> {
        Ok(self.increase(name)?.map(|increase| increase.count()))
    }

    /// Returns the number of events per second that the counter called `name` counted.
    ///
    /// # Errors
    ///
    /// - The errors of [`increase`](Self::increase).
    pub fn rate(&self, name: &str) -> Result<Option<f64>> {
        Ok(self.increase(name)?.and_then(|increase| increase.rate()))
    }

    /// Returns the increase of every counter that any counted process prints, with the name of its
    /// key.
    pub fn increases(&self) -> Vec<(&'static str, Increase)> {
        counter::keys().filter_map(|key| Some((key.declared().name, self.0.increase_of(|()| key)?))).collect()
    }
}

for_each_key!(increases, "key", P, InfoDelta, Key);

impl fmt::Debug for InfoDelta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.increases()).finish()
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for InfoDelta {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;

        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("covers", &self.covers())?;
        map.serialize_entry("increases", &super::accessor::Increases(self.increases()))?;
        map.end()
    }
}
