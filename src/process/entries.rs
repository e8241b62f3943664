use futures::FutureExt as _;

use super::ProcessClient;
use crate::error::{Error, Result};
use crate::protocol::{Command, Form, Nbproc, Response, read_data};
use crate::show::{Entries, EntriesReader};
use crate::transport::Deadline;

impl ProcessClient {
    /// Runs `show map ID` or `show acl ID` on a connection of its own. The list is complete, or reading it
    /// fails.
    pub(crate) async fn entries(
        &self,
        command: &Command,
        nbproc: Nbproc,
        deadline: &Deadline,
    ) -> Result<Response<Entries>> {
        let with_context = self.with_context(command);
        let response = if self.is_behind_master() {
            self.dump(command, nbproc, deadline).await?
        } else {
            let mut reader = EntriesReader::default();
            self.socket.exchange(&command.encode(Form::Dump)?, deadline, &mut reader).boxed().await?;
            match reader.finish().map_err(&with_context)? {
                Ok(entries) => return Ok(Response::Value(entries)),
                Err(reply) => read_data(reply, command, nbproc).map_err(Error::new).map_err(&with_context)?,
            }
        };
        Ok(match response {
            Response::Value(printed) => {
                Response::Value(Entries::read(printed).map_err(Error::from).map_err(with_context)?)
            }
            Response::Absent(message) => Response::Absent(message),
        })
    }
}
