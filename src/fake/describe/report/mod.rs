//! Rings and resolvers, which only report.

mod follow;
mod resolvers;
mod ring;

pub use resolvers::Resolvers;
pub use ring::Ring;

pub(in crate::fake) use follow::Follow;
