//! A review as plain text, for a terminal.

use std::fmt::Write as _;

use super::sides::{self, Reader};
use super::{check, inline, outside, provenance, summary, words};
use crate::domain::finding::Class;
use crate::domain::outcome::Outcome;
use crate::domain::redact::log_line;
use crate::domain::review::Review;

/// The whole review. Text of models and pull requests is made harmless for terminals.
#[must_use]
pub fn review(review: &Review) -> String {
    let mut out = format!("Counterpoint: {}\n", summary::headline(review));
    let (outcome, reason) = review.outcome();
    if outcome != Outcome::Reviewed {
        let _ = writeln!(out, "{outcome} ({reason})");
    }
    for warning in summary::warnings(review) {
        let _ = writeln!(out, "! {}", log_line(&warning.replace('`', "")));
    }
    for listed in &review.listed {
        let issue = &listed.issue;
        let Some(main) = words::voice(issue) else { continue };
        let finding = &main.finding;
        let place = match main.placement.anchor() {
            Some(anchor) => format!("{}:{}", anchor.path, anchor.end),
            None if finding.path.is_empty() => "no file".to_owned(),
            None => format!("{} (no line proven)", finding.path),
        };
        let class = match issue.verdict.class() {
            Class::Both => "both",
            Class::Contested => "contested",
            Class::One => "one reviewer",
            Class::Nobody => "withdrawn",
        };
        let raisers = words::lanes(issue.raised_by());
        let title = if finding.title.trim().is_empty() { &finding.body } else { &finding.title };
        let _ = writeln!(out, "\n{} · {class} ({raisers}) · {}", inline::severity(issue), log_line(&place));
        let _ = writeln!(out, "  {}", log_line(title.lines().next().unwrap_or_default()));
        for line in finding.body.lines().filter(|line| !line.trim().is_empty()) {
            let _ = writeln!(out, "  {}", log_line(line));
        }
        let turns = sides::turns(review, issue);
        for turn in &turns {
            let _ = writeln!(out, "  {}", log_line(&turn.text(main)));
        }
        if let Some(question) = sides::question(review, issue, Reader::Terminal) {
            let _ = writeln!(out, "  To settle it: {}", log_line(&question));
        }
        let aside = provenance::aside(review, issue);
        if turns.is_empty() && !aside.is_empty() {
            let _ = writeln!(out, "  ({})", log_line(&aside));
        }
        if let Some(line) = outside::text(issue) {
            let _ = writeln!(out, "  {line}");
        }
    }
    let coverage = &review.coverage;
    if !coverage.is_whole() && review.is_answered() {
        let files = coverage.partly.iter().chain(&coverage.unread);
        let paths: Vec<&str> = files.map(|file| file.path.as_str()).collect();
        let _ = writeln!(out, "\nNot read: {}", log_line(&paths.join(", ")));
    }
    if !coverage.excluded.is_empty() {
        let files = coverage.excluded.iter().map(|file| format!("{} ({})", file.path, file.why));
        let _ = writeln!(out, "\nLeft out by rule: {}", log_line(&files.collect::<Vec<_>>().join(", ")));
    }
    if let Some(sentence) = check::gate_sentence(&review.settings.fail_on, outcome, &review.tally()) {
        let _ = writeln!(out, "\n{}", sentence.replace('`', ""));
    }
    let (finished, asked) = review.lanes();
    let _ = writeln!(
        out,
        "\n{} read · {finished} of {asked} reviewers · {} · {} of {} (worst case planned {})",
        words::count(coverage.read.len(), "file"),
        words::duration(review.elapsed),
        review.cost(),
        review.ledger.cap(),
        review.plan.bound
    );
    out
}
