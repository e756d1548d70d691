//! Things going wrong on purpose, and waiting without sleeping.

use serde_json::{Value, json};

use super::super::{Fault, OldHead};
use super::{get, github, review, two_hunks};

#[tokio::test]
async fn a_fault_meets_the_requests_it_was_meant_for() {
    let world = two_hunks().await;
    world.on("POST */issues/7/comments").once().answer(Fault::status(502));
    world.on("GET */pulls/7").nth(2).answer(Fault::html());
    world.on("GET */reviews").from(2).answer(Fault::secondary_limit(Some(1)));
    let comment = json!({"body": "hello"});
    assert_eq!(github(&world, "POST", "/issues/7/comments", &comment).await.status, 502);
    assert!(world.published(7).is_empty());
    assert_eq!(github(&world, "POST", "/issues/7/comments", &comment).await.status, 201);
    assert_eq!(get(&world, "/pulls/7").await.json()["number"], 7);
    assert_eq!(get(&world, "/pulls/7").await.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(get(&world, "/pulls/7/reviews").await.status, 200);
    let limited = get(&world, "/pulls/7/reviews").await;
    assert_eq!((limited.status, limited.header("retry-after")), (403, Some("1")));
    world.assert_clean();
}

#[tokio::test]
async fn a_change_can_be_made_and_its_answer_lost() {
    let world = two_hunks().await;
    world.on("POST */reviews").nth(1).answer(Fault::status(502).after_commit());
    world.on("POST */reviews").nth(2).cut();
    let body = review(&json!([{"path": "a.txt", "body": "x", "line": 29}]));
    assert_eq!(github(&world, "POST", "/pulls/7/reviews", &body).await.status, 502);
    let cut = github(&world, "POST", "/pulls/7/reviews", &body).await;
    assert_eq!((cut.status, cut.is_whole()), (200, false));
    assert_eq!(world.published(7).places(), ["a.txt:29 RIGHT", "a.txt:29 RIGHT"]);
    world.assert_clean();
}

#[tokio::test]
async fn the_head_can_move_while_a_request_is_answered() {
    let world = two_hunks().await;
    let old = world.head(7);
    world.on("GET */pulls/7").once().meanwhile(|world| {
        world.push(7, &[("a.txt", "new\n")], OldHead::Leaves);
    });
    assert_ne!(get(&world, "/pulls/7").await.json()["head"]["sha"], json!(old));
    world.assert_clean();
}

#[tokio::test]
async fn a_test_can_wait_for_a_request_and_hold_its_answer() {
    let world = two_hunks().await;
    let gate = world.on("GET */pulls/7").hold();
    let asking = tokio::spawn({
        let world = world.clone();
        async move { get(&world, "/pulls/7").await.status }
    });
    gate.reached().await;
    world.arrived("GET */pulls/7").await;
    assert_eq!(get(&world, "/pulls/7/reviews").await.status, 200);
    assert!(!asking.is_finished());
    assert_eq!((world.max_in_flight("GET *"), world.count_status(200)), (2, 1));
    gate.open();
    assert_eq!(asking.await.ok(), Some(200));
    world.assert_clean();
}

#[tokio::test]
async fn a_request_that_is_given_up_ends_without_a_status() {
    let world = two_hunks().await;
    world.on("GET */pulls/7").hang();
    let asking = tokio::spawn({
        let world = world.clone();
        async move { get(&world, "/pulls/7").await.status }
    });
    world.arrived("GET */pulls/7").await;
    asking.abort();
    // The server notices the closed connection in its own time.
    while world.requests()[0].took.is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.requests()[0].status, None);
}

#[tokio::test]
async fn a_rule_that_never_met_anything_is_found_out() {
    let world = two_hunks().await;
    world.on("DELETE *").answer(Fault::status(500));
    let judged = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| world.assert_clean()));
    assert!(judged.is_err());
    github(&world, "DELETE", "/issues/comments/1", &Value::Null).await;
    world.assert_clean();
}
