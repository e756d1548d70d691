//! The world's answers beside those that api.github.com really gave, as other projects recorded them.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::super::World;
use super::{get, github, review, two_hunks};

/// The keys of a recorded answer, of its first element if it is a list.
fn recorded(file: &str) -> Option<BTreeSet<String>> {
    let shared = std::env::var_os("COUNTERPOINT_SHARED")?;
    let path = Path::new(&shared).join("recorded/hub4j-github-api").join(file);
    let answer = std::fs::read(path).expect("the recording is there");
    Some(keys(&serde_json::from_slice(&answer).expect("it is JSON")))
}

fn keys(answer: &Value) -> BTreeSet<String> {
    let answer = answer.get(0).unwrap_or(answer);
    answer.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect()
}

async fn posted(world: &World, path: &str, body: &Value) -> Value {
    github(world, "POST", path, body).await.json()
}

#[tokio::test]
async fn answers_have_every_key_that_github_sent() {
    let world = two_hunks().await;
    let comments = json!([{"path": "a.txt", "body": "x", "start_line": 29, "line": 30}]);
    let pending = posted(&world, "/pulls/7/reviews", &json!({"body": "x", "comments": comments})).await;
    let submit = format!("/pulls/7/reviews/{}/events", pending["id"]);
    let submitted = posted(&world, &submit, &json!({"event": "COMMENT"})).await;
    let of_review = get(&world, &format!("/pulls/7/reviews/{}/comments", pending["id"])).await.json();
    let issue_comment = posted(&world, "/issues/7/comments", &json!({"body": "x"})).await;
    let react = format!("/issues/comments/{}/reactions", issue_comment["id"]);
    let reaction = posted(&world, &react, &json!({"content": "eyes"})).await;
    let check = json!({"name": "x", "head_sha": world.head(7)});
    let check = posted(&world, "/check-runs", &check).await;
    let head = world.head(7);
    let compared = get(&world, &format!("/compare/main...{head}")).await.json();
    world.base_file("b.txt", "x");
    let pairs = [
        (&pending, "GHPullRequestTest/wiremock/pullRequestReviews/__files/6-r_h_g_pulls_482_reviews.json"),
        (
            &submitted,
            "GHPullRequestTest/wiremock/pullRequestReviews/__files/8-r_h_g_pulls_482_reviews_2121304234_events.json",
        ),
        (
            &of_review,
            "GHPullRequestTest/wiremock/pullRequestReviews/__files/9-r_h_g_pulls_482_reviews_2121304234_comments.json",
        ),
        (
            &get(&world, "/pulls/7/comments").await.json(),
            "GHPullRequestTest/wiremock/pullRequestReviewComments/__files/19-r_h_g_pulls_484_comments.json",
        ),
        (
            &get(&world, "/pulls/7").await.json(),
            "GHPullRequestTest/wiremock/pullRequestReviews/__files/4-r_h_g_pulls.json",
        ),
        (
            &issue_comment,
            "GHPullRequestTest/wiremock/pullRequestComment/__files/10-r_h_g_issues_461_comments.json",
        ),
        (
            &reaction,
            "AppTest/wiremock/testIssueWithComment/__files/6-r_k_t_issues_comments_8547251_reactions.json",
        ),
        (&check, "GHCheckRunBuilderTest/wiremock/createCheckRun/__files/5-r_h_t_check-runs.json"),
        (
            &compared,
            "GHRepositoryTest/wiremock/listCommitsBetween/__files/\
             4-r_h_g_compare_e46a9f3f2ac55db96de3c5c4706f2813b3a964658051.json",
        ),
        (
            &get(&world, "/contents/b.txt").await.json(),
            "GHContentIntegrationTest/wiremock/testGetFileContent/__files/\
             4-r_h_g_contents_ghcontent-ro_a-file-with-content.json",
        ),
    ];
    for (ours, file) in pairs {
        let Some(theirs) = recorded(file) else {
            return;
        };
        let missing: Vec<_> = theirs.difference(&keys(ours)).cloned().collect();
        assert!(missing.is_empty(), "{file}: {missing:?} in {ours}");
        let has_more = keys(ours).len() > theirs.len();
        assert!(!has_more || !file.contains("2121304234_comments"), "the list of a review tells no lines");
    }
    let again = posted(&world, "/pulls/7/reviews", &review(&json!([]))).await;
    assert_eq!(again["state"], "COMMENTED");
    world.assert_clean();
}
