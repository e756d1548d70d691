//! The outside truth, where `COUNTERPOINT_SHARED` names it: real recorded answers are replayed to the verb they
//! belong to, and everything we send is held against GitHub's own description.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::super::{Error, Reaction, ReviewId};
use super::*;
use crate::domain::pull::{Check, Conclusion, Permission};

fn shared() -> Option<PathBuf> {
    let shared = std::env::var_os("COUNTERPOINT_SHARED").filter(|path| !path.is_empty());
    if shared.is_none() {
        eprintln!("COUNTERPOINT_SHARED is not set: nothing recorded to check");
    }
    shared.map(PathBuf::from)
}

struct Recorded {
    from: String,
    method: String,
    path: String,
    reply: Reply,
}

fn json_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            json_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Path without host and query.
fn bare(url: &str) -> String {
    let path = url.split_once("://").map_or(url, |(_, rest)| rest.find('/').map_or("/", |at| &rest[at..]));
    path.split('?').next().unwrap().to_owned()
}

/// The recorded headers that a replay may use: no encodings, no lengths, no links to pages elsewhere and none
/// that a template would fill.
fn with_headers(mut reply: Reply, headers: &Value) -> Reply {
    for (name, value) in headers.as_object().into_iter().flatten() {
        let value =
            value.as_array().and_then(|values| values.first()).unwrap_or(value).as_str().unwrap_or_default();
        let ours =
            ["content-length", "content-encoding", "transfer-encoding", "connection", "link", "location"];
        if !ours.contains(&name.to_ascii_lowercase().as_str()) && !value.contains("{{") && value.is_ascii() {
            reply = reply.with(name, value);
        }
    }
    reply
}

fn mapping(path: &Path) -> Option<Recorded> {
    let value = read(path);
    let (request, response) = (value.get("request")?, value.get("response")?);
    let url = request.get("url").or_else(|| request.get("urlPath"))?.as_str()?;
    let body = match (response["bodyFileName"].as_str(), response["body"].as_str()) {
        (Some(name), _) => std::fs::read(path.parent()?.parent()?.join("__files").join(name)).ok()?,
        (None, body) => body.unwrap_or_default().as_bytes().to_vec(),
    };
    let status = u16::try_from(response["status"].as_u64()?).ok()?;
    Some(Recorded {
        from: path.display().to_string(),
        method: request["method"].as_str()?.to_owned(),
        path: bare(url),
        reply: with_headers(reply(status, body), &response["headers"]),
    })
}

fn cassette(path: &Path) -> Vec<Recorded> {
    let value = read(path);
    let one = |exchange: &Value| {
        let (request, response) = (&exchange["request"], &exchange["response"]);
        let text = match (response["body"]["string"].as_str(), response["body"]["base64_string"].as_str()) {
            (Some(text), _) => text.as_bytes().to_vec(),
            (None, base64) => BASE64_STANDARD.decode(base64?.replace('\n', "")).unwrap(),
        };
        // That library writes a placeholder over a number.
        let body = String::from_utf8(text)
            .unwrap()
            .replace("\"id\":<GITHUB_TEST_INTEGRATION>", "\"id\":1")
            .into_bytes();
        Some(Recorded {
            from: path.display().to_string(),
            method: request["method"].as_str()?.to_uppercase(),
            path: bare(request["uri"].as_str()?),
            reply: with_headers(
                reply(u16::try_from(response["status"]["code"].as_u64()?).ok()?, body),
                &response["headers"],
            ),
        })
    };
    value["http_interactions"].as_array().into_iter().flatten().filter_map(one).collect()
}

fn all(shared: &Path) -> Vec<Recorded> {
    let mut found = Vec::new();
    json_files(&shared.join("recorded"), &mut found);
    found.sort();
    let mut recorded = Vec::new();
    for path in found {
        let text = path.to_string_lossy();
        if text.contains("/mappings/") {
            recorded.extend(mapping(&path));
        } else if text.contains("/octokit.rb/") {
            recorded.extend(cassette(&path));
        }
    }
    recorded
}

