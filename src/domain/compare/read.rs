//! Recognises what a file holds by its content, never by its name, and reads it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::fields::{Fields, Wrong, at_line, beginning, joined};
use super::{FileFinding, FindingFile, claude, codex, codex_plugin, own, scanner};

/// The largest file that is read, in bytes: as JSON it can take thirty times as much memory.
pub const LARGEST: u64 = 20 << 20;

/// More findings than any reviewer raises; beyond this a table of all pairs does not fit a small machine.
const MOST: usize = 1_000;

/// An answer in words is at most so long, in bytes, and at most so many places in it are tried as JSON: each try may
/// read to its end.
const LONGEST_WORDS: usize = 1 << 20;
const MOST_TRIES: usize = 64;

/// How often an answer may be wrapped: in a message of a run, in a plugin's output, in a string.
const DEEPEST: usize = 4;

/// What can be compared.
const KNOWN: &str = "known are Counterpoint's finding file, {\"version\":1,\"reviewer\":…,\"findings\":[…]}, and record; \
     the findings of Claude Code's code-review, alone or in the output of `claude -p`; Codex's review as JSON, as \
     text or in the events of `codex exec --json`; the output of codex-plugin-cc; and SARIF 2.1.0";

/// Where the findings of a run are.
pub(super) enum Answer<'a> {
    /// In this value.
    Json(&'a Value),
    /// In this text, among words or not.
    Text(&'a str),
}

/// A message of a run, and its place.
pub(super) type Message<'a> = (&'a Map<String, Value>, String);

/// Reads findings in any known form. Those without an id are named `a1`, `a2`, … in file order, after `prefix`.
///
/// # Errors
/// A sentence that names the file, the place, what was expected there, or which forms are known.
pub fn read(name: &str, text: &str, prefix: char) -> Result<FindingFile, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut file = recognise(text).map_err(|wrong| format!("{name}: {wrong}"))?;
    let count = file.findings.len();
    if count > MOST {
        return Err(format!("{name}: {count} findings are too many to compare; expected at most {MOST}"));
    }
    file.reviewer = file.reviewer.trim().to_owned();
    name_all(name, &mut file.findings, prefix)?;
    Ok(file)
}

fn recognise(text: &str) -> Result<FindingFile, Wrong> {
    if text.trim().is_empty() {
        return Err(Wrong::new("", format!("it is empty; {KNOWN}")));
    }
    let unknown = || Wrong::new("", format!("it holds no findings in a known form; {KNOWN}"));
    match serde_json::from_str(text) {
        Ok(value) if scanner::is_sarif(&value) => scanner::read(text),
        Ok(value) => from_json(&value, "", 0)?.ok_or_else(unknown),
        Err(error) => {
            let lines = json_lines(text);
            let objects = lines.iter().filter_map(|(place, line)| Some((line.as_object()?, place.clone())));
            if let Some(found) = from_run(&objects.collect::<Vec<_>>(), 0) {
                return found;
            }
            if let Some(found) = from_words(text, "", 0)? {
                return Ok(found);
            }
            if !text.trim_start().starts_with(['{', '[']) {
                return Err(unknown());
            }
            let (line, column) = (error.line(), error.column());
            let told = error.to_string();
            let what = told.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&told);
            Err(Wrong::new(format!("{line}:{column}"), format!("{what}; {KNOWN}")))
        }
    }
}

/// The lines of a text that are JSON objects, each with its place. What a program logs between them is left out.
fn json_lines(text: &str) -> Vec<(String, Value)> {
    let lines = text.lines().enumerate().filter(|(_, line)| line.starts_with('{'));
    lines.filter_map(|(at, line)| Some((at_line("", at + 1), serde_json::from_str(line).ok()?))).collect()
}

