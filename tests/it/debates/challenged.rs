//! One lane raised it, the other is asked: what its answer makes of the finding.

use super::*;

#[tokio::test]
async fn what_both_raised_blind_is_agreed_and_nobody_is_asked_about_it() {
    let world = shop().await;
    world.claude().reviews(reply([expiry().severity("high")]));
    world.codex().reviews(reply([boundary().severity("medium")]));
    let run = adversarial(&world).finish().await;
    insta::assert_snapshot!(ended(&run), @"
    exit 0: reviewed ok, gate off, lanes 2/2
    1 agreed of 1, 1 inline
    ");
    insta::assert_snapshot!(read(&world), @"
    inline src/session.rs:2 RIGHT
    **A token is accepted in the second it expires** · high (Codex: medium) · found by both

    `<=` lets a token pass at `expires_at` itself; it was `<` before.

    A request in that very second is let in.

    <details><summary>In Codex's words: Expired token is accepted at the boundary</summary>

    The comparison `now <= expires_at` accepts a token in the very second it expires.

    </details>

    <sub>Raised blind by Claude and Codex, independently · `/counterpoint dismiss f1 reason`</sub>

    --- comment
    ### Counterpoint: 1 to fix

    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**

    #### Fix: found by both, independently
    | | where | what goes wrong |
    |---|---|---|
    | high (Codex: medium) | [`src/session.rs:2`](https://github.com/acme/shop/pull/7#discussion_r<id>) | A token is accepted in the second it expires |
    ");
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
    insta::assert_snapshot!(ended(&run), @"
    exit 0: reviewed ok, gate off, lanes 2/2
    1 confirmed of 1, 1 inline
    ");
    insta::assert_snapshot!(read(&world), @"
    inline src/session.rs:2 RIGHT
    **A token is accepted in the second it expires** · high · found by one, confirmed by another

    `<=` lets a token pass at `expires_at` itself; it was `<` before.

    A request in that very second is let in.

    > **For (Codex), who confirms it:** Nothing before the comparison rules out `now == expires_at`: `now <= expires_at` ([line 2](https://github.com/acme/shop/blob/<head>/src/session.rs#L2))

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
    codex review done
    codex challenge done
    ");
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
    insta::assert_snapshot!(ended(&run), @"
    exit 0: reviewed ok, gate off, lanes 2/2
    1 solo of 1, 1 inline
    ");
    insta::assert_snapshot!(read(&world), @"
    inline src/session.rs:2 RIGHT
    **A token is accepted in the second it expires** · high · one reviewer

    `<=` lets a token pass at `expires_at` itself; it was `<` before.

    A request in that very second is let in.

    > **Codex checked it and cannot tell:** It depends on the clock: `now <= expires_at` ([line 2](https://github.com/acme/shop/blob/<head>/src/session.rs#L2))

    <sub>Raised blind by Claude; Codex checked it and could not tell · `/counterpoint dismiss f1 reason`</sub>

    --- comment
    ### Counterpoint: 1 from one reviewer

    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**

    #### From one reviewer
    | | where | what goes wrong |
    |---|---|---|
    | high | [`src/session.rs:2`](https://github.com/acme/shop/pull/7#discussion_r<id>) | A token is accepted in the second it expires <sub>Claude; Codex checked it and could not tell</sub> |
    ");
    world.assert_clean();
}

#[tokio::test]
async fn a_lane_that_answers_and_leaves_the_finding_out_could_not_tell() {
    let world = one_sided().await;
    world.codex().challenges(votes([]));
    let run = adversarial(&world).finish().await;
    insta::assert_snapshot!(ended(&run), @"
    exit 0: reviewed ok, gate off, lanes 2/2
    1 solo of 1, 1 inline
    ");
    insta::assert_snapshot!(lines_with(&read(&world), &["<sub>"]).join("\n"), @"
    <sub>Raised blind by Claude; Codex did not answer when asked about it · `/counterpoint dismiss f1 reason`</sub>
    | high | [`src/session.rs:2`](https://github.com/acme/shop/pull/7#discussion_r<id>) | A token is accepted in the second it expires <sub>Claude</sub> |
    ");
    world.assert_clean();
}

#[tokio::test]
async fn calling_it_older_with_a_line_that_the_change_adds_silences_nothing() {
    let world = one_sided().await;
    let older = challenge(EXPIRY, "pre_existing", "It was always so.", FILE, COMPARISON);
    world.codex().challenges(votes([older]));
    let run = adversarial(&world).input("fail-on", "any-high").finish().await;
    insta::assert_snapshot!(ended(&run), @"
    exit 1: reviewed ok, gate tripped, lanes 2/2
    1 solo of 1, 1 inline
    ");
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
        "    now < expires_at",
    )]));
    let run = adversarial(&world).input("fail-on", "any-high").finish().await;
    insta::assert_snapshot!(ended(&run), @"
    exit 0: reviewed ok, gate passed, lanes 2/2
    1 solo of 1, 0 inline
    ");
    insta::assert_snapshot!(read(&world), @"
    comment
    ### Counterpoint: 1 from one reviewer

    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**

    <details><summary>1 from one reviewer only</summary>

    | | where | what goes wrong |
    |---|---|---|
    | high | [`src/session.rs:2`](https://github.com/acme/shop/blob/<head>/src/session.rs#L2) | A token is accepted in the second it expires <sub>Claude; it was there before this change, as Codex shows</sub> |

    </details>

    <details><summary>1 finding without an inline comment, in full</summary>

    [`src/session.rs:2`](https://github.com/acme/shop/blob/<head>/src/session.rs#L2) **A token is accepted in the second it expires** · high · one reviewer

    `<=` lets a token pass at `expires_at` itself; it was `<` before.

    A request in that very second is let in.

    > **Codex says it was there before this change:** The base compares the same way: `now < expires_at` ([line 2 before the change](https://github.com/acme/shop/blob/<base>/src/session.rs#L2))

    <sub>Raised blind by Claude; it was there before this change, as Codex shows</sub>

    </details>
    ");
    assert_eq!(world.published(7).inline.len(), 0);
    world.assert_clean();
}

#[tokio::test]
async fn that_it_was_there_before_counts_only_with_evidence() {
    let world = one_sided().await;
    world.codex().challenges(votes([challenge(EXPIRY, "pre_existing", "It was.", FILE, "")]));
    let run = adversarial(&world).input("fail-on", "any-high").finish().await;
    insta::assert_snapshot!(ended(&run), @"
    exit 1: reviewed ok, gate tripped, lanes 2/2
    1 solo of 1, 1 inline
    ");
    world.assert_clean();
}

#[tokio::test]
async fn a_challenge_brings_no_findings_where_the_lane_has_reviewed_itself() {
    let world = one_sided().await;
    let said = challenge(EXPIRY, "confirmed", "It is.", FILE, COMPARISON);
    world.codex().challenges(reply([refund()]).challenges([said]));
    let run = adversarial(&world).finish().await;
    insta::assert_snapshot!(ended(&run), @"
    exit 0: reviewed ok, gate off, lanes 2/2
    1 confirmed of 1, 1 inline
    ");
    insta::assert_snapshot!(verdicts(&run).join("\n"), @"A token is accepted in the second it expires: confirmed, high");
    world.assert_clean();
}

#[tokio::test]
async fn where_one_clears_what_the_other_calls_broken_nobody_is_asked_and_people_decide() {
    let world = shop().await;
    world.claude().reviews(reply([expiry()]));
    world.codex().reviews(reply([]).clears([clearance(FILE, COMPARISON, SAFE)]));
    let run = adversarial(&world).finish().await;
    insta::assert_snapshot!(ended(&run), @"
    exit 0: reviewed ok, gate off, lanes 2/2
    1 contradictions of 1, 1 inline
    ");
    insta::assert_snapshot!(read(&world), @"
    inline src/session.rs:2 RIGHT
    **A token is accepted in the second it expires** · high · the reviewers disagree

    `<=` lets a token pass at `expires_at` itself; it was `<` before.

    A request in that very second is let in.

    > **Against (Codex), who checked it and holds it sound:** Tokens are issued with a second to spare, so `now` reaches `expires_at` one second early.

    **To settle it:** can what Claude describes happen, or does Codex's reason rule it out?

    <sub>Raised blind by Claude, contradicted blind by Codex · `/counterpoint dismiss f1 reason`</sub>

    --- comment
    ### Counterpoint: 1 for you to decide

    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**

    #### Decide: the reviewers differ
    **[`src/session.rs:2`](https://github.com/acme/shop/pull/7#discussion_r<id>) A token is accepted in the second it expires** · high · contradiction
    - **Claude:** `<=` lets a token pass at `expires_at` itself; it was `<` before.
    - **Codex checked it and holds it sound:** Tokens are issued with a second to spare, so `now` reaches `expires_at` one second early.
    - **Settle it:** can what Claude describes happen, or does Codex's reason rule it out?
    ");
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
    insta::assert_snapshot!(ended(&run), @"
    exit 0: reviewed ok, gate off, lanes 2/2
    1 agreed, 1 confirmed, 1 solo of 3, 3 inline
    ");
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
    insta::assert_snapshot!(told, @"
    refusal: exit 0: partial lane-failed, gate off, lanes 1/2; 1 unchecked of 1, 1 inline
    <sub>Raised blind by Claude; unchecked, because Codex could not check it (the model refused) · `/counterpoint dismiss f1 reason`</sub>
    Claude and Codex both reviewed `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**
    Codex could not check what Claude found (the model refused): 1 finding is unchecked. Name a `fallback` model for the lane: it is asked where this one refuses.
    | high | [`src/session.rs:2`](https://github.com/acme/shop/pull/7#discussion_r<id>) | A token is accepted in the second it expires <sub>Claude; unchecked, because Codex could not check it (the model refused)</sub> |
    prose: exit 0: partial lane-failed, gate off, lanes 1/2; 1 unchecked of 1, 1 inline
    <sub>Raised blind by Claude; unchecked, because Codex could not check it (the answer holds no list of challenges, 2 tries) · `/counterpoint dismiss f1 reason`</sub>
    Claude and Codex both reviewed `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**
    Codex could not check what Claude found (the answer holds no list of challenges, 2 tries): 1 finding is unchecked. Choose a model that keeps to a form, or name a `fallback` for the lane.
    | high | [`src/session.rs:2`](https://github.com/acme/shop/pull/7#discussion_r<id>) | A token is accepted in the second it expires <sub>Claude; unchecked, because Codex could not check it (the answer holds no list of challenges, 2 tries)</sub> |
    overloaded: exit 0: partial lane-failed, gate off, lanes 1/2; 1 unchecked of 1, 1 inline
    <sub>Raised blind by Claude; unchecked, because Codex could not check it (127.0.0.1:<port> is overloaded (HTTP 503): server_error: server_error: The server is overloaded, 3 tries) · `/counterpoint dismiss f1 reason`</sub>
    Claude and Codex both reviewed `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**
    Codex could not check what Claude found (127.0.0.1:<port> is overloaded (HTTP 503): server_error: server_error: The server is overloaded, 3 tries): 1 finding is unchecked. Run it again later.
    | high | [`src/session.rs:2`](https://github.com/acme/shop/pull/7#discussion_r<id>) | A token is accepted in the second it expires <sub>Claude; unchecked, because Codex could not check it (127.0.0.1:<port> is overloaded (HTTP 503): server_error: server_error: The server is overloaded, 3 tries)</sub> |
    no money: exit 0: partial lane-failed, gate off, lanes 1/2; 1 unchecked of 1, 1 inline
    <sub>Raised blind by Claude; unchecked, because Codex could not check it (127.0.0.1:<port> wants to be paid first (HTTP 429): insufficient_quota: insufficient_quota: You exceeded your current quota, please check your plan and billing details) · `/counterpoint dismiss f1 reason`</sub>
    Claude and Codex both reviewed `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**
    Codex could not check what Claude found (127.0.0.1:<port> wants to be paid first (HTTP 429): insufficient_quota: insufficient_quota: You exceeded your current quota, please check your plan and billing details): 1 finding is unchecked. Add credit, or raise the spending limit, of the account that the key in the input `openai-api-key` (or OPENAI_API_KEY) belongs to.
    | high | [`src/session.rs:2`](https://github.com/acme/shop/pull/7#discussion_r<id>) | A token is accepted in the second it expires <sub>Claude; unchecked, because Codex could not check it (127.0.0.1:<port> wants to be paid first (HTTP 429): insufficient_quota: insufficient_quota: You exceeded your current quota, please check your plan and billing details)</sub> |
    cut: exit 0: partial lane-failed, gate off, lanes 1/2; 1 unchecked of 1, 1 inline
    <sub>Raised blind by Claude; unchecked, because Codex could not check it (its answer was cut at the output limit, 2 tries) · `/counterpoint dismiss f1 reason`</sub>
    Claude and Codex both reviewed `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**
    Codex could not check what Claude found (its answer was cut at the output limit, 2 tries): 1 finding is unchecked. Split the pull request, or lower the lane's effort.
    | high | [`src/session.rs:2`](https://github.com/acme/shop/pull/7#discussion_r<id>) | A token is accepted in the second it expires <sub>Claude; unchecked, because Codex could not check it (its answer was cut at the output limit, 2 tries)</sub> |
    ");
}

#[tokio::test]
async fn a_review_whose_questions_all_failed_replaces_the_summary_of_the_commit_before() {
    let world = one_sided().await;
    let told = votes([challenge(EXPIRY, "plausible", "It depends.", FILE, COMPARISON)]);
    world.codex().challenges(told);
    adversarial(&world).finish().await.assert_code(0);
    world.push(7, &[(FILE, &format!("{AFTER}\npub fn more() {{}}\n"))], OldHead::Stays);
    world.claude().reviews(reply([expiry()])).challenges(Answer::refusal());
    world.codex().reviews(reply([refund()])).challenges(Answer::refusal());
    let event = world.pull_request_event(7).action("synchronize");
    let run = on(&world, event).input("strategy", "adversarial").finish().await;
    insta::assert_snapshot!(ended(&run), @"
    exit 0: partial lane-failed, gate off, lanes 0/2
    2 unchecked of 2, 2 inline
    ");
    let read = read(&world);
    let (_, summary) = read.split_once("--- comment\n").expect("a summary");
    insta::assert_snapshot!(summary, @"
    ### Counterpoint: 2 from one reviewer

    Claude and Codex both reviewed `<head>`. 1 file, 6 changed lines read · <time> · **<usd> of $1.00**

    Claude could not check what Codex found (the model refused: cyber): 1 finding is unchecked. Name a `fallback` model for the lane: it is asked where this one refuses.

    Codex could not check what Claude found (the model refused): 1 finding is unchecked.

    #### From one reviewer
    | | where | what goes wrong |
    |---|---|---|
    | critical | [`src/session.rs:6`](https://github.com/acme/shop/pull/7#discussion_r<id>) | A retried refund is paid twice <sub>Codex; unchecked, because Claude could not check it (the model refused: cyber)</sub> |
    | high | [`src/session.rs:2`](https://github.com/acme/shop/pull/7#discussion_r<id>) | A token is accepted in the second it expires <sub>Claude; unchecked, because Codex could not check it (the model refused)</sub> |
    ");
    world.assert_clean();
}
