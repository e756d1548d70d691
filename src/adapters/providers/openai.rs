//! OpenAI Responses: what is sent, and how an answer reads.
//!
//! Shapes are those of the official SDK 7.57.0 (2026-11-13). Everything that is read is optional or ignorable: a new
//! field, event, item or status is not an error.

use serde_json::{Map, Value, json};

use super::rejection::VendorError;
use super::{Assemble, Parsed, Reading, Request, SCHEMA_NAME, Stop, Talk, count, optional_count, sse, word};
use crate::domain::pass::{Feature, Usage};
use crate::domain::reply::REPLY_SCHEMA;
use crate::domain::tools::{self, Call};

/// The body of `POST /responses`. Nothing is kept by the server (`store: false`); its default keeps it for 30 days.
pub(super) fn body(request: &Request<'_>) -> Value {
    let marks = request.mark_cache && request.sends(Feature::CacheMark);
    let mut content = Vec::new();
    if !request.prompt.shared.is_empty() {
        let mut shared = Map::new();
        shared.insert("type".to_owned(), json!("input_text"));
        shared.insert("text".to_owned(), json!(request.prompt.shared));
        if marks {
            shared.insert("prompt_cache_breakpoint".to_owned(), json!({"mode": "explicit"}));
        }
        content.push(Value::Object(shared));
    }
    if !request.prompt.task.is_empty() {
        content.push(json!({"type": "input_text", "text": request.task()}));
    }
    let mut body = Map::new();
    let mut set = |key: &str, value: Value| body.insert(key.to_owned(), value);
    set("model", json!(request.model));
    if !request.prompt.system.is_empty() {
        set("instructions", json!(request.prompt.system));
    }
    let mut input = vec![json!({"role": "user", "content": content})];
    if let Some(talk) = request.talk() {
        input.extend(turns(&talk));
        set("tools", tools(request.sends(Feature::StrictSchema)));
        // The reasoning goes with the calls, and the server keeps nothing.
        set("include", json!(["reasoning.encrypted_content"]));
        if !talk.open {
            set("tool_choice", json!("none"));
        }
    }
    set("input", Value::Array(input));
    if request.sends(Feature::StructuredOutput)
        && let Ok(schema) = serde_json::from_str::<Value>(REPLY_SCHEMA)
    {
        let strict = request.sends(Feature::StrictSchema);
        let format = json!({"type": "json_schema", "name": SCHEMA_NAME, "strict": strict, "schema": schema});
        set("text", json!({"format": format}));
    }
    if request.sends(Feature::Effort) {
        set("reasoning", json!({"effort": request.effort.as_str()}));
    }
    set("max_output_tokens", json!(request.max_output));
    set("store", json!(false));
    if request.sends(Feature::ServiceTier) {
        // A project may have another default, and tiers cost up to twice as much.
        set("service_tier", json!("default"));
    }
    if marks {
        set("prompt_cache_key", json!(request.cache_key));
        // Not implicit: that puts the mark after the task, where the next pass differs.
        set("prompt_cache_options", json!({"mode": "explicit", "ttl": "30m"}));
    }
    if request.sends(Feature::Stream) {
        set("stream", json!(true));
    }
    Value::Object(body)
}

fn tools(strict: bool) -> Value {
    let tool = |tool: tools::Tool| {
        let (name, description, parameters) = (tool.name, tool.description, tool.parameters);
        json!({"type": "function", "name": name, "description": description, "parameters": parameters, "strict": strict})
    };
    tools::all().into_iter().map(tool).collect()
}

/// What was said after the prompt.
fn turns(talk: &Talk<'_>) -> Vec<Value> {
    let mut items = Vec::new();
    for turn in talk.turns {
        items.extend(turn.said.as_array().into_iter().flatten().cloned());
        items.extend(turn.answers.iter().map(
            |(id, answer)| json!({"type": "function_call_output", "call_id": id, "output": answer.text}),
        ));
    }
    if !talk.closing.is_empty() {
        items.push(json!({"role": "user", "content": [{"type": "input_text", "text": talk.closing}]}));
    }
    items
}

/// Reads a complete response object.
pub(super) fn read(response: &Value) -> Reading {
    let usage = response.get("usage").and_then(usage);
    let status = response.get("status").and_then(Value::as_str).unwrap_or("completed");
    let has_error = response.get("error").is_some_and(|error| !error.is_null());
    if has_error || status == "failed" {
        return Reading { parsed: Parsed::Error(VendorError::read(response)), usage };
    }
    let output = response.get("output").and_then(Value::as_array);
    let parsed = match (status, output) {
        ("cancelled" | "queued" | "in_progress", _) => {
            Parsed::Odd(format!("the server left the answer in the state `{status}`"))
        }
        (_, None) => Parsed::Odd("the server answered with JSON that is not an OpenAI response".to_owned()),
        (_, Some(output)) => {
            let (text, refused) = content(output);
            let model = word(response.get("model"));
            let stop = match stop(response, status, refused) {
                Stop::Complete => match calls(output) {
                    calls if calls.is_empty() => Stop::Complete,
                    calls => Stop::Calls { said: Value::Array(output.clone()), calls },
                },
                ended => ended,
            };
            Parsed::Answer { text, stop, model }
        }
    };
    Reading { parsed, usage }
}

