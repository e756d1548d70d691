//! Anthropic Messages: what is sent, and how an answer reads.
//!
//! Shapes are those of the official SDK 1.12.0 (2026-11-20). Everything that is read is optional or ignorable: a new
//! field, event, block or stop reason is not an error.

use std::collections::BTreeMap;

use reqwest::Url;
use serde_json::{Map, Value, json};

use super::rejection::VendorError;
use super::{Assemble, Parsed, Reading, Request, Stop, Talk, count, optional_count, sse, word};
use crate::domain::pass::{Feature, Usage};
use crate::domain::reply::REPLY_SCHEMA;
use crate::domain::tools::{self, Call};

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
    let mut messages = vec![json!({"role": "user", "content": content})];
    if let Some(talk) = request.talk() {
        messages.extend(turns(&talk));
        insert(&mut body, "tools", tools(request.sends(Feature::StrictSchema)));
        if !talk.open {
            insert(&mut body, "tool_choice", json!({"type": "none"}));
        }
    }
    insert(&mut body, "messages", Value::Array(messages));
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

/// The tools in Anthropic's dialect.
fn tools(strict: bool) -> Value {
    let tool = |tool: tools::Tool| {
        let mut schema = tool.parameters;
        drop_type_beside_enum(&mut schema);
        let mut tool = json!({"name": tool.name, "description": tool.description, "input_schema": schema});
        if strict {
            insert(&mut tool, "strict", json!(true));
        }
        tool
    };
    tools::all().into_iter().map(tool).collect()
}

/// What was said after the prompt. All answers to one turn stand in one message, and nothing stands before them.
fn turns(talk: &Talk<'_>) -> Vec<Value> {
    let mut messages = Vec::new();
    for (at, turn) in talk.turns.iter().enumerate() {
        let answers = turn.answers.iter().map(|(id, answer)| {
            let mut result = json!({"type": "tool_result", "tool_use_id": id, "content": answer.text});
            if answer.failed {
                insert(&mut result, "is_error", json!(true));
            }
            result
        });
        let mut content: Vec<Value> = answers.collect();
        if at + 1 == talk.turns.len() && !talk.closing.is_empty() {
            content.push(json!({"type": "text", "text": talk.closing}));
        }
        messages.push(json!({"role": "assistant", "content": turn.said}));
        messages.push(json!({"role": "user", "content": content}));
    }
    messages
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
        _ => match calls(content) {
            calls if calls.is_empty() => Stop::Complete,
            calls => Stop::Calls { said: Value::Array(content.clone()), calls },
        },
    };
    Reading {
        parsed: Parsed::Answer { text, stop, model: word(message.get("model")) },
        usage: message.get("usage").and_then(usage),
    }
}

/// The tools that a message asks for.
fn calls(content: &[Value]) -> Vec<Call> {
    let text =
        |block: &Value, key: &str| block.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let wanted = content.iter().filter(|block| block.get("type").and_then(Value::as_str) == Some("tool_use"));
    let call = |block: &Value| Call {
        id: text(block, "id"),
        name: text(block, "name"),
        arguments: block.get("input").map(Value::to_string).unwrap_or_default(),
    };
    wanted.map(call).collect()
}

/// Tokens by kind. `input_tokens` is only what no cache was involved in.
fn usage(usage: &Value) -> Option<Usage> {
    Some(Usage {
        input: count(usage.get("input_tokens"))?,
        cache_read: optional_count(usage.get("cache_read_input_tokens"))?,
        cache_write: optional_count(usage.get("cache_creation_input_tokens"))?,
        output: count(usage.get("output_tokens"))?,
        reasoning: count(usage.pointer("/output_tokens_details/thinking_tokens")),
        charged: None,
    })
}

/// Puts a streamed message together.
#[derive(Debug, Default)]
pub(super) struct Stream {
    message: Map<String, Value>,
    /// The blocks of its content by index, of every type: they are given back unchanged when tools are used.
    blocks: BTreeMap<u64, Block>,
}

/// A block of content while it comes.
#[derive(Debug)]
struct Block {
    value: Value,
    /// The arguments of a tool: JSON in pieces.
    input: String,
}

impl Block {
    fn new(value: Value) -> Self {
        Self { value, input: String::new() }
    }

    fn add(&mut self, delta: &Value) {
        let text = |key: &str| delta.get(key).and_then(Value::as_str).unwrap_or_default();
        match delta.get("type").and_then(Value::as_str) {
            Some("text_delta") => self.append("text", text("text")),
            Some("thinking_delta") => self.append("thinking", text("thinking")),
            Some("signature_delta") => insert(&mut self.value, "signature", json!(text("signature"))),
            Some("input_json_delta") => self.input.push_str(text("partial_json")),
            _ => {}
        }
    }

    fn append(&mut self, key: &str, more: &str) {
        match self.value.get_mut(key) {
            Some(Value::String(text)) => text.push_str(more),
            _ => insert(&mut self.value, key, json!(more)),
        }
    }

    fn finish(mut self) -> Value {
        if !self.input.is_empty() {
            // Arguments that are no JSON are none: the call is told so.
            let input = serde_json::from_str(&self.input).unwrap_or_else(|_| json!({}));
            insert(&mut self.value, "input", input);
        }
        self.value
    }
}

impl Stream {
    fn block(&mut self, index: Option<&Value>) -> &mut Block {
        let index = index.and_then(Value::as_u64).unwrap_or(0);
        self.blocks.entry(index).or_insert_with(|| Block::new(json!({"type": "text", "text": ""})))
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
            "content_block_start" => {
                if let Some(block) = data.get("content_block").filter(|block| block.is_object()) {
                    *self.block(data.get("index")) = Block::new(block.clone());
                }
            }
            "content_block_delta" => {
                if let Some(delta) = data.get("delta") {
                    self.block(data.get("index")).add(delta);
                }
            }
            "message_delta" => {
                for (key, value) in data.get("delta").and_then(Value::as_object).into_iter().flatten() {
                    self.message.insert(key.clone(), value.clone());
                }
                self.merge_usage(data.get("usage"));
            }
            "message_stop" => {
                let blocks = std::mem::take(&mut self.blocks).into_values().map(Block::finish).collect();
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
        let texts = self.blocks.values().filter_map(|block| block.value.get("text").and_then(Value::as_str));
        texts.map(str::len).sum()
    }
}
