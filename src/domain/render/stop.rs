//! A run without a review: one sentence why, one what to do.

use super::{check, safe};
use crate::domain::marker;
use crate::domain::outcome::{GateState, Outcome, Stop};
use crate::domain::pull::{Check, Conclusion};
use crate::domain::units::Sha;

const NOTICE: &str = "> **Not reviewed";

/// For the job summary.
#[must_use]
pub fn markdown(stop: &Stop) -> String {
    let word = if stop.outcome == Outcome::Skipped { "skipped" } else { "not reviewed" };
    format!("### Counterpoint: {word}\n\n{}\n", sentences(stop))
}

/// For a terminal or a log.
#[must_use]
pub fn text(stop: &Stop) -> String {
    format!("{} {}", stop.what, stop.advice).trim_end().to_owned()
}

/// The check of a commit that was due and not reviewed; it remembers what was spent before.
#[must_use]
pub fn check<T: serde::Serialize>(stop: &Stop, head: &Sha, gate: GateState, memory: &T) -> Check {
    let conclusion = check::conclusion(stop.outcome, gate);
    let title = match conclusion {
        Conclusion::Failure => "Not reviewed: the gate `incomplete` tripped",
        _ => "Not reviewed",
    };
    Check {
        head: head.clone(),
        conclusion,
        title: format!("{title} ({})", stop.reason),
        summary: format!("{}\n\n{}", sentences(stop), marker::write(memory)),
    }
}

/// The summary comment with one line on top saying that a newer commit was not reviewed. What stood there
/// stays, its marker at the end.
#[must_use]
pub fn on_top(existing: &str, stop: &Stop, head: &Sha) -> String {
    let rest = match existing.split_once("\n\n") {
        Some((first, rest)) if first.starts_with(NOTICE) => rest,
        _ => existing,
    };
    let notice = format!(
        "{NOTICE} on `{}`.** {}",
        head.short(),
        sentences(stop).replace("\n\n", " ").replace('\n', " ")
    );
    format!("{notice}\n\n{rest}")
}

/// A summary comment of its own, where neither a comment nor the check can carry the sentence.
#[must_use]
pub fn comment<T: serde::Serialize>(stop: &Stop, memory: &T) -> String {
    format!("{}\n{}", markdown(stop), marker::write(memory))
}

fn sentences(stop: &Stop) -> String {
    let safe = |text: &str| safe::block(text, 1_500).trim().to_owned();
    format!("{}\n\n{}", safe(&stop.what), safe(&stop.advice)).trim_end().to_owned()
}
