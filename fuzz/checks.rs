//! What must hold of every reader of bytes from outside, whatever the bytes are.
//!
//! The fuzzer feeds these checks, and a test replays its findings with them (`tests/it/fuzz_findings.rs`). A check that
//! fails panics.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use counterpoint::adapters::actions::read_event;
use counterpoint::adapters::providers::sse;
use counterpoint::domain::diff::{
    Claim, Diff, FileDiff, Hunk, Line, LineKind, NoLines, Resolver, Status, Surrounding, computed, parse,
    parse_patch, render, visible,
};
use counterpoint::domain::event::{Cause, intent};
use counterpoint::domain::evidence::{self, Found, gather, junit};
use counterpoint::domain::finding::{Finding, Resolution, Severity, Side, Verdict};
use counterpoint::domain::marker::{self, FindingMarker, ReviewMarker, SummaryMarker};
use counterpoint::domain::redact::Secrets;
use counterpoint::domain::{batch, command, compare, config, context, record, render, reply, sarif, triage};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// Reads the bytes and panics if something is wrong with what was read.
pub type Check = fn(&[u8]);

/// Every check by the name of its folder in `seeds` and `regressions`.
pub const TARGETS: [(&str, Check); 13] = [
    ("attributes", read_attributes),
    ("command", read_command),
    ("config", read_config),
    ("diff", read_diff),
    ("event", read_events),
    ("findings", read_findings),
    ("marker", read_markers),
    ("patch", read_patch),
    ("record", read_record),
    ("reply", read_reply),
    ("reports", read_reports),
    ("stream", read_stream),
    ("versions", read_versions),
];

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The base branch's `.gitattributes`: whatever it says, every path has an answer.
fn read_attributes(bytes: &[u8]) {
    let (attributes, problems) = triage::parse(&text(bytes));
    assert!(problems.len() <= 6, "{problems:?}");
    for path in ["", "a", "src/main.rs", "vendor/x/y.go", "two words", "é/ü", "/", "[", "a\\b"] {
        let marks = attributes.of(path);
        assert_eq!(marks, attributes.of(path));
    }
}

/// Both versions of a file, a byte of 0xff between them.
fn read_versions(bytes: &[u8]) {
    let mut versions = bytes.splitn(2, |byte| *byte == 0xff);
    let (old, new) = (versions.next().unwrap_or_default(), versions.next().unwrap_or_default());
    let file = computed("src/a.rs", None, Status::Modified, old, new);
    if file.no_lines.is_some() {
        return;
    }
    assert_eq!(applied(&file, old), new, "the hunks do not make the new version");
    let surroundings = context::around(&file, new, &Secrets::default(), 2_000);
    let shown: usize = surroundings.iter().map(Surrounding::cost).sum();
    assert!(shown <= 2_000, "{shown} bytes around the hunks");
    let in_hunks: BTreeSet<u32> = file.lines().filter_map(|line| line.new).collect();
    let mut outside = surroundings.iter().flat_map(|part| &part.lines);
    assert!(outside.all(|(number, _)| !in_hunks.contains(number)), "{surroundings:?}");
    for limit in [300, 1_000, 100_000] {
        let mut seen = Vec::new();
        for part in batch::split(&file, &surroundings, limit) {
            for run in &part.runs {
                seen.extend(run.lines.clone().skip(run.overlap).map(|line| (run.hunk, line)));
            }
        }
        let all = file.hunks.iter().enumerate();
        let all: Vec<_> =
            all.flat_map(|(at, hunk)| (0..hunk.lines.len()).map(move |line| (at, line))).collect();
        assert_eq!(seen, all, "in parts of {limit} bytes");
    }
}

/// A version with the hunks of a file applied.
fn applied(file: &FileDiff, old: &[u8]) -> Vec<u8> {
    let lines: Vec<&[u8]> = old.split_inclusive(|byte| *byte == b'\n').collect();
    let mut new = Vec::new();
    let mut at = 0;
    for hunk in &file.hunks {
        let start = hunk.old_start as usize - usize::from(hunk.old_len > 0);
        new.extend(lines[at..start].concat());
        at = start + hunk.old_len as usize;
        for line in hunk.lines.iter().filter(|line| line.kind != LineKind::Deleted) {
            new.extend_from_slice(&line.text);
            if !line.no_newline {
                new.push(b'\n');
            }
        }
    }
    new.extend(lines[at..].concat());
    new
}

