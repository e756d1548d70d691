//! One immutable picture of a pull request: what is reviewed, and what we said about it earlier.

use crate::domain::diff::Diff;
use crate::domain::dismissal::{self, Dismissal};
use crate::domain::evidence::Reports;
use crate::domain::guidelines::Guideline;
use crate::domain::marker::{self, FindingMarker, SummaryMarker};
use crate::domain::outcome::Outcome;
use crate::domain::pull::{Account, LineComment, PullRequest, TimelineComment};
use crate::domain::triage::Attributes;
use crate::domain::units::{MicroUsd, PullNumber, RepoName, Sha};

/// What is under review, wherever it came from.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Where it lives; absent for a local diff.
    pub place: Option<Place>,
    /// The commit under review; absent for a diff from a file.
    pub head: Option<Sha>,
    /// The commit it is compared with.
    pub base: Option<Sha>,
    /// The title: untrusted.
    pub title: String,
    /// The description: untrusted.
    pub description: String,
    /// The diff, secrets replaced.
    pub diff: Diff,
    /// How many lines had a secret replaced.
    pub redacted: usize,
    /// Files beyond what GitHub lists.
    pub unlisted: u64,
    /// Where the configuration came from, for people.
    pub config_from: String,
    /// What the base branch says is generated or vendored.
    pub attributes: Attributes,
    /// The rules that the base branch holds for whoever works on it.
    pub guidelines: Vec<Guideline>,
    /// What other tools report about the files of the diff.
    pub evidence: Reports,
    /// What people should know besides findings.
    pub notes: Vec<String>,
}

/// A pull request on GitHub.
#[derive(Clone, Debug)]
pub struct Place {
    /// The repository.
    pub repo: RepoName,
    /// The pull request as it was when the head was resolved.
    pub pull: PullRequest,
    /// The identity that posts.
    pub me: Account,
    /// What we wrote earlier.
    pub earlier: Earlier,
}

impl Place {
    /// The pull request's number.
    #[must_use]
    pub const fn number(&self) -> PullNumber {
        self.pull.number
    }
}

/// What we wrote on a pull request earlier, recognised by author and marker together.
#[derive(Clone, Debug, Default)]
pub struct Earlier {
    /// The summary comment.
    pub summary: Option<TimelineComment>,
    /// The threads of our findings.
    pub threads: Vec<Thread>,
    /// Our check on the head.
    pub check: Option<u64>,
    /// How that check ended, in GitHub's word.
    pub check_conclusion: Option<String>,
    /// What the summary remembers.
    pub summary_marker: Option<SummaryMarker>,
    /// What the check remembers.
    pub check_marker: Option<SummaryMarker>,
    /// What people told us to drop.
    pub dismissals: Vec<Dismissal>,
}

/// A finding that stands on the pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// The comment.
    pub comment: LineComment,
    /// What it remembers.
    pub marker: FindingMarker,
}

impl Earlier {
    /// Sorts what was read: ours by author and marker, of several summaries the first. Of no dismissal is known yet
    /// whether it counts.
    #[must_use]
    pub fn sort(me: &Account, timeline: &[TimelineComment], lines: Vec<LineComment>) -> Self {
        let mine = |author: &Option<Account>| author.as_ref().is_some_and(|author| author.is(me));
        let summary = timeline
            .iter()
            .filter(|comment| mine(&comment.author) && is_summary(&comment.body))
            .min_by_key(|comment| comment.id)
            .cloned();
        let threads = lines
            .into_iter()
            .filter(|comment| mine(&comment.author) && comment.in_reply_to.is_none())
            .filter_map(|comment| {
                let marker = marker::read(&comment.body)?;
                Some(Thread { comment, marker })
            })
            .collect();
        let summary_marker = summary.as_ref().and_then(|comment| marker::read(&comment.body));
        let dismissals = dismissal::orders(&summary_marker, timeline);
        Self { summary, threads, summary_marker, dismissals, ..Self::default() }
    }

    /// What was spent on this pull request before.
    #[must_use]
    pub fn spent(&self) -> MicroUsd {
        let spent = |marker: &Option<SummaryMarker>| marker.as_ref().map(|marker| marker.spent);
        spent(&self.summary_marker).max(spent(&self.check_marker)).unwrap_or_default()
    }

    /// The memory of a review of this head. The check is believed, because only jobs with the right to write checks can
    /// make one; the summary, which any workflow that echoes text could imitate, only where there was no check to be had.
    #[must_use]
    pub fn review_of(&self, head: &Sha) -> Option<&SummaryMarker> {
        let summary = self.summary_marker.as_ref().filter(|marker| marker.no_check && self.check.is_none());
        self.check_marker.as_ref().or(summary).filter(|marker| marker.head == *head)
    }

    /// The memory of a whole review of this head under this configuration.
    #[must_use]
    pub fn whole_review_of(&self, head: &Sha, config: &str) -> Option<&SummaryMarker> {
        self.review_of(head).filter(|marker| marker.config == config && marker.outcome == Outcome::Reviewed)
    }

    /// What counts as dismissed, with the thread of the finding.
    pub fn dropped(&self) -> impl Iterator<Item = (&Dismissal, &Thread)> {
        let counting = self.dismissals.iter().filter(|dismissal| dismissal.counts);
        counting.filter_map(|dismissal| Some((dismissal, self.thread(&dismissal.id)?)))
    }

    /// The thread of the finding with this id.
    #[must_use]
    pub fn thread(&self, id: &str) -> Option<&Thread> {
        self.threads.iter().find(|thread| thread.marker.id == id)
    }
}

/// Whether a comment is a summary of ours by its form: the same account may post for other workflows too.
fn is_summary(body: &str) -> bool {
    marker::is_ours(body) && (body.starts_with("### Counterpoint") || body.starts_with("> **Not reviewed"))
}
