//! GitHub's rules for writing a review, as strict as they are known to be.

use serde_json::{Map, Value, json};

use super::diff::{self, FileDiff, Side};
use super::github::LIST_MAX_FILES;
use super::http::Outgoing;
use super::pulls::Pull;
use super::state::{ErrorShape, Place};

/// Characters a body may have.
pub const BODY_MAX: usize = 65_536;

const REVIEW_KEYS: [&str; 4] = ["commit_id", "body", "event", "comments"];
const COMMENT_KEYS: [&str; 6] = ["path", "body", "line", "side", "start_line", "start_side"];

/// Why a body was refused: the answer, and whether a client that knows GitHub could have asked at all.
pub struct Refusal {
    pub answer: Outgoing,
    pub violation: Option<String>,
}

impl Refusal {
    fn strings(errors: &[String]) -> Self {
        Self { answer: Outgoing::unprocessable("Unprocessable Entity", &json!(errors)), violation: None }
    }

    pub fn string(error: &str) -> Self {
        Self::strings(&[error.to_owned()])
    }

    pub fn object(error: &Value) -> Self {
        Self { answer: Outgoing::unprocessable("Validation Failed", &json!([error])), violation: None }
    }

    /// The body breaks GitHub's schema, which no client should let happen.
    pub fn schema(what: &str) -> Self {
        Self {
            answer: Outgoing::error(422, &format!("Invalid request.\n\n{what}")),
            violation: Some(what.to_owned()),
        }
    }
}

/// A review that passed all rules.
pub struct NewReview {
    pub commit_id: String,
    pub body: String,
    /// None leaves the review pending.
    pub event: Option<String>,
    pub comments: Vec<NewComment>,
}

pub struct NewComment {
    pub path: String,
    pub body: String,
    pub place: Option<Place>,
    pub diff_hunk: String,
}

/// All or nothing: one bad comment refuses the review, and the answer does not say which one it was.
pub fn review(pull: &Pull, body: &Value, shape: ErrorShape) -> Result<NewReview, Refusal> {
    let body = object(body)?;
    known_keys(body, &REVIEW_KEYS)?;
    let event = text(body, "event")?;
    if let Some(event) = event
        && !["APPROVE", "REQUEST_CHANGES", "COMMENT"].contains(&event)
    {
        return Err(Refusal::schema(&format!("{event} is not a member of the events of a review.")));
    }
    let commit_id = text(body, "commit_id")?.unwrap_or(&pull.head_sha);
    let comments = match body.get("comments") {
        None => &[],
        Some(Value::Array(comments)) => comments.as_slice(),
        Some(_) => return Err(Refusal::schema("\"comments\" is not an array.")),
    };
    for comment in comments {
        known_keys(object(comment)?, &COMMENT_KEYS)?;
    }
    if !pull.commits.iter().any(|commit| commit == commit_id) {
        return Err(Refusal::string("commit_id is not part of the pull request"));
    }
    if event == Some("APPROVE") {
        return Err(Refusal::string("GitHub Actions is not permitted to approve pull requests."));
    }
    let text = text(body, "body")?.unwrap_or_default();
    if event.is_some() && text.trim().is_empty() {
        return Err(Refusal::string("Body can't be blank"));
    }
    body_length(text, "PullRequestReview")?;
    let diff = pull.diffs.get(commit_id).map_or_else(|| pull.diff(), Vec::as_slice);
    // A comment takes only what GitHub shows.
    let listed = diff::read(diff).into_iter().take(LIST_MAX_FILES);
    let files: Vec<_> = listed.filter(|file| !pull.withheld.contains(&file.path)).collect();
    let comments: Result<Vec<_>, _> =
        comments.iter().map(|comment| review_comment(&files, comment, shape)).collect();
    Ok(NewReview {
        commit_id: commit_id.to_owned(),
        body: text.to_owned(),
        event: event.map(str::to_owned),
        comments: comments?,
    })
}

