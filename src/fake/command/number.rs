/// Returns the number that a word begins with, or 0 without a number, as C does.
pub(in crate::fake) fn leading_number(word: &str) -> i64 {
    split_number(word).map_or(0, |(number, _)| number)
}

/// Splits a word into the number that it begins with, and the text after the number.
pub(in crate::fake) fn split_number(word: &str) -> Option<(i64, &str)> {
    let digits = word.strip_prefix(['+', '-']).unwrap_or(word);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let (digits, rest) = digits.split_at_checked(end)?;
    let number: i64 = digits.parse().ok()?;
    Some((if word.starts_with('-') { -number } else { number }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_what_a_word_begins_with() {
        for (word, number) in [("12", 12), ("-1", -1), ("+4", 4), ("4x", 4), ("app", 0), ("", 0), ("-", 0)] {
            assert_eq!(leading_number(word), number, "{word:?}");
        }
        assert_eq!(split_number("4x"), Some((4, "x")));
        assert_eq!(split_number("x4"), None);
    }
}
