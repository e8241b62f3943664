//! Programs over objects, which take a while: they ask again and again until something is the case.

mod drain;
mod reconcile;
mod rolling;
mod settings;
mod wait;

pub use drain::{Drain, DrainEnd, DrainProgress, Drained, Draining};
pub use reconcile::{
    Applied, Apply, ApplyProgress, Applying, Blocked, BlockedReason, Desired, DesiredBackend, DesiredServer,
    EntryChanges, Plan, Reconcile, ReconcileEvent, Reconciling, Reference, ServerChange, Step,
};
pub use rolling::{Rolling, RollingError, RollingStep};
pub use settings::{
    EntryChange, EntryLeft, EntrySetting, LeftReason, PatternRestoration, PatternSettings, ProcessPatterns,
    ProcessSettings, Remember, Restoration, Restore, ServerSettings, Setting, SettingChange, SettingLeft,
    SettingName, Settings, ShownServer, UnclearEntry, UnreadPatterns, UnreadProcess,
};
pub use wait::{
    Condition, HasWeight, IsComplete, IsDown, IsDrained, IsIdle, IsUp, ServersUp, Waited, has_weight,
    is_complete, is_down, is_drained, is_idle, is_up, servers_up,
};
