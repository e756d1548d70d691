//! `compare`: two reviews by any tools, one report of where they agree and where they part.

use std::path::Path;

use counterpoint::domain::compare;
use regex::Regex;
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
    let run = ["GITHUB_ACTIONS", "CI"]
        .into_iter()
        .fold(Run::new(BINARY, &world).arguments(arguments), Run::without);
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

/// [`FINDINGS`] as a tool writes them for which the repository lies in `root`, which ends in `/` or is empty.
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
        json!({"type": "result", "is_error": false, "result": "Done.", "structured_output": output})
            .to_string()
    }),
    ("Codex's JSON", |root| codex(root).to_string()),
    ("Codex's text", codex_text),
    ("codex exec --json", |root| {
        let item =
            |text: String| json!({"type": "item.completed", "item": {"type": "agent_message", "text": text}});
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
        json!({"verdict": "needs-attention", "summary": "Three.", "findings": findings, "next_steps": []})
            .to_string()
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

/// The pairs of two files, by the numbers of their findings, and what only one says.
fn pairs(a: &str, b: &str) -> Vec<String> {
    let mut a = compare::read("a", a, 'a').unwrap();
    let mut b = compare::read("b", b, 'b').unwrap();
    compare::meet(&mut a, &mut b);
    let result = compare::compare(&a, &b);
    let number = |id: &str| id.trim_start_matches(['a', 'b']).to_owned();
    let pair = |pair: &compare::Pair| format!("{} {} {}", number(&pair.a), number(&pair.b), pair.verdict);
    let only = result.only_a.iter().chain(&result.only_b).cloned();
    result.pairs.iter().map(pair).chain(only).collect()
}

#[test]
fn the_same_findings_make_the_same_pairs_whatever_tools_wrote_them_and_wherever_they_ran() {
    let roots = [("", ""), ("", "/w/shop/"), ("/home/me/shop/", "/home/runner/work/shop/shop/")];
    for (at, (a_name, a)) in FORMATS.iter().enumerate() {
        for (b_name, b) in &FORMATS[at..] {
            for (a_root, b_root) in roots {
                let (a, b) = (a(a_root), b(b_root));
                let expect = ["1 1 agreed", "2 2 agreed", "3 3 agreed"];
                assert_eq!(pairs(&a, &b), expect, "{a_name} in {a_root:?}, {b_name} in {b_root:?}");
                assert_eq!(pairs(&b, &a), expect, "{b_name} in {b_root:?}, {a_name} in {a_root:?}");
            }
        }
    }
}

#[tokio::test]
async fn the_binary_reads_every_form_and_says_who_wrote_it() {
    let mut told = String::new();
    for (name, format) in FORMATS {
        let run = compared(&format("/w/"), &own_file(), &["--format", "markdown"]).await;
        run.assert_code(0);
        let mut lines = run.stdout.lines();
        told.push_str(&format!("{name}: {} {}\n", lines.next().unwrap(), lines.nth(1).unwrap()));
    }
    insta::assert_snapshot!(told, @"
    a finding file: ### claude and other 0 contradictions, 3 from both, 0 from claude only, 0 from other only
    a record: ### Counterpoint and other 0 contradictions, 3 from both, 0 from Counterpoint only, 0 from other only
    code-review's list: ### Claude Code and other 0 contradictions, 3 from both, 0 from Claude Code only, 0 from other only
    code-review among words: ### Claude Code and other 0 contradictions, 3 from both, 0 from Claude Code only, 0 from other only
    claude -p with words: ### Claude Code and other 0 contradictions, 3 from both, 0 from Claude Code only, 0 from other only
    claude -p with a schema: ### Claude Code and other 0 contradictions, 3 from both, 0 from Claude Code only, 0 from other only
    Codex's JSON: ### Codex and other 0 contradictions, 3 from both, 0 from Codex only, 0 from other only
    Codex's text: ### Codex and other 0 contradictions, 3 from both, 0 from Codex only, 0 from other only
    codex exec --json: ### Codex and other 0 contradictions, 3 from both, 0 from Codex only, 0 from other only
    codex-plugin-cc: ### Codex and other 0 contradictions, 3 from both, 0 from Codex only, 0 from other only
    SARIF: ### scan and other 0 contradictions, 3 from both, 0 from scan only, 0 from other only
    ");
}

fn own_file() -> String {
    json!({"reviewer": "other", "findings": own("")}).to_string()
}

/// Why findings match is the matcher's to say, and changes with its weights.
fn without_scores(text: &str) -> String {
    let why = Regex::new(r"same 0\.\d\d: [^\]<\n]*").unwrap();
    why.replace_all(text, "same <why>").into_owned()
}

const CLAUDE: &str = r#"[
  {"file": "src/net.rs", "line": 4, "summary": "The connect timeout is too short", "failure_scenario": "Slow networks never connect.", "severity": "important"},
  {"file": "src/pool.rs", "line": 57, "summary": "Connection leaks when connect() returns early before release()", "severity": "important"},
  {"file": "src/old.rs", "line": 3, "summary": "The cache has no limit", "severity": "pre_existing"}]"#;
const CODEX: &str = "Two things.\n\nFull review comments:\n\n\
    - [P2] The connect timeout is too long — /w/src/net.rs:4-4\n  A dead host holds a slot for a minute.\n\n\
    - [P1] Early return from connect() skips release(), so the connection leaks — /w/src/pool.rs:58-60\n\n\
    - [P3] Typo in the changelog — /w/CHANGELOG.md:2-2\n";

#[tokio::test]
async fn two_reviews_make_one_report_of_where_they_agree_and_part() {
    let run = compared(CLAUDE, CODEX, &[]).await;
    run.assert_code(0);
    insta::assert_snapshot!(without_scores(&run.stdout), @"
    1 contradiction, 1 from both, 1 from Claude Code only, 1 from Codex only

    They contradict each other

      high (Codex: medium)  src/net.rs:4
        Claude Code: The connect timeout is too short
        Codex: The connect timeout is too long
        opposite advice on connect timeout: Claude Code says too short, Codex says too long
        Settle it: which way is connect timeout meant to change?
        [same <why>]

    Both say

      high  src/pool.rs:57 and src/pool.rs:58-60
        Claude Code: Connection leaks when connect() returns early before release()
        Codex: Early return from connect() skips release(), so the connection leaks
        [same <why>]

    Only Claude Code says

      pre-existing  src/old.rs:3
        The cache has no limit

    Only Codex says

      low  CHANGELOG.md:2
        Typo in the changelog
    ");
}

#[tokio::test]
async fn swapped_files_make_the_same_pairs_the_other_way_round() {
    let (one, other) = (compared_as_json(CLAUDE, CODEX).await, compared_as_json(CODEX, CLAUDE).await);
    let turn =
        |id: &Value| Value::from(id.as_str().unwrap().replace('a', "x").replace('b', "a").replace('x', "b"));
    let turned = |pairs: &Value| -> Vec<Value> {
        let turned = pairs.as_array().unwrap().iter().map(|pair| {
            json!({"a": turn(&pair["b"]), "b": turn(&pair["a"]), "score": pair["score"], "verdict": pair["verdict"]})
        });
        turned.collect()
    };
    assert_eq!(one["pairs"].as_array().unwrap().len(), 2, "{one}");
    assert_eq!(&turned(&other["pairs"]), one["pairs"].as_array().unwrap());
    assert_eq!((&one["only_a"], &one["only_b"]), (&json!(["a3"]), &json!(["b3"])));
    assert_eq!((&other["only_a"], &other["only_b"]), (&json!(["a3"]), &json!(["b3"])));
}

#[tokio::test]
async fn ids_come_back_as_they_were_given_whatever_they_are() {
    let ids = ["a1", "b1", "\"}]", "::error::x", "\u{202e}", "<script>", "\\", "é", " x "];
    let findings: Vec<Value> =
        ids.iter().map(|id| json!({"id": id, "title": format!("Title of {id}")})).collect();
    let file = json!({"findings": findings}).to_string();
    let result = compared_as_json(&file, "{\"findings\":[{\"title\":\"t\"}]}").await;
    let mut told: Vec<&str> = result["only_a"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    told.extend(result["pairs"].as_array().unwrap().iter().filter_map(|pair| pair["a"].as_str()));
    told.sort_unstable();
    let mut given: Vec<&str> = ids.iter().map(|id| id.trim()).collect();
    given.sort_unstable();
    assert_eq!(told, given, "{result}");
}

#[tokio::test]
async fn the_page_is_one_file_that_a_browser_shows_without_anything_else() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.txt"), CLAUDE).unwrap();
    std::fs::write(folder.path().join("b.txt"), CODEX.replace("dead host", "<img src=//evil> host")).unwrap();
    let run = compare_in(folder.path(), &["--format", "html", "--output", "report.html"]).await;
    run.assert_code(0);
    assert_eq!(run.stdout, "");
    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    let (head, body) = page.split_once("<body>").unwrap();
    assert!(head.starts_with("<!doctype html>\n<html lang=\"en\">") && !head.contains("<script"), "{head}");
    insta::assert_snapshot!(without_scores(body), @r#"

    <main>
    <h1>Claude Code and Codex</h1>
    <p>1 contradiction, 1 from both, 1 from Claude Code only, 1 from Codex only</p>
    <section class="contested">
    <h2>They contradict each other</h2>
    <article>
    <h3><code>src/net.rs:4</code> · high (Codex: medium)</h3>
    <div class="sides">
    <div>
    <h4>Claude Code</h4>
    <p class="claim" dir="auto">The connect timeout is too short</p>
    <details open>
    <summary>In full</summary>
    <p class="text" dir="auto"><strong>What happens:</strong> Slow networks never connect.</p>
    </details>
    </div>
    <div>
    <h4>Codex</h4>
    <p class="claim" dir="auto">The connect timeout is too long</p>
    <details open>
    <summary>In full</summary>
    <p class="text" dir="auto">A &lt;img src=//evil&gt; host holds a slot for a minute.</p>
    </details>
    </div>
    </div>
    <p><strong>Why:</strong> opposite advice on <code>connect timeout</code>: Claude Code says <code>too short</code>, Codex says <code>too long</code></p>
    <p><strong>Settle it:</strong> which way is <code>connect timeout</code> meant to change?</p>
    <p class="dim">same <why></p>
    </article>
    </section>
    <section class="both">
    <h2>Both say</h2>
    <article>
    <h3><code>src/pool.rs:57</code> and <code>src/pool.rs:58-60</code> · high</h3>
    <div class="sides">
    <div>
    <h4>Claude Code</h4>
    <p class="claim" dir="auto">Connection leaks when connect() returns early before release()</p>
    </div>
    <div>
    <h4>Codex</h4>
    <p class="claim" dir="auto">Early return from connect() skips release(), so the connection leaks</p>
    </div>
    </div>
    <p class="dim">same <why></p>
    </article>
    </section>
    <section class="only">
    <h2>Only Claude Code says</h2>
    <table>
    <thead><tr><th scope="col">Severity</th><th scope="col">Where</th><th scope="col">What</th></tr></thead>
    <tbody>
    <tr><td>pre-existing</td><td><code>src/old.rs:3</code></td><td><p class="claim" dir="auto">The cache has no limit</p>
    </td></tr>
    </tbody>
    </table>
    </section>
    <section class="only">
    <h2>Only Codex says</h2>
    <table>
    <thead><tr><th scope="col">Severity</th><th scope="col">Where</th><th scope="col">What</th></tr></thead>
    <tbody>
    <tr><td>low</td><td><code>CHANGELOG.md:2</code></td><td><p class="claim" dir="auto">Typo in the changelog</p>
    </td></tr>
    </tbody>
    </table>
    </section>
    </main>
    </body>
    </html>
    "#);
}

#[tokio::test]
async fn a_file_that_is_no_review_ends_with_code_2_and_what_was_expected() {
    let good = own_file();
    let mut told = String::new();
    for broken in [
        "",
        "<!doctype html><title>404</title>",
        "{\"findings\":[}",
        "{\"version\":3,\"findings\":[]}",
        "{\"findings\":[{\"path\":\"a.rs\"}]}",
        "[{\"file\":\"a.rs\",\"line\":\"four\",\"summary\":\"s\"}]",
        "{\"findings\":[{\"title\":\"t\",\"code_location\":7}]}",
        "{\"findings\":[{\"id\":\"x\",\"title\":\"t\"},{\"id\":\"x\",\"title\":\"u\"}]}",
        "{\"version\":\"2.1.0\",\"runs\":[7]}",
        "{\"type\":\"result\",\"is_error\":true,\"result\":\"Credit balance is too low\"}",
        "{\"type\":\"thread.started\"}\n{\"type\":\"turn.failed\",\"error\":{\"message\":\"401\"}}\n",
    ] {
        let run = compared(&good, broken, &[]).await;
        run.assert_code(2);
        assert_eq!(run.stdout, "", "{broken}");
        told.push_str(&run.stderr);
    }
    insta::assert_snapshot!(told, @r#"
    ERROR b.txt: it is empty; known are Counterpoint's finding file, {"version":1,"reviewer":…,"findings":[…]}, and record; the findings of Claude Code's code-review, alone or in the output of `claude -p`; Codex's review as JSON, as text or in the events of `codex exec --json`; the output of codex-plugin-cc; and SARIF 2.1.0
    ERROR b.txt: it holds no findings in a known form; known are Counterpoint's finding file, {"version":1,"reviewer":…,"findings":[…]}, and record; the findings of Claude Code's code-review, alone or in the output of `claude -p`; Codex's review as JSON, as text or in the events of `codex exec --json`; the output of codex-plugin-cc; and SARIF 2.1.0
    ERROR b.txt: 1:14: expected value; known are Counterpoint's finding file, {"version":1,"reviewer":…,"findings":[…]}, and record; the findings of Claude Code's code-review, alone or in the output of `claude -p`; Codex's review as JSON, as text or in the events of `codex exec --json`; the output of codex-plugin-cc; and SARIF 2.1.0
    ERROR b.txt: version: expected 1, got 3
    ERROR b.txt: findings[0]: expected a title or a body that is not empty
    ERROR b.txt: [0].line: expected a line number, got "four"
    ERROR b.txt: findings[0].code_location: expected an object, got 7
    ERROR b.txt: the id `x` stands more than once; expected every id to be unique
    ERROR b.txt: this SARIF file could not be read: run 1 is not an object and was left out
    ERROR b.txt: the run failed: Credit balance is too low
    ERROR b.txt: line 2: the run failed: 401
    "#);
}

#[tokio::test]
async fn a_file_that_does_not_end_or_is_no_text_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("b.txt"), own_file()).unwrap();
    let told = async |what: &str| {
        let run = compare_in(folder.path(), &[]).await;
        run.assert_code(2);
        format!("{what}: {}", run.stderr)
    };
    let mut all = told("missing").await;
    std::fs::write(folder.path().join("a.txt"), [b'{', 0xff]).unwrap();
    all += &told("bytes").await;
    std::fs::write(folder.path().join("a.txt"), vec![b'['; 21 << 20]).unwrap();
    all += &told("large").await;
    insta::assert_snapshot!(all, @"
    missing: ERROR a.txt cannot be read: No such file or directory (os error 2)
    bytes: ERROR a.txt cannot be read: stream did not contain valid UTF-8
    large: ERROR a.txt is too large to compare; expected at most 20 MiB
    ");
}

#[tokio::test]
async fn what_was_guessed_is_logged_and_is_no_part_of_the_result() {
    let clean = "{\"type\":\"thread.started\"}\n{\"type\":\"item.completed\",\"item\":{\"type\":\"agent_message\",\
        \"text\":\"The patch is correct.\"}}\n";
    let run = compared(clean, clean, &[]).await;
    run.assert_code(0);
    insta::assert_snapshot!(format!("{}{}", run.stdout, run.stderr), @"
    0 contradictions, 0 from both, 0 from Codex (A) only, 0 from Codex (B) only
     WARN a.txt: line 2, item.text: Codex's answer names no finding, which is taken for a review without any
     WARN b.txt: line 2, item.text: Codex's answer names no finding, which is taken for a review without any
    ");
}

#[tokio::test]
async fn a_page_is_made_of_comparisons_only() {
    let world = World::start().await;
    let run =
        Run::new(BINARY, &world).arguments(["review", "--diff", "-", "--format", "html"]).finish().await;
    run.assert_code(2);
    assert!(run.stderr.contains("[possible values: text, markdown, json]"), "{}", run.stderr);
    let run = Run::new(BINARY, &world).arguments(["compare", "a", "b", "--format", "sarif"]).finish().await;
    run.assert_code(2);
    assert!(run.stderr.contains("[possible values: text, markdown, json, html]"), "{}", run.stderr);
}
