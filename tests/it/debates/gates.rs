//! What a debate does to the gates: three truths, and only what stands counts.

use super::*;

/// How the expiry comes out, and what the gates make of it.
async fn gated(gates: &str, severity: &str, codex: impl Into<Answer>, claude: Option<Reply>) -> String {
    let world = shop().await;
    world.claude().reviews(reply([expiry().severity(severity)]));
    world.codex().reviews(reply([])).otherwise(codex);
    if let Some(defence) = claude {
        world.claude().defends(defence);
    }
    let run = adversarial(&world).input("fail-on", gates).finish().await;
    world.assert_clean();
    format!(
        "exit {}, {}, {}: {}",
        run.code.unwrap(),
        run.output("gate"),
        check(&world).0,
        verdicts(&run).join("; ")
    )
}

fn confirmed() -> Reply {
    votes([challenge(EXPIRY, "confirmed", "It is.", FILE, COMPARISON)])
}

fn answered(answer: &str) -> Option<Reply> {
    Some(answers([defence(EXPIRY, answer, FILE, COMPARISON).severity("medium").claim("Still.")]))
}

#[tokio::test]
async fn what_was_confirmed_counts_as_what_both_found() {
    insta::assert_snapshot!(gated("agreed-high", "high", confirmed(), None).await, @"exit 1, tripped, failure: A token is accepted in the second it expires: confirmed, high");
    insta::assert_snapshot!(gated("agreed-high", "medium", confirmed(), None).await, @"exit 0, passed, success: A token is accepted in the second it expires: confirmed, medium");
    insta::assert_snapshot!(gated("agreed-high", "high", votes([]), None).await, @"exit 0, passed, success: A token is accepted in the second it expires: solo, high");
}

#[tokio::test]
async fn what_is_disputed_trips_its_own_gate_and_is_still_a_finding() {
    insta::assert_snapshot!(gated("disputed", "high", refuted(), answered("stand")).await, @"exit 1, tripped, failure: A token is accepted in the second it expires: disputed, high");
    insta::assert_snapshot!(gated("any-high", "high", refuted(), answered("stand")).await, @"exit 1, tripped, failure: A token is accepted in the second it expires: disputed, high");
    insta::assert_snapshot!(gated("agreed-high,contradiction", "high", refuted(), answered("stand")).await, @"exit 0, passed, success: A token is accepted in the second it expires: disputed, high");
}

#[tokio::test]
async fn what_was_narrowed_is_gated_at_what_is_left_and_what_was_withdrawn_not_at_all() {
    insta::assert_snapshot!(gated("any-high", "high", refuted(), answered("narrow")).await, @"exit 0, passed, success: A token is accepted in the second it expires: disputed, medium");
    insta::assert_snapshot!(gated("disputed", "high", refuted(), answered("narrow")).await, @"exit 1, tripped, failure: A token is accepted in the second it expires: disputed, medium");
    insta::assert_snapshot!(gated("any-high,disputed", "high", refuted(), answered("withdraw")).await, @"exit 0, passed, success: A token is accepted in the second it expires: withdrawn, high");
}

#[tokio::test]
async fn a_gate_that_a_missing_check_could_have_tripped_is_undecided() {
    insta::assert_snapshot!(gated("agreed-high", "high", Answer::refusal(), None).await, @"exit 0, undecided, neutral: A token is accepted in the second it expires: unchecked, high");
    insta::assert_snapshot!(gated("disputed", "high", Answer::refusal(), None).await, @"exit 0, undecided, neutral: A token is accepted in the second it expires: unchecked, high");
    insta::assert_snapshot!(gated("any-high", "high", Answer::refusal(), None).await, @"exit 1, tripped, failure: A token is accepted in the second it expires: unchecked, high");
    insta::assert_snapshot!(gated("agreed-high,incomplete", "high", Answer::refusal(), None).await, @"exit 1, tripped, failure: A token is accepted in the second it expires: unchecked, high");
}
