//! Accessors of increases, generated from the tables of columns and keys: one for each counter that
//! is added up. Also the methods that all objects of a delta have.

/// Gives `$object` an accessor for every counter that objects of kind `$want` have and that is added
/// up over processes.
macro_rules! increases {
    ($noun:literal $want:ident $object:ident $field:ident $(
        $accessor:ident = $name:literal, $wire:ident, $unit:ident, $nature:ident, $since:literal,
        $([$($kind:ident)*] $rule:ident)*, $doc:literal;
    )*) => {
        /// Accessors, one for each counter: its increase, added up over the processes that were
        /// counted. `None` if none of them has a value.
        impl $object {
            $($($(
                crate::snapshot::delta::accessor::pick! {
                    $want $kind $rule $nature $accessor $field
                    concat!(
                        "Increase of the ", $noun, " `", $name, "`",
                        crate::field::unit!($unit), "; HAProxy ", $since, " and later."
                    ),
                    $doc
                }
            )*)*)*
        }
    };
}

/// Continues if the wanted kind is the given kind, and the entry is a counter that is added up.
macro_rules! pick {
    (F F Sum Counter $($rest:tt)*) => { crate::snapshot::delta::accessor::increase! { $($rest)* } };
    (L L Sum Counter $($rest:tt)*) => { crate::snapshot::delta::accessor::increase! { $($rest)* } };
    (S S Sum Counter $($rest:tt)*) => { crate::snapshot::delta::accessor::increase! { $($rest)* } };
    (B B Sum Counter $($rest:tt)*) => { crate::snapshot::delta::accessor::increase! { $($rest)* } };
    (P P Sum Counter $($rest:tt)*) => { crate::snapshot::delta::accessor::increase! { $($rest)* } };
    // Keys that only grow although HAProxy tags them as gauges.
    (P P Sum Gauge dropped_logs $($rest:tt)*) => {
        crate::snapshot::delta::accessor::increase! { dropped_logs $($rest)* }
    };
    (P P Sum Gauge failed_resolutions $($rest:tt)*) => {
        crate::snapshot::delta::accessor::increase! { failed_resolutions $($rest)* }
    };
    (P P Sum Gauge total_bytes_out $($rest:tt)*) => {
        crate::snapshot::delta::accessor::increase! { total_bytes_out $($rest)* }
    };
    (P P Sum Gauge total_splicded_bytes_out $($rest:tt)*) => {
        crate::snapshot::delta::accessor::increase! { total_splicded_bytes_out $($rest)* }
    };
    (P P Sum Gauge total_spliced_bytes_out $($rest:tt)*) => {
        crate::snapshot::delta::accessor::increase! { total_spliced_bytes_out $($rest)* }
    };
    (P P Sum Gauge cum_streams $($rest:tt)*) => {
        crate::snapshot::delta::accessor::increase! { cum_streams $($rest)* }
    };
    (P P Sum Gauge patterns_added $($rest:tt)*) => {
        crate::snapshot::delta::accessor::increase! { patterns_added $($rest)* }
    };
    (P P Sum Gauge patterns_freed $($rest:tt)*) => {
        crate::snapshot::delta::accessor::increase! { patterns_freed $($rest)* }
    };
    ($want:ident $kind:ident $($rest:tt)*) => {};
}

macro_rules! increase {
    ($accessor:ident $field:ident $entry:expr, $doc:literal) => {
        #[doc = $doc]
        #[doc = ""]
        #[doc = $entry]
        pub fn $accessor(&self) -> Option<crate::snapshot::Increase> {
            self.0.increase_of(|_| $field::$accessor)
        }
    };
}

/// Gives `$object`, a tuple struct around an `Object`, the methods that all objects of a delta have.
macro_rules! view {
    ($object:ident, $what:literal, $($name:ident)+) => {
        impl $object {
            /// Returns each process that has or had it, with the result of the comparison. A listener
            /// of a `bind` line with `name` and `shards` has several entries in one process.
            pub fn standings(
                &self,
            ) -> impl Iterator<
                Item = (&crate::snapshot::ProcessDelta, crate::snapshot::ObjectStanding),
            > {
                self.0.standings()
            }

            /// Returns the shortest and the longest time that its differences cover; `None` if no
            /// process was counted.
            pub fn covers(&self) -> Option<crate::snapshot::Covers> {
                self.0.covers()
            }

            /// Returns the increase of the counter in the column called `name`: the number of events,
            /// their rate, and those of each process. `None` if no process that was counted has a
            /// value.
            ///
            /// # Errors
            ///
            /// - [`NotFound`](crate::ErrorKind::NotFound) if this crate knows no column called `name`.
            /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the column is not a counter, or
            ///   if it is not added up over processes, such as `chkdown`.
            pub fn increase(
                &self,
                name: &str,
            ) -> crate::error::Result<Option<crate::snapshot::Increase>> {
                self.0.increase(name)
            }

            /// Returns the number of events in the column called `name`.
            ///
            /// # Errors
            ///
            /// - The errors of [`increase`](Self::increase).
            pub fn difference(
                &self,
                name: &str,
            ) -> crate::error::Result<Option<crate::snapshot::CountRange>> {
                Ok(self.0.increase(name)?.map(|increase| increase.count()))
            }

            /// Returns the number of events per second in the column called `name`. `None` also while
            /// it is not known which processes share the counter.
            ///
            /// # Errors
            ///
            /// - The errors of [`increase`](Self::increase).
            pub fn rate(&self, name: &str) -> crate::error::Result<Option<f64>> {
                Ok(self.0.increase(name)?.and_then(|increase| increase.rate()))
            }

            /// Returns the increase of every counter that any counted process fills, with the name of
            /// its column.
            pub fn increases(&self) -> Vec<(&'static str, crate::snapshot::Increase)> {
                self.0.increases()
            }

            #[doc = concat!("Returns the delta that this ", $what, " is part of. The ", $what, " keeps it alive.")]
            pub fn delta(&self) -> &crate::snapshot::Delta {
                self.0.delta()
            }
        }

        impl std::fmt::Debug for $object {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($object))
                    .field("proxy", &self.0.proxy())
                    .field("name", &self.0.name())
                    .field("covers", &self.covers())
                    .finish_non_exhaustive()
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $object {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap as _;

                let mut map = serializer.serialize_map(None)?;
                $(map.serialize_entry(stringify!($name), self.$name())?;)+
                map.serialize_entry("processes", &crate::snapshot::delta::accessor::Standings(&self.0))?;
                map.serialize_entry("covers", &self.covers())?;
                map.serialize_entry("increases", &crate::snapshot::delta::accessor::Increases(self.increases()))?;
                map.end()
            }
        }
    };
}

/// Increases by the name of their column or key.
#[cfg(feature = "serde")]
pub(super) struct Increases(pub(super) Vec<(&'static str, super::Increase)>);

#[cfg(feature = "serde")]
impl serde::Serialize for Increases {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, increase)| (name, increase)))
    }
}

/// Label and standing of each process of an object, as a list: a process can have two standings.
#[cfg(feature = "serde")]
pub(super) struct Standings<'a>(pub(super) &'a super::object::Object);

#[cfg(feature = "serde")]
impl serde::Serialize for Standings<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Written<'a> {
            label: &'a str,
            standing: super::ObjectStanding,
        }

        let all = self.0.standings();
        serializer.collect_seq(all.map(|(process, standing)| Written { label: process.label(), standing }))
    }
}

pub(super) use {increase, increases, pick, view};
