//! One comment on one line: what goes wrong, who says so, what would settle it.

use super::sides::{self, Reader};
use super::{outside, provenance, safe, suggestion, words};
use crate::domain::debate::Stance;
use crate::domain::diff::{Diff, visible};
use crate::domain::finding::{Anchor, Raised, Resolution, Verdict};
use crate::domain::marker;
use crate::domain::reconcile::Issue;
use crate::domain::review::{Listed, Review, anchored_lines, finding_marker};
use crate::domain::units::{LaneName, Sha};

const MAX_TITLE: usize = 140;
const MAX_TEXT: usize = 4_000;

/// A whole issue, its provenance and marker aside: far below what GitHub takes, whatever lanes write.
const MAX_ISSUE: usize = 40_000;

/// The longest turn of a debate that is shown whole, in characters.
const MAX_TURN: usize = 1_200;

/// The comment's Markdown, ending in its marker.
#[must_use]
pub fn body(review: &Review, listed: &Listed, anchor: &Anchor, head: &Sha) -> String {
    let text: String = issue(review, &listed.issue, Some(anchor)).chars().take(MAX_ISSUE).collect();
    let standing = safe::inline(&provenance::line(review, &listed.issue), MAX_TURN);
    let marker = marker::write(&finding_marker(listed, anchor, head, &review.snapshot.diff));
    let standing = standing.trim_end_matches('.');
    let dismiss = safe::code(&format!("/counterpoint dismiss {} reason", listed.id));
    format!("{text}\n\n<sub>{standing} · {dismiss}</sub>\n{marker}")
}

/// An issue in full, without its provenance.
#[must_use]
pub fn issue(review: &Review, issue: &Issue, anchor: Option<&Anchor>) -> String {
    let Some(main) = words::voice(issue) else { return String::new() };
    let diff = &review.snapshot.diff;
    let mut out = format!("**{}** · {} · {}", title(main), severity(issue), class(issue));
    out.push_str("\n\n");
    out.push_str(&claim(main));
    if let Some(real) = anchor.and_then(|anchor| real_lines(diff, anchor)) {
        out.push_str(&format!("\n\nThe quote was approximate; here stands:\n\n{}", safe::fenced(&real, "")));
    }
    out.push_str(&debate(review, issue, main));
    if let Some(fix) = fix(main, diff, anchor) {
        out.push_str("\n\n");
        out.push_str(&fix);
    }
    if issue.contradiction.is_none() {
        out.push_str(&others(issue, main));
    }
    if let Some(line) = outside::markdown(issue) {
        out.push_str(&format!("\n\n{line}"));
    }
    out
}

/// What the others say of it, what is answered to that, and what would settle it.
fn debate(review: &Review, issue: &Issue, main: &Raised) -> String {
    let turns = sides::turns(review, issue);
    let turns: Vec<String> = turns.iter().map(|turn| turn.quoted(review, main, MAX_TURN)).collect();
    let said = if turns.is_empty() { String::new() } else { format!("\n\n{}", turns.join("\n>\n")) };
    match sides::question(review, issue, Reader::GitHub) {
        Some(question) => format!("{said}\n\n**To settle it:** {question}"),
        None => said,
    }
}

/// The title of a finding, or the beginning of its text.
#[must_use]
pub fn title(raised: &Raised) -> String {
    let finding = &raised.finding;
    let text = if finding.title.trim().is_empty() { &finding.body } else { &finding.title };
    safe::inline(text, MAX_TITLE)
}

/// `high`, `high, now medium` where it was lowered, `high (Codex: medium)` where lanes differ.
#[must_use]
pub fn severity(issue: &Issue) -> String {
    if let Some(was) = issue.was {
        return format!("{was}, now {}", issue.severity);
    }
    let highest = |lane: &LaneName| {
        issue.members.iter().filter(|member| member.lane == *lane).map(|member| member.finding.severity).max()
    };
    let raised = issue.raised_by().into_iter().filter_map(|lane| Some((lane, highest(lane)?)));
    let confirmed = issue
        .votes
        .iter()
        .filter(|cast| cast.vote.stance == Stance::Confirmed && cast.vote.stands)
        .filter_map(|cast| Some((&cast.lane, cast.vote.severity?)));
    let differing: Vec<String> = raised
        .chain(confirmed)
        .filter(|(_, severity)| *severity != issue.severity)
        .map(|(lane, severity)| format!("{lane}: {severity}"))
        .collect();
    if differing.is_empty() {
        issue.severity.to_string()
    } else {
        format!("{} ({})", issue.severity, differing.join(", "))
    }
}

const fn class(issue: &Issue) -> &'static str {
    match issue.verdict {
        Verdict::Agreed => "found by both",
        Verdict::Confirmed => "found by one, confirmed by another",
        Verdict::Disputed | Verdict::Contradiction => "the reviewers disagree",
        Verdict::Solo | Verdict::Unchecked => "one reviewer",
        Verdict::Withdrawn => "withdrawn",
    }
}

/// What a finding says: its explanation, and what happens when.
fn claim(raised: &Raised) -> String {
    let finding = &raised.finding;
    let body = safe::block(&finding.body, MAX_TEXT);
    let scenario = safe::block(&finding.failure_scenario, MAX_TEXT / 2);
    match (body.trim().is_empty(), scenario.trim().is_empty()) {
        (false, false) if !finding.body.contains(finding.failure_scenario.trim()) => {
            format!("{}\n\n{}", body.trim_end(), scenario.trim_end())
        }
        (false, _) => body.trim_end().to_owned(),
        (true, false) => scenario.trim_end().to_owned(),
        (true, true) => String::new(),
    }
}

/// What the other lanes wrote about the same issue, folded.
fn others(issue: &Issue, main: &Raised) -> String {
    let mut out = String::new();
    let mut told = vec![&main.lane];
    for member in &issue.members {
        if told.contains(&&member.lane) {
            continue;
        }
        told.push(&member.lane);
        let text = claim(member);
        if !text.is_empty() && text != claim(main) {
            out.push_str(&format!(
                "\n\n<details><summary>In {}'s words: {}</summary>\n\n{text}\n\n</details>",
                member.lane,
                title(member)
            ));
        }
    }
    out
}

/// The lines that a comment stands on, where they are not what was quoted.
fn real_lines(diff: &Diff, anchor: &Anchor) -> Option<String> {
    let file = diff.file(&anchor.path).filter(|_| anchor.how == Resolution::Approximate)?;
    Some(anchored_lines(file, anchor).map(|line| format!("{}\n", visible(&line.text))).collect())
}

/// The suggested fix: as a block that GitHub can apply where that is safe, else as a plain diff.
fn fix(main: &Raised, diff: &Diff, anchor: Option<&Anchor>) -> Option<String> {
    let finding = &main.finding;
    let text = suggestion::replacement(finding)?;
    let own = main.placement.anchor();
    if let Some(anchor) = anchor.filter(|anchor| own == Some(*anchor))
        && let Ok(block) = suggestion::block(finding, anchor, diff)
    {
        return Some(block);
    }
    let lines =
        |sign: char, text: &str| text.lines().map(|line| format!("{sign}{line}\n")).collect::<String>();
    let real = own.and_then(|own| real_lines(diff, own));
    let old = real.as_deref().unwrap_or(&finding.quote).trim_matches('\n');
    Some(safe::fenced(&format!("{}{}", lines('-', old), lines('+', text)), "diff"))
}
