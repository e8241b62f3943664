use crate::error::{Error, Result};
use crate::excerpt::excerpt;

/// Name of a certificate, of another file that HAProxy keeps in memory, or of a crt-list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct StoreName(Box<str>);

impl StoreName {
    /// # Errors
    ///
    /// - `InvalidInput` if HAProxy would take the name for something else.
    pub(super) fn new(what: &str, name: &str) -> Result<Self> {
        let this = Self::plain(what, name)?;
        if PARTS.iter().any(|part| name.ends_with(part)) {
            return wrong(what, name, "HAProxy takes the end of the name for a part of another certificate");
        }
        Ok(this)
    }

    /// Checks the name of a file with several certificates or lists, of which HAProxy shows one by a
    /// number behind a colon.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` if HAProxy would take the name for something else.
    pub(super) fn of_several(what: &str, name: &str) -> Result<Self> {
        let this = Self::plain(what, name)?;
        if name.contains(':') {
            return wrong(what, name, "HAProxy takes the text behind `:` for a number");
        }
        Ok(this)
    }

    /// Checks the name of a crt-list.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` if HAProxy would take the name for something else.
    pub(super) fn of_list(name: &str) -> Result<Self> {
        let this = Self::plain("crt-list", name)?;
        if name.ends_with('/') {
            return wrong("crt-list", name, "HAProxy cuts off a `/` at the end");
        }
        Ok(this)
    }

    fn plain(what: &str, name: &str) -> Result<Self> {
        let wrong = |why: &str| wrong(what, name, why);
        if name.is_empty() || name.len() > LONGEST {
            return wrong("expected a name of 1 to 1,024 bytes");
        }
        if name.starts_with(['*', '\\']) {
            return wrong("HAProxy gives a name that begins with `*` or `\\` another meaning");
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

fn wrong(what: &str, name: &str, why: &str) -> Result<StoreName> {
    Err(Error::invalid(format!("{what} {:?}: {why}", excerpt(name))))
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
        for name in ["a:1", "*a", "a\n"] {
            assert!(StoreName::of_several("CA file", name).is_err(), "{name:?}");
        }
        assert!(StoreName::of_several("CA file", "a.key").is_ok());
        for name in ["/etc/certs/", "/", "<<"] {
            assert!(StoreName::of_list(name).is_err(), "{name:?}");
        }
        assert_eq!(
            StoreName::new("certificate", "*a").unwrap_err().to_string(),
            "certificate \"*a\": HAProxy gives a name that begins with `*` or `\\` another meaning"
        );
    }
}