/// Findings in a JSON value; `None` where it is nothing known.
fn from_json(value: &Value, place: &str, depth: usize) -> Result<Option<FindingFile>, Wrong> {
    if depth > DEEPEST {
        return Ok(None);
    }
    match value {
        Value::Array(items) => {
            let messages: Vec<Message> = items
                .iter()
                .enumerate()
                .filter_map(|(at, item)| Some((item.as_object()?, joined(place, &format!("[{at}]")))))
                .collect();
            match from_run(&messages, depth) {
                Some(found) => found.map(Some),
                None if items.is_empty() || items.iter().any(says_something) => {
                    list(&Map::new(), items, place).map(Some)
                }
                None => Ok(None),
            }
        }
        Value::Object(object) => {
            if let Some(found) = from_run(&[(object, place.to_owned())], depth) {
                return found.map(Some);
            }
            if codex_plugin::is_envelope(object) {
                let (answer, inner) = codex_plugin::answer(object)?;
                return follow(&answer, &joined(place, inner), depth, codex::REVIEWER).map(Some);
            }
            let Some(Value::Array(items)) = object.get("findings") else { return Ok(None) };
            list(object, items, &joined(place, "findings")).map(Some)
        }
        _ => Ok(None),
    }
}

/// Whether a value can be a finding: an object with words for a person.
fn says_something(value: &Value) -> bool {
    ["title", "body", "summary"].iter().any(|name| value.get(name).is_some())
}

/// A list of findings, in the form that they and the object around them have.
fn list(file: &Map<String, Value>, items: &[Value], place: &str) -> Result<FindingFile, Wrong> {
    let any = |name: &str| items.iter().any(|item| item.get(name).is_some());
    type Parser = fn(&Fields) -> Result<FileFinding, Wrong>;
    let (parser, reviewer): (Parser, &str) =
        if any("code_location") || file.contains_key("overall_correctness") {
            (codex::finding, codex::REVIEWER)
        } else if any("summary") {
            (claude::finding, claude::REVIEWER)
        } else if any("recommendation") || any("file") || file.contains_key("next_steps") {
            (codex_plugin::finding, codex::REVIEWER)
        } else if file.contains_key("passes") {
            own::version(file)?;
            (own::issue, "Counterpoint")
        } else {
            own::version(file)?;
            (own::finding, "")
        };
    let one = |(at, item)| parser(&Fields::of(item, format!("{place}[{at}]"))?);
    // What is too much to compare need not be read.
    let findings = items.iter().enumerate().take(MOST + 1).map(one).collect::<Result<Vec<_>, _>>()?;
    let told = Fields::new(file, String::new()).text("reviewer")?;
    let reviewer = if told.trim().is_empty() { reviewer.to_owned() } else { told };
    Ok(FindingFile { reviewer, findings, notes: Vec::new() })
}

/// The answer of a run of Claude Code or Codex, if these are the messages of one.
fn from_run(messages: &[Message], depth: usize) -> Option<Result<FindingFile, Wrong>> {
    let has = |known: fn(&Map<String, Value>) -> bool| messages.iter().any(|(message, _)| known(message));
    let (found, reviewer) = if has(claude::is_message) {
        (claude::answer(messages), claude::REVIEWER)
    } else if has(codex::is_event) {
        (codex::answer(messages), codex::REVIEWER)
    } else {
        return None;
    };
    Some(found.and_then(|(answer, place)| follow(&answer, &place, depth, reviewer)))
}

/// Reads an answer. Whoever gave it raised what is in it.
fn follow(answer: &Answer, place: &str, depth: usize, reviewer: &str) -> Result<FindingFile, Wrong> {
    let mut found = match answer {
        Answer::Json(value) => from_json(value, place, depth + 1)?,
        Answer::Text(text) => {
            if codex::no_review(text) {
                return Err(Wrong::new(
                    place,
                    format!("there was no review: {}", beginning(text.trim(), 200)),
                ));
            }
            match serde_json::from_str(text) {
                Ok(value) => from_json(&value, place, depth + 1)?,
                Err(_) => from_words(text, place, depth + 1)?,
            }
        }
    };
    if let (None, Answer::Text(text)) = (&found, answer)
        && reviewer == codex::REVIEWER
        && codex::is_clean(text)
    {
        let note =
            format!("{place}: Codex's answer names no finding, which is taken for a review without any");
        found = Some(FindingFile { notes: vec![note], ..FindingFile::default() });
    }
    let mut found = found
        .ok_or_else(|| Wrong::new(place, format!("the answer holds no findings in a known form; {KNOWN}")))?;
    if found.reviewer.trim().is_empty() {
        reviewer.clone_into(&mut found.reviewer);
    }
    Ok(found)
}