/// A diff as git writes it.
fn read_diff(bytes: &[u8]) {
    let (diff, problems) = parse(Bytes::copy_from_slice(bytes));
    check_files(&diff);
    let written = diff.to_bytes();
    let (again, more_problems) = parse(Bytes::from(written.clone()));
    assert!(again.to_bytes() == written, "what was read does not read back");
    if problems.is_empty() {
        assert_eq!((&again, more_problems), (&diff, problems), "what was read reads back otherwise");
    }
}

/// A row of GitHub's list of files: a letter and the path, a line with the old path, the patch.
fn read_patch(bytes: &[u8]) {
    let row = text(bytes);
    let mut parts = row.splitn(3, '\n');
    let (first, old_path, patch) = (parts.next(), parts.next(), parts.next().unwrap_or_default());
    let mut first = first.unwrap_or_default().chars();
    let status = match first.next() {
        Some('A') => Status::Added,
        Some('D') => Status::Deleted,
        Some('R') => Status::Renamed,
        Some('C') => Status::Copied,
        Some('T') => Status::TypeChanged,
        _ => Status::Modified,
    };
    let (path, old_path) = (first.as_str(), old_path.filter(|path| !path.is_empty()));
    if path.is_empty() {
        return;
    }
    let (file, problems) = parse_patch(path, old_path, status, patch);
    assert_eq!(file.path, path);
    assert_eq!(file.no_lines, (!problems.is_empty()).then_some(NoLines::Unreadable));
    let diff = Diff { files: vec![file] };
    check_files(&diff);
    if problems.is_empty() {
        let remark = |line: &&str| line.starts_with("\\ ");
        let given = patch.trim_end_matches('\n').split('\n').filter(|line| !remark(line)).count();
        let taken: usize = diff.files.iter().map(|file| file.hunks.len() + file.lines().count()).sum();
        assert!(taken >= given, "of {given} lines {taken} were read");
        let (again, problems) = parse(Bytes::from(diff.to_bytes()));
        assert_eq!((again, problems), (diff, Vec::new()), "the row reads back otherwise");
    }
}

/// What holds of every diff that was read.
pub fn check_files(diff: &Diff) {
    for file in &diff.files {
        assert_eq!(file.hunks.is_empty(), file.no_lines.is_some(), "{file:?}");
        assert!(!file.path.is_empty() || file.no_lines == Some(NoLines::Unreadable), "{file:?}");
        assert!(file.old_path.as_ref() != Some(&file.path), "{file:?}");
        let split = file.second_half.as_ref().map_or(file.hunks.len(), |half| half.first_hunk);
        let (first, second) = file.hunks.split_at(split);
        assert_eq!(file.second_half.is_some(), file.status == Status::TypeChanged, "{file:?}");
        check_hunks(first);
        check_hunks(second);
        check_rendering(file);
        check_anchors(diff, file);
    }
}

/// The numbers of the lines follow from the hunks' headers, and the hunks from each other.
fn check_hunks(hunks: &[Hunk]) {
    let (mut old_end, mut new_end) = (0, 0);
    for hunk in hunks {
        let numbers = |number: fn(&Line) -> Option<u32>| hunk.lines.iter().filter_map(number);
        assert!(numbers(|line| line.old).eq(hunk.old_start..hunk.old_start + hunk.old_len), "{hunk:?}");
        assert!(numbers(|line| line.new).eq(hunk.new_start..hunk.new_start + hunk.new_len), "{hunk:?}");
        assert!(hunk.old_len + hunk.new_len > 0, "{hunk:?}");
        for number in numbers(|line| line.old) {
            assert!(number > old_end, "{hunk:?}");
            old_end = number;
        }
        for number in numbers(|line| line.new) {
            assert!(number > new_end, "{hunk:?}");
            new_end = number;
        }
        for line in &hunk.lines {
            assert!(!line.text.contains(&b'\n'), "{line:?}");
            let sides = (line.old.is_some(), line.new.is_some());
            let expected = match line.kind {
                LineKind::Context => (true, true),
                LineKind::Added => (false, true),
                LineKind::Deleted => (true, false),
            };
            assert_eq!(sides, expected, "{line:?}");
        }
    }
}

/// What a model sees has a line for every line, and nothing in it can make one more.
fn check_rendering(file: &FileDiff) {
    let mut shown = String::new();
    render(file, &mut shown);
    let remarks = file.lines().filter(|line| line.no_newline).count();
    assert_eq!(shown.lines().count(), 1 + file.hunks.len() + file.lines().count() + remarks, "{shown:?}");
    assert!(shown.chars().all(|c| matches!(c, '\n' | '\t') || !c.is_control()), "{shown:?}");
}

