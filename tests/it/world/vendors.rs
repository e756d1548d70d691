//! What the vendors ask of a request, and the forms their answers share.

use serde_json::{Map, Value, json};

use super::http::{Call, Outgoing};
use super::script::Usage;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    Anthropic,
    OpenAi,
    /// Any server that speaks Chat Completions.
    Chat,
}

impl Vendor {
    pub fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "Anthropic",
            Self::OpenAi => "OpenAI",
            Self::Chat => "Chat",
        }
    }
}

/// An error in the vendor's form. Anthropic has no codes; of the others that imitate OpenAI, many put the status there.
pub fn error(vendor: Vendor, status: u16, kind: &str, message: &str, code: Option<&str>) -> Outgoing {
    match vendor {
        Vendor::Anthropic => Outgoing::json(
            status,
            &json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_world"}),
        )
        .header("request-id", "req_world"),
        Vendor::OpenAi => Outgoing::json(
            status,
            &json!({"error": {"message": message, "type": kind, "param": null, "code": code}}),
        )
        .header("x-request-id", "req_world"),
        Vendor::Chat => {
            let code = code.map_or_else(|| json!(status), |code| json!(code));
            Outgoing::json(status, &json!({"error": {"message": message, "type": kind, "code": code}}))
                .header("x-request-id", "req_world")
        }
    }
}

/// Whether a client may ask for this with a `GET`.
pub fn may_be_told(vendor: Vendor, path: &str) -> bool {
    match vendor {
        Vendor::Anthropic | Vendor::OpenAi => path.starts_with("/v1/models"),
        Vendor::Chat => ["/v1/models", "/props", "/catalog/models"].contains(&path),
    }
}

pub fn html() -> Outgoing {
    Outgoing::bytes(200, "text/html", "<html><body>Welcome to the company proxy</body></html>")
}

pub fn event_stream(events: String) -> Outgoing {
    let mut outgoing = Outgoing::bytes(200, "text/event-stream; charset=utf-8", events);
    outgoing.chunked = true;
    outgoing
}

pub fn server_sent_event(name: &str, data: &Value) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

/// A text in small pieces, as models stream it, never inside a character.
pub fn pieces(text: &str) -> impl Iterator<Item = String> {
    let letters: Vec<char> = text.chars().collect();
    let size = (letters.len() / 5).max(1);
    let pieces: Vec<String> = letters.chunks(size).map(|piece| piece.iter().collect()).collect();
    pieces.into_iter()
}

/// About four bytes to the token, within the limit the request sets on output.
pub fn default_usage(request: &Value, request_bytes: usize, text: &str) -> Usage {
    let tokens = |bytes: usize| u64::try_from(bytes / 4).unwrap_or_default().max(1);
    let limits = ["max_tokens", "max_output_tokens", "max_completion_tokens"];
    let limit = limits.iter().find_map(|key| request[*key].as_u64());
    Usage::new(tokens(request_bytes), tokens(text.len()).min(limit.unwrap_or(u64::MAX)))
}

/// The headers a vendor cannot do without. A wrong key gets the vendor's 401 and is no violation. A server that takes no
/// key gets none.
pub fn authorised(
    vendor: Vendor,
    call: &Call,
    key: Option<&str>,
    violations: &mut Vec<String>,
) -> Result<(), Outgoing> {
    let mut miss = |what: &str| violations.push(format!("{}: {what}", vendor.name()));
    if !call.header("content-type").is_some_and(|kind| kind.starts_with("application/json")) {
        miss("content-type is not application/json");
    }
    let bearer = call.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let given = match vendor {
        Vendor::OpenAi | Vendor::Chat => bearer,
        Vendor::Anthropic => {
            let version = call.header("anthropic-version").unwrap_or_default();
            if !["2026-10-21", "2023-06-01"].contains(&version) {
                miss(&format!("anthropic-version {version:?} does not exist"));
                return Err(error(vendor, 400, "invalid_request_error", "anthropic-version: invalid", None));
            }
            if bearer.is_some() && call.header("x-api-key").is_some() {
                miss("both x-api-key and Authorization");
            }
            call.header("x-api-key").or(bearer)
        }
    };
    match (given, key) {
        (None, Some(_)) => miss("no key"),
        (Some(_), None) => miss("a key that nobody asked for"),
        _ => {}
    }
    if given == key {
        return Ok(());
    }
    Err(match vendor {
        Vendor::Anthropic => error(vendor, 401, "authentication_error", "invalid x-api-key", None),
        Vendor::OpenAi | Vendor::Chat => error(
            vendor,
            401,
            "invalid_request_error",
            "Incorrect API key provided.",
            Some("invalid_api_key"),
        ),
    })
}

