//! What the scripted reviewers say: replies made of findings, and all the ways an answer can go wrong.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::debates::Said;
use super::faults::Gate;
use super::models::ModelRequest;
use super::vendors;

/// A finding with everything the reply schema asks for; what a test does not care about has a default.
#[derive(Clone, Debug)]
pub struct Finding(Value);

/// A finding on one line of the new side.
pub fn finding(path: &str, line: i64, quote: &str) -> Finding {
    Finding(json!({
        "id": "",
        "failure_scenario": "The call fails in production.",
        "evidence": [{"path": path, "quote": quote}],
        "quote": quote,
        "path": path,
        "side": "new",
        "line_start": line,
        "line_end": line,
        "category": "correctness",
        "severity": "high",
        "confidence": 75,
        "title": "Something goes wrong here",
        "body": "This line does not do what the pull request says.",
        "suggestion": null,
    }))
}

impl Finding {
    pub fn title(self, title: &str) -> Self {
        self.with("title", title)
    }

    pub fn body(self, body: &str) -> Self {
        self.with("body", body)
    }

    pub fn scenario(self, scenario: &str) -> Self {
        self.with("failure_scenario", scenario)
    }

    pub fn severity(self, severity: &str) -> Self {
        self.with("severity", severity)
    }

    pub fn category(self, category: &str) -> Self {
        self.with("category", category)
    }

    pub fn confidence(self, percent: i64) -> Self {
        self.with("confidence", percent)
    }

    pub fn suggestion(self, code: &str) -> Self {
        self.with("suggestion", code)
    }

    /// On the old side, where deleted lines stand.
    pub fn old(self) -> Self {
        self.with("side", "old")
    }

    /// Down to this line.
    pub fn to(self, line: i64) -> Self {
        self.with("line_end", line)
    }

    pub fn evidence(self, path: &str, quote: &str) -> Self {
        self.with("evidence", json!([{"path": path, "quote": quote}]))
    }

    /// Any key, also one the schema does not have or a value it does not allow.
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        if let Some(map) = self.0.as_object_mut() {
            map.insert(key.to_owned(), value.into());
        }
        self
    }

    pub fn value(&self) -> &Value {
        &self.0
    }
}

/// Code a reviewer looked at and found sound.
pub fn clearance(path: &str, quote: &str, reason: &str) -> Value {
    json!({"path": path, "quote": quote, "reason": reason})
}

/// A whole reply by the one reply schema.
#[derive(Clone, Debug)]
pub struct Reply(Value);

/// A review with these findings, numbered F1, F2, … unless they have ids.
pub fn reply(findings: impl IntoIterator<Item = Finding>) -> Reply {
    let findings = findings.into_iter().enumerate().map(|(index, finding)| {
        let unnamed = finding.0["id"] == "";
        let finding = if unnamed { finding.with("id", format!("F{}", index + 1)) } else { finding };
        finding.0
    });
    let findings: Vec<_> = findings.collect();
    Reply(json!({
        "pass": "review",
        "verdict": if findings.is_empty() { "pass" } else { "needs_attention" },
        "findings": findings,
        "challenges": [],
        "defences": [],
        "clearances": [],
        "summary": "Read the whole change.",
    }))
}

impl Reply {
    pub fn clears(self, clearances: impl IntoIterator<Item = Value>) -> Self {
        self.with("clearances", clearances.into_iter().collect::<Vec<_>>())
    }

    /// Makes this the reply of a challenge pass.
    pub fn challenges(self, challenges: impl IntoIterator<Item = Said>) -> Self {
        let challenges: Vec<_> = challenges.into_iter().map(Said::into_value).collect();
        self.with("challenges", challenges).with("pass", "challenge")
    }

    /// Makes this the reply of a defence pass.
    pub fn defences(self, defences: impl IntoIterator<Item = Said>) -> Self {
        let defences: Vec<_> = defences.into_iter().map(Said::into_value).collect();
        self.with("defences", defences).with("pass", "defend")
    }

    pub fn summary(self, summary: &str) -> Self {
        self.with("summary", summary)
    }

    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        if let Some(map) = self.0.as_object_mut() {
            map.insert(key.to_owned(), value.into());
        }
        self
    }

    pub fn value(&self) -> &Value {
        &self.0
    }
}

/// Tokens a call is billed for. The parts of the input do not overlap, whatever the vendor's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    pub uncached: u64,
    pub cache_read: u64,
    pub cache_write: u64,
    /// Reasoning included.
    pub output: u64,
    pub reasoning: u64,
}

impl Usage {
    pub fn new(input: u64, output: u64) -> Self {
        Self { uncached: input, cache_read: 0, cache_write: 0, output, reasoning: 0 }
    }

    pub fn cached(mut self, read: u64, written: u64) -> Self {
        (self.cache_read, self.cache_write) = (read, written);
        self
    }

    pub fn reasoning(mut self, tokens: u64) -> Self {
        self.reasoning = tokens;
        self
    }
}

/// How an answer is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Streamed if the request asks for it, as both vendors do.
    AsAsked,
    Streamed,
    Plain,
}

/// Decides on an answer when the request is known.
pub type Choose = Arc<dyn Fn(&ModelRequest) -> Answer + Send + Sync>;

