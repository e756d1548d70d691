//! The requests that change something: reviews, comments, reactions, check runs.

use serde_json::{Map, Value, json};

use super::diff;
use super::github::{is_issue, not_accessible};
use super::http::{Call, Outgoing};
use super::rules::{self, NewComment, NewReview, Refusal};
use super::shapes;
use super::state::{CheckRun, ErrorShape, Reaction, Review, ReviewComment, State, Subject, User};

const REACTIONS: [&str; 8] = ["+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"];

/// Answers one writing request below `/repos/OWNER/NAME`; none for an endpoint GitHub does not have.
pub fn answer(state: &mut State, call: &Call, rest: &[&str]) -> Option<Outgoing> {
    // Every part but the last names the endpoint's family, which decides the right it needs.
    let may = match rest {
        ["check-runs", ..] => (state.rights.checks, "checks"),
        _ => (state.rights.pull_requests, "pull_requests"),
    };
    if let (false, area) = may {
        return Some(not_accessible(area, "write"));
    }
    let body = match call.json() {
        Some(body) => body,
        None if call.body.is_empty() => Value::Null,
        None => {
            state.violation(format!("{} {} with a body that is not JSON", call.method, call.path));
            return Some(Outgoing::error(400, "Problems parsing JSON"));
        }
    };
    let id = |text: &str| text.parse::<u64>().unwrap_or_default();
    let answer = match (call.method.as_str(), rest) {
        ("POST", ["pulls", number, "reviews"]) => create_review(state, id(number), &body),
        ("POST", ["pulls", _, "reviews", review, "events"]) => submit_review(state, id(review), &body),
        ("PUT", ["pulls", _, "reviews", review]) => edit_review(state, id(review), &body),
        ("PUT", ["pulls", _, "reviews", review, "dismissals"]) => dismiss_review(state, id(review)),
        ("DELETE", ["pulls", _, "reviews", review]) => delete_review(state, id(review)),
        ("POST", ["pulls", number, "comments"]) => create_comment(state, id(number), &body),
        ("POST", ["pulls", number, "comments", comment, "replies"]) => {
            reply(state, id(number), id(comment), &body)
        }
        ("PATCH", ["pulls", "comments", comment]) => edit_comment(state, id(comment), &body),
        ("DELETE", ["pulls", "comments", comment]) => Ok(delete_comment(state, id(comment))),
        ("POST", ["issues", number, "comments"]) => create_issue_comment(state, id(number), &body),
        ("PATCH", ["issues", "comments", comment]) => edit_issue_comment(state, id(comment), &body),
        ("DELETE", ["issues", "comments", comment]) => Ok(delete_issue_comment(state, id(comment))),
        ("POST", ["issues", "comments", comment, "reactions"]) => {
            react(state, Subject::IssueComment(id(comment)), &body)
        }
        ("DELETE", ["issues", "comments", comment, "reactions", reaction]) => {
            Ok(unreact(state, Subject::IssueComment(id(comment)), id(reaction)))
        }
        ("POST", ["pulls", "comments", comment, "reactions"]) => {
            react(state, Subject::ReviewComment(id(comment)), &body)
        }
        ("DELETE", ["pulls", "comments", comment, "reactions", reaction]) => {
            Ok(unreact(state, Subject::ReviewComment(id(comment)), id(reaction)))
        }
        ("POST", ["issues", number, "reactions"]) => react(state, Subject::Issue(id(number)), &body),
        ("DELETE", ["issues", number, "reactions", reaction]) => {
            Ok(unreact(state, Subject::Issue(id(number)), id(reaction)))
        }
        ("POST", ["check-runs"]) => create_check(state, &body),
        ("PATCH", ["check-runs", check]) => update_check(state, id(check), &body),
        _ => return None,
    };
    Some(answer.unwrap_or_else(|refusal| {
        if let Some(what) = refusal.violation {
            state.violation(format!("{} {}: {what}", call.method, call.path));
        }
        refusal.answer
    }))
}

type Answer = Result<Outgoing, Refusal>;

fn create_review(state: &mut State, number: u64, body: &Value) -> Answer {
    let Some(pull) = state.pulls.get(&number) else {
        return Ok(Outgoing::not_found());
    };
    let new = rules::review(pull, body, state.anchor_errors)?;
    if new.event.as_deref() == Some("REQUEST_CHANGES") && pull.author == state.viewer {
        return Err(Refusal::string("Can not request changes on your own pull request"));
    }
    let ours = |review: &Review| review.pull == number && review.user == state.viewer;
    if state.reviews.iter().any(|review| ours(review) && review.state == "PENDING") {
        return Err(Refusal::string("User can only have one pending review per pull request"));
    }
    let review = commit_review(state, number, new);
    Ok(Outgoing::json(200, &shapes::review(state, &review)))
}

