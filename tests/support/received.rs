use std::time::Duration;

use tokio::{io::AsyncReadExt, net::UnixStream, time::timeout};

/// Reads what has arrived, in the form that `comparable` gives it, and whether the connection has ended.
///
/// Reads until this is as expected, for 50 times the silence, or, if nothing is expected, until the
/// peer has sent nothing for the time of a silence.
pub async fn received(
    stream: &mut UnixStream,
    silence: Duration,
    expected: Option<&(String, bool)>,
    comparable: impl Fn(&[u8]) -> String,
) -> (String, bool) {
    let mut bytes = Vec::new();
    loop {
        let found = (comparable(&bytes), false);
        let is_due = expected.is_none_or(|expected| *expected == found);
        let limit = if is_due { silence } else { 50 * silence };
        match timeout(limit, stream.read_buf(&mut bytes)).await {
            Ok(Ok(1..)) => {}
            Ok(_) => return (found.0, true),
            Err(_) => return found,
        }
    }
}
