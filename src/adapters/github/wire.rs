//! GitHub's shapes. What comes in is read leniently: every field may be absent, null or new, because GitHub
//! adds required properties and old servers lack them. What goes out is an allow-list: the review endpoint
//! refuses a whole review for one unknown key.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::page::Rows;
use crate::domain::finding::Side;
use crate::domain::pull::{Account, CheckRun, InlineComment, LineComment, PullRequest, TimelineComment};
use crate::domain::units::{PullNumber, Sha};

/// A number that GitHub counts, whatever stands there instead.
fn number(value: Option<&Value>) -> Option<u64> {
    value.and_then(Value::as_u64)
}

#[derive(Debug, Deserialize)]
pub(super) struct User {
    login: Option<String>,
    id: Option<u64>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

impl User {
    pub(super) fn account(self) -> Option<Account> {
        let login = self.login.filter(|login| !login.is_empty())?;
        let bot = self.kind.as_deref() == Some("Bot") || login.ends_with("[bot]");
        Some(Account { login, id: self.id, bot })
    }
}

fn account(user: Option<User>) -> Option<Account> {
    user.and_then(User::account)
}

#[derive(Debug, Deserialize)]
pub(super) struct Pull {
    number: Option<u64>,
    title: Option<String>,
    body: Option<String>,
    user: Option<User>,
    draft: Option<bool>,
    state: Option<String>,
    merged: Option<bool>,
    head: Option<Tip>,
    base: Option<Tip>,
    changed_files: Option<u64>,
    html_url: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Tip {
    #[serde(rename = "ref")]
    name: Option<String>,
    sha: Option<String>,
    repo: Option<Repository>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Repository {
    pub(super) full_name: Option<String>,
    pub(super) private: Option<bool>,
    pub(super) default_branch: Option<String>,
    pub(super) permissions: Option<Permissions>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Permissions {
    pub(super) push: Option<bool>,
}

impl Pull {
    /// Our value, or what is missing for it.
    pub(super) fn pull(self, asked: PullNumber) -> Result<PullRequest, &'static str> {
        let sha = |tip: &Tip| tip.sha.as_deref().and_then(|sha| sha.parse::<Sha>().ok());
        let head = self.head.ok_or("a pull request without a head")?;
        let base = self.base.ok_or("a pull request without a base")?;
        Ok(PullRequest {
            number: self.number.map_or(asked, PullNumber),
            title: self.title.unwrap_or_default(),
            body: self.body.unwrap_or_default(),
            author: account(self.user),
            draft: self.draft.unwrap_or(false),
            closed: self.state.as_deref() == Some("closed") || self.merged == Some(true),
            head: sha(&head).ok_or("a pull request without a head commit")?,
            head_repo: head.repo.and_then(|repo| repo.full_name).and_then(|name| name.parse().ok()),
            base_ref: base.name.clone().unwrap_or_default(),
            base: sha(&base).ok_or("a pull request without a base commit")?,
            changed_files: self.changed_files.unwrap_or(0),
            url: self.html_url.unwrap_or_default(),
        })
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct IssueComment {
    id: Option<u64>,
    user: Option<User>,
    body: Option<String>,
    html_url: Option<String>,
}

impl IssueComment {
    pub(super) fn comment(self) -> Option<TimelineComment> {
        Some(TimelineComment {
            id: self.id?,
            author: account(self.user),
            body: self.body.unwrap_or_default(),
            url: self.html_url.unwrap_or_default(),
        })
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct ReviewComment {
    id: Option<u64>,
    user: Option<User>,
    body: Option<String>,
    html_url: Option<String>,
    path: Option<String>,
    line: Option<Value>,
    side: Option<String>,
    pull_request_review_id: Option<u64>,
    in_reply_to_id: Option<u64>,
}

impl ReviewComment {
    pub(super) fn comment(self) -> Option<LineComment> {
        let old = self.side.is_some_and(|side| side.eq_ignore_ascii_case("LEFT"));
        Some(LineComment {
            id: self.id?,
            author: account(self.user),
            body: self.body.unwrap_or_default(),
            url: self.html_url.unwrap_or_default(),
            path: self.path.unwrap_or_default(),
            line: number(self.line.as_ref()).and_then(|line| u32::try_from(line).ok()),
            side: if old { Side::Old } else { Side::New },
            review: self.pull_request_review_id,
            in_reply_to: self.in_reply_to_id,
        })
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Review {
    pub(super) id: Option<u64>,
    pub(super) user: Option<User>,
    pub(super) body: Option<String>,
    pub(super) state: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Checks {
    check_runs: Option<Vec<CheckAnswer>>,
}

impl Rows for Checks {
    type Row = CheckAnswer;

    fn rows(self) -> Vec<CheckAnswer> {
        self.check_runs.unwrap_or_default()
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct CheckAnswer {
    conclusion: Option<String>,
    id: Option<u64>,
    pub(super) name: Option<String>,
    output: Option<CheckText>,
    app: Option<App>,
}

#[derive(Debug, Deserialize)]
struct CheckText {
    summary: Option<String>,
}

#[derive(Debug, Deserialize)]
struct App {
    slug: Option<String>,
}

impl CheckAnswer {
    pub(super) fn check(self) -> Option<CheckRun> {
        Some(CheckRun {
            id: self.id?,
            summary: self.output.and_then(|output| output.summary).unwrap_or_default(),
            app: self.app.and_then(|app| app.slug),
            conclusion: self.conclusion,
        })
    }
}

/// A row of the file list. The numbers decide whether a missing patch means something.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct File {
    pub(super) filename: Option<String>,
    pub(super) previous_filename: Option<String>,
    pub(super) status: Option<String>,
    pub(super) changes: Option<u64>,
    pub(super) patch: Option<String>,
    pub(super) sha: Option<String>,
}

/// The compare endpoint's answer, as far as it is needed.
#[derive(Debug, Deserialize)]
pub(super) struct Comparison {
    merge_base_commit: Option<Commit>,
}

#[derive(Debug, Deserialize)]
struct Commit {
    sha: Option<String>,
}

impl Comparison {
    pub(super) fn merge_base(self) -> Option<Sha> {
        self.merge_base_commit?.sha?.parse().ok()
    }
}

/// A git tree, as far as it is needed.
#[derive(Debug, Deserialize)]
pub(super) struct Tree {
    pub(super) tree: Option<Vec<TreeEntry>>,
    /// Whether GitHub left some out.
    pub(super) truncated: Option<bool>,
}

#[derive(Debug, Deserialize)]
pub(super) struct TreeEntry {
    pub(super) path: Option<String>,
    pub(super) mode: Option<String>,
    pub(super) size: Option<u64>,
}

/// The contents endpoint's answer for a file. For a directory it is a list.
#[derive(Debug, Deserialize)]
pub(super) struct ContentFile {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) encoding: Option<String>,
    pub(super) content: Option<String>,
    pub(super) sha: Option<String>,
    pub(super) size: Option<u64>,
    pub(super) submodule_git_url: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Collaborator {
    pub(super) permission: Option<String>,
    pub(super) role_name: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Viewer {
    pub(super) data: Option<ViewerData>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ViewerData {
    pub(super) viewer: Option<ViewerUser>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ViewerUser {
    pub(super) login: Option<String>,
    #[serde(rename = "databaseId")]
    pub(super) database_id: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Blobs {
    pub(super) data: Option<BlobsData>,
}

#[derive(Debug, Deserialize)]
pub(super) struct BlobsData {
    /// By alias; null where nothing stands at the path.
    pub(super) repository: Option<BTreeMap<String, Option<Blob>>>,
}

/// Empty where a folder or a submodule stands at the path.
#[derive(Debug, Deserialize)]
pub(super) struct Blob {
    /// Absent for a binary file.
    pub(super) text: Option<String>,
    #[serde(rename = "isTruncated")]
    pub(super) is_truncated: Option<bool>,
    #[serde(rename = "byteSize")]
    pub(super) byte_size: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Limits {
    pub(super) resources: Option<Resources>,
    pub(super) rate: Option<Limit>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Resources {
    pub(super) core: Option<Limit>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Limit {
    pub(super) limit: Option<u64>,
    pub(super) remaining: Option<u64>,
    pub(super) reset: Option<u64>,
}

/// An answer of which only the id matters.
#[derive(Debug, Deserialize)]
pub(super) struct Made {
    pub(super) id: Option<u64>,
}

#[derive(Debug, Serialize)]
pub(super) struct Query {
    pub(super) query: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct BodyOnly<'a> {
    pub(super) body: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct NewReview<'a> {
    pub(super) commit_id: &'a str,
    pub(super) body: &'a str,
    pub(super) event: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) comments: Vec<NewReviewComment<'a>>,
}

#[derive(Debug, Serialize)]
pub(super) struct NewReviewComment<'a> {
    path: &'a str,
    body: &'a str,
    line: u32,
    side: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_side: Option<&'static str>,
}

impl<'a> From<&'a InlineComment> for NewReviewComment<'a> {
    fn from(comment: &'a InlineComment) -> Self {
        let anchor = &comment.anchor;
        let side = match anchor.side {
            Side::New => "RIGHT",
            Side::Old => "LEFT",
        };
        // GitHub refuses a start that is not before the end.
        let start_line = Some(anchor.start).filter(|start| *start < anchor.end);
        Self {
            path: &anchor.path,
            body: &comment.body,
            line: anchor.end,
            side,
            start_line,
            start_side: start_line.map(|_| side),
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct NewCheck<'a> {
    pub(super) name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) head_sha: Option<&'a str>,
    pub(super) status: &'static str,
    pub(super) conclusion: &'static str,
    pub(super) output: NewCheckText,
}

#[derive(Debug, Serialize)]
pub(super) struct NewCheckText {
    pub(super) title: String,
    pub(super) summary: String,
}

#[derive(Debug, Serialize)]
pub(super) struct NewReaction {
    pub(super) content: &'static str,
}
