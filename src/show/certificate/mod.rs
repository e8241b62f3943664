//! Certificates: the output of `show ssl cert`.

mod date;
mod details;
mod listing;
mod status;
mod x509;

pub use details::CertificateDetails;
pub use listing::ListedCertificate;
pub use status::CertificateStatus;
pub use x509::X509;
