use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use haproxyadmin::{AdminState, Change, Cluster, ErrorKind, Outcomes, Result, ServerRef, Weight};

use crate::look::{Fate, Look, ServerLook, fate};
use crate::site::Plan;
use crate::tally::{Tally, count, nameless};

/// Changes one server until the test is over, and checks after each call that the change was
/// made. No other task changes this server.
pub(crate) async fn write(
    cluster: Cluster,
    plan: Arc<Plan>,
    name: &'static str,
    over: Arc<AtomicBool>,
) -> Tally {
    let server = cluster.server_ref("app", name).unwrap();
    let mut tally = Tally::default();
    let mut before = Look::take(&plan, STATE).await;
    let mut round = 0_usize;
    while !over.load(Ordering::SeqCst) {
        round += 1;
        let step = Step::of(round);
        let result = step.take(&server).await;
        let shown = format!("{step:?}").to_lowercase();
        let shown = shown.split('(').next().unwrap_or_default();
        let done = judge(result, shown, &plan, &mut tally);
        before = if done == Done::Changed {
            tally.written += 1;
            let is_there = |look: &Look| look.server(name).is_some_and(|look| step.is_made(look));
            let (fate, look) = fate(&plan, STATE, before.pid, is_there).await;
            match fate {
                Fate::Kept => {}
                Fate::Replaced => tally.replaced += 1,
                Fate::Missing => count(&mut tally.wrong_successes, format!("{shown}: changed, not there")),
            }
            look
        } else {
            Look::take(&plan, STATE).await
        };
    }
    tally
}

/// The result of a call for the reloaded process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    Changed,
    No,
}

/// Counts the result of a call for the reloaded process.
pub(crate) fn judge(result: Result<Outcomes<Change>>, what: &str, plan: &Plan, tally: &mut Tally) -> Done {
    let outcomes = match result {
        Ok(outcomes) => outcomes,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            count(&mut tally.not_found, format!("{what}: {}", nameless(&error.to_string(), plan)));
            return Done::No;
        }
        Err(error) => {
            tally.fail(what, &error, plan);
            return Done::No;
        }
    };
    let said: Vec<_> = outcomes.iter().filter(|outcome| plan.sockets.contains(outcome.address())).collect();
    let words: Vec<_> = said
        .iter()
        .map(|outcome| format!("{} {}", outcome.word(), outcome.message().unwrap_or_default()))
        .map(|words| words.trim_end().to_owned())
        .collect();
    if said.len() > 1 {
        count(&mut tally.told_twice, format!("{what}: {}", words.join(", ")));
    }
    if said.iter().any(|outcome| outcome.value().is_some()) {
        return Done::Changed;
    }
    let words = if words.is_empty() { "it was not told".to_owned() } else { words.join(", ") };
    count(&mut tally.wrong_successes, format!("{what}: {words}"));
    Done::No
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Weight(u16),
    State(AdminState),
    Disable,
    Enable,
}

impl Step {
    fn of(round: usize) -> Self {
        match round % 7 {
            0 | 3 => Self::Weight(1 + u16::try_from(round % 97).unwrap()),
            1 => Self::State(AdminState::Drain),
            2 => Self::Disable,
            4 => Self::Enable,
            5 => Self::State(AdminState::Maint),
            _ => Self::State(AdminState::Ready),
        }
    }

    async fn take(self, server: &ServerRef) -> Result<Outcomes<Change>> {
        match self {
            Self::Weight(weight) => server.set_weight(Weight::absolute(weight.into())?).await,
            Self::State(state) => server.set_state(state).await,
            Self::Disable => server.disable().await,
            Self::Enable => server.enable().await,
        }
    }

    fn is_made(self, look: ServerLook) -> bool {
        match self {
            Self::Weight(weight) => look.weight == u32::from(weight),
            Self::State(AdminState::Drain) => look.admin_state & DRAIN != 0,
            Self::State(AdminState::Maint) | Self::Disable => look.admin_state & MAINTENANCE != 0,
            Self::State(_) | Self::Enable => look.admin_state & MAINTENANCE == 0,
        }
    }
}

const STATE: &str = "show servers state app";

/// Bits of `srv_admin_state`.
const MAINTENANCE: u32 = 0x01;
const DRAIN: u32 = 0x08;
