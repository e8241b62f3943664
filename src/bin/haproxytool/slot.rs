use std::net::SocketAddr;

use haproxyadmin::server::{NewServer, Removal, ServerTemplate};
use haproxyadmin::{Change, Outcomes, ServerRef};

use crate::Views;
use crate::addition::report;
use crate::call::Call;
use crate::options::parse;
use crate::problem::Problem;
use crate::report::Report;

/// Takes a free slot of a `server-template` line.
pub(crate) async fn take(call: &Call, views: &Views) -> Result<Report, Problem> {
    let [backend, prefix, address] = call.arguments()?;
    let template = ServerTemplate::new(prefix, free_address(call)?)?;
    let mut server = NewServer::new(parse("ADDRESS:PORT", address)?);
    if let Some(weight) = call.given.value("weight") {
        server = server.weight(parse("a weight from 0 to 256", weight)?);
    }
    Ok(report(&views.write.backend_ref(backend)?.take_slot(&template, &server).await?))
}

/// Gives a slot back. Its name is the prefix of its `server-template` line, and a number.
pub(crate) async fn release(
    slot: &ServerRef,
    address: SocketAddr,
    removal: &Removal,
) -> haproxyadmin::Result<Outcomes<Change>> {
    // The prefix may end with a digit itself. Every name that ends with a digit is that digit's slot of
    // the rest of the name, and only the address of the template matters.
    let prefix = slot.name().strip_suffix(|c: char| c.is_ascii_digit()).unwrap_or(slot.name());
    slot.release_slot(&ServerTemplate::new(prefix, address)?, removal).await
}

/// Returns the address of the `server-template` line.
pub(crate) fn free_address(call: &Call) -> Result<SocketAddr, Problem> {
    parse("ADDRESS:PORT", call.given.value("template").unwrap_or_default())
}
