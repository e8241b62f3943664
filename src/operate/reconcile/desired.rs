use std::collections::HashSet;
use std::hash::Hash;

use super::secret::Secret;
use super::server::DesiredBackend;
use crate::cluster::Cluster;
use crate::error::{Error, Result};
use crate::excerpt::excerpt;
use crate::object::{Leaf, check_acl, check_map};
use crate::protocol::{ProxyName, ServerName};

/// The state that every process of a cluster should have: [`Cluster::plan`](crate::Cluster::plan),
/// [`Cluster::apply`](crate::Cluster::apply), [`Cluster::reconcile`](crate::Cluster::reconcile).
///
/// An object that is not mentioned is left alone, and so is a setting of a server that is not given.
/// The entries of a map and the patterns of an ACL are given as a whole.
///
/// Backends, maps, ACLs and certificates must exist in the configuration. A process without one of them
/// leaves it out, and its plan lists it. The `Debug` output leaves out the options of servers and the texts of
/// certificates, which may hold secrets.
///
/// # Serialisation
///
/// With the feature `serde`, the state is read from a map of lists, and written so. A list keeps the order of
/// servers and entries, and a name that occurs twice is an error. A field that is not known is an error
/// too. The private keys of certificates are written as they are.
///
/// ```json
/// {
///   "backends": [
///     {
///       "name": "app",
///       "exact": true,
///       "servers": [
///         { "name": "web1", "weight": 20 },
///         { "name": "web2", "state": "maint" },
///         { "name": "web3", "address": "10.0.0.3:8080", "options": ["check", "inter", "1s"] }
///       ]
///     },
///     { "name": "old", "servers": [{ "name": "web9", "absent": true }] }
///   ],
///   "maps": [{ "id": "/etc/haproxy/hosts.map", "entries": [["a.example.org", "app"]] }],
///   "acls": [{ "id": "/etc/haproxy/blocked.acl", "patterns": ["203.0.113.7"] }],
///   "certificates": [{ "name": "/etc/haproxy/site.pem", "pem": "-----BEGIN CERTIFICATE-----..." }]
/// }
/// ```
///
/// # Example
///
/// ```
/// use haproxyadmin::AdminState;
/// use haproxyadmin::reconcile::{Desired, DesiredBackend, DesiredServer};
///
/// let web3 = DesiredServer::new("web3").address("10.0.0.3:8080".parse()?).options(["check", "inter", "1s"]);
/// let app = DesiredBackend::new("app")
///     .server(DesiredServer::new("web1").weight(20).state(AdminState::Ready))
///     .server(web3)
///     .exact();
/// let desired = Desired::new()
///     .backend(app)
///     .map("/etc/haproxy/hosts.map", [("a.example.org", "app")])
///     .acl("/etc/haproxy/blocked.acl", ["203.0.113.7"]);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[must_use]
pub struct Desired {
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Vec::is_empty"))]
    pub(super) backends: Vec<DesiredBackend>,
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Vec::is_empty"))]
    pub(super) maps: Vec<DesiredMap>,
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Vec::is_empty"))]
    pub(super) acls: Vec<DesiredAcl>,
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Vec::is_empty"))]
    pub(super) certificates: Vec<DesiredCertificate>,
}

/// All entries of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub(super) struct DesiredMap {
    pub(super) id: Box<str>,
    pub(super) entries: Vec<(Box<str>, Box<str>)>,
}

/// All patterns of an ACL.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub(super) struct DesiredAcl {
    pub(super) id: Box<str>,
    pub(super) patterns: Vec<Box<str>>,
}

/// A certificate with its private key and its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub(super) struct DesiredCertificate {
    pub(super) name: Box<str>,
    pub(super) pem: Secret,
}

impl Desired {
    /// Creates a state that leaves everything alone.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the servers of a backend.
    pub fn backend(mut self, backend: DesiredBackend) -> Self {
        self.backends.push(backend);
        self
    }

    /// Adds all entries of a map, keys and values in their order. The map is given by its file, spelled as in the
    /// configuration, or by `#` and its number.
    pub fn map<K: Into<Box<str>>, V: Into<Box<str>>>(
        mut self,
        id: impl Into<Box<str>>,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let entries = entries.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        self.maps.push(DesiredMap { id: id.into(), entries });
        self
    }

    /// Adds all patterns of an ACL in their order. The ACL is given by its file, spelled as in the
    /// configuration, or by `#` and its number.
    pub fn acl<P: Into<Box<str>>>(
        mut self,
        id: impl Into<Box<str>>,
        patterns: impl IntoIterator<Item = P>,
    ) -> Self {
        let patterns = patterns.into_iter().map(Into::into).collect();
        self.acls.push(DesiredAcl { id: id.into(), patterns });
        self
    }

    /// Adds a certificate: its name, as [`Cluster::certificates`] lists it, and the text of a PEM file with the
    /// certificate, its private key, and the certificates of its chain in order.
    ///
    /// A process has it if it serves the first certificate of the PEM text: HAProxy shows neither the
    /// key nor the certificates of the chain.
    pub fn certificate(mut self, name: impl Into<Box<str>>, pem: impl Into<Box<str>>) -> Self {
        self.certificates.push(DesiredCertificate { name: name.into(), pem: Secret::new(pem) });
        self
    }

    /// Checks every name and value, as far as this is possible without a process.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` if one of them cannot be sent, or if an object occurs twice.
    pub(super) fn check(&self, cluster: &Cluster) -> Result<Vec<Leaf>> {
        unique("backend", self.backends.iter().map(|one| &one.name))?;
        unique("map", self.maps.iter().map(|one| &one.id))?;
        unique("ACL", self.acls.iter().map(|one| &one.id))?;
        unique("certificate", self.certificates.iter().map(|one| &one.name))?;
        for backend in &self.backends {
            ProxyName::new("backend", &backend.name)?;
            unique("server", backend.servers.iter().map(|one| &one.name))?;
            for server in &backend.servers {
                server.check(&ServerName::new(&backend.name, &server.name)?)?;
            }
        }
        for map in &self.maps {
            check_map(cluster, &map.id, map.pairs())?;
        }
        for acl in &self.acls {
            check_acl(cluster, &acl.id, acl.patterns.iter().map(|pattern| &**pattern))?;
        }
        let leaf = |one: &DesiredCertificate| {
            cluster.certificate(&one.name)?.check(one.pem.as_str())?;
            Leaf::of_pem(one.pem.as_str())
        };
        self.certificates.iter().map(leaf).collect()
    }
}

impl DesiredMap {
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|(key, value)| (&**key, &**value))
    }
}

/// Refuses a name that occurs twice.
fn unique<'a, T: AsRef<str> + Eq + Hash + 'a>(what: &str, names: impl Iterator<Item = &'a T>) -> Result<()> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(Error::invalid(format!("{what} {:?} occurs twice", excerpt(name.as_ref()))));
        }
    }
    Ok(())
}
