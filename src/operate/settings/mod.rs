//! Remembering the settings of servers, and restoring them.

mod command;
mod left_reason;
mod pattern;
mod plan;
mod reading;
mod remember;
mod remembered;
mod restoration;
mod server;
mod terms;
mod work;

pub use left_reason::LeftReason;
pub use pattern::{
    EntryChange, EntryLeft, EntrySetting, PatternRestoration, PatternSettings, ProcessPatterns, UnclearEntry,
    UnreadPatterns,
};
pub use remember::Remember;
pub use remembered::{ProcessSettings, Settings, UnreadProcess};
pub use restoration::{Restoration, SettingChange, SettingLeft, SettingName};
pub use server::{ServerSettings, Setting, ShownServer};
pub use terms::Restore;

use crate::cluster::{Cluster, Outcomes, Target};
use crate::error::Result;
use crate::object::{BackendRef, ServerRef};
use crate::protocol::{Command, Response, ServerName};
use crate::show::stat::StatFilter;
use reading::{Scope, read};

pub(super) use command::{set_address, set_weight};
pub(super) use reading::{Found, Scope as SettingsScope, read as read_settings};

impl Cluster {
    /// Reads the settings of every server of every process, to [restore](Cluster::restore) them after a
    /// reload: administrative state, weight, address and port, `maxconn`, and health and agent checks on
    /// or off. `show servers state` and `show stat`; a socket of any level may read them, and level user
    /// does not see cookies.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`]. A view of [`allow_partial`](Cluster::allow_partial) returns the
    ///   settings of the processes that answered, with the others in [`Settings::unread`].
    ///
    /// # Cancel safety
    ///
    /// The same as for [`BackendRef::fetch_server_states`].
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
    /// let settings = cluster.settings().await?;
    /// println!("{} processes", settings.processes().len());
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "show servers state")]
    pub async fn settings(&self) -> Result<Settings> {
        remember(self, Scope::All, &Remember::new()).await
    }

    /// Reads the settings like [`settings`](Cluster::settings), and on demand the entries of maps and ACLs
    /// that differ from their files: `show map`, `show acl`, and the files on this host. From HAProxy
    /// 3.4 on, this needs level admin.
    ///
    /// A file that cannot be read, that is larger than 1 GiB, or that has a line longer than HAProxy reads, is
    /// reported in [`ProcessPatterns::unread`], with the reason. No error of a file fails the call.
    ///
    /// A file is compared as it is now. If it was changed after the process had been started, a difference
    /// may be a change of the file: [`PatternSettings::is_file_changed`].
    ///
    /// # Errors
    ///
    /// - The errors of [`settings`](Cluster::settings).
    ///
    /// # Cancel safety
    ///
    /// The same as for [`settings`](Cluster::settings). A file that is being read is read to its end.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
    /// use haproxyadmin::settings::Remember;
    ///
    /// let settings = cluster.settings_with(Remember::new().patterns()).await?;
    /// // HAProxy is reloaded here.
    /// println!("{}", cluster.restore(&settings).await?);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "show map")]
    #[doc(alias = "show acl")]
    pub async fn settings_with(&self, terms: Remember) -> Result<Settings> {
        remember(self, Scope::All, &terms).await
    }

    /// Restores remembered settings on each process, and reads them back. Needs level admin if there is
    /// something to change. Sends only the settings that differ, so a second call sends nothing.
    ///
    /// The settings of a process are found by its host and address, or by its host and label. A process
    /// without remembered settings is absent, and so is an old worker that stops. A remembered process that
    /// is not a member gets nothing.
    ///
    /// # After a reload or a restart
    ///
    /// A change of the configuration wins over the remembered setting. A setting is restored only if it had
    /// been changed at run time, and if the process shows the configured value that was remembered:
    ///
    /// - Administrative state: the configuration says `disabled` or not. Only what was requested for the
    ///   server itself is restored, not maintenance or drain that it inherits, nor maintenance because
    ///   its name is not resolved.
    /// - Weight: `show servers state` has the configured weight.
    /// - Health and agent checks: they are on in each configuration, so that only checks that were turned
    ///   off are restored.
    /// - Address, port and host name, and `maxconn`: HAProxy does not show what is configured. They
    ///   are left as they are, and reported, unless the terms say
    ///   [`with_addresses`](Restore::with_addresses) or [`with_maxconn`](Restore::with_maxconn).
    ///   Addresses of the servers of a [`template`](Restore::template) are restored.
    /// - Servers that were added at run time ([`Restore::dynamic`]) and are gone are added again, as far as
    ///   HAProxy has shown them. Every other server that is gone is reported.
    ///
    /// - Entries of maps and ACLs, if they were [remembered](Remember::patterns): a difference from the file
    ///   is restored if the process shows the value that the file had, or has no entry if the file had none.
    ///   A key with several entries of different values is left as it is. If the file had been changed
    ///   after the remembered process was started, differences are left as they are, unless the terms say
    ///   [`with_changed_files`](Restore::with_changed_files).
    ///
    /// If the process is still the same, its configuration is the same too: every remembered setting that
    /// differs is restored. Entries of maps and ACLs that were as in the file are not remembered.
    ///
    /// # Order
    ///
    /// A server that leaves traffic is taken out first. A server that enters traffic gets its address,
    /// weight, `maxconn` and checks before. If HAProxy refuses a change, it gets no further change of the
    /// same server, and the changes of the others. Maps and ACLs follow, one after the other; in each of
    /// them, entries are added at the end first, in the order in which they were remembered, and deleted
    /// last. The order of other entries is not restored.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`PartiallyApplied`](crate::ErrorKind::PartiallyApplied) if some changes were made and another one
    ///   was not, or if a process does not show a change when it is read back. The call can be repeated.
    /// - [`Refused`](crate::ErrorKind::Refused) if HAProxy refuses the only change.
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if a remembered name or value is not valid.
    ///   Nothing is sent.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connections. Each process may have executed any number of the
    /// changes. The same call completes them.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
    /// let settings = cluster.settings().await?;
    /// // HAProxy is reloaded here.
    /// for (label, restored) in cluster.restore(&settings).await?.values() {
    ///     println!("{label}: {restored}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "load-server-state-from-file")]
    #[doc(alias = "set server")]
    pub async fn restore<'a>(&self, restore: impl Into<Restore<'a>>) -> Result<Outcomes<Restoration>> {
        let restore = &restore.into();
        restore.settings.check()?;
        // It may add servers, and is not repeated on a connection that is lost.
        let command = &Command::write_once("set server").word("...");
        let job = |target: Target, deadline| async move { work::restore(&target, restore, &deadline).await };
        self.fan_out().each(command, StatFilter::Nothing, job).await
    }

    /// Returns the changes that [`restore`](Cluster::restore) would send to each process now. Changes
    /// nothing.
    ///
    /// # Errors
    ///
    /// - The errors of [`settings`](Cluster::settings).
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if a remembered name or value is not valid.
    ///
    /// # Cancel safety
    ///
    /// The same as for [`settings`](Cluster::settings).
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
    /// let settings = cluster.settings().await?;
    /// println!("{}", cluster.restore_plan(&settings).await?);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn restore_plan<'a>(&self, restore: impl Into<Restore<'a>>) -> Result<Outcomes<Restoration>> {
        let restore = &restore.into();
        restore.settings.check()?;
        let job = |target: Target, deadline| async move { work::look(&target, restore, &deadline).await };
        self.fan_out().each(&Scope::All.command(), StatFilter::Nothing, job).await
    }
}

