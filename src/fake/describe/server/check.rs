//! The values that follow from the result of a check.

use crate::show::stat::{CheckResult, CheckStatus};

/// Returns HAProxy's description of the result, as in `check_desc`.
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

/// Returns `true` if the result lets a server take traffic.
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

/// Returns `true` if no check has finished yet, and there is no duration to print.
pub(in crate::fake) fn is_first(status: &str) -> bool {
    matches!(CheckStatus::parse(status).result, CheckResult::Unknown | CheckResult::Initializing)
}

/// Returns a code that the server may have answered with, if checks with this result have a code.
pub(in crate::fake) fn code(status: &str) -> Option<u16> {
    match CheckStatus::parse(status).result {
        CheckResult::L7Ok => Some(200),
        CheckResult::L7OkConditional => Some(404),
        CheckResult::L7Status => Some(500),
        CheckResult::ProcessError | CheckResult::ProcessTimeout | CheckResult::ProcessOk => Some(0),
        _ => None,
    }
}

/// Returns the number of the status in `show servers state` (`srv_check_status`).
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

/// Returns `srv_check_result`: 0 no result yet, 2 failed, 3 passed, 4 passed conditionally.
pub(in crate::fake) fn result(status: &str) -> u32 {
    match CheckStatus::parse(status).result {
        CheckResult::L7OkConditional => 4,
        _ if is_first(status) => 0,
        _ if passes(status) => 3,
        _ => 2,
    }
}
