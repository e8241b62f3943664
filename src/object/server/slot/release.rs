use super::claim::{execute_if, set_address, state_when};
use super::template::ServerTemplate;
use super::{explained, state};
use crate::cluster::{OnceJob, Outcomes, Target};
use crate::error::{Error, Problem, Result};
use crate::object::server::drain::{Drain, in_use};
use crate::object::server::{Removal, ServerRef, Weight};
use crate::process::IdentifiedConnection;
use crate::protocol::{Change, Command, Response, ServerName};
use crate::show::stat::StatFilter;
use crate::show::{AdminState, ServerState};
use crate::transport::{Deadline, Limits};

impl ServerRef {
    /// Gives a slot back on each process, after its sessions have ended, so that
    /// [`BackendRef::take_slot`](crate::BackendRef::take_slot) finds it free. Needs level admin.
    ///
    /// Each process gets these commands, one after the other:
    ///
    /// 1. `show servers state B`, and `disable server B/S`. The server takes no more traffic.
    /// 2. `show servers conn B`, until no connection of the server is in use, as for
    ///    [`delete`](Self::delete). If the sessions are to be ended by [force](Removal::force),
    ///    `shutdown sessions server B/S` then, and 5 s for the sessions to end.
    /// 3. `show servers state B`. If the address has changed, another client has taken the slot after
    ///    a reload, and it stays. Else, `set server B/S weight 100%`, and
    ///    `set server B/S addr A port P` with the address of the template. The value of the outcome is
    ///    HAProxy's answer; [`Unchanged`](Change::Unchanged) if the slot had this address before.
    /// 4. `show servers state B`.
    ///
    /// The call releases the slot also if another client has taken it: a client must not release a slot
    /// twice, because another one may have taken it since.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the template does not make servers of
    ///   this name.
    /// - [`PartiallyApplied`](crate::ErrorKind::PartiallyApplied) if the server was put into
    ///   maintenance, and keeps its address: sessions are left after the time, with their number, or HAProxy refused a
    ///   later command. The message says so, and the call can be repeated on these processes. After
    ///   other errors, first read which address the slot has.
    /// - [`PartiallyApplied`](crate::ErrorKind::PartiallyApplied) if the server was put into
    ///   maintenance, and its state is unknown: a later command got no answer. If the process has
    ///   restarted, the slot may be in traffic.
    /// - [`PartiallyApplied`](crate::ErrorKind::PartiallyApplied) if the address may have been reset, if
    ///   it was reset, and another client has enabled the server meanwhile, or its state cannot be read,
    ///   or if another client has taken the slot during the call, which has put it into maintenance.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connections, and each process may have executed any number of
    /// the commands: the server may be left in maintenance with its address. While connections or
    /// states are read, the same as for [`fetch_state`](Self::fetch_state).
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
    /// use haproxyadmin::server::{Removal, ServerTemplate};
    ///
    /// let slots = ServerTemplate::new("srv", "192.0.2.1:1".parse().expect("an address"))?;
    /// cluster.server_ref("app", "srv3")?.release_slot(&slots, &Removal::new()).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "server-template")]
    #[doc(alias = "set server addr")]
    pub async fn release_slot(
        &self,
        template: &ServerTemplate,
        removal: &Removal,
    ) -> Result<Outcomes<Change>> {
        if template.number(self.name()).is_none() {
            let (name, prefix) = (self.name(), template.prefix());
            return Err(Error::invalid(format!("server {name}: it is no slot of the template {prefix}")));
        }
        let release = &Release::new(&self.name, template, removal);
        let job = |target: Target, deadline: Deadline| async move {
            release.run(&target, *deadline.limits()).await
        };
        self.cluster.fan_out().each(&release.set, StatFilter::backend(self.backend()), job).await
    }
}

/// One call of [`ServerRef::release_slot`].
struct Release<'a> {
    name: &'a ServerName,
    template: &'a ServerTemplate,
    removal: &'a Removal,
    weight: Command,
    set: Command,
}

const KEPT: &str = "the server was put into maintenance, and keeps its address";

