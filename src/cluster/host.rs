use std::sync::Arc;

/// Returns the name of this host: `nodename` of `uname` on Unix, the environment variable
/// `COMPUTERNAME` or `HOSTNAME` elsewhere, and `localhost` if the host has no name.
///
/// The name tells snapshots of different hosts apart.
pub(super) fn host_name() -> Arc<str> {
    or_localhost(&system_name())
}

#[cfg(unix)]
fn system_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn system_name() -> String {
    let name = |variable: &&str| std::env::var(variable).ok();
    ["COMPUTERNAME", "HOSTNAME"].iter().find_map(name).unwrap_or_default()
}

/// Returns `name`, or `localhost` if the host has no name. Linux calls such a host `(none)`.
fn or_localhost(name: &str) -> Arc<str> {
    match name.trim() {
        "" | "(none)" => "localhost".into(),
        name => name.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn the_name_of_the_host_is_the_one_that_uname_prints() {
        let output = std::process::Command::new("uname").arg("-n").output().unwrap();
        assert_eq!(*host_name(), *String::from_utf8(output.stdout).unwrap().trim());
    }

    #[test]
    fn a_host_without_a_name_is_localhost() {
        for (name, shown) in [("", "localhost"), (" \n", "localhost"), ("(none)", "localhost"), ("a\n", "a")]
        {
            assert_eq!(&*or_localhost(name), shown, "{name:?}");
        }
    }
}
