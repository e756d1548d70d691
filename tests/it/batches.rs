//! Pull requests that no single conversation holds: every lane reads every part, and nothing is lost between them.

use std::time::Duration;

use serde_json::Value;

use crate::shop::*;
use crate::world::*;

/// A file of about 100 kB whose lines all differ.
fn long(name: &str) -> String {
    (0..1_300)
        .map(|line| format!("let {name}_{line:04} = compute(&input, limit + {line}, &options);\n"))
        .collect()
}

/// Three new files of which two fit into one conversation.
async fn three_long_files() -> World {
    let (a, b, c) = (long("alpha"), long("beta"), long("gamma"));
    let head = [("src/a.rs", a.as_str()), ("src/b.rs", b.as_str()), ("src/c.rs", c.as_str())];
    world_with(Pull::from_files(&[], &head)).await
}

/// Money for everything at once.
fn rich(world: &World) -> Run {
    opened(world).input("max-cost-usd", "50")
}

fn on_line(path: &str, name: &str, line: i64) -> Finding {
    let quote = format!("let {name}_{:04} = compute(&input, limit + {}, &options);", line - 1, line - 1);
    finding(path, line, &quote)
        .title(&format!("The limit of {name} overflows"))
        .body(&format!("`limit + {}` of `{name}` exceeds what `compute` takes.", line - 1))
}

fn shows(body: &Value, name: &str) -> bool {
    body.to_string().contains(&format!("{name}_0001 = "))
}

/// Answers by what it is shown: findings of `b` and of `c`, each in the conversation that holds the file.
fn by_part(b: Answer, c: Answer) -> Answer {
    Answer::choose(move |body| if shows(body, "gamma") { c.clone() } else { b.clone() })
}

#[tokio::test]
async fn every_lane_reads_every_part_and_what_they_find_is_one_review() {
    let world = three_long_files().await;
    let found = |severity| {
        by_part(
            Answer::reply(reply([on_line("src/b.rs", "beta", 700).severity(severity)])),
            Answer::reply(reply([on_line("src/c.rs", "gamma", 1_200).severity(severity)])),
        )
    };
    world.claude().otherwise(found("high"));
    world.codex().otherwise(found("medium"));
    let run = rich(&world).finish().await;
    insta::assert_snapshot!(end(&run), @"exit 0: reviewed ok, gate off, lanes 2/2");
    insta::assert_snapshot!(counts(&run), @"2 findings: 2 agreed, 0 contradictions, 0 solo, 0 unchecked; 2 inline");
    insta::assert_snapshot!(lines_with(&told(&world), &["changed lines read"]).join("\n"), @"Claude and Codex both finished on `<head>`. 3 files, 3900 changed lines read · <time> · **<usd> of $3.00**");
    insta::assert_snapshot!(lines_with(&told(&world), &["claude-sonnet-5-5"]).join("\n"), @"| Claude | `claude-sonnet-5-5` | review of 2 parts | <in> / <out> | <m:ss> | <usd> |");
    assert_eq!(world.published(7).places(), ["src/b.rs:700 RIGHT", "src/c.rs:1200 RIGHT"]);
    for lane in [world.claude(), world.codex()] {
        let names = ["alpha", "beta", "gamma"];
        let shown = |request: &ModelRequest| -> Vec<&str> {
            names.into_iter().filter(|name| shows(&request.body, name)).collect()
        };
        let mut requests = lane.requests();
        requests.sort_by_key(|request| shown(request));
        assert_eq!(requests.iter().map(shown).collect::<Vec<_>>(), [vec!["alpha", "beta"], vec!["gamma"]]);
        assert!(requests[0].prompt().contains("reviewed elsewhere: src/c.rs"));
    }
    let record = run.record().unwrap();
    let ids: Vec<&str> =
        record["findings"].as_array().unwrap().iter().filter_map(|f| f["id"].as_str()).collect();
    assert_eq!(ids, ["claude:1.F1", "claude:2.F1"]);
    world.assert_clean();
}

