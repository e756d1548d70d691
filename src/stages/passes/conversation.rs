//! One lane reading one batch: asked, asked again where that may help, settled, understood.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::adapters::clock::{Clock, Cut};
use crate::adapters::http::backoff;
use crate::adapters::providers::{self, Attempt, AttemptEnd, Billing, Endpoint, Retry};
use crate::domain::budget::{self, Ledger, Reservation, Settlement};
use crate::domain::config::Lane;
use crate::domain::diff::{self, Around, Claim, Diff, Resolver};
use crate::domain::finding::{Cleared, Finding, Placement, Raised, Side};
use crate::domain::pass::{End, Feature, PassReport, Prompt};
use crate::domain::plan::PlannedLane;
use crate::domain::reply;
use crate::domain::units::{MicroUsd, clock_time};

/// Requests for one pass, the first included, that fail for reasons which may pass.
const MAX_TRIES: u32 = 3;

/// What every pass of a run shares.
pub(super) struct Bench<'a> {
    pub(super) http: &'a reqwest::Client,
    pub(super) diff: &'a Diff,
    pub(super) around: &'a Around,
    pub(super) ledger: &'a Mutex<Ledger>,
    pub(super) clock: &'a Clock,
    pub(super) until: Instant,
}

/// A lane as its passes see it.
pub(super) struct Seat<'a> {
    pub(super) planned: &'a PlannedLane,
    pub(super) endpoint: &'a Endpoint,
    learnt: Mutex<Learnt>,
}

/// What one pass of a lane learns of its server, and the others need not.
struct Learnt {
    /// It asked for patience until then.
    not_before: Instant,
    /// It does not take these.
    without: BTreeSet<Feature>,
}

impl<'a> Seat<'a> {
    pub(super) fn new(planned: &'a PlannedLane, endpoint: &'a Endpoint) -> Self {
        let learnt = Learnt { not_before: Instant::now(), without: BTreeSet::new() };
        Self { planned, endpoint, learnt: Mutex::new(learnt) }
    }

    fn learnt(&self) -> MutexGuard<'_, Learnt> {
        self.learnt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a lane is asked.
pub(super) struct Question<'a> {
    /// The batch's position in the plan, and how many there are.
    pub(super) batch: (usize, usize),
    pub(super) prompt: &'a Prompt,
    pub(super) prompt_hash: &'a str,
    /// The cap on the answer, in tokens.
    pub(super) max_output: u32,
}

/// The report of a pass that sent nothing.
pub(super) fn unasked(lane: &Lane, batch: Option<usize>, end: End) -> PassReport {
    PassReport {
        lane: lane.name.clone(),
        provider: lane.provider,
        model: lane.model.clone(),
        resolved_model: None,
        batch,
        max_output: None,
        end,
        findings: Vec::new(),
        clearances: Vec::new(),
        problems: Vec::new(),
        attempts: 0,
        left_out: Vec::new(),
        request_ids: Vec::new(),
        usage: None,
        cost: MicroUsd::ZERO,
        elapsed: Duration::ZERO,
        prompt_hash: String::new(),
    }
}

/// One pass, while it runs.
pub(super) struct Pass<'a> {
    bench: &'a Bench<'a>,
    seat: &'a Seat<'a>,
    question: Question<'a>,
    started: Instant,
    without: BTreeSet<Feature>,
    tries: u32,
    report: PassReport,
}

/// What to do after a request.
enum Next {
    /// The pass is over.
    Over(End),
    /// Ask again after a wait; if there is no time or money for that, the pass ends so.
    Again { wait: Duration, otherwise: End },
}

impl<'a> Pass<'a> {
    pub(super) fn new(bench: &'a Bench<'a>, seat: &'a Seat<'a>, question: Question<'a>) -> Self {
        let report = PassReport {
            max_output: Some(question.max_output),
            prompt_hash: question.prompt_hash.to_owned(),
            ..unasked(&seat.planned.lane, Some(question.batch.0), End::TimedOut)
        };
        let without = seat.learnt().without.clone();
        Self { bench, seat, question, started: Instant::now(), without, tries: 0, report }
    }

