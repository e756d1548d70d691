//! What is written to GitHub. Each of these sends one request, once.

use super::error::Error;
use super::read::timeline_comment;
use super::transport::{Answer, Verb};
use super::{GitHub, wire};
use crate::domain::pull::{Check, Conclusion, InlineComment, TimelineComment};
use crate::domain::render::CHECK_NAME;
use crate::domain::units::{PullNumber, RepoName, Sha};

/// Longest title of a check, in characters.
const TITLE_MAX: usize = 255;

/// Longest summary of a check, in characters. GitHub's limit is 65,535.
const SUMMARY_MAX: usize = 65_000;

/// GitHub's id of a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReviewId(pub u64);

/// How we answer a command without words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// 👀: at work.
    Eyes,
    /// 😕: refused.
    Confused,
    /// 👍: done.
    Done,
}

impl GitHub {
    /// Posts a review of a commit: event COMMENT, which is always allowed, in one request. `body` must not be
    /// empty. GitHub takes all comments or none.
    ///
    /// # Errors
    /// [`Error::Rejected`] with what was wrong, nothing posted; [`Error::Forbidden`] for a read-only token. After
    /// any error for which [`Error::may_have_happened`] holds, look for the review before posting again.
    pub async fn review(
        &self,
        repo: &RepoName,
        number: PullNumber,
        commit: &Sha,
        body: &str,
        comments: &[InlineComment],
    ) -> Result<ReviewId, Error> {
        let url = self.repo_url(repo, &["pulls", &number.to_string(), "reviews"])?;
        let comments = comments.iter().map(wire::NewReviewComment::from).collect();
        let review = wire::NewReview { commit_id: commit.as_str(), body, event: "COMMENT", comments };
        made(&self.write(Verb::Post, &url, Some(&review)).await?).map(ReviewId)
    }

    /// Deletes a review that was never submitted. Its comments go with it; nobody but its author saw them.
    ///
    /// # Errors
    /// [`Error::Rejected`] when it was submitted meanwhile; any other failed call.
    pub async fn delete_pending_review(
        &self,
        repo: &RepoName,
        number: PullNumber,
        review: ReviewId,
    ) -> Result<(), Error> {
        let (number, review) = (number.to_string(), review.0.to_string());
        let url = self.repo_url(repo, &["pulls", &number, "reviews", &review])?;
        self.write(Verb::Delete, &url, None::<&()>).await.map(drop)
    }

    /// Adds a comment to the timeline.
    ///
    /// # Errors
    /// A failed call; see [`Error::may_have_happened`].
    pub async fn comment(
        &self,
        repo: &RepoName,
        number: PullNumber,
        body: &str,
    ) -> Result<TimelineComment, Error> {
        let url = self.repo_url(repo, &["issues", &number.to_string(), "comments"])?;
        timeline_comment(&self.write(Verb::Post, &url, Some(&wire::BodyOnly { body })).await?)
    }

    /// Replaces the text of a comment in the timeline.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it was deleted; any other failed call.
    pub async fn edit_comment(&self, repo: &RepoName, id: u64, body: &str) -> Result<TimelineComment, Error> {
        let url = self.repo_url(repo, &["issues", "comments", &id.to_string()])?;
        timeline_comment(&self.write(Verb::Patch, &url, Some(&wire::BodyOnly { body })).await?)
    }

    /// Deletes a comment of the timeline.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is gone already; any other failed call.
    pub async fn delete_comment(&self, repo: &RepoName, id: u64) -> Result<(), Error> {
        let url = self.repo_url(repo, &["issues", "comments", &id.to_string()])?;
        self.write(Verb::Delete, &url, None::<&()>).await.map(drop)
    }

    /// Replaces the text of a comment on a line.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it was deleted; any other failed call.
    pub async fn edit_line_comment(&self, repo: &RepoName, id: u64, body: &str) -> Result<(), Error> {
        let url = self.repo_url(repo, &["pulls", "comments", &id.to_string()])?;
        self.write(Verb::Patch, &url, Some(&wire::BodyOnly { body })).await.map(drop)
    }

