//! Bringing a cluster to a desired state, and keeping it there.
//!
//! A [`Desired`] state says what every process should have: servers of backends, entries of maps, patterns of ACLs, and
//! certificates. [`Cluster::plan`] compares it with each process, [`Cluster::apply`] takes the steps of the plan, and
//! [`Cluster::reconcile`] does so again and again. [`Cluster::drift`] needs no state: it compares the processes with each
//! other.
//!
//! [`Cluster::apply`] changes no object and no setting that the state does not mention. Three rules go further:
//!
//! - The entries of a map and the patterns of an ACL are a whole, with their order.
//! - A backend that is [`exact`](crate::reconcile::DesiredBackend::exact) has no other servers than the mentioned ones.
//! - A server with an address is wanted `ready`, unless its state says otherwise. HAProxy adds a server in maintenance, and a
//!   client that dies before it enables the server leaves it there.
//!
//! # The order
//!
//! | stage | steps | why here |
//! |---|---|---|
//! | 1 | certificates, each on all processes that need it or on none | a certificate is there before anything needs it |
//! | 2 | servers that come or stay: addresses and weights, additions, checks, `ready`; then the wait until all servers that should take traffic are up | an entry of a map may lead to them next |
//! | 3 | maps and ACLs | they lead to the servers that came, and no more to those that leave |
//! | 4 | servers that leave, those out of traffic first: budget, drain, end of the sessions, maintenance or deletion | the others carry the traffic |
//! | 5 | everything is read again | the plan is empty, or the outcome is an error |
//!
//! A stage ends on all processes before the next one begins, because requests of one client reach all of them. A server that
//! leaves traffic is taken out first and gets its other settings then; a server that enters traffic gets them before.
//! If its [options](crate::reconcile::DesiredServer::options) have `check` or `agent-check`, it enters traffic when this check
//! is on, and never if HAProxy refuses the check.
//!
//! The wait of stage 2 is for every mentioned server that is wanted `ready`, unless its wanted weight is 0. Without it, requests
//! might be led to a backend that does not answer. It does not matter whether this call or an earlier one has put the server into
//! traffic. A server that is down, in maintenance that it inherits, or in drain by its agent therefore holds back the maps and
//! the servers that leave. Give such a server another state, do not mention it, or set
//! [`up_within`](crate::reconcile::Apply::up_within) to zero, which waits for nothing. Two things are not waited for: a process
//! without steps in the stages 2 to 4, and a backend that is disabled.
//!
//! # Failures
//!
//! A failure in one process holds back no other process, except for certificates. In its own process, it holds back what could lose traffic:
//!
//! | failure | what does not happen |
//! |---|---|
//! | a step of a server is refused, or a server is not up in time (stage 2) | the other servers of the backend do not leave; maps and ACLs do not change; if they should change, no server of any backend leaves |
//! | the process has no step for a server that should take traffic | the same |
//! | a map or an ACL is refused | the later stages |
//! | a certificate is refused | the later stages, on all processes that need this certificate |
//! | the budgets do not permit in time that a server leaves, its sessions do not end, or a reply is lost (stage 4) | no further server of the backend is taken out of traffic; those that are out finish their steps |
//! | HAProxy refuses to delete a server | nothing else: the server is in maintenance, and the others leave |
//! | the process does not answer, or a reply is lost (stages 1 to 3) | the later stages |
//!
//! A map may lead to the backend that failed, so its entries stay. While entries stay that should change, they may lead to servers
//! that should leave, so these stay too. The outcome is the first failure, and the next call takes the steps that are left.
//!
//! # Budgets
//!
//! Budgets apply to each backend of each process by itself, because each process balances by itself. Before a server that is up
//! leaves traffic, [`min_healthy`](crate::reconcile::Apply::min_healthy) other servers must be up, and fewer than
//! [`max_unavailable`](crate::reconcile::Apply::max_unavailable) others may be unavailable: those that are leaving, and those that stay and are not
//! up. Maintenance and drain are on purpose and do not count. A server that takes no traffic (down, in maintenance or drain,
//! of weight 0) leaves without a budget. If the budgets do
//! not permit it in time, the server stays in traffic and the outcome is a
//! [`Timeout`](crate::ErrorKind::Timeout) that says what is lacking.
//!
//! If all servers of a backend go into maintenance, it needs `min_healthy(0)`.
//!
//! # From any point
//!
//! There is no record of the work beside the processes. A call that failed or was given up is repeated, and takes the steps that the
//! processes still need:
//!
//! | left by the client that died | what the next call does |
//! |---|---|
//! | a server that was added and not enabled | it is in maintenance, and becomes `ready` |
//! | checks that were not turned on | they are, if the [options](crate::reconcile::DesiredServer::options) have `check` |
//! | a server in drain that should be in maintenance or gone | the wait for its sessions goes on |
//! | a transaction of the wanted certificate | it is aborted, and the replacement begins anew |
//! | a map with a part of its changes | the rest is sent |
//!
//! A process that restarts or reloads has forgotten everything, and the last stage finds what it lacks. It gets the steps of a
//! new plan. Steps of servers are sent on a connection that shows the process they were planned for. Before each certificate, map
//! and ACL, and before each server that leaves, the process is compared as well. A call that has begun goes on in the process
//! that takes the place: the replacement of one certificate, the entries of one map or ACL, and the drain and the deletion of one
//! server. The last stage corrects them.
//!
//! # What is compared
//!
//! - Servers by `show servers state`: address and port, the requested weight, and the administrative state that was requested
//!   for the server itself. Maintenance that it inherits, and maintenance because its name is not resolved, do not count.
//!   HAProxy prints an offset to the client's port (`server s 192.0.2.1:+80`) like a port: a server that should be at
//!   `192.0.2.1:80` is in sync with it.
//! - Maps and ACLs entry by entry, and by their order. A map that is given by its file and by its number too is refused.
//! - Certificates by the SHA-1 of the first certificate of the PEM text, which HAProxy prints. It prints none of a key of Ed25519;
//!   serial number and validity decide then. HAProxy shows neither the private key nor the certificates of the chain: a PEM text with
//!   the same certificate and another chain is in sync. Use
//!   [`Certificate::replace`](crate::certificate::Certificate::replace) for such a change.
//! - The [options](crate::reconcile::DesiredServer::options) of a server are used if it is added. HAProxy shows few of them, so that they are not
//!   compared.
//!
//! # What a process cannot do
//!
//! A difference without a step is in the plan with its reason ([`Blocked`](crate::reconcile::Blocked)): HAProxy before 2.6 adds and
//! deletes no servers. [`Cluster::apply`] takes the other steps, as far as the table of [failures](#failures) permits, and the
//! outcome of this process is an error.
//!
//! HAProxy changes IP addresses only: a server at a Unix socket (`unix@`, `abns@`), or with a name that is not resolved, keeps
//! its address. An IPv6 address with a scope (`fe80::1%2`) is refused, because HAProxy knows no scope.
//!
//! An agent that sets the weight or the state of a server does so again after each of its checks, and HAProxy does not tell
//! that it was the agent. Both then undo the changes of the other, and the outcome may be an error: the process does
//! not keep it. Leave the weight or the state of such a server out of the desired state.
//!
//! HAProxy deletes a server of the configuration too, unless another part of the configuration refers to it. It does not say so
//! before: the deletion fails, and leaves the server in maintenance. A deleted server of the configuration is back after a reload;
//! the loop deletes it again.
//!
//! # The loop
//!
//! [`Cluster::reconcile`] takes the newest state of a stream and skips older ones. It asks all processes at a
//! [beat](crate::reconcile::Reconcile::every), so that a process that has restarted or joined has the state within this time; a
//! process that failed before, when its pause is over. A process that fails is left out of the beat, and asked again by itself
//! after a pause with a random part: from half a second up to the
//! [longest pause](crate::reconcile::Reconcile::longest_pause). When the last of them has succeeded, all processes are asked
//! once more, together: only then is it known if an object is in none of them. The loop has no task of its own and works while it
//! is read.
//!
//! A new state goes to all processes at once. The attempts that are running are given up, unless their state has certificates: a
//! replacement that is given up leaves a transaction, which would block the next one. The new state waits for their end then.
//!
//! The order of the stages holds among the processes of one attempt. A process that is asked again by itself takes its steps
//! later than the others, with its stages in their order: while it fails, its maps may lead to servers that have left the
//! others, and it may serve the old certificate. If the state has certificates, the processes that failed in one attempt are asked
//! again in one attempt, after the longest of their pauses, so that they replace each certificate together or not at all.
//!
//! Of several programs with different states, each one undoes the changes of the others. Run one of them, or let a lock elsewhere
//! choose the one that works. Reading costs what [`Cluster::settings`] costs, plus one dump for each map and ACL.
//!
//! [`Cluster::apply`]: crate::Cluster::apply
//! [`Cluster::drift`]: crate::Cluster::drift
//! [`Cluster::plan`]: crate::Cluster::plan
//! [`Cluster::reconcile`]: crate::Cluster::reconcile
//! [`Cluster::settings`]: crate::Cluster::settings
//! [`Desired`]: crate::reconcile::Desired
