//! Certificates: the output of `show ssl cert`, `show ssl ca-file`, `show ssl crl-file`,
//! `show ssl crt-list`, `show ssl ocsp-response` and `show ssl ocsp-updates`.

mod block;
mod ca_file;
mod crl_file;
mod crt_list;
mod date;
mod details;
mod listing;
mod ocsp;
mod status;
mod x509;

pub use ca_file::CaFileDetails;
pub use crl_file::{Crl, CrlFileDetails, RevokedCertificate};
pub use crt_list::CrtListEntry;
pub use details::CertificateDetails;
pub use listing::{ListedCaFile, ListedCertificate, ListedCrlFile};
pub use ocsp::{ListedOcspResponse, OcspCertificate, OcspId, OcspResponse, OcspStatus, OcspUpdate};
pub use status::CertificateStatus;
pub use x509::X509;
