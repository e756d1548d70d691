//! GitHub's JSON for what the world remembers, as complete as its published schema asks for.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::diff::{self, FileDiff, FileStatus};
use super::pulls::{HeadRepo, Pull};
use super::state::{
    CheckRun, IssueComment, Reaction, Review, ReviewComment, State, User, object_name, timestamp,
};

const API: &str = "https://api.github.com";
const WEB: &str = "https://github.com";

/// What addresses spell otherwise in a path.
const IN_PATH: AsciiSet = NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_');

/// A file shows no patch from here on. GitHub names no figure; 2,081 changed lines were seen without one.
const PATCH_MAX_CHANGES: usize = 2_000;
const PATCH_MAX_BYTES: usize = 100_000;

pub fn user(user: &User) -> Value {
    let (login, id) = (&user.login, user.id);
    let in_address = login.replace('[', "%5B").replace(']', "%5D");
    let at = |what: &str| format!("{API}/users/{in_address}{what}");
    let page = match login.strip_suffix("[bot]") {
        Some(app) => format!("{WEB}/apps/{app}"),
        None => format!("{WEB}/{login}"),
    };
    json!({
        "login": login,
        "id": id,
        "node_id": format!("U_{id}"),
        "avatar_url": format!("https://avatars.githubusercontent.com/u/{id}?v=4"),
        "gravatar_id": "",
        "url": at(""),
        "html_url": page,
        "followers_url": at("/followers"),
        "following_url": at("/following{/other_user}"),
        "gists_url": at("/gists{/gist_id}"),
        "starred_url": at("/starred{/owner}{/repo}"),
        "subscriptions_url": at("/subscriptions"),
        "organizations_url": at("/orgs"),
        "repos_url": at("/repos"),
        "events_url": at("/events{/privacy}"),
        "received_events_url": at("/received_events"),
        "type": if user.bot { "Bot" } else { "User" },
        "site_admin": false,
        "user_view_type": "public",
    })
}

pub fn repository(state: &State, full_name: &str, fork: bool) -> Value {
    let (owner, name) = full_name.split_once('/').unwrap_or(("", full_name));
    json!({
        "id": repository_id(full_name),
        "node_id": format!("R_{}", repository_id(full_name)),
        "name": name,
        "full_name": full_name,
        "private": state.private,
        "visibility": if state.private { "private" } else { "public" },
        "owner": user(&User::person(owner)),
        "html_url": format!("{WEB}/{full_name}"),
        "url": format!("{API}/repos/{full_name}"),
        "clone_url": format!("{WEB}/{full_name}.git"),
        "description": null,
        "fork": fork,
        "default_branch": state.default_branch,
        "archived": false,
        "disabled": false,
        "topics": [],
        "permissions": {"admin": false, "maintain": false, "push": false, "triage": false, "pull": true},
    })
}

pub fn repository_id(full_name: &str) -> u64 {
    700_000_000 + User::person(full_name).id
}

pub fn pull(state: &State, pull: &Pull) -> Value {
    let full_name = state.full_name();
    let (api, web) = (pull_api(state, pull.number), pull_web(state, pull.number));
    let (head_repo, head_owner) = match &pull.head_repo {
        HeadRepo::Same => (repository(state, &full_name, false), state.owner.clone()),
        HeadRepo::Fork(name) => {
            let owner = name.split('/').next().unwrap_or_default();
            (repository(state, name, true), owner.to_owned())
        }
        HeadRepo::Deleted => (Value::Null, pull.author.login.clone()),
    };
    let head_user = match pull.head_repo {
        HeadRepo::Deleted => Value::Null,
        _ => user(&User::person(&head_owner)),
    };
    let mut value = json!({
        "url": api,
        "id": 1_000_000 + pull.number,
        "node_id": format!("PR_{}", pull.number),
        "html_url": web,
        "diff_url": format!("{web}.diff"),
        "patch_url": format!("{web}.patch"),
        "issue_url": format!("{API}/repos/{full_name}/issues/{}", pull.number),
        "commits_url": format!("{api}/commits"),
        "review_comments_url": format!("{api}/comments"),
        "review_comment_url": format!("{API}/repos/{full_name}/pulls/comments{{/number}}"),
        "comments_url": format!("{API}/repos/{full_name}/issues/{}/comments", pull.number),
        "statuses_url": format!("{API}/repos/{full_name}/statuses/{}", pull.head_sha),
        "number": pull.number,
        "state": if pull.open { "open" } else { "closed" },
        "locked": false,
        "title": pull.title,
        "user": user(&pull.author),
        "body": pull.body,
        "labels": [],
        "milestone": null,
        "assignee": null,
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [],
        "created_at": timestamp(0),
        "updated_at": timestamp(0),
        "closed_at": (!pull.open).then(|| timestamp(0)),
        "merged_at": null,
        "merge_commit_sha": object_name(pull.head_sha.as_bytes()),
        "draft": pull.draft,
        "head": {
            "label": format!("{head_owner}:{}", pull.head_ref),
            "ref": pull.head_ref,
            "sha": pull.head_sha,
            "user": head_user,
            "repo": head_repo,
        },
        "base": {
            "label": format!("{}:{}", state.owner, pull.base_ref),
            "ref": pull.base_ref,
            "sha": pull.base_sha,
            "user": user(&User::person(&state.owner)),
            "repo": repository(state, &full_name, false),
        },
        "_links": pull_links(state, pull),
        "author_association": association(state, &pull.author),
    });
    if let (Some(map), Value::Object(state)) = (value.as_object_mut(), pull_state(state, pull)) {
        map.extend(state);
    }
    value
}

