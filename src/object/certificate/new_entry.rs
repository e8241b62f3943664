use super::name::StoreName;
use crate::error::{Error, Result};
use crate::excerpt::excerpt;
use crate::protocol::{Command, Payload};

/// An entry for a crt-list: a certificate, with options and with the names that it is for.
///
/// The words are checked when the entry is [added](super::CrtList::add):
///
/// - The name of the certificate follows the rules of [`Cluster::certificate`](crate::Cluster::certificate). With
///   options or filters it also has no blank, bracket, quote, `\` or `#`.
/// - The name of an option consists of lower-case letters, digits and `-`. A value has visible ASCII
///   characters, and no bracket, quote, `\` or `#`.
/// - A filter is a host name of ASCII letters, digits, `-`, `_` and `.`, with an optional `*` at the front, and
///   with an optional `!` before all.
///
/// # Example
///
/// ```
/// use haproxyadmin::certificate::NewCrtListEntry;
///
/// let entry = NewCrtListEntry::new("/etc/haproxy/site.pem")
///     .option("alpn", "h2,http/1.1")
///     .flag("allow-0rtt")
///     .filter("*.example.com")
///     .filter("!www.example.com");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[must_use]
pub struct NewCrtListEntry {
    certificate: Box<str>,
    options: Vec<(Box<str>, Option<Box<str>>)>,
    filters: Vec<Box<str>>,
}

impl NewCrtListEntry {
    /// Creates an entry for a certificate, without options, for the names of the certificate.
    pub fn new(certificate: impl Into<Box<str>>) -> Self {
        Self { certificate: certificate.into(), options: Vec::new(), filters: Vec::new() }
    }

    /// Adds an option of `bind` with a value, such as `alpn` and `h2,http/1.1` (configuration manual,
    /// 5.1, `crt-list`).
    pub fn option(mut self, name: impl Into<Box<str>>, value: impl Into<Box<str>>) -> Self {
        self.options.push((name.into(), Some(value.into())));
        self
    }

    /// Adds an option without a value, such as `allow-0rtt`.
    pub fn flag(mut self, name: impl Into<Box<str>>) -> Self {
        self.options.push((name.into(), None));
        self
    }

    /// Adds a name that the certificate is for, or with `!` a name that it is not for.
    pub fn filter(mut self, name: impl Into<Box<str>>) -> Self {
        self.filters.push(name.into());
        self
    }

    /// Adds the entry to a command, as an argument or as a payload.
    pub(super) fn complete(&self, command: Command) -> Result<Command> {
        let certificate = StoreName::new("certificate", &self.certificate)?;
        if self.options.is_empty() && self.filters.is_empty() {
            return command.text(certificate.as_str());
        }
        let mut line = checked("certificate", certificate.as_str(), is_value)?.to_owned();
        let mut options = Vec::new();
        for (name, value) in &self.options {
            options.push(checked("option", name, is_option)?);
            if let Some(value) = value {
                options.push(checked("value of an option", value, is_value)?);
            }
        }
        if !options.is_empty() {
            line = format!("{line} [{}]", options.join(" "));
        }
        for filter in &self.filters {
            line = format!("{line} {}", checked("filter", filter, is_filter)?);
        }
        let payload = Payload::new(&line).map_err(|error| error.during(command.redacted()))?;
        Ok(command.payload(payload))
    }
}

fn checked<'a>(what: &str, word: &'a str, is_good: fn(&str) -> bool) -> Result<&'a str> {
    if !word.is_empty() && is_good(word) {
        return Ok(word);
    }
    Err(Error::invalid(format!(
        "{what} {:?} of a crt-list: HAProxy would read it as another word",
        excerpt(word)
    )))
}

fn is_value(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_graphic() && !"[]\"'\\#".contains(c))
}

fn is_option(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn is_filter(word: &str) -> bool {
    let name = word.strip_prefix('!').unwrap_or(word);
    let rest = name.strip_prefix('*').unwrap_or(name);
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !name.is_empty() && rest.chars().all(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Form;

    fn sent(entry: &NewCrtListEntry) -> Result<String> {
        let command = entry.complete(Command::write_once("add ssl crt-list").text("a.list")?)?;
        Ok(String::from_utf8_lossy(command.encode(Form::AtPrompt)?.as_bytes()).into_owned())
    }

    #[test]
    fn an_entry_is_an_argument_or_a_payload() {
        let entry = NewCrtListEntry::new("a b.pem");
        assert_eq!(sent(&entry).unwrap(), "add ssl crt-list a.list a\\ b.pem\n");
        let entry = NewCrtListEntry::new("a.pem").option("alpn", "h2,http/1.1").flag("allow-0rtt");
        let line = "a.pem [alpn h2,http/1.1 allow-0rtt]";
        assert_eq!(sent(&entry).unwrap(), format!("add ssl crt-list a.list <<\n{line}\n\n"));
        let entry = entry.filter("*.b.example").filter("!c.b.example").filter("*");
        let line = format!("{line} *.b.example !c.b.example *");
        assert_eq!(sent(&entry).unwrap(), format!("add ssl crt-list a.list <<\n{line}\n\n"));
    }

    #[test]
    fn words_that_would_be_others_are_refused() {
        let entry = NewCrtListEntry::new("a.pem");
        for wrong in [
            NewCrtListEntry::new("a b.pem").filter("x"),
            NewCrtListEntry::new("#a").filter("x"),
            NewCrtListEntry::new("*a"),
            entry.clone().option("alpn h2", "x"),
            entry.clone().option("alpn", "h2 verify none"),
            entry.clone().option("alpn", "h2]"),
            entry.clone().option("alpn", ""),
            entry.clone().flag("[x"),
            entry.clone().filter("a\nb"),
            entry.clone().filter("a b"),
            entry.clone().filter("!"),
            entry.clone().filter("#a"),
            entry.filter("[a"),
        ] {
            assert_eq!(sent(&wrong).unwrap_err().kind(), crate::ErrorKind::InvalidInput, "{wrong:?}");
        }
    }
}
