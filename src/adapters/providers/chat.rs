//! Chat Completions, as the servers that imitate OpenAI speak it: what is sent, and how an answer reads.
//!
//! Ollama, LM Studio, llama.cpp, vLLM, OpenRouter and GitHub Models each take a part of it. What is sent is the part
//! that all take, or that a 400 names so that it can be left out; everything that is read is optional or ignorable.
//! No real server but llama.cpp was asked.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::rejection::VendorError;
use super::{Assemble, Parsed, Reading, Request, SCHEMA_NAME, Stop, Talk, count, optional_count, sse, word};
use crate::domain::pass::{Feature, Usage};
use crate::domain::reply::REPLY_SCHEMA;
use crate::domain::tools::{self, Call};
use crate::domain::units::MicroUsd;

/// The body of `POST /chat/completions`.
pub(super) fn body(request: &Request<'_>) -> Value {
    let schema: Value = serde_json::from_str(REPLY_SCHEMA).unwrap_or_default();
    // Without the schema beside it: OpenAI takes JSON mode only where JSON is spoken of.
    let task = request.task();
    // One text: many servers take no parts. What later passes share stands first, so that its cached prefix is found.
    let parts = [request.prompt.shared.as_str(), task.trim()];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let mut messages = vec![json!({"role": "user", "content": parts.join("\n\n")})];
    if !request.prompt.system.is_empty() {
        messages.insert(0, json!({"role": "system", "content": request.prompt.system}));
    }
    let talk = request.talk();
    messages.extend(talk.iter().flat_map(turns));
    let mut body = Map::new();
    let mut set = |key: &str, value: Value| body.insert(key.to_owned(), value);
    set("model", json!(request.model));
    set("messages", Value::Array(messages));
    // The older name is the one that all know, but for OpenAI's newer models.
    let limit = if request.sends(Feature::MaxTokens) { "max_tokens" } else { "max_completion_tokens" };
    set(limit, json!(request.max_output));
    if request.sends(Feature::StructuredOutput) {
        let strict = request.sends(Feature::StrictSchema);
        let wrapping = json!({"name": SCHEMA_NAME, "strict": strict, "schema": schema});
        set("response_format", json!({"type": "json_schema", "json_schema": wrapping}));
    } else if request.sends(Feature::JsonMode) {
        set("response_format", json!({"type": "json_object"}));
    }
    if let Some(talk) = talk {
        set("tools", tools(request.sends(Feature::StrictSchema)));
        if !talk.open {
            set("tool_choice", json!("none"));
        }
    }
    if request.sends(Feature::Effort) {
        set("reasoning_effort", json!(request.effort.as_str()));
    }
    if request.sends(Feature::Stream) {
        set("stream", json!(true));
        if request.sends(Feature::StreamUsage) {
            set("stream_options", json!({"include_usage": true}));
        }
    }
    Value::Object(body)
}

fn tools(strict: bool) -> Value {
    let tool = |tool: tools::Tool| {
        let mut function =
            json!({"name": tool.name, "description": tool.description, "parameters": tool.parameters});
        if let (true, Some(function)) = (strict, function.as_object_mut()) {
            function.insert("strict".to_owned(), json!(true));
        }
        json!({"type": "function", "function": function})
    };
    tools::all().into_iter().map(tool).collect()
}

/// What was said after the prompt.
fn turns(talk: &Talk<'_>) -> Vec<Value> {
    let mut messages = Vec::new();
    for turn in talk.turns {
        messages.push(turn.said.clone());
        messages.extend(
            turn.answers
                .iter()
                .map(|(id, answer)| json!({"role": "tool", "tool_call_id": id, "content": answer.text})),
        );
    }
    if !talk.closing.is_empty() {
        messages.push(json!({"role": "user", "content": talk.closing}));
    }
    messages
}

