/// Returns the text of a quoted value; the quote at its beginning is removed already. Returns `None` if
/// the closing quote is missing, or if another value follows.
///
/// As for the `csv` crate, a text after the closing quote belongs to the value.
pub(super) fn unquoted(quoted: &str) -> Option<String> {
    let (mut text, mut rest) = (String::with_capacity(quoted.len()), quoted);
    loop {
        let (part, behind) = rest.split_once('"')?;
        text.push_str(part);
        match behind.strip_prefix('"') {
            Some(more) => {
                text.push('"');
                rest = more;
            }
            None if behind.contains([',', '\r', '\n']) => return None,
            None => return Some(text + behind),
        }
    }
}

#[cfg(test)]
mod tests {
    use arbtest::arbtest;

    use super::*;
    use crate::show::scan;

    #[test]
    fn a_quoted_value_is_read_as_the_csv_crate_reads_it() {
        arbtest(|u| {
            let length = u.int_in_range(0..=9)?;
            let bytes = (0..length).map(|_| u.choose(b"\"\"a,\n").copied()).collect::<Result<_, _>>()?;
            let quoted = String::from_utf8(bytes).unwrap();
            let value = format!("\"{quoted}");
            // A line ends at a line feed outside quotes.
            if scan::line_end(format!("{value}\n").as_bytes()) != Some(value.len() + 1) {
                return Ok(());
            }
            let mut reader =
                csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(value.as_bytes());
            let records: Vec<_> = reader.records().map(Result::unwrap).collect();
            let expected = match &*records {
                [record] if record.len() == 1 => Some(record[0].to_owned()),
                _ => None,
            };
            assert_eq!(unquoted(&quoted), expected, "{value:?}");
            Ok(())
        });
    }
}
