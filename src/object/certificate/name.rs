use crate::error::{Error, Result};
use crate::excerpt::excerpt;

/// Name of a certificate or of another file that HAProxy keeps in memory.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct StoreName(Box<str>);

impl StoreName {
    /// # Errors
    ///
    /// - `InvalidInput` if HAProxy would take the name for something else.
    pub(super) fn new(what: &str, name: &str) -> Result<Self> {
        let wrong = |why: &str| Err(Error::invalid(format!("{what} {:?}: {why}", excerpt(name))));
        if name.is_empty() || name.len() > LONGEST {
            return wrong("expected a name of 1 to 1,024 bytes");
        }
        if name.starts_with(['*', '\\']) {
            return wrong("HAProxy gives a name that begins with `*` or `\\` another meaning");
        }
        if PARTS.iter().any(|part| name.ends_with(part)) {
            return wrong("HAProxy takes the end of the name for a part of another certificate");
        }
        // `<<` begins a payload.
        if name.contains("<<") || name.contains(|c: char| c.is_control()) {
            return wrong("a name with `<<` or a control character");
        }
        Ok(Self(name.into()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

const LONGEST: usize = 1_024;

/// Ends of the names that lead to one part of a certificate.
const PARTS: &[&str] = &[".key", ".ocsp", ".sctl", ".issuer"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_another_meaning_are_refused() {
        for name in ["", "*a.pem", "\\a.pem", "a.pem.key", "a.pem.ocsp", "a.sctl", "a.issuer", "a\nb", "a<<"]
        {
            assert!(StoreName::new("certificate", name).is_err(), "{name:?}");
        }
        for name in ["/etc/a b.pem", "@store/a", "a;b", "é.pem", "a.pem:2", "#0"] {
            assert_eq!(StoreName::new("certificate", name).unwrap().as_str(), name);
        }
        assert_eq!(
            StoreName::new("certificate", "*a").unwrap_err().to_string(),
            "certificate \"*a\": HAProxy gives a name that begins with `*` or `\\` another meaning"
        );
    }
}
