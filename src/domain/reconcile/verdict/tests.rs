use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::domain::debate::Vote;
use crate::domain::finding::{Anchor, Clearance, Cleared, Evidence, Finding, Placement, Resolution, Side};
use crate::domain::reconcile::{Input, Issue, Looked, reconcile};

const LANES: [&str; 3] = ["claude", "codex", "third"];

fn raised(lane: &str, id: &str, line: u32, title: &str) -> Raised {
    let anchor =
        Anchor { path: "a.rs".to_owned(), side: Side::New, start: line, end: line, how: Resolution::Exact };
    Raised {
        lane: LaneName::new(lane),
        finding: Finding {
            id: id.to_owned(),
            path: "a.rs".to_owned(),
            side: Side::New,
            line_start: line,
            line_end: line,
            quote: String::new(),
            evidence: Vec::new(),
            category: None,
            severity: Severity::High,
            confidence: None,
            title: title.to_owned(),
            body: String::new(),
            failure_scenario: String::new(),
            suggestion: None,
        },
        placement: Placement::Anchored(anchor),
        informed: false,
    }
}

fn key(lane: &str, id: &str) -> FindingKey {
    FindingKey { lane: LaneName::new(lane), id: id.to_owned() }
}

fn lane(name: &str, findings: Vec<Raised>) -> LaneResult {
    LaneResult {
        lane: LaneName::new(name),
        looked: Looked::Except(BTreeSet::new()),
        unasked: BTreeSet::new(),
        findings,
        clearances: Vec::new(),
    }
}

fn vote(target: FindingKey, stance: Stance, stands: bool) -> Vote {
    Vote {
        target,
        stance,
        reason: format!("{stance}"),
        evidence: vec![Evidence { path: "a.rs".to_owned(), quote: "guard.release()".to_owned() }],
        stands,
        severity: None,
        duplicate_of: None,
        confidence: None,
    }
}

fn challenge(by: &str, heard: bool, votes: Vec<Vote>, targets: Vec<FindingKey>) -> Hearing {
    let lane = LaneName::new(by);
    Hearing { lane, purpose: Purpose::Challenge, targets, heard, votes, defences: Vec::new() }
}

fn defence(by: &str, target: FindingKey, answer: Answer, stands: bool) -> Hearing {
    let defence = Defence {
        target: target.clone(),
        answer,
        evidence: Vec::new(),
        stands,
        severity: Some(Severity::Medium),
        lines: None,
        claim: "only on retry".to_owned(),
    };
    let lane = LaneName::new(by);
    Hearing {
        lane,
        purpose: Purpose::Defend,
        targets: vec![target],
        heard: true,
        votes: Vec::new(),
        defences: vec![defence],
    }
}

/// Claude raised one thing; what was said of it then.
fn after(hearings: Vec<Hearing>) -> Issue {
    let claude = lane("claude", vec![raised("claude", "F1", 7, "The connection leaks on early return")]);
    let lanes = vec![claude, lane("codex", Vec::new()), lane("third", Vec::new())];
    let mut issues = reconcile(&Input { lanes, hearings });
    assert_eq!(issues.len(), 1);
    issues.remove(0)
}

