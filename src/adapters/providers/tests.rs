#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request as Incoming;
use axum::response::Response;
use bytes::Bytes;
use proptest::prelude::*;
use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::json;

use super::*;
use crate::adapters::http;
use crate::domain::lane::{Auth, Lane, Provider};

const KEY: &str = "sk-test-0123456789";

fn prompt() -> Prompt {
    Prompt { system: "Rules.".into(), shared: "The diff: \"é\"".into(), task: "Review.".into() }
}

fn built(provider: Provider, without: &[Feature], mark_cache: bool) -> (Value, Vec<u8>) {
    let without = without.iter().copied().collect();
    let request = Request {
        model: "model-1",
        effort: Effort::Medium,
        prompt: &prompt(),
        max_output: 9000,
        without: &without,
        mark_cache,
        cache_key: "key-1",
        talk: None,
    };
    let bytes = body(provider.wire(), &request);
    (serde_json::from_slice(&bytes).unwrap(), bytes)
}

/// Without the schema, which has its own tests.
fn shape_of(mut body: Value) -> Value {
    for pointer in
        ["/output_config/format/schema", "/text/format/schema", "/response_format/json_schema/schema"]
    {
        if let Some(schema) = body.pointer_mut(pointer) {
            assert!(schema.is_object());
            *schema = json!("SCHEMA");
        }
    }
    body
}

/// The task where no server holds the answer to the schema.
fn in_words(task: &str) -> String {
    let schema: Value = serde_json::from_str(REPLY_SCHEMA).unwrap();
    format!("{task}\n\nAnswer with JSON of this schema and nothing else:\n{schema}")
}

#[test]
fn the_anthropic_body_is_what_the_messages_api_documents() {
    let expected = json!({
        "model": "model-1",
        "max_tokens": 9000,
        "system": "Rules.",
        "messages": [{"role": "user", "content": [
            {"type": "text", "text": "The diff: \"é\"", "cache_control": {"type": "ephemeral"}},
            {"type": "text", "text": "Review."},
        ]}],
        "output_config": {"format": {"type": "json_schema", "schema": "SCHEMA"}, "effort": "medium"},
        "stream": true,
    });
    assert_eq!(shape_of(built(Provider::Anthropic, &[], true).0), expected);
    let mut bare = expected;
    bare.as_object_mut().unwrap().retain(|key, _| !matches!(key.as_str(), "output_config" | "stream"));
    bare["messages"][0]["content"][0].as_object_mut().unwrap().remove("cache_control");
    bare["messages"][0]["content"][1]["text"] = json!(in_words("Review."));
    let all = [
        Feature::StructuredOutput,
        Feature::Effort,
        Feature::CacheMark,
        Feature::ServiceTier,
        Feature::Stream,
    ];
    assert_eq!(built(Provider::Anthropic, &all, true).0, bare);
}

#[test]
fn the_openai_body_is_what_the_responses_api_documents() {
    let expected = json!({
        "model": "model-1",
        "instructions": "Rules.",
        "input": [{"role": "user", "content": [
            {"type": "input_text", "text": "The diff: \"é\"", "prompt_cache_breakpoint": {"mode": "explicit"}},
            {"type": "input_text", "text": "Review."},
        ]}],
        "text": {"format": {"type": "json_schema", "name": "counterpoint_reply", "strict": true, "schema": "SCHEMA"}},
        "reasoning": {"effort": "medium"},
        "max_output_tokens": 9000,
        "store": false,
        "service_tier": "default",
        "prompt_cache_key": "key-1",
        "prompt_cache_options": {"mode": "explicit", "ttl": "30m"},
        "stream": true,
    });
    assert_eq!(shape_of(built(Provider::Openai, &[], true).0), expected);
    let lenient = built(Provider::Openai, &[Feature::StrictSchema], false).0;
    assert_eq!(lenient["text"]["format"]["strict"], false);
    assert_eq!(lenient.get("prompt_cache_key"), None);
    let all = [
        Feature::StructuredOutput,
        Feature::Effort,
        Feature::CacheMark,
        Feature::ServiceTier,
        Feature::Stream,
    ];
    let bare = json!({
        "model": "model-1",
        "instructions": "Rules.",
        "input": [{"role": "user", "content": [
            {"type": "input_text", "text": "The diff: \"é\""}, {"type": "input_text", "text": in_words("Review.")},
        ]}],
        "max_output_tokens": 9000,
        "store": false,
    });
    assert_eq!(built(Provider::Openai, &all, true).0, bare);
}

#[test]
fn the_chat_body_is_what_every_server_that_imitates_openai_takes() {
    let expected = json!({
        "model": "model-1",
        "messages": [
            {"role": "system", "content": "Rules."},
            {"role": "user", "content": "The diff: \"é\"\n\nReview."},
        ],
        "max_tokens": 9000,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "counterpoint_reply", "strict": true, "schema": "SCHEMA"},
        },
        "reasoning_effort": "medium",
        "stream": true,
        "stream_options": {"include_usage": true},
    });
    assert_eq!(shape_of(built(Provider::Compatible, &[], true).0), expected);
    let json_mode = built(Provider::Github, &[Feature::StructuredOutput, Feature::MaxTokens], false).0;
    assert_eq!(json_mode["response_format"], json!({"type": "json_object"}));
    assert_eq!((&json_mode["max_completion_tokens"], json_mode.get("max_tokens")), (&json!(9000), None));
    let all = [
        Feature::StructuredOutput,
        Feature::JsonMode,
        Feature::Effort,
        Feature::StreamUsage,
        Feature::Stream,
    ];
    let bare = built(Provider::Compatible, &all, true).0;
    let keys: Vec<_> = bare.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["model", "messages", "max_tokens"]);
    // Who is not held to the schema is told it, and what stands before the task stays what it was.
    for body in [&json_mode, &bare] {
        let text = body["messages"][1]["content"].as_str().unwrap();
        assert!(text.starts_with("The diff: \"é\"\n\nReview.\n\nAnswer with JSON"), "{text}");
        let schema: Value = serde_json::from_str(text.rsplit_once('\n').unwrap().1).unwrap();
        assert_eq!(schema["type"], "object");
    }
}

