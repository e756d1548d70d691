//! Reviewers that speak Chat Completions: a server of one's own beside the others or alone, and GitHub's models, which need
//! no key. What a server can do is asked, and learnt from what it refuses.

use serde_json::{Value, json};

use crate::shop::*;
use crate::world::*;

const WITH_KEY: &[&str] = &["auth: bearer", "key_env: LOCAL_MODEL_KEY", "free: true"];
const KEYLESS: &[&str] = &["auth: none", "free: true"];
const ALONE: &str = "  claude: null\n  codex: null\n";

/// A shop in which the lane `local` reviews alone, on a server that takes no key.
async fn alone(settings: &[&str], rest: &str) -> World {
    let world = shop().await;
    world.bring_local(settings, ALONE, rest);
    world.chat().keyless();
    world
}

/// A run that no vendor's key was given to.
fn without_keys(world: &World) -> Run {
    ["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "LOCAL_MODEL_KEY"].into_iter().fold(opened(world), Run::without)
}

/// The first pass of the run's record.
fn pass(run: &Finished) -> Value {
    run.record().unwrap()["passes"][0].clone()
}

#[tokio::test]
async fn a_server_of_ones_own_reviews_beside_the_two_vendors() {
    let world = shop().await;
    world.bring_local(WITH_KEY, "", "");
    world.claude().answers(reply([expiry()]));
    world.codex().answers(reply([]));
    world.chat().answers(Answer::reply(reply([boundary(), refund()])).chopped(3));
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 3/3");
    assert_eq!(counts(&run), "2 findings: 1 agreed, 0 contradictions, 1 solo, 0 unchecked; 2 inline");
    let told = told(&world);
    assert!(told.contains("Raised blind by Claude and Local, independently"), "{told}");
    insta::assert_snapshot!(lines_with(&told, &["qwen3"]).join("\n"), @"| Local | `qwen3` | review | <in> / <out> | <m:ss> | $0.00 |");
    world.assert_clean();
}

#[tokio::test]
async fn a_server_of_ones_own_reviews_alone_and_needs_no_key() {
    let world = alone(KEYLESS, "").await;
    world.chat().answers(reply([expiry()]));
    let run = without_keys(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 1/1");
    assert_eq!(run.output("cost-usd"), "0.000000");
    assert_eq!(run.output("inline-comments"), "1");
    let asked = &world.chat().requests()[0];
    assert_eq!((asked.model(), asked.effort(), asked.schema().is_some()), ("qwen3", Some("medium"), true));
    world.assert_clean();
}

#[tokio::test]
async fn a_server_that_knows_no_schema_is_asked_for_json_and_then_for_text_and_reviews() {
    let world = alone(KEYLESS, "").await;
    world
        .chat()
        .answers(Answer::unsupported("response_format"))
        .answers(Answer::unsupported("response_format"));
    world.chat().answers(reply([expiry()]));
    let run = without_keys(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 1/1");
    let requests = world.chat().requests();
    let formats: Vec<_> =
        requests.iter().map(|asked| asked.body["response_format"]["type"].as_str()).collect();
    assert_eq!(formats, [Some("json_schema"), Some("json_object"), None]);
    // Who is not held to the form is told it.
    let told: Vec<_> = requests.iter().map(|asked| asked.prompt().contains("JSON of this schema")).collect();
    assert_eq!(told, [false, true, true]);
    let pass = pass(&run);
    assert_eq!(pass["left_out"], json!(["structured-output", "json-mode"]));
    assert_eq!(
        pass["capabilities"],
        json!({"structured": "none", "cache": "automatic", "effort": true, "usage": true, "context": null,
            "max_output": null, "source": "learnt"})
    );
    world.assert_clean();
}

#[tokio::test]
async fn what_a_model_thinks_aloud_is_not_its_answer() {
    let world = alone(KEYLESS, "").await;
    let draft = reply([refund()]).value().to_string();
    let answer = reply([expiry()]).value().to_string();
    let text =
        format!("<think>\nfn f() {{ 1 }}: maybe {draft}?\n</think>\nHere you are:\n```json\n{answer}\n```");
    world.chat().answers(Answer::text(text).chopped(11));
    let run = without_keys(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 1/1");
    let published = world.published(7);
    let [comment] = published.inline.as_slice() else { panic!("{published}") };
    assert!(comment.body.contains("in the second it expires"), "{published}");
    world.assert_clean();
}

#[tokio::test]
async fn tokens_that_nobody_counts_cost_nothing_where_the_lane_is_free_and_the_whole_reservation_where_not() {
    let priced = "prices: {qwen3: {input: 1, output: 2}}\n";
    for (settings, rest, cost) in [(KEYLESS, "", "0.000000"), (&KEYLESS[..1], priced, "0.0")] {
        let world = alone(settings, rest).await;
        world.chat().answers(Answer::reply(reply([])).uncounted());
        let run = without_keys(&world).finish().await;
        assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 1/1");
        assert!(run.output("cost-usd").starts_with(cost), "{}", run.output("cost-usd"));
        let free = cost == "0.000000";
        assert_eq!(run.output("cost-usd") == "0.000000", free);
        let pass = pass(&run);
        assert_eq!((&pass["usage"], &pass["capabilities"]["usage"]), (&Value::Null, &json!(false)));
        assert_eq!(pass["price_basis"], if free { "free" } else { "configured" });
        world.assert_clean();
    }
}

#[tokio::test]
async fn the_nonsense_of_a_small_model_stands_on_no_line() {
    let world = alone(KEYLESS, "").await;
    let nonsense = reply([
        finding("src/session.rs", 2, "the session is a session").title("Session").severity("critical"),
        finding("lib/nowhere.py", 99_999, "import os").title("Import").severity("awful").confidence(900),
        finding("", 0, "").title("The").body("the the the").with("evidence", "none"),
    ]);
    world.chat().answers(nonsense);
    let run = without_keys(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 1/1");
    assert_eq!(world.published(7).inline.len(), 0, "{}", world.published(7));
    world.assert_clean();
}

#[tokio::test]
async fn what_a_server_tells_of_itself_is_not_tried_out() {
    let world = alone(KEYLESS, "").await;
    let router = json!({"data": [
        {"id": "other", "context_length": 5},
        {"id": "qwen3", "context_length": 32_000, "top_provider": {"max_completion_tokens": 3_000},
            "supported_parameters": ["max_tokens", "response_format", "temperature"]},
    ]});
    world.chat().tells("/v1/models", router).answers(reply([]));
    let run = without_keys(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 1/1");
    let asked = &world.chat().requests()[0];
    assert_eq!(asked.body["response_format"]["type"], "json_object");
    assert_eq!((asked.max_output(), asked.effort()), (Some(3_000), None));
    assert_eq!(
        pass(&run)["capabilities"],
        json!({"structured": "json-object", "cache": "automatic", "effort": false, "usage": true, "context": 32_000,
            "max_output": 3_000, "source": "probed"})
    );
    world.assert_clean();
}

#[tokio::test]
async fn a_server_with_a_small_context_reads_a_pull_request_in_parts() {
    let world = alone(KEYLESS, "").await;
    world.chat().tells("/v1/models", json!({"data": [{"id": "qwen3", "max_model_len": 16_000}]}));
    let long: String = (0..2_000).map(|n| format!("let value_{n} = lookup(table, {n});\n")).collect();
    world.add(Pull::from_files(&[], &[("src/table.rs", &long)]));
    world.chat().otherwise(reply([]));
    let run = without_keys(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 1/1");
    let requests = world.chat().requests();
    assert!(requests.len() > 2, "{}", requests.len());
    for asked in &requests {
        assert_eq!(asked.max_output(), Some(4_000));
        // Two and a half bytes a token: fewer than any tokenizer gets out of code.
        assert!(asked.body.to_string().len() <= 12_000 * 5 / 2, "{}", asked.body.to_string().len());
    }
    world.assert_clean();
}

/// A new file of so many lines of 37 bytes each.
fn long(lines: usize) -> String {
    (0..lines).map(|n| format!("let value_{n:05} = lookup(table, {n:05});\n")).collect()
}

#[tokio::test]
async fn a_context_that_holds_no_diff_is_told_as_such_and_not_as_money() {
    let world = alone(KEYLESS, "").await;
    world.chat().tells("/v1/models", json!({"data": [{"id": "qwen3", "max_model_len": 4_096}]}));
    let run = without_keys(&world).finish().await;
    assert_eq!(end(&run), "exit 0: failed no-lane, gate off, lanes 0/1");
    insta::assert_snapshot!(run.stdout, @"No reviewer can be asked, so nothing was reviewed: `qwen3` takes at most 3072 tokens of input, too few for the rules and a diff. Give it a larger context, or correct `limits` of the lane.");
    world.assert_clean();
}

#[tokio::test]
async fn beside_a_small_context_all_read_in_parts_as_long_as_those_are_few() {
    for (lines, parts) in [(350, Some(3)), (2_000, None)] {
        let world = world_with(Pull::from_files(&[], &[("src/table.rs", &long(lines))])).await;
        world.bring_local(WITH_KEY, "", "");
        world.chat().tells("/v1/models", json!({"data": [{"id": "qwen3", "max_model_len": 8_192}]}));
        let lanes = [world.claude(), world.codex(), world.chat()];
        lanes.iter().for_each(|lane| {
            lane.otherwise(reply([]));
        });
        let run = opened(&world).finish().await;
        let asked = lanes.map(|lane| lane.requests().len());
        match parts {
            Some(parts) => {
                assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 3/3");
                assert_eq!(asked, [parts; 3]);
            }
            None => {
                assert_eq!(end(&run), "exit 0: partial lane-failed, gate off, lanes 2/3");
                assert!(asked[2] == 0 && asked[0] < 4, "{asked:?}");
                insta::assert_snapshot!(lines_with(&told(&world), &["Local was"])[0], @"Local was not asked (`qwen3` takes at most 6144 tokens of input, too few to read this diff in 4 parts). Give it a larger context, or correct `limits` of the lane.");
            }
        }
        world.assert_clean();
    }
}

#[tokio::test]
async fn many_long_names_leave_a_small_context_room_to_read() {
    let world = alone(KEYLESS, "").await;
    world.chat().tells("/v1/models", json!({"data": [{"id": "qwen3", "max_model_len": 8_192}]}));
    let name = |n| format!("src/{}/part_{n:02}/{}.rs", "modules".repeat(6), "implementation".repeat(3));
    let names: Vec<String> = (0..40).map(name).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "fn main() {}\n")).collect();
    world.add(Pull::from_files(&[], &files));
    world.chat().otherwise(reply([]));
    let run = without_keys(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 1/1");
    let requests = world.chat().requests();
    assert!(requests.len() > 1 && requests.len() < 5, "{}", requests.len());
    for asked in requests {
        assert!(asked.body.to_string().len() <= 6_144 * 5 / 2, "{}", asked.body.to_string().len());
    }
    world.assert_clean();
}

#[tokio::test]
async fn a_review_that_costs_nothing_needs_no_budget() {
    let world = shop().await;
    world.bring_local(KEYLESS, "", "");
    world.chat().keyless();
    world.chat().answers(reply([expiry()]));
    let run = opened(&world).input("max-cost-usd", "0").finish().await;
    assert_eq!(end(&run), "exit 0: partial budget, gate off, lanes 1/3");
    assert_eq!(run.output("inline-comments"), "1");
    world.assert_clean();
}

#[tokio::test]
async fn a_server_that_wants_a_key_after_all_says_so_and_people_read_how_to_give_it() {
    let world = shop().await;
    world.bring_local(KEYLESS, ALONE, "");
    let run = without_keys(&world).finish().await;
    assert_eq!(end(&run), "exit 0: failed no-lane, gate off, lanes 0/1");
    assert_eq!(world.take_violations(), ["Chat: no key"]);
    let told = told(&world);
    assert!(told.contains("give the lane `auth: bearer` and a `key_env`"), "{told}");
}

#[tokio::test]
async fn a_server_that_cuts_the_prompt_without_a_word_has_not_read_it_when_its_count_betrays_it() {
    for (tokens, ends) in [
        (400, "exit 0: failed no-lane, gate off, lanes 0/1"),
        (1_300, "exit 0: reviewed ok, gate off, lanes 1/1"),
    ] {
        let world = alone(KEYLESS, "").await;
        world.chat().answers(Answer::reply(reply([expiry()])).usage(Usage::new(tokens, 20)));
        let run = without_keys(&world).finish().await;
        assert_eq!(end(&run), ends);
        assert_eq!(told(&world).contains("Give it a larger context"), tokens == 400);
    }
}

/// A shop that GitHub's models review, and nobody else.
async fn free_of_charge() -> World {
    let world = shop().await;
    let url = world.url();
    world.base_file(
        ".github/counterpoint.yml",
        &format!(
            "lanes:\n{ALONE}  github: {{provider: github, model: openai/gpt-4.1, base_url: {url}/models/inference}}\n"
        ),
    );
    world
}

#[tokio::test]
async fn githubs_models_review_with_the_jobs_own_token_and_no_key_at_all() {
    let world = free_of_charge().await;
    let catalogue = json!([{"id": "openai/gpt-4.1", "limits": {"max_input_tokens": 1_048_576, "max_output_tokens": 2_000}}]);
    world.github_models().tells("/catalog/models", catalogue).answers(reply([expiry()]));
    let run = without_keys(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 1/1");
    assert_eq!((run.output("cost-usd"), run.output("inline-comments")), ("0.000000", "1"));
    let asked = &world.github_models().requests()[0];
    assert_eq!((asked.model(), asked.max_output()), ("openai/gpt-4.1", Some(2_000)));
    let accepts =
        |(name, value): &(String, String)| name == "accept" && value == "application/vnd.github+json";
    assert!(asked.headers.iter().any(accepts), "{:?}", asked.headers);
    world.assert_clean();
}

#[tokio::test]
async fn githubs_models_ask_for_a_right_and_a_days_limit_is_not_waited_for() {
    let refused =
        json!({"error": {"code": "unauthorized", "message": "The `models` permission is required"}});
    let spent =
        json!({"error": {"code": "RateLimitReached", "message": "Rate limit of 50 per 86400s exceeded"}});
    for (answer, words) in [
        (Answer::status(401, refused.clone()), "`models: read`"),
        (Answer::status(403, refused), "`models: read`"),
        (Answer::status(429, spent).header("retry-after", "43200"), "rate limit"),
    ] {
        let world = free_of_charge().await;
        world.github_models().answers(answer);
        let run = without_keys(&world).finish().await;
        assert_eq!(end(&run), "exit 0: failed no-lane, gate off, lanes 0/1");
        let told = told(&world);
        assert!(told.contains(words), "{told}");
        world.assert_clean();
    }
}
