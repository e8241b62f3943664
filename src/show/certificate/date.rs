use crate::error::Malformed;

/// Reads the date in a field of a reply: the number of its line, and its text.
///
/// # Errors
///
/// - The error names the field and shows the text.
pub(super) fn date(name: &'static str, (at, text): (usize, &str)) -> Result<i64, Malformed> {
    let wrong = || Malformed::new(at, Some(name), "a date in GMT", text.as_bytes());
    seconds_since_1970(text).ok_or_else(wrong)
}

/// Reads a date such as `Apr  1 07:40:53 2021 GMT`. Returns the seconds since 1970.
pub(super) fn seconds_since_1970(text: &str) -> Option<i64> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let [month, day, time, year, "GMT"] = words.as_slice() else { return None };
    let month = MONTHS.iter().position(|name| name == month)?;
    let month = i64::try_from(month).ok()?;
    let (day, year) = (number(day, 1..=31)?, number(year, 0..=9_999)?);
    Some(days(year, month, day) * SECONDS_OF_DAY + seconds_of_clock(time)?)
}

/// Reads a date of a log, such as `01/Apr/2021:07:40:53 +0200`. Returns the seconds since 1970.
pub(super) fn seconds_of_log(text: &str) -> Option<i64> {
    let (local, zone) = text.split_once(' ')?;
    let (date, time) = local.split_once(':')?;
    let words: Vec<&str> = date.split('/').collect();
    let [day, month, year] = words.as_slice() else { return None };
    let month = i64::try_from(MONTHS.iter().position(|name| name == month)?).ok()?;
    let (day, year) = (number(day, 1..=31)?, number(year, 0..=9_999)?);
    let (sign, zone) = zone.split_at_checked(1)?;
    let (hours, minutes) = zone.split_at_checked(2).filter(|_| zone.len() == 4)?;
    let offset = (number(hours, 0..=23)? * 60 + number(minutes, 0..=59)?) * 60;
    let local = days(year, month, day) * SECONDS_OF_DAY + seconds_of_clock(time)?;
    match sign {
        "+" => Some(local - offset),
        "-" => Some(local + offset),
        _ => None,
    }
}

fn seconds_of_clock(time: &str) -> Option<i64> {
    let clock: Vec<&str> = time.split(':').collect();
    let [hour, minute, second] = clock.as_slice() else { return None };
    let (hour, minute) = (number(hour, 0..=23)?, number(minute, 0..=59)?);
    Some((hour * 60 + minute) * 60 + number(second, 0..=60)?)
}

fn number(text: &str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| is_number && range.contains(number))
}

/// Returns the days from 1970 to a day. `month` counts from 0.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March end with the leap day.
    let (year, month) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - DAYS_TO_1970
}

const SECONDS_OF_DAY: i64 = 86_400;

/// Days from 1 March of the year 0 to 1970.
const DAYS_TO_1970: i64 = 719_468;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_seconds_since_1970() {
        for (text, seconds) in [
            ("Jan  1 00:00:00 1970 GMT", 0),
            ("Dec 31 23:59:59 1969 GMT", -1),
            ("Feb 29 12:00:00 2000 GMT", 951_825_600),
            ("Mar  1 00:00:00 2100 GMT", 4_107_542_400),
            ("Nov 26 01:29:56 2026 GMT", 1_795_656_596),
            ("Dec 31 23:59:59 9999 GMT", 253_402_300_799),
        ] {
            assert_eq!(seconds_since_1970(text), Some(seconds), "{text}");
        }
    }

    #[test]
    fn dates_of_logs_have_a_time_zone() {
        for (text, seconds) in [
            ("26/Nov/2026:01:29:56 +0000", Some(1_795_656_596)),
            ("26/Nov/2026:03:59:56 +0230", Some(1_795_656_596)),
            ("25/Nov/2026:20:29:56 -0500", Some(1_795_656_596)),
            ("26/Nov/2026:01:29:56", None),
            ("26/Nov/2026:01:29:56 0000", None),
            ("26/Nov/2026:01:29:56 +000", None),
            ("26/11/2026:01:29:56 +0000", None),
            ("32/Nov/2026:01:29:56 +0000", None),
            ("26/Nov/2026 01:29:56 +0000", None),
            ("", None),
        ] {
            assert_eq!(seconds_of_log(text), seconds, "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_date() {
        for text in [
            "",
            "Nov 26 01:29:56 2026",
            "Nov 26 01:29 2026 GMT",
            "Nov 32 01:29:56 2026 GMT",
            "Foo 26 01:29:56 2026 GMT",
            "Nov 26 +1:29:56 2026 GMT",
            "Nov 26 01:29:56 2026 CET",
        ] {
            assert_eq!(seconds_since_1970(text), None, "{text}");
        }
    }
}
