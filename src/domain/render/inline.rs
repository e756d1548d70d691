//! One comment on one line: what goes wrong, who says so, what would settle it.

use super::{safe, suggestion, words};
use crate::domain::diff::{Diff, visible};
use crate::domain::finding::{Anchor, Raised, Resolution, Verdict};
use crate::domain::marker;
use crate::domain::reconcile::Issue;
use crate::domain::reconcile::contradiction::Why;
use crate::domain::review::{Listed, Review, anchored_lines, finding_marker};
use crate::domain::units::{LaneName, Sha};

const MAX_TITLE: usize = 140;
const MAX_TEXT: usize = 4_000;

/// A whole issue, its provenance and marker aside: far below what GitHub takes, whatever lanes write.
const MAX_ISSUE: usize = 40_000;

/// The comment's Markdown, ending in its marker.
#[must_use]
pub fn body(review: &Review, listed: &Listed, anchor: &Anchor, head: &Sha) -> String {
    let diff = &review.snapshot.diff;
    let text: String = issue(&listed.issue, diff, Some(anchor)).chars().take(MAX_ISSUE).collect();
    let standing = provenance(&listed.issue, review);
    let marker = marker::write(&finding_marker(listed, anchor, head, diff));
    format!("{text}\n\n<sub>{standing}</sub>\n{marker}")
}

/// An issue in full, without its provenance.
#[must_use]
pub fn issue(issue: &Issue, diff: &Diff, anchor: Option<&Anchor>) -> String {
    let Some(main) = words::voice(issue) else { return String::new() };
    let mut out = format!("**{}** · {} · {}", title(main), severity(issue), class(issue));
    out.push_str("\n\n");
    out.push_str(&claim(main));
    if let Some(real) = anchor.and_then(|anchor| real_lines(diff, anchor)) {
        out.push_str(&format!("\n\nThe quote was approximate; here stands:\n\n{}", safe::fenced(&real, "")));
    }
    let opponent = words::opponent(issue);
    if let Some(opponent) = &opponent {
        out.push_str(&sides(main, opponent));
    }
    if let Some(fix) = fix(main, diff, anchor) {
        out.push_str("\n\n");
        out.push_str(&fix);
    }
    if opponent.is_none() {
        out.push_str(&others(issue, main));
    }
    out
}

/// The title of a finding, or the beginning of its text.
#[must_use]
pub fn title(raised: &Raised) -> String {
    let finding = &raised.finding;
    let text = if finding.title.trim().is_empty() { &finding.body } else { &finding.title };
    safe::inline(text, MAX_TITLE)
}

/// `high`, or `high (Codex: medium)` where they differ.
#[must_use]
pub fn severity(issue: &Issue) -> String {
    let highest = |lane: &LaneName| {
        issue.members.iter().filter(|member| member.lane == *lane).map(|member| member.finding.severity).max()
    };
    let lower: Vec<String> = issue
        .raised_by()
        .into_iter()
        .filter_map(|lane| Some((lane, highest(lane).filter(|severity| *severity != issue.severity)?)))
        .map(|(lane, severity)| format!("{lane}: {severity}"))
        .collect();
    if lower.is_empty() {
        issue.severity.to_string()
    } else {
        format!("{} ({})", issue.severity, lower.join(", "))
    }
}

const fn class(issue: &Issue) -> &'static str {
    match issue.verdict {
        Verdict::Agreed => "found by both",
        Verdict::Confirmed => "found by one, confirmed by the other",
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

/// Both sides of a contradiction.
fn sides(main: &Raised, opponent: &words::Opponent<'_>) -> String {
    let text = safe::block(opponent.says, 1_200);
    let stance = if opponent.cleared { "checked it and holds it sound" } else { "says otherwise" };
    let mut lines = text.trim().lines();
    let mut quoted =
        format!("> **{} {stance}:** {}", opponent.lane, lines.next().unwrap_or("(no reason given)"));
    for line in lines {
        quoted.push_str("\n> ");
        quoted.push_str(line);
    }
    format!("\n\n{quoted}\n\n**To settle it:** {}", question(main, opponent))
}

/// What would settle a contradiction.
#[must_use]
pub fn question(main: &Raised, opponent: &words::Opponent<'_>) -> String {
    let (raiser, other) = (&main.lane, opponent.lane);
    match opponent.why {
        Why::Cleared => format!("can what {raiser} describes happen, or does {other}'s reason rule it out?"),
        Why::Fixes { original, a, b } => format!(
            "{} can become {} or {}, not both: which is meant?",
            safe::code(original),
            safe::code(a),
            safe::code(b)
        ),
        Why::Denial { .. } => format!("{raiser} and {other} cannot both be right: which of them is?"),
        Why::Advice { .. } => format!("{raiser} and {other} ask for opposite changes: which is meant?"),
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

/// Who raised it, who checked it, and whether it blocks.
fn provenance(issue: &Issue, review: &Review) -> String {
    let raisers = words::lanes(issue.raised_by());
    let blind = match (issue.verdict, words::opponent(issue)) {
        (Verdict::Confirmed | Verdict::Disputed | Verdict::Withdrawn, _) => {
            format!("Raised blind by {raisers}")
        }
        (Verdict::Agreed, _) => format!("Raised blind by {raisers}, independently"),
        (Verdict::Contradiction, Some(opponent)) if opponent.cleared => {
            format!("Raised blind by {raisers}, contradicted blind by {}", opponent.lane)
        }
        (Verdict::Contradiction, _) => format!("Raised blind by {raisers}, who contradict each other"),
        (Verdict::Unchecked, _) => {
            format!(
                "Raised by {raisers}; unchecked, because {}",
                words::missing_lanes_in_short(&review.reports)
            )
        }
        (Verdict::Solo, _) => {
            let others: Vec<_> = review
                .reports
                .iter()
                .filter(|report| report.answered() > 0 && !issue.raised_by().contains(&&report.lane))
                .map(|report| &report.lane)
                .collect();
            if others.is_empty() {
                format!("Raised by {raisers}, the only reviewer asked")
            } else {
                format!("Raised by {raisers}; {} read the same and did not raise it", words::lanes(others))
            }
        }
    };
    let gates = &review.settings.fail_on;
    let blocks = crate::domain::outcome::trips(gates, issue.verdict, issue.severity, issue.pre_existing);
    match (gates.is_empty(), blocks) {
        (true, _) => format!("{blind}."),
        (false, true) => format!("{blind} · blocks"),
        (false, false) => format!("{blind} · does not block"),
    }
}
