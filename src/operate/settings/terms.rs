use std::net::SocketAddr;

use super::remembered::Settings;
use crate::object::{NewServer, ServerTemplate};

/// Settings to restore, and the terms: [`Cluster::restore`](crate::Cluster::restore).
///
/// [`Settings`] become terms by themselves: every setting is restored if HAProxy shows that it was changed
/// at run time, and that its value in the configuration is the same as before.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// use haproxyadmin::settings::Restore;
///
/// let settings = cluster.settings().await?;
/// let terms = Restore::new(&settings).with_maxconn().dynamic("app", "web9", None);
/// println!("{}", cluster.restore(terms).await?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Restore<'a> {
    pub(super) settings: &'a Settings,
    pub(super) addresses: bool,
    pub(super) maxconn: bool,
    pub(super) changed_files: bool,
    templates: Vec<(Box<str>, ServerTemplate)>,
    dynamic: Vec<Dynamic>,
}

/// A server that was added at run time.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Dynamic {
    backend: Box<str>,
    name: Box<str>,
    description: Option<NewServer>,
}

impl<'a> Restore<'a> {
    /// Creates the default terms.
    pub fn new(settings: &'a Settings) -> Self {
        Self {
            settings,
            addresses: false,
            maxconn: false,
            changed_files: false,
            templates: Vec::new(),
            dynamic: Vec::new(),
        }
    }

    /// Restores addresses, ports and host names over a reload too, of every server. HAProxy does not show
    /// the configured address, so this undoes a change of it in the configuration.
    pub fn with_addresses(mut self) -> Self {
        self.addresses = true;
        self
    }

    /// Restores `maxconn` over a reload too. HAProxy does not show the configured `maxconn`, so this
    /// undoes a change of it in the configuration.
    pub fn with_maxconn(mut self) -> Self {
        self.maxconn = true;
        self
    }

    /// Restores entries of maps and ACLs over a reload too if the file had been changed after the remembered
    /// process was started. HAProxy does not show the entries that it has read from the file, so this may
    /// undo a change of the file that the process did not know yet.
    pub fn with_changed_files(mut self) -> Self {
        self.changed_files = true;
        self
    }

    /// Restores the addresses of the servers of a `server-template` line of a backend, if they are not the
    /// address of the line.
    pub fn template(mut self, backend: impl Into<Box<str>>, template: ServerTemplate) -> Self {
        self.templates.push((backend.into(), template));
        self
    }

    /// Declares that a server was added at run time. If it is gone, it is added again. HAProxy tells so by
    /// itself only of a server that has a deleted server's number (3.0).
    ///
    /// Without a description, the server is added as far as HAProxy has shown it. HAProxy does not show the
    /// parameters of TLS, so a server with TLS is added only with a description.
    pub fn dynamic(
        mut self,
        backend: impl Into<Box<str>>,
        name: impl Into<Box<str>>,
        description: impl Into<Option<NewServer>>,
    ) -> Self {
        let (backend, name, description) = (backend.into(), name.into(), description.into());
        self.dynamic.push(Dynamic { backend, name, description });
        self
    }

    /// Returns the address in the configuration, if the terms tell it.
    pub(super) fn configured_address(&self, backend: &str, name: &str) -> Option<SocketAddr> {
        let mut templates = self.templates.iter().filter(|(of, _)| **of == *backend);
        let (_, template) = templates.find(|(_, template)| template.number(name).is_some())?;
        Some(template.address())
    }

    pub(super) fn is_dynamic(&self, backend: &str, name: &str) -> bool {
        self.declared(backend, name).is_some()
    }

    pub(super) fn description(&self, backend: &str, name: &str) -> Option<&NewServer> {
        self.declared(backend, name)?.description.as_ref()
    }

    fn declared(&self, backend: &str, name: &str) -> Option<&Dynamic> {
        self.dynamic.iter().find(|one| *one.backend == *backend && *one.name == *name)
    }
}

impl<'a> From<&'a Settings> for Restore<'a> {
    fn from(settings: &'a Settings) -> Self {
        Self::new(settings)
    }
}
