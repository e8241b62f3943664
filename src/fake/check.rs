//! What goes with the result of a check.

use crate::model::{CheckResult, CheckStatus};

/// HAProxy's words for the result, as in `check_desc`.
pub(super) fn description(status: &str) -> &'static str {
    match CheckStatus::parse(status).result {
        CheckResult::Unknown => "Unknown",
        CheckResult::Initializing => "Initializing",
        CheckResult::SocketError => "Socket error",
        CheckResult::L4Ok => "Layer4 check passed",
        CheckResult::L4Timeout => "Layer4 timeout",
        CheckResult::L4Connect => "Layer4 connection problem",
        CheckResult::L6Ok => "Layer6 check passed",
        CheckResult::L6Timeout => "Layer6 timeout",
        CheckResult::L6Response => "Layer6 invalid response",
        CheckResult::L7Ok => "Layer7 check passed",
        CheckResult::L7OkConditional => "Layer7 check conditionally passed",
        CheckResult::L7Timeout => "Layer7 timeout",
        CheckResult::L7Response => "Layer7 invalid response",
        CheckResult::L7Status => "Layer7 wrong status",
        CheckResult::ProcessError => "External check error",
        CheckResult::ProcessTimeout => "External check timeout",
        CheckResult::ProcessOk => "External check passed",
        CheckResult::Checked => "No status change",
        CheckResult::Hana => "Health analyze",
        CheckResult::Other(_) => "",
    }
}

/// Whether a server with that result takes part.
pub(super) fn passes(status: &str) -> bool {
    matches!(
        CheckStatus::parse(status).result,
        CheckResult::L4Ok
            | CheckResult::L6Ok
            | CheckResult::L7Ok
            | CheckResult::L7OkConditional
            | CheckResult::ProcessOk
            | CheckResult::Checked
            | CheckResult::Initializing
    )
}

/// Whether no check has ended yet, so that none took any time.
pub(super) fn is_first(status: &str) -> bool {
    matches!(CheckStatus::parse(status).result, CheckResult::Unknown | CheckResult::Initializing)
}

/// A code that the server may have answered with, if such a check gets one.
pub(super) fn code(status: &str) -> Option<u16> {
    match CheckStatus::parse(status).result {
        CheckResult::L7Ok => Some(200),
        CheckResult::L7OkConditional => Some(404),
        CheckResult::L7Status => Some(500),
        CheckResult::ProcessError | CheckResult::ProcessTimeout | CheckResult::ProcessOk => Some(0),
        _ => None,
    }
}