fn stop(response: &Value, status: &str, refused: bool) -> Stop {
    let reason = response.pointer("/incomplete_details/reason").and_then(Value::as_str);
    match (status, reason) {
        ("incomplete", Some("content_filter")) => {
            Stop::Refused { category: Some("content_filter".to_owned()) }
        }
        ("incomplete", _) => Stop::Truncated,
        // The model's own words for why are not kept: they are no category.
        _ if refused => Stop::Refused { category: None },
        _ => Stop::Complete,
    }
}

/// The tools that an answer asks for.
fn calls(output: &[Value]) -> Vec<Call> {
    let text = |item: &Value, key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let wanted =
        output.iter().filter(|item| item.get("type").and_then(Value::as_str) == Some("function_call"));
    let call = |item: &Value| Call {
        id: text(item, "call_id"),
        name: text(item, "name"),
        arguments: text(item, "arguments"),
    };
    wanted.map(call).collect()
}

/// The text of all messages, and whether a part of them refuses.
fn content(output: &[Value]) -> (String, bool) {
    let mut text = String::new();
    let mut refused = false;
    for part in output.iter().filter_map(|item| item.get("content").and_then(Value::as_array)).flatten() {
        match part.get("type").and_then(Value::as_str) {
            Some("output_text") => {
                text.push_str(part.get("text").and_then(Value::as_str).unwrap_or_default())
            }
            Some("refusal") => refused = true,
            _ => {}
        }
    }
    (text, refused)
}

/// Tokens by kind. `input_tokens` is the total, so that what a cache was involved in is taken out of it.
fn usage(usage: &Value) -> Option<Usage> {
    let total = count(usage.get("input_tokens"))?;
    let cache_read = optional_count(usage.pointer("/input_tokens_details/cached_tokens"))?;
    let cache_write = optional_count(usage.pointer("/input_tokens_details/cache_write_tokens"))?;
    let input = total.saturating_sub(cache_read).saturating_sub(cache_write);
    Some(Usage {
        input,
        cache_read,
        cache_write,
        output: count(usage.get("output_tokens"))?,
        reasoning: count(usage.pointer("/output_tokens_details/reasoning_tokens")),
        charged: None,
    })
}

/// Waits for the terminal event of a stream, which carries the whole response.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// Text so far, for servers whose terminal event leaves the output out.
    text: String,
    refused: bool,
    /// Items that were finished, for the same servers.
    items: Vec<Value>,
}

impl Assemble for Stream {
    fn event(&mut self, event: &sse::Event) -> Option<Value> {
        let data: Value = serde_json::from_str(&event.data).ok()?;
        let kind = data.get("type").and_then(Value::as_str).unwrap_or(&event.name);
        match kind {
            "response.output_text.delta" => {
                self.text.push_str(data.get("delta").and_then(Value::as_str).unwrap_or_default());
            }
            "response.output_item.done" => self.items.extend(data.get("item").cloned()),
            "response.refusal.delta" | "response.refusal.done" => self.refused = true,
            "response.completed" | "response.incomplete" | "response.failed" => {
                let mut response =
                    data.get("response").and_then(Value::as_object).cloned().unwrap_or_default();
                let status = kind.trim_start_matches("response.");
                response.entry("status").or_insert_with(|| json!(status));
                self.fill_in(&mut response);
                return Some(Value::Object(response));
            }
            "error" => return Some(json!({"error": data.get("error").unwrap_or(&data)})),
            _ => {}
        }
        None
    }

    fn written(&self) -> usize {
        self.text.len()
    }
}

impl Stream {
    fn fill_in(&mut self, response: &mut Map<String, Value>) {
        let output = response.get("output").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let (text, refused) = content(output);
        if !text.is_empty() || refused || !calls(output).is_empty() {
            return;
        }
        if !calls(&self.items).is_empty() {
            response.insert("output".to_owned(), Value::Array(std::mem::take(&mut self.items)));
            return;
        }
        let part = if self.refused {
            json!({"type": "refusal"})
        } else {
            json!({"type": "output_text", "text": std::mem::take(&mut self.text)})
        };
        response.insert("output".to_owned(), json!([{"type": "message", "content": [part]}]));
    }
}