fn commit_review(state: &mut State, pull: u64, new: NewReview) -> Review {
    let (id, now) = (state.new_id(), state.tick());
    let review = Review {
        id,
        pull,
        user: state.viewer.clone(),
        body: new.body,
        state: state_after(new.event.as_deref()).to_owned(),
        commit_id: new.commit_id,
        submitted: now,
    };
    state.reviews.push(review.clone());
    for comment in new.comments {
        add_comment(state, &review, comment, None);
    }
    review
}

fn state_after(event: Option<&str>) -> &'static str {
    match event {
        Some("APPROVE") => "APPROVED",
        Some("REQUEST_CHANGES") => "CHANGES_REQUESTED",
        Some(_) => "COMMENTED",
        None => "PENDING",
    }
}

fn add_comment(
    state: &mut State,
    review: &Review,
    new: NewComment,
    in_reply_to: Option<u64>,
) -> ReviewComment {
    let (id, now) = (state.new_id(), state.tick());
    let comment = ReviewComment {
        id,
        pull: review.pull,
        review: review.id,
        user: review.user.clone(),
        path: new.path,
        place: new.place,
        body: new.body,
        commit_id: review.commit_id.clone(),
        diff_hunk: new.diff_hunk,
        in_reply_to,
        created: now,
        updated: now,
    };
    state.review_comments.push(comment.clone());
    comment
}

fn submit_review(state: &mut State, id: u64, body: &Value) -> Answer {
    let body = rules::object(body)?;
    rules::known_keys(body, &["body", "event"])?;
    let event = rules::text(body, "event")?.ok_or_else(|| Refusal::schema("\"event\" wasn't supplied."))?;
    let text = rules::text(body, "body")?.map(str::to_owned);
    let now = state.tick();
    let Some(review) = state.reviews.iter_mut().find(|review| review.id == id) else {
        return Ok(Outgoing::not_found());
    };
    if review.state != "PENDING" {
        return Err(Refusal::string("Can not submit a review that is not pending"));
    }
    let text = text.unwrap_or_else(|| review.body.clone());
    if text.trim().is_empty() {
        return Err(Refusal::string("Body can't be blank"));
    }
    (review.body, review.submitted) = (text, now);
    review.state = state_after(Some(event)).to_owned();
    let review = review.clone();
    Ok(Outgoing::json(200, &shapes::review(state, &review)))
}

fn edit_review(state: &mut State, id: u64, body: &Value) -> Answer {
    let text = only_body(body, "PullRequestReview")?;
    let Some(review) = state.reviews.iter_mut().find(|review| review.id == id) else {
        return Ok(Outgoing::not_found());
    };
    review.body = text;
    let review = review.clone();
    Ok(Outgoing::json(200, &shapes::review(state, &review)))
}

fn dismiss_review(state: &State, id: u64) -> Answer {
    match state.reviews.iter().find(|review| review.id == id) {
        None => Ok(Outgoing::not_found()),
        Some(_) => Err(Refusal::string("Can not dismiss a commented pull request review")),
    }
}

fn delete_review(state: &mut State, id: u64) -> Answer {
    let Some(review) = state.reviews.iter().find(|review| review.id == id).cloned() else {
        return Ok(Outgoing::not_found());
    };
    if review.state != "PENDING" {
        return Err(Refusal::string("Can not delete a non-pending pull request review"));
    }
    let answer = Outgoing::json(200, &shapes::review(state, &review));
    state.reviews.retain(|review| review.id != id);
    state.review_comments.retain(|comment| comment.review != id);
    Ok(answer)
}

