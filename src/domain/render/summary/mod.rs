//! The one summary comment: what to fix, what to decide, one line of cost, the rest folded.

mod cost;
mod files;
mod findings;

use super::{MAX_BODY, check, dismissal, lanes, safe, words};
use crate::domain::config::Gate;
use crate::domain::marker::{self, Dropped, Open, SummaryMarker};
use crate::domain::outcome::{self, GateState, Outcome, Reason, Tally};
use crate::domain::pass::LaneReport;
use crate::domain::review::{Listed, Review, Shown};

/// The longest warning that is shown whole, in characters.
pub const MAX_WARNING: usize = 700;

/// The summary comment, ending in its marker.
#[must_use]
pub fn comment(review: &Review) -> String {
    let marker = memory(review).map(|memory| marker::write(&memory)).unwrap_or_default();
    let room = MAX_BODY.saturating_sub(marker.chars().count() + 2);
    format!("{}\n\n{marker}", markdown(review, room))
}

/// What the summary and the check remember of this run; nothing for a local diff.
#[must_use]
pub fn memory(review: &Review) -> Option<SummaryMarker> {
    Some(SummaryMarker {
        head: review.snapshot.head.clone()?,
        config: review.settings.fingerprint.clone(),
        outcome: review.outcome().0,
        tally: review.tally(),
        inline: review.inline_comments(),
        spent: review.spent(),
        no_check: review.standing.no_check,
        open: open(review),
        dismissed: dropped(review),
    })
}

/// The findings that stand in comments and count.
fn open(review: &Review) -> Vec<Open> {
    let inline = review.listed.iter().filter(|listed| matches!(listed.shown, Shown::Inline { .. }));
    inline
        .map(|Listed { issue, id, .. }| Open {
            id: id.clone(),
            verdict: issue.verdict,
            severity: issue.severity,
        })
        .collect()
}

/// The dismissals that are known, those that do not count included: their authors may be allowed to again.
fn dropped(review: &Review) -> Vec<Dropped> {
    let known = review.snapshot.place.iter().flat_map(|place| &place.earlier.dismissals);
    known
        .map(|dismissal| {
            let issue = review.dismissed.iter().find(|dismissed| dismissed.dismissal == *dismissal);
            let issue = issue.map(|dismissed| &dismissed.issue).filter(|issue| !issue.pre_existing);
            let counted = issue.map(|issue| (issue.verdict, issue.severity));
            Dropped { id: dismissal.id.clone(), comment: dismissal.comment, counted }
        })
        .collect()
}

/// The summary as Markdown of at most `room` characters.
#[must_use]
pub fn markdown(review: &Review, room: usize) -> String {
    let mut parts = vec![format!("### Counterpoint: {}", headline(review)), opening(review)];
    parts.extend(warnings(review).iter().map(|warning| safe::inline(warning, MAX_WARNING)));
    parts.extend(gate(review));
    parts.extend(findings::fix(review));
    parts.extend(findings::decide(review));
    parts.extend(findings::from_one(review));
    parts.extend(files::not_read(review));
    parts.extend(findings::folded(review));
    parts.extend(dismissal::folded(review));
    parts.extend(files::left_out(review));
    let tail = [cost::table(review), cost::footer(review)];
    let used: usize = parts.iter().chain(&tail).map(|part| part.chars().count() + 2).sum();
    parts.extend(findings::details(review, room.saturating_sub(used + 200)));
    parts.extend(tail);
    let text = parts.join("\n\n");
    match text.char_indices().nth(room) {
        // Hundreds of findings: the end gives way, never the marker that follows.
        Some((end, _)) => {
            let most = text.floor_char_boundary(end.saturating_sub(80));
            let whole_lines = text.get(..most).and_then(|text| text.rsplit_once('\n'));
            format!(
                "{}\n\n… and more than fits here: the record holds all of it.",
                whole_lines.map_or("", |(text, _)| text)
            )
        }
        None => text,
    }
}

/// `3 to fix, 2 for you to decide`.
#[must_use]
pub fn headline(review: &Review) -> String {
    let (outcome, reason) = review.outcome();
    headline_of(&review.tally(), review.dismissed.len(), outcome, reason)
}

/// The same from what is remembered.
#[must_use]
pub fn headline_of(tally: &Tally, dismissed: usize, outcome: Outcome, reason: Reason) -> String {
    let told = [
        (tally.both(), "to fix"),
        (tally.contested(), "for you to decide"),
        (tally.one(), "from one reviewer"),
        (dismissed, "dismissed"),
    ];
    let parts: Vec<String> = told
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{number} {what}"))
        .collect();
    match ((outcome, reason), parts.is_empty()) {
        ((_, Reason::Cancelled), true) => "cancelled".to_owned(),
        ((_, Reason::Cancelled), false) => format!("cancelled, {} so far", parts.join(", ")),
        ((Outcome::Failed, _), true) => "not reviewed".to_owned(),
        ((Outcome::Reviewed, _), true) => "nothing found".to_owned(),
        (_, true) => "nothing found in what was reviewed".to_owned(),
        (_, false) => parts.join(", "),
    }
}

