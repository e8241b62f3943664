//! Reading objects with their figures.

use super::backend::BackendRef;
use super::frontend::FrontendRef;
use super::handle::{Backend, Frontend, Listener, Server};
use super::server::ServerRef;
use crate::cluster::Cluster;
use crate::error::Result;
use crate::show::stat::StatFilter;

impl Cluster {
    /// Returns every frontend.
    ///
    /// Requests only the rows of frontends and listeners (`show stat -1 9 -1`). The snapshot of the
    /// frontends has no other rows.
    ///
    /// # Errors
    ///
    /// - The errors of [`snapshot`](Cluster::snapshot).
    #[doc(alias = "show stat")]
    pub async fn frontends(&self) -> Result<Vec<Frontend>> {
        let frontends = self.read(&StatFilter::frontends()).await?.frontends();
        Ok(frontends.into_iter().map(|frontend| Frontend::new(self, frontend)).collect())
    }

    /// Returns the frontend called `name`.
    ///
    /// Requests only the rows of this frontend and of its listeners, which costs HAProxy much less
    /// than all rows. Falls back to the rows of all frontends and listeners if a frontend and a backend
    /// share the name.
    ///
    /// # Errors
    ///
    /// - The errors of [`snapshot`](Cluster::snapshot).
    /// - [`NotFound`](crate::ErrorKind::NotFound) if no process lists the frontend.
    /// - [`Incomplete`](crate::ErrorKind::Incomplete) if some processes did not answer, since one
    ///   of them may have it.
    #[doc(alias = "show stat")]
    pub async fn frontend(&self, name: &str) -> Result<Frontend> {
        Ok(Frontend::new(self, self.read(&StatFilter::frontend(name)).await?.frontend(name)?))
    }

    /// Returns every listener of every frontend that has `option socket-stats`.
    ///
    /// Requests only the rows of frontends and listeners (`show stat -1 9 -1`). The snapshot of the
    /// listeners has no other rows.
    ///
    /// # Errors
    ///
    /// - The errors of [`snapshot`](Cluster::snapshot).
    #[doc(alias = "show stat")]
    pub async fn listeners(&self) -> Result<Vec<Listener>> {
        let listeners = self.read(&StatFilter::frontends()).await?.listeners();
        Ok(listeners.into_iter().map(|listener| Listener::new(self, listener)).collect())
    }

    /// Returns every backend.
    ///
    /// Requests only the rows of backends and servers (`show stat -1 6 -1`). The snapshot of the
    /// backends has no other rows.
    ///
    /// # Errors
    ///
    /// - The errors of [`snapshot`](Cluster::snapshot).
    #[doc(alias = "show stat")]
    pub async fn backends(&self) -> Result<Vec<Backend>> {
        let backends = self.read(&StatFilter::backends()).await?.backends();
        Ok(backends.into_iter().map(|backend| Backend::new(self, backend)).collect())
    }

    /// Returns the backend called `name`.
    ///
    /// Requests only the rows of this backend and of its servers, which costs HAProxy much less
    /// than all rows. Falls back to the rows of all backends and servers if a frontend and a backend
    /// share the name.
    ///
    /// # Errors
    ///
    /// - The errors of [`snapshot`](Cluster::snapshot).
    /// - [`NotFound`](crate::ErrorKind::NotFound) if no process lists the backend.
    /// - [`Incomplete`](crate::ErrorKind::Incomplete) if some processes did not answer, since one
    ///   of them may have it.
    #[doc(alias = "show stat")]
    pub async fn backend(&self, name: &str) -> Result<Backend> {
        Ok(Backend::new(self, self.read(&StatFilter::backend(name)).await?.backend(name)?))
    }

    /// Returns every server of every backend.
    ///
    /// Requests only the rows of backends and servers (`show stat -1 6 -1`). The snapshot of the
    /// servers has no other rows.
    ///
    /// # Errors
    ///
    /// - The errors of [`snapshot`](Cluster::snapshot).
    #[doc(alias = "show stat")]
    pub async fn servers(&self) -> Result<Vec<Server>> {
        let servers = self.read(&StatFilter::backends()).await?.servers();
        Ok(servers.into_iter().map(|server| Server::new(self, server)).collect())
    }

    /// Returns the server called `name` in the backend called `backend`.
    ///
    /// Requests the rows of that backend, as [`backend`](Cluster::backend) does, and remembers the numbers of the
    /// server in each process. Later reads request the row of the server alone. A process that prints another server
    /// under these numbers, or none, is asked for the rows of the backend again. The snapshot of the server has no other
    /// rows.
    ///
    /// # Errors
    ///
    /// - The errors of [`snapshot`](Cluster::snapshot).
    /// - [`NotFound`](crate::ErrorKind::NotFound) if no process lists the server.
    /// - [`Incomplete`](crate::ErrorKind::Incomplete) if some processes did not answer, since one
    ///   of them may have it.
    #[doc(alias = "show stat")]
    pub async fn server(&self, backend: &str, name: &str) -> Result<Server> {
        Ok(Server::new(self, self.read(&StatFilter::server(backend, name)).await?.server(backend, name)?))
    }

    /// Returns every server called `name`, in any backend. Requests the rows that
    /// [`servers`](Cluster::servers) requests.
    ///
    /// # Errors
    ///
    /// - The errors of [`server`](Cluster::server).
    #[doc(alias = "show stat")]
    pub async fn servers_named(&self, name: &str) -> Result<Vec<Server>> {
        let snapshot = self.read(&StatFilter::backends()).await?;
        let servers = snapshot.servers_named(name);
        if servers.is_empty() {
            return Err(snapshot.absent(format!("server {name:?}")));
        }
        Ok(servers.into_iter().map(|server| Server::new(self, server)).collect())
    }
}

impl FrontendRef {
    /// Reads the frontend with its figures: [`Cluster::frontend`].
    ///
    /// # Errors
    ///
    /// - The errors of [`Cluster::frontend`].
    #[doc(alias = "show stat")]
    pub async fn read(&self) -> Result<Frontend> {
        self.cluster.frontend(self.name()).await
    }
}

impl BackendRef {
    /// Reads the backend with its figures: [`Cluster::backend`].
    ///
    /// # Errors
    ///
    /// - The errors of [`Cluster::backend`].
    #[doc(alias = "show stat")]
    pub async fn read(&self) -> Result<Backend> {
        self.cluster.backend(self.name()).await
    }
}

impl ServerRef {
    /// Reads the server with its figures: [`Cluster::server`].
    ///
    /// # Errors
    ///
    /// - The errors of [`Cluster::server`].
    #[doc(alias = "show stat")]
    pub async fn read(&self) -> Result<Server> {
        self.cluster.server(self.backend(), self.name()).await
    }
}
