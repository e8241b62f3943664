use std::fmt;

/// Result of the last health or agent check of a server: the columns `check_status` and
/// `agent_status`.
///
/// # Example
///
/// ```
/// use haproxyadmin::stat::{CheckResult, CheckStatus};
///
/// let status = CheckStatus::parse("* L7OK");
/// assert_eq!(status.result, CheckResult::L7Ok);
/// assert!(status.running);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct CheckStatus {
    /// Result of the last check.
    pub result: CheckResult,
    /// `true` if another check is running; HAProxy marks this with `* `.
    pub running: bool,
}

macro_rules! results {
    ($($variant:ident = $text:literal, $doc:literal;)*) => {
        /// Result of a health or agent check.
        ///
        /// # Example
        ///
        /// ```
        /// use haproxyadmin::stat::{CheckResult, CheckStatus};
        ///
        /// let result = CheckStatus::parse("L4CON").result;
        /// assert_eq!(result, CheckResult::L4Connect);
        /// assert_eq!(result.to_string(), "L4CON");
        /// ```
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum CheckResult {
            $(#[doc = concat!("`", $text, "`: ", $doc)] $variant,)*
            /// Empty: no check is running, because none is configured, the checks are disabled, or
            /// they wait for the end of a maintenance.
            NoCheck,
            /// A result that this crate does not know.
            Other(Box<str>),
        }

        impl CheckResult {
            fn parse(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)*
                    "" => Self::NoCheck,
                    _ => Self::Other(text.into()),
                }
            }

            fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::NoCheck => "",
                    Self::Other(text) => text,
                }
            }
        }
    };
}

results! {
    Unknown = "UNK", "the result is not known.";
    Initializing = "INI", "no check has ended yet.";
    SocketError = "SOCKERR", "HAProxy could not open a connection because of a local error.";
    L4Ok = "L4OK", "the connection was established.";
    L4Timeout = "L4TOUT", "the connection was not established in time.";
    L4Connect = "L4CON", "the connection was refused, or the address was unreachable.";
    L6Ok = "L6OK", "the TLS handshake succeeded.";
    L6Timeout = "L6TOUT", "the TLS handshake did not end in time.";
    L6Response = "L6RSP", "the TLS handshake failed.";
    L7Ok = "L7OK", "the application answered with success.";
    L7OkConditional = "L7OKC", "the application asked for no new traffic (404 and `disable-on-404`).";
    L7Timeout = "L7TOUT", "the application did not answer in time.";
    L7Response = "L7RSP", "the answer of the application was invalid.";
    L7Status = "L7STS", "the application answered with an error.";
    ProcessError = "PROCERR", "the external check failed.";
    ProcessTimeout = "PROCTOUT", "the external check did not end in time.";
    ProcessOk = "PROCOK", "the external check passed.";
    Checked = "CHECKED", "a check ended and changed nothing.";
    Hana = "HANA", "the errors seen in traffic reached the limit (`observe`).";
}

impl CheckStatus {
    /// Reads the text of a cell. Unknown texts are kept in [`CheckResult::Other`].
    pub fn parse(text: &str) -> Self {
        let result = text.strip_prefix("* ");
        Self { result: CheckResult::parse(result.unwrap_or(text)), running: result.is_some() }
    }
}

impl fmt::Display for CheckResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for CheckStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.running {
            f.write_str("* ")?;
        }
        self.result.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_of_a_running_check_is_apart_from_the_result() {
        let status = CheckStatus::parse("* L4CON");
        assert_eq!(status, CheckStatus { result: CheckResult::L4Connect, running: true });
        assert_eq!(status.to_string(), "* L4CON");
        assert_eq!(CheckStatus::parse("L9NEW").result, CheckResult::Other("L9NEW".into()));
    }

    #[test]
    fn an_empty_cell_is_no_check() {
        let status = CheckStatus::parse("");
        assert_eq!(status, CheckStatus { result: CheckResult::NoCheck, running: false });
        assert_eq!(status.to_string(), "");
    }
}