/// Who finished on what, how much was read, time and money.
fn opening(review: &Review) -> String {
    let readers: Vec<&LaneReport> = review.reports.iter().filter(|report| lanes::has_read(report)).collect();
    // Who reviewed and could not be heard in the debate did not finish.
    let all_done = readers.iter().all(|report| report.end.is_done());
    let readers: Vec<_> = readers.into_iter().map(|report| &report.lane).collect();
    let head = review.snapshot.head.as_ref().map(|head| format!("`{}`", head.short()));
    let commit = head.as_ref().map(|head| format!(" on {head}")).unwrap_or_default();
    let did = if all_done {
        format!("finished{commit}.")
    } else {
        format!("reviewed {}.", head.as_deref().unwrap_or("it"))
    };
    let who = match readers.as_slice() {
        [] if review.is_answered() => format!("No reviewer read everything{commit}."),
        [] => format!("No reviewer finished{commit}, so nothing was reviewed."),
        [one] => format!("{one} {did}"),
        two @ [_, _] => format!("{} both {did}", words::lanes(two.iter().copied())),
        more => format!("{} {did}", words::lanes(more.iter().copied())),
    };
    let coverage = &review.coverage;
    let lines = |lines: u64| words::count(usize::try_from(lines).unwrap_or(usize::MAX), "changed line");
    let files = if !review.is_answered() {
        String::new()
    } else if coverage.is_whole() {
        format!("{}, {} read · ", words::count(coverage.read.len(), "file"), lines(coverage.lines_read))
    } else {
        let (read, due) = (coverage.read.len(), coverage.due());
        // Of files without lines nobody knows how many there are.
        let of = if coverage.lines_read < coverage.lines_due {
            format!("{} of {}", coverage.lines_read, lines(coverage.lines_due))
        } else {
            lines(coverage.lines_read)
        };
        format!("{read} of {due} files, {of} read · ")
    };
    let unknown = if review.ledger.has_unknown() { " at most" } else { "" };
    format!(
        "{who} {files}{} · **{}{unknown} of {}**",
        words::duration(review.elapsed),
        review.cost(),
        review.ledger.cap()
    )
}

/// What a reader must know before believing the rest: one line each, holding untrusted words.
#[must_use]
pub fn warnings(review: &Review) -> Vec<String> {
    let standing = &review.standing;
    let mut out = Vec::new();
    if standing.cancelled {
        out.push(match review.is_answered() {
            false => "This run was cancelled before a reviewer had finished.".to_owned(),
            true => "This run was cancelled: what had finished by then is listed, nothing more.".to_owned(),
        });
    }
    if let Some(now) = &standing.head_moved {
        out.push(format!(
            "The head moved to `{}` during the review: this is about the commit before.",
            now.short()
        ));
    }
    out.extend(lanes::missing(review));
    out.extend(review.reports.iter().filter_map(lanes::fallback));
    if standing.read_only {
        out.push("The token may not comment, so nothing stands on the pull request. Give the job `pull-requests: write`.".to_owned());
    }
    if standing.no_check
        && !standing.read_only
        && standing.unwritable.is_none()
        && standing.head_moved.is_none()
    {
        out.push("The check could not be written. Give the job `checks: write`.".to_owned());
    }
    if standing.refused > 0 && !standing.read_only {
        let comments = words::count(standing.refused, "inline comment");
        let they = if standing.refused == 1 { "it stands" } else { "they stand" };
        out.push(format!("GitHub did not take {comments}: {they} in the summary instead."));
    }
    if let Some(what) = &standing.unwritable {
        out.push(format!("Not everything could be written: {what}."));
    }
    if review.ledger.overrun() {
        out.push("A provider billed more than its own limits allow; no further call was started.".to_owned());
    }
    let degraded = review.degraded();
    if !degraded.is_empty() {
        let steps = degraded.join("; ");
        out.push(format!("To stay inside the budget: {steps}."));
    }
    if review.snapshot.redacted > 0 {
        let lines = words::count(review.snapshot.redacted, "line");
        out.push(format!(
            "The diff seems to hold secrets: {lines} were hidden from the reviewers. Rotate what is real."
        ));
    }
    out.extend(dismissal::void(review));
    out.extend(review.snapshot.notes.iter().cloned());
    out
}

/// What the gates say, where they do not let the pull request pass.
fn gate(review: &Review) -> Option<String> {
    gate_of(&review.settings.fail_on, review.outcome().0, &review.tally())
}

/// The same from what is remembered.
#[must_use]
pub fn gate_of(gates: &[Gate], outcome: Outcome, tally: &Tally) -> Option<String> {
    let stops = matches!(outcome::gate(gates, outcome, tally), GateState::Tripped | GateState::Undecided);
    check::gate_sentence(gates, outcome, tally).filter(|_| stops)
}
