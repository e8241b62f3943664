use crate::error::{Error, Result};
use crate::excerpt::excerpt;
use crate::protocol::{Command, ProxyName};
use crate::show::stat::Mode;

/// Description of a backend to make while HAProxy runs:
/// [`BackendRef::add`](crate::BackendRef::add).
///
/// The name of a `defaults` section is a description by itself.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// use haproxyadmin::backend::NewBackend;
/// use haproxyadmin::stat::Mode;
///
/// let tenant = NewBackend::from("tenants").mode(Mode::Tcp).guid("tenant-7");
/// cluster.backend_ref("tenant7")?.add(tenant).await?;
/// cluster.backend_ref("tenant8")?.add("tenants").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct NewBackend {
    defaults: Box<str>,
    mode: Option<Mode>,
    guid: Option<Box<str>>,
}

/// Length limit of a GUID, in bytes.
const LONGEST_GUID: usize = 127;

impl From<&str> for NewBackend {
    /// Describes a backend with the settings of the `defaults` section of this name.
    fn from(defaults: &str) -> Self {
        Self { defaults: defaults.into(), mode: None, guid: None }
    }
}

impl NewBackend {
    /// Sets the mode, [`Tcp`](Mode::Tcp) or [`Http`](Mode::Http): `mode`. The default is the mode that
    /// the `defaults` section sets.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Sets the identifier that is unique in its process: `guid`.
    pub fn guid(mut self, guid: impl Into<Box<str>>) -> Self {
        self.guid = Some(guid.into());
        self
    }

    /// Returns the command that makes the backend.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` if a name, the mode or the identifier is not valid.
    pub(super) fn command(&self, name: &ProxyName) -> Result<Command> {
        let defaults = ProxyName::new("defaults", &self.defaults)?;
        let mut command = Command::write_once("add backend").word(name).word("from").word(defaults);
        if let Some(mode) = &self.mode {
            if !matches!(mode, Mode::Tcp | Mode::Http) {
                let found = excerpt(&mode.to_string());
                return Err(Error::invalid(format!("mode {found:?}: expected tcp or http")));
            }
            command = command.word("mode").word(mode);
        }
        Ok(match &self.guid {
            Some(guid) => command.word("guid").word(checked(guid)?),
            None => command,
        })
    }
}

/// Refuses what HAProxy does not accept as an identifier. Its grammar is that of names.
fn checked(guid: &str) -> Result<ProxyName> {
    if guid.is_empty() || guid.len() > LONGEST_GUID {
        return Err(Error::invalid(format!(
            "name of a guid: expected 1 to {LONGEST_GUID} bytes, found {}",
            guid.len()
        )));
    }
    ProxyName::new("guid", guid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Form;

    fn line(backend: &NewBackend) -> String {
        let command = backend.command(&ProxyName::new("backend", "new").unwrap()).unwrap();
        let request = command.encode(Form::AtPrompt).unwrap();
        String::from_utf8(request.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn settings_become_words() {
        assert_eq!(line(&NewBackend::from("base")), "add backend new from base\n");
        assert_eq!(line(&NewBackend::from("base").mode(Mode::Http)), "add backend new from base mode http\n");
        let full = NewBackend::from("base").guid("a.b:c_d-9").mode(Mode::Tcp);
        assert_eq!(line(&full), "add backend new from base mode tcp guid a.b:c_d-9\n");
        line(&NewBackend::from("base").guid("g".repeat(LONGEST_GUID)));
    }

    #[test]
    fn settings_that_haproxy_would_not_accept_are_refused() {
        let name = ProxyName::new("backend", "new").unwrap();
        let base = || NewBackend::from("base");
        for (backend, message) in [
            (base().mode(Mode::Syslog), "mode \"syslog\": expected tcp or http"),
            (base().mode(Mode::parse("tcp guid g")), "mode \"tcp guid g\": expected tcp or http"),
            (base().guid(""), "name of a guid: expected 1 to 127 bytes, found 0"),
            (base().guid("g".repeat(128)), "name of a guid: expected 1 to 127 bytes, found 128"),
        ] {
            assert_eq!(backend.command(&name).unwrap_err().to_string(), message);
        }
        for backend in [base().guid("g;h"), base().guid("a b"), NewBackend::from("b c")] {
            assert!(backend.command(&name).is_err(), "{backend:?}");
        }
    }
}
