use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::domain::batch::{json_len, pack};
use crate::domain::diff::{Around, parse};

fn diff(files: &[(&str, u32)]) -> Diff {
    let file = |(path, line): &(&str, u32)| {
        format!(
            "diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -{line},3 +{line},3 @@\n one\n-two\n+2\n three\n"
        )
    };
    let (diff, problems) = parse(Bytes::from(files.iter().map(file).collect::<String>()));
    assert_eq!(problems, Vec::<String>::new());
    diff
}

fn found(name: &str, text: impl Into<String>) -> Found {
    Found { name: name.to_owned(), text: Ok(text.into()) }
}

fn result(uri: &str, line: u32, message: &str) -> Value {
    let physical = json!({ "artifactLocation": { "uri": uri }, "region": { "startLine": line } });
    json!({ "ruleId": "R", "message": { "text": message }, "locations": [{ "physicalLocation": physical }] })
}

fn sarif_of(results: impl Into<Value>) -> String {
    json!({ "runs": [{ "tool": { "driver": { "name": "Scan" } }, "results": results.into() }] }).to_string()
}

fn all(reports: &Reports, diff: &Diff) -> String {
    let files: Vec<_> = diff.files.iter().collect();
    told(reports, &pack(&files, &Around::new(), usize::MAX).concat())
}

#[test]
fn files_are_found_by_the_names_that_tools_have_for_them() {
    let diff = diff(&[
        ("src/a.rs", 1),
        ("web/src/b.ts", 1),
        ("api/x.py", 1),
        ("x.py", 1),
        ("lib/com/acme/Shop.java", 1),
    ]);
    let roots =
        ["/github/workspace".to_owned(), "/home/runner/work/shop/shop/".to_owned(), "relative".to_owned()];
    let places = |path: &str| {
        let text = sarif_of([result(path, 2, "x")]);
        let (reports, problems) = gather(&[found("s", text)], &diff, &roots);
        assert_eq!(problems, Vec::<String>::new());
        reports.results.first().map(|result| result.path.clone()).unwrap_or_default()
    };
    assert_eq!(places("src/a.rs"), "src/a.rs");
    assert_eq!(places("file:///home/runner/work/shop/shop/src/a.rs"), "src/a.rs");
    assert_eq!(places("file:///home/runner/work/shop/shop/old/src/a.rs"), "");
    assert_eq!(places("file:///github/workspace/x.py"), "x.py");
    assert_eq!(places("/app/src/a.rs"), "src/a.rs");
    assert_eq!(places("/app/api/x.py"), "api/x.py");
    assert_eq!(places("src/b.ts"), "web/src/b.ts");
    assert_eq!(places("x.py"), "x.py");
    assert_eq!(places("b.ts"), "");
    assert_eq!(places("rc/a.rs"), "");
    assert_eq!(places("other.rs"), "");
    let junit = "<testsuite><testcase name='t'><failure>at com.acme.Shop.pay(Shop.java:2)\nat org.junit.Run.x(Run.java:5)</failure></testcase></testsuite>";
    let (reports, _) = gather(&[found("j", junit)], &diff, &roots);
    let places = &reports.failed[0].failure.as_ref().unwrap().places;
    assert_eq!(places.iter().map(|spot| spot.path.as_str()).collect::<Vec<_>>(), ["lib/com/acme/Shop.java"]);
}

