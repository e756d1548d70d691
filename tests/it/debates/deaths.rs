//! A lane that dies at each step of each strategy, in each way: nothing it raised is buried, nothing it did not say counts,
//! and no check is green.

use futures_util::future::join_all;

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

/// The steps of a strategy, in their order.
fn steps(strategy: &str) -> &'static [Step] {
    match strategy {
        "single" => &[("claude", Pass::Review)],
        "parallel" => &[("claude", Pass::Review), ("codex", Pass::Review)],
        "sequential" => &[
            ("claude", Pass::Review),
            ("codex", Pass::Challenge),
            ("claude", Pass::Defend),
            ("claude", Pass::Challenge),
            ("codex", Pass::Defend),
        ],
        _ => &[
            ("claude", Pass::Review),
            ("codex", Pass::Review),
            ("claude", Pass::Challenge),
            ("codex", Pass::Challenge),
            ("claude", Pass::Defend),
            ("codex", Pass::Defend),
        ],
    }
}

/// One row of the table.
async fn dies(strategy: &'static str, step: Option<Step>, how: How) -> String {
    let world = shop().await;
    let gate = Gate::new();
    for (name, lane) in [("claude", world.claude()), ("codex", world.codex())] {
        let gate = gate.clone();
        lane.otherwise(Answer::consider(move |request| {
            let dies = step == Some((name, request.pass()));
            match how {
                How::Errors if dies => Answer::overloaded(),
                How::Refusal if dies => Answer::refusal(),
                How::Silence if dies => Answer::hang(),
                How::Cancelled if dies => Answer::hang().held(&gate),
                How::Unpaid if is_before(strategy, step, request.pass()) => {
                    let answer = Answer::reply(says(name, request, strategy != "sequential"));
                    let most = request.max_output().unwrap_or_default();
                    answer.usage(Usage::new(100, most))
                }
                _ => says(name, request, strategy != "sequential").into(),
            }
        }));
    }
    let mut run = opened(&world).input("strategy", strategy);
    match how {
        How::Silence => run = run.input("max-minutes", "0.07"),
        How::Unpaid => run = run.input("max-cost-usd", cap(strategy, step)),
        _ => {}
    }
    let running = run.spawn();
    if how == How::Cancelled && step.is_some() {
        gate.reached().await;
        running.signal("TERM");
    }
    let run = running.finish().await;
    let conclusion = match world.published(7).checks.as_slice() {
        [check] => check.conclusion.clone().unwrap_or_default(),
        checks => format!("{} checks", checks.len()),
    };
    world.assert_clean();
    let who = step.map_or_else(|| "nobody".to_owned(), |(name, pass)| format!("{name} {pass:?}"));
    if step.is_some() {
        assert_ne!(conclusion, "success", "{strategy}, {who}, {how:?}: {}", ended(&run));
        assert_eq!(run.output("withdrawn"), "0", "{strategy}, {who}, {how:?}: {}", ended(&run));
    }
    format!("{who}: {conclusion}, {}\n", ended(&run).replace('\n', "; "))
}

/// Whether a pass comes right before a step, so that what it costs is missing there.
fn is_before(_strategy: &str, step: Option<Step>, pass: Pass) -> bool {
    match step {
        Some((_, Pass::Defend)) => pass == Pass::Challenge,
        Some((_, Pass::Challenge)) => pass == Pass::Review,
        _ => false,
    }
}

fn cap(_strategy: &str, step: Option<Step>) -> &'static str {
    match step {
        Some((_, Pass::Review)) | None => "0.10",
        Some((_, Pass::Challenge)) => "0.37",
        Some((_, Pass::Defend)) => "0.40",
    }
}

async fn table(strategy: &'static str) -> String {
    let mut told = format!("{}", dies(strategy, None, How::Refusal).await);
    for how in WAYS {
        told.push_str(&format!("{how:?}\n"));
        let rows = join_all(steps(strategy).iter().map(|step| dies(strategy, Some(*step), how))).await;
        rows.iter().for_each(|row| told.push_str(&format!("  {row}")));
    }
    told
}

#[tokio::test]
async fn single() {
    insta::assert_snapshot!(table("single").await, @"");
}

#[tokio::test]
async fn parallel() {
    insta::assert_snapshot!(table("parallel").await, @"");
}

#[tokio::test]
async fn sequential() {
    insta::assert_snapshot!(table("sequential").await, @"");
}

#[tokio::test]
async fn adversarial() {
    insta::assert_snapshot!(table("adversarial").await, @"");
}

#[tokio::test]
async fn auto() {
    insta::assert_snapshot!(table("auto").await, @"");
}
