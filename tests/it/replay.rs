//! A recorded run is decided again: by this version the same comes out, by another policy what that makes of it, and
//! nobody is asked.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::fuzz_findings::checks;
use crate::shop::*;
use crate::world::*;

/// The record of a run as it was written, in a folder of its own.
struct Kept {
    folder: tempfile::TempDir,
    text: String,
}

impl Kept {
    fn of(run: &Finished) -> Self {
        let text = std::fs::read_to_string(run.workspace().join(run.output("record"))).unwrap();
        Self::new(text)
    }

    fn new(text: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("record.json"), &text).unwrap();
        Self { folder, text }
    }

    /// With one value of it changed.
    fn with(&self, pointer: &str, value: Value) -> Self {
        let mut record: Value = serde_json::from_str(&self.text).unwrap();
        *record.pointer_mut(pointer).unwrap() = value;
        Self::new(record.to_string())
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("record.json")
    }

    async fn replay(&self, world: &World, arguments: &[&str]) -> Finished {
        replay(world, &self.path(), arguments).await
    }
}

/// Nothing of the event, the inputs or the keys is there.
async fn replay(world: &World, record: &Path, arguments: &[&str]) -> Finished {
    let mut run = Run::new(BINARY, world);
    for name in world.env().into_iter().map(|(name, _)| name).chain(["INPUT_STRATEGY".to_owned()]) {
        run = run.without(&name);
    }
    let all = ["replay", record.to_str().unwrap()].into_iter().chain(arguments.iter().copied());
    run.arguments(all).finish().await
}

fn said(run: &Finished) -> String {
    lines_with(&run.stderr, &["INFO"]).join("\n").replace("INFO", "").trim().to_owned()
}

/// Fails unless the record, decided again, is the same to the last byte, and reads the same.
#[track_caller]
fn assert_same(kept: &Kept, run: &Finished, json: &Finished, markdown: &Finished) {
    assert_eq!(said(json), "nothing changed", "{}", json.stderr);
    assert_eq!(json.stdout.trim_end(), kept.text);
    assert_eq!(markdown.stdout.trim_end(), run.summary.trim_end());
}

/// Decides the record of a run again and fails unless it comes to the same.
pub async fn again(world: &World, run: &Finished) {
    let kept = Kept::of(run);
    let requests = world.requests().len();
    let json = kept.replay(world, &["--format", "json"]).await;
    let markdown = kept.replay(world, &["--format", "markdown"]).await;
    assert_same(&kept, run, &json, &markdown);
    assert_eq!(world.requests().len(), requests, "nobody is asked");
}

#[tokio::test]
async fn whatever_a_run_came_to_its_record_comes_to_the_same_to_the_last_byte() {
    // What both say, and a contradiction.
    let world = shop().await;
    world.claude().answers(reply([expiry(), refund()]));
    let sound = clearance("src/session.rs", "    if retried { amount * 2 } else { amount }", "It is halved.");
    world.codex().answers(reply([boundary()]).clears([sound]));
    let run = opened(&world).input("fail-on", "any-high").finish().await;
    assert_eq!(end(&run), "exit 1: reviewed ok, gate tripped, lanes 2/2");
    again(&world, &run).await;
    // A later commit, beside the threads of the first.
    world.push(7, &[("src/session.rs", &AFTER.replace("    now", "    // Kept.\n    now"))], OldHead::Stays);
    world.claude().answers(reply([expiry()]));
    world.codex().answers(Answer::refusal());
    let run = on(&world, world.pull_request_event(7).action("synchronize")).finish().await;
    assert_eq!(end(&run), "exit 0: partial lane-failed, gate off, lanes 1/2");
    again(&world, &run).await;
    world.assert_clean();

    // Comments that GitHub does not take.
    let world = shop().await;
    both_agree(&world);
    world.read_only_token();
    let run = opened(&world).finish().await;
    assert_eq!(run.output("reason"), "read-only-token");
    again(&world, &run).await;

    // What one lane refuted and the other stands by.
    let world = shop().await;
    let line = "    if retried { amount * 2 } else { amount }";
    let says = |verdict: &str| challenge("T1", verdict, "The caller halves it.", "src/session.rs", line);
    world.claude().answers(reply([expiry(), refund()]));
    world.codex().answers(reply([boundary()]));
    world.codex().answers(reply([]).with("pass", "challenge").challenges([says("refuted")]));
    let stands = defence("T1", "stand", "src/session.rs", line);
    world.claude().answers(reply([]).with("pass", "defend").defences([stands]));
    let run = opened(&world).input("strategy", "adversarial").finish().await;
    assert_eq!((run.output("agreed"), run.output("disputed")), ("1", "1"));
    again(&world, &run).await;
    world.assert_clean();

    // Nothing found, and nothing to find it in.
    let files = [("src/session.rs", AFTER), ("Cargo.lock", "[[package]]\n")];
    let world = world_with(Pull::from_files(&[("src/session.rs", BEFORE)], &files)).await;
    both_silent(&world);
    let run = opened(&world).finish().await;
    again(&world, &run).await;
    world.assert_clean();
}

