use super::selector::Selector;
use crate::transport::Limits;

/// How the calls of a cluster are made.
#[derive(Debug, Clone, Default)]
pub(super) struct View {
    /// Whether what fails on some processes is left to the caller to judge.
    pub(super) partial: bool,
    /// The processes that are meant; all of them if not told.
    pub(super) only: Option<std::sync::Arc<[Selector]>>,
    /// Whether what is about to be changed is read before.
    pub(super) previous: bool,
    pub(super) limits: Option<Limits>,
}