fn review_comment(files: &[FileDiff], comment: &Value, shape: ErrorShape) -> Result<NewComment, Refusal> {
    let comment = object(comment)?;
    let body = comment_body(comment, "PullRequestReviewComment")?;
    let path = text(comment, "path")?.ok_or_else(|| Refusal::schema("\"path\" wasn't supplied."))?;
    let (place, diff_hunk) = place(files, path, comment, shape)?;
    if place.side == Side::Left && body.contains("```suggestion") {
        let mut refusal = Refusal::string("Suggestions are only possible on the new side");
        refusal.violation = Some(format!("a suggestion on a deleted line of {path}"));
        return Err(refusal);
    }
    Ok(NewComment { path: path.to_owned(), body, place: Some(place), diff_hunk })
}

/// The body of a comment: there, not blank, not too long.
pub fn comment_body(comment: &Map<String, Value>, resource: &str) -> Result<String, Refusal> {
    let body = text(comment, "body")?.ok_or_else(|| Refusal::schema("\"body\" wasn't supplied."))?;
    if body.trim().is_empty() {
        let error = json!({"resource": resource, "code": "missing_field", "field": "body"});
        return Err(Refusal::object(&error));
    }
    body_length(body, resource)?;
    Ok(body.to_owned())
}

fn body_length(body: &str, resource: &str) -> Result<(), Refusal> {
    if body.chars().count() <= BODY_MAX {
        return Ok(());
    }
    let message = format!("Body is too long (maximum is {BODY_MAX} characters)");
    Err(Refusal::object(&json!({
        "resource": resource, "code": "unprocessable", "field": "data", "message": message,
    })))
}

/// The anchor rule: which (path, side, line) of a diff takes a comment.
pub fn place(
    files: &[FileDiff],
    path: &str,
    comment: &Map<String, Value>,
    shape: ErrorShape,
) -> Result<(Place, String), Refusal> {
    let line = number(comment, "line")?.ok_or_else(|| Refusal::schema("\"line\" wasn't supplied."))?;
    let side = side(comment, "side")?.unwrap_or(Side::Right);
    let start_line = number(comment, "start_line")?;
    let start_side = self::side(comment, "start_side")?.unwrap_or(side);

    let Some(file) = files.iter().find(|file| file.path == path) else {
        return Err(anchor_refusal(shape, &[("path", "could not be resolved")]));
    };
    let mut errors = Vec::new();
    let end = file.line_at(side, line);
    if end.is_none() {
        errors.push(("line", "must be part of the diff"));
    }
    if let Some(start_line) = start_line {
        let start = file.line_at(start_side, start_line);
        let hunk_of = |found: Option<(usize, _)>| found.map(|(hunk, _): (usize, &diff::Line)| hunk);
        if start.is_none() || hunk_of(start) != hunk_of(end) {
            errors.push(("start_line", "must be part of the same hunk as the line."));
        }
        if start_side == side && start_line >= line {
            errors.push(("start_line", "must precede the end line."));
        }
    }
    let Some((hunk, end)) = end.filter(|_| errors.is_empty()) else {
        errors.push(("diff_hunk", "can't be blank"));
        return Err(anchor_refusal(shape, &errors));
    };
    let place =
        Place { side, line, start: start_line.map(|line| (start_side, line)), text: end.text.clone() };
    Ok((place, hunk_down_to(file, hunk, end)))
}

/// The excerpt GitHub shows above a comment: its hunk down to the line.
fn hunk_down_to(file: &FileDiff, hunk: usize, end: &diff::Line) -> String {
    let Some(hunk) = file.hunks.get(hunk) else {
        return String::new();
    };
    let rows = hunk.lines.iter().position(|line| line.anchor() == end.anchor());
    let raw = String::from_utf8_lossy(&hunk.raw);
    let rows = raw.split('\n').take(rows.map_or(1, |index| index + 2));
    rows.collect::<Vec<_>>().join("\n")
}

