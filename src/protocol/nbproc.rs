/// Behaviour of a process that depends on `nbproc`, the number of processes of one HAProxy.
/// HAProxy 2.5 removed the setting.
///
/// The processes of `nbproc` know the names of proxies that they do not run, and may share
/// sockets. An old worker of any release knows the names of its proxies too, and runs none of them any more. Each method names one
/// difference. All other code uses these methods, so the end of support for `nbproc` begins in this file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Nbproc {
    is_several: bool,
    is_old_worker: bool,
}

impl Nbproc {
    /// Reads the key `Nbproc` of `show info`.
    pub(crate) fn new(processes: Option<u64>) -> Self {
        Self { is_several: processes.is_some_and(|processes| processes > 1), is_old_worker: false }
    }

    /// Returns the behaviour of an old worker.
    pub(crate) fn of_old_worker() -> Self {
        Self { is_several: false, is_old_worker: true }
    }

    /// Returns `true` if the process may know a proxy that it does not run.
    fn knows_foreign_proxies(self) -> bool {
        self.is_several || self.is_old_worker
    }

    /// Returns `true` if `message` means that another process runs the proxy. If HAProxy has one
    /// process only, the same message means that the proxy is disabled or shut down.
    pub(super) fn is_absent(self, message: &str) -> bool {
        self.knows_foreign_proxies() && (message == DISABLED || message.starts_with(SHUT_DOWN))
    }

    /// Returns `true` if a command for a frontend succeeds without effect in a process that does
    /// not run the frontend.
    pub(crate) fn accepts_foreign_frontends(self) -> bool {
        self.knows_foreign_proxies()
    }

    /// Returns `true` if `get weight` answers for servers of a backend that the process does not
    /// run.
    pub(crate) fn knows_foreign_weights(self) -> bool {
        self.knows_foreign_proxies()
    }

    /// Returns `true` if `show servers state` prints an empty list instead of an error for a
    /// backend that the process does not run.
    pub(crate) fn lists_foreign_backends(self) -> bool {
        self.knows_foreign_proxies()
    }

    /// Returns `true` if several processes may accept connections to one stats socket.
    pub(crate) fn shares_sockets(self) -> bool {
        self.is_several
    }

    /// Returns `true` if the process number (`Process_num`) distinguishes the processes.
    pub(crate) fn is_numbered(self) -> bool {
        self.is_several
    }
}

/// HAProxy's message about a backend that the process does not run: another process of `nbproc`
/// runs the backend, the process is stopping, or the configuration disables the backend. The
/// command was not executed.
pub(crate) const DISABLED: &str = "Proxy is disabled.";

/// Message of `enable frontend` and `disable frontend` about a frontend without sockets.
pub(crate) const SHUT_DOWN: &str = "Frontend was previously shut down";
