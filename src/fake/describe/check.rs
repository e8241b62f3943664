//! What goes with the result of a check.

use crate::show::stat::{CheckResult, CheckStatus};

/// HAProxy's words for the result, as in `check_desc`.
pub(in crate::fake) fn description(status: &str) -> &'static str {
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
        CheckResult::NoCheck | CheckResult::Other(_) => "",
    }
}

/// Whether a server with that result takes part.
pub(in crate::fake) fn passes(status: &str) -> bool {
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
pub(in crate::fake) fn is_first(status: &str) -> bool {
    matches!(CheckStatus::parse(status).result, CheckResult::Unknown | CheckResult::Initializing)
}

/// A code that the server may have answered with, if such a check gets one.
pub(in crate::fake) fn code(status: &str) -> Option<u16> {
    match CheckStatus::parse(status).result {
        CheckResult::L7Ok => Some(200),
        CheckResult::L7OkConditional => Some(404),
        CheckResult::L7Status => Some(500),
        CheckResult::ProcessError | CheckResult::ProcessTimeout | CheckResult::ProcessOk => Some(0),
        _ => None,
    }
}

/// Its number in `show servers state`.
pub(in crate::fake) fn number(status: &str) -> u32 {
    match CheckStatus::parse(status).result {
        CheckResult::Unknown | CheckResult::NoCheck | CheckResult::Other(_) => 0,
        CheckResult::Initializing => 1,
        CheckResult::Checked => 3,
        CheckResult::Hana => 4,
        CheckResult::SocketError => 5,
        CheckResult::L4Ok => 6,
        CheckResult::L4Timeout => 7,
        CheckResult::L4Connect => 8,
        CheckResult::L6Ok => 9,
        CheckResult::L6Timeout => 10,
        CheckResult::L6Response => 11,
        CheckResult::L7Timeout => 12,
        CheckResult::L7Response => 13,
        CheckResult::L7Ok => 15,
        CheckResult::L7OkConditional => 16,
        CheckResult::L7Status => 17,
        CheckResult::ProcessError => 18,
        CheckResult::ProcessTimeout => 19,
        CheckResult::ProcessOk => 20,
    }
}

/// 0 none yet, 2 failed, 3 passed, 4 passed on a condition.
pub(in crate::fake) fn result(status: &str) -> u32 {
    match CheckStatus::parse(status).result {
        CheckResult::L7OkConditional => 4,
        _ if is_first(status) => 0,
        _ if passes(status) => 3,
        _ => 2,
    }
}
