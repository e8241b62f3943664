//! PEM texts, and the parts of DER that HAProxy shows or that harm it.

mod crl_section;
mod der;
mod leaf;
mod pem;

pub(super) use crl_section::SECTION as CRL_SECTION;
pub(crate) use leaf::Leaf;
pub(super) use pem::payload;