/// Sends the answer through the verb it belongs to; absent when none of ours does.
async fn replay(recorded: &Recorded) -> Option<(&'static str, Result<(), Error>)> {
    let path = recorded.path.strip_prefix("/api/v3").unwrap_or(&recorded.path);
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let rest = match segments.as_slice() {
        ["repos", _, _, rest @ ..] | ["repositories", _, rest @ ..] => rest,
        other => other,
    };
    let server = Server::new({
        let answer = recorded.reply.clone();
        move |asked, _| if asked.target == "/graphql" { reply(404, "{}") } else { answer.clone() }
    })
    .await;
    // Recorded limits would be waited for.
    let github = server.github().until(Instant::now() + Duration::from_millis(450));
    let body: Value = serde_json::from_slice(&recorded.reply.body).unwrap_or_default();
    let (repo, sha) = (repo(), sha());
    let check = || Check {
        head: sha.clone(),
        conclusion: Conclusion::Neutral,
        title: "t".into(),
        summary: "s".into(),
    };
    Some(match (recorded.method.as_str(), rest) {
        ("GET", []) => ("repository", github.repository(&repo).await.map(drop)),
        ("GET", ["user"]) => ("identity", github.identity().await.map(drop)),
        ("GET", ["rate_limit"]) => ("rate_limit", github.rate_limit().await.map(drop)),
        ("GET", ["pulls", number]) if number.parse::<u64>().is_ok() => {
            ("pull", github.pull(&repo, NUMBER).await.map(drop))
        }
        ("GET", ["pulls", _, "files"]) => ("files", github.files(&repo, NUMBER, 1).await.map(drop)),
        ("GET", ["pulls", _, "comments"] | ["pulls", "comments"]) => ("line_comments", {
            let comments = github.line_comments(&repo, NUMBER).await;
            comments.map(|comments| same_count(comments.len(), &body))
        }),
        ("GET", ["issues", _, "comments"]) => ("timeline_comments", {
            let comments = github.timeline_comments(&repo, NUMBER).await;
            comments.map(|comments| same_count(comments.len(), &body))
        }),
        ("GET", ["issues", "comments", _]) => {
            ("timeline_comment", github.timeline_comment(&repo, 1).await.map(drop))
        }
        ("GET", ["pulls", _, "reviews"]) => ("reviews", {
            github.reviews(&repo, NUMBER).await.map(|reviews| same_count(reviews.len(), &body))
        }),
        ("GET", ["commits", _, "check-runs"]) => ("check_runs", {
            let name = body["check_runs"][0]["name"].as_str().unwrap_or("none");
            let checks = github.check_runs(&repo, &sha, name).await;
            checks.map(|checks| assert!(body["total_count"] == 0 || !checks.is_empty()))
        }),
        ("GET", ["contents", ..]) => ("content", github.content(&repo, "a", "b").await.map(drop)),
        ("GET", ["collaborators", _, "permission"]) => ("permission", {
            let write = matches!(body["permission"].as_str(), Some("admin" | "maintain" | "write"));
            let expected = if write { Permission::Write } else { Permission::Less };
            github.permission(&repo, "x").await.map(|permission| assert_eq!(permission, expected))
        }),
        ("POST", ["pulls", _, "reviews"]) => {
            ("review", github.review(&repo, NUMBER, &sha, "b", &[]).await.map(drop))
        }
        ("DELETE", ["pulls", _, "reviews", _]) => {
            ("delete_pending_review", github.delete_pending_review(&repo, NUMBER, ReviewId(1)).await)
        }
        ("POST", ["issues", _, "comments"]) => {
            ("comment", github.comment(&repo, NUMBER, "b").await.map(drop))
        }
        ("PATCH", ["issues", "comments", _]) => {
            ("edit_comment", github.edit_comment(&repo, 1, "b").await.map(drop))
        }
        ("DELETE", ["issues", "comments", _]) => ("delete_comment", github.delete_comment(&repo, 1).await),
        ("PATCH", ["pulls", "comments", _]) => {
            ("edit_line_comment", github.edit_line_comment(&repo, 1, "b").await)
        }
        ("DELETE", ["pulls", "comments", _]) => {
            ("delete_line_comment", github.delete_line_comment(&repo, 1).await)
        }
        ("POST", ["check-runs"]) => ("check", github.check(&repo, &check(), None).await.map(drop)),
        ("PATCH", ["check-runs", _]) => ("check", github.check(&repo, &check(), Some(1)).await.map(drop)),
        ("POST", ["issues" | "pulls", "comments", _, "reactions"] | ["issues", _, "reactions"]) => {
            ("react", github.react(&repo, 1, Reaction::Eyes).await.map(drop))
        }
        ("DELETE", ["issues" | "pulls", "comments", _, "reactions", _] | ["issues", _, "reactions", _]) => {
            ("unreact", github.unreact(&repo, 1, 1).await)
        }
        _ => return None,
    })
}

