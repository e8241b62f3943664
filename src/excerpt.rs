/// Returns the first [`LENGTH`] characters of `text`, followed by `...` if `text` is longer.
pub(crate) fn excerpt(text: &str) -> Box<str> {
    cut(text, LENGTH)
}

/// Returns the first [`LENGTH`] characters of a text that may not be UTF-8, followed by `...` if it is longer.
pub(crate) fn excerpt_of_bytes(bytes: &[u8]) -> Box<str> {
    // A character has at most four bytes. The rest may be long.
    let beginning = bytes.get(..4 * (LENGTH + 1)).unwrap_or(bytes);
    excerpt(&String::from_utf8_lossy(beginning))
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
        for text in [text, "😀".repeat(81), "x".repeat(80) + "\n", "x".repeat(1000), "short".into()] {
            assert_eq!(excerpt_of_bytes(text.as_bytes()), excerpt(&text));
        }
        assert_eq!(excerpt_of_bytes(&[b'x'; 80]), excerpt(&"x".repeat(80)));
        assert_eq!(&*excerpt_of_bytes(b"a\xff"), "a\u{fffd}");
    }
}
