//! What is sent, and what a refusal means.

use serde_json::{Value, json};

use super::super::{Error, Reaction, Rejection, ReviewId};
use super::*;
use crate::domain::pull::{Check, Conclusion};

/// Every request with a body that this module can make, as `(operation, body)`.
pub(super) async fn every_body() -> Vec<(&'static str, Value)> {
    let server = Server::always(reply(200, r#"{"id":5}"#)).await;
    let (github, repo) = (server.github(), repo());
    let comments =
        [inline("a.rs", Side::New, 3, 3), inline("b c.rs", Side::Old, 3, 9), inline("d.rs", Side::New, 9, 3)];
    github.review(&repo, NUMBER, &sha(), "Counterpoint", &comments).await.unwrap();
    github.review(&repo, NUMBER, &sha(), "Counterpoint", &[]).await.unwrap();
    github.comment(&repo, NUMBER, "summary").await.unwrap();
    github.edit_comment(&repo, 5, "summary").await.unwrap();
    github.edit_line_comment(&repo, 5, "text").await.unwrap();
    for conclusion in [Conclusion::Success, Conclusion::Failure, Conclusion::Neutral] {
        let (title, summary) = ("t".repeat(300), "s".repeat(70_000));
        let check = Check { head: sha(), conclusion, title, summary };
        github.check(&repo, &check, None).await.unwrap();
        github.check(&repo, &check, Some(5)).await.unwrap();
    }
    github.react(&repo, 5, Reaction::Eyes).await.unwrap();
    github.react(&repo, 5, Reaction::Confused).await.unwrap();
    let operation = |asked: &Asked| match (asked.method.as_str(), asked.target.as_str()) {
        ("POST", "/repos/octo/repo/pulls/7/reviews") => {
            "POST /repos/{owner}/{repo}/pulls/{pull_number}/reviews"
        }
        ("POST", "/repos/octo/repo/issues/7/comments") => {
            "POST /repos/{owner}/{repo}/issues/{issue_number}/comments"
        }
        ("PATCH", "/repos/octo/repo/issues/comments/5") => {
            "PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}"
        }
        ("PATCH", "/repos/octo/repo/pulls/comments/5") => {
            "PATCH /repos/{owner}/{repo}/pulls/comments/{comment_id}"
        }
        ("POST", "/repos/octo/repo/check-runs") => "POST /repos/{owner}/{repo}/check-runs",
        ("PATCH", "/repos/octo/repo/check-runs/5") => "PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}",
        ("POST", "/repos/octo/repo/issues/comments/5/reactions") => {
            "POST /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions"
        }
        other => panic!("unknown operation {other:?}"),
    };
    server
        .asked()
        .iter()
        .map(|asked| (operation(asked), serde_json::from_str(&asked.body).unwrap()))
        .collect()
}

#[tokio::test]
async fn a_review_is_one_request_with_exactly_the_allowed_keys() {
    let bodies = every_body().await;
    let text = "text\n<!-- counterpoint:v1 -->";
    let expected = json!({
        "commit_id": "0123456789abcdef0123456789abcdef01234567",
        "body": "Counterpoint",
        "event": "COMMENT",
        "comments": [
            {"path": "a.rs", "body": text, "line": 3, "side": "RIGHT"},
            {"path": "b c.rs", "body": text, "line": 9, "side": "LEFT", "start_line": 3, "start_side": "LEFT"},
            {"path": "d.rs", "body": text, "line": 3, "side": "RIGHT"},
        ],
    });
    assert_eq!(bodies[0].1, expected);
    assert_eq!(bodies[1].1.get("comments"), None);
}

#[tokio::test]
async fn a_check_is_completed_and_within_githubs_limits() {
    let bodies = every_body().await;
    let checks: Vec<&Value> =
        bodies.iter().filter(|(what, _)| what.contains("check-runs")).map(|(_, body)| body).collect();
    assert_eq!(checks.len(), 6);
    for (check, conclusion) in
        checks.iter().zip(["success", "success", "failure", "failure", "neutral", "neutral"])
    {
        assert_eq!(check["name"], "Counterpoint");
        assert_eq!(check["status"], "completed");
        assert_eq!(check["conclusion"], conclusion);
        assert_eq!(check["output"]["title"].as_str().unwrap().chars().count(), 255);
        assert_eq!(check["output"]["summary"].as_str().unwrap().chars().count(), 65_000);
    }
    assert!(checks[0].get("head_sha").is_some() && checks[1].get("head_sha").is_none());
}

#[tokio::test]
async fn deletions_name_what_they_delete_and_send_no_body() {
    let server = Server::always(reply(204, "")).await;
    let github = server.github();
    github.delete_comment(&repo(), 1).await.unwrap();
    github.delete_line_comment(&repo(), 2).await.unwrap();
    github.unreact(&repo(), 3, 4).await.unwrap();
    github.delete_pending_review(&repo(), NUMBER, ReviewId(5)).await.unwrap();
    assert_eq!(
        server.targets(),
        [
            "/repos/octo/repo/issues/comments/1",
            "/repos/octo/repo/pulls/comments/2",
            "/repos/octo/repo/issues/comments/3/reactions/4",
            "/repos/octo/repo/pulls/7/reviews/5",
        ]
    );
    assert!(server.asked().iter().all(|asked| asked.method == "DELETE" && asked.body.is_empty()));
}

#[tokio::test]
async fn a_write_that_answers_without_an_id_may_have_happened() {
    for body in ["{}", "[]", "<html>", ""] {
        let server = Server::always(reply(200, body)).await;
        let error = server.github().review(&repo(), NUMBER, &sha(), "b", &[]).await.unwrap_err();
        assert!(matches!(error, Error::NotJson { .. }) && error.may_have_happened(), "{error}");
    }
}

#[tokio::test]
async fn every_known_422_is_classed() {
    let custom = |field: &str, message: &str| json!([{"resource": "PullRequestReviewComment", "code": "custom", "field": field, "message": message}]);
    let line = "pull_request_review_thread.line";
    let schema = "Invalid request.\n\nNo subschema in \"oneOf\" matched.\n\"position\" wasn't supplied.\n\"subject_type\" is not a permitted key.";
    let check = "Invalid request.\n\nNo subschema in \"anyOf\" matched.\n\"conclusion\" wasn't supplied.\ncompleted is not a member of [\"queued\", \"in_progress\"].";
    let table = [
        (
            "Unprocessable Entity",
            json!([
                "Pull request review thread line must be part of the diff, Pull request review thread start line must be part of the same hunk as the line., and Pull request review thread diff hunk can't be blank"
            ]),
            Rejection::Anchor,
        ),
        (
            "Validation Failed",
            json!([
                {"resource": "PullRequestReviewComment", "code": "custom", "field": line, "message": format!("{line} must be part of the diff")},
                {"resource": "PullRequestReviewComment", "code": "missing_field", "field": "pull_request_review_thread.diff_hunk"},
            ]),
            Rejection::Anchor,
        ),
        ("Validation Failed", custom(line, "could not be resolved"), Rejection::Anchor),
        (
            "Validation Failed",
            custom(
                "pull_request_review_thread.start_line",
                "pull_request_review_thread.start_line must be part of the same hunk as the line.",
            ),
            Rejection::Anchor,
        ),
        ("Unprocessable Entity", json!(["Path could not be resolved"]), Rejection::Anchor),
        (
            "Validation Failed",
            json!([{"resource": "PullRequestReviewComment", "code": "invalid", "field": "commit_id", "message": "commit_id is not part of the pull request"}]),
            Rejection::CommitGone,
        ),
        (
            "Validation Failed",
            json!([{"resource": "PullRequestReviewComment", "code": "invalid", "field": "commit_id"}]),
            Rejection::CommitGone,
        ),
        ("No commit found for SHA: 0123", Value::Null, Rejection::CommitGone),
        (
            "Unprocessable Entity",
            json!(["User can only have one pending review per pull request"]),
            Rejection::Pending,
        ),
        (
            "Validation Failed",
            json!(["Review comments is invalid and Review threads is invalid"]),
            Rejection::TooQuick,
        ),
        ("Unprocessable Entity", json!("was submitted too quickly"), Rejection::TooQuick),
        (
            "Validation Failed",
            json!([{"resource": "IssueComment", "code": "unprocessable", "field": "data", "message": "Body is too long (maximum is 65536 characters)"}]),
            Rejection::Body,
        ),
        ("Unprocessable Entity", json!(["Body can’t be blank"]), Rejection::Body),
        (schema, Value::Null, Rejection::Other),
        (check, Value::Null, Rejection::Other),
        ("Can not approve your own pull request", json!([]), Rejection::Other),
        ("", json!({"odd": true}), Rejection::Other),
    ];
    for (message, errors, expected) in table {
        let body = json!({"message": message, "errors": errors, "status": "422"}).to_string();
        let server = Server::always(reply(422, body.clone())).await;
        let error = server.github().review(&repo(), NUMBER, &sha(), "b", &[]).await.unwrap_err();
        let Error::Rejected { kind, message, .. } = &error else { panic!("{error}") };
        assert_eq!(*kind, expected, "{body}");
        assert!(!message.is_empty() && !message.contains('\n'), "{message}");
        assert!(!error.may_have_happened());
    }
}

#[tokio::test]
async fn a_servers_words_are_one_line_and_not_endless() {
    let words = json!({"message": format!("a\r\n::error::b\u{1b}[31m {}", "x".repeat(2_000))}).to_string();
    let server = Server::always(reply(400, words)).await;
    let error = server.github().comment(&repo(), NUMBER, "b").await.unwrap_err();
    assert!(matches!(error, Error::Refused { status: 400, .. }));
    let text = error.to_string();
    assert!(text.chars().all(|c| !c.is_control()) && text.chars().count() < 500, "{text}");
}
