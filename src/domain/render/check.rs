//! The check on the reviewed commit: success only if a review happened.

use super::{MAX_BODY, safe, summary};
use crate::domain::config::Gate;
use crate::domain::marker::{self, SummaryMarker};
use crate::domain::outcome::{GateState, Outcome, Reason};
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
    if let Some(sentence) = gate_sentence(gate, &review.settings.fail_on) {
        lines.push(sentence);
    }
    let page =
        review.standing.summary.as_ref().map(|comment| &comment.url).filter(|url| summary::is_plain_url(url));
    lines.extend(page.map(|url| format!("[The summary]({url}) stands on the pull request.")));
    if lines.is_empty() {
        lines.push(format!(
            "{}.",
            crate::domain::render::words::sentence(&summary::headline(review)).trim_end_matches('.')
        ));
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
    let sentence = gate_sentence(gate, gates).unwrap_or_else(|| "No gate is set.".to_owned());
    let found = super::words::count(memory.tally.findings(), "finding");
    Check {
        head: memory.head.clone(),
        conclusion: conclusion(Outcome::Reviewed, gate),
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

/// What the gates decided, when there are any.
#[must_use]
pub fn gate_sentence(gate: GateState, gates: &[Gate]) -> Option<String> {
    let words: Vec<String> = gates.iter().map(|gate| format!("`{}`", gate.as_str())).collect();
    let words = words.join(", ");
    match gate {
        GateState::Off => None,
        GateState::Passed => Some(format!("The gate {words} passed.")),
        GateState::Tripped => Some(format!("The gate {words} tripped.")),
        GateState::Undecided => Some(format!("The gate {words} is undecided: the review is not whole.")),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| format!("{}{}", first.to_uppercase(), letters.as_str())).unwrap_or_default()
}
