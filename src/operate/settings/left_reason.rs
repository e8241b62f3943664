use std::fmt;

/// Reason for which a setting is not restored.
///
/// # Example
///
/// ```
/// use haproxyadmin::settings::LeftReason;
///
/// assert_eq!(LeftReason::ConfigurationChanged.to_string(), "the configuration has changed");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum LeftReason {
    /// The configuration of the setting has changed, and wins. For an entry of a map or an ACL: the process
    /// shows neither the value that the file had, nor the remembered one.
    ConfigurationChanged,
    /// HAProxy does not show the configured value, which may have changed:
    /// [`Restore::with_addresses`](super::Restore::with_addresses),
    /// [`Restore::with_maxconn`](super::Restore::with_maxconn).
    ConfigurationNotShown,
    /// No command sets the value: an address of a server that has none, the client's port, or an entry of a
    /// map or an ACL with a line feed, for example.
    NotSettable,
    /// The process does not have the server. It was deleted, or removed from the configuration, unless it
    /// was added at run time: [`Restore::dynamic`](super::Restore::dynamic).
    ServerGone,
    /// The process does not have the backend of a server that was added at run time.
    BackendGone,
    /// The release of the process cannot add the server: HAProxy before 2.6.
    Unsupported,
    /// The server was added at run time and is gone. HAProxy does not show its TLS parameters, or its
    /// address; it needs a description: [`Restore::dynamic`](super::Restore::dynamic).
    DescriptionNeeded,
    /// The server is added again, and its checks get HAProxy's default for what it has not shown: the
    /// interval, the kind of the check, and `rise` and `fall` of checks that did not run.
    ParametersNotShown,
    /// The process does not have the map or the ACL.
    PatternsGone,
    /// The file of the map or the ACL was changed after the process had been started, so that a difference
    /// may be a change of the file: [`Restore::with_changed_files`](super::Restore::with_changed_files).
    FileChanged,
    /// The key has several entries with different values.
    SeveralEntries,
    /// The entry of a map has several blanks, and HAProxy does not show where its key ends:
    /// [`Remember::plain_keys`](super::Remember::plain_keys).
    KeyNotKnown,
    /// The entry is not UTF-8.
    NotUtf8,
    /// The file has the entry, and HAProxy does not show it. HAProxy leaves out entries that are longer than
    /// its buffer, so that it may have been deleted or not. This is the reason for more than 7,000 bytes.
    NotShown,
}

impl fmt::Display for LeftReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::ConfigurationChanged => "the configuration has changed",
            Self::ConfigurationNotShown => "HAProxy does not show if the configuration has changed",
            Self::NotSettable => "no command sets it",
            Self::ServerGone => "the server is gone",
            Self::BackendGone => "the backend is gone",
            Self::Unsupported => "needs HAProxy 2.6",
            Self::DescriptionNeeded => "the server cannot be added again without a description",
            Self::ParametersNotShown => "the other parameters of the checks are not known",
            Self::PatternsGone => "the map or ACL is gone",
            Self::FileChanged => "the file was changed after the process had been started",
            Self::SeveralEntries => "the key has several entries",
            Self::KeyNotKnown => "the end of the key is not known",
            Self::NotUtf8 => "the entry is not UTF-8",
            Self::NotShown => "HAProxy shows no entry of this length",
        })
    }
}
