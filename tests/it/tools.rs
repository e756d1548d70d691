//! Lanes that look into the reviewed commit before they claim a bug: what they can read, and what never.

use std::path::Path;

use counterpoint::adapters::git::Workspace;
use counterpoint::adapters::github::GitHub;
use counterpoint::adapters::http;
use counterpoint::adapters::tree::Tree;
use counterpoint::domain::redact::Secrets;
use counterpoint::domain::tools::{self, Call};
use globset::{Glob, GlobSet};
use serde_json::{Value, json};

use crate::world::*;

fn github(world: &World) -> GitHub {
    let (api, graphql) = (format!("{}/api", world.url()), format!("{}/graphql", world.url()));
    let token = world.with(|state| state.token.clone());
    GitHub::new(http::client().unwrap(), &api, &graphql, Some(token.into())).unwrap()
}

/// Everything that a tree can hold and a lookup might fall for.
fn odd() -> Pull {
    Pull::from_git(
        |repo| repo.write("src/pay.rs", "pub fn refund() {}\n"),
        |repo| {
            repo.write("src/pay.rs", "pub fn refund(twice: bool) {}\n");
            repo.write("src/shop.rs", "fn close() {\n    refund(true);\n}\n");
            repo.write("two words/é.rs", "fn open() { refund(false) }\n");
            repo.write(".gitattributes", "*.rs -diff -text\n");
            repo.write("logo.png", b"\x89PNG\0refund");
            repo.write("huge.txt", "refund\n".repeat(90_000));
            repo.write("secret/notes.md", "refund\n");
            repo.symlink("passwd", "/etc/passwd");
            repo.symlink("up", "../..");
            repo.symlink("src/same.rs", "shop.rs");
            repo.submodule("vendor/lib", "1234567890123456789012345678901234567890");
        },
    )
}

fn hidden() -> GlobSet {
    GlobSet::builder().add(Glob::new("secret/**").unwrap()).build().unwrap()
}

fn from_github(world: &World, pull: &Pull) -> Tree {
    let repo = world.repository().parse().unwrap();
    Tree::new(pull.head_sha.parse().unwrap(), None, Some((github(world), repo)), hidden(), Secrets::default())
}

fn from_git(folder: &Path, pull: &Pull) -> Tree {
    let workspace = Workspace { folder: folder.to_owned(), of_runner: true };
    Tree::new(pull.head_sha.parse().unwrap(), Some(workspace), None, hidden(), Secrets::default())
}

async fn ask(tree: &Tree, name: &str, arguments: Value) -> String {
    let call = Call { id: "1".to_owned(), name: name.to_owned(), arguments: arguments.to_string() };
    match tools::parse(&call) {
        Ok(lookup) => tree.answer(&lookup, 20_000).await.text,
        Err(why) => why,
    }
}

/// What is inside the fence, and behind it; only the sentence where there is no fence.
fn inside(answer: &str) -> String {
    let lines = answer.lines().filter(|line| !line.contains("data-"));
    lines.collect::<Vec<_>>().join("\n")
}

const QUESTIONS: [(&str, &str, &str); 12] = [
    ("read_file", "path", "src/shop.rs"),
    ("read_file", "path", "two words/é.rs"),
    ("read_file", "path", "passwd"),
    ("read_file", "path", "up/etc/passwd"),
    ("read_file", "path", "src/same.rs"),
    ("read_file", "path", "vendor/lib"),
    ("read_file", "path", "vendor/lib/Cargo.toml"),
    ("read_file", "path", ".git/config"),
    ("read_file", "path", "secret/notes.md"),
    ("read_file", "path", "huge.txt"),
    ("search", "text", "refund("),
    ("list_files", "path_prefix", ""),
];

async fn answers(tree: &Tree) -> Vec<String> {
    let mut answers = Vec::new();
    for (tool, key, value) in QUESTIONS {
        answers.push(format!("{tool} {value}\n{}", inside(&ask(tree, tool, json!({ key: value })).await)));
    }
    answers
}

