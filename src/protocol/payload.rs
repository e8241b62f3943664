use std::fmt;

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

    /// Returns the payload as HAProxy 3.4 reads it whole. It must be PEM text.
    ///
    /// If a buffer is full, 3.4 moves all that has arrived into a larger one, without a look at the lines in it.
    /// - It takes the rest of the last line, once it arrives, for a whole line. If the rest is a line feed, it is the
    ///   empty line that ends a payload, and HAProxy executes the lines behind it as commands. The payload therefore
    ///   ends with a word that no line ends with, which HAProxy knows from 2.9 on.
    /// - If it moves the end of the payload, it waits for another end for ever. Which lengths this happens to depends
    ///   on `tune.bufsize`, and on the pieces in which the bytes arrive. The connection therefore sends the end
    ///   again. The end that was moved becomes a line that is no part of a PEM section.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` if there is no such word.
    pub(super) fn in_pieces(self) -> Result<Self> {
        let is_no_end = |word: &&str| self.lines.lines().all(|line| !line.ends_with(*word));
        let Some(end) = [".", ",", "!", "~", "%"].into_iter().find(is_no_end) else {
            return Err(Error::invalid("the lines of the payload end with too many different characters"));
        };
        Ok(Self { end: end.into(), ..self })
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
