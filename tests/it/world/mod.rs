//! A small GitHub on loopback and scripted reviewers, for tests that run the built binary.
//!
//! ```text
//! let world = World::start().await;
//! world.add(Pull::from_files(&[("a.rs", "old\n")], &[("a.rs", "new\n")]));
//! world.claude().answers(reply([finding("a.rs", 1, "new").title("Wrong")]));
//! world.codex().answers(reply([]));
//! let run = Run::new(BINARY, &world).event(world.pull_request_event(7)).finish().await;
//! assert_eq!(run.output("outcome"), "reviewed");
//! insta::assert_snapshot!(world.published(7), @"");
//! world.assert_clean();
//! ```
//!
//! All are strict. What GitHub or a vendor would refuse is refused in their words; what a client should
//! never send is a violation, and so are a call nobody scripted and a script nobody used. Request handlers
//! do not panic: they note violations, and [`World::assert_clean`] reads them out.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "shared by the integration tests and the demo, each of which uses a part of it"
)]
#![allow(
    clippy::indexing_slicing,
    reason = "reading a JSON value by key gives null; slices are read with get"
)]

mod anthropic;
mod cache;
mod chat;
mod contract;
mod debates;
mod diff;
mod events;
mod faults;
mod github;
mod graphql;
mod http;
mod log;
mod models;
mod openai;
mod published;
mod pulls;
mod rules;
mod run;
mod script;
mod serve;
mod shapes;
mod state;
#[cfg(test)]
mod tests;
mod vendors;
mod writes;

#[allow(unused_imports, reason = "the demo uses a part of these")]
pub use self::{
    debates::{Pass, Said, challenge, defence},
    diff::{FileDiff, FileStatus, Kind, Side},
    events::Event,
    faults::{Fault, Gate, On},
    http::Outgoing,
    log::Exchange,
    models::{Lane, ModelRequest},
    published::Published,
    pulls::{GitRepo, HeadRepo, Pull},
    run::{Finished, Run, Running, read_env_file},
    script::{Answer, Finding, Form, Reply, Usage, clearance, finding, reply},
    state::{ErrorShape, Permission, State, User},
};

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::faults::{Rule, When};
use self::log::Log;

/// The fake GitHub, its pull requests and the reviewers. Clones are the same world.
#[derive(Clone)]
pub struct World(Arc<Inner>);

struct Inner {
    port: u16,
    state: Mutex<State>,
    log: Arc<Log>,
    rules: Mutex<Vec<Rule>>,
    claude: Lane,
    codex: Lane,
    chat: Lane,
    github_models: Lane,
    server: Mutex<Option<tokio::task::AbortHandle>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        let server = self.server.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = server {
            server.abort();
        }
    }
}

/// What becomes of the old head when a branch moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldHead {
    /// A push: it stays part of the pull request.
    Stays,
    /// A force-push: it leaves.
    Leaves,
}

impl World {
    /// A world with one empty repository, `acme/shop`.
    pub async fn start() -> Self {
        serve::start().await
    }

    pub fn claude(&self) -> &Lane {
        &self.0.claude
    }

    pub fn codex(&self) -> &Lane {
        &self.0.codex
    }

    /// A server of one's own that speaks Chat Completions; no run knows it unless its configuration names it, as
    /// [`World::bring_local`] does.
    pub fn chat(&self) -> &Lane {
        &self.0.chat
    }

    /// GitHub's own models, to be reached with the run's token at `{url}/models/inference`.
    pub fn github_models(&self) -> &Lane {
        &self.0.github_models
    }

    /// The reviewers: name, first segment of the server's path, script.
    fn lanes(&self) -> [(&'static str, &'static str, &Lane); 4] {
        [
            ("claude", "/anthropic", self.claude()),
            ("codex", "/openai", self.codex()),
            ("the chat server", "/chat", self.chat()),
            ("GitHub Models", "/models", self.github_models()),
        ]
    }

