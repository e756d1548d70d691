//! What a run will do, decided before any model is asked.

use std::time::Duration;

use serde::Serialize;

use crate::domain::config::{Lane, Strategy};
use crate::domain::pass::{End, Prompt};
use crate::domain::units::MicroUsd;

/// Which files, lanes and strategy, at what bound; what is left out and why.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Which passes are run.
    pub strategy: Strategy,
    /// The lanes that will be asked.
    pub lanes: Vec<PlannedLane>,
    /// The lanes that will not be asked although they are configured, and how that counts.
    pub absent: Vec<(Lane, End)>,
    /// What the lanes read, the same for all of them.
    pub prompt: Prompt,
    /// What is read, and what is not.
    pub coverage: Coverage,
    /// Every step taken to fit the budget, in words.
    pub degraded: Vec<String>,
    /// The most that the planned calls can cost.
    pub bound: MicroUsd,
    /// What is usually spent for calls like these.
    pub estimate: MicroUsd,
    /// Time for the models; what is left of the run's time is kept for publishing.
    pub time: Duration,
}

/// One lane's call.
#[derive(Clone, Debug)]
pub struct PlannedLane {
    /// Who, with which model.
    pub lane: Lane,
    /// The cap on its output, in tokens.
    pub max_output: u32,
    /// The most it can cost.
    pub bound: MicroUsd,
}

/// Which files of the pull request are read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Paths of the files that the lanes read.
    pub read: Vec<String>,
    /// Paths that a rule excludes, or that hold no text: they do not make a review partial.
    pub excluded: Vec<LeftOut>,
    /// Paths that should have been read and are not: they do not count as clean.
    pub unread: Vec<LeftOut>,
    /// Files beyond what GitHub lists.
    pub unlisted: u64,
}

impl Coverage {
    /// Every file that counts, read or not.
    #[must_use]
    pub fn due(&self) -> u64 {
        let files = self.read.len() + self.unread.len();
        u64::try_from(files).unwrap_or(u64::MAX).saturating_add(self.unlisted)
    }

    /// Whether all that no rule excludes is read.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.unread.is_empty() && self.unlisted == 0
    }
}

/// A file that is not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Its path.
    pub path: String,
    /// Why, in a few words.
    pub why: String,
}
