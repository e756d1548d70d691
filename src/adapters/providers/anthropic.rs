//! Anthropic Messages: what is sent, and how an answer reads.
//!
//! Shapes are those of the official SDK 1.12.0 (2026-11-20). Everything that is read is optional or ignorable: a new
//! field, event, block or stop reason is not an error.

use std::collections::BTreeMap;

use reqwest::Url;
use serde_json::{Map, Value, json};

use super::rejection::VendorError;
use super::{Assemble, Parsed, Reading, Request, Stop, count, optional_count, sse, word};
use crate::domain::pass::{Feature, Usage};
use crate::domain::reply::REPLY_SCHEMA;

/// The version of the API that the shapes here belong to.
pub(super) const VERSION: &str = "2026-10-21";

/// The body of `POST /v1/messages`.
pub(super) fn body(request: &Request<'_>) -> Value {
    let mut content = Vec::new();
    // The server takes no empty text blocks.
    if !request.prompt.shared.is_empty() {
        let mut shared = json!({"type": "text", "text": request.prompt.shared});
        if request.mark_cache && request.sends(Feature::CacheMark) {
            insert(&mut shared, "cache_control", json!({"type": "ephemeral"}));
        }
        content.push(shared);
    }
    if !request.prompt.task.is_empty() {
        content.push(json!({"type": "text", "text": request.task()}));
    }
    let mut body = json!({"model": request.model, "max_tokens": request.max_output});
    if !request.prompt.system.is_empty() {
        insert(&mut body, "system", json!(request.prompt.system));
    }
    insert(&mut body, "messages", json!([{"role": "user", "content": content}]));
    let mut config = Map::new();
    if request.sends(Feature::StructuredOutput)
        && let Some(schema) = schema()
    {
        config.insert("format".to_owned(), json!({"type": "json_schema", "schema": schema}));
    }
    if request.sends(Feature::Effort) {
        config.insert("effort".to_owned(), json!(request.effort.as_str()));
    }
    if !config.is_empty() {
        insert(&mut body, "output_config", Value::Object(config));
    }
    if request.sends(Feature::Stream) {
        insert(&mut body, "stream", json!(true));
    }
    body
}

/// The same request as Vertex wants it, below the address of all models: the model in the address, the version in the
/// body (as `@anthropic-ai/vertex-sdk` 1.1.3 sends both). None if the body is not one of [`body`].
pub(super) fn for_vertex(models: &Url, body: &[u8]) -> Option<(Url, Vec<u8>)> {
    let mut body: Map<String, Value> = serde_json::from_slice(body).ok()?;
    let model = body.shift_remove("model")?;
    let method = match body.get("stream") {
        Some(Value::Bool(true)) => "streamRawPredict",
        _ => "rawPredict",
    };
    body.insert("anthropic_version".to_owned(), json!(VERSION));
    let mut url = models.clone();
    url.path_segments_mut().ok()?.push(&format!("{}:{method}", model.as_str()?));
    Some((url, Value::Object(body).to_string().into_bytes()))
}

fn insert(object: &mut Value, key: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
}

/// The reply schema in Anthropic's dialect: without the `type` that stands beside an `enum`, which the SDK drops too.
fn schema() -> Option<Value> {
    let mut schema: Value = serde_json::from_str(REPLY_SCHEMA).ok()?;
    drop_type_beside_enum(&mut schema);
    Some(schema)
}

fn drop_type_beside_enum(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if object.get("enum").is_some_and(Value::is_array)
                && object.get("type").is_some_and(Value::is_string)
            {
                object.shift_remove("type");
            }
            object.values_mut().for_each(drop_type_beside_enum);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_type_beside_enum),
        _ => {}
    }
}

