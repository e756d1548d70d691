//! Which votes count: those with code that stands, on what was asked, by who did not raise it; and findings that a lane calls
//! its own.

use super::*;

/// What a confirmation makes of the expiry when it quotes this.
async fn confirmed_by(path: &str, quote: &str) -> String {
    let world = one_sided().await;
    world.codex().challenges(votes([challenge(EXPIRY, "confirmed", "So it is.", path, quote)]));
    let run = adversarial(&world).finish().await;
    world.assert_clean();
    verdicts(&run).join("; ")
}

#[tokio::test]
async fn a_vote_counts_only_with_a_quote_that_stands_in_the_code() {
    let mut told = String::new();
    for (name, path, quote) in [
        ("exactly", FILE, COMPARISON),
        ("with other white space", FILE, "now  <=\n\texpires_at"),
        ("a deleted line", FILE, "    now < expires_at"),
        ("a line beside the change", FILE, "pub fn refund(amount: u64, retried: bool) -> u64 {"),
        ("nowhere", FILE, "    now <= expires_at + LEEWAY"),
        ("another file", "src/other.rs", COMPARISON),
        ("fewer than six word characters", FILE, "now <="),
        ("no word at all", FILE, "}"),
        ("nothing", FILE, ""),
        ("the finding's own words", FILE, EXPIRY),
    ] {
        told.push_str(&format!("{name}: {}\n", confirmed_by(path, quote).await));
    }
    insta::assert_snapshot!(told, @"
    exactly: A token is accepted in the second it expires: confirmed, high
    with other white space: A token is accepted in the second it expires: confirmed, high
    a deleted line: A token is accepted in the second it expires: confirmed, high
    a line beside the change: A token is accepted in the second it expires: confirmed, high
    nowhere: A token is accepted in the second it expires: solo, high
    another file: A token is accepted in the second it expires: solo, high
    fewer than six word characters: A token is accepted in the second it expires: solo, high
    no word at all: A token is accepted in the second it expires: solo, high
    nothing: A token is accepted in the second it expires: solo, high
    the finding's own words: A token is accepted in the second it expires: solo, high
    ");
}

#[tokio::test]
async fn a_vote_may_quote_code_that_the_question_came_with_and_the_diff_does_not_show() {
    let guard = "pub struct Guard;\n\nimpl Drop for Guard {\n    fn drop(&mut self) {\n        release_connection();\n    }\n}\n";
    let before = "use crate::guard::Guard;\n\npub fn run() {\n    work();\n}\n";
    let after = "use crate::guard::Guard;\n\npub fn run() {\n    let _held = Guard;\n    work();\n}\n";
    let pull = Pull::from_files(
        &[("src/guard.rs", guard), ("src/run.rs", before)],
        &[("src/guard.rs", guard), ("src/run.rs", after)],
    );
    let world = world_with(pull).await;
    let leak = finding("src/run.rs", 4, "    let _held = Guard;")
        .title("The connection is never released")
        .body("`Guard` is made on line 4 and nothing releases what it holds.");
    world.claude().reviews(reply([leak]));
    world.codex().reviews(reply([]));
    world.codex().challenges(votes([challenge(
        "The connection is never released",
        "refuted",
        "`Guard` releases it in `Drop`.",
        "src/guard.rs",
        "        release_connection();",
    )]));
    world.claude().defends(answers([defence(
        "The connection is never released",
        "withdraw",
        "src/run.rs",
        "",
    )]));
    let run = adversarial(&world).finish().await;
    assert!(
        world.codex().requests()[1].task().contains("release_connection();"),
        "{}",
        world.codex().requests()[1].task()
    );
    insta::assert_snapshot!(verdicts(&run).join("\n"), @"The connection is never released: withdrawn, high");
    world.assert_clean();
}

/// What Codex says of the same line in words that share nothing with Claude's.
fn clock() -> Finding {
    finding(FILE, 2, COMPARISON)
        .title(LEASE)
        .body("Equality should end the session; a lease is over once its time has come.")
        .scenario("")
        .category("security")
}

/// Claude's and Codex's words for one line, and what each makes of the other's.
async fn told_apart(claude: impl Into<Answer>, codex: impl Into<Answer>) -> String {
    let world = shop().await;
    world.claude().reviews(reply([expiry()])).otherwise(claude);
    world.codex().reviews(reply([clock()])).otherwise(codex);
    let run = adversarial(&world).finish().await;
    for lane in [world.claude(), world.codex()] {
        assert_eq!(asked(lane)[..2], [Pass::Review, Pass::Challenge], "they matched without a question");
    }
    world.assert_clean();
    format!("{}\n{}\n", ended(&run).lines().last().unwrap_or_default(), verdicts(&run).join("; "))
}

/// Says that the other's finding is one's own, or only that it cannot be told.
fn same_as(others: &str, own: Option<&str>) -> Reply {
    let said = challenge(others, "plausible", "I read it so too.", FILE, COMPARISON);
    votes([own.into_iter().fold(said, Said::same_as)])
}

const LEASE: &str = "Sessions outlive their lease";

#[tokio::test]
async fn two_findings_on_one_line_that_a_lane_calls_the_same_are_agreed() {
    let mut told = String::new();
    for (name, claude, codex) in [
        ("both say so", Some(EXPIRY), Some(LEASE)),
        ("claude says so", Some(EXPIRY), None),
        ("codex says so", None, Some(LEASE)),
        ("nobody", None, None),
    ] {
        let told_of = told_apart(same_as(LEASE, claude), same_as(EXPIRY, codex)).await;
        told.push_str(&format!("{name}: {told_of}"));
    }
    insta::assert_snapshot!(told, @"
    both say so: 1 agreed of 1, 1 inline
    A token is accepted in the second it expires: agreed, high
    claude says so: 1 agreed of 1, 1 inline
    A token is accepted in the second it expires: agreed, high
    codex says so: 1 agreed of 1, 1 inline
    A token is accepted in the second it expires: agreed, high
    nobody: 2 solo of 2, 2 inline
    A token is accepted in the second it expires: solo, high; Sessions outlive their lease: solo, high
    ");
}

#[tokio::test]
async fn calling_it_the_same_as_something_that_does_not_exist_or_stands_elsewhere_changes_nothing() {
    let mut told = String::new();
    for own in ["O77", "T1", "claude:F1", "The refund of the other file"] {
        let pull = Pull::from_files(
            &[(FILE, BEFORE), ("src/money.rs", BEFORE)],
            &[(FILE, AFTER), ("src/money.rs", AFTER)],
        );
        let world = world_with(pull).await;
        let elsewhere =
            finding("src/money.rs", 6, DOUBLED).title("The refund of the other file").severity("low");
        world.claude().reviews(reply([expiry()]));
        world.codex().reviews(reply([elsewhere]));
        let said = challenge(EXPIRY, "plausible", "Mine says the same.", FILE, COMPARISON).same_as(own);
        world.codex().challenges(votes([said]));
        world.claude().challenges(votes([]));
        let run = adversarial(&world).finish().await;
        told.push_str(&format!("{own}: {}\n", verdicts(&run).join("; ")));
        world.assert_clean();
    }
    insta::assert_snapshot!(told, @"
    O77: A token is accepted in the second it expires: solo, high; The refund of the other file: solo, low
    T1: A token is accepted in the second it expires: solo, high; The refund of the other file: solo, low
    claude:F1: A token is accepted in the second it expires: solo, high; The refund of the other file: solo, low
    The refund of the other file: A token is accepted in the second it expires: solo, high; The refund of the other file: solo, low
    ");
}

#[tokio::test]
async fn a_confirmation_that_holds_it_worse_or_milder_is_shown_and_the_higher_counts() {
    let mut told = String::new();
    for severity in ["critical", "low"] {
        let world = one_sided().await;
        let said = challenge(EXPIRY, "confirmed", "It is.", FILE, COMPARISON).severity(severity);
        world.codex().challenges(votes([said]));
        let run = adversarial(&world).finish().await;
        told.push_str(&format!("{severity}: {}\n", verdicts(&run).join("; ")));
        told.push_str(&lines_with(&read(&world), &["· found by", "·"]).join("\n"));
        world.assert_clean();
    }
    insta::assert_snapshot!(told, @"
    critical: A token is accepted in the second it expires: confirmed, critical
    **A token is accepted in the second it expires** · critical (Claude: high) · found by one, confirmed by anotherlow: A token is accepted in the second it expires: confirmed, high
    **A token is accepted in the second it expires** · high (Codex: low) · found by one, confirmed by another
    ");
}

#[tokio::test]
async fn a_lane_has_no_vote_on_what_nobody_asked_it() {
    let world = shop().await;
    world.claude().reviews(reply([expiry()]));
    world.codex().reviews(reply([refund()]));
    let own = challenge("O1", "confirmed", "Mine is right.", FILE, DOUBLED);
    let by_title = challenge(REFUND, "confirmed", "Mine is right.", FILE, DOUBLED);
    let by_key = challenge("codex:F1", "confirmed", "Mine is right.", FILE, DOUBLED);
    let nobodys = challenge("T99", "refuted", "No such thing.", FILE, DOUBLED);
    world.codex().challenges(votes([own, by_title, by_key, nobodys]));
    world.claude().challenges(votes([]));
    let run = adversarial(&world).finish().await;
    insta::assert_snapshot!(ended(&run), @"
    exit 0: reviewed ok, gate off, lanes 2/2
    2 solo of 2, 2 inline
    ");
    insta::assert_snapshot!(verdicts(&run).join("\n"), @"
    A retried refund is paid twice: solo, critical
    A token is accepted in the second it expires: solo, high
    ");
    world.assert_clean();
}

#[tokio::test]
async fn of_two_votes_on_one_finding_that_differ_neither_counts() {
    let world = one_sided().await;
    world.codex().challenges(votes([
        challenge(EXPIRY, "confirmed", "It is.", FILE, COMPARISON),
        challenge(EXPIRY, "refuted", SAFE, FILE, IS_VALID),
    ]));
    world.codex().challenges(votes([]));
    let run = adversarial(&world).finish().await;
    insta::assert_snapshot!(ended(&run), @"
    exit 0: reviewed ok, gate off, lanes 2/2
    1 solo of 1, 1 inline
    ");
    world.assert_clean();
}
