use std::borrow::Cow;
use std::sync::LazyLock;

use super::READING;
use super::parser::ReportParser;
use crate::error::{Error, Result};
use crate::protocol::Request;
use crate::show::stat::StatFilter;

impl ReportParser {
    /// Builds the request for the reply that the parser reads.
    ///
    /// Identity and figures are read on one connection. With several connections, a socket that
    /// several processes share, or a reload in between, could give answers of different processes.
    ///
    /// # Errors
    ///
    /// - The errors of [`Request::checked`]; it accepts every filter.
    pub(crate) fn request(scope: &StatFilter) -> Result<Cow<'static, Request>> {
        static ALL: LazyLock<Result<Request>> = LazyLock::new(|| request(&StatFilter::All));
        static NOTHING: LazyLock<Result<Request>> = LazyLock::new(|| request(&StatFilter::Nothing));
        let made = match scope {
            StatFilter::All => &ALL,
            StatFilter::Nothing => &NOTHING,
            _ => return request(scope).map(Cow::Owned),
        };
        made.as_ref().map(Cow::Borrowed).map_err(Error::clone)
    }
}

fn request(scope: &StatFilter) -> Result<Request> {
    let line = format!("show info;show cli level;show cli sockets;{}", scope.command());
    Request::checked("", &line, None, READING, false)
}
