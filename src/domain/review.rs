//! One run that asked models: everything that is published, reported and recorded comes from this value.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::budget::Ledger;
use crate::domain::config::{InlineConfig, Settings};
use crate::domain::debate::Answer;
use crate::domain::diff::{Diff, FileDiff, Line, LineKind};
use crate::domain::dismissal::Dismissal;
use crate::domain::finding::{Anchor, Class, Resolution, Side};
use crate::domain::marker::FindingMarker;
use crate::domain::outcome::{GateState, Outcome, Reason, Tally, gate};
use crate::domain::pass::{End, LaneReport, PassReport};
use crate::domain::plan::{Coverage, Plan};
use crate::domain::pull::{Conclusion, TimelineComment};
use crate::domain::reconcile::outside::beside;
use crate::domain::reconcile::similarity::{Corpus, Subject, Zone};
use crate::domain::reconcile::{Defended, Input, Issue, LaneResult, Looked, reconcile, subject};
use crate::domain::render::words::voice;
use crate::domain::snapshot::{Snapshot, Thread};
use crate::domain::units::{MicroUsd, Sha};

/// A run and what came of it.
#[derive(Clone, Debug)]
pub struct Review {
    /// What was reviewed.
    pub snapshot: Snapshot,
    /// Everything it was decided by.
    pub settings: Settings,
    /// What was planned.
    pub plan: Plan,
    /// What each lane did.
    pub reports: Vec<LaneReport>,
    /// What was read in the end.
    pub coverage: Coverage,
    /// What was found, merged, the most important first.
    pub listed: Vec<Listed>,
    /// What was found and somebody told us to drop: it counts for nothing.
    pub dismissed: Vec<Dismissed>,
    /// Every call and its cost.
    pub ledger: Ledger,
    /// How the run stands with the outside.
    pub standing: Standing,
    /// Time from the start of the run.
    pub elapsed: Duration,
}

/// An issue and how it is shown.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The issue.
    pub issue: Issue,
    /// Its id on the pull request; empty where nothing is posted inline.
    pub id: String,
    /// Where people see it.
    pub shown: Shown,
}

/// An issue that was dismissed.
#[derive(Clone, Debug)]
pub struct Dismissed {
    /// The issue.
    pub issue: Issue,
    /// By whom, and why.
    pub dismissal: Dismissal,
    /// The page of its comment.
    pub url: String,
}

/// Where people see an issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// In a comment to be posted on these lines.
    ToPost(Anchor),
    /// In a comment on these lines, at this page.
    Inline {
        /// Where.
        anchor: Anchor,
        /// The comment's page.
        url: String,
        /// Whether it stood there before this run.
        earlier: bool,
    },
    /// In the summary only.
    Summary,
}

/// What happened between the run and the outside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Somebody, or a newer run, cancelled it.
    pub cancelled: bool,
    /// The head that the pull request has now, when it is another one.
    pub head_moved: Option<Sha>,
    /// The token may not write.
    pub read_only: bool,
    /// Inline comments that GitHub did not take; they stand in the summary.
    pub refused: usize,
    /// What could not be written, in words.
    pub unwritable: Option<String>,
    /// The check could not be written for want of a right.
    pub no_check: bool,
    /// How the check ended, when it could be written.
    pub check: Option<Conclusion>,
    /// Whether anything stands on the pull request after this run.
    pub published: bool,
    /// The summary comment, once it stands.
    #[serde(skip)]
    pub summary: Option<TimelineComment>,
}

impl Review {
    /// Decides from what the lanes said: matching, verdicts, and what is shown where.
    pub fn decide(&mut self) {
        let issues = reconcile(&said(&self.plan, &self.reports));
        let issues = beside(issues, &self.snapshot.evidence);
        self.show(issues);
    }

