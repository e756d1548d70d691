//! Quiet when run again: the same commit, a new one, after a half review, after somebody asked.

use crate::shop::*;
use crate::world::*;

fn models(world: &World) -> usize {
    world.count("POST /anthropic/*") + world.count("POST /openai/*")
}

/// How many reviews, inline comments, timeline comments and checks stand there.
fn standing(world: &World) -> String {
    let all = world.published(7);
    let (reviews, inline, comments, checks) =
        (all.reviews.len(), all.inline.len(), all.comments.len(), all.checks.len());
    format!("{reviews} reviews, {inline} inline, {comments} comments, {checks} checks")
}

async fn first(world: &World) -> Finished {
    let run = opened(world).finish().await;
    run.assert_code(0);
    run
}

async fn synchronized(world: &World) -> Finished {
    on(world, world.pull_request_event(7).action("synchronize")).finish().await
}

async fn command(world: &World, text: &str) -> Finished {
    world.permission("mona", Permission::Write);
    let comment = world.comment(7, User::person("mona"), text);
    on(world, world.comment_event(comment)).finish().await
}

// The same commit.

#[tokio::test]
async fn the_same_commit_is_not_reviewed_twice_and_the_outputs_are_those_of_the_first_time() {
    let world = shop().await;
    world.claude().answers(reply([expiry(), refund()]));
    world.codex().answers(reply([boundary()]));
    let run = first(&world).await;
    let (writes, before) = (world.writes().len(), counts(&run));
    let again = opened(&world).finish().await;
    insta::assert_snapshot!(end(&again), @"exit 0: reviewed already-reviewed, gate off, lanes 2/2");
    assert_eq!(counts(&again), before);
    assert_eq!((again.output("cost-usd"), again.output("record")), ("0.000000", ""));
    assert_eq!(again.output("review-url"), run.output("review-url"));
    assert_eq!((models(&world), world.writes().len()), (2, writes));
    insta::assert_snapshot!(again.summary.replace(&world.head(7)[..7], "<head>"), @r"
    ### Counterpoint: already reviewed

    `<head>` was reviewed before under the same configuration, so no model was asked. Comment `/review full` to have it reviewed again.
    ");
    world.assert_clean();
}

#[tokio::test]
async fn the_gate_of_a_commit_that_was_reviewed_before_is_decided_anew_from_what_is_open() {
    let world = shop().await;
    both_agree(&world);
    first(&world).await;
    let mut told = String::new();
    for gate in ["any-high", "agreed-high", "contradiction", "incomplete"] {
        let again = opened(&world).input("fail-on", gate).finish().await;
        told.push_str(&format!("{gate}: {}\n", end(&again)));
    }
    insta::assert_snapshot!(told, @r"
    any-high: exit 1: reviewed already-reviewed, gate tripped, lanes 2/2
    agreed-high: exit 1: reviewed already-reviewed, gate tripped, lanes 2/2
    contradiction: exit 0: reviewed already-reviewed, gate passed, lanes 2/2
    incomplete: exit 0: reviewed already-reviewed, gate passed, lanes 2/2
    ");
    assert_eq!(models(&world), 2);
    world.assert_clean();
}

#[tokio::test]
async fn a_gate_that_is_set_later_makes_the_check_red_without_asking_a_model() {
    let world = shop().await;
    both_agree(&world);
    first(&world).await;
    assert_eq!(check(&world).0, "success");
    let again = opened(&world).input("fail-on", "any-high").finish().await;
    assert_eq!(again.code, Some(1));
    let published = world.published(7);
    let newest = published.checks.iter().max_by_key(|check| check.id).unwrap();
    assert_eq!(newest.conclusion.as_deref(), Some("failure"), "the check is the gate: {published}");
    world.assert_clean();
}

#[tokio::test]
async fn a_clean_commit_is_not_reviewed_twice_although_only_a_check_stands_there() {
    let world = shop().await;
    both_silent(&world);
    first(&world).await;
    let again = opened(&world).finish().await;
    assert_eq!(end(&again), "exit 0: reviewed already-reviewed, gate off, lanes 2/2");
    assert_eq!(
        (models(&world), standing(&world)),
        (2, "0 reviews, 0 inline, 0 comments, 1 checks".to_owned())
    );
    world.assert_clean();
}

#[tokio::test]
async fn a_plain_command_does_not_pay_twice_for_the_same_commit_and_full_does() {
    let world = shop().await;
    both_agree(&world);
    first(&world).await;
    let plain = command(&world, "/review").await;
    assert_eq!(end(&plain), "exit 0: reviewed already-reviewed, gate off, lanes 2/2");
    assert_eq!(models(&world), 2);
    both_agree(&world);
    let full = command(&world, "/review full").await;
    assert_eq!(end(&full), "exit 0: reviewed ok, gate off, lanes 2/2");
    assert_eq!(
        (models(&world), standing(&world)),
        (4, "1 reviews, 1 inline, 1 comments, 1 checks".to_owned())
    );
    world.assert_clean();
}

#[tokio::test]
async fn full_in_other_words_repeats_no_thread() {
    let world = shop().await;
    both_agree(&world);
    first(&world).await;
    world.claude().answers(reply([boundary()]));
    world.codex().answers(reply([expiry()]));
    let full = command(&world, "/review full").await;
    assert_eq!(end(&full), "exit 0: reviewed ok, gate off, lanes 2/2");
    assert_eq!(
        (full.output("inline-comments"), standing(&world).as_str()),
        ("1", "1 reviews, 1 inline, 1 comments, 1 checks")
    );
    world.assert_clean();
}

#[tokio::test]
async fn another_configuration_is_a_reason_to_look_again() {
    let world = shop().await;
    both_agree(&world);
    first(&world).await;
    world.base_file(".github/counterpoint.yml", "guidelines: Money is counted in cents.\n");
    both_agree(&world);
    let again = opened(&world).finish().await;
    assert_eq!(end(&again), "exit 0: reviewed ok, gate off, lanes 2/2");
    assert_eq!(standing(&world), "1 reviews, 1 inline, 1 comments, 1 checks");
    assert!(world.claude().requests()[1].prompt().contains("Money is counted in cents."));
    world.assert_clean();
}

// After a half review.

#[tokio::test]
async fn after_a_half_review_the_models_may_say_it_in_other_words_and_nothing_is_doubled() {
    let world = shop().await;
    world.claude().answers(reply([expiry(), refund()]));
    world.codex().answers(Answer::refusal());
    let half = opened(&world).finish().await;
    assert_eq!(end(&half), "exit 0: partial lane-failed, gate off, lanes 1/2");
    assert_eq!(standing(&world), "1 reviews, 2 inline, 1 comments, 1 checks");
    let other_words = finding("src/session.rs", 6, "    if retried { amount * 2 } else { amount }")
        .title("Retrying a refund pays the double amount")
        .body("When `retried` is set the refund is multiplied by two, so the customer gets it twice.")
        .severity("high");
    world.claude().answers(reply([boundary(), other_words.clone()]));
    world.codex().answers(reply([expiry(), other_words]));
    let whole = opened(&world).finish().await;
    assert_eq!(end(&whole), "exit 0: reviewed ok, gate off, lanes 2/2");
    insta::assert_snapshot!(format!("{}\n{}", counts(&whole), standing(&world)), @r"
    2 findings: 2 agreed, 0 contradictions, 0 solo, 0 unchecked; 2 inline
    1 reviews, 2 inline, 1 comments, 1 checks
    ");
    insta::assert_snapshot!(lines_with(&told(&world), &["| high"]).join("\n"), @r"
    | high | [`src/session.rs:2`](https://github.com/acme/shop/pull/7#discussion_r<id>) | Expired token is accepted at the boundary |
    | high | [`src/session.rs:6`](https://github.com/acme/shop/pull/7#discussion_r<id>) | Retrying a refund pays the double amount |
    ");
    assert_eq!(check(&world).0, "success");
    world.assert_clean();
}

#[tokio::test]
async fn after_a_run_without_any_answer_the_next_one_edits_the_same_comment() {
    let world = shop().await;
    world.claude().answers(Answer::refusal());
    world.codex().answers(Answer::refusal());
    let none = opened(&world).finish().await;
    assert_eq!(end(&none), "exit 0: failed no-lane, gate off, lanes 0/2");
    assert_eq!(standing(&world), "0 reviews, 0 inline, 1 comments, 1 checks");
    both_silent(&world);
    let clean = opened(&world).finish().await;
    assert_eq!(end(&clean), "exit 0: reviewed ok, gate off, lanes 2/2");
    assert_eq!(standing(&world), "0 reviews, 0 inline, 1 comments, 1 checks");
    let summary = world.published(7).summary().unwrap_or_default().to_owned();
    assert!(summary.starts_with("### Counterpoint: nothing found\n"), "{summary}");
    world.assert_clean();
}

#[tokio::test]
async fn a_run_that_died_after_its_review_is_completed_by_the_next_one() {
    let world = shop().await;
    both_agree(&world);
    for attempt in 1..=4 {
        world.on("POST */issues/7/comments").nth(attempt).answer(Fault::status(500));
    }
    for attempt in 1..=2 {
        world.on("POST */check-runs").nth(attempt).answer(Fault::status(500));
    }
    let died = opened(&world).finish().await;
    insta::assert_snapshot!(end(&died), @"exit 4: partial github-unwritable, gate off, lanes 2/2");
    assert_eq!(standing(&world), "1 reviews, 1 inline, 0 comments, 0 checks");
    both_agree(&world);
    let next = opened(&world).finish().await;
    assert_eq!(end(&next), "exit 0: reviewed ok, gate off, lanes 2/2");
    assert_eq!(standing(&world), "1 reviews, 1 inline, 1 comments, 1 checks");
    world.assert_clean();
}

#[tokio::test]
async fn a_failed_run_on_a_new_commit_does_not_hide_what_was_found_before() {
    let world = shop().await;
    both_agree(&world);
    let first = first(&world).await;
    let read =
        world.push(7, &[("src/session.rs", &format!("{AFTER}\npub fn more() {{}}\n"))], OldHead::Stays);
    world.claude().answers(Answer::refusal());
    world.codex().answers(Answer::refusal());
    let second = synchronized(&world).await;
    assert_eq!(end(&second), "exit 0: failed no-lane, gate off, lanes 0/2");
    let summary = tidy(&told(&world)).replace(&read[..7], "<head>");
    insta::assert_snapshot!(lines_with(&summary, &["Counterpoint:"]).join("\n"), @"### Counterpoint: 1 to fix");
    insta::assert_snapshot!(lines_with(&summary, &["Not reviewed on"]).join("\n"), @"> **Not reviewed on `<head>`.** Claude did not finish (the model refused: cyber, <m:ss>) and Codex did not finish (the model refused, <m:ss>). Name a `fallback` model for the lane: it is asked where this one refuses.");
    assert!(summary.contains("A token is accepted in the second it expires"), "{summary}");
    both_agree(&world);
    let third = opened(&world).finish().await;
    assert_eq!(end(&third), "exit 0: reviewed ok, gate off, lanes 2/2");
    let summary = world.published(7).summary().unwrap_or_default().to_owned();
    assert!(summary.starts_with("### Counterpoint: 1 to fix\n"), "{summary}");
    let spent: u64 = [first, second, third]
        .iter()
        .map(|run| run.output("cost-usd").replace('.', "").parse::<u64>().unwrap())
        .sum();
    assert!(summary.contains(&format!("\"spent\":{spent},")), "{spent} of all three runs: {summary}");
    world.assert_clean();
}

// A new push.

#[tokio::test]
async fn a_push_edits_the_summary_and_repeats_no_thread() {
    let world = shop().await;
    both_agree(&world);
    let run = first(&world).await;
    // The same finding, three lines further down.
    let moved = format!(
        "// Sessions.\n//\n\n{AFTER}\npub fn key(tenant: &str, id: u64) -> String {{\n    format!(\"{{id}}\")\n}}\n"
    );
    world.push(7, &[("src/session.rs", &moved)], OldHead::Stays);
    let tenant = finding("src/session.rs", 13, "    format!(\"{id}\")")
        .title("The tenant is missing from the key")
        .body("Two tenants share one entry.");
    let down = |finding: Finding| finding.with("line_start", 5).with("line_end", 5);
    world.claude().answers(reply([down(boundary()), tenant.clone()]));
    world.codex().answers(reply([down(expiry()), tenant]));
    let second = synchronized(&world).await;
    assert_eq!(end(&second), "exit 0: reviewed ok, gate off, lanes 2/2");
    assert_eq!(second.output("review-url"), run.output("review-url"));
    insta::assert_snapshot!(format!("{}\n{}", counts(&second), standing(&world)), @r"
    2 findings: 2 agreed, 0 contradictions, 0 solo, 0 unchecked; 2 inline
    2 reviews, 2 inline, 1 comments, 2 checks
    ");
    insta::assert_snapshot!(world.published(7).places().join("\n"), @r"
    src/session.rs:13 RIGHT
    src/session.rs:2 RIGHT
    ");
    insta::assert_snapshot!(told(&world), @"
    --- review COMMENTED on 146d23b996d7ad59a331c47d9680f696a17ad0e9
    Counterpoint left 1 comment; the summary comment tells the rest.

    <!-- counterpoint:v1 -->

    --- review COMMENTED on <head>
    Counterpoint left 1 comment; the summary comment tells the rest.

    <!-- counterpoint:v1 -->

    --- inline src/session.rs:2 RIGHT outdated
    **A token is accepted in the second it expires** · high · found by both

    `<=` lets a token pass at `expires_at` itself; it was `<` before.

    A request in that very second is let in.

    <details><summary>In Codex's words: Expired token is accepted at the boundary</summary>

    The comparison `now <= expires_at` accepts a token in the very second it expires.

    </details>

    <sub>Raised blind by Claude and Codex, independently · `/counterpoint dismiss f1 reason`</sub>
    <!-- counterpoint:v1 -->

    --- inline src/session.rs:13 RIGHT
    **The tenant is missing from the key** · high · found by both

    Two tenants share one entry.

    The call fails in production.

    <sub>Raised blind by Claude and Codex, independently · `/counterpoint dismiss f2 reason`</sub>
    <!-- counterpoint:v1 -->

    --- comment
    ### Counterpoint: 2 to fix

    Claude and Codex both finished on `<head>`. 1 file, 11 changed lines read · <time> · **<usd> of $1.00**

    #### Fix: found by both, independently
    | | where | what goes wrong |
    |---|---|---|
    | high | [`src/session.rs:5`](https://github.com/acme/shop/pull/7#discussion_r<id>) | Expired token is accepted at the boundary |
    | high | [`src/session.rs:13`](https://github.com/acme/shop/pull/7#discussion_r<id>) | The tenant is missing from the key |

    <details><summary>Cost, time, models</summary>

    | | model | passes | tokens in (cached) / out | time | cost |
    |---|---|---|---|---|---|
    | Claude | `claude-sonnet-5-5` | review | <in> / <out> | <m:ss> | <usd> |
    | Codex | `gpt-6.1-sol` | review | <in> / <out> | <m:ss> | <usd> |

    Worst case planned: <usd>. List prices of 2026-11-22. This pull request so far: <usd> of $3.00.

    </details>

    <sub>`/review` looks again · default configuration · v0.1.0</sub>

    <!-- counterpoint:v1 -->

    --- check Counterpoint success on 146d23b996d7ad59a331c47d9680f696a17ad0e9: 1 to fix · <usd>
    [The summary](https://github.com/acme/shop/pull/7#issuecomment-<id>) stands on the pull request.

    <!-- counterpoint:v1 -->

    --- check Counterpoint success on <head>: 2 to fix · <usd>
    [The summary](https://github.com/acme/shop/pull/7#issuecomment-<id>) stands on the pull request.

    <!-- counterpoint:v1 -->
    ");
    world.assert_clean();
}

#[tokio::test]
async fn a_push_that_fixes_everything_says_so_in_the_comment_that_stands() {
    let world = shop().await;
    both_agree(&world);
    first(&world).await;
    world.push(7, &[("src/session.rs", &BEFORE.replace("    amount\n", "    amount + 0\n"))], OldHead::Stays);
    both_silent(&world);
    let second = synchronized(&world).await;
    assert_eq!(end(&second), "exit 0: reviewed ok, gate off, lanes 2/2");
    assert_eq!(standing(&world), "1 reviews, 1 inline, 1 comments, 2 checks");
    let summary = world.published(7).summary().unwrap_or_default().to_owned();
    insta::assert_snapshot!(summary.lines().next().unwrap_or_default(), @"### Counterpoint: nothing found");
    world.assert_clean();
}

#[tokio::test]
async fn a_thread_that_somebody_answered_is_neither_repeated_nor_touched() {
    let world = shop().await;
    both_agree(&world);
    first(&world).await;
    let thread = world.published(7).inline[0].clone();
    world.with(|state| {
        let mut answer = thread.clone();
        answer.id = state.new_id();
        answer.user = User::person("mona");
        answer.in_reply_to = Some(thread.id);
        answer.body = "Not a bug: the caller checks it.".to_owned();
        state.review_comments.push(answer);
    });
    both_agree(&world);
    command(&world, "/review full").await;
    assert_eq!(world.count("DELETE *"), 1, "only the eyes: {}", world.transcript());
    assert_eq!(world.published(7).inline.len(), 1);
    assert_eq!(world.published(7).inline[0].body, thread.body);
}

#[tokio::test]
async fn the_same_defect_twice_in_a_file_keeps_its_two_threads() {
    let twice = "fn a(x: u64) -> u64 {\n    x / 0\n}\n\nfn b(x: u64) -> u64 {\n    x / 0\n}\n";
    let world = world_with(Pull::from_files(&[("m.rs", "// maths\n")], &[("m.rs", twice)])).await;
    let at = |line| finding("m.rs", line, "    x / 0").title("Division by zero").body("`x / 0` panics.");
    for _ in 0..2 {
        world.claude().answers(reply([at(2), at(6)]));
        world.codex().answers(reply([at(2), at(6)]));
    }
    first(&world).await;
    assert_eq!(world.published(7).places(), ["m.rs:2 RIGHT", "m.rs:6 RIGHT"]);
    command(&world, "/review full").await;
    assert_eq!(world.published(7).places(), ["m.rs:2 RIGHT", "m.rs:6 RIGHT"]);
    world.assert_clean();
}

// A clean pull request.

#[tokio::test]
async fn a_clean_pull_request_gets_a_check_and_no_comment() {
    let world = shop().await;
    both_silent(&world);
    let run = first(&world).await;
    insta::assert_snapshot!(end(&run), @"exit 0: reviewed ok, gate off, lanes 2/2");
    insta::assert_snapshot!(told(&world), @r"
    --- check Counterpoint success on <head>: Nothing found · <usd>
    Nothing found.

    <!-- counterpoint:v1 -->
    ");
    assert_eq!(run.output("review-url"), "");
    world.assert_clean();
}

#[tokio::test]
async fn a_clean_pull_request_whose_check_cannot_be_written_gets_one_comment_that_is_edited_later() {
    let world = shop().await;
    world.no_check_permission();
    both_silent(&world);
    let run = first(&world).await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    insta::assert_snapshot!(told(&world), @"
    --- comment
    ### Counterpoint: nothing found

    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**

    The check could not be written. Give the job `checks: write`.

    <details><summary>Cost, time, models</summary>

    | | model | passes | tokens in (cached) / out | time | cost |
    |---|---|---|---|---|---|
    | Claude | `claude-sonnet-5-5` | review | <in> / <out> | <m:ss> | <usd> |
    | Codex | `gpt-6.1-sol` | review | <in> / <out> | <m:ss> | <usd> |

    Worst case planned: <usd>. List prices of 2026-11-22. This pull request so far: <usd> of $3.00.

    </details>

    <sub>`/review` looks again · default configuration · v0.1.0</sub>

    <!-- counterpoint:v1 -->
    ");
    let again = opened(&world).finish().await;
    assert_eq!(end(&again), "exit 0: reviewed already-reviewed, gate off, lanes 2/2");
    world.push(7, &[("src/session.rs", &AFTER.replace("* 2", "* 3"))], OldHead::Stays);
    both_silent(&world);
    synchronized(&world).await;
    assert_eq!(standing(&world), "0 reviews, 0 inline, 1 comments, 0 checks");
    world.assert_clean();
}

// Whose memory is trusted.

/// Leaves a review of our account that was never submitted: one that was posted elsewhere, changed. Uses up
/// one answer of each lane.
async fn leave_pending(world: &World, body: &str) {
    world.add(
        Pull::from_files(&[("src/session.rs", BEFORE)], &[("src/session.rs", AFTER), ("b.rs", "b\n")])
            .number(8),
    );
    on(world, world.pull_request_event(8)).finish().await.assert_code(0);
    let mut left = world.published(8).reviews[0].clone();
    (left.pull, left.commit_id, left.body) = (7, world.head(7), body.to_owned());
    left.state = "PENDING".to_owned();
    world.with(|state| {
        left.id = state.new_id();
        state.reviews.push(left);
    });
}

#[tokio::test]
async fn a_pending_review_that_a_dead_run_left_behind_is_cleared_away() {
    let world = shop().await;
    both_agree(&world);
    leave_pending(&world, "Counterpoint left 1 comment.\n\n<!-- counterpoint:v1 {} -->").await;
    both_agree(&world);
    let run = first(&world).await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    assert_eq!(
        world.published(7).reviews.iter().map(|review| review.state.as_str()).collect::<Vec<_>>(),
        ["COMMENTED"]
    );
    world.assert_clean();
}

#[tokio::test]
async fn somebody_elses_pending_review_under_the_same_account_is_left_alone() {
    let world = shop().await;
    both_agree(&world);
    leave_pending(&world, "A draft by another action.").await;
    both_agree(&world);
    let run = opened(&world).finish().await;
    insta::assert_snapshot!(end(&run), @"exit 0: partial comments-refused, gate off, lanes 2/2");
    assert_eq!(world.count("DELETE *"), 0);
    assert_eq!(world.published(7).comments.len(), 1);
    world.assert_clean();
}
