//! A lane, as all its passes share it.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::adapters::providers::Endpoint;
use crate::domain::debate::Question;
use crate::domain::pass::{End, Feature, PassReport};
use crate::domain::plan::PlannedLane;

/// A lane as its passes see it.
pub(super) struct Seat<'a> {
    pub(super) planned: &'a PlannedLane,
    pub(super) endpoint: &'a Endpoint,
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
    pub(super) fn new(planned: &'a PlannedLane, endpoint: &'a Endpoint) -> Self {
        let without = endpoint.capabilities().without();
        let learnt = Learnt { not_before: Instant::now(), without };
        Self { planned, endpoint, learnt: Mutex::new(learnt) }
    }

    /// The report of a pass that sent nothing.
    pub(super) fn unasked(&self, batch: usize, question: Option<&Question>, end: End) -> PassReport {
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
