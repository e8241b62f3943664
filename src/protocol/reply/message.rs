//! Messages of HAProxy, told apart by their texts.

/// Returns `true` if the process does not have the object.
pub(super) fn is_absent(words: &str) -> bool {
    ABSENT.contains(&words)
        || ABSENT_STORE.iter().any(|start| words.starts_with(start))
        || words.starts_with("Can't remove the ") && words.ends_with("' doesn't exist!")
        || words.starts_with("Can't edit the crt-list: crt-list '") && words.ends_with("' does not exist!")
        || is_no_entry(words)
}

/// Returns `true` for a message of `del ssl crt-list` that the list has no such entry.
fn is_no_entry(words: &str) -> bool {
    let why = words.strip_prefix("Can't delete the entry: ");
    why.is_some_and(|why| {
        why.ends_with("' does not exist!") || why.contains("' can't be found in crt-list '")
    })
}

/// Returns `true` if a message without a severity says that a query was not answered.
pub(super) fn is_refused_read(message: &str) -> bool {
    is_absent(message)
        || is_unknown_command(message)
        || is_locked(message)
        || REFUSED_READ.iter().any(|start| message.starts_with(start))
}

/// Returns `true` if a message is about the address of a server: it was changed, or is the same.
pub(super) fn is_address_change(message: &str) -> bool {
    is_same_address(message)
        || message.contains("changed from '")
        || message.contains("changed its FQDN from")
}

/// Returns `true` if the release does not know the command, or a keyword of it.
pub(super) fn is_unknown_command(message: &str) -> bool {
    UNKNOWN.iter().any(|start| message.starts_with(start))
}

/// Returns `true` if another connection is reading or changing certificates just now.
pub(super) fn is_locked(message: &str) -> bool {
    message.lines().any(|line| line == LOCKED)
}

/// Returns `true` if the object had the state of the command before.
pub(super) fn is_unchanged(message: &str) -> bool {
    NOTHING_TO_DO.iter().any(|start| message.starts_with(start)) || is_same_address(message)
}

/// Returns `true` for the list of rings, which HAProxy prints as a warning.
pub(super) fn is_list_of_rings(message: &str) -> bool {
    message.starts_with(LIST_OF_RINGS)
}

/// Returns `true` if an address was changed completely. If only a part of the address was
/// changed, the command counts as refused.
pub(super) fn is_changed(words: &str) -> bool {
    let changed = words.contains("changed from '") || words.contains("changed its FQDN from");
    changed && !PARTLY.iter().any(|part| words.contains(part))
}

fn is_same_address(words: &str) -> bool {
    words.contains("nothing changed") || SAME_ADDRESS.iter().any(|start| words.starts_with(start))
}

/// Messages for an unknown command or keyword.
const UNKNOWN: &[&str] = &[
    "Unknown command",
    // `set server` lists its keywords: the first text up to 2.2, the second text later.
    "'set server <srv>' only supports",
    "usage: set server",
];

const ABSENT: &[&str] = &[
    "No such backend.",
    "No such frontend.",
    "No such proxy.",
    "No such server.",
    // `show table`, `set table`, `clear table`
    "No such table",
    // `show servers state`
    "Can't find backend.",
    "Unknown ACL identifier. Please use #<id> or <file>.",
    "Unknown map identifier. Please use #<id> or <file>.",
    "No such session (use 'show sess').",
    "Key not found.",
    "entry not found.",
    "key or pattern not found.",
    // `show ssl crt-list`
    "didn't find the specified filename",
    // `show ssl ocsp-response`: the first text up to 2.6, the last one for the name of a certificate
    "Certificate ID does not match any certificate.",
    "Certificate ID or path does not match any certificate.",
    "'show ssl ocsp-response' expects a valid certid or certificate path.",
    // `set ssl ocsp-response`
    "OCSP single response: Certificate ID does not match any certificate or issuer.",
];

/// Beginnings of the messages that a certificate, its transaction or its OCSP response is missing.
const ABSENT_STORE: &[&str] = &[
    "Can't display the certificate: Not found or the certificate is a bundle!",
    "Can't replace a certificate which is not referenced by the configuration!",
    "Can't display the CA file : Not found!",
    "Can't replace a CA file which is not referenced by the configuration!",
    "Can't display the CRL file : Not found!",
    "Can't replace a CRL file which is not referenced by the configuration!",
    "No ongoing transaction!",
    // `update ssl ocsp-response`
    "Unknown certificate! 'update ssl ocsp-response' expects",
    "'update ssl ocsp-response' only works on certificates that already have a known OCSP response.",
];

/// Beginnings of the messages that a query was not answered.
const REFUSED_READ: &[&str] = &[
    "Can't allocate memory!",
    "Can't find that resolvers section",
    "Data type not stored in this table",
    "No such event sink",
    "No such peers",
    "Permission denied",
];

/// Line of the message that another connection is reading or changing certificates just now.
const LOCKED: &str = "Operations on certificates are currently locked!";

/// Beginnings of the messages that neither address, port nor name differ. (Sic: `FDQN`.)
const SAME_ADDRESS: &[&str] = &[
    "no need to change the addr by",
    "no need to change the addr, no need to change the port",
    "no need to change the FDQN",
];

const NOTHING_TO_DO: &[&str] =
    &["All sockets are already", "Frontend is already", "Frontend was already shut down."];

/// Beginning of the list that `show events` prints as a warning.
const LIST_OF_RINGS: &str = "Supported events sinks are listed below.";

/// Failures that HAProxy reports together with a change in one message.
const PARTLY: &[&str] = &["can't change <port>", "problem converting port", "provided port", "could not"];
