//! `sequential`: the first lane reviews, the second checks and adds what was missed, the first answers.

use super::*;

/// A shop in which Claude, being first, raises the expiry.
async fn first_raises() -> World {
    let world = shop().await;
    world.claude().reviews(reply([expiry()]));
    world
}

fn confirmed() -> Said {
    challenge(EXPIRY, "confirmed", "Nothing rules it out.", FILE, COMPARISON)
}

#[tokio::test]
async fn what_the_second_lane_confirms_is_confirmed() {
    let world = first_raises().await;
    world.codex().challenges(votes([confirmed()]));
    let run = sequential(&world).finish().await;
    insta::assert_snapshot!(ended(&run), @"
    exit 0: reviewed ok, gate off, lanes 2/2
    1 confirmed of 1, 1 inline
    ");
    insta::assert_snapshot!(read(&world), @"
    inline src/session.rs:2 RIGHT
    **A token is accepted in the second it expires** · high · found by one, confirmed by another

    `<=` lets a token pass at `expires_at` itself; it was `<` before.

    A request in that very second is let in.

    > **For (Codex), who confirms it:** Nothing rules it out: `now <= expires_at` ([line 2](https://github.com/acme/shop/blob/<head>/src/session.rs#L2))

    <sub>Raised blind by Claude, checked and confirmed by Codex · `/counterpoint dismiss f1 reason`</sub>

    --- comment
    ### Counterpoint: 1 to fix

    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**

    #### Fix: found by both
    | | where | what goes wrong |
    |---|---|---|
    | high | [`src/session.rs:2`](https://github.com/acme/shop/pull/7#discussion_r<id>) | A token is accepted in the second it expires <sub>Claude, confirmed by Codex</sub> |
    ");
    insta::assert_snapshot!(passes(&run).join("\n"), @"
    claude review done
    codex challenge done
    ");
    world.assert_clean();
}

#[tokio::test]
async fn what_the_second_lane_refutes_is_disputed_or_withdrawn_as_the_first_answers() {
    let mut told = String::new();
    for answer in ["stand", "withdraw"] {
        let world = first_raises().await;
        world.codex().challenges(refuted());
        world.claude().defends(answers([defence(EXPIRY, answer, FILE, COMPARISON)]));
        let run = sequential(&world).finish().await;
        told.push_str(&format!("{answer}: {}\n", ended(&run).replace('\n', "; ")));
        world.assert_clean();
    }
    insta::assert_snapshot!(told, @"
    stand: exit 0: reviewed ok, gate off, lanes 2/2; 1 disputed of 1, 1 inline
    withdraw: exit 0: reviewed ok, gate off, lanes 2/2; 1 withdrawn of 0, 0 inline
    ");
}

#[tokio::test]
async fn what_the_second_lane_cannot_tell_is_from_one_reviewer() {
    let world = first_raises().await;
    world.codex().challenges(votes([]));
    let run = sequential(&world).finish().await;
    insta::assert_snapshot!(ended(&run), @"
    exit 0: reviewed ok, gate off, lanes 2/2
    1 solo of 1, 1 inline
    ");
    insta::assert_snapshot!(read(&world), @"
    inline src/session.rs:2 RIGHT
    **A token is accepted in the second it expires** · high · one reviewer

    `<=` lets a token pass at `expires_at` itself; it was `<` before.

    A request in that very second is let in.

    <sub>Raised blind by Claude; Codex did not answer when asked about it · `/counterpoint dismiss f1 reason`</sub>

    --- comment
    ### Counterpoint: 1 from one reviewer

    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**

    #### From one reviewer
    | | where | what goes wrong |
    |---|---|---|
    | high | [`src/session.rs:2`](https://github.com/acme/shop/pull/7#discussion_r<id>) | A token is accepted in the second it expires <sub>Claude</sub> |
    ");
    world.assert_clean();
}

#[tokio::test]
async fn what_the_second_lane_adds_is_checked_by_the_first() {
    let mut told = String::new();
    for verdict in ["confirmed", "plausible", "refuted"] {
        let world = first_raises().await;
        world.codex().challenges(reply([refund()]).challenges([confirmed()]));
        world.claude().challenges(votes([challenge(
            REFUND,
            verdict,
            "The caller halves it.",
            FILE,
            DOUBLED,
        )]));
        if verdict == "refuted" {
            world
                .codex()
                .defends(answers([defence(REFUND, "stand", FILE, DOUBLED).claim("No caller is shown.")]));
        }
        let run = sequential(&world).finish().await;
        told.push_str(&format!(
            "{verdict}: {}\n{}\n",
            ended(&run).replace('\n', "; "),
            verdicts(&run).join("; ")
        ));
        world.assert_clean();
    }
    insta::assert_snapshot!(told, @"
    confirmed: exit 0: reviewed ok, gate off, lanes 2/2; 2 confirmed of 2, 2 inline
    A retried refund is paid twice: confirmed, critical; A token is accepted in the second it expires: confirmed, high
    plausible: exit 0: reviewed ok, gate off, lanes 2/2; 1 confirmed, 1 solo of 2, 2 inline
    A retried refund is paid twice: solo, critical; A token is accepted in the second it expires: confirmed, high
    refuted: exit 0: reviewed ok, gate off, lanes 2/2; 1 confirmed, 1 disputed of 2, 2 inline
    A retried refund is paid twice: disputed, critical; A token is accepted in the second it expires: confirmed, high
    ");
}

#[tokio::test]
async fn people_read_who_came_first_and_who_added_what() {
    let world = first_raises().await;
    world
        .codex()
        .challenges(reply([refund()]).challenges([challenge(EXPIRY, "refuted", SAFE, FILE, IS_VALID)]));
    world
        .claude()
        .defends(answers([defence(EXPIRY, "stand", FILE, COMPARISON).claim("Nothing issues them so.")]));
    world.claude().challenges(votes([challenge(REFUND, "confirmed", "It doubles.", FILE, DOUBLED)]));
    let run = sequential(&world).finish().await;
    insta::assert_snapshot!(ended(&run), @"
    exit 0: reviewed ok, gate off, lanes 2/2
    1 confirmed, 1 disputed of 2, 2 inline
    ");
    insta::assert_snapshot!(read(&world), @"
    inline src/session.rs:6 RIGHT
    **A retried refund is paid twice** · critical · found by one, confirmed by another

    With `retried` the amount doubles.

    A refund that timed out is sent again and pays double.

    > **For (Claude), who confirms it:** It doubles: `if retried { amount * 2 } else { amount }` ([line 6](https://github.com/acme/shop/blob/<head>/src/session.rs#L6))

    <sub>Added by Codex, who had read what Claude found, checked and confirmed by Claude · `/counterpoint dismiss f1 reason`</sub>

    --- inline src/session.rs:2 RIGHT
    **A token is accepted in the second it expires** · high · the reviewers disagree

    `<=` lets a token pass at `expires_at` itself; it was `<` before.

    A request in that very second is let in.

    > **Against (Codex):** Tokens are issued with a second to spare, so `now` reaches `expires_at` one second early: `pub fn is_valid(expires_at: u64, now: u64) -> bool {` ([line 1](https://github.com/acme/shop/blob/<head>/src/session.rs#L1))
    >
    > **For (Claude), who stands by it:** Nothing issues them so: `now <= expires_at` ([line 2](https://github.com/acme/shop/blob/<head>/src/session.rs#L2))

    **To settle it:** does `pub fn is_valid(expires_at: u64, now: u64) -> bool {` (line 1) rule this out, even with `now <= expires_at` (line 2)?

    <sub>Raised blind by Claude, contested by Codex · `/counterpoint dismiss f2 reason`</sub>

    --- comment
    ### Counterpoint: 1 to fix, 1 for you to decide

    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**

    #### Fix: found by both
    | | where | what goes wrong |
    |---|---|---|
    | critical | [`src/session.rs:6`](https://github.com/acme/shop/pull/7#discussion_r<id>) | A retried refund is paid twice <sub>Codex, confirmed by Claude</sub> |

    #### Decide: the reviewers differ
    **[`src/session.rs:2`](https://github.com/acme/shop/pull/7#discussion_r<id>) A token is accepted in the second it expires** · high · disputed
    - **Claude:** `<=` lets a token pass at `expires_at` itself; it was `<` before.
    - **Codex objects:** Tokens are issued with a second to spare, so `now` reaches `expires_at` one second early: `pub fn is_valid(expires_at: u64, now: u64) -> bool {` ([line 1](https://github.com/acme/shop/blob/<head>/src/session.rs#L1))
    - **Claude stands by it:** Nothing issues them so: `now <= expires_at` ([line 2](https://github.com/acme/shop/blob/<head>/src/session.rs#L2))
    - **Settle it:** does `pub fn is_valid(expires_at: u64, now: u64) -> bool {` (line 1) rule this out, even with `now <= expires_at` (line 2)?
    ");
    world.assert_clean();
}

#[tokio::test]
async fn nothing_is_agreed_because_the_second_lane_has_read_the_first() {
    let world = first_raises().await;
    world.codex().challenges(reply([boundary()]).challenges([confirmed()]));
    let run = sequential(&world).finish().await;
    assert_eq!(run.output("agreed"), "0", "{}", ended(&run));
    insta::assert_snapshot!(ended(&run), @"
    exit 0: reviewed ok, gate off, lanes 2/2
    1 confirmed of 1, 1 inline
    ");
    world.assert_clean();
}

#[tokio::test]
async fn repeating_a_finding_does_not_stand_in_for_a_check_of_it() {
    let world = first_raises().await;
    world
        .codex()
        .challenges(reply([boundary()]).challenges([challenge(EXPIRY, "refuted", SAFE, FILE, IS_VALID)]));
    world.claude().defends(answers([defence(EXPIRY, "stand", FILE, COMPARISON)]));
    let run = sequential(&world).finish().await;
    assert_eq!(run.output("agreed"), "0", "{}", ended(&run));
    insta::assert_snapshot!(ended(&run), @"
    exit 0: reviewed ok, gate off, lanes 2/2
    1 disputed of 1, 1 inline
    ");
    world.assert_clean();
}

#[tokio::test]
async fn where_the_first_found_nothing_the_second_still_reads_and_the_first_checks() {
    let world = shop().await;
    world.claude().reviews(reply([]));
    world.codex().challenges(reply([refund()]).challenges([]));
    world.claude().challenges(votes([challenge(REFUND, "confirmed", "It doubles.", FILE, DOUBLED)]));
    let run = sequential(&world).finish().await;
    insta::assert_snapshot!(ended(&run), @"
    exit 0: reviewed ok, gate off, lanes 2/2
    1 confirmed of 1, 1 inline
    ");
    world.assert_clean();
}

#[tokio::test]
async fn a_clean_pull_request_costs_two_passes_and_gets_no_comment() {
    let world = shop().await;
    world.claude().reviews(reply([]));
    world.codex().challenges(votes([]));
    let run = sequential(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    assert!(world.published(7).comments.is_empty(), "{}", world.published(7));
    world.assert_clean();
}
