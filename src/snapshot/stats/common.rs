//! What every merged object offers: frontends, backends, servers and listeners.

/// Gives `$object`, a tuple struct around an `Object`, what all of them offer.
macro_rules! view {
    ($object:ident, $what:literal) => {
        impl $object {
            /// Labels of the processes that have it, in the snapshot's order.
            pub fn processes(&self) -> Vec<&str> {
                let mut labels: Vec<_> = self.0.rows().map(|(process, _)| &**process.label()).collect();
                // The rows of one process follow each other.
                labels.dedup();
                labels
            }

            /// Each process that has it, with its own figures. A listener of a `bind`
            /// line with `name` and `shards` has several rows in one process.
            pub fn per_process(
                &self,
            ) -> impl Iterator<Item = (&crate::snapshot::Process, crate::show::stat::Row<'_>)> {
                self.0.rows()
            }

            /// The status that all processes agree on, or the status of each process
            /// (`status`).
            ///
            /// Processes agree if they print the same, or differ only in what their
            /// health checks have counted: the common status of `UP` and `UP 1/3` is the
            /// worse one, `UP 1/3` (see [`StatusDetail::Checks`](crate::StatusDetail::Checks)). Plain
            /// `UP` therefore means that every process says plain `UP`. All other
            /// differences are differences, such as `DOWN` and `DOWN (agent)`.
            ///
            /// Old workers have no say while there are other processes.
            pub fn status(&self) -> crate::snapshot::merge::Agreement<crate::show::stat::Status> {
                let status = self.0.same_status(crate::field::Col::status);
                status.unwrap_or_else(|| {
                    crate::snapshot::merge::Agreement::Same(crate::show::stat::Status::parse(""))
                })
            }

            /// How these processes keep its counters: each for itself, or together in a
            /// file (`shm-stats-file`), where a counter counts once.
            pub fn sharing(&self) -> crate::snapshot::CounterSharing {
                self.0.sharing()
            }

            /// The merged figure of the column called `name`, by the same rule as
            /// its accessor; `None` where no process fills it. A column that this crate
            /// does not know is a text that is the same or differs; an empty one is a
            /// text too.
            ///
            /// # Errors
            ///
            /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no
            /// such column.
            pub fn metric(
                &self,
                name: &str,
            ) -> crate::error::Result<Option<crate::snapshot::merge::MetricValue<'_>>> {
                self.0.figure(name)
            }

            /// Every column that any process fills, merged, by its name.
            pub fn metrics(&self) -> Vec<(&str, crate::snapshot::merge::MetricValue<'_>)> {
                self.0.figures()
            }

            #[doc = concat!("The snapshot this ", $what, " is part of, which it keeps alive.")]
            pub fn snapshot(&self) -> &crate::snapshot::Snapshot {
                self.0.snapshot()
            }
        }
    };
}

/// Writes name and processes of `$object`.
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

/// Without serde nothing is written.
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
