//! The main job: two lanes read one pull request, and people see what they agree on and where they differ.

use crate::world::*;

const BEFORE: &str = "pub fn is_valid(expires_at: u64, now: u64) -> bool {\n    now < expires_at\n}\n\npub fn refund(amount: u64, retried: bool) -> u64 {\n    amount\n}\n";
const AFTER: &str = "pub fn is_valid(expires_at: u64, now: u64) -> bool {\n    now <= expires_at\n}\n\npub fn refund(amount: u64, retried: bool) -> u64 {\n    if retried { amount * 2 } else { amount }\n}\n\npub fn key(tenant: &str, id: u64) -> String {\n    format!(\"{id}\")\n}\n";

/// Times are the machine's, not the review's.
fn steady(text: &str) -> String {
    let words = regex::Regex::new(r"\b\d+( min \d+)? s\b").unwrap().replace_all(text, "<time>").into_owned();
    regex::Regex::new(r"\| \d+:\d\d \|").unwrap().replace_all(&words, "| <time> |").into_owned()
}

async fn shop() -> World {
    let world = World::start().await;
    world.add(Pull::from_files(&[("src/session.rs", BEFORE)], &[("src/session.rs", AFTER)]));
    world
}

fn expiry() -> Finding {
    finding("src/session.rs", 2, "    now <= expires_at")
        .title("A token is accepted in the second it expires")
        .body("`<=` lets a token pass at `expires_at` itself; it was `<` before.")
        .severity("high")
}

#[tokio::test]
async fn both_lanes_read_a_pull_request_and_people_see_one_review_and_one_summary() {
    let world = shop().await;
    world.claude().answers(reply([
        expiry(),
        finding("src/session.rs", 6, "    if retried { amount * 2 } else { amount }")
            .title("A retried refund is paid twice")
            .body("With `retried` the amount doubles.")
            .severity("critical"),
    ]));
    world.codex().answers(
        reply([finding("src/session.rs", 3, "    now <= expires_at")
            .title("Expired token is accepted at the boundary")
            .body("The comparison `now <= expires_at` accepts a token in the very second it expires.")
            .severity("medium")])
        .clears([clearance(
            "src/session.rs",
            "    if retried { amount * 2 } else { amount }",
            "The caller halves it.",
        )]),
    );
    let run = Run::new(env!("CARGO_BIN_EXE_counterpoint"), &world)
        .event(world.pull_request_event(7))
        .finish()
        .await;
    run.assert_code(0);
    assert_eq!(run.output("outcome"), "reviewed");
    insta::assert_snapshot!(steady(&world.published(7).to_string()), @"
    --- review COMMENTED on <head>
    Counterpoint left 2 comments; the summary comment tells the rest.

    <!-- counterpoint:v1 -->

    --- inline src/session.rs:6 RIGHT
    **A retried refund is paid twice** · critical · the reviewers disagree

    With `retried` the amount doubles.

    The call fails in production.

    > **Against (Codex), who checked it and holds it sound:** The caller halves it.

    **To settle it:** can what Claude describes happen, or does Codex's reason rule it out?

    <sub>Raised blind by Claude, contradicted blind by Codex · `/counterpoint dismiss f1 reason`</sub>
    <!-- counterpoint:v1 -->

    --- inline src/session.rs:2 RIGHT
    **A token is accepted in the second it expires** · high (Codex: medium) · found by both

    `<=` lets a token pass at `expires_at` itself; it was `<` before.

    The call fails in production.

    <details><summary>In Codex's words: Expired token is accepted at the boundary</summary>

    The comparison `now <= expires_at` accepts a token in the very second it expires.

    The call fails in production.

    </details>

    <sub>Raised blind by Claude and Codex, independently · `/counterpoint dismiss f2 reason`</sub>
    <!-- counterpoint:v1 -->

    --- comment
    ### Counterpoint: 1 to fix, 1 for you to decide

    Claude and Codex both finished on `<head>`. 1 file, 8 changed lines read · <time> · **$0.02 of $1.00**

    #### Fix: found by both, independently
    | | where | what goes wrong |
    |---|---|---|
    | high (Codex: medium) | [`src/session.rs:2`](https://github.com/acme/shop/pull/7#discussion_r<id>) | A token is accepted in the second it expires |

    #### Decide: the reviewers differ
    **[`src/session.rs:6`](https://github.com/acme/shop/pull/7#discussion_r<id>) A retried refund is paid twice** · critical · contradiction
    - **Claude:** With `retried` the amount doubles.
    - **Codex checked it and holds it sound:** The caller halves it.
    - **Settle it:** can what Claude describes happen, or does Codex's reason rule it out?

    <details><summary>Cost, time, models</summary>

    | | model | passes | tokens in (cached) / out | time | cost |
    |---|---|---|---|---|---|
    | Claude | `claude-sonnet-5-5` | review | 1.8k / 255 | <time> | $0.01 |
    | Codex | `gpt-6.1-sol` | review | 1.9k / 176 | <time> | $0.01 |

    Worst case planned: $0.38. List prices of 2026-11-22. This pull request so far: $0.02 of $3.00.

    </details>

    <sub>`/review` looks again · default configuration · v0.1.0</sub>

    <!-- counterpoint:v1 -->

    --- check Counterpoint success on <head>: 1 to fix, 1 for you to decide · $0.02
    [The summary](https://github.com/acme/shop/pull/7#issuecomment-<id>) stands on the pull request.

    <!-- counterpoint:v1 -->
    ");
    world.assert_clean();
}
