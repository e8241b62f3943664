//! Manage HAProxy through its stats sockets: many processes, one object for each
//! frontend, backend and server.
