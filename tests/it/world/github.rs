//! The fake GitHub's REST interface: which request goes where, and everything that only reads.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::diff::{self, FileDiff};
use super::http::{Call, Outgoing};
use super::shapes;
use super::state::{Permission, State, Subject, User, object_name, timestamp};
use super::writes;

const DIFF_MAX_FILES: usize = 300;
const DIFF_MAX_LINES: usize = 20_000;
pub const LIST_MAX_FILES: usize = 3_000;

/// Answers one REST request and changes the state where the request says so.
pub fn answer(state: &mut State, call: &Call) -> Outgoing {
    if let Some(refusal) = unfit(state, call) {
        return refusal;
    }
    let segments = call.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let answer = match segments.as_slice() {
        ["user"] if call.method == "GET" => who_am_i(state),
        ["rate_limit"] if call.method == "GET" => rate_limit(),
        ["repos", owner, repo, rest @ ..] if *owner == state.owner && *repo == state.repo => {
            in_repository(state, call, rest)
        }
        // Where GitHub's own Link headers point.
        ["repositories", id, rest @ ..] if *id == shapes::repository_id(&state.full_name()).to_string() => {
            in_repository(state, call, rest)
        }
        _ => None,
    };
    let answer = answer.unwrap_or_else(|| {
        state.violation(format!("no such endpoint: {} {}", call.method, call.path));
        Outgoing::not_found()
    });
    with_usual_headers(answer)
}

/// What GitHub asks of every request before it looks at the path.
pub fn unfit(state: &mut State, call: &Call) -> Option<Outgoing> {
    if call.header("user-agent").is_none_or(str::is_empty) {
        state.violation(format!("{} {} without a User-Agent", call.method, call.path));
        return Some(Outgoing::error(403, "Request forbidden by administrative rules."));
    }
    let given = call.header("authorization").unwrap_or_default();
    let token = given.strip_prefix("Bearer ").or_else(|| given.strip_prefix("token "));
    if token == Some(state.token.as_str()) {
        return None;
    }
    if token.is_none() {
        state.violation(format!("{} {} without a token", call.method, call.path));
        return Some(Outgoing::error(401, "Requires authentication"));
    }
    Some(Outgoing::error(401, "Bad credentials"))
}

