use std::fmt;

use super::Address;

/// Number or process ID of a worker, with which a master finds it (management manual, 9.4.1).
///
/// # Example
///
/// ```
/// use haproxyadmin::master::WorkerId;
///
/// assert_eq!(WorkerId::Number(1).to_string(), "@1");
/// assert_eq!(WorkerId::Pid(4711).to_string(), "@!4711");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WorkerId {
    /// Number among the workers that serve: `@1`. There is one, or there are several with `nbproc`
    /// (up to 2.4). After a reload, the number leads to the new worker.
    Number(u32),
    /// Process ID: `@!PID`. The only way to a worker that a reload has replaced.
    Pid(u32),
}

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "@{number}"),
            Self::Pid(pid) => write!(f, "@!{pid}"),
        }
    }
}

impl Address {
    /// Returns the address to connect to: the one of the master for a worker, and the address itself
    /// otherwise.
    pub(crate) fn socket(&self) -> &Self {
        match self {
            Self::Worker { master, .. } => master,
            address => address,
        }
    }

    /// Returns the address of the master, if this is the address of a worker behind it.
    pub(crate) fn master(&self) -> Option<&Self> {
        match self {
            Self::Worker { master, .. } => Some(master),
            _ => None,
        }
    }

    /// Returns `true` if this is the address of a worker by its process ID, such as an old worker.
    pub(crate) fn is_of_old_worker(&self) -> bool {
        matches!(self, Self::Worker { worker: WorkerId::Pid(_), .. })
    }

    /// Returns the worker, if this is the address of one behind its master.
    pub(crate) fn worker(&self) -> Option<WorkerId> {
        match self {
            Self::Worker { worker, .. } => Some(*worker),
            _ => None,
        }
    }
}

/// Reads the address of a worker without the `@` at its start.
pub(super) fn parse(
    text: &str,
    address: impl Fn(&str) -> Result<Address, String>,
) -> Result<Address, String> {
    let (worker, master) =
        text.split_once('@').ok_or("expected the address of a master behind the worker")?;
    let number = |digits: &str| {
        let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten();
        number.filter(|number| *number > 0).ok_or("expected a worker, as in `@1@` or `@!4711@`")
    };
    let worker = match worker.strip_prefix('!') {
        Some(pid) => WorkerId::Pid(number(pid)?),
        None => WorkerId::Number(number(worker)?),
    };
    // A text with many masters would otherwise need a deep stack.
    if master.strip_prefix("stream+").unwrap_or(master).starts_with('@') {
        return Err("expected the address of a master, found the one of a worker".to_owned());
    }
    Ok(Address::Worker { worker, master: Box::new(address(master)?) })
}
