//! Counting a process once that answers at several sockets.

use std::collections::HashMap;

use super::candidate::Candidate;
use super::identity::{self, Identity};
use super::roster::{Known, Standing};
use super::sweep::{Answered, Shared};
use crate::aggregate::Record;

impl Shared {
    /// Whether the process behind a socket was asked elsewhere the last time.
    pub(super) fn is_duplicate(&self, candidate: &Candidate) -> bool {
        let roster = self.roster();
        roster.get(&candidate.address).is_some_and(|known| {
            matches!(known.standing, Standing::Duplicate { .. }) && known.inode == candidate.inode
        })
    }

    /// Whether the process behind a socket has answered elsewhere this time, and is
    /// still the same.
    pub(super) fn is_still_duplicate(&self, candidate: &Candidate, answers: &[Answered]) -> bool {
        let roster = self.roster();
        let Some(Known { standing: Standing::Duplicate { of, identity }, .. }) =
            roster.get(&candidate.address)
        else {
            return false;
        };
        let answer = answers.iter().find(|(_, record)| record.address == *of);
        answer.and_then(|(_, record)| Identity::of(record)).is_some_and(|now| now.fits(identity))
    }

    /// Keeps one of several answers of the same process: the one that came through
    /// the highest level.
    pub(super) async fn without_duplicates(&self, mut answers: Vec<Answered>) -> Vec<Answered> {
        let level = |record: &Record| record.answer.as_ref().ok().map(|reading| reading.level);
        answers.sort_by(|(_, a), (_, b)| level(b).cmp(&level(a)).then_with(|| a.address.cmp(&b.address)));
        let mut kept: Vec<Answered> = Vec::with_capacity(answers.len());
        let mut by_pid: HashMap<u64, Vec<(usize, Identity)>> = HashMap::new();
        for (candidate, record) in answers {
            let Some(identity) = Identity::of(&record) else {
                kept.push((candidate, record));
                continue;
            };
            let alike = by_pid.entry(identity.pid()).or_default();
            let mut same = None;
            for (index, other) in alike.iter().filter(|(_, other)| other.fits(&identity)) {
                if let Some((_, first)) = kept.get(*index) {
                    if self.are_one((first, other), (&record, &identity)).await {
                        same = Some(first.address.clone());
                        break;
                    }
                }
            }
            match same {
                None => {
                    alike.push((kept.len(), identity));
                    kept.push((candidate, record));
                }
                Some(of) => {
                    let standing = Standing::Duplicate { of, identity };
                    self.roster().set(candidate.address, candidate.inode, standing);
                }
            }
        }
        kept
    }

    /// Whether two answers that look alike are of one process.
    async fn are_one(&self, one: (&Record, &Identity), other: (&Record, &Identity)) -> bool {
        let named = |one: &Record, other: &Record| {
            let list = one.answer.as_ref().map(|reading| &reading.sockets);
            list.is_ok_and(|list| identity::names(list, &one.address, &other.address))
        };
        if named(one.0, other.0) || named(other.0, one.0) {
            return true;
        }
        let pair = ((&one.0.address, one.1), (&other.0.address, other.1));
        if self.roster().are_apart(pair.0, pair.1) {
            return false;
        }
        let same = self.count_together(one.0, other.0).await;
        if !same {
            self.roster().set_apart(pair.0, pair.1);
        }
        same
    }

    /// Whether the count of connections goes on from one socket to the other and
    /// back: asking adds one each time.
    async fn count_together(&self, one: &Record, other: &Record) -> bool {
        let (one, other) = (self.member(&one.address), self.member(&other.address));
        let mut last = None;
        for member in [&one, &other, &one, &other, &one, &other] {
            let connections = member.info(&self.limits).await.ok().and_then(|info| info.cum_conns());
            if connections.is_none() || connections <= last {
                return false;
            }
            last = connections;
        }
        true
    }
}