/// The part of a pull request that changes by what happens to it.
fn pull_state(state: &State, pull: &Pull) -> Value {
    let files = diff::read(pull.diff());
    let sum = |count: fn(&FileDiff) -> usize| files.iter().map(count).sum::<usize>();
    let comments = state.issue_comments.iter().filter(|c| c.issue == pull.number);
    let review_comments = state.review_comments.iter().filter(|c| c.pull == pull.number);
    json!({
        "auto_merge": null,
        "active_lock_reason": null,
        "merged": false,
        // GitHub works this out in the background, so a first answer often says null.
        "mergeable": null,
        "rebaseable": null,
        "mergeable_state": "unknown",
        "merged_by": null,
        "comments": comments.count(),
        "review_comments": review_comments.count(),
        "maintainer_can_modify": false,
        "commits": pull.commits.len(),
        "additions": sum(FileDiff::additions),
        "deletions": sum(FileDiff::deletions),
        "changed_files": files.len(),
    })
}

fn pull_links(state: &State, pull: &Pull) -> Value {
    let (api, web) = (pull_api(state, pull.number), pull_web(state, pull.number));
    let full_name = state.full_name();
    json!({
        "self": {"href": api},
        "html": {"href": web},
        "issue": {"href": format!("{API}/repos/{full_name}/issues/{}", pull.number)},
        "comments": {"href": format!("{API}/repos/{full_name}/issues/{}/comments", pull.number)},
        "review_comments": {"href": format!("{api}/comments")},
        "review_comment": {"href": format!("{API}/repos/{full_name}/pulls/comments{{/number}}")},
        "commits": {"href": format!("{api}/commits")},
        "statuses": {"href": format!("{API}/repos/{full_name}/statuses/{}", pull.head_sha)},
    })
}

/// One row of a file list. `patch` is left out where GitHub leaves it out.
pub fn file(state: &State, file: &FileDiff, head: &str) -> Value {
    let full_name = state.full_name();
    let path = utf8_percent_encode(&file.path, &IN_PATH);
    let (additions, deletions) = (file.additions(), file.deletions());
    let status = match file.status {
        FileStatus::Added => "added",
        FileStatus::Removed => "removed",
        FileStatus::Modified => "modified",
        FileStatus::Renamed => "renamed",
        FileStatus::Copied => "copied",
        FileStatus::Changed => "changed",
    };
    let blob = file.blobs.as_ref().map_or_else(
        || object_name(file.path.as_bytes()),
        |(old, new)| object_name(if file.status == FileStatus::Removed { old } else { new }.as_bytes()),
    );
    let mut row = json!({
        "sha": blob,
        "filename": file.path,
        "status": status,
        "additions": additions,
        "deletions": deletions,
        "changes": additions + deletions,
        "blob_url": format!("{WEB}/{full_name}/blob/{head}/{path}"),
        "raw_url": format!("{WEB}/{full_name}/raw/{head}/{path}"),
        "contents_url": format!("{API}/repos/{full_name}/contents/{path}?ref={head}"),
    });
    let Some(row_map) = row.as_object_mut() else {
        return row;
    };
    let small = |patch: &String| patch.len() <= PATCH_MAX_BYTES;
    if additions + deletions <= PATCH_MAX_CHANGES
        && let Some(patch) = file.patch().filter(small)
    {
        row_map.insert("patch".to_owned(), json!(patch));
    }
    if matches!(file.status, FileStatus::Renamed | FileStatus::Copied) {
        row_map.insert("previous_filename".to_owned(), json!(file.old_path));
    }
    row
}

