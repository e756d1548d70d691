//! `compare`: two reviews by any tools, one report of where they agree and where they part.

use std::path::Path;

use serde_json::{Value, json};

use crate::shop::*;
use crate::world::*;

/// Runs `compare a.txt b.txt` on two texts, named without telling what they are.
async fn compared(a: &str, b: &str, more: &[&str]) -> Finished {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.txt"), a).unwrap();
    std::fs::write(folder.path().join("b.txt"), b).unwrap();
    compare_in(folder.path(), more).await
}

async fn compare_in(folder: &Path, more: &[&str]) -> Finished {
    let world = World::start().await;
    let arguments = ["compare", "a.txt", "b.txt"].iter().chain(more).copied();
    let run = ["GITHUB_ACTIONS", "CI"].into_iter().fold(Run::new(BINARY, &world).arguments(arguments), Run::without);
    let finished = run.inside(folder).finish().await;
    assert_eq!(world.requests().len(), 0, "nothing is asked of anybody");
    finished
}

async fn compared_as_json(a: &str, b: &str) -> Value {
    let run = compared(a, b, &["--format", "json"]).await;
    run.assert_code(0);
    serde_json::from_str(&run.stdout).unwrap()
}

/// The same three findings in the words of one reviewer: path from the repository's root, lines, what, and why.
const FINDINGS: [(&str, u32, u32, &str, &str); 3] = [
    (
        "src/pool.rs",
        57,
        60,
        "Connection leaks when connect() returns early",
        "The early return skips release(), so the pool loses a slot.",
    ),
    (
        "src/session.rs",
        12,
        12,
        "Expired tokens are accepted for one more second",
        "now <= expires_at lets a token pass in the second it expires.",
    ),
    (
        "api/refund.py",
        141,
        149,
        "A refund retried after a timeout is paid twice",
        "charge_id is made anew on each retry, so the provider cannot recognise the second request.",
    ),
];

