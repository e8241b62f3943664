//! Accessors of merged figures, one for each column that a kind of row has, made
//! from the table of columns.

/// Gives `$object` an accessor for every column that rows of kind `$want` have.
macro_rules! figures {
    ($want:ident $object:ident $(
        $accessor:ident = $name:literal, $wire:ident, $unit:ident, $nature:ident, $since:literal,
        $([$($kind:ident)*] $rule:ident)*, $doc:literal;
    )*) => {
        /// One accessor for each column, merged over the processes.
        impl $object {
            $($($(
                crate::snapshot::stats::accessor::pick! {
                    $want $kind $rule $wire $accessor
                    concat!("Column `", $name, "`", crate::field::unit!($unit), "; HAProxy ", $since, " and later. "),
                    $doc
                }
            )*)*)*
        }
    };
}

/// Goes on if the wanted kind is the given one.
macro_rules! pick {
    (F F $($rest:tt)*) => { crate::snapshot::stats::accessor::figure! { $($rest)* } };
    (L L $($rest:tt)*) => { crate::snapshot::stats::accessor::figure! { $($rest)* } };
    (S S $($rest:tt)*) => { crate::snapshot::stats::accessor::figure! { $($rest)* } };
    (B B $($rest:tt)*) => { crate::snapshot::stats::accessor::figure! { $($rest)* } };
    ($want:ident $kind:ident $($rest:tt)*) => {};
}

macro_rules! figure {
    // What tells objects apart, or means something in one process only.
    (Identity $wire:ident $accessor:ident $column:expr, $doc:literal) => {};
    (PerProcess $wire:ident $accessor:ident $column:expr, $doc:literal) => {};
    // `status` is written by hand: it is always there.
    (Same Status $accessor:ident $column:expr, $doc:literal) => {};
    (Sum $wire:ident $accessor:ident $column:expr, $doc:literal) => {
        crate::snapshot::stats::accessor::figure! { @ $accessor sum u64, $doc, $column,
            "Merged: the sum over all processes; a counter that processes share counts once, \
             and is `None` while it is not known which of them do." }
    };
    (Max $wire:ident $accessor:ident $column:expr, $doc:literal) => {
        crate::snapshot::stats::accessor::figure! { @ $accessor max u64, $doc, $column,
            "Merged: the highest of all processes." }
    };
    (Min $wire:ident $accessor:ident $column:expr, $doc:literal) => {
        crate::snapshot::stats::accessor::figure! { @ $accessor min u64, $doc, $column,
            "Merged: the lowest of the processes where it has happened." }
    };
    (Mean $wire:ident $accessor:ident $column:expr, $doc:literal) => {
        crate::snapshot::stats::accessor::figure! { @ $accessor mean f64, $doc, $column,
            "Merged: the mean, each process weighing as much as it has samples, 1024 at \
             most; `None` if none has any, and where several processes have samples of which \
             one shares its counters. A process that went idle keeps its old samples." }
    };
    (Range $wire:ident $accessor:ident $column:expr, $doc:literal) => {
        crate::snapshot::stats::accessor::figure! { @ $accessor range crate::snapshot::CountRange, $doc, $column,
            "Merged: between the highest of all processes and the sum of all." }
    };
    (Limit $wire:ident $accessor:ident $column:expr, $doc:literal) => {
        crate::snapshot::stats::accessor::figure! { @ $accessor limit crate::snapshot::merge::Limit, $doc, $column,
            "Merged: the limit of each process, and of all together; 0 or empty is unlimited." }
    };
    (Same Text $accessor:ident $column:expr, $doc:literal) => {
        crate::snapshot::stats::accessor::figure! { @ $accessor same_text crate::snapshot::merge::Agreement<&str>, $doc, $column,
            "Merged: the common value, or that of each process." }
    };
    (SameOrEmpty Text $accessor:ident $column:expr, $doc:literal) => {
        crate::snapshot::stats::accessor::figure! { @ $accessor same_text_or_empty crate::snapshot::merge::Agreement<&str>, $doc, $column,
            "Merged: the common value, or that of each process, of which some may be empty; \
             `None` if all are." }
    };
    (SameOrEmpty Check $accessor:ident $column:expr, $doc:literal) => {
        crate::snapshot::stats::accessor::figure! { @ $accessor same_check crate::snapshot::merge::Agreement<crate::show::stat::CheckStatus>, $doc, $column,
            "Merged: the common result, or that of each process, of which some may be \
             [`NoCheck`](crate::CheckResult::NoCheck); `None` if all are." }
    };
    (SameOrEmpty $wire:ident $accessor:ident $column:expr, $doc:literal) => {
        crate::snapshot::stats::accessor::figure! { @ $accessor same_bound crate::snapshot::merge::Agreement<crate::snapshot::merge::Bound>, $doc, $column,
            "Merged: the common limit, or that of each process." }
    };
    (Same Mode $accessor:ident $column:expr, $doc:literal) => {
        crate::snapshot::stats::accessor::figure! { @ $accessor same_mode crate::snapshot::merge::Agreement<crate::show::stat::Mode>, $doc, $column,
            "Merged: the common value, or that of each process." }
    };
    (Same $wire:ident $accessor:ident $column:expr, $doc:literal) => {
        crate::snapshot::stats::accessor::figure! { @ $accessor same_number crate::snapshot::merge::Agreement<u64>, $doc, $column,
            "Merged: the common value, or that of each process." }
    };
    (@ $accessor:ident $fold:ident $result:ty, $doc:literal, $column:expr, $merged:literal) => {
        #[doc = $doc]
        #[doc = ""]
        #[doc = $column]
        #[doc = $merged]
        pub fn $accessor(&self) -> Option<$result> {
            self.0.$fold(crate::field::Col::$accessor)
        }
    };
}

pub(super) use {figure, figures, pick};
