//! One lane reading one batch: asked, asked again where that may help, settled, understood.

mod heard;
mod lookups;
mod mending;
mod progress;
mod request;
mod understood;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use self::lookups::Lookups;
use self::mending::Mended;
use self::progress::{Progress, end_word};
use self::request::{send, unbounded, worded};
pub use self::understood::Matter;
use self::understood::understood;
use super::seat::Seat;
use crate::adapters::clock::{Clock, Cut};
use crate::adapters::http::backoff;
use crate::adapters::providers::{self, Attempt, AttemptEnd, Billing, Request, Retry, Talk};
use crate::domain::budget::{self, Ledger, Price, Reservation, Settlement};
use crate::domain::capabilities::Capabilities;
use crate::domain::debate::{Defence, Purpose, Question};
use crate::domain::lane::{Engine, Lane};
use crate::domain::pass::{End, Fallback, Feature, PassReport, Prompt};
use crate::domain::plan::BatchFile;
use crate::domain::render::words::count;
use crate::domain::reply;
use crate::domain::tools::Call;
use crate::domain::units::{MicroUsd, clock_time};

/// Requests for one pass, the first included, that fail for reasons which may pass.
const MAX_TRIES: u32 = 3;

/// Milliseconds that a lane waits at most beyond what its provider asked for.
const MOST_SPREAD: u64 = 300;

/// A turn that may look up more is not begun with less time than this.
const TIME_FOR_A_TURN: Duration = Duration::from_secs(20);

/// What every pass of a run shares.
pub(super) struct Bench<'a> {
    pub(super) http: &'a reqwest::Client,
    pub(super) matter: Matter<'a>,
    pub(super) ledger: &'a Mutex<Ledger>,
    pub(super) clock: &'a Clock,
    pub(super) until: Instant,
}

/// What a lane is asked.
pub(super) struct Task<'a> {
    /// The batch's position in the plan, and how many there are.
    pub(super) batch: (usize, usize),
    pub(super) prompt: &'a Prompt,
    pub(super) prompt_hash: String,
    /// What all passes about the batch are known by to a cache.
    pub(super) cache_key: &'a str,
    /// Whether another pass may read the beginning of the prompt again: a mark costs a quarter more.
    pub(super) is_shared: bool,
    /// The cap on the answer, in tokens.
    pub(super) max_output: u32,
    /// What of the change is in the prompt.
    pub(super) files: &'a [BatchFile],
    /// The question of the debate that it is; none for a review.
    pub(super) question: Option<&'a Question>,
}

impl Task<'_> {
    fn purpose(&self) -> Purpose {
        self.question.map_or(Purpose::Review, |question| question.purpose)
    }
}

/// One pass, while it runs.
pub(super) struct Pass<'a> {
    bench: &'a Bench<'a>,
    seat: &'a Seat<'a>,
    task: Task<'a>,
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
    /// What it looks up in the repository; none where it does not.
    lookups: Option<Lookups<'a>>,
    /// Tokens of its turns so far. They are given back, and reasoning that nobody but the provider can read has more of
    /// them than bytes.
    carried: u64,
    /// What was mended once already and is not mended again.
    mended: Mended,
    /// What it said to refutations before it was asked to quote code that stands.
    defences: Vec<Defence>,
    report: PassReport,
}

/// What to do after a request.
enum Next {
    /// The pass is over.
    Over(End),
    /// Another model may do better; if there is none, the pass ends so.
    Elsewhere(End),
    /// Ask again at once.
    Now(Reservation),
    /// Ask again after a wait. Without the time for that another model is asked; without one, or the money, the pass ends
    /// so.
    Later { wait: Duration, otherwise: End },
}

