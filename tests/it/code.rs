//! The code that comes with a challenge: what a lane needs to refute a finding, and what it never gets to see.

use crate::shop::*;
use crate::world::*;

const SESSION: &str = "\
const MOST: u64 = 500;

/// Pays back.
pub fn refund(amount: u64, retried: bool) -> u64 {
    let fee = fee_of(amount);
    let left = amount - fee;
    let one = 1;
    let two = 2;
    let three = 3;
    log(left);
    left
}

fn fee_of(amount: u64) -> u64 {
    amount / 10
}
";

const SHOP: &str = "\
use crate::session::refund;

pub fn pay_back(amount: u64) -> u64 {
    let halved = amount / 2;
    let unused = 1;
    let key = \"ghp_aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3\";
    refund(halved, true)
}
";

const LEDGER: &str = "fn book() {\n    refund(77, false);\n}\n";

/// Changes one line of `refund`, whose caller, and a place that is excluded, the diff does not show.
fn with_callers() -> Pull {
    let after = SESSION.replace("    log(left);\n", "    log(left * 2);\n");
    let others = [("src/shop.rs", SHOP), ("private/ledger.rs", LEDGER)];
    let files = |session| [others.as_slice(), &[("src/session.rs", session)]].concat();
    Pull::from_files(&files(SESSION), &files(&after))
}

fn doubled() -> Finding {
    finding("src/session.rs", 10, "    log(left * 2);")
        .title("`refund` logs twice what is left")
        .body("`refund` logs `left * 2`.")
        .severity("high")
}

/// A debate in which Codex is asked to check what Claude found, and its question.
async fn debated(prepare: impl FnOnce(&World), local: bool) -> (World, Finished, String) {
    let world = world_with(with_callers()).await;
    world.base_file(".github/counterpoint.yml", "paths:\n  exclude: [\"private/**\"]\n");
    world.claude().answers(reply([doubled()]));
    world.codex().answers(reply([]));
    let caller =
        challenge("T1", "confirmed", "No caller undoes it.", "src/shop.rs", "    refund(halved, true)");
    world.codex().answers(reply([]).challenges([caller]));
    prepare(&world);
    let git = world.pull(7).git.unwrap();
    let run = opened(&world).input("strategy", "adversarial");
    let run = if local { run.env("GITHUB_WORKSPACE", git.path()) } else { run };
    let run = run.finish().await;
    let question = world.codex().requests().last().unwrap().prompt();
    (world, run, question)
}

/// What is shown with a question, without the line that names the data.
fn code(question: &str) -> &str {
    let code = question.split_once("Code of the reviewed commit:\n").map_or("", |(_, code)| code);
    code.split("----- data-").next().unwrap()
}

#[tokio::test]
async fn a_challenger_sees_the_whole_function_and_a_caller_in_another_file_and_may_quote_them() {
    for local in [false, true] {
        let (world, run, question) = debated(|_| {}, local).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(code(&question), @r#"
            === src/session.rs
            @@ the function from line 4
            3 :| /// Pays back.
            4 :| pub fn refund(amount: u64, retried: bool) -> u64 {
            5 :|     let fee = fee_of(amount);
            6 :|     let left = amount - fee;
            === src/shop.rs
            @@ uses of refund
            3 :| pub fn pay_back(amount: u64) -> u64 {
            4 :|     let halved = amount / 2;
            5 :|     let unused = 1;
            6 :|     let key = "[redacted: GitHub token]";
            7 :|     refund(halved, true)
            8 :| }
            "#);
        }
        for line in SESSION.lines().filter(|line| line.starts_with("    let")) {
            assert!(question.contains(line), "{line} of the function: {question}");
        }
        assert!(!question.contains("refund(77"), "{question}");
        assert_eq!(run.output("confirmed"), "1", "{}", told(&world));
        assert_eq!(world.count("GET /repos/*/git/trees/*"), usize::from(!local));
        world.assert_clean();
    }
}

#[tokio::test]
async fn a_repository_that_cannot_be_read_leaves_a_debate_without_further_code() {
    let unreadable = |world: &World| world.on("GET /repos/*/git/trees/*").answer(Fault::status(404));
    let (world, run, question) = debated(unreadable, false).await;
    assert_eq!(code(&question), "");
    assert!(question.contains("`refund` logs twice what is left"), "{question}");
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2", "{}", run.stderr);
    assert_eq!(run.output("confirmed"), "0", "a quote of what was not shown is void");
    assert_eq!(run.output("solo"), "1");
    world.assert_clean();
}
