//! The rules for writing: all or nothing, one pending review, rights, lengths, check runs.

use serde_json::{Value, json};

use super::super::{ErrorShape, OldHead, User};
use super::{get, github, review, two_hunks};

/// In `two_hunks`: old line 5 is gone, new lines 29 and 30 are new, 2 to 7 and 26 to 33 are shown.
#[tokio::test]
async fn a_review_may_stand_on_shown_lines_and_nowhere_else() {
    let good = [
        json!({"path": "a.txt", "body": "x", "line": 29}),
        json!({"path": "a.txt", "body": "x", "line": 2, "side": "RIGHT"}),
        json!({"path": "a.txt", "body": "x", "line": 5, "side": "LEFT"}),
        json!({"path": "a.txt", "body": "x", "start_line": 29, "line": 30}),
        json!({"path": "a.txt", "body": "x", "start_line": 5, "start_side": "LEFT", "line": 6, "side": "RIGHT"}),
    ];
    let bad = [
        json!({"path": "a.txt", "body": "x", "line": 20}),
        json!({"path": "a.txt", "body": "x", "line": 6, "side": "LEFT"}),
        json!({"path": "a.txt", "body": "x", "start_line": 5, "line": 29}),
        json!({"path": "a.txt", "body": "x", "start_line": 30, "line": 30}),
        json!({"path": "b.txt", "body": "x", "line": 1}),
        json!({"path": "a.txt", "body": " ", "line": 29}),
    ];
    let world = two_hunks().await;
    for comment in &good {
        let got = github(&world, "POST", "/pulls/7/reviews", &review(&json!([comment]))).await;
        assert_eq!(got.status, 200, "{comment}: {}", got.json());
    }
    let before = world.published(7).inline.len();
    for comment in &bad {
        let got = github(&world, "POST", "/pulls/7/reviews", &review(&json!([good[0], comment]))).await;
        assert_eq!(got.status, 422, "{comment}");
    }
    assert_eq!((before, world.published(7).inline.len()), (good.len(), good.len()), "all or nothing");
    assert_eq!(world.published(7).reviews.len(), good.len());
    world.assert_clean();
}

#[tokio::test]
async fn a_refused_anchor_is_worded_in_either_of_two_shapes() {
    let world = two_hunks().await;
    let body = review(&json!([{"path": "a.txt", "body": "x", "start_line": 4, "line": 20}]));
    let got = github(&world, "POST", "/pulls/7/reviews", &body).await.json();
    assert_eq!(got["message"], "Unprocessable Entity");
    assert_eq!(
        got["errors"],
        json!([
            "Pull request review thread line must be part of the diff, Pull request review thread start line must \
             be part of the same hunk as the line., and Pull request review thread diff hunk can't be blank"
        ])
    );
    world.with(|state| state.anchor_errors = ErrorShape::Objects);
    let got = github(&world, "POST", "/pulls/7/reviews", &body).await.json();
    assert_eq!(got["message"], "Validation Failed");
    assert_eq!(got["errors"][0]["field"], "pull_request_review_thread.line");
}

#[tokio::test]
async fn unknown_keys_and_wrong_types_are_refused_and_noted() {
    for body in [
        json!({"event": "COMMENT", "body": "x", "comments": [{"path": "a.txt", "body": "x", "line": 29, "_severity": "high"}]}),
        json!({"event": "COMMENT", "body": "x", "draft": true}),
        json!({"event": "COMMENTED", "body": "x"}),
        json!({"event": "COMMENT", "body": "x", "comments": [{"path": "a.txt", "body": "x", "line": "29"}]}),
        json!({"event": "COMMENT", "body": "x", "comments": [{"path": "a.txt", "body": "x", "line": 29, "start_line": null}]}),
    ] {
        let world = two_hunks().await;
        let got = github(&world, "POST", "/pulls/7/reviews", &body).await;
        assert_eq!(got.status, 422, "{body}");
        assert!(!world.take_violations().is_empty(), "{body}");
    }
}

