//! The pull request that most stories are about, two findings on it, and how a run is put into words.

use std::sync::LazyLock;

use regex::Regex;

use crate::world::*;

pub const BINARY: &str = env!("CARGO_BIN_EXE_counterpoint");

pub const BEFORE: &str = "\
pub fn is_valid(expires_at: u64, now: u64) -> bool {
    now < expires_at
}

pub fn refund(amount: u64, retried: bool) -> u64 {
    amount
}
";
pub const AFTER: &str = "\
pub fn is_valid(expires_at: u64, now: u64) -> bool {
    now <= expires_at
}

pub fn refund(amount: u64, retried: bool) -> u64 {
    if retried { amount * 2 } else { amount }
}
";

/// A pull request on `acme/shop` that changes two lines of `src/session.rs`.
pub fn two_lines() -> Pull {
    Pull::from_files(&[("src/session.rs", BEFORE)], &[("src/session.rs", AFTER)])
}

/// A world in which [`two_lines`] is pull request 7.
pub async fn shop() -> World {
    world_with(two_lines()).await
}

pub async fn world_with(pull: Pull) -> World {
    let world = World::start().await;
    world.add(pull);
    world
}

/// What Claude says of line 2.
pub fn expiry() -> Finding {
    finding("src/session.rs", 2, "    now <= expires_at")
        .title("A token is accepted in the second it expires")
        .body("`<=` lets a token pass at `expires_at` itself; it was `<` before.")
        .scenario("A request in that very second is let in.")
}

/// What Codex says of line 2: the same in other words.
pub fn boundary() -> Finding {
    finding("src/session.rs", 2, "    now <= expires_at")
        .title("Expired token is accepted at the boundary")
        .body("The comparison `now <= expires_at` accepts a token in the very second it expires.")
        .scenario("")
}

/// What is wrong with line 6.
pub fn refund() -> Finding {
    finding("src/session.rs", 6, "    if retried { amount * 2 } else { amount }")
        .title("A retried refund is paid twice")
        .body("With `retried` the amount doubles.")
        .scenario("A refund that timed out is sent again and pays double.")
        .severity("critical")
}

/// Both lanes find the expiry, whatever else a story is about.
pub fn both_agree(world: &World) {
    world.claude().answers(reply([expiry()]));
    world.codex().answers(reply([boundary()]));
}

/// Both lanes find nothing.
pub fn both_silent(world: &World) {
    world.claude().answers(reply([]));
    world.codex().answers(reply([]));
}

/// The action on `opened` of pull request 7.
pub fn opened(world: &World) -> Run {
    on(world, world.pull_request_event(7))
}

pub fn on(world: &World, event: Event) -> Run {
    Run::new(BINARY, world).event(event)
}

/// The exit code and the outputs that machines decide by, on one line.
pub fn end(run: &Finished) -> String {
    let out = |name| run.output(name);
    let code = run.code.map_or_else(|| "a signal".to_owned(), |code| code.to_string());
    format!("exit {code}: {} {}, gate {}, lanes {}", out("outcome"), out("reason"), out("gate"), out("lanes"))
}

/// The counts among the outputs, on one line.
pub fn counts(run: &Finished) -> String {
    let classes = ["agreed", "contradictions", "solo", "unchecked"];
    let classes = classes.map(|name| format!("{} {name}", run.output(name))).join(", ");
    format!("{} findings: {classes}; {} inline", run.output("findings"), run.output("inline-comments"))
}

/// What stands on pull request 7, without times, prices and token counts that differ from run to run.
pub fn told(world: &World) -> String {
    tidy(&world.published(7).to_string())
}

pub fn tidy(text: &str) -> String {
    static RULES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        let rules = [
            (r"\b(\d+ min )?\d+ s( ·|\))", "<time>$2"),
            (r"\b\d+:\d\d\b( \||\))", "<m:ss>$1"),
            (r"\$0\.(\d*[1-9]\d*)\b", "<usd>"),
            (r"\| [\d.]+k?( \([\d.]+k?\))? / [\d.]+k? \|", "| <in> / <out> |"),
            (r"127\\?\.0\.0\.1:\x{200b}?\d+", "127.0.0.1:<port>"),
        ];
        rules.map(|(pattern, name)| (Regex::new(pattern).unwrap(), name)).into()
    });
    // What keeps GitHub from reading a mention or a link is invisible, and no matter here.
    let text = text.replace('\u{200b}', "");
    RULES.iter().fold(text, |text, (rule, name)| rule.replace_all(&text, *name).into_owned())
}

/// The lines of a text that hold all of these words.
pub fn lines_with<'a>(text: &'a str, words: &[&str]) -> Vec<&'a str> {
    text.lines().filter(|line| words.iter().all(|word| line.contains(word))).collect()
}

/// The one check of the head: its end and its title.
#[track_caller]
pub fn check(world: &World) -> (String, String) {
    let published = world.published(7);
    let [check] = published.checks.as_slice() else { panic!("not one check: {published}") };
    (check.conclusion.clone().unwrap_or_default(), tidy(check.title.as_deref().unwrap_or_default()))
}

/// Fails the test if any text that was made of strangers' words became a command of the runner.
#[track_caller]
pub fn assert_no_foreign_commands(run: &Finished) {
    let ours = ["::group::", "::endgroup::", "::add-mask::"];
    let foreign: Vec<String> = run
        .workflow_commands()
        .into_iter()
        .filter(|line| !ours.iter().any(|own| line.starts_with(own)))
        .collect();
    assert!(foreign.is_empty(), "{foreign:#?}");
}
