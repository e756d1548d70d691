//! Answers in the shapes of OpenAI's Responses API.

use serde_json::{Value, json};

use super::http::Outgoing;
use super::script::{Answer, Form, Usage, What};
use super::vendors::{self, Vendor, pieces, server_sent_event};

pub fn render(answer: &Answer, request: &Value, request_bytes: usize) -> Outgoing {
    let error =
        |status, kind, message: &str, code| vendors::error(Vendor::OpenAi, status, kind, message, code);
    let (text, end) = match &answer.what {
        What::Text(text) => (text.as_str(), End::Completed),
        What::Calls(_) => ("", End::Completed),
        What::Refusal => ("I can't help with that.", End::Refused),
        What::Truncated(text) => (text.as_str(), End::Incomplete("max_output_tokens")),
        What::Unfinished(reason) => ("", End::Incomplete(reason)),
        What::BreaksOff(text) => (text.as_str(), End::Failed),
        What::Status { status, body } => return Outgoing::json(*status, body),
        What::Unsupported(parameter) => return unsupported(parameter),
        What::Overloaded => {
            return error(503, "server_error", "The server is overloaded.", Some("server_error"));
        }
        What::RateLimited => {
            return error(429, "requests", "Rate limit reached.", Some("rate_limit_exceeded"));
        }
        What::OutOfQuota => {
            let message = "You exceeded your current quota, please check your plan and billing details.";
            return error(429, "insufficient_quota", message, Some("insufficient_quota"));
        }
        What::Html => return vendors::html(),
        What::Hang | What::Choose(_) | What::Reply(_) => {
            return error(500, "server_error", "not to be rendered", None);
        }
    };
    let usage = answer.billed(request, request_bytes, text);
    let mut response = response(request, text, &end, usage);
    if let What::Calls(calls) = &answer.what {
        response["output"] = uses(calls, request);
    }
    if answer.uncounted {
        response["usage"] = Value::Null;
    }
    let asked = request["stream"] == true;
    if answer.form == Form::Streamed || (asked && answer.form == Form::AsAsked) {
        return stream(&response, text, &end);
    }
    Outgoing::json(200, &response).header("x-request-id", "req_world")
}

enum End<'a> {
    Completed,
    Refused,
    Incomplete(&'a str),
    Failed,
}

fn unsupported(parameter: &str) -> Outgoing {
    let message = format!("Unsupported parameter: '{parameter}' is not supported with this model.");
    Outgoing::json(
        400,
        &json!({"error": {
            "message": message,
            "type": "invalid_request_error",
            "param": parameter,
            "code": "unsupported_parameter",
        }}),
    )
}