    /// Decides anew what is shown where: what stands on the pull request is not what it was.
    pub fn show_again(&mut self) {
        let listed = std::mem::take(&mut self.listed).into_iter().map(|listed| listed.issue);
        let dismissed = std::mem::take(&mut self.dismissed).into_iter().map(|dismissed| dismissed.issue);
        self.show(listed.chain(dismissed).collect());
    }

    fn show(&mut self, issues: Vec<Issue>) {
        let mut open = Vec::new();
        for issue in issues {
            match dismissed(&issue, &self.snapshot) {
                Some((dismissal, url)) => self.dismissed.push(Dismissed { issue, dismissal, url }),
                None => open.push(issue),
            }
        }
        self.listed = list(open, &self.snapshot, &self.coverage, &self.settings.inline);
    }

    /// What became of the review, and the first reason there is to tell.
    #[must_use]
    pub fn outcome(&self) -> (Outcome, Reason) {
        let standing = &self.standing;
        if !self.is_answered() {
            let only = |wanted: fn(&End) -> bool| {
                self.reports.iter().filter(|report| report.attempts() > 0).all(|report| wanted(&report.end))
            };
            let reason = if standing.cancelled {
                Reason::Cancelled
            } else if only(|end| *end == End::TimedOut) {
                Reason::Deadline
            } else {
                Reason::NoLane
            };
            return (Outcome::Failed, reason);
        }
        if standing.unwritable.is_some() && !standing.published {
            return (Outcome::Failed, Reason::GithubUnwritable);
        }
        let missing = |wanted: fn(&End) -> bool| self.reports.iter().any(|report| wanted(&report.end));
        let partial = [
            (standing.cancelled, Reason::Cancelled),
            (standing.read_only, Reason::ReadOnlyToken),
            (standing.head_moved.is_some(), Reason::HeadMoved),
            (standing.unwritable.is_some(), Reason::GithubUnwritable),
            (missing(|end| *end == End::TimedOut), Reason::Deadline),
            (self.ledger.overrun() && missing(|end| *end == End::Unpaid), Reason::Overrun),
            (missing(|end| *end == End::NoKey), Reason::MissingKey),
            (missing(|end| *end == End::Unpaid), Reason::Budget),
            (missing(|end| !end.is_done()), Reason::LaneFailed),
            (!self.coverage.is_whole(), Reason::FilesUnread),
            (standing.refused > 0, Reason::CommentsRefused),
        ];
        if let Some((_, reason)) = partial.into_iter().find(|(is, _)| *is) {
            return (Outcome::Partial, reason);
        }
        let reason = if self.ledger.overrun() { Reason::Overrun } else { Reason::Ok };
        (Outcome::Reviewed, reason)
    }

    /// What was found, by class.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let each = self.listed.iter().map(|listed| &listed.issue);
        let each = each.map(|issue| Tally::of(issue.verdict, issue.severity, issue.pre_existing));
        each.fold(Tally::default(), |tally, one| tally.plus(&one))
    }

    /// Whether anybody answered anything.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.reports.iter().any(|report| report.answered() > 0)
    }

    /// Every step that was taken to fit the budget, in words.
    #[must_use]
    pub fn degraded(&self) -> Vec<String> {
        self.plan.degraded(&self.reports, &self.coverage)
    }

    /// The state of `fail-on`.
    #[must_use]
    pub fn gate(&self) -> GateState {
        gate(&self.settings.fail_on, self.outcome().0, &self.tally())
    }

    /// Lanes that finished, and lanes that were asked: one without a key counts as asked.
    #[must_use]
    pub fn lanes(&self) -> (usize, usize) {
        (self.reports.iter().filter(|report| report.end.is_done()).count(), self.reports.len())
    }

    /// What this run cost.
    #[must_use]
    pub fn cost(&self) -> MicroUsd {
        self.ledger.settled()
    }

    /// What this pull request cost over all its runs, this one included.
    #[must_use]
    pub fn spent(&self) -> MicroUsd {
        let before = self.snapshot.place.as_ref().map(|place| place.earlier.spent()).unwrap_or_default();
        before.plus(self.cost())
    }

    /// Issues that people see on a line of the diff.
    #[must_use]
    pub fn inline_comments(&self) -> usize {
        self.listed.iter().filter(|listed| matches!(listed.shown, Shown::Inline { .. })).count()
    }
}

