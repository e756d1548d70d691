//! Codex's review: its JSON, the text that it is flattened to, and the events around either.

use serde_json::{Map, Value};

use super::FileFinding;
use super::fields::{Fields, Wrong, beginning, joined, ordered};
use super::read::{Answer, Message};
use crate::domain::finding::Severity;

/// Who raised what stands in these forms.
pub(super) const REVIEWER: &str = "Codex";

/// What the text says where there is no review.
const NO_REVIEW: [&str; 2] = ["Review was interrupted.", "Reviewer failed to output a response."];

/// A finding: `title`, `body`, `priority`, `code_location`.
pub(super) fn finding(fields: &Fields) -> Result<FileFinding, Wrong> {
    let place = fields.inside("code_location")?;
    let range = place.inside("line_range")?;
    let (tagged, title) = tag(&fields.text("title")?);
    let priority = match fields.text("priority")?.as_str() {
        "" => None,
        number => priority(number),
    };
    let finding = FileFinding {
        path: place.text("absolute_file_path")?,
        lines: range.lines("start", "end")?,
        severity: priority.or(tagged),
        title,
        body: fields.text("body")?,
        ..FileFinding::default()
    };
    finding.with_words(fields)
}

/// `0` to `3`, most urgent first.
fn priority(number: &str) -> Option<Severity> {
    match number {
        "0" => Some(Severity::Critical),
        "1" => Some(Severity::High),
        "2" => Some(Severity::Medium),
        "3" => Some(Severity::Low),
        _ => None,
    }
}

/// The priority that a title begins with, `[P1]`, and the rest of it.
fn tag(title: &str) -> (Option<Severity>, String) {
    let title = title.trim();
    let tagged = title.strip_prefix("[P").and_then(|rest| rest.split_once(']'));
    match tagged.and_then(|(number, rest)| Some((priority(number)?, rest))) {
        Some((severity, rest)) => (Some(severity), rest.trim().to_owned()),
        None => (None, title.to_owned()),
    }
}

/// The findings of a flattened review, in which each is `- [P1] title — /path:4-5` and its indented body.
pub(super) fn flattened(text: &str) -> Vec<FileFinding> {
    let mut findings: Vec<FileFinding> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        if let Some(finding) = first_line(line) {
            findings.push(finding);
            open = true;
        } else if let (true, Some(finding)) = (open, findings.last_mut()) {
            let blank = line.trim().is_empty();
            open = blank || line.starts_with("  ");
            if open && (!blank || !finding.body.is_empty()) {
                finding.body.push_str(line.strip_prefix("  ").unwrap_or_default().trim_end());
                finding.body.push('\n');
            }
        }
    }
    for finding in &mut findings {
        finding.body.truncate(finding.body.trim_end().len());
    }
    findings
}

/// A line such as `- [P1] title — /path:4-5`. Where a person may select findings, a box stands before the title.
fn first_line(line: &str) -> Option<FileFinding> {
    let line = line.strip_prefix("- ")?;
    let line = line.strip_prefix("[x] ").or_else(|| line.strip_prefix("[ ] ")).unwrap_or(line);
    let placed = line.rsplit_once(" — ").and_then(|(title, place)| {
        let (path, lines) = place.trim().rsplit_once(':')?;
        let (start, end) = lines.split_once('-').unwrap_or((lines, lines));
        Some((title, path, ordered(start.parse().ok(), end.parse().ok())?))
    });
    let (severity, title) = tag(placed.map_or(line, |(title, ..)| title));
    if title.is_empty() || (placed.is_none() && severity.is_none()) {
        return None;
    }
    let (path, lines) = placed.map_or(("", None), |(_, path, lines)| (path, Some(lines)));
    Some(FileFinding { path: path.to_owned(), lines, severity, title, ..FileFinding::default() })
}

/// Whether a text that holds no finding is a review without any: plain sentences, as Codex explains a change
/// that it holds correct. A list, a heading, a table or a place in code may be findings in another form.
pub(super) fn is_clean(text: &str) -> bool {
    let mark = |line: &str| line.starts_with(['-', '*', '+', '#', '|', '>', '`', '[', '{']);
    let numbered = |line: &str| {
        let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
        rest.len() < line.len() && rest.starts_with(['.', ')'])
    };
    let place = |word: &str| {
        word.rsplit_once(':').is_some_and(|(path, line)| {
            path.contains(['.', '/']) && line.starts_with(|c: char| c.is_ascii_digit())
        })
    };
    let plain = |line: &str| !mark(line) && !numbered(line) && !line.split_whitespace().any(place);
    !text.trim().is_empty() && text.lines().all(|line| plain(line.trim_start()))
}

/// Whether an object is one of the events that `codex exec --json` prints or that a session is kept in.
pub(super) fn is_event(object: &Map<String, Value>) -> bool {
    let kind = object.get("type").and_then(Value::as_str).unwrap_or_default();
    ["thread.", "turn.", "item."].iter().any(|prefix| kind.starts_with(prefix))
        || (matches!(kind, "session_meta" | "event_msg") && object.contains_key("payload"))
}

/// The answer of a run, the last message or review, and its place.
pub(super) fn answer<'a>(events: &[Message<'a>]) -> Result<(Answer<'a>, String), Wrong> {
    let mut answer = None;
    let mut failed = None;
    for (event, place) in events {
        if let Some((found, inner)) = said(event) {
            answer = Some((found, joined(place, inner)));
            failed = None;
        }
        if event.get("type").and_then(Value::as_str) == Some("turn.failed") {
            let message = event.get("error").and_then(|error| error.get("message")).and_then(Value::as_str);
            failed = Some((place, message.unwrap_or("it does not say why")));
        }
    }
    if let Some((place, why)) = failed {
        return Err(Wrong::new(place.as_str(), format!("the run failed: {}", beginning(why, 200))));
    }
    answer.ok_or_else(|| Wrong::new("", "the run has no answer"))
}

/// What an event says, if it is a message of the agent or the end of a review.
fn said(event: &Map<String, Value>) -> Option<(Answer<'_>, &'static str)> {
    if let Some(review) = event.get("payload").and_then(|payload| payload.get("review_output")) {
        return review.is_object().then_some((Answer::Json(review), "payload.review_output"));
    }
    let item = event.get("item")?;
    match item.get("type")?.as_str()? {
        "agent_message" => Some((Answer::Text(item.get("text")?.as_str()?), "item.text")),
        "exitedReviewMode" => Some((Answer::Text(item.get("review")?.as_str()?), "item.review")),
        _ => None,
    }
}

/// That a text tells of a review that did not happen.
pub(super) fn no_review(text: &str) -> bool {
    NO_REVIEW.iter().any(|told| text.trim().starts_with(told))
}
