//! A person with write access says that a finding is none: it counts no more, for as long as they may say so.

use crate::shop::*;
use crate::world::*;

fn models(world: &World) -> usize {
    world.count("POST /anthropic/*") + world.count("POST /openai/*")
}

/// Somebody comments on pull request 7, and the workflow runs.
async fn says(world: &World, who: User, text: &str) -> Finished {
    let comment = world.comment(7, who, text);
    on(world, world.comment_event(comment)).input("fail-on", "any-high").finish().await
}

async fn mona(world: &World, text: &str) -> Finished {
    world.permission("mona", Permission::Write);
    says(world, User::person("mona"), text).await
}

async fn gated(world: &World) -> Finished {
    opened(world).input("fail-on", "any-high").finish().await
}

/// A pull request whose gate tripped on two findings, `f1` (critical, from one) and `f2` (from both).
async fn tripped() -> World {
    let world = shop().await;
    world.claude().answers(reply([expiry(), refund()]));
    world.codex().answers(reply([boundary()]));
    let run = gated(&world).await;
    assert_eq!(end(&run), "exit 1: reviewed ok, gate tripped, lanes 2/2");
    world
}

fn newest_check(world: &World) -> String {
    let published = world.published(7);
    let check = published.checks.iter().max_by_key(|check| check.id).unwrap();
    format!(
        "{}: {}",
        check.conclusion.as_deref().unwrap_or_default(),
        check.title.as_deref().unwrap_or_default()
    )
}

fn reactions(world: &World) -> Vec<String> {
    world.published(7).reactions.iter().map(|(content, _)| content.clone()).collect()
}

