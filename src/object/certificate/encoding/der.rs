/// The rest of a text in DER (X.690, 8.1).
#[derive(Debug, Clone)]
pub(super) struct Der<'a>(&'a [u8]);

pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

impl<'a> Der<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self(text)
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// Takes the next element if it has this tag, and returns its content.
    pub(super) fn element(&mut self, tag: u8) -> Option<&'a [u8]> {
        let [found, first, rest @ ..] = self.0 else { return None };
        if *found != tag {
            return None;
        }
        let (length, rest) = match usize::from(*first) {
            short @ ..=0x7f => (short, rest),
            long @ 0x81..=0x84 => {
                let (digits, rest) = rest.split_at_checked(long & 0x7f)?;
                (digits.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
            // A length that is given by the end of the element is not DER.
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(content)
    }

    /// Takes the next element if it is a time, and returns its text and the number of digits of its year.
    pub(super) fn time_text(&mut self) -> Option<(&'a [u8], usize)> {
        self.element(UTC_TIME).map(|text| (text, 2)).or_else(|| Some((self.element(GENERALIZED_TIME)?, 4)))
    }

    /// Takes the next time, in seconds since 1970.
    pub(super) fn time(&mut self) -> Option<i64> {
        let (text, year_digits) = self.time_text()?;
        let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
        let (year, rest) = text.split_at_checked(year_digits)?;
        let year: i64 = year.parse().ok()?;
        let year = match (year_digits, year) {
            (2, 50..) => year + 1900,
            (2, _) => year + 2000,
            _ => year,
        };
        let mut rest = rest;
        let mut number = || {
            let (digits, later) = rest.split_at_checked(2)?;
            rest = later;
            digits.parse::<u32>().ok()
        };
        let mut number = || number().map(i64::from);
        let (month, day, hour, minute, second) = (number()?, number()?, number()?, number()?, number()?);
        let days = days(year, month, day);
        Some(((days * 24 + hour) * 60 + minute) * 60 + second)
    }
}

/// Returns the number of days from 1970 to a date.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that a leap day is the last one. An era has 400 years.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}
