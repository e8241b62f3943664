//! Commands on OCSP responses.

use std::fmt::Write as _;

use super::super::answer::{Answer, Severity};
use super::super::call::Call;
use super::name_of;
use crate::Version;
use crate::fake::describe::OcspResponse;

/// `show ssl ocsp-response [ID]`, and from 2.8 on `show ssl ocsp-response [text|base64] ID|NAME`
pub(in crate::fake) fn show(call: &mut Call<'_>) -> Answer {
    let version = call.version();
    let responses = &call.state.process.certificates.ocsp;
    if call.word(0).is_empty() {
        return list(&version, responses);
    }
    if version < PATHS {
        return match find(responses, call.word(0)) {
            _ if call.word(0).len() > LONGEST => {
                Answer::error("'show ssl ocsp-response' received a too big key.")
            }
            Some(found) => print(found),
            None => Answer::error("Certificate ID does not match any certificate."),
        };
    }
    let word = match call.word(0) {
        "base64" | "text" if call.word(1).is_empty() => {
            return Answer::error("'show ssl ocsp-response [text|base64]' expects a valid certid.");
        }
        "base64" => return Answer::unsupported("`show ssl ocsp-response base64`"),
        "text" => call.word(1),
        word => word,
    };
    let is_id =
        word.len() <= LONGEST && word.len() % 2 == 0 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    match find(responses, word) {
        Some(found) if is_id => print(found),
        _ if is_id => Answer::error("Certificate ID or path does not match any certificate."),
        _ => match responses.iter().find(|one| *one.certificate == *name_of(word)) {
            Some(found) => print(found),
            None => Answer::error("'show ssl ocsp-response' expects a valid certid or certificate path."),
        },
    }
}

fn find<'a>(responses: &'a [OcspResponse], id: &str) -> Option<&'a OcspResponse> {
    responses.iter().find(|one| one.id.eq_ignore_ascii_case(id))
}

fn print(response: &OcspResponse) -> Answer {
    Answer::Dump(response.text.as_deref().unwrap_or_default().into())
}

fn list(version: &Version, responses: &[OcspResponse]) -> Answer {
    let mut responses: Vec<_> = responses.iter().collect();
    responses.sort_by(|a, b| a.id.cmp(&b.id));
    let head = if responses.is_empty() { "" } else { "# Certificate IDs\n" };
    let mut text = head.to_owned();
    for OcspResponse { id, certificate, .. } in responses {
        let Some([name, key, serial]) = parts(id) else {
            return Answer::unsupported("an ID of another form");
        };
        let path =
            if *version < PATHS { String::new() } else { format!("Certificate path : {certificate}\n") };
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "Certificate ID key : {id}\n{path} Certificate ID:\n   Issuer Name Hash: {name}\n   \
             Issuer Key Hash: {key}\n   Serial Number: {serial}\n"
        );
    }
    Answer::Dump(text)
}

/// Returns the hashes and the serial number in an ID.
fn parts(id: &str) -> Option<[String; 3]> {
    let (_, rest) = id.split_once("05000414")?;
    let (name, rest) = rest.split_at_checked(40)?;
    let (key, rest) = rest.strip_prefix("0414")?.split_at_checked(40)?;
    let serial = rest.strip_prefix("02")?.get(2..)?;
    // The first byte of a number is zero if the sign would be negative without it.
    let serial = serial.strip_prefix("00").filter(|rest| !rest.is_empty()).unwrap_or(serial);
    Some([name, key, serial].map(str::to_ascii_uppercase))
}

/// `set ssl ocsp-response BASE64`, `set ssl ocsp-response <<`
pub(in crate::fake) fn set(call: &mut Call<'_>) -> Answer {
    let text = call.payload.unwrap_or(call.word(0)).replace(['\r', '\n'], "");
    if text.is_empty() {
        return Answer::error("'set ssl ocsp-response' expects response in base64 encoding.");
    }
    let Some(der) = decode(&text) else {
        return Answer::error("'set ssl ocsp-response' received invalid base64 encoded response.");
    };
    let certificates = &mut call.state.process.certificates;
    let Some(known) = certificates.known_responses.iter().find(|known| *known.der == *der) else {
        return Answer::error("Unable to parse OCSP response.");
    };
    let Some(found) = certificates.ocsp.iter_mut().find(|one| one.id == known.id) else {
        return Answer::error(
            "OCSP single response: Certificate ID does not match any certificate or issuer.",
        );
    };
    found.text = Some(known.text.clone());
    Answer::message(Severity::Info, "OCSP Response updated!")
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    if text.len() % 4 != 0 || padding > 3 {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0);
    for digit in digits.chars() {
        let value = DIGITS.find(digit).and_then(|at| u32::try_from(at).ok())?;
        (bits, held) = (bits << 6 | value, held + 6);
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).ok()?);
        }
    }
    Some(bytes)
}

/// `update ssl ocsp-response NAME`. The fake asks no responder.
pub(in crate::fake) fn update(call: &mut Call<'_>) -> Answer {
    let name = call.word(0);
    if name.is_empty() {
        return Answer::error("'update ssl ocsp-response' expects a filename");
    }
    let certificates = &call.state.process.certificates;
    if certificates.ocsp.iter().any(|one| &*one.certificate == name) {
        return Answer::Done;
    }
    let why = if certificates.list.iter().any(|one| &*one.name == name) {
        "'update ssl ocsp-response' only works on certificates that already have a known OCSP response."
    } else {
        "Unknown certificate! 'update ssl ocsp-response' expects an already known certificate file name."
    };
    Answer::error(&format!("{why}\nCan't send ocsp request for {name}!"))
}

/// `show ssl ocsp-updates`. The fake updates nothing by itself.
pub(in crate::fake) fn updates(_: &mut Call<'_>) -> Answer {
    Answer::Dump(
        "OCSP Certid | Path | Next Update | Last Update | Successes | Failures | Last Update Status | \
         Last Update Status (str)\n"
            .into(),
    )
}

/// First release that knows the names of certificates.
const PATHS: (u16, u16) = (2, 8);
/// Number of digits of the longest ID.
const LONGEST: usize = 256;
const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
