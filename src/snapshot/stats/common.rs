//! Methods that all merged objects have: frontends, backends, servers and listeners.

/// Gives `$object`, a tuple struct around an `Object`, the methods that all objects have.
macro_rules! view {
    ($object:ident, $what:literal) => {
        impl $object {
            /// Returns the labels of the processes that have it, in the order of the snapshot.
            pub fn processes(&self) -> Vec<&str> {
                let mut labels: Vec<_> = self.0.rows().map(|(process, _)| &**process.label()).collect();
                // The rows of one process are adjacent.
                labels.dedup();
                labels
            }

            /// Returns each process that has it, with its own figures. A listener of a `bind` line
            /// with `name` and `shards` has several rows in one process.
            pub fn per_process(
                &self,
            ) -> impl Iterator<Item = (&crate::snapshot::Process, crate::show::stat::Row<'_>)> {
                self.0.rows()
            }

            /// Returns the status (`status`) that all processes agree on, or the status of each
            /// process.
            ///
            /// Processes agree if they print the same status, or if their statuses differ only in
            /// the counts of health checks: the common status of `UP` and `UP 1/3` is the worse
            /// one, `UP 1/3` (see [`StatusDetail::Checks`](crate::stat::StatusDetail::Checks)). Plain
            /// `UP` therefore means that every process prints plain `UP`. All other differences are
            /// reported as differences, such as `DOWN` and `DOWN (agent)`.
            ///
            /// Old workers are ignored, unless all processes are old workers.
            pub fn status(&self) -> crate::snapshot::merge::Agreement<crate::show::stat::Status> {
                let status = self.merge().same_status(crate::field::Col::status);
                status.unwrap_or_else(|| {
                    crate::snapshot::merge::Agreement::Same(crate::show::stat::Status::parse(""))
                })
            }

            /// Returns the sharing of its counters: each process counts for itself, or processes
            /// count together in a file (`shm-stats-file`), and then a counter counts once.
            pub fn sharing(&self) -> crate::snapshot::CounterSharing {
                self.0.sharing()
            }

            /// Returns the merged figure of the column called `name`, by the same rule as its
            /// accessor; `None` if no process fills the column. A column that this crate does not
            /// know is a text that is the same or differs; an empty text is a value too.
            ///
            /// # Errors
            ///
            /// - [`NotFound`](crate::ErrorKind::NotFound) if there is no column called `name`.
            pub fn metric(
                &self,
                name: &str,
            ) -> crate::error::Result<Option<crate::snapshot::merge::MetricValue<'_>>> {
                self.0.figure(name)
            }

            /// Returns the merged figure of every column that any process fills, with the name of
            /// the column.
            pub fn metrics(&self) -> Vec<(&str, crate::snapshot::merge::MetricValue<'_>)> {
                self.0.figures()
            }

            #[doc = concat!("Returns the snapshot that this ", $what, " is part of. The ", $what, " keeps it alive.")]
            pub fn snapshot(&self) -> &crate::snapshot::Snapshot {
                self.0.snapshot()
            }

            fn merge(
                &self,
            ) -> crate::snapshot::merge::Merge<
                '_,
                impl Iterator<Item = (&crate::snapshot::Process, crate::show::stat::Row<'_>)> + Clone,
            > {
                self.0.merge()
            }
        }
    };
}

/// Writes the names and processes of `$object`.
macro_rules! debug {
    ($object:ident) => {
        impl std::fmt::Debug for $object {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($object))
                    .field("proxy", &self.0.proxy())
                    .field("name", &self.0.name())
                    .field("processes", &self.processes())
                    .finish_non_exhaustive()
            }
        }
    };
}

/// Writes `$object` as a map of its names, processes, status and figures.
#[cfg(feature = "serde")]
macro_rules! serialize {
    ($object:ident: $($name:ident)+) => {
        impl serde::Serialize for $object {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap as _;

                let mut map = serializer.serialize_map(None)?;
                $(map.serialize_entry(stringify!($name), self.$name())?;)+
                map.serialize_entry("processes", &self.processes())?;
                map.serialize_entry("status", &self.status())?;
                map.serialize_entry("metrics", &crate::snapshot::stats::common::Metrics(self.metrics()))?;
                map.end()
            }
        }
    };
}

/// Writes nothing, because serde is off.
#[cfg(not(feature = "serde"))]
macro_rules! serialize {
    ($object:ident: $($name:ident)+) => {};
}

/// Figures by the name of their column or key.
#[cfg(feature = "serde")]
pub(super) struct Metrics<'a>(pub(super) Vec<(&'a str, crate::snapshot::merge::MetricValue<'a>)>);

#[cfg(feature = "serde")]
impl serde::Serialize for Metrics<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, figure)| (name, figure)))
    }
}

pub(super) use {debug, serialize, view};