fn in_repository(state: &mut State, call: &Call, rest: &[&str]) -> Option<Outgoing> {
    if call.method != "GET" {
        return writes::answer(state, call, rest);
    }
    let answer = match rest {
        [] => Outgoing::json(200, &shapes::repository(state, &state.full_name(), false)),
        ["pulls", number] => pull(state, call, number),
        ["pulls", number, "files"] => files(state, call, number),
        ["pulls", number, "commits"] => commits(state, call, number),
        ["pulls", number, "comments"] => with_pull(state, number, |number| {
            let ours = state.review_comments.iter().filter(|c| c.pull == number);
            let rows = ours.map(|c| shapes::review_comment(state, c)).collect();
            page(state, call, rows)
        }),
        ["pulls", number, "reviews"] => with_pull(state, number, |number| {
            // Nobody sees another's pending review; all reviews here that are pending are the token's.
            let ours = state.reviews.iter().filter(|review| review.pull == number);
            let rows = ours.map(|review| shapes::review(state, review)).collect();
            page(state, call, rows)
        }),
        ["pulls", _, "reviews", id] => match state.reviews.iter().find(|r| r.id.to_string() == *id) {
            Some(review) => Outgoing::json(200, &shapes::review(state, review)),
            None => Outgoing::not_found(),
        },
        ["pulls", _, "reviews", id, "comments"] => {
            let ours = state.review_comments.iter().filter(|c| c.review.to_string() == *id);
            page(state, call, ours.map(|c| shapes::comment_of_review(state, c)).collect())
        }
        ["pulls", "comments", id] => match state.review_comments.iter().find(|c| c.id.to_string() == *id) {
            Some(comment) => Outgoing::json(200, &shapes::review_comment(state, comment)),
            None => Outgoing::not_found(),
        },
        ["pulls", "comments", id, "reactions"] => {
            reactions(state, call, id.parse().ok().map(Subject::ReviewComment))
        }
        ["issues", number] => match number.parse() {
            Ok(number) if is_issue(state, number) => Outgoing::json(200, &shapes::issue(state, number)),
            _ => Outgoing::not_found(),
        },
        ["issues", "comments", id] => match state.issue_comments.iter().find(|c| c.id.to_string() == *id) {
            Some(comment) => Outgoing::json(200, &shapes::issue_comment(state, comment)),
            None => Outgoing::not_found(),
        },
        ["issues", "comments", id, "reactions"] => {
            reactions(state, call, id.parse().ok().map(Subject::IssueComment))
        }
        ["issues", number, "reactions"] => reactions(state, call, number.parse().ok().map(Subject::Issue)),
        ["issues", number, "comments"] => match number.parse() {
            Ok(number) if is_issue(state, number) => {
                let ours = state.issue_comments.iter().filter(|c| c.issue == number);
                let rows = ours.map(|c| shapes::issue_comment(state, c)).collect();
                page(state, call, rows)
            }
            _ => Outgoing::not_found(),
        },
        ["check-runs", id] => match state.checks.iter().find(|check| check.id.to_string() == *id) {
            Some(check) => Outgoing::json(200, &shapes::check(state, check)),
            None => Outgoing::not_found(),
        },
        ["commits", reference @ .., "check-runs"] => checks(state, call, &reference.join("/")),
        ["commits", reference @ ..] => match state.commit(&reference.join("/")) {
            Some(sha) => Outgoing::json(200, &commit(state, &sha)),
            None => Outgoing::error(422, "No commit found for SHA: unknown"),
        },
        ["compare", range @ ..] => compare(state, call, &range.join("/")),
        ["git", "trees", reference] => tree(state, call, reference),
        ["contents", path @ ..] => contents(state, call, &path.join("/")),
        ["collaborators", login, "permission"] => permission(state, login),
        _ => return None,
    };
    Some(answer)
}

pub fn is_issue(state: &State, number: u64) -> bool {
    state.issues.contains(&number) || state.pulls.contains_key(&number)
}

fn with_pull(state: &State, number: &str, then: impl FnOnce(u64) -> Outgoing) -> Outgoing {
    match number.parse() {
        Ok(number) if state.pulls.contains_key(&number) => then(number),
        _ => Outgoing::not_found(),
    }
}

fn wants_diff(call: &Call) -> bool {
    ["application/vnd.github.diff", "application/vnd.github.v3.diff"].iter().any(|media| call.accepts(media))
}

fn pull(state: &State, call: &Call, number: &str) -> Outgoing {
    let Some(pull) = number.parse().ok().and_then(|number: u64| state.pulls.get(&number)) else {
        return Outgoing::not_found();
    };
    if wants_diff(call) {
        return diff_answer(pull.diff(), pull.diff_refused);
    }
    Outgoing::json(200, &shapes::pull(state, pull))
}

/// The diff as bytes, or the 406 with which GitHub answers for the big ones.
fn diff_answer(diff: &[u8], refused: bool) -> Outgoing {
    let too_large = |what: &str| {
        let message = format!(
            "Sorry, the diff exceeded the maximum number of {what}. Consider using 'List pull requests files' \
             API or locally cloning the repository instead."
        );
        Outgoing::json(
            406,
            &json!({
                "message": message,
                "errors": [{"resource": "PullRequest", "field": "diff", "code": "too_large"}],
                "documentation_url": "https://docs.github.com/rest/pulls/pulls#list-pull-requests-files",
                "status": "406",
            }),
        )
    };
    if refused || diff::read(diff).len() > DIFF_MAX_FILES {
        return too_large("files (300)");
    }
    if diff.split(|byte| *byte == b'\n').count() > DIFF_MAX_LINES {
        return too_large("lines (20000)");
    }
    Outgoing::bytes(200, "application/vnd.github.v3.diff; charset=utf-8", diff)
}

