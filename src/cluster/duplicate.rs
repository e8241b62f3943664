//! Counting a process once that answers at several sockets.

use std::collections::HashMap;

use super::candidate::Candidate;
use super::identity::Identity;
use super::roster::{Known, Standing};
use super::sweep::{Answered, Asked, Shared};
use crate::aggregate::Record;
use crate::error::{Error, Problem, Result};
use crate::process::Member;
use crate::transport::{Deadline, Step};

/// How often one socket is asked between two answers of the other.
const BURST: usize = 8;

const COMPARE: Step = Step::one("comparing with another socket", "turn");

impl Shared {
    /// Whether the process behind a socket was asked elsewhere the last time.
    pub(super) fn is_duplicate(&self, candidate: &Candidate) -> bool {
        let roster = self.roster();
        let known = roster.get(&candidate.address);
        known.is_some_and(|known| matches!(known.standing, Standing::Duplicate { .. }))
    }

    /// Of sockets that were duplicates, those that must be read after all: their
    /// process has not answered elsewhere this time, or is another one now.
    pub(super) fn no_duplicates_any_more(&self, asked: Vec<Asked>, answers: &[Answered]) -> Vec<Candidate> {
        let roster = self.roster();
        let must_be_read = |asked: &Asked| {
            let Some(Known { standing: Standing::Duplicate { of, identity }, .. }) =
                roster.get(&asked.candidate.address)
            else {
                return true;
            };
            // One that does not answer is no loss: its process is asked elsewhere.
            let Ok(reading) = &asked.answer else { return false };
            let record = asked.member.record(Ok(reading.clone()));
            let same = |record: &Record| Identity::of(record).is_some_and(|now| now.fits(identity));
            let elsewhere = answers.iter().find(|one| one.record.address == *of);
            !(same(&record) && elsewhere.is_some_and(|one| same(&one.record)))
        };
        asked.into_iter().filter(must_be_read).map(|asked| asked.candidate).collect()
    }

    /// Keeps one of several answers of the same process: the one that came through
    /// the highest level.
    pub(super) async fn without_duplicates(
        &self,
        mut answers: Vec<Answered>,
        deadline: &Deadline,
    ) -> Vec<Record> {
        let level = |one: &Answered| one.record.answer.as_ref().ok().map(|reading| reading.level);
        answers.sort_by(|a, b| level(b).cmp(&level(a)).then_with(|| a.record.address.cmp(&b.record.address)));
        let mut kept: Vec<Answered> = Vec::with_capacity(answers.len());
        let mut by_pid: HashMap<u64, Vec<(usize, Identity)>> = HashMap::new();
        for mut one in answers {
            let Some(identity) = Identity::of(&one.record) else {
                kept.push(one);
                continue;
            };
            let alike = by_pid.entry(identity.pid()).or_default();
            let mut same = None;
            for (index, other) in alike.iter().filter(|(_, other)| other.fits(&identity)) {
                let Some(first) = kept.get(*index) else { continue };
                match self.are_one((first, other), (&one, &identity), deadline).await {
                    Ok(false) => {}
                    Ok(true) => {
                        same = Some(first.record.address.clone());
                        break;
                    }
                    // Counted twice or not at all: neither may be taken for true.
                    Err(error) => {
                        one.record = one.member.record(Err(error));
                        break;
                    }
                }
            }
            match same {
                None => {
                    alike.push((kept.len(), identity));
                    kept.push(one);
                }
                Some(of) => {
                    let standing = Standing::Duplicate { of, identity };
                    self.roster().set(one.candidate.address, one.candidate.file, standing);
                }
            }
        }
        kept.into_iter().map(|one| one.record).collect()
    }

    /// Whether two answers that look alike are of one process.
    ///
    /// What a process calls its own sockets proves nothing: in containers the same
    /// names mean different sockets.
    async fn are_one(
        &self,
        one: (&Answered, &Identity),
        other: (&Answered, &Identity),
        deadline: &Deadline,
    ) -> Result<bool> {
        let pair = ((&one.0.record.address, one.1), (&other.0.record.address, other.1));
        // One at a time: comparing raises the counts that are compared.
        let turn = deadline.bound(COMPARE, self.limits.total, self.comparing.lock()).await;
        let _turn = turn.map_err(|error| error.at(pair.1.0))?;
        if self.roster().are_apart(pair.0, pair.1) {
            return Ok(false);
        }
        let (a, b) = (&one.0.member, &other.0.member);
        let same = counts_go_on(a, b, deadline).await? && counts_go_on(b, a, deadline).await?;
        if !same {
            self.roster().set_apart(pair.0, pair.1);
        }
        Ok(same)
    }
}

/// Whether the count of connections goes on from one socket to the other and back.
///
/// Asking adds one each time. Two processes whose counts happen to be close show
/// the same for a while; a burst at one of them, which the other does not see,
/// tells them apart.
async fn counts_go_on(burst: &Member, around: &Member, deadline: &Deadline) -> Result<bool> {
    let mut last = count(around, deadline).await?;
    for member in std::iter::repeat_n(burst, BURST).chain([around]) {
        let next = count(member, deadline).await?;
        if next <= last {
            return Ok(false);
        }
        last = next;
    }
    Ok(true)
}

async fn count(member: &Member, deadline: &Deadline) -> Result<u64> {
    let missing = || Error::new(Problem::NotFound("key \"CumConns\" in `show info`".into()));
    member.connections(deadline).await?.ok_or_else(|| missing().at(member.address()))
}
