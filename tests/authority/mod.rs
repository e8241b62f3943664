//! A certificate authority for the tests, and a TLS client that trusts it alone.

#![allow(dead_code, reason = "every test file is a crate of its own and uses a part of this")]
#![allow(unreachable_pub, reason = "the same")]
#![allow(clippy::indexing_slicing, reason = "in a test a panic is the failure message")]

pub mod ocsp;
pub mod site;

use std::io;
use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationList, CertificateRevocationListParams,
    CustomExtension, DnType, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, PKCS_ED25519, RevokedCertParams,
    SerialNumber, date_time_ymd,
};
use tokio::net::UnixStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

/// An authority that issues certificates for [`NAME`].
pub struct Authority {
    name: String,
    key: KeyPair,
    certificate: rcgen::Certificate,
}

/// A certificate with its private key.
pub struct Issued {
    pub der: CertificateDer<'static>,
    pub certificate: String,
    pub key: String,
}

/// The DNS name of every certificate.
pub const NAME: &str = "site.example";

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { name: name.to_owned(), key, certificate }
    }

    /// Issues a certificate that is valid for the whole of 2020 to 2049.
    pub fn issue(&self, serial: u64) -> Issued {
        self.issue_for(serial, vec![NAME.to_owned()])
    }

    /// Issues a certificate with an Ed25519 key, which HAProxy describes in part only.
    pub fn issue_ed25519(&self, serial: u64) -> Issued {
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap().serialize_der();
        // OpenSSL 3.0 does not read a key that holds the public key too (RFC 5958).
        let head = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
        let key = KeyPair::try_from([&head, &key[16..48]].concat()).unwrap();
        self.issue_with(serial, vec![NAME.to_owned()], &key, None)
    }

    pub fn issue_for(&self, serial: u64, names: Vec<String>) -> Issued {
        self.issue_with(serial, names, &KeyPair::generate().unwrap(), None)
    }

    /// Issues a certificate that names an OCSP responder.
    pub fn issue_with_responder(&self, serial: u64, url: &str) -> Issued {
        self.issue_with(serial, vec![NAME.to_owned()], &KeyPair::generate().unwrap(), Some(url))
    }

    fn issue_with(&self, serial: u64, names: Vec<String>, key: &KeyPair, responder: Option<&str>) -> Issued {
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, format!("certificate {serial}"));
        params.serial_number = Some(SerialNumber::from(serial));
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2049, 12, 31);
        if let Some(url) = responder {
            let extension = ocsp::responder_extension(url);
            let access = CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], extension);
            params.custom_extensions.push(access);
        }
        let certificate = params.signed_by(key, &self.certificate, &self.key).unwrap();
        Issued { der: certificate.der().clone(), certificate: certificate.pem(), key: key.serialize_pem() }
    }

    /// Returns the certificate of the authority itself.
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// Returns a list of revoked certificates.
    pub fn revoke(&self, serials: &[u64]) -> String {
        self.list(serials).pem().unwrap()
    }

    /// Returns a list of revoked certificates without a next update, and without a sound signature.
    pub fn revoke_without_end(&self, serials: &[u64]) -> String {
        let list = self.list(serials);
        let (_, rest) = list.der().split_at(head(list.der()).0);
        let (start, length) = head(rest);
        let (inner, signature) = (&rest[start..start + length], &rest[start + length..]);
        // Version, algorithm, issuer and time of issue, each with its head.
        let next = (0..4).fold(0, |at, _| {
            let (start, length) = head(&inner[at..]);
            at + start + length
        });
        let (start, length) = head(&inner[next..]);
        let inner = sequence(&[&inner[..next], &inner[next + start + length..]].concat());
        let whole = sequence(&[&inner, signature].concat());
        // 48 bytes are 64 digits.
        let lines: Vec<String> = whole.chunks(48).map(base64).collect();
        format!("-----BEGIN X509 CRL-----\n{}\n-----END X509 CRL-----\n", lines.join("\n"))
    }

    fn list(&self, serials: &[u64]) -> CertificateRevocationList {
        let revoked = |serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: date_time_ymd(2021, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2021, 1, 1),
            next_update: date_time_ymd(2049, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.certificate, &self.key).unwrap()
    }

    /// Returns a TLS client that trusts this authority.
    pub fn client(&self) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        TlsConnector::from(Arc::new(config))
    }
}

impl Issued {
    /// Returns the text of a PEM file for HAProxy.
    pub fn pem(&self) -> String {
        format!("{}{}", self.certificate, self.key)
    }
}

/// Does one handshake and returns the certificate that the frontend serves.
pub async fn served(client: &TlsConnector, socket: &Path) -> io::Result<CertificateDer<'static>> {
    let stream = UnixStream::connect(socket).await?;
    let stream = client.connect(ServerName::try_from(NAME).unwrap(), stream).await?;
    let (_, connection) = stream.get_ref();
    let certificates = connection.peer_certificates().unwrap_or_default();
    certificates.first().cloned().ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Returns the length of the head of a DER value, and the length of its content.
fn head(der: &[u8]) -> (usize, usize) {
    match der[1] {
        length @ 0..=0x7f => (2, length.into()),
        more => {
            let end = 2 + usize::from(more & 0x7f);
            (end, der[2..end].iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
        }
    }
}

fn sequence(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[0x30, 0x82], &length[..], content].concat()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, n| bits << 8 | usize::from(group.get(n).copied().unwrap_or(0)));
        for n in 0..4 {
            let digit = char::from(DIGITS[bits >> (18 - 6 * n) & 0x3f]);
            text.push(if n > group.len() { '=' } else { digit });
        }
    }
    text
}
