/// Whether a process is one of several of the same HAProxy: the setting `nbproc`, which
/// HAProxy 2.5 removed.
///
/// Such processes know the names of proxies that they do not run, and may share sockets.
/// Each method names something that they do differently. Other code asks here, so that
/// this file is the place to begin when support for `nbproc` ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Nbproc {
    is_several: bool,
}

impl Nbproc {
    /// Takes the key `Nbproc` of `show info`.
    pub(crate) fn new(processes: Option<u64>) -> Self {
        Self { is_several: processes.is_some_and(|processes| processes > 1) }
    }

    /// Whether `message` says that another process runs the proxy. A process alone says
    /// the same of a proxy that is disabled or shut down.
    pub(super) fn is_absent(self, message: &str) -> bool {
        self.is_several && (message == DISABLED || message.starts_with(SHUT_DOWN))
    }

    /// Whether a command for a frontend succeeds, with no effect, in a process that does
    /// not run the frontend.
    pub(crate) fn accepts_foreign_frontends(self) -> bool {
        self.is_several
    }

    /// Whether `get weight` answers for servers of a backend that the process does not run.
    pub(crate) fn knows_foreign_weights(self) -> bool {
        self.is_several
    }

    /// Whether `show servers state` prints an empty list for a backend that the process
    /// does not run, instead of an error.
    pub(crate) fn lists_foreign_backends(self) -> bool {
        self.is_several
    }

    /// Whether a stats socket may lead to any of several processes.
    pub(crate) fn shares_sockets(self) -> bool {
        self.is_several
    }

    /// Whether the processes are told apart by their number (`Process_num`).
    pub(crate) fn is_numbered(self) -> bool {
        self.is_several
    }
}

/// The message about a backend that this process does not run: because another process of
/// `nbproc` runs it, because this process is stopping, or because the configuration
/// disables it. The command was not executed.
pub(crate) const DISABLED: &str = "Proxy is disabled.";

/// The message of `enable frontend` and `disable frontend` about a frontend without
/// sockets.
pub(crate) const SHUT_DOWN: &str = "Frontend was previously shut down";