/// A claim that says what stands on a line and where lands there.
fn check_anchors(diff: &Diff, file: &FileDiff) {
    let named = diff.file(&file.path).is_some_and(|named| std::ptr::eq(named, file));
    // The two halves of a type change count from 1 both.
    if !named || file.path.trim().is_empty() || file.status == Status::TypeChanged {
        return;
    }
    let mut resolver = Resolver::new(diff);
    for line in file.lines().step_by(file.lines().count() / 16 + 1) {
        let (side, number) = match (line.new, line.old) {
            (Some(number), _) => (Side::New, number),
            (None, Some(number)) => (Side::Old, number),
            (None, None) => continue,
        };
        // As it is shown: a carriage return at the end and a byte order mark belong to the file.
        let text = line.text.strip_suffix(b"\r").unwrap_or(&line.text);
        let quote = visible(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text));
        if quote.trim().is_empty() {
            continue;
        }
        let claim = Claim { path: &file.path, side, line_start: number, line_end: number, quote: &quote };
        let placement = resolver.resolve(&claim);
        let place = placement.anchor().map(|anchor| (anchor.side, anchor.start, anchor.end, anchor.how));
        assert_eq!(place, Some((side, number, number, Resolution::Exact)), "{claim:?} became {placement:?}");
    }
}

/// A model's answer.
fn read_reply(bytes: &[u8]) {
    let answer = text(bytes);
    let read = reply::parse(&answer);
    assert!(read.understood || (read.findings.is_empty() && read.clearances.is_empty()));
    assert!(read.findings.len() <= reply::MOST_ITEMS && read.clearances.len() <= reply::MOST_ITEMS);
    assert!(read.problems.len() <= 41, "{:?}", read.problems);
    let ids: BTreeSet<&str> = read.findings.iter().map(|finding| finding.id.as_str()).collect();
    assert_eq!(ids.len(), read.findings.len(), "an id stands twice");
    assert!(!ids.contains(""));
    for finding in &read.findings {
        assert!(!finding.title.is_empty() || !finding.body.is_empty(), "{finding:?}");
        assert!(!finding.title.contains(char::is_control), "{finding:?}");
        assert!(finding.line_start <= finding.line_end, "{finding:?}");
        assert!(finding.line_start > 0 || finding.line_end == 0, "{finding:?}");
        assert!(finding.confidence.is_none_or(|share| share <= 100), "{finding:?}");
        assert!(finding.suggestion.as_ref().is_none_or(|fix| !fix.trim().is_empty()), "{finding:?}");
        let longest =
            [(&finding.title, 300), (&finding.body, 8_000), (&finding.quote, 4_000), (&finding.path, 1_000)];
        assert!(longest.iter().all(|(text, most)| text.chars().count() <= *most), "{finding:?}");
    }
    // What was read needs no second repair. Texts and ids may: what replaces a secret can end one more.
    let places = |read: &reply::Reply| {
        let place =
            |finding: &Finding| (finding.side, finding.line_start, finding.line_end, finding.severity);
        (read.findings.iter().map(place).collect::<Vec<_>>(), read.clearances.len())
    };
    if read.understood {
        let again = json!({"findings": read.findings, "clearances": read.clearances}).to_string();
        let again = reply::parse(&again);
        assert_eq!((places(&again), again.problems), (places(&read), Vec::new()), "{answer}");
    }
    // What is an answer by itself is the same answer with words around it.
    if serde_json::from_str::<Map<String, Value>>(&answer).is_ok() && read.understood {
        assert_eq!(reply::parse(&format!("Here it is:\n```json\n{answer}\n```\n")), read);
    }
}

/// A report of another tool: SARIF or JUnit XML.
fn read_reports(bytes: &[u8]) {
    let report = text(bytes);
    for result in sarif::parse(&report).0 {
        assert!(result.lines.is_none_or(|(first, last)| 0 < first && first <= last), "{result:?}");
        assert!(!result.path.split('/').any(|part| part == ".." || part == "."), "{result:?}");
        assert!(
            ![&result.tool, &result.rule, &result.message].iter().any(|text| text.contains(char::is_control))
        );
        assert!(result.message.chars().count() <= 2_000 && result.path.len() <= 1_000, "{result:?}");
    }
    for test in junit::parse(&report).0 {
        assert!(!test.name.is_empty() && test.line != Some(0), "{test:?}");
        let failure = test.failure.unwrap_or_default();
        assert!(failure.places.iter().all(|spot| spot.line > 0 && !spot.path.is_empty()), "{failure:?}");
        assert!(!failure.message.contains(char::is_control), "{failure:?}");
    }
    let (diff, _) = parse(Bytes::from_static(b"--- a/src/a.rs\n+++ b/src/a.rs\n@@ -1 +1 @@\n-a\n+b\n"));
    let found = Found { name: "report".to_owned(), text: Ok(report) };
    let (reports, problems) = gather(&[found], &diff, &["/w".to_owned()]);
    assert!(
        problems.len() <= 2 && reports.results.iter().all(|result| result.path == "src/a.rs"),
        "{problems:?}"
    );
    let files: Vec<&FileDiff> = diff.files.iter().collect();
    let around = BTreeMap::new();
    let parts = batch::pack(&files, &around, usize::MAX).concat();
    let told = evidence::told(&reports, &parts);
    assert!(batch::json_len(&told) <= evidence::most_bytes(&reports).min(evidence::MAX_BYTES), "{told}");
    assert!(!told.contains(|c: char| c.is_control() && c != '\n'), "{told:?}");
}