/// What a message with calls is given back as: what all servers take. Calls without an id get one.
fn said(message: &Value) -> Value {
    let mut calls = message.get("tool_calls").and_then(Value::as_array).cloned().unwrap_or_default();
    for (at, call) in calls.iter_mut().enumerate() {
        let known = call.get("id").and_then(Value::as_str).is_some_and(|id| !id.is_empty());
        if let (false, Some(call)) = (known, call.as_object_mut()) {
            call.insert("id".to_owned(), json!(format!("call_{at}")));
        }
    }
    json!({"role": "assistant", "content": message.get("content"), "tool_calls": calls})
}

/// The tools that a message asks for, given back as [`said`] has it.
fn calls(said: &Value) -> Vec<Call> {
    let text = |call: &Value, pointer: &str| {
        call.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    // Some servers send the arguments as an object.
    let arguments = |call: &Value| match call.pointer("/function/arguments") {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let wanted = said.get("tool_calls").and_then(Value::as_array).into_iter().flatten();
    let call = |call: &Value| Call {
        id: text(call, "/id"),
        name: text(call, "/function/name"),
        arguments: arguments(call),
    };
    wanted.map(call).collect()
}

/// Reads a complete answer. Also one of status 200 may be an error (OpenRouter), or hold one in its choice.
pub(super) fn read(completion: &Value) -> Reading {
    let usage = completion.get("usage").and_then(usage);
    let choice = completion.pointer("/choices/0").unwrap_or(&Value::Null);
    if let Some(failed) = [completion, choice].into_iter().find(|value| has_error(value)) {
        return Reading { parsed: Parsed::Error(VendorError::read(failed)), usage };
    }
    let odd = |why: &str| Parsed::Odd(why.to_owned());
    let parsed = match (choice.get("message"), choice.get("finish_reason").and_then(Value::as_str)) {
        (None, _) => odd("the server answered with JSON that is not a chat completion"),
        (_, Some("error")) => odd("the server broke its answer off without saying why"),
        (Some(message), reason) => {
            let (text, refused) = content(message);
            let stop = match reason {
                Some("length") => Stop::Truncated,
                Some("content_filter") => Stop::Refused { category: Some("content_filter".to_owned()) },
                // The model's own words for why are not kept: they are no category.
                _ if refused => Stop::Refused { category: None },
                _ => {
                    let said = said(message);
                    match calls(&said) {
                        calls if calls.is_empty() => Stop::Complete,
                        calls => Stop::Calls { said, calls },
                    }
                }
            };
            let text = after_thinking(&text).to_owned();
            Parsed::Answer { text, stop, model: word(completion.get("model")) }
        }
    };
    Reading { parsed, usage }
}

fn has_error(value: &Value) -> bool {
    value.get("error").is_some_and(|error| !error.is_null())
}

/// The text of a message, one or in parts, and whether it refuses.
fn content(message: &Value) -> (String, bool) {
    let parts = message.get("content").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let texts = parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str));
    let text = match message.get("content").and_then(Value::as_str) {
        Some(text) => text.to_owned(),
        None => texts.collect(),
    };
    let refuses = |value: &Value| {
        value.get("refusal").and_then(Value::as_str).is_some_and(|words| !words.trim().is_empty())
    };
    (text, refuses(message) || parts.iter().any(refuses))
}

/// The answer without what a model thought aloud before it, where the server leaves that in the text. Templates that
/// open the tag themselves leave only its end. Of a thought that never ended nothing is the answer.
fn after_thinking(text: &str) -> &str {
    let begin = text.trim_start();
    if begin.starts_with('{') {
        return text;
    }
    match begin.split_once("</think>") {
        Some((_, answer)) => answer,
        None if begin.starts_with("<think>") => "",
        None => text,
    }
}

