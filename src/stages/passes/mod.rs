//! All lanes over all batches, blind, inside the budget and the deadline. A lane that fails is a value.

mod conversation;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::{self, LocalBoxFuture};
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

pub use self::conversation::Matter;
use self::conversation::{Bench, Pass, Question, Seat};
use crate::adapters::Endpoints;
use crate::adapters::clock::Clock;
use crate::domain::budget::Ledger;
use crate::domain::pass::{End, LaneReport, PassReport};
use crate::domain::plan::{Batch, Offer, Plan, Step};
use crate::domain::prompt;
use crate::domain::units::MicroUsd;

/// Batches that are read at the same time: more would only meet the providers' limits on tokens a minute.
const MOST_IN_FLIGHT: usize = 4;

/// A batch that is not the first is not started with less time than this, or a tenth of a short run's: it would be paid
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

/// Asks every planned lane about every batch, as far as budget and time hold, and waits for all answers.
pub async fn run(
    http: &reqwest::Client,
    endpoints: &Endpoints,
    plan: &Plan,
    matter: Matter<'_>,
    ledger: Ledger,
    clock: &Clock,
) -> Finished {
    let ledger = Mutex::new(ledger);
    let bench = Bench { http, matter, ledger: &ledger, clock, until: clock.after_start(plan.time) };
    let seats: Vec<Seat<'_>> = plan
        .lanes
        .iter()
        .filter_map(|planned| {
            let endpoint = endpoints.get(&planned.lane.name)?.as_ref().ok()?;
            Some(Seat::new(planned, endpoint))
        })
        .collect();
    let hashes: Vec<String> = plan.batches.iter().map(|batch| prompt::hash(&batch.prompt)).collect();
    let mut round = Round { bench: &bench, plan, seats: &seats, hashes: &hashes, passes: BTreeMap::new() };
    round.run().await;
    let mut passes = round.passes;
    let mut reports: Vec<LaneReport> = plan
        .lanes
        .iter()
        .enumerate()
        .map(|(at, planned)| {
            let (passes, last): (Vec<PassReport>, Vec<Duration>) =
                passes.remove(&at).unwrap_or_default().into_iter().unzip();
            LaneReport::new(&planned.lane, passes, last.into_iter().max().unwrap_or_default())
        })
        .collect();
    reports.extend(plan.absent.iter().map(|(lane, end)| {
        LaneReport::new(lane, vec![PassReport::unasked(lane, None, end.clone())], Duration::ZERO)
    }));
    let mut ledger = ledger.into_inner().unwrap_or_else(PoisonError::into_inner);
    ledger.close();
    Finished { reports, ledger }
}

/// All passes of a run, while they run.
struct Round<'a> {
    bench: &'a Bench<'a>,
    plan: &'a Plan,
    seats: &'a [Seat<'a>],
    hashes: &'a [String],
    /// By lane, each with the time from the start of the round to its end.
    passes: BTreeMap<usize, Vec<(PassReport, Duration)>>,
}

/// The passes of one batch: by lane, with the time at which each ended.
type Answers = Vec<(usize, PassReport, Duration)>;

