//! One lane reading one batch: asked, asked again where that may help, settled, understood.

mod progress;

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use self::progress::Progress;
use crate::adapters::clock::{Clock, Cut};
use crate::adapters::http::backoff;
use crate::adapters::providers::{self, Attempt, AttemptEnd, Billing, Endpoint, Retry, Waiting};
use crate::domain::budget::{self, Ledger, Price, PriceBasis, Reservation, Settlement};
use crate::domain::capabilities::Capabilities;
use crate::domain::diff::{self, Around, Claim, Diff, Resolver};
use crate::domain::finding::{Cleared, Finding, Placement, Raised, Side};
use crate::domain::lane::Lane;
use crate::domain::pass::{End, Fallback, Feature, PassReport, Prompt};
use crate::domain::plan::PlannedLane;
use crate::domain::prompt;
use crate::domain::reply;
use crate::domain::units::{MicroUsd, clock_time};

/// Requests for one pass, the first included, that fail for reasons which may pass.
const MAX_TRIES: u32 = 3;

/// Milliseconds that a lane waits at most beyond what its provider asked for.
const MOST_SPREAD: u64 = 300;

/// The longest answer that is asked for after one was cut, in tokens.
const MOST_ROOM: u32 = 32_000;

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
        let without = endpoint.capabilities().without();
        let learnt = Learnt { not_before: Instant::now(), without };
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
        engine: lane.engine,
        provider: lane.provider,
        model: lane.model.clone(),
        resolved_model: None,
        fallback: None,
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
        first_byte: None,
        price_basis: PriceBasis::default(),
        capabilities: None,
        prompt_hash: String::new(),
    }
}

/// One pass, while it runs.
pub(super) struct Pass<'a> {
    bench: &'a Bench<'a>,
    seat: &'a Seat<'a>,
    question: Question<'a>,
    started: Instant,
    /// The model that is asked: the lane's, or its fallback.
    model: &'a str,
    price: &'a Price,
    without: BTreeSet<Feature>,
    /// Requests in a row that failed for reasons which may pass.
    tries: u32,
    /// The cap on the next answer, in tokens.
    room: u32,
    /// What the next request says after its task.
    postscript: String,
    /// What was mended once already and is not mended again.
    mended: Mended,
    report: PassReport,
}

#[derive(Default)]
struct Mended {
    truncated: bool,
    invalid: bool,
}

/// What to do after a request.
enum Next {
    /// The pass is over.
    Over(End),
    /// Another model may do better; if there is none, the pass ends so.
    Elsewhere(End),
    /// Ask again at once.
    Now(Reservation),
    /// Ask again after a wait; if there is no time or money for that, the pass ends so.
    Later { wait: Duration, otherwise: End },
}

impl<'a> Pass<'a> {
    pub(super) fn new(bench: &'a Bench<'a>, seat: &'a Seat<'a>, question: Question<'a>) -> Self {
        let planned = seat.planned;
        let report = PassReport {
            max_output: Some(question.max_output),
            prompt_hash: question.prompt_hash.to_owned(),
            price_basis: planned.price.basis,
            capabilities: Some(seat.endpoint.capabilities()),
            ..unasked(&planned.lane, Some(question.batch.0), End::TimedOut)
        };
        Self {
            bench,
            seat,
            started: Instant::now(),
            model: &planned.lane.model,
            price: &planned.price,
            without: seat.learnt().without.clone(),
            tries: 0,
            room: question.max_output,
            postscript: String::new(),
            mended: Mended::default(),
            question,
            report,
        }
    }

