use std::io::{self, Write as _};
use std::path::Path;

use haproxyadmin::server::ServerTemplate;
use haproxyadmin::settings::{LeftReason, ProcessSettings, Remember, Restoration, Restore, Settings};
use haproxyadmin::{Outcome, Outcomes};
use tempfile::NamedTempFile;

use crate::Views;
use crate::call::Call;
use crate::problem::Problem;
use crate::report::{Cell, Report};

pub(crate) async fn run(call: &Call, views: &Views) -> Result<Report, Problem> {
    let [path] = call.arguments()?;
    match call.action {
        "save" => save(path, call, views).await,
        _ => restore(path, call, views).await,
    }
}

/// Writes the settings to a file, and reports the number of servers of each process.
async fn save(path: &str, call: &Call, views: &Views) -> Result<Report, Problem> {
    let settings = views.read.settings_with(remember(call)?).await?;
    let unread = settings.unread().iter();
    let mut notes: Vec<_> =
        unread.map(|process| format!("not saved: {}: {}", process.label, process.reason)).collect();
    if settings.processes().is_empty() {
        let mut report = Report::nothing();
        (report.failed, report.notes) = (true, notes);
        return Ok(report);
    }
    write(path, &settings).map_err(|error| Problem::File(path.to_owned(), error))?;
    let figure = |process: &ProcessSettings| (process.label.to_string(), Cell::new(process.servers.len()));
    let mut report = Report::figures(settings.processes().iter().map(figure));
    notes.extend(settings.processes().iter().flat_map(pattern_notes));
    report.notes = notes;
    Ok(report)
}

fn remember(call: &Call) -> Result<Remember, Problem> {
    let has_patterns = call.given.has("patterns");
    let mut terms = Remember::new();
    for option in ["root", "plain-keys"] {
        if call.given.has(option) && !has_patterns {
            return Err(Problem::Usage(format!("--{option} needs --patterns")));
        }
    }
    if has_patterns {
        terms = match call.given.value("root") {
            Some(root) => terms.patterns_under(root),
            None => terms.patterns(),
        };
    }
    Ok(if call.given.has("plain-keys") { terms.plain_keys() } else { terms })
}

/// Notes the entries of maps and ACLs of a process: those that are saved, and those that are not.
fn pattern_notes(process: &ProcessSettings) -> Vec<String> {
    let Some(patterns) = &process.patterns else { return Vec::new() };
    let mut notes = Vec::new();
    for list in &patterns.lists {
        match list.entries.len() {
            0 => {}
            count => notes.push(format!("{}: {}: {}", process.label, list.file, differences(count))),
        }
        let unclear =
            |reason: LeftReason| list.unclear.iter().filter(move |one| one.reason == reason).count();
        let reasons =
            [LeftReason::SeveralEntries, LeftReason::KeyNotKnown, LeftReason::NotUtf8, LeftReason::NotShown];
        for reason in reasons {
            match unclear(reason) {
                0 => {}
                count => notes.push(format!(
                    "not saved: {}: {}: {}: {reason}",
                    process.label,
                    list.file,
                    differences(count)
                )),
            }
        }
        if list.is_file_changed && !list.entries.is_empty() {
            notes.push(format!("{}: {}: {}", process.label, list.file, LeftReason::FileChanged));
        }
    }
    for unread in &patterns.unread {
        notes.push(format!("not saved: {}: {}: {}", process.label, unread.file, unread.reason));
    }
    if patterns.without_file > 0 {
        notes.push(format!(
            "not saved: {}: lists of ACLs without a file: {}",
            process.label, patterns.without_file
        ));
    }
    notes
}

fn differences(count: usize) -> String {
    if count == 1 { "1 difference".to_owned() } else { format!("{count} differences") }
}

/// Replaces the file at once, so that it never has a part of the settings.
fn write(path: &str, settings: &Settings) -> io::Result<()> {
    let folder = Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    serde_json::to_writer_pretty(&mut file, settings).map_err(io::Error::from)?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn read(path: &str) -> Result<Settings, Problem> {
    let failed = |error| Problem::File(path.to_owned(), error);
    let text = std::fs::read_to_string(path).map_err(failed)?;
    serde_json::from_str(&text).map_err(|error| failed(io::Error::new(io::ErrorKind::InvalidData, error)))
}

async fn restore(path: &str, call: &Call, views: &Views) -> Result<Report, Problem> {
    let settings = read(path)?;
    let terms = terms(&settings, call)?;
    let is_plan = call.given.has("plan");
    let outcomes =
        if is_plan { views.read.restore_plan(terms).await? } else { views.write.restore(terms).await? };
    let mut report = Report::of_each(["RESULT", "SETTING"], &outcomes, |restored| rows(restored, is_plan));
    report.failed |= !is_plan && !outcomes.is_complete();
    report.has_plan = is_plan && outcomes.values().any(|(_, plan)| !plan.is_empty());
    report.notes.extend(outcomes.iter().filter_map(absence));
    report.notes.extend(settings.processes().iter().filter_map(|process| departure(process, &outcomes)));
    Ok(report)
}

fn terms<'a>(settings: &'a Settings, call: &Call) -> Result<Restore<'a>, Problem> {
    let mut terms = Restore::new(settings);
    if call.given.has("addresses") {
        terms = terms.with_addresses();
    }
    if call.given.has("maxconn") {
        terms = terms.with_maxconn();
    }
    if call.given.has("files") {
        terms = terms.with_changed_files();
    }
    for name in call.given.all("dynamic").iter().flatten() {
        let wrong = || Problem::Usage(format!("--dynamic {name:?}: expected BACKEND/SERVER"));
        let (backend, server) = name.split_once('/').ok_or_else(wrong)?;
        terms = terms.dynamic(backend, server, None);
    }
    for line in call.given.all("template").iter().flatten() {
        let wrong = || Problem::Usage(format!("--template {line:?}: expected BACKEND/PREFIX=ADDRESS:PORT"));
        let (name, address) = line.split_once('=').ok_or_else(wrong)?;
        let (backend, prefix) = name.split_once('/').ok_or_else(wrong)?;
        let address = address.parse().map_err(|_| wrong())?;
        terms = terms.template(backend, ServerTemplate::new(prefix, address)?);
    }
    Ok(terms)
}

fn rows(restored: &Restoration, is_plan: bool) -> Vec<[String; 2]> {
    let word = if is_plan { "needed" } else { "changed" };
    let changes = restored.changes.iter().map(|change| [word.to_owned(), change.to_string()]);
    let left = restored.left.iter().map(|left| ["left".to_owned(), left.to_string()]);
    let lists = restored.patterns.iter().flat_map(|list| {
        let has_changes = !list.is_empty();
        let text = list.to_string();
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        let word = move |at| if at == 0 && has_changes { word } else { "left" };
        lines.into_iter().enumerate().map(move |(at, line)| [word(at).to_owned(), line])
    });
    changes.chain(left).chain(lists).collect()
}

fn absence(outcome: &Outcome<Restoration>) -> Option<String> {
    Some(format!("{}: {}", outcome.label(), outcome.absent()?))
}

/// Notes a remembered process that the cluster does not have.
fn departure(process: &ProcessSettings, outcomes: &Outcomes<Restoration>) -> Option<String> {
    let mut members = outcomes.iter().filter(|outcome| outcome.host() == &*process.host);
    let is_here =
        members.any(|outcome| *outcome.address() == process.address || *outcome.label() == process.label);
    (!is_here).then(|| format!("{}: remembered, and not a process of the cluster", process.label))
}
