//! `show stat` of every release, read whole, in pieces, cut short and damaged.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::fs;
use std::path::PathBuf;

use arbtest::arbitrary::{Result, Unstructured};
use arbtest::arbtest;
use haproxyadmin::stat::{StatParser, StatTable};

#[path = "support/version.rs"]
mod version;

use version::versions;

fn fixture(version: &str) -> Vec<u8> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "fixtures", version, "show_stat.txt"].iter().collect();
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn parse(bytes: &[u8]) -> haproxyadmin::Result<StatTable> {
    parse_in_pieces(bytes, bytes.len().max(1))
}

fn parse_in_pieces(bytes: &[u8], length: usize) -> haproxyadmin::Result<StatTable> {
    let mut parser = StatParser::new();
    for piece in bytes.chunks(length) {
        parser.feed(piece)?;
    }
    parser.finish()
}

/// Every cell as the csv crate reads it.
fn cells_by_csv(bytes: &[u8]) -> Vec<Vec<String>> {
    let body = &bytes[2..bytes.len() - 1];
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(body);
    reader.records().map(|record| record.unwrap().iter().map(String::from).collect()).collect()
}

fn cells(dump: &StatTable) -> Vec<Vec<String>> {
    // A line ends in a comma: there is one more, empty, field.
    let with_last = |cells: Vec<&str>| cells.into_iter().chain([""]).map(String::from).collect();
    let header = with_last(dump.header().names().collect());
    let rows = dump.rows().map(|row| with_last(row.cells().map(|(_, cell)| cell).collect()));
    std::iter::once(header).chain(rows).collect()
}

#[test]
fn every_cell_is_what_the_csv_crate_reads() {
    for version in versions() {
        let bytes = fixture(version);
        assert_eq!(cells(&parse(&bytes).unwrap()), cells_by_csv(&bytes), "HAProxy {version}");
    }
}

#[test]
fn a_cell_found_by_name_is_the_one_in_the_row() {
    for version in versions() {
        let dump = parse(&fixture(version)).unwrap();
        for row in dump.rows() {
            for (name, cell) in row.cells() {
                assert_eq!(row.get(name), Some(cell), "HAProxy {version}, {name}");
            }
        }
    }
}

#[test]
fn any_split_into_pieces_gives_the_same_rows() {
    for version in versions() {
        let bytes = fixture(version);
        let whole = parse(&bytes).unwrap();
        for length in [1, 2, 3, 7, 64, 1013, 4096] {
            assert_eq!(parse_in_pieces(&bytes, length).unwrap(), whole, "HAProxy {version}, {length}");
        }
    }
}

#[test]
fn a_dump_cut_anywhere_is_never_whole() {
    let mut ends_in_an_empty_line = 0;
    for version in versions() {
        let bytes = fixture(version);
        for end in 0..bytes.len() {
            let cut = &bytes[..end];
            assert!(parse(cut).is_err(), "HAProxy {version} cut at {end} was taken for whole");
            ends_in_an_empty_line += usize::from(cut.ends_with(b"\n\n"));
        }
        assert!(parse(&bytes).is_ok(), "HAProxy {version}");
    }
    assert!(ends_in_an_empty_line > 0, "no fixture holds an empty line inside quotes");
}

#[test]
fn writing_a_dump_and_reading_it_gives_the_same() {
    for version in versions() {
        let bytes = fixture(version);
        let dump = parse(&bytes).unwrap();
        assert_eq!(dump.to_csv().as_bytes(), bytes, "HAProxy {version}");
    }
}

/// The result of parsing each file in `fixtures/handmade`: the last row, or the error.
const HANDMADE: [(&str, Result<&str, &str>); 14] = [
    ("bytes_that_are_no_text", Ok("web,s1,1,2,???")),
    ("column_twice", Err("line 1: expected each column once, found \"# pxname,svname,scur,scur,type,\"")),
    ("header_without_mark", Err("line 1: expected the header of `show stat`, found \"pxname,svname,type,\"")),
    ("kind_of_the_future", Ok("web,s1,1,9,")),
    ("line_ends_of_windows", Err("line 2: expected no more fields than the header has, found \"\\r\"")),
    ("name_with_comma", Ok("web,s,\"1\",1,2,")),
    ("negative_gauge", Err("line 2, column \"scur\": expected a whole number, found \"-1\"")),
    (
        "no_type",
        Err(
            "line 1: expected a header with the columns pxname, svname and type, found \"# pxname,svname,scur,\"",
        ),
    ),
    ("nul_byte", Ok("web,s\x001,1,2,a\0b")),
    (
        "number_of_65_bits",
        Err("line 2, column \"scur\": expected a whole number, found \"18446744073709551616\""),
    ),
    ("quote_left_open", Err("answer ended early: in the rows of `show stat`")),
    ("text_behind_a_quote", Err("line 2: expected as many fields as the header has")),
    ("two_empty_lines", Err("line 3: expected nothing after the end, found \"\\n\"")),
    ("type_in_words", Err("line 2, column \"type\": expected a whole number, found \"server\"")),
];

