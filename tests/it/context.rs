//! What stands around the hunks: read from GitHub and from git, and what it costs.

use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use counterpoint::adapters::github::GitHub;
use counterpoint::adapters::{git, http};
use counterpoint::domain::context::is_wanted;
use counterpoint::domain::diff::{self, Diff, FileDiff, Surrounding};
use counterpoint::domain::redact::Secrets;
use counterpoint::domain::units::Sha;
use counterpoint::stages::context::{self, Context};

use crate::shop::*;
use crate::world::*;

fn github(world: &World) -> GitHub {
    let (api, graphql) = (format!("{}/api", world.url()), format!("{}/graphql", world.url()));
    let token = world.with(|state| state.token.clone());
    GitHub::new(http::client().unwrap(), &api, &graphql, Some(token.into())).unwrap()
}

async fn read(world: &World, pull: &Pull) -> Context {
    let (diff, _) = diff::parse(pull.diff().to_vec().into());
    let files: Vec<&FileDiff> = diff.files.iter().collect();
    let head: Sha = pull.head_sha.parse().unwrap();
    let repo = world.repository().parse().unwrap();
    context::read(&github(world), &repo, &head, &files, &Secrets::default()).await
}

/// A function of thirty lines about one thing, one of them in its own words.
fn function(of: &str, word: &str) -> String {
    let step = |at| if at == 20 { format!("    {word}();\n") } else { format!("    step({of:?}, {at});\n") };
    format!("fn f() {{\n{}}}\n", (0..30).map(step).collect::<String>())
}

fn hostile() -> Pull {
    let names = ["src/a.rs", "two words.rs", "quote\"d.rs", "}{ $e0 f1: viewer", "é.rs", "x blob 5"];
    Pull::from_git(
        |repo| {
            names.iter().for_each(|name| repo.write(name, function(name, "old")));
            repo.write("moved.rs", function("moved", "old"));
            repo.write("huge.rs", function("huge", "old") + &"// filled\n".repeat(60_000));
            repo.write("gone.rs", function("gone", "old"));
        },
        |repo| {
            names.iter().for_each(|name| repo.write(name, function(name, "new")));
            repo.rename("moved.rs", "there.rs");
            repo.write("there.rs", function("moved", "new"));
            repo.write("huge.rs", function("huge", "new") + &"// filled\n".repeat(60_000));
            repo.write("added.rs", function("added", "new"));
            repo.remove("gone.rs");
        },
    )
}

const READ: [&str; 7] =
    ["quote\"d.rs", "src/a.rs", "there.rs", "two words.rs", "x blob 5", "}{ $e0 f1: viewer", "é.rs"];

fn numbers(surroundings: &[Surrounding]) -> Vec<u32> {
    surroundings.iter().flat_map(|part| &part.lines).map(|(number, _)| *number).collect()
}

#[tokio::test]
async fn github_is_asked_once_for_all_changed_files_whatever_they_are_called() {
    let world = World::start().await;
    let pull = hostile();
    world.add(pull.clone());
    let context = read(&world, &pull).await;
    assert_eq!(context.around.keys().collect::<Vec<_>>(), READ);
    let expected: Vec<u32> = [1].into_iter().chain(8..=18).chain(26..=30).collect();
    assert_eq!(numbers(&context.around["src/a.rs"]), expected);
    assert_eq!(context.problems, Vec::<String>::new());
    assert_eq!(world.requests_to("POST /graphql").len(), 1);
    world.assert_clean();
}

#[tokio::test]
async fn git_is_asked_once_for_all_changed_files_whatever_they_are_called() {
    let pull = hostile();
    let (diff, _) = diff::parse(pull.diff().to_vec().into());
    let files: Vec<&FileDiff> = diff.files.iter().collect();
    let head: Sha = pull.head_sha.parse().unwrap();
    let repository = pull.git.as_ref().unwrap().path();
    let context = context::read_local(repository, &head, &files, &Secrets::default()).await;
    assert_eq!(context.around.keys().collect::<Vec<_>>(), READ);
    assert_eq!(context.problems, Vec::<String>::new());
    let texts = git::texts(repository, &head, &["no/such file 7", "src/a.rs", "src", "new\nline"]).await;
    assert_eq!(texts.files.keys().collect::<Vec<_>>(), ["src/a.rs"]);
    let texts = git::texts(Path::new("/nowhere"), &head, &["src/a.rs"]).await;
    assert_eq!((texts.files.len(), texts.problems.len()), (0, 1));
}

#[tokio::test]
async fn without_graphql_there_is_no_context_and_one_sentence_says_so() {
    let world = World::start().await;
    let pull = hostile();
    world.add(pull.clone());
    world.on("POST /graphql").answer(Fault::status(502));
    let context = read(&world, &pull).await;
    assert!(context.around.is_empty());
    assert_eq!(context.problems.len(), 1);
    assert!(
        context.problems[0].starts_with("What stands around the hunks of 8 files"),
        "{:?}",
        context.problems
    );
}