#[tokio::test]
async fn one_pending_review_blocks_the_next_until_it_is_deleted() {
    let world = two_hunks().await;
    let pending = github(&world, "POST", "/pulls/7/reviews", &json!({"body": "later"})).await.json();
    assert_eq!((&pending["state"], pending.get("submitted_at")), (&json!("PENDING"), None));
    let refused = github(&world, "POST", "/pulls/7/reviews", &review(&json!([]))).await;
    assert_eq!(refused.json()["errors"], json!(["User can only have one pending review per pull request"]));
    let path = format!("/pulls/7/reviews/{}", pending["id"]);
    assert_eq!(github(&world, "DELETE", &path, &Value::Null).await.status, 200);
    let done = github(&world, "POST", "/pulls/7/reviews", &review(&json!([]))).await.json();
    assert_eq!(done["state"], "COMMENTED");
    assert_eq!(
        (&done["user"]["login"], &done["user"]["id"]),
        (&json!("github-actions[bot]"), &json!(41_898_282))
    );
    let path = format!("/pulls/7/reviews/{}", done["id"]);
    assert_eq!(github(&world, "DELETE", &path, &Value::Null).await.status, 422);
}

#[tokio::test]
async fn a_review_needs_a_body_of_bearable_length_and_a_commit_of_the_pull_request() {
    let world = two_hunks().await;
    for body in [
        json!({"event": "COMMENT"}),
        json!({"event": "COMMENT", "body": "é".repeat(65_537)}),
        json!({"event": "APPROVE", "body": "fine"}),
        json!({"event": "COMMENT", "body": "x", "commit_id": world.pull(7).base_sha}),
    ] {
        assert_eq!(github(&world, "POST", "/pulls/7/reviews", &body).await.status, 422);
    }
    let long = json!({"event": "COMMENT", "body": "é".repeat(65_536), "commit_id": world.head(7)});
    assert_eq!(github(&world, "POST", "/pulls/7/reviews", &long).await.status, 200);
    world.assert_clean();
}

#[tokio::test]
async fn a_moved_head_keeps_or_loses_the_commit_that_was_reviewed() {
    let world = two_hunks().await;
    let old = world.head(7);
    let on_old = |line: u32| {
        let comment = json!({"path": "a.txt", "body": "x", "line": line, "side": "RIGHT"});
        json!({"event": "COMMENT", "body": "x", "commit_id": old, "comments": [comment]})
    };
    world.push(7, &[("a.txt", "all new\n")], OldHead::Stays);
    assert_eq!(github(&world, "POST", "/pulls/7/reviews", &on_old(29)).await.status, 200);
    let comments = get(&world, "/pulls/7/comments").await.json();
    assert_eq!((&comments[0]["line"], &comments[0]["original_line"]), (&Value::Null, &json!(29)), "outdated");
    assert_eq!(comments[0]["original_commit_id"], json!(old));
    world.push(7, &[("b.txt", "other\n")], OldHead::Leaves);
    assert_eq!(github(&world, "POST", "/pulls/7/reviews", &on_old(29)).await.status, 422);
    world.assert_clean();
}

#[tokio::test]
async fn a_token_without_rights_gets_the_403_of_github() {
    let world = two_hunks().await;
    world.no_check_permission();
    let check = json!({"name": "Counterpoint", "head_sha": world.head(7)});
    let got = github(&world, "POST", "/check-runs", &check).await;
    assert_eq!((got.status, got.header("x-accepted-github-permissions")), (403, Some("checks=write")));
    assert_eq!(github(&world, "POST", "/issues/7/comments", &json!({"body": "hi"})).await.status, 201);
    world.read_only_token();
    let got = github(&world, "POST", "/pulls/7/reviews", &review(&json!([]))).await;
    assert_eq!((got.status, &got.json()["message"]), (403, &json!("Resource not accessible by integration")));
    assert_eq!(get(&world, "/pulls/7").await.status, 200);
    world.assert_clean();
}

