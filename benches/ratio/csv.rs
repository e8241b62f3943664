//! Rows in memory, compared with the crates `csv` and `serde`.

use std::sync::Arc;

use haproxyadmin::stat::{StatParser, StatTable};

use crate::dumps::{Corpus, Load, peer};
use crate::fleet::Fleet;
use crate::rounds::{Row, cpu_seconds, rounds};

/// Bytes that one read from a socket brings.
const PIECE: usize = 16 * 1024;

pub(crate) async fn run(fleet: &Fleet) {
    let options = &fleet.options;
    for (version, load, name, goal) in [
        ("3.4", Load::Idle, "idle", 15.0),
        ("3.4", Load::Busy, "busy", 9.0),
        ("2.6", Load::Idle, "idle", 16.0),
        ("2.6", Load::Busy, "busy", 9.0),
    ] {
        let corpus = Arc::new(Corpus::new(version, load, options.size(10_000, 100)));
        let times = rounds(options.rounds, 3, |contender| {
            let corpus = Arc::clone(&corpus);
            async move {
                match contender {
                    0 | 1 => cpu_seconds(|| parse(&corpus)),
                    _ => cpu_seconds(|| peer::parse_all(&corpus)),
                }
            }
        })
        .await;
        Row::of(&format!("rows of {version} parsed, CPU time, {name}"), "csv and serde")
            .ratio(times.ratio(2, 0), times.ratio(1, 0))
            .at_least(goal);
        times.print(&["parsed", "", "parsed by csv and serde"]);
    }
}

fn parse(corpus: &Corpus) -> Vec<StatTable> {
    let parse = |dump: &String| {
        let mut parser = StatParser::new();
        dump.as_bytes().chunks(PIECE).for_each(|piece| parser.feed(piece).unwrap());
        parser.finish().unwrap()
    };
    corpus.dumps.iter().map(parse).collect()
}
