//! Claude Code's `code-review`, and what `claude -p` writes around an answer.

use serde_json::{Map, Value};

use super::fields::{Fields, Wrong, beginning, joined, word};
use super::read::{Answer, Message};
use super::{FileFinding, Remark};
use crate::domain::finding::Severity;

/// Who raised what stands in these forms.
pub(super) const REVIEWER: &str = "Claude Code";

/// The tool by which `code-review` reports. Its arguments hold what a finding of the answer's JSON holds, and a
/// verdict.
const TOOL: &str = "ReportFindings";

/// A finding: `file`, `line`, `summary`, `failure_scenario`, `severity`.
pub(super) fn finding(fields: &Fields) -> Result<FileFinding, Wrong> {
    let said = fields.text("severity")?;
    let severity = match said.trim() {
        "important" => Some(Severity::High),
        "nit" => Some(Severity::Low),
        other => word(other),
    };
    let finding = FileFinding {
        id: fields.text("id")?.trim().to_owned(),
        path: fields.text("file")?,
        lines: fields.lines("line", "line_end")?,
        category: fields.word("category")?,
        severity,
        remark: (said.trim() == "pre_existing").then_some(Remark::PreExisting),
        title: fields.text("summary")?,
        failure_scenario: fields.text("failure_scenario")?,
        ..FileFinding::default()
    };
    finding.with_words(fields)
}

/// Whether an object is one of the messages that `--output-format json` and `stream-json` print.
pub(super) fn is_message(object: &Map<String, Value>) -> bool {
    let kind = object.get("type").and_then(Value::as_str);
    match kind {
        Some("result") => object.contains_key("result") || object.contains_key("subtype"),
        Some("assistant" | "user") => object.contains_key("message"),
        Some("system") => object.contains_key("subtype"),
        Some("tool_use") => object.contains_key("input"),
        _ => false,
    }
}

/// The answer of a run, and its place: what it reported, the output that a schema asked for, else its last words.
pub(super) fn answer<'a>(messages: &[Message<'a>]) -> Result<(Answer<'a>, String), Wrong> {
    let (mut reported, mut ended) = (None, None);
    for (message, place) in messages {
        if message.get("type").and_then(Value::as_str) == Some("result") {
            ended = Some((*message, place));
        }
        if let Some(input) = report(message) {
            reported = Some((input, place));
        }
    }
    if let Some((message, place)) = ended {
        if message.get("is_error").and_then(Value::as_bool) == Some(true) {
            let told = message.get("result").and_then(Value::as_str).unwrap_or("it does not say why");
            return Err(Wrong::new(place.as_str(), format!("the run failed: {}", beginning(told, 200))));
        }
        if let Some(output) = message.get("structured_output").filter(|output| !output.is_null()) {
            return Ok((Answer::Json(output), joined(place, "structured_output")));
        }
    }
    if let Some((input, place)) = reported {
        return Ok((Answer::Json(input), joined(place, TOOL)));
    }
    let text = ended.and_then(|(message, place)| Some((message.get("result")?.as_str()?, place)));
    let (text, place) = text.ok_or_else(|| Wrong::new("", "the run has no answer"))?;
    Ok((Answer::Text(text), joined(place, "result")))
}

/// The arguments of the last report in a message, or of the call itself.
fn report(message: &Map<String, Value>) -> Option<&Value> {
    let is_report = |call: &&Value| call.get("name").and_then(Value::as_str) == Some(TOOL);
    if message.get("type").and_then(Value::as_str) == Some("tool_use") {
        return message.get("input").filter(|_| message.get("name").and_then(Value::as_str) == Some(TOOL));
    }
    message.get("message")?.get("content")?.as_array()?.iter().rev().find(is_report)?.get("input")
}