/// An event file, under the name of every event that is looked at.
fn read_events(bytes: &[u8]) {
    for name in ["pull_request", "pull_request_target", "issue_comment", "workflow_dispatch", "push"] {
        let Ok(event) = read_event(name, bytes) else { continue };
        for given in [None, Some("7"), Some("x")] {
            let Ok(repo) = "octo/hello".parse() else { return };
            let read = intent(&event, repo, given);
            let Ok(asked) = read else { continue };
            let same_repository = event.pull.as_ref().is_some_and(|pull| pull.same_repository);
            let by_dependabot = event.sender.as_ref().is_some_and(|sender| sender.login == "dependabot[bot]");
            match asked.cause {
                Cause::Automatic { restricted } => {
                    assert!(name.starts_with("pull_request") && event.action != "closed", "{event:?}");
                    let trusted = name == "pull_request_target" || (same_repository && !by_dependabot);
                    assert_eq!(restricted, !trusted, "{event:?}");
                }
                Cause::Comment(comment) => {
                    assert!(name == "issue_comment" && event.action == "created", "{event:?}");
                    assert!(comment.on_pull_request && comment.number == asked.pull, "{event:?}");
                    assert!(comment.author.is_some_and(|author| !author.bot), "{event:?}");
                }
                Cause::Asked => {
                    assert!(given.is_some() || name == "workflow_dispatch", "{event:?}");
                    assert!(asked.pull.0 > 0, "{event:?}");
                }
            }
        }
    }
}

/// A configuration file.
fn read_config(bytes: &[u8]) {
    let file = text(bytes);
    match config::parse("counterpoint.yml", &file) {
        Ok(read) => {
            assert!(read.lanes.keys().all(|name| !name.is_empty() && name.len() <= 30));
            assert!(read.trigger.as_ref().is_none_or(|command| command.starts_with('/')));
            assert!(read.prices.values().all(|rates| rates.input > 0 && rates.output > 0));
            if let Ok(settings) = config::settle(&read, &config::Overrides::default()) {
                assert!(!settings.lanes.is_empty());
                assert!(read.max_cost.is_none_or(|cap| settings.max_cost <= cap));
                assert!(read.per_pull.is_none_or(|cap| settings.per_pull <= cap));
            }
        }
        Err(error) => {
            let (line, column) = error.at;
            // YAML has more line ends than one. A mistake at the end stands behind the last line.
            let breaks = ['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'];
            assert!((1..=file.matches(breaks).count() + 2).contains(&line), "{error}");
            let longest = file.split(breaks).map(|line| line.chars().count()).max().unwrap_or(0);
            assert!((1..=longest + 2).contains(&column), "{error}");
            assert!(!error.message.is_empty(), "{error}");
        }
    }
}

/// A comment that may be a command.
fn read_command(bytes: &[u8]) {
    const TRIGGER: &str = "/review";
    let comment = text(bytes);
    let read = |comment: &str| {
        command::parse(comment, TRIGGER, &["claude", "codex"], &["auto", "single", "parallel"])
    };
    match read(&comment) {
        Ok(None) => {}
        Ok(Some(_)) => assert!(comment.to_ascii_lowercase().contains(TRIGGER)),
        Err(message) => {
            assert!(!message.contains(|c: char| c.is_control() || "<>@#!".contains(c)), "{message:?}");
            assert_eq!(message.matches('`').count() % 2, 0, "{message:?}");
        }
    }
    let lines = comment.replace('\r', "\n");
    let quoted: String = lines.split('\n').map(|line| format!("> {line}\n")).collect();
    assert_eq!(read(&quoted), Ok(None), "a quote is no command");
    if !comment.contains("-->") {
        assert_eq!(read(&format!("<!--\n{comment}\n-->")), Ok(None), "what is hidden is no command");
    }
}

