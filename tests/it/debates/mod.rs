//! What becomes of a finding when the other lanes are asked about it: every row and rule of the table of verdicts, as
//! people read it and as machines do.

mod answered;
mod cached;
mod challenged;
mod deaths;
mod gates;
mod in_turn;
mod shown_blind;
mod strategies;
mod three_lanes;
mod unheard;
mod votes;
mod wide;

use crate::shop::*;
use crate::world::*;

/// The titles by which scripts speak of findings.
const EXPIRY: &str = "A token is accepted in the second it expires";
const REFUND: &str = "A retried refund is paid twice";

const FILE: &str = "src/session.rs";
const IS_VALID: &str = "pub fn is_valid(expires_at: u64, now: u64) -> bool {";
const COMPARISON: &str = "    now <= expires_at";
const DOUBLED: &str = "    if retried { amount * 2 } else { amount }";

/// Why the expiry is no defect, as Codex would say.
const SAFE: &str =
    "Tokens are issued with a second to spare, so `now` reaches `expires_at` one second early.";

/// Every review is attacked.
fn adversarial(world: &World) -> Run {
    opened(world).input("strategy", "adversarial")
}

/// One lane after the other.
fn sequential(world: &World) -> Run {
    opened(world).input("strategy", "sequential")
}

/// The strategy that the configuration names, or none.
fn as_configured(world: &World) -> Run {
    opened(world).input("strategy", "")
}

/// A shop in which Claude raises the expiry and Codex, having read the same, nothing.
async fn one_sided() -> World {
    let world = shop().await;
    world.claude().reviews(reply([expiry()]));
    world.codex().reviews(reply([]));
    world
}

/// An answer to the findings of others.
fn votes(said: impl IntoIterator<Item = Said>) -> Reply {
    reply([]).challenges(said)
}

/// An answer to refutations.
fn answers(said: impl IntoIterator<Item = Said>) -> Reply {
    reply([]).defences(said)
}

/// The expiry, refuted with code that stands.
fn refuted() -> Reply {
    votes([challenge(EXPIRY, "refuted", SAFE, FILE, IS_VALID)])
}

/// A shop in which Codex refutes Claude's expiry.
async fn contested() -> World {
    let world = one_sided().await;
    world.codex().challenges(refuted());
    world
}

/// Claude's answer to that, with code that stands.
fn stands() -> Said {
    defence(EXPIRY, "stand", FILE, COMPARISON)
        .claim("Nothing in this file issues tokens with a second to spare.")
}

/// What the outputs say of how the run ended, and how many issues ended in which class: only classes that have some.
fn ended(run: &Finished) -> String {
    let classes = ["agreed", "confirmed", "disputed", "contradictions", "solo", "unchecked", "withdrawn"];
    let counted = classes.map(|name| (run.output(name), name));
    let counted =
        counted.iter().filter(|(count, _)| *count != "0").map(|(count, name)| format!("{count} {name}"));
    let counted: Vec<String> = counted.collect();
    let counted = if counted.is_empty() { "nothing".to_owned() } else { counted.join(", ") };
    let inline = run.output("inline-comments");
    format!("{}\n{counted} of {}, {inline} inline", end(run), run.output("findings"))
}

/// Each issue of the record: its title, verdict and severity.
fn verdicts(run: &Finished) -> Vec<String> {
    let record = run.record().expect("a record");
    let findings = record["findings"].as_array().cloned().unwrap_or_default();
    let word = |value: &serde_json::Value| value.as_str().unwrap_or("nothing").to_owned();
    let line = |f: &serde_json::Value| {
        format!("{}: {}, {}", word(&f["title"]), word(&f["verdict"]), word(&f["severity"]))
    };
    findings.iter().map(line).collect()
}

/// What people read of the issues: the inline comments, and the summary down to its table of costs.
fn read(world: &World) -> String {
    let told = format!("\n{}", told(world));
    let parts = told.split("\n--- ").filter(|part| part.starts_with("inline") || part.starts_with("comment"));
    let parts = parts.map(|part| {
        let part = part.split("<details><summary>Cost").next().unwrap_or_default();
        part.replace("<!-- counterpoint:v1 -->", "").trim_end().to_owned()
    });
    parts.collect::<Vec<_>>().join("\n\n--- ")
}

/// The passes that lanes were asked for, in the order of the record: `claude review done`.
fn passes(run: &Finished) -> Vec<String> {
    let record = run.record().expect("a record");
    let passes = record["passes"].as_array().cloned().unwrap_or_default();
    let word = |pass: &serde_json::Value, key: &str| pass[key].as_str().unwrap_or("nothing").to_owned();
    passes.iter().map(|pass| ["lane", "purpose", "end"].map(|key| word(pass, key)).join(" ")).collect()
}

/// The requests that a lane got, by what they are for.
fn asked(lane: &Lane) -> Vec<Pass> {
    lane.requests().iter().map(ModelRequest::pass).collect()
}
