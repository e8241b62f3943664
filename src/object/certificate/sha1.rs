/// Returns the SHA-1 of bytes (FIPS 180-4, 6.1).
///
/// HAProxy shows it as the fingerprint of a certificate. It tells certificates apart here, and protects nothing.
#[allow(clippy::many_single_char_names, reason = "the standard has these names")]
pub(super) fn sha1(bytes: &[u8]) -> [u8; 20] {
    let mut message = bytes.to_vec();
    message.push(0x80);
    message.resize(message.len().next_multiple_of(BLOCK), 0);
    if message.len() - bytes.len() < 9 {
        message.resize(message.len() + BLOCK, 0);
    }
    let bits = (bytes.len() as u64) * 8;
    message.truncate(message.len() - 8);
    message.extend(bits.to_be_bytes());

    let mut state: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in message.chunks_exact(BLOCK) {
        let mut words: Vec<u32> = block
            .chunks_exact(4)
            .map(|word| word.iter().fold(0, |value, byte| value << 8 | u32::from(*byte)))
            .collect();
        for at in 16..80 {
            let word = |back: usize| words.get(at - back).copied().unwrap_or_default();
            words.push((word(3) ^ word(8) ^ word(14) ^ word(16)).rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (at, word) in words.iter().enumerate() {
            let (f, constant) = match at / 20 {
                0 => (b & c | !b & d, 0x5a82_7999),
                1 => (b ^ c ^ d, 0x6ed9_eba1),
                2 => (b & c | b & d | c & d, 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6_u32),
            };
            let next =
                a.rotate_left(5).wrapping_add(f).wrapping_add(e).wrapping_add(constant).wrapping_add(*word);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
        }
        for (value, added) in state.iter_mut().zip([a, b, c, d, e]) {
            *value = value.wrapping_add(added);
        }
    }
    let mut digest = [0; 20];
    for (to, from) in digest.iter_mut().zip(state.iter().flat_map(|word| word.to_be_bytes())) {
        *to = from;
    }
    digest
}

/// Bytes of one block.
const BLOCK: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        sha1(bytes).map(|byte| format!("{byte:02x}")).concat()
    }

    /// The examples of RFC 3174, and the lengths around the ends of a block.
    #[test]
    fn digests_are_those_of_the_standard() {
        assert_eq!(hex(b"abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(hex(b""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
        let text = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
        assert_eq!(hex(text), "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
        assert_eq!(hex("a".repeat(1_000_000).as_bytes()), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    }

    #[test]
    fn each_length_fits_its_blocks() {
        for length in 0..200 {
            let bytes = vec![7; length];
            let expected = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &bytes);
            assert_eq!(sha1(&bytes), expected.as_ref(), "{length}");
        }
    }
}