fn same_count(read: usize, body: &Value) {
    assert_eq!(read, body.as_array().map_or(0, Vec::len), "a row was lost");
}

/// Whether a result is the one its status asks for.
fn fits(what: &str, reply: &Reply, result: &Result<(), Error>) -> bool {
    match (reply.status, result) {
        (200..=299, Ok(())) => true,
        // Recorded on purpose: a directory and the like, told as such.
        (200..=299, Err(Error::NotAFile { .. })) => what == "content",
        (300..=399, Err(Error::Refused { .. })) => true,
        (401, Err(Error::Unauthorized { .. })) => true,
        (403, Ok(())) => matches!(what, "permission" | "identity"),
        (403, Err(Error::Forbidden { .. } | Error::RateLimited { .. })) => true,
        (404, Ok(())) => matches!(what, "permission" | "identity" | "content" | "rate_limit"),
        (404, Err(Error::NotFound { .. })) => true,
        (422, Err(Error::Rejected { message, .. })) => !message.is_empty(),
        (429, Err(Error::RateLimited { .. })) => true,
        _ => false,
    }
}

#[tokio::test]
async fn every_recorded_answer_of_our_operations_is_understood() {
    let Some(shared) = shared() else { return };
    let mut seen: BTreeMap<(&str, u16), usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for recorded in all(&shared) {
        let Some((what, result)) = replay(&recorded).await else { continue };
        *seen.entry((what, recorded.reply.status)).or_default() += 1;
        if !fits(what, &recorded.reply, &result) {
            wrong.push(format!("{} {what} {}: {result:?}", recorded.from, recorded.reply.status));
        }
    }
    eprintln!("replayed {}: {seen:?}", seen.values().sum::<usize>());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen.values().sum::<usize>() > 200, "the recordings were not found: {seen:?}");
    for what in ["pull", "reviews", "review", "check", "permission", "content", "timeline_comments", "react"]
    {
        assert!(seen.keys().any(|(known, _)| *known == what), "nothing recorded for {what}");
    }
}

#[tokio::test]
async fn every_request_we_make_is_one_that_github_describes() {
    let Some(shared) = shared() else { return };
    let contract = read(&shared.join("contract/github-contract.schema.json"));
    let mut checked = BTreeMap::<&str, usize>::new();
    for (operation, body) in super::writing::every_body().await {
        let mut schema = contract["requests"][operation].clone();
        assert!(schema.is_object(), "{operation} is not in the contract");
        schema["definitions"] = contract["definitions"].clone();
        schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<String> = validator.iter_errors(&body).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{operation}: {errors:?}");
        let mut unknown = body.clone();
        unknown["_severity"] = json!("high");
        assert!(!validator.is_valid(&unknown), "{operation}: the contract is not strict");
        *checked.entry(operation).or_default() += 1;
    }
    assert_eq!(checked.len(), 7, "{checked:?}");
}
