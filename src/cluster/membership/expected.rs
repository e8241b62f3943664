//! Requirements of a cluster besides the answers of its members.

use std::borrow::Borrow;
use std::sync::Arc;

use super::candidate::Listing;
use super::state::Membership;
use crate::error::{ErrorKind, Failure};
use crate::process;
use crate::snapshot::{Record, Required, Requirement};

impl Membership {
    /// Returns the requirements of the cluster: each directory, each master, each expected process, and
    /// the expected number of members.
    pub(crate) fn requirements<R>(&self, listing: &Listing, members: &[R]) -> Vec<Requirement>
    where
        R: Borrow<Record>,
    {
        let now = process::now();
        let new = |required, failure| Requirement::new(Arc::clone(&self.host), required, now, failure);
        let mut requirements = Vec::new();
        for (path, failure) in &listing.directories {
            let required = Required::Directory(path.display().to_string().into());
            requirements.push(new(required, failure.clone()));
        }
        for (address, failure) in &listing.masters {
            requirements.push(new(Required::Master(address.to_string().into()), failure.clone()));
        }
        for expected in &self.expected {
            let required = Required::Process(expected.to_string().into());
            let is_member = members.iter().any(|member| expected.fits_record(member.borrow()));
            let failure = (!is_member).then(|| absent(format!("{required} is expected and not a member")));
            requirements.push(new(required, failure));
        }
        if self.expected_count > 0 {
            let required = Required::AtLeast(self.expected_count);
            let found = members.len();
            let is_met = found >= self.expected_count;
            let failure = (!is_met).then(|| absent(format!("{required} expected, {found} found")));
            requirements.push(new(required, failure));
        }
        requirements
    }
}

fn absent(text: String) -> Failure {
    Failure::without_error(ErrorKind::NotFound, text)
}