#[test]
fn what_is_used_is_taken_once_and_what_is_not_is_told() {
    let diff = diff(&[("a.rs", 1)]);
    let mut absent = result("a.rs", 1, "info");
    absent["kind"] = json!("informational");
    let scan = sarif_of(vec![result("a.rs", 3, "m"), result("a.rs", 3, "m"), result("b.rs", 1, "m"), absent]);
    let tests = "<testsuite><testcase name='pays[1]'/><testcase name='pays[2]'><failure/></testcase><testcase name='refunds()'/></testsuite>";
    let missing = Found { name: "gone.xml".to_owned(), text: Err(Unusable::Missing) };
    let files =
        [found("s", scan.clone()), found("s2", scan), found("t", tests), found("x.txt", "hello"), missing];
    let (reports, problems) = gather(&files, &diff, &[]);
    assert_eq!((reports.results.len(), reports.failed.len()), (1, 1));
    assert_eq!(reports.passed, ["refunds"]);
    assert_eq!(
        problems,
        [
            "The evidence `x.txt` was not used: it is neither SARIF nor JUnit XML.",
            "The evidence `gone.xml` was not used: the workspace holds no such file.",
        ]
    );
    let bad: Vec<Found> = (0..9).map(|n| found(&n.to_string(), "{")).collect();
    let (_, problems) = gather(&bad, &diff, &[]);
    assert_eq!(problems.len(), MOST_PROBLEMS + 1);
    assert_eq!(problems.last().unwrap(), "More of the evidence could not be used: 5 files.");
}

#[test]
fn of_more_results_than_can_be_used_those_near_the_hunks_are_kept() {
    let diff = diff(&[("a.rs", 1), ("z.rs", 9_000)]);
    let results: Vec<Value> = (100..8_000).map(|n| result("a.rs", n, "far")).collect();
    let near = sarif_of([result("z.rs", 9_001, "near")]);
    let (reports, problems) = gather(&[found("s", sarif_of(results)), found("n", near)], &diff, &[]);
    assert_eq!((reports.results.len(), reports.results[0].message.as_str()), (MOST_RESULTS, "near"));
    assert_eq!(problems, ["Of the evidence only the first 5000 results and 200 failed tests were used."]);
}

#[test]
fn the_lanes_are_told_what_stands_near_the_hunks_first_a_line_each() {
    let diff = diff(&[("a.rs", 40), ("b.rs", 1)]);
    let mut passed = result("b.rs", 3, "");
    passed["kind"] = json!("pass");
    let scan = sarif_of(vec![
        result("a.rs", 1, "far"),
        result("a.rs", 45, "near\nand on\u{202e}"),
        passed,
        result("c.rs", 1, "else"),
    ]);
    let tests = "<testsuite><testcase classname='m' name='other'><failure message='broken'/></testcase>\
        <testcase name='named' file='tests/t.rs'><failure message='left'>at a.rs:41\na.rs:42</failure></testcase></testsuite>";
    let (reports, _) = gather(&[found("s", scan), found("t", tests)], &diff, &[]);
    insta::assert_snapshot!(all(&reports, &diff).trim(), @"
    Reported by other tools:
    a.rs:45 Scan R (warning): near and on⟨U+202E⟩
    b.rs:3 Scan R (checked, holds):
    failed test named in tests/t.rs, at a.rs:41, a.rs:42: left
    a.rs:1 Scan R (warning): far
    failed test m other: broken
    ");
    assert_eq!(told(&reports, &[]).lines().count(), 4, "tests alone, because they are few");
    assert_eq!(all(&Reports::default(), &diff), "");
}

#[test]
fn what_the_lanes_are_told_is_held_to_its_bound() {
    let diff = diff(&[("a.rs", 1)]);
    let long = "\\\"\u{1b}é".repeat(400);
    let results: Vec<Value> = (1..500).map(|n| result("a.rs", n, &format!("{n} {long}"))).collect();
    let (reports, _) = gather(&[found("s", sarif_of(results))], &diff, &[]);
    let told = all(&reports, &diff);
    assert!((MAX_BYTES - 1_000..=MAX_BYTES).contains(&json_len(&told)), "{}", json_len(&told));
    assert_eq!(most_bytes(&reports), MAX_BYTES);
    let (few, _) = gather(&[found("s", sarif_of([result("a.rs", 1, "m")]))], &diff, &[]);
    assert_eq!(most_bytes(&few), json_len(&all(&few, &diff)));
}
