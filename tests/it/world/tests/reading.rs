//! What can be read, in which portions, and what GitHub leaves out.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::super::{HeadRepo, Permission, Pull, User, World};
use super::{get, github, github_as, send, two_hunks};

const DIFF: &str = "application/vnd.github.diff";

/// A diff that adds this many files of this many lines.
fn big_diff(files: usize, lines: usize) -> Vec<u8> {
    let mut diff = String::new();
    for file in 0..files {
        let _ = write!(
            diff,
            "diff --git a/f{file} b/f{file}\nnew file mode 100644\nindex 0000000..1111111\n--- /dev/null\n\
             +++ b/f{file}\n@@ -0,0 +1,{lines} @@\n"
        );
        diff.push_str(&"+x\n".repeat(lines));
    }
    diff.into_bytes()
}

#[tokio::test]
async fn a_pull_request_is_json_or_the_very_bytes_of_its_diff() {
    let world = World::start().await;
    world.add(Pull::from_diff(b"diff --git a/l b/l\n--- a/l\n+++ b/l\n@@ -1 +1 @@\n-a\n+caf\xe9\n"));
    let pull = get(&world, "/pulls/7").await.json();
    assert_eq!((&pull["changed_files"], &pull["head"]["sha"]), (&json!(1), &json!(world.head(7))));
    let diff = github_as(&world, "GET", "/pulls/7", DIFF, &Value::Null).await;
    assert_eq!(diff.header("content-type"), Some("application/vnd.github.v3.diff; charset=utf-8"));
    assert!(diff.body.ends_with(b"+caf\xe9\n"));
    world.assert_clean();
}

#[tokio::test]
async fn diffs_that_are_too_large_get_the_406_of_github() {
    for (files, lines, what) in [(301, 1, "files (300)"), (10, 2_500, "lines (20000)")] {
        let world = World::start().await;
        world.add(Pull::from_diff(big_diff(files, lines)));
        let got = github_as(&world, "GET", "/pulls/7", DIFF, &Value::Null).await;
        assert_eq!(got.status, 406);
        assert!(got.json()["message"].to_string().contains(what));
        assert_eq!(got.json()["errors"][0]["code"], "too_large");
    }
    let world = World::start().await;
    world.add(Pull::from_diff(big_diff(300, 1)));
    assert_eq!(github_as(&world, "GET", "/pulls/7", DIFF, &Value::Null).await.status, 200);
}

#[tokio::test]
async fn lists_come_in_pages_that_link_to_each_other() {
    let world = World::start().await;
    world.add(Pull::from_diff(big_diff(250, 1)));
    assert_eq!(get(&world, "/pulls/7/files").await.json().as_array().map(Vec::len), Some(30));
    let mut path = "/pulls/7/files?per_page=100".to_owned();
    let mut names = Vec::new();
    loop {
        let got = get(&world, &path).await;
        let rows = got.json().as_array().cloned().unwrap_or_default();
        names.extend(rows.iter().map(|row| row["filename"].to_string()));
        let link = got.header("link").unwrap_or_default().to_owned();
        let Some(next) = link.split(", ").find(|link| link.ends_with("rel=\"next\"")) else {
            break;
        };
        // GitHub's links name the repository by its id.
        let (_, next) = next.split_once("/api/repositories/").expect("a link by id");
        let (_, next) = next.split_once('/').expect("a path");
        path = format!("/{}", next.split('>').next().unwrap_or_default());
    }
    assert_eq!(names.len(), 250);
    names.dedup();
    assert_eq!(names.len(), 250, "no row twice");
    assert_eq!(world.count("GET /repos/acme/shop/pulls/7/files"), 4);
    let id = get(&world, "").await.json()["id"].clone();
    let token = format!("Bearer {}", world.with(|state| state.token.clone()));
    let headers = [("user-agent", "test"), ("authorization", token.as_str())];
    let by_id =
        send(&world, "GET", &format!("/api/repositories/{id}/pulls/7/files?page=9"), &headers, "").await;
    assert_eq!(by_id.json().as_array().map(Vec::len), Some(10));
    world.assert_clean();
}

#[tokio::test]
async fn patches_are_left_out_where_github_leaves_them_out() {
    let world = World::start().await;
    let mut diff = big_diff(1, 2_001);
    diff.extend_from_slice(
        b"diff --git a/p.png b/p.png\nindex 1..2 100644\nBinary files a/p.png and b/p.png differ\n",
    );
    diff.extend_from_slice(b"diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to y\n");
    world.add(Pull::from_diff(diff));
    let rows = get(&world, "/pulls/7/files").await.json();
    let row = |index: usize| (rows[index].get("patch").is_some(), rows[index]["changes"].clone());
    assert_eq!([row(0), row(1), row(2)], [(false, json!(2001)), (false, json!(0)), (false, json!(0))]);
    assert_eq!((&rows[2]["status"], &rows[2]["previous_filename"]), (&json!("renamed"), &json!("x")));
    world.assert_clean();
}

#[tokio::test]
async fn rows_beyond_the_budget_of_a_page_are_empty_and_right_on_a_smaller_one() {
    let world = World::start().await;
    world.add(Pull::from_diff(big_diff(20, 1_500)));
    let full = get(&world, "/pulls/7/files?per_page=100").await.json();
    let changes: Vec<_> = full.as_array().into_iter().flatten().map(|row| row["changes"].clone()).collect();
    assert_eq!((&changes[13], &changes[14]), (&json!(1500), &json!(0)));
    assert_eq!((full[14].get("patch"), &full[14]["status"]), (None, &json!("added")));
    let small = get(&world, "/pulls/7/files?per_page=5&page=3").await.json();
    assert_eq!(small[4]["changes"], 1500);
}

