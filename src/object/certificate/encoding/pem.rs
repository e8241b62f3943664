use super::crl_section;
use crate::error::{Error, Result};
use crate::protocol::Payload;

/// Returns the sections of a PEM text as a payload.
///
/// An empty line ends a payload, and has no meaning in a section without headers. Empty lines, blanks at the ends of lines
/// and everything outside of the sections are therefore left out. A payload with an end of its own
/// (`<<END`) would need HAProxy 2.9.
///
/// # Errors
///
/// - The errors of [`crl_section::check`].
/// - `InvalidInput` if there is no section of the kind `wanted`, or if a section has no end. HAProxy 3.0
///   and later would take a text without a certificate, and keep the old one. `InvalidInput` too for a
///   section with headers (RFC 1421), which only old encrypted keys have. The error shows no part
///   of the text, because it may hold a private key.
pub(in crate::object::certificate) fn payload(text: &str, wanted: &'static str) -> Result<Payload> {
    let mut lines: Vec<&str> = Vec::new();
    let mut is_inside = false;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        is_inside |= line.starts_with("-----BEGIN ");
        if is_inside {
            lines.push(line);
        }
        is_inside &= !line.starts_with("-----END ");
    }
    let names = ["", "X509 ", "TRUSTED "].map(|prefix| format!("{prefix}{wanted}"));
    let is_wanted = |line: &&str| {
        let name = line.strip_prefix("-----BEGIN ").and_then(|rest| rest.strip_suffix("-----"));
        name.is_some_and(|name| names.iter().any(|wanted| name == wanted))
    };
    if !lines.iter().any(is_wanted) {
        return Err(Error::invalid(format!("the PEM text has no section `{wanted}`")));
    }
    // HAProxy 3.0 and later take such a section for an empty one, and keep the old certificate.
    let is_empty = |pair: &[&str]| matches!(pair, [begin, end] if begin.starts_with("-----BEGIN ") && end.starts_with("-----"));
    if lines.windows(2).any(is_empty) || lines.iter().any(|line| !line.is_ascii()) {
        return Err(Error::invalid("a section of the PEM text is empty, or has characters other than ASCII"));
    }
    if lines.iter().any(|line| line.starts_with("Proc-Type:")) {
        // The empty line behind its headers has a meaning, and would end the payload.
        return Err(Error::invalid(
            "a section of the PEM text has headers (`Proc-Type:`): convert the key to PKCS #8",
        ));
    }
    if is_inside {
        return Err(Error::invalid("the last section of the PEM text has no `-----END ` line"));
    }
    if wanted == crl_section::SECTION {
        crl_section::check(&lines)?;
    }
    Payload::new(&lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLEAN: &str = "-----BEGIN A-----\nMII\n-----END A-----\n-----BEGIN B-----\nx\n-----END B-----";

    #[test]
    fn only_the_lines_of_sections_are_sent() {
        for text in [
            CLEAN.to_owned(),
            format!("{CLEAN}\n\n\n"),
            CLEAN.replace('\n', "\r\n"),
            CLEAN.replace('\n', "\r\n\r\n"),
            CLEAN.replace("MII", "\nMII  \n \t"),
            format!(
                "Bag Attributes\n\nshow info\n{}\nend",
                CLEAN.replace("\n-----BEGIN", "\nsubject=x\n-----BEGIN")
            ),
        ] {
            assert_eq!(payload(&text, "A").unwrap().as_str(), CLEAN, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_pem_is_refused_without_a_part_of_it() {
        for text in [
            "-----BEGIN A-----\n\n-----END A-----\nsecret",
            "-----BEGIN A-----\nsecreté\n-----END A-----",
            "-----BEGIN B-----\nsecret\n-----END B-----",
            "-----BEGIN ATTRIBUTE A-----\nsecret\n-----END ATTRIBUTE A-----",
            "",
            "secret",
            "\n\n",
            "-----BEGIN A-----\nsecret",
            "-----BEGIN A-----\nse\0cret\n-----END A-----",
        ] {
            let error = payload(text, "A").unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
