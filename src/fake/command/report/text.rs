//! Reports as text for people.

use crate::fake::command::answer::{Answer, Severity};
use crate::fake::command::call::Call;
use crate::info::TextReport;

/// `show activity`
pub(in crate::fake) fn activity(call: &mut Call<'_>) -> Answer {
    dump(call, TextReport::Activity, "thread_id: 1 (1..1)\nctxsw: 0\ntasksw: 0\nloops: 0\n")
}

/// `show env`
pub(in crate::fake) fn env(call: &mut Call<'_>) -> Answer {
    let text = "PATH=/usr/sbin:/usr/bin\nHAPROXY_CFGFILES=/etc/haproxy/haproxy.cfg\n";
    dump(call, TextReport::Environment, text)
}

/// `show fd`
pub(in crate::fake) fn fd(call: &mut Call<'_>) -> Answer {
    let text =
        "      4 : st=0x100023(cl heopi W:sRa R:sRA) ref=0 gid=1 tmask=0x1 umask=0x0 l.st=RDY fe=GLOBAL\n";
    dump(call, TextReport::FileDescriptors, text)
}

/// `show libs`
pub(in crate::fake) fn libs(call: &mut Call<'_>) -> Answer {
    let text = "0x7f0000000000-0x7f00003b4277 (0x03b4278) /usr/sbin/haproxy\n\
                0x7f0000400000-0x7f00005c4277 (0x01c4278) /lib/libc.so.6\n";
    Answer::Message(Severity::Info, set(call, TextReport::Libraries, text))
}

/// `show pools`
pub(in crate::fake) fn pools(call: &mut Call<'_>) -> Answer {
    let text = "Dumping pools usage. Use SIGQUIT to flush them.\n  \
                - Pool buffer (16384 bytes) : 1 allocated (16384 bytes), 1 used, 0 failures, 1 users\n\
                Total: 1 pools, 16384 bytes allocated, 16384 used.\n";
    dump(call, TextReport::Pools, text)
}

/// `show profiling`
pub(in crate::fake) fn profiling(call: &mut Call<'_>) -> Answer {
    let text = if call.version() < (2, 4) {
        "Per-task CPU profiling              : auto      # set profiling tasks {on|auto|off}\n"
    } else {
        "Per-task CPU profiling              : auto-off      # set profiling tasks {on|auto|off}\n"
    };
    dump(call, TextReport::Profiling, text)
}

/// `show startup-logs`
pub(in crate::fake) fn startup_logs(call: &mut Call<'_>) -> Answer {
    let text = set(call, TextReport::StartupLogs, "");
    if call.version() < (2, 7) && text.is_empty() {
        return Answer::message(Severity::Info, "");
    }
    Answer::Dump(text)
}

/// `show threads`
pub(in crate::fake) fn threads(call: &mut Call<'_>) -> Answer {
    let mut text = "* Thread 1 : id=0x7f0000001000 act=1 glob=0 wq=1 rq=0 tl=0 tlsz=0 rqsz=0\n             \
                    stuck=0 prof=0 harmless=0\n             cpu_ns: poll=0 now=0 diff=0\n             \
                    curr_task=0x7f0000002000 (task)\n"
        .to_owned();
    if call.version() < (3, 0) {
        text.push('\n');
    }
    dump(call, TextReport::Threads, &text)
}

fn dump(call: &Call<'_>, report: TextReport, default: &str) -> Answer {
    Answer::Dump(set(call, report, default))
}

/// Returns the text that was described, or the default.
fn set(call: &Call<'_>, report: TextReport, default: &str) -> String {
    call.state.process.report(report).unwrap_or(default).to_owned()
}
