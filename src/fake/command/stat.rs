//! The reply to `show stat`.

use super::answer::Answer;
use super::number::leading_number;
use crate::Version;
use crate::fake::describe::{Proxy, Row, State, columns};
use crate::field::RowKind;
use crate::level::Level;

/// The rows that a `show stat` selects.
#[derive(Debug)]
struct Filter<'a> {
    proxy: Option<&'a str>,
    /// A sum of 1 frontend, 2 backend, 4 server and 8 listener; -1 selects all.
    kinds: i64,
    sid: i64,
    /// Hides servers in maintenance.
    no_maint: bool,
    /// Hides servers that are down as well.
    up: bool,
}

/// Returns the reply to `show stat` with these arguments.
pub(in crate::fake) fn show(state: &State, level: Level, words: &[&str]) -> Answer {
    let process = &state.process;
    let filter = Filter::new(words, &process.version);
    let wanted = match filter.proxy.map(|proxy| iid(&process.proxies, proxy)) {
        None | Some(Some(-1)) => None,
        Some(Some(number)) => Some(number.to_string()),
        Some(None) => return Answer::error("No such proxy."),
    };
    let columns = columns(&process.version);
    let mut text = String::from("# ");
    for column in &columns {
        text.push_str(column.name);
        text.push(',');
    }
    text.push('\n');
    for row in rows(&process.proxies, &process.version, &filter) {
        if wanted.as_ref().is_none_or(|wanted| row.given("iid").as_deref() == Some(wanted)) {
            let mut row = row;
            row.default("pid", process.number.to_string());
            text.push_str(&row.line(&columns, &process.version, level));
            text.push('\n');
        }
    }
    Answer::Dump(text)
}

fn rows<'a>(proxies: &'a [Proxy], version: &Version, filter: &Filter<'_>) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    for (assigned, proxy) in (FIRST_IID..).zip(proxies) {
        let start = rows.len();
        if let Some(frontend) = &proxy.frontend {
            // Before 2.4 the frontend is removed, and the backend of a `listen` with it.
            if frontend.is_shut && *version < (2, 4) {
                continue;
            }
            rows.push(frontend.row());
            rows.extend((1..).zip(&frontend.listeners).map(|(sid, one)| with_sid(one.row(), sid)));
        }
        let behind = rows.len();
        if let Some(backend) = &proxy.backend {
            let mode = backend.effective_mode();
            for (sid, server) in (1..).zip(&backend.servers) {
                let hidden =
                    (filter.no_maint && server.is_in_maintenance()) || (filter.up && !server.is_running());
                if !hidden {
                    rows.push(with_sid(server.row(&mode), sid));
                }
            }
            let mut row = backend.row(version);
            if filter.up || filter.no_maint {
                row.remark = backend.count();
            }
            rows.push(row);
        }
        for (at, row) in rows.iter_mut().enumerate().skip(start) {
            let side = if at < behind { proxy.frontend_cells() } else { proxy.backend_cells() };
            row.default("pxname", &*proxy.name);
            let mode = side.and_then(|cells| cells.text("mode")).unwrap_or("http".into());
            row.default("mode", mode);
            let iid = side.and_then(|cells| cells.text("iid"));
            row.default("iid", iid.unwrap_or_else(|| assigned.to_string().into()));
        }
    }
    rows.retain(|row| filter.takes(row));
    rows
}

fn with_sid(mut row: Row<'_>, sid: u32) -> Row<'_> {
    row.default("sid", sid.to_string());
    row
}

/// Returns the proxy number (`iid`) that a word stands for. A number stands for itself, even if no
/// proxy has it.
fn iid(proxies: &[Proxy], word: &str) -> Option<i64> {
    match leading_number(word) {
        0 => {
            let (assigned, proxy) = (FIRST_IID..).zip(proxies).find(|(_, proxy)| *proxy.name == *word)?;
            let cells = proxy.frontend_cells().or(proxy.backend_cells())?;
            Some(cells.number("iid").unwrap_or(assigned))
        }
        number => Some(number),
    }
}

impl<'a> Filter<'a> {
    fn new(words: &[&'a str], version: &Version) -> Self {
        // 2.2 does not know `up` and `no-maint`.
        let has = |word| *version >= (2, 3) && words.contains(&word);
        let up = has("up");
        let mut filter = Self { proxy: None, kinds: -1, sid: -1, no_maint: up || has("no-maint"), up };
        // The three arguments count only together.
        if let [proxy, kinds, sid, ..] = words {
            filter.proxy = Some(proxy);
            filter.kinds = leading_number(kinds);
            filter.sid = leading_number(sid);
        }
        filter
    }

    fn takes(&self, row: &Row<'_>) -> bool {
        let bit = match row.kind() {
            RowKind::Frontend => 1,
            RowKind::Backend => 2,
            RowKind::Server => 4,
            RowKind::Listener | RowKind::Other => 8,
        };
        let numbered = bit >= 4 && self.sid != -1;
        self.kinds & bit != 0
            && (!numbered || row.given("sid").is_some_and(|sid| sid == self.sid.to_string()))
    }
}

/// Number of the first proxy; the number before belongs to the proxy of the stats sockets.
pub(in crate::fake) const FIRST_IID: i64 = 2;