#[tokio::test]
async fn files_are_read_from_branches_and_commits() {
    let world = two_hunks().await;
    world.base_file(".github/counterpoint.yml", "version: 1\n");
    world.head_file(7, ".github/counterpoint.yml", "version: 2\n");
    let path = "/contents/.github/counterpoint.yml";
    assert_eq!(get(&world, path).await.json()["content"], "dmVyc2lvbjogMQo=\n");
    let pull = world.pull(7);
    for (reference, expected) in
        [("main", 1), (&*pull.base_sha, 1), (&*pull.head_sha, 2), (&*pull.head_ref, 2)]
    {
        let at = format!("{path}?ref={reference}");
        let got = github_as(&world, "GET", &at, "application/vnd.github.raw+json", &Value::Null).await;
        assert_eq!(String::from_utf8_lossy(&got.body), format!("version: {expected}\n"), "{reference}");
    }
    assert_eq!(get(&world, "/contents/none.yml").await.status, 404);
    assert_eq!(get(&world, "/contents/none.yml?ref=nowhere").await.status, 404);
    assert_eq!(get(&world, "/contents/.github").await.json()[0]["name"], "counterpoint.yml");
    world.assert_clean();
}

#[tokio::test]
async fn compare_shows_what_git_shows() {
    let world = two_hunks().await;
    let old = world.head(7);
    let new = world.push(7, &[("b.txt", "new\n")], super::super::OldHead::Stays);
    let got = get(&world, &format!("/compare/{old}...{new}")).await.json();
    assert_eq!(got["files"].as_array().map(Vec::len), Some(1));
    assert_eq!(got["files"][0]["filename"], "b.txt");
    let whole = github_as(&world, "GET", &format!("/compare/main...{new}"), DIFF, &Value::Null).await;
    assert_eq!(whole.body, world.pull(7).diff());
    world.assert_clean();
}

#[tokio::test]
async fn permissions_are_those_of_the_permission_endpoint() {
    let world = World::start().await;
    world.permission("ada", Permission::Maintain);
    world.permission("ghost", Permission::Nobody);
    let ada = get(&world, "/collaborators/ada/permission").await.json();
    assert_eq!((&ada["permission"], &ada["role_name"]), (&json!("write"), &json!("maintain")));
    assert_eq!(get(&world, "/collaborators/bob/permission").await.json()["permission"], "read");
    assert_eq!(get(&world, "/collaborators/ghost/permission").await.status, 404);
    world.assert_clean();
}

#[tokio::test]
async fn only_known_places_and_known_callers_are_answered() {
    let world = World::start().await;
    assert_eq!(get(&world, "/branches").await.status, 404);
    assert_eq!(github(&world, "PUT", "/pulls/7/merge", &json!({})).await.status, 404);
    assert_eq!(send(&world, "GET", "/api/repos/acme/shop", &[("user-agent", "x")], "").await.status, 401);
    assert_eq!(world.take_violations().len(), 3);
    let wrong = [("user-agent", "x"), ("authorization", "Bearer expired")];
    let got = send(&world, "GET", "/api/repos/acme/shop", &wrong, "").await;
    assert_eq!((got.status, &got.json()["message"]), (401, &json!("Bad credentials")));
    let token = format!("token {}", world.with(|state| state.token.clone()));
    let user = send(&world, "GET", "/api/user", &[("user-agent", "x"), ("authorization", &token)], "").await;
    assert_eq!(user.status, 403);
    let query = json!({"query": "query { viewer { login databaseId } }"}).to_string();
    let headers = [("user-agent", "x"), ("authorization", token.as_str())];
    let viewer = send(&world, "POST", "/graphql", &headers, &query).await;
    assert_eq!(viewer.json()["data"]["viewer"]["databaseId"], 41_898_282);
    world.assert_clean();
    // GraphQL has an address of its own, and the REST interface none but `/api`.
    assert_eq!(send(&world, "POST", "/api/graphql", &headers, &query).await.status, 404);
    assert_eq!(send(&world, "GET", "/repos/acme/shop", &headers, "").await.status, 404);
    assert_eq!(world.take_violations().len(), 2);
}

#[tokio::test]
async fn events_tell_where_a_pull_request_comes_from() {
    let world = World::start().await;
    world.add(Pull::from_diff(""));
    world.add(Pull::from_diff("").number(8).forked("eve/shop").draft());
    world.add(Pull::from_diff("").number(9).fork_deleted().by(User::bot("dependabot[bot]")));
    let head = |number| world.pull_request_event(number).payload["pull_request"]["head"]["repo"].clone();
    assert_eq!((&head(7)["full_name"], &head(8)["full_name"]), (&json!("acme/shop"), &json!("eve/shop")));
    assert_eq!((head(9), world.pull(9).head_repo), (Value::Null, HeadRepo::Deleted));
    let nine = world.pull_request_event(9).payload;
    assert_eq!(
        (&nine["sender"]["type"], &nine["sender"]["login"]),
        (&json!("Bot"), &json!("dependabot[bot]"))
    );
    assert_eq!(world.pull_request_event(8).payload["pull_request"]["draft"], true);
    world.add_issue(3);
    let on_pull = world.comment(7, User::person("ada"), "/review");
    let on_issue = world.comment(3, User::person("ada"), "/review");
    assert!(world.comment_event(on_pull).payload["issue"].get("pull_request").is_some());
    assert!(world.comment_event(on_issue).payload["issue"].get("pull_request").is_none());
    assert_eq!(world.dispatch_event(Some(7)).payload["inputs"]["pull-request"], "7");
}
