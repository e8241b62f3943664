//! The reply to `show servers state`.

use std::fmt::Write as _;
use std::net::SocketAddr;

use super::wanted;
use crate::Version;
use crate::fake::command::answer::Answer;
use crate::fake::command::call::Call;
use crate::fake::describe::{Admin, Backend, Server, check};

/// Returns the reply, limited to one backend if a word names it.
pub(in crate::fake) fn show(call: &mut Call<'_>) -> Answer {
    let process = &call.state.process;
    let wanted = match wanted(process, call.word(0)) {
        Ok(wanted) => wanted,
        Err(answer) => return answer,
    };
    let has_addresses = process.version >= (2, 4);
    let more = if has_addresses { ADDRESSES } else { "" };
    let mut text = format!("1\n# {COLUMNS}{more}\n");
    for (iid, backend) in wanted {
        for (sid, server) in backend.numbered() {
            // Writing to a string cannot fail.
            let _ = write!(text, "{iid} {}", row(backend, server, sid, &process.version));
            if has_addresses {
                let _ = write!(text, " {}", addresses(server));
            }
            text.push('\n');
        }
    }
    Answer::Dump(text)
}

fn row(backend: &Backend, server: &Server, sid: i64, version: &Version) -> String {
    let (ip, port) = match server.address().parse::<SocketAddr>() {
        Ok(address) => (address.ip().to_string(), address.port()),
        Err(_) => ("-".to_owned(), 0),
    };
    let check = server.last_check();
    let is_unchecked = check.is_empty() || (server.has_never_run() && server.is_in_maintenance());
    let check = if is_unchecked { "INI" } else { &check };
    let since = server.since_change();
    format!(
        "{backend} {sid} {name} {ip} {operation} {admin} {uweight} {iweight} {since} {status} {result} \
         {health} {check_state} {agent_state} 0 {forced} - {port} -",
        backend = backend.name,
        name = server.name,
        operation = operation(server),
        admin = admin(server),
        uweight = server.user_weight(),
        iweight = server.initial_weight(),
        status = check::number(check),
        result = check::result(check),
        health = health(server, version),
        check_state = check_state(server),
        agent_state = agent_state(server),
        forced = u8::from(server.live.has_own_number),
    )
}

/// `srv_op_state`: 0 stopped, 2 running, 3 stopping.
fn operation(server: &Server) -> u32 {
    match server.status() {
        status if status.starts_with("NOLB") => 3,
        _ if server.is_running() => 2,
        _ => 0,
    }
}

/// `srv_admin_state`, the sum of 1 maintenance by command, 2 maintenance inherited from the tracked
/// server, 4 maintenance in the configuration, 8 drain by command, 16 drain inherited from the
/// tracked server, and 32 maintenance because the name is not resolved.
fn admin(server: &Server) -> u32 {
    let configured = if server.is_disabled_by_description() { 4 } else { 0 };
    let told = match server.admin() {
        Admin::Ready => 0,
        Admin::Maint => 1,
        Admin::Drain => 8,
    };
    let inherited = match server.live.inherited {
        Some(Admin::Maint) => 2,
        Some(Admin::Drain) => 16,
        Some(Admin::Ready) => 0,
        None => match server.status() {
            status if status.starts_with("MAINT (via") => 2,
            status if status.starts_with("MAINT (resolution)") => 32,
            _ => 0,
        },
    };
    configured + told + inherited
}

fn health(server: &Server, version: &Version) -> u32 {
    if server.is_in_maintenance() {
        return 0;
    }
    if let Some(counter) = server.counter.as_ref().filter(|_| server.has_checks()) {
        return u32::try_from(counter.health()).unwrap_or_default();
    }
    match server.live.check_health {
        Some(health) if !server.is_checked() => health,
        _ if server.has_checks() => server.cells.number("check_health").unwrap_or_else(|| {
            let check = server.cells.text("check_status").unwrap_or_default();
            if check::passes(&check) { 4 } else { 0 }
        }),
        // Before 3.4 the counter of a server of the configuration begins at the number of passed
        // checks that makes a server up.
        _ if *version < (3, 4) && !server.live.is_added => 2,
        _ => 0,
    }
}

/// `srv_check_state`, the sum of 2 configured, 4 enabled and 8 paused.
fn check_state(server: &Server) -> u32 {
    if !server.has_checks() {
        return if server.is_disabled_by_description() { 8 } else { 0 };
    }
    let enabled = if server.live.is_unchecked { 0 } else { 4 };
    // HAProxy pauses the checks of a server that enters maintenance, and does not start the checks of
    // an added server.
    let paused = if server.admin() == Admin::Maint && !server.live.is_new { 8 } else { 0 };
    2 + enabled + paused
}

/// `srv_agent_state`: the same sum, and 16 for an agent.
fn agent_state(server: &Server) -> u32 {
    match (server.has_agent_checks(), server.has_agent()) {
        (false, _) => 0,
        (true, false) => 18,
        (true, true) => 22,
    }
}

fn addresses(server: &Server) -> String {
    let live = &server.live;
    format!(
        "0 {} {} {} {}",
        live.check_port.unwrap_or(0),
        live.check_addr.as_deref().unwrap_or("-"),
        live.agent_addr.as_deref().unwrap_or("-"),
        live.agent_port.unwrap_or(0),
    )
}

const COLUMNS: &str = "be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight \
     srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health \
     srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord";

/// Columns after `COLUMNS`, from 2.4 on.
const ADDRESSES: &str = " srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port";