fn files(state: &State, call: &Call, number: &str) -> Outgoing {
    let Some(pull) = number.parse().ok().and_then(|number: u64| state.pulls.get(&number)) else {
        return Outgoing::not_found();
    };
    let files = diff::read(pull.diff());
    let shown = files.iter().take(LIST_MAX_FILES);
    let row = |file: &FileDiff| {
        let mut row = shapes::file(state, file, &pull.head_sha);
        if pull.withheld.contains(&file.path) {
            row.as_object_mut().and_then(|row| row.remove("patch"));
        }
        row
    };
    let rows = shown.map(row).collect();
    let (rows, link) = slice(state, call, rows);
    let answer = Outgoing::json(200, &empty_beyond_budget(rows, state.patch_page_budget));
    link.into_iter().fold(answer, |answer, link| answer.header("link", link))
}

/// Once the patches of one page add up to the budget, GitHub sends later rows with zeroes and no patch,
/// and says nothing about it. The same row on a smaller page is right.
fn empty_beyond_budget(mut rows: Vec<Value>, budget: usize) -> Value {
    let mut lines = 0;
    for row in rows.iter_mut().filter_map(Value::as_object_mut) {
        if lines >= budget {
            row.remove("patch");
            for count in ["additions", "deletions", "changes"] {
                row.insert(count.to_owned(), json!(0));
            }
        } else if let Some(patch) = row.get("patch").and_then(Value::as_str) {
            lines += patch.lines().count();
        }
    }
    Value::Array(rows)
}

fn commits(state: &State, call: &Call, number: &str) -> Outgoing {
    let Some(pull) = number.parse().ok().and_then(|number: u64| state.pulls.get(&number)) else {
        return Outgoing::not_found();
    };
    page(state, call, pull.commits.iter().map(|sha| commit(state, sha)).collect())
}

fn commit(state: &State, sha: &str) -> Value {
    let person = json!({"name": "Mona", "email": "mona@example.com", "date": timestamp(0)});
    json!({
        "sha": sha,
        "node_id": format!("C_{sha}"),
        "url": format!("https://api.github.com/repos/{}/commits/{sha}", state.full_name()),
        "commit": {
            "author": person, "committer": person, "message": "A change", "comment_count": 0,
            "tree": {"sha": object_name(sha.as_bytes()), "url": "https://api.github.com"},
        },
        "author": shapes::user(&User::person("mona")),
        "committer": shapes::user(&User::person("mona")),
        "parents": [],
    })
}

fn checks(state: &State, call: &Call, reference: &str) -> Outgoing {
    let sha = state.commit(reference).unwrap_or_else(|| reference.to_owned());
    let of_name = |name: &str| call.query("check_name").is_none_or(|wanted| wanted == name);
    let found = state.checks.iter().filter(|check| check.head_sha == sha && of_name(&check.name));
    let rows: Vec<_> = found.map(|check| shapes::check(state, check)).collect();
    let total = rows.len();
    let (rows, link) = slice(state, call, rows);
    let answer = Outgoing::json(200, &json!({"total_count": total, "check_runs": rows}));
    link.into_iter().fold(answer, |answer, link| answer.header("link", link))
}

fn compare(state: &State, call: &Call, range: &str) -> Outgoing {
    let Some((base, head)) = range.split_once("...") else {
        return Outgoing::not_found();
    };
    let Some(diff) = state.compare(base, head) else {
        return Outgoing::not_found();
    };
    if wants_diff(call) {
        return diff_answer(&diff, false);
    }
    let name = |reference: &str| state.commit(reference).unwrap_or_else(|| reference.to_owned());
    let (base, head) = (name(base), name(head));
    let files = diff::read(&diff);
    // Files stand on the first page only, however many there are.
    let first_page = call.query("page").is_none_or(|page| page == "1");
    let shown: &[FileDiff] = if first_page { &files } else { &[] };
    let rows = shown.iter().take(DIFF_MAX_FILES).map(|file| shapes::file(state, file, &head)).collect();
    let url = format!("https://github.com/{}/compare/{base}...{head}", state.full_name());
    Outgoing::json(
        200,
        &json!({
            "url": url, "html_url": url, "permalink_url": url,
            "diff_url": format!("{url}.diff"),
            "patch_url": format!("{url}.patch"),
            "base_commit": commit(state, &base),
            "merge_base_commit": commit(state, &base),
            "status": if base == head { "identical" } else { "ahead" },
            "ahead_by": 1, "behind_by": 0, "total_commits": 1,
            "commits": [commit(state, &head)],
            "files": empty_beyond_budget(rows, state.patch_page_budget),
        }),
    )
}