/// What the lanes said, for the matcher: one that failed says nothing and consents to nothing.
#[must_use]
pub fn said(plan: &Plan, reports: &[LaneReport]) -> Input {
    let lanes = reports.iter().map(|report| LaneResult {
        lane: report.lane.clone(),
        looked: match report.answered() {
            0 => Looked::Nowhere,
            _ => Looked::Except(plan.unread_by(report)),
        },
        unasked: plan.unasked(&report.lane),
        findings: report.passes.iter().flat_map(|pass| pass.findings.clone()).collect(),
        clearances: report.passes.iter().flat_map(|pass| pass.clearances.clone()).collect(),
    });
    let hearings = reports.iter().flat_map(|report| report.passes.iter().filter_map(PassReport::hearing));
    Input { lanes: lanes.collect(), hearings: hearings.collect() }
}

/// The dismissal that an issue falls under: it stands in that thread, whatever class it ends in now.
fn dismissed(issue: &Issue, snapshot: &Snapshot) -> Option<(Dismissal, String)> {
    let place = snapshot.place.as_ref()?;
    let anchor = narrowed(issue, anchor(issue, &snapshot.diff)?);
    let mut dropped = place.earlier.dropped();
    let (dismissal, thread) =
        dropped.find(|(_, thread)| speaks_of(thread, issue, &anchor, &snapshot.diff))?;
    Some((dismissal.clone(), thread.comment.url.clone()))
}

/// Decides what is shown where: by class and severity, at most so many inline, and never twice what stands
/// on the pull request already.
#[must_use]
pub fn list(
    issues: Vec<Issue>,
    snapshot: &Snapshot,
    coverage: &Coverage,
    inline: &InlineConfig,
) -> Vec<Listed> {
    let threads: &[Thread] = snapshot.place.as_ref().map_or(&[], |place| &place.earlier.threads);
    let dropped = |thread: &&Thread| {
        let place = snapshot.place.as_ref();
        place.is_some_and(|place| place.earlier.dropped().any(|(_, other)| other == *thread))
    };
    let mut free: Vec<&Thread> = threads.iter().filter(|thread| !dropped(thread)).collect();
    let mut number =
        threads.iter().filter_map(|thread| thread.marker.id.strip_prefix('f')?.parse().ok()).max();
    let mut count = 0;
    issues
        .into_iter()
        .map(|issue| {
            let lowest = match issue.verdict.class() {
                Class::Both => Some(inline.both),
                Class::Contested => Some(inline.contested),
                Class::One if issue.pre_existing => None,
                // What a tool says too is no longer the word of one alone.
                Class::One if issue.is_supported() => Some(inline.one.min(inline.both)),
                Class::One => Some(inline.one),
                Class::Nobody => None,
            };
            let anchor = anchor(&issue, &snapshot.diff)
                .map(|anchor| narrowed(&issue, anchor))
                // What nobody was shown nobody can have reviewed.
                .filter(|anchor| coverage.holds(&anchor.path))
                .filter(|_| lowest.is_some_and(|lowest| issue.severity >= lowest) && count < inline.max);
            let Some(anchor) = anchor else {
                return Listed { issue, id: String::new(), shown: Shown::Summary };
            };
            count += 1;
            let known = free.iter().position(|thread| speaks_of(thread, &issue, &anchor, &snapshot.diff));
            let (id, shown) = match known.map(|index| free.swap_remove(index)) {
                Some(thread) => {
                    let url = thread.comment.url.clone();
                    (thread.marker.id.clone(), Shown::Inline { anchor, url, earlier: true })
                }
                None => {
                    let next = number.map_or(1, |number: u64| number.saturating_add(1));
                    number = Some(next);
                    (format!("f{next}"), Shown::ToPost(anchor))
                }
            };
            Listed { issue, id, shown }
        })
        .collect()
}

