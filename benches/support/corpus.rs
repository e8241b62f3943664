use std::fs;
use std::path::Path;

use haproxyadmin::Snapshot;
use haproxyadmin::field::{COLUMNS, Rule};

/// Dumps of each corpus.
pub(crate) const PROCESSES: usize = 4;

/// Rows of one proxy: its frontend, a listener, its servers and its backend.
const PROXY: usize = 100;

/// The kind of figures in a corpus.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Load {
    /// As recorded: mostly zeros and numbers of few digits.
    Idle,
    /// Each figure is a number of one to ten digits.
    Busy,
    /// Busy, and every twentieth row has quotes, commas and line feeds in it.
    Quoted,
}

/// `show stat` of several processes with one configuration.
pub(crate) struct Corpus {
    pub(crate) name: String,
    /// Rows of each dump.
    pub(crate) rows: usize,
    /// One dump for each process: the same objects with other figures.
    pub(crate) dumps: Vec<String>,
}

impl Corpus {
    /// Makes dumps from the recorded rows of that release; they are the same in every run.
    pub(crate) fn new(version: &str, load: Load, rows: usize) -> Self {
        Self::of(PROCESSES, version, load, rows)
    }

    /// Makes the dumps of that many processes.
    pub(crate) fn of(processes: usize, version: &str, load: Load, rows: usize) -> Self {
        let recorded = Recorded::read(version);
        let load_name = match load {
            Load::Idle => "idle",
            Load::Busy => "busy",
            Load::Quoted => "busy with quotes",
        };
        Self {
            name: format!("{version}, {rows} rows, {load_name}"),
            rows,
            dumps: (0..processes).map(|process| recorded.dump(load, rows, process)).collect(),
        }
    }

    /// Makes a snapshot as if the processes had been asked.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let processes: Vec<_> = (1..)
            .zip(&self.dumps)
            .map(|(number, dump)| {
                serde_json::json!({
                    "host": "bench",
                    "address": format!("/run/haproxy/{number}.sock"),
                    "read_at": 1_700_000_000_000_000_u64,
                    "level": "admin",
                    "info": [["Name", "HAProxy"], ["Nbproc", "1"], ["Stopping", "0"]],
                    "stat": dump,
                })
            })
            .collect();
        serde_json::from_value(serde_json::json!({ "format": 1, "processes": processes })).unwrap()
    }
}

/// The rows of a fixture, by kind.
struct Recorded {
    header: csv::StringRecord,
    /// `true` for a column that holds a figure: a value that differs between processes of one
    /// configuration.
    figures: Vec<bool>,
    frontends: Vec<csv::StringRecord>,
    listeners: Vec<csv::StringRecord>,
    servers: Vec<csv::StringRecord>,
    backends: Vec<csv::StringRecord>,
}

impl Recorded {
    fn read(version: &str) -> Self {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures").join(version).join("show_stat.txt");
        let text = fs::read_to_string(&path).unwrap();
        let mut reader = csv::Reader::from_reader(text.trim_end().as_bytes());
        let header = reader.headers().unwrap().clone();
        let kind = header.iter().position(|name| name == "type").unwrap();
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        let plain = |row: &csv::StringRecord| !row.iter().any(|cell| cell.contains(['"', ',', '\n']));
        let of_kind =
            |wanted| rows.iter().filter(|row| &row[kind] == wanted && plain(row)).cloned().collect();
        let figures = header.iter().map(|name| {
            let column = COLUMNS.iter().find(|column| column.name == name);
            let mut rules = column.iter().flat_map(|column| column.kinds).map(|(_, rule)| rule);
            rules.any(|rule| matches!(rule, Rule::Sum | Rule::Range | Rule::Max | Rule::Min | Rule::Mean))
        });
        Self {
            figures: figures.collect(),
            frontends: of_kind("0"),
            backends: of_kind("1"),
            servers: of_kind("2"),
            listeners: of_kind("3"),
            header,
        }
    }

    fn dump(&self, load: Load, rows: usize, process: usize) -> String {
        let mut random = Random(process as u64);
        let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
        writer.write_record(&self.header).unwrap();
        for row in 0..rows {
            let (proxy, index) = (row / PROXY, row % PROXY);
            let (templates, name) = match index {
                0 => (&self.frontends, "FRONTEND".to_owned()),
                1 => (&self.listeners, "sock-1".to_owned()),
                _ if index == PROXY - 1 => (&self.backends, "BACKEND".to_owned()),
                _ => (&self.servers, format!("server-{index}")),
            };
            let template = &templates[row % templates.len()];
            for (column, cell) in template.iter().enumerate() {
                let written = match &self.header[column] {
                    "# pxname" => format!("proxy-{proxy}"),
                    "svname" => name.clone(),
                    "last_chk" | "check_desc" if load == Load::Quoted && row % 20 == 7 => {
                        format!("wrong answer, line 1: \"{}\"\n\nline 3", random.figure())
                    }
                    _ if self.figures[column] => random.like(cell, load),
                    _ => cell.to_owned(),
                };
                writer.write_field(written).unwrap();
            }
            writer.write_record(None::<&[u8]>).unwrap();
        }
        String::from_utf8(writer.into_inner().unwrap()).unwrap() + "\n"
    }
}

/// `SplitMix64`: the same numbers for the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number of one to ten digits; each length is equally likely.
    fn figure(&mut self) -> u64 {
        let digits = self.next() % 10;
        self.next() % 10u64.pow(u32::try_from(digits).unwrap() + 1)
    }

    /// Another figure for `cell`: of the same length, or of any length if busy.
    fn like(&mut self, cell: &str, load: Load) -> String {
        if cell.parse::<u64>().is_err() || load == Load::Idle && cell == "0" {
            return cell.to_owned();
        }
        if load == Load::Idle {
            return (1 + self.next() % 9).to_string().repeat(cell.len());
        }
        self.figure().to_string()
    }
}
