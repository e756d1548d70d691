use std::collections::BTreeMap;

use proptest::prelude::*;

use super::similarity::Zone;
use super::*;
use crate::domain::finding::{Anchor, Category, Clearance, Finding, Placement, Resolution, Side, Unanchored};

fn anchored(path: &str, start: u32, end: u32) -> Placement {
    if path.is_empty() {
        return Placement::Unanchored { why: Unanchored::NoPath };
    }
    Placement::Anchored(Anchor { path: path.to_owned(), side: Side::New, start, end, how: Resolution::Exact })
}

fn raised(lane: &str, id: &str, path: &str, line: u32, severity: Severity, title: &str) -> Raised {
    Raised {
        informed: false,
        lane: LaneName::new(lane),
        finding: Finding {
            id: id.to_owned(),
            path: path.to_owned(),
            side: Side::New,
            line_start: line,
            line_end: line,
            quote: String::new(),
            evidence: Vec::new(),
            category: None,
            severity,
            confidence: None,
            title: title.to_owned(),
            body: String::new(),
            failure_scenario: String::new(),
            suggestion: None,
        },
        placement: anchored(path, line, line),
    }
}

fn cleared(lane: &str, path: &str, line: u32, quote: &str) -> Cleared {
    Cleared {
        lane: LaneName::new(lane),
        clearance: Clearance { path: path.to_owned(), quote: quote.to_owned(), reason: "checked".to_owned() },
        placement: anchored(path, line, line + 2),
    }
}

fn looked(finished: bool) -> Looked {
    if finished { Looked::Except(BTreeSet::new()) } else { Looked::Nowhere }
}

fn lane(name: &str, finished: bool, findings: Vec<Raised>) -> LaneResult {
    LaneResult {
        lane: LaneName::new(name),
        looked: looked(finished),
        unasked: BTreeSet::new(),
        findings,
        clearances: Vec::new(),
    }
}

/// One line an issue: verdict, severity, who raised what.
fn told(input: &Input) -> Vec<String> {
    let who = |m: &Raised| format!("{}:{}", m.lane.as_str(), m.finding.id);
    reconcile(input)
        .iter()
        .map(|issue| {
            let members: Vec<String> = issue.members.iter().map(who).collect();
            format!("{} {} {}", issue.verdict, issue.severity, members.join(" "))
        })
        .collect()
}

fn check(lanes: Vec<LaneResult>, expect: &[&str]) {
    assert_eq!(told(&Input { lanes, hearings: Vec::new() }), expect);
}

const LEAK: &str = "Connection leaks when connect() returns early before release()";
const LEAK_TOO: &str = "Early return from connect() skips release(), so the connection leaks";
const EXPIRY: &str = "A token is accepted in the second it expires";

#[test]
fn what_both_say_is_agreed_at_the_higher_severity() {
    check(
        vec![
            lane("claude", true, vec![raised("claude", "F1", "a.rs", 7, Severity::Medium, LEAK)]),
            lane("codex", true, vec![raised("codex", "F1", "a.rs", 7, Severity::High, LEAK_TOO)]),
        ],
        &["agreed high claude:F1 codex:F1"],
    );
}

#[test]
fn the_same_words_about_another_file_are_another_issue() {
    check(
        vec![
            lane("claude", true, vec![raised("claude", "F1", "a.rs", 7, Severity::High, LEAK)]),
            lane("codex", true, vec![raised("codex", "F1", "b.rs", 7, Severity::High, LEAK)]),
        ],
        &["solo high claude:F1", "solo high codex:F1"],
    );
}

#[test]
fn silence_is_not_disagreement_and_a_failed_lane_is_not_consent() {
    let one = || vec![raised("claude", "F1", "a.rs", 7, Severity::High, LEAK)];
    check(vec![lane("claude", true, one())], &["solo high claude:F1"]);
    check(vec![lane("claude", true, one()), lane("codex", true, vec![])], &["solo high claude:F1"]);
    check(vec![lane("claude", true, one()), lane("codex", false, vec![])], &["unchecked high claude:F1"]);
    check(
        vec![lane("claude", false, one()), lane("codex", false, vec![]), lane("third", true, vec![])],
        &["solo high claude:F1"],
    );
}