fn anchor_refusal(shape: ErrorShape, errors: &[(&str, &str)]) -> Refusal {
    match shape {
        ErrorShape::Strings => {
            let sentence = |(field, problem): &(&str, &str)| {
                format!("Pull request review thread {} {problem}", field.replace('_', " "))
            };
            let sentences: Vec<_> = errors.iter().map(sentence).collect();
            Refusal::string(&join_with_and(&sentences))
        }
        ErrorShape::Objects => {
            let objects = errors.iter().map(|(field, problem)| {
                let field = format!("pull_request_review_thread.{field}");
                json!({
                    "resource": "PullRequestReviewComment",
                    "code": "custom",
                    "field": field,
                    "message": format!("{field} {problem}"),
                })
            });
            Refusal {
                answer: Outgoing::unprocessable("Validation Failed", &objects.collect()),
                violation: None,
            }
        }
    }
}

fn join_with_and(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [rest @ .., last] => format!("{}, and {last}", rest.join(", ")),
    }
}

/// A check run: `output` complete, completed ones with a conclusion, annotations in batches of fifty.
pub fn check(body: &Value, is_new: bool) -> Result<&Map<String, Value>, Refusal> {
    let body = object(body)?;
    known_keys(
        body,
        &[
            "name",
            "head_sha",
            "details_url",
            "external_id",
            "status",
            "started_at",
            "conclusion",
            "completed_at",
            "output",
            "actions",
        ],
    )?;
    for key in ["name", "head_sha"].iter().filter(|_| is_new) {
        text(body, key)?.ok_or_else(|| Refusal::schema(&format!("\"{key}\" wasn't supplied.")))?;
    }
    if !is_new && body.contains_key("head_sha") {
        return Err(Refusal::schema("\"head_sha\" is not a permitted key."));
    }
    if text(body, "status")? == Some("completed") && text(body, "conclusion")?.is_none() {
        let mut refusal = Refusal::schema("a completed check run without a conclusion");
        refusal.answer = Outgoing::error(
            422,
            "Invalid request.\n\nNo subschema in \"anyOf\" matched.\n\"conclusion\" wasn't supplied.\n\
             completed is not a member of [\"queued\", \"in_progress\"].",
        );
        return Err(refusal);
    }
    let Some(output) = body.get("output") else {
        return Ok(body);
    };
    let output = object(output)?;
    known_keys(output, &["title", "summary", "text", "annotations", "images"])?;
    for key in ["title", "summary"] {
        text(output, key)?.ok_or_else(|| Refusal::schema(&format!("\"output.{key}\" wasn't supplied.")))?;
    }
    for key in ["summary", "text"] {
        // Some limits are in bytes; a body that keeps them so is safe in both readings.
        if text(output, key)?.is_some_and(|text| text.len() > 65_535) {
            return Err(Refusal::schema(&format!("output.{key} is longer than 65535")));
        }
    }
    let annotations = output.get("annotations").and_then(Value::as_array);
    if annotations.is_some_and(|annotations| annotations.len() > 50) {
        return Err(Refusal::schema("No more than 50 annotations per request are allowed."));
    }
    Ok(body)
}

pub fn object(value: &Value) -> Result<&Map<String, Value>, Refusal> {
    value.as_object().ok_or_else(|| Refusal::schema("The body is not an object."))
}

pub fn known_keys(object: &Map<String, Value>, known: &[&str]) -> Result<(), Refusal> {
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(Refusal::schema(&format!("\"{key}\" is not a permitted key."))),
        None => Ok(()),
    }
}

/// A text under a key; another type is an error, absence is none.
pub fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Result<Option<&'a str>, Refusal> {
    match object.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(Refusal::schema(&format!("For '{key}', {other} is not a string."))),
    }
}

fn number(object: &Map<String, Value>, key: &str) -> Result<Option<u32>, Refusal> {
    match object.get(key) {
        None => Ok(None),
        Some(value) => {
            let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
            let number = number.filter(|number| *number > 0);
            let refusal = || Refusal::schema(&format!("For '{key}', {value} is not a line number."));
            number.map(Some).ok_or_else(refusal)
        }
    }
}

fn side(object: &Map<String, Value>, key: &str) -> Result<Option<Side>, Refusal> {
    let Some(name) = text(object, key)? else {
        return Ok(None);
    };
    let refusal = || Refusal::schema(&format!("For '{key}', {name} is not a side."));
    Side::named(name).map(Some).ok_or_else(refusal)
}