fn contents(state: &State, call: &Call, path: &str) -> Outgoing {
    let Some(tree) = state.tree(call.query("ref")) else {
        let reference = call.query("ref").unwrap_or_default();
        return Outgoing::error(404, &format!("No commit found for the ref {reference}"));
    };
    if let Some(content) = tree.get(path) {
        if call.accepts("raw") {
            return Outgoing::bytes(200, "application/vnd.github.raw+json; charset=utf-8", content.clone());
        }
        return Outgoing::json(200, &content_file(state, path, content));
    }
    let folder = if path.is_empty() { String::new() } else { format!("{path}/") };
    let mut entries: Vec<Value> = Vec::new();
    for (file, content) in tree.iter().filter(|(file, _)| file.starts_with(&folder)) {
        let below = file.strip_prefix(&folder).unwrap_or(file);
        let (name, kind) = below.split_once('/').map_or((below, "file"), |(name, _)| (name, "dir"));
        if entries.iter().all(|entry| entry["name"] != name) {
            let size = if kind == "file" { content.len() } else { 0 };
            let path = format!("{folder}{name}");
            entries.push(json!({"name": name, "path": path, "type": kind, "size": size, "sha": object_name(name.as_bytes())}));
        }
    }
    if entries.is_empty() {
        return Outgoing::not_found();
    }
    Outgoing::json(200, &Value::Array(entries))
}

/// The whole tree of a commit; links and submodules are known from git, where there is a repository.
fn tree(state: &mut State, call: &Call, reference: &str) -> Outgoing {
    if call.query("recursive") != Some("1") {
        state.violation("a tree that is asked for folder by folder");
    }
    let Some(tree) = state.tree(Some(reference)) else {
        return Outgoing::not_found();
    };
    let url = |name: &str| format!("https://api.github.com/repos/{}/git/blobs/{name}", state.full_name());
    let mut entries: Vec<Value> = Vec::new();
    for (path, content) in tree {
        let name = object_name(content);
        entries.push(json!({"path": path, "mode": "100644", "type": "blob", "sha": name, "size": content.len(), "url": url(&name)}));
    }
    let git = state.pulls.values().find(|pull| pull.head_sha == reference).and_then(|pull| pull.git.clone());
    for (mode, path) in git.iter().flat_map(|git| git.links(reference)) {
        let kind = if mode == "160000" { "commit" } else { "blob" };
        let name = object_name(path.as_bytes());
        entries.push(json!({"path": path, "mode": mode, "type": kind, "sha": name, "url": url(&name)}));
    }
    let folder = object_name(b"src");
    entries
        .push(json!({"path": "src", "mode": "040000", "type": "tree", "sha": folder, "url": url(&folder)}));
    Outgoing::json(
        200,
        &json!({"sha": reference, "url": url(reference), "tree": entries, "truncated": state.tree_truncated}),
    )
}

fn content_file(state: &State, path: &str, content: &[u8]) -> Value {
    let url = format!("https://api.github.com/repos/{}/contents/{path}", state.full_name());
    // GitHub breaks the text into lines of sixty characters.
    let encoded = BASE64.encode(content);
    let lines = encoded.as_bytes().chunks(60).map(|line| String::from_utf8_lossy(line) + "\n");
    json!({
        "type": "file",
        "name": path.rsplit('/').next(),
        "path": path,
        "sha": object_name(content),
        "size": content.len(),
        "encoding": "base64",
        "content": lines.collect::<String>(),
        "url": url, "git_url": url, "html_url": url, "download_url": url,
        "_links": {"self": url, "git": url, "html": url},
    })
}

