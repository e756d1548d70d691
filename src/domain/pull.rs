//! What stands on GitHub before a run: the pull request and what we wrote there earlier.

use serde::{Deserialize, Serialize};

use crate::domain::finding::{Anchor, Side};
use crate::domain::units::{PullNumber, RepoName, Sha};

/// An account on GitHub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The login, with `[bot]` for apps. Not an authorisation.
    pub login: String,
    /// The number that never changes; logins do.
    pub id: Option<u64>,
    /// Whether the account is an app.
    pub bot: bool,
}

impl Account {
    /// Whether both are one account. The numbers decide; where one is unknown, the logins, in any case and, of
    /// two apps, without the `[bot]` that GraphQL may leave out.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        if let (Some(id), Some(other_id)) = (self.id, other.id) {
            return id == other_id;
        }
        let bare = |login: &str| login.strip_suffix("[bot]").unwrap_or(login).to_owned();
        self.bot == other.bot && bare(&self.login).eq_ignore_ascii_case(&bare(&other.login))
    }
}

/// A pull request as one answer of GitHub described it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequest {
    /// Its number.
    pub number: PullNumber,
    /// Its title: untrusted.
    pub title: String,
    /// Its description: untrusted.
    pub body: String,
    /// Who opened it; absent for deleted accounts.
    pub author: Option<Account>,
    /// Whether it is a draft.
    pub draft: bool,
    /// Whether it is closed or merged.
    pub closed: bool,
    /// The commit under review.
    pub head: Sha,
    /// The repository the head lives in; absent when that fork was deleted.
    pub head_repo: Option<RepoName>,
    /// The branch it will be merged into.
    pub base_ref: String,
    /// That branch's commit as the pull request knows it.
    pub base: Sha,
    /// How many files changed, as GitHub counts.
    pub changed_files: u64,
    /// The page people open.
    pub url: String,
}

/// A comment in the pull request's timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineComment {
    /// GitHub's id.
    pub id: u64,
    /// Who wrote it.
    pub author: Option<Account>,
    /// Its Markdown.
    pub body: String,
    /// Its page.
    pub url: String,
}

/// A comment on a line of the diff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineComment {
    /// GitHub's id.
    pub id: u64,
    /// Who wrote it.
    pub author: Option<Account>,
    /// Its Markdown.
    pub body: String,
    /// Its page.
    pub url: String,
    /// The file.
    pub path: String,
    /// The line now; absent when the comment is outdated.
    pub line: Option<u32>,
    /// Which version of the file.
    pub side: Side,
    /// The review it belongs to.
    pub review: Option<u64>,
    /// The comment it answers.
    pub in_reply_to: Option<u64>,
}

/// A check run of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckRun {
    /// GitHub's id.
    pub id: u64,
    /// What it says below its title, where our marker stands.
    pub summary: String,
    /// The slug of the app that made it (`github-actions`); that app's account is `SLUG[bot]`. A check of
    /// our name by another app is not ours.
    pub app: Option<String>,
    /// How it ended, in GitHub's word.
    pub conclusion: Option<String>,
}

/// One inline comment to post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InlineComment {
    /// Where, proven.
    pub anchor: Anchor,
    /// Its Markdown, ending in our marker.
    pub body: String,
}

/// How a check ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// A review happened and no gate tripped.
    Success,
    /// A gate tripped.
    Failure,
    /// A review was due and did not happen, or only in part.
    Neutral,
}

impl Conclusion {
    /// GitHub's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Neutral => "neutral",
        }
    }
}

/// The completed check to write on the reviewed commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The reviewed commit.
    pub head: Sha,
    /// How it ends.
    pub conclusion: Conclusion,
    /// One line.
    pub title: String,
    /// Markdown, ending in our marker.
    pub summary: String,
}

/// What a person may do in a repository, from the permission endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Write, maintain or admin.
    Write,
    /// Anything less, an unknown person, or an endpoint that would not tell.
    Less,
}
