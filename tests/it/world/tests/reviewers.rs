//! The scripted reviewers: shapes of their answers, and what they complain of.

use serde_json::{Value, json};

use super::super::{Answer, Usage, World, clearance, finding, reply};
use super::{Got, send};

async fn claude(world: &World, body: &Value) -> Got {
    let key = world.claude().key.clone();
    let headers = [
        ("x-api-key", key.as_str()),
        ("anthropic-version", "2026-10-21"),
        ("content-type", "application/json"),
    ];
    send(world, "POST", "/anthropic/v1/messages", &headers, &body.to_string()).await
}

async fn codex(world: &World, body: &Value) -> Got {
    let key = format!("Bearer {}", world.codex().key);
    let headers = [("authorization", key.as_str()), ("content-type", "application/json")];
    send(world, "POST", "/openai/v1/responses", &headers, &body.to_string()).await
}

fn to_claude() -> Value {
    json!({"model": "claude-sonnet-5-5", "max_tokens": 900, "messages": [{"role": "user", "content": "Review this"}]})
}

fn to_codex() -> Value {
    let input = json!([{"role": "user", "content": [{"type": "input_text", "text": "Review this"}]}]);
    json!({"model": "gpt-6.1-sol", "store": false, "max_output_tokens": 900, "input": input})
}

#[tokio::test]
async fn a_reply_arrives_in_each_vendors_shape() {
    let world = World::start().await;
    let findings = reply([finding("a.rs", 3, "let x = 1;").title("Wrong")]);
    world.claude().answers(Answer::reply(findings.clone()).usage(Usage::new(100, 20).cached(7, 5)));
    world.codex().answers(Answer::reply(findings.clone()).usage(Usage::new(100, 20).cached(7, 5)));
    let got = claude(&world, &to_claude()).await.json();
    let text = got["content"][1]["text"].as_str().unwrap_or_default();
    assert_eq!(serde_json::from_str::<Value>(text).ok().as_ref(), Some(findings.value()));
    assert_eq!((&got["stop_reason"], &got["usage"]["input_tokens"]), (&json!("end_turn"), &json!(100)));
    let got = codex(&world, &to_codex()).await.json();
    let text = got["output"][1]["content"][0]["text"].as_str().unwrap_or_default();
    assert_eq!(serde_json::from_str::<Value>(text).ok().as_ref(), Some(findings.value()));
    assert_eq!((&got["status"], &got["usage"]["input_tokens"]), (&json!("completed"), &json!(112)));
    assert!(world.claude().requests()[0].prompt().contains("Review this"));
    assert!(world.codex().requests()[0].prompt().contains("Review this"));
    world.assert_clean();
}

/// The data of each event of a stream, chunk sizes removed.
fn events(got: &Got) -> Vec<Value> {
    let mut text = String::new();
    let mut rest = got.body.as_slice();
    while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
        let size = String::from_utf8_lossy(&rest[..end]).into_owned();
        let size = usize::from_str_radix(&size, 16).unwrap_or(0);
        let Some(chunk) = rest.get(end + 2..end + 2 + size) else {
            break;
        };
        text.push_str(&String::from_utf8_lossy(chunk));
        rest = rest.get(end + size + 4..).unwrap_or_default();
    }
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter_map(|data| serde_json::from_str(data).ok()).collect()
}

fn types(events: &[Value]) -> Vec<&str> {
    let mut types: Vec<_> = events.iter().filter_map(|event| event["type"].as_str()).collect();
    types.dedup();
    types
}

