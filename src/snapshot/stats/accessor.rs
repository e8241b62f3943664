//! Accessors of merged figures, generated from the tables of columns and keys: one for each column
//! or key that a kind of object has.

/// Gives `$object` an accessor for every entry of a table that objects of kind `$want` have. The
/// accessor merges by a method of [`Merge`](crate::snapshot::merge::Merge).
macro_rules! figures {
    ($noun:literal $want:ident $object:ident $field:ident $(
        $accessor:ident = $name:literal, $wire:ident, $unit:ident, $nature:ident, $since:literal,
        $([$($kind:ident)*] $rule:ident)*, $doc:literal;
    )*) => {
        /// Accessors, merged over the processes.
        impl $object {
            $($($(
                crate::snapshot::stats::accessor::pick! {
                    $want $kind $rule $wire $accessor $field
                    concat!($noun, " `", $name, "`", crate::field::unit!($unit), "; HAProxy ", $since, " and later. "),
                    $doc
                }
            )*)*)*
        }
    };
}

/// Continues if the wanted kind is the given kind.
macro_rules! pick {
    (F F $($rest:tt)*) => { crate::snapshot::stats::accessor::figure! { $($rest)* } };
    (L L $($rest:tt)*) => { crate::snapshot::stats::accessor::figure! { $($rest)* } };
    (S S $($rest:tt)*) => { crate::snapshot::stats::accessor::figure! { $($rest)* } };
    (B B $($rest:tt)*) => { crate::snapshot::stats::accessor::figure! { $($rest)* } };
    // Processes share no value of `show info`. It is neither the age of an event nor a mean over
    // samples.
    (P P Sum $wire:ident $accessor:ident $field:ident $entry:expr, $doc:literal) => {
        crate::snapshot::stats::accessor::figure! { @ $accessor sum u64, $doc, $field $entry,
            "Merged: the sum over all processes." }
    };
    (P P Min $wire:ident $accessor:ident $field:ident $entry:expr, $doc:literal) => {
        crate::snapshot::stats::accessor::figure! { @ $accessor min u64, $doc, $field $entry,
            "Merged: the lowest value of all processes." }
    };
    (P P Mean $wire:ident $accessor:ident $field:ident $entry:expr, $doc:literal) => {
        crate::snapshot::stats::accessor::figure! { @ $accessor mean f64, $doc, $field $entry,
            "Merged: the mean over all processes." }
    };
    (P P $($rest:tt)*) => { crate::snapshot::stats::accessor::figure! { $($rest)* } };
    ($want:ident $kind:ident $($rest:tt)*) => {};
}

macro_rules! figure {
    // No accessor for values that identify objects, or that have a meaning in one process only.
    (Identity $wire:ident $accessor:ident $field:ident $entry:expr, $doc:literal) => {};
    (PerProcess $wire:ident $accessor:ident $field:ident $entry:expr, $doc:literal) => {};
    // `status` is written by hand, because it always has a value.
    (Same Status $accessor:ident $field:ident $entry:expr, $doc:literal) => {};
    (Sum $wire:ident $accessor:ident $field:ident $entry:expr, $doc:literal) => {
        crate::snapshot::stats::accessor::figure! { @ $accessor sum u64, $doc, $field $entry,
            "Merged: the sum over all processes. A counter that processes share counts once, \
             and is `None` while it is not known which processes share it." }
    };
    (Max $wire:ident $accessor:ident $field:ident $entry:expr, $doc:literal) => {
        crate::snapshot::stats::accessor::figure! { @ $accessor max u64, $doc, $field $entry,
            "Merged: the highest value of all processes." }
    };
    (Min $wire:ident $accessor:ident $field:ident $entry:expr, $doc:literal) => {
        crate::snapshot::stats::accessor::figure! { @ $accessor min u64, $doc, $field $entry,
            "Merged: the lowest value of the processes in which the event has happened." }
    };
    (Mean $wire:ident $accessor:ident $field:ident $entry:expr, $doc:literal) => {
        crate::snapshot::stats::accessor::figure! { @ $accessor mean f64, $doc, $field $entry,
            "Merged: the mean, weighted by the samples of each process, at most 1024. `None` if \
             no process has samples, or if several processes have samples, one of them shares \
             its counters, and any value is not 0. A process that went idle keeps its old samples." }
    };
    (Range $wire:ident $accessor:ident $field:ident $entry:expr, $doc:literal) => {
        crate::snapshot::stats::accessor::figure! { @ $accessor range crate::snapshot::CountRange, $doc, $field $entry,
            "Merged: the range between the highest value and the sum of all processes." }
    };
    (Limit $wire:ident $accessor:ident $field:ident $entry:expr, $doc:literal) => {
        crate::snapshot::stats::accessor::figure! { @ $accessor limit crate::snapshot::merge::Limit, $doc, $field $entry,
            "Merged: the limit of each process, and of all processes together. A limit of 0, or without a number, is unlimited." }
    };
    (Same Text $accessor:ident $field:ident $entry:expr, $doc:literal) => {
        crate::snapshot::stats::accessor::figure! { @ $accessor same_text crate::snapshot::merge::Agreement<&str>, $doc, $field $entry,
            "Merged: the common value, or the value of each process." }
    };
    (SameOrEmpty Text $accessor:ident $field:ident $entry:expr, $doc:literal) => {
        crate::snapshot::stats::accessor::figure! { @ $accessor same_text_or_empty crate::snapshot::merge::Agreement<&str>, $doc, $field $entry,
            "Merged: the common value, or the value of each process. Some values may be empty; \
             `None` if all are empty." }
    };
    (SameOrEmpty Check $accessor:ident $field:ident $entry:expr, $doc:literal) => {
        crate::snapshot::stats::accessor::figure! { @ $accessor same_check crate::snapshot::merge::Agreement<crate::show::stat::CheckStatus>, $doc, $field $entry,
            "Merged: the common result, or the result of each process. Some results may be \
             [`NoCheck`](crate::stat::CheckResult::NoCheck); `None` if all cells are empty." }
    };
    (SameOrEmpty $wire:ident $accessor:ident $field:ident $entry:expr, $doc:literal) => {
        crate::snapshot::stats::accessor::figure! { @ $accessor same_bound crate::snapshot::merge::Agreement<crate::snapshot::merge::Bound>, $doc, $field $entry,
            "Merged: the common limit, or the limit of each process." }
    };
    (Same Mode $accessor:ident $field:ident $entry:expr, $doc:literal) => {
        crate::snapshot::stats::accessor::figure! { @ $accessor same_mode crate::snapshot::merge::Agreement<crate::show::stat::Mode>, $doc, $field $entry,
            "Merged: the common value, or the value of each process." }
    };
    (Same $wire:ident $accessor:ident $field:ident $entry:expr, $doc:literal) => {
        crate::snapshot::stats::accessor::figure! { @ $accessor same_number crate::snapshot::merge::Agreement<u64>, $doc, $field $entry,
            "Merged: the common value, or the value of each process." }
    };
    (@ $accessor:ident $fold:ident $result:ty, $doc:literal, $field:ident $entry:expr, $merged:literal) => {
        #[doc = $doc]
        #[doc = ""]
        #[doc = $entry]
        #[doc = $merged]
        pub fn $accessor(&self) -> Option<$result> {
            self.merge().$fold($field::$accessor)
        }
    };
}

pub(super) use {figure, figures, pick};