const ANTHROPIC_KEYS: &[&str] = &[
    "model",
    "max_tokens",
    "messages",
    "system",
    "stream",
    "output_config",
    "thinking",
    "cache_control",
    "metadata",
    "stop_sequences",
    "service_tier",
    "tools",
    "tool_choice",
    "inference_geo",
    "speed",
];

const OPENAI_KEYS: &[&str] = &[
    "model",
    "input",
    "instructions",
    "max_output_tokens",
    "reasoning",
    "text",
    "store",
    "stream",
    "stream_options",
    "include",
    "metadata",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "service_tier",
    "safety_identifier",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
];

const CHAT_KEYS: &[&str] = &[
    "model",
    "messages",
    "max_tokens",
    "max_completion_tokens",
    "response_format",
    "reasoning_effort",
    "stream",
    "stream_options",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
];

/// What the vendor would refuse, or what this product promises and does not keep.
pub fn complaints(vendor: Vendor, body: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let nothing = Map::new();
    let map = body.as_object().unwrap_or(&nothing);
    let known = match vendor {
        Vendor::Anthropic => ANTHROPIC_KEYS,
        Vendor::OpenAi => OPENAI_KEYS,
        Vendor::Chat => CHAT_KEYS,
    };
    unknown_keys(map, known, "the request", &mut found);
    if body["model"].as_str().is_none_or(str::is_empty) {
        found.push("no model".to_owned());
    }
    match vendor {
        Vendor::Anthropic => anthropic(body, &mut found),
        Vendor::OpenAi => openai(body, &mut found),
        Vendor::Chat => chat(body, &mut found),
    }
    found.iter().map(|what| format!("{}: {what}", vendor.name())).collect()
}

fn unknown_keys(map: &Map<String, Value>, known: &[&str], place: &str, found: &mut Vec<String>) {
    let unknown = map.keys().filter(|key| !known.contains(&key.as_str()));
    found.extend(unknown.map(|key| format!("{key} is no key of {place}")));
}

fn keys_of(value: &Value, known: &[&str], place: &str, found: &mut Vec<String>) {
    if let Some(map) = value.as_object() {
        unknown_keys(map, known, place, found);
    }
}