#[tokio::test]
async fn a_workspace_and_github_answer_alike_and_show_nothing_that_is_not_in_the_tree() {
    let world = World::start().await;
    let pull = odd();
    world.add(pull.clone());
    let local = answers(&from_git(pull.git.as_ref().unwrap().path(), &pull)).await;
    assert_eq!(local, answers(&from_github(&world, &pull)).await);
    insta::assert_snapshot!(local.join("\n\n"), @"
    read_file src/shop.rs
    === src/shop.rs
    1 :| fn close() {
    2 :|     refund(true);
    3 :| }
    Lines 1 to 3 of 3.

    read_file two words/é.rs
    === two words/é.rs
    1 :| fn open() { refund(false) }
    Lines 1 to 1 of 1.

    read_file passwd
    This is a symbolic link. Links are not followed.

    read_file up/etc/passwd
    There is no such file in the part of the tree that is known.

    read_file src/same.rs
    This is a symbolic link. Links are not followed.

    read_file vendor/lib
    This is a submodule. Its files are not part of this repository.

    read_file vendor/lib/Cargo.toml
    There is no such file in the part of the tree that is known.

    read_file .git/config
    There is no such file in the part of the tree that is known.

    read_file secret/notes.md
    There is no such file in the part of the tree that is known.

    read_file huge.txt
    This file is binary, larger than 512 kB, or cannot be read.

    search refund(
    === src/pay.rs
    1 :| pub fn refund(twice: bool) {}
    === src/shop.rs
    2 :|     refund(true);
    === two words/é.rs
    1 :| fn open() { refund(false) }
    3 lines found.

    list_files 
    .gitattributes
    huge.txt
    logo.png
    passwd (symbolic link, not followed)
    src/pay.rs
    src/same.rs (symbolic link, not followed)
    src/shop.rs
    two words/é.rs
    up (symbolic link, not followed)
    vendor/lib (submodule, not part of this repository)
    10 paths in all. Some paths of this commit are not known.
    ");
    world.assert_clean();
}

#[tokio::test]
async fn what_was_read_once_is_not_asked_for_again() {
    let world = World::start().await;
    let pull = odd();
    world.add(pull.clone());
    let tree = from_github(&world, &pull);
    for _ in 0..3 {
        ask(&tree, "read_file", json!({"path": "src/shop.rs"})).await;
        ask(&tree, "read_file", json!({"path": "logo.png"})).await;
        ask(&tree, "search", json!({"text": "refund", "path_prefix": "src/shop"})).await;
    }
    assert_eq!((world.count("GET /repos/*/git/trees/*"), world.count("POST /graphql")), (1, 2));
    world.assert_clean();
}

#[tokio::test]
async fn a_search_on_github_says_what_it_did_not_look_into() {
    let names: Vec<String> = (0..400).map(|at| format!("src/{at:03}.rs")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "refund();\n")).collect();
    let world = World::start().await;
    let pull = Pull::from_files(&[], &files);
    world.add(pull.clone());
    world.with(|state| state.tree_truncated = true);
    let tree = from_github(&world, &pull);
    let found = ask(&tree, "search", json!({"text": "refund", "path_prefix": "src/"})).await;
    insta::assert_snapshot!(found.lines().last().unwrap(), @"300 lines found. Only 300 of 400 files were looked into: ask with a path_prefix.");
    let missing = ask(&tree, "read_file", json!({"path": "src/none.rs"})).await;
    insta::assert_snapshot!(missing, @"There is no such file in the part of the tree that is known.");
    world.assert_clean();
}

#[tokio::test]
async fn a_workspace_without_the_commit_is_passed_over_and_a_tree_that_nobody_has_is_told() {
    let world = World::start().await;
    let pull = odd();
    world.add(pull.clone());
    let (commit, repo) = (pull.head_sha.parse().unwrap(), world.repository().parse().unwrap());
    let other = GitRepo::new();
    let elsewhere = Workspace { folder: other.path().to_owned(), of_runner: true };
    let tree = Tree::new(
        commit,
        Some(elsewhere.clone()),
        Some((github(&world), repo)),
        GlobSet::empty(),
        Secrets::default(),
    );
    let read = ask(&tree, "read_file", json!({"path": "src/shop.rs"})).await;
    assert!(read.contains("2 :|     refund(true);"), "{read}");
    let nowhere = Tree::new(
        pull.head_sha.parse().unwrap(),
        Some(elsewhere),
        None,
        GlobSet::empty(),
        Secrets::default(),
    );
    let read = ask(&nowhere, "read_file", json!({"path": "src/shop.rs"})).await;
    assert_eq!(read, "The files of this commit cannot be read.");
    world.assert_clean();
}

#[tokio::test]
async fn a_repository_that_would_run_something_for_a_lookup_runs_nothing() {
    let pull = odd();
    let repo = pull.git.as_ref().unwrap();
    let mark = repo.path().join("ran");
    let evil = format!("touch {}", mark.display());
    for key in ["core.fsmonitor", "core.pager", "diff.evil.textconv", "filter.evil.smudge", "core.sshCommand"]
    {
        repo.git(&["config", key, &evil]);
    }
    repo.git(&["config", "alias.ls-tree", &format!("!{evil}")]);
    repo.write(".git/info/attributes", "* diff=evil filter=evil\n");
    answers(&from_git(repo.path(), &pull)).await;
    assert!(!mark.exists());
}
