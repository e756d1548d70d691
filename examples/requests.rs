//! Writes the requests that the client can send, for `.ci/sdk` to hold against the vendors' own types.
//!
//! ```text
//! requests FOLDER   writes one file for every body that differs: what it was made from, and the body
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a tool for developers, which should stop at once when something is wrong"
)]

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};

use counterpoint::adapters::providers::{self, Request, Talk, Turn};
use counterpoint::domain::lane::{Effort, Wire};
use counterpoint::domain::pass::{Feature, Prompt};
use counterpoint::domain::tools::Answer;

const FEATURES: [Feature; 9] = [
    Feature::StructuredOutput,
    Feature::StrictSchema,
    Feature::JsonMode,
    Feature::Effort,
    Feature::CacheMark,
    Feature::ServiceTier,
    Feature::Stream,
    Feature::StreamUsage,
    Feature::MaxTokens,
];

/// Every choice of features to leave out.
fn choices() -> impl Iterator<Item = BTreeSet<Feature>> {
    let chosen = |bits: usize| FEATURES.into_iter().enumerate().filter(move |(at, _)| bits >> at & 1 == 1);
    (0..1 << FEATURES.len()).map(move |bits| chosen(bits).map(|(_, feature)| feature).collect())
}

/// A turn in which the model looked something up, as each vendor's answer has it.
fn turn(wire: Wire) -> Turn {
    let arguments = "{\"text\":\"refund(\",\"path_prefix\":null}";
    let said = match wire {
        Wire::Messages => json!([
            {"type": "thinking", "thinking": "", "signature": "c2lnbmVk"},
            {"type": "text", "text": "Who calls it?"},
            {"type": "tool_use", "id": "call_1", "name": "search", "input": {"text": "refund(", "path_prefix": null}},
        ]),
        Wire::Responses => json!([
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "c2VhbGVk"},
            {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "search", "arguments": arguments},
        ]),
        Wire::Chat => json!({"role": "assistant", "content": null, "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "search", "arguments": arguments}},
        ]}),
    };
    let answer = Answer { text: "src/pay.rs:7: refund(amount)".to_owned(), failed: true };
    Turn { said, answers: vec![("call_1".to_owned(), answer)] }
}

fn main() {
    let folder: PathBuf = std::env::args_os().nth(1).expect("requests FOLDER").into();
    let prompt = Prompt {
        system: "Rules.".to_owned(),
        shared: "The diff: \"é\" \u{1f980}\n\tline".to_owned(),
        task: "Review.".to_owned(),
    };
    for (wire, name) in [(Wire::Messages, "messages"), (Wire::Responses, "responses"), (Wire::Chat, "chat")] {
        let mut seen = BTreeSet::new();
        let turns = [turn(wire)];
        let talks = [
            None,
            Some(Talk { turns: &[], open: true, closing: "" }),
            Some(Talk { turns: &turns, open: true, closing: "" }),
            Some(Talk { turns: &turns, open: false, closing: "Answer now." }),
        ];
        for without in choices() {
            for (mark_cache, talk) in
                [false, true].into_iter().flat_map(|mark| talks.map(|talk| (mark, talk)))
            {
                let request = Request {
                    talk,
                    model: "model-1",
                    effort: Effort::Medium,
                    prompt: &prompt,
                    max_output: 9000,
                    without: &without,
                    mark_cache,
                    cache_key: "key-1",
                };
                let body = providers::body(wire, &request);
                if !seen.insert(body.clone()) {
                    continue;
                }
                let body: Value = serde_json::from_slice(&body).expect("a body is JSON");
                let made = json!({
                    "wire": name,
                    "inputs": {
                        "model": request.model,
                        "effort": request.effort,
                        "system": prompt.system,
                        "shared": prompt.shared,
                        "task": prompt.task,
                        "max_output": request.max_output,
                        "without": without,
                        "mark_cache": mark_cache,
                        "cache_key": request.cache_key,
                        "talk": talk.is_some(),
                    },
                    "body": body,
                });
                let path = folder.join(format!("{name}-{:03}.json", seen.len()));
                std::fs::write(path, made.to_string()).expect("the folder can be written to");
            }
        }
    }
}
