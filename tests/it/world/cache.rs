//! A vendor's prompt cache, computed from what a client really sent.
//!
//! A prompt is the bytes that the vendor puts before its model: tools, instructions and schema, then the messages block
//! by block, without the marks; four bytes are a token. Kept is the beginning of a prompt up to a mark, from when its
//! answer begins. Read is the longest beginning that is kept and ends with a block that stands at a mark of the new
//! prompt or at most 20 blocks before one. How long an entry lives is not played.

use std::collections::HashSet;

use serde_json::Value;

use super::vendors::Vendor;

/// How many blocks before a mark are looked up.
const LOOKBACK: usize = 20;

/// The beginnings of prompts that can be read again.
#[derive(Default)]
pub struct Cache(HashSet<Entry>);

/// A prompt's beginning, and what else has to be the same.
#[derive(PartialEq, Eq, Hash)]
struct Entry {
    beside: String,
    beginning: Vec<u8>,
}

/// What the input of one call is billed as, in tokens, and what it leaves behind.
pub struct Counted {
    pub uncached: u64,
    pub read: u64,
    pub written: u64,
    leaves: Vec<Entry>,
}

impl Cache {
    /// Counts a prompt as it arrives.
    pub fn count(&self, vendor: Vendor, request: &Value) -> Counted {
        let prompt = Prompt::of(vendor, request);
        let beside = beside(vendor, request);
        let entry = |end: usize| Entry {
            beside: beside.clone(),
            beginning: prompt.bytes.get(..end).unwrap_or_default().to_vec(),
        };
        let near = |mark: &usize| {
            let up_to_mark = prompt.ends.iter().take_while(|end| *end <= mark).count();
            prompt.ends.get(up_to_mark.saturating_sub(LOOKBACK + 1)..up_to_mark).unwrap_or_default()
        };
        let kept = prompt.marks.iter().flat_map(near).filter(|end| self.0.contains(&entry(**end)));
        let read = kept.max().map_or(0, |end| tokens(*end));
        let leaves = prompt.marks.iter().filter(|end| tokens(**end) >= minimum(vendor, request));
        let marked = leaves.clone().max().map_or(0, |end| tokens(*end));
        let written = marked.saturating_sub(read);
        Counted {
            uncached: tokens(prompt.bytes.len()).saturating_sub(read + written),
            read,
            written,
            leaves: leaves.map(|end| entry(*end)).collect(),
        }
    }

    /// The answer to a prompt begins: from now on others can read what it left.
    pub fn keep(&mut self, counted: Counted) {
        self.0.extend(counted.leaves);
    }
}

fn tokens(bytes: usize) -> u64 {
    u64::try_from(bytes / 4).unwrap_or_default()
}

/// The shortest prompt that the vendor keeps, in tokens.
fn minimum(vendor: Vendor, request: &Value) -> u64 {
    let model = request["model"].as_str().unwrap_or_default();
    let is = |names: &[&str]| names.iter().any(|name| model.starts_with(name));
    match vendor {
        Vendor::OpenAi | Vendor::Chat => 1024,
        Vendor::Anthropic if is(&["claude-opus-4-5", "claude-opus-4-6", "claude-haiku-4-5"]) => 4096,
        Vendor::Anthropic if is(&["claude-opus-4-7"]) => 2048,
        Vendor::Anthropic
            if is(&["claude-opus-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-fable-5"]) =>
        {
            512
        }
        Vendor::Anthropic => 1024,
    }
}

/// What makes two prompts with the same beginning strangers. OpenAI sends them to other machines by their key.
fn beside(vendor: Vendor, request: &Value) -> String {
    let keys: &[&str] = match vendor {
        Vendor::Anthropic => &["/model", "/thinking", "/output_config/effort", "/tool_choice"],
        Vendor::OpenAi | Vendor::Chat => &["/model", "/reasoning", "/prompt_cache_key"],
    };
    keys.iter()
        .map(|key| request.pointer(key).unwrap_or(&Value::Null).to_string())
        .collect::<Vec<_>>()
        .join(" ")
}

/// A prompt as the vendor puts it together.
#[derive(Default)]
struct Prompt {
    bytes: Vec<u8>,
    /// Where each block ends.
    ends: Vec<usize>,
    /// Where each block ends that is marked.
    marks: Vec<usize>,
}

impl Prompt {
    fn of(vendor: Vendor, request: &Value) -> Self {
        let mut prompt = Self::default();
        match vendor {
            Vendor::Anthropic => {
                prompt.blocks(&request["tools"]);
                prompt.blocks(&request["system"]);
                prompt.block(&request["output_config"]["format"]);
                prompt.messages(&request["messages"]);
                // A mark beside the messages stands for one on their last block.
                prompt.mark_end(!request["cache_control"].is_null());
            }
            Vendor::OpenAi | Vendor::Chat => {
                prompt.blocks(&request["tools"]);
                prompt.block(&request["instructions"]);
                prompt.block(&request["text"]);
                prompt.messages(&request["input"]);
                if request["prompt_cache_options"]["mode"] != "explicit" {
                    // The vendor sets its own mark: at the end, so that another end reads nothing.
                    prompt.marks.clear();
                    prompt.mark_end(true);
                }
            }
        }
        prompt
    }

    /// Messages, and items among them that are no messages.
    fn messages(&mut self, messages: &Value) {
        for message in messages.as_array().into_iter().flatten() {
            self.bytes.extend(message["role"].to_string().bytes());
            self.blocks(message.get("content").unwrap_or(message));
        }
    }

    fn blocks(&mut self, blocks: &Value) {
        match blocks.as_array() {
            Some(blocks) => blocks.iter().for_each(|block| self.block(block)),
            None => self.block(blocks),
        }
    }

    fn block(&mut self, block: &Value) {
        if block.is_null() {
            return;
        }
        let mut block = block.clone();
        let mut marked = false;
        for mark in ["cache_control", "prompt_cache_breakpoint"] {
            marked |= block.as_object_mut().is_some_and(|block| block.shift_remove(mark).is_some());
        }
        self.bytes.extend(block.to_string().bytes());
        self.ends.push(self.bytes.len());
        self.mark_end(marked);
    }

    fn mark_end(&mut self, marked: bool) {
        self.marks.extend(Some(self.bytes.len()).filter(|_| marked));
    }
}
