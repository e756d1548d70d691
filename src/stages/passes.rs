//! All lanes at the same time, blind, inside the budget and the deadline. A lane that fails is a value.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use crate::adapters::Endpoints;
use crate::adapters::clock::{Clock, Cut};
use crate::adapters::http::backoff;
use crate::adapters::providers::{self, Attempt, AttemptEnd, Billing, Endpoint, Retry};
use crate::domain::budget::{self, Ledger, Price, Reservation, Settlement};
use crate::domain::config::Lane;
use crate::domain::diff::{self, Claim, Diff};
use crate::domain::finding::{Cleared, Finding, Placement, Raised, Side};
use crate::domain::pass::{End, Feature, PassReport, Prompt};
use crate::domain::plan::{Plan, PlannedLane};
use crate::domain::prompt;
use crate::domain::reply;
use crate::domain::units::{LaneName, MicroUsd, clock_time};

/// Requests for one pass, the first included, that fail for reasons which may pass.
const MAX_TRIES: u32 = 3;

/// What the passes came to.
#[derive(Debug)]
pub struct Finished {
    /// One report a lane: those that were asked first, then those that were not.
    pub reports: Vec<PassReport>,
    /// Every call.
    pub ledger: Ledger,
}

/// What every lane of a run shares.
struct Bench<'a> {
    http: &'a reqwest::Client,
    diff: &'a Diff,
    prompt: &'a Prompt,
    prompt_hash: &'a str,
    ledger: &'a Mutex<Ledger>,
    clock: &'a Clock,
    until: Instant,
}

/// Asks every planned lane and waits for all of them.
pub async fn run(
    http: &reqwest::Client,
    endpoints: &Endpoints,
    prices: &budget::Prices,
    plan: &Plan,
    diff: &Diff,
    mut ledger: Ledger,
    clock: &Clock,
) -> Finished {
    let prompt_hash = prompt::hash(&plan.prompt);
    let calls: Vec<(LaneName, &str, MicroUsd)> =
        plan.lanes.iter().map(|lane| (lane.lane.name.clone(), "review", lane.bound)).collect();
    let reserved = ledger.reserve(&calls);
    let ledger = Mutex::new(ledger);
    let until = clock.after_start(plan.time);
    let bench =
        Bench { http, diff, prompt: &plan.prompt, prompt_hash: &prompt_hash, ledger: &ledger, clock, until };
    let mut reports = match reserved {
        Ok(reservations) => {
            let lanes = plan.lanes.iter().zip(reservations).filter_map(|(lane, reservation)| {
                let endpoint = endpoints.get(&lane.lane.provider)?;
                let price = prices.of(&lane.lane.model)?;
                Some(Pass::new(&bench, lane, endpoint, price).run(reservation))
            });
            join_all(lanes).await
        }
        // The plan was fitted into this very cap, so this is not met; if it were, nobody would be asked.
        Err(_) => plan.lanes.iter().map(|lane| absent(&lane.lane, End::Unpaid, &prompt_hash)).collect(),
    };
    reports.extend(plan.absent.iter().map(|(lane, end)| absent(lane, end.clone(), &prompt_hash)));
    let mut ledger = ledger.into_inner().unwrap_or_else(PoisonError::into_inner);
    ledger.close();
    Finished { reports, ledger }
}

fn absent(lane: &Lane, end: End, prompt_hash: &str) -> PassReport {
    PassReport {
        lane: lane.name.clone(),
        provider: lane.provider,
        model: lane.model.clone(),
        resolved_model: None,
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
        prompt_hash: prompt_hash.to_owned(),
    }
}

/// One lane's review, while it runs.
struct Pass<'a> {
    bench: &'a Bench<'a>,
    planned: &'a PlannedLane,
    endpoint: &'a Endpoint,
    price: Price,
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
    fn new(bench: &'a Bench<'a>, planned: &'a PlannedLane, endpoint: &'a Endpoint, price: Price) -> Self {
        Self {
            bench,
            planned,
            endpoint,
            price,
            started: Instant::now(),
            without: BTreeSet::new(),
            tries: 0,
            report: absent(&planned.lane, End::TimedOut, bench.prompt_hash),
        }
    }

    async fn run(mut self, first: Reservation) -> PassReport {
        let lane = &self.planned.lane;
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
        if Instant::now() >= self.bench.until {
            self.settle(reservation, Billing::None);
            return Next::Over(End::TimedOut);
        }
        self.report.attempts += 1;
        let body = self.body();
        let sent = providers::send(self.bench.http, self.endpoint, body);
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
                tracing::warn!("{}: asking again without {feature}: {why}", self.planned.lane.name);
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
        let seed = self.bench.prompt_hash.bytes().chain(self.planned.lane.name.as_str().bytes());
        let seed =
            seed.fold(u64::from(self.tries), |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
        let wait = named.unwrap_or_else(|| backoff(self.tries - 1, seed));
        tracing::warn!("{}: {why}; asking again in {:.1} s", self.planned.lane.name, wait.as_secs_f32());
        Next::Again { wait, otherwise }
    }

    /// Waits, unless the deadline or a signal comes first.
    async fn waited(&self, wait: Duration) -> bool {
        let fits = Instant::now().checked_add(wait).is_some_and(|then| then < self.bench.until);
        fits && self.bench.clock.unless_cancelled(tokio::time::sleep(wait)).await.is_ok()
    }

    fn body(&self) -> Vec<u8> {
        let request = providers::Request {
            model: &self.planned.lane.model,
            effort: self.planned.lane.effort,
            prompt: self.bench.prompt,
            max_output: self.planned.max_output,
            without: &self.without,
            // A mark costs a quarter more, and no later pass reads this prompt again.
            mark_cache: false,
            cache_key: self.bench.prompt_hash.get(..32).unwrap_or_default(),
        };
        providers::body(self.planned.lane.provider, &request)
    }

    /// Reserves one more request of this pass.
    fn reserve(&self) -> Option<Reservation> {
        let bound = budget::bound(self.body().len(), self.planned.max_output, &self.price);
        let call = (self.planned.lane.name.clone(), "review, asked again", bound);
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
    fn read(&mut self, text: &str) -> End {
        let reply = reply::parse(text);
        self.report.problems.extend(reply.problems);
        if !reply.understood {
            return End::Invalid { why: "the answer holds no list of findings".to_owned() };
        }
        let lane = &self.planned.lane.name;
        let diff = self.bench.diff;
        self.report.findings = reply
            .findings
            .into_iter()
            .map(|mut finding| {
                let placement = place(diff, &finding);
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
                let placement = diff::resolve(diff, &claim);
                Cleared { lane: lane.clone(), placement, clearance }
            })
            .collect();
        End::Done
    }
}

fn place(diff: &Diff, finding: &Finding) -> Placement {
    let claim = Claim {
        path: &finding.path,
        side: finding.side,
        line_start: finding.line_start,
        line_end: finding.line_end,
        quote: &finding.quote,
    };
    diff::resolve(diff, &claim)
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