/// [`FINDINGS`] as a tool writes them that calls the repository `root`, which ends in `/` or is empty.
type Format = (&'static str, fn(&str) -> String);

const FORMATS: [Format; 11] = [
    ("a finding file", |root| json!({"version": 1, "reviewer": "claude", "findings": own(root)}).to_string()),
    ("a record", |root| {
        json!({"version": 1, "outcome": "reviewed", "config": {}, "passes": [], "findings": own(root), "ledger": []})
            .to_string()
    }),
    ("code-review's list", |root| claude(root).to_string()),
    ("code-review among words", |root| format!("I found three.\n\n```json\n{:#}\n```\n", claude(root))),
    ("claude -p with words", |root| {
        let result = format!("```json\n{}\n```", json!({"findings": claude(root)}));
        json!({"type": "result", "subtype": "success", "is_error": false, "result": result}).to_string()
    }),
    ("claude -p with a schema", |root| {
        let output = json!({"findings": claude(root)});
        json!({"type": "result", "is_error": false, "result": "Done.", "structured_output": output}).to_string()
    }),
    ("Codex's JSON", |root| codex(root).to_string()),
    ("Codex's text", codex_text),
    ("codex exec --json", |root| {
        let item = |text: String| json!({"type": "item.completed", "item": {"type": "agent_message", "text": text}});
        let started = json!({"type": "thread.started", "thread_id": "t"});
        let completed = json!({"type": "turn.completed", "usage": {}});
        format!("{started}\n{}\n{}\n{completed}\n", item("I look.".to_owned()), item(codex_text(root)))
    }),
    ("codex-plugin-cc", |root| {
        let finding = |(path, start, end, title, body): (&str, u32, u32, &str, &str)| {
            json!({"severity": "high", "title": title, "body": body, "file": format!("{root}{path}"), "line_start": start,
                "line_end": end, "confidence": 0.8, "recommendation": "Add a test."})
        };
        let findings = FINDINGS.map(finding);
        json!({"verdict": "needs-attention", "summary": "Three.", "findings": findings, "next_steps": []}).to_string()
    }),
    ("SARIF", |root| {
        let result = |(path, start, end, title, body): (&str, u32, u32, &str, &str)| {
            let place = json!({"artifactLocation": {"uri": format!("{root}{path}")},
                "region": {"startLine": start, "endLine": end}});
            json!({"ruleId": "r", "level": "error", "message": {"text": format!("{title}. {body}")},
                "locations": [{"physicalLocation": place}]})
        };
        let run = json!({"tool": {"driver": {"name": "scan"}}, "results": FINDINGS.map(result)});
        json!({"version": "2.1.0", "runs": [run]}).to_string()
    }),
];

fn own(root: &str) -> Vec<Value> {
    let finding = |(path, start, end, title, body): (&str, u32, u32, &str, &str)| {
        json!({"path": format!("{root}{path}"), "line_start": start, "line_end": end, "title": title, "body": body,
            "severity": "high"})
    };
    FINDINGS.map(finding).to_vec()
}

fn claude(root: &str) -> Value {
    let finding = |(path, start, _, title, body): (&str, u32, u32, &str, &str)| {
        json!({"file": format!("{root}{path}"), "line": start, "summary": title, "failure_scenario": body,
            "severity": "important"})
    };
    FINDINGS.map(finding).to_vec().into()
}

fn codex(root: &str) -> Value {
    let finding = |(path, start, end, title, body): (&str, u32, u32, &str, &str)| {
        json!({"title": format!("[P1] {title}"), "body": body, "confidence_score": 0.9, "priority": 1,
            "code_location": {"absolute_file_path": format!("{root}{path}"), "line_range": {"start": start, "end": end}}})
    };
    let findings = FINDINGS.map(finding);
    json!({"findings": findings, "overall_correctness": "patch is incorrect", "overall_explanation": "Three.",
        "overall_confidence_score": 0.9})
}

fn codex_text(root: &str) -> String {
    let findings = FINDINGS.map(|(path, start, end, title, body)| {
        format!("- [P1] {title} — {root}{path}:{start}-{end}\n  {body}\n")
    });
    format!("Three defects.\n\nFull review comments:\n\n{}", findings.join("\n"))
}

#[tokio::test]
async fn the_same_findings_make_the_same_pairs_whatever_tools_wrote_them_and_wherever_they_ran() {
    for (at, (a_name, a)) in FORMATS.iter().enumerate() {
        // Each form against the next ones covers every pair of forms once.
        for (b_name, b) in &FORMATS[at..] {
            for (a_root, b_root) in [("", ""), ("", "/w/shop/"), ("/home/me/shop/", "/home/runner/work/shop/shop/")] {
                let (a, b) = (a(a_root), b(b_root));
                let what = format!("{a_name} in {a_root:?} and {b_name} in {b_root:?}");
                let (a, b) = (read(&a, 'a'), read(&b, 'b'));
                let said = said(&a, &b);
                assert_eq!(said, ["1 1 agreed", "2 2 agreed", "3 3 agreed"], "{what}");
                assert_eq!(said, self::said(&b, &a), "{what}, swapped");
            }
        }
    }
}

fn read(text: &str, prefix: char) -> counterpoint::domain::compare::FindingFile {
    counterpoint::domain::compare::read("file", text, prefix).unwrap()
}

/// Which finding of the first file goes with which of the second, and what is left.
fn said(
    a: &counterpoint::domain::compare::FindingFile,
    b: &counterpoint::domain::compare::FindingFile,
) -> Vec<String> {
    use counterpoint::domain::compare::{compare, meet};
    let (mut a, mut b) = (a.clone(), b.clone());
    meet(&mut a, &mut b);
    let result = compare(&a, &b);
    let number = |id: &str| id[1..].to_owned();
    let pairs = result.pairs.iter().map(|p| format!("{} {} {}", number(&p.a), number(&p.b), p.verdict));
    pairs.chain(result.only_a.iter().chain(&result.only_b).cloned()).collect()
}