/// Where an issue's comment stands: the first proven place of those who raised it, the best proof first.
fn anchor<'a>(issue: &'a Issue, diff: &Diff) -> Option<&'a Anchor> {
    issue
        .members
        .iter()
        .filter_map(|member| member.placement.anchor())
        .filter(|anchor| diff.file(&anchor.path).is_some_and(|file| file.exact_path && file.commentable))
        .min_by_key(|anchor| match anchor.how {
            Resolution::Exact => 0,
            Resolution::Moved => 1,
            Resolution::Whitespace => 2,
            Resolution::Collapsed => 3,
            Resolution::Approximate => 4,
        })
}

/// The lines that are left where whoever raised it narrowed them; more than it had proven nobody gets that way.
fn narrowed(issue: &Issue, anchor: &Anchor) -> Anchor {
    let lines = match &issue.defended {
        Some(Defended::Answered(defence)) if defence.answer == Answer::Narrow => defence.lines,
        _ => None,
    };
    match lines {
        Some((start, end)) if start >= anchor.start && end <= anchor.end => {
            Anchor { start, end, ..anchor.clone() }
        }
        _ => anchor.clone(),
    }
}

/// Whether a thread that stands on the pull request is about this issue: the same code, or the same claim
/// in the same file.
fn speaks_of(thread: &Thread, issue: &Issue, anchor: &Anchor, diff: &Diff) -> bool {
    let marker = &thread.marker;
    if marker.path != anchor.path || marker.side != anchor.side {
        return false;
    }
    let same_code = code_hash(diff, anchor) == marker.code;
    issue.members.iter().any(|member| {
        // Lines move from commit to commit: only the code itself says whether the place is the same.
        let lines = same_code.then_some((anchor.start, anchor.end));
        let now = Subject { lines, ..subject(member) };
        let earlier = Subject {
            path: &marker.path,
            side: Some(marker.side),
            lines,
            title: &marker.title,
            text: &marker.text,
            ..Subject::default()
        };
        let alike = Corpus::new(&[earlier, now]).compare(0, 1).zone;
        alike == Zone::Same || (same_code && alike == Zone::Grey)
    })
}

/// What a comment of this issue remembers.
#[must_use]
pub fn finding_marker(listed: &Listed, anchor: &Anchor, head: &Sha, diff: &Diff) -> FindingMarker {
    let issue = &listed.issue;
    FindingMarker {
        id: listed.id.clone(),
        head: head.clone(),
        path: anchor.path.clone(),
        side: anchor.side,
        start: anchor.start,
        end: anchor.end,
        severity: issue.severity,
        verdict: issue.verdict,
        title: voice(issue).map(|main| main.finding.title.clone()).unwrap_or_default(),
        text: voice(issue).map(|main| main.finding.body.chars().take(300).collect()).unwrap_or_default(),
        code: code_hash(diff, anchor),
    }
}

/// The lines an anchor covers.
pub fn anchored_lines<'a>(file: &'a FileDiff, anchor: &Anchor) -> impl Iterator<Item = &'a Line> + use<'a> {
    let (side, lines) = (anchor.side, anchor.start..=anchor.end);
    file.lines().filter(move |line| {
        let number = match side {
            Side::New => line.new,
            Side::Old => line.old.filter(|_| line.kind == LineKind::Deleted),
        };
        number.is_some_and(|number| lines.contains(&number))
    })
}

/// A hash of the anchored lines without their indentation: it outlives lines that move.
fn code_hash(diff: &Diff, anchor: &Anchor) -> String {
    let mut hash = Sha256::new();
    for line in diff.file(&anchor.path).into_iter().flat_map(|file| anchored_lines(file, anchor)) {
        hash.update(line.text.trim_ascii());
        hash.update(b"\n");
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
