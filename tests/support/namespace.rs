use std::{
    path::Path,
    process::{Command, Stdio},
    sync::OnceLock,
};

/// Runs a program in a pid namespace of its own, in which it is the first process after each start.
/// If the system does not permit a namespace, runs the program without one.
pub(super) fn isolated(program: &Path) -> Command {
    static FOUND: OnceLock<Option<&[&str]>> = OnceLock::new();
    match FOUND.get_or_init(|| NAMESPACES.into_iter().find(is_permitted)) {
        Some(arguments) => {
            let mut command = Command::new("unshare");
            command.args(*arguments).arg(program);
            command
        }
        None => Command::new(program),
    }
}

fn is_permitted(arguments: &&[&str]) -> bool {
    let mut command = Command::new("unshare");
    command.args(*arguments).arg("true").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Arguments as root, and as another user.
const NAMESPACES: [&[&str]; 2] =
    [&["--pid", "--fork", "--kill-child"], &["--user", "--map-root-user", "--pid", "--fork", "--kill-child"]];
