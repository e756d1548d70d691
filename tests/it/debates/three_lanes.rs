//! Three lanes: two blind make agreed, one valid refutation opens a defence, a refutation outranks a confirmation.

use super::*;

/// A shop with a third lane, `local`.
async fn three() -> World {
    let world = shop().await;
    world.bring_local(&["auth: bearer", "key_env: LOCAL_MODEL_KEY", "free: true"], "", "");
    world
}

/// Claude raises the expiry, the two others nothing.
async fn one_against_two() -> World {
    let world = three().await;
    world.claude().reviews(reply([expiry()]));
    world.codex().reviews(reply([]));
    world.chat().reviews(reply([]));
    world
}

fn vote(verdict: &str) -> Reply {
    votes([challenge(EXPIRY, verdict, SAFE, FILE, IS_VALID)])
}

#[tokio::test]
async fn two_that_raised_it_blind_agree_and_the_third_is_not_asked() {
    let world = three().await;
    world.claude().reviews(reply([expiry()]));
    world.codex().reviews(reply([]));
    world.chat().reviews(reply([boundary()]));
    let run = adversarial(&world).finish().await;
    insta::assert_snapshot!(ended(&run), @"");
    insta::assert_snapshot!(read(&world), @"");
    world.assert_clean();
}

#[tokio::test]
async fn each_of_the_others_has_a_vote_and_what_they_make_of_it_is_decided_by_the_worst() {
    let mut told = String::new();
    for (codex, local) in [
        ("confirmed", "confirmed"),
        ("confirmed", "plausible"),
        ("plausible", "plausible"),
        ("pre_existing", "confirmed"),
    ] {
        let world = one_against_two().await;
        world.codex().challenges(vote(codex));
        world.chat().challenges(vote(local));
        let run = adversarial(&world).finish().await;
        told.push_str(&format!("{codex}, {local}: {}\n", verdicts(&run).join("; ")));
        world.assert_clean();
    }
    insta::assert_snapshot!(told, @"");
}

#[tokio::test]
async fn a_refutation_outranks_a_confirmation_and_opens_a_defence() {
    let world = one_against_two().await;
    world.codex().challenges(vote("confirmed"));
    world.chat().challenges(vote("refuted"));
    world.claude().defends(answers([defence(EXPIRY, "stand", FILE, COMPARISON).claim("No token has it.")]));
    let run = adversarial(&world).finish().await;
    insta::assert_snapshot!(ended(&run), @"");
    insta::assert_snapshot!(read(&world), @"");
    world.assert_clean();
}

#[tokio::test]
async fn two_refutations_are_answered_once() {
    let world = one_against_two().await;
    world.codex().challenges(vote("refuted"));
    world.chat().challenges(vote("refuted"));
    world.claude().defends(answers([defence(EXPIRY, "withdraw", FILE, "")]));
    let run = adversarial(&world).finish().await;
    insta::assert_snapshot!(ended(&run), @"");
    world.assert_clean();
}

#[tokio::test]
async fn one_of_two_that_cannot_be_asked_leaves_the_vote_of_the_other() {
    let mut told = String::new();
    for verdict in ["confirmed", "plausible", "refuted"] {
        let world = one_against_two().await;
        world.codex().challenges(vote(verdict));
        world.chat().otherwise(Answer::refusal());
        if verdict == "refuted" {
            world.claude().defends(answers([defence(EXPIRY, "stand", FILE, COMPARISON)]));
        }
        let run = adversarial(&world).finish().await;
        told.push_str(&format!("{verdict}: {}\n", ended(&run).replace('\n', "; ")));
        world.assert_clean();
    }
    insta::assert_snapshot!(told, @"");
}

#[tokio::test]
async fn in_turn_the_others_check_the_first_and_each_adds() {
    let world = three().await;
    world.claude().reviews(reply([expiry()]));
    world.codex().challenges(reply([refund()]).challenges([challenge(
        EXPIRY,
        "confirmed",
        "So it is.",
        FILE,
        COMPARISON,
    )]));
    world.chat().challenges(vote("plausible"));
    world.claude().challenges(votes([challenge(REFUND, "confirmed", "It doubles.", FILE, DOUBLED)]));
    let run = sequential(&world).finish().await;
    insta::assert_snapshot!(ended(&run), @"");
    insta::assert_snapshot!(verdicts(&run).join("\n"), @"");
    world.assert_clean();
}
