//! Answers in the shapes of Chat Completions, as servers that imitate OpenAI give them.

use serde_json::{Value, json};

use super::http::Outgoing;
use super::script::{Answer, Form, Usage, What};
use super::vendors::{self, Vendor, pieces};

pub fn render(answer: &Answer, request: &Value, request_bytes: usize) -> Outgoing {
    let error = |status, kind, message: &str, code| vendors::error(Vendor::Chat, status, kind, message, code);
    let (text, end) = match &answer.what {
        What::Text(text) => (text.as_str(), "stop"),
        What::Calls(_) => ("", "tool_calls"),
        What::Refusal => ("I can't help with that.", REFUSED),
        What::Truncated(text) => (text.as_str(), "length"),
        What::Unfinished(reason) => ("", reason.as_str()),
        What::BreaksOff(text) => (text.as_str(), BROKEN),
        What::Status { status, body } => return Outgoing::json(*status, body),
        What::Unsupported(parameter) => return unsupported(parameter),
        What::Overloaded => return error(503, "server_error", "The server is overloaded.", None),
        What::RateLimited => {
            return error(429, "requests", "Rate limit reached.", Some("rate_limit_exceeded"));
        }
        What::OutOfQuota => return error(402, "", "Insufficient credits.", None),
        What::Html => return vendors::html(),
        What::Hang | What::Choose(_) | What::Reply(_) => {
            return error(500, "server_error", "not to be rendered", None);
        }
    };
    let usage = answer.billed(request, request_bytes, text);
    let usage = if answer.uncounted { Value::Null } else { counts(usage) };
    let asked = request["stream"] == true;
    let calls = match &answer.what {
        What::Calls(calls) => uses(calls, request),
        _ => Vec::new(),
    };
    let outgoing =
        if end == BROKEN || answer.form == Form::Streamed || (asked && answer.form == Form::AsAsked) {
            stream(request, text, &calls, end, &usage)
        } else {
            let mut completion = completion(request, text, end, usage);
            if !calls.is_empty() {
                completion["choices"][0]["message"]["content"] = Value::Null;
                completion["choices"][0]["message"]["tool_calls"] = json!(calls);
            }
            Outgoing::json(200, &completion)
        };
    outgoing.header("x-request-id", "req_world")
}

/// Not a reason on the wire: the text stands under `refusal`, and the reason is `stop`.
const REFUSED: &str = "refusal";

/// Not a reason on the wire: an error comes instead of one.
const BROKEN: &str = "error";

fn unsupported(parameter: &str) -> Outgoing {
    Outgoing::json(
        400,
        &json!({"error": {
            "message": format!("'{parameter}' is not supported."),
            "type": "invalid_request_error",
            "param": parameter,
            "code": null,
        }}),
    )
}

/// The prompt's count includes what a cache was involved in.
fn counts(usage: Usage) -> Value {
    let input = usage.uncached + usage.cache_read + usage.cache_write;
    json!({
        "prompt_tokens": input,
        "completion_tokens": usage.output,
        "total_tokens": input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    })
}

fn completion(request: &Value, text: &str, end: &str, usage: Value) -> Value {
    let refused = end == REFUSED;
    let message = json!({
        "role": "assistant",
        "content": (!refused).then_some(text),
        "refusal": refused.then_some(text),
        "reasoning_content": "Let me look: {\"findings\": []} would be too quick.",
    });
    json!({
        "id": "chatcmpl-world",
        "object": "chat.completion",
        "created": 1_795_341_600,
        "model": request["model"],
        "system_fingerprint": null,
        "choices": [{
            "index": 0,
            "message": message,
            "logprobs": null,
            "finish_reason": if refused { "stop" } else { end },
        }],
        "usage": usage,
    })
}

fn uses(calls: &[(String, String)], request: &Value) -> Vec<Value> {
    let turn = request["messages"].as_array().map_or(0, Vec::len);
    let call = |(at, (name, arguments)): (usize, &(String, String))| json!({"id": format!("call_{turn}_{at}"), "type": "function", "function": {"name": name, "arguments": arguments}});
    calls.iter().enumerate().map(call).collect()
}

/// Calls in pieces: the first of each has its name, the others only more of its arguments.
fn in_pieces(calls: &[Value]) -> Vec<Value> {
    let mut deltas = Vec::new();
    for (at, call) in calls.iter().enumerate() {
        let mut begun = call.clone();
        begun["index"] = json!(at);
        begun["function"]["arguments"] = json!("");
        deltas.push(json!({"tool_calls": [begun]}));
        let arguments = call["function"]["arguments"].as_str().unwrap_or_default();
        deltas.extend(
            pieces(arguments)
                .map(|piece| json!({"tool_calls": [{"index": at, "function": {"arguments": piece}}]})),
        );
    }
    deltas
}

fn stream(request: &Value, text: &str, calls: &[Value], end: &str, usage: &Value) -> Outgoing {
    let chunk = |choices: Value, usage: &Value| {
        json!({
            "id": "chatcmpl-world",
            "object": "chat.completion.chunk",
            "created": 1_795_341_600,
            "model": request["model"],
            "choices": choices,
            "usage": usage,
        })
    };
    let delta = |delta: Value, reason: Option<&str>| {
        chunk(json!([{"index": 0, "delta": delta, "finish_reason": reason}]), &Value::Null)
    };
    let said = if end == REFUSED { "refusal" } else { "content" };
    let mut events = vec![
        delta(json!({"role": "assistant", "content": ""}), None),
        delta(json!({"reasoning_content": "Let me look."}), None),
    ];
    events.extend(pieces(text).map(|piece| delta(json!({said: piece}), None)));
    events.extend(in_pieces(calls).into_iter().map(|piece| delta(piece, None)));
    match end {
        BROKEN => {
            let error = json!({"message": "The server had an error.", "type": "server_error", "code": 500});
            events.push(json!({"error": error}));
        }
        REFUSED => events.push(delta(json!({}), Some("stop"))),
        reason => events.push(delta(json!({}), Some(reason))),
    }
    if end != BROKEN && request["stream_options"]["include_usage"] == true && !usage.is_null() {
        events.push(chunk(json!([]), usage));
    }
    let events: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    vendors::event_stream(format!(": PROCESSING\n\n{events}data: [DONE]\n\n"))
}