/// Reads a complete message.
pub(super) fn read(message: &Value) -> Reading {
    if message.get("error").is_some_and(|error| !error.is_null()) {
        return Reading { parsed: Parsed::Error(VendorError::read(message)), usage: None };
    }
    let Some(content) = message.get("content").and_then(Value::as_array) else {
        let why = "the server answered with JSON that is not an Anthropic message".to_owned();
        return Reading { parsed: Parsed::Odd(why), usage: None };
    };
    let texts = content.iter().filter(|block| block.get("type").and_then(Value::as_str) == Some("text"));
    let text = texts.filter_map(|block| block.get("text").and_then(Value::as_str)).collect();
    let stop = match message.get("stop_reason").and_then(Value::as_str) {
        Some("refusal") => Stop::Refused { category: word(message.pointer("/stop_details/category")) },
        Some("max_tokens" | "model_context_window_exceeded") => Stop::Truncated,
        _ => Stop::Complete,
    };
    Reading {
        parsed: Parsed::Answer { text, stop, model: word(message.get("model")) },
        usage: message.get("usage").and_then(usage),
    }
}

/// Tokens by kind. `input_tokens` is only what no cache was involved in.
fn usage(usage: &Value) -> Option<Usage> {
    Some(Usage {
        input: count(usage.get("input_tokens"))?,
        cache_read: optional_count(usage.get("cache_read_input_tokens"))?,
        cache_write: optional_count(usage.get("cache_creation_input_tokens"))?,
        output: count(usage.get("output_tokens"))?,
        reasoning: count(usage.pointer("/output_tokens_details/thinking_tokens")),
    })
}

/// Puts a streamed message together.
#[derive(Debug, Default)]
pub(super) struct Stream {
    message: Map<String, Value>,
    /// Text blocks by index; blocks of other types are not kept.
    texts: BTreeMap<u64, String>,
}

impl Stream {
    fn add_text(&mut self, index: Option<&Value>, text: Option<&Value>) {
        let index = index.and_then(Value::as_u64).unwrap_or(0);
        if let Some(text) = text.and_then(Value::as_str) {
            self.texts.entry(index).or_default().push_str(text);
        }
    }

    /// Counts in later events are totals so far, not additions.
    fn merge_usage(&mut self, later: Option<&Value>) {
        let Some(later) = later.and_then(Value::as_object) else { return };
        let usage = self.message.entry("usage").or_insert_with(|| json!({}));
        for (kind, tokens) in later.iter().filter(|(_, tokens)| !tokens.is_null()) {
            insert(usage, kind, tokens.clone());
        }
    }
}

impl Assemble for Stream {
    fn event(&mut self, event: &sse::Event) -> Option<Value> {
        let data: Value = serde_json::from_str(&event.data).ok()?;
        match data.get("type").and_then(Value::as_str).unwrap_or(&event.name) {
            "message_start" => {
                if let Some(message) = data.get("message").and_then(Value::as_object) {
                    self.message = message.clone();
                }
            }
            "content_block_start" => self.add_text(data.get("index"), data.pointer("/content_block/text")),
            "content_block_delta"
                if data.pointer("/delta/type").and_then(Value::as_str) == Some("text_delta") =>
            {
                self.add_text(data.get("index"), data.pointer("/delta/text"));
            }
            "message_delta" => {
                for (key, value) in data.get("delta").and_then(Value::as_object).into_iter().flatten() {
                    self.message.insert(key.clone(), value.clone());
                }
                self.merge_usage(data.get("usage"));
            }
            "message_stop" => {
                let texts = std::mem::take(&mut self.texts);
                let blocks = texts.into_values().map(|text| json!({"type": "text", "text": text})).collect();
                self.message.insert("content".to_owned(), Value::Array(blocks));
                return Some(Value::Object(std::mem::take(&mut self.message)));
            }
            // Comes after a 200 when the server breaks off; what it has counted so far is not the bill.
            "error" => return Some(json!({"type": "error", "error": data.get("error").unwrap_or(&data)})),
            _ => {}
        }
        None
    }

    fn written(&self) -> usize {
        self.texts.values().map(String::len).sum()
    }
}
