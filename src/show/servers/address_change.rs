use std::net::SocketAddr;

use crate::protocol::Change;

/// Returns the address that a server had before `set server B/S addr A port P` set it to `new`, as
/// HAProxy's message says. Returns `None` if the message does not say it.
///
/// The message is, for example,
/// `IP changed from '192.0.2.1' to '192.0.2.9', port changed from '1' to '80' by '...'`. A part that
/// did not change is missing, or is `no need to change the addr`.
pub(crate) fn previous_address(change: &Change, new: SocketAddr) -> Option<SocketAddr> {
    let message = match change {
        Change::Unchanged(_) => return Some(new),
        Change::Changed(message) => message.as_deref()?,
    };
    let (ip, port) = (old(message, IP), old(message, PORT));
    if ip.is_none() && port.is_none() {
        return None;
    }
    let ip = ip.map_or(Some(new.ip()), |text| text.parse().ok())?;
    // An offset to the client's port, such as `+0`, is no port.
    let is_number = |text: &&str| text.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.map_or(Some(new.port()), |text| Some(text).filter(is_number)?.parse().ok())?;
    Some(SocketAddr::new(ip, port))
}

fn old<'a>(message: &'a str, part: &str) -> Option<&'a str> {
    let (_, rest) = message.split_once(part)?;
    rest.split_once('\'').map(|(old, _)| old)
}

const IP: &str = "IP changed from '";
const PORT: &str = "port changed from '";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_release_says_what_the_address_was() {
        let new: SocketAddr = "127.0.0.6:8081".parse().unwrap();
        for (message, expected) in [
            (
                "IP changed from '127.0.0.1' to '127.0.0.6', port changed from '1' to '8081' by 'stats socket command'",
                Some("127.0.0.1:1"),
            ),
            ("IP changed from '::1' to '127.0.0.6' by 'stats socket command'", Some("[::1]:8081")),
            (
                "IP changed from '127.0.0.5' to '127.0.0.6', no need to change the port by 'stats socket command'",
                Some("127.0.0.5:8081"),
            ),
            (
                "no need to change the addr, port changed from '1' to '8081' by 'stats socket command'",
                Some("127.0.0.6:1"),
            ),
            ("port changed from '8080' to '8081' by 'stats socket command'", Some("127.0.0.6:8080")),
            ("port changed from '+0' to '8081' by 'stats socket command'", None),
            ("IP changed from 'x' to '127.0.0.6' by 'stats socket command'", None),
            ("something else", None),
        ] {
            let previous = previous_address(&Change::Changed(Some(message.into())), new);
            assert_eq!(previous, expected.map(|text| text.parse().unwrap()), "{message}");
        }
        assert_eq!(previous_address(&Change::Changed(None), new), None);
        assert_eq!(previous_address(&Change::Unchanged("nothing changed".into()), new), Some(new));
    }
}
