//! What stands on GitHub: the pull request, its diff, its comments, reviews and checks.

use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::call::{JSON, JSON_CAP};
use super::error::Error;
use super::transport::Answer;
use super::{GitHub, wire, with_query};
use crate::domain::pull::{Account, CheckRun, LineComment, PullRequest, TimelineComment};
use crate::domain::units::{PullNumber, RepoName, Sha};
use reqwest::Url;

/// Most bytes of a diff that are read. GitHub's own limit is 20,000 lines.
const DIFF_CAP: usize = 64 * 1024 * 1024;

/// Most pages of comments. GitHub stops at 2,500 comments on one issue.
const COMMENT_PAGES: u64 = 50;

/// Most pages of reviews and check runs.
const OTHER_PAGES: u64 = 20;

/// A review that stands on a pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// GitHub's id.
    pub id: u64,
    /// How far it got.
    pub state: ReviewState,
    /// Who wrote it.
    pub author: Option<Account>,
    /// Its own text, above its comments.
    pub body: String,
}

/// How far a review got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReviewState {
    /// Not submitted: only its author sees it, and it blocks every further review by the same author.
    Pending,
    /// Submitted, in whichever way.
    Submitted,
}

impl GitHub {
    /// The pull request as it stands now.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown number or a repository the token may not see; any other failed call.
    pub async fn pull(&self, repo: &RepoName, number: PullNumber) -> Result<PullRequest, Error> {
        let url = self.repo_url(repo, &["pulls", &number.to_string()])?;
        self.read(&url, JSON, JSON_CAP, |answer| {
            let pull = answer.json::<wire::Pull>()?;
            pull.pull(number).map_err(|missing| answer.other_than("JSON", missing))
        })
        .await
    }

    /// The whole diff as git writes it, byte for byte: it is not always UTF-8.
    ///
    /// # Errors
    /// [`Error::TooLarge`] over GitHub's limits (300 files, 20,000 lines) or 64 MiB: [`GitHub::files`] may still
    /// tell. [`Error::NotJson`] when the server sends JSON or a page instead of a diff.
    pub async fn diff(&self, repo: &RepoName, number: PullNumber) -> Result<Bytes, Error> {
        let url = self.repo_url(repo, &["pulls", &number.to_string()])?;
        self.read(&url, "application/vnd.github.diff", DIFF_CAP, |answer| {
            // Servers that do not know the media type ignore it and send the pull request.
            let starts = |with: &[u8]| answer.body.trim_ascii_start().starts_with(with);
            if answer.is_json() || starts(b"{") {
                Err(answer.other_than("a diff", "JSON"))
            } else if answer.is_html() {
                Err(answer.other_than("a diff", "an HTML page"))
            } else {
                Ok(answer.body)
            }
        })
        .await
    }

    /// The commit where the branch of `head` left that of `base`: what the pull request's diff starts from.
    ///
    /// # Errors
    /// A failed call.
    pub async fn merge_base(&self, repo: &RepoName, base: &Sha, head: &Sha) -> Result<Sha, Error> {
        let url = self.repo_url(repo, &["compare", &format!("{base}...{head}")])?;
        // Files stand on the first page only: the second holds one commit that nobody needs.
        let url = with_query(url, &[("per_page", "1"), ("page", "2")]);
        self.read(&url, JSON, JSON_CAP, |answer| {
            let found = answer.json::<wire::Comparison>()?.merge_base();
            found.ok_or_else(|| answer.other_than("JSON", "a comparison without a common commit"))
        })
        .await
    }

    /// The comments of the timeline, oldest first.
    ///
    /// # Errors
    /// A failed call.
    pub async fn timeline_comments(
        &self,
        repo: &RepoName,
        number: PullNumber,
    ) -> Result<Vec<TimelineComment>, Error> {
        let url = self.repo_url(repo, &["issues", &number.to_string(), "comments"])?;
        let rows = self.list::<Vec<wire::IssueComment>>(url, COMMENT_PAGES).await?;
        Ok(rows.into_iter().filter_map(wire::IssueComment::comment).collect())
    }

    /// One comment of the timeline as it stands now: what a dismissal names is read again.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it was deleted; any other failed call.
    pub async fn timeline_comment(&self, repo: &RepoName, id: u64) -> Result<TimelineComment, Error> {
        let url = self.repo_url(repo, &["issues", "comments", &id.to_string()])?;
        self.read(&url, JSON, JSON_CAP, |answer| timeline_comment(&answer)).await
    }

    /// The comments on lines, oldest first, replies among them.
    ///
    /// # Errors
    /// A failed call.
    pub async fn line_comments(
        &self,
        repo: &RepoName,
        number: PullNumber,
    ) -> Result<Vec<LineComment>, Error> {
        let url = self.repo_url(repo, &["pulls", &number.to_string(), "comments"])?;
        let rows = self.list::<Vec<wire::ReviewComment>>(url, COMMENT_PAGES).await?;
        Ok(rows.into_iter().filter_map(wire::ReviewComment::comment).collect())
    }

    /// The reviews, our pending one among them.
    ///
    /// # Errors
    /// A failed call.
    pub async fn reviews(&self, repo: &RepoName, number: PullNumber) -> Result<Vec<Review>, Error> {
        let url = self.repo_url(repo, &["pulls", &number.to_string(), "reviews"])?;
        let rows = self.list::<Vec<wire::Review>>(url, OTHER_PAGES).await?;
        let review = |row: wire::Review| {
            let pending = row.state.is_some_and(|state| state.eq_ignore_ascii_case("PENDING"));
            Some(Review {
                id: row.id?,
                state: if pending { ReviewState::Pending } else { ReviewState::Submitted },
                author: row.user.and_then(wire::User::account),
                body: row.body.unwrap_or_default(),
            })
        };
        Ok(rows.into_iter().filter_map(review).collect())
    }

    /// The newest check runs of a name on a commit, one for each app.
    ///
    /// # Errors
    /// A failed call; [`Error::Forbidden`] where the token may not read checks.
    pub async fn check_runs(&self, repo: &RepoName, sha: &Sha, name: &str) -> Result<Vec<CheckRun>, Error> {
        let url = self.repo_url(repo, &["commits", sha.as_str(), "check-runs"])?;
        let rows = self.list::<wire::Checks>(with_query(url, &[("check_name", name)]), OTHER_PAGES).await?;
        let named = rows.into_iter().filter(|row| row.name.as_deref().is_none_or(|its| its == name));
        Ok(named.filter_map(wire::CheckAnswer::check).collect())
    }

    /// One JSON object.
    pub(super) async fn object<T: DeserializeOwned>(&self, url: &Url) -> Result<T, Error> {
        self.read(url, JSON, JSON_CAP, |answer| answer.json()).await
    }
}

/// The comment in an answer that holds one.
pub(super) fn timeline_comment(answer: &Answer) -> Result<TimelineComment, Error> {
    let comment = answer.json::<wire::IssueComment>()?.comment();
    comment.ok_or_else(|| answer.other_than("JSON", "a comment without an id"))
}