#[derive(Clone)]
pub(super) enum What {
    Text(String),
    /// A reply that names findings by their titles.
    Reply(Value),
    /// Name and arguments of the tools that the model wants to use, the arguments as text.
    Calls(Vec<(String, String)>),
    Refusal,
    /// Ends before the end, because of the limit on output.
    Truncated(String),
    /// The vendor's word for another unfinished end: a stop reason or the reason of `incomplete`.
    Unfinished(String),
    /// Begins as a stream and ends in an error event.
    BreaksOff(String),
    Status {
        status: u16,
        body: Value,
    },
    Unsupported(String),
    Overloaded,
    RateLimited,
    OutOfQuota,
    Html,
    Hang,
    Choose(Choose),
}

impl What {
    /// What the model says, as far as it says anything.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Truncated(text) | Self::BreaksOff(text) => Some(text),
            Self::Calls(_) | Self::Refusal | Self::Unfinished(_) => Some(""),
            _ => None,
        }
    }
}

/// One answer of a scripted model.
#[derive(Clone)]
pub struct Answer {
    pub(super) what: What,
    pub(super) form: Form,
    pub(super) usage: Option<Usage>,
    thinks: u64,
    pub(super) headers: Vec<(String, String)>,
    pub(super) delay: Duration,
    pub(super) gate: Option<Gate>,
    pub(super) cut: bool,
    pub(super) chopped: Option<u64>,
    pub(super) uncounted: bool,
}

impl From<What> for Answer {
    fn from(what: What) -> Self {
        Self {
            what,
            form: Form::AsAsked,
            usage: None,
            thinks: 0,
            headers: Vec::new(),
            delay: Duration::ZERO,
            gate: None,
            cut: false,
            chopped: None,
            uncounted: false,
        }
    }
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        What::Reply(reply.0).into()
    }
}

impl Answer {
    pub fn reply(reply: Reply) -> Self {
        reply.into()
    }

    /// Any text, such as prose around the JSON, or none.
    pub fn text(text: impl Into<String>) -> Self {
        What::Text(text.into()).into()
    }

    /// The model uses tools. Arguments that are a text are sent as they are, also when they are no JSON.
    pub fn calls<'a>(calls: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        let arguments = |arguments: Value| match arguments {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let calls = calls.into_iter().map(|(name, value)| (name.to_owned(), arguments(value)));
        What::Calls(calls.collect()).into()
    }

    /// The model declines, which is a success as far as HTTP goes.
    pub fn refusal() -> Self {
        What::Refusal.into()
    }

    pub fn truncated(text: impl Into<String>) -> Self {
        What::Truncated(text.into()).into()
    }

    /// Ends for another reason, in the vendor's word, such as `content_filter`.
    pub fn unfinished(reason: &str) -> Self {
        What::Unfinished(reason.to_owned()).into()
    }

    /// An event stream that turns into an error after some text.
    pub fn breaks_off(text: impl Into<String>) -> Self {
        let answer = Self::from(What::BreaksOff(text.into()));
        answer.streamed()
    }

    pub fn status(status: u16, body: Value) -> Self {
        What::Status { status, body }.into()
    }

    /// A 400 that names an optional feature, such as `output_config.format` or `reasoning.effort`.
    pub fn unsupported(parameter: &str) -> Self {
        What::Unsupported(parameter.to_owned()).into()
    }

    pub fn overloaded() -> Self {
        What::Overloaded.into()
    }

    /// 429 that passes, with the seconds to wait if the vendor says them.
    pub fn rate_limited(retry_after: Option<u64>) -> Self {
        let answer = Self::from(What::RateLimited);
        match retry_after {
            Some(seconds) => answer.header("retry-after", &seconds.to_string()),
            None => answer,
        }
    }

    /// 429 that does not pass: the account has no money left.
    pub fn out_of_quota() -> Self {
        What::OutOfQuota.into()
    }

    pub fn html() -> Self {
        What::Html.into()
    }

    pub fn hang() -> Self {
        What::Hang.into()
    }

    /// An answer made from the request's body.
    pub fn choose(choose: impl Fn(&Value) -> Self + Send + Sync + 'static) -> Self {
        Self::consider(move |request| choose(&request.body))
    }

    /// An answer made from the request as the model reads it.
    pub fn consider(consider: impl Fn(&ModelRequest) -> Self + Send + Sync + 'static) -> Self {
        What::Choose(Arc::new(consider)).into()
    }

    pub fn streamed(mut self) -> Self {
        self.form = Form::Streamed;
        self
    }

    pub fn plain(mut self) -> Self {
        self.form = Form::Plain;
        self
    }

    pub fn usage(mut self, usage: Usage) -> Self {
        self.usage = Some(usage);
        self
    }

    /// So many tokens of reasoning besides the text.
    pub fn thinks(mut self, tokens: u64) -> Self {
        self.thinks = tokens;
        self
    }

    /// What the call is billed for: what the script says, else what it looks like.
    pub(super) fn billed(&self, request: &Value, request_bytes: usize, text: &str) -> Usage {
        self.usage.unwrap_or_else(|| {
            let usage = vendors::default_usage(request, request_bytes, text);
            Usage { output: usage.output + self.thinks, ..usage }.reasoning(self.thinks)
        })
    }

    /// Tells no tokens at all.
    pub fn uncounted(mut self) -> Self {
        self.uncounted = true;
        self
    }

    /// Sent in small pieces that begin and end anywhere, also inside a character; the seed decides where.
    pub fn chopped(mut self, seed: u64) -> Self {
        self.chopped = Some(seed);
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Comes when the gate is opened.
    pub fn held(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    /// Half of it arrives, then the connection breaks.
    pub fn cut(mut self) -> Self {
        self.cut = true;
        self
    }
}
