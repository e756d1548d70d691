//! codex-plugin-cc, the Codex plugin for Claude Code: its adversarial review has a schema of its own, and `--json`
//! puts an object around either review.

use serde_json::{Map, Value};

use super::FileFinding;
use super::fields::{Fields, Wrong, beginning};
use super::read::Answer;

/// A finding: `severity`, `title`, `body`, `file`, `line_start`, `line_end`, `recommendation`.
pub(super) fn finding(fields: &Fields) -> Result<FileFinding, Wrong> {
    let finding = FileFinding {
        id: fields.text("id")?.trim().to_owned(),
        path: fields.text("file")?,
        lines: fields.lines("line_start", "line_end")?,
        severity: fields.word("severity")?,
        title: fields.text("title")?,
        body: fields.text("body")?,
        advice: fields.text("recommendation")?,
        ..FileFinding::default()
    };
    finding.with_words(fields)
}

/// Whether an object is what `--json` prints around a review.
pub(super) fn is_envelope(object: &Map<String, Value>) -> bool {
    object.contains_key("review") && object.get("codex").is_some_and(Value::is_object)
}

/// The answer in it, and its place: the object that was read from it, else its text.
pub(super) fn answer(object: &Map<String, Value>) -> Result<(Answer<'_>, &'static str), Wrong> {
    if let Some(result) = object.get("result").filter(|result| result.is_object()) {
        return Ok((Answer::Json(result), "result"));
    }
    let codex = |name: &str| object.get("codex").and_then(|codex| codex.get(name)).and_then(Value::as_str);
    match codex("stdout").filter(|text| !text.trim().is_empty()) {
        Some(text) => Ok((Answer::Text(text), "codex.stdout")),
        None => {
            let why = beginning(codex("stderr").unwrap_or_default().trim(), 200);
            Err(Wrong::new("codex.stdout", format!("Codex gave no answer. It logged: {why}")))
        }
    }
}