#[test]
fn empty_parts_of_a_prompt_are_left_out_because_servers_refuse_them() {
    let prompt = Prompt { system: String::new(), shared: String::new(), task: "Say ok.".into() };
    let without = BTreeSet::new();
    let request = Request {
        model: "m",
        effort: Effort::Low,
        prompt: &prompt,
        max_output: 16,
        without: &without,
        mark_cache: true,
        cache_key: "",
        talk: None,
    };
    let of = |provider| serde_json::from_slice::<Value>(&body(provider, &request)).unwrap();
    let anthropic = of(Wire::Messages);
    assert_eq!(anthropic["messages"][0]["content"], json!([{"type": "text", "text": "Say ok."}]));
    assert_eq!(anthropic.get("system"), None);
    let openai = of(Wire::Responses);
    assert_eq!(openai["input"][0]["content"], json!([{"type": "input_text", "text": "Say ok."}]));
    assert_eq!(of(Wire::Chat)["messages"], json!([{"role": "user", "content": "Say ok."}]));
    assert_eq!(openai.get("instructions"), None);
}

#[test]
fn each_dialect_gets_only_schema_keywords_it_takes_and_the_order_stays() {
    fn keywords(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(object) => {
                for (key, inner) in object {
                    found.insert(key.clone());
                    // Names of properties are not keywords.
                    match key.as_str() {
                        "properties" | "$defs" => {
                            inner.as_object().unwrap().values().for_each(|v| keywords(v, found))
                        }
                        _ => keywords(inner, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| keywords(item, found)),
            _ => {}
        }
    }
    let taken = [
        "$defs",
        "$ref",
        "additionalProperties",
        "anyOf",
        "description",
        "enum",
        "items",
        "properties",
        "required",
    ];
    let anthropic = built(Provider::Anthropic, &[], false).0["output_config"]["format"]["schema"].clone();
    let openai = built(Provider::Openai, &[], false).0["text"]["format"]["schema"].clone();
    for schema in [&anthropic, &openai] {
        let mut found = BTreeSet::new();
        keywords(schema, &mut found);
        found.remove("type");
        assert_eq!(found, taken.iter().map(|&name| name.to_owned()).collect());
    }
    let severity = "/properties/findings/items/properties/severity";
    assert_eq!(anthropic.pointer(severity).unwrap(), &json!({"enum": ["critical", "high", "medium", "low"]}));
    assert_eq!(openai.pointer(severity).unwrap()["type"], "string");
    // Models fill fields in this order: the scenario before the severity.
    let names: Vec<_> = anthropic
        .pointer("/properties/findings/items/properties")
        .unwrap()
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(names[..2], ["id", "failure_scenario"]);
}

#[test]
fn the_features_that_stand_in_a_body_are_the_ones_not_left_out() {
    use Feature::{
        CacheMark, Effort, JsonMode, MaxTokens, ServiceTier, Stream, StreamUsage, StrictSchema,
        StructuredOutput,
    };
    let all: BTreeSet<_> = [StructuredOutput, StrictSchema, Effort, CacheMark, ServiceTier, Stream].into();
    for left_out in &all {
        let sent = rejection::features(Wire::Responses, &built(Provider::Openai, &[*left_out], true).1);
        let mut expected = all.clone();
        expected.remove(left_out);
        if *left_out == StructuredOutput {
            expected.remove(&StrictSchema);
        }
        assert_eq!(sent, expected);
    }
    assert_eq!(
        rejection::features(Wire::Messages, &built(Provider::Anthropic, &[], true).1),
        [StructuredOutput, Effort, CacheMark, Stream].into()
    );
    assert_eq!(
        rejection::features(Wire::Chat, &built(Provider::Compatible, &[], true).1),
        [StructuredOutput, StrictSchema, Effort, MaxTokens, Stream, StreamUsage].into()
    );
    let without = [StructuredOutput, MaxTokens, StreamUsage];
    let sent = rejection::features(Wire::Chat, &built(Provider::Compatible, &without, true).1);
    assert_eq!(sent, [JsonMode, Effort, Stream].into());
    assert_eq!(rejection::features(Wire::Chat, b"not json"), [].into());
}

/// Where a request goes.
fn address(endpoint: &Endpoint) -> String {
    let body = br#"{"model":"model-1"}"#.to_vec();
    endpoint.request(body, SystemTime::UNIX_EPOCH).unwrap().0.to_string()
}

#[test]
fn keys_and_addresses_that_cannot_work_are_refused_with_the_name_of_the_variable() {
    let new = |base: Option<&str>, key: &str| {
        Endpoint::new(&Lane::new("codex", Provider::Openai, "model-1"), base, Some(key))
    };
    let plain = new(None, " sk-abc\n").unwrap();
    assert_eq!((plain.base_url(), plain.host().as_str()), ("https://api.openai.com/v1", "api.openai.com"));
    assert!(!format!("{plain:?}").contains("sk-abc"));
    assert_eq!(
        address(&new(Some("http://127.0.0.1:8080/v1//"), "k").unwrap()),
        "http://127.0.0.1:8080/v1/responses"
    );
    assert_eq!(new(Some(" "), "k").unwrap().base_url(), "https://api.openai.com/v1");
    let anthropic = Endpoint::new(&lane(Provider::Anthropic), None, Some("k")).unwrap();
    assert_eq!(address(&anthropic), "https://api.anthropic.com/v1/messages");
    for key in ["", "  ", "sk\nabc", "sk abc", "sk-é"] {
        let why = new(None, key).unwrap_err();
        assert!(why.contains("OPENAI_API_KEY") && why.contains("openai-api-key"), "{why}");
        assert!(key.trim().is_empty() || !why.contains(key.trim()));
    }
    for base in ["api.openai.com", "ftp://x/v1", "http://", "https://u:p@x/v1", "https://x/v1?k=1", "/v1"] {
        let why = new(Some(base), "k").unwrap_err();
        assert!(why.contains("OPENAI_BASE_URL"), "{why}");
    }
}

// Answers.

fn lane(provider: Provider) -> Lane {
    let name = if provider == Provider::Anthropic { "claude" } else { "codex" };
    Lane::new(name, provider, "model-1")
}

fn endpoint(provider: Provider) -> Endpoint {
    Endpoint::new(&lane(provider), None, Some(KEY)).unwrap()
}

fn read(provider: Provider, message: &Value) -> Attempt {
    finished(&endpoint(provider), b"{}", message)
}

fn answer(text: &str, stop: Stop) -> AttemptEnd {
    AttemptEnd::Answer { text: text.into(), stop, model: Some("model-1".into()) }
}

fn anthropic_message(stop: &str) -> Value {
    json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "model-1", "new_field": {},
        "content": [{"type": "thinking", "thinking": "hm", "signature": "x"}, {"type": "text", "text": "{\"find"},
            {"type": "new_block", "text": "?"}, {"type": "text", "text": "ings\":[]}"}],
        "stop_reason": stop, "stop_details": null,
        "usage": {"input_tokens": 10, "cache_creation_input_tokens": 200, "cache_read_input_tokens": 3000,
            "output_tokens": 40, "output_tokens_details": {"thinking_tokens": 30}, "service_tier": "standard"}})
}

