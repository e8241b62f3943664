#![allow(clippy::inline_always, reason = "as in `scan`")]

use super::{HIGHS, ONES, first};

/// Bytes that are looked at together. A mask of them has a bit for each, the lowest one for the first byte.
pub(super) type Block = [u8; 64];

/// Returns a bit for each byte of which `is` is true, the lowest one for the first byte.
///
/// The compiler makes vector instructions of the loop over bytes.
#[inline(always)]
pub(super) fn mask(block: &Block, is: impl Fn(u8) -> bool) -> u64 {
    high_bits(&block.map(|byte| if is(byte) { 0xff } else { 0 }))
}

/// Returns a bit for each byte: its highest one.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(clippy::cast_sign_loss, reason = "it is a mask of sixteen bits")]
fn high_bits(block: &Block) -> u64 {
    let sixteen = |n: usize| -> u64 {
        let bytes: [u8; 16] = block.get(16 * n..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
        u64::from(safe_arch::move_mask_i8_m128i(bytes.into()) as u32) << (16 * n)
    };
    sixteen(0) | sixteen(1) | sixteen(2) | sixteen(3)
}

/// Returns a bit for each byte: its highest one.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn high_bits(block: &Block) -> u64 {
    portable_high_bits(block)
}

#[cfg(any(test, not(target_arch = "x86_64")))]
#[inline(always)]
fn portable_high_bits(block: &Block) -> u64 {
    // The bits of eight bytes are eight bits apart.
    let rows = (0..8).filter_map(|n| Some((super::word(block, 8 * n)? & HIGHS) >> (7 - n)));
    let rows = rows.fold(0, |all, bits| all | bits);
    if rows == 0 {
        return 0;
    }
    // Swaps rows and columns: single bits, then squares of two by two bits, then of four by four.
    let swap = |bits: u64, distance: u32, moved: u64| {
        let differ = (bits ^ (bits >> distance)) & moved;
        bits ^ differ ^ (differ << distance)
    };
    let bits = swap(rows, 7, 0x00aa_00aa_00aa_00aa);
    let bits = swap(bits, 14, 0x0000_cccc_0000_cccc);
    swap(bits, 28, 0x0000_0000_f0f0_f0f0)
}

/// Returns a bit for each line feed, the lowest one for the first byte.
#[inline]
pub(in crate::show) fn line_feeds(block: &Block) -> u64 {
    mask(block, |byte| byte == b'\n')
}

/// Returns the lowest bit of a mask, without the others.
#[inline(always)]
pub(super) fn first_bit(mask: u64) -> u64 {
    mask & mask.wrapping_neg()
}

/// Returns `true` if 20 bits in a row are set.
#[inline(always)]
pub(super) fn has_twenty_bits(mask: u64) -> bool {
    let two = mask & (mask >> 1);
    let four = two & (two >> 2);
    let eight = four & (four >> 4);
    let sixteen = eight & (eight >> 8);
    sixteen & (sixteen >> 4) != 0
}

/// The number of set bits of each number below 128. Not all processors have an instruction that counts them.
#[allow(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "the compiler evaluates it")]
const SET_BITS: [u8; 128] = {
    let mut counts = [0; 128];
    let mut byte = 0;
    while byte < 128 {
        counts[byte] = counts[byte / 2] + (byte % 2) as u8;
        byte += 1;
    }
    counts
};

/// The commas of a block.
#[derive(Clone, Copy)]
pub(super) struct Commas {
    pub(super) mask: u64,
    /// The number of commas in the first eight bytes, the first sixteen, and so on: a byte for each.
    counts: u64,
}

impl Commas {
    #[inline(always)]
    pub(super) fn new(mask: u64) -> Self {
        let pairs = mask - ((mask >> 1) & (ONES * 0x55));
        let fours = (pairs & (ONES * 0x33)) + ((pairs >> 2) & (ONES * 0x33));
        let eights = (fours + (fours >> 4)) & (ONES * 0x0f);
        Self { mask, counts: eights.wrapping_mul(ONES) }
    }

