//! A run without a review: one sentence why, one what to do.

use super::{MAX_BODY, check, safe, summary};
use crate::domain::marker::{self, SummaryMarker};
use crate::domain::outcome::{GateState, Outcome, Stop};
use crate::domain::pull::{Check, Conclusion};
use crate::domain::review::Review;
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
    let (text, marker) = existing.rsplit_once("\n\n").unwrap_or((existing, ""));
    noticed(text, &sentences(stop), head, marker)
}

/// The same for a run whose reviewers all failed: what it spent is remembered. Nothing where no review stands.
#[must_use]
pub fn failed_on_top(existing: &str, review: &Review) -> Option<String> {
    let head = review.snapshot.head.as_ref()?;
    let memory: SummaryMarker = marker::read(existing)?;
    let stands = matches!(memory.outcome, Outcome::Reviewed | Outcome::Partial);
    let (text, _) = existing.rsplit_once("\n\n").filter(|_| stands)?;
    let warnings: Vec<String> =
        summary::warnings(review).iter().map(|warning| safe::inline(warning, summary::MAX_WARNING)).collect();
    let marker = marker::write(&SummaryMarker { spent: review.spent(), ..memory });
    Some(noticed(text, &warnings.join(" "), head, &marker))
}

/// One line above a text that stays; a text that leaves no room for it gives way at its end.
fn noticed(text: &str, why: &str, head: &Sha, marker: &str) -> String {
    let rest = match text.split_once("\n\n") {
        Some((first, rest)) if first.starts_with(NOTICE) => rest,
        _ => text,
    };
    let why = why.replace("\n\n", " ").replace('\n', " ");
    let notice = format!("{NOTICE} on `{}`.** {why}", head.short());
    let room = MAX_BODY.saturating_sub(notice.chars().count() + marker.chars().count() + 4);
    let rest: String = rest.chars().take(room).collect();
    format!("{notice}\n\n{rest}\n\n{marker}")
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