fn openai_response(status: &str) -> Value {
    json!({"id": "resp_1", "object": "response", "status": status, "model": "model-1", "error": null,
        "incomplete_details": null, "new_field": [],
        "output": [{"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]},
            {"type": "new_item"},
            {"type": "message", "role": "assistant", "content": [
                {"type": "output_text", "text": "{\"findings\":[]}", "annotations": []}, {"type": "new_part"}]}],
        "usage": {"input_tokens": 3210, "input_tokens_details": {"cached_tokens": 3000, "cache_write_tokens": 200},
            "output_tokens": 40, "output_tokens_details": {"reasoning_tokens": 30}, "total_tokens": 3250}})
}

const USAGE: Usage =
    Usage { input: 10, cache_read: 3000, cache_write: 200, output: 40, reasoning: Some(30), charged: None };

#[test]
fn both_vendors_answers_read_the_same_with_tokens_by_kind() {
    for (provider, message) in [
        (Provider::Anthropic, anthropic_message("end_turn")),
        (Provider::Openai, openai_response("completed")),
    ] {
        let attempt = read(provider, &message);
        assert_eq!(attempt.end, answer("{\"findings\":[]}", Stop::Complete));
        assert_eq!(attempt.billing, Billing::Used(USAGE));
    }
}

#[test]
fn the_ends_of_an_anthropic_answer_are_told_apart() {
    for (reason, stop) in [
        ("max_tokens", Stop::Truncated),
        ("model_context_window_exceeded", Stop::Truncated),
        ("stop_sequence", Stop::Complete),
        ("a_new_reason", Stop::Complete),
        ("refusal", Stop::Refused { category: None }),
    ] {
        assert_eq!(
            read(Provider::Anthropic, &anthropic_message(reason)).end,
            answer("{\"findings\":[]}", stop)
        );
    }
    let mut refused = anthropic_message("refusal");
    refused["stop_details"] = json!({"category": "cyber"});
    refused["content"] = json!([]);
    let attempt = read(Provider::Anthropic, &refused);
    assert_eq!(attempt.end, answer("", Stop::Refused { category: Some("cyber".into()) }));
    assert_eq!(attempt.billing, Billing::Used(USAGE));
}

#[test]
fn the_ends_of_an_openai_answer_are_told_apart() {
    let mut cut = openai_response("incomplete");
    for (reason, stop) in [
        (json!({"reason": "max_output_tokens"}), Stop::Truncated),
        (json!(null), Stop::Truncated),
        (json!({"reason": "content_filter"}), Stop::Refused { category: Some("content_filter".into()) }),
    ] {
        cut["incomplete_details"] = reason;
        assert_eq!(read(Provider::Openai, &cut).end, answer("{\"findings\":[]}", stop));
    }
    let mut refused = openai_response("completed");
    refused["output"][2]["content"] = json!([{"type": "refusal", "refusal": "I cannot."}]);
    assert_eq!(read(Provider::Openai, &refused).end, answer("", Stop::Refused { category: None }));
    for status in ["queued", "in_progress", "cancelled"] {
        let attempt = read(Provider::Openai, &openai_response(status));
        assert!(matches!(attempt.end, AttemptEnd::Broken { sent: true, .. }), "{status}");
    }
}

#[test]
fn a_failed_openai_answer_is_judged_by_its_code_and_keeps_its_usage() {
    let failed = |code: &str, message: &str| {
        let mut failed = openai_response("failed");
        failed["error"] = json!({"code": code, "message": message});
        let attempt = read(Provider::Openai, &failed);
        assert_eq!(attempt.billing, Billing::Used(USAGE));
        attempt.end
    };
    let AttemptEnd::Rejected { status, retry, why, .. } = failed("server_error", "try later") else {
        panic!()
    };
    assert_eq!((status, retry), (500, Retry::After(None)));
    assert_eq!(why, "api.openai.com had an error (inside its answer): server_error: try later");
    assert!(matches!(
        failed("rate_limit_exceeded", ""),
        AttemptEnd::Rejected { status: 429, retry: Retry::After(None), .. }
    ));
    assert!(matches!(
        failed("invalid_prompt", "bad"),
        AttemptEnd::Rejected { status: 400, retry: Retry::Never, .. }
    ));
    let refused = |end| matches!(end, AttemptEnd::Answer { stop: Stop::Refused { category: Some(_) }, .. });
    assert!(refused(failed("bio_policy", "")));
    assert!(refused(failed("invalid_prompt", "flagged by our usage policy")));
}

#[test]
fn usage_that_cannot_be_true_is_unknown_and_not_free() {
    for (provider, mut message) in [
        (Provider::Anthropic, anthropic_message("end_turn")),
        (Provider::Openai, openai_response("completed")),
    ] {
        for usage in [
            json!(null),
            json!({}),
            json!("many"),
            json!({"input_tokens": 5}),
            json!({"input_tokens": 0, "output_tokens": 0}),
            json!({"input_tokens": 5, "output_tokens": 0}),
            json!({"input_tokens": 0, "output_tokens": 5}),
            json!({"input_tokens": -5, "output_tokens": 5}),
            json!({"input_tokens": "5", "output_tokens": "5"}),
            json!({"input_tokens": 5.5, "output_tokens": 5}),
            json!({"input_tokens": 5, "output_tokens": 5, "cache_read_input_tokens": "1",
                "input_tokens_details": {"cached_tokens": "1"}}),
        ] {
            message["usage"] = usage.clone();
            assert_eq!(read(provider, &message).billing, Billing::Unknown, "{usage}");
        }
        message["usage"] = json!({"input_tokens": 5, "output_tokens": 6, "cache_read_input_tokens": null});
        let plain = Usage { input: 5, output: 6, ..Usage::default() };
        assert_eq!(read(provider, &message).billing, Billing::Used(plain));
    }
    let mut odd = openai_response("completed");
    odd["usage"]["input_tokens"] = json!(7);
    let Billing::Used(usage) = read(Provider::Openai, &odd).billing else { panic!() };
    assert_eq!(usage, Usage { input: 0, ..USAGE });
}

#[test]
fn json_of_another_api_is_broken_with_a_sentence() {
    for provider in [Provider::Anthropic, Provider::Openai] {
        for message in [
            json!({}),
            json!([]),
            json!(null),
            json!({"choices": []}),
            json!({"content": "x", "output": "x"}),
        ] {
            let attempt = read(provider, &message);
            assert!(
                matches!(&attempt.end, AttemptEnd::Broken { why, sent: true } if why.contains("is not an")),
                "{message}"
            );
            assert_eq!(attempt.billing, Billing::Unknown);
        }
    }
}

// Errors.

fn judged(provider: Provider, status: u16, headers: &[(&'static str, &str)], error: &Value) -> AttemptEnd {
    let headers =
        headers.iter().map(|(k, v)| (k.parse().unwrap(), HeaderValue::from_str(v).unwrap())).collect();
    let told = Told::Status { headers: &headers, now: SystemTime::UNIX_EPOCH };
    let sent = built(provider, &[], true).1;
    rejection::classify(&endpoint(provider), &sent, status, told, &VendorError::read(error))
}

fn retry_of(
    provider: Provider,
    status: u16,
    headers: &[(&'static str, &str)],
    error: &Value,
) -> (Retry, Option<String>) {
    match judged(provider, status, headers, error) {
        AttemptEnd::Rejected { retry, advice, unsupported: None, .. } => (retry, advice),
        other => panic!("{other:?}"),
    }
}

#[test]
fn asking_again_follows_the_vendors_own_rules() {
    let plain = json!({"error": {"type": "x", "message": "m"}});
    let rule = |status, headers: &[_]| retry_of(Provider::Anthropic, status, headers, &plain).0;
    for status in [408, 409, 429, 500, 502, 503, 504, 529] {
        assert_eq!(rule(status, &[]), Retry::After(None), "{status}");
        assert_eq!(rule(status, &[("retry-after", "3")]), Retry::After(Some(Duration::from_secs(3))));
        assert_eq!(rule(status, &[("x-should-retry", "false"), ("retry-after", "3")]), Retry::Never);
    }
    for status in [302, 400, 401, 402, 403, 404, 405, 413, 422] {
        let (retry, advice) = retry_of(Provider::Anthropic, status, &[("retry-after", "3")], &plain);
        assert_eq!(retry, Retry::Never, "{status}");
        assert!(advice.is_some_and(|advice| !advice.is_empty()));
    }
    assert_eq!(rule(400, &[("x-should-retry", "true")]), Retry::After(None));
}

#[test]
fn a_spending_limit_is_not_a_rate_limit() {
    for code in ["enforced_spend_limit_reached", "contract_spend_limit_reached"] {
        let error = json!({"type": "error", "error": {"type": "rate_limit_error", "message": "limit",
            "details": {"error_code": code}}});
        let (retry, advice) = retry_of(Provider::Anthropic, 429, &[], &error);
        assert_eq!(retry, Retry::Never);
        assert!(advice.unwrap().contains("spending limit"));
        let told = retry_of(Provider::Anthropic, 429, &[("retry-after", "9")], &error).0;
        assert_eq!(told, Retry::After(Some(Duration::from_secs(9))));
    }
    let quota = json!({"error": {"type": "insufficient_quota", "code": "insufficient_quota", "message": "You exceeded"}});
    assert_eq!(retry_of(Provider::Openai, 429, &[("retry-after", "9")], &quota).0, Retry::Never);
    let credit =
        json!({"error": {"type": "invalid_request_error", "message": "Your credit balance is too low"}});
    assert!(retry_of(Provider::Anthropic, 400, &[], &credit).1.unwrap().contains("Add credit"));
}

#[test]
fn advice_names_what_to_check() {
    let error = |kind: &str, message: &str| json!({"error": {"type": kind, "message": message}});
    let advice = |provider, status, error: &Value| retry_of(provider, status, &[], error).1.unwrap();
    let anthropic = Provider::Anthropic;
    assert!(
        advice(anthropic, 401, &error("authentication_error", "x"))
            .contains("the input `anthropic-api-key` (or ANTHROPIC_API_KEY)")
    );
    assert!(advice(Provider::Openai, 401, &error("", "x")).contains("openai-api-key"));
    assert!(advice(anthropic, 403, &error("permission_error", "x")).contains("anthropic-api-key"));
    let model = advice(anthropic, 404, &error("not_found_error", "model: x"));
    assert!(model.contains("`claude-model`") && model.contains(".github/counterpoint.yml"));
    let model =
        json!({"error": {"message": "no", "type": "invalid_request_error", "param": "model", "code": null}});
    assert!(advice(Provider::Openai, 400, &model).contains("`codex-model`"));
    assert!(advice(anthropic, 404, &json!({"detail": "Not Found"})).contains("ANTHROPIC_BASE_URL"));
    assert!(advice(Provider::Openai, 302, &json!({})).contains("OPENAI_BASE_URL"));
    for message in
        ["prompt is too long: 210000 tokens > 200000 maximum", "exceeds the context window of this model"]
    {
        assert!(advice(anthropic, 400, &error("invalid_request_error", message)).contains("paths.exclude"));
    }
    let long = json!({"error": {"code": "context_length_exceeded", "message": "schema", "param": "input"}});
    assert!(advice(Provider::Openai, 400, &long).contains("paths.exclude"));
    for status in [401, 403] {
        let forbidden = json!({"error": {"code": "unauthorized", "message": "no"}});
        assert!(advice(Provider::Github, status, &forbidden).contains("`models: read`"));
    }
}

#[test]
fn advice_names_no_key_and_no_right_that_a_lane_does_not_use() {
    let said = |lane: Lane, key: Option<&str>, status: u16, kind: &str| {
        let endpoint = Endpoint::new(&lane, None, key).unwrap();
        let body = json!({"error": {"type": kind, "message": "no"}});
        let told = Told::Status { headers: &HeaderMap::new(), now: SystemTime::UNIX_EPOCH };
        match rejection::classify(&endpoint, b"{}", status, told, &VendorError::read(&body)) {
            AttemptEnd::Rejected { advice, .. } => advice.unwrap(),
            other => panic!("{other:?}"),
        }
    };
    let keyless = || Lane { auth: Auth::None, ..Lane::new("local", Provider::Compatible, "qwen3") };
    let own_key = || Lane {
        key_env: Some("MY_KEY".to_owned()),
        ..Lane::new("github", Provider::Github, "openai/gpt-4.1")
    };
    insta::assert_snapshot!([
        said(keyless(), None, 401, ""),
        said(keyless(), None, 403, ""),
        said(keyless(), None, 404, "not_found_error"),
        said(own_key(), Some(KEY), 401, ""),
        said(own_key(), Some(KEY), 403, ""),
    ].join("\n"), @"
    The server at localhost:11434 wants a key: give the lane `auth: bearer` and a `key_env`.
    The server at localhost:11434 wants a key: give the lane `auth: bearer` and a `key_env`.
    Check the model's name (`model` of the lane `local` in .github/counterpoint.yml), and that the server has it.
    Check the secret given to the variable MY_KEY: it is wrong, revoked or of another provider.
    Allow the key in the variable MY_KEY to use this model in its project or workspace, or use another key.
    ");
}

#[test]
fn an_error_that_names_an_optional_feature_says_which() {
    use Feature::{CacheMark, Effort, StrictSchema, StructuredOutput};
    for (provider, param, message, feature) in [
        (Provider::Anthropic, "", "output_config.format: Extra inputs are not permitted", StructuredOutput),
        (Provider::Anthropic, "", "The compiled grammar is too large", StructuredOutput),
        (
            Provider::Anthropic,
            "",
            "output_config.format.schema: For 'object' type, property 'x' is not supported",
            StructuredOutput,
        ),
        (Provider::Anthropic, "", "This model does not support the effort parameter.", Effort),
        (Provider::Anthropic, "", "output_config.effort: Input should be 'low', 'medium' or 'high'", Effort),
        (Provider::Anthropic, "", "output_config: Extra inputs are not permitted", Effort),
        (
            Provider::Anthropic,
            "",
            "messages.0.content.0.cache_control: Extra inputs are not permitted",
            CacheMark,
        ),
        (
            Provider::Openai,
            "text.format.schema",
            "Invalid schema for response_format 'counterpoint_reply'",
            StrictSchema,
        ),
        (
            Provider::Openai,
            "text.format",
            "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model",
            StructuredOutput,
        ),
        (Provider::Openai, "text", "Unknown parameter: 'text'.", StructuredOutput),
        (Provider::Openai, "text.format.strict", "Unknown parameter", StrictSchema),
        (
            Provider::Openai,
            "reasoning.effort",
            "Unsupported parameter: 'reasoning.effort' is not supported with this model.",
            Effort,
        ),
        (Provider::Openai, "reasoning", "Unknown parameter: 'reasoning'.", Effort),
        (Provider::Openai, "prompt_cache_options", "Unknown parameter: 'prompt_cache_options'.", CacheMark),
        (Provider::Openai, "input[0].content[0].prompt_cache_breakpoint", "Unknown parameter", CacheMark),
    ] {
        let error = json!({"error": {"type": "invalid_request_error", "param": param, "message": message}});
        for status in [400, 422] {
            let end = judged(provider, status, &[], &error);
            let AttemptEnd::Rejected { retry, unsupported, advice, .. } = end else { panic!() };
            assert_eq!((unsupported, retry, advice), (Some(feature), Retry::Never, None), "{message}");
        }
        assert!(matches!(judged(provider, 403, &[], &error), AttemptEnd::Rejected { unsupported: None, .. }));
    }
    let fast =
        json!({"detail": [{"loc": ["body", "reasoning", "effort"], "msg": "extra fields not permitted"}]});
    assert!(matches!(
        judged(Provider::Openai, 422, &[], &fast),
        AttemptEnd::Rejected { unsupported: Some(Effort), .. }
    ));
}

#[test]
fn a_tier_is_left_out_for_servers_that_imitate_openai_and_never_for_openai_which_would_choose_a_dearer_one() {
    let error =
        json!({"error": {"type": "invalid_request_error", "param": "service_tier", "message": "Unknown"}});
    let sent = built(Provider::Openai, &[], false).1;
    let headers = HeaderMap::new();
    let unsupported = |base: Option<&str>| {
        let endpoint = Endpoint::new(&lane(Provider::Openai), base, Some(KEY)).unwrap();
        let told = Told::Status { headers: &headers, now: SystemTime::UNIX_EPOCH };
        match rejection::classify(&endpoint, &sent, 400, told, &VendorError::read(&error)) {
            AttemptEnd::Rejected { unsupported, .. } => unsupported,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(unsupported(Some("http://localhost:1234/v1")), Some(Feature::ServiceTier));
    assert_eq!(unsupported(None), None);
    let mut dearer = openai_response("completed");
    dearer["service_tier"] = json!("priority");
    assert_eq!(read(Provider::Openai, &dearer).billing, Billing::Unknown);
}

#[test]
fn what_servers_say_in_their_own_way_is_what_it_is_with_others() {
    let of = |status, body: Value| match judged(Provider::Openai, status, &[], &body) {
        AttemptEnd::Answer { stop: Stop::Refused { category }, .. } => category.unwrap(),
        AttemptEnd::Rejected { why, by_model, .. } => {
            format!("{by_model}: {}", why.split(" (").next().unwrap())
        }
        other => panic!("{other:?}"),
    };
    let error = |code: Value, message: &str| json!({"error": {"code": code, "message": message}});
    let flagged =
        error(json!(403), "model requires moderation on OpenInference. Your input was flagged for \"x\"");
    assert_eq!(of(403, flagged), "moderation");
    let model = "true: api.openai.com does not know the model";
    assert_eq!(of(404, json!({"error": "model 'qwen3' not found, try pulling it first"})), model);
    assert_eq!(of(400, error(json!("unknown_model"), "Unknown model: x")), model);
    let room = "max_tokens is too large: 16000. This model supports at most 4096 completion tokens";
    assert_eq!(
        of(400, error(json!("invalid_value"), room)),
        "true: api.openai.com gives no answers that long"
    );
}

#[test]
fn what_stands_in_place_of_a_key_is_no_secret_and_tears_no_answer_up() {
    let said = "tests/it.rs is test code";
    let clean = |key: &str| {
        let endpoint = Endpoint::new(&lane(Provider::Openai), None, Some(key)).unwrap();
        endpoint.clean(&format!("{said} {KEY}"), 100)
    };
    assert_eq!(clean("test"), format!("{said} {KEY}"));
    assert_eq!(clean(KEY), format!("{said} [key]"));
}

#[test]
fn features_go_one_after_the_other_until_none_is_left_to_blame() {
    let error = VendorError::read(
        &json!({"error": {"message": "Invalid schema for response_format", "param": "text.format.schema"}}),
    );
    let headers = HeaderMap::new();
    let mut without = Vec::new();
    loop {
        let sent = built(Provider::Openai, &without, false).1;
        let told = Told::Status { headers: &headers, now: SystemTime::UNIX_EPOCH };
        let end = rejection::classify(&endpoint(Provider::Openai), &sent, 400, told, &error);
        let AttemptEnd::Rejected { unsupported, advice, .. } = end else { panic!() };
        match unsupported {
            Some(feature) => without.push(feature),
            None => {
                assert!(advice.is_some());
                break;
            }
        }
    }
    assert_eq!(without, [Feature::StrictSchema, Feature::StructuredOutput]);
}

#[test]
fn servers_that_imitate_openai_say_in_many_ways_what_they_do_not_take() {
    use Feature::{Effort, JsonMode, MaxTokens, StreamUsage, StrictSchema, StructuredOutput};
    let left_out = |status, error: Value, without: &[Feature]| {
        let headers = HeaderMap::new();
        let told = Told::Status { headers: &headers, now: SystemTime::UNIX_EPOCH };
        let sent = built(Provider::Compatible, without, true).1;
        let error = VendorError::read(&error);
        let lane = endpoint(Provider::Compatible);
        match rejection::classify(&lane, &sent, status, told, &error) {
            AttemptEnd::Rejected { unsupported, .. } => unsupported,
            other => panic!("{other:?}"),
        }
    };
    let says = |message: &str| json!({"error": {"message": message, "type": "invalid_request_error"}});
    for (status, message, feature) in [
        (400, "\"llama3.1:8b\" does not support thinking", Effort),
        (400, "think value \"medium\" is not supported for this model", Effort),
        (400, "This model does not support response format `json_schema`.", StructuredOutput),
        (400, "This response_format type is unavailable now", StructuredOutput),
        (500, "failed to parse grammar", StructuredOutput),
        (400, "Unknown name \"strict\": 'strict' is no field", StrictSchema),
        (
            400,
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            MaxTokens,
        ),
    ] {
        assert_eq!(left_out(status, says(message), &[]), Some(feature), "{message}");
        assert_eq!(left_out(403, says(message), &[]), None, "{message}");
    }
    let json_only = "'response_format.type' must be 'json_schema' or 'text'";
    assert_eq!(left_out(400, says(json_only), &[StructuredOutput]), Some(JsonMode));
    assert_eq!(left_out(400, says(json_only), &[StructuredOutput, JsonMode]), None);
    let strangers =
        json!({"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]});
    assert_eq!(left_out(422, strangers, &[]), Some(StreamUsage));
    // A limit that is too high is none that has another name.
    assert_eq!(left_out(400, says("max_tokens is too large: 16000. At most 4096 are supported."), &[]), None);
    assert_eq!(
        left_out(400, says("the request exceeds the available context size, response_format"), &[]),
        None
    );
}

#[test]
fn a_vendors_words_are_one_short_line_without_the_key() {
    let message = format!("Incorrect key {KEY}\n::error::x {}", "long ".repeat(100));
    let end = judged(
        Provider::Openai,
        401,
        &[],
        &json!({"error": {"message": message, "code": "invalid_api_key"}}),
    );
    let AttemptEnd::Rejected { why, .. } = end else { panic!() };
    assert!(why.starts_with(
        "api.openai.com did not accept the key (HTTP 401): invalid_api_key: Incorrect key [key] ::error"
    ));
    assert!(!why.contains('\n') && !why.contains(KEY) && why.chars().count() < 300);
    let html = VendorError::from_body(b"<html><body>Bad gateway</body></html>");
    assert_eq!(html.message, "an HTML page instead of an error");
    assert_eq!(VendorError::from_body(b"upstream connect error").message, "upstream connect error");
    assert_eq!(VendorError::read(&json!({"error": "model not loaded"})).message, "model not loaded");
}

// Streams.

fn event(name: &str, data: &Value) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

fn anthropic_stream() -> String {
    let start = json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "model": "model-1", "content": [],
        "stop_reason": null, "usage": {"input_tokens": 10, "cache_creation_input_tokens": 200,
        "cache_read_input_tokens": 3000, "output_tokens": 1}}});
    let delta =
        |index: u8, delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
    let begin = |index: u8, block: Value| json!({"type": "content_block_start", "index": index, "content_block": block});
    [
        event("message_start", &start),
        event("ping", &json!({"type": "ping"})),
        event("content_block_start", &begin(0, json!({"type": "thinking", "thinking": ""}))),
        event("content_block_delta", &delta(0, json!({"type": "thinking_delta", "thinking": "hm"}))),
        event("content_block_start", &begin(1, json!({"type": "text", "text": ""}))),
        event("content_block_delta", &delta(1, json!({"type": "text_delta", "text": "{\"find"}))),
        event("a_new_event", &json!({"type": "a_new_event"})),
        event("content_block_delta", &delta(1, json!({"type": "text_delta", "text": "ings\":[]}"}))),
        event("content_block_stop", &json!({"type": "content_block_stop", "index": 1})),
        event(
            "message_delta",
            &json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 40, "input_tokens": null, "output_tokens_details": {"thinking_tokens": 30}}}),
        ),
        event("message_stop", &json!({"type": "message_stop"})),
    ]
    .concat()
}

fn openai_stream(last: &str) -> String {
    let mut response = openai_response("completed");
    response["status"] = json!(last);
    [
        event(
            "response.created",
            &json!({"type": "response.created", "sequence_number": 0, "response": {"status": "in_progress"}}),
        ),
        event(
            "response.output_text.delta",
            &json!({"type": "response.output_text.delta", "delta": "{\"findings\":[]}"}),
        ),
        event("response.a_new_event", &json!({"type": "response.a_new_event"})),
        event(
            &format!("response.{last}"),
            &json!({"type": format!("response.{last}"), "response": response}),
        ),
        "data: [DONE]\n\n".to_owned(),
    ]
    .concat()
}

fn streamed(provider: Provider, chunks: &[&[u8]]) -> Option<Attempt> {
    let mut stream = Stream::new(provider.wire());
    let message = chunks.iter().find_map(|chunk| stream.push(chunk)).or_else(|| stream.finish());
    message.map(|message| read(provider, &message))
}

#[test]
fn a_stream_chopped_at_any_byte_reads_as_the_plain_answer() {
    for (provider, stream) in
        [(Provider::Anthropic, anthropic_stream()), (Provider::Openai, openai_stream("completed"))]
    {
        let crlf = stream.replace('\n', "\r\n");
        for text in [stream, crlf] {
            let bytes = text.as_bytes();
            for at in 0..=bytes.len() {
                let attempt = streamed(provider, &[&bytes[..at], &bytes[at..]]).unwrap();
                assert_eq!(attempt.end, answer("{\"findings\":[]}", Stop::Complete), "cut at {at}");
                assert_eq!(attempt.billing, Billing::Used(USAGE));
            }
        }
    }
}

#[test]
fn a_stream_without_its_last_event_is_no_answer() {
    for (provider, stream, last) in [
        (Provider::Anthropic, anthropic_stream(), "event: message_stop"),
        (Provider::Openai, openai_stream("completed"), "event: response.completed"),
    ] {
        let end = stream.find(last).unwrap();
        for at in 0..end {
            assert_eq!(streamed(provider, &[&stream.as_bytes()[..at]]), None, "cut at {at}");
        }
    }
}

#[test]
fn a_stream_may_break_off_with_an_error() {
    let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    let stream =
        anthropic_stream().replace("event: message_stop", &format!("{}event: x", event("error", &error)));
    let attempt = streamed(Provider::Anthropic, &[stream.as_bytes()]).unwrap();
    assert!(matches!(attempt.end, AttemptEnd::Rejected { status: 529, retry: Retry::After(None), .. }));
    assert_eq!(attempt.billing, Billing::Unknown);
    let error = event(
        "error",
        &json!({"type": "error", "code": "rate_limit_exceeded", "message": "slow", "param": null}),
    );
    let attempt = streamed(Provider::Openai, &[error.as_bytes()]).unwrap();
    assert!(matches!(attempt.end, AttemptEnd::Rejected { status: 429, retry: Retry::After(None), .. }));
}

#[test]
fn a_last_event_without_output_is_filled_from_the_deltas() {
    let text =
        event("response.output_text.delta", &json!({"type": "response.output_text.delta", "delta": "abc"}));
    let last =
        |kind: &str| event(kind, &json!({"type": kind, "response": {"model": "model-1", "output": []}}));
    let done = format!("{text}{text}{}", last("response.completed"));
    assert_eq!(streamed(Provider::Openai, &[done.as_bytes()]).unwrap().end, answer("abcabc", Stop::Complete));
    let cut = format!("{text}{}", last("response.incomplete"));
    assert_eq!(streamed(Provider::Openai, &[cut.as_bytes()]).unwrap().end, answer("abc", Stop::Truncated));
}

#[test]
fn what_a_body_begins_with_decides_how_it_is_read() {
    for (begin, declared, expected) in [
        ("", false, Shape::Undecided),
        (" \n{", true, Shape::Json),
        ("\u{feff}{", false, Shape::Json),
        ("eve", false, Shape::Undecided),
        ("event: x", false, Shape::Stream),
        (": ping", false, Shape::Stream),
        ("unknown: 1", true, Shape::Stream),
        ("unknown: 1", false, Shape::Other),
        ("<!doctype", true, Shape::Html),
    ] {
        assert_eq!(shape(begin.as_bytes(), declared), expected, "{begin}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_readers_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in any::<String>()) {
        for provider in [Provider::Anthropic, Provider::Openai] {
            let _ = streamed(provider, &[&bytes, text.as_bytes()]);
            let _ = rejection::features(Wire::Chat, &bytes);
            let _ = read(provider, &json!({"content": [{"type": "text", "text": text}], "output": [text], "error": text}));
        }
        let _ = VendorError::from_body(&bytes);
        let _ = shape(&bytes, false);
    }
}

// Over the wire.

type Seen = Arc<Mutex<Vec<(String, HeaderMap, Vec<u8>)>>>;

/// A server on loopback that gives every request the same answer and remembers what it was asked.
async fn server(answer: impl Fn() -> Response + Clone + Send + Sync + 'static) -> (String, Seen) {
    let seen = Seen::default();
    let log = Arc::clone(&seen);
    let app = Router::new().fallback(move |request: Incoming| {
        let (answer, log) = (answer.clone(), Arc::clone(&log));
        async move {
            let (head, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
            log.lock().unwrap().push((format!("{} {}", head.method, head.uri), head.headers, body.to_vec()));
            answer()
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (base, seen)
}

fn respond(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Response {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body.into()).unwrap()
}

async fn sent_to(base: &str, provider: Provider) -> Attempt {
    let endpoint = Endpoint::new(&lane(provider), Some(base), Some(KEY)).unwrap();
    send(&http::client().unwrap(), &endpoint, built(provider, &[], false).1, &unwatched()).await
}

fn unwatched() -> Waiting<'static> {
    Waiting { patience: None, heard: &|_| {} }
}

#[tokio::test]
async fn the_bytes_of_the_body_and_the_headers_of_each_vendor_arrive() {
    let (base, seen) = server(|| {
        respond(
            200,
            &[("content-type", "application/json"), ("request-id", "req_1")],
            anthropic_message("end_turn").to_string(),
        )
    })
    .await;
    let attempt = sent_to(&base, Provider::Anthropic).await;
    assert_eq!(attempt.end, answer("{\"findings\":[]}", Stop::Complete));
    assert_eq!((attempt.request_id.as_deref(), attempt.billing.usage()), (Some("req_1"), Some(USAGE)));
    let _ = sent_to(&format!("{base}/v1"), Provider::Openai).await;
    let seen = seen.lock().unwrap();
    let (line, headers, bytes) = &seen[0];
    assert_eq!((line.as_str(), bytes), ("POST /v1/messages", &built(Provider::Anthropic, &[], false).1));
    assert_eq!(headers["x-api-key"], KEY);
    assert_eq!(headers["anthropic-version"], "2026-10-21");
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["user-agent"], concat!("counterpoint/", env!("CARGO_PKG_VERSION")));
    assert_eq!(headers.get("accept-encoding"), None);
    let (line, headers, bytes) = &seen[1];
    assert_eq!((line.as_str(), bytes), ("POST /v1/responses", &built(Provider::Openai, &[], false).1));
    assert_eq!(headers["authorization"], format!("Bearer {KEY}"));
    assert_eq!(headers.get("x-api-key"), None);
}

#[tokio::test]
async fn a_stream_is_read_under_any_content_type_and_left_when_it_is_over() {
    for kind in ["text/event-stream; charset=utf-8", "application/json"] {
        let (base, _) = server(move || {
            // The server never ends the body.
            let first = futures_util::stream::iter([Ok::<_, std::io::Error>(Bytes::from(openai_stream(
                "completed",
            )))]);
            let open = futures_util::StreamExt::chain(first, futures_util::stream::pending());
            respond(200, &[("content-type", kind)], Body::from_stream(open))
        })
        .await;
        let attempt =
            tokio::time::timeout(Duration::from_secs(20), sent_to(&base, Provider::Openai)).await.unwrap();
        assert_eq!(attempt.end, answer("{\"findings\":[]}", Stop::Complete), "{kind}");
    }
}

#[tokio::test]
async fn errors_are_settled_at_zero_only_where_nothing_can_have_been_worked_on() {
    let error = r#"{"type":"error","error":{"type":"t","message":"m"},"request_id":"req_b"}"#;
    for (status, billing) in [
        (400, Billing::None),
        (401, Billing::None),
        (404, Billing::None),
        (429, Billing::None),
        (500, Billing::None),
        (503, Billing::None),
        (529, Billing::None),
        (302, Billing::None),
        (408, Billing::Unknown),
        (502, Billing::Unknown),
        (504, Billing::Unknown),
        (520, Billing::Unknown),
    ] {
        let (base, seen) = server(move || respond(status, &[("retry-after", "2")], error)).await;
        let attempt = sent_to(&base, Provider::Anthropic).await;
        assert_eq!((attempt.billing, attempt.request_id.as_deref()), (billing, Some("req_b")), "{status}");
        assert!(matches!(attempt.end, AttemptEnd::Rejected { status: told, .. } if told == status));
        assert_eq!(seen.lock().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn answers_that_cannot_be_read_are_broken_and_may_have_cost_something() {
    for (kind, body, said) in [
        ("text/html", "<html>Sign in</html>", "HTML page"),
        ("application/json", "", "empty answer"),
        ("application/json", "{\"content\": [", "not complete"),
        ("text/plain", "OK", "neither JSON nor an event stream"),
        ("text/event-stream", "data: {\"type\":\"ping\"}\n\n", "ended before"),
    ] {
        let (base, _) = server(move || respond(200, &[("content-type", kind)], body)).await;
        let attempt = sent_to(&base, Provider::Anthropic).await;
        assert!(
            matches!(&attempt.end, AttemptEnd::Broken { why, sent: true } if why.contains(said)),
            "{attempt:?}"
        );
        assert_eq!(attempt.billing, Billing::Unknown);
    }
}

#[tokio::test]
async fn a_cut_connection_is_unknown_and_a_refused_one_is_free() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    for head in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{\"a\"",
        "HTTP/1.1 429 No\r\ncontent-length: 900\r\n\r\n{",
    ] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 1 << 16];
            let _ = socket.read(&mut request).await;
            let _ = socket.write_all(head.as_bytes()).await;
            let _ = socket.shutdown().await;
        });
        let attempt = sent_to(&base, Provider::Openai).await;
        assert_eq!(attempt.billing, Billing::Unknown);
        match attempt.end {
            AttemptEnd::Broken { sent, .. } => assert!(sent && !head.contains("429")),
            AttemptEnd::Rejected { status, .. } => assert_eq!(status, 429),
            other => panic!("{other:?}"),
        }
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let attempt = sent_to(&base, Provider::Openai).await;
    assert!(matches!(attempt.end, AttemptEnd::Broken { sent: false, .. }));
    assert_eq!(attempt.billing, Billing::None);
}