    /// Configures on the base branch: a lane `local` at [`World::chat`] with these settings besides provider, model and
    /// address (`&["auth: bearer", "key_env: LOCAL_MODEL_KEY"]`), then other lanes, then other keys, both as they stand
    /// in the file.
    pub fn bring_local(&self, settings: &[&str], lanes: &str, rest: &str) {
        let settings: String = settings.iter().map(|setting| format!("    {setting}\n")).collect();
        let url = self.url();
        let local = format!(
            "  local:\n    provider: compatible\n    model: qwen3\n    base_url: {url}/chat/v1\n{settings}"
        );
        self.base_file(".github/counterpoint.yml", &format!("lanes:\n{local}{lanes}{rest}"));
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.0.port)
    }

    /// `acme/shop`.
    pub fn repository(&self) -> String {
        self.with(|state| state.full_name())
    }

    /// What the binary gets to see of this world: addresses, repository, token and keys.
    pub fn env(&self) -> Vec<(String, String)> {
        let url = self.url();
        let pairs = [
            ("GITHUB_ACTIONS", "true".to_owned()),
            ("CI", "true".to_owned()),
            ("GITHUB_API_URL", format!("{url}/api")),
            ("GITHUB_GRAPHQL_URL", format!("{url}/graphql")),
            ("GITHUB_SERVER_URL", "https://github.com".to_owned()),
            ("GITHUB_REPOSITORY", self.repository()),
            ("GITHUB_RUN_ID", "1001".to_owned()),
            ("GITHUB_RUN_ATTEMPT", "1".to_owned()),
            ("GITHUB_TOKEN", self.with(|state| state.token.clone())),
            ("ANTHROPIC_BASE_URL", format!("{url}/anthropic")),
            ("ANTHROPIC_API_KEY", self.claude().key.clone()),
            ("OPENAI_BASE_URL", format!("{url}/openai/v1")),
            ("OPENAI_API_KEY", self.codex().key.clone()),
            ("LOCAL_MODEL_KEY", self.chat().key.clone()),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value)).into()
    }

    /// Token and keys: texts that must not turn up anywhere.
    pub fn secrets(&self) -> [String; 4] {
        let token = self.with(|state| state.token.clone());
        [token, self.claude().key.clone(), self.codex().key.clone(), self.chat().key.clone()]
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the state or changes it, for whatever has no word of its own here.
    pub fn with<T>(&self, use_state: impl FnOnce(&mut State) -> T) -> T {
        use_state(&mut self.state())
    }

    /// Opens a pull request and returns its number.
    pub fn add(&self, pull: Pull) -> u64 {
        let number = pull.number;
        self.with(|state| {
            state.trees.entry(pull.base_ref.clone()).or_default().extend(pull.base_tree.clone());
            state.trees.entry(pull.head_sha.clone()).or_default().extend(pull.head_tree.clone());
            state.pulls.insert(number, pull);
        });
        number
    }

    /// A copy of a pull request as it stands now.
    pub fn pull(&self, number: u64) -> Pull {
        let pull = self.with(|state| state.pulls.get(&number).cloned());
        pull.unwrap_or_else(|| Pull::from_diff("").number(number))
    }

    pub fn head(&self, number: u64) -> String {
        self.pull(number).head_sha
    }

    pub fn add_issue(&self, number: u64) -> u64 {
        self.with(|state| state.issues.insert(number));
        number
    }

    /// Puts a file on the base branch.
    pub fn base_file(&self, path: &str, content: &str) {
        self.with(|state| {
            let branch = state.default_branch.clone();
            state.trees.entry(branch).or_default().insert(path.to_owned(), content.into());
        });
    }

    /// Puts a file on the head of a pull request, without showing it in the diff.
    pub fn head_file(&self, number: u64, path: &str, content: &str) {
        let head = self.head(number);
        self.with(|state| state.trees.entry(head).or_default().insert(path.to_owned(), content.into()));
    }

    pub fn permission(&self, login: &str, permission: Permission) {
        self.with(|state| state.permissions.insert(login.to_owned(), permission));
    }

    /// The token of a fork's run: every write is refused.
    pub fn read_only_token(&self) {
        self.with(|state| (state.rights.pull_requests, state.rights.checks) = (false, false));
    }

    /// A workflow that forgot `checks: write`.
    pub fn no_check_permission(&self) {
        self.with(|state| state.rights.checks = false);
    }

    /// Somebody comments on a pull request or issue; returns the comment's id.
    pub fn comment(&self, number: u64, user: User, body: &str) -> u64 {
        self.with(|state| state.add_comment(number, user, body))
    }

    /// Moves the head of a pull request to another commit with another diff.
    pub fn move_head(&self, number: u64, sha: &str, diff: &[u8], old: OldHead) {
        self.with(|state| {
            let Some(pull) = state.pulls.get_mut(&number) else {
                return;
            };
            if old == OldHead::Leaves {
                pull.commits.clear();
            }
            pull.commits.push(sha.to_owned());
            pull.diffs.insert(sha.to_owned(), diff.to_vec());
            pull.head_sha = sha.to_owned();
            let tree = pull.head_tree.clone();
            state.trees.insert(sha.to_owned(), tree);
        });
    }

    /// Commits these files on top of the head (or, when it leaves, of the base) of a pull request that has a
    /// real repository, and returns the new head. Without one the diff stays and only the head's name changes.
    pub fn push(&self, number: u64, files: &[(&str, &str)], old: OldHead) -> String {
        let pull = self.pull(number);
        let Some(git) = &pull.git else {
            let sha = state::object_name(format!("{}{files:?}", pull.head_sha).as_bytes());
            self.move_head(number, &sha, pull.diff(), old);
            return sha;
        };
        git.checkout(if old == OldHead::Stays { &pull.head_sha } else { &pull.base_sha });
        git.write_all(files);
        let sha = git.commit("another change");
        self.move_head(number, &sha, &git.diff(&pull.base_sha, &sha), old);
        self.with(|state| state.trees.insert(sha.clone(), git.tree()));
        sha
    }

    /// Begins a rule for requests such as `POST /repos/*/reviews` or `POST /anthropic/v1/messages`; `*`
    /// stands for any text. Without [`On::once`] and the like it meets every one.
    pub fn on(&self, pattern: &str) -> On<'_> {
        On { world: self, pattern: pattern.to_owned(), when: When::Always }
    }

    fn add_rule(&self, rule: Rule) {
        self.rules().push(rule);
    }

    fn rules(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.0.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every request so far, in the order of arrival.
    pub fn requests(&self) -> Vec<Exchange> {
        self.0.log.all()
    }

    pub fn requests_to(&self, pattern: &str) -> Vec<Exchange> {
        self.0.log.matching(pattern)
    }

    pub fn count(&self, pattern: &str) -> usize {
        self.requests_to(pattern).len()
    }

    /// How often the world answered with this status.
    pub fn count_status(&self, status: u16) -> usize {
        self.requests().iter().filter(|exchange| exchange.status == Some(status)).count()
    }

    /// Requests to GitHub that change something, as lines.
    pub fn writes(&self) -> Vec<String> {
        let requests = self.requests();
        let writes = requests.iter().filter(|e| e.method != "GET" && e.path.starts_with("/repo"));
        writes.map(Exchange::line).collect()
    }

    /// The most requests of this kind that were open at one moment.
    pub fn max_in_flight(&self, pattern: &str) -> usize {
        self.0.log.max_in_flight(pattern)
    }

    /// Waits for the first request of this kind.
    pub async fn arrived(&self, pattern: &str) {
        self.arrived_times(pattern, 1).await;
    }

    pub async fn arrived_times(&self, pattern: &str, count: usize) {
        let came = self.0.log.wait_for(pattern, count).await;
        assert!(came, "waited in vain for {count} × {pattern}; what came:\n{}", self.transcript());
    }

    /// The log as lines, for reading.
    pub fn transcript(&self) -> String {
        let line = |exchange: &Exchange| {
            let status = exchange.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
            format!("{:>8.3} {status:>3} {}\n", exchange.at.as_secs_f64(), exchange.line())
        };
        self.requests().iter().map(line).collect()
    }

    /// What the product left on a pull request.
    pub fn published(&self, number: u64) -> Published {
        self.with(|state| Published::of(state, number))
    }

    pub fn violations(&self) -> Vec<String> {
        self.with(|state| state.violations.clone())
    }

    /// For a test that provokes violations: takes them out, so that the world is clean again.
    pub fn take_violations(&self) -> Vec<String> {
        self.with(|state| std::mem::take(&mut state.violations))
    }

    /// Fails the test if anything happened that should not have, or did not happen that should have.
    #[track_caller]
    pub fn assert_clean(&self) {
        let mut problems = self.violations();
        for (name, _, lane) in self.lanes() {
            if lane.unused() > 0 {
                problems.push(format!("{} answers scripted for {name} were never asked for", lane.unused()));
            }
        }
        for rule in self.rules().iter().filter(|rule| rule.fired == 0) {
            problems.push(format!("the rule for {} never met a request", rule.pattern));
        }
        let list: String = problems.iter().map(|problem| format!("- {problem}\n")).collect();
        assert!(problems.is_empty(), "the world is not clean:\n{list}what came:\n{}", self.transcript());
    }
}
