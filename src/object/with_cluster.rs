/// What every type has that names an object of a cluster: other views of the same.
macro_rules! acts {
    ($type:ident, $what:literal) => {
        impl $type {
            #[doc = concat!("The same ", $what, " of another view of the cluster.")]
            ///
            /// ```no_run
            #[doc = concat!("# fn example(", $what, ": haproxyadmin::", stringify!($type), ", cluster: haproxyadmin::Cluster) {")]
            #[doc = concat!("let lenient = ", $what, ".on(&cluster.allow_partial());")]
            /// # }
            /// ```
            #[must_use]
            pub fn on(&self, cluster: &Cluster) -> Self {
                Self { cluster: cluster.clone(), ..self.clone() }
            }
        }
    };
}

pub(super) use acts;
