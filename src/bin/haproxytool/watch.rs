use std::pin::pin;
use std::time::{Duration, SystemTime};

use futures::StreamExt as _;
use futures::future::{Either, select};
use haproxyadmin::watch::{Events, Occurrence, Watch, WatchOptions};

use crate::Views;
use crate::call::Call;
use crate::interrupt::interrupted;
use crate::options::seconds;
use crate::printer::{Line, Printer};
use crate::problem::Problem;
use crate::report::Report;

pub(crate) async fn run(call: &Call, views: &Views) -> Result<Report, Problem> {
    let mut options = WatchOptions::new().without_figures();
    if let Some(every) = call.given.value("every") {
        options = options.every(seconds(every)?);
    }
    if let Some(ring) = call.given.value("ring") {
        options = options.ring(ring);
    }
    let interrupted = interrupted()?;
    let watch = views.read.watch(options).await?;
    let mut events = watch.events();
    let printer = Printer::start();
    let is_open = printer.print(Line::Error(summary(&watch))).await;
    if is_open {
        let printing = pin!(print(&mut events, &printer, call.json));
        select(printing, pin!(interrupted)).await;
    }
    // A reply that is cut off harms some releases of HAProxy.
    watch.stop().await;
    printer.end_now().await
}

/// Prints events as they come, until the output is closed.
async fn print(events: &mut Events, printer: &Printer, is_json: bool) {
    loop {
        let closed = pin!(printer.is_closed());
        let Either::Left((Some(occurrence), _)) = select(events.next(), closed).await else { return };
        let line = if is_json {
            serde_json::to_string(&occurrence).unwrap_or_default()
        } else {
            let Occurrence { at, event, .. } = &occurrence;
            format!("{} {event}", time(*at))
        };
        if !printer.print(Line::Out(line)).await {
            return;
        }
    }
}

fn summary(watch: &Watch) -> String {
    let picture = watch.latest();
    let processes = picture.processes().iter().map(|one| format!("{} {}", one.label(), one.status()));
    format!("watching {}", processes.collect::<Vec<_>>().join(", "))
}

/// Returns a time as `2026-11-26T07:45:35.123Z`.
fn time(at: SystemTime) -> String {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let (days, seconds) = (since.as_secs() / DAY, since.as_secs() % DAY);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let millis = Duration::as_millis(&since) % 1000;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Returns the year, month and day, from the number of days since 1970.
fn date(days: u64) -> (u64, u64, u64) {
    // Years begin in March, so that a leap day is the last one. An era has 400 years.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

const DAY: u64 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_dates() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_001, "2000-03-01T00:00:00.001Z"),
            (1_767_225_599_000, "2025-12-31T23:59:59.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(time(SystemTime::UNIX_EPOCH + Duration::from_millis(millis)), text);
        }
    }
}