impl<'a> Round<'a> {
    /// Starts the batches in their order, each as soon as there is money and room for it.
    async fn run(&mut self) {
        let started = Instant::now();
        let mut in_flight: FuturesUnordered<LocalBoxFuture<'a, Answers>> = FuturesUnordered::new();
        let mut waiting = self.plan.batches.iter().enumerate().peekable();
        loop {
            while let Some((at, batch)) = waiting.peek().copied()
                && in_flight.len() < MOST_IN_FLIGHT
            {
                let among: Vec<usize> =
                    (0..self.seats.len()).filter(|lane| self.lost(*lane).is_none()).collect();
                if let Some(end) = self.too_late(at) {
                    self.skip(at, &among, &end);
                } else {
                    let left = self.ledger_left();
                    match batch.step(self.plan, &among, left, !in_flight.is_empty()) {
                        Step::Wait => break,
                        Step::GiveUp => {}
                        Step::Start(offer) => {
                            let unpaid: Vec<usize> =
                                among.iter().copied().filter(|lane| !offer.lanes.contains(lane)).collect();
                            self.skip(at, &unpaid, &End::Unpaid);
                            in_flight.extend(self.start(at, batch, offer, started));
                        }
                    }
                }
                self.skip_lost(at);
                waiting.next();
            }
            let next = waiting.peek().map_or(self.plan.batches.len(), |(at, _)| *at);
            let needed = self.plan.bound_from(next);
            self.bench.ledger.lock().unwrap_or_else(PoisonError::into_inner).set_aside(needed);
            match in_flight.next().await {
                Some(answers) => {
                    for (lane, report, ended) in answers {
                        self.passes.entry(lane).or_default().push((report, ended));
                    }
                }
                None => break,
            }
        }
    }

    /// Reserves the calls of a batch and sends them all at the same time.
    fn start(
        &self,
        at: usize,
        batch: &'a Batch,
        offer: Offer,
        started: Instant,
    ) -> Option<LocalBoxFuture<'a, Answers>> {
        let (bench, seats, hash) = (self.bench, self.seats, self.hashes.get(at)?);
        let (max_output, batches) = (offer.max_output, self.plan.batches.len());
        let asked: Vec<(usize, &'a Seat<'a>)> =
            offer.lanes.iter().filter_map(|lane| Some((*lane, seats.get(*lane)?))).collect();
        let calls: Vec<_> = asked
            .iter()
            .zip(&offer.bounds)
            .map(|((_, seat), bound)| (seat.planned.lane.name.clone(), "review".to_owned(), *bound))
            .collect();
        let reserved = bench.ledger.lock().unwrap_or_else(PoisonError::into_inner).reserve(&calls).ok()?;
        let passes = asked.into_iter().zip(reserved).map(move |((lane, seat), reservation)| async move {
            let max_output = seat.planned.output(max_output);
            let question =
                Question { batch: (at, batches), prompt: &batch.prompt, prompt_hash: hash, max_output };
            let report = Pass::new(bench, seat, question).run(reservation).await;
            (lane, report, started.elapsed())
        });
        Some(Box::pin(future::join_all(passes)))
    }

    fn ledger_left(&self) -> MicroUsd {
        let ledger = self.bench.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        if ledger.overrun() { MicroUsd::ZERO } else { ledger.left() }
    }

    /// How the passes of a batch end that there is no time for.
    fn too_late(&self, at: usize) -> Option<End> {
        if at > 0 && self.bench.clock.is_cancelled() {
            return Some(End::Cancelled);
        }
        let least = LEAST_TIME.min(self.plan.time / 10);
        (at > 0 && Instant::now() + least > self.bench.until).then_some(End::TimedOut)
    }

    /// How the passes of a lane end that cannot answer: asking it again helps nobody.
    fn lost(&self, lane: usize) -> Option<&End> {
        let passes = self.passes.get(&lane)?;
        let ends = || passes.iter().map(|(pass, _)| &pass.end);
        // One that can never be answered may be the fault of one batch.
        let failed = |end: &&End| matches!(end, End::Limited | End::Unavailable { .. } | End::Fatal { .. });
        let in_a_row = ends().rev().take_while(failed).count();
        ends().next_back().filter(|_| in_a_row >= MOST_FAILURES)
    }

    fn skip_lost(&mut self, at: usize) {
        for lane in 0..self.seats.len() {
            if let Some(end) = self.lost(lane).cloned() {
                self.skip(at, &[lane], &end);
            }
        }
    }

    fn skip(&mut self, at: usize, lanes: &[usize], end: &End) {
        for lane in lanes {
            if let Some(seat) = self.seats.get(*lane) {
                let report = PassReport::unasked(&seat.planned.lane, Some(at), end.clone());
                self.passes.entry(*lane).or_default().push((report, Duration::ZERO));
            }
        }
    }
}
