//! OCSP responses: the output of `show ssl ocsp-response` and `show ssl ocsp-updates`.

mod id;
mod listing;
mod response;
mod update;

pub use id::{OcspCertificate, OcspId};
pub use listing::ListedOcspResponse;
pub use response::{OcspResponse, OcspStatus};
pub use update::OcspUpdate;