#[tokio::test]
async fn streams_have_each_vendors_events_and_the_whole_text() {
    let world = World::start().await;
    world.claude().answers(Answer::text("All is well.").streamed());
    world.codex().answers(Answer::text("All is well."));
    let got = claude(&world, &to_claude()).await;
    assert_eq!(got.header("content-type"), Some("text/event-stream; charset=utf-8"));
    let stream = events(&got);
    assert_eq!(
        types(&stream),
        [
            "message_start",
            "content_block_start",
            "ping",
            "content_block_delta",
            "content_block_stop",
            "content_block_start",
            "ping",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
    );
    let text: String = stream.iter().filter_map(|event| event["delta"]["text"].as_str()).collect();
    assert_eq!(text, "All is well.");
    let mut asked = to_codex();
    asked["stream"] = json!(true);
    let stream = events(&codex(&world, &asked).await);
    let text: String = stream.iter().filter_map(|event| event["delta"].as_str()).collect();
    assert_eq!(text, "All is well.");
    let last = stream.last().expect("a last event");
    assert_eq!((&last["type"], last["response"]["usage"].is_object()), (&json!("response.completed"), true));
    assert_eq!(last["sequence_number"], stream.len() - 1);
    world.assert_clean();
}

#[tokio::test]
async fn every_bad_end_has_its_vendors_form() {
    let world = World::start().await;
    let ends = [
        Answer::refusal(),
        Answer::truncated("{\"find"),
        Answer::unsupported("effort"),
        Answer::overloaded(),
        Answer::rate_limited(Some(3)),
        Answer::out_of_quota(),
        Answer::html(),
    ];
    let mut seen = Vec::new();
    for end in ends {
        world.claude().answers(end.clone());
        world.codex().answers(end);
        let (one, other) = (claude(&world, &to_claude()).await, codex(&world, &to_codex()).await);
        seen.push((one.status, other.status));
        if seen.len() == 1 {
            assert_eq!(
                (&one.json()["stop_reason"], one.json()["content"].clone()),
                (&json!("refusal"), json!([]))
            );
            assert_eq!(other.json()["output"][1]["content"][0]["type"], "refusal");
        }
        if seen.len() == 2 {
            assert_eq!(one.json()["stop_reason"], "max_tokens");
            assert_eq!(other.json()["incomplete_details"]["reason"], "max_output_tokens");
        }
        if seen.len() == 5 {
            assert_eq!((one.header("retry-after"), other.header("retry-after")), (Some("3"), Some("3")));
        }
    }
    assert_eq!(seen, [(200, 200), (200, 200), (400, 400), (529, 503), (429, 429), (429, 429), (200, 200)]);
    world.claude().answers(Answer::text("gone").cut());
    assert!(!claude(&world, &to_claude()).await.is_whole());
    world.claude().answers(Answer::breaks_off("half a"));
    assert_eq!(types(&events(&claude(&world, &to_claude()).await)).last(), Some(&"error"));
    world.assert_clean();
}

#[tokio::test]
async fn what_a_vendor_would_refuse_is_a_violation() {
    let world = World::start().await;
    world.claude().otherwise(Answer::text("{}"));
    world.codex().otherwise(Answer::text("{}"));
    let bounded = json!({"type": "object", "additionalProperties": false, "properties": {"n": {"type": "integer", "minimum": 1}}, "required": []});
    for (key, value) in [
        ("temperature", json!(0)),
        ("max_tokens", Value::Null),
        ("output_config", json!({"effort": "huge"})),
        ("output_config", json!({"format": {"type": "json_schema", "schema": bounded}})),
        ("messages", json!([])),
    ] {
        let mut body = to_claude();
        body[key] = value;
        claude(&world, &body).await;
        assert_eq!(world.take_violations().len(), 1, "{key}");
    }
    for (key, value) in [
        ("store", json!(true)),
        ("max_tokens", json!(5)),
        ("reasoning", json!({"effort": "none"})),
        ("text", json!({"format": {"type": "json_schema", "name": "r", "strict": true, "schema": bounded}})),
    ] {
        let mut body = to_codex();
        body[key] = value;
        codex(&world, &body).await;
        assert_eq!(world.take_violations().len(), 1, "{key}");
    }
}

#[tokio::test]
async fn calls_nobody_scripted_and_scripts_nobody_used_are_found_out() {
    let world = World::start().await;
    assert_eq!(claude(&world, &to_claude()).await.status, 500);
    assert_eq!(world.take_violations(), ["Anthropic: a call that nobody scripted"]);
    let wrong = [("authorization", "Bearer wrong"), ("content-type", "application/json")];
    assert_eq!(send(&world, "POST", "/openai/v1/responses", &wrong, "{}").await.status, 401);
    let count = send(&world, "POST", "/anthropic/v1/messages/count_tokens", &[], "{}").await;
    assert_eq!(count.status, 404);
    world.assert_clean();
    world.codex().answers(reply([]));
    assert_eq!(world.codex().unused(), 1);
}

#[tokio::test]
async fn an_answer_can_be_made_from_the_request() {
    let world = World::start().await;
    world.claude().answers(Answer::choose(|body| Answer::text(body["model"].to_string())));
    let got = claude(&world, &to_claude()).await.json();
    assert_eq!(got["content"][1]["text"], "\"claude-sonnet-5-5\"");
}

#[test]
fn replies_are_complete_by_the_reply_schema() {
    let Some(shared) = std::env::var_os("COUNTERPOINT_SHARED") else {
        return;
    };
    let path = std::path::Path::new(&shared).join("contract/reply.schema.json");
    let schema = serde_json::from_slice(&std::fs::read(path).expect("the schema")).expect("it is JSON");
    let whole = reply([finding("a.rs", 3, "x").old().to(4).suggestion("y")])
        .clears([clearance("a.rs", "x", "checked")])
        .challenges([super::super::challenge("F1", "refuted", "no", "a.rs", "x")])
        .defences([super::super::defence("F1", "stand", "a.rs", "x")]);
    assert!(jsonschema::is_valid(&schema, whole.value()));
}