#[test]
fn what_only_malice_produces_is_refused_or_read_as_it_stands() {
    let folder = format!("{}/fixtures/handmade", env!("CARGO_MANIFEST_DIR"));
    for (name, expected) in HANDMADE {
        let bytes = fs::read(format!("{folder}/{name}.txt")).unwrap();
        let last = |dump: StatTable| {
            let row = dump.rows().next_back().unwrap();
            row.cells().map(|(_, cell)| cell).collect::<Vec<_>>().join(",")
        };
        let made = parse(&bytes).map(last).map_err(|error| error.to_string());
        match (made, expected) {
            (Ok(made), Ok(expected)) => assert_eq!(made, expected, "{name}"),
            (Err(made), Err(expected)) => assert!(made.starts_with(expected), "{name}: {made}"),
            (made, _) => panic!("{name}: {made:?}"),
        }
    }
    let texts = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    assert_eq!(texts.filter(|path| path.extension().is_some_and(|end| end == "txt")).count(), HANDMADE.len());
}

#[test]
fn no_bytes_make_the_parser_panic() {
    arbtest(|u| {
        let length = u.int_in_range(1..=49)?;
        let bytes = u.bytes(u.len().min(300))?;
        let _ = parse_in_pieces(bytes, length);
        let mut behind_a_header = b"# pxname,svname,type,scur,\n".to_vec();
        behind_a_header.extend(bytes);
        let _ = parse_in_pieces(&behind_a_header, length);
        Ok(())
    });
}

#[test]
fn damage_is_an_error_or_leaves_whole_cells() {
    let fixtures: Vec<_> = versions().into_iter().map(fixture).collect();
    arbtest(|u| {
        let mut bytes = u.choose(&fixtures)?.clone();
        let at = u.choose_index(bytes.len())?;
        bytes[at] = match u.int_in_range(0..=3)? {
            0 => b',',
            1 => b'"',
            2 => b'\n',
            _ => u.arbitrary()?,
        };
        if let Ok(dump) = parse(&bytes) {
            let columns = dump.header().len();
            for row in dump.rows() {
                assert_eq!(row.cells().count(), columns, "{:?} at {at}", bytes[at]);
            }
        }
        Ok(())
    })
    .budget_ms(500);
}

#[test]
fn damage_is_the_same_in_pieces() {
    let fixtures: Vec<_> = versions().into_iter().map(fixture).collect();
    arbtest(|u| {
        let mut bytes = u.choose(&fixtures)?.clone();
        for _ in 0..u.int_in_range(0..=2)? {
            let at = u.choose_index(bytes.len())?;
            // As many digits as bytes that they replace often leave a row that can be read.
            let (other, replaced) = if u.ratio(1, 2)? {
                let digits = some_of(u, b"0129", 25)?;
                let length = digits.len();
                (digits, length)
            } else {
                (some_of(u, b",\"\n-0129ax\0", 25)?, u.int_in_range(0..=2)?)
            };
            bytes.splice(at..(at + replaced).min(bytes.len()), other.into_bytes());
        }
        let length = u.int_in_range(1..=5_000)?;
        let (whole, pieces) = (parse(&bytes), parse_in_pieces(&bytes, length));
        assert_eq!(whole.ok(), pieces.ok(), "pieces of {length}");
        Ok(())
    })
    .budget_ms(1_000);
}

#[test]
fn cells_of_any_text_are_read_as_the_csv_crate_reads_them() {
    let printable: Vec<_> = (b' '..=b'~').chain([b'\n']).collect();
    arbtest(|u| {
        let length = u.int_in_range(1..=39)?;
        let number = u.int_in_range(0..=5)?;
        let row = |_| {
            let name =
                if u.ratio(1, 2)? { some_of(u, b"abcxyz", 3)? } else { some_of(u, b"abcxyz\",\n", 12)? };
            let figure = if u.ratio(1, 2)? { Some(u.arbitrary::<u64>()?) } else { None };
            Ok((name, figure, some_of(u, &printable, 40)?))
        };
        let rows = (0..number).map(row).collect::<Result<Vec<_>>>()?;
        let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
        writer.write_record(["# pxname", "svname", "type", "scur", "last_chk", ""]).unwrap();
        for (name, figure, text) in &rows {
            let figure = figure.map(|figure| figure.to_string()).unwrap_or_default();
            writer.write_record([name, "s", "2", &figure, text, ""]).unwrap();
        }
        let mut bytes = writer.into_inner().unwrap();
        bytes.push(b'\n');
        let dump = parse_in_pieces(&bytes, length).unwrap();
        let read: Vec<_> = dump
            .rows()
            .map(|row| (row.proxy().to_owned(), row.scur(), row.last_chk().unwrap_or_default().to_owned()))
            .collect();
        assert_eq!(read, rows);
        Ok(())
    });
}

/// Returns some of the bytes, `most` at most.
fn some_of(u: &mut Unstructured<'_>, choices: &[u8], most: usize) -> Result<String> {
    let length = u.int_in_range(0..=most)?;
    (0..length).map(|_| u.choose(choices).map(|byte| char::from(*byte))).collect()
}