/// The process may have restarted since the answer to `disable server`, with the server in traffic.
const NOT_KNOWN: &str = "the server was put into maintenance, and its state is unknown";

impl<'a> Release<'a> {
    fn new(name: &'a ServerName, template: &'a ServerTemplate, removal: &'a Removal) -> Self {
        let weight = Command::write("set server").word(name).word("weight").word(Weight::percent(100));
        Self { name, template, removal, weight, set: set_address(name, template.address()) }
    }

    async fn run(&self, target: &Target, limits: Limits) -> Result<Response<Change>> {
        let old = match state(self.name, target, &Deadline::new(limits)).await? {
            Response::Value(old) => old,
            Response::Absent(words) => return Ok(Response::Absent(words)),
        };
        // Claims the process for the whole call: no other socket of the process gets a command.
        let disable = Command::write_once("disable server").word(self.name);
        if let Response::Absent(words) = target.execute_once(&disable, &Deadline::new(limits)).await? {
            return Ok(Response::Absent(words));
        }
        let mut drain = Drain::new(self.name, self.removal, target, limits);
        loop {
            let (left, waited) = (drain.time_left(), drain.waited());
            let used = match drain.used().await.map_err(|error| error.leaving(NOT_KNOWN))? {
                Response::Value(used) => used,
                Response::Absent(words) => return Ok(Response::Absent(words)),
            };
            if used == 0 {
                break;
            }
            if left.is_zero() {
                let words = "connections are in use".into();
                let left = format!("{KEPT}, {}", in_use(used, waited));
                return Err(Error::new(Problem::Refused(words)).leaving(left));
            }
            if let Response::Absent(words) = drain.pause().await.map_err(|error| error.leaving(NOT_KNOWN))? {
                return Ok(Response::Absent(words));
            }
        }
        let is_old = |slot: &ServerState| (slot.address, slot.port) == (old.address, old.port);
        let may = |slot: &ServerState| is_old(slot) || self.template.has_its_address(slot);
        let reset = execute_if(self.name, may, self, target, &drain.deadline()).await;
        let reset = match reset.map_err(|error| explained(error, NOT_KNOWN))? {
            Response::Value(Some(change)) => change,
            Response::Value(None) => {
                let words = "another client has changed the address".into();
                let left = "the server was put into maintenance, and its address was not reset";
                return Err(Error::new(Problem::Refused(words)).leaving(left));
            }
            Response::Absent(words) => return Ok(Response::Absent(words)),
        };
        let unverified = |error: Error| error.leaving("the address was reset, and the state is unknown");
        let is_new = |slot: &ServerState| self.template.has_its_address(slot) || !is_old(slot);
        match state_when(self.name, is_new, target, &drain.deadline()).await.map_err(unverified)? {
            Response::Value(state) if !is_new(&state) => {
                let words = "`show servers state` lists the old address".into();
                let is_kept = state.administrative.state() == AdminState::Maint;
                Err(Error::new(Problem::Refused(words)).leaving(if is_kept { KEPT } else { ENABLED }))
            }
            // Another client may have taken the slot by now, which then has another address.
            Response::Value(state)
                if self.template.has_its_address(&state)
                    && state.administrative.state() != AdminState::Maint =>
            {
                let words = "another client has enabled the server".into();
                Err(Error::new(Problem::Refused(words)).leaving("the address was reset"))
            }
            _ => Ok(Response::Value(reset)),
        }
    }
}

impl OnceJob for Release<'_> {
    type Answer = Change;

    async fn run(
        &self,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<Response<Change>> {
        let leaving = |error: Error| {
            let left = match error.refusal() {
                Some(_) => KEPT,
                None if error.is_unknown() => MAYBE_RESET,
                None => NOT_KNOWN,
            };
            error.leaving(left)
        };
        if let Response::Absent(words) = connection.execute(&self.weight, deadline).await.map_err(leaving)? {
            return Ok(Response::Absent(words));
        }
        connection.execute(&self.set, deadline).await.map_err(leaving)
    }
}

const ENABLED: &str = "the server was enabled meanwhile, and keeps its address";

const MAYBE_RESET: &str = "the server was put into maintenance, and this command may have been executed";