fn anthropic(body: &Value, found: &mut Vec<String>) {
    if body["max_tokens"].as_u64().is_none_or(|tokens| tokens == 0) {
        found.push("no max_tokens".to_owned());
    }
    let no_messages = Vec::new();
    let messages = body["messages"].as_array().unwrap_or(&no_messages);
    if messages.first().is_none_or(|message| message["role"] != "user") {
        found.push("messages do not begin with the user".to_owned());
    }
    if messages.last().is_some_and(|message| message["role"] == "assistant") {
        found.push("an answer is prefilled, which no current model takes".to_owned());
    }
    for message in messages {
        keys_of(message, &["role", "content"], "a message", found);
        for block in message["content"].as_array().into_iter().flatten() {
            if block["type"] == "text" {
                keys_of(block, &["type", "text", "cache_control", "citations"], "a text block", found);
            }
        }
    }
    for tool in body["tools"].as_array().into_iter().flatten() {
        keys_of(tool, &["name", "description", "input_schema", "strict"], "a tool", found);
        dialect(&tool["input_schema"], ANTHROPIC_KEYWORDS, "a tool's schema", found);
    }
    let blocks = || messages.iter().flat_map(|message| message["content"].as_array().into_iter().flatten());
    answered(body, blocks(), ("tool_use", "id"), ("tool_result", "tool_use_id"), found);
    for message in messages.iter().filter(|message| message["role"] == "assistant") {
        if message["content"][0]["signature"] != "c2lnbmF0dXJl" {
            found.push("an answer is given back without its thinking".to_owned());
        }
    }
    let marks = body.to_string().matches("\"cache_control\"").count();
    if marks > 4 {
        found.push(format!("{marks} cache marks; four are allowed"));
    }
    keys_of(&body["output_config"], &["format", "effort"], "output_config", found);
    keys_of(&body["thinking"], &["type", "display"], "thinking", found);
    effort(&body["output_config"]["effort"], &["low", "medium", "high", "xhigh", "max"], found);
    let format = &body["output_config"]["format"];
    if format.is_object() {
        keys_of(format, &["type", "schema"], "output_config.format", found);
        if format["type"] != "json_schema" || !format["schema"].is_object() {
            found.push("output_config.format is not a json_schema".to_owned());
        }
        dialect(&format["schema"], ANTHROPIC_KEYWORDS, "schema", found);
        if is_recursive(&format["schema"]) {
            found.push("the schema is recursive".to_owned());
        }
    }
}

fn openai(body: &Value, found: &mut Vec<String>) {
    if body["store"] != false {
        found.push("store is not false, so OpenAI would keep the code".to_owned());
    }
    if body["max_output_tokens"].as_u64().is_none_or(|tokens| tokens == 0) {
        found.push("no max_output_tokens".to_owned());
    }
    let input = &body["input"];
    if input.as_str().is_none_or(str::is_empty) && input.as_array().is_none_or(Vec::is_empty) {
        found.push("no input".to_owned());
    }
    for tool in body["tools"].as_array().into_iter().flatten() {
        keys_of(tool, &["type", "name", "description", "parameters", "strict"], "a tool", found);
        dialect(&tool["parameters"], OPENAI_KEYWORDS, "a tool's schema", found);
        every_property_required(&tool["parameters"], "a tool's schema", found);
    }
    let items = || input.as_array().into_iter().flatten();
    answered(body, items(), ("function_call", "call_id"), ("function_call_output", "call_id"), found);
    for item in items().filter(|item| item["type"] == "reasoning") {
        if !item["encrypted_content"].is_string() {
            found.push("reasoning is given back that the server did not keep".to_owned());
        }
    }
    for item in items().filter(|item| item["role"] == "user") {
        for part in item["content"].as_array().into_iter().flatten() {
            if part["type"] != "input_text" {
                found.push(format!("an input part of type {}", part["type"]));
            }
            keys_of(part, &["type", "text", "prompt_cache_breakpoint"], "an input_text part", found);
        }
    }
    keys_of(&body["reasoning"], &["effort", "summary", "context", "mode"], "reasoning", found);
    keys_of(&body["text"], &["format", "verbosity"], "text", found);
    let efforts = match body["model"].as_str() {
        Some("gpt-6-astra" | "gpt-6.1-sol") => &["low", "medium", "high", "xhigh", "max"][..],
        _ => &["none", "minimal", "low", "medium", "high", "xhigh", "max"][..],
    };
    effort(&body["reasoning"]["effort"], efforts, found);
    let format = &body["text"]["format"];
    if !format.is_object() || format["type"] == "text" || format["type"] == "json_object" {
        return;
    }
    if format["type"] != "json_schema" {
        found.push("text.format is no json_schema".to_owned());
    }
    keys_of(format, &["type", "name", "schema", "strict", "description"], "text.format", found);
    named_schema(format, "text.format", found);
}

/// A schema in OpenAI's wrapping: with a name, and its strict dialect where it is to be read strictly.
fn named_schema(wrapping: &Value, place: &str, found: &mut Vec<String>) {
    let name = wrapping["name"].as_str().unwrap_or_default();
    let in_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    if name.is_empty() || name.len() > 64 || !name.chars().all(in_name) {
        found.push(format!("{place}.name {name:?} is not allowed"));
    }
    let schema = &wrapping["schema"];
    if schema["type"] != "object" || schema.get("anyOf").is_some() {
        found.push(format!("{place} does not hold the schema of an object"));
    }
    if wrapping["strict"] == true {
        dialect(schema, OPENAI_KEYWORDS, "schema", found);
        every_property_required(schema, "schema", found);
    }
}