    pub(super) async fn run(mut self, first: Reservation) -> PassReport {
        let lane = &self.seat.planned.lane;
        tracing::info!("{} ({}) is reading", lane.name, lane.model);
        let mut reservation = first;
        self.report.end = loop {
            reservation = match self.ask(reservation).await {
                Next::Over(end) => break end,
                Next::Now(next) => next,
                Next::Elsewhere(end) => match self.fall_back(&end) {
                    Some(next) => next,
                    None => break end,
                },
                Next::Later { wait, otherwise } => {
                    if !self.waited(wait).await {
                        break if self.bench.clock.is_cancelled() { End::Cancelled } else { otherwise };
                    }
                    match self.reserve("asked again") {
                        Some(next) => next,
                        None => break otherwise,
                    }
                }
            };
        };
        self.report.elapsed = self.started.elapsed();
        self.report.left_out = self.without.iter().copied().collect();
        self.report.capabilities = self.report.capabilities.map(|known| known.refusing(&self.without));
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
        let progress = Progress::of(&self.lane().name);
        let heard = |written| progress.heard(written);
        let streamed = !self.without.contains(&Feature::Stream);
        let waiting = Waiting { patience: streamed.then_some(self.lane().patience), heard: &heard };
        let sent = providers::send(self.bench.http, self.seat.endpoint, self.body(), &waiting);
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
        self.report.first_byte = attempt.first_byte;
        self.judge(attempt)
    }

    fn judge(&mut self, attempt: Attempt) -> Next {
        match attempt.end {
            AttemptEnd::Answer { text, stop, model } => {
                self.report.resolved_model = model;
                if attempt.billing == Billing::Unknown {
                    self.report.capabilities = self.report.capabilities.map(Capabilities::uncounted);
                }
                match stop {
                    providers::Stop::Complete => self.read(&text),
                    providers::Stop::Truncated => self.with_more_room(),
                    providers::Stop::Refused { category } => Next::Elsewhere(End::Refused { category }),
                }
            }
            AttemptEnd::Rejected { unsupported: Some(feature), why, .. } if self.without.insert(feature) => {
                self.seat.learnt().without.insert(feature);
                tracing::warn!("{}: asking again without {feature}: {why}", self.lane().name);
                self.report.problems.push(format!("asked again without {feature}: {why}"));
                self.at_once("asked again", End::Unavailable { why })
            }
            AttemptEnd::Rejected { retry: Retry::Never, why, advice, by_model, .. } => {
                let advice =
                    advice.unwrap_or_else(|| "check the model and the endpoint of this lane".to_owned());
                let end = End::Fatal { why, advice };
                if by_model { Next::Elsewhere(end) } else { Next::Over(end) }
            }
            AttemptEnd::Rejected { retry: Retry::After(named), status, why, .. } => {
                let end = if status == 429 { End::Limited } else { End::Unavailable { why: why.clone() } };
                self.later(named, end, &why)
            }
            AttemptEnd::Broken { why, .. } => {
                let end = End::Unavailable { why: why.clone() };
                self.later(None, end, &why)
            }
        }
    }

