//! One lane raised it, the other is asked: what its answer makes of the finding.

use super::*;

#[tokio::test]
async fn what_both_raised_blind_is_agreed_and_nobody_is_asked_about_it() {
    let world = shop().await;
    world.claude().reviews(reply([expiry().severity("high")]));
    world.codex().reviews(reply([boundary().severity("medium")]));
    let run = adversarial(&world).finish().await;
    insta::assert_snapshot!(ended(&run), @"");
    insta::assert_snapshot!(read(&world), @"");
    world.assert_clean();
}

#[tokio::test]
async fn what_the_other_lane_checked_and_confirmed_with_code_that_stands_is_confirmed() {
    let world = one_sided().await;
    world.codex().challenges(votes([challenge(
        EXPIRY,
        "confirmed",
        "Nothing before the comparison rules out `now == expires_at`.",
        FILE,
        COMPARISON,
    )]));
    let run = adversarial(&world).finish().await;
    insta::assert_snapshot!(ended(&run), @"");
    insta::assert_snapshot!(read(&world), @"");
    insta::assert_snapshot!(passes(&run).join("\n"), @"");
    world.assert_clean();
}

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
    insta::assert_snapshot!(told, @"");
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
    insta::assert_snapshot!(verdicts(&run).join("\n"), @"");
    world.assert_clean();
}

#[tokio::test]
async fn a_lane_that_cannot_tell_leaves_it_to_one_reviewer() {
    let world = one_sided().await;
    world.codex().challenges(votes([challenge(
        EXPIRY,
        "plausible",
        "It depends on the clock.",
        FILE,
        COMPARISON,
    )]));
    let run = adversarial(&world).finish().await;
    insta::assert_snapshot!(ended(&run), @"");
    insta::assert_snapshot!(read(&world), @"");
    world.assert_clean();
}

#[tokio::test]
async fn a_lane_that_answers_and_leaves_the_finding_out_could_not_tell() {
    let world = one_sided().await;
    world.codex().challenges(votes([]));
    let run = adversarial(&world).finish().await;
    insta::assert_snapshot!(ended(&run), @"");
    world.assert_clean();
}

#[tokio::test]
async fn what_was_there_before_the_change_is_no_comment_and_trips_no_gate() {
    let world = one_sided().await;
    world.codex().challenges(votes([challenge(
        EXPIRY,
        "pre_existing",
        "The base compares the same way.",
        FILE,
        COMPARISON,
    )]));
    let run = adversarial(&world).input("fail-on", "any-high").finish().await;
    insta::assert_snapshot!(ended(&run), @"");
    insta::assert_snapshot!(read(&world), @"");
    assert_eq!(world.published(7).inline.len(), 0);
    world.assert_clean();
}

#[tokio::test]
async fn that_it_was_there_before_counts_only_with_evidence() {
    let world = one_sided().await;
    world.codex().challenges(votes([challenge(EXPIRY, "pre_existing", "It was.", FILE, "")]));
    let run = adversarial(&world).input("fail-on", "any-high").finish().await;
    insta::assert_snapshot!(ended(&run), @"");
    world.assert_clean();
}

/// What Codex says of the same line in words that share nothing with Claude's.
fn clock() -> Finding {
    finding(FILE, 2, COMPARISON)
        .title("Sessions outlive their lease")
        .body("Equality should end the session; a lease is over once its time has come.")
        .scenario("")
        .category("security")
}

#[tokio::test]
async fn two_findings_that_one_lane_calls_the_same_are_agreed() {
    let world = shop().await;
    world.claude().reviews(reply([expiry()]));
    world.codex().reviews(reply([clock()]));
    let same = |other: &str, own: &str| {
        votes([challenge(other, "confirmed", "Mine says the same.", FILE, COMPARISON).same_as(own)])
    };
    world.claude().otherwise(same("Sessions outlive their lease", EXPIRY));
    world.codex().otherwise(same(EXPIRY, "Sessions outlive their lease"));
    let run = adversarial(&world).finish().await;
    insta::assert_snapshot!(ended(&run), @"");
    insta::assert_snapshot!(verdicts(&run).join("\n"), @"");
    world.assert_clean();
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
    insta::assert_snapshot!(told, @"");
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
    insta::assert_snapshot!(told, @"");
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
    insta::assert_snapshot!(ended(&run), @"");
    insta::assert_snapshot!(verdicts(&run).join("\n"), @"");
    world.assert_clean();
}

