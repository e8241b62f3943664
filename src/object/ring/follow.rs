//! The connection to the ring of one process, and to the rings of the processes that follow it at its
//! address.

use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

use super::list;
use super::news::News;
use super::pause::Pause;
use crate::cluster::{Identity, Target};
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::level::Level;
use crate::process::now;
use crate::protocol::{Nbproc, Request, without_severity};
use crate::show::{Event, Info};
use crate::transport::{Deadline, Following, Limits, Step};

/// Reads the ring of one process, and of the processes that follow it at its address.
pub(super) struct Follower {
    target: Target,
    ring: Box<str>,
    /// Limits of connecting, of the first answer, and of questions to the process.
    limits: Limits,
}

/// State of the connection, and the pause before the next attempt to connect.
pub(super) struct State {
    connection: Connection,
    pause: Pause,
}

enum Connection {
    Open(Box<Open>),
    Closed {
        before: Box<Seen>,
        /// Kind of the last failed attempt. Other attempts that fail like it are no news.
        told: Option<ErrorKind>,
    },
}

/// An open connection, on which the process has identified itself.
pub(super) struct Open {
    following: Following,
    seen: Seen,
    since: Instant,
    next_look: Instant,
    /// Time of the last answer to a question.
    answered_at: Instant,
    /// Set if the caller was told that the process does not answer.
    is_silent: bool,
    /// If the process is stopping: the reason, and the moment at which the connection is closed.
    closing: Option<(Error, Instant)>,
}

/// A reply to `show info`.
#[derive(Clone)]
pub(super) struct Seen {
    info: Info,
    /// Time at which the reply ended, in microseconds since 1970.
    at: u64,
}

impl Seen {
    fn identity(&self) -> Option<Identity> {
        Identity::new(&self.info, self.at)
    }
}

/// Time between two questions if the process is stopping.
const LOOK: Duration = Duration::from_secs(1);

/// Time limit of such a question.
const ANSWER: Duration = Duration::from_secs(2);

/// Silence after which all events of a stopping process have arrived.
const SILENCE: Duration = Duration::from_millis(100);

/// Time limit for reading the last events of a stopping process.
const LAST: Duration = Duration::from_secs(10);

/// Pause before a connection to a process that is not stopping is tried again.
const WAIT: Duration = Duration::from_millis(50);

const STOPPING: Step = Step::new("waiting for the new worker", "answer");

impl Follower {
    /// Connects for the first time.
    pub(super) async fn start(target: Target, ring: &str, deadline: &Deadline) -> Result<(Self, State)> {
        let follower = Self { target, ring: ring.into(), limits: *deadline.limits() };
        let open = follower.open(true, deadline).await?;
        Ok((follower, State { connection: Connection::Open(open), pause: Pause::new() }))
    }

    /// Returns the next news. If the future is dropped, no event is lost.
    pub(super) async fn next(&self, state: &mut State) -> News {
        let State { connection, pause } = state;
        match connection {
            Connection::Open(open) => match self.news(open).await {
                Ok(news) => {
                    if matches!(news, News::Event(_)) {
                        pause.reset();
                    }
                    news
                }
                Err(error) => {
                    if open.since.elapsed() >= Pause::LONGEST {
                        pause.reset();
                    }
                    let before = Box::new(open.seen.clone());
                    // This closes the connection.
                    *connection = Connection::Closed { before, told: None };
                    News::Ended(self.named(error))
                }
            },
            Connection::Closed { before, told } => loop {
                pause.wait().await;
                match self.again(before).await {
                    Ok(open) => {
                        let is_new = !is_same(before, &open.seen);
                        *connection = Connection::Open(open);
                        return News::Connected { is_new };
                    }
                    Err(error) if *told == Some(error.kind()) => {}
                    Err(error) => {
                        *told = Some(error.kind());
                        return News::Ended(self.named(error));
                    }
                }
            },
        }
    }

    /// Returns the next news of an open connection.
    async fn news(&self, open: &mut Open) -> Result<News> {
        loop {
            let line = match &open.closing {
                Some((reason, end)) if Instant::now() >= *end => return Err(reason.clone()),
                Some((reason, _)) => match timeout(SILENCE, open.following.line()).await {
                    Ok(line) => line?,
                    Err(_) => return Err(reason.clone()),
                },
                // Even if a line is there at each call, the process is asked in time.
                None if Instant::now() >= open.next_look => match self.look(open).await {
                    Some(news) => return Ok(news),
                    None => continue,
                },
                None => match timeout_at(open.next_look, open.following.line()).await {
                    Ok(line) => line?,
                    Err(_) => continue,
                },
            };
            // HAProxy 2.2 ends a reply that it gives up with an empty line.
            if !line.is_empty() {
                return Ok(News::Event(Event::read(line)));
            }
        }
    }

