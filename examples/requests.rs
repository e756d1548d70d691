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

use counterpoint::adapters::providers::{self, Request};
use counterpoint::domain::lane::{Effort, Wire};
use counterpoint::domain::pass::{Feature, Prompt};

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

fn main() {
    let folder: PathBuf = std::env::args_os().nth(1).expect("requests FOLDER").into();
    let prompt = Prompt {
        system: "Rules.".to_owned(),
        shared: "The diff: \"é\" \u{1f980}\n\tline".to_owned(),
        task: "Review.".to_owned(),
    };
    for (wire, name) in [(Wire::Messages, "messages"), (Wire::Responses, "responses"), (Wire::Chat, "chat")] {
        let mut seen = BTreeSet::new();
        for without in choices() {
            for mark_cache in [false, true] {
                let request = Request {
                    talk: None,
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
                    },
                    "body": body,
                });
                let path = folder.join(format!("{name}-{:02}.json", seen.len()));
                std::fs::write(path, made.to_string()).expect("the folder can be written to");
            }
        }
    }
}
