//! A lane that dies at each step of each strategy, in each way: nothing it raised is buried, nothing it did not say counts,
//! and no check is green.

use futures_util::future::join_all;
use serde_json::Value;

use super::*;

/// How a lane dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Errors,
    Refusal,
    /// Silence until the deadline.
    Silence,
    /// Somebody cancels the run while it answers.
    Cancelled,
    /// The pass before cost so much that nothing is left for it.
    Unpaid,
}

const WAYS: [How; 5] = [How::Errors, How::Refusal, How::Silence, How::Cancelled, How::Unpaid];

/// A step: who, and what for.
type Step = (&'static str, Pass);

/// What a lane says at each step while it lives: each refutes what only the other found, and stands by its own.
fn says(name: &str, request: &ModelRequest, reviewed: bool) -> Reply {
    let claude = name == "claude";
    match request.pass() {
        Pass::Review if claude => reply([expiry()]),
        Pass::Review => reply([refund()]),
        Pass::Challenge if claude => {
            votes([challenge(REFUND, "refuted", "The caller halves it.", FILE, DOUBLED)])
        }
        // Who has not read it before adds what was missed.
        Pass::Challenge if reviewed => refuted(),
        Pass::Challenge => reply([refund()]).challenges([challenge(EXPIRY, "refuted", SAFE, FILE, IS_VALID)]),
        Pass::Defend if claude => answers([defence(EXPIRY, "stand", FILE, COMPARISON).claim("It does not.")]),
        Pass::Defend => answers([defence(REFUND, "stand", FILE, DOUBLED).claim("No caller is shown.")]),
    }
}

/// The steps of a strategy, round by round: those of one round are taken at the same time.
fn rounds(strategy: &str) -> &'static [&'static [Step]] {
    match strategy {
        "single" => &[&[("claude", Pass::Review)]],
        "parallel" => &[BOTH_REVIEW],
        "sequential" => &[
            &[("claude", Pass::Review)],
            &[("codex", Pass::Challenge)],
            &[("claude", Pass::Defend), ("claude", Pass::Challenge)],
            &[("codex", Pass::Defend)],
        ],
        _ => &[
            BOTH_REVIEW,
            &[("claude", Pass::Challenge), ("codex", Pass::Challenge)],
            &[("claude", Pass::Defend), ("codex", Pass::Defend)],
        ],
    }
}

const BOTH_REVIEW: &[Step] = &[("claude", Pass::Review), ("codex", Pass::Review)];

/// One row of the table.
async fn dies(strategy: &'static str, step: Option<Step>, how: How) -> String {
    let world = shop().await;
    let gate = Gate::new();
    let poor = step.and_then(|step| poor(strategy, step)).filter(|_| how == How::Unpaid);
    for (name, lane) in [("claude", world.claude()), ("codex", world.codex())] {
        let gate = gate.clone();
        lane.otherwise(Answer::consider(move |request| {
            let answer = Answer::reply(says(name, request, strategy != "sequential"));
            match how {
                _ if poor.is_some_and(|(_, dear)| dear.contains(&(name, request.pass()))) => {
                    answer.usage(dear(request))
                }
                _ if step != Some((name, request.pass())) => answer,
                How::Errors => Answer::overloaded(),
                How::Refusal => Answer::refusal(),
                How::Silence => Answer::hang(),
                How::Cancelled => Answer::hang().held(&gate),
                How::Unpaid => answer,
            }
        }));
    }
    let mut run = opened(&world).input("strategy", strategy);
    if how == How::Silence {
        run = run.input("max-minutes", "0.12");
    }
    if let Some((cap, _)) = poor {
        run = run.input("max-cost-usd", cap);
    }
    let mut running = run.spawn();
    if let (How::Cancelled, Some(step)) = (how, step) {
        gate.reached().await;
        running.says_times(" finished after ", others(strategy, step)).await;
        running.signal("TERM");
    }
    let run = running.finish().await;
    let conclusion = match world.published(7).checks.as_slice() {
        [check] => check.conclusion.clone().unwrap_or_default(),
        checks => format!("{} checks", checks.len()),
    };
    world.assert_clean();
    let who = step.map_or_else(|| "nobody".to_owned(), |(name, pass)| format!("{name} {pass:?}"));
    let ended = ended(&run).replace('\n', "; ");
    if step.is_some() {
        assert_ne!(conclusion, "success", "{strategy}, {who}, {how:?}: {ended}");
        assert_eq!(run.output("withdrawn"), "0", "{strategy}, {who}, {how:?}: {ended}");
    }
    let summary = read(&world);
    if matches!(step, Some((_, Pass::Defend))) {
        assert!(summary.contains("not heard"), "{strategy}, {who}, {how:?}: {summary}");
    }
    if run.output("unchecked") != "0" {
        assert!(summary.contains("unchecked"), "{strategy}, {who}, {how:?}: {summary}");
    }
    if let (Some(_), Some((name, pass)), Some(record)) = (poor, step, run.record()) {
        let passes = record["passes"].as_array().expect("passes");
        let unpaid = |p: &Value| p["lane"] == name && p["purpose"] == word(pass) && p["end"] == "unpaid";
        assert!(passes.iter().any(unpaid), "{strategy}, {who} was paid: {}", record["ledger"]);
    }
    format!("{who}: {conclusion}, {ended}\n")
}