    /// Returns the number of commas.
    #[inline(always)]
    pub(super) fn count(self) -> usize {
        (self.counts >> 56) as usize
    }

    /// Returns the number of commas in front of a byte.
    #[inline(always)]
    pub(super) fn before(self, bit: u64) -> usize {
        let eight = bit.trailing_zeros() & !7;
        let same_eight = (self.mask & bit.wrapping_sub(1)) >> eight;
        let here = SET_BITS.get((same_eight & 0x7f) as usize).copied().unwrap_or_default();
        (self.counts << 8 >> eight & 0xff) as usize + usize::from(here)
    }

    /// Returns the index of the byte behind comma number `n` of the block, which has that many.
    #[inline(always)]
    pub(super) fn behind(self, n: usize) -> usize {
        let n = n as u64;
        let eight = 8 * first(at_least(self.counts, n));
        let before = (self.counts << 8 >> eight) & 0xff;
        // A byte for each of these eight, with one bit if it is a comma, then with the number of commas up to it.
        let commas = ((self.mask >> eight) & 0xff).wrapping_mul(ONES) & 0x8040_2010_0804_0201;
        let counts = (((commas + (HIGHS - ONES)) & HIGHS) >> 7).wrapping_mul(ONES);
        eight + first(at_least(counts, n - before)) + 1
    }
}

/// Returns the high bits of the bytes that are not less than `least`. All are below 0x80.
#[inline(always)]
fn at_least(bytes: u64, least: u64) -> u64 {
    ((bytes | HIGHS) - ONES * least) & HIGHS
}

#[cfg(test)]
mod tests {
    use arbtest::arbtest;

    use super::*;

    #[test]
    fn a_mask_has_the_bits_of_a_loop_over_bytes() {
        arbtest(|u| {
            let mut block = [b'0'; 64];
            for byte in &mut block {
                *byte = *u.choose(b",,,\"\n019/:x\x7f\x80\xff")?;
            }
            let expected =
                |is: fn(u8) -> bool| (0..64).filter(|n| is(block[*n])).map(|n| 1 << n).sum::<u64>();
            let commas = mask(&block, |byte| byte == b',');
            assert_eq!(commas, expected(|byte| byte == b','), "{block:?}");
            let digits = mask(&block, |byte| byte.is_ascii_digit());
            assert_eq!(digits, expected(|byte| byte.is_ascii_digit()), "{block:?}");
            assert_eq!(high_bits(&block), expected(|byte| byte >= 0x80), "{block:?}");
            assert_eq!(portable_high_bits(&block), high_bits(&block), "{block:?}");
            Ok(())
        });
    }

    #[test]
    fn commas_are_counted_and_found() {
        arbtest(|u| {
            let mut block = [b'0'; 64];
            let often = u.int_in_range(1..=64)?;
            for byte in &mut block {
                if u.ratio(often, 64)? {
                    *byte = b',';
                }
            }
            let commas = Commas::new(mask(&block, |byte| byte == b','));
            let places: Vec<_> = (0..64).filter(|n| block[*n] == b',').collect();
            assert_eq!(commas.count(), places.len());
            for (n, place) in places.iter().enumerate() {
                assert_eq!(commas.behind(n + 1), place + 1, "{block:?}");
                assert_eq!(commas.before(1 << place), n, "{block:?}");
            }
            Ok(())
        });
    }

    #[test]
    fn twenty_bits_in_a_row_are_found_anywhere() {
        for start in 0..64 {
            for length in 0..=64 - start {
                let mask = (0..length).map(|n| 1 << (start + n)).sum::<u64>();
                assert_eq!(has_twenty_bits(mask), length >= 20, "{length} from {start}");
            }
        }
        assert!(!has_twenty_bits(!(1 << 19 | 1 << 39 | 1 << 59)));
    }
}
