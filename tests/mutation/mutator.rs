/// Changes replies at random. The same seed gives the same changes in every run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mutator(u64);

impl Mutator {
    pub(crate) fn new(seed: usize) -> Self {
        Self((seed as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// Makes one to three changes to a reply.
    pub(crate) fn mutate(mut self, reply: &[u8]) -> Vec<u8> {
        let mut bytes = reply.to_vec();
        for _ in 0..=self.below(3) {
            match self.below(12) {
                0 => bytes.truncate(self.below(bytes.len() + 1)),
                1 => self.flip(&mut bytes),
                2 => self.insert(&mut bytes),
                3 => self.lines(&mut bytes, |lines, at, _| drop(lines.remove(at))),
                4 => self.lines(&mut bytes, |lines, at, _| lines.insert(at, lines[at].clone())),
                5 => self.lines(&mut bytes, |lines, at, other| lines.swap(at, other)),
                6 => self.number(&mut bytes),
                7 => bytes = bytes[self.below(bytes.len() + 1)..].to_vec(),
                // Repeats the end of the reply, or all of it.
                8 => bytes.extend_from_within(self.below(bytes.len() + 1)..),
                9 => {
                    let (start, end) = self.range(bytes.len());
                    bytes.drain(start..end);
                }
                10 => self.lines(&mut bytes, |lines, at, _| lines.truncate(at)),
                _ => {
                    let (start, end) = self.range(bytes.len());
                    bytes[start..end].reverse();
                }
            }
        }
        bytes
    }

    fn flip(&mut self, bytes: &mut [u8]) {
        if !bytes.is_empty() {
            let at = self.below(bytes.len());
            bytes[at] ^= 1 << self.below(8);
        }
    }

    fn insert(&mut self, bytes: &mut Vec<u8>) {
        const PIECES: [&[u8]; 14] = [
            b"\0",
            b"\xff\xfe",
            b"\xc3",
            b"\r\n",
            b"\n\n",
            b"\n",
            b"\"",
            b",",
            b";",
            b"[3]: ",
            b"[6]: admin\n\n",
            b"# ",
            b"0x0 ",
            b" ",
        ];
        let at = self.below(bytes.len() + 1);
        let piece = PIECES[self.below(PIECES.len())];
        bytes.splice(at..at, piece.iter().copied());
    }

    fn lines(&mut self, bytes: &mut Vec<u8>, change: impl FnOnce(&mut Vec<Vec<u8>>, usize, usize)) {
        let mut lines: Vec<_> = bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        if !lines.is_empty() {
            let (at, other) = (self.below(lines.len()), self.below(lines.len()));
            change(&mut lines, at, other);
            *bytes = lines.concat();
        }
    }

    /// Replaces one number of the reply with an unexpected one.
    fn number(&mut self, bytes: &mut Vec<u8>) {
        const NUMBERS: [&str; 8] = [
            "18446744073709551616",
            "18446744073709551615",
            "-1",
            "-9223372036854775809",
            "4294967296",
            "1e400",
            "",
            "00000000000000000000000000000000000000007",
        ];
        let starts: Vec<_> = (0..bytes.len())
            .filter(|at| bytes[*at].is_ascii_digit() && (*at == 0 || !bytes[at - 1].is_ascii_digit()))
            .collect();
        if !starts.is_empty() {
            let start = starts[self.below(starts.len())];
            let length = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            bytes.splice(start..start + length, NUMBERS[self.below(NUMBERS.len())].bytes());
        }
    }

    fn range(&mut self, length: usize) -> (usize, usize) {
        let start = self.below(length + 1);
        (start, (start + self.below(40)).min(length))
    }

    /// Returns a number from 0 up to `end`, exclusive.
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % end.max(1)
    }
}
