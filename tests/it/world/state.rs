//! What the fake GitHub remembers: one repository and all that people and programs did to it.

use std::collections::{BTreeMap, BTreeSet};

use super::diff::Side;
use super::pulls::Pull;

/// The database id of `github-actions[bot]`, the identity behind every Actions token.
pub const ACTIONS_BOT_ID: u64 = 41_898_282;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub login: String,
    pub id: u64,
    pub bot: bool,
}

impl User {
    /// A person. The id follows from the login, so that one name is one account.
    pub fn person(login: &str) -> Self {
        let id = login.bytes().fold(7, |sum: u64, byte| (sum * 31 + u64::from(byte)) % 9_999_991);
        Self { login: login.to_owned(), id, bot: false }
    }

    /// An app's account; GitHub writes its login with `[bot]` at the end.
    pub fn bot(login: &str) -> Self {
        let id = match login {
            "github-actions[bot]" => ACTIONS_BOT_ID,
            "dependabot[bot]" => 49_699_333,
            "renovate[bot]" => 29_139_614,
            _ => Self::person(login).id,
        };
        Self { login: login.to_owned(), id, bot: true }
    }
}

/// What a person may do in the repository, by the names of GitHub's settings page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    Admin,
    Maintain,
    Write,
    Triage,
    Read,
    None,
    /// GitHub knows nobody of that name: 404.
    Nobody,
    /// The token may not ask: 403.
    Hidden,
}

/// What the token may write. Reading is always allowed.
#[derive(Clone, Copy, Debug)]
pub struct Rights {
    pub pull_requests: bool,
    pub checks: bool,
}

#[derive(Clone, Debug)]
pub struct IssueComment {
    pub id: u64,
    pub issue: u64,
    pub user: User,
    pub body: String,
    pub created: u64,
    pub updated: u64,
}

#[derive(Clone, Debug)]
pub struct Review {
    pub id: u64,
    pub pull: u64,
    pub user: User,
    pub body: String,
    /// `PENDING`, `COMMENTED`, `APPROVED`, `CHANGES_REQUESTED` or `DISMISSED`.
    pub state: String,
    pub commit_id: String,
    pub submitted: u64,
}

#[derive(Clone, Debug)]
pub struct ReviewComment {
    pub id: u64,
    pub pull: u64,
    pub review: u64,
    pub user: User,
    pub path: String,
    /// None is a comment on the whole file.
    pub place: Option<Place>,
    pub body: String,
    pub commit_id: String,
    pub diff_hunk: String,
    pub in_reply_to: Option<u64>,
    pub created: u64,
    pub updated: u64,
}

/// Where an inline comment stands, after the anchor rule accepted it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub side: Side,
    pub line: u32,
    /// First line of a comment on several lines.
    pub start: Option<(Side, u32)>,
    /// The text of the last line, which decides whether a later push outdates the comment.
    pub text: Vec<u8>,
}

/// What a reaction is attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    IssueComment(u64),
    ReviewComment(u64),
    Issue(u64),
}

#[derive(Clone, Debug)]
pub struct Reaction {
    pub id: u64,
    pub subject: Subject,
    pub user: User,
    pub content: String,
    pub created: u64,
}

#[derive(Clone, Debug)]
pub struct CheckRun {
    pub id: u64,
    pub head_sha: String,
    pub name: String,
    pub status: String,
    pub conclusion: Option<String>,
    pub title: Option<String>,
    pub summary: Option<String>,
    pub text: Option<String>,
    pub annotations: Vec<serde_json::Value>,
    pub external_id: Option<String>,
    pub details_url: Option<String>,
    pub started: u64,
    pub completed: Option<u64>,
}

/// In which of its two shapes GitHub words a refused anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorShape {
    Strings,
    Objects,
}

/// Everything a test may look at or arrange behind the requests.
pub struct State {
    pub owner: String,
    pub repo: String,
    pub private: bool,
    pub default_branch: String,
    pub token: String,
    pub viewer: User,
    pub rights: Rights,
    pub permissions: BTreeMap<String, Permission>,
    /// File trees by branch name or commit.
    pub trees: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
    /// Diffs of `A...B` that no pull request implies.
    pub compares: BTreeMap<(String, String), Vec<u8>>,
    pub pulls: BTreeMap<u64, Pull>,
    /// Numbers of issues that are not pull requests.
    pub issues: BTreeSet<u64>,
    pub issue_comments: Vec<IssueComment>,
    pub reviews: Vec<Review>,
    pub review_comments: Vec<ReviewComment>,
    pub reactions: Vec<Reaction>,
    pub checks: Vec<CheckRun>,
    pub anchor_errors: ErrorShape,
    /// Lines of patches one page of a file list shows before GitHub leaves later rows empty.
    pub patch_page_budget: usize,
    /// Whether GitHub says that it leaves out some paths of a tree.
    pub tree_truncated: bool,
    pub violations: Vec<String>,
    next_id: u64,
    seconds: u64,
}