pub fn review(state: &State, review: &Review) -> Value {
    let (api, web) = (pull_api(state, review.pull), pull_web(state, review.pull));
    let web = format!("{web}#pullrequestreview-{}", review.id);
    let mut value = json!({
        "id": review.id,
        "node_id": format!("PRR_{}", review.id),
        "user": user(&review.user),
        "body": review.body,
        "state": review.state,
        "html_url": web,
        "pull_request_url": api,
        "_links": {"html": {"href": web}, "pull_request": {"href": api}},
        "author_association": association(state, &review.user),
        "commit_id": review.commit_id,
    });
    // A pending review was not submitted yet, and GitHub leaves the key out.
    if review.state != "PENDING"
        && let Some(map) = value.as_object_mut()
    {
        map.insert("submitted_at".to_owned(), json!(timestamp(review.submitted)));
    }
    value
}

pub fn review_comment(state: &State, comment: &ReviewComment) -> Value {
    let (api, web) = (pull_api(state, comment.pull), pull_web(state, comment.pull));
    let url = format!("{API}/repos/{}/pulls/comments/{}", state.full_name(), comment.id);
    let web = format!("{web}#discussion_r{}", comment.id);
    let pull = state.pulls.get(&comment.pull);
    let outdated = pull.is_some_and(|pull| is_outdated(pull, comment));
    let place = comment.place.as_ref();
    let (line, start) = (place.map(|p| p.line), place.and_then(|p| p.start));
    let mut value = json!({
        "url": url,
        "id": comment.id,
        "node_id": format!("PRRC_{}", comment.id),
        "pull_request_review_id": comment.review,
        "diff_hunk": comment.diff_hunk,
        "path": comment.path,
        "position": if outdated { None } else { Some(1) },
        "original_position": 1,
        // Rolls forward with the head while the comment still applies.
        "commit_id": pull.filter(|_| !outdated).map_or(&comment.commit_id, |p| &p.head_sha),
        "original_commit_id": comment.commit_id,
        "user": user(&comment.user),
        "body": comment.body,
        "created_at": timestamp(comment.created),
        "updated_at": timestamp(comment.updated),
        "html_url": web,
        "pull_request_url": api,
        "author_association": association(state, &comment.user),
        "_links": {"self": {"href": url}, "html": {"href": web}, "pull_request": {"href": api}},
        "reactions": {"url": format!("{url}/reactions"), "total_count": 0},
        "subject_type": if place.is_some() { "line" } else { "file" },
        "line": line.filter(|_| !outdated),
        "original_line": line,
        "side": place.map_or("RIGHT", |p| p.side.name()),
        "start_line": start.map(|(_, line)| line).filter(|_| !outdated),
        "original_start_line": start.map(|(_, line)| line),
        "start_side": start.map(|(side, _)| side.name()),
    });
    if let (Some(first), Some(map)) = (comment.in_reply_to, value.as_object_mut()) {
        map.insert("in_reply_to_id".to_owned(), json!(first));
    }
    value
}

/// A comment in the list of one review, where GitHub leaves out the lines it stands on.
pub fn comment_of_review(state: &State, comment: &ReviewComment) -> Value {
    let mut value = review_comment(state, comment);
    if let Some(map) = value.as_object_mut() {
        for key in ["line", "side", "start_line", "start_side"] {
            map.remove(key);
            map.remove(&format!("original_{key}"));
        }
        map.remove("subject_type");
    }
    value
}

/// A comment is outdated when the newest diff no longer holds its line as it was.
pub fn is_outdated(pull: &Pull, comment: &ReviewComment) -> bool {
    let Some(place) = comment.place.as_ref().filter(|_| comment.commit_id != pull.head_sha) else {
        return false;
    };
    let files = diff::read(pull.diff());
    let file = files.iter().find(|file| file.path == comment.path);
    let line = file.and_then(|file| file.line_at(place.side, place.line));
    line.is_none_or(|(_, line)| line.text != place.text)
}

