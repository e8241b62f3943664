use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Faults, Log, Process};
use crate::Address;
use crate::level::Level;

/// The current state of a fake process.
#[derive(Debug)]
pub(in crate::fake) struct State {
    pub(in crate::fake) process: Process,
    pub(in crate::fake) faults: Faults,
    pub(in crate::fake) log: Log,
    /// Addresses at which it answers, as `show cli sockets` names them.
    pub(in crate::fake) sockets: Vec<(Address, Level)>,
    /// Connections accepted since the start.
    pub(in crate::fake) connections: u64,
    /// Number of the last connection. It goes on when the process is replaced.
    last_connection: u64,
    started_at: SystemTime,
}

impl State {
    pub(in crate::fake) fn new(mut process: Process) -> Self {
        process.number_patterns();
        process.add_rings();
        process.begin_checks();
        Self {
            process,
            faults: Faults::default(),
            log: Log::new(),
            sockets: Vec::new(),
            connections: 0,
            last_connection: 0,
            started_at: SystemTime::now(),
        }
    }

    /// Counts a new connection, and returns its number.
    pub(in crate::fake) fn connect(&mut self) -> u64 {
        self.connections += 1;
        self.last_connection += 1;
        self.last_connection
    }

    /// Replaces the process, and keeps its sockets.
    pub(in crate::fake) fn replace(&mut self, mut process: Process) {
        process.number_patterns();
        process.add_rings();
        process.begin_checks();
        self.process = process;
        self.connections = 0;
        self.started_at = SystemTime::now();
    }

    /// Returns the seconds since the start.
    pub(in crate::fake) fn uptime(&self) -> u64 {
        self.started_at.elapsed().unwrap_or_default().as_secs()
    }

    /// Returns the current time in the format of `show errors`, in UTC.
    pub(in crate::fake) fn clock() -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let (days, seconds) = (now.as_secs() / 86400, now.as_secs() % 86400);
        let (year, month, day) = date(days);
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        let millis = now.subsec_millis();
        format!("{day:02}/{month}/{year}:{hours:02}:{minutes:02}:{:02}.{millis:03}", seconds % 60)
    }

    /// Returns the reply to `show cli sockets`.
    pub(in crate::fake) fn list_sockets(&self) -> String {
        let process = &self.process;
        let processes = if process.nbproc > 1 { process.number.to_string() } else { "all".to_owned() };
        let mut text = String::from("# socket lvl processes\n");
        for (address, level) in &self.sockets {
            let family = match address {
                Address::Tcp { host, .. } if host.contains(':') => "ipv6@",
                Address::Tcp { .. } => "ipv4@",
                _ if address.to_string().starts_with('/') => "unix@",
                _ => "",
            };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{family}{address} {level} {processes}");
        }
        text
    }

    /// Returns the start time, in seconds since 1970.
    pub(in crate::fake) fn started_at(&self) -> u64 {
        self.started_at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
    }
}

/// Returns the year, month and day of a number of days after 1970-01-01.
fn date(days: u64) -> (u64, &'static str, u64) {
    const MONTHS: [(&str, u64); 12] = [
        ("Jan", 31),
        ("Feb", 28),
        ("Mar", 31),
        ("Apr", 30),
        ("May", 31),
        ("Jun", 30),
        ("Jul", 31),
        ("Aug", 31),
        ("Sep", 30),
        ("Oct", 31),
        ("Nov", 30),
        ("Dec", 31),
    ];
    let is_leap = |year: u64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let (mut year, mut days) = (1970, days);
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    for (month, length) in MONTHS {
        let length = length + u64::from(month == "Feb" && is_leap(year));
        if days < length {
            return (year, month, days + 1);
        }
        days -= length;
    }
    // Not reached: a year has as many days as its months.
    (year, "Dec", 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_its_date() {
        for (days, expected) in [
            (0, (1970, "Jan", 1)),
            (364, (1970, "Dec", 31)),
            (11016, (2000, "Feb", 29)),
            (11017, (2000, "Mar", 1)),
            (20453, (2025, "Dec", 31)),
        ] {
            assert_eq!(date(days), expected);
        }
    }
}
