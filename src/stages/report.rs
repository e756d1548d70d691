//! What the run leaves behind: outputs, job summary, record, exit code.

use std::time::Duration;

use crate::adapters::actions::{self, Environment, RunFolder};
use crate::domain::config::OnFailure;
use crate::domain::marker::SummaryMarker;
use crate::domain::outcome::{ExitCode, GateState, Outcome, Reason, Stop};
use crate::domain::pull::Conclusion;
use crate::domain::redact::Secrets;
use crate::domain::render;
use crate::domain::review::Review;
use crate::domain::units::MicroUsd;
use crate::domain::{record, render::MAX_BODY};

/// How a run ended, as far as its caller is concerned.
#[derive(Debug)]
pub struct Ending {
    /// The exit code.
    pub exit: ExitCode,
    /// What a person reads.
    pub text: String,
    /// How it ended, for programs: the beginning of a record.
    pub json: serde_json::Value,
}

/// What softens an exit code.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// Whether the event gives no more rights: a fork, or Dependabot.
    pub restricted: bool,
    /// What a run that could not review does to the job.
    pub on_failure: OnFailure,
    /// How the check ended, when it could be written.
    pub check: Option<Conclusion>,
}

impl Circumstances {
    /// 3 and 4 become 0 where the event gives no more rights, or where the check says neutral and that is
    /// how the repository wants it.
    fn soften(self, exit: ExitCode) -> ExitCode {
        let excused = self.restricted
            || (self.on_failure == OnFailure::Neutral && self.check == Some(Conclusion::Neutral));
        match exit {
            ExitCode::NoReview | ExitCode::Github if excused => ExitCode::Done,
            exit => exit,
        }
    }
}

/// The record of a review as JSON, known secrets and everything that looks like one replaced.
#[must_use]
pub fn record_json(review: &Review, secrets: &Secrets) -> String {
    let json = serde_json::to_string(&record::of(review)).unwrap_or_default();
    secrets.mask(&json).into_owned()
}

/// Reports a run that asked models.
#[must_use]
pub fn review(env: &Environment, review: &Review, secrets: &Secrets, circumstances: Circumstances) -> Ending {
    let (outcome, reason) = review.outcome();
    let gate = review.gate();
    let (finished, asked) = review.lanes();
    let tally = review.tally();
    let record = keep_record(env, &record_json(review, secrets));
    let outputs = Outputs {
        outcome,
        reason,
        gate,
        lanes: (finished, asked),
        memory: Some(SummaryLike { tally, inline: review.inline_comments() }),
        cost: review.cost(),
        elapsed: review.elapsed,
        record,
        url: review.standing.summary.as_ref().map(|comment| comment.url.clone()),
    };
    let markdown = render::summary::markdown(review, MAX_BODY * 4);
    leave(env, &outputs, &secrets.mask(&markdown));
    let json = outputs.json();

    let hard = if !review.is_answered() {
        ExitCode::NoReview
    } else if review.standing.read_only || review.standing.unwritable.is_some() {
        ExitCode::Github
    } else {
        ExitCode::Done
    };
    let exit = match circumstances.soften(hard) {
        ExitCode::Done if gate == GateState::Tripped => ExitCode::GateTripped,
        exit => exit,
    };
    Ending { exit, text: render::text::review(review), json }
}

/// Reports what is remembered of a head, where no model was asked: `told` are a heading and what happened.
#[must_use]
pub fn remembered(
    env: &Environment,
    memory: &SummaryMarker,
    gate: GateState,
    lanes: usize,
    url: Option<String>,
    elapsed: Duration,
    (heading, what): (&str, String),
) -> Ending {
    let finished = if memory.outcome == Outcome::Reviewed { lanes } else { 0 };
    let outputs = Outputs {
        outcome: memory.outcome,
        reason: Reason::AlreadyReviewed,
        gate,
        lanes: (finished, lanes),
        memory: Some(SummaryLike { tally: memory.tally, inline: memory.inline }),
        cost: MicroUsd::ZERO,
        elapsed,
        record: String::new(),
        url,
    };
    leave(env, &outputs, &format!("### Counterpoint: {heading}\n\n{what}"));
    let exit = if gate == GateState::Tripped { ExitCode::GateTripped } else { ExitCode::Done };
    Ending { exit, text: what.replace('`', ""), json: outputs.json() }
}