    /// Deletes a comment on a line.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is gone already; any other failed call.
    pub async fn delete_line_comment(&self, repo: &RepoName, id: u64) -> Result<(), Error> {
        let url = self.repo_url(repo, &["pulls", "comments", &id.to_string()])?;
        self.write(Verb::Delete, &url, None::<&()>).await.map(drop)
    }

    /// Writes the completed check, over `existing` when there is one, and gives its id. A title is cut at 255
    /// characters, a summary in its middle at 65,000, so that the marker at its end stays.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without `checks: write`, and for every token but an app's; any other failed call.
    pub async fn check(&self, repo: &RepoName, check: &Check, existing: Option<u64>) -> Result<u64, Error> {
        let body = wire::NewCheck {
            name: CHECK_NAME,
            head_sha: existing.is_none().then(|| check.head.as_str()),
            status: "completed",
            conclusion: match check.conclusion {
                Conclusion::Success => "success",
                Conclusion::Failure => "failure",
                Conclusion::Neutral => "neutral",
            },
            output: wire::NewCheckText {
                title: shorten(&check.title, TITLE_MAX),
                summary: shorten(&check.summary, SUMMARY_MAX),
            },
        };
        let (verb, url) = match existing {
            Some(id) => (Verb::Patch, self.repo_url(repo, &["check-runs", &id.to_string()])?),
            None => (Verb::Post, self.repo_url(repo, &["check-runs"])?),
        };
        made(&self.write(verb, &url, Some(&body)).await?)
    }

    /// Reacts to a comment of the timeline and gives the reaction's id. Reacting twice gives the first id again.
    ///
    /// # Errors
    /// A failed call.
    pub async fn react(&self, repo: &RepoName, comment: u64, reaction: Reaction) -> Result<u64, Error> {
        let url = self.repo_url(repo, &["issues", "comments", &comment.to_string(), "reactions"])?;
        let content = match reaction {
            Reaction::Eyes => "eyes",
            Reaction::Confused => "confused",
            Reaction::Done => "+1",
        };
        made(&self.write(Verb::Post, &url, Some(&wire::NewReaction { content })).await?)
    }

    /// Takes a reaction of ours back.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is gone already; any other failed call.
    pub async fn unreact(&self, repo: &RepoName, comment: u64, reaction: u64) -> Result<(), Error> {
        let (comment, reaction) = (comment.to_string(), reaction.to_string());
        let url = self.repo_url(repo, &["issues", "comments", &comment, "reactions", &reaction])?;
        self.write(Verb::Delete, &url, None::<&()>).await.map(drop)
    }
}

fn made(answer: &Answer) -> Result<u64, Error> {
    answer.json::<wire::Made>()?.id.ok_or_else(|| answer.other_than("JSON", "an object without an id"))
}

/// At most `max` characters. A text that ends in an HTML comment keeps it: our marker stands there.
fn shorten(text: &str, max: usize) -> String {
    if text.chars().nth(max).is_none() {
        return text.to_owned();
    }
    let tail = text.rfind("<!--").filter(|_| text.trim_end().ends_with("-->"));
    let tail =
        tail.and_then(|at| text.get(at..)).filter(|tail| tail.chars().count() + 3 <= max).unwrap_or_default();
    let gap = if tail.is_empty() { "…" } else { "…\n\n" };
    let kept = max.saturating_sub(tail.chars().count() + gap.chars().count());
    text.chars().take(kept).chain(gap.chars()).chain(tail.chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::shorten;

    #[test]
    fn a_text_that_is_cut_keeps_its_marker_and_its_limit() {
        assert_eq!(shorten("short", 5), "short");
        assert_eq!(shorten("longer", 5), "long…");
        let long = format!("{}\n<!-- counterpoint:v1 x -->\n", "é".repeat(100));
        let cut = shorten(&long, 60);
        assert!(cut.ends_with("é…\n\n<!-- counterpoint:v1 x -->\n"), "{cut}");
        assert_eq!(cut.chars().count(), 60);
    }
}