fn permission(state: &State, login: &str) -> Outgoing {
    // In a public repository everybody may read.
    let default = if state.private { Permission::None } else { Permission::Read };
    let permission = state.permissions.get(login).copied().unwrap_or(default);
    let (permission, role) = match permission {
        Permission::Admin => ("admin", "admin"),
        Permission::Maintain => ("write", "maintain"),
        Permission::Write => ("write", "write"),
        Permission::Triage => ("read", "triage"),
        Permission::Read => ("read", "read"),
        Permission::None => ("none", ""),
        Permission::Nobody => return Outgoing::not_found(),
        Permission::Hidden => {
            return Outgoing::error(403, "Must have push access to view collaborator permission.");
        }
    };
    let user = shapes::user(&User::person(login));
    Outgoing::json(200, &json!({"permission": permission, "role_name": role, "user": user}))
}

fn reactions(state: &State, call: &Call, subject: Option<Subject>) -> Outgoing {
    let ours = state.reactions.iter().filter(|reaction| Some(reaction.subject) == subject);
    page(state, call, ours.map(shapes::reaction).collect())
}

/// An Actions token has no user behind it, and GitHub says so with a 403.
fn who_am_i(state: &State) -> Option<Outgoing> {
    if state.viewer.bot {
        return Some(not_accessible("user", "read"));
    }
    Some(Outgoing::json(200, &shapes::user(&state.viewer)))
}

pub fn not_accessible(area: &str, level: &str) -> Outgoing {
    Outgoing::error(403, "Resource not accessible by integration")
        .header("x-accepted-github-permissions", format!("{area}={level}"))
}

fn rate_limit() -> Option<Outgoing> {
    let rate =
        json!({"limit": 1000, "used": 1, "remaining": 999, "reset": 1_795_345_200_u64, "resource": "core"});
    Some(Outgoing::json(200, &json!({"resources": {"core": rate, "search": rate}, "rate": rate})))
}

fn with_usual_headers(answer: Outgoing) -> Outgoing {
    answer
        .header("x-github-request-id", "C0DE:1:2:3:4")
        .header("x-github-media-type", "github.v3; format=json")
        .header("x-ratelimit-limit", "1000")
        .header("x-ratelimit-remaining", "999")
        .header("x-ratelimit-reset", "1795345200")
}

fn page(state: &State, call: &Call, rows: Vec<Value>) -> Outgoing {
    let (rows, link) = slice(state, call, rows);
    let answer = Outgoing::json(200, &Value::Array(rows));
    link.into_iter().fold(answer, |answer, link| answer.header("link", link))
}

/// The page that was asked for and the Link header to its neighbours, which names the repository by its
/// id, as GitHub does.
fn slice(state: &State, call: &Call, rows: Vec<Value>) -> (Vec<Value>, Option<String>) {
    let asked = |name: &str| call.query(name).and_then(|value| value.parse::<usize>().ok());
    let per_page = asked("per_page").unwrap_or(30).clamp(1, 100);
    let page = asked("page").unwrap_or(1).max(1);
    let last = rows.len().div_ceil(per_page).max(1);
    // The path below `/repos/OWNER/NAME` or `/repositories/ID`.
    let segments = call.segments();
    let below = if call.path.starts_with("/repos/") { 3 } else { 2 };
    let path = segments.get(below..).unwrap_or_default().join("/");
    let host = call.header("host").unwrap_or_default();
    let others: String = call
        .query
        .iter()
        .filter(|(name, _)| !["page", "per_page"].contains(&name.as_str()))
        .map(|(name, value)| format!("&{name}={value}"))
        .collect();
    let id = shapes::repository_id(&state.full_name());
    let to = |page: usize, relation: &str| {
        format!(
            "<http://{host}/api/repositories/{id}/{path}?per_page={per_page}&page={page}{others}>; rel=\"{relation}\""
        )
    };
    let mut links = Vec::new();
    if page > 1 {
        links.push(to(page - 1, "prev"));
    }
    if page < last {
        links.push(to(page + 1, "next"));
        links.push(to(last, "last"));
    }
    if page > 1 {
        links.push(to(1, "first"));
    }
    let rows = rows.into_iter().skip((page - 1) * per_page).take(per_page).collect();
    (rows, (!links.is_empty()).then(|| links.join(", ")))
}
