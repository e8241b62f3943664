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
