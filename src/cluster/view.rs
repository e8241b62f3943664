use super::selector::Selector;
use crate::transport::Limits;

/// Options of the calls made through one view of a cluster.
#[derive(Debug, Clone, Default)]
pub(super) struct View {
    /// Set if a call returns partial results instead of failing.
    pub(super) partial: bool,
    /// The selected processes; `None` selects all of them.
    pub(super) only: Option<std::sync::Arc<[Selector]>>,
    /// Set if a change is preceded by a read of the object that it changes.
    pub(super) previous: bool,
    pub(super) limits: Option<Limits>,
}
