//! OCSP responses of the authority (RFC 6960), a responder that serves one, and a TLS client that looks at
//! the response that a frontend staples.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme, crypto};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixStream};
use tokio::task::JoinHandle;
use tokio_rustls::{TlsConnector, rustls};

use super::{Authority, NAME};

/// An OCSP response for one certificate, to be changed and signed.
#[derive(Debug, Clone)]
pub struct Status {
    serial: u64,
    revoked: bool,
    is_known: bool,
    /// End of the validity, as `YYYYMMDDhhmmssZ`.
    next_update: Option<String>,
}

impl Status {
    /// The certificate is good from 2021 to 2036. HAProxy 2.2 staples no response that ends after January
    /// 2038.
    pub fn good(serial: u64) -> Self {
        Self { serial, revoked: false, is_known: true, next_update: Some("20370101000000Z".into()) }
    }

    /// The certificate was revoked at the beginning of 2021, because its key was compromised.
    pub fn revoked(serial: u64) -> Self {
        Self { revoked: true, ..Self::good(serial) }
    }

    pub fn unknown(serial: u64) -> Self {
        Self { is_known: false, ..Self::good(serial) }
    }

    pub fn until(self, next_update: Option<String>) -> Self {
        Self { next_update, ..self }
    }
}

impl Authority {
    /// Signs an OCSP response, and returns it as DER.
    pub fn respond(&self, status: &Status) -> Vec<u8> {
        let revoked = || {
            let reason = tagged(0xa0, &[&[0x0a, 1, 1]]);
            tagged(0xa1, &[&time("20210101000000Z"), &reason])
        };
        let word = match status {
            Status { is_known: false, .. } => tagged(0x82, &[]),
            Status { revoked: true, .. } => revoked(),
            _ => tagged(0x80, &[]),
        };
        let next = status.next_update.as_ref().map(|at| tagged(0xa0, &[&time(at)])).unwrap_or_default();
        let single = sequence(&[&self.certificate_id(status.serial), &word, &time("20210102000000Z"), &next]);
        let responder = tagged(0xa2, &[&octets(&self.key_hash())]);
        let data = sequence(&[&responder, &time("20210103000000Z"), &sequence(&[&single])]);
        let random = SystemRandom::new();
        let key = self.key.serialize_der();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &key, &random).unwrap();
        let signature = key.sign(&random, &data).unwrap();
        let bits = tagged(3, &[&[0], signature.as_ref()]);
        let basic = sequence(&[&data, &sequence(&[&oid(ECDSA_WITH_SHA256)]), &bits]);
        let bytes = sequence(&[&oid(BASIC_RESPONSE), &octets(&basic)]);
        sequence(&[&[0x0a, 1, 0], &tagged(0xa0, &[&bytes])])
    }

    /// Returns the ID of a certificate as HAProxy lists it.
    pub fn certificate_id_text(&self, serial: u64) -> String {
        hex(&self.certificate_id(serial))
    }

    pub fn key_hash_text(&self) -> String {
        hex(&self.key_hash()).to_uppercase()
    }

    fn certificate_id(&self, serial: u64) -> Vec<u8> {
        let common_name = sequence(&[&oid(COMMON_NAME), &tagged(0x0c, &[self.name.as_bytes()])]);
        let name = sequence(&[&tagged(0x31, &[&common_name])]);
        let algorithm = sequence(&[&oid(SHA1), &[5, 0]]);
        let serial = integer(serial);
        sequence(&[&algorithm, &octets(&sha1(&name)), &octets(&self.key_hash()), &serial])
    }

    fn key_hash(&self) -> Vec<u8> {
        sha1(self.key.public_key_raw())
    }
}

/// Returns the extension that names the responder of a certificate: `authorityInfoAccess`.
pub(super) fn responder_extension(url: &str) -> Vec<u8> {
    sequence(&[&sequence(&[&oid(OCSP), &tagged(0x86, &[url.as_bytes()])])])
}

/// A responder on loopback, which answers every request with one response. It stops when it is dropped.
#[derive(Debug)]
pub struct Responder {
    address: SocketAddr,
    response: Arc<Mutex<Vec<u8>>>,
    task: JoinHandle<()>,
}

impl Responder {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let response = Arc::<Mutex<Vec<u8>>>::default();
        let kept = Arc::clone(&response);
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let body = kept.lock().unwrap().clone();
                tokio::spawn(async move {
                    let mut request = Vec::new();
                    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                        if !matches!(stream.read_buf(&mut request).await, Ok(1..)) {
                            return;
                        }
                    }
                    let status = if body.is_empty() { "503 Not Yet" } else { "200 OK" };
                    let head = format!(
                        "HTTP/1.1 {status}\r\ncontent-type: application/ocsp-response\r\ncontent-length: \
                         {}\r\nconnection: close\r\n\r\n",
                        body.len()
                    );
                    let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
                });
            }
        });
        Self { address, response, task }
    }

    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Sets the response. Without one, requests fail.
    pub fn serve(&self, response: Vec<u8>) {
        *self.response.lock().unwrap() = response;
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Does one handshake and returns the OCSP response that the frontend staples. The response is empty if the
/// frontend staples nothing.
pub async fn stapled(socket: &Path) -> Vec<u8> {
    let look = Arc::new(Look::default());
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&look) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    let stream = UnixStream::connect(socket).await.unwrap();
    let name = ServerName::try_from(NAME).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    let seen = look.0.lock().unwrap().take();
    seen.unwrap()
}

/// Accepts every certificate, and keeps the stapled response.
#[derive(Debug, Default)]
struct Look(Mutex<Option<Vec<u8>>>);

impl ServerCertVerifier for Look {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        ocsp_response: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self.0.lock().unwrap() = Some(ocsp_response.to_vec());
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// Encodes bytes as base64, for commands that a test sends itself.
pub fn base64(bytes: &[u8]) -> String {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).map(move |at| byte >> (7 - at) & 1)).collect();
    let digit = |bits: &[u8]| {
        let value = bits.iter().fold(0, |value, bit| value << 1 | usize::from(*bit));
        char::from(digits[value << (6 - bits.len())])
    };
    let text: String = bits.chunks(6).map(digit).collect();
    let padding = "=".repeat((4 - text.len() % 4) % 4);
    text + &padding
}

/// Encodes a value as DER: its tag, its length, and its parts.
fn tagged(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len();
    let byte = |shift: usize| u8::try_from(length >> shift & 0xff).unwrap();
    let head = match length {
        0..=0x7f => vec![tag, byte(0)],
        0x80..=0xff => vec![tag, 0x81, byte(0)],
        _ => vec![tag, 0x82, byte(8), byte(0)],
    };
    [head, content].concat()
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tagged(0x30, parts)
}

fn octets(bytes: &[u8]) -> Vec<u8> {
    tagged(4, &[bytes])
}

fn oid(bytes: &[u8]) -> Vec<u8> {
    tagged(6, &[bytes])
}

fn time(text: &str) -> Vec<u8> {
    tagged(0x18, &[text.as_bytes()])
}

/// Encodes a number without leading zeros, apart from the sign.
fn integer(number: u64) -> Vec<u8> {
    let bytes = [&[0][..], &number.to_be_bytes()].concat();
    let start = (0..8).find(|&at| bytes[at] != 0 || bytes[at + 1] & 0x80 != 0).unwrap_or(8);
    tagged(2, &[&bytes[start..]])
}

fn sha1(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const SHA1: &[u8] = &[0x2b, 0x0e, 3, 2, 0x1a];
const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
const OCSP: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1];
const BASIC_RESPONSE: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1];