/// Findings in text: those of a flattened review of Codex, else the last JSON that begins a line and holds some. JSON
/// without findings counts only where there is no other: it may be a form.
fn from_words(text: &str, place: &str, depth: usize) -> Result<Option<FindingFile>, Wrong> {
    let findings = codex::flattened(text);
    if !findings.is_empty() {
        return Ok(Some(FindingFile { reviewer: codex::REVIEWER.to_owned(), findings, notes: Vec::new() }));
    }
    if text.len() > LONGEST_WORDS {
        return Ok(None);
    }
    let mut found: Option<FindingFile> = None;
    let (mut at, mut end, mut tries) = (0, 0, 0);
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        let start = at + line.len() - line.trim_start().len();
        at += line.len();
        let candidate = text.get(start..).unwrap_or_default();
        if start < end || !candidate.starts_with(['{', '[']) || tries == MOST_TRIES {
            continue;
        }
        tries += 1;
        let mut values = serde_json::Deserializer::from_str(candidate).into_iter::<Value>();
        let Some(Ok(value)) = values.next() else { continue };
        end = start + values.byte_offset();
        let read = from_json(&value, &at_line(place, number), depth + 1)?;
        if let Some(read) = read.filter(|read| found.is_none() || !read.findings.is_empty()) {
            found = Some(read);
        }
    }
    Ok(found)
}