/// Reports a run without a review; `asked` lanes were due and none could be asked.
#[must_use]
pub fn stop(
    env: &Environment,
    stop: &Stop,
    asked: usize,
    gate: GateState,
    secrets: &Secrets,
    elapsed: Duration,
    circumstances: Circumstances,
) -> Ending {
    let outputs = Outputs {
        outcome: stop.outcome,
        reason: stop.reason,
        gate,
        lanes: (0, asked),
        memory: None,
        cost: MicroUsd::ZERO,
        elapsed,
        record: String::new(),
        url: None,
    };
    leave(env, &outputs, &secrets.mask(&render::stop::markdown(stop)));
    let exit = match circumstances.soften(stop.exit) {
        ExitCode::Done if gate == GateState::Tripped => ExitCode::GateTripped,
        exit => exit,
    };
    Ending { exit, text: render::stop::text(stop), json: outputs.json() }
}

struct SummaryLike {
    tally: crate::domain::outcome::Tally,
    inline: usize,
}

struct Outputs {
    outcome: Outcome,
    reason: Reason,
    gate: GateState,
    lanes: (usize, usize),
    memory: Option<SummaryLike>,
    cost: MicroUsd,
    elapsed: Duration,
    record: String,
    url: Option<String>,
}

impl Outputs {
    fn json(&self) -> serde_json::Value {
        serde_json::json!({"version": 1, "outcome": self.outcome, "reason": self.reason, "gate": self.gate})
    }

    /// Every output of `action.yml`, in its order. `sarif` is empty for as long as none is written.
    fn pairs(&self) -> Vec<(&'static str, String)> {
        let tally = self.memory.as_ref().map(|memory| memory.tally).unwrap_or_default();
        let inline = self.memory.as_ref().map_or(0, |memory| memory.inline);
        vec![
            ("outcome", self.outcome.to_string()),
            ("reason", self.reason.to_string()),
            ("gate", self.gate.as_str().to_owned()),
            ("lanes", format!("{}/{}", self.lanes.0, self.lanes.1)),
            ("findings", tally.findings().to_string()),
            ("agreed", tally.agreed.to_string()),
            ("confirmed", tally.confirmed.to_string()),
            ("disputed", tally.disputed.to_string()),
            ("contradictions", tally.contradictions.to_string()),
            ("solo", tally.solo.to_string()),
            ("unchecked", tally.unchecked.to_string()),
            ("withdrawn", tally.withdrawn.to_string()),
            ("inline-comments", inline.to_string()),
            ("cost-usd", self.cost.six_decimals()),
            ("seconds", format!("{:.1}", self.elapsed.as_secs_f64())),
            ("record", self.record.clone()),
            ("sarif", String::new()),
            ("review-url", self.url.clone().unwrap_or_default()),
        ]
    }
}

/// Writes the outputs and the job summary. Neither is worth losing a published review for.
fn leave(env: &Environment, outputs: &Outputs, summary: &str) {
    if let Err(cause) = actions::write_outputs(env, &outputs.pairs()) {
        tracing::error!("the outputs could not be written: {cause:#}");
    }
    if let Err(cause) = actions::write_summary(env, summary) {
        tracing::error!("the job summary could not be written: {cause:#}");
    }
}

/// Keeps the record in the workspace; its path relative to it, or nothing where that is not possible.
fn keep_record(env: &Environment, json: &str) -> String {
    if env.var("GITHUB_WORKSPACE").is_none() {
        return String::new();
    }
    let kept = RunFolder::create(env).and_then(|folder| folder.write("record.json", json.as_bytes()));
    kept.unwrap_or_else(|cause| {
        tracing::warn!("the record could not be kept: {cause:#}");
        String::new()
    })
}
