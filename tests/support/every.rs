//! Replies of each process of a [`Running`], asked on its own socket.

use super::{Held, Running, ask, hold, info, row, rows, until};

/// A cell of `show stat` of each process; empty if the process does not list the row.
pub async fn every_cell(running: &Running, proxy: &str, name: &str, column: &str) -> Vec<String> {
    let mut cells = Vec::new();
    for socket in running.sockets() {
        let row = rows(socket).await.into_iter().find(|row| row.is(proxy, name));
        cells.push(row.map_or_else(String::new, |row| row.cell(column).to_owned()));
    }
    cells
}

/// Waits until a cell of `show stat` has this value in each process.
pub async fn until_every_cell(running: &Running, proxy: &str, name: &str, column: &str, value: &str) {
    let is_so = async || {
        let cells = every_cell(running, proxy, name, column).await;
        cells.iter().all(|cell| cell == value).then_some(())
    };
    until(&format!("{column} of {proxy}/{name} is {value}"), is_so).await;
}

/// Sends a request without an end to a frontend of each process, and waits until the server, which
/// must have no other session, has it.
pub async fn hold_each(running: &Running, frontend: &str, server: (&str, &str)) -> Vec<Held> {
    let mut held = Vec::new();
    for n in 1..=running.processes() {
        held.push(hold_at(running, n, frontend, server).await);
    }
    held
}

/// The same for one process.
pub async fn hold_at(running: &Running, n: usize, frontend: &str, (backend, server): (&str, &str)) -> Held {
    let held = hold(running.traffic(frontend, n), "/hold").await;
    let is_held = async || (row(running.socket(n), backend, server).await.number("scur") == 1).then_some(());
    until("the request is held", is_held).await;
    held
}

/// Ends the sessions of a server in each process. A client that closes does not do so on 2.2.
pub async fn end_sessions(running: &Running, (backend, server): (&str, &str)) {
    every_reply(running, &format!("shutdown sessions server {backend}/{server}")).await;
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
