//! Replies of each process of a [`Running`], asked on its own socket.

use super::{Running, ask, info, rows};

/// A cell of `show stat` of each process; empty if the process does not list the row.
pub async fn every_cell(running: &Running, proxy: &str, name: &str, column: &str) -> Vec<String> {
    let mut cells = Vec::new();
    for socket in running.sockets() {
        let row = rows(socket).await.into_iter().find(|row| row.is(proxy, name));
        cells.push(row.map_or_else(String::new, |row| row.cell(column).to_owned()));
    }
    cells
}

/// A cell of `show servers state` of each process; empty if the process has no such server or
/// column.
pub async fn every_state(running: &Running, backend: &str, server: &str, column: &str) -> Vec<String> {
    let mut cells = Vec::new();
    for reply in every_reply(running, &format!("show servers state {backend}")).await {
        let mut lines = reply.lines().skip(1).map(|line| line.trim_start_matches("# ").split(' '));
        let header: Vec<_> = lines.next().into_iter().flatten().collect();
        let at = |column: &str| header.iter().position(|name| *name == column);
        let line = lines.map(Iterator::collect).find(|line: &Vec<_>| line.get(3) == Some(&server));
        let cell = at(column).zip(line).and_then(|(at, line)| line.get(at).copied());
        cells.push(cell.unwrap_or_default().to_owned());
    }
    cells
}

/// A value of `show info` of each process.
pub async fn every_info(running: &Running, key: &str) -> Vec<String> {
    let mut values = Vec::new();
    for socket in running.sockets() {
        values.push(info(socket).await.remove(key).unwrap_or_default());
    }
    values
}

/// The whole reply of each process to a line.
pub async fn every_reply(running: &Running, line: &str) -> Vec<String> {
    let mut replies = Vec::new();
    for socket in running.sockets() {
        replies.push(String::from_utf8(ask(socket, line).await).unwrap());
    }
    replies
}
