//! Connections to the process with a known identity.

pub(crate) use crate::snapshot::Identity;

use crate::error::{Error, Problem, Result};
use crate::process::{IdentifiedConnection, ProcessClient};
use crate::transport::Deadline;

impl Identity {
    /// Returns the identity of the process of a connection.
    ///
    /// # Errors
    ///
    /// - [`Identity::missing`].
    pub(crate) fn of_connection(connection: &IdentifiedConnection<'_>) -> Result<Self> {
        Self::new(&connection.info, connection.at).ok_or_else(Self::missing)
    }

    /// Returns the error of a process that does not say which one it is.
    pub(crate) fn missing() -> Error {
        Error::new(Problem::NotFound("key \"Pid\" in `show info`".into()))
    }

    /// Connects to the process with this identity.
    ///
    /// # Errors
    ///
    /// - [`Problem::Replaced`] if another process answers at the address of `member`.
    pub(crate) async fn connect<'a>(
        &self,
        member: &'a ProcessClient,
        deadline: &'a Deadline,
    ) -> Result<IdentifiedConnection<'a>> {
        let connection = member.identified(deadline).await?;
        if Self::of_connection(&connection)?.fits(self) {
            return Ok(connection);
        }
        Err(Error::new(Problem::Replaced).at(member.address()))
    }
}