fn word(pass: Pass) -> &'static str {
    match pass {
        Pass::Review => "review",
        Pass::Challenge => "challenge",
        Pass::Defend => "defend",
    }
}

/// Everything that the call could cost.
fn dear(request: &ModelRequest) -> Usage {
    let bytes = u64::try_from(request.body.to_string().len()).unwrap_or_default();
    Usage::new(0, request.max_output().unwrap_or_default()).cached(0, bytes)
}

/// How many passes end before the step does, and those of its round that do not die.
fn others(strategy: &str, step: Step) -> usize {
    let round = rounds(strategy).iter().position(|round| round.contains(&step)).unwrap_or_default();
    rounds(strategy).iter().take(round + 1).map(|round| round.len()).sum::<usize>() - 1
}

/// The money with which a step cannot be paid once the steps before it are as dear as they can be, and those. None where
/// another lane's step would be missing first.
fn poor(strategy: &str, step: Step) -> Option<(&'static str, &'static [Step])> {
    const CHALLENGES: &[Step] = &[("claude", Pass::Challenge), ("codex", Pass::Challenge)];
    match (strategy, step) {
        ("single" | "sequential", (_, Pass::Review)) => Some(("0.02", &[])),
        (_, ("claude", Pass::Review)) => None,
        (_, (_, Pass::Review)) => Some(("0.10", &[])),
        ("sequential", ("codex", Pass::Challenge)) => Some(("0.19", BOTH_REVIEW)),
        ("sequential", ("claude", _)) => Some(("0.17", &[("codex", Pass::Challenge)])),
        ("sequential", _) => Some(("0.15", &[("claude", Pass::Challenge)])),
        (_, (_, Pass::Challenge)) => Some(("0.17", BOTH_REVIEW)),
        (_, (_, Pass::Defend)) => Some(("0.19", CHALLENGES)),
    }
}

async fn table(strategy: &'static str) -> String {
    let mut told = dies(strategy, None, How::Refusal).await;
    let steps: Vec<Step> = rounds(strategy).concat();
    for how in WAYS {
        told.push_str(&format!("{how:?}\n"));
        let steps = steps.iter().filter(|step| how != How::Unpaid || poor(strategy, **step).is_some());
        let rows = join_all(steps.map(|step| dies(strategy, Some(*step), how))).await;
        rows.iter().for_each(|row| told.push_str(&format!("  {row}")));
    }
    told
}

