//! The other lane refuted it with code that stands: what the answer of the lane that raised it makes of it.

use super::*;

#[tokio::test]
async fn a_finding_that_whoever_raised_it_stands_by_is_disputed_and_both_sides_are_told() {
    let world = contested().await;
    world.claude().defends(answers([stands()]));
    let run = adversarial(&world).finish().await;
    insta::assert_snapshot!(ended(&run), @"
    exit 0: reviewed ok, gate off, lanes 2/2
    1 disputed of 1, 1 inline
    ");
    insta::assert_snapshot!(read(&world), @"
    inline src/session.rs:2 RIGHT
    **A token is accepted in the second it expires** · high · the reviewers disagree

    `<=` lets a token pass at `expires_at` itself; it was `<` before.

    A request in that very second is let in.

    > **Against (Codex):** Tokens are issued with a second to spare, so `now` reaches `expires_at` one second early: `pub fn is_valid(expires_at: u64, now: u64) -> bool {` ([line 1](https://github.com/acme/shop/blob/<head>/src/session.rs#L1))
    >
    > **For (Claude), who stands by it:** Nothing in this file issues tokens with a second to spare: `now <= expires_at` ([line 2](https://github.com/acme/shop/blob/<head>/src/session.rs#L2))

    **To settle it:** does `pub fn is_valid(expires_at: u64, now: u64) -> bool {` (line 1) rule this out, even with `now <= expires_at` (line 2)?

    <sub>Raised blind by Claude, contested by Codex · `/counterpoint dismiss f1 reason`</sub>

    --- comment
    ### Counterpoint: 1 for you to decide

    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**

    #### Decide: the reviewers differ
    **[`src/session.rs:2`](https://github.com/acme/shop/pull/7#discussion_r<id>) A token is accepted in the second it expires** · high · disputed
    - **Claude:** `<=` lets a token pass at `expires_at` itself; it was `<` before.
    - **Codex objects:** Tokens are issued with a second to spare, so `now` reaches `expires_at` one second early: `pub fn is_valid(expires_at: u64, now: u64) -> bool {` ([line 1](https://github.com/acme/shop/blob/<head>/src/session.rs#L1))
    - **Claude stands by it:** Nothing in this file issues tokens with a second to spare: `now <= expires_at` ([line 2](https://github.com/acme/shop/blob/<head>/src/session.rs#L2))
    - **Settle it:** does `pub fn is_valid(expires_at: u64, now: u64) -> bool {` (line 1) rule this out, even with `now <= expires_at` (line 2)?
    ");
    insta::assert_snapshot!(passes(&run).join("\n"), @"
    claude review done
    claude defend done
    codex review done
    codex challenge done
    ");
    world.assert_clean();
}

#[tokio::test]
async fn a_finding_that_is_narrowed_keeps_what_is_left_of_it() {
    let world = contested().await;
    let narrowed = defence(EXPIRY, "narrow", FILE, COMPARISON)
        .severity("medium")
        .lines(1, 2)
        .claim("Only a token without a second to spare lives too long.");
    world.claude().defends(answers([narrowed]));
    let run = adversarial(&world).finish().await;
    insta::assert_snapshot!(ended(&run), @"
    exit 0: reviewed ok, gate off, lanes 2/2
    1 disputed of 1, 1 inline
    ");
    insta::assert_snapshot!(verdicts(&run).join("\n"), @"A token is accepted in the second it expires: disputed, medium");
    insta::assert_snapshot!(read(&world), @"
    inline src/session.rs:2 RIGHT
    **A token is accepted in the second it expires** · high, now medium · the reviewers disagree

    `<=` lets a token pass at `expires_at` itself; it was `<` before.

    A request in that very second is let in.

    > **Against (Codex):** Tokens are issued with a second to spare, so `now` reaches `expires_at` one second early: `pub fn is_valid(expires_at: u64, now: u64) -> bool {` ([line 1](https://github.com/acme/shop/blob/<head>/src/session.rs#L1))
    >
    > **For (Claude), who narrows it:** Only a token without a second to spare lives too long: `now <= expires_at` ([line 2](https://github.com/acme/shop/blob/<head>/src/session.rs#L2))

    **To settle it:** does `pub fn is_valid(expires_at: u64, now: u64) -> bool {` (line 1) rule this out, even with `now <= expires_at` (line 2)?

    <sub>Raised blind by Claude, contested by Codex · `/counterpoint dismiss f1 reason`</sub>

    --- comment
    ### Counterpoint: 1 for you to decide

    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**

    #### Decide: the reviewers differ
    **[`src/session.rs:2`](https://github.com/acme/shop/pull/7#discussion_r<id>) A token is accepted in the second it expires** · high, now medium · disputed
    - **Claude:** `<=` lets a token pass at `expires_at` itself; it was `<` before.
    - **Codex objects:** Tokens are issued with a second to spare, so `now` reaches `expires_at` one second early: `pub fn is_valid(expires_at: u64, now: u64) -> bool {` ([line 1](https://github.com/acme/shop/blob/<head>/src/session.rs#L1))
    - **Claude narrows it:** Only a token without a second to spare lives too long: `now <= expires_at` ([line 2](https://github.com/acme/shop/blob/<head>/src/session.rs#L2))
    - **Settle it:** does `pub fn is_valid(expires_at: u64, now: u64) -> bool {` (line 1) rule this out, even with `now <= expires_at` (line 2)?
    ");
    world.assert_clean();
}

#[tokio::test]
async fn what_is_narrowed_cannot_grow() {
    let mut told = String::new();
    let narrow = || defence(EXPIRY, "narrow", FILE, COMPARISON).claim("Less.");
    for (name, narrowed) in [
        ("more severe", narrow().severity("critical")),
        ("lines that are not in the file", narrow().lines(400, 900)),
        ("lines backwards", narrow().lines(2, 1)),
        ("no severity there is", narrow().with("narrowed_severity", "catastrophic")),
        ("nothing", defence(EXPIRY, "narrow", FILE, COMPARISON)),
    ] {
        let world = contested().await;
        world.claude().defends(answers([narrowed]));
        let run = adversarial(&world).finish().await;
        let places = world.published(7).places().join(", ");
        told.push_str(&format!("{name}: {} at {places}\n", verdicts(&run).join("; ")));
        world.assert_clean();
    }
    insta::assert_snapshot!(told, @"
    more severe: A token is accepted in the second it expires: disputed, high at src/session.rs:2 RIGHT
    lines that are not in the file: A token is accepted in the second it expires: disputed, high at src/session.rs:2 RIGHT
    lines backwards: A token is accepted in the second it expires: disputed, high at src/session.rs:2 RIGHT
    no severity there is: A token is accepted in the second it expires: disputed, high at src/session.rs:2 RIGHT
    nothing: A token is accepted in the second it expires: disputed, high at src/session.rs:2 RIGHT
    ");
}

#[tokio::test]
async fn a_finding_lowered_below_what_is_shown_inline_stays_in_the_summary() {
    let world = contested().await;
    let narrowed = defence(EXPIRY, "narrow", FILE, COMPARISON).severity("low").claim("Hardly ever.");
    world.claude().defends(answers([narrowed]));
    let run = adversarial(&world).finish().await;
    insta::assert_snapshot!(ended(&run), @"
    exit 0: reviewed ok, gate off, lanes 2/2
    1 disputed of 1, 0 inline
    ");
    insta::assert_snapshot!(read(&world), @"
    comment
    ### Counterpoint: 1 for you to decide

    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**

    #### Decide: the reviewers differ
    **[`src/session.rs:2`](https://github.com/acme/shop/blob/<head>/src/session.rs#L2) A token is accepted in the second it expires** · high, now low · disputed
    - **Claude:** `<=` lets a token pass at `expires_at` itself; it was `<` before.
    - **Codex objects:** Tokens are issued with a second to spare, so `now` reaches `expires_at` one second early: `pub fn is_valid(expires_at: u64, now: u64) -> bool {` ([line 1](https://github.com/acme/shop/blob/<head>/src/session.rs#L1))
    - **Claude narrows it:** Hardly ever: `now <= expires_at` ([line 2](https://github.com/acme/shop/blob/<head>/src/session.rs#L2))
    - **Settle it:** does `pub fn is_valid(expires_at: u64, now: u64) -> bool {` (line 1) rule this out, even with `now <= expires_at` (line 2)?

    <details><summary>1 finding without an inline comment, in full</summary>

    [`src/session.rs:2`](https://github.com/acme/shop/blob/<head>/src/session.rs#L2) **A token is accepted in the second it expires** · high, now low · the reviewers disagree

    `<=` lets a token pass at `expires_at` itself; it was `<` before.

    A request in that very second is let in.

    > **Against (Codex):** Tokens are issued with a second to spare, so `now` reaches `expires_at` one second early: `pub fn is_valid(expires_at: u64, now: u64) -> bool {` ([line 1](https://github.com/acme/shop/blob/<head>/src/session.rs#L1))
    >
    > **For (Claude), who narrows it:** Hardly ever: `now <= expires_at` ([line 2](https://github.com/acme/shop/blob/<head>/src/session.rs#L2))

    **To settle it:** does `pub fn is_valid(expires_at: u64, now: u64) -> bool {` (line 1) rule this out, even with `now <= expires_at` (line 2)?

    <sub>Raised blind by Claude, contested by Codex</sub>

    </details>
    ");
    world.assert_clean();
}

#[tokio::test]
async fn a_finding_that_whoever_raised_it_gives_up_is_withdrawn_and_told_in_a_fold_only() {
    let world = contested().await;
    world.claude().defends(answers([defence(EXPIRY, "withdraw", FILE, IS_VALID)]));
    let run = adversarial(&world).input("fail-on", "any-high,disputed").finish().await;
    insta::assert_snapshot!(ended(&run), @"
    exit 0: reviewed ok, gate passed, lanes 2/2
    1 withdrawn of 0, 0 inline
    ");
    insta::assert_snapshot!(read(&world), @"
    comment
    ### Counterpoint: nothing found

    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**

    <details><summary>1 withdrawn</summary>

    **Withdrawn**
    - [`src/session.rs:2`](https://github.com/acme/shop/blob/<head>/src/session.rs#L2) A token is accepted in the second it expires · high
      - Raised by Claude.
      - **Codex objects:** Tokens are issued with a second to spare, so `now` reaches `expires_at` one second early: `pub fn is_valid(expires_at: u64, now: u64) -> bool {` ([line 1](https://github.com/acme/shop/blob/<head>/src/session.rs#L1))
      - **Claude withdraws it.**

    </details>
    ");
    assert_eq!(world.published(7).inline.len(), 0);
    world.assert_clean();
}

#[tokio::test]
async fn a_refutation_without_code_that_stands_is_nothing_to_answer() {
    let world = one_sided().await;
    world.codex().challenges(votes([challenge(EXPIRY, "refuted", SAFE, FILE, "let leeway = 1;")]));
    let run = adversarial(&world).finish().await;
    insta::assert_snapshot!(ended(&run), @"
    exit 0: reviewed ok, gate off, lanes 2/2
    1 solo of 1, 1 inline
    ");
    assert_eq!(asked(world.claude()), [Pass::Review]);
    world.assert_clean();
}

#[tokio::test]
async fn only_what_was_refuted_is_answered_for() {
    let world = shop().await;
    world.claude().reviews(reply([expiry(), refund()]));
    world.codex().reviews(reply([]));
    world.codex().challenges(votes([
        challenge(EXPIRY, "refuted", SAFE, FILE, IS_VALID),
        challenge(REFUND, "confirmed", "It doubles.", FILE, DOUBLED),
    ]));
    let other = defence(REFUND, "withdraw", FILE, DOUBLED);
    world.claude().defends(answers([stands(), other, defence("T9", "withdraw", FILE, DOUBLED)]));
    let run = adversarial(&world).finish().await;
    assert_eq!(world.claude().requests()[1].targets(), [EXPIRY]);
    assert!(world.claude().requests()[1].task().contains(SAFE), "the refutation is not told");
    insta::assert_snapshot!(ended(&run), @"
    exit 0: reviewed ok, gate off, lanes 2/2
    1 confirmed, 1 disputed of 2, 2 inline
    ");
    insta::assert_snapshot!(read(&world), @"
    inline src/session.rs:6 RIGHT
    **A retried refund is paid twice** · critical · found by one, confirmed by another

    With `retried` the amount doubles.

    A refund that timed out is sent again and pays double.

    > **For (Codex), who confirms it:** It doubles: `if retried { amount * 2 } else { amount }` ([line 6](https://github.com/acme/shop/blob/<head>/src/session.rs#L6))

    <sub>Raised blind by Claude, checked and confirmed by Codex · `/counterpoint dismiss f1 reason`</sub>

    --- inline src/session.rs:2 RIGHT
    **A token is accepted in the second it expires** · high · the reviewers disagree

    `<=` lets a token pass at `expires_at` itself; it was `<` before.

    A request in that very second is let in.

    > **Against (Codex):** Tokens are issued with a second to spare, so `now` reaches `expires_at` one second early: `pub fn is_valid(expires_at: u64, now: u64) -> bool {` ([line 1](https://github.com/acme/shop/blob/<head>/src/session.rs#L1))
    >
    > **For (Claude), who stands by it:** Nothing in this file issues tokens with a second to spare: `now <= expires_at` ([line 2](https://github.com/acme/shop/blob/<head>/src/session.rs#L2))

    **To settle it:** does `pub fn is_valid(expires_at: u64, now: u64) -> bool {` (line 1) rule this out, even with `now <= expires_at` (line 2)?

    <sub>Raised blind by Claude, contested by Codex · `/counterpoint dismiss f2 reason`</sub>

    --- comment
    ### Counterpoint: 1 to fix, 1 for you to decide

    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**

    #### Fix: found by both
    | | where | what goes wrong |
    |---|---|---|
    | critical | [`src/session.rs:6`](https://github.com/acme/shop/pull/7#discussion_r<id>) | A retried refund is paid twice <sub>Claude, confirmed by Codex</sub> |

    #### Decide: the reviewers differ
    **[`src/session.rs:2`](https://github.com/acme/shop/pull/7#discussion_r<id>) A token is accepted in the second it expires** · high · disputed
    - **Claude:** `<=` lets a token pass at `expires_at` itself; it was `<` before.
    - **Codex objects:** Tokens are issued with a second to spare, so `now` reaches `expires_at` one second early: `pub fn is_valid(expires_at: u64, now: u64) -> bool {` ([line 1](https://github.com/acme/shop/blob/<head>/src/session.rs#L1))
    - **Claude stands by it:** Nothing in this file issues tokens with a second to spare: `now <= expires_at` ([line 2](https://github.com/acme/shop/blob/<head>/src/session.rs#L2))
    - **Settle it:** does `pub fn is_valid(expires_at: u64, now: u64) -> bool {` (line 1) rule this out, even with `now <= expires_at` (line 2)?
    ");
    world.assert_clean();
}

#[tokio::test]
async fn both_lanes_attack_and_answer_at_the_same_time() {
    let world = shop().await;
    world.claude().reviews(reply([expiry()]));
    world.codex().reviews(reply([refund()]));
    world.codex().challenges(refuted());
    world.claude().challenges(votes([challenge(
        REFUND,
        "refuted",
        "The caller halves it.",
        FILE,
        "    amount",
    )]));
    world.claude().defends(answers([stands()]));
    world.codex().defends(answers([defence(REFUND, "withdraw", FILE, "")]));
    let run = adversarial(&world).finish().await;
    insta::assert_snapshot!(ended(&run), @"
    exit 0: reviewed ok, gate off, lanes 2/2
    1 disputed, 1 withdrawn of 1, 1 inline
    ");
    insta::assert_snapshot!(read(&world), @"
    inline src/session.rs:2 RIGHT
    **A token is accepted in the second it expires** · high · the reviewers disagree

    `<=` lets a token pass at `expires_at` itself; it was `<` before.

    A request in that very second is let in.

    > **Against (Codex):** Tokens are issued with a second to spare, so `now` reaches `expires_at` one second early: `pub fn is_valid(expires_at: u64, now: u64) -> bool {` ([line 1](https://github.com/acme/shop/blob/<head>/src/session.rs#L1))
    >
    > **For (Claude), who stands by it:** Nothing in this file issues tokens with a second to spare: `now <= expires_at` ([line 2](https://github.com/acme/shop/blob/<head>/src/session.rs#L2))

    **To settle it:** does `pub fn is_valid(expires_at: u64, now: u64) -> bool {` (line 1) rule this out, even with `now <= expires_at` (line 2)?

    <sub>Raised blind by Claude, contested by Codex · `/counterpoint dismiss f1 reason`</sub>

    --- comment
    ### Counterpoint: 1 for you to decide

    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**

    #### Decide: the reviewers differ
    **[`src/session.rs:2`](https://github.com/acme/shop/pull/7#discussion_r<id>) A token is accepted in the second it expires** · high · disputed
    - **Claude:** `<=` lets a token pass at `expires_at` itself; it was `<` before.
    - **Codex objects:** Tokens are issued with a second to spare, so `now` reaches `expires_at` one second early: `pub fn is_valid(expires_at: u64, now: u64) -> bool {` ([line 1](https://github.com/acme/shop/blob/<head>/src/session.rs#L1))
    - **Claude stands by it:** Nothing in this file issues tokens with a second to spare: `now <= expires_at` ([line 2](https://github.com/acme/shop/blob/<head>/src/session.rs#L2))
    - **Settle it:** does `pub fn is_valid(expires_at: u64, now: u64) -> bool {` (line 1) rule this out, even with `now <= expires_at` (line 2)?

    <details><summary>1 withdrawn</summary>

    **Withdrawn**
    - [`src/session.rs:6`](https://github.com/acme/shop/blob/<head>/src/session.rs#L6) A retried refund is paid twice · critical
      - Raised by Codex.
      - **Claude objects:** The caller halves it: `amount`
      - **Codex withdraws it.**

    </details>
    ");
    world.assert_clean();
}