impl State {
    pub fn new() -> Self {
        Self {
            owner: "acme".to_owned(),
            repo: "shop".to_owned(),
            private: false,
            default_branch: "main".to_owned(),
            token: "world-github-token-77d0".to_owned(),
            viewer: User::bot("github-actions[bot]"),
            rights: Rights { pull_requests: true, checks: true },
            permissions: BTreeMap::new(),
            trees: BTreeMap::from([("main".to_owned(), BTreeMap::new())]),
            compares: BTreeMap::new(),
            pulls: BTreeMap::new(),
            issues: BTreeSet::new(),
            issue_comments: Vec::new(),
            reviews: Vec::new(),
            review_comments: Vec::new(),
            reactions: Vec::new(),
            checks: Vec::new(),
            anchor_errors: ErrorShape::Strings,
            patch_page_budget: 20_000,
            tree_truncated: false,
            violations: Vec::new(),
            // High and all alike in length, so that a transcript can recognise an id in a text.
            next_id: 9_000_000_001,
            seconds: 0,
        }
    }

    pub fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.repo)
    }

    pub fn violation(&mut self, what: impl Into<String>) {
        self.violations.push(what.into());
    }

    pub fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Every change takes one second of the world's own time, so that orders are the same in each run.
    pub fn tick(&mut self) -> u64 {
        self.seconds += 1;
        self.seconds
    }

    /// Adds a comment as if somebody had typed it.
    pub fn add_comment(&mut self, issue: u64, user: User, body: &str) -> u64 {
        let (id, created) = (self.new_id(), self.tick());
        self.issue_comments.push(IssueComment {
            id,
            issue,
            user,
            body: body.to_owned(),
            created,
            updated: created,
        });
        id
    }

    /// The tree a ref of the contents endpoint names: a branch, a commit or nothing for the default branch.
    pub fn tree(&self, reference: Option<&str>) -> Option<&BTreeMap<String, Vec<u8>>> {
        let name = reference.unwrap_or(&self.default_branch);
        let name = name.strip_prefix("refs/heads/").unwrap_or(name);
        if let Some(tree) = self.trees.get(name) {
            return Some(tree);
        }
        let pull_ref = name.strip_prefix("refs/pull/").unwrap_or(name);
        self.pulls.values().find_map(|pull| {
            if pull.base_sha == name {
                return self.trees.get(&pull.base_ref);
            }
            let names_head = name == pull.head_ref || pull_ref == format!("{}/head", pull.number);
            if names_head || name == pull.head_sha {
                return self.trees.get(&pull.head_sha);
            }
            None
        })
    }

    /// The commit a ref names, if the world knows it.
    pub fn commit(&self, reference: &str) -> Option<String> {
        self.pulls.values().find_map(|pull| {
            let known = pull.commits.iter().chain([&pull.base_sha]);
            if let Some(sha) = known.into_iter().find(|sha| *sha == reference) {
                return Some(sha.clone());
            }
            if reference == pull.head_ref {
                return Some(pull.head_sha.clone());
            }
            (reference == pull.base_ref).then(|| pull.base_sha.clone())
        })
    }

    /// The diff of `base...head`.
    pub fn compare(&self, base: &str, head: &str) -> Option<Vec<u8>> {
        let pair = (base.to_owned(), head.to_owned());
        if let Some(diff) = self.compares.get(&pair) {
            return Some(diff.clone());
        }
        self.pulls.values().find_map(|pull| {
            let head = if head == pull.head_ref { &pull.head_sha } else { head };
            if base == pull.base_sha || base == pull.base_ref {
                return pull.diffs.get(head).cloned();
            }
            pull.git.as_ref()?.compare(base, head)
        })
    }
}

/// `n` seconds after the world began, in GitHub's form.
pub fn timestamp(seconds: u64) -> String {
    let (hours, minutes) = (10 + seconds / 3600 % 14, seconds / 60 % 60);
    format!("2026-11-22T{hours:02}:{minutes:02}:{:02}Z", seconds % 60)
}

/// Forty hexadecimal digits that depend on a text and look like an object name.
pub fn object_name(text: &[u8]) -> String {
    let mut name = String::new();
    let mut state: u64 = 0xcbf2_9ce4_8422_2325;
    for round in 0..5_u8 {
        for byte in text.iter().chain([&round]) {
            state = (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        // The low bits of this hash are weak; its upper half makes the digits.
        name.push_str(&format!("{:08x}", state >> 32));
    }
    name
}
