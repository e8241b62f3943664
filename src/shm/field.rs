//! The place of each column of `show stat` in the data of an object, and the value of the column.
//!
//! The offsets are those of `struct fe_counters_shared_tg` and `struct be_counters_shared_tg` in
//! HAProxy's `include/haproxy/counters-t.h`.

use super::file::Side;
use super::number::{u32_at, u64_at};
use crate::field::Col;

/// The way in which HAProxy keeps the value of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// Numbers of 64 bits that are added up: the first one, and their count.
    Counters(usize, usize),
    /// Sessions that are none of HTTP: all of them without those of each version of HTTP.
    OtherSessions,
    /// A frequency counter.
    Rate(usize),
    /// Time of the last event in seconds; 0 if it never happened. `show stat` prints its age.
    Since(usize),
    /// The same, but the age of an event that never happened is -1.
    SinceIfEver(usize),
}

/// Offset of the data in an object.
pub(super) const DATA: usize = 144;

const SESSIONS: usize = 80;
const HTTP_SESSIONS: usize = 208;

/// The frequency counters of both sides, and those of the front side alone.
const RATES: [usize; 1] = [136];
const FRONT_RATES: [usize; 3] = [136, 184, 196];

/// Returns the place of a column, or `None` if objects of this side do not have it. `hints` is the
/// size of the counter of early hints, which the layout has or not.
pub(super) fn field(side: Side, column: Col, hints: usize) -> Option<Field> {
    let counter = |at| Some(Field::Counters(at, 1));
    match column {
        Col::srv_abrt => return counter(0),
        Col::cli_abrt => return counter(8),
        Col::eint => return counter(16),
        Col::wrew => return counter(24),
        Col::bin | Col::reqbin => return counter(32),
        Col::reqbout => return counter(40),
        Col::bout | Col::resbin => return counter(48),
        Col::resbout => return counter(56),
        Col::dresp => return counter(64),
        Col::dreq => return counter(72),
        Col::stot => return counter(SESSIONS),
        Col::comp_in => return counter(96),
        Col::comp_out => return counter(112),
        Col::comp_byp => return counter(128),
        Col::rate => return Some(Field::Rate(136)),
        _ => {}
    }
    match side {
        Side::Front => front(column, hints),
        Side::Back => back(column, hints),
    }
}

fn front(column: Col, hints: usize) -> Option<Field> {
    let (at, count) = match column {
        Col::conn_rate => return Some(Field::Rate(184)),
        Col::req_rate => return Some(Field::Rate(196)),
        Col::sess_other => return Some(Field::OtherSessions),
        Col::dses => (152, 1),
        Col::dcon => (160, 1),
        Col::intercepted => (168, 1),
        Col::conn_tot => (176, 1),
        Col::h1sess => (HTTP_SESSIONS, 1),
        Col::h2sess => (HTTP_SESSIONS + 8, 1),
        Col::h3sess => (HTTP_SESSIONS + 16, 1),
        Col::req_tot => (232, 4),
        Col::req_other => (232, 1),
        Col::h1req => (240, 1),
        Col::h2req => (248, 1),
        Col::h3req => (256, 1),
        Col::cache_hits => (264, 1),
        Col::cache_lookups => (272, 1),
        Col::comp_rsp => (280 + hints, 1),
        Col::hrsp_other => (288 + hints, 1),
        Col::hrsp_1xx => (296 + hints, 1),
        Col::hrsp_2xx => (304 + hints, 1),
        Col::hrsp_3xx => (312 + hints, 1),
        Col::hrsp_4xx => (320 + hints, 1),
        Col::hrsp_5xx => (328 + hints, 1),
        Col::ereq => (336 + hints, 1),
        _ => return None,
    };
    Some(Field::Counters(at, count))
}

