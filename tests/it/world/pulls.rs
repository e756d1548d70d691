//! Pull requests as tests describe them, most of them made by the real git.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "this is the setting up of a test, which should stop at once when git is not there"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use tempfile::TempDir;

use super::state::{User, object_name};

/// One pull request with everything GitHub knows of it.
#[derive(Clone)]
pub struct Pull {
    pub number: u64,
    pub title: String,
    pub body: Option<String>,
    pub author: User,
    pub draft: bool,
    pub open: bool,
    pub base_ref: String,
    pub base_sha: String,
    pub head_ref: String,
    pub head_sha: String,
    pub head_repo: HeadRepo,
    /// The commits that are part of the pull request; reviews may name these only.
    pub commits: Vec<String>,
    /// `git diff base...commit` for each commit that was once the head.
    pub diffs: BTreeMap<String, Vec<u8>>,
    pub base_tree: BTreeMap<String, Vec<u8>>,
    pub head_tree: BTreeMap<String, Vec<u8>>,
    /// Answer the diff media type with 406 whatever its size.
    pub diff_refused: bool,
    /// Paths of files whose patch the file list leaves out, as it does with large ones.
    pub withheld: BTreeSet<String>,
    pub git: Option<Arc<GitRepo>>,
}

/// Where the branch of the pull request lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeadRepo {
    Same,
    /// In another repository, by its full name.
    Fork(String),
    /// In a fork that is gone, which GitHub shows as null.
    Deleted,
}

impl Pull {
    /// A pull request of which only the diff is known. Its commits are names without objects.
    pub fn from_diff(diff: impl AsRef<[u8]>) -> Self {
        let diff = diff.as_ref().to_vec();
        let (base_sha, head_sha) = (object_name(b"base"), object_name(&diff));
        Self {
            number: 7,
            title: "Pay refunds only once".to_owned(),
            body: Some("Fixes the double refund.".to_owned()),
            author: User::person("mona"),
            draft: false,
            open: true,
            base_ref: "main".to_owned(),
            base_sha,
            head_ref: "refunds".to_owned(),
            commits: vec![head_sha.clone()],
            diffs: BTreeMap::from([(head_sha.clone(), diff)]),
            head_sha,
            head_repo: HeadRepo::Same,
            base_tree: BTreeMap::new(),
            head_tree: BTreeMap::new(),
            diff_refused: false,
            withheld: BTreeSet::new(),
            git: None,
        }
    }

    /// A pull request from the files before and the files after, in full, through a real repository.
    pub fn from_files(base: &[(&str, &str)], head: &[(&str, &str)]) -> Self {
        Self::from_git(
            |repo| repo.write_all(base),
            |repo| {
                repo.clear();
                repo.write_all(head);
            },
        )
    }

    /// A pull request from two steps in a real repository; each step becomes one commit.
    pub fn from_git(base: impl FnOnce(&GitRepo), head: impl FnOnce(&GitRepo)) -> Self {
        let repo = GitRepo::new();
        base(&repo);
        let base_sha = repo.commit("base");
        let base_tree = repo.tree();
        head(&repo);
        let head_sha = repo.commit("head");
        let diff = repo.diff(&base_sha, &head_sha);
        Self {
            base_sha,
            commits: vec![head_sha.clone()],
            diffs: BTreeMap::from([(head_sha.clone(), diff)]),
            head_sha,
            base_tree,
            head_tree: repo.tree(),
            git: Some(Arc::new(repo)),
            ..Self::from_diff("")
        }
    }

    pub fn number(mut self, number: u64) -> Self {
        self.number = number;
        self
    }

    pub fn title(mut self, title: &str) -> Self {
        self.title = title.to_owned();
        self
    }

    pub fn body(mut self, body: &str) -> Self {
        self.body = Some(body.to_owned());
        self
    }

    pub fn without_body(mut self) -> Self {
        self.body = None;
        self
    }

    pub fn by(mut self, author: User) -> Self {
        self.author = author;
        self
    }

    pub fn draft(mut self) -> Self {
        self.draft = true;
        self
    }

    pub fn closed(mut self) -> Self {
        self.open = false;
        self
    }

    pub fn forked(mut self, full_name: &str) -> Self {
        self.head_repo = HeadRepo::Fork(full_name.to_owned());
        self
    }

    pub fn fork_deleted(mut self) -> Self {
        self.head_repo = HeadRepo::Deleted;
        self
    }

    pub fn branches(mut self, base: &str, head: &str) -> Self {
        (self.base_ref, self.head_ref) = (base.to_owned(), head.to_owned());
        self
    }

    /// GitHub will not show the diff, only the file list.
    pub fn diff_refused(mut self) -> Self {
        self.diff_refused = true;
        self
    }

    /// GitHub will not show the diff, and of these files not even the patch.
    pub fn withheld<'a>(mut self, paths: impl IntoIterator<Item = &'a str>) -> Self {
        self.withheld = paths.into_iter().map(str::to_owned).collect();
        self.diff_refused()
    }

    /// The diff of the head.
    pub fn diff(&self) -> &[u8] {
        self.diffs.get(&self.head_sha).map_or(&[], Vec::as_slice)
    }
}

