use proptest::prelude::*;

use super::*;
use crate::domain::evidence::junit::{Failure, Spot};
use crate::domain::finding::{Anchor, Finding, Placement, Resolution, Severity, Verdict};
use crate::domain::reconcile::{Input, LaneResult, Looked, reconcile};
use crate::domain::sarif::Level;
use crate::domain::units::LaneName;

fn raised(lane: &str, line: u32, title: &str, body: &str) -> Raised {
    Raised {
        lane: LaneName::new(lane),
        finding: Finding {
            id: format!("F{line}"),
            path: "src/a.rs".to_owned(),
            side: Side::New,
            line_start: line,
            line_end: line + 1,
            quote: String::new(),
            evidence: Vec::new(),
            category: None,
            severity: Severity::High,
            confidence: None,
            title: title.to_owned(),
            body: body.to_owned(),
            failure_scenario: String::new(),
            suggestion: None,
        },
        placement: Placement::Anchored(Anchor {
            path: "src/a.rs".to_owned(),
            side: Side::New,
            start: line,
            end: line + 1,
            how: Resolution::Exact,
        }),
        informed: false,
    }
}

fn issues(of: &[(&str, Vec<Raised>)]) -> Vec<Issue> {
    let lanes = of.iter().map(|(lane, findings)| LaneResult {
        lane: LaneName::new(*lane),
        looked: Looked::Except(BTreeSet::new()),
        unasked: BTreeSet::new(),
        findings: findings.clone(),
        clearances: Vec::new(),
    });
    reconcile(&Input { lanes: lanes.collect(), ..Input::default() })
}

fn result(line: u32, rule: &str, rule_text: &str, message: &str) -> sarif::Result {
    sarif::Result {
        tool: "Scan".to_owned(),
        rule: rule.to_owned(),
        rule_text: rule_text.to_owned(),
        tags: Vec::new(),
        level: Level::Error,
        kind: Kind::Fail,
        message: message.to_owned(),
        path: "src/a.rs".to_owned(),
        root: String::new(),
        lines: Some((line, line)),
        snippet: String::new(),
        suppressed: false,
    }
}

fn failed(name: &str, message: &str, places: &[(&str, u32)]) -> Test {
    let places = places.iter().map(|(path, line)| Spot { path: (*path).to_owned(), line: *line }).collect();
    let failure = Failure { message: message.to_owned(), text: String::new(), places };
    Test { name: name.to_owned(), failure: Some(failure), ..Test::default() }
}

const SQL: [&str; 3] = [
    "js/sql-injection",
    "Database query built from user-controlled sources",
    "This query string depends on a user-provided value.",
];
const EVAL: [&str; 3] = [
    "javascript.browser.security.eval-detected.eval-detected",
    "",
    "Detected the use of eval(). eval() can be dangerous if used to evaluate dynamic content.",
];
const UNWRAP: [&str; 3] =
    ["clippy::unwrap_used", "used `unwrap()` on an `Option` value", "used `unwrap()` on an `Option` value"];
const PATH: [&str; 3] = [
    "py/path-injection",
    "Uncontrolled data used in path expression",
    "This path depends on a user-provided value.",
];
const LEAK: [&str; 3] = [
    "RESOURCE_LEAK",
    "Resource Leak",
    "Resource of type `java.io.FileInputStream` acquired by call to `new()` at line 5 is not released after line 5.",
];
const RACE: [&str; 3] = [
    "THREAD_SAFETY_VIOLATION",
    "Thread Safety Violation",
    "Unprotected write. Non-private method writes to field `count` outside of synchronization.",
];
const UNUSED: [&str; 3] =
    ["no-unused-vars", "Disallow unused variables", "'total' is assigned a value but never used."];
const NULL: [&str; 3] = [
    "NULLPTR_DEREFERENCE",
    "Null Dereference",
    "`user` could be null (from the call to `find` on line 12) and is dereferenced.",
];