    /// Asks the process of a connection once. Returns news if it does not answer for the time of a
    /// command, and when it answers again. Sets the reason if it is stopping, or no longer answers at
    /// its address.
    async fn look(&self, open: &mut Open) -> Option<News> {
        let limits = self.limits.with_command_timeout(self.limits.command_timeout.min(ANSWER));
        let answer = self.target.member.info(&Deadline::new(limits)).await;
        open.next_look = Instant::now() + LOOK;
        let reason = match answer {
            Ok((info, at)) => {
                open.answered_at = Instant::now();
                if !is_replaced(&open.seen, &Seen { info, at }) {
                    return std::mem::take(&mut open.is_silent).then_some(News::Answering);
                }
                Error::new(Problem::Replaced)
            }
            Err(error) if matches!(error.kind(), ErrorKind::Connect | ErrorKind::AccessDenied) => error,
            // A process that is only slow is followed further.
            Err(_) if open.is_silent || open.answered_at.elapsed() < self.limits.command_timeout => {
                return None;
            }
            Err(error) => {
                open.is_silent = true;
                return Some(News::Silent(self.named(error)));
            }
        };
        open.closing = Some((reason, Instant::now() + LAST));
        None
    }

    /// Connects again. The ring of another process is read from its beginning.
    async fn again(&self, before: &Seen) -> Result<Box<Open>> {
        let deadline = &Deadline::new(self.limits);
        let (info, at) = self.target.member.info(deadline).await?;
        let now = Seen { info, at };
        if list::look(&self.target, &self.ring, deadline).await?.is_some() {
            return Err(Error::new(Problem::NotFound(format!("ring {}", self.ring))));
        }
        // The process that answers can be another one at each connection, during a reload.
        let mut only_new = is_same(before, &now);
        loop {
            let open = self.open(only_new, deadline).await?;
            if is_same(before, &open.seen) == only_new {
                return Ok(open);
            }
            only_new = !only_new;
            drop(open);
            deadline.sleep(STOPPING, WAIT).await?;
        }
    }

    /// Opens a connection to a process that is not stopping.
    async fn open(&self, only_new: bool, deadline: &Deadline) -> Result<Box<Open>> {
        let (ring, new) = (&self.ring, if only_new { " -n" } else { "" });
        let line = format!(
            "show info;show cli level;set timeout cli 1h;set severity-output number;show events {ring} -w{new}"
        );
        let request = Request::checked("", &line, None, self.name(), false)?;
        loop {
            let mut following = self.target.member.socket.follow(&request, deadline).await?;
            let info = begin(&mut following, deadline).await?;
            let seen = Seen { info, at: now() };
            if !seen.info.is_stopping() {
                let since = Instant::now();
                return Ok(Box::new(Open {
                    following,
                    seen,
                    since,
                    next_look: since + LOOK,
                    answered_at: since,
                    is_silent: false,
                    closing: None,
                }));
            }
            drop(following);
            deadline.sleep(STOPPING, WAIT).await?;
        }
    }

    fn name(&self) -> String {
        format!("show events {}", self.ring)
    }

    fn named(&self, error: Error) -> Error {
        error.during(self.name()).at(self.target.member.address())
    }
}

/// Reads the replies before the events, and returns the identity of the process.
async fn begin(following: &mut Following, deadline: &Deadline) -> Result<Info> {
    let mut head = Vec::new();
    loop {
        let line = following.line_within(deadline).await?;
        head.extend_from_slice(line);
        head.push(b'\n');
        if line.is_empty() {
            break;
        }
        let limit = deadline.limits().max_reply_size;
        if head.len() > limit {
            return Err(Error::new(Problem::TooLarge { limit }));
        }
    }
    let info = Info::parse(&head)?;
    let level = String::from_utf8_lossy(following.line_within(deadline).await?).into_owned();
    if without_severity(&level) == Level::User.to_string() {
        let words = "Permission denied".into();
        return Err(Error::new(Problem::PermissionDenied { needs: Level::Operator, words }));
    }
    // The ends of three replies: the level, and two settings.
    for _ in 0..3 {
        let line = following.line_within(deadline).await?;
        if !line.is_empty() {
            let words = String::from_utf8_lossy(line).into();
            return Err(Error::new(Problem::Refused(words)));
        }
    }
    Ok(info)
}

/// Returns `true` if both are the same process. A process in a container can have the same ID after
/// each start, so its start time counts too.
fn is_same(one: &Seen, other: &Seen) -> bool {
    let fits = match (one.identity(), other.identity()) {
        (Some(one), Some(other)) => one.fits(&other),
        _ => one.info.pid() == other.info.pid(),
    };
    fits && one.info.process_num() == other.info.process_num()
}

/// Returns `true` if the process of `seen` is stopping, or if `now` has taken its place. The processes of
/// `nbproc` may share a socket; then another one may have answered.
fn is_replaced(seen: &Seen, now: &Seen) -> bool {
    let may_be_another =
        Nbproc::new(seen.info.nbproc()).shares_sockets() && seen.info.process_num() != now.info.process_num();
    !may_be_another && (now.info.is_stopping() || !is_same(seen, now))
}