#[tokio::test]
async fn of_two_votes_on_one_finding_the_first_counts() {
    let world = one_sided().await;
    world.codex().challenges(votes([
        challenge(EXPIRY, "confirmed", "It is.", FILE, COMPARISON),
        challenge(EXPIRY, "refuted", SAFE, FILE, IS_VALID),
    ]));
    let run = adversarial(&world).finish().await;
    insta::assert_snapshot!(ended(&run), @"");
    world.assert_clean();
}

#[tokio::test]
async fn a_challenge_brings_no_findings_where_the_lane_has_reviewed_itself() {
    let world = one_sided().await;
    let said = challenge(EXPIRY, "confirmed", "It is.", FILE, COMPARISON);
    world.codex().challenges(reply([refund()]).challenges([said]));
    let run = adversarial(&world).finish().await;
    insta::assert_snapshot!(ended(&run), @"");
    insta::assert_snapshot!(verdicts(&run).join("\n"), @"");
    world.assert_clean();
}

#[tokio::test]
async fn where_one_clears_what_the_other_calls_broken_nobody_is_asked_and_people_decide() {
    let world = shop().await;
    world.claude().reviews(reply([expiry()]));
    world.codex().reviews(reply([]).clears([clearance(FILE, COMPARISON, SAFE)]));
    let run = adversarial(&world).finish().await;
    insta::assert_snapshot!(ended(&run), @"");
    insta::assert_snapshot!(read(&world), @"");
    world.assert_clean();
}

#[tokio::test]
async fn each_lane_is_asked_only_about_what_it_did_not_raise() {
    let world = shop().await;
    let late =
        finding(FILE, 5, "pub fn refund(amount: u64, retried: bool) -> u64 {").title("Nobody logs the retry");
    world.claude().reviews(reply([expiry(), refund()]));
    world.codex().reviews(reply([boundary(), late]));
    world.codex().challenges(votes([challenge(REFUND, "confirmed", "It doubles.", FILE, DOUBLED)]));
    world.claude().challenges(votes([challenge(
        "Nobody logs the retry",
        "plausible",
        "True.",
        FILE,
        DOUBLED,
    )]));
    let run = adversarial(&world).finish().await;
    assert_eq!(world.codex().requests()[1].targets(), [REFUND]);
    assert_eq!(world.claude().requests()[1].targets(), ["Nobody logs the retry"]);
    insta::assert_snapshot!(ended(&run), @"");
    world.assert_clean();
}

#[tokio::test]
async fn whatever_the_check_of_a_finding_ends_in_leaves_it_unchecked_and_says_so() {
    let mut told = String::new();
    for (name, answer) in [
        ("refusal", Answer::refusal()),
        ("prose", Answer::text("I would rather not.")),
        ("overloaded", Answer::overloaded()),
        ("no money", Answer::out_of_quota()),
        (
            "cut",
            Answer::truncated("{\"pass\": \"challenge\", \"challenges\": [{\"target_id\": \"T1\", \"ver"),
        ),
    ] {
        let world = one_sided().await;
        world.codex().otherwise(answer);
        let run = adversarial(&world).finish().await;
        told.push_str(&format!("{name}: {}\n", ended(&run).replace('\n', "; ")));
        let said = lines_with(&read(&world), &["Codex"]).join("\n");
        told.push_str(&said);
        told.push('\n');
        world.assert_clean();
    }
    insta::assert_snapshot!(told, @"");
}
