//! Severity in front of the messages of a socket with `severity-output`.

/// Returns the message without its severity: `No such proxy.` for `[3]: No such proxy.`.
pub(crate) fn without_severity(line: &str) -> &str {
    match line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")) {
        Some((_severity, message)) => message,
        None => line,
    }
}