/// A comment of its own, which GitHub wraps in a review of its own.
fn create_comment(state: &mut State, number: u64, body: &Value) -> Answer {
    let body = rules::object(body)?;
    rules::known_keys(
        body,
        &[
            "body",
            "commit_id",
            "path",
            "line",
            "side",
            "start_line",
            "start_side",
            "subject_type",
            "in_reply_to",
        ],
    )?;
    if let Some(first) = body.get("in_reply_to").and_then(Value::as_u64) {
        let text = rules::comment_body(body, "PullRequestReviewComment")?;
        return reply(state, number, first, &json!({"body": text}));
    }
    let text = rules::comment_body(body, "PullRequestReviewComment")?;
    let missing = |key: &str| Refusal::schema(&format!("\"{key}\" wasn't supplied."));
    let path = rules::text(body, "path")?.ok_or_else(|| missing("path"))?;
    let commit_id = rules::text(body, "commit_id")?.ok_or_else(|| missing("commit_id"))?;
    let Some(pull) = state.pulls.get(&number) else {
        return Ok(Outgoing::not_found());
    };
    if !pull.commits.iter().any(|commit| commit == commit_id) {
        return Err(Refusal::object(&json!({
            "resource": "PullRequestReviewComment", "code": "invalid", "field": "commit_id",
            "message": "commit_id is not part of the pull request",
        })));
    }
    let files = diff::read(pull.diffs.get(commit_id).map_or_else(|| pull.diff(), Vec::as_slice));
    let (place, diff_hunk) = if rules::text(body, "subject_type")? == Some("file") {
        if files.iter().all(|file| file.path != path) {
            let error = json!({"resource": "PullRequestReviewComment", "code": "invalid", "field": "path"});
            return Err(Refusal::object(&error));
        }
        (None, String::new())
    } else {
        let (place, hunk) = rules::place(&files, path, body, ErrorShape::Objects)?;
        (Some(place), hunk)
    };
    let comment = NewComment { path: path.to_owned(), body: text, place, diff_hunk };
    let commit_id = commit_id.to_owned();
    Ok(single_comment(state, number, commit_id, comment, None))
}

fn reply(state: &mut State, number: u64, first: u64, body: &Value) -> Answer {
    let text = only_body(body, "PullRequestReviewComment")?;
    let found = |comment: &&ReviewComment| comment.id == first && comment.pull == number;
    let Some(parent) = state.review_comments.iter().find(found).cloned() else {
        return Ok(Outgoing::not_found());
    };
    if parent.in_reply_to.is_some() {
        return Err(Refusal::string("Replies are possible on top-level comments only"));
    }
    let comment =
        NewComment { path: parent.path, body: text, place: parent.place, diff_hunk: parent.diff_hunk };
    Ok(single_comment(state, number, parent.commit_id, comment, Some(first)))
}

fn single_comment(
    state: &mut State,
    pull: u64,
    commit_id: String,
    comment: NewComment,
    in_reply_to: Option<u64>,
) -> Outgoing {
    let review =
        NewReview { commit_id, body: String::new(), event: Some("COMMENT".to_owned()), comments: Vec::new() };
    let review = commit_review(state, pull, review);
    let comment = add_comment(state, &review, comment, in_reply_to);
    Outgoing::json(201, &shapes::review_comment(state, &comment))
}

fn edit_comment(state: &mut State, id: u64, body: &Value) -> Answer {
    let text = only_body(body, "PullRequestReviewComment")?;
    let now = state.tick();
    let Some(comment) = state.review_comments.iter_mut().find(|comment| comment.id == id) else {
        return Ok(Outgoing::not_found());
    };
    (comment.body, comment.updated) = (text, now);
    let comment = comment.clone();
    keep_to_ourselves(state, &comment.user, "edited");
    Ok(Outgoing::json(200, &shapes::review_comment(state, &comment)))
}

fn delete_comment(state: &mut State, id: u64) -> Outgoing {
    let Some(comment) = state.review_comments.iter().find(|comment| comment.id == id).cloned() else {
        return Outgoing::not_found();
    };
    keep_to_ourselves(state, &comment.user, "deleted");
    if state.review_comments.iter().any(|other| other.in_reply_to == Some(id) && other.user != state.viewer) {
        state.violation("deleted a thread that somebody answered");
    }
    state.review_comments.retain(|comment| comment.id != id);
    Outgoing::empty(204)
}

/// A token may change what others wrote. This product never should.
fn keep_to_ourselves(state: &mut State, author: &User, what: &str) {
    if *author != state.viewer {
        state.violation(format!("{what} a comment by {}", author.login));
    }
}

fn create_issue_comment(state: &mut State, issue: u64, body: &Value) -> Answer {
    let text = only_body(body, "IssueComment")?;
    if !is_issue(state, issue) {
        return Ok(Outgoing::not_found());
    }
    let id = state.add_comment(issue, state.viewer.clone(), &text);
    Ok(issue_comment(state, id, 201))
}

fn edit_issue_comment(state: &mut State, id: u64, body: &Value) -> Answer {
    let text = only_body(body, "IssueComment")?;
    let now = state.tick();
    let Some(comment) = state.issue_comments.iter_mut().find(|comment| comment.id == id) else {
        return Ok(Outgoing::not_found());
    };
    (comment.body, comment.updated) = (text, now);
    let author = comment.user.clone();
    keep_to_ourselves(state, &author, "edited");
    Ok(issue_comment(state, id, 200))
}

fn issue_comment(state: &State, id: u64, status: u16) -> Outgoing {
    match state.issue_comments.iter().find(|comment| comment.id == id) {
        Some(comment) => Outgoing::json(status, &shapes::issue_comment(state, comment)),
        None => Outgoing::not_found(),
    }
}