impl<'a> Pass<'a> {
    pub(super) fn new(bench: &'a Bench<'a>, seat: &'a Seat<'a>, task: Task<'a>) -> Self {
        let planned = seat.planned;
        let report = PassReport {
            max_output: Some(task.max_output),
            prompt_hash: task.prompt_hash.clone(),
            price_basis: planned.price.basis,
            capabilities: (planned.lane.engine == Engine::Api).then(|| seat.endpoint.capabilities()),
            problems: unbounded(&planned.lane)
                .filter(|_| task.batch.0 == 0 && task.question.is_none())
                .into_iter()
                .collect(),
            ..seat.unasked(task.batch.0, task.question, End::TimedOut)
        };
        let without = seat.learnt().without.clone();
        let limits = planned.lane.tools.filter(|_| !without.contains(&Feature::Tools));
        let lookups = bench.matter.tree.zip(limits).map(|(tree, limits)| Lookups::new(tree, limits));
        Self {
            bench,
            seat,
            started: Instant::now(),
            model: &planned.lane.model,
            price: &planned.price,
            without,
            lookups,
            carried: 0,
            tries: 0,
            room: task.max_output,
            postscript: String::new(),
            mended: Mended::default(),
            defences: Vec::new(),
            task,
            report,
        }
    }

    pub(super) async fn run(mut self, first: Reservation) -> PassReport {
        let lane = &self.seat.planned.lane;
        let verb = match self.task.purpose() {
            Purpose::Review => "is reading",
            Purpose::Challenge => "is checking what others found",
            Purpose::Defend => "is answering refutations",
        };
        tracing::info!("{} ({}) {verb}", lane.name, lane.model);
        self.offer_tools();
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
                    let waited = self.waited(wait).await;
                    if self.bench.clock.is_cancelled() {
                        break End::Cancelled;
                    }
                    let again = if waited { self.reserve("asked again") } else { self.fall_back(&otherwise) };
                    match again {
                        Some(next) => next,
                        None => break otherwise,
                    }
                }
            };
        };
        self.close_lookups();
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
        let prompt = self.prompt();
        let (way, request) = ((self.lane(), self.seat.endpoint), self.request(&prompt));
        let sent = send(self.bench.http, way, &request, self.bench.matter.repository, &heard);
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
        self.judge(attempt).await
    }

    async fn judge(&mut self, attempt: Attempt) -> Next {
        match attempt.end {
            AttemptEnd::Answer { text, stop, model } => {
                self.report.resolved_model = model;
                match attempt.billing {
                    Billing::Used(usage) => {
                        if let Some(end) = self.unread(&usage) {
                            return Next::Over(end);
                        }
                    }
                    Billing::Unknown => {
                        self.report.capabilities = self.report.capabilities.map(Capabilities::uncounted);
                    }
                    Billing::None => {}
                }
                match stop {
                    providers::Stop::Complete => self.read(&text),
                    providers::Stop::Truncated => self.with_more_room(),
                    providers::Stop::Refused { category } => Next::Elsewhere(End::Refused { category }),
                    providers::Stop::Calls { said, calls } => match &self.lookups {
                        Some(lookups) if lookups.is_open() => {
                            let output = attempt.billing.usage().map(|usage| usage.output);
                            self.carried += output.unwrap_or_else(|| self.room.into());
                            self.look_up(said, calls).await
                        }
                        _ => self.read(&text),
                    },
                }
            }
            AttemptEnd::Rejected { unsupported: Some(feature), why, .. } if self.without.insert(feature) => {
                // What another model does not take says nothing of the lane's own.
                if self.report.fallback.is_none() {
                    self.seat.learnt().without.insert(feature);
                }
                tracing::warn!("{}: asking again without {feature}: {why}", self.lane().name);
                self.report.problems.push(format!("asked again without {feature}: {why}"));
                if feature == Feature::Tools {
                    self.forget_lookups();
                }
                self.at_once("asked again", End::Unavailable { why })
            }
            AttemptEnd::Rejected { retry: Retry::Never, why, .. } if self.has_looked_up() => {
                self.mending(&format!("{why}; asked again without what it had looked up"));
                self.forget_lookups();
                self.at_once("without lookups", End::Unavailable { why })
            }
            AttemptEnd::Rejected { retry: Retry::Never, why, advice, by_model, .. } => {
                let advice =
                    advice.unwrap_or_else(|| "check the model and the endpoint of this lane".to_owned());
                let advice = match &self.report.fallback {
                    Some(Fallback { model, .. }) => format!("for the lane's `fallback` {model}: {advice}"),
                    None => advice,
                };
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
        let seed = self.task.prompt_hash.bytes().chain(self.lane().name.as_str().bytes());
        let seed =
            seed.fold(u64::from(self.tries), |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
        let spread = || Duration::from_millis(seed % MOST_SPREAD);
        let wait =
            named.map_or_else(|| backoff(self.tries - 1, seed), |named| named.saturating_add(spread()));
        if otherwise == End::Limited && self.report.fallback.is_none() {
            let mut learnt = self.seat.learnt();
            learnt.not_before = learnt.not_before.max(Instant::now() + wait);
        }
        let name = &self.lane().name;
        if self.fits(wait) {
            tracing::warn!("{name}: {why}; asking again in {:.1} s", wait.as_secs_f32());
        } else {
            tracing::warn!(
                "{name}: {why}; it asks for {} of patience, and there is no time",
                clock_time(wait)
            );
        }
        Next::Later { wait, otherwise }
    }

    fn at_once(&mut self, how: &str, otherwise: End) -> Next {
        self.reserve(how).map_or(Next::Over(otherwise), Next::Now)
    }

    fn lane(&self) -> &'a Lane {
        &self.seat.planned.lane
    }

    /// Waits as long as the provider asked another pass of this lane to; how the pass ends if that is too long.
    async fn asked_for_patience(&self) -> Option<End> {
        let wait = self.seat.learnt().not_before.saturating_duration_since(Instant::now());
        // That was asked for by the lane's own model.
        if wait.is_zero() || self.report.fallback.is_some() || self.waited(wait).await {
            return None;
        }
        Some(if self.bench.clock.is_cancelled() { End::Cancelled } else { End::Limited })
    }

    fn fits(&self, wait: Duration) -> bool {
        Instant::now().checked_add(wait).is_some_and(|then| then < self.bench.until)
    }

    /// Waits, unless the deadline or a signal comes first.
    async fn waited(&self, wait: Duration) -> bool {
        self.fits(wait) && self.bench.clock.unless_cancelled(tokio::time::sleep(wait)).await.is_ok()
    }

    /// Lets the model use tools, where an answer without them can be paid whatever becomes of it.
    fn offer_tools(&mut self) {
        let plain = self.bound();
        let Some(lookups) = &mut self.lookups else { return };
        if !lookups.open(&mut lock(self.bench.ledger), plain) {
            self.lookups = None;
            self.report.problems.push("the budget left nothing for lookups".to_owned());
        }
    }

    /// Answers the calls of a turn and asks on.
    async fn look_up(&mut self, said: serde_json::Value, calls: Vec<Call>) -> Next {
        self.tries = 0;
        self.report.turns += 1;
        let turn = format!("turn {}", self.report.turns + 1);
        let Some(lookups) = &mut self.lookups else { return Next::Over(End::TimedOut) };
        let looked = match self.bench.clock.limit(self.bench.until, lookups.answer(said, calls)).await {
            Ok(looked) => looked,
            Err(Cut::Deadline) => return Next::Over(End::TimedOut),
            Err(Cut::Cancelled) => return Next::Over(End::Cancelled),
        };
        let bytes: usize = looked.iter().map(|lookup| lookup.bytes).sum();
        let more = lookups.has_room() && Instant::now() + TIME_FOR_A_TURN < self.bench.until;
        let lookups = count(looked.len(), "lookup");
        tracing::info!("{}: {lookups}, {bytes} bytes", self.lane().name);
        self.report.lookups.extend(looked);
        // What planned calls need is not spent on lookups.
        if !more || self.bound() > self.ledger().spare() {
            self.close_lookups();
        }
        self.at_once(&turn, End::Unpaid)
    }

    fn has_looked_up(&self) -> bool {
        self.lookups.as_ref().is_some_and(Lookups::is_begun)
    }

    /// The next answer has to be the last.
    fn close_lookups(&mut self) {
        if let Some(lookups) = &mut self.lookups {
            lookups.close(&mut lock(self.bench.ledger));
        }
    }

    /// Goes back to the question as it was without tools.
    fn forget_lookups(&mut self) {
        self.close_lookups();
        self.lookups = None;
        self.carried = 0;
    }

    /// What the next request says. What follows on lookups stands behind them.
    fn prompt(&self) -> Cow<'a, Prompt> {
        let reads = self.task.question.is_none_or(|question| question.reads);
        let focus = self.lane().focus.as_deref().filter(|_| reads);
        let postscript = if self.has_looked_up() { "" } else { self.postscript.as_str() };
        worded(self.task.prompt, focus, postscript)
    }

    fn request<'b>(&'b self, prompt: &'b Prompt) -> Request<'b> {
        let talk = self.lookups.as_ref().and_then(|lookups| lookups.talk(&self.postscript));
        Request {
            model: self.model,
            effort: self.lane().effort,
            prompt,
            max_output: self.room,
            without: &self.without,
            mark_cache: talk.is_some() || self.task.is_shared,
            cache_key: self.task.cache_key,
            talk,
        }
    }

    /// The most that the first request can cost, which offers tools where the lane has them.
    pub(super) fn opening_bound(&self) -> MicroUsd {
        let talk = self.lookups.as_ref().map(|_| Talk { turns: &[], open: true, closing: "" });
        let prompt = self.prompt();
        self.bound_of(&Request { talk, ..self.request(&prompt) })
    }

    /// The most that the next request can cost.
    fn bound(&self) -> MicroUsd {
        self.bound_of(&self.request(&self.prompt()))
    }

    fn bound_of(&self, request: &Request<'_>) -> MicroUsd {
        match self.lane().max_call {
            Some(_) => self.seat.planned.bound(0, self.room),
            None => {
                let body = providers::body(self.seat.endpoint.wire(), request);
                let carried = usize::try_from(self.carried).unwrap_or(usize::MAX);
                budget::bound(body.len().saturating_add(carried), self.room, self.price)
            }
        }
    }

    /// Reserves one more request of this pass. Where the budget does not hold it, lookups end, and at last what was
    /// looked up is given up: the money for that is held.
    fn reserve(&mut self, how: &str) -> Option<Reservation> {
        let reserved = self.reserve_next(how);
        if reserved.is_some() || self.lookups.is_none() {
            return reserved;
        }
        self.close_lookups();
        let reserved = self.reserve_next(how);
        if reserved.is_some() || !self.has_looked_up() {
            return reserved;
        }
        self.forget_lookups();
        self.mending("the budget does not hold what was looked up; asked again without it");
        self.reserve_next("without lookups")
    }

    fn reserve_next(&self, how: &str) -> Option<Reservation> {
        let call =
            (self.lane().name.clone(), format!("{}, {how}", self.task.purpose().as_str()), self.bound());
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
        lock(self.bench.ledger)
    }

    /// Reads an answer.
    fn read(&mut self, text: &str) -> Next {
        match self.task.question {
            None => self.read_review(text),
            Some(question) if question.purpose == Purpose::Defend => self.read_defences(question, text),
            Some(question) => self.read_challenges(question, text),
        }
    }

    fn read_review(&mut self, text: &str) -> Next {
        let reply = reply::parse(text);
        if !reply.understood {
            return self.repair(text, "the answer holds no list of findings");
        }
        let said = understood(reply, &self.lane().name, self.task.batch, &self.bench.matter);
        self.report.problems.extend(said.problems);
        self.report.findings = said.findings;
        self.report.clearances = said.clearances;
        Next::Over(End::Done)
    }
}

fn lock(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}