    pub(super) async fn run(mut self, first: Reservation) -> PassReport {
        let lane = &self.seat.planned.lane;
        tracing::info!("{} ({}) is reading", lane.name, lane.model);
        let mut reservation = first;
        self.report.end = loop {
            match self.ask(reservation).await {
                Next::Over(end) => break end,
                Next::Again { wait, otherwise } => {
                    if !self.waited(wait).await {
                        break if self.bench.clock.is_cancelled() { End::Cancelled } else { otherwise };
                    }
                    match self.reserve() {
                        Some(next) => reservation = next,
                        None => break otherwise,
                    }
                }
            }
        };
        self.report.elapsed = self.started.elapsed();
        self.report.left_out = self.without.iter().copied().collect();
        tracing::info!(
            "{} {} after {}, {} so far",
            lane.name,
            end_word(&self.report.end),
            clock_time(self.report.elapsed),
            self.report.cost
        );
        self.report
    }

    /// Sends one request and settles it.
    async fn ask(&mut self, reservation: Reservation) -> Next {
        if let Some(end) = self.asked_for_patience().await {
            self.settle(reservation, Billing::None);
            return Next::Over(end);
        }
        if Instant::now() >= self.bench.until {
            self.settle(reservation, Billing::None);
            return Next::Over(End::TimedOut);
        }
        self.report.attempts += 1;
        let body = self.body();
        let sent = providers::send(self.bench.http, self.seat.endpoint, body);
        let attempt = match self.bench.clock.limit(self.bench.until, sent).await {
            Ok(attempt) => attempt,
            Err(cut) => {
                self.settle(reservation, Billing::Unknown);
                return Next::Over(match cut {
                    Cut::Deadline => End::TimedOut,
                    Cut::Cancelled => End::Cancelled,
                });
            }
        };
        self.settle(reservation, attempt.billing);
        self.report.request_ids.extend(attempt.request_id.clone());
        self.judge(attempt)
    }

    fn judge(&mut self, attempt: Attempt) -> Next {
        match attempt.end {
            AttemptEnd::Answer { text, stop, model } => {
                self.report.resolved_model = model;
                Next::Over(match stop {
                    providers::Stop::Complete => self.read(&text),
                    providers::Stop::Truncated => End::Truncated,
                    providers::Stop::Refused { category } => End::Refused { category },
                })
            }
            AttemptEnd::Rejected { unsupported: Some(feature), why, .. } if self.without.insert(feature) => {
                self.seat.learnt().without.insert(feature);
                tracing::warn!("{}: asking again without {feature}: {why}", self.lane().name);
                self.report.problems.push(format!("asked again without {feature}: {why}"));
                Next::Again { wait: Duration::ZERO, otherwise: End::Unavailable { why } }
            }
            AttemptEnd::Rejected { retry: Retry::Never, why, advice, .. } => {
                let advice =
                    advice.unwrap_or_else(|| "check the model and the endpoint of this lane".to_owned());
                Next::Over(End::Fatal { why, advice })
            }
            AttemptEnd::Rejected { retry: Retry::After(named), status, why, .. } => {
                let end = if status == 429 { End::Limited } else { End::Unavailable { why: why.clone() } };
                self.again(named, end, &why)
            }
            AttemptEnd::Broken { why, .. } => {
                let end = End::Unavailable { why: why.clone() };
                self.again(None, end, &why)
            }
        }
    }

    fn again(&mut self, named: Option<Duration>, otherwise: End, why: &str) -> Next {
        self.tries += 1;
        if self.tries >= MAX_TRIES {
            return Next::Over(otherwise);
        }
        // Lanes of one run wait different times, and the same run waits the same time: the seed is the prompt.
        let seed = self.question.prompt_hash.bytes().chain(self.lane().name.as_str().bytes());
        let seed =
            seed.fold(u64::from(self.tries), |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
        let wait = named.unwrap_or_else(|| backoff(self.tries - 1, seed));
        if otherwise == End::Limited {
            let mut learnt = self.seat.learnt();
            learnt.not_before = learnt.not_before.max(Instant::now() + wait);
        }
        tracing::warn!("{}: {why}; asking again in {:.1} s", self.lane().name, wait.as_secs_f32());
        Next::Again { wait, otherwise }
    }

    fn lane(&self) -> &'a Lane {
        &self.seat.planned.lane
    }