fn delete_issue_comment(state: &mut State, id: u64) -> Outgoing {
    let Some(author) = state.issue_comments.iter().find(|c| c.id == id).map(|c| c.user.clone()) else {
        return Outgoing::not_found();
    };
    keep_to_ourselves(state, &author, "deleted");
    state.issue_comments.retain(|comment| comment.id != id);
    Outgoing::empty(204)
}

fn react(state: &mut State, subject: Subject, body: &Value) -> Answer {
    let body = rules::object(body)?;
    rules::known_keys(body, &["content"])?;
    let content = rules::text(body, "content")?.unwrap_or_default().to_owned();
    if !REACTIONS.contains(&content.as_str()) {
        return Err(Refusal::schema(&format!("{content} is not a member of the reactions.")));
    }
    let exists = match subject {
        Subject::IssueComment(id) => state.issue_comments.iter().any(|comment| comment.id == id),
        Subject::ReviewComment(id) => state.review_comments.iter().any(|comment| comment.id == id),
        Subject::Issue(number) => is_issue(state, number),
    };
    if !exists {
        return Ok(Outgoing::not_found());
    }
    let same = |r: &&Reaction| r.subject == subject && r.content == content && r.user == state.viewer;
    if let Some(reaction) = state.reactions.iter().find(same) {
        return Ok(Outgoing::json(200, &shapes::reaction(reaction)));
    }
    let reaction =
        Reaction { id: state.new_id(), subject, user: state.viewer.clone(), content, created: state.tick() };
    let answer = Outgoing::json(201, &shapes::reaction(&reaction));
    state.reactions.push(reaction);
    Ok(answer)
}

fn unreact(state: &mut State, subject: Subject, id: u64) -> Outgoing {
    let Some(reaction) = state.reactions.iter().find(|r| r.id == id && r.subject == subject) else {
        return Outgoing::not_found();
    };
    if reaction.user != state.viewer {
        return not_accessible("issues", "write");
    }
    state.reactions.retain(|reaction| reaction.id != id);
    Outgoing::empty(204)
}

fn create_check(state: &mut State, body: &Value) -> Answer {
    let body = rules::check(body, true)?;
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let head_sha = text("head_sha");
    if state.commit(&head_sha).is_none() {
        return Err(Refusal::string(&format!("No commit found for SHA: {head_sha}")));
    }
    let (id, started) = (state.new_id(), state.tick());
    let mut check = CheckRun {
        id,
        head_sha,
        name: text("name"),
        status: "queued".to_owned(),
        conclusion: None,
        title: None,
        summary: None,
        text: None,
        annotations: Vec::new(),
        external_id: None,
        details_url: None,
        started,
        completed: None,
    };
    apply_check(&mut check, body, started);
    let answer = Outgoing::json(201, &shapes::check(state, &check));
    state.checks.push(check);
    Ok(answer)
}

fn update_check(state: &mut State, id: u64, body: &Value) -> Answer {
    let body = rules::check(body, false)?;
    let now = state.tick();
    let Some(check) = state.checks.iter_mut().find(|check| check.id == id) else {
        return Ok(Outgoing::not_found());
    };
    apply_check(check, body, now);
    let check = check.clone();
    Ok(Outgoing::json(200, &shapes::check(state, &check)))
}

fn apply_check(check: &mut CheckRun, body: &Map<String, Value>, now: u64) {
    let text =
        |object: &Map<String, Value>, key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
    check.name = text(body, "name").unwrap_or_else(|| check.name.clone());
    check.status = text(body, "status").unwrap_or_else(|| check.status.clone());
    check.external_id = text(body, "external_id").or(check.external_id.take());
    check.details_url = text(body, "details_url").or(check.details_url.take());
    if let Some(conclusion) = text(body, "conclusion") {
        // GitHub completes a check that gets a conclusion, whatever status came with it.
        check.status = "completed".to_owned();
        check.conclusion = Some(conclusion);
        check.completed = Some(now);
    }
    if let Some(output) = body.get("output").and_then(Value::as_object) {
        check.title = text(output, "title").or(check.title.take());
        check.summary = text(output, "summary").or(check.summary.take());
        check.text = text(output, "text").or(check.text.take());
        // Later annotations are added to the earlier ones.
        let more = output.get("annotations").and_then(Value::as_array).cloned();
        check.annotations.extend(more.unwrap_or_default());
    }
}

/// The text of a request whose body may hold `body` and nothing else.
fn only_body(body: &Value, resource: &str) -> Result<String, Refusal> {
    let body = rules::object(body)?;
    rules::known_keys(body, &["body"])?;
    rules::comment_body(body, resource)
}
