/// Encodes bytes as base64 with padding, in one line (RFC 4648, 4).
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for digit in 0..4 {
            let value = bits >> (18 - 6 * digit) & 0b11_1111;
            text.push(if digit > group.len() { '=' } else { character(value) });
        }
    }
    text
}

/// Returns the character for 6 bits.
fn character(value: u32) -> char {
    let from = |first: u8, offset: u32| char::from(first.saturating_add(u8::try_from(offset).unwrap_or(0)));
    match value {
        0..=25 => from(b'A', value),
        26..=51 => from(b'a', value - 26),
        52..=61 => from(b'0', value - 52),
        62 => '+',
        _ => '/',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 4648, 10.
    #[test]
    fn the_last_group_is_padded() {
        for (text, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(text.as_bytes()), encoded);
        }
    }

    #[test]
    fn each_value_has_its_character() {
        let mut bits = Vec::new();
        for group in 0..16_u32 {
            let value = (0..4).fold(0, |bits, n| bits << 6 | (4 * group + n));
            bits.extend_from_slice(&value.to_be_bytes()[1..]);
        }
        assert_eq!(encode(&bits), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
        assert_eq!(encode(&[0xfb, 0xff, 0xfe]), "+//+");
        assert_eq!(encode(&[0xff]), "/w==");
    }
}