#[test]
fn a_lane_that_checked_the_same_lines_contradicts() {
    let lanes = |clearance: Cleared, own: Vec<Raised>| {
        let mut codex = lane("codex", true, own);
        codex.clearances.push(clearance);
        vec![lane("claude", true, vec![raised("claude", "F1", "a.rs", 7, Severity::Critical, LEAK)]), codex]
    };
    let quote = "guard.release()";
    check(lanes(cleared("codex", "a.rs", 6, quote), vec![]), &["contradiction critical claude:F1"]);
    // Other lines, another file, no place, too little evidence: no contradiction.
    check(lanes(cleared("codex", "a.rs", 8, quote), vec![]), &["solo critical claude:F1"]);
    check(lanes(cleared("codex", "b.rs", 6, quote), vec![]), &["solo critical claude:F1"]);
    check(lanes(cleared("codex", "", 6, quote), vec![]), &["solo critical claude:F1"]);
    check(lanes(cleared("codex", "a.rs", 6, "x = y;"), vec![]), &["solo critical claude:F1"]);
    // Whoever raises it too has not cleared it.
    let own = raised("codex", "F1", "a.rs", 7, Severity::Low, LEAK_TOO);
    check(lanes(cleared("codex", "a.rs", 6, quote), vec![own]), &["agreed critical claude:F1 codex:F1"]);
}

#[test]
fn a_lane_does_not_contradict_itself() {
    let mut only = lane("claude", true, vec![raised("claude", "F1", "a.rs", 7, Severity::High, LEAK)]);
    only.clearances.push(cleared("claude", "a.rs", 6, "guard.release()"));
    check(vec![only, lane("codex", true, vec![])], &["solo high claude:F1"]);
}

#[test]
fn opposite_advice_and_fixes_that_exclude_each_other_are_contradictions() {
    let pair = |a: Raised, b: Raised, expect: &str| {
        check(vec![lane("claude", true, vec![a]), lane("codex", true, vec![b])], &[expect]);
    };
    let a = raised("claude", "F1", "a.rs", 7, Severity::High, "The connect timeout is too short");
    let b = raised("codex", "F1", "a.rs", 7, Severity::Low, "The connect timeout is too long");
    pair(a, b, "contradiction high claude:F1 codex:F1");

    // Too unlike to be matched by their words alone, but they speak of the same line.
    let a =
        raised("claude", "F1", "a.rs", 7, Severity::High, "Slow networks fail: increase the connect timeout");
    let b =
        raised("codex", "F1", "a.rs", 7, Severity::Low, "The connect timeout is too long, threads pile up");
    pair(a, b, "contradiction high claude:F1 codex:F1");

    // Unlike in everything but the thing and the line: only together are they one issue.
    let a = |path| {
        raised(
            "claude",
            "F1",
            path,
            7,
            Severity::High,
            "Mobile users never finish the handshake; increase the timeout",
        )
    };
    let b = |path| {
        raised(
            "codex",
            "F1",
            path,
            7,
            Severity::Low,
            "Threads pile up behind a dead host as the timeout is too long",
        )
    };
    pair(a("a.rs"), b("a.rs"), "contradiction high claude:F1 codex:F1");
    check(
        vec![lane("claude", true, vec![a("")]), lane("codex", true, vec![b("")])],
        &["solo high claude:F1", "solo low codex:F1"],
    );

    // What a lane says twice in different ways is not a contradiction.
    let own = |id: &str, title: &str| raised("claude", id, "a.rs", 7, Severity::Low, title);
    let both =
        vec![own("F1", "The connect timeout is too short"), own("F2", "The connect timeout is too long")];
    let verdicts = told(&Input {
        lanes: vec![lane("claude", true, both), lane("codex", true, vec![])],
        hearings: Vec::new(),
    });
    assert_eq!(verdicts, ["solo low claude:F2", "solo low claude:F1"]);

    let fix = |lane: &str, fix: &str| {
        let mut raised =
            raised(lane, "F1", "a.rs", 7, Severity::Medium, "The comparison misses the last element");
        raised.finding.quote = "while i < n {".to_owned();
        raised.finding.suggestion = Some(fix.to_owned());
        raised
    };
    pair(
        fix("claude", "while i <= n {"),
        fix("codex", "while i != n {"),
        "contradiction medium claude:F1 codex:F1",
    );
    pair(fix("claude", "while i <= n {"), fix("codex", "while i <= n {"), "agreed medium claude:F1 codex:F1");
}

