//! The scripted reviewers: shapes of their answers, and what they complain of.

use serde_json::{Value, json};

use super::super::{Answer, Usage, World, clearance, finding, reply};
use super::{Got, send};

pub(super) async fn claude(world: &World, body: &Value) -> Got {
    let key = world.claude().key.clone();
    let headers = [
        ("x-api-key", key.as_str()),
        ("anthropic-version", "2026-10-21"),
        ("content-type", "application/json"),
    ];
    send(world, "POST", "/anthropic/v1/messages", &headers, &body.to_string()).await
}

pub(super) async fn codex(world: &World, body: &Value) -> Got {
    let key = format!("Bearer {}", world.codex().key);
    let headers = [("authorization", key.as_str()), ("content-type", "application/json")];
    send(world, "POST", "/openai/v1/responses", &headers, &body.to_string()).await
}

pub(super) async fn chat(world: &World, body: &Value) -> Got {
    let key = format!("Bearer {}", world.chat().key);
    let headers = [("authorization", key.as_str()), ("content-type", "application/json")];
    send(world, "POST", "/chat/v1/chat/completions", &headers, &body.to_string()).await
}

fn to_chat() -> Value {
    let messages =
        json!([{"role": "system", "content": "Rules."}, {"role": "user", "content": "Review this"}]);
    json!({"model": "qwen3", "max_tokens": 900, "messages": messages})
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

/// The bytes of a body that was sent in chunks, and how many there were.
fn joined(got: &Got) -> (Vec<u8>, usize) {
    let mut bytes = Vec::new();
    let mut chunks = 0;
    let mut rest = got.body.as_slice();
    while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
        let size = String::from_utf8_lossy(&rest[..end]).into_owned();
        let size = usize::from_str_radix(&size, 16).unwrap_or(0);
        let Some(chunk) = rest.get(end + 2..end + 2 + size).filter(|chunk| !chunk.is_empty()) else {
            break;
        };
        bytes.extend_from_slice(chunk);
        chunks += 1;
        rest = rest.get(end + size + 4..).unwrap_or_default();
    }
    (bytes, chunks)
}

