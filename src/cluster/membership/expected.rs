//! Requirements of a cluster besides the answers of its members.

use std::borrow::Borrow;
use std::sync::Arc;

use super::candidate::Listing;
use super::state::Membership;
use super::table::{Classification, IgnoredReason};
use crate::address::Address;
use crate::cluster::identity::Identity;
use crate::error::{ErrorKind, Failure};
use crate::process;
use crate::snapshot::{Record, Required, Requirement};

impl Membership {
    /// Returns the requirements of the cluster: each directory, each master, each given address that
    /// processes of `nbproc` share, each expected process, and the expected number of members.
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
        for (address, reason) in self.shared_addresses(members) {
            let required = Required::Address(address.clone());
            let failure = reason.map(|reason| {
                absent(format!(
                    "{required} is expected and not a member: {reason}; the process that answered is read \
                     through no other socket"
                ))
            });
            requirements.push(new(required, failure));
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

    /// Returns the given addresses that are ignored because several processes of `nbproc` may answer there.
    /// Each is with the reason, unless the process that answered is a member.
    fn shared_addresses<R>(&self, members: &[R]) -> Vec<(&Address, Option<IgnoredReason>)>
    where
        R: Borrow<Record>,
    {
        let is_read = |identity: &Identity| {
            let mut members = members.iter().filter_map(|member| Identity::of(member.borrow()));
            members.any(|member| member.fits(identity))
        };
        let table = self.table();
        let shared = |address| match &table.get(address)?.classification {
            Classification::Shared { reason, identity } => {
                let is_read = identity.as_ref().is_some_and(is_read);
                Some((address, (!is_read).then(|| reason.clone())))
            }
            _ => None,
        };
        self.addresses.iter().filter_map(shared).collect()
    }
}

fn absent(text: String) -> Failure {
    Failure::without_error(ErrorKind::NotFound, text)
}