fn back(column: Col, hints: usize) -> Option<Field> {
    let at = match column {
        Col::lastchg => return Some(Field::Since(148)),
        Col::lastsess => return Some(Field::SinceIfEver(312 + hints)),
        Col::lbtot => 152,
        Col::connect => 160,
        Col::reuse => 168,
        Col::chkfail => 176,
        Col::hanafail => 184,
        Col::chkdown => 192,
        Col::req_tot => 200,
        Col::cache_hits => 208,
        Col::cache_lookups => 216,
        Col::comp_rsp => 224 + hints,
        Col::hrsp_other => 232 + hints,
        Col::hrsp_1xx => 240 + hints,
        Col::hrsp_2xx => 248 + hints,
        Col::hrsp_3xx => 256 + hints,
        Col::hrsp_4xx => 264 + hints,
        Col::hrsp_5xx => 272 + hints,
        Col::wredis => 280 + hints,
        Col::wretr => 288 + hints,
        Col::eresp => 296 + hints,
        Col::econ => 304 + hints,
        _ => return None,
    };
    Some(Field::Counters(at, 1))
}

/// Returns the offsets of the frequency counters.
pub(super) fn rates(side: Side) -> &'static [usize] {
    match side {
        Side::Front => &FRONT_RATES,
        Side::Back => &RATES,
    }
}

/// Returns `true` if eight bytes of the data at `at` are a counter, which never falls.
pub(super) fn is_counter(side: Side, at: usize, hints: usize) -> bool {
    match side {
        Side::Front => !matches!(at, 136 | 144 | 184 | 192 | 200) && at < 344 + hints,
        Side::Back => !matches!(at, 136 | 144) && at < 312 + hints,
    }
}

impl Field {
    /// Returns the value that HAProxy prints for an object. `groups` has the data of the object in
    /// each thread group, and `now` the time of the file's clock in nanoseconds.
    pub(super) fn value<'a>(self, groups: impl Iterator<Item = &'a [u8]> + Clone, now: u64) -> Option<i128> {
        let sum = |at| groups.clone().map(move |data| u64_at(data, at)).try_fold(0, add);
        match self {
            Self::Counters(first, count) => {
                let mut sums = (0..count).map(|number| sum(first + number * 8));
                sums.try_fold(0, add).map(i128::from)
            }
            Self::OtherSessions => {
                let http = (0..3).map(|version| sum(HTTP_SESSIONS + version * 8)).try_fold(0, add)?;
                // The counters are not of one moment.
                Some(i128::from(sum(SESSIONS)?.saturating_sub(http)))
            }
            Self::Rate(at) => {
                let mut rates = groups.map(|data| rate(data, at, milliseconds(now)));
                rates.try_fold(0u32, |sum, rate| Some(sum.wrapping_add(rate?))).map(i128::from)
            }
            Self::Since(at) => Some(age(last(groups, at, now)?, now).unwrap_or(0)),
            Self::SinceIfEver(at) => Some(age(last(groups, at, now)?, now).unwrap_or(-1)),
        }
    }
}

fn add(sum: u64, number: Option<u64>) -> Option<u64> {
    Some(sum.wrapping_add(number?))
}

/// Length of the period of the frequency counters, in milliseconds.
const PERIOD: u32 = 1000;

/// Returns the number of events of the last second from a frequency counter: the begin of its period, the
/// count of this period, and the count of the period before. Calculates as `read_freq_ctr` of HAProxy: the
/// events of the period that has begun, and the share of the last period that is less than a second ago.
fn rate(data: &[u8], at: usize, now: u32) -> Option<u32> {
    let (tick, mut current, mut past) = (u32_at(data, at)?, u32_at(data, at + 4)?, u32_at(data, at + 8)?);
    // The lowest bit is set while a new period begins.
    let mut remain = signed((tick & !1).wrapping_add(PERIOD).wrapping_sub(now));
    if remain < 0 {
        remain = remain.saturating_add_unsigned(PERIOD);
        past = if remain >= 0 { current } else { 0 };
        current = 0;
    }
    if current == 0 && past <= 1 {
        return Some(past);
    }
    let total = u64::from(past) * u64::try_from(remain).unwrap_or(0) + u64::from(current) * u64::from(PERIOD);
    u32::try_from(total / u64::from(PERIOD)).ok()
}

/// Returns the latest of the times of all thread groups.
fn last<'a>(groups: impl Iterator<Item = &'a [u8]>, at: usize, now: u64) -> Option<u32> {
    let ago = |time: u32| seconds(now).wrapping_sub(u64::from(time));
    groups.map(|data| u32_at(data, at)).reduce(|one, other| {
        let (one, other) = (one?, other?);
        Some(if ago(other) < ago(one) { other } else { one })
    })?
}

