//! The blind passes: every batch, by every lane that is to read it.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::{self, LocalBoxFuture};
use futures_util::stream::FuturesUnordered;

use super::conversation::{Bench, Pass, Task};
use super::seat::Seat;
use super::{Ended, MOST_IN_FLIGHT, Passes, lost};
use crate::domain::pass::{End, PassReport};
use crate::domain::plan::{Batch, Offer, Step};
use crate::domain::prompt;

/// All blind passes, while they run.
pub(super) struct Round<'r> {
    pub(super) bench: &'r Bench<'r>,
    pub(super) passes: &'r Passes<'r>,
    pub(super) ended: Ended,
}

/// The passes of one batch: by lane, with the time at which each ended.
type Answers = Vec<(usize, PassReport, Duration)>;

impl<'r> Round<'r> {
    /// Starts the batches in their order, each as soon as there is money and room for it.
    pub(super) async fn run(&mut self) {
        let passes = self.passes;
        let plan = passes.plan;
        let mut in_flight: FuturesUnordered<LocalBoxFuture<'r, Answers>> = FuturesUnordered::new();
        let mut waiting = plan.batches.iter().enumerate().peekable();
        loop {
            while let Some((at, batch)) = waiting.peek().copied()
                && in_flight.len() < MOST_IN_FLIGHT
            {
                let readers = batch.readers.iter().copied();
                let among: Vec<usize> = readers.filter(|lane| self.lost(*lane).is_none()).collect();
                if let Some(end) = passes.too_late().filter(|_| at > 0) {
                    self.skip(at, &among, &end);
                } else {
                    match batch.step(plan, &among, passes.left(), !in_flight.is_empty()) {
                        Step::Wait => break,
                        Step::GiveUp => {}
                        Step::Start(offer) => {
                            let unpaid: Vec<usize> =
                                among.iter().copied().filter(|lane| !offer.lanes.contains(lane)).collect();
                            self.skip(at, &unpaid, &End::Unpaid);
                            in_flight.extend(self.start(at, batch, offer));
                        }
                    }
                }
                self.skip_lost(at, batch);
                waiting.next();
            }
            let next = waiting.peek().map_or(plan.batches.len(), |(at, _)| *at);
            passes.ledger().set_aside(plan.bound_from(next));
            match in_flight.next().await {
                Some(answers) => {
                    for (lane, report, ended) in answers {
                        self.ended.entry(lane).or_default().push((report, ended));
                    }
                }
                None => break,
            }
        }
    }

    /// Reserves the calls of a batch and sends them all at the same time.
    fn start(&self, at: usize, batch: &'r Batch, offer: Offer) -> Option<LocalBoxFuture<'r, Answers>> {
        let (bench, passes) = (self.bench, self.passes);
        let cache_key = passes.cache_keys.get(at)?;
        let (max_output, batches) = (offer.max_output, passes.plan.batches.len());
        let is_shared = passes.plan.debates(batch);
        let asked: Vec<(usize, &'r Seat<'r>)> =
            offer.lanes.iter().filter_map(|lane| Some((*lane, passes.seats.get(*lane)?))).collect();
        let calls: Vec<_> = asked
            .iter()
            .zip(&offer.bounds)
            .map(|((_, seat), bound)| (seat.planned.lane.name.clone(), "review".to_owned(), *bound))
            .collect();
        let reserved = passes.ledger().reserve(&calls).ok()?;
        let started = passes.started;
        let reviews = asked.into_iter().zip(reserved).map(move |((lane, seat), reservation)| async move {
            let task = Task {
                batch: (at, batches),
                prompt: &batch.prompt,
                prompt_hash: prompt::hash(&batch.prompt),
                cache_key,
                is_shared,
                max_output: seat.planned.output(max_output),
                files: &batch.files,
                question: None,
            };
            let report = Pass::new(bench, seat, task).run(reservation).await;
            (lane, report, started.elapsed())
        });
        Some(Box::pin(future::join_all(reviews)))
    }

    fn lost(&self, lane: usize) -> Option<End> {
        lost(self.ended.get(&lane).into_iter().flatten().map(|(pass, _)| pass))
    }

    fn skip_lost(&mut self, at: usize, batch: &Batch) {
        for lane in &batch.readers {
            if let Some(end) = self.lost(*lane) {
                self.skip(at, &[*lane], &end);
            }
        }
    }

    fn skip(&mut self, at: usize, lanes: &[usize], end: &End) {
        for lane in lanes {
            if let Some(seat) = self.passes.seats.get(*lane) {
                let report = seat.unasked(at, None, end.clone());
                self.ended.entry(*lane).or_default().push((report, Duration::ZERO));
            }
        }
    }
}
