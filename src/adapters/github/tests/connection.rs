//! What is repeated, followed, given up and kept secret.

use std::time::Duration;

use secrecy::SecretString;
use tokio::time::Instant;

use super::super::{Error, GitHub};
use super::*;

const PULL: &str = r#"{"number":7,"title":"t","body":null,"user":null,"draft":false,"state":"open",
    "head":{"ref":"f","sha":"0123456789abcdef0123456789abcdef01234567","repo":null},
    "base":{"ref":"main","sha":"0123456789abcdef0123456789abcdef01234567","repo":null},
    "changed_files":1,"html_url":"https://github.com/octo/repo/pull/7"}"#;

#[tokio::test]
async fn a_write_answered_with_502_is_sent_exactly_once() {
    let server =
        Server::always(reply(502, "<html>Bad Gateway</html>").with("content-type", "text/html")).await;
    let github = server.github();
    let review = github.review(&repo(), NUMBER, &sha(), "b", &[inline("a", Side::New, 1, 1)]).await;
    let error = review.unwrap_err();
    assert!(matches!(error, Error::Server { status: 502, .. }), "{error}");
    assert!(error.may_have_happened());
    assert!(github.comment(&repo(), NUMBER, "b").await.is_err());
    assert!(github.edit_comment(&repo(), 1, "b").await.is_err());
    assert!(github.delete_comment(&repo(), 1).await.is_err());
    let methods: Vec<String> = server.asked().into_iter().map(|asked| asked.method).collect();
    assert_eq!(methods, ["POST", "POST", "PATCH", "DELETE"]);
    assert_eq!(github.calls(), 4);
}

