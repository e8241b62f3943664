//! What a socket with `severity-output` puts before its messages.

/// The message behind its severity: `[3]: No such proxy.` is `No such proxy.`.
pub(crate) fn without_severity(line: &str) -> &str {
    match line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")) {
        Some((_severity, message)) => message,
        None => line,
    }
}
