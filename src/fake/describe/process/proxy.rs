use crate::fake::describe::{Backend, Cells, Frontend, Server};
use crate::field::RowKind;

/// A frontend, a backend, or both (`listen`), under one proxy number.
#[derive(Debug, Clone)]
pub(in crate::fake) struct Proxy {
    pub(in crate::fake) name: Box<str>,
    pub(in crate::fake) frontend: Option<Frontend>,
    pub(in crate::fake) backend: Option<Backend>,
}

impl Proxy {
    pub(super) fn server_mut(&mut self, name: &str) -> Option<&mut Server> {
        self.backend.as_mut()?.servers.iter_mut().find(|server| *server.name == *name)
    }

    pub(in crate::fake) fn frontend_cells(&self) -> Option<&Cells> {
        self.frontend.as_ref().map(|frontend| &frontend.cells)
    }

    pub(in crate::fake) fn backend_cells(&self) -> Option<&Cells> {
        self.backend.as_ref().map(|backend| &backend.cells)
    }
}

/// Returns the word for this kind of row in error messages.
pub(in crate::fake) fn word(kind: RowKind) -> &'static str {
    match kind {
        RowKind::Frontend => "frontend",
        RowKind::Backend => "backend",
        RowKind::Server => "server",
        RowKind::Listener => "listener",
        RowKind::Other => "row",
    }
}