    /// Waits as long as the provider asked another pass of this lane to; how the pass ends if that is too long.
    async fn asked_for_patience(&self) -> Option<End> {
        let wait = self.seat.learnt().not_before.saturating_duration_since(Instant::now());
        if wait.is_zero() || self.waited(wait).await {
            return None;
        }
        Some(if self.bench.clock.is_cancelled() { End::Cancelled } else { End::Limited })
    }

    /// Waits, unless the deadline or a signal comes first.
    async fn waited(&self, wait: Duration) -> bool {
        let fits = Instant::now().checked_add(wait).is_some_and(|then| then < self.bench.until);
        fits && self.bench.clock.unless_cancelled(tokio::time::sleep(wait)).await.is_ok()
    }

    fn body(&self) -> Vec<u8> {
        let request = providers::Request {
            model: &self.lane().model,
            effort: self.lane().effort,
            prompt: self.question.prompt,
            max_output: self.question.max_output,
            without: &self.without,
            // A mark costs a quarter more, and no later pass reads this prompt again.
            mark_cache: false,
            cache_key: self.question.prompt_hash.get(..32).unwrap_or_default(),
        };
        providers::body(self.lane().provider, &request)
    }

    /// Reserves one more request of this pass.
    fn reserve(&self) -> Option<Reservation> {
        let price = &self.seat.planned.price;
        let bound = budget::bound(self.body().len(), self.question.max_output, price);
        let call = (self.lane().name.clone(), "review, asked again", bound);
        self.ledger().reserve(&[call]).ok()?.pop()
    }

    fn settle(&mut self, reservation: Reservation, billing: Billing) {
        let settlement = match billing {
            Billing::None => Settlement::Free,
            Billing::Unknown => Settlement::Unknown,
            Billing::Used(usage) => Settlement::Cost(self.seat.planned.price.settle(&usage)),
        };
        let cost = self.ledger().settle(reservation, settlement);
        self.report.cost = self.report.cost.plus(cost);
        if let Some(usage) = billing.usage() {
            self.report.usage = Some(self.report.usage.unwrap_or_default().plus(usage));
        }
    }

    fn ledger(&self) -> MutexGuard<'a, Ledger> {
        self.bench.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads an answer: what can be understood, at the places that can be proven.
    fn read(&mut self, text: &str) -> End {
        let reply = reply::parse(text);
        self.report.problems.extend(reply.problems);
        if !reply.understood {
            return End::Invalid { why: "the answer holds no list of findings".to_owned() };
        }
        let lane = &self.lane().name;
        let diff = self.bench.diff;
        let mut resolver = Resolver::new(diff).knowing(self.bench.around);
        self.report.findings = reply
            .findings
            .into_iter()
            .map(|mut finding| {
                let placement = place(&mut resolver, &finding);
                // Every conversation counts its findings from the beginning.
                if let (batch, 2..) = self.question.batch {
                    finding.id = format!("{}.{}", batch + 1, finding.id);
                }
                // Also a finding without a place is about a file, and the other lane may spell it as it is.
                if let Some(file) = diff::named_file(diff, &finding.path) {
                    finding.path.clone_from(&file.path);
                }
                Raised { lane: lane.clone(), placement, finding }
            })
            .collect();
        self.report.clearances = reply
            .clearances
            .into_iter()
            .map(|clearance| {
                let claim = Claim {
                    path: &clearance.path,
                    side: Side::New,
                    line_start: 0,
                    line_end: 0,
                    quote: &clearance.quote,
                };
                let placement = resolver.resolve(&claim);
                Cleared { lane: lane.clone(), placement, clearance }
            })
            .collect();
        End::Done
    }
}

fn place(resolver: &mut Resolver<'_>, finding: &Finding) -> Placement {
    let claim = Claim {
        path: &finding.path,
        side: finding.side,
        line_start: finding.line_start,
        line_end: finding.line_end,
        quote: &finding.quote,
    };
    resolver.resolve(&claim)
}

fn end_word(end: &End) -> &'static str {
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