/// Tokens by kind. `prompt_tokens` is the total, so that what a cache was involved in is taken out of it.
fn usage(usage: &Value) -> Option<Usage> {
    let total = count(usage.get("prompt_tokens"))?;
    let cache_read = optional_count(usage.pointer("/prompt_tokens_details/cached_tokens"))?;
    let cache_write = optional_count(usage.pointer("/prompt_tokens_details/cache_write_tokens"))?;
    let input = total.saturating_sub(cache_read).saturating_sub(cache_write);
    // Some servers count reasoning apart; what the sum of all has above the prompt is paid as output.
    let besides = count(usage.get("total_tokens")).unwrap_or_default().saturating_sub(total);
    Some(Usage {
        input,
        cache_read,
        cache_write,
        output: count(usage.get("completion_tokens"))?.max(besides),
        reasoning: count(usage.pointer("/completion_tokens_details/reasoning_tokens")),
        charged: usage.get("cost").and_then(dollars),
    })
}

/// US dollars, which OpenRouter's credits are too, rounded up.
pub(in crate::adapters) fn dollars(cost: &Value) -> Option<MicroUsd> {
    let micros = (cost.as_f64()? * 1e6).ceil();
    (0.0..=1e15).contains(&micros).then_some(MicroUsd(micros as u64))
}

/// Puts the deltas of the first choice together.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// Identity and usage; later chunks replace what earlier ones said.
    completion: Map<String, Value>,
    message: BTreeMap<&'static str, String>,
    /// The calls of tools by index: id, name and the arguments so far.
    calls: BTreeMap<u64, [String; 3]>,
    reason: Option<Value>,
}

impl Assemble for Stream {
    fn event(&mut self, event: &sse::Event) -> Option<Value> {
        if event.data.trim() == "[DONE]" {
            return Some(self.whole());
        }
        let chunk: Value = serde_json::from_str(&event.data).ok()?;
        let choices = chunk.get("choices").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let first = |choice: &&Value| choice.get("index").and_then(Value::as_u64).unwrap_or(0) == 0;
        let choice = choices.iter().find(first).unwrap_or(&Value::Null);
        // Comes after a 200 when the server breaks off.
        if let Some(failed) = [&chunk, choice].into_iter().find(|value| has_error(value)) {
            return Some(json!({"error": failed.get("error")}));
        }
        for key in ["id", "model", "usage"] {
            if let Some(value) = chunk.get(key).filter(|value| !value.is_null()) {
                self.completion.insert(key.to_owned(), value.clone());
            }
        }
        for key in ["content", "refusal"] {
            if let Some(text) = choice.get("delta").and_then(|delta| delta.get(key)).and_then(Value::as_str) {
                self.message.entry(key).or_default().push_str(text);
            }
        }
        let calls = choice.pointer("/delta/tool_calls").and_then(Value::as_array);
        calls.into_iter().flatten().for_each(|call| self.add_call(call));
        if let Some(reason) = choice.get("finish_reason").filter(|reason| !reason.is_null()) {
            self.reason = Some(reason.clone());
        }
        None
    }

    fn written(&self) -> usize {
        self.message.get("content").map_or(0, String::len)
    }

    fn ended(&mut self) -> Option<Value> {
        self.reason.is_some().then(|| self.whole())
    }
}

impl Stream {
    /// A piece of a call. The first of them has its name, and id and name are not sent in pieces.
    fn add_call(&mut self, call: &Value) {
        let index = call.get("index").and_then(Value::as_u64).unwrap_or(0);
        let [id, name, arguments] = self.calls.entry(index).or_default();
        let text =
            |pointer: &str| call.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
        text("/id").into_iter().for_each(|text| text.clone_into(id));
        text("/function/name").into_iter().for_each(|text| text.clone_into(name));
        text("/function/arguments").into_iter().for_each(|text| arguments.push_str(text));
    }