#[tokio::test]
async fn comments_and_reactions_come_and_go_but_only_our_own() {
    let world = two_hunks().await;
    let theirs = world.comment(7, User::person("mona"), "/review");
    let path = format!("/issues/comments/{theirs}/reactions");
    let first = github(&world, "POST", &path, &json!({"content": "eyes"})).await;
    let again = github(&world, "POST", &path, &json!({"content": "eyes"})).await;
    assert_eq!((first.status, again.status), (201, 200));
    assert_eq!(world.published(7).reactions, [("eyes".to_owned(), "/review".to_owned())]);
    let gone = github(&world, "DELETE", &format!("{path}/{}", first.json()["id"]), &Value::Null).await;
    assert_eq!((gone.status, gone.body.len()), (204, 0));
    let ours = github(&world, "POST", "/issues/7/comments", &json!({"body": "one"})).await.json();
    let path = format!("/issues/comments/{}", ours["id"]);
    assert_eq!(github(&world, "PATCH", &path, &json!({"body": "two"})).await.json()["body"], "two");
    world.assert_clean();
    let path = format!("/issues/comments/{theirs}");
    github(&world, "PATCH", &path, &json!({"body": "changed"})).await;
    assert_eq!(world.take_violations(), ["edited a comment by mona"]);
}

#[tokio::test]
async fn a_completed_check_needs_a_conclusion_and_takes_fifty_annotations_at_a_time() {
    let world = two_hunks().await;
    let head = world.head(7);
    let started = json!({"name": "Counterpoint", "head_sha": head, "status": "in_progress"});
    let check = github(&world, "POST", "/check-runs", &started).await;
    assert_eq!(check.status, 201);
    let path = format!("/check-runs/{}", check.json()["id"]);
    let done = json!({"status": "completed", "output": {"title": "t", "summary": "s"}});
    let refused = github(&world, "PATCH", &path, &done).await;
    assert!(refused.json()["message"].to_string().contains("\\\"conclusion\\\" wasn't supplied"));
    let note = json!({"path": "a.txt", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "m"});
    let notes = |count: usize| vec![note.clone(); count];
    let many = |count| json!({"output": {"title": "t", "summary": "s", "annotations": notes(count)}});
    assert_eq!(github(&world, "PATCH", &path, &many(51)).await.status, 422);
    assert!(!world.take_violations().is_empty());
    assert_eq!(github(&world, "PATCH", &path, &many(50)).await.status, 200);
    let end =
        json!({"status": "completed", "conclusion": "success", "output": {"title": "t", "summary": "s"}});
    let end = github(&world, "PATCH", &path, &end).await.json();
    assert_eq!((&end["conclusion"], &end["output"]["annotations_count"]), (&json!("success"), &json!(50)));
    let list = get(&world, &format!("/commits/{head}/check-runs?check_name=Counterpoint")).await.json();
    assert_eq!(list["total_count"], 1);
    world.assert_clean();
}

#[tokio::test]
async fn single_comments_and_replies_follow_their_own_rules() {
    let world = two_hunks().await;
    let head = world.head(7);
    let single = json!({"path": "a.txt", "body": "x", "line": 29, "side": "RIGHT", "commit_id": head});
    let first = github(&world, "POST", "/pulls/7/comments", &single).await;
    assert_eq!(first.status, 201);
    let path = format!("/pulls/7/comments/{}/replies", first.json()["id"]);
    let reply = github(&world, "POST", &path, &json!({"body": "because"})).await;
    assert_eq!((reply.status, &reply.json()["in_reply_to_id"]), (201, &first.json()["id"]));
    let path = format!("/pulls/7/comments/{}/replies", reply.json()["id"]);
    assert_eq!(github(&world, "POST", &path, &json!({"body": "no"})).await.status, 422);
    let file = json!({"path": "a.txt", "body": "all of it", "subject_type": "file", "commit_id": head});
    assert_eq!(github(&world, "POST", "/pulls/7/comments", &file).await.status, 201);
    world.assert_clean();
}
