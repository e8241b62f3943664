use std::{collections::BTreeMap, path::Path};

use super::ask;

/// One row of `show stat`, with every cell as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row(BTreeMap<String, String>);

impl Row {
    /// Returns the text of the cell, which is empty if HAProxy leaves the cell empty.
    pub fn cell(&self, column: &str) -> &str {
        self.0.get(column).unwrap_or_else(|| panic!("no column {column}"))
    }

    /// Returns the cell as a number; an empty cell is 0.
    pub fn number(&self, column: &str) -> u64 {
        match self.cell(column) {
            "" => 0,
            text => text.parse().unwrap_or_else(|_| panic!("{column} is {text:?}")),
        }
    }

    /// Lists every column with its text.
    pub fn cells(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(column, text)| (column.as_str(), text.as_str()))
    }

    pub fn is(&self, proxy: &str, name: &str) -> bool {
        self.cell("pxname") == proxy && self.cell("svname") == name
    }
}

/// Returns all rows of `show stat`, in HAProxy's order.
pub async fn rows(socket: impl AsRef<Path>) -> Vec<Row> {
    let reply = ask(socket, "show stat").await;
    let text = reply.strip_prefix(b"# ").expect("a dump begins with its header");
    let mut reader = csv::ReaderBuilder::new().from_reader(text);
    let header = reader.headers().unwrap().clone();
    let row = |record: csv::StringRecord| {
        Row(header.iter().map(str::to_owned).zip(record.iter().map(str::to_owned)).collect())
    };
    reader.records().map(|record| row(record.unwrap())).collect()
}

/// Returns the first row of a proxy with that name (`FRONTEND`, `BACKEND`, a server).
pub async fn row(socket: impl AsRef<Path>, proxy: &str, name: &str) -> Row {
    let found = rows(socket).await.into_iter().find(|row| row.is(proxy, name));
    found.unwrap_or_else(|| panic!("no row {proxy},{name}"))
}

/// Returns the keys and values of `show info`, as HAProxy prints them.
pub async fn info(socket: impl AsRef<Path>) -> BTreeMap<String, String> {
    let reply = ask(socket, "show info").await;
    let pair = |line: &str| line.split_once(": ").map(|(key, value)| (key.to_owned(), value.to_owned()));
    String::from_utf8_lossy(&reply).lines().filter_map(pair).collect()
}