#[tokio::test]
async fn a_head_that_moved_gives_no_context() {
    let world = World::start().await;
    let pull = hostile();
    world.add(pull.clone());
    world.head_file(7, "src/a.rs", &function("src/a.rs", "newer"));
    assert!(!read(&world, &pull).await.around.contains_key("src/a.rs"));
}

/// What surroundings add to the diffs of a repository's latest commits: this one's, or the one that
/// `CONTEXT_REPOSITORY` names. `cargo test --test it what_surroundings_cost -- --nocapture` prints the figures.
#[tokio::test]
async fn what_surroundings_cost_stays_within_half_of_the_diff() {
    let own = || env!("CARGO_MANIFEST_DIR").to_owned();
    let repository = std::env::var("CONTEXT_REPOSITORY").unwrap_or_else(|_| own());
    let repository = Path::new(&repository);
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(repository).args(arguments).output();
        output.map(|output| output.stdout).unwrap_or_default()
    };
    let commits = git(&["rev-list", "--no-merges", "--min-parents=1", "--max-count=400", "HEAD"]);
    let mut ratios = Vec::new();
    for head in String::from_utf8(commits).unwrap().lines() {
        let raw = git(&["diff", "--no-ext-diff", "--no-textconv", "-M", &format!("{head}^"), head]);
        let (diff, _): (Diff, _) = diff::parse(Bytes::from(raw));
        let files: Vec<&FileDiff> = diff.files.iter().collect();
        if !files.iter().any(|file| is_wanted(file)) {
            continue;
        }
        let commit: Sha = head.parse().unwrap();
        let context = context::read_local(repository, &commit, &files, &Secrets::default()).await;
        let mut bare = String::new();
        files.iter().for_each(|file| diff::render(file, &mut bare));
        let mut around = String::new();
        for (path, surroundings) in &context.around {
            let width = diff::number_width(diff.file(path).unwrap(), surroundings);
            surroundings.iter().for_each(|part| diff::render_surrounding(part, width, &mut around));
        }
        let (diff_bytes, context_bytes) = (bare.len(), around.len());
        let percent = context_bytes * 100 / diff_bytes;
        println!("{} diff {diff_bytes} context {context_bytes} = +{percent} %", &head[..7]);
        assert!(context_bytes <= (diff_bytes * 6 / 10).max(4_500), "{head}");
        ratios.push(percent);
    }
    ratios.sort_unstable();
    if let (Some(median), Some(most)) = (ratios.get(ratios.len() / 2), ratios.last()) {
        println!("{} commits: median +{median} %, most +{most} %", ratios.len());
    }
}

#[tokio::test]
async fn the_function_around_a_change_is_shown_and_takes_no_comment() {
    let before = format!("{}{}", function("a", "old"), function("b", "old"));
    let after = format!("{}{}", function("a", "new"), function("b", "old"));
    let world = world_with(Pull::from_files(&[("src/a.rs", &before)], &[("src/a.rs", &after)])).await;
    let on = |line, quote| finding("src/a.rs", line, quote).title("It is never called");
    world
        .claude()
        .answers(reply([on(1, "fn f() {"), on(22, "    new();").title("The wrong thing is called")]));
    world.codex().answers(reply([]));
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    assert_eq!(world.published(7).places(), ["src/a.rs:22 RIGHT"]);
    insta::assert_snapshot!(lines_with(&told(&world), &["not part of the change"]).join("\n"), @"<sub>Raised blind by Claude; Codex read the same and did not raise it · the quoted code is not part of the change</sub>");
    let prompt = world.claude().requests()[0].prompt();
    let shown = prompt.lines().skip_while(|line| !line.starts_with("=== ")).take(12).collect::<Vec<_>>();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    === src/a.rs (modified)
    @@ fn f() {
     1 :| fn f() {
     2 :|     step("a", 0);
     3 :|     step("a", 1);
     4 :|     step("a", 2);
     5 :|     step("a", 3);
     6 :|     step("a", 4);
     7 :|     step("a", 5);
     8 :|     step("a", 6);
     9 :|     step("a", 7);
    10 :|     step("a", 8);
    "#);
    world.assert_clean();
}

#[tokio::test]
async fn where_the_files_cannot_be_read_the_review_is_whole_without_them() {
    let world = world_with(two_lines()).await;
    world.on("POST /graphql").nth(2).answer(Fault::Answer(Outgoing::error(502, "Bad gateway")));
    both_agree(&world);
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    insta::assert_snapshot!(run.record().unwrap()["plan"]["unexplained"].to_string(), @r#"["What stands around the hunks of 1 file could not be read: POST /graphql: GitHub answered with an error of its own (502)."]"#);
    world.assert_clean();
}