/// The data of each event of a stream, chunk sizes removed.
fn events(got: &Got) -> Vec<Value> {
    let text = String::from_utf8_lossy(&joined(got).0).into_owned();
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
async fn a_chat_answer_is_one_choice_or_its_deltas_then_the_tokens_then_the_end() {
    let world = World::start().await;
    let usage = Usage::new(100, 20).cached(7, 5);
    world.chat().answers(Answer::text("All is well.").usage(usage));
    world.chat().answers(Answer::text("All is well.").usage(usage));
    world.chat().answers(Answer::refusal()).answers(Answer::text("{}").uncounted());
    let plain = chat(&world, &to_chat()).await.json();
    let choice = &plain["choices"][0];
    assert_eq!(
        (&choice["message"]["content"], &choice["finish_reason"]),
        (&json!("All is well."), &json!("stop"))
    );
    assert_eq!(
        (&plain["usage"]["prompt_tokens"], &plain["usage"]["total_tokens"]),
        (&json!(112), &json!(132))
    );
    let mut asked = to_chat();
    asked["stream"] = json!(true);
    asked["stream_options"] = json!({"include_usage": true});
    let streamed = chat(&world, &asked).await;
    let chunks = events(&streamed);
    let text: String =
        chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(text, "All is well.");
    let last = chunks.last().expect("a last chunk");
    assert_eq!((&last["choices"], &last["usage"]), (&json!([]), &plain["usage"]));
    assert!(joined(&streamed).0.ends_with(b"data: [DONE]\n\n"));
    let refused = chat(&world, &to_chat()).await.json();
    assert!(refused["choices"][0]["message"]["refusal"].is_string(), "{refused}");
    assert_eq!(chat(&world, &to_chat()).await.json()["usage"], Value::Null);
    assert!(world.chat().requests()[0].prompt().contains("Review this"));
    world.assert_clean();
}

#[tokio::test]
async fn a_chat_server_may_take_no_key_and_tell_what_it_can() {
    let world = World::start().await;
    world.chat().keyless().tells("/v1/models", json!({"data": []}));
    world.chat().otherwise(Answer::text("{}"));
    let bare = [("content-type", "application/json")];
    let got = send(&world, "POST", "/chat/v1/chat/completions", &bare, &to_chat().to_string()).await;
    assert_eq!(got.status, 200);
    assert_eq!(send(&world, "GET", "/chat/v1/models", &[], "").await.json(), json!({"data": []}));
    assert_eq!(send(&world, "GET", "/chat/props", &[], "").await.status, 404);
    world.assert_clean();
    assert_eq!(chat(&world, &to_chat()).await.status, 401);
    assert_eq!(world.take_violations(), ["Chat: a key that nobody asked for"]);
}

#[tokio::test]
async fn an_answer_can_be_chopped_anywhere_and_is_the_same_bytes() {
    let world = World::start().await;
    for form in [Answer::plain, Answer::streamed] {
        world.codex().answers(form(Answer::text("Zwölf Bäume.")));
        world.codex().answers(form(Answer::text("Zwölf Bäume.")).chopped(7));
        let (whole, chopped) = (codex(&world, &to_codex()).await, codex(&world, &to_codex()).await);
        let (bytes, chunks) = joined(&chopped);
        let whole = if whole.header("content-length").is_some() { whole.body } else { joined(&whole).0 };
        assert_eq!(bytes, whole);
        assert!(chunks > 20, "{chunks}");
    }
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
        world.codex().answers(end.clone());
        world.chat().answers(end);
        let (one, other) = (claude(&world, &to_claude()).await, codex(&world, &to_codex()).await);
        let third = chat(&world, &to_chat()).await;
        seen.push((one.status, other.status, third.status));
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
            assert_eq!(third.json()["choices"][0]["finish_reason"], "length");
        }
        if seen.len() == 5 {
            assert_eq!((one.header("retry-after"), other.header("retry-after")), (Some("3"), Some("3")));
        }
    }
    let expected = [
        (200, 200, 200),
        (200, 200, 200),
        (400, 400, 400),
        (529, 503, 503),
        (429, 429, 429),
        (429, 429, 402),
        (200, 200, 200),
    ];
    assert_eq!(seen, expected);
    world.claude().answers(Answer::text("gone").cut());
    assert!(!claude(&world, &to_claude()).await.is_whole());
    world.claude().answers(Answer::breaks_off("half a"));
    assert_eq!(types(&events(&claude(&world, &to_claude()).await)).last(), Some(&"error"));
    world.chat().answers(Answer::breaks_off("half a"));
    assert!(events(&chat(&world, &to_chat()).await).last().is_some_and(|event| event["error"].is_object()));
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
    world.chat().otherwise(Answer::text("{}"));
    for (key, value) in [
        ("store", json!(false)),
        ("max_completion_tokens", json!(5)),
        ("stream_options", json!({"include_usage": true})),
        ("response_format", json!({"type": "json_object"})),
        ("messages", json!([{"role": "user", "content": [{"type": "text", "text": "in parts"}]}])),
        (
            "response_format",
            json!({"type": "json_schema", "json_schema": {"name": "r", "strict": true, "schema": bounded}}),
        ),
    ] {
        let mut body = to_chat();
        body[key] = value;
        chat(&world, &body).await;
        assert_eq!(world.take_violations().len(), 1, "{key}");
    }
}

#[tokio::test]
async fn calls_nobody_scripted_and_scripts_nobody_used_are_found_out() {
    let world = World::start().await;
    assert_eq!(claude(&world, &to_claude()).await.status, 500);
    assert_eq!(world.take_violations(), ["Anthropic: a call that nobody scripted: Review"]);
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
