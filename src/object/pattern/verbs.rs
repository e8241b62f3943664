use crate::error::Result;
use crate::level::Level;
use crate::protocol::{Command, keywords};

use super::PatternId;

/// Kind of a list of patterns.
///
/// # Example
///
/// ```
/// use haproxyadmin::map::PatternKind;
///
/// assert_eq!(PatternKind::Acl.to_string(), "acl");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum PatternKind {
    /// Map: each key has a value.
    Map,
    /// ACL: patterns without values.
    Acl,
}

keywords!(PatternKind, "kind", {
    Map = "map",
    Acl = "acl",
});

impl PatternKind {
    pub(super) fn verbs(self) -> &'static Verbs {
        match self {
            Self::Map => &Verbs::MAP,
            Self::Acl => &Verbs::ACL,
        }
    }

    /// Returns the query for the list of all maps or ACLs.
    pub(crate) fn list(self) -> Command {
        // From 3.4 on it needs level admin.
        let verb = self.verbs().show;
        Command::read(verb).needs(Level::Admin)
    }

    /// Returns the query for the entries of a map or an ACL.
    pub(crate) fn show(self, id: &PatternId) -> Result<Command> {
        self.list().text(&id.to_string())
    }
}

/// The commands of one kind of pattern set.
#[derive(Debug)]
pub(super) struct Verbs {
    pub(super) show: &'static str,
    pub(super) get: &'static str,
    pub(super) add: &'static str,
    pub(super) delete: &'static str,
    pub(super) clear: &'static str,
    pub(super) prepare: &'static str,
    pub(super) commit: &'static str,
}

impl Verbs {
    pub(super) const MAP: Self = Self {
        show: "show map",
        get: "get map",
        add: "add map",
        delete: "del map",
        clear: "clear map",
        prepare: "prepare map",
        commit: "commit map",
    };
    pub(super) const ACL: Self = Self {
        show: "show acl",
        get: "get acl",
        add: "add acl",
        delete: "del acl",
        clear: "clear acl",
        prepare: "prepare acl",
        commit: "commit acl",
    };
}