impl BackendRef {
    /// Reads the settings of the backend's servers: [`Cluster::settings`].
    ///
    /// # Errors
    ///
    /// - The errors of [`Cluster::settings`].
    ///
    /// # Cancel safety
    ///
    /// The same as for [`fetch_server_states`](Self::fetch_server_states).
    #[doc(alias = "show servers state")]
    pub async fn settings(&self) -> Result<Settings> {
        remember(&self.cluster, Scope::Backend(self.name()), &Remember::new()).await
    }
}

impl ServerRef {
    /// Reads the settings of the server: [`Cluster::settings`].
    ///
    /// # Errors
    ///
    /// - The errors of [`Cluster::settings`].
    ///
    /// # Cancel safety
    ///
    /// The same as for [`fetch_state`](Self::fetch_state).
    #[doc(alias = "show servers state")]
    pub async fn settings(&self) -> Result<Settings> {
        let name = ServerName::new(self.backend(), self.name())?;
        remember(&self.cluster, Scope::Server(&name), &Remember::new()).await
    }
}

async fn remember(cluster: &Cluster, scope: Scope<'_>, terms: &Remember) -> Result<Settings> {
    let scope = &scope;
    let job = |target: Target, deadline| async move {
        loop {
            let mut found = match read(&target, scope, &deadline).await? {
                Response::Value(found) => found,
                Response::Absent(words) => return Ok(Response::Absent(words)),
            };
            if matches!(scope, Scope::Server(_)) && found.settings.servers.is_empty() {
                return Ok(Response::Absent("No such server.".into()));
            }
            if terms.has_patterns() {
                let patterns = pattern::read(&target, terms, &found.identity, &deadline).await?;
                // Without them, a reload came between the queries.
                if patterns.is_none() {
                    continue;
                }
                found.settings.patterns = patterns;
            }
            return Ok(Response::Value(found.settings));
        }
    };
    let outcomes = cluster.fan_out().each(&scope.command(), StatFilter::Nothing, job).await?;
    Ok(Settings::new(&outcomes))
}
