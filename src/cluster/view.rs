use super::Cluster;
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

/// Ways to look at the same cluster. Each is cheap, and they can be combined.
impl Cluster {
    /// The same cluster, whose calls take what there is instead of failing when
    /// they fail on some members: [`Snapshot::failed`](crate::Snapshot::failed) and
    /// [`Outcomes::failed`](crate::Outcomes::failed) say on which, and nothing else
    /// does. What is made or read through a view acts through it.
    #[must_use]
    pub fn allow_partial(&self) -> Self {
        self.viewed(|view| view.partial = true)
    }

    /// The same cluster, of which calls reach only these processes: by label, by
    /// address, or as an [`Outcome`](crate::Outcome) names them. Labels stay those
    /// of the whole cluster.
    ///
    /// So is the failed rest tried again:
    /// `cluster.only(outcomes.failed()).server_ref("app", "web1")?.disable()`. A call
    /// that finds one of them not to be in the cluster fails with
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) before it sends
    /// anything, and so does one for which none was chosen; [`rediscover`](Cluster::rediscover) is for the whole cluster always.
    #[must_use]
    pub fn only<S: Into<Selector>>(&self, processes: impl IntoIterator<Item = S>) -> Self {
        let only = processes.into_iter().map(Into::into).collect();
        self.viewed(|view| view.only = Some(only))
    }

    /// The same cluster, whose changes are preceded by a read of the frontend,
    /// backend or server (of `show info` for what is global), process by process:
    /// [`Outcomes::previous`](crate::Outcomes::previous) has what was read. To a
    /// process that could not be read nothing is sent.
    ///
    /// The read and the change are two commands; somebody else may come between.
    #[must_use]
    pub fn with_previous(&self) -> Self {
        self.viewed(|view| view.previous = true)
    }

    /// The same cluster with other time limits. [`Limits::connections`] stays that
    /// of the cluster.
    #[must_use]
    pub fn with_limits(&self, limits: Limits) -> Self {
        self.viewed(|view| view.limits = Some(limits))
    }

    pub(super) fn limits(&self) -> Limits {
        self.view.limits.unwrap_or(self.shared.limits)
    }

    fn viewed(&self, change: impl FnOnce(&mut View)) -> Self {
        let mut cluster = self.clone();
        change(&mut cluster.view);
        cluster
    }
}