#[test]
fn contested_and_critical_comes_first_then_severity_then_what_both_say() {
    let mut codex = lane(
        "codex",
        true,
        vec![
            raised("codex", "F1", "b.rs", 3, Severity::High, EXPIRY),
            raised("codex", "F2", "a.rs", 90, Severity::High, "The cache key lacks the tenant"),
        ],
    );
    codex.clearances.push(cleared("codex", "z.rs", 6, "guard.release()"));
    let claude = lane(
        "claude",
        true,
        vec![
            raised("claude", "F1", "a.rs", 1, Severity::Critical, "Passwords are written to the log"),
            raised("claude", "F2", "b.rs", 3, Severity::Low, EXPIRY),
            raised("claude", "F3", "z.rs", 7, Severity::Critical, LEAK),
            raised("claude", "F4", "a.rs", 90, Severity::Critical, "The cache key lacks the tenant"),
        ],
    );
    check(
        vec![claude, codex],
        &[
            "contradiction critical claude:F3",
            "agreed critical claude:F4 codex:F2",
            "solo critical claude:F1",
            "agreed high claude:F2 codex:F1",
        ],
    );
}

#[test]
fn duplicates_of_one_lane_are_one_issue_but_the_same_words_elsewhere_are_not() {
    check(
        vec![lane(
            "claude",
            true,
            vec![
                raised("claude", "F1", "a.rs", 7, Severity::High, LEAK),
                raised("claude", "F2", "a.rs", 7, Severity::Low, LEAK),
                raised("claude", "F3", "a.rs", 60, Severity::Low, LEAK),
            ],
        )],
        &["solo high claude:F1 claude:F2", "solo low claude:F3"],
    );
}

#[test]
fn advice_to_test_a_function_is_not_the_bug_in_it() {
    check(
        vec![
            lane("claude", true, vec![raised("claude", "F1", "a.rs", 7, Severity::High, LEAK)]),
            lane(
                "codex",
                true,
                vec![raised(
                    "codex",
                    "F1",
                    "a.rs",
                    7,
                    Severity::Low,
                    "No tests cover release() on early return from connect()",
                )],
            ),
        ],
        &["solo high claude:F1", "solo low codex:F1"],
    );
}

