//! What people see when something is missing: a lane, money, time, rights, the head, GitHub, the run itself.

use std::time::{Duration, Instant};

use crate::shop::*;
use crate::world::*;

// One lane down.

#[tokio::test]
async fn a_lane_that_is_overloaded_three_times_leaves_the_others_review_labelled_as_one_view() {
    let world = shop().await;
    world.claude().answers(reply([expiry()]));
    world.codex().answers(Answer::overloaded()).answers(Answer::overloaded()).answers(Answer::overloaded());
    let run = opened(&world).finish().await;
    insta::assert_snapshot!(end(&run), @"exit 0: partial lane-failed, gate off, lanes 1/2");
    insta::assert_snapshot!(counts(&run), @"1 findings: 0 agreed, 0 contradictions, 0 solo, 1 unchecked; 1 inline");
    insta::assert_snapshot!(told(&world), @"
    --- review COMMENTED on <head>
    Counterpoint left 1 comment; the summary comment tells the rest.

    <!-- counterpoint:v1 -->

    --- inline src/session.rs:2 RIGHT
    **A token is accepted in the second it expires** · high · one reviewer

    `<=` lets a token pass at `expires_at` itself; it was `<` before.

    A request in that very second is let in.

    <sub>Raised blind by Claude; unchecked, because Codex did not finish · `/counterpoint dismiss f1 reason`</sub>
    <!-- counterpoint:v1 -->

    --- comment
    ### Counterpoint: 1 from one reviewer

    Claude finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**

    Codex did not finish (127.0.0.1:<port> is overloaded (HTTP 503): server_error: server_error: The server is overloaded, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.

    #### From one reviewer
    | | where | what goes wrong |
    |---|---|---|
    | high | [`src/session.rs:2`](https://github.com/acme/shop/pull/7#discussion_r<id>) | A token is accepted in the second it expires <sub>Claude; unchecked, because Codex did not finish</sub> |

    <details><summary>Cost, time, models</summary>

    | | model | passes | tokens in (cached) / out | time | cost |
    |---|---|---|---|---|---|
    | Claude | `claude-sonnet-5-5` | review | <in> / <out> | <m:ss> | <usd> |
    | Codex | `gpt-6.1-sol` | not available, 3 requests | unknown | <m:ss> | $0.00 |

    Worst case planned: <usd>. List prices of 2026-11-22. This pull request so far: <usd> of $3.00.

    </details>

    <sub>`/review` looks again · default configuration · v0.1.0</sub>

    <!-- counterpoint:v1 -->

    --- check Counterpoint neutral on <head>: 1 from one reviewer (lane-failed) · <usd>
    Codex did not finish (127.0.0.1:<port> is overloaded (HTTP 503): server_error: server_error: The server is overloaded, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.

    [The summary](https://github.com/acme/shop/pull/7#issuecomment-<id>) stands on the pull request.

    <!-- counterpoint:v1 -->
    ");
    world.assert_clean();
}

/// One way for a lane to end, played by one vendor's lane while the other finds something.
async fn one_lane_ends(claude_ends: bool, answer: Answer, wrong_key: bool) -> (String, String) {
    let world = shop().await;
    let (dying, living) =
        if claude_ends { (world.claude(), world.codex()) } else { (world.codex(), world.claude()) };
    living.answers(reply([expiry()]));
    if !wrong_key {
        dying.otherwise(answer);
    }
    let mut run = opened(&world);
    if wrong_key {
        run = run.env(if claude_ends { "ANTHROPIC_API_KEY" } else { "OPENAI_API_KEY" }, "a-key-nobody-knows");
    }
    let run = run.finish().await;
    assert_eq!(end(&run), "exit 0: partial lane-failed, gate off, lanes 1/2");
    assert_eq!(counts(&run), "1 findings: 0 agreed, 0 contradictions, 0 solo, 1 unchecked; 1 inline");
    assert_eq!(check(&world).0, "neutral");
    let published = world.published(7);
    assert_eq!(published.places(), ["src/session.rs:2 RIGHT"]);
    let summary = tidy(published.summary().unwrap_or_default());
    assert!(!summary.contains("both"), "{summary}");
    let said = lines_with(&summary, &["did not finish"]).first().map(|line| (*line).to_owned());
    world.assert_clean();
    (said.unwrap_or(summary), format!("{}\n{}", published.inline[0].body, run.stderr))
}

#[tokio::test]
async fn whatever_a_lane_ends_in_the_summary_says_why_and_what_to_do() {
    let mut told = String::new();
    for (name, answer) in [
        ("wrong key", None),
        ("refusal", Some(Answer::refusal())),
        ("truncated", Some(Answer::truncated("{\"pass\": \"review\", \"findings\": [{\"id\": \"F1\", \"ti"))),
        ("prose", Some(Answer::text("I would rather talk about the weather."))),
        ("no text", Some(Answer::text(""))),
        ("html", Some(Answer::html())),
        ("cut", Some(Answer::reply(reply([expiry()])).cut())),
        ("stream breaks off", Some(Answer::breaks_off("{\"pass\": \"rev"))),
        ("no money", Some(Answer::out_of_quota())),
        ("wait an hour", Some(Answer::rate_limited(Some(3600)))),
        ("content filter", Some(Answer::unfinished("content_filter"))),
    ] {
        let wrong_key = answer.is_none();
        let answer = answer.unwrap_or_else(Answer::hang);
        let claude = one_lane_ends(true, answer.clone(), wrong_key);
        let codex = one_lane_ends(false, answer, wrong_key);
        let ((claude, _), (codex, _)) = tokio::join!(claude, codex);
        told.push_str(&format!("{name}\n  {claude}\n  {codex}\n"));
    }
    insta::assert_snapshot!(told, @"
    wrong key
      Claude did not finish (127.0.0.1:<port> did not accept the key (HTTP 401): authentication_error: invalid x-api-key): this is one reviewer's view. Check the secret given to the input `anthropic-api-key` (or ANTHROPIC_API_KEY): it is wrong, revoked or of another provider.
      Codex did not finish (127.0.0.1:<port> did not accept the key (HTTP 401): invalid_request_error: invalid_api_key: Incorrect API key provided): this is one reviewer's view. Check the secret given to the input `openai-api-key` (or OPENAI_API_KEY): it is wrong, revoked or of another provider.
    refusal
      Claude did not finish (the model refused: cyber, <m:ss>): this is one reviewer's view. Name a `fallback` model for the lane: it is asked where this one refuses.
      Codex did not finish (the model refused, <m:ss>): this is one reviewer's view. Name a `fallback` model for the lane: it is asked where this one refuses.
    truncated
      Claude did not finish (its answer was cut at the output limit, 2 tries, <m:ss>): this is one reviewer's view. Split the pull request, or lower the lane's effort.
      Codex did not finish (its answer was cut at the output limit, 2 tries, <m:ss>): this is one reviewer's view. Split the pull request, or lower the lane's effort.
    prose
      Claude did not finish (the answer holds no list of findings, 2 tries, <m:ss>): this is one reviewer's view. Choose a model that keeps to a form, or name a `fallback` for the lane.
      Codex did not finish (the answer holds no list of findings, 2 tries, <m:ss>): this is one reviewer's view. Choose a model that keeps to a form, or name a `fallback` for the lane.
    no text
      Claude did not finish (the answer holds no list of findings, 2 tries, <m:ss>): this is one reviewer's view. Choose a model that keeps to a form, or name a `fallback` for the lane.
      Codex did not finish (the answer holds no list of findings, 2 tries, <m:ss>): this is one reviewer's view. Choose a model that keeps to a form, or name a `fallback` for the lane.
    html
      Claude did not finish (127.0.0.1:<port> answered with an HTML page instead of JSON: is a proxy or a login page in between?, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.
      Codex did not finish (127.0.0.1:<port> answered with an HTML page instead of JSON: is a proxy or a login page in between?, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.
    cut
      Claude did not finish (127.0.0.1:<port>: the connection was cut in the middle of the answer: unexpected EOF during chunk size line, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.
      Codex did not finish (127.0.0.1:<port>: the connection was cut in the middle of the answer: unexpected EOF during chunk size line, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.
    stream breaks off
      Claude did not finish (127.0.0.1:<port> is overloaded (inside its answer): overloaded_error: Overloaded, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.
      Codex did not finish (127.0.0.1:<port> had an error (inside its answer): server_error: The server had an error, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.
    no money
      Claude did not finish (127.0.0.1:<port> wants to be paid first (HTTP 429): rate_limit_error: enforced_spend_limit_reached: You have reached your specified API usage limits): this is one reviewer's view. Add credit, or raise the spending limit, of the account that the key in the input `anthropic-api-key` (or ANTHROPIC_API_KEY) belongs to.
      Codex did not finish (127.0.0.1:<port> wants to be paid first (HTTP 429): insufficient_quota: insufficient_quota: You exceeded your current quota, please check your plan and billing details): this is one reviewer's view. Add credit, or raise the spending limit, of the account that the key in the input `openai-api-key` (or OPENAI_API_KEY) belongs to.
    wait an hour
      Claude did not finish (rate limit, <m:ss>): this is one reviewer's view. Run it again later.
      Codex did not finish (rate limit, <m:ss>): this is one reviewer's view. Run it again later.
    content filter
      Claude did not finish (the answer holds no list of findings, 2 tries, <m:ss>): this is one reviewer's view. Choose a model that keeps to a form, or name a `fallback` for the lane.
      Codex did not finish (the model refused: content_filter, <m:ss>): this is one reviewer's view. Name a `fallback` model for the lane: it is asked where this one refuses.
    ");
}

#[tokio::test]
async fn a_comment_under_a_failed_lane_says_that_the_finding_was_not_checked() {
    let (_, inline) = one_lane_ends(false, Answer::refusal(), false).await;
    let said = lines_with(&inline, &["<sub>"]).join("\n");
    insta::assert_snapshot!(tidy(&said), @"<sub>Raised blind by Claude; unchecked, because Codex did not finish · `/counterpoint dismiss f1 reason`</sub>");
}

#[tokio::test]
async fn a_limit_with_a_short_wait_is_waited_for_and_leaves_nothing_missing() {
    let world = shop().await;
    world.claude().answers(Answer::rate_limited(Some(1))).answers(reply([expiry()]));
    world.codex().answers(reply([boundary()]));
    let run = opened(&world).finish().await;
    insta::assert_snapshot!(end(&run), @"exit 0: reviewed ok, gate off, lanes 2/2");
    assert_eq!(run.output("agreed"), "1");
    let asked = world.requests_to("POST /anthropic/*");
    assert!(asked[1].at - asked[0].at >= Duration::from_millis(990), "{}", world.transcript());
    world.assert_clean();
}

#[tokio::test]
async fn a_400_on_the_schema_is_answered_once_by_leaving_it_out_and_told() {
    let world = shop().await;
    world.claude().answers(Answer::unsupported("output_config.format"));
    world.claude().answers(Answer::text(format!("Here it is:\n```json\n{}\n```", reply([expiry()]).value())));
    world.codex().answers(Answer::unsupported("text.format")).answers(reply([boundary()]));
    let run = opened(&world).finish().await;
    insta::assert_snapshot!(end(&run), @"exit 0: reviewed ok, gate off, lanes 2/2");
    insta::assert_snapshot!(counts(&run), @"1 findings: 1 agreed, 0 contradictions, 0 solo, 0 unchecked; 1 inline");
    for lane in [world.claude(), world.codex()] {
        let with: Vec<bool> = lane.requests().iter().map(|request| request.schema().is_some()).collect();
        assert_eq!(with, [true, false]);
        assert!(
            lane.requests().iter().all(|request| request.effort().is_some()),
            "more was left out than asked"
        );
    }
    let record = run.record().unwrap();
    let passes: Vec<String> = record["passes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pass| format!("{} {}", pass["lane"], pass["left_out"]))
        .collect();
    insta::assert_snapshot!(passes.join("\n"), @r#"
    "claude" ["structured-output"]
    "codex" ["structured-output"]
    "#);
    insta::assert_snapshot!(lines_with(&told(&world), &["asked again"]).join("\n"), @r"
    - Claude: asked again without structured output: 127.0.0.1:<port> did not take the request (HTTP 400): invalid_request_error: output_config.format: Extra inputs are not permitted
    - Codex: asked again without structured output: 127.0.0.1:<port> did not take the request (HTTP 400): invalid_request_error: unsupported_parameter: Unsupported parameter: 'text.format' is not supported with this model.
    ");
    world.assert_clean();
}

/// Refuses whatever optional thing still stands in a request, one at a time, and answers when none is left.
fn grumpy(found: Finding) -> Answer {
    Answer::choose(move |body| {
        let niceties = [
            ("output_config.format", "/output_config/format"),
            ("output_config.effort", "/output_config/effort"),
            ("text.format", "/text/format"),
            ("reasoning.effort", "/reasoning/effort"),
            ("prompt_cache_key", "/prompt_cache_key"),
            ("service_tier", "/service_tier"),
        ];
        let refused =
            niceties.iter().find(|(_, pointer)| body.pointer(pointer).is_some_and(|value| !value.is_null()));
        refused.map_or_else(|| reply([found.clone()]).into(), |(name, _)| Answer::unsupported(name))
    })
}

#[tokio::test]
async fn a_server_that_refuses_every_nicety_is_still_asked_for_a_review() {
    let world = shop().await;
    world.claude().otherwise(grumpy(expiry()));
    world.codex().otherwise(grumpy(boundary()));
    let run = opened(&world).finish().await;
    insta::assert_snapshot!(end(&run), @"exit 0: reviewed ok, gate off, lanes 2/2");
    assert!(
        world.claude().requests().len() > 2 && world.codex().requests().len() > 2,
        "{}",
        world.transcript()
    );
    world.assert_clean();
}

// Both lanes down.

async fn both_down() -> World {
    let world = shop().await;
    world.claude().answers(Answer::refusal());
    world.codex().otherwise(Answer::html());
    world
}

#[tokio::test]
async fn when_no_lane_answers_the_job_stays_green_and_the_check_says_that_nothing_was_reviewed() {
    let world = both_down().await;
    let run = opened(&world).finish().await;
    insta::assert_snapshot!(end(&run), @"exit 0: failed no-lane, gate off, lanes 0/2");
    insta::assert_snapshot!(told(&world), @"
    --- comment
    ### Counterpoint: not reviewed

    No reviewer finished on `<head>`, so nothing was reviewed. <time> · **<usd> at most of $1.00**

    Claude did not finish (the model refused: cyber, <m:ss>) and Codex did not finish (127.0.0.1:<port> answered with an HTML page instead of JSON: is a proxy or a login page in between?, 3 tries, <m:ss>). Name a `fallback` model for the lane: it is asked where this one refuses. Run it again later.

    <details><summary>Cost, time, models</summary>

    | | model | passes | tokens in (cached) / out | time | cost |
    |---|---|---|---|---|---|
    | Claude | `claude-sonnet-5-5` | refused | <in> / <out> | <m:ss> | <usd> |
    | Codex | `gpt-6.1-sol` | not available, 3 requests | unknown | <m:ss> | <usd> |

    Worst case planned: <usd>. List prices of 2026-11-22. A call whose usage is unknown counts at its full reservation. This pull request so far: <usd> of $3.00.

    </details>

    <sub>`/review` looks again · default configuration · v0.1.0</sub>

    <!-- counterpoint:v1 -->

    --- check Counterpoint neutral on <head>: Not reviewed (no-lane) · <usd>
    Claude did not finish (the model refused: cyber, <m:ss>) and Codex did not finish (127.0.0.1:<port> answered with an HTML page instead of JSON: is a proxy or a login page in between?, 3 tries, <m:ss>). Name a `fallback` model for the lane: it is asked where this one refuses. Run it again later.

    [The summary](https://github.com/acme/shop/pull/7#issuecomment-<id>) stands on the pull request.

    <!-- counterpoint:v1 -->
    ");
    insta::assert_snapshot!(tidy(&run.summary), @"
    ### Counterpoint: not reviewed

    No reviewer finished on `146d23b`, so nothing was reviewed. <time> · **<usd> at most of $1.00**

    Claude did not finish (the model refused: cyber, <m:ss>) and Codex did not finish (127.0.0.1:<port> answered with an HTML page instead of JSON: is a proxy or a login page in between?, 3 tries, <m:ss>). Name a `fallback` model for the lane: it is asked where this one refuses. Run it again later.

    <details><summary>Cost, time, models</summary>

    | | model | passes | tokens in (cached) / out | time | cost |
    |---|---|---|---|---|---|
    | Claude | `claude-sonnet-5-5` | refused | <in> / <out> | <m:ss> | <usd> |
    | Codex | `gpt-6.1-sol` | not available, 3 requests | unknown | <m:ss> | <usd> |

    Worst case planned: <usd>. List prices of 2026-11-22. A call whose usage is unknown counts at its full reservation. This pull request so far: <usd> of $3.00.

    </details>

    <sub>`/review` looks again · default configuration · v0.1.0</sub>
    ");
    world.assert_clean();
}

#[tokio::test]
async fn when_no_lane_answers_on_failure_fail_fails_the_job() {
    let world = both_down().await;
    let run = opened(&world).input("on-failure", "fail").finish().await;
    insta::assert_snapshot!(end(&run), @"exit 3: failed no-lane, gate off, lanes 0/2");
    assert_eq!(check(&world).0, "neutral");
}

#[tokio::test]
async fn when_no_lane_answers_and_the_check_cannot_be_written_the_job_fails() {
    let world = both_down().await;
    world.no_check_permission();
    let run = opened(&world).finish().await;
    insta::assert_snapshot!(end(&run), @"exit 3: failed no-lane, gate off, lanes 0/2");
    let published = world.published(7);
    assert_eq!((published.comments.len(), published.checks.len()), (1, 0), "{published}");
}

#[tokio::test]
async fn when_no_lane_answers_an_incomplete_gate_makes_the_check_red_and_fails_the_job() {
    let world = both_down().await;
    let run = opened(&world).input("fail-on", "incomplete").finish().await;
    insta::assert_snapshot!(end(&run), @"exit 3: failed no-lane, gate tripped, lanes 0/2");
    assert_eq!(check(&world).0, "failure");
}

// Money.

/// Prices by which the length of the answers decides, whatever the prompt is.
const BY_OUTPUT: &str = "prices:
  claude-sonnet-5-5: {input: 0.001, output: 10}
  gpt-6.1-sol: {input: 0.001, output: 10}
";

/// Prices by which the length of the prompt decides.
const BY_INPUT: &str = "prices:
  claude-sonnet-5-5: {input: 10, output: 0.001}
  gpt-6.1-sol: {input: 10, output: 0.001}
";

#[tokio::test]
async fn a_budget_of_zero_asks_nobody_and_says_so() {
    let world = shop().await;
    let run = opened(&world).input("max-cost-usd", "0").finish().await;
    insta::assert_snapshot!(end(&run), @"exit 0: skipped budget, gate off, lanes 0/0");
    assert_eq!(run.output("cost-usd"), "0.000000");
    insta::assert_snapshot!(told(&world), @r"
    --- check Counterpoint neutral on <head>: Not reviewed (budget)
    The budget left for this run (&#36;0.00) cannot pay a single call, so no model was asked.

    Raise `max-cost-usd` (or `per_pr_usd` in the configuration), or choose a cheaper model.

    <!-- counterpoint:v1 -->
    ");
    insta::assert_snapshot!(tidy(&run.summary), @r"
    ### Counterpoint: skipped

    The budget left for this run (&#36;0.00) cannot pay a single call, so no model was asked.

    Raise `max-cost-usd` (or `per_pr_usd` in the configuration), or choose a cheaper model.
    ");
    world.assert_clean();
}

#[tokio::test]
async fn a_budget_for_one_lane_asks_one_and_says_which_was_left_out() {
    let world = shop().await;
    world.base_file(".github/counterpoint.yml", BY_OUTPUT);
    world.claude().answers(reply([expiry()]));
    let run = opened(&world).input("max-cost-usd", "0.06").finish().await;
    insta::assert_snapshot!(end(&run), @"exit 0: partial budget, gate off, lanes 1/2");
    insta::assert_snapshot!(told(&world), @"
    --- review COMMENTED on <head>
    Counterpoint left 1 comment; the summary comment tells the rest.

    <!-- counterpoint:v1 -->

    --- inline src/session.rs:2 RIGHT
    **A token is accepted in the second it expires** · high · one reviewer

    `<=` lets a token pass at `expires_at` itself; it was `<` before.

    A request in that very second is let in.

    <sub>Raised blind by Claude; unchecked, because Codex was not asked · `/counterpoint dismiss f1 reason`</sub>
    <!-- counterpoint:v1 -->

    --- comment
    ### Counterpoint: 1 from one reviewer

    Claude finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of <usd>**

    Codex was not asked (the budget does not hold it): this is one reviewer's view. Raise `max-cost-usd` (or `per_pr_usd` in the configuration) to hear both.

    To stay inside the budget: answers are limited to 4000 tokens instead of 16000.

    #### From one reviewer
    | | where | what goes wrong |
    |---|---|---|
    | high | [`src/session.rs:2`](https://github.com/acme/shop/pull/7#discussion_r<id>) | A token is accepted in the second it expires <sub>Claude; unchecked, because Codex was not asked</sub> |

    <details><summary>Cost, time, models</summary>

    | | model | passes | tokens in (cached) / out | time | cost |
    |---|---|---|---|---|---|
    | Claude | `claude-sonnet-5-5` | review | <in> / <out> | <m:ss> | <usd> |
    | Codex | `gpt-6.1-sol` | not paid for | – | <m:ss> | $0.00 |

    Worst case planned: <usd>. List prices of 2026-11-22, configured ones for Claude. This pull request so far: <usd> of $3.00.

    </details>

    <sub>`/review` looks again · configuration from `main` · v0.1.0</sub>

    <!-- counterpoint:v1 -->

    --- check Counterpoint neutral on <head>: 1 from one reviewer (budget) · <usd>
    Codex was not asked (the budget does not hold it): this is one reviewer's view. Raise `max-cost-usd` (or `per_pr_usd` in the configuration) to hear both.

    To stay inside the budget: answers are limited to 4000 tokens instead of 16000.

    [The summary](https://github.com/acme/shop/pull/7#issuecomment-<id>) stands on the pull request.

    <!-- counterpoint:v1 -->
    ");
    world.assert_clean();
}

#[tokio::test]
async fn a_budget_for_some_of_the_files_reads_those_and_names_the_others() {
    let long =
        |name: &str| format!("{}\n", format!("let {name} = compute(input, {name}, limit);\n").repeat(400));
    let (small, a, b) = ("let x = 1;\n".to_owned(), long("alpha"), long("beta"));
    let head = [("src/a.rs", a.as_str()), ("src/b.rs", b.as_str()), ("src/small.rs", small.as_str())];
    let world = world_with(Pull::from_files(&[("README.md", "shop\n")], &head)).await;
    world.base_file(".github/counterpoint.yml", BY_INPUT);
    world.claude().otherwise(reply([]));
    let run = opened(&world).input("max-cost-usd", "0.2").finish().await;
    insta::assert_snapshot!(end(&run), @"exit 0: partial budget, gate off, lanes 1/2");
    insta::assert_snapshot!(told(&world), @"
    --- comment
    ### Counterpoint: nothing found in what was reviewed

    Claude finished on `<head>`. 2 of 4 files, 264 of 804 changed lines read · <time> · **<usd> of <usd>**

    Codex was not asked (the budget does not hold it): this is one reviewer's view. Raise `max-cost-usd` (or `per_pr_usd` in the configuration) to hear both.

    To stay inside the budget: 2 of 4 files not read whole.

    **Not read:** `src/a.rs` (229 of 401 changed lines read; the rest: the budget does not hold it), `src/b.rs` (33 of 401 changed lines read; the rest: the budget does not hold it). They do not count as clean.

    <details><summary>Cost, time, models</summary>

    | | model | passes | tokens in (cached) / out | time | cost |
    |---|---|---|---|---|---|
    | Claude | `claude-sonnet-5-5` | review of 2 parts | <in> / <out> | <m:ss> | <usd> |
    | Codex | `gpt-6.1-sol` | not paid for | – | <m:ss> | $0.00 |

    Worst case planned: <usd>. List prices of 2026-11-22, configured ones for Claude. This pull request so far: <usd> of $3.00.

    </details>

    <sub>`/review` looks again · configuration from `main` · v0.1.0</sub>

    <!-- counterpoint:v1 -->

    --- check Counterpoint neutral on <head>: Nothing found in what was reviewed (budget) · <usd>
    Codex was not asked (the budget does not hold it): this is one reviewer's view. Raise `max-cost-usd` (or `per_pr_usd` in the configuration) to hear both.

    To stay inside the budget: 2 of 4 files not read whole.

    [The summary](https://github.com/acme/shop/pull/7#issuecomment-<id>) stands on the pull request.

    <!-- counterpoint:v1 -->
    ");
    let requests = world.claude().requests();
    let read = requests.iter().filter(|request| request.prompt().contains("let x = 1;")).count();
    assert_eq!(read, 1, "what fits is read, and once");
    assert!(run.output("cost-usd").parse::<f64>().unwrap() <= 0.2);
    world.assert_clean();
}

#[tokio::test]
async fn what_a_run_costs_never_passes_its_cap_however_often_a_lane_is_asked_again() {
    let world = shop().await;
    let usage = Usage::new(3_000, 3_900);
    world.claude().otherwise(Answer::text("no json").usage(usage));
    world.codex().otherwise(Answer::cut(Answer::reply(reply([]))));
    let run = opened(&world).input("max-cost-usd", "0.2").finish().await;
    let cost: f64 = run.output("cost-usd").parse().unwrap();
    assert!(cost <= 0.2, "{cost}\n{}", run.stderr);
    let ledger = run.record().unwrap()["ledger"].clone();
    let again = |entry: &serde_json::Value| entry["purpose"] == "review, repaired";
    assert!(ledger.as_array().is_some_and(|entries| entries.iter().any(again)), "{ledger}");
    world.assert_clean();
}

#[tokio::test]
async fn a_provider_that_bills_beyond_its_limits_is_reported_as_an_overrun() {
    let world = shop().await;
    world.claude().answers(Answer::reply(reply([])).usage(Usage::new(900_000, 15_000)));
    world.codex().answers(reply([]));
    let run = opened(&world).finish().await;
    insta::assert_snapshot!(end(&run), @"exit 0: reviewed overrun, gate off, lanes 2/2");
    insta::assert_snapshot!(told(&world), @"
    --- comment
    ### Counterpoint: nothing found

    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **$1.96 of $1.00**

    A provider billed more than its own limits allow; no further call was started.

    <details><summary>Cost, time, models</summary>

    | | model | passes | tokens in (cached) / out | time | cost |
    |---|---|---|---|---|---|
    | Claude | `claude-sonnet-5-5` | review | <in> / <out> | <m:ss> | $1.95 |
    | Codex | `gpt-6.1-sol` | review | <in> / <out> | <m:ss> | <usd> |

    Worst case planned: <usd>. List prices of 2026-11-22. This pull request so far: $1.96 of $3.00.

    </details>

    <sub>`/review` looks again · default configuration · v0.1.0</sub>

    <!-- counterpoint:v1 -->

    --- check Counterpoint success on <head>: Nothing found · $1.96
    A provider billed more than its own limits allow; no further call was started.

    [The summary](https://github.com/acme/shop/pull/7#issuecomment-<id>) stands on the pull request.

    <!-- counterpoint:v1 -->
    ");
    world.assert_clean();
}

#[tokio::test]
async fn the_money_of_a_pull_request_is_counted_over_its_runs() {
    let world = shop().await;
    world.base_file(".github/counterpoint.yml", &format!("{BY_OUTPUT}budget: {{per_pr_usd: 0.34}}\n"));
    let dear = Usage::new(1_500, 15_900);
    world.claude().answers(Answer::reply(reply([expiry()])).usage(dear));
    world.codex().answers(Answer::reply(reply([boundary()])).usage(dear));
    let first = opened(&world).finish().await;
    assert_eq!(end(&first), "exit 0: reviewed ok, gate off, lanes 2/2");
    let read = world.push(7, &[("src/session.rs", &AFTER.replace("* 2", "* 3"))], OldHead::Stays);
    let second = on(&world, world.pull_request_event(7).action("synchronize")).finish().await;
    insta::assert_snapshot!(end(&second), @"exit 0: skipped budget, gate off, lanes 0/0");
    let published = world.published(7);
    insta::assert_snapshot!(tidy(published.summary().unwrap()).lines().take(6).collect::<Vec<_>>().join("\n").replace(&read[..7], "<head>"), @"
    > **Not reviewed on `<head>`.** The budget left for this run (&#36;0.03) cannot pay a single call, so no model was asked. Raise `max-cost-usd` (or `per_pr_usd` in the configuration), or choose a cheaper model.

    ### Counterpoint: 1 to fix

    Claude and Codex both finished on `146d23b`. 1 file, 4 changed lines read · <time> · **<usd> of <usd>**
    ");
    let checks: Vec<_> = published
        .checks
        .iter()
        .map(|check| (check.conclusion.as_deref().unwrap(), tidy(check.title.as_deref().unwrap())))
        .collect();
    insta::assert_snapshot!(format!("{checks:#?}"), @r#"
    [
        (
            "success",
            "1 to fix · <usd>",
        ),
        (
            "neutral",
            "Not reviewed (budget)",
        ),
    ]
    "#);
    world.assert_clean();
}

#[tokio::test]
async fn a_model_without_a_price_is_not_asked_and_the_other_is() {
    let world = shop().await;
    world.codex().answers(reply([boundary()]));
    let run = opened(&world).input("claude-model", "claude-of-tomorrow").finish().await;
    insta::assert_snapshot!(end(&run), @"exit 0: partial lane-failed, gate off, lanes 1/2");
    insta::assert_snapshot!(lines_with(&told(&world), &["did not finish"]).join("\n"), @"");
    world.assert_clean();
}

#[tokio::test]
async fn two_models_without_a_price_are_a_mistake_of_the_configuration() {
    let world = shop().await;
    let run = opened(&world).input("claude-model", "c-9").input("codex-model", "g-9").finish().await;
    insta::assert_snapshot!(end(&run), @"exit 2: failed unknown-price, gate off, lanes 0/2");
    insta::assert_snapshot!(run.stdout, @"No price is known for `c-9` or `g-9`, so no budget could be kept. Add the model under `prices` in the configuration, in USD per million tokens, or choose a listed one; or say `free: true` in the lane if its calls cost nothing.");
    let run = opened(&world).input("claude-model", "c-9").without("OPENAI_API_KEY").finish().await;
    assert!(run.stdout.starts_with("No price is known for `c-9`, so"), "{}", run.stdout);
    world.assert_clean();
}

#[tokio::test]
async fn a_price_in_the_configuration_makes_an_unknown_model_affordable() {
    let world = shop().await;
    let config =
        "lanes: {claude: {model: claude-of-tomorrow}}\nprices: {claude-of-tomorrow: {input: 2, output: 8}}\n";
    world.base_file(".github/counterpoint.yml", config);
    both_agree(&world);
    let run = opened(&world).finish().await;
    insta::assert_snapshot!(end(&run), @"exit 0: reviewed ok, gate off, lanes 2/2");
    assert_eq!(world.claude().requests()[0].model(), "claude-of-tomorrow");
    world.assert_clean();
}

// Time.

#[tokio::test]
async fn a_lane_that_hangs_is_cut_off_at_the_deadline_and_the_other_is_posted() {
    let world = shop().await;
    world.claude().answers(reply([expiry()]));
    world.codex().answers(Answer::hang());
    let begun = Instant::now();
    let run = opened(&world).input("max-minutes", "0.05").finish().await;
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    insta::assert_snapshot!(end(&run), @"exit 0: partial deadline, gate off, lanes 1/2");
    insta::assert_snapshot!(told(&world), @"
    --- review COMMENTED on <head>
    Counterpoint left 1 comment; the summary comment tells the rest.

    <!-- counterpoint:v1 -->

    --- inline src/session.rs:2 RIGHT
    **A token is accepted in the second it expires** · high · one reviewer

    `<=` lets a token pass at `expires_at` itself; it was `<` before.

    A request in that very second is let in.

    <sub>Raised blind by Claude; unchecked, because Codex did not finish · `/counterpoint dismiss f1 reason`</sub>
    <!-- counterpoint:v1 -->

    --- comment
    ### Counterpoint: 1 from one reviewer

    Claude finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> at most of $1.00**

    Codex did not finish (out of time, <m:ss>): this is one reviewer's view. Raise `max-minutes` to give it longer.

    #### From one reviewer
    | | where | what goes wrong |
    |---|---|---|
    | high | [`src/session.rs:2`](https://github.com/acme/shop/pull/7#discussion_r<id>) | A token is accepted in the second it expires <sub>Claude; unchecked, because Codex did not finish</sub> |

    <details><summary>Cost, time, models</summary>

    | | model | passes | tokens in (cached) / out | time | cost |
    |---|---|---|---|---|---|
    | Claude | `claude-sonnet-5-5` | review | <in> / <out> | <m:ss> | <usd> |
    | Codex | `gpt-6.1-sol` | out of time | unknown | <m:ss> | <usd> |

    Worst case planned: <usd>. List prices of 2026-11-22. A call whose usage is unknown counts at its full reservation. This pull request so far: <usd> of $3.00.

    </details>

    <sub>`/review` looks again · default configuration · v0.1.0</sub>

    <!-- counterpoint:v1 -->

    --- check Counterpoint neutral on <head>: 1 from one reviewer (deadline) · <usd>
    Codex did not finish (out of time, <m:ss>): this is one reviewer's view. Raise `max-minutes` to give it longer.

    [The summary](https://github.com/acme/shop/pull/7#issuecomment-<id>) stands on the pull request.

    <!-- counterpoint:v1 -->
    ");
    world.assert_clean();
}

#[tokio::test]
async fn when_both_lanes_hang_the_deadline_is_the_reason() {
    let world = shop().await;
    world.claude().answers(Answer::hang());
    world.codex().answers(Answer::hang());
    let run = opened(&world).input("max-minutes", "0.03").finish().await;
    insta::assert_snapshot!(end(&run), @"exit 0: failed deadline, gate off, lanes 0/2");
    insta::assert_snapshot!(told(&world), @r"
    --- comment
    ### Counterpoint: not reviewed

    No reviewer finished on `<head>`, so nothing was reviewed. <time> · **<usd> at most of $1.00**

    Claude and Codex did not finish (out of time, <m:ss>). Raise `max-minutes` to give it longer.

    <details><summary>Cost, time, models</summary>

    | | model | passes | tokens in (cached) / out | time | cost |
    |---|---|---|---|---|---|
    | Claude | `claude-sonnet-5-5` | out of time | unknown | <m:ss> | <usd> |
    | Codex | `gpt-6.1-sol` | out of time | unknown | <m:ss> | <usd> |

    Worst case planned: <usd>. List prices of 2026-11-22. A call whose usage is unknown counts at its full reservation. This pull request so far: <usd> of $3.00.

    </details>

    <sub>`/review` looks again · default configuration · v0.1.0</sub>

    <!-- counterpoint:v1 -->

    --- check Counterpoint neutral on <head>: Not reviewed (deadline) · <usd>
    Claude and Codex did not finish (out of time, <m:ss>). Raise `max-minutes` to give it longer.

    [The summary](https://github.com/acme/shop/pull/7#issuecomment-<id>) stands on the pull request.

    <!-- counterpoint:v1 -->
    ");
    world.assert_clean();
}

// Rights.

#[tokio::test]
async fn a_read_only_token_leaves_the_review_in_the_job_summary_and_the_outputs() {
    let world = shop().await;
    both_agree(&world);
    world.read_only_token();
    let run = opened(&world).finish().await;
    insta::assert_snapshot!(end(&run), @"exit 4: partial read-only-token, gate off, lanes 2/2");
    insta::assert_snapshot!(counts(&run), @"1 findings: 1 agreed, 0 contradictions, 0 solo, 0 unchecked; 0 inline");
    insta::assert_snapshot!(told(&world), @"nothing");
    insta::assert_snapshot!(tidy(&run.summary), @"
    ### Counterpoint: 1 to fix

    Claude and Codex both finished on `146d23b`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**

    The token may not comment, so nothing stands on the pull request. Give the job `pull-requests: write`.

    #### Fix: found by both, independently
    | | where | what goes wrong |
    |---|---|---|
    | high | [`src/session.rs:2`](https://github.com/acme/shop/blob/146d23b996d7ad59a331c47d9680f696a17ad0e9/src/session.rs#L2) | A token is accepted in the second it expires |

    <details><summary>1 finding without an inline comment, in full</summary>

    [`src/session.rs:2`](https://github.com/acme/shop/blob/146d23b996d7ad59a331c47d9680f696a17ad0e9/src/session.rs#L2) **A token is accepted in the second it expires** · high · found by both

    `<=` lets a token pass at `expires_at` itself; it was `<` before.

    A request in that very second is let in.

    <details><summary>In Codex's words: Expired token is accepted at the boundary</summary>

    The comparison `now <= expires_at` accepts a token in the very second it expires.

    </details>

    <sub>Raised blind by Claude and Codex, independently</sub>

    </details>

    <details><summary>Cost, time, models</summary>

    | | model | passes | tokens in (cached) / out | time | cost |
    |---|---|---|---|---|---|
    | Claude | `claude-sonnet-5-5` | review | <in> / <out> | <m:ss> | <usd> |
    | Codex | `gpt-6.1-sol` | review | <in> / <out> | <m:ss> | <usd> |

    Worst case planned: <usd>. List prices of 2026-11-22. This pull request so far: <usd> of $3.00.

    </details>

    <sub>`/review` looks again · default configuration · v0.1.0</sub>
    ");
    assert!(run.record().is_some());
    world.assert_clean();
}

#[tokio::test]
async fn a_read_only_token_of_a_fork_with_keys_does_not_fail_the_job() {
    let world = world_with(two_lines().forked("eve/shop")).await;
    both_agree(&world);
    world.read_only_token();
    let run = opened(&world).finish().await;
    insta::assert_snapshot!(end(&run), @"exit 0: partial read-only-token, gate off, lanes 2/2");
    world.assert_clean();
}

#[tokio::test]
async fn without_the_right_to_write_checks_the_review_is_posted_all_the_same() {
    let world = shop().await;
    both_agree(&world);
    world.no_check_permission();
    let run = opened(&world).finish().await;
    insta::assert_snapshot!(end(&run), @"exit 0: reviewed ok, gate off, lanes 2/2");
    insta::assert_snapshot!(told(&world), @"
    --- review COMMENTED on <head>
    Counterpoint left 1 comment; the summary comment tells the rest.

    <!-- counterpoint:v1 -->

    --- inline src/session.rs:2 RIGHT
    **A token is accepted in the second it expires** · high · found by both

    `<=` lets a token pass at `expires_at` itself; it was `<` before.

    A request in that very second is let in.

    <details><summary>In Codex's words: Expired token is accepted at the boundary</summary>

    The comparison `now <= expires_at` accepts a token in the very second it expires.

    </details>

    <sub>Raised blind by Claude and Codex, independently · `/counterpoint dismiss f1 reason`</sub>
    <!-- counterpoint:v1 -->

    --- comment
    ### Counterpoint: 1 to fix

    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**

    The check could not be written. Give the job `checks: write`.

    #### Fix: found by both, independently
    | | where | what goes wrong |
    |---|---|---|
    | high | [`src/session.rs:2`](https://github.com/acme/shop/pull/7#discussion_r<id>) | A token is accepted in the second it expires |

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
    world.assert_clean();
}

// The head moves.

#[tokio::test]
async fn a_push_during_the_review_leaves_the_comments_on_the_commit_that_was_read() {
    let world = shop().await;
    both_agree(&world);
    let read = world.head(7);
    world.on("POST /anthropic/*").once().meanwhile(|world| {
        world.push(7, &[("src/session.rs", &AFTER.replace("* 2", "* 3"))], OldHead::Stays);
    });
    let run = opened(&world).finish().await;
    insta::assert_snapshot!(end(&run), @"exit 0: partial head-moved, gate off, lanes 2/2");
    let published = world.published(7).naming(&read, "<read>").naming(&read[..7], "<read>");
    insta::assert_snapshot!(tidy(&published.to_string()), @"
    --- review COMMENTED on <read>
    Counterpoint left 1 comment; the summary comment tells the rest.

    <!-- counterpoint:v1 -->

    --- inline src/session.rs:2 RIGHT
    **A token is accepted in the second it expires** · high · found by both

    `<=` lets a token pass at `expires_at` itself; it was `<` before.

    A request in that very second is let in.

    <details><summary>In Codex's words: Expired token is accepted at the boundary</summary>

    The comparison `now <= expires_at` accepts a token in the very second it expires.

    </details>

    <sub>Raised blind by Claude and Codex, independently · `/counterpoint dismiss f1 reason`</sub>
    <!-- counterpoint:v1 -->

    --- comment
    ### Counterpoint: 1 to fix

    Claude and Codex both finished on `<read>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**

    The head moved to `<head>` during the review: this is about the commit before.

    #### Fix: found by both, independently
    | | where | what goes wrong |
    |---|---|---|
    | high | [`src/session.rs:2`](https://github.com/acme/shop/pull/7#discussion_r<id>) | A token is accepted in the second it expires |

    <details><summary>Cost, time, models</summary>

    | | model | passes | tokens in (cached) / out | time | cost |
    |---|---|---|---|---|---|
    | Claude | `claude-sonnet-5-5` | review | <in> / <out> | <m:ss> | <usd> |
    | Codex | `gpt-6.1-sol` | review | <in> / <out> | <m:ss> | <usd> |

    Worst case planned: <usd>. List prices of 2026-11-22. This pull request so far: <usd> of $3.00.

    </details>

    <sub>`/review` looks again · default configuration · v0.1.0</sub>

    <!-- counterpoint:v1 -->

    --- check Counterpoint neutral on <read>: 1 to fix (head-moved) · <usd>
    The head moved to `<head>` during the review: this is about the commit before.

    [The summary](https://github.com/acme/shop/pull/7#issuecomment-<id>) stands on the pull request.

    <!-- counterpoint:v1 -->
    ");
    assert!(world.requests_to("POST */reviews").iter().all(|request| request.json()["commit_id"] == read));
    world.assert_clean();
}

#[tokio::test]
async fn a_force_push_that_drops_the_commit_leaves_the_summary_only() {
    let world = shop().await;
    both_agree(&world);
    let read = world.head(7);
    world.on("POST /anthropic/*").once().meanwhile(|world| {
        world.push(7, &[("src/session.rs", &AFTER.replace("* 2", "* 3"))], OldHead::Leaves);
    });
    let run = opened(&world).finish().await;
    insta::assert_snapshot!(end(&run), @"exit 0: partial head-moved, gate off, lanes 2/2");
    insta::assert_snapshot!(counts(&run), @"1 findings: 1 agreed, 0 contradictions, 0 solo, 0 unchecked; 0 inline");
    let published = world.published(7).naming(&read, "<read>").naming(&read[..7], "<read>");
    insta::assert_snapshot!(tidy(&published.to_string()), @"
    --- comment
    ### Counterpoint: 1 to fix

    Claude and Codex both finished on `<read>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**

    The head moved to `<head>` during the review: this is about the commit before.

    #### Fix: found by both, independently
    | | where | what goes wrong |
    |---|---|---|
    | high | [`src/session.rs:2`](https://github.com/acme/shop/blob/<read>/src/session.rs#L2) | A token is accepted in the second it expires |

    <details><summary>1 finding without an inline comment, in full</summary>

    [`src/session.rs:2`](https://github.com/acme/shop/blob/<read>/src/session.rs#L2) **A token is accepted in the second it expires** · high · found by both

    `<=` lets a token pass at `expires_at` itself; it was `<` before.

    A request in that very second is let in.

    <details><summary>In Codex's words: Expired token is accepted at the boundary</summary>

    The comparison `now <= expires_at` accepts a token in the very second it expires.

    </details>

    <sub>Raised blind by Claude and Codex, independently</sub>

    </details>

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
    world.assert_clean();
}

// Cancelled.

async fn cancelled_in_time(running: Running, signal: &str) -> Finished {
    let begun = Instant::now();
    running.signal(signal);
    let run = running.finish().await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}\n{}", begun.elapsed(), run.stderr);
    run
}

#[tokio::test]
async fn a_cancelled_run_tells_what_had_finished_and_ends_within_five_seconds() {
    let world = shop().await;
    world.claude().answers(reply([expiry()]));
    world.codex().answers(Answer::hang());
    let mut running = opened(&world).spawn();
    running.says("Claude finished").await;
    let run = cancelled_in_time(running, "TERM").await;
    insta::assert_snapshot!(end(&run), @"exit 0: partial cancelled, gate off, lanes 1/2");
    insta::assert_snapshot!(counts(&run), @"1 findings: 0 agreed, 0 contradictions, 0 solo, 1 unchecked; 0 inline");
    insta::assert_snapshot!(told(&world), @"
    --- comment
    ### Counterpoint: cancelled, 1 from one reviewer so far

    Claude finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> at most of $1.00**

    This run was cancelled: what had finished by then is listed, nothing more.

    Codex did not finish (cancelled): this is one reviewer's view.

    #### From one reviewer
    | | where | what goes wrong |
    |---|---|---|
    | high | [`src/session.rs:2`](https://github.com/acme/shop/blob/<head>/src/session.rs#L2) | A token is accepted in the second it expires <sub>Claude; unchecked, because Codex did not finish</sub> |

    <details><summary>1 finding without an inline comment, in full</summary>

    [`src/session.rs:2`](https://github.com/acme/shop/blob/<head>/src/session.rs#L2) **A token is accepted in the second it expires** · high · one reviewer

    `<=` lets a token pass at `expires_at` itself; it was `<` before.

    A request in that very second is let in.

    <sub>Raised blind by Claude; unchecked, because Codex did not finish</sub>

    </details>

    <details><summary>Cost, time, models</summary>

    | | model | passes | tokens in (cached) / out | time | cost |
    |---|---|---|---|---|---|
    | Claude | `claude-sonnet-5-5` | review | <in> / <out> | <m:ss> | <usd> |
    | Codex | `gpt-6.1-sol` | cancelled | unknown | <m:ss> | <usd> |

    Worst case planned: <usd>. List prices of 2026-11-22. A call whose usage is unknown counts at its full reservation. This pull request so far: <usd> of $3.00.

    </details>

    <sub>`/review` looks again · default configuration · v0.1.0</sub>

    <!-- counterpoint:v1 -->

    --- check Counterpoint neutral on <head>: Cancelled, 1 from one reviewer so far · <usd>
    This run was cancelled: what had finished by then is listed, nothing more.

    Codex did not finish (cancelled): this is one reviewer's view.

    <!-- counterpoint:v1 -->
    ");
    let record = run.record().unwrap();
    assert_eq!((&record["outcome"], &record["reason"]), (&"partial".into(), &"cancelled".into()));
    assert_eq!(record["findings"].as_array().map(Vec::len), Some(1), "{record}");
    world.assert_clean();
}

#[tokio::test]
async fn a_run_cancelled_before_any_answer_has_failed_and_says_cancelled() {
    let world = shop().await;
    world.claude().answers(Answer::hang());
    world.codex().answers(Answer::hang());
    let running = opened(&world).spawn();
    world.arrived("POST /anthropic/*").await;
    world.arrived("POST /openai/*").await;
    let run = cancelled_in_time(running, "INT").await;
    insta::assert_snapshot!(end(&run), @"exit 0: failed cancelled, gate off, lanes 0/2");
    insta::assert_snapshot!(told(&world), @r"
    --- comment
    ### Counterpoint: cancelled

    No reviewer finished on `<head>`, so nothing was reviewed. <time> · **<usd> at most of $1.00**

    This run was cancelled before a reviewer had finished.

    Claude and Codex did not finish (cancelled).

    <details><summary>Cost, time, models</summary>

    | | model | passes | tokens in (cached) / out | time | cost |
    |---|---|---|---|---|---|
    | Claude | `claude-sonnet-5-5` | cancelled | unknown | <m:ss> | <usd> |
    | Codex | `gpt-6.1-sol` | cancelled | unknown | <m:ss> | <usd> |

    Worst case planned: <usd>. List prices of 2026-11-22. A call whose usage is unknown counts at its full reservation. This pull request so far: <usd> of $3.00.

    </details>

    <sub>`/review` looks again · default configuration · v0.1.0</sub>

    <!-- counterpoint:v1 -->

    --- check Counterpoint neutral on <head>: Cancelled · <usd>
    This run was cancelled before a reviewer had finished.

    Claude and Codex did not finish (cancelled).

    <!-- counterpoint:v1 -->
    ");
    assert_ne!(run.output("cost-usd"), "0.000000", "a dropped call counts at its reservation");
    world.assert_clean();
}

#[tokio::test]
async fn a_run_cancelled_while_it_reads_the_pull_request_asks_no_model() {
    let world = shop().await;
    world.on("GET */pulls/7/comments*").hang();
    let running = opened(&world).spawn();
    world.arrived("GET */pulls/7/comments*").await;
    let run = cancelled_in_time(running, "TERM").await;
    insta::assert_snapshot!(end(&run), @"exit 0: failed cancelled, gate off, lanes 0/2");
    insta::assert_snapshot!(told(&world), @r"
    --- check Counterpoint neutral on <head>: Not reviewed (cancelled)
    The run was cancelled before a model was asked.

    Run it again when you want the review.

    <!-- counterpoint:v1 -->
    ");
    assert_eq!(world.count("POST /anthropic/*") + world.count("POST /openai/*"), 0);
}

#[tokio::test]
async fn a_cancelled_command_loses_its_eyes() {
    let world = shop().await;
    world.permission("mona", Permission::Write);
    let comment = world.comment(7, User::person("mona"), "/review");
    world.claude().answers(Answer::hang());
    world.codex().answers(Answer::hang());
    let running = on(&world, world.comment_event(comment)).spawn();
    world.arrived("POST /openai/*").await;
    world.arrived("POST /anthropic/*").await;
    assert_eq!(world.published(7).reactions.len(), 1, "eyes while it works");
    let run = cancelled_in_time(running, "TERM").await;
    assert_eq!(run.output("reason"), "cancelled");
    assert_eq!(world.published(7).reactions, []);
    world.assert_clean();
}

#[tokio::test]
async fn a_second_signal_ends_the_run_at_once() {
    let world = shop().await;
    world.claude().answers(Answer::hang());
    world.codex().answers(Answer::hang());
    world.on("POST */issues/7/comments").hang();
    world.on("POST */check-runs").hang();
    let running = opened(&world).spawn();
    world.arrived("POST /openai/*").await;
    running.signal("TERM");
    world.arrived("POST */issues/7/comments").await;
    let begun = Instant::now();
    running.signal("TERM");
    let run = running.finish().await;
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(run.code, Some(130));
}

#[tokio::test]
async fn a_cancelled_run_ends_within_five_seconds_even_when_github_hangs() {
    let world = shop().await;
    world.claude().answers(reply([expiry()]));
    world.codex().answers(Answer::hang());
    world.on("POST */issues/7/comments").hang();
    world.on("POST */check-runs").hang();
    let mut running = opened(&world).spawn();
    running.says("Claude finished").await;
    let run = cancelled_in_time(running, "TERM").await;
    insta::assert_snapshot!(end(&run), @"exit 0: partial cancelled, gate off, lanes 1/2");
    assert!(run.record().is_some(), "{}", run.stderr);
}

// GitHub is unwell.

#[tokio::test]
async fn a_502_after_the_review_was_posted_does_not_post_it_twice() {
    let world = shop().await;
    both_agree(&world);
    world.on("POST */reviews").once().answer(Fault::status(502).after_commit());
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    let published = world.published(7);
    assert_eq!(
        (published.reviews.len(), published.inline.len(), published.comments.len()),
        (1, 1, 1),
        "{published}"
    );
    assert_eq!(world.count("POST */reviews"), 1);
    world.assert_clean();
}

#[tokio::test]
async fn a_502_before_the_review_was_posted_is_tried_once_more() {
    let world = shop().await;
    both_agree(&world);
    world.on("POST */reviews").once().answer(Fault::status(502));
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    assert_eq!(world.published(7).reviews.len(), 1);
    world.assert_clean();
}

#[tokio::test]
async fn a_502_after_the_summary_was_written_does_not_write_a_second_one() {
    let world = shop().await;
    both_agree(&world);
    world.on("POST */issues/7/comments").once().answer(Fault::status(502).after_commit());
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    assert_eq!(world.published(7).comments.len(), 1);
    assert_ne!(run.output("review-url"), "");
    world.assert_clean();
}

#[tokio::test]
async fn a_connection_cut_in_the_middle_of_an_answer_doubles_nothing() {
    let world = shop().await;
    both_agree(&world);
    for pattern in [
        "GET */pulls/7",
        "GET */issues/7/comments*",
        "POST */reviews",
        "POST */issues/7/comments",
        "POST */check-runs",
    ] {
        world.on(pattern).once().cut();
    }
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    let published = world.published(7);
    assert_eq!(
        (published.reviews.len(), published.inline.len(), published.comments.len()),
        (1, 1, 1),
        "{published}"
    );
    world.assert_clean();
}

#[tokio::test]
async fn html_instead_of_the_pull_request_is_told_as_such() {
    let world = shop().await;
    world.on("GET */pulls/7").answer(Fault::html());
    let run = opened(&world).finish().await;
    insta::assert_snapshot!(end(&run), @"exit 4: failed github-unreadable, gate off, lanes 0/0");
    insta::assert_snapshot!(tidy(&run.summary), @r"
    ### Counterpoint: not reviewed

    GitHub could not be read: GET /api/repos/acme/shop/pulls/7: JSON was expected, an HTML page came (status 200).

    Check GITHUB_API_URL and any proxy in between; GitHub's own address is https://api.github.com.
    ");
    assert!(world.published(7).is_empty());
    world.assert_clean();
}

#[tokio::test]
async fn html_instead_of_the_diff_asks_no_model_and_makes_the_check_neutral() {
    let world = shop().await;
    world.on("GET */pulls/7").nth(2).answer(Fault::html());
    let run = opened(&world).finish().await;
    insta::assert_snapshot!(end(&run), @"exit 0: failed github-unreadable, gate off, lanes 0/2");
    insta::assert_snapshot!(told(&world), @r"
    --- check Counterpoint neutral on <head>: Not reviewed (github-unreadable)
    GitHub could not be read: GET /api/repos/acme/shop/pulls/7: a diff was expected, an HTML page came (status 200).

    Check GITHUB_API_URL and any proxy in between; GitHub's own address is https://api.github.com.

    <!-- counterpoint:v1 -->
    ");
    world.assert_clean();
}

#[tokio::test]
async fn html_with_a_success_status_instead_of_a_posted_review_is_looked_into() {
    let world = shop().await;
    both_agree(&world);
    world.on("POST */reviews").once().answer(Fault::html().after_commit());
    world.on("POST */issues/7/comments").once().answer(Fault::garbage());
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    let published = world.published(7);
    assert_eq!((published.reviews.len(), published.comments.len()), (1, 1), "{published}");
    world.assert_clean();
}

#[tokio::test]
async fn a_short_secondary_limit_on_writing_is_waited_for() {
    let world = shop().await;
    both_agree(&world);
    world.on("POST */reviews").once().answer(Fault::secondary_limit(Some(1)));
    world.on("POST */issues/7/comments").once().answer(Fault::too_many_requests(Some(1)));
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    let published = world.published(7);
    assert_eq!((published.reviews.len(), published.comments.len()), (1, 1), "{published}");
    world.assert_clean();
}

#[tokio::test]
async fn a_long_limit_on_writing_is_not_waited_for_and_the_rest_is_written() {
    let world = shop().await;
    both_agree(&world);
    world.on("POST */reviews").answer(Fault::secondary_limit(Some(3600)));
    let run = opened(&world).finish().await;
    insta::assert_snapshot!(end(&run), @"exit 0: partial github-unwritable, gate off, lanes 2/2");
    insta::assert_snapshot!(told(&world), @"
    --- comment
    ### Counterpoint: 1 to fix

    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**

    GitHub did not take 1 inline comment: it stands in the summary instead.

    Not everything could be written: POST /api/repos/acme/shop/pulls/7/reviews: GitHub's rate limit was reached (it asks to wait <time>).

    #### Fix: found by both, independently
    | | where | what goes wrong |
    |---|---|---|
    | high | [`src/session.rs:2`](https://github.com/acme/shop/blob/<head>/src/session.rs#L2) | A token is accepted in the second it expires |

    <details><summary>1 finding without an inline comment, in full</summary>

    [`src/session.rs:2`](https://github.com/acme/shop/blob/<head>/src/session.rs#L2) **A token is accepted in the second it expires** · high · found by both

    `<=` lets a token pass at `expires_at` itself; it was `<` before.

    A request in that very second is let in.

    <details><summary>In Codex's words: Expired token is accepted at the boundary</summary>

    The comparison `now <= expires_at` accepts a token in the very second it expires.

    </details>

    <sub>Raised blind by Claude and Codex, independently</sub>

    </details>

    <details><summary>Cost, time, models</summary>

    | | model | passes | tokens in (cached) / out | time | cost |
    |---|---|---|---|---|---|
    | Claude | `claude-sonnet-5-5` | review | <in> / <out> | <m:ss> | <usd> |
    | Codex | `gpt-6.1-sol` | review | <in> / <out> | <m:ss> | <usd> |

    Worst case planned: <usd>. List prices of 2026-11-22. This pull request so far: <usd> of $3.00.

    </details>

    <sub>`/review` looks again · default configuration · v0.1.0</sub>

    <!-- counterpoint:v1 -->

    --- check Counterpoint neutral on <head>: 1 to fix (github-unwritable) · <usd>
    GitHub did not take 1 inline comment: it stands in the summary instead.

    Not everything could be written: POST /api/repos/acme/shop/pulls/7/reviews: GitHub's rate limit was reached (it asks to wait <time>).

    [The summary](https://github.com/acme/shop/pull/7#issuecomment-<id>) stands on the pull request.

    <!-- counterpoint:v1 -->
    ");
    world.assert_clean();
}

#[tokio::test]
async fn a_review_that_github_rejects_moves_to_the_summary_whole() {
    let world = shop().await;
    both_agree(&world);
    world
        .on("POST */reviews")
        .answer(Fault::unprocessable(&["Pull request review thread line must be part of the diff"]));
    let run = opened(&world).finish().await;
    insta::assert_snapshot!(end(&run), @"exit 0: partial comments-refused, gate off, lanes 2/2");
    insta::assert_snapshot!(counts(&run), @"1 findings: 1 agreed, 0 contradictions, 0 solo, 0 unchecked; 0 inline");
    insta::assert_snapshot!(told(&world), @"
    --- comment
    ### Counterpoint: 1 to fix

    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**

    GitHub did not take 1 inline comment: it stands in the summary instead.

    #### Fix: found by both, independently
    | | where | what goes wrong |
    |---|---|---|
    | high | [`src/session.rs:2`](https://github.com/acme/shop/blob/<head>/src/session.rs#L2) | A token is accepted in the second it expires |

    <details><summary>1 finding without an inline comment, in full</summary>

    [`src/session.rs:2`](https://github.com/acme/shop/blob/<head>/src/session.rs#L2) **A token is accepted in the second it expires** · high · found by both

    `<=` lets a token pass at `expires_at` itself; it was `<` before.

    A request in that very second is let in.

    <details><summary>In Codex's words: Expired token is accepted at the boundary</summary>

    The comparison `now <= expires_at` accepts a token in the very second it expires.

    </details>

    <sub>Raised blind by Claude and Codex, independently</sub>

    </details>

    <details><summary>Cost, time, models</summary>

    | | model | passes | tokens in (cached) / out | time | cost |
    |---|---|---|---|---|---|
    | Claude | `claude-sonnet-5-5` | review | <in> / <out> | <m:ss> | <usd> |
    | Codex | `gpt-6.1-sol` | review | <in> / <out> | <m:ss> | <usd> |

    Worst case planned: <usd>. List prices of 2026-11-22. This pull request so far: <usd> of $3.00.

    </details>

    <sub>`/review` looks again · default configuration · v0.1.0</sub>

    <!-- counterpoint:v1 -->

    --- check Counterpoint neutral on <head>: 1 to fix (comments-refused) · <usd>
    GitHub did not take 1 inline comment: it stands in the summary instead.

    [The summary](https://github.com/acme/shop/pull/7#issuecomment-<id>) stands on the pull request.

    <!-- counterpoint:v1 -->
    ");
    world.assert_clean();
}

#[tokio::test]
async fn when_github_takes_no_write_at_all_the_run_fails_and_the_review_stands_in_the_job_summary() {
    let world = shop().await;
    both_agree(&world);
    world.on("POST /repos/*").answer(Fault::status(500));
    let run = opened(&world).finish().await;
    insta::assert_snapshot!(end(&run), @"exit 4: failed github-unwritable, gate off, lanes 2/2");
    assert!(run.summary.contains("A token is accepted"), "{}", run.summary);
    assert!(world.published(7).is_empty());
}

// Nothing to work with.

#[tokio::test]
async fn one_key_missing_is_one_view_labelled_and_what_to_set() {
    let world = shop().await;
    world.codex().answers(reply([boundary()]));
    let run = opened(&world).without("ANTHROPIC_API_KEY").finish().await;
    insta::assert_snapshot!(end(&run), @"exit 0: partial missing-key, gate off, lanes 1/2");
    insta::assert_snapshot!(told(&world), @"
    --- review COMMENTED on <head>
    Counterpoint left 1 comment; the summary comment tells the rest.

    <!-- counterpoint:v1 -->

    --- inline src/session.rs:2 RIGHT
    **Expired token is accepted at the boundary** · high · one reviewer

    The comparison `now <= expires_at` accepts a token in the very second it expires.

    <sub>Raised blind by Codex; unchecked, because Claude was not asked · `/counterpoint dismiss f1 reason`</sub>
    <!-- counterpoint:v1 -->

    --- comment
    ### Counterpoint: 1 from one reviewer

    Codex finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**

    Claude was not asked (no key): this is one reviewer's view. Set the input `anthropic-api-key` (or ANTHROPIC_API_KEY) from a repository secret to hear both.

    #### From one reviewer
    | | where | what goes wrong |
    |---|---|---|
    | high | [`src/session.rs:2`](https://github.com/acme/shop/pull/7#discussion_r<id>) | Expired token is accepted at the boundary <sub>Codex; unchecked, because Claude was not asked</sub> |

    <details><summary>Cost, time, models</summary>

    | | model | passes | tokens in (cached) / out | time | cost |
    |---|---|---|---|---|---|
    | Codex | `gpt-6.1-sol` | review | <in> / <out> | <m:ss> | <usd> |
    | Claude | `claude-sonnet-5-5` | no key | – | <m:ss> | $0.00 |

    Worst case planned: <usd>. List prices of 2026-11-22. This pull request so far: <usd> of $3.00.

    </details>

    <sub>`/review` looks again · default configuration · v0.1.0</sub>

    <!-- counterpoint:v1 -->

    --- check Counterpoint neutral on <head>: 1 from one reviewer (missing-key) · <usd>
    Claude was not asked (no key): this is one reviewer's view. Set the input `anthropic-api-key` (or ANTHROPIC_API_KEY) from a repository secret to hear both.

    [The summary](https://github.com/acme/shop/pull/7#issuecomment-<id>) stands on the pull request.

    <!-- counterpoint:v1 -->
    ");
    world.assert_clean();
}

#[tokio::test]
async fn both_keys_missing_is_a_mistake_that_names_both_inputs() {
    let world = shop().await;
    let run = opened(&world).without("ANTHROPIC_API_KEY").without("OPENAI_API_KEY").finish().await;
    insta::assert_snapshot!(end(&run), @"exit 2: failed missing-keys, gate off, lanes 0/2");
    insta::assert_snapshot!(run.stdout, @"No reviewer has a key, so nothing was reviewed. Set the input `anthropic-api-key` (or ANTHROPIC_API_KEY) and the input `openai-api-key` (or OPENAI_API_KEY) from a repository secret.");
    insta::assert_snapshot!(told(&world), @r"
    --- check Counterpoint neutral on <head>: Not reviewed (missing-keys)
    No reviewer has a key, so nothing was reviewed.

    Set the input `anthropic-api-key` (or ANTHROPIC_API_KEY) and the input `openai-api-key` (or OPENAI_API_KEY) from a repository secret.

    <!-- counterpoint:v1 -->
    ");
    world.assert_clean();
}

#[tokio::test]
async fn without_a_token_the_run_says_which_to_set() {
    let world = shop().await;
    let run = opened(&world).without("GITHUB_TOKEN").finish().await;
    insta::assert_snapshot!(end(&run), @"exit 2: failed bad-configuration, gate off, lanes 0/0");
    insta::assert_snapshot!(run.stdout, @"There is no token for GitHub. Leave the input `github-token` at its default, or set GITHUB_TOKEN.");
    assert_eq!(world.requests().len(), 0);
}

#[tokio::test]
async fn a_wrong_token_is_told_apart_from_a_missing_pull_request() {
    let world = shop().await;
    let run = opened(&world).env("GITHUB_TOKEN", "ghs_wrong").finish().await;
    let wrong = format!("{}\n{}", end(&run), tidy(&run.stdout));
    let mut event = world.pull_request_event(7);
    event.payload["pull_request"]["number"] = 8.into();
    let run = on(&world, event).finish().await;
    let missing = format!("{}\n{}", end(&run), tidy(&run.stdout));
    insta::assert_snapshot!(format!("{wrong}\n{missing}"), @r"
    exit 4: failed github-unreadable, gate off, lanes 0/0
    GitHub could not be read: GET /api/repos/acme/shop/pulls/7: GitHub did not accept the token. Check that the token is whole and not expired; in a workflow the input `github-token` is best left at its default.

    exit 4: failed github-unreadable, gate off, lanes 0/0
    GitHub could not be read: GET /api/repos/acme/shop/pulls/8 (request C0DE:1:2:3:4): GitHub knows no such thing, or does not show it to this token. Check the name and number, and that the token may see the repository (`contents: read`).
    ");
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_told_with_its_place() {
    let world = shop().await;
    let folder = tempfile::tempdir().unwrap();
    let mut told = String::new();
    let broken = folder.path().join("event.json");
    std::fs::write(&broken, "{\"action\": \"opened\", \"pull_request\": {\"number\": \"seven\"").unwrap();
    for run in [
        Run::new(BINARY, &world),
        Run::new(BINARY, &world).env("GITHUB_EVENT_NAME", "pull_request"),
        Run::new(BINARY, &world)
            .env("GITHUB_EVENT_NAME", "pull_request")
            .env("GITHUB_EVENT_PATH", folder.path().join("none.json")),
        Run::new(BINARY, &world).env("GITHUB_EVENT_NAME", "pull_request").env("GITHUB_EVENT_PATH", &broken),
        opened(&world).without("GITHUB_REPOSITORY"),
    ] {
        let run = run.finish().await;
        let said = run.stdout.replace(folder.path().to_str().unwrap(), "<folder>");
        told.push_str(&format!("{}\n{said}\n", end(&run)));
    }
    insta::assert_snapshot!(told, @r#"
    exit 2: failed no-pull-request, gate off, lanes 0/0
    The event cannot be read: GITHUB_EVENT_NAME is not set. Run this inside GitHub Actions, or use `counterpoint review` from a terminal.

    exit 2: failed no-pull-request, gate off, lanes 0/0
    The event cannot be read: GITHUB_EVENT_PATH is not set. Run this inside GitHub Actions, or use `counterpoint review` from a terminal.

    exit 2: failed no-pull-request, gate off, lanes 0/0
    The event cannot be read: the event file <folder>/none.json cannot be read: No such file or directory (os error 2). Run this inside GitHub Actions, or use `counterpoint review` from a terminal.

    exit 2: failed no-pull-request, gate off, lanes 0/0
    The event cannot be read: the event file <folder>/event.json is not an event of GitHub: invalid type: string "seven", expected u64 at line 1 column 55. Run this inside GitHub Actions, or use `counterpoint review` from a terminal.

    exit 2: failed bad-configuration, gate off, lanes 0/0
    GITHUB_REPOSITORY: it is not set. GitHub Actions sets GITHUB_REPOSITORY; elsewhere set it to OWNER/NAME.
    "#);
    assert_eq!(world.requests().len(), 0);
}
