//! The reply to `show servers conn`.

use std::net::SocketAddr;

use super::wanted;
use crate::Version;
use crate::fake::command::answer::Answer;
use crate::fake::command::call::Call;
use crate::fake::describe::{Backend, Server};

/// Returns the reply, limited to one backend if a word names it.
pub(in crate::fake) fn show(call: &mut Call<'_>) -> Answer {
    let process = &call.state.process;
    let wanted = match wanted(process, call.word(0)) {
        Ok(wanted) => wanted,
        Err(answer) => return answer,
    };
    let columns = if process.version >= (3, 4) {
        "served used_cur used_max need_est idle_sess unsafe_nb"
    } else {
        "used_cur used_max need_est unsafe_nb"
    };
    let mut text = format!(
        "# bkname/svname bkid/svid addr port - purge_delay {columns} safe_nb idle_lim idle_cur idle_per_thr[1]\n"
    );
    for (iid, backend) in wanted {
        for (sid, server) in backend.numbered() {
            text.push_str(&row(backend, server, &format!("{iid}/{sid}"), &process.version));
        }
    }
    Answer::Dump(text)
}

fn row(backend: &Backend, server: &Server, number: &str, version: &Version) -> String {
    let (ip, port) = match server.address().parse::<SocketAddr>() {
        Ok(address) => (address.ip().to_string(), address.port()),
        Err(_) => ("-".to_owned(), 0),
    };
    // The fake has one connection for each session, and keeps no idle connections.
    let used: u64 = server.cells.number("scur").unwrap_or(0);
    let used = if *version >= (3, 4) {
        format!("{used} {used} {used} {used} 0")
    } else {
        format!("{used} {used} {used}")
    };
    // Up to 2.6, a server that was added at run time has no pool of idle connections.
    let (purge, limit) =
        if server.live.is_added && *version < (3, 0) { (0, "0 0") } else { (5000, "-1 0 0") };
    format!("{}/{} {number} {ip} {port} - {purge} {used} 0 0 {limit}\n", backend.name, server.name)
}