/// Two files of findings in any forms, a line of three hyphens between them; one stands for both.
fn read_findings(bytes: &[u8]) {
    let files = text(bytes);
    let (a, b) = files.split_once("\n---\n").unwrap_or((&files, &files));
    let mut read = Vec::new();
    for (json, prefix) in [(a, 'a'), (b, 'b')] {
        match compare::read("some.json", json, prefix) {
            Ok(file) => read.push(file),
            Err(message) => assert!(message.starts_with("some.json:"), "{message}"),
        }
    }
    let Ok([mut a, mut b]) = <[_; 2]>::try_from(read) else { return };
    compare::meet(&mut a, &mut b);
    let compared = compare::compare(&a, &b);
    for page in [render::compare::text, render::compare::markdown, render::compare::html] {
        assert!(!page(&a, &b, &compared).is_empty());
    }
    let (a, b) = (&a, &b);
    for (file, only, paired) in [
        (a, &compared.only_a, compared.pairs.iter().map(|pair| &pair.a).collect::<Vec<_>>()),
        (b, &compared.only_b, compared.pairs.iter().map(|pair| &pair.b).collect()),
    ] {
        let ids: BTreeSet<&String> = file.findings.iter().map(|finding| &finding.id).collect();
        assert_eq!(ids.len(), file.findings.len(), "an id stands twice");
        let told: BTreeSet<&String> = only.iter().chain(paired).collect();
        assert_eq!(told, ids, "a finding got lost, or was made up");
        assert_eq!(only.iter().collect::<BTreeSet<_>>().len(), only.len(), "a finding is told twice");
    }
    let scores =
        compared.pairs.iter().map(|pair| pair.score).chain(compared.maybe.iter().map(|maybe| maybe.score));
    scores.for_each(|score| assert!((0.0..=1.0).contains(&score), "{score}"));
}

/// A comment that may end in a marker of ours, and a marker whose texts are hostile.
fn read_markers(bytes: &[u8]) {
    let body = text(bytes);
    read_marker::<SummaryMarker>(&body);
    read_marker::<FindingMarker>(&body);
    read_marker::<ReviewMarker>(&body);
    let Ok(head) = "a".repeat(40).parse() else { return };
    let hostile = FindingMarker {
        id: body.clone(),
        head,
        path: body.clone(),
        side: Side::New,
        start: 1,
        end: 1,
        severity: Severity::High,
        verdict: Verdict::Agreed,
        title: body.clone(),
        text: body.clone(),
        code: body.clone(),
    };
    let written = marker::write(&hostile);
    assert_eq!((written.matches("<!--").count(), written.matches("--").count()), (1, 2), "{written}");
    assert!(!written.contains('\n') && marker::is_ours(&written), "{written}");
    assert_eq!(marker::read(&format!("{body}\n\n{written}\n")), Some(hostile));
}

/// A run's record: what is decided from it is written so that the same is decided again.
fn read_record(bytes: &[u8]) {
    let policy = record::Policy::default();
    let decided = |record: &record::Record| record::replay(record, &policy);
    let Ok(review) = record::read(&text(bytes)).and_then(|record| decided(&record)) else { return };
    let written = record::of(&review);
    let again = decided(&written).map(|review| record::of(&review));
    assert_eq!(again.as_ref(), Ok(&written), "what was decided is decided otherwise");
    assert_eq!(record::changes(&written, &written), record::Changes::default());
    assert!(render::text::review(&review).starts_with("Counterpoint: "));
    assert!(render::summary::markdown(&review, 60_000).chars().count() <= 60_000);
}

fn read_marker<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(body: &str) {
    if let Some(read) = marker::read::<T>(body) {
        assert!(marker::is_ours(body), "{body:?}");
        assert_eq!(marker::read(&marker::write(&read)), Some(read));
    }
}

/// A stream of server-sent events, whole and in pieces of any size.
fn read_stream(bytes: &[u8]) {
    let events = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let mut parser = sse::Parser::default();
        let mut events: Vec<sse::Event> = pieces.flat_map(|piece| parser.push(piece)).collect();
        events.extend(parser.finish());
        events
    };
    let whole = events(&mut std::iter::once(bytes));
    for length in [1, 2, 7] {
        assert_eq!(events(&mut bytes.chunks(length)), whole, "in pieces of {length}");
    }
    let data: usize = whole.iter().map(|event| event.data.len()).sum();
    // A byte that is not UTF-8 becomes three.
    assert!(data <= 3 * bytes.len(), "{whole:?}");
    assert!(
        whole.iter().all(|event| !event.name.contains(['\n', '\r']) && !event.data.contains('\r')),
        "{whole:?}"
    );
}