/// What a scanner says of a line, and what a reviewer says of it.
#[test]
fn a_result_confirms_what_says_the_same_and_nothing_else_on_the_line() {
    let same = [
        (
            SQL,
            "SQL injection through `name`",
            "`name` comes from the request and is put into the query unescaped.",
        ),
        (SQL, "User input is concatenated into the SQL query", "An attacker can read other users' rows."),
        (EVAL, "`eval` runs what the user typed", "The content of the query parameter is evaluated."),
        (
            UNWRAP,
            "`unwrap()` panics when the header is missing",
            "`headers.get` gives an `Option`; `None` ends the request.",
        ),
        (
            PATH,
            "Path traversal through the file name",
            "The user-provided name is joined to the path unchecked, so `../` leaves the folder.",
        ),
        (LEAK, "The FileInputStream is never closed", "Every call leaks a resource."),
        (RACE, "Lost updates of `count`", "Two threads write `count` without synchronization."),
        (
            NULL,
            "A missing user is dereferenced",
            "`find` gives null for an unknown id, and `user.name` throws.",
        ),
    ];
    let other = [
        (
            SQL,
            "The token is accepted in the second it expires",
            "`<=` lets a token pass at `expires_at` itself.",
        ),
        (
            SQL,
            "The transaction is never committed",
            "The rows are rolled back when the connection is dropped.",
        ),
        (EVAL, "The retry loop never ends", "`attempt` is not counted up when the call fails."),
        (UNWRAP, "A retried refund is paid twice", "With `retried` the amount doubles."),
        (UNWRAP, "The lock is held across the await", "Other tasks wait for as long as the request takes."),
        (PATH, "The cache key lacks the tenant", "Users of one tenant see the files of another."),
        (LEAK, "An empty file makes the checksum zero", "The comparison then passes for every empty upload."),
        (RACE, "The page size is off by one", "The last row of each page is shown again."),
        (UNUSED, "The discount is applied twice", "`price` is already reduced when `total` is computed."),
        (SQL, "The query is sent twice", "The query runs again when the row is read."),
        (NULL, "Deleted users keep their session", "The session is looked up before the user is."),
    ];
    let outside = |[rule, rule_text, message]: [&str; 3], title: &str, body: &str| {
        let issues = issues(&[("claude", vec![raised("claude", 5, title, body)])]);
        let reports = Reports { results: vec![result(5, rule, rule_text, message)], ..Reports::default() };
        beside(issues, &reports)[0].outside.len()
    };
    let missed: Vec<&str> =
        same.iter().filter(|(r, t, b)| outside(*r, t, b) == 0).map(|(_, t, _)| *t).collect();
    let wrong: Vec<&str> =
        other.iter().filter(|(r, t, b)| outside(*r, t, b) > 0).map(|(_, t, _)| *t).collect();
    assert_eq!((missed, wrong), (Vec::new(), Vec::new()));
}

#[test]
fn what_passes_or_is_suppressed_opposes_on_the_same_lines_only() {
    let voices = |line: u32, change: fn(&mut sarif::Result)| {
        let [rule, rule_text, message] = SQL;
        let mut result = result(line, rule, rule_text, message);
        change(&mut result);
        let found =
            raised("claude", 5, "SQL injection through `name`", "`name` is put into the query unescaped.");
        let issues = beside(
            issues(&[("claude", vec![found])]),
            &Reports { results: vec![result], ..Reports::default() },
        );
        (issues[0].outside.clone(), issues[0].verdict, issues[0].is_supported())
    };
    let (tool, rule) = ("Scan".to_owned(), SQL[0].to_owned());
    let reported = vec![Voice::Reported { tool: tool.clone(), rule: rule.clone() }];
    let suppressed = vec![Voice::Suppressed { tool: tool.clone(), rule: rule.clone() }];
    let passed = vec![Voice::Passed { tool, rule }];
    assert_eq!(voices(5, |_| {}), (reported.clone(), Verdict::Solo, true));
    assert_eq!(voices(9, |_| {}), (reported, Verdict::Solo, true));
    assert_eq!(voices(10, |_| {}), (Vec::new(), Verdict::Solo, false));
    assert_eq!(voices(6, |r| r.suppressed = true), (suppressed, Verdict::Solo, false));
    assert_eq!(voices(9, |r| r.suppressed = true), (Vec::new(), Verdict::Solo, false));
    assert_eq!(voices(6, |r| r.kind = Kind::Pass), (passed, Verdict::Solo, false));
    assert_eq!(voices(9, |r| r.kind = Kind::Pass), (Vec::new(), Verdict::Solo, false));
    assert_eq!(voices(5, |r| r.path = "src/b.rs".to_owned()), (Vec::new(), Verdict::Solo, false));
    assert_eq!(voices(5, |r| r.lines = None), (Vec::new(), Verdict::Solo, false));
}

#[test]
fn a_test_that_fails_on_the_lines_or_says_the_same_confirms() {
    let voices = |test: Test| {
        let found = raised(
            "claude",
            5,
            "A retried refund is paid twice",
            "`refund` doubles the amount when `retried` is set.",
        );
        let issues =
            beside(issues(&[("claude", vec![found])]), &Reports { failed: vec![test], ..Reports::default() });
        issues[0].outside.len()
    };
    assert_eq!(voices(failed("t", "boom", &[("src/b.rs", 5), ("src/a.rs", 6)])), 1);
    assert_eq!(voices(failed("t", "boom", &[("src/a.rs", 7)])), 0);
    assert_eq!(voices(failed("t", "a retried refund must not double the amount: left 20, right 10", &[])), 1);
    assert_eq!(voices(failed("t", "connection refused", &[])), 0);
}

