use std::fmt;
use std::ops::Range;

use crate::error::{Error, Result};

/// Lines that follow a command with the last word `<<`.
///
/// HAProxy reads a payload without escapes. The first empty line ends the payload, unless another end follows the
/// mark, and HAProxy executes all following lines as commands. This type therefore refuses a text that HAProxy could
/// read as anything other than one payload.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Payload {
    lines: Box<str>,
    /// True if it may have the length that only newer releases accept.
    is_large: bool,
    /// Line that ends the payload.
    end: Box<str>,
}

impl Payload {
    /// Checks the lines of a payload. The last line may end with a line feed.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` if the text has no line, an empty line, a CR or a NUL.
    pub(crate) fn new(lines: &str) -> Result<Self> {
        let lines = lines.strip_suffix('\n').unwrap_or(lines);
        // HAProxy 3.0 and later never find the end of a payload with lines that end in CR LF.
        // HAProxy 3.2 and later end a line at NUL.
        if let Some(found) = ['\0', '\r'].into_iter().find(|found| lines.contains(*found)) {
            return Err(Error::invalid(format!("the payload holds {found:?}")));
        }
        if lines.is_empty() {
            return Err(Error::invalid("the payload is empty"));
        }
        // The search for two line feeds is faster than a look at each line.
        if lines.starts_with('\n') || lines.ends_with('\n') || lines.contains("\n\n") {
            let at = lines.split('\n').take_while(|line| !line.is_empty()).count();
            let text = format!(
                "line {} of the payload is empty: it would end the payload, and HAProxy would run the lines \
                 behind it as commands",
                at + 1
            );
            return Err(Error::invalid(text));
        }
        Ok(Self { lines: lines.into(), is_large: false, end: "".into() })
    }

    /// Permits the length that HAProxy 3.4 accepts, in the form that
    /// [`Command::for_release`](super::Command::for_release) gives the payload.
    pub(crate) fn large(self) -> Self {
        Self { is_large: true, ..self }
    }

    /// Returns the payload as HAProxy 3.4 reads it whole, behind a line of `before` bytes. It must be PEM text.
    ///
    /// If a buffer is full, 3.4 moves all that has arrived into a larger one, without a look at the lines in it.
    /// - It takes the rest of the last line, once it arrives, for a whole line. If the rest is a line feed, it is the
    ///   empty line that ends a payload, and HAProxy executes the lines behind it as commands. The payload therefore
    ///   ends with a word that no line ends with, which HAProxy knows from 2.9 on.
    /// - If it moves the end of the payload, it waits for another end for ever. Lines in front, which are no PEM
    ///   section, therefore move the end away from the places where this happens.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` if there is no such word.
    pub(super) fn in_pieces(self, before: usize) -> Result<Self> {
        let is_no_end = |word: &&str| self.lines.lines().all(|line| !line.ends_with(*word));
        let Some(end) = [".", ",", "!", "~", "%"].into_iter().find(is_no_end) else {
            return Err(Error::invalid("the lines of the payload end with too many different characters"));
        };
        let length = before + self.lines.len() + 2 * end.len() + "\n\n\n".len();
        let unsafe_until = UNSAFE.iter().find(|lengths| lengths.contains(&length)).map(|lengths| lengths.end);
        let padding = unsafe_until.map_or(0, |until| (until - length).div_ceil(PADDING.len()));
        Ok(Self { lines: (PADDING.repeat(padding) + &self.lines).into(), end: end.into(), ..self })
    }

    /// Returns the line that ends the payload.
    pub(super) fn end(&self) -> &str {
        &self.end
    }

    /// Returns the lines, without the line feed of the last line.
    pub(crate) fn as_str(&self) -> &str {
        &self.lines
    }

    pub(super) fn is_large(&self) -> bool {
        self.is_large
    }
}

/// Lengths of a line with its payload that may put the end into a piece that HAProxy 3.4.7 moves, with buffers of
/// 16,384 bytes. Measured: 16,384 and 16,385; 32,746 to 32,769; 65,514 to 81,900.
const UNSAFE: [Range<usize>; 3] = [15_900..16_900, 32_000..33_500, 64_500..84_000];

/// A line that is not part of a PEM section.
const PADDING: &str = "padding padding padding padding padding padding padding padding\n";

/// Shows the length only: a payload may hold a private key.
impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.lines.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_as_they_are() {
        for lines in ["a b", "a b\n", "%EOF%\n<<\n; show info\\\n\ta b"] {
            assert_eq!(Payload::new(lines).unwrap().as_str(), lines.trim_end_matches('\n'));
        }
    }

    #[test]
    fn lines_that_would_not_be_one_payload_are_refused() {
        let end = "it would end the payload, and HAProxy would run the lines behind it as commands";
        for (lines, expected) in [
            ("", "the payload is empty".to_owned()),
            ("\n", "the payload is empty".to_owned()),
            ("a b\n\nshow info", format!("line 2 of the payload is empty: {end}")),
            ("\na b", format!("line 1 of the payload is empty: {end}")),
            ("a b\n\n", format!("line 2 of the payload is empty: {end}")),
            ("a b\r\nc d", "the payload holds '\\r'".to_owned()),
            ("a b\0", "the payload holds '\\0'".to_owned()),
        ] {
            assert_eq!(Payload::new(lines).unwrap_err().to_string(), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_payload_shows_its_length_only() {
        assert_eq!(format!("{:?}", Payload::new("secret").unwrap()), "Payload(6 bytes)");
    }
}