/// What all servers that imitate OpenAI take: texts as strings, and no setting that only some know.
fn chat(body: &Value, found: &mut Vec<String>) {
    let limits = ["max_tokens", "max_completion_tokens"];
    let limits: Vec<_> = limits.iter().filter_map(|key| body.get(*key)).collect();
    if !matches!(limits.as_slice(), [limit] if limit.as_u64().is_some_and(|tokens| tokens > 0)) {
        found.push("not one limit on output".to_owned());
    }
    for tool in body["tools"].as_array().into_iter().flatten() {
        keys_of(tool, &["type", "function"], "a tool", found);
        let function = &tool["function"];
        keys_of(function, &["name", "description", "parameters", "strict"], "a function", found);
        dialect(&function["parameters"], OPENAI_KEYWORDS, "a tool's schema", found);
        every_property_required(&function["parameters"], "a tool's schema", found);
    }
    let no_messages = Vec::new();
    let messages = body["messages"].as_array().unwrap_or(&no_messages);
    let parts = messages.iter().flat_map(|message| {
        let called = message["tool_calls"].as_array().into_iter().flatten();
        let called = called.map(|call| json!({"type": "call", "id": call["id"]}));
        let answered =
            (message["role"] == "tool").then(|| json!({"type": "answer", "id": message["tool_call_id"]}));
        called.chain(answered)
    });
    let parts: Vec<Value> = parts.collect();
    answered(body, parts.iter(), ("call", "id"), ("answer", "id"), found);
    for message in messages {
        keys_of(message, &["role", "content", "tool_calls", "tool_call_id"], "a message", found);
        let called = message["tool_calls"].is_array();
        match message["role"].as_str() {
            Some("assistant") if called => {}
            Some("system" | "user" | "assistant" | "tool") => {
                if message["content"].as_str().is_none_or(str::is_empty) {
                    found.push("the content of a message is no text".to_owned());
                }
            }
            _ => found.push(format!("a message by {}", message["role"])),
        }
    }
    if !messages.last().is_some_and(|message| message["role"] == "user" || message["role"] == "tool") {
        found.push("messages do not end with the user or a tool".to_owned());
    }
    if messages.iter().skip(1).any(|message| message["role"] == "system") {
        found.push("a system message that is not the first".to_owned());
    }
    effort(&body["reasoning_effort"], &["none", "minimal", "low", "medium", "high", "xhigh", "max"], found);
    keys_of(&body["stream_options"], &["include_usage"], "stream_options", found);
    if body.get("stream_options").is_some() && body["stream"] != true {
        found.push("stream_options without a stream".to_owned());
    }
    let format = &body["response_format"];
    keys_of(format, &["type", "json_schema"], "response_format", found);
    match format["type"].as_str() {
        Some("json_schema") => {
            let wrapping = &format["json_schema"];
            keys_of(wrapping, &["name", "schema", "strict", "description"], "json_schema", found);
            named_schema(wrapping, "json_schema", found);
        }
        Some("json_object") if !body["messages"].to_string().contains("JSON") => {
            found.push("json_object without the word JSON in a message, which OpenAI refuses".to_owned());
        }
        None | Some("json_object") => {}
        Some(other) => found.push(format!("response_format of type {other}")),
    }
}

