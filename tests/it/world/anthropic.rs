//! Answers in the shapes of Anthropic's Messages API.

use serde_json::{Value, json};

use super::http::Outgoing;
use super::script::{Answer, Form, Usage, What};
use super::vendors::{self, Vendor, pieces, server_sent_event};

pub fn render(answer: &Answer, request: &Value, request_bytes: usize) -> Outgoing {
    let error = |status, kind, message: &str| vendors::error(Vendor::Anthropic, status, kind, message, None);
    let (text, stop_reason) = match &answer.what {
        What::Text(text) => (text.as_str(), "end_turn"),
        What::Calls(_) => ("Let me look.", "tool_use"),
        What::Refusal => ("", "refusal"),
        What::Truncated(text) => (text.as_str(), "max_tokens"),
        What::Unfinished(reason) => ("", reason.as_str()),
        What::BreaksOff(text) => (text.as_str(), ""),
        What::Status { status, body } => return Outgoing::json(*status, body),
        What::Unsupported(parameter) => {
            let message = format!("{parameter}: Extra inputs are not permitted");
            return error(400, "invalid_request_error", &message);
        }
        What::Overloaded => return error(529, "overloaded_error", "Overloaded"),
        What::RateLimited => {
            return error(429, "rate_limit_error", "This request would exceed your rate limit.");
        }
        What::OutOfQuota => return out_of_quota(),
        What::Html => return vendors::html(),
        What::Hang | What::Choose(_) | What::Reply(_) => {
            return error(500, "api_error", "not to be rendered");
        }
    };
    let usage = answer.billed(request, request_bytes, text);
    let mut message = message(request, text, stop_reason, usage);
    if let What::Calls(calls) = &answer.what {
        let turn = request["messages"].as_array().map_or(0, Vec::len);
        let content = message["content"].as_array_mut();
        content.into_iter().for_each(|content| content.extend(uses(calls, turn)));
    }
    if answer.uncounted {
        message["usage"] = Value::Null;
    }
    let asked = request["stream"] == true;
    if answer.form == Form::Streamed || (asked && answer.form == Form::AsAsked) {
        return stream(&message, text, matches!(answer.what, What::BreaksOff(_)));
    }
    Outgoing::json(200, &message).header("request-id", "req_world")
}

fn out_of_quota() -> Outgoing {
    Outgoing::json(
        429,
        &json!({
            "type": "error",
            "error": {
                "type": "rate_limit_error",
                "message": "You have reached your specified API usage limits.",
                "details": {"error_code": "enforced_spend_limit_reached"},
            },
            "request_id": "req_world",
        }),
    )
}

fn message(request: &Value, text: &str, stop_reason: &str, usage: Usage) -> Value {
    let refused = stop_reason == "refusal";
    let thinking = json!({"type": "thinking", "thinking": "", "signature": "c2lnbmF0dXJl"});
    let content = match refused {
        true => json!([]),
        false => json!([thinking, {"type": "text", "text": text}]),
    };
    json!({
        "id": "msg_world",
        "type": "message",
        "role": "assistant",
        "model": request["model"],
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": null,
        "stop_details": refused.then(|| json!({"type": "refusal", "category": "cyber", "explanation": null})),
        "usage": {
            "input_tokens": usage.uncached,
            "cache_creation_input_tokens": usage.cache_write,
            "cache_read_input_tokens": usage.cache_read,
            "cache_creation": {"ephemeral_5m_input_tokens": usage.cache_write, "ephemeral_1h_input_tokens": 0},
            "output_tokens": usage.output,
            "output_tokens_details": {"thinking_tokens": usage.reasoning},
            "server_tool_use": null,
            "service_tier": "standard",
        },
    })
}

/// Blocks that use tools. Arguments that are no JSON cannot be sent in one piece.
fn uses(calls: &[(String, String)], turn: usize) -> impl Iterator<Item = Value> {
    calls.iter().enumerate().map(move |(at, (name, arguments))| {
        let input = serde_json::from_str::<Value>(arguments).unwrap_or_else(|_| json!(arguments));
        json!({"type": "tool_use", "id": format!("toolu_{turn}_{at}"), "name": name, "input": input})
    })
}

fn stream(message: &Value, text: &str, breaks_off: bool) -> Outgoing {
    let mut begun = message.clone();
    if let Some(map) = begun.as_object_mut() {
        map.insert("content".to_owned(), json!([]));
        map.insert("stop_reason".to_owned(), Value::Null);
    }
    if let Some(usage) = begun.get_mut("usage").and_then(Value::as_object_mut) {
        // What the output costs is known at the end only.
        usage.insert("output_tokens".to_owned(), json!(1));
    }
    let mut events = vec![json!({"type": "message_start", "message": begun})];
    let no_content = Vec::new();
    let blocks = message["content"].as_array().unwrap_or(&no_content);
    for (index, block) in blocks.iter().enumerate() {
        let deltas = match block["type"].as_str() {
            Some("text") => pieces(text).map(|part| json!({"type": "text_delta", "text": part})).collect(),
            Some("tool_use") => {
                let input = &block["input"];
                let input = input.as_str().map_or_else(|| input.to_string(), str::to_owned);
                pieces(&input).map(|part| json!({"type": "input_json_delta", "partial_json": part})).collect()
            }
            _ => vec![json!({"type": "signature_delta", "signature": "c2lnbmF0dXJl"})],
        };
        let empty = match block["type"].as_str() {
            Some("text") => json!({"type": "text", "text": ""}),
            Some("tool_use") => {
                json!({"type": "tool_use", "id": block["id"], "name": block["name"], "input": {}})
            }
            _ => json!({"type": "thinking", "thinking": "", "signature": ""}),
        };
        events.push(json!({"type": "content_block_start", "index": index, "content_block": empty}));
        events.push(json!({"type": "ping"}));
        let deltas = deltas.into_iter();
        events.extend(
            deltas.map(|delta| json!({"type": "content_block_delta", "index": index, "delta": delta})),
        );
        if !breaks_off {
            events.push(json!({"type": "content_block_stop", "index": index}));
        }
    }
    if breaks_off {
        let error = json!({"type": "overloaded_error", "message": "Overloaded"});
        events.push(json!({"type": "error", "error": error, "request_id": "req_world"}));
    } else {
        let keys = ["stop_reason", "stop_sequence", "stop_details"];
        let delta: serde_json::Map<_, _> =
            keys.iter().map(|key| ((*key).to_owned(), message[*key].clone())).collect();
        events.push(json!({"type": "message_delta", "delta": delta, "usage": message["usage"]}));
        events.push(json!({"type": "message_stop"}));
    }
    let named = |event: &Value| server_sent_event(event["type"].as_str().unwrap_or_default(), event);
    vendors::event_stream(events.iter().map(named).collect::<String>())
}