#[tokio::test]
async fn another_policy_is_judged_on_what_was_said_then() {
    let world = shop().await;
    world.claude().answers(reply([expiry(), refund().severity("high")]));
    world.codex().answers(reply([boundary()]));
    let run = opened(&world).finish().await;
    let kept = Kept::of(&run);
    std::fs::write(kept.folder.path().join("strict.yml"), "fail_on: any-high\ninline: {both: critical}\n")
        .unwrap();
    let strict = kept.folder.path().join("strict.yml");
    let strict = strict.to_str().unwrap();
    let mut told = String::new();
    for arguments in [
        vec!["--fail-on", "agreed-high"],
        vec!["--fail-on", "contradiction"],
        vec!["--config", strict],
        vec!["--config", strict, "--fail-on", "never"],
    ] {
        let run = kept.replay(&world, &arguments).await;
        let shown = arguments.join(" ").replace(strict, "strict.yml");
        told.push_str(&format!("{shown}: exit {}, {}\n", run.code.unwrap_or_default(), said(&run)));
    }
    insta::assert_snapshot!(told, @"
    --fail-on agreed-high: exit 1, the gate was off and is tripped
    --fail-on contradiction: exit 0, the gate was off and is passed
    --config strict.yml: exit 1, 2 findings stand only in the summary now: claude:F1, codex:F1; the gate was off and is tripped
    --config strict.yml --fail-on never: exit 0, 2 findings stand only in the summary now: claude:F1, codex:F1
    ");
    // What stands keeps its id, whatever is shown before it now.
    let record = kept.replay(&world, &["--config", strict, "--format", "json"]).await;
    let record: Value = serde_json::from_str(&record.stdout).unwrap();
    let ids = record["findings"].as_array().unwrap().iter().map(|f| f["inline"]["id"].as_str());
    assert_eq!(ids.collect::<Vec<_>>(), [None, Some("f2")]);
    world.assert_clean();
}

#[tokio::test]
async fn what_another_matching_makes_of_an_old_run_is_named_finding_by_finding() {
    let world = shop().await;
    both_agree(&world);
    let run = opened(&world).input("fail-on", "agreed-high").finish().await;
    assert_eq!(run.output("gate"), "tripped");
    // As if the version that wrote it had not known that both say the same.
    let kept = Kept::of(&run).with("/findings/0/verdict", "solo".into()).with("/gate", "passed".into());
    let run = kept.replay(&world, &[]).await;
    run.assert_code(1);
    insta::assert_snapshot!(said(&run), @"2 verdicts differ: claude:F1 solo → agreed, codex:F1 solo → agreed; the gate was passed and is tripped");
    assert!(run.stdout.starts_with("Counterpoint: 1 to fix\n"), "{}", run.stdout);
    world.assert_clean();
}

#[tokio::test]
async fn what_is_no_record_is_told_in_a_sentence_and_ends_with_2() {
    let world = shop().await;
    both_agree(&world);
    let run = opened(&world).finish().await;
    let kept = Kept::of(&run);
    let mut older: Value = serde_json::from_str(&kept.text).unwrap();
    older.as_object_mut().unwrap().remove("lanes");
    let place = regex::Regex::new(r"line \d+ column \d+").unwrap();
    let mut told = String::new();
    for kept in [
        Kept::new("not JSON".to_owned()),
        Kept::new(older.to_string()),
        kept.with("/version", 2.into()),
        kept.with("/config/trigger", "/x`<!-- -->`".into()),
        kept.with("/config/max_minutes", (-1.0).into()),
        kept.with("/lanes/0/lane", "Claude <b>".into()),
        kept.with("/passes/0/attempts", u32::MAX.into()),
        kept.with("/plan/batches/0/files/0/cut", u64::MAX.into()),
        kept.with("/diff_base64", "?".into()),
        kept.with("/head_sha", Value::Null),
    ] {
        let run = kept.replay(&world, &[]).await;
        run.assert_code(2);
        let line = lines_with(&run.stderr, &["ERROR"]).join("\n");
        let line = line.replace(kept.path().to_str().unwrap(), "record.json");
        let line = place.replace(&line, "<place>");
        told.push_str(&format!("{line}\n"));
    }
    insta::assert_snapshot!(told, @"
    ERROR record.json: expected the record of a run: expected ident at <place>
    ERROR record.json: expected the record of a run: missing field `lanes` at <place>, as in records of versions that had no `replay`
    ERROR record.json: expected a record of version 1, got version 2
    ERROR record.json: expected the record of a run: its trigger is none
    ERROR record.json: `max_minutes`: expected a length of time, got -60
    ERROR record.json: expected the record of a run: expected a lane's name of lower-case letters, digits and `-`, got `Claude <b>` at <place>
    ERROR record.json: expected the record of a run: no run sends so many requests
    ERROR record.json: expected the record of a run: no file changes so many lines
    ERROR record.json: `diff_base64`: Invalid symbol 63, offset 0.
    ERROR record.json: a pull request needs `head_sha`
    ");
    let gone = replay(&world, Path::new("gone.json"), &[]).await;
    gone.assert_code(2);
    world.assert_clean();
}

/// The pointers of every value in a JSON document.
fn values(of: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match of {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| values(item, &format!("{at}/{index}"), found));
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                values(field, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        _ => {}
    }
}

#[test]
fn whatever_a_value_in_a_record_is_it_is_decided_or_refused() {
    let seed = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds/record/debate");
    let record: Value = serde_json::from_str(&std::fs::read_to_string(seed).unwrap()).unwrap();
    let (_, check) = checks::TARGETS.iter().find(|(name, _)| *name == "record").unwrap();
    let mut pointers = Vec::new();
    values(&record, "", &mut pointers);
    assert!(pointers.len() > 300, "{pointers:?}");
    let hostile =
        [Value::Null, u64::MAX.into(), 1e300.into(), "`</a>\u{202e}@x|".into(), serde_json::json!([])];
    for pointer in &pointers {
        for value in &hostile {
            let mut record = record.clone();
            *record.pointer_mut(pointer).unwrap() = value.clone();
            println!("{pointer}: {value}");
            check(record.to_string().as_bytes());
        }
    }
}