/// Returns the seconds since `time`, or `None` if the time is 0.
#[allow(clippy::cast_possible_truncation, reason = "HAProxy calculates with 32 bits")]
fn age(time: u32, now: u64) -> Option<i128> {
    // The clock of the file may stand a little before an event that is in it.
    let age = signed((seconds(now) as u32).wrapping_sub(time));
    (time != 0).then_some(i128::from(age.max(0)))
}

#[allow(clippy::cast_possible_wrap, reason = "differences of times that wrap around")]
fn signed(difference: u32) -> i32 {
    difference as i32
}

fn seconds(nanoseconds: u64) -> u64 {
    nanoseconds / 1_000_000_000
}

#[allow(clippy::cast_possible_truncation, reason = "HAProxy's times in milliseconds wrap around")]
pub(super) fn milliseconds(nanoseconds: u64) -> u32 {
    (nanoseconds / 1_000_000) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::{COLUMNS, RowKind};

    #[test]
    fn every_shared_column_has_a_place_of_its_own() {
        for hints in [0, 8] {
            for (side, kinds) in [
                (Side::Front, [RowKind::Frontend, RowKind::Listener]),
                (Side::Back, [RowKind::Backend, RowKind::Server]),
            ] {
                let mut taken: Vec<(Field, &str)> = Vec::new();
                for (column, declared) in Col::ALL.iter().zip(COLUMNS).filter(|(_, one)| one.shared) {
                    if !declared.kinds.iter().any(|(kind, _)| kinds.contains(kind)) {
                        continue;
                    }
                    let field = field(side, *column, hints);
                    let field = field.unwrap_or_else(|| panic!("{} is nowhere", declared.name));
                    // `bin` and `reqbin` are one counter, and so are `bout` and `resbin`.
                    let same = taken.iter().find(|(other, _)| *other == field).map(|(_, name)| *name);
                    let twin = match declared.name {
                        "reqbin" => Some("bin"),
                        "resbin" => Some("bout"),
                        _ => None,
                    };
                    assert_eq!(same, twin, "{}", declared.name);
                    taken.push((field, declared.name));
                    match field {
                        Field::Counters(at, count) => {
                            assert!((0..count).all(|n| is_counter(side, at + n * 8, hints)), "{field:?}");
                        }
                        Field::Rate(at) => assert!(rates(side).contains(&at)),
                        Field::Since(at) | Field::SinceIfEver(at) => {
                            assert!(!is_counter(side, at & !7, hints), "{field:?}");
                        }
                        Field::OtherSessions => {}
                    }
                }
            }
        }
    }

    fn rate_of(tick: u32, current: u32, past: u32, now: u32) -> u32 {
        let data = [tick, current, past].map(u32::to_le_bytes).concat();
        rate(&data, 0, now).unwrap()
    }

    #[test]
    fn a_rate_is_that_of_haproxy() {
        // 300 ms of the last period are less than a second ago.
        assert_eq!(rate_of(1000, 50, 100, 1700), 80);
        assert_eq!(rate_of(1001, 50, 100, 1700), 80);
        // The period is over, and its successor has not begun.
        assert_eq!(rate_of(1000, 50, 100, 2500), 25);
        assert_eq!(rate_of(1000, 50, 100, 3001), 0);
        // A single event is one per second, and not less.
        assert_eq!((rate_of(1000, 0, 1, 1999), rate_of(1000, 1, 0, 2900)), (1, 1));
        // The clock wraps around.
        assert_eq!(rate_of(u32::MAX - 99, 50, 100, 600), 80);
    }

    #[test]
    fn an_age_is_that_of_the_latest_event() {
        let groups = [[100u32, 0], [160, 7]].map(|times| times.map(u32::to_le_bytes).concat());
        let groups = || groups.iter().map(Vec::as_slice);
        let now = 200 * 1_000_000_000;
        assert_eq!(Field::Since(0).value(groups(), now), Some(40));
        assert_eq!(Field::SinceIfEver(4).value(groups(), now), Some(193));
        assert_eq!(Field::SinceIfEver(4).value(groups().take(1), now), Some(-1));
        assert_eq!(Field::Since(4).value(groups().take(1), now), Some(0));
        assert_eq!(Field::Since(0).value(groups().skip(1), 159 * 1_000_000_000), Some(0));
        assert_eq!(Field::Since(8).value(groups(), now), None);
    }
}
