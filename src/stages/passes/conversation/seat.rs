//! A lane, as all its passes share it.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::adapters::providers::Endpoint;
use crate::domain::debate::Question;
use crate::domain::pass::{End, Feature, PassReport};
use crate::domain::plan::PlannedLane;

/// A lane as its passes see it.
pub(in crate::stages::passes) struct Seat<'a> {
    pub(in crate::stages::passes) planned: &'a PlannedLane,
    pub(in crate::stages::passes) endpoint: &'a Endpoint,
    learnt: Mutex<Learnt>,
}

/// What one pass of a lane learns of its server, and the others need not.
pub(super) struct Learnt {
    /// It asked for patience until then.
    pub(super) not_before: Instant,
    /// It does not take these.
    pub(super) without: BTreeSet<Feature>,
}

impl<'a> Seat<'a> {
    pub(in crate::stages::passes) fn new(planned: &'a PlannedLane, endpoint: &'a Endpoint) -> Self {
        let without = endpoint.capabilities().without();
        let learnt = Learnt { not_before: Instant::now(), without };
        Self { planned, endpoint, learnt: Mutex::new(learnt) }
    }

    /// The report of a pass that sent nothing.
    pub(in crate::stages::passes) fn unasked(
        &self,
        batch: usize,
        question: Option<&Question>,
        end: End,
    ) -> PassReport {
        let report = PassReport::unasked(&self.planned.lane, Some(batch), end);
        match question {
            None => report,
            Some(question) => PassReport {
                purpose: question.purpose,
                targets: question.targets.clone(),
                seed: (!question.targets.is_empty()).then_some(question.seed),
                ..report
            },
        }
    }

    pub(super) fn learnt(&self) -> MutexGuard<'_, Learnt> {
        self.learnt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