/// Two findings in one file, each as (lines, title), and where they stand to each other.
#[test]
fn place_and_words_decide_together() {
    type Claim = ((u32, u32), &'static str);
    let check = |a: Claim, b: Claim, expect: Zone| {
        let subject =
            |(lines, title): Claim| Subject { path: "a.rs", lines: Some(lines), title, ..Subject::default() };
        let subjects = [subject(a), subject(b)];
        let matched = Corpus::new(&subjects).compare(0, 1);
        assert_eq!(matched.zone, expect, "{} / {}: {}", a.1, b.1, matched.explain());
    };
    // One line, two shared names, other words: the same.
    let sleeps = "Retry loop never sleeps: `fetch_page` calls `request()` again at once after a 503";
    let hammer = "Hammering the upstream: `fetch_page` retries `request()` in a tight loop, no backoff";
    check(((88, 88), sleeps), ((88, 88), hammer), Zone::Same);
    check(((88, 88), sleeps), ((90, 90), hammer), Zone::Same);
    // The same two claims, near each other and at the ends of the file.
    let locale = "Cache key lacks the locale: users with different languages get each other's page";
    let language = "Wrong language served from cache: `cacheKey` ignores what the browser accepts";
    check(((60, 60), locale), ((61, 61), language), Zone::Same);
    check(((60, 60), locale), ((300, 300), language), Zone::Grey);
    // One line, two faults.
    let unit = "Token expiry compared in the wrong unit: `exp` is in seconds, `now()` in milliseconds";
    let audience = "Missing audience check: `verify` accepts what was issued for other services";
    check(((15, 15), unit), ((15, 15), audience), Zone::Different);
    // A long function around a line says nothing.
    let race = "Map written without holding the mutex: `items[key] = v` runs outside `lock`";
    let error = "`put` ignores what `append` returns, so an item may be lost after a crash";
    check(((120, 120), race), ((95, 160), error), Zone::Different);
    // Advice to test what is broken there.
    let untested =
        "No test covers `fetch_page` where `request()` returns 503 and the retry loop never sleeps";
    check(((88, 88), sleeps), ((88, 88), untested), Zone::Different);
}

#[test]
fn the_same_kind_of_defect_in_other_words_on_one_line_is_one_issue() {
    let one = |name: &str, title| {
        let mut raised = raised(name, "F1", "a.rs", 7, Severity::High, title);
        raised.finding.category = Some(Category::Correctness);
        lane(name, true, vec![raised])
    };
    check(
        vec![
            one("claude", "`checkout` returns before `conn` is given back when validation fails"),
            one("codex", "Pool runs dry: an invalid handle exits `checkout` and nobody releases `conn`"),
        ],
        &["agreed high claude:F1 codex:F1"],
    );
}

#[test]
fn a_third_lane_joins_what_two_agree_on() {
    check(
        vec![
            lane("claude", true, vec![raised("claude", "F1", "a.rs", 7, Severity::High, LEAK)]),
            lane("codex", true, vec![raised("codex", "F1", "a.rs", 7, Severity::High, LEAK_TOO)]),
            lane("third", false, vec![raised("third", "F1", "a.rs", 7, Severity::Low, LEAK)]),
        ],
        &["agreed high claude:F1 codex:F1 third:F1"],
    );
}

#[test]
fn a_finding_without_a_place_does_not_tie_two_files_together() {
    let one =
        |name: &str, path: &str| lane(name, true, vec![raised(name, "F1", path, 7, Severity::Low, LEAK)]);
    let issues = reconcile(&Input {
        lanes: vec![one("claude", "a.rs"), one("codex", ""), one("third", "b.rs")],
        hearings: Vec::new(),
    });
    assert_eq!(issues.len(), 2);
    // The one that fitted both is told where it did not go.
    assert_eq!(issues.iter().map(|issue| issue.possibly.len()).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn an_issue_can_be_written_to_the_record_and_read_again() {
    let mut codex =
        lane("codex", true, vec![raised("codex", "F1", "t.rs", 4, Severity::Low, "The timeout is too long")]);
    codex.clearances.push(cleared("codex", "a.rs", 6, "guard.release()"));
    let claude = vec![
        raised("claude", "F1", "a.rs", 7, Severity::High, LEAK),
        raised("claude", "F2", "t.rs", 4, Severity::Low, "The timeout is too short"),
    ];
    let issues = reconcile(&Input { lanes: vec![lane("claude", true, claude), codex], hearings: Vec::new() });
    assert!(issues.iter().all(|issue| issue.verdict == Verdict::Contradiction));
    let json = serde_json::to_string(&issues).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Issue>>(&json).unwrap(), issues, "{json}");
}

#[test]
fn grey_pairs_stay_apart_and_are_named_on_both_sides() {
    let issues = reconcile(&Input {
        lanes: vec![
            lane(
                "claude",
                true,
                vec![raised(
                    "claude",
                    "F1",
                    "a.rs",
                    7,
                    Severity::Low,
                    "The effect runs on every render, its dependencies are missing",
                )],
            ),
            lane(
                "codex",
                true,
                vec![raised(
                    "codex",
                    "F1",
                    "a.rs",
                    8,
                    Severity::Low,
                    "Endless requests: loading users sets state, which starts the effect again",
                )],
            ),
        ],
        hearings: Vec::new(),
    });
    let named: Vec<(Verdict, &str)> = issues
        .iter()
        .flat_map(|issue| issue.possibly.iter().map(|p| (issue.verdict, p.lane.as_str())))
        .collect();
    assert_eq!(named, [(Verdict::Solo, "codex"), (Verdict::Solo, "claude")]);
}

#[test]
fn two_findings_of_one_lane_are_not_joined_by_way_of_the_other_lanes() {
    let one = |name: &str, id: &str, line| raised(name, id, "a.rs", line, Severity::Low, LEAK);
    let issues = reconcile(&Input {
        lanes: vec![
            lane("claude", true, vec![one("claude", "F1", 1), one("claude", "F2", 50)]),
            lane("codex", true, vec![one("codex", "F1", 1)]),
            lane("third", true, vec![one("third", "F1", 50)]),
        ],
        hearings: Vec::new(),
    });
    let twice = |issue: &Issue| issue.members.iter().filter(|m| m.lane.as_str() == "claude").count() > 1;
    assert!(!issues.iter().any(twice), "{issues:#?}");
}

#[test]
fn a_clearance_of_the_other_side_of_the_diff_contradicts_nothing() {
    let mut old = cleared("codex", "a.rs", 6, "guard.release()");
    if let Placement::Anchored(anchor) = &mut old.placement {
        anchor.side = Side::Old;
    }
    let mut codex = lane("codex", true, vec![]);
    codex.clearances.push(old);
    let claude = lane("claude", true, vec![raised("claude", "F1", "a.rs", 7, Severity::High, LEAK)]);
    check(vec![claude, codex], &["solo high claude:F1"]);
}

#[test]
fn a_match_explains_itself() {
    let lanes = vec![
        lane("claude", true, vec![raised("claude", "F1", "a.rs", 7, Severity::Medium, LEAK)]),
        lane("codex", true, vec![raised("codex", "F1", "a.rs", 7, Severity::High, LEAK_TOO)]),
    ];
    let issues = reconcile(&Input { lanes, hearings: Vec::new() });
    let explained = issues.first().and_then(|issue| issue.matched.as_ref()).map(Match::explain);
    insta::assert_snapshot!(
        explained.unwrap_or_default(),
        @"same 0.94: overlapping lines (2.20), terms connect, release, early, leaks (0.91), wording (0.48), words (0.77), both about leaks of resources (1.00), against the others (+0.33)"
    );
}

const TITLES: [&str; 9] = [
    LEAK,
    LEAK_TOO,
    EXPIRY,
    "Token accepted although it expires in this second",
    "The connect timeout is too short",
    "The connect timeout is too long",
    "Missing null check on user",
    "The null check on user is redundant",
    "",
];

fn some_lane(name: &'static str) -> impl Strategy<Value = LaneResult> {
    let place = (prop::sample::select(vec!["", "a.rs", "b.rs"]), 1_u32..60);
    let severity = prop::sample::select(vec![Severity::Low, Severity::High, Severity::Critical]);
    let finding = (place.clone(), severity, prop::sample::select(TITLES.to_vec()));
    let findings = prop::collection::vec(finding, 0..6);
    let clearances = prop::collection::vec(place, 0..2);
    (any::<bool>(), findings, clearances).prop_map(move |(finished, findings, clearances)| LaneResult {
        lane: LaneName::new(name),
        unasked: BTreeSet::new(),
        looked: looked(finished),
        findings: findings
            .into_iter()
            .enumerate()
            .map(|(i, ((path, line), severity, title))| {
                raised(name, &format!("F{i}"), path, line, severity, title)
            })
            .collect(),
        clearances: clearances
            .into_iter()
            .map(|(path, line)| cleared(name, path, line, "guard.release()"))
            .collect(),
    })
}

fn some_input() -> impl Strategy<Value = Input> {
    (some_lane("claude"), some_lane("codex"), some_lane("third"), 1_usize..=3).prop_map(|(a, b, c, n)| {
        Input { lanes: [a, b, c].into_iter().take(n).collect(), hearings: Vec::new() }
    })
}

/// Verdict and members of each issue, in the order of the issues but whatever the order of the lanes.
fn unordered(issues: &[Issue]) -> Vec<(Verdict, Severity, BTreeSet<String>)> {
    let who = |m: &Raised| format!("{}:{}", m.lane.as_str(), m.finding.id);
    issues.iter().map(|i| (i.verdict, i.severity, i.members.iter().map(who).collect())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_finding_stands_in_exactly_one_issue(input in some_input()) {
        let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
        for member in reconcile(&input).iter().flat_map(|issue| &issue.members) {
            *seen.entry((member.lane.as_str().to_owned(), member.finding.id.clone())).or_default() += 1;
        }
        let given: usize = input.lanes.iter().map(|lane| lane.findings.len()).sum();
        prop_assert_eq!(seen.len(), given);
        prop_assert!(seen.values().all(|times| *times == 1));
    }

    #[test]
    fn neither_the_order_of_lanes_nor_of_findings_matters(input in some_input()) {
        let before = reconcile(&input);
        let mut turned = input;
        turned.lanes.reverse();
        turned.lanes.iter_mut().for_each(|lane| { lane.findings.reverse(); lane.clearances.reverse(); });
        prop_assert_eq!(unordered(&before), unordered(&reconcile(&turned)));
    }

    #[test]
    fn reconciling_what_was_reconciled_changes_nothing(input in some_input()) {
        let before = reconcile(&input);
        let mut again = input;
        for lane in &mut again.lanes {
            let own = before.iter().flat_map(|issue| &issue.members).filter(|m| m.lane == lane.lane);
            lane.findings = own.cloned().collect();
        }
        prop_assert_eq!(before, reconcile(&again));
    }

    #[test]
    fn no_verdict_comes_without_its_reason(input in some_input()) {
        for issue in reconcile(&input) {
            let lanes: BTreeSet<&LaneName> = issue.members.iter().map(|m| &m.lane).collect();
            let contested = issue.verdict == Verdict::Contradiction;
            prop_assert_eq!(issue.contradiction.is_some(), contested);
            prop_assert_eq!(issue.matched.is_some(), lanes.len() > 1);
            let files: BTreeSet<&str> =
                issue.members.iter().filter_map(|m| m.placement.anchor()).map(|a| a.path.as_str()).collect();
            prop_assert!(files.len() < 2, "one issue, one file");
            prop_assert!(issue.verdict != Verdict::Agreed || lanes.len() > 1);
            prop_assert!(matches!(issue.verdict, Verdict::Agreed | Verdict::Contradiction) || lanes.len() == 1);
            if let Some(Contradiction { against: Against::Clearance(cleared), .. }) = &issue.contradiction {
                prop_assert!(!lanes.contains(&cleared.lane), "no lane opposes its own finding");
            }
        }
    }

    #[test]
    fn a_lane_that_says_nothing_changes_no_grouping(input in some_input(), finished in any::<bool>()) {
        let members = |input: &Input| unordered(&reconcile(input)).into_iter().map(|i| i.2).collect::<BTreeSet<_>>();
        let before = members(&input);
        let mut more = input;
        more.lanes.push(lane("silent", finished, vec![]));
        prop_assert_eq!(before, members(&more));
    }

    #[test]
    fn without_clearances_and_opposite_words_nobody_contradicts(mut input in some_input()) {
        for lane in &mut input.lanes {
            lane.clearances.clear();
            lane.findings.retain(|raised| !raised.finding.title.contains("too ") && !raised.finding.title.contains("null"));
        }
        prop_assert!(reconcile(&input).iter().all(|issue| issue.verdict != Verdict::Contradiction));
    }
}

#[test]
fn hostile_text_is_reconciled_as_fast_as_any() {
    let began = std::time::Instant::now();
    let say = |title: &str, body: &str| {
        let some = |name: &str| {
            let of = |i: usize| {
                let mut raised = raised(name, &format!("F{i}"), "a.rs", 7, Severity::High, title);
                raised.finding.body = body.to_owned();
                raised.finding.quote = body.to_owned();
                raised.finding.suggestion = Some(body.to_owned());
                raised
            };
            lane(name, true, (0..20).map(of).collect())
        };
        reconcile(&Input { lanes: vec![some("claude"), some("codex")], hearings: Vec::new() })
    };
    // The same twenty times, nothing at all, one word without end, words that are looked for around each other.
    assert_eq!(say(LEAK, LEAK).len(), 1);
    say("", "");
    say("", &"a".repeat(50_000));
    say("", &"before ".repeat(5_000));
    say("", &"not safe too long `".repeat(2_000));
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
}