/// A repository made by git itself, in a folder that goes away with it.
pub struct GitRepo {
    folder: TempDir,
}

impl GitRepo {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let repo = Self { folder };
        repo.git(&["init", "--quiet", "--initial-branch=main"]);
        repo
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let file = self.path().join(path);
        let folder = file.parent().expect("a file stands in a folder");
        fs::create_dir_all(folder).expect("the folder can be made");
        fs::write(file, content).expect("the file can be written");
    }

    pub fn write_all(&self, files: &[(&str, &str)]) {
        for (path, content) in files {
            self.write(path, content);
        }
    }

    pub fn symlink(&self, path: &str, target: &str) {
        let file = self.path().join(path);
        fs::create_dir_all(file.parent().expect("a file has a folder")).expect("a folder can be made");
        std::os::unix::fs::symlink(target, file).expect("a link can be made");
    }

    pub fn remove(&self, path: &str) {
        fs::remove_file(self.path().join(path)).expect("the file is there");
    }

    pub fn rename(&self, from: &str, to: &str) {
        let content = fs::read(self.path().join(from)).expect("the file is there");
        self.write(to, content);
        self.remove(from);
    }

    /// Removes every file, so that what is written next is the whole tree.
    pub fn clear(&self) {
        for path in self.tree().keys() {
            self.remove(path);
        }
    }

    /// Commits all changes, also none, and returns the commit's name. Dates and people are fixed, so the
    /// same steps give the same name everywhere.
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all", "--force"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--no-verify", "-m", message]);
        self.name_of("HEAD")
    }

    pub fn checkout(&self, commit: &str) {
        self.git(&["checkout", "--quiet", "--force", "--detach", commit]);
    }

    pub fn name_of(&self, reference: &str) -> String {
        String::from_utf8_lossy(&self.git(&["rev-parse", reference])).trim().to_owned()
    }

    /// What GitHub shows: from the merge base to the head, with renames.
    pub fn diff(&self, base: &str, head: &str) -> Vec<u8> {
        self.git(&["diff", "-M", "--no-ext-diff", "--no-textconv", &format!("{base}...{head}")])
    }

    /// As [`Self::diff`], but none where git does not know a commit: this one is asked by request handlers.
    pub fn compare(&self, base: &str, head: &str) -> Option<Vec<u8>> {
        if base.starts_with('-') {
            return None;
        }
        let range = format!("{base}...{head}");
        let run = self.command(&["diff", "-M", "--no-ext-diff", "--no-textconv", &range]).output().ok()?;
        run.status.success().then_some(run.stdout)
    }

    /// Every file of the working tree.
    pub fn tree(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(self.path(), "", &mut files);
        files
    }

    /// A submodule at another repository's commit, with the empty folder that a checkout has there.
    pub fn submodule(&self, path: &str, commit: &str) {
        fs::create_dir_all(self.path().join(path)).expect("a folder can be made");
        self.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{commit},{path}")]);
    }

    /// Mode and path of the symbolic links and submodules of a commit, none where git does not know it.
    pub fn links(&self, commit: &str) -> Vec<(String, String)> {
        let run = self.command(&["ls-tree", "-r", "-z", "--full-tree", commit]).output();
        let listed = run.map(|run| String::from_utf8_lossy(&run.stdout).into_owned()).unwrap_or_default();
        let entry = |entry: &str| {
            let (about, path) = entry.split_once('\t')?;
            let mode = about.split(' ').next().filter(|mode| ["120000", "160000"].contains(mode))?;
            Some((mode.to_owned(), path.to_owned()))
        };
        listed.split('\0').filter_map(entry).collect()
    }

    pub fn git(&self, arguments: &[&str]) -> Vec<u8> {
        let run = self.command(arguments).output().expect("git is installed");
        if !run.status.success() {
            panic!("git {arguments:?} failed: {}", String::from_utf8_lossy(&run.stderr));
        }
        run.stdout
    }

    /// Git without the settings of whoever runs the tests.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.current_dir(self.path()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        for (name, value) in [
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_AUTHOR_NAME", "Mona"),
            ("GIT_AUTHOR_EMAIL", "mona@example.com"),
            ("GIT_AUTHOR_DATE", "2026-11-22T10:00:00Z"),
            ("GIT_COMMITTER_NAME", "Mona"),
            ("GIT_COMMITTER_EMAIL", "mona@example.com"),
            ("GIT_COMMITTER_DATE", "2026-11-22T10:00:00Z"),
        ] {
            command.env(name, value);
        }
        for setting in
            ["core.hooksPath=/dev/null", "core.fsmonitor=false", "core.autocrlf=false", "gc.auto=0"]
        {
            command.args(["-c", setting]);
        }
        command.args(arguments);
        command
    }
}

impl Default for GitRepo {
    fn default() -> Self {
        Self::new()
    }
}

fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().expect("the entry has a type");
        if kind.is_dir() && path != ".git" {
            collect(&entry.path(), &format!("{path}/"), files);
        } else if kind.is_file() {
            files.insert(path, fs::read(entry.path()).expect("the file can be read"));
        }
    }
}
