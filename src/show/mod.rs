//! Replies of HAProxy as typed values, one file for each command. No I/O.

mod certificate;
mod cli_sockets;
mod info;
mod map;
mod notice;
mod peers;
mod pools;
mod proc;
mod report;
mod resolvers;
mod ring;
mod scan;
mod servers;
mod session;
pub(crate) mod stat;
mod stats_file;
mod table;

pub use certificate::{
    CaFileDetails, CertificateDetails, CertificateStatus, Crl, CrlFileDetails, CrtListEntry, ListedCaFile,
    ListedCertificate, ListedCrlFile, ListedOcspResponse, OcspCertificate, OcspId, OcspResponse, OcspStatus,
    OcspUpdate, RevokedCertificate, X509,
};
pub use cli_sockets::{ListedSocket, SocketList};
pub use info::{Info, InfoIter};
pub use map::{Entry, PatternInfo};
pub use peers::{Peer, PeersSection, SharedTable};
pub use proc::{ListedProcess, ProcessList};
pub use report::ProcessReport;
pub use resolvers::{Nameserver, ResolversSection};
pub use ring::{Event, Ring};
pub use servers::{AdminFlags, AdminState, OperationalState, ServerConnections, ServerState};
pub use session::Session;
pub(crate) use table::EntryReader;
pub use table::{Datum, KeyType, TableEntries, TableEntriesIter, TableEntry, TableInfo};

pub(crate) use map::{Entries, EntriesReader, new_version};
pub(crate) use notice::ServerNotice;
pub(crate) use pools::buffer_size;
pub(crate) use report::{READING, ReportParser};
pub(crate) use servers::previous_address;
pub(crate) use stats_file::{GuidLine, GuidList};
