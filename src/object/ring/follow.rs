//! The connection to the ring of one process, and to the rings of the processes that follow it at its
//! address.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::list::look;
use super::news::News;
use crate::cluster::Target;
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::level::Level;
use crate::protocol::{Nbproc, Request};
use crate::show::{Event, Info};
use crate::transport::{Deadline, Following, Limits, Step};

/// Reads the ring of one process, and of the processes that follow it at its address.
pub(super) struct Follower {
    target: Target,
    ring: Box<str>,
    /// Limits of connecting, of the first answer, and of questions to the process.
    limits: Limits,
}

/// State of the connection.
pub(super) enum State {
    Open(Box<Open>),
    /// There is no connection. The next attempt follows after a pause.
    Closed {
        before: Box<Info>,
        pause: Duration,
    },
}

/// An open connection, on which the process has identified itself.
pub(super) struct Open {
    following: Following,
    info: Info,
    next_look: Instant,
    /// If the process is stopping: the reason, and the moment at which the connection is closed.
    closing: Option<(Error, Instant)>,
}

/// Time between two questions if the process is stopping.
const LOOK: Duration = Duration::from_secs(1);

/// Time limit of such a question.
const ANSWER: Duration = Duration::from_secs(2);

/// Silence after which all events of a stopping process have arrived.
const SILENCE: Duration = Duration::from_millis(100);

/// Time limit for reading the last events of a stopping process.
const LAST: Duration = Duration::from_secs(10);

/// Pauses before the stream connects again.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_secs(10);

const STOPPING: Step = Step::new("waiting for the new worker", "answer");

impl Follower {
    /// Connects for the first time.
    pub(super) async fn start(target: Target, ring: &str, deadline: &Deadline) -> Result<(Self, State)> {
        let follower = Self { target, ring: ring.into(), limits: *deadline.limits() };
        let open = follower.open(true, deadline).await?;
        Ok((follower, State::Open(open)))
    }

    /// Returns the next news. If the future is dropped, no event is lost.
    pub(super) async fn next(&self, state: &mut State) -> News {
        match state {
            State::Open(open) => match self.event(open).await {
                Ok(event) => News::Event(event),
                Err(error) => {
                    let before = Box::new(open.info.clone());
                    // This closes the connection.
                    *state = State::Closed { before, pause: FIRST_PAUSE };
                    News::Ended(self.named(error))
                }
            },
            State::Closed { before, pause } => {
                sleep(*pause).await;
                *pause = (*pause * 2).min(LAST_PAUSE);
                match self.again(before).await {
                    Ok(open) => {
                        let is_new = !is_same(before, &open.info);
                        *state = State::Open(open);
                        News::Connected { is_new }
                    }
                    Err(error) => News::Ended(self.named(error)),
                }
            }
        }
    }

    /// Returns the next event of an open connection.
    async fn event(&self, open: &mut Open) -> Result<Event> {
        loop {
            let line = match &open.closing {
                Some((reason, end)) if Instant::now() >= *end => return Err(reason.clone()),
                Some((reason, _)) => match timeout(SILENCE, open.following.line()).await {
                    Ok(line) => line?,
                    Err(_) => return Err(reason.clone()),
                },
                // Even if a line is there at each call, the process is asked in time.
                None if Instant::now() >= open.next_look => {
                    let reason = self.check(&open.info).await.err();
                    open.closing = reason.map(|reason| (reason, Instant::now() + LAST));
                    open.next_look = Instant::now() + LOOK;
                    continue;
                }
                None => match timeout_at(open.next_look, open.following.line()).await {
                    Ok(line) => line?,
                    Err(_) => continue,
                },
            };
            // HAProxy 2.2 ends a reply that it gives up with an empty line.
            if !line.is_empty() {
                return Ok(Event::read(line));
            }
        }
    }

    /// Connects again. The ring of another process is read from its beginning.
    async fn again(&self, before: &Info) -> Result<Box<Open>> {
        let deadline = &Deadline::new(self.limits);
        let (now, _) = self.target.member.info(deadline).await?;
        if look(&self.target, &self.ring, deadline).await?.is_some() {
            return Err(Error::new(Problem::NotFound(format!("ring {}", self.ring))));
        }
        self.open(is_same(before, &now), deadline).await
    }

    /// Opens a connection to a process that is not stopping.
    async fn open(&self, only_new: bool, deadline: &Deadline) -> Result<Box<Open>> {
        let (ring, new) = (&self.ring, if only_new { " -n" } else { "" });
        let line = format!(
            "show info;show cli level;set timeout cli 1d;set severity-output number;show events {ring} -w{new}"
        );
        let request = Request::checked("", &line, None, self.name(), false)?;
        loop {
            let mut following = self.target.member.socket.follow(&request, deadline).await?;
            let info = begin(&mut following, deadline).await?;
            if !info.is_stopping() {
                let next_look = Instant::now() + LOOK;
                return Ok(Box::new(Open { following, info, next_look, closing: None }));
            }
            drop(following);
            deadline.sleep(STOPPING, FIRST_PAUSE).await?;
        }
    }

    /// Returns an error if the process of a connection is stopping, or no longer answers at its
    /// address. A process that is only slow is followed further.
    async fn check(&self, info: &Info) -> Result<()> {
        let limits = self.limits.with_command_timeout(self.limits.command_timeout.min(ANSWER));
        match self.target.member.info(&Deadline::new(limits)).await {
            Ok((now, _)) if is_replaced(info, &now) => Err(Error::new(Problem::Replaced)),
            Err(error) if error.kind() == ErrorKind::Connect => Err(error),
            _ => Ok(()),
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
    if level == Level::User.to_string() {
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

/// Returns `true` if both are the same process.
fn is_same(one: &Info, other: &Info) -> bool {
    one.pid() == other.pid() && one.process_num() == other.process_num()
}

/// Returns `true` if the process of `info` is stopping, or if `now` has taken its place. The processes of
/// `nbproc` may share a socket; then another one may have answered.
fn is_replaced(info: &Info, now: &Info) -> bool {
    let may_be_another =
        Nbproc::new(info.nbproc()).shares_sockets() && info.process_num() != now.process_num();
    !may_be_another && (now.is_stopping() || info.pid() != now.pid())
}
