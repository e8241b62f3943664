/// Returns the first [`LENGTH`] characters of `text`, followed by `...` if `text` is longer.
pub(crate) fn excerpt(text: &str) -> Box<str> {
    cut(text, LENGTH)
}

/// Returns the first `length` characters of `text`, followed by `...` if `text` is longer.
pub(crate) fn cut(text: &str, length: usize) -> Box<str> {
    match text.char_indices().nth(length) {
        None => text.into(),
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()).into(),
    }
}

/// Maximum number of characters of an offending text that an error shows.
pub(crate) const LENGTH: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_at_a_character() {
        let text = "é".repeat(81);
        assert_eq!(&*excerpt(&text), format!("{}...", "é".repeat(80)));
        assert_eq!(&*excerpt("short"), "short");
    }
}
