//! Short names for processes.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::Label;
use super::process::Record;
use crate::model::Info;

/// A label for each record, in the same order, no two alike.
///
/// A label that the user gave stays. Where every process that answered is one of
/// several of the same HAProxy (`nbproc`), it is its relative number. Otherwise it
/// is the shortest end of the address that no other address has.
pub(super) fn labels<'a>(records: impl Iterator<Item = &'a Record> + Clone) -> Vec<Label> {
    let numbered = records.clone().filter_map(Record::info).all(|info| info.nbproc().is_some_and(|n| n > 1));
    let wishes: Vec<Wish> = records.map(|record| Wish::new(record, numbered)).collect();
    let longest = wishes.iter().map(|wish| wish.choices.len()).max().unwrap_or_default();
    let mut chosen: Vec<&str> = wishes.iter().map(|wish| wish.choice(0)).collect();
    for step in 1..longest {
        let mut uses = HashMap::new();
        for choice in &chosen {
            *uses.entry(*choice).or_insert(0usize) += 1;
        }
        let next: Vec<&str> = wishes
            .iter()
            .zip(&chosen)
            .map(
                |(wish, choice)| {
                    if uses.get(choice).is_some_and(|n| *n > 1) { wish.choice(step) } else { choice }
                },
            )
            .collect();
        chosen = next;
    }
    chosen.into_iter().map(Label::from).collect()
}

/// What a process may be called, the shortest first.
struct Wish {
    choices: Vec<String>,
}

impl Wish {
    fn new(record: &Record, numbered: bool) -> Self {
        let mut choices = Vec::new();
        choices.extend(record.label.as_deref().map(String::from));
        if numbered {
            choices.extend(record.info().and_then(Info::process_num).map(|number| number.to_string()));
        }
        let address = record.address.to_string();
        let ends = address.rmatch_indices('/').map(|(at, _)| at + 1).filter(|at| *at < address.len());
        choices.extend(ends.filter_map(|at| address.get(at..)).map(String::from));
        // An end with the leading slash is the whole address.
        if choices.last() != Some(&address) {
            choices.push(address.clone());
        }
        choices.push(format!("{}:{address}", record.source));
        Self { choices }
    }

    fn choice(&self, step: usize) -> &str {
        self.choices.get(step).or(self.choices.last()).map_or("", String::as_str)
    }
}

/// Compares text with the numbers in it as numbers: `2.sock` before `10.sock`.
pub(super) fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        let digits = (digits(left), digits(right));
        let order = match digits {
            (x, y) if !x.is_empty() && !y.is_empty() => {
                left = left.get(x.len()..).unwrap_or_default();
                right = right.get(y.len()..).unwrap_or_default();
                let (x, y) = (x.trim_start_matches('0'), y.trim_start_matches('0'));
                x.len().cmp(&y.len()).then_with(|| x.cmp(y))
            }
            _ => {
                let (mut x, mut y) = (left.chars(), right.chars());
                let order = x.next().cmp(&y.next());
                if left.is_empty() && right.is_empty() {
                    return a.cmp(b);
                }
                (left, right) = (x.as_str(), y.as_str());
                order
            }
        };
        if order.is_ne() {
            return order;
        }
    }
}

fn digits(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_text_compare_as_numbers() {
        let mut names = vec!["p10.sock", "p2.sock", "p1.sock", "p02.sock", "a", "p"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["a", "p", "p1.sock", "p02.sock", "p2.sock", "p10.sock"]);
    }
}
