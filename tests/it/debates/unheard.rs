//! The other lane refuted it, and the lane that raised it quotes what stands nowhere, says nothing or cannot be asked.

use super::*;

fn void() -> Said {
    defence(EXPIRY, "stand", FILE, "    now <= expires_at + LEEWAY").claim("It does.")
}

#[tokio::test]
async fn an_answer_that_quotes_what_stands_nowhere_is_asked_for_once_more_and_then_counts_as_none() {
    let world = contested().await;
    world.claude().defends(answers([void()])).defends(answers([void()]));
    let run = adversarial(&world).finish().await;
    insta::assert_snapshot!(ended(&run), @"
    exit 0: reviewed ok, gate off, lanes 2/2
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
      - **Claude could show no code for it.**

    </details>
    ");
    assert_eq!(asked(world.claude()), [Pass::Review, Pass::Defend, Pass::Defend]);
    world.assert_clean();
}

#[tokio::test]
async fn an_answer_that_quotes_what_stands_the_second_time_counts() {
    for repaired in [stands(), defence(EXPIRY, "narrow", FILE, COMPARISON).severity("medium").claim("Less.")]
    {
        let world = contested().await;
        world.claude().defends(answers([void()])).defends(answers([repaired]));
        let run = adversarial(&world).finish().await;
        assert_eq!(run.output("disputed"), "1", "{}", ended(&run));
        assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
        world.assert_clean();
    }
}

#[tokio::test]
async fn an_answer_whose_second_try_fails_was_not_heard() {
    for failed in [Answer::refusal(), Answer::text("Never mind."), Answer::out_of_quota()] {
        let world = contested().await;
        world.claude().defends(answers([void()])).otherwise(failed);
        let run = adversarial(&world).finish().await;
        assert_eq!(run.output("disputed"), "1", "{}", ended(&run));
        assert!(read(&world).contains("not heard"), "{}", read(&world));
        world.assert_clean();
    }
}

#[tokio::test]
async fn an_answer_that_leaves_the_finding_out_was_not_heard_on_it() {
    let world = contested().await;
    world.claude().defends(answers([]));
    let run = adversarial(&world).finish().await;
    insta::assert_snapshot!(ended(&run), @"
    exit 0: reviewed ok, gate off, lanes 2/2
    1 disputed of 1, 1 inline
    ");
    assert!(read(&world).contains("not heard"), "{}", read(&world));
    world.assert_clean();
}

#[tokio::test]
async fn a_lane_that_could_not_answer_leaves_it_disputed_and_the_summary_says_not_heard() {
    let mut told = String::new();
    for (name, answer) in [
        ("refusal", Answer::refusal()),
        ("prose", Answer::text("I would rather not.")),
        ("overloaded", Answer::overloaded()),
        ("no money", Answer::out_of_quota()),
    ] {
        let world = contested().await;
        world.claude().otherwise(answer);
        let run = adversarial(&world).finish().await;
        told.push_str(&format!("{name}: {}\n", ended(&run).replace('\n', "; ")));
        told.push_str(&lines_with(&read(&world), &["not heard"]).join("\n"));
        told.push('\n');
        world.assert_clean();
    }
    insta::assert_snapshot!(told, @"
    refusal: exit 0: partial lane-failed, gate off, lanes 1/2; 1 disputed of 1, 1 inline
    > **For (Claude):** was not heard on this (the model refused: cyber).
    - **Claude was not heard on this** (the model refused: cyber).
    prose: exit 0: partial lane-failed, gate off, lanes 1/2; 1 disputed of 1, 1 inline
    > **For (Claude):** was not heard on this (the answer holds no list of defences, 2 tries).
    - **Claude was not heard on this** (the answer holds no list of defences, 2 tries).
    overloaded: exit 0: partial lane-failed, gate off, lanes 1/2; 1 disputed of 1, 1 inline
    > **For (Claude):** was not heard on this (127.0.0.1:<port> is overloaded (HTTP 529): overloaded_error: Overloaded, 3 tries).
    - **Claude was not heard on this** (127.0.0.1:<port> is overloaded (HTTP 529): overloaded_error: Overloaded, 3 tries).
    no money: exit 0: partial lane-failed, gate off, lanes 1/2; 1 disputed of 1, 1 inline
    > **For (Claude):** was not heard on this (127.0.0.1:<port> wants to be paid first (HTTP 429): rate_limit_error: enforced_spend_limit_reached: You have reached your specified API usage limits).
    - **Claude was not heard on this** (127.0.0.1:<port> wants to be paid first (HTTP 429): rate_limit_error: enforced_spend_limit_reached: You have reached your specified API usage limits).
    ");
}