    fn whole(&mut self) -> Value {
        let mut completion = std::mem::take(&mut self.completion);
        let mut message = json!(self.message);
        let call = |[id, name, arguments]: [String; 3]| json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}});
        let calls: Vec<Value> = std::mem::take(&mut self.calls).into_values().map(call).collect();
        if let (false, Some(message)) = (calls.is_empty(), message.as_object_mut()) {
            message.insert("tool_calls".to_owned(), Value::Array(calls));
        }
        let choice = json!({"message": message, "finish_reason": self.reason});
        completion.insert("choices".to_owned(), json!([choice]));
        Value::Object(completion)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::reply;

    fn answer(completion: &Value) -> (String, Stop) {
        match read(completion).parsed {
            Parsed::Answer { text, stop, .. } => (text, stop),
            Parsed::Error(error) => panic!("{error:?}"),
            Parsed::Odd(why) => panic!("{why}"),
        }
    }

    fn says(content: Value, reason: &str) -> Value {
        json!({"choices": [{"index": 0, "message": {"content": content}, "finish_reason": reason}]})
    }

    #[test]
    fn an_answer_is_text_or_parts_and_its_end_is_told_by_the_reason_or_a_refusal() {
        assert_eq!(answer(&says(json!("{}"), "stop")), ("{}".to_owned(), Stop::Complete));
        let parts = json!([{"type": "text", "text": "{"}, {"type": "text", "text": "}"}]);
        assert_eq!(answer(&says(parts, "eos")), ("{}".to_owned(), Stop::Complete));
        assert_eq!(answer(&says(json!("{\"fi"), "length")).1, Stop::Truncated);
        let filtered = Stop::Refused { category: Some("content_filter".to_owned()) };
        assert_eq!(answer(&says(Value::Null, "content_filter")).1, filtered);
        let mut refused = says(Value::Null, "stop");
        refused["choices"][0]["message"]["refusal"] = json!("I can't help with that.");
        assert_eq!(answer(&refused).1, Stop::Refused { category: None });
    }

    #[test]
    fn an_error_inside_a_success_is_an_error_and_anything_else_is_odd() {
        let whole = json!({"error": {"code": 429, "message": "slow down"}});
        let inside =
            json!({"choices": [{"error": {"code": 502, "message": "upstream"}, "finish_reason": "error"}]});
        for (completion, status) in [(whole, 429), (inside, 502)] {
            let Parsed::Error(error) = read(&completion).parsed else { panic!("{completion}") };
            assert_eq!(error.status(), status);
        }
        for odd in [json!({}), json!([]), json!({"choices": []}), says(json!("half"), "error")] {
            assert!(matches!(read(&odd).parsed, Parsed::Odd(_)), "{odd}");
        }
    }

    #[test]
    fn thinking_aloud_is_not_the_answer_even_if_it_holds_one() {
        let draft = r#"{"findings": [{"title": "draft", "body": "b"}]}"#;
        let last = r#"{"findings": [{"title": "last", "body": "b"}]}"#;
        let titles = |content: String| {
            let reply = reply::parse(&answer(&says(json!(content), "stop")).0);
            reply.findings.into_iter().map(|finding| finding.title).collect::<Vec<_>>()
        };
        assert_eq!(titles(format!("<think>if x {{ y }} then {draft}</think>\n{last}")), ["last"]);
        // The template opened the tag.
        assert_eq!(titles(format!("So {{a: 1}} or {draft}?\n</think>\n```json\n{last}\n```")), ["last"]);
        assert_eq!(titles(format!("<think>I would say {draft}, but")), [""; 0]);
        assert_eq!(titles(format!("The struct {{ a }} is fine. {last}")), ["last"]);
        let quotes = r#"{"findings": [{"title": "prints </think>", "body": "b"}]}"#;
        assert_eq!(titles(quotes.to_owned()), ["prints </think>"]);
    }

    #[test]
    fn tokens_are_told_by_kind_and_what_is_counted_apart_is_output() {
        let read = |counts: Value| usage(&counts);
        let whole = json!({
            "prompt_tokens": 112, "completion_tokens": 20, "total_tokens": 132,
            "prompt_tokens_details": {"cached_tokens": 7, "cache_write_tokens": 5},
            "completion_tokens_details": {"reasoning_tokens": 9},
        });
        let expected = Usage {
            input: 100,
            cache_read: 7,
            cache_write: 5,
            output: 20,
            reasoning: Some(9),
            charged: None,
        };
        assert_eq!(read(whole), Some(expected));
        let apart = json!({"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 80});
        assert_eq!(read(apart).map(|usage| usage.output), Some(70));
        let details = json!({"prompt_tokens": 10, "completion_tokens": 2, "prompt_tokens_details": null});
        assert_eq!(read(details).map(|usage| usage.total_input()), Some(10));
        let charged = |cost: Value| {
            let counts = json!({"prompt_tokens": 10, "completion_tokens": 2, "cost": cost});
            read(counts).and_then(|usage| usage.charged)
        };
        assert_eq!(charged(json!(0.001_234_1)), Some(MicroUsd(1_235)));
        for odd in [json!(-1), json!(1e300), json!({"total_cost": 1}), json!("0.1"), Value::Null] {
            assert_eq!(charged(odd), None);
        }
        for unknown in [json!(null), json!({}), json!({"prompt_tokens": 3}), json!({"prompt_tokens": -1})] {
            assert_eq!(read(unknown), None);
        }
    }

    fn streamed(events: &[&str]) -> Option<Value> {
        let mut stream = Stream::default();
        let event = |data: &&str| sse::Event { name: String::new(), data: (*data).to_owned() };
        let told = events.iter().find_map(|data| stream.event(&event(data)));
        told.or_else(|| stream.ended())
    }

    #[test]
    fn deltas_add_up_to_the_answer_and_its_tokens_come_last() {
        let chunks = [
            r#"{"model":"m-1","choices":[{"index":0,"delta":{"role":"assistant","content":""}}],"usage":null}"#,
            r#"{"choices":[{"index":0,"delta":{"reasoning_content":"hm {"}}]}"#,
            r#"{"choices":[{"index":1,"delta":{"content":"another"}},{"index":0,"delta":{"content":"{\"a\""}}]}"#,
            "no json",
            r#"{"choices":[{"index":0,"delta":{"content":":1}"},"finish_reason":"stop"}]}"#,
            r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2}}"#,
        ];
        let whole = streamed(&chunks).unwrap();
        assert_eq!(answer(&whole), ("{\"a\":1}".to_owned(), Stop::Complete));
        assert_eq!((&whole["model"], &whole["usage"]["prompt_tokens"]), (&json!("m-1"), &json!(5)));
        let done = [chunks.as_slice(), &["[DONE]"]].concat();
        assert_eq!(streamed(&done), Some(whole));
        // Without its last piece it is no answer, unless the server says that it is all.
        assert_eq!(streamed(&chunks[..3]), None);
        assert_eq!(streamed(&["{\"error\":{\"message\":\"m\"}}"]), Some(json!({"error": {"message": "m"}})));
        let broken = r#"{"choices":[{"delta":{"content":""},"error":{"code":502},"finish_reason":"error"}]}"#;
        assert_eq!(streamed(&[chunks[2], broken]), Some(json!({"error": {"code": 502}})));
    }

    proptest! {
        #[test]
        fn no_answer_and_no_stream_makes_the_reader_panic(
            text in "\\PC{0,40}",
            key in prop_oneof![Just("choices"), Just("usage"), Just("error"), Just("message"), Just("delta")],
            index in any::<i64>(),
        ) {
            let inner = json!([{"index": index, key: text, "delta": {key: [text]}, "message": {"content": {key: 1}}}]);
            for value in [json!({key: inner}), json!({"choices": inner}), json!({"choices": {"0": inner}}), inner.clone()] {
                let _ = read(&value);
                let _ = streamed(&[&value.to_string(), "[DONE]"]);
            }
        }
    }
}