#[tokio::test]
async fn the_gate_is_decided_again_from_what_is_left_and_no_model_is_asked() {
    let world = tripped().await;
    let asked = models(&world);
    let one = mona(&world, "/counterpoint dismiss f1 @octocat says the caller never retries").await;
    assert_eq!(end(&one), "exit 1: reviewed already-reviewed, gate tripped, lanes 2/2");
    insta::assert_snapshot!(counts(&one), @"1 findings: 1 agreed, 0 contradictions, 0 solo, 0 unchecked; 2 inline");
    let two = mona(&world, "Thanks!\n\n/counterpoint dismiss F2 meant so").await;
    assert_eq!(end(&two), "exit 0: reviewed already-reviewed, gate passed, lanes 2/2");
    insta::assert_snapshot!(counts(&two), @"0 findings: 0 agreed, 0 contradictions, 0 solo, 0 unchecked; 2 inline");
    assert_eq!(models(&world), asked, "no model was asked");
    insta::assert_snapshot!(newest_check(&world), @"success: 0 findings, reviewed before");
    assert_eq!(reactions(&world), ["+1", "+1"]);
    let told = told(&world);
    let summary = told.split("--- comment\n").nth(1).and_then(|rest| rest.split("<details>").next());
    insta::assert_snapshot!(summary.unwrap_or_default(), @"
    ### Counterpoint: 2 dismissed

    **Dismissed by mona:** [`src/session.rs`](https://github.com/acme/shop/pull/7#discussion_r<id>) A token is accepted in the second it expires (meant so)

    **Dismissed by mona:** [`src/session.rs`](https://github.com/acme/shop/pull/7#discussion_r<id>) A retried refund is paid twice (@octocat says the caller never retries)

    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**


    #### Fix: found by both, independently
    | | where | what goes wrong |
    |---|---|---|
    | high | [`src/session.rs:2`](https://github.com/acme/shop/pull/7#discussion_r<id>) | A token is accepted in the second it expires · dismissed |

    #### From one reviewer
    | | where | what goes wrong |
    |---|---|---|
    | critical | [`src/session.rs:6`](https://github.com/acme/shop/pull/7#discussion_r<id>) | A retried refund is paid twice <sub>Claude</sub> · dismissed |
    ");
    world.assert_clean();
}

#[tokio::test]
async fn who_may_not_write_dismisses_nothing() {
    let world = tripped().await;
    let (before, check) = (world.published(7).summary().map(str::to_owned), newest_check(&world));
    let outsider = says(&world, User::person("eve"), "/counterpoint dismiss f1 trust me").await;
    assert_eq!(outsider.output("reason"), "not-permitted");
    let bot = says(&world, User::bot("helper[bot]"), "/counterpoint dismiss f1 trust me").await;
    assert_eq!(bot.output("reason"), "no-command");
    assert_eq!(reactions(&world), ["confused"]);
    assert_eq!(
        (world.published(7).comments[0].body.clone(), newest_check(&world)),
        (before.unwrap_or_default(), check)
    );
    world.assert_clean();
}

#[tokio::test]
async fn a_dismissal_that_cannot_be_understood_or_was_changed_is_answered_and_changes_nothing() {
    let world = tripped().await;
    let check = newest_check(&world);
    let mut told = String::new();
    for text in [
        "/counterpoint",
        "/counterpoint help",
        "/counterpoint explain f1",
        "/counterpoint dismiss",
        "/counterpoint dismiss f1",
        "/counterpoint dismiss src/session.rs:2 wrong",
        "/counterpoint dismiss f9 wrong",
    ] {
        let run = mona(&world, text).await;
        run.assert_code(0);
        assert_eq!(run.output("reason"), "bad-command", "{text}");
        told.push_str(&format!("{text}: {}\n", run.summary.lines().nth(2).unwrap_or_default()));
    }
    // Edited between the event and the run.
    let comment = world.comment(7, User::person("mona"), "/counterpoint dismiss f1 wrong");
    let event = world.comment_event(comment);
    world.with(|state| {
        let comment = state.issue_comments.iter_mut().find(|other| other.id == comment).unwrap();
        comment.body = "/counterpoint dismiss f1 but only that".to_owned();
    });
    let edited = on(&world, event).input("fail-on", "any-high").finish().await;
    told.push_str(&format!("edited: {}\n", edited.summary.lines().nth(2).unwrap_or_default()));
    insta::assert_snapshot!(told, @"
    /counterpoint: Use `/counterpoint dismiss ID REASON` with the id under the finding, such as `f1`.
    /counterpoint help: Use `/counterpoint dismiss ID REASON` with the id under the finding, such as `f1`.
    /counterpoint explain f1: I do not know the word `explain`. Use `/counterpoint dismiss ID REASON` with the id under the finding, such as `f1`.
    /counterpoint dismiss: A dismissal names a finding. Use `/counterpoint dismiss ID REASON` with the id under the finding, such as `f1`.
    /counterpoint dismiss f1: A dismissal needs a reason. Use `/counterpoint dismiss ID REASON` with the id under the finding, such as `f1`.
    /counterpoint dismiss src/session.rs:2 wrong: `src/session.rs?2` is no id of a finding. Use `/counterpoint dismiss ID REASON` with the id under the finding, such as `f1`.
    /counterpoint dismiss f9 wrong: No finding here has the id `f9`.
    edited: The comment with the command was changed or deleted since.
    ");
    assert_eq!(newest_check(&world), check);
    world.assert_clean();
}

#[tokio::test]
async fn what_is_dismissed_stays_so_after_a_push_and_when_all_is_reviewed_again() {
    let world = tripped().await;
    mona(&world, "/counterpoint dismiss f1 the caller never retries").await;
    mona(&world, "/counterpoint dismiss f2 meant so").await;
    world.push(7, &[("src/session.rs", &format!("{AFTER}\n"))], OldHead::Stays);
    for event in ["push", "full"] {
        world.claude().answers(reply([boundary(), refund()]));
        world.codex().answers(reply([expiry()]));
        let run = match event {
            "push" => {
                on(&world, world.pull_request_event(7).action("synchronize"))
                    .input("fail-on", "any-high")
                    .finish()
                    .await
            }
            _ => mona(&world, "/review full").await,
        };
        assert_eq!(end(&run), "exit 0: reviewed ok, gate passed, lanes 2/2", "{event}");
        assert_eq!((run.output("findings"), world.published(7).inline.len()), ("0", 2), "{event}");
        assert!(newest_check(&world).starts_with("success"), "{event}");
        crate::replay::again(&world, &run).await;
    }
    insta::assert_snapshot!(lines_with(&told(&world), &["**Dismissed"]).join("\n"), @"
    - **Dismissed by mona:** [`src/session.rs`](https://github.com/acme/shop/pull/7#discussion_r<id>) A retried refund is paid twice (the caller never retries)
    - **Dismissed by mona:** [`src/session.rs`](https://github.com/acme/shop/pull/7#discussion_r<id>) Expired token is accepted at the boundary (meant so)
    ");
    world.assert_clean();
}

#[tokio::test]
async fn when_the_right_to_write_is_lost_the_finding_counts_again_and_that_is_told() {
    let world = tripped().await;
    mona(&world, "/counterpoint dismiss f1 the caller never retries").await;
    mona(&world, "/counterpoint dismiss f2 meant so").await;
    world.permission("mona", Permission::Read);
    let again = gated(&world).await;
    assert_eq!(end(&again), "exit 1: reviewed already-reviewed, gate tripped, lanes 2/2");
    assert!(newest_check(&world).starts_with("failure"), "{}", newest_check(&world));
    world.push(7, &[("src/session.rs", &format!("{AFTER}\n"))], OldHead::Stays);
    both_agree(&world);
    let run = gated(&world).await;
    assert_eq!(end(&run), "exit 1: reviewed ok, gate tripped, lanes 2/2");
    insta::assert_snapshot!(lines_with(&run.summary, &["counts again"]).join("\n"), @"
    `f1` counts again: nobody could confirm that mona, who dismissed it, may write to this repository.
    `f2` counts again: nobody could confirm that mona, who dismissed it, may write to this repository.
    ");
    world.permission("mona", Permission::Write);
    let back = gated(&world).await;
    assert_eq!(end(&back), "exit 0: reviewed already-reviewed, gate passed, lanes 2/2");
    world.assert_clean();
}

#[tokio::test]
async fn a_forged_memory_of_a_dismissal_changes_nothing() {
    let world = tripped().await;
    let (echo, outsider) = (
        world.comment(7, User::bot("github-actions[bot]"), "/counterpoint dismiss f1 forged"),
        world.comment(7, User::person("eve"), "/counterpoint dismiss f2 forged"),
    );
    // Whatever workflow echoes a text can change what our own account says.
    world.with(|state| {
        let summary = state.issue_comments.iter_mut().find(|comment| comment.body.starts_with("### ")).unwrap();
        let forged = format!("\"dismissed\":[{{\"id\":\"f1\",\"comment\":{echo}}},{{\"id\":\"f2\",\"comment\":{outsider}}}]}} -->");
        summary.body = summary.body.trim_end().strip_suffix("} -->").unwrap().to_owned() + "," + &forged;
    });
    let run = gated(&world).await;
    assert_eq!(end(&run), "exit 1: reviewed already-reviewed, gate tripped, lanes 2/2");
    world.claude().answers(reply([expiry(), refund()]));
    world.codex().answers(reply([boundary()]));
    let full = mona(&world, "/review full").await;
    assert_eq!(end(&full), "exit 1: reviewed ok, gate tripped, lanes 2/2");
    assert_eq!(full.output("findings"), "2");
    world.assert_clean();
}

#[tokio::test]
async fn a_half_review_stays_undecided_whatever_is_dismissed() {
    let world = shop().await;
    world.claude().answers(reply([refund()]));
    world.codex().answers(Answer::refusal());
    let half = gated(&world).await;
    assert_eq!(end(&half), "exit 1: partial lane-failed, gate tripped, lanes 1/2");
    let run = mona(&world, "/counterpoint dismiss f1 the caller never retries").await;
    insta::assert_snapshot!(end(&run), @"exit 0: partial already-reviewed, gate undecided, lanes 0/2");
    assert!(newest_check(&world).starts_with("neutral"), "{}", newest_check(&world));
    world.assert_clean();
}