#[test]
fn each_row_of_the_table_of_verdicts_holds() {
    let f1 = || key("claude", "F1");
    let by_codex = |stance, stands| challenge("codex", true, vec![vote(f1(), stance, stands)], vec![f1()]);
    let by_third = |stance| challenge("third", true, vec![vote(f1(), stance, true)], vec![f1()]);
    let refuted = || by_codex(Stance::Refuted, true);
    let told = |hearings: Vec<Hearing>| {
        let issue = after(hearings);
        let heard = matches!(issue.defended, Some(Defended::Answered(_)));
        let pre_existing = if issue.pre_existing { ", was there before" } else { "" };
        let was = issue.was.map(|was| format!(", was {was}")).unwrap_or_default();
        let not_heard = if issue.defended.is_some() && !heard { ", not heard" } else { "" };
        format!("{} {}{was}{not_heard}{pre_existing}", issue.verdict, issue.severity)
    };
    let dead = challenge("codex", false, Vec::new(), vec![f1()]);
    let third_dead = challenge("third", false, Vec::new(), vec![f1()]);
    let rows = [
        ("nobody asked", told(vec![])),
        ("confirmed", told(vec![by_codex(Stance::Confirmed, true)])),
        ("confirmed, void", told(vec![by_codex(Stance::Confirmed, false)])),
        ("plausible", told(vec![by_codex(Stance::Plausible, true)])),
        ("pre-existing", told(vec![by_codex(Stance::PreExisting, true)])),
        ("pre-existing, void", told(vec![by_codex(Stance::PreExisting, false)])),
        ("refuted, void", told(vec![by_codex(Stance::Refuted, false)])),
        ("refuted, not heard", told(vec![refuted()])),
        ("refuted, stands", told(vec![refuted(), defence("claude", f1(), Answer::Stand, true)])),
        ("refuted, narrowed", told(vec![refuted(), defence("claude", f1(), Answer::Narrow, true)])),
        ("refuted, withdrawn", told(vec![refuted(), defence("claude", f1(), Answer::Withdraw, false)])),
        ("refuted, void defence", told(vec![refuted(), defence("claude", f1(), Answer::Stand, false)])),
        ("somebody else's defence", told(vec![refuted(), defence("third", f1(), Answer::Withdraw, true)])),
        ("challenger died", told(vec![dead.clone()])),
        ("both challengers died", told(vec![dead.clone(), third_dead])),
        ("one died, one confirmed", told(vec![dead, by_third(Stance::Confirmed)])),
        ("one confirmed, one refuted", told(vec![by_third(Stance::Confirmed), refuted()])),
        (
            "one confirmed, one refuted, withdrawn",
            told(vec![
                by_third(Stance::Confirmed),
                refuted(),
                defence("claude", f1(), Answer::Withdraw, true),
            ]),
        ),
        (
            "own vote",
            told(vec![challenge("claude", true, vec![vote(f1(), Stance::Confirmed, true)], vec![f1()])]),
        ),
    ];
    let rows: Vec<String> = rows.iter().map(|(case, told)| format!("{case}: {told}")).collect();
    insta::assert_snapshot!(rows.join("\n"), @"
    nobody asked: solo high
    confirmed: confirmed high
    confirmed, void: solo high
    plausible: solo high
    pre-existing: solo high, was there before
    pre-existing, void: solo high
    refuted, void: solo high
    refuted, not heard: disputed high, not heard
    refuted, stands: disputed high
    refuted, narrowed: disputed medium, was high
    refuted, withdrawn: withdrawn high
    refuted, void defence: withdrawn high
    somebody else's defence: disputed high, not heard
    challenger died: unchecked high
    both challengers died: unchecked high
    one died, one confirmed: confirmed high
    one confirmed, one refuted: disputed high, not heard
    one confirmed, one refuted, withdrawn: disputed high
    own vote: solo high
    ");
}

#[test]
fn a_defence_narrows_lines_only_within_what_was_claimed() {
    let lines = |start, end| {
        let refuted = vote(key("claude", "F1"), Stance::Refuted, true);
        let mut answered = defence("claude", key("claude", "F1"), Answer::Narrow, true);
        answered.defences[0].lines = Some((start, end));
        let issue = after(vec![challenge("codex", true, vec![refuted], vec![key("claude", "F1")]), answered]);
        let Some(Defended::Answered(defence)) = issue.defended else { panic!("not heard") };
        defence.lines
    };
    assert_eq!((lines(7, 7), lines(1, 999)), (Some((7, 7)), None));
}

#[test]
fn a_clearance_contradicts_one_lane_with_a_reason_and_not_two_that_found_it_blind() {
    let told = |lanes: &[&str], reason: &str| {
        let raised = |name: &str| raised(name, "F1", 7, "The connection leaks on early return");
        let anchor = raised("claude").placement;
        let clearance = Clearance {
            path: "a.rs".to_owned(),
            quote: "guard.release()".to_owned(),
            reason: reason.to_owned(),
        };
        let cleared = Cleared { lane: LaneName::new("third"), clearance, placement: anchor };
        let mut all: Vec<LaneResult> = lanes.iter().map(|name| lane(name, vec![raised(name)])).collect();
        all.push(LaneResult { clearances: vec![cleared], ..lane("third", Vec::new()) });
        let issues = reconcile(&Input { lanes: all, hearings: Vec::new() });
        issues.iter().map(|issue| issue.verdict.to_string()).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(told(&["claude"], "the guard releases it"), "contradiction");
    assert_eq!(told(&["claude"], ""), "solo");
    assert_eq!(told(&["claude", "codex"], "the guard releases it"), "agreed");
}

#[test]
fn what_reads_alike_in_functions_far_apart_is_not_found_by_both() {
    let told = |line: u32, other: u32| {
        let raised =
            |name: &str, line| lane(name, vec![raised(name, "F1", line, "SQL injection through the id")]);
        let issues = reconcile(&Input {
            lanes: vec![raised("claude", line), raised("codex", other)],
            hearings: Vec::new(),
        });
        issues.iter().map(|issue| issue.verdict.to_string()).collect::<Vec<_>>().join(", ")
    };
    assert_eq!((told(3, 5).as_str(), told(3, 97).as_str()), ("agreed", "solo, solo"));
}

#[test]
fn a_challenger_s_own_finding_that_says_the_same_makes_two_agree_where_the_matcher_is_in_doubt() {
    let told = |own: Raised, duplicate_of: &str| {
        let vote = Vote {
            duplicate_of: Some(key("codex", duplicate_of)),
            ..vote(key("claude", "F1"), Stance::Plausible, true)
        };
        let hearing = challenge("codex", true, vec![vote], vec![key("claude", "F1")]);
        let claude = lane("claude", vec![raised("claude", "F1", 7, "The connection leaks on early return")]);
        let lanes = vec![claude, lane("codex", vec![own])];
        let issues = reconcile(&Input { lanes, hearings: vec![hearing] });
        issues.iter().map(|issue| issue.verdict.to_string()).collect::<Vec<_>>().join(", ")
    };
    let other = "Pool exhaustion under load";
    assert_eq!(told(raised("codex", "F9", 7, other), "F9"), "agreed");
    assert_eq!(told(raised("codex", "F9", 7, other), "F8"), "solo, solo");
    assert_eq!(told(raised("codex", "F9", 90, other), "F9"), "solo, solo");
    let mut elsewhere = raised("codex", "F9", 7, other);
    elsewhere.placement = Placement::Anchored(Anchor {
        path: "b.rs".to_owned(),
        side: Side::New,
        start: 7,
        end: 7,
        how: Resolution::Exact,
    });
    assert_eq!(told(elsewhere, "F9"), "solo, solo");
}

const TITLES: [&str; 4] = [
    "The connection leaks on early return",
    "Early return leaks the connection",
    "A retried refund is paid twice",
    "Tenant missing from the cache key",
];

fn some_stance() -> impl Strategy<Value = Stance> {
    prop::sample::select(vec![Stance::Confirmed, Stance::Plausible, Stance::Refuted, Stance::PreExisting])
}

/// Three lanes with findings and whatever they say of each other's, their own included.
fn some_debate() -> impl Strategy<Value = Input> {
    let finding = (1_u32..40, prop::sample::select(TITLES.to_vec()), any::<bool>());
    let findings = prop::collection::vec(prop::collection::vec(finding, 0..4), 3);
    let someone = || prop::sample::select(LANES.to_vec());
    let target = || (someone(), 0_usize..4).prop_map(|(lane, n)| key(lane, &format!("F{n}")));
    let said = (target(), some_stance(), any::<bool>(), prop::option::of(target())).prop_map(
        |(target, stance, stands, duplicate_of)| Vote { duplicate_of, ..vote(target, stance, stands) },
    );
    let challenges =
        (someone(), any::<bool>(), prop::collection::vec(said, 0..4)).prop_map(|(by, heard, votes)| {
            let targets = votes.iter().map(|vote| vote.target.clone()).collect();
            challenge(by, heard, if heard { votes } else { Vec::new() }, targets)
        });
    let answer = prop::sample::select(vec![Answer::Stand, Answer::Narrow, Answer::Withdraw]);
    let defences = (target(), answer, any::<bool>()).prop_map(|(target, answer, stands)| {
        let by = target.lane.as_str().to_owned();
        defence(&by, target, answer, stands)
    });
    let hearings = (prop::collection::vec(challenges, 0..5), prop::collection::vec(defences, 0..4));
    (findings, hearings, any::<[bool; 3]>()).prop_map(|(findings, (challenges, defences), looked)| {
        let lanes = LANES.iter().zip(findings).zip(looked).map(|((name, findings), looked)| {
            let findings = findings.into_iter().enumerate().map(|(at, (line, title, informed))| Raised {
                informed,
                ..raised(name, &format!("F{at}"), line, title)
            });
            let looked = if looked { Looked::Except(BTreeSet::new()) } else { Looked::Nowhere };
            LaneResult { looked, ..lane(name, findings.collect()) }
        });
        Input { lanes: lanes.collect(), hearings: challenges.into_iter().chain(defences).collect() }
    })
}

fn lanes_of(issue: &Issue, blind: bool) -> BTreeSet<&LaneName> {
    issue.members.iter().filter(|member| !(blind && member.informed)).map(|member| &member.lane).collect()
}

/// Everything but the order.
fn told(issues: &[Issue]) -> BTreeSet<String> {
    let told = |issue: &Issue| {
        let members: BTreeSet<FindingKey> = issue.members.iter().map(Raised::key).collect();
        let votes: BTreeSet<String> = issue.votes.iter().map(|cast| format!("{cast:?}")).collect();
        format!("{members:?} {} {} {votes:?} {:?}", issue.verdict, issue.severity, issue.defended)
    };
    issues.iter().map(told).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_verdict_stands_without_what_it_rests_on(input in some_debate()) {
        for issue in reconcile(&input) {
            let counts = |stance| issue.votes.iter().any(|cast| cast.vote.stands && cast.vote.stance == stance);
            let (blind, all) = (lanes_of(&issue, true), lanes_of(&issue, false));
            let raisers = if blind.is_empty() { &all } else { &blind };
            prop_assert!(issue.votes.iter().all(|cast| !raisers.contains(&cast.lane)), "no own vote");
            prop_assert!(issue.votes.iter().all(|cast| cast.vote.target.lane != cast.lane), "no own vote");
            match issue.verdict {
                Verdict::Agreed => prop_assert!(blind.len() > 1),
                Verdict::Confirmed => prop_assert!(counts(Stance::Confirmed)),
                Verdict::Disputed => prop_assert!(counts(Stance::Refuted) && issue.defended.is_some()),
                Verdict::Withdrawn => prop_assert!(
                    counts(Stance::Refuted) && matches!(issue.defended, Some(Defended::Answered(_)))
                ),
                Verdict::Contradiction => prop_assert!(issue.contradiction.is_some()),
                Verdict::Solo | Verdict::Unchecked => prop_assert!(blind.len() < 2 && !counts(Stance::Refuted)),
            }
            prop_assert!(!issue.pre_existing || counts(Stance::PreExisting));
        }
    }

    #[test]
    fn a_void_vote_changes_nothing(input in some_debate()) {
        let mut without = input.clone();
        for hearing in &mut without.hearings {
            hearing.votes.retain(|vote| vote.stands);
        }
        let verdicts = |input: &Input| -> BTreeSet<String> {
            let told = |issue: &Issue| {
                let members: BTreeSet<FindingKey> = issue.members.iter().map(Raised::key).collect();
                format!("{members:?} {} {}", issue.verdict, issue.severity)
            };
            reconcile(input).iter().map(told).collect()
        };
        prop_assert_eq!(verdicts(&input), verdicts(&without));
    }

    #[test]
    fn neither_the_order_of_lanes_nor_of_what_is_said_matters(input in some_debate()) {
        let mut turned = input.clone();
        turned.lanes.reverse();
        turned.hearings.reverse();
        turned.lanes.iter_mut().for_each(|lane| lane.findings.reverse());
        turned.hearings.iter_mut().for_each(|hearing| hearing.votes.reverse());
        prop_assert_eq!(told(&reconcile(&input)), told(&reconcile(&turned)));
    }

    #[test]
    fn a_lane_that_dies_buries_nothing(input in some_debate(), dead in prop::sample::select(LANES.to_vec())) {
        let mut without = input;
        for hearing in without.hearings.iter_mut().filter(|hearing| hearing.lane.as_str() == dead) {
            hearing.heard = false;
            hearing.votes.clear();
            hearing.defences.clear();
        }
        for issue in reconcile(&without) {
            let raised_by_dead = issue.members.iter().all(|member| member.lane.as_str() == dead);
            prop_assert!(!(raised_by_dead && issue.verdict == Verdict::Withdrawn), "{:?}", issue);
        }
    }
}