fn response(request: &Value, text: &str, end: &End<'_>, usage: Usage) -> Value {
    let (status, reason) = match end {
        End::Completed | End::Refused => ("completed", None),
        End::Incomplete(reason) => ("incomplete", Some(json!({"reason": reason}))),
        End::Failed => ("failed", None),
    };
    let content = match end {
        End::Refused => json!({"type": "refusal", "refusal": text}),
        _ => json!({"type": "output_text", "annotations": [], "logprobs": [], "text": text}),
    };
    let failure = json!({"code": "server_error", "message": "The server had an error."});
    let input = usage.uncached + usage.cache_read + usage.cache_write;
    json!({
        "id": "resp_world",
        "object": "response",
        "created_at": 1_795_341_600,
        "status": status,
        "error": matches!(end, End::Failed).then_some(failure),
        "incomplete_details": reason,
        "instructions": null,
        "max_output_tokens": request["max_output_tokens"],
        "model": request["model"],
        "output": [
            {"type": "reasoning", "id": "rs_world", "summary": []},
            {"type": "message", "id": "msg_world", "status": status, "role": "assistant", "content": [content]},
        ],
        "store": false,
        "service_tier": "default",
        "usage": {
            "input_tokens": input,
            "input_tokens_details": {"cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write},
            "output_tokens": usage.output,
            "output_tokens_details": {"reasoning_tokens": usage.reasoning},
            "total_tokens": input + usage.output,
        },
    })
}

/// Reasoning and calls. The reasoning can be given back only if it was asked for in its encrypted form.
fn uses(calls: &[(String, String)], request: &Value) -> Value {
    let turn = request["input"].as_array().map_or(0, Vec::len);
    let mut reasoning = json!({"type": "reasoning", "id": format!("rs_{turn}"), "summary": []});
    if request["include"].to_string().contains("reasoning.encrypted_content") {
        reasoning["encrypted_content"] = json!("ZW5jcnlwdGVk");
    }
    let call = |(at, (name, arguments)): (usize, &(String, String))| {
        json!({"type": "function_call", "id": format!("fc_{turn}_{at}"), "call_id": format!("call_{turn}_{at}"),
            "name": name, "arguments": arguments, "status": "completed"})
    };
    std::iter::once(reasoning).chain(calls.iter().enumerate().map(call)).collect()
}

fn stream(response: &Value, text: &str, end: &End<'_>) -> Outgoing {
    let mut begun = response.clone();
    if let Some(map) = begun.as_object_mut() {
        map.insert("status".to_owned(), json!("in_progress"));
        map.insert("output".to_owned(), json!([]));
        for key in ["usage", "error", "incomplete_details"] {
            map.insert(key.to_owned(), Value::Null);
        }
    }
    let no_output = Vec::new();
    let items = response["output"].as_array().unwrap_or(&no_output);
    let item = items.last().cloned().unwrap_or_default();
    let part = item["content"][0].clone();
    let (delta, done) = match end {
        End::Refused => ("response.refusal.delta", json!({"type": "response.refusal.done", "refusal": text})),
        _ => ("response.output_text.delta", json!({"type": "response.output_text.done", "text": text})),
    };
    let mut events = vec![
        json!({"type": "response.created", "response": begun}),
        json!({"type": "response.in_progress", "response": begun}),
        json!({"type": "response.output_item.added", "output_index": 1,
            "item": {"type": "message", "id": "msg_world", "status": "in_progress", "role": "assistant", "content": []}}),
    ];
    let place = [("item_id", json!("msg_world")), ("output_index", json!(1)), ("content_index", json!(0))];
    let mut said: Vec<_> = pieces(text).map(|piece| json!({"type": delta, "delta": piece})).collect();
    said.push(done);
    for mut event in said {
        for (key, value) in &place {
            if let Some(map) = event.as_object_mut() {
                map.insert((*key).to_owned(), value.clone());
            }
        }
        events.push(event);
    }
    let called = items.iter().any(|item| item["type"] == "function_call");
    if called {
        events.truncate(2);
        for (at, item) in items.iter().enumerate() {
            let mut begun = item.clone();
            begun["status"] = json!("in_progress");
            events.push(json!({"type": "response.output_item.added", "output_index": at, "item": begun}));
            for piece in pieces(item["arguments"].as_str().unwrap_or_default()) {
                events.push(json!({"type": "response.function_call_arguments.delta", "item_id": item["id"],
                    "output_index": at, "delta": piece}));
            }
            events.push(json!({"type": "response.output_item.done", "output_index": at, "item": item}));
        }
    } else if !matches!(end, End::Failed) {
        events.push(json!({"type": "response.content_part.done", "item_id": "msg_world", "output_index": 1,
            "content_index": 0, "part": part}));
        events.push(json!({"type": "response.output_item.done", "output_index": 1, "item": item}));
    }
    let last = match end {
        End::Completed | End::Refused => "response.completed",
        End::Incomplete(_) => "response.incomplete",
        End::Failed => "response.failed",
    };
    events.push(json!({"type": last, "response": response}));
    let mut wire = String::new();
    for (number, mut event) in events.into_iter().enumerate() {
        if let Some(map) = event.as_object_mut() {
            map.insert("sequence_number".to_owned(), json!(number));
        }
        let name = event["type"].as_str().unwrap_or_default().to_owned();
        wire.push_str(&server_sent_event(&name, &event));
    }
    vendors::event_stream(wire)
}
