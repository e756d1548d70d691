//! What is told of an answer while it comes.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::pass::End;
use crate::domain::units::{LaneName, clock_time};

/// Time between two lines about one answer.
const EVERY: Duration = Duration::from_secs(10);

/// One answer on its way.
pub(super) struct Progress<'a> {
    lane: &'a LaneName,
    began: Instant,
    told: Mutex<Instant>,
}

impl<'a> Progress<'a> {
    pub(super) fn of(lane: &'a LaneName) -> Self {
        let now = Instant::now();
        Self { lane, began: now, told: Mutex::new(now) }
    }

    /// A piece came; the answer's text has `written` bytes so far. Its size is told, never the text.
    pub(super) fn heard(&self, written: usize) {
        let now = Instant::now();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(*told) < EVERY {
            return;
        }
        *told = now;
        let time = clock_time(now - self.began);
        match written {
            0 => tracing::info!("{} is thinking, {time}", self.lane),
            _ => tracing::info!("{} is answering, {written} bytes so far, {time}", self.lane),
        }
    }
}

/// How a pass ended, for the log.
pub(super) fn end_word(end: &End) -> &'static str {
    match end {
        End::Done => "finished",
        End::Refused { .. } => "refused",
        End::Truncated => "was cut at its output limit",
        End::Invalid { .. } => "gave an answer that cannot be read",
        End::Limited => "met a rate limit",
        End::Unavailable { .. } => "was not available",
        End::TimedOut => "ran out of time",
        End::Cancelled => "was cancelled",
        End::Fatal { .. } => "could not be asked",
        End::NoKey => "has no key",
        End::Unpaid => "was not paid",
    }
}