#[tokio::test]
async fn single() {
    insta::assert_snapshot!(table("single").await, @"
    nobody: success, exit 0: reviewed ok, gate off, lanes 1/1; 1 solo of 1, 1 inline
    Errors
      claude Review: neutral, exit 0: failed no-lane, gate off, lanes 0/1; nothing of 0, 0 inline
    Refusal
      claude Review: neutral, exit 0: failed no-lane, gate off, lanes 0/1; nothing of 0, 0 inline
    Silence
      claude Review: neutral, exit 0: failed deadline, gate off, lanes 0/1; nothing of 0, 0 inline
    Cancelled
      claude Review: neutral, exit 0: failed cancelled, gate off, lanes 0/1; nothing of 0, 0 inline
    Unpaid
      claude Review: neutral, exit 0: skipped budget, gate off, lanes 0/0; nothing of 0, 0 inline
    ");
}

#[tokio::test]
async fn parallel() {
    insta::assert_snapshot!(table("parallel").await, @"
    nobody: success, exit 0: reviewed ok, gate off, lanes 2/2; 2 solo of 2, 2 inline
    Errors
      claude Review: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 1 unchecked of 1, 1 inline
      codex Review: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 1 unchecked of 1, 1 inline
    Refusal
      claude Review: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 1 unchecked of 1, 1 inline
      codex Review: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 1 unchecked of 1, 1 inline
    Silence
      claude Review: neutral, exit 0: partial deadline, gate off, lanes 1/2; 1 unchecked of 1, 1 inline
      codex Review: neutral, exit 0: partial deadline, gate off, lanes 1/2; 1 unchecked of 1, 1 inline
    Cancelled
      claude Review: neutral, exit 0: partial cancelled, gate off, lanes 1/2; 1 unchecked of 1, 0 inline
      codex Review: neutral, exit 0: partial cancelled, gate off, lanes 1/2; 1 unchecked of 1, 0 inline
    Unpaid
      codex Review: neutral, exit 0: partial budget, gate off, lanes 1/2; 1 unchecked of 1, 1 inline
    ");
}

#[tokio::test]
async fn sequential() {
    insta::assert_snapshot!(table("sequential").await, @"
    nobody: success, exit 0: reviewed ok, gate off, lanes 2/2; 2 disputed of 2, 2 inline
    Errors
      claude Review: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 1 unchecked of 1, 1 inline
      codex Challenge: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 1 unchecked of 1, 1 inline
      claude Defend: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 2 disputed of 2, 2 inline
      claude Challenge: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 1 disputed, 1 unchecked of 2, 2 inline
      codex Defend: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 2 disputed of 2, 2 inline
    Refusal
      claude Review: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 1 unchecked of 1, 1 inline
      codex Challenge: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 1 unchecked of 1, 1 inline
      claude Defend: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 2 disputed of 2, 2 inline
      claude Challenge: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 1 disputed, 1 unchecked of 2, 2 inline
      codex Defend: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 2 disputed of 2, 2 inline
    Silence
      claude Review: neutral, exit 0: failed deadline, gate off, lanes 0/2; nothing of 0, 0 inline
      codex Challenge: neutral, exit 0: partial deadline, gate off, lanes 1/2; 1 unchecked of 1, 1 inline
      claude Defend: neutral, exit 0: partial deadline, gate off, lanes 0/2; 2 disputed of 2, 2 inline
      claude Challenge: neutral, exit 0: partial deadline, gate off, lanes 1/2; 1 disputed, 1 unchecked of 2, 2 inline
      codex Defend: neutral, exit 0: partial deadline, gate off, lanes 1/2; 2 disputed of 2, 2 inline
    Cancelled
      claude Review: neutral, exit 0: failed cancelled, gate off, lanes 0/2; nothing of 0, 0 inline
      codex Challenge: neutral, exit 0: partial cancelled, gate off, lanes 1/2; 1 unchecked of 1, 0 inline
      claude Defend: neutral, exit 0: partial cancelled, gate off, lanes 0/2; 2 disputed of 2, 0 inline
      claude Challenge: neutral, exit 0: partial cancelled, gate off, lanes 1/2; 1 disputed, 1 unchecked of 2, 0 inline
      codex Defend: neutral, exit 0: partial cancelled, gate off, lanes 1/2; 2 disputed of 2, 0 inline
    Unpaid
      claude Review: neutral, exit 0: skipped budget, gate off, lanes 0/0; nothing of 0, 0 inline
      codex Challenge: neutral, exit 0: partial budget, gate off, lanes 1/2; 1 unchecked of 1, 1 inline
      claude Defend: neutral, exit 0: partial budget, gate off, lanes 1/2; 1 disputed, 1 unchecked of 2, 2 inline
      claude Challenge: neutral, exit 0: partial budget, gate off, lanes 1/2; 1 disputed, 1 unchecked of 2, 2 inline
      codex Defend: neutral, exit 0: partial budget, gate off, lanes 1/2; 2 disputed of 2, 2 inline
    ");
}

#[tokio::test]
async fn adversarial() {
    insta::assert_snapshot!(table("adversarial").await, @"
    nobody: success, exit 0: reviewed ok, gate off, lanes 2/2; 2 disputed of 2, 2 inline
    Errors
      claude Review: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 1 unchecked of 1, 1 inline
      codex Review: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 1 unchecked of 1, 1 inline
      claude Challenge: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 1 disputed, 1 unchecked of 2, 2 inline
      codex Challenge: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 1 disputed, 1 unchecked of 2, 2 inline
      claude Defend: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 2 disputed of 2, 2 inline
      codex Defend: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 2 disputed of 2, 2 inline
    Refusal
      claude Review: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 1 unchecked of 1, 1 inline
      codex Review: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 1 unchecked of 1, 1 inline
      claude Challenge: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 1 disputed, 1 unchecked of 2, 2 inline
      codex Challenge: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 1 disputed, 1 unchecked of 2, 2 inline
      claude Defend: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 2 disputed of 2, 2 inline
      codex Defend: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 2 disputed of 2, 2 inline
    Silence
      claude Review: neutral, exit 0: partial deadline, gate off, lanes 1/2; 1 unchecked of 1, 1 inline
      codex Review: neutral, exit 0: partial deadline, gate off, lanes 1/2; 1 unchecked of 1, 1 inline
      claude Challenge: neutral, exit 0: partial deadline, gate off, lanes 1/2; 1 disputed, 1 unchecked of 2, 2 inline
      codex Challenge: neutral, exit 0: partial deadline, gate off, lanes 1/2; 1 disputed, 1 unchecked of 2, 2 inline
      claude Defend: neutral, exit 0: partial deadline, gate off, lanes 1/2; 2 disputed of 2, 2 inline
      codex Defend: neutral, exit 0: partial deadline, gate off, lanes 1/2; 2 disputed of 2, 2 inline
    Cancelled
      claude Review: neutral, exit 0: partial cancelled, gate off, lanes 1/2; 1 unchecked of 1, 0 inline
      codex Review: neutral, exit 0: partial cancelled, gate off, lanes 1/2; 1 unchecked of 1, 0 inline
      claude Challenge: neutral, exit 0: partial cancelled, gate off, lanes 1/2; 1 disputed, 1 unchecked of 2, 0 inline
      codex Challenge: neutral, exit 0: partial cancelled, gate off, lanes 1/2; 1 disputed, 1 unchecked of 2, 0 inline
      claude Defend: neutral, exit 0: partial cancelled, gate off, lanes 1/2; 2 disputed of 2, 0 inline
      codex Defend: neutral, exit 0: partial cancelled, gate off, lanes 1/2; 2 disputed of 2, 0 inline
    Unpaid
      codex Review: neutral, exit 0: partial budget, gate off, lanes 1/2; 1 unchecked of 1, 1 inline
      claude Challenge: neutral, exit 0: partial budget, gate off, lanes 0/2; 2 unchecked of 2, 2 inline
      codex Challenge: neutral, exit 0: partial budget, gate off, lanes 0/2; 2 unchecked of 2, 2 inline
      claude Defend: neutral, exit 0: partial budget, gate off, lanes 0/2; 2 disputed of 2, 2 inline
      codex Defend: neutral, exit 0: partial budget, gate off, lanes 0/2; 2 disputed of 2, 2 inline
    ");
}

#[tokio::test]
async fn auto() {
    insta::assert_snapshot!(table("auto").await, @"
    nobody: success, exit 0: reviewed ok, gate off, lanes 2/2; 2 disputed of 2, 2 inline
    Errors
      claude Review: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 1 unchecked of 1, 1 inline
      codex Review: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 1 unchecked of 1, 1 inline
      claude Challenge: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 1 disputed, 1 unchecked of 2, 2 inline
      codex Challenge: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 1 disputed, 1 unchecked of 2, 2 inline
      claude Defend: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 2 disputed of 2, 2 inline
      codex Defend: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 2 disputed of 2, 2 inline
    Refusal
      claude Review: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 1 unchecked of 1, 1 inline
      codex Review: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 1 unchecked of 1, 1 inline
      claude Challenge: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 1 disputed, 1 unchecked of 2, 2 inline
      codex Challenge: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 1 disputed, 1 unchecked of 2, 2 inline
      claude Defend: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 2 disputed of 2, 2 inline
      codex Defend: neutral, exit 0: partial lane-failed, gate off, lanes 1/2; 2 disputed of 2, 2 inline
    Silence
      claude Review: neutral, exit 0: partial deadline, gate off, lanes 1/2; 1 unchecked of 1, 1 inline
      codex Review: neutral, exit 0: partial deadline, gate off, lanes 1/2; 1 unchecked of 1, 1 inline
      claude Challenge: neutral, exit 0: partial deadline, gate off, lanes 1/2; 1 disputed, 1 unchecked of 2, 2 inline
      codex Challenge: neutral, exit 0: partial deadline, gate off, lanes 1/2; 1 disputed, 1 unchecked of 2, 2 inline
      claude Defend: neutral, exit 0: partial deadline, gate off, lanes 1/2; 2 disputed of 2, 2 inline
      codex Defend: neutral, exit 0: partial deadline, gate off, lanes 1/2; 2 disputed of 2, 2 inline
    Cancelled
      claude Review: neutral, exit 0: partial cancelled, gate off, lanes 1/2; 1 unchecked of 1, 0 inline
      codex Review: neutral, exit 0: partial cancelled, gate off, lanes 1/2; 1 unchecked of 1, 0 inline
      claude Challenge: neutral, exit 0: partial cancelled, gate off, lanes 1/2; 1 disputed, 1 unchecked of 2, 0 inline
      codex Challenge: neutral, exit 0: partial cancelled, gate off, lanes 1/2; 1 disputed, 1 unchecked of 2, 0 inline
      claude Defend: neutral, exit 0: partial cancelled, gate off, lanes 1/2; 2 disputed of 2, 0 inline
      codex Defend: neutral, exit 0: partial cancelled, gate off, lanes 1/2; 2 disputed of 2, 0 inline
    Unpaid
      codex Review: neutral, exit 0: partial budget, gate off, lanes 1/2; 1 unchecked of 1, 1 inline
      claude Challenge: neutral, exit 0: partial budget, gate off, lanes 0/2; 2 unchecked of 2, 2 inline
      codex Challenge: neutral, exit 0: partial budget, gate off, lanes 0/2; 2 unchecked of 2, 2 inline
      claude Defend: neutral, exit 0: partial budget, gate off, lanes 0/2; 2 disputed of 2, 2 inline
      codex Defend: neutral, exit 0: partial budget, gate off, lanes 0/2; 2 disputed of 2, 2 inline
    ");
}
