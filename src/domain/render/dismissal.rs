//! Findings that somebody told us to drop: who, and why.

use super::{MAX_BODY, inline, place, safe, summary};
use crate::domain::config::Gate;
use crate::domain::dismissal::Dismissal;
use crate::domain::marker::{self, SummaryMarker};
use crate::domain::outcome::Reason;
use crate::domain::render::words;
use crate::domain::review::{Dismissed, Review};
use crate::domain::snapshot::Thread;

/// The longest reason that is shown whole, in characters.
const MAX_REASON: usize = 300;

/// The longest title that is shown whole, in characters.
const MAX_TITLE: usize = 140;

const HEADLINE: &str = "### Counterpoint: ";

/// What was dismissed and found again, folded.
pub(super) fn folded(review: &Review) -> Option<String> {
    let line = |dismissed: &Dismissed| {
        let Dismissed { issue, dismissal, url } = dismissed;
        let main = words::voice(issue)?;
        let title = inline::title(main);
        Some(format!("- {}", told(dismissal, &linked(main.path(), url), &title)))
    };
    let lines: Vec<String> = review.dismissed.iter().filter_map(line).collect();
    let number = words::count(lines.len(), "finding");
    (!lines.is_empty()).then(|| {
        format!("<details><summary>{number} dismissed</summary>\n\n{}\n\n</details>", lines.join("\n"))
    })
}

/// Dismissals that do not count any more. Untrusted.
pub(super) fn void(review: &Review) -> Vec<String> {
    let known = review.snapshot.place.iter().flat_map(|place| &place.earlier.dismissals);
    let void = known.filter(|dismissal| !dismissal.counts);
    void.map(|Dismissal { id, by, .. }| {
        format!("`{id}` counts again: nobody could confirm that {by}, who dismissed it, may write to this repository.")
    })
    .collect()
}

/// The summary comment that stands, with a finding dismissed, what is remembered now, and the gates as they are now.
#[must_use]
pub fn on_summary(
    existing: &str,
    memory: &SummaryMarker,
    gates: &[Gate],
    dismissal: &Dismissal,
    thread: &Thread,
) -> String {
    let url = &thread.comment.url;
    let title = safe::inline(&thread.marker.title, MAX_TITLE);
    let line = told(dismissal, &linked(&thread.marker.path, url), &title);
    let headline = summary::headline_of(&memory.tally, memory.dropped(), memory.outcome, Reason::Ok);
    let gate = summary::gate_of(gates, memory.outcome, &memory.tally);
    let (text, _) = existing.rsplit_once("\n\n").unwrap_or((existing, ""));
    let mut lines: Vec<String> = Vec::new();
    for old in text.lines().filter(|old| **old != line) {
        if old.starts_with(HEADLINE) {
            lines.extend([format!("{HEADLINE}{headline}"), String::new(), line.clone()]);
        } else if old.starts_with("The gate") {
            lines.extend(gate.clone());
        } else if old.contains(&format!("]({url})")) && !old.starts_with("**Dismissed") {
            lines.push(struck(old));
        } else {
            lines.push(old.to_owned());
        }
    }
    let marker = marker::write(memory);
    let room = MAX_BODY.saturating_sub(marker.chars().count() + 2);
    let text: String = lines.join("\n").chars().take(room).collect();
    format!("{text}\n\n{marker}")
}

/// A line about a finding that says it is dismissed: a row of a table in its last cell. It blocks nothing any more.
fn struck(line: &str) -> String {
    const SAYS: &str = " · dismissed";
    match line.strip_suffix(" |") {
        _ if line.contains(SAYS) => line.to_owned(),
        Some(row) => format!("{}{SAYS} |", row.replacen(", blocks |", " |", 1)),
        None => format!("{line}{SAYS}"),
    }
}

/// `**Dismissed by mona:** place title: reason`.
fn told(dismissal: &Dismissal, place: &str, title: &str) -> String {
    let by = safe::inline(&dismissal.by, 60);
    let reason = safe::inline(&dismissal.reason, MAX_REASON);
    format!("**Dismissed by {by}:** {place} {title} ({reason})")
}

fn linked(path: &str, url: &str) -> String {
    let label = place::path(path);
    if place::is_plain_url(url) { format!("[{label}]({url})") } else { label }
}
