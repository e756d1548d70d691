use proptest::prelude::*;

use super::*;
use crate::domain::evidence::junit::{Failure, Spot};
use crate::domain::finding::{Finding, Placement, Severity, Unanchored, Verdict};
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
        placement: Placement::Unanchored { why: Unanchored::NoQuote },
        informed: false,
    }
}

fn issues(of: &[(&str, Vec<Raised>)]) -> Vec<Issue> {
    let lanes = of.iter().map(|(lane, findings)| LaneResult {
        lane: LaneName::new(*lane),
        looked: Looked::Except(BTreeSet::new()),
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
        (NULL, "Deleted users keep their session", "The session is looked up before the user is."),
    ];
    let outside = |[rule, rule_text, message]: [&str; 3], title: &str, body: &str| {
        let issues = issues(&[("claude", vec![raised("claude", 5, title, body)])]);
        let reports = Reports { results: vec![result(5, rule, rule_text, message)], ..Reports::default() };
        let subjects = [subject(&issues[0].members[0])];
        let words = rule_words(&reports.results[0]);
        let all = [subjects[0], subject_of(&reports.results[0], &words)];
        println!(
            "{} | {title} | {}",
            Corpus::new(&all).compare(0, 1).explain(),
            Corpus::new(&all).evidence(0, 1).unwrap()
        );
        beside(issues, &reports)[0].outside.len()
    };
    println!("--- same");
    let missed: Vec<&str> =
        same.iter().filter(|(r, t, b)| outside(*r, t, b) == 0).map(|(_, t, _)| *t).collect();
    println!("--- other");
    let wrong: Vec<&str> =
        other.iter().filter(|(r, t, b)| outside(*r, t, b) > 0).map(|(_, t, _)| *t).collect();
    assert_eq!((missed, wrong), (Vec::new(), Vec::new()));
}