#[tokio::test]
async fn a_write_that_is_cut_is_not_sent_again_and_may_have_happened() {
    let server = Server::always(reply(201, r#"{"id":1}"#).cut()).await;
    let error = server.github().comment(&repo(), NUMBER, "b").await.unwrap_err();
    assert!(matches!(error, Error::Cut { sent: true, .. }), "{error}");
    assert!(error.may_have_happened());
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_read_is_repeated_after_a_502_a_cut_body_and_json_that_ends_early() {
    for bad in [reply(502, "{}"), reply(200, "{\"num").cut(), reply(200, "{\"number\":7,")] {
        let server =
            Server::new(move |_, before| if before < 2 { bad.clone() } else { reply(200, PULL) }).await;
        let github = server.github();
        let began = Instant::now();
        assert_eq!(github.pull(&repo(), NUMBER).await.unwrap().base_ref, "main");
        assert_eq!(github.calls(), 3);
        let waited = began.elapsed();
        assert!(waited >= Duration::from_millis(1_500) && waited < Duration::from_secs(3), "{waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_is_given_up_after_three_tries() {
    let server = Server::always(reply(503, "<html>")).await;
    let error = server.github().pull(&repo(), NUMBER).await.unwrap_err();
    assert!(matches!(error, Error::Server { status: 503, .. }), "{error}");
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn a_read_is_not_repeated_when_the_wait_does_not_fit_the_deadline() {
    let server = Server::always(reply(502, "")).await;
    let hurried = server.github().until(Instant::now() + Duration::from_millis(400));
    assert!(hurried.pull(&repo(), NUMBER).await.is_err());
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_limited_read_waits_as_long_as_it_is_told() {
    let limited = [
        reply(429, "{}").with("retry-after", "7"),
        reply(403, r#"{"message":"You have exceeded a secondary rate limit."}"#).with("retry-after", "7"),
        reply(429, "{}")
            .with("date", "Thu, 19 Nov 2026 15:00:00 GMT")
            .with("retry-after", "Thu, 19 Nov 2026 15:00:07 GMT"),
        reply(403, r#"{"message":"API rate limit exceeded for 1.2.3.4."}"#)
            .with("date", "Thu, 19 Nov 2026 15:00:00 GMT")
            .with("x-ratelimit-remaining", "0")
            .with("x-ratelimit-reset", "1795100406"),
    ];
    for bad in limited {
        let server =
            Server::new(move |_, before| if before < 1 { bad.clone() } else { reply(200, PULL) }).await;
        let began = Instant::now();
        server.github().pull(&repo(), NUMBER).await.unwrap();
        let waited = began.elapsed();
        assert!(waited >= Duration::from_secs(7) && waited < Duration::from_secs(8), "{waited:?}");
    }
}

#[tokio::test]
async fn a_limit_that_does_not_fit_is_told_with_its_wait() {
    let server = Server::always(reply(429, "{}").with("retry-after", "900")).await;
    let error = server.github().pull(&repo(), NUMBER).await.unwrap_err();
    assert!(
        matches!(error, Error::RateLimited { retry_after: Some(wait), .. } if wait.as_secs() == 900),
        "{error}"
    );
    assert_eq!(error.advice().unwrap(), "run again in 900 s");
    assert_eq!(server.asked().len(), 1);
    // A secondary limit without headers asks for at least a minute, which is more than the patience of a call.
    let words = r#"{"message":"You have exceeded a secondary rate limit. Please wait a few minutes"}"#;
    let server = Server::always(reply(403, words).with("x-ratelimit-remaining", "21")).await;
    let error = server.github().comment(&repo(), NUMBER, "b").await.unwrap_err();
    assert!(matches!(error, Error::RateLimited { retry_after: None, .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_ends_a_write_after_thirty_seconds_and_a_read_by_its_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let github = github(&url, &url);
    let began = Instant::now();
    let error = github.comment(&repo(), NUMBER, "b").await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { sent: true, .. }), "{error}");
    assert_eq!(began.elapsed().as_secs(), 30);
    let began = Instant::now();
    let until = began + Duration::from_secs(5);
    assert!(matches!(github.until(until).pull(&repo(), NUMBER).await, Err(Error::TimedOut { .. })));
    assert_eq!(began.elapsed().as_secs(), 5);
    let calls = github.calls();
    let late = github.until(Instant::now()).comment(&repo(), NUMBER, "b").await.unwrap_err();
    assert!(matches!(late, Error::TimedOut { sent: false, .. }) && !late.may_have_happened());
    assert_eq!(github.calls(), calls, "nothing is sent after the deadline");
}

#[tokio::test]
async fn a_connection_that_cannot_be_made_did_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = github(&url, &url).comment(&repo(), NUMBER, "b").await.unwrap_err();
    assert!(matches!(error, Error::Cut { sent: false, .. }), "{error}");
    assert!(!error.may_have_happened());
    let text = error.to_string();
    assert!(
        text.starts_with("POST /repos/octo/repo/issues/7/comments: the connection could not be made: "),
        "{text}"
    );
}

#[tokio::test]
async fn html_and_nothing_are_told_as_such() {
    let page = reply(200, "<!DOCTYPE html><html>").with("content-type", "text/html");
    let server = Server::new(move |_, before| if before == 0 { page.clone() } else { reply(200, " ") }).await;
    let github = server.github();
    let error = github.pull(&repo(), NUMBER).await.unwrap_err().to_string();
    assert_eq!(error, "GET /repos/octo/repo/pulls/7: JSON was expected, an HTML page came (status 200)");
    let error = github.pull(&repo(), NUMBER).await.unwrap_err().to_string();
    assert_eq!(error, "GET /repos/octo/repo/pulls/7: JSON was expected, an empty body came (status 200)");
    let server = Server::always(reply(403, "<html>blocked</html>").with("content-type", "text/html")).await;
    let error = server.github().pull(&repo(), NUMBER).await.unwrap_err();
    assert!(matches!(error, Error::NotJson { status: 403, .. }), "a proxy's page says nothing about rights");
}

#[tokio::test]
async fn a_refusal_names_the_missing_permission_the_request_and_no_query() {
    let refused = reply(403, r#"{"message":"Resource not accessible by integration"}"#)
        .with("x-accepted-github-permissions", "pull_requests=write,contents=read; issues=write")
        .with("x-github-request-id", "AB:12");
    let server = Server::always(refused).await;
    let error = server.github().content(&repo(), "a b.yml", "secret-branch").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "GET /repos/octo/repo/contents/a%20b.yml (request AB:12): GitHub refused: Resource not accessible by integration"
    );
    let advice = error.advice().unwrap();
    let start = "give the token `pull-requests: write` and `contents: read` or `issues: write` (under";
    assert!(advice.starts_with(start), "{advice}");
}

#[tokio::test]
async fn a_read_follows_redirects_and_gives_its_token_only_to_its_own_origin() {
    let other = Server::always(reply(200, PULL)).await;
    for status in [301, 302, 307, 308] {
        let elsewhere = format!("{}/x?y=1", other.url);
        let server = Server::new(move |asked, _| match asked.target.as_str() {
            "/repos/octo/repo/pulls/7" => reply(status, "").with("location", "/moved"),
            _ => reply(status, "").with("location", &elsewhere),
        })
        .await;
        server.github().pull(&repo(), NUMBER).await.unwrap();
        assert_eq!(server.targets(), ["/repos/octo/repo/pulls/7", "/moved"]);
        assert!(
            server.asked().iter().all(|asked| asked.header("authorization") == Some("Bearer ghs_secret"))
        );
    }
    assert_eq!(other.asked().len(), 4);
    assert!(other.asked().iter().all(|asked| asked.header("authorization").is_none()));
    assert!(other.asked().iter().all(|asked| asked.target == "/x?y=1"));
}

#[tokio::test]
async fn redirects_end_after_five() {
    let server = Server::always(reply(302, "").with("location", "/again?token=x")).await;
    let error = server.github().pull(&repo(), NUMBER).await.unwrap_err();
    let Error::Moved { status: 302, to, .. } = error else { panic!("{error}") };
    assert_eq!(to, format!("{}/again", server.url));
    assert_eq!(server.asked().len(), 6);
}

#[tokio::test]
async fn a_write_is_repeated_as_it_is_at_home_or_told_where_it_should_go() {
    for status in [307, 308] {
        let server = Server::new(move |asked, _| match asked.target.as_str() {
            "/new" => reply(201, r#"{"id":5}"#),
            _ => reply(status, "").with("location", "/new"),
        })
        .await;
        assert_eq!(server.github().comment(&repo(), NUMBER, "b").await.unwrap().id, 5);
        let asked = server.asked();
        assert_eq!((asked[1].method.as_str(), asked[1].body.as_str()), ("POST", r#"{"body":"b"}"#));
    }
    let other = Server::always(reply(201, r#"{"id":5}"#)).await;
    for (status, to) in [(301, "/new".to_owned()), (302, "/new".to_owned()), (307, other.url.clone())] {
        let server = Server::always(reply(status, "").with("location", &to)).await;
        let error = server.github().comment(&repo(), NUMBER, "b").await.unwrap_err();
        assert!(matches!(error, Error::Moved { .. }) && !error.may_have_happened(), "{error}");
        assert_eq!(server.asked().len(), 1);
    }
    assert!(other.asked().is_empty());
}

#[tokio::test]
async fn a_path_prefix_is_kept_and_graphql_has_its_own_address() {
    let server = Server::new(|asked, _| match asked.target.as_str() {
        "/api/graphql" => reply(200, r#"{"data":{"viewer":{"login":"hubot","databaseId":3}}}"#),
        "/api/v3/repos/octo/repo/pulls/7" => reply(302, "").with("location", "/outside/7"),
        "/outside/7" => reply(200, PULL),
        _ => reply(404, "{}"),
    })
    .await;
    let github = github(&format!("{}/api/v3/", server.url), &format!("{}/api/graphql", server.url));
    github.pull(&repo(), NUMBER).await.unwrap();
    assert_eq!(github.identity().await.unwrap().login, "hubot");
    let first = &server.asked()[0];
    assert_eq!(first.header("accept"), Some("application/vnd.github+json"));
    assert_eq!(first.header("x-github-api-version"), Some("2022-11-28"));
    assert!(first.header("user-agent").is_some());
}

#[tokio::test]
async fn addresses_and_tokens_are_checked_before_anything_is_sent() {
    let good = "https://api.github.com";
    for wrong in ["", "api.github.com", "ftp://x", "https://user:pass@host", "https://"] {
        assert!(GitHub::new(client(), wrong, good, None).is_err(), "{wrong}");
        assert!(GitHub::new(client(), good, wrong, None).is_err(), "{wrong}");
    }
    for wrong in ["ghp x", "ghp\nx", "tökén", "ghp\u{7f}x"] {
        let error = GitHub::new(client(), good, good, Some(SecretString::from(wrong))).unwrap_err();
        assert!(!format!("{error:#}").contains(wrong));
    }
    let none = GitHub::new(client(), good, good, Some(SecretString::from(" \n"))).unwrap();
    assert!(!format!("{none:?}").contains("ghs_"));
    assert!(matches!(none.content(&repo(), "../../x", "main").await, Err(Error::BadUrl { .. })));
    assert_eq!(none.calls(), 0);
}
