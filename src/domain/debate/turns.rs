//! Who is asked next, about what: decided from all that was said so far, so that the same answers lead to the same
//! questions in whatever order they came.
//!
//! It ends: a lane is asked about a finding of others once, about a refutation of its own once, and what is added by
//! those who have read the others' findings is checked by those who reviewed blind only.

use std::collections::BTreeSet;

use super::{FindingKey, Purpose};
use crate::domain::config::Strategy;
use crate::domain::finding::{Raised, Verdict};
use crate::domain::pass::{LaneReport, PassReport};
use crate::domain::plan::{Batch, Plan};
use crate::domain::reconcile::Issue;
use crate::domain::units::LaneName;

/// The most findings that one question is about, the most pressing first; the others are in the next.
pub const MOST_TARGETS: usize = 20;

/// What one lane is to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Who, by position among the planned lanes.
    pub lane: usize,
    /// About which batch, by position in the plan.
    pub batch: usize,
    /// To do what.
    pub purpose: Purpose,
    /// About which findings, most pressing first.
    pub targets: Vec<FindingKey>,
    /// Its own blind findings in that batch.
    pub own: Vec<FindingKey>,
    /// Whether it is to add what was missed: then it has not read that batch before.
    pub adds: bool,
}

/// The questions that follow from what was said. None when the debate is over.
#[must_use]
pub fn turns(plan: &Plan, reports: &[LaneReport], issues: &[Issue]) -> Vec<Turn> {
    let debate = Debate { plan, passes: reports.iter().flat_map(|report| &report.passes).collect(), issues };
    let mut turns = Vec::new();
    for (at, batch) in plan.batches.iter().enumerate() {
        for lane in 0..plan.lanes.len() {
            turns.extend(debate.defence(at, lane));
            turns.extend(debate.challenge(at, batch, lane));
        }
    }
    // Who has not read a batch yet is paid before who is asked about findings.
    turns.sort_by_key(|turn| !(turn.adds || turn.purpose == Purpose::Review));
    turns
}

struct Debate<'a> {
    plan: &'a Plan,
    passes: Vec<&'a PassReport>,
    issues: &'a [Issue],
}

impl Debate<'_> {
    /// What a lane has to answer for: its findings in this batch that are refuted and that it was not asked about yet.
    fn defence(&self, batch: usize, lane: usize) -> Option<Turn> {
        let asked = self.asked(lane, Purpose::Defend);
        let refuted = self.issues.iter().filter(|issue| issue.verdict == Verdict::Disputed);
        let own = refuted.filter_map(|issue| issue.raiser()).map(Raised::key).filter(|key| {
            self.is(lane, &key.lane) && self.batch_of(key) == Some(batch) && !asked.contains(key)
        });
        let targets: Vec<FindingKey> = own.take(MOST_TARGETS).collect();
        let turn = Turn { lane, batch, purpose: Purpose::Defend, targets, own: Vec::new(), adds: false };
        (!turn.targets.is_empty()).then_some(turn)
    }

    /// What a lane is to check in this batch, and whether it is to review what it has not read yet.
    fn challenge(&self, at: usize, batch: &Batch, lane: usize) -> Option<Turn> {
        let roles = self.plan.lanes.get(lane)?.lane.roles;
        if !self.plan.debates(batch) {
            return None;
        }
        let reads = batch.readers.contains(&lane);
        let in_turn = self.is_in_turn(batch);
        let comes_later = in_turn && roles.review && !reads && !self.has_a_pass(lane, at);
        // Where nobody has read it, there is nothing to check: it is read as it would have been by the first.
        if comes_later && !batch.readers.iter().any(|reader| self.has_read(*reader, at)) {
            let (targets, own) = (Vec::new(), Vec::new());
            return Some(Turn { lane, batch: at, purpose: Purpose::Review, targets, own, adds: false });
        }
        if !roles.challenge || (reads && !self.has_read(lane, at)) {
            return None;
        }
        let asked = self.asked(lane, Purpose::Challenge);
        let targets = self.issues.iter().filter(|issue| self.is_open_to(issue, batch, lane));
        let targets = targets.filter_map(|issue| issue.raiser()).map(Raised::key);
        let targets: Vec<FindingKey> = targets
            .filter(|key| self.batch_of(key) == Some(at) && !asked.contains(key))
            .take(MOST_TARGETS)
            .collect();
        if targets.is_empty() && !comes_later {
            return None;
        }
        let own = self.own(lane, at);
        Some(Turn { lane, batch: at, purpose: Purpose::Challenge, targets, own, adds: comes_later })
    }

    /// Whether a lane may be asked about an issue.
    fn is_open_to(&self, issue: &Issue, batch: &Batch, lane: usize) -> bool {
        let raisers = issue.raised_by();
        // Nothing is challenged that two hold against each other already: that is for people.
        if raisers.iter().any(|raiser| self.is(lane, raiser)) || issue.verdict == Verdict::Contradiction {
            return false;
        }
        // What was added is checked by who read first, however many added it.
        if issue.members.iter().all(|member| member.informed) {
            let first = |raiser: &&LaneName| batch.readers.iter().any(|reader| self.is(*reader, raiser));
            return self.is_in_turn(batch) && batch.readers.contains(&lane) && !raisers.iter().any(first);
        }
        if raisers.len() > 1 {
            return false;
        }
        let path = issue.members.first().map_or("", |member| member.path());
        match self.plan.strategy_of(path) {
            Strategy::Single | Strategy::Parallel => false,
            Strategy::Sequential | Strategy::Adversarial => true,
            Strategy::Auto => issue.severity >= self.plan.challenged,
        }
    }

    /// Whether one lane reads the batch and the others check it.
    fn is_in_turn(&self, batch: &Batch) -> bool {
        batch.files.iter().any(|file| self.plan.strategy_of(&file.path) == Strategy::Sequential)
    }

    fn is(&self, lane: usize, name: &LaneName) -> bool {
        self.plan.lanes.get(lane).is_some_and(|planned| planned.lane.name == *name)
    }

    fn of(&self, lane: usize) -> impl Iterator<Item = &PassReport> {
        self.passes.iter().copied().filter(move |pass| self.is(lane, &pass.lane))
    }

    fn has_read(&self, lane: usize, batch: usize) -> bool {
        self.of(lane)
            .any(|pass| pass.purpose == Purpose::Review && pass.batch == Some(batch) && pass.end.is_done())
    }

    fn has_a_pass(&self, lane: usize, batch: usize) -> bool {
        self.of(lane).any(|pass| pass.batch == Some(batch))
    }

    /// The findings that a lane was asked about, whether it answered or not.
    fn asked(&self, lane: usize, purpose: Purpose) -> BTreeSet<FindingKey> {
        let passes = self.of(lane).filter(|pass| pass.purpose == purpose);
        passes.flat_map(|pass| &pass.targets).map(|target| target.finding.clone()).collect()
    }

    /// The batch that a finding was raised in.
    fn batch_of(&self, key: &FindingKey) -> Option<usize> {
        let raised = |pass: &&&PassReport| pass.findings.iter().any(|raised| raised.key() == *key);
        self.passes.iter().find(raised).and_then(|pass| pass.batch)
    }

    /// What a lane raised blind in a batch, in its own order.
    fn own(&self, lane: usize, batch: usize) -> Vec<FindingKey> {
        let reviews =
            self.of(lane).filter(|pass| pass.purpose == Purpose::Review && pass.batch == Some(batch));
        reviews.flat_map(|pass| &pass.findings).map(Raised::key).take(MOST_TARGETS).collect()
    }
}