#[tokio::test]
async fn a_lane_that_fails_in_one_part_leaves_only_that_part_unchecked() {
    let world = three_long_files().await;
    world.claude().otherwise(by_part(
        Answer::reply(reply([on_line("src/b.rs", "beta", 700)])),
        Answer::reply(reply([on_line("src/c.rs", "gamma", 1_200)])),
    ));
    world.codex().otherwise(by_part(Answer::reply(reply([])), Answer::refusal()));
    let run = rich(&world).finish().await;
    insta::assert_snapshot!(end(&run), @"exit 0: partial lane-failed, gate off, lanes 1/2");
    insta::assert_snapshot!(counts(&run), @"2 findings: 0 agreed, 0 contradictions, 1 solo, 1 unchecked; 2 inline");
    insta::assert_snapshot!(lines_with(&told(&world), &["Raised blind"]).join("\n"), @"
    <sub>Raised blind by Claude; Codex read the same and did not raise it · `/counterpoint dismiss f1 reason`</sub>
    <sub>Raised blind by Claude; unchecked, because Codex finished 1 of 2 parts · `/counterpoint dismiss f2 reason`</sub>
    ");
    insta::assert_snapshot!(lines_with(&told(&world), &["parts"]).join("\n"), @"
    <sub>Raised blind by Claude; unchecked, because Codex finished 1 of 2 parts · `/counterpoint dismiss f2 reason`</sub>
    Codex finished 1 of 2 parts (the model refused, <m:ss>). Name a `fallback` model for the lane: it is asked where this one refuses.
    | high | [`src/c.rs:1200`](https://github.com/acme/shop/pull/7#discussion_r<id>) | The limit of gamma overflows <sub>Claude; unchecked, because Codex finished 1 of 2 parts</sub> |
    | Claude | `claude-sonnet-5-5` | review of 2 parts | <in> / <out> | <m:ss> | <usd> |
    | Codex | `gpt-6.1-sol` | 1 of 2 parts, then refused | <in> / <out> | <m:ss> | <usd> |
    Codex finished 1 of 2 parts (the model refused, <m:ss>). Name a `fallback` model for the lane: it is asked where this one refuses.
    ");
    world.assert_clean();
}

#[tokio::test]
async fn a_part_that_nobody_answers_is_named_and_does_not_count_as_clean() {
    let world = three_long_files().await;
    for lane in [world.claude(), world.codex()] {
        lane.otherwise(by_part(Answer::reply(reply([])), Answer::refusal()));
    }
    let run = rich(&world).finish().await;
    insta::assert_snapshot!(end(&run), @"exit 0: partial lane-failed, gate off, lanes 0/2");
    insta::assert_snapshot!(told(&world), @"
    --- comment
    ### Counterpoint: nothing found in what was reviewed

    No reviewer read everything on `<head>`. 2 of 3 files, 2600 of 3900 changed lines read · <time> · **<usd> of $3.00**

    Claude finished 1 of 2 parts (the model refused: cyber, <m:ss>) and Codex finished 1 of 2 parts (the model refused, <m:ss>). Name a `fallback` model for the lane: it is asked where this one refuses.

    **Not read:** `src/c.rs` (no reviewer finished it). It does not count as clean.

    <details><summary>Cost, time, models</summary>

    | | model | passes | tokens in (cached) / out | time | cost |
    |---|---|---|---|---|---|
    | Claude | `claude-sonnet-5-5` | 1 of 2 parts, then refused | <in> / <out> | <m:ss> | <usd> |
    | Codex | `gpt-6.1-sol` | 1 of 2 parts, then refused | <in> / <out> | <m:ss> | <usd> |

    Worst case planned: $2.03. List prices of 2026-11-22. This pull request so far: <usd> of $3.00.

    </details>

    <sub>`/review` looks again · default configuration · v0.1.0</sub>

    <!-- counterpoint:v1 -->

    --- check Counterpoint neutral on <head>: Nothing found in what was reviewed (lane-failed) · <usd>
    Claude finished 1 of 2 parts (the model refused: cyber, <m:ss>) and Codex finished 1 of 2 parts (the model refused, <m:ss>). Name a `fallback` model for the lane: it is asked where this one refuses.

    [The summary](https://github.com/acme/shop/pull/7#issuecomment-<id>) stands on the pull request.

    <!-- counterpoint:v1 -->
    ");
    world.assert_clean();
}

#[tokio::test]
async fn what_earlier_parts_give_back_pays_for_later_ones_and_the_cap_holds() {
    let world = three_long_files().await;
    world.claude().otherwise(reply([]));
    world.codex().otherwise(reply([]));
    let run = opened(&world).finish().await;
    insta::assert_snapshot!(end(&run), @"exit 0: reviewed ok, gate off, lanes 2/2");
    insta::assert_snapshot!(lines_with(&tidy(&run.summary), &["changed lines read"]).join("\n"), @"Claude and Codex both finished on `57319ea`. 3 files, 3900 changed lines read · <time> · **<usd> of $1.00**");
    let record = run.record().unwrap();
    let micros = |entry: &Value, name: &str| entry[name].as_u64().unwrap();
    let ledger = record["ledger"].as_array().unwrap();
    let reserved: u64 = ledger.iter().map(|entry| micros(entry, "reserved")).sum();
    let settled: u64 = ledger.iter().map(|entry| micros(entry, "settled")).sum();
    assert!(settled <= 1_000_000 && reserved > 1_000_000, "{reserved} reserved, {settled} settled");
    world.assert_clean();
}

#[tokio::test]
async fn a_wrong_key_is_not_tried_on_part_after_part() {
    let files: Vec<(String, String)> =
        (0..12).map(|n| (format!("src/f{n}.rs"), long(&format!("f{n}")))).collect();
    let head: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let world = world_with(Pull::from_files(&[], &head)).await;
    world.claude().otherwise(reply([]));
    let run = rich(&world).input("openai-api-key", "sk-wrong").finish().await;
    insta::assert_snapshot!(end(&run), @"exit 0: partial lane-failed, gate off, lanes 1/2");
    let asked = (world.requests_to("POST /anthropic/*").len(), world.requests_to("POST /openai/*").len());
    assert_eq!(asked.0, 6);
    assert!(asked.1 <= 4, "{} times with a wrong key", asked.1);
    insta::assert_snapshot!(lines_with(&told(&world), &["Codex", "this is"]).join("\n"), @"
    Codex did not finish (127.0.0.1:<port> did not accept the key (HTTP 401): invalid_request_error: invalid_api_key: Incorrect API key provided): this is one reviewer's view. Check the secret given to the input `openai-api-key` (or OPENAI_API_KEY): it is wrong, revoked or of another provider.
    Codex did not finish (127.0.0.1:<port> did not accept the key (HTTP 401): invalid_request_error: invalid_api_key: Incorrect API key provided): this is one reviewer's view. Check the secret given to the input `openai-api-key` (or OPENAI_API_KEY): it is wrong, revoked or of another provider.
    ");
    world.assert_clean();
}

#[tokio::test]
async fn a_limit_that_one_part_meets_holds_the_others_of_that_lane_back() {
    let world = three_long_files().await;
    world.claude().answers(Answer::rate_limited(Some(1))).otherwise(reply([]));
    world.codex().otherwise(reply([]));
    let run = opened(&world).finish().await;
    let asked = world.requests_to("POST /anthropic/*");
    // Two parts are asked about at once; whatever is asked after the answer waits.
    let waited = asked.iter().skip(2).all(|later| later.at - asked[0].at >= Duration::from_millis(990));
    assert!(asked.len() > 3, "{}", world.transcript());
    assert!(waited, "{}", world.transcript());
    assert_eq!(run.output("lanes"), "2/2");
    world.assert_clean();
}

#[tokio::test]
async fn one_file_longer_than_a_conversation_is_read_in_parts_and_anchored_as_one() {
    let text =
        (0..9_000).map(|line| format!("let step_{line:04} = compute(&input, {line});\n")).collect::<String>();
    let world =
        world_with(Pull::from_files(&[("src/long.rs", "fn main() {}\n")], &[("src/long.rs", &text)])).await;
    let last = || {
        finding("src/long.rs", 8_990, "let step_8989 = compute(&input, 8989);").title("The last step is off")
    };
    let answer = || {
        Answer::choose(move |body| {
            let holds_it = body.to_string().contains("step_8989 = ");
            Answer::reply(if holds_it { reply([last()]) } else { reply([]) })
        })
    };
    world.claude().otherwise(answer());
    world.codex().otherwise(answer());
    let run = rich(&world).finish().await;
    insta::assert_snapshot!(end(&run), @"exit 0: reviewed ok, gate off, lanes 2/2");
    assert_eq!(world.published(7).places(), ["src/long.rs:8990 RIGHT"]);
    let headings: Vec<String> = world
        .claude()
        .requests()
        .iter()
        .flat_map(|request| {
            lines_with(&request.prompt(), &["=== src/long.rs"])
                .join("\n")
                .lines()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect();
    insta::assert_snapshot!(headings.join("\n"), @"
    === src/long.rs (modified, part 1 of 3)
    === src/long.rs (modified, part 2 of 3; its first 10 lines end the part before)
    === src/long.rs (modified, part 3 of 3; its first 10 lines end the part before)
    ");
    world.assert_clean();
}

#[tokio::test]
async fn under_the_default_cap_two_parts_are_read_at_a_time() {
    let world = three_long_files().await;
    for lane in [world.claude(), world.codex()] {
        lane.otherwise(Answer::reply(reply([])).after(Duration::from_millis(150)));
    }
    let run = opened(&world).finish().await;
    insta::assert_snapshot!(end(&run), @"exit 0: reviewed ok, gate off, lanes 2/2");
    assert!(world.requests_to("POST /anthropic/*").len() > 3, "it takes more parts than files");
    assert_eq!(world.max_in_flight("POST /anthropic/*"), 2);
    world.assert_clean();
}

#[tokio::test]
async fn a_part_that_a_server_will_never_take_costs_only_that_part() {
    let world = three_long_files().await;
    let too_long = serde_json::json!({"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long"}});
    world.claude().otherwise(by_part(Answer::reply(reply([])), Answer::status(400, too_long)));
    world.codex().otherwise(reply([]));
    let run = opened(&world).finish().await;
    insta::assert_snapshot!(end(&run), @"exit 0: partial lane-failed, gate off, lanes 1/2");
    let (asked, parts) = (world.claude().requests().len(), world.codex().requests().len());
    assert_eq!(asked, parts, "{}", world.transcript());
    world.assert_clean();
}
