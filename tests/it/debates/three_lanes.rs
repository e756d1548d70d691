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
    insta::assert_snapshot!(ended(&run), @"
    exit 0: reviewed ok, gate off, lanes 3/3
    1 agreed of 1, 1 inline
    ");
    insta::assert_snapshot!(read(&world), @"
    inline src/session.rs:2 RIGHT
    **A token is accepted in the second it expires** · high · found by both

    `<=` lets a token pass at `expires_at` itself; it was `<` before.

    A request in that very second is let in.

    <details><summary>In Local's words: Expired token is accepted at the boundary</summary>

    The comparison `now <= expires_at` accepts a token in the very second it expires.

    </details>

    <sub>Raised blind by Claude and Local, independently · `/counterpoint dismiss f1 reason`</sub>

    --- comment
    ### Counterpoint: 1 to fix

    Claude, Codex and Local finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**

    #### Fix: found by both, independently
    | | where | what goes wrong |
    |---|---|---|
    | high | [`src/session.rs:2`](https://github.com/acme/shop/pull/7#discussion_r<id>) | A token is accepted in the second it expires |
    ");
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
    insta::assert_snapshot!(told, @"
    confirmed, confirmed: A token is accepted in the second it expires: confirmed, high
    confirmed, plausible: A token is accepted in the second it expires: confirmed, high
    plausible, plausible: A token is accepted in the second it expires: solo, high
    pre_existing, confirmed: A token is accepted in the second it expires: confirmed, high
    ");
}

#[tokio::test]
async fn a_refutation_outranks_a_confirmation_and_opens_a_defence() {
    let world = one_against_two().await;
    world.codex().challenges(vote("confirmed"));
    world.chat().challenges(vote("refuted"));
    world.claude().defends(answers([defence(EXPIRY, "stand", FILE, COMPARISON).claim("No token has it.")]));
    let run = adversarial(&world).finish().await;
    insta::assert_snapshot!(ended(&run), @"
    exit 0: reviewed ok, gate off, lanes 3/3
    1 disputed of 1, 1 inline
    ");
    insta::assert_snapshot!(read(&world), @"
    inline src/session.rs:2 RIGHT
    **A token is accepted in the second it expires** · high · the reviewers disagree

    `<=` lets a token pass at `expires_at` itself; it was `<` before.

    A request in that very second is let in.

    > **Against (Local):** Tokens are issued with a second to spare, so `now` reaches `expires_at` one second early: `pub fn is_valid(expires_at: u64, now: u64) -> bool {` ([line 1](https://github.com/acme/shop/blob/<head>/src/session.rs#L1))
    >
    > **For (Codex), who confirms it:** Tokens are issued with a second to spare, so `now` reaches `expires_at` one second early: `pub fn is_valid(expires_at: u64, now: u64) -> bool {` ([line 1](https://github.com/acme/shop/blob/<head>/src/session.rs#L1))
    >
    > **For (Claude), who stands by it:** No token has it: `now <= expires_at` ([line 2](https://github.com/acme/shop/blob/<head>/src/session.rs#L2))

    **To settle it:** does `pub fn is_valid(expires_at: u64, now: u64) -> bool {` (line 1) rule this out, even with `now <= expires_at` (line 2)?

    <sub>Raised blind by Claude, confirmed by Codex, contested by Local · `/counterpoint dismiss f1 reason`</sub>

    --- comment
    ### Counterpoint: 1 for you to decide

    Claude, Codex and Local finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**

    #### Decide: the reviewers differ
    **[`src/session.rs:2`](https://github.com/acme/shop/pull/7#discussion_r<id>) A token is accepted in the second it expires** · high · disputed
    - **Claude:** `<=` lets a token pass at `expires_at` itself; it was `<` before.
    - **Local objects:** Tokens are issued with a second to spare, so `now` reaches `expires_at` one second early: `pub fn is_valid(expires_at: u64, now: u64) -> bool {` ([line 1](https://github.com/acme/shop/blob/<head>/src/session.rs#L1))
    - **Codex confirms it:** Tokens are issued with a second to spare, so `now` reaches `expires_at` one second early: `pub fn is_valid(expires_at: u64, now: u64) -> bool {` ([line 1](https://github.com/acme/shop/blob/<head>/src/session.rs#L1))
    - **Claude stands by it:** No token has it: `now <= expires_at` ([line 2](https://github.com/acme/shop/blob/<head>/src/session.rs#L2))
    - **Settle it:** does `pub fn is_valid(expires_at: u64, now: u64) -> bool {` (line 1) rule this out, even with `now <= expires_at` (line 2)?
    ");
    world.assert_clean();
}

#[tokio::test]
async fn two_refutations_are_answered_once() {
    let world = one_against_two().await;
    world.codex().challenges(vote("refuted"));
    world.chat().challenges(vote("refuted"));
    world.claude().defends(answers([defence(EXPIRY, "withdraw", FILE, "")]));
    let run = adversarial(&world).finish().await;
    insta::assert_snapshot!(ended(&run), @"
    exit 0: reviewed ok, gate off, lanes 3/3
    1 withdrawn of 0, 0 inline
    ");
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
    insta::assert_snapshot!(told, @"
    confirmed: exit 0: partial lane-failed, gate off, lanes 2/3; 1 confirmed of 1, 1 inline
    plausible: exit 0: partial lane-failed, gate off, lanes 2/3; 1 solo of 1, 1 inline
    refuted: exit 0: partial lane-failed, gate off, lanes 2/3; 1 disputed of 1, 1 inline
    ");
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
    insta::assert_snapshot!(ended(&run), @"
    exit 0: reviewed ok, gate off, lanes 3/3
    2 confirmed of 2, 2 inline
    ");
    insta::assert_snapshot!(verdicts(&run).join("\n"), @"
    A retried refund is paid twice: confirmed, critical
    A token is accepted in the second it expires: confirmed, high
    ");
    world.assert_clean();
}