#[test]
fn a_finding_that_says_a_test_fails_is_opposed_where_it_passes() {
    let opposed = |body: &str| {
        let found = raised("claude", 5, "A retried refund is paid twice", body);
        let reports =
            Reports { passed: vec!["once".to_owned(), "retried_refund".to_owned()], ..Reports::default() };
        beside(issues(&[("claude", vec![found])]), &reports)[0].outside.clone()
    };
    let passes = vec![Voice::TestPasses { test: "retried_refund".to_owned() }];
    assert_eq!(opposed("The amount doubles. `retried_refund` fails with it."), passes);
    assert_eq!(opposed("Failing: tests::retried_refund"), passes);
    for other in [
        "`retried_refund` does not fail with it.",
        "`retried_refund` passes, but the caller fails.",
        "The payment fails; `retried_refund` covers something else.",
        "`retried_refund_twice` fails.",
        "It fails once.",
    ] {
        assert_eq!(opposed(other), Vec::new(), "{other}");
    }
}

#[test]
fn what_a_tool_supports_comes_first_within_its_severity_and_class() {
    let found = |line, title: &str| raised("claude", line, title, "");
    let before = issues(&[
        (
            "claude",
            vec![
                found(5, "The loop never ends"),
                found(50, "SQL injection through the user query"),
                found(90, "The lock is never freed"),
            ],
        ),
        ("codex", vec![raised("codex", 90, "The lock is never freed", "")]),
    ]);
    let order = |issues: &[Issue]| -> Vec<String> {
        issues.iter().map(|i| i.members[0].finding.id.clone()).collect()
    };
    assert_eq!(order(&before), ["F90", "F5", "F50"]);
    let [rule, rule_text, message] = SQL;
    let reports = Reports { results: vec![result(50, rule, rule_text, message)], ..Reports::default() };
    assert_eq!(order(&beside(before, &reports)), ["F90", "F50", "F5"]);
}

fn any_reports() -> impl Strategy<Value = Reports> {
    let text = prop::sample::select(vec![SQL, EVAL, UNWRAP, PATH, LEAK, RACE, UNUSED, NULL]);
    let kind = prop::sample::select(vec![Kind::Fail, Kind::Fail, Kind::Pass, Kind::Review]);
    let result =
        (text, 1..12_u32, kind, any::<bool>()).prop_map(|([rule, text, message], line, kind, suppressed)| {
            sarif::Result { kind, suppressed, ..result(line, rule, text, message) }
        });
    let test = (1..12_u32).prop_map(|line| failed("paid_twice", "boom", &[("src/a.rs", line)]));
    (prop::collection::vec(result, 0..6), prop::collection::vec(test, 0..3))
        .prop_map(|(results, failed)| Reports { results, failed, passed: vec!["query_test".to_owned()] })
}

fn any_finding(lane: &'static str) -> impl Strategy<Value = Raised> {
    let text = prop::sample::select(vec![SQL, EVAL, UNWRAP, PATH, LEAK, RACE, UNUSED, NULL]);
    (text, 1..12_u32, any::<bool>()).prop_map(move |([_, title, body], line, fails)| {
        raised(lane, line, if fails { "query_test fails" } else { title }, body)
    })
}

proptest! {
    #[test]
    fn tools_change_no_verdict_lose_no_issue_and_their_order_does_not_matter(
        claude in prop::collection::vec(any_finding("claude"), 0..4),
        codex in prop::collection::vec(any_finding("codex"), 0..4),
        reports in any_reports(),
    ) {
        let before = issues(&[("claude", claude), ("codex", codex)]);
        let after = beside(before.clone(), &reports);
        let bare = |issues: &[Issue]| {
            let bare = issues.iter().map(|issue| Issue { outside: Vec::new(), ..issue.clone() });
            let mut bare: Vec<String> = bare.map(|issue| format!("{issue:?}")).collect();
            bare.sort();
            bare
        };
        prop_assert_eq!(bare(&before), bare(&after));
        let mut turned = reports.clone();
        turned.results.reverse();
        turned.failed.reverse();
        prop_assert_eq!(&beside(before, &turned), &after);
        prop_assert_eq!(&beside(after.clone(), &reports), &after);
        let kept = about(&reports, after.iter().flat_map(|issue| &issue.members));
        prop_assert_eq!(&beside(after.clone(), &kept), &after);
        for issue in &after {
            prop_assert!(issue.outside.len() <= MOST_VOICES);
            let opposed = issue.outside.iter().any(|voice| !voice.confirms());
            prop_assert_eq!(issue.is_supported(), !issue.outside.is_empty() && !opposed);
        }
    }
}
