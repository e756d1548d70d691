//! What is understood of GitHub's answers.

use super::super::{Error, ReviewState};
use super::*;
use crate::domain::context::Texts;
use crate::domain::diff::{NoLines, Status};
use crate::domain::pull::{Account, Permission};

fn comments(ids: std::ops::Range<u64>) -> String {
    let rows: Vec<String> = ids.map(|id| format!(r#"{{"id":{id},"body":"b"}}"#)).collect();
    format!("[{}]", rows.join(","))
}

fn page(asked: &Asked) -> u64 {
    let (_, query) = asked.target.split_once('?').unwrap();
    query.split('&').find_map(|pair| pair.strip_prefix("page=")).map_or(1, |number| number.parse().unwrap())
}

#[tokio::test]
async fn a_diff_that_is_not_utf8_arrives_byte_for_byte() {
    let bytes = b"diff --git a/x b/x\n@@ -1 +1 @@\n-caf\xe9\n+\xff\x00\r\n".to_vec();
    let server =
        Server::always(reply(200, bytes.clone()).with("content-type", "application/vnd.github.v3.diff"))
            .await;
    assert_eq!(server.github().diff(&repo(), NUMBER).await.unwrap(), bytes);
    assert_eq!(server.asked()[0].header("accept"), Some("application/vnd.github.diff"));
    let empty = Server::always(reply(200, "").with("content-type", "text/plain")).await;
    assert!(empty.github().diff(&repo(), NUMBER).await.unwrap().is_empty());
}

#[tokio::test]
async fn neither_json_nor_a_page_is_taken_for_a_diff() {
    let wrong = [
        reply(200, r#"{"number":7}"#),
        reply(200, r#" {"number":7}"#).with("content-type", "text/plain"),
        reply(200, "<html>").with("content-type", "text/html"),
    ];
    for wrong in wrong {
        let server = Server::always(wrong).await;
        let error = server.github().diff(&repo(), NUMBER).await.unwrap_err();
        assert!(matches!(error, Error::NotJson { wanted: "a diff", .. }), "{error}");
    }
}

#[tokio::test]
async fn a_diff_over_githubs_limit_is_too_large() {
    let words = r#"{"message":"Sorry, the diff exceeded the maximum number of files (300).","errors":[{"resource":
        "PullRequest","field":"diff","code":"too_large"}],"status":"406"}"#;
    let server = Server::always(reply(406, words)).await;
    let error = server.github().diff(&repo(), NUMBER).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_deleted_fork_a_missing_author_and_unknown_fields_do_not_stop_a_pull_request() {
    let body = r#"{"number":7,"title":null,"state":"closed","merged":true,"new":[1],
        "head":{"sha":"0123456789abcdef0123456789abcdef01234567","repo":null},
        "base":{"ref":"main","sha":"89a9ae301e35e667756034fdc933b1fc94f63fc1"}}"#;
    let server =
        Server::new(move |_, before| if before == 0 { reply(200, body) } else { reply(200, "{}") }).await;
    let github = server.github();
    let pull = github.pull(&repo(), NUMBER).await.unwrap();
    assert!(pull.closed && pull.head_repo.is_none() && pull.author.is_none() && pull.title.is_empty());
    let error = github.pull(&repo(), NUMBER).await.unwrap_err().to_string();
    assert!(error.contains("a pull request without a head"), "{error}");
}

#[tokio::test]
async fn every_page_is_read_in_order_and_the_rest_at_once_when_the_last_is_known() {
    let server = Server::new(|asked, _| {
        let number = page(asked);
        let link = |page: u64, rel: &str| {
            format!(r#"</repositories/1/comments?per_page=100&page={page}>; rel="{rel}""#)
        };
        let answer = reply(200, comments(number * 100..number * 100 + 100));
        if number < 9 {
            answer.with("link", &format!("{}, {}", link(number + 1, "next"), link(9, "last")))
        } else {
            answer
        }
    })
    .await;
    let github = server.github();
    let comments = github.timeline_comments(&repo(), NUMBER).await.unwrap();
    let ids: Vec<u64> = comments.iter().map(|comment| comment.id).collect();
    assert_eq!(ids, (100..1000).collect::<Vec<u64>>());
    assert_eq!(github.calls(), 9);
    assert_eq!(server.targets()[0], "/repos/octo/repo/issues/7/comments?per_page=100");
    assert!(
        server.targets()[1..]
            .iter()
            .all(|target| target.starts_with("/repositories/1/comments?per_page=100&page="))
    );
}

#[tokio::test]
async fn pages_without_a_known_last_are_followed_one_by_one() {
    let server = Server::new(|asked, before| {
        let id = before as u64;
        let answer = reply(200, comments(id..id + 1));
        let next = [Some("a"), Some("b"), None][before];
        assert_eq!(asked.target.contains("cursor"), before > 0);
        next.map_or(answer.clone(), |next| answer.with("link", &format!("</x?cursor={next}>; rel=\"next\"")))
    })
    .await;
    assert_eq!(server.github().timeline_comments(&repo(), NUMBER).await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_next_page_on_another_origin_is_asked_for_at_home() {
    let thief = Server::always(reply(200, comments(900..901))).await;
    let elsewhere = format!(r#"<{}/x?page=2>; rel="next", <{0}/x?page=3>; rel="last""#, thief.url);
    let server = Server::new(move |asked, _| {
        let number = page(asked);
        let answer = reply(200, comments(number..number + 1));
        if number < 3 { answer.with("link", &elsewhere) } else { answer }
    })
    .await;
    assert_eq!(server.github().timeline_comments(&repo(), NUMBER).await.unwrap().len(), 3);
    assert!(thief.asked().is_empty());
    assert!(
        server
            .targets()
            .iter()
            .all(|target| target.starts_with("/repos/octo/repo/issues/7/comments?per_page=100"))
    );
}

#[tokio::test]
async fn a_list_without_end_is_read_to_its_cap() {
    let server = Server::always(reply(200, comments(1..2)).with("link", r#"</x?page=2>; rel="next""#)).await;
    assert_eq!(server.github().timeline_comments(&repo(), NUMBER).await.unwrap().len(), 50);
    assert_eq!(server.asked().len(), 50);
}

/// GitHub's file list with its unmarked budget: once a page's patches have 20,000 lines, the rest are zeros.
fn files_page(asked: &Asked, all: &[(String, u64)]) -> Reply {
    let (_, query) = asked.target.split_once('?').unwrap();
    let size =
        query.split('&').find_map(|pair| pair.strip_prefix("per_page=")).unwrap().parse::<usize>().unwrap();
    let start = (page(asked) as usize - 1) * size;
    let mut budget = 20_000_i64;
    let rows: Vec<serde_json::Value> = all
        .iter()
        .skip(start)
        .take(size)
        .map(|(name, lines)| {
            let mut row =
                serde_json::json!({"filename": name, "status": "modified", "sha": "ab", "changes": 0});
            if *lines > 0 && budget > 0 {
                row["changes"] = (*lines).into();
                row["patch"] = format!("@@ -0,0 +1,{lines} @@{}", "\n+x".repeat(*lines as usize)).into();
                budget -= *lines as i64;
            }
            row
        })
        .collect();
    let answer = reply(200, serde_json::to_vec(&rows).unwrap());
    if start + size < all.len() {
        let next = format!(r#"</f?per_page={size}&page={}>; rel="next""#, page(asked) + 1);
        answer.with("link", &next)
    } else {
        answer
    }
}

#[tokio::test]
async fn lines_lost_to_the_page_budget_are_found_and_binaries_stay_binary() {
    // 700 lines a file: the budget of a page of 100 ends after 29 files, that of 30 before its last, none of 10.
    let lines = |at: usize| if at % 20 == 7 { 0 } else { 700 };
    let all: Vec<(String, u64)> = (0..130).map(|at| (format!("f{at}"), lines(at))).collect();
    let served = all.clone();
    let server = Server::new(move |asked, _| files_page(asked, &served)).await;
    let github = server.github();
    let files = github.files(&repo(), NUMBER, 140).await.unwrap();
    assert_eq!((files.files.len(), files.unlisted, files.problems.len()), (130, 10, 0));
    for (file, (name, lines)) in files.files.iter().zip(&all) {
        assert_eq!((&file.path, file.lines().count() as u64), (name, *lines));
        assert_eq!(file.no_lines, (*lines == 0).then_some(NoLines::Binary));
    }
    assert!(github.calls() < 20, "{}", github.calls());
}

#[tokio::test]
async fn a_list_of_few_lines_is_not_asked_for_twice() {
    let all: Vec<(String, u64)> = (0..60).map(|at| (format!("f{at}"), u64::from(at % 2 == 0) * 10)).collect();
    let server = Server::new(move |asked, _| files_page(asked, &all)).await;
    let files = server.github().files(&repo(), NUMBER, 60).await.unwrap();
    assert_eq!(files.files.iter().filter(|file| file.no_lines == Some(NoLines::Binary)).count(), 30);
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_file_that_stays_in_doubt_is_withheld_and_never_taken_for_a_binary_one() {
    let patch = format!("@@ -0,0 +1,2000 @@{}", "\\n+x".repeat(2_000));
    let rows = format!(
        r#"[{{"filename":"a","status":"added","changes":2000,"patch":"{patch}"}},
            {{"filename":"b","status":"modified","changes":0}},{{"filename":"c","status":"modified","changes":0}}]"#
    );
    // One server whose smaller pages tell no more, and one that has none.
    for closer in [200, 404] {
        let rows = rows.clone();
        let server = Server::new(move |asked, _| {
            reply(if asked.target.contains("per_page=100") { 200 } else { closer }, rows.clone())
        })
        .await;
        let files = server.github().files(&repo(), NUMBER, 3).await.unwrap().files;
        let why: Vec<_> = files.iter().map(|file| file.no_lines).collect();
        assert_eq!(why, [None, Some(NoLines::Withheld), Some(NoLines::Withheld)]);
    }
}

#[tokio::test]
async fn a_pull_request_full_of_images_is_not_asked_for_row_by_row_without_end() {
    let lines = |at: usize| if at.is_multiple_of(2) { 0 } else { 400 };
    let all: Vec<(String, u64)> = (0..1_000).map(|at| (format!("f{at:04}"), lines(at))).collect();
    let server = Server::new(move |asked, _| files_page(asked, &all)).await;
    let github = server.github();
    let files = github.files(&repo(), NUMBER, 1_000).await.unwrap().files;
    assert!(files.iter().all(|file| file.no_lines != Some(NoLines::Binary) || file.hunks.is_empty()));
    assert!(github.calls() <= 10 + 34 + 50 + 50, "{}", github.calls());
}

#[tokio::test]
async fn a_file_without_lines_says_why() {
    let rows = r#"[
        {"filename":"big","status":"modified","changes":900},
        {"filename":"image","status":"added","changes":0,"sha":"ab"},
        {"filename":"empty","status":"added","changes":0,"sha":"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"},
        {"filename":"new","previous_filename":"old","status":"renamed","changes":0},
        {"filename":"link","status":"changed","changes":0},
        {"filename":"odd","status":"a-new-word","changes":1,"patch":"@@ -1 +1 @@\n-a\n+b"},
        {"status":"modified"}]"#;
    let server = Server::always(reply(200, rows)).await;
    let files = server.github().files(&repo(), NUMBER, 7).await.unwrap().files;
    let why: Vec<_> = files.iter().map(|file| (file.path.as_str(), file.no_lines)).collect();
    assert_eq!(
        why,
        [
            ("big", Some(NoLines::Withheld)),
            ("image", Some(NoLines::Binary)),
            ("empty", Some(NoLines::NothingToRead)),
            ("new", Some(NoLines::NothingToRead)),
            ("link", Some(NoLines::NothingToRead)),
            ("odd", None),
        ]
    );
    assert_eq!((files[3].status, files[3].old_path.as_deref()), (Status::Renamed, Some("old")));
}

#[tokio::test]
async fn a_file_is_read_whole_or_the_reason_is_told() {
    let file = |kind: &str, encoding: &str, content: &str, size: u64| {
        format!(
            r#"{{"type":"{kind}","encoding":"{encoding}","content":"{content}","size":{size},"sha":"5a"}}"#
        )
    };
    let ok = Server::always(reply(200, file("file", "base64", "dmVyc2lvbjog\\nMQ==\\n", 10))).await;
    let found =
        ok.github().content(&repo(), ".github/counterpoint.yml", "feature/x y").await.unwrap().unwrap();
    assert_eq!((found.text.as_str(), found.sha.as_str()), ("version: 1", "5a"));
    assert_eq!(ok.targets(), ["/repos/octo/repo/contents/.github/counterpoint.yml?ref=feature%2Fx+y"]);
    let empty = Server::always(reply(200, file("file", "base64", "", 0))).await;
    assert_eq!(empty.github().content(&repo(), "a", "b").await.unwrap().unwrap().text, "");
    let odd = Server::always(reply(200, "{}")).await;
    assert!(matches!(odd.github().content(&repo(), "a", "b").await, Err(Error::NotJson { .. })));
    let none = Server::always(reply(404, r#"{"message":"Not Found"}"#)).await;
    assert_eq!(none.github().content(&repo(), "a", "b").await.unwrap(), None);
    let reasons = [
        ("[]".to_owned(), "this is a directory, not a file"),
        (file("submodule", "base64", "", 0), "this is a submodule, not a file"),
        (file("symlink", "base64", "", 0), "this is a link that leads to no file of the repository"),
        (file("file", "none", "", 2_000_000), "this file is larger than the 1 MB that GitHub sends"),
        (file("file", "base64", "6Q==", 1), "this file is not UTF-8 text"),
    ];
    for (body, reason) in reasons {
        let server = Server::always(reply(200, body)).await;
        let error = server.github().content(&repo(), "a", "b").await.unwrap_err();
        assert!(matches!(&error, Error::NotAFile { what, .. } if what == reason), "{error}");
    }
}

#[tokio::test]
async fn only_write_maintain_and_admin_may_command() {
    // The odd ones were recorded: an empty role, no role, and `maintain` outside the documented four.
    let table = [
        (200, r#"{"permission":"admin","role_name":"admin"}"#, Permission::Write),
        (200, r#"{"permission":"write","role_name":"maintain"}"#, Permission::Write),
        (200, r#"{"permission":"maintain","role_name":"maintain"}"#, Permission::Write),
        (200, r#"{"permission":"write","role_name":"release-managers"}"#, Permission::Write),
        (200, r#"{"permission":"admin"}"#, Permission::Write),
        (200, r#"{"permission":null,"role_name":"maintain"}"#, Permission::Write),
        (200, r#"{"permission":"read","role_name":"triage"}"#, Permission::Less),
        (200, r#"{"permission":"read","role_name":"write"}"#, Permission::Less),
        (200, r#"{"permission":"none","role_name":""}"#, Permission::Less),
        (200, r#"{"permission":"","role_name":""}"#, Permission::Less),
        (200, r#"{"permission":"triage"}"#, Permission::Less),
        (200, r#"{"permission":"superuser"}"#, Permission::Less),
        (200, "{}", Permission::Less),
        (403, r#"{"message":"Must have push access to view collaborator permission."}"#, Permission::Less),
        (404, r#"{"message":"octocat is not a user"}"#, Permission::Less),
    ];
    for (status, body, expected) in table {
        let server = Server::always(reply(status, body)).await;
        assert_eq!(
            server.github().permission(&repo(), "octocat").await.unwrap(),
            expected,
            "{status} {body}"
        );
    }
    let broken = Server::always(reply(401, "{}")).await;
    assert!(broken.github().permission(&repo(), "octocat").await.is_err());
    let bot = Server::always(reply(200, r#"{"permission":"admin"}"#)).await;
    bot.github().permission(&repo(), "renovate[bot]").await.unwrap();
    assert!(bot.targets()[0].starts_with("/repos/octo/repo/collaborators/renovate"));
    assert!(matches!(bot.github().permission(&repo(), "..").await, Err(Error::BadUrl { .. })));
}

#[tokio::test]
async fn we_are_whom_graphql_names_else_whom_rest_names_else_the_actions_bot() {
    let viewer =
        |login: &str, id: &str| format!(r#"{{"data":{{"viewer":{{"login":"{login}","databaseId":{id}}}}}}}"#);
    let bot = Account { login: "github-actions[bot]".to_owned(), id: Some(41_898_282), bot: true };
    let mona = Account { login: "mona".to_owned(), id: Some(3), bot: false };
    let user = r#"{"login":"mona","id":3,"type":"User"}"#;
    let failed = r#"{"data":null,"errors":[{"message":"Something went wrong"}]}"#;
    let table = [
        (reply(200, viewer("mona", "3")), reply(500, ""), mona.clone()),
        (reply(200, viewer("github-actions[bot]", "41898282")), reply(500, ""), bot.clone()),
        (reply(200, viewer("github-actions", "41898282")), reply(500, ""), bot.clone()),
        (
            reply(200, viewer("our-app[bot]", "null")),
            reply(500, ""),
            Account { login: "our-app[bot]".to_owned(), id: None, bot: true },
        ),
        (reply(200, failed), reply(200, user), mona.clone()),
        (reply(404, "{}"), reply(200, user), mona),
        (
            reply(404, "{}"),
            reply(403, r#"{"message":"Resource not accessible by integration"}"#),
            bot.clone(),
        ),
        (reply(502, "<html>"), reply(404, "{}"), bot),
    ];
    for (graphql, rest, expected) in table {
        let server = Server::new(
            move |asked, _| if asked.target == "/graphql" { graphql.clone() } else { rest.clone() },
        )
        .await;
        assert_eq!(server.github().identity().await.unwrap(), expected);
    }
    let nobody = Server::always(reply(401, r#"{"message":"Bad credentials"}"#)).await;
    assert!(matches!(nobody.github().identity().await, Err(Error::Unauthorized { .. })));
}

#[test]
fn accounts_are_compared_by_number_and_only_then_by_name() {
    let account = |login: &str, id, bot| Account { login: login.to_owned(), id, bot };
    let ours = account("github-actions[bot]", Some(41_898_282), true);
    assert!(ours.is(&account("renamed", Some(41_898_282), true)));
    assert!(!ours.is(&account("github-actions[bot]", Some(1), true)));
    assert!(ours.is(&account("GitHub-Actions", None, true)));
    assert!(!ours.is(&account("github-actions", None, false)), "a person may have the bare name");
}

#[tokio::test]
async fn the_pending_review_and_the_check_of_our_name_are_found() {
    let reviews = r#"[{"id":1,"state":"PENDING","user":{"login":"a","id":1},"body":""},{"id":2,"state":"COMMENTED",
        "user":null,"body":"x"},{"id":3,"state":"NEW_WORD"},{"state":"PENDING"}]"#;
    let server = Server::always(reply(200, reviews)).await;
    let reviews = server.github().reviews(&repo(), NUMBER).await.unwrap();
    let states: Vec<_> = reviews.iter().map(|review| (review.id, review.state)).collect();
    use ReviewState::{Pending, Submitted};
    assert_eq!(states, [(1, Pending), (2, Submitted), (3, Submitted)]);
    let checks = r#"{"total_count":3,"check_runs":[{"id":1,"name":"Counterpoint","output":{"title":null,"summary":"s"},
        "app":{"slug":"github-actions"}},{"id":2,"name":"Other"},{"id":3,"name":"Counterpoint","output":{"summary":null},"app":null}]}"#;
    let server = Server::always(reply(200, checks)).await;
    let checks = server.github().check_runs(&repo(), &sha(), "Counterpoint").await.unwrap();
    let seen: Vec<_> =
        checks.iter().map(|check| (check.id, check.summary.as_str(), check.app.as_deref())).collect();
    assert_eq!(seen, [(1, "s", Some("github-actions")), (3, "", None)]);
    assert!(server.targets()[0].ends_with("/check-runs?check_name=Counterpoint&per_page=100"));
}

#[tokio::test]
async fn the_token_is_described_as_far_as_github_does() {
    let body = r#"{"private":true,"default_branch":"trunk","permissions":{"push":false}}"#;
    let server = Server::always(reply(200, body).with("x-oauth-scopes", "repo, gist")).await;
    let access = server.github().repository(&repo()).await.unwrap();
    assert_eq!((access.private, access.push, access.default_branch.as_str()), (true, Some(false), "trunk"));
    assert_eq!(access.scopes.as_deref(), Some("repo, gist"));
    assert_eq!(server.targets(), ["/repos/octo/repo"]);
    let limits = r#"{"resources":{"core":{"limit":1000,"remaining":990,"reset":1795100406}},"rate":null}"#;
    let server = Server::new(move |_, n| if n == 0 { reply(200, limits) } else { reply(404, "{}") }).await;
    assert_eq!(server.github().rate_limit().await.unwrap().unwrap().remaining, 990);
    assert_eq!(server.github().rate_limit().await.unwrap(), None);
}

#[tokio::test]
async fn texts_are_asked_for_by_hundreds_and_whatever_is_no_whole_text_is_left_out() {
    let answer = r#"{"data":{"repository":{"f0":{"text":"fn a\n","isTruncated":false,"byteSize":5},"f1":null,"f2":{},
        "f3":{"text":null,"isTruncated":false,"byteSize":9},"f4":{"text":"cut","isTruncated":true,"byteSize":3},
        "f5":{"text":"b","isTruncated":null,"byteSize":null},
        "f6":{"text":"c","isTruncated":false,"byteSize":999999}}},"errors":[{"message":"something about f1"}]}"#;
    let server = Server::always(reply(200, answer)).await;
    let paths: Vec<String> = (0..150).map(|at| format!("p{at} }} \"")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let texts = server.github().texts(&repo(), &sha(), &paths).await;
    assert_eq!(texts.problems, Vec::<String>::new());
    assert_eq!(
        texts.files.iter().map(|(path, text)| (path.as_str(), &text[..])).collect::<Vec<_>>(),
        [("p0 } \"", &b"fn a\n"[..]), ("p100 } \"", b"fn a\n"), ("p105 } \"", b"b"), ("p5 } \"", b"b"),]
    );
    let mut asked = server.asked();
    asked.sort_by_key(|asked| asked.body.len());
    let body: serde_json::Value = serde_json::from_str(&asked[0].body).unwrap();
    assert_eq!(asked.len(), 2);
    assert_eq!(body["variables"]["e49"], format!("{}:p149 }} \"", sha()));
    assert_eq!(body["variables"].as_object().unwrap().len(), 52);
    assert!(!body["query"].as_str().unwrap().contains("p149"));
    assert_eq!(server.github().texts(&repo(), &sha(), &[]).await, Texts::default());
}

#[tokio::test]
async fn texts_that_do_not_come_are_a_problem_and_no_error() {
    let huge = format!(r#"{{"data":{{"repository":{{"f0":{{"text":"{}"}}}}}}}}"#, "x".repeat(9_000_000));
    for (status, body) in [
        (500, String::new()),
        (200, "<html>".to_owned()),
        (200, r#"{"data":null,"errors":[{"message":"Something went wrong"}]}"#.to_owned()),
        (200, r#"{"data":{"repository":null}}"#.to_owned()),
        (200, huge),
    ] {
        let texts = Server::always(reply(status, body)).await.github().texts(&repo(), &sha(), &["a"]).await;
        assert_eq!((texts.files.len(), texts.problems.len()), (0, 1), "{texts:?}");
        assert!(texts.problems[0].starts_with("What stands around the hunks of 1 file could not be read: "));
    }
}

#[tokio::test]
async fn the_bytes_of_a_file_come_as_they_are_or_not_at_all() {
    let raw = "application/vnd.github.raw+json; charset=utf-8";
    let head: Sha = "1".repeat(40).parse().unwrap();
    let ok = Server::always(reply(200, vec![0xff, b'\n']).with("content-type", raw)).await;
    let bytes = ok.github().bytes(&repo(), "a b/ü#?.rs", &head, 2).await.unwrap();
    assert_eq!(bytes, vec![0xff, b'\n']);
    assert_eq!(ok.targets(), [format!("/repos/octo/repo/contents/a%20b/%C3%BC%23%3F.rs?ref={head}")]);
    let error = ok.github().bytes(&repo(), "a", &head, 1).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    let error = ok.github().bytes(&repo(), "../a", &head, 1).await.unwrap_err();
    assert!(matches!(error, Error::BadUrl { .. }), "{error}");
    let folder =
        Server::always(reply(200, "[]").with("content-type", "application/json; charset=utf-8")).await;
    let error = folder.github().bytes(&repo(), "a", &head, 9).await.unwrap_err();
    assert!(matches!(error, Error::NotAFile { .. }), "{error}");
}

#[tokio::test]
async fn the_common_commit_is_found_without_a_list_of_files() {
    let (base, head): (Sha, Sha) = ("1".repeat(40).parse().unwrap(), "2".repeat(40).parse().unwrap());
    let common = "3".repeat(40);
    let server = Server::always(reply(200, format!(r#"{{"merge_base_commit":{{"sha":"{common}"}}}}"#))).await;
    assert_eq!(server.github().merge_base(&repo(), &base, &head).await.unwrap().as_str(), common);
    assert_eq!(server.targets(), [format!("/repos/octo/repo/compare/{base}...{head}?per_page=1&page=2")]);
    for odd in ["{}", r#"{"merge_base_commit":null}"#, r#"{"merge_base_commit":{"sha":"main"}}"#] {
        let server = Server::always(reply(200, odd)).await;
        let error = server.github().merge_base(&repo(), &base, &head).await.unwrap_err();
        assert!(matches!(error, Error::NotJson { .. }), "{error}");
    }
}
