//! The check on the reviewed commit: success only if a review happened.

use super::{MAX_BODY, place, safe, summary, words};
use crate::domain::config::Gate;
use crate::domain::marker::{self, SummaryMarker};
use crate::domain::outcome::{self, GateState, Outcome, Reason, Tally};
use crate::domain::pull::{Check, Conclusion};
use crate::domain::review::Review;
use crate::domain::units::Sha;

/// The check for a run that asked models.
#[must_use]
pub fn of(review: &Review, head: &Sha) -> Check {
    let (outcome, reason) = review.outcome();
    let gate = review.gate();
    let memory = summary::memory(review).map(|memory| marker::write(&memory)).unwrap_or_default();
    let warnings = summary::warnings(review);
    let mut lines: Vec<String> =
        warnings.iter().map(|warning| safe::inline(warning, summary::MAX_WARNING)).collect();
    lines.extend(gate_sentence(&review.settings.fail_on, outcome, &review.tally()));
    let page =
        review.standing.summary.as_ref().map(|comment| &comment.url).filter(|url| place::is_plain_url(url));
    lines.extend(page.map(|url| format!("[The summary]({url}) stands on the pull request.")));
    if lines.is_empty() {
        lines.push(format!("{}.", words::sentence(&summary::headline(review)).trim_end_matches('.')));
    }
    let text: String = lines.join("\n\n").chars().take(MAX_BODY - 2_000).collect();
    let told = outcome == Outcome::Reviewed || reason == Reason::Cancelled;
    let reason = if told { String::new() } else { format!(" ({reason})") };
    Check {
        head: head.clone(),
        conclusion: conclusion(outcome, gate),
        title: format!("{}{reason} · {}", capital(&summary::headline(review)), review.cost()),
        summary: format!("{text}\n\n{memory}"),
    }
}

/// The check of a commit that was reviewed before, when the gates decide otherwise now.
#[must_use]
pub fn decided_again(memory: &SummaryMarker, gate: GateState, gates: &[Gate]) -> Check {
    let sentence =
        gate_sentence(gates, memory.outcome, &memory.tally).unwrap_or_else(|| "No gate is set.".to_owned());
    let found = words::count(memory.tally.findings(), "finding");
    Check {
        head: memory.head.clone(),
        conclusion: conclusion(memory.outcome, gate),
        title: format!("{found}, reviewed before"),
        summary: format!("{sentence} No model was asked again.\n\n{}", marker::write(memory)),
    }
}

/// How the check ends.
#[must_use]
pub const fn conclusion(outcome: Outcome, gate: GateState) -> Conclusion {
    match (gate, outcome) {
        (GateState::Tripped, _) => Conclusion::Failure,
        (_, Outcome::Reviewed) => Conclusion::Success,
        _ => Conclusion::Neutral,
    }
}

/// What the gates decided and why, when there are any. A review that is not whole can trip a gate, but pass none.
#[must_use]
pub fn gate_sentence(gates: &[Gate], outcome: Outcome, tally: &Tally) -> Option<String> {
    let named = |gates: &[Gate]| {
        let names: Vec<String> = gates.iter().map(|gate| format!("`{}`", gate.as_str())).collect();
        format!("The gate{} {}", if names.len() == 1 { "" } else { "s" }, words::list(&names))
    };
    match outcome::gate(gates, outcome, tally) {
        GateState::Off => None,
        GateState::Passed => Some(format!("{} passed.", named(gates))),
        GateState::Tripped => {
            let trips = |gate: &&Gate| outcome::gate(&[**gate], outcome, tally) == GateState::Tripped;
            let tripped: Vec<Gate> = gates.iter().filter(trips).copied().collect();
            let why: Vec<String> = tripped.iter().map(|gate| tripped_by(*gate, tally)).collect();
            Some(format!("{} tripped: {}.", named(&tripped), words::list(&why)))
        }
        GateState::Undecided => {
            let (are, them) = if gates.len() == 1 { ("is", "it") } else { ("are", "them") };
            Some(format!(
                "{} {are} undecided, neither passed nor failed: nothing found so far trips {them}, but the review \
                 is not whole.",
                named(gates)
            ))
        }
    }
}

/// What trips a gate.
fn tripped_by(gate: Gate, tally: &Tally) -> String {
    match gate {
        Gate::AnyHigh => format!("{} of high or critical severity", words::count(tally.high, "finding")),
        Gate::AgreedHigh => {
            format!(
                "{} of high or critical severity, found by both",
                words::count(tally.agreed_high, "finding")
            )
        }
        Gate::Disputed => words::count(tally.disputed, "disputed finding"),
        Gate::Contradiction => words::count(tally.contradictions, "contradiction"),
        Gate::Incomplete => "the review is not whole".to_owned(),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| format!("{}{}", first.to_uppercase(), letters.as_str())).unwrap_or_default()
}
