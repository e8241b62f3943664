//! Maps and ACLs: lists of patterns that HAProxy holds in memory.

mod acl;
mod bulk;
mod contents;
mod deletion;
mod id;
mod lookup;
mod map;
mod mirror;
mod plan;
mod replacement;
mod set;
mod synchronization;
mod verbs;

pub use acl::Acl;
pub use contents::{Contents, Difference};
pub use id::PatternId;
pub use lookup::Lookup;
pub use map::Map;
pub use plan::{NewValue, Plan};
pub use verbs::PatternKind;

pub(crate) use set::{check_acl, check_map};
pub(crate) use synchronization::Edit;
