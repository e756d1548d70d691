//! All conversations with lanes, inside the budget and the deadline: first every batch blind, then the questions of the
//! debate. A lane that fails is a value.

mod blind;
mod conversation;
mod debate;
mod seat;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use self::blind::Round;
use self::conversation::Bench;
pub use self::conversation::Matter;
use self::debate::Debate;
use self::seat::Seat;
use crate::adapters::Endpoints;
use crate::adapters::clock::Clock;
use crate::domain::budget::Ledger;
use crate::domain::debate::Question;
use crate::domain::pass::{End, LaneReport, PassReport};
use crate::domain::plan::{Plan, PlannedLane};
use crate::domain::prompt;
use crate::domain::units::MicroUsd;

/// Batches that are read at the same time: more would only meet the providers' limits on tokens a minute.
const MOST_IN_FLIGHT: usize = 4;

/// What is not the first is not started with less time than this, or a tenth of a short run's: it would be paid
/// and not finished.
const LEAST_TIME: Duration = Duration::from_secs(15);

/// Passes in a row that a provider may fail to answer before the rest of the batches goes without it.
const MOST_FAILURES: usize = 2;

/// What the passes came to.
#[derive(Debug)]
pub struct Finished {
    /// One report a lane: those that were asked first, then those that were not.
    pub reports: Vec<LaneReport>,
    /// Every call.
    pub ledger: Ledger,
}

/// Passes by lane, each with the time from the start of all to its end.
type Ended = BTreeMap<usize, Vec<(PassReport, Duration)>>;

/// All passes of a run.
pub struct Passes<'a> {
    http: &'a reqwest::Client,
    matter: Matter<'a>,
    clock: &'a Clock,
    plan: &'a Plan,
    seats: Vec<Seat<'a>>,
    /// What all passes about a batch are known by to a cache.
    cache_keys: Vec<String>,
    ledger: Mutex<Ledger>,
    started: Instant,
    ended: Ended,
}

impl<'a> Passes<'a> {
    /// Nothing asked so far.
    #[must_use]
    pub fn new(
        http: &'a reqwest::Client,
        endpoints: &'a Endpoints,
        plan: &'a Plan,
        matter: Matter<'a>,
        ledger: Ledger,
        clock: &'a Clock,
    ) -> Self {
        let seat = |planned: &'a PlannedLane| {
            let endpoint = endpoints.get(&planned.lane.name)?.as_ref().ok()?;
            Some(Seat::new(planned, endpoint))
        };
        Self {
            http,
            matter,
            clock,
            plan,
            seats: plan.lanes.iter().filter_map(seat).collect(),
            cache_keys: plan.batches.iter().map(|batch| prompt::cache_key(&batch.prompt)).collect(),
            ledger: Mutex::new(ledger),
            started: Instant::now(),
            ended: Ended::new(),
        }
    }

    /// Asks every planned lane about every batch it is to read, as far as budget and time hold, and waits for all answers.
    pub async fn review(&mut self) {
        let bench = self.bench();
        let mut round = Round { bench: &bench, passes: self, ended: Ended::new() };
        round.run().await;
        let ended = round.ended;
        self.ended = ended;
    }

    /// Asks these questions, as far as budget and time hold, and waits for all answers.
    pub async fn debate(&mut self, questions: &[Question]) {
        let bench = self.bench();
        let ended = Debate { bench: &bench, passes: self }.run(questions).await;
        for (lane, pass, at) in ended {
            self.ended.entry(lane).or_default().push((pass, at));
        }
    }

    /// What the lanes did so far: those that were asked first, then those that were not.
    #[must_use]
    pub fn reports(&self) -> Vec<LaneReport> {
        let asked = self.plan.lanes.iter().enumerate().filter_map(|(at, planned)| {
            let ended = self.ended.get(&at).map_or(&[][..], Vec::as_slice);
            let reads = self.plan.batches.iter().any(|batch| batch.readers.contains(&at));
            let last = ended.iter().map(|(_, last)| *last).max().unwrap_or_default();
            let passes = ended.iter().map(|(pass, _)| pass.clone()).collect();
            // Who only checks what others found has nothing to do where nobody found anything.
            (reads || !ended.is_empty()).then(|| LaneReport::new(&planned.lane, passes, last))
        });
        let absent = self.plan.absent.iter().map(|(lane, end)| {
            LaneReport::new(lane, vec![PassReport::unasked(lane, None, end.clone())], Duration::ZERO)
        });
        asked.chain(absent).collect()
    }

    /// Ends the run: whatever is still open counts in full.
    #[must_use]
    pub fn finish(self) -> Finished {
        let reports = self.reports();
        let mut ledger = self.ledger.into_inner().unwrap_or_else(PoisonError::into_inner);
        ledger.close();
        Finished { reports, ledger }
    }

    fn bench(&self) -> Bench<'_> {
        let until = self.clock.after_start(self.plan.time);
        Bench { http: self.http, matter: self.matter, ledger: &self.ledger, clock: self.clock, until }
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn left(&self) -> MicroUsd {
        let ledger = self.ledger();
        if ledger.overrun() { MicroUsd::ZERO } else { ledger.left() }
    }

    /// How passes end that there is no time for.
    fn too_late(&self) -> Option<End> {
        if self.clock.is_cancelled() {
            return Some(End::Cancelled);
        }
        let least = LEAST_TIME.min(self.plan.time / 10);
        (Instant::now() + least > self.clock.after_start(self.plan.time)).then_some(End::TimedOut)
    }
}

/// How the passes of a lane end that cannot answer: asking it again helps nobody.
fn lost<'e>(ended: impl IntoIterator<Item = &'e PassReport>) -> Option<End> {
    let ends: Vec<&End> = ended.into_iter().map(|pass| &pass.end).collect();
    // One that can never be answered may be the fault of one batch.
    let failed = |end: &&&End| matches!(end, End::Limited | End::Unavailable { .. } | End::Fatal { .. });
    let in_a_row = ends.iter().rev().take_while(failed).count();
    ends.last().filter(|_| in_a_row >= MOST_FAILURES).map(|end| (*end).clone())
}