/// Every call of a tool has its answer, every answer its call, and both need the tools.
fn answered<'a>(
    body: &Value,
    parts: impl Iterator<Item = &'a Value>,
    (call, id): (&str, &str),
    (answer, of): (&str, &str),
    found: &mut Vec<String>,
) {
    let mut open: Vec<&Value> = Vec::new();
    let mut begun = false;
    for part in parts {
        if part["type"] == call {
            begun = true;
            open.push(&part[id]);
        } else if part["type"] == answer {
            match open.iter().position(|open| *open == &part[of]) {
                Some(at) => drop(open.remove(at)),
                None => found.push(format!("an answer to no call: {}", part[of])),
            }
        } else if !open.is_empty() && part["type"] != "text" && part["type"] != "thinking" {
            found.push(format!("{} stands between a call and its answer", part["type"]));
        }
    }
    if !open.is_empty() {
        found.push(format!("calls without an answer: {open:?}"));
    }
    if begun && !body["tools"].is_array() {
        found.push("tools were used that are not offered any more".to_owned());
    }
}

fn effort(value: &Value, known: &[&str], found: &mut Vec<String>) {
    if !value.is_null() && value.as_str().is_none_or(|effort| !known.contains(&effort)) {
        found.push(format!("effort {value} is not accepted"));
    }
}

const ANTHROPIC_KEYWORDS: &[&str] = &[
    "type",
    "enum",
    "const",
    "anyOf",
    "allOf",
    "$ref",
    "$defs",
    "description",
    "title",
    "default",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "format",
    "minItems",
];

const OPENAI_KEYWORDS: &[&str] = &[
    "type",
    "enum",
    "const",
    "anyOf",
    "$ref",
    "$defs",
    "definitions",
    "description",
    "title",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "pattern",
    "format",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
];

/// Visits each schema below this one, with the path to it.
fn each_schema(schema: &Value, place: &str, visit: &mut dyn FnMut(&Map<String, Value>, &str)) {
    let Some(map) = schema.as_object() else {
        return;
    };
    visit(map, place);
    for key in ["properties", "$defs", "definitions"] {
        for (name, below) in map.get(key).and_then(Value::as_object).into_iter().flatten() {
            each_schema(below, &format!("{place}.{name}"), visit);
        }
    }
    for key in ["anyOf", "allOf"] {
        for below in map.get(key).and_then(Value::as_array).into_iter().flatten() {
            each_schema(below, place, visit);
        }
    }
    if let Some(items) = map.get("items") {
        each_schema(items, &format!("{place}[]"), visit);
    }
}

/// Keywords the vendor does not know, and objects that are not closed.
fn dialect(schema: &Value, keywords: &[&str], place: &str, found: &mut Vec<String>) {
    each_schema(schema, place, &mut |map, place| {
        unknown_keys(map, keywords, place, found);
        if map.contains_key("properties") && map.get("additionalProperties") != Some(&json!(false)) {
            found.push(format!("{place} does not set additionalProperties to false"));
        }
        if keywords == ANTHROPIC_KEYWORDS
            && map.get("minItems").and_then(Value::as_u64).is_some_and(|n| n > 1)
        {
            found.push(format!("{place} sets minItems above 1"));
        }
    });
}

fn every_property_required(schema: &Value, place: &str, found: &mut Vec<String>) {
    each_schema(schema, place, &mut |map, place| {
        let required = map.get("required").and_then(Value::as_array);
        for name in map.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::keys) {
            if required.is_none_or(|required| required.iter().all(|entry| entry != name)) {
                found.push(format!("{place}.{name} is not in required"));
            }
        }
    });
}

/// Whether a definition reaches itself through references.
fn is_recursive(schema: &Value) -> bool {
    let definitions = schema["$defs"].as_object();
    let references = |value: &Value| -> Vec<String> {
        let mut names = Vec::new();
        each_schema(value, "", &mut |map, _| {
            let target = map.get("$ref").and_then(Value::as_str);
            names.extend(target.and_then(|target| target.strip_prefix("#/$defs/")).map(str::to_owned));
        });
        names
    };
    definitions.into_iter().flatten().any(|(name, definition)| {
        let mut open = references(definition);
        let mut seen: Vec<String> = Vec::new();
        while let Some(next) = open.pop() {
            if next == *name {
                return true;
            }
            if !seen.contains(&next) {
                open.extend(references(&schema["$defs"][&next]));
                seen.push(next);
            }
        }
        false
    })
}
