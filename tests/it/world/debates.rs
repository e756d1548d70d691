//! Challenge and defence: what a request asks, and words for what a scripted reviewer says to it.
//!
//! Findings come before a reviewer shuffled and under names made for the question, so scripts speak of them by title.

use serde_json::{Value, json};

use super::models::ModelRequest;
use super::vendors::Vendor;

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    Review,
    Challenge,
    Defend,
}

impl ModelRequest {
    /// What stands behind the pull request: the part that differs from pass to pass.
    pub fn task(&self) -> String {
        let content = match self.vendor {
            Vendor::Anthropic => &self.body["messages"][0]["content"],
            Vendor::OpenAi => &self.body["input"][0]["content"],
            Vendor::Chat => {
                let messages = self.body["messages"].as_array();
                let mut users = messages.into_iter().flatten().filter(|message| message["role"] == "user");
                let said = users.next().and_then(|message| message["content"].as_str()).unwrap_or_default();
                return behind_the_fence(said).to_owned();
            }
        };
        let last = content.as_array().and_then(|blocks| blocks.last());
        last.and_then(|block| block["text"].as_str()).unwrap_or_default().to_owned()
    }

    pub fn pass(&self) -> Pass {
        let task = self.task();
        let asks = |pass: &str| task.contains(&format!("Set `pass` to \"{pass}\""));
        match (asks("challenge"), asks("defend")) {
            (true, _) => Pass::Challenge,
            (_, true) => Pass::Defend,
            _ => Pass::Review,
        }
    }

    /// What the question calls the finding of this title.
    pub fn id_of(&self, title: &str) -> Option<String> {
        self.findings().into_iter().find_map(|(id, shown)| (shown == title).then_some(id))
    }

    /// The titles of the findings that are put before the reviewer, in the order they are shown in.
    pub fn targets(&self) -> Vec<String> {
        let others = self.findings().into_iter().filter(|(id, _)| id.starts_with('T'));
        others.map(|(_, title)| title).collect()
    }

    /// Name and title of each finding in the question, one a line: `T1` are asked about, `O1` are the reviewer's own.
    fn findings(&self) -> Vec<(String, String)> {
        let task = self.task();
        let lines = task.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let text = |finding: &Value, key: &str| finding[key].as_str().map(str::to_owned);
        lines.filter_map(|finding| Some((text(&finding, "id")?, text(&finding, "title")?))).collect()
    }

    /// Words in the question of a challenge or a defence that tell who else is there.
    pub fn tells_who(&self) -> Vec<&'static str> {
        const WHO: [&str; 8] = ["claude", "anthropic", "sonnet", "opus", "codex", "openai", "gpt", "qwen"];
        if self.pass() == Pass::Review {
            return Vec::new();
        }
        let task = self.task().to_lowercase();
        WHO.into_iter().filter(|who| task.contains(who)).collect()
    }

    /// A reply in the names of this question, wherever it names a finding by its title.
    pub(super) fn in_its_names(&self, reply: &Value) -> Value {
        let mut reply = reply.clone();
        for key in ["challenges", "defences"] {
            for said in reply[key].as_array_mut().into_iter().flatten() {
                for reference in ["target_id", "duplicate_of"] {
                    let id = said[reference].as_str().and_then(|title| self.id_of(title));
                    if let Some(id) = id {
                        said[reference] = json!(id);
                    }
                }
            }
        }
        reply
    }
}

/// What follows on the first fenced text; all of it where there is none.
fn behind_the_fence(said: &str) -> &str {
    let mut rests =
        said.match_indices("\n----- data-").filter_map(|(at, _)| said.get(at + 1..)?.split_once('\n'));
    rests.find(|(line, _)| line.ends_with(" end")).map_or(said, |(_, rest)| rest)
}

/// What a reviewer says of one finding.
#[derive(Clone, Debug)]
pub struct Said(Value);

/// One answer to another reviewer's finding, by its title: `confirmed`, `plausible`, `refuted` or `pre_existing`.
pub fn challenge(title: &str, verdict: &str, reason: &str, path: &str, quote: &str) -> Said {
    Said(json!({
        "target_id": title,
        "attempted_refutation": reason,
        "evidence": [{"path": path, "quote": quote}],
        "verdict": verdict,
        "corrected_severity": null,
        "duplicate_of": null,
        "confidence": 75,
    }))
}

/// What the reviewer who raised a finding says to its refutation, by its title: `stand`, `narrow` or `withdraw`.
pub fn defence(title: &str, answer: &str, path: &str, quote: &str) -> Said {
    Said(json!({
        "target_id": title,
        "evidence": [{"path": path, "quote": quote}],
        "answer": answer,
        "narrowed_severity": null,
        "narrowed_line_start": null,
        "narrowed_line_end": null,
        "narrowed_claim": null,
    }))
}

impl Said {
    /// How bad it is, or what is left of it.
    pub fn severity(self, severity: &str) -> Self {
        let key = if self.0.get("answer").is_some() { "narrowed_severity" } else { "corrected_severity" };
        self.with(key, severity)
    }

    /// The lines of what is left of it.
    pub fn lines(self, start: i64, end: i64) -> Self {
        self.with("narrowed_line_start", start).with("narrowed_line_end", end)
    }

    /// What is left of it, or why it holds.
    pub fn claim(self, claim: &str) -> Self {
        self.with("narrowed_claim", claim)
    }

    /// The reviewer's own finding of this title says the same.
    pub fn same_as(self, title: &str) -> Self {
        self.with("duplicate_of", title)
    }

    /// Any key, also one the schema does not have or a value it does not allow.
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        if let Some(map) = self.0.as_object_mut() {
            map.insert(key.to_owned(), value.into());
        }
        self
    }

    pub(super) fn into_value(self) -> Value {
        self.0
    }
}