/// Gives every finding an id of its own.
fn name_all(file: &str, findings: &mut [FileFinding], prefix: char) -> Result<(), String> {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for finding in findings.iter().filter(|finding| !finding.id.is_empty()) {
        if !taken.insert(finding.id.clone()) {
            let id = beginning(&finding.id, 80);
            return Err(format!(
                "{file}: the id `{id}` stands more than once; expected every id to be unique"
            ));
        }
    }
    let mut free = (1_usize..).map(|n| format!("{prefix}{n}")).filter(|id| !taken.contains(id));
    for finding in findings.iter_mut().filter(|finding| finding.id.is_empty()) {
        finding.id = free.next().unwrap_or_default();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::compare::Remark;
    use crate::domain::finding::{Category, Severity, Side};

    fn file(findings: &str, prefix: char) -> FindingFile {
        read("x.json", &format!("{{\"version\":1,\"findings\":[{findings}]}}"), prefix).unwrap()
    }

    /// What matters of each finding, on a line.
    fn told(file: &FindingFile) -> String {
        let line = |finding: &FileFinding| {
            let remark = finding.remark.map_or("", Remark::as_str);
            let severity = finding.severity.map_or(remark, Severity::as_str);
            let lines = finding.lines.map(|(start, end)| format!("{start}-{end}")).unwrap_or_default();
            let text = [&finding.title, &finding.body, &finding.failure_scenario, &finding.advice];
            let text = text.map(|text| text.replace('\n', "\\n")).join("|");
            format!("{} {severity} {}:{lines} {text}\n", finding.id, finding.path)
        };
        let notes = file.notes.iter().map(|note| format!("! {note}\n"));
        let findings = file.findings.iter().map(line);
        format!("{}:\n{}", file.reviewer, findings.chain(notes).collect::<String>())
    }

    #[test]
    fn a_file_that_cannot_be_read_says_where_and_what_was_expected() {
        let check = |text: &str, expect: &str| {
            let error = read("a.json", text, 'a').unwrap_err();
            assert!(error.starts_with(&format!("a.json: {expect}")), "{text}: {error}");
        };
        let known = "known are Counterpoint's finding file";
        check(" \n", &format!("it is empty; {known}"));
        check("<html>", &format!("it holds no findings in a known form; {known}"));
        check("{\"findings\":[", &format!("1:13: EOF while parsing a list; {known}"));
        check("{\"findings\":\n[}", &format!("2:2: expected value; {known}"));
        for unknown in ["7", "null", "{}", "{\"version\":1}", "{\"findings\":7}", "[7]", "[{\"id\":7}]"] {
            check(unknown, "it holds no findings in a known form");
        }
        check("{\"version\":2,\"findings\":[]}", "version: expected 1, got 2");
        check("{\"findings\":[{\"title\":[]}]}", "findings[0].title: expected text, got a list");
        check(
            "{\"findings\":[{\"title\":\"t\",\"line_start\":\"x\"}]}",
            "findings[0].line_start: expected a line number, got \"x\"",
        );
        check(
            "{\"findings\":[{\"title\":\"t\"},{\"path\":\"a.rs\",\"title\":\" \",\"failure_scenario\":\"f\"}]}",
            "findings[1]: expected a title or a body that is not empty",
        );
        check("{\"findings\":[{\"title\":\"t\"},null]}", "findings[1]: expected an object, got null");
        check("[{\"file\":\"a.rs\",\"summary\":\"s\"},{}]", "[1]: expected a title or a body");
        check(
            "{\"findings\":[{\"id\":\"1\",\"title\":\"t\"},{\"id\":1,\"title\":\"u\"}]}",
            "the id `1` stands more than once",
        );
        let many = vec!["{\"title\":\"t\"}"; MOST + 1].join(",");
        check(&format!("{{\"findings\":[{many}]}}"), "1001 findings are too many");
    }

    #[test]
    fn a_run_that_failed_or_said_nothing_known_is_no_clean_review() {
        let check = |text: &str, expect: &str| {
            let error = read("a.json", text, 'a').unwrap_err();
            assert!(error.starts_with(&format!("a.json: {expect}")), "{text}: {error}");
        };
        check(
            r#"{"type":"result","subtype":"success","is_error":true,"result":"API Error: 529 overloaded"}"#,
            "the run failed: API Error: 529 overloaded",
        );
        check(
            r#"{"type":"result","is_error":false,"result":"I looked at everything and it is fine."}"#,
            "result: the answer holds no findings in a known form",
        );
        check(r#"[{"type":"system","subtype":"init"}]"#, "the run has no answer");
        let events = |last: &str| format!("{{\"type\":\"thread.started\",\"thread_id\":\"x\"}}\n{last}\n");
        check(&events(r#"{"type":"turn.failed","error":{"message":"401"}}"#), "line 2: the run failed: 401");
        check(&events(r#"{"type":"turn.completed","usage":{}}"#), "the run has no answer");
        let said = |text: &str| {
            events(&format!(
                "{{\"type\":\"item.completed\",\"item\":{{\"type\":\"agent_message\",\"text\":\"{text}\"}}}}"
            ))
        };
        for other in ["Two bugs:\\n1. a race", "# Review", "src/a.rs:4 leaks", "| a | b |", ""] {
            check(&said(other), "line 2, item.text: the answer holds no findings in a known form");
        }
        check(
            &said("Review was interrupted. Please re-run"),
            "line 2, item.text: there was no review: Review was",
        );
        check(
            &said("{\\\"findings\\\":[{\\\"title\\\":1.5},{\\\"title\\\":[]}]}"),
            "line 2, item.text.findings[1].title: expected text, got a list",
        );
        check(
            r#"{"review":"Review","codex":{"status":1,"stderr":"no login","stdout":""}}"#,
            "codex.stdout: Codex gave no answer. It logged: no login",
        );
    }

    #[test]
    fn all_but_title_or_body_may_be_absent_null_or_empty() {
        let empty = "\u{feff}{\"findings\":[{\"id\":null,\"path\":null,\"side\":\"\",\"line_start\":null,\"line_end\":\"\",\"quote\":null,\
             \"category\":\"\",\"severity\":null,\"confidence\":null,\"title\":\"\",\"body\":\"b\",\"failure_scenario\":null,\
             \"suggestion\":null,\"other\":{}}]}";
        let read = read("x.json", empty, 'b').unwrap();
        let expect = FileFinding { id: "b1".to_owned(), body: "b".to_owned(), ..FileFinding::default() };
        assert_eq!(read, FindingFile { findings: vec![expect], ..FindingFile::default() });
        assert_eq!(read.findings[0].headline(), "b");
        for other in [
            r#"[{"file":null,"line":null,"summary":"b","failure_scenario":null,"severity":""}]"#,
            r#"[{"title":"b","body":null,"priority":null,"confidence_score":null,"code_location":null}]"#,
            r#"[{"title":"b","code_location":{"absolute_file_path":null,"line_range":{"start":null}}}]"#,
            r#"{"next_steps":null,"findings":[{"title":"b","line_start":null,"recommendation":null}]}"#,
            r#"{"passes":null,"findings":[{"title":"b","anchor":null,"verdict":null}]}"#,
        ] {
            let read = super::read("x.json", other, 'b').unwrap();
            let expect = FileFinding { id: "b1".to_owned(), title: "b".to_owned(), ..FileFinding::default() };
            assert_eq!(read.findings, [expect], "{other}");
        }
    }

    #[test]
    fn words_and_lines_are_read_as_people_write_them() {
        let findings = file(
            r#"{"title":"t","severity":"HIGH","category":"data_loss","side":"old","line_start":9,"line_end":"7"},
               {"title":"t","severity":"P1","category":"style","side":"both","line_end":3},{"title":"t","line_start":0},
               {"title":"t","line_start":-4,"line_end":99999999999}"#,
            'a',
        )
        .findings;
        assert_eq!(
            (findings[0].severity, findings[0].category),
            (Some(Severity::High), Some(Category::DataLoss))
        );
        assert_eq!((findings[0].side, findings[0].lines), (Some(Side::Old), Some((7, 9))));
        assert_eq!((findings[1].severity, findings[1].category, findings[1].side), (None, None, None));
        assert_eq!((findings[1].lines, findings[2].lines, findings[3].lines), (Some((3, 3)), None, None));
    }

    #[test]
    fn missing_ids_are_given_in_file_order_and_never_one_that_is_taken() {
        let ids = |json: &str| file(json, 'a').findings.into_iter().map(|f| f.id).collect::<Vec<_>>();
        assert_eq!(ids(r#"{"title":"t"},{"id":"x","title":"t"},{"title":"t"}"#), ["a1", "x", "a2"]);
        assert_eq!(ids(r#"{"title":"t"},{"id":"a1","title":"t"}"#), ["a2", "a1"]);
    }

    #[test]
    fn claude_codes_severities_and_verdicts_are_read() {
        let list = r#"[{"file":"a.rs","line":4,"summary":"S","failure_scenario":"F","severity":"important"},
            {"file":"a.rs","line":"5","summary":"N","severity":"nit","verdict":"PLAUSIBLE"},
            {"file":"a.rs","summary":"O","severity":"pre_existing","outcome":"skipped"}]"#;
        let expect =
            "Claude Code:\na1 high a.rs:4-4 S||F|\na2 low a.rs:5-5 N|||\na3 pre-existing a.rs: O|||\n";
        let quoted = serde_json::to_string(list).unwrap();
        for text in [
            list.to_owned(),
            format!("{{\"findings\":{list}}}"),
            format!("I found three.\n\n```json\n{list}\n```\nThat is all.\n"),
            format!("{{\"type\":\"result\",\"is_error\":false,\"result\":{quoted}}}"),
            format!(
                "{{\"type\":\"result\",\"result\":\"Done.\",\"structured_output\":{{\"findings\":{list}}}}}"
            ),
            format!(
                "{{\"type\":\"tool_use\",\"name\":\"ReportFindings\",\"input\":{{\"findings\":{list}}}}}"
            ),
        ] {
            assert_eq!(told(&read("x", &text, 'a').unwrap()), expect, "{text}");
        }
        let report = format!(
            "{{\"type\":\"assistant\",\"message\":{{\"content\":[{{\"type\":\"text\",\"text\":\"x\"}},\
             {{\"type\":\"tool_use\",\"name\":\"ReportFindings\",\"input\":{{\"findings\":{list}}}}}]}}}}"
        )
        .replace('\n', " ");
        let init = "{\"type\":\"system\",\"subtype\":\"init\"}";
        let end = "{\"type\":\"result\",\"is_error\":false,\"result\":\"Reported.\"}";
        for text in [format!("[{init},{report},{end}]"), format!("{init}\n{report}\n{end}\n")] {
            assert_eq!(told(&read("x", &text, 'a').unwrap()), expect, "{text}");
        }
    }

    #[test]
    fn codex_is_read_as_json_as_text_and_in_events() {
        let json = r#"{"findings":[{"title":"[P0] Lost — twice","body":"One.\n\n    two\nthree","confidence_score":0.9,"priority":0,
            "code_location":{"absolute_file_path":"/w/a b.rs","line_range":{"start":4,"end":5}}},
            {"title":"[P3] Slow","body":"","priority":null,"code_location":{"absolute_file_path":"/w/b.rs","line_range":{"start":7,"end":7}}}],
            "overall_correctness":"patch is incorrect","overall_explanation":"Two.","overall_confidence_score":0.8}"#;
        let prose = "Two.\n\nFull review comments:\n\n- [P0] Lost — twice — /w/a b.rs:4-5\n  One.\n  \n      two\n  three\n\n- [P3] Slow — /w/b.rs:7-7\n";
        let expect = "Codex:\na1 critical /w/a b.rs:4-5 Lost — twice|One.\\n\\n    two\\nthree||\na2 low /w/b.rs:7-7 Slow|||\n";
        let boxes = prose.replace("- [P", "- [x] [P").replace("\n  \n", "\n\n");
        let event = |text: &str| {
            let text = serde_json::to_string(text).unwrap();
            format!(
                "warning: a log line\n{{\"type\":\"thread.started\",\"thread_id\":\"x\"}}\n\
                 {{\"type\":\"item.completed\",\"item\":{{\"type\":\"agent_message\",\"text\":\"Looking.\"}}}}\n\
                 {{\"type\":\"item.completed\",\"item\":{{\"type\":\"agent_message\",\"text\":{text}}}}}\n\
                 {{\"type\":\"turn.completed\",\"usage\":{{}}}}\n"
            )
        };
        let session = format!(
            "{{\"type\":\"session_meta\",\"payload\":{{}}}}\n\
             {{\"type\":\"event_msg\",\"payload\":{{\"type\":\"exited_review_mode\",\"review_output\":{}}}}}\n",
            json.replace('\n', " ")
        );
        let plugin = format!(
            "{{\"review\":\"Review\",\"codex\":{{\"status\":0,\"stdout\":{}}}}}",
            serde_json::to_string(prose).unwrap()
        );
        for text in [
            json.to_owned(),
            prose.to_owned(),
            prose.replace('\n', "\r\n"),
            boxes,
            event(prose),
            event(json),
            session,
            plugin,
        ] {
            assert_eq!(told(&read("x", &text, 'a').unwrap()), expect, "{text}");
        }
        let clean = read("x", &event("The patch is correct: no caller passes null."), 'a').unwrap();
        assert_eq!(
            told(&clean),
            "Codex:\n! line 4, item.text: Codex's answer names no finding, which is taken for a review without any\n"
        );
        assert_eq!(told(&read("x", &event("{\"findings\":[]}"), 'a').unwrap()), "Codex:\n");
    }

    #[test]
    fn the_plugins_schema_is_read_alone_and_in_its_output() {
        let review = r#"{"verdict":"needs-attention","summary":"s","findings":[{"severity":"high","title":"T","body":"B","file":"a.rs",
            "line_start":4,"line_end":6,"confidence":0.7,"recommendation":"Add a test."}],"next_steps":[]}"#;
        let expect = "Codex:\na1 high a.rs:4-6 T|B||Add a test.\n";
        let around = format!(
            "{{\"review\":\"Adversarial Review\",\"codex\":{{\"stdout\":\"x\"}},\"result\":{review}}}"
        );
        for text in [review, &around] {
            assert_eq!(told(&read("x", text, 'a').unwrap()), expect, "{text}");
        }
    }

    #[test]
    fn an_issue_of_a_record_stands_once_and_where_it_was_proven() {
        let record = r#"{"version":1,"outcome":"reviewed","passes":[],"findings":[
            {"id":"claude:F1","path":"a.rs","side":"new","line_start":1,"line_end":1,"title":"T","severity":"high","verdict":"agreed",
             "votes":[{"finding":"claude:F1"},{"finding":"codex:F1"}],"anchor":{"path":"src/a.rs","side":"new","start":4,"end":5}},
            {"id":"codex:F2","path":"b.rs","line_start":0,"line_end":0,"title":"U","verdict":"withdrawn","anchor":null}]}"#;
        let expect = "Counterpoint:\nclaude:F1 high src/a.rs:4-5 T|||\ncodex:F2 withdrawn b.rs: U|||\n";
        assert_eq!(told(&read("x", record, 'a').unwrap()), expect);
    }

    #[test]
    fn results_of_scanners_are_read_but_not_what_passed_or_was_suppressed() {
        let result = |more: &str| {
            format!(
                r#"{{"ruleId":"sql","level":"error","message":{{"text":"Query from user input.\nIt is not bound."}},"locations":[{{
                "physicalLocation":{{"artifactLocation":{{"uri":"src/a.py"}},"region":{{"startLine":4}}}}}}]{more}}}"#
            )
        };
        let results = [
            result(""),
            result(r#","kind":"pass""#),
            result(r#","suppressions":[{"kind":"inSource","status":"accepted"}]"#),
        ];
        let sarif = format!(
            r#"{{"version":"2.1.0","runs":[{{"tool":{{"driver":{{"name":"scan"}}}},"results":[{}]}}]}}"#,
            results.join(",")
        );
        let expect = "scan:\na1 high src/a.py:4-4 Query from user input. It is not bound.|sql||\n\
            ! 2 of 3 results are suppressed or no problems, and are left out\n";
        assert_eq!(told(&read("x", &sarif, 'a').unwrap()), expect);
        let error = read("x", "{\"runs\":7}", 'a').unwrap_err();
        assert_eq!(error, "x: this SARIF file could not be read: it has no list of runs");
    }

    #[test]
    fn the_last_findings_among_words_count_and_a_form_does_not() {
        let text = "[\n]\nFor example:\n[{\"title\":\"example\"}]\nAnd now:\n  {\"findings\":[{\"title\":\"t\"}]}\n[]\n{}";
        assert_eq!(told(&read("x", text, 'a').unwrap()), ":\na1  : t|||\n");
        let error = read("x", "Here:\n[{\"title\":[]}]", 'a').unwrap_err();
        assert_eq!(error, "x: line 2, [0].title: expected text, got a list");
    }

    #[test]
    fn what_is_wrapped_in_itself_ends() {
        let mut text = "{\"findings\":[]}".to_owned();
        for _ in 0..12 {
            text = serde_json::json!({"type": "result", "result": text}).to_string();
        }
        assert!(read("x", &text, 'a').unwrap_err().contains("no findings in a known form"));
        let deep = "[".repeat(100_000);
        assert!(read("x", &deep, 'a').unwrap_err().contains("recursion limit exceeded"));
    }
}