    /// Asks the same again after a wait: what the provider named and a little more, so that lanes do not all come back in
    /// the same moment.
    fn later(&mut self, named: Option<Duration>, otherwise: End, why: &str) -> Next {
        self.tries += 1;
        if self.tries >= MAX_TRIES {
            return Next::Elsewhere(otherwise);
        }
        // Lanes of one run wait different times, and the same run waits the same time: the seed is the prompt.
        let seed = self.question.prompt_hash.bytes().chain(self.lane().name.as_str().bytes());
        let seed =
            seed.fold(u64::from(self.tries), |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
        let spread = || Duration::from_millis(seed % MOST_SPREAD);
        let wait =
            named.map_or_else(|| backoff(self.tries - 1, seed), |named| named.saturating_add(spread()));
        if otherwise == End::Limited {
            let mut learnt = self.seat.learnt();
            learnt.not_before = learnt.not_before.max(Instant::now() + wait);
        }
        tracing::warn!("{}: {why}; asking again in {:.1} s", self.lane().name, wait.as_secs_f32());
        Next::Later { wait, otherwise }
    }

    fn at_once(&mut self, how: &str, otherwise: End) -> Next {
        self.reserve(how).map_or(Next::Over(otherwise), Next::Now)
    }

    /// An answer that was cut is asked for once more: with twice the room, or where model or budget have no more, in fewer
    /// words.
    fn with_more_room(&mut self) -> Next {
        if std::mem::replace(&mut self.mended.truncated, true) {
            return Next::Over(End::Truncated);
        }
        let asked = self.room;
        self.room = self.seat.planned.output(asked.saturating_mul(2).min(MOST_ROOM)).max(asked);
        if self.room > asked
            && let Some(next) = self.reserve("with more room")
        {
            self.mending(&format!(
                "the answer was cut at {asked} tokens; asked again with room for {}",
                self.room
            ));
            return Next::Now(next);
        }
        self.room = asked;
        prompt::BRIEFLY.clone_into(&mut self.postscript);
        self.mending(&format!("the answer was cut at {asked} tokens; asked again for a shorter one"));
        self.at_once("in fewer words", End::Truncated)
    }

    /// An answer that is not what was asked for is asked for once more, with what was wrong.
    fn repair(&mut self, answer: &str, why: &str) -> Next {
        let end = End::Invalid { why: why.to_owned() };
        if std::mem::replace(&mut self.mended.invalid, true) {
            return Next::Over(end);
        }
        self.postscript = prompt::repair(answer, why);
        self.mending(&format!("{why}; asked again for the right form"));
        self.at_once("repaired", end)
    }

    fn mending(&mut self, problem: &str) {
        tracing::warn!("{}: {problem}", self.lane().name);
        self.report.problems.push(problem.to_owned());
    }

    /// Turns to the lane's other model, once.
    fn fall_back(&mut self, because: &End) -> Option<Reservation> {
        if self.report.fallback.is_some() {
            return None;
        }
        let planned = self.seat.planned;
        let Some((model, price)) = &planned.fallback else {
            if let Some(model) = &planned.lane.fallback {
                self.mending(&format!("no price is known for the fallback {model}, so it was not asked"));
            }
            return None;
        };
        (self.model, self.price, self.tries) = (model, price, 0);
        let Some(next) = self.reserve("by the fallback") else {
            (self.model, self.price) = (&planned.lane.model, &planned.price);
            self.mending(&format!("the budget does not hold the fallback {model}"));
            return None;
        };
        tracing::warn!("{} {}: asking {model} instead", planned.lane.name, end_word(because));
        self.report.fallback = Some(Fallback { model: model.clone(), because: because.clone() });
        self.report.price_basis = price.basis;
        Some(next)
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
        let asked = self.question.prompt;
        let mended;
        let prompt = if self.postscript.is_empty() {
            asked
        } else {
            mended = Prompt { task: format!("{}\n\n{}", asked.task, self.postscript), ..asked.clone() };
            &mended
        };
        let request = providers::Request {
            model: self.model,
            effort: self.lane().effort,
            prompt,
            max_output: self.room,
            without: &self.without,
            // A mark costs a quarter more, and no later pass reads this prompt again.
            mark_cache: false,
            cache_key: self.question.prompt_hash.get(..32).unwrap_or_default(),
        };
        providers::body(self.seat.endpoint.wire(), &request)
    }

    /// Reserves one more request of this pass.
    fn reserve(&self, how: &str) -> Option<Reservation> {
        let bound = budget::bound(self.body().len(), self.room, self.price);
        let call = (self.lane().name.clone(), format!("review, {how}"), bound);
        self.ledger().reserve(&[call]).ok()?.pop()
    }

    fn settle(&mut self, reservation: Reservation, billing: Billing) {
        let settlement = match billing {
            Billing::None => Settlement::Free,
            Billing::Unknown => Settlement::Unknown,
            Billing::Used(usage) => Settlement::Cost(self.price.settle(&usage)),
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
    fn read(&mut self, text: &str) -> Next {
        let reply = reply::parse(text);
        if !reply.understood {
            return self.repair(text, "the answer holds no list of findings");
        }
        self.report.problems.extend(reply.problems);
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
        Next::Over(End::Done)
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