pub fn issue_comment(state: &State, comment: &IssueComment) -> Value {
    let full_name = state.full_name();
    let url = format!("{API}/repos/{full_name}/issues/comments/{}", comment.id);
    json!({
        "url": url,
        "html_url": issue_comment_web(state, comment.issue, comment.id),
        "issue_url": format!("{API}/repos/{full_name}/issues/{}", comment.issue),
        "id": comment.id,
        "node_id": format!("IC_{}", comment.id),
        "user": user(&comment.user),
        "created_at": timestamp(comment.created),
        "updated_at": timestamp(comment.updated),
        "author_association": association(state, &comment.user),
        "body": comment.body,
        "reactions": {"url": format!("{url}/reactions"), "total_count": 0},
        "performed_via_github_app": null,
    })
}

fn issue_comment_web(state: &State, issue: u64, id: u64) -> String {
    let kind = if state.pulls.contains_key(&issue) { "pull" } else { "issues" };
    format!("{WEB}/{}/{kind}/{issue}#issuecomment-{id}", state.full_name())
}

/// The issue behind a number, which a pull request is too.
pub fn issue(state: &State, number: u64) -> Value {
    let url = format!("{API}/repos/{}/issues/{number}", state.full_name());
    let pull = state.pulls.get(&number);
    let mut value = json!({
        "url": url,
        "id": 2_000_000 + number,
        "node_id": format!("I_{number}"),
        "number": number,
        "title": pull.map_or("An issue", |pull| &pull.title),
        "user": user(&pull.map_or_else(|| User::person("mona"), |pull| pull.author.clone())),
        "labels": [],
        "state": if pull.is_none_or(|pull| pull.open) { "open" } else { "closed" },
        "locked": false,
        "assignees": [],
        "comments": state.issue_comments.iter().filter(|c| c.issue == number).count(),
        "created_at": timestamp(0),
        "updated_at": timestamp(0),
        "author_association": "NONE",
        "body": pull.and_then(|pull| pull.body.clone()),
    });
    if let (Some(pull), Some(map)) = (pull, value.as_object_mut()) {
        let web = pull_web(state, number);
        map.insert("html_url".to_owned(), json!(web));
        map.insert("draft".to_owned(), json!(pull.draft));
        map.insert(
            "pull_request".to_owned(),
            json!({"url": pull_api(state, number), "html_url": web, "merged_at": null}),
        );
    }
    value
}

pub fn reaction(reaction: &Reaction) -> Value {
    json!({
        "id": reaction.id,
        "node_id": format!("REA_{}", reaction.id),
        "user": user(&reaction.user),
        "content": reaction.content,
        "created_at": timestamp(reaction.created),
    })
}

pub fn check(state: &State, check: &CheckRun) -> Value {
    let full_name = state.full_name();
    let url = format!("{API}/repos/{full_name}/check-runs/{}", check.id);
    json!({
        "id": check.id,
        "name": check.name,
        "node_id": format!("CR_{}", check.id),
        "head_sha": check.head_sha,
        "external_id": check.external_id.clone().unwrap_or_default(),
        "url": url,
        "html_url": format!("{WEB}/{full_name}/runs/{}", check.id),
        "details_url": check.details_url.clone().unwrap_or_else(|| WEB.to_owned()),
        "status": check.status,
        "conclusion": check.conclusion,
        "started_at": timestamp(check.started),
        "completed_at": check.completed.map(timestamp),
        "output": {
            "title": check.title,
            "summary": check.summary,
            "text": check.text,
            "annotations_count": check.annotations.len(),
            "annotations_url": format!("{url}/annotations"),
        },
        "check_suite": {"id": 5_000_000},
        "app": {"id": 15_368, "slug": "github-actions", "name": "GitHub Actions", "node_id": "A_1"},
        "pull_requests": [],
    })
}

fn pull_api(state: &State, number: u64) -> String {
    format!("{API}/repos/{}/pulls/{number}", state.full_name())
}

fn pull_web(state: &State, number: u64) -> String {
    format!("{WEB}/{}/pull/{number}", state.full_name())
}

fn association(state: &State, user: &User) -> &'static str {
    if user.login == state.owner {
        "OWNER"
    } else if state.permissions.contains_key(&user.login) {
        "COLLABORATOR"
    } else {
        "NONE"
    }
}
