use std::{
    fs,
    io::Write,
    process::{Child, Command, Stdio},
    thread,
    time::Instant,
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process};

use super::ask::{LIMIT, PAUSE};

/// Returns `true` if a process with that pid exists and has not ended.
pub fn is_alive(pid: u32) -> bool {
    test_kill_process(id(pid)).is_ok() && !is_zombie(pid)
}

pub(super) fn signal(pid: u32, signal: Signal) {
    // The process may be gone already, which is fine.
    let _ = kill_process(id(pid), signal);
}

/// Ends a process and waits until it is gone.
pub(super) fn end(pid: u32) {
    signal(pid, Signal::KILL);
    let start = Instant::now();
    while is_alive(pid) {
        assert!(start.elapsed() < LIMIT, "process {pid} does not end");
        thread::sleep(PAUSE / 10);
    }
}

/// Ends all processes of the group with this leader.
pub(super) fn end_group(leader: u32) {
    let _ = kill_process_group(id(leader), Signal::KILL);
}

/// Ends processes if the test's own process is gone without having done so, for example after
/// Ctrl-C. A shell waits for the end of its input.
#[derive(Debug)]
pub(super) struct Guard(Child);

impl Guard {
    pub(super) fn new(pids: &[u32]) -> Self {
        let child = Command::new("sh")
            .args(["-c", "trap '' HUP INT TERM; read -r _ || kill -9 \"$@\"", "guard"])
            .args(pids.iter().map(u32::to_string))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.expect("a shell"))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(mut input) = self.0.stdin.take() {
            let _ = input.write_all(b"\n");
        }
        let _ = self.0.wait();
    }
}

/// Returns `true` if the process has ended and its parent has not waited for it yet.
fn is_zombie(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'))
}

fn id(pid: u32) -> Pid {
    i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process number")
}
