//! Commands on frontends.

use super::answer::{Answer, Severity};
use super::call::Call;
use super::number::leading_number;
use crate::Version;
use crate::fake::describe::Frontend;

pub(in crate::fake) fn enable(call: &mut Call<'_>) -> Answer {
    let version = call.version();
    on_frontend(call, |frontend| {
        if frontend.is_down(&version) {
            Answer::error("Frontend was previously shut down, cannot enable.")
        } else if frontend.is_disabled(&version) {
            frontend.cells.set("status", "OPEN".into());
            Answer::Done
        } else {
            already("enabled", &version)
        }
    })
}

pub(in crate::fake) fn disable(call: &mut Call<'_>) -> Answer {
    let version = call.version();
    on_frontend(call, |frontend| {
        if frontend.is_down(&version) {
            // HAProxy reports this as a notice, not as an error.
            let text = "Frontend was previously shut down, cannot disable.";
            Answer::message(Severity::Notice, text)
        } else if frontend.is_disabled(&version) {
            already("disabled", &version)
        } else {
            frontend.cells.set("status", paused(&version).into());
            Answer::Done
        }
    })
}

pub(in crate::fake) fn shutdown(call: &mut Call<'_>) -> Answer {
    let version = call.version();
    on_frontend(call, |frontend| {
        if frontend.is_down(&version) {
            return Answer::message(Severity::Notice, "Frontend was already shut down.");
        }
        frontend.is_shut = true;
        frontend.cells.set("status", "STOP".into());
        Answer::Done
    })
}

pub(in crate::fake) fn set_maxconn(call: &mut Call<'_>) -> Answer {
    let number = call.word(1);
    on_frontend(call, |frontend| match leading_number(number) {
        _ if number.is_empty() => Answer::error("Integer value expected."),
        ..0 => Answer::error("Value out of range."),
        limit => {
            frontend.cells.set("slim", limit.into());
            Answer::Done
        }
    })
}

fn on_frontend(call: &mut Call<'_>, run: impl FnOnce(&mut Frontend) -> Answer) -> Answer {
    let name = call.word(0);
    if name.is_empty() {
        return Answer::error("A frontend name is expected.");
    }
    let mut frontends = call.state.process.proxies.iter_mut().filter_map(|proxy| proxy.frontend.as_mut());
    match frontends.find(|frontend| *frontend.name == *name) {
        Some(frontend) => run(frontend),
        None => Answer::error("No such frontend."),
    }
}

impl Frontend {
    /// Returns `true` if it is shut down, and cannot be enabled again.
    fn is_down(&self, version: &Version) -> bool {
        self.is_shut || (paused(version) != "STOP" && self.cells.text("status").as_deref() == Some("STOP"))
    }

    fn is_disabled(&self, version: &Version) -> bool {
        self.cells.text("status").as_deref() == Some(paused(version))
    }
}

/// Returns the status of a disabled frontend.
fn paused(version: &Version) -> &'static str {
    if *version < (2, 4) { "STOP" } else { "PAUSED" }
}

fn already(state: &str, version: &Version) -> Answer {
    let text = if *version < (2, 4) { "Frontend is" } else { "All sockets are" };
    Answer::message(Severity::Notice, &format!("{text} already {state}."))
}
