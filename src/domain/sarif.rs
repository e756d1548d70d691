//! What scanners and linters report, in SARIF 2.1.0 (OASIS, 27 March 2020).
//!
//! Everything read is untrusted text. What a file leaves out takes the default of the standard; what cannot be
//! used is left out and told.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::redact;

/// A longer text is not read, in bytes.
pub const LARGEST: usize = 10 << 20;

/// The most results that are taken from one file.
pub const MOST_RESULTS: usize = 10_000;

/// The most problems that are told one by one.
const MOST_PROBLEMS: usize = 20;

/// The most base folders that are looked up for one path: they can name each other.
const MOST_BASES: usize = 8;

/// The longest texts kept, in characters; of a path, in bytes.
const LONGEST_NAME: usize = 200;
const LONGEST_MESSAGE: usize = 2_000;
const LONGEST_SNIPPET: usize = 4_000;
const LONGEST_PATH: usize = 1_000;

/// The most tags of a rule that are kept.
const MOST_TAGS: usize = 40;

/// One result of one run of one tool. Empty and `None` mean unknown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Result {
    /// The tool's name.
    pub tool: String,
    /// The rule's id.
    pub rule: String,
    /// What the rule is called and what it is for: its name and its short description.
    pub rule_text: String,
    /// The words that the rule is filed under, such as `security` or `external/cwe/cwe-089`.
    pub tags: Vec<String>,
    /// How bad.
    pub level: Level,
    /// What the rule came to.
    pub kind: Kind,
    /// What the tool says, its arguments filled in.
    pub message: String,
    /// The file, with `/` between folders and without `.` and `..`: below `root`, or absolute, or empty.
    pub path: String,
    /// The folder of the tool's machine that `path` counts from, if it is told; absolute, without a last `/`.
    pub root: String,
    /// First and last line, counted from 1.
    pub lines: Option<(u32, u32)>,
    /// The code that the result points at.
    pub snippet: String,
    /// Whether somebody decided that it is not to be told.
    pub suppressed: bool,
}

/// How bad a result is (3.27.10). Ordered: `None < Error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// The question does not arise.
    None,
    /// An opportunity to improve.
    Note,
    /// A problem.
    Warning,
    /// A serious problem.
    Error,
}

/// What a rule came to at a place (3.27.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It found a problem.
    Fail,
    /// It was checked and holds.
    Pass,
    /// The tool could not tell.
    Open,
    /// A person has to look.
    Review,
    /// It says something, and judges nothing.
    Informational,
    /// It does not apply here.
    NotApplicable,
}

/// Reads the text of a SARIF file: its results in order, and what could not be used.
///
/// Results that a comparison with an earlier run calls absent are no results.
#[must_use]
pub fn parse(text: &str) -> (Vec<Result>, Vec<String>) {
    let mut problems = Vec::new();
    let mut results = Vec::new();
    match runs(text) {
        Err(problem) => problems.push(problem),
        Ok(runs) => {
            for (index, run) in runs.iter().enumerate() {
                let label = format!("run {}", index + 1);
                match run.as_object() {
                    Some(run) => Run::new(run).results(&label, &mut results, &mut problems),
                    None => problems.push(format!("{label} is not an object and was left out")),
                }
            }
        }
    }
    let more = problems.len().saturating_sub(MOST_PROBLEMS);
    if more > 0 {
        problems.truncate(MOST_PROBLEMS);
        problems.push(format!("and {more} more problems"));
    }
    (results, problems)
}

/// The list of runs, or why there is none.
fn runs(text: &str) -> std::result::Result<Vec<Value>, String> {
    if text.len() > LARGEST {
        return Err(format!("it is larger than {} MiB", LARGEST >> 20));
    }
    // Tools of the .NET world write a byte order mark.
    let value: Value = serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(text))
        .map_err(|error| format!("it is not JSON (line {}, column {})", error.line(), error.column()))?;
    let Value::Object(mut log) = value else { return Err("it is not an object".to_owned()) };
    match log.remove("runs") {
        Some(Value::Array(runs)) => Ok(runs),
        _ => Err("it has no list of runs".to_owned()),
    }
}

/// What the results of one run refer to.
struct Run<'a> {
    run: &'a Map<String, Value>,
    tool: String,
    /// The rules of the driver, then those of each extension.
    components: Vec<&'a Value>,
    by_id: HashMap<&'a str, &'a Value>,
}

impl<'a> Run<'a> {
    fn new(run: &'a Map<String, Value>) -> Self {
        let tool = run.get("tool").unwrap_or(&NULL);
        let driver = at(tool, "driver");
        let components: Vec<&Value> = std::iter::once(driver).chain(items(at(tool, "extensions"))).collect();
        let mut by_id = HashMap::new();
        for rule in components.iter().flat_map(|component| items(at(component, "rules"))) {
            if let Some(id) = at(rule, "id").as_str() {
                by_id.entry(id).or_insert(rule);
            }
        }
        Self { run, tool: one_line(string(at(driver, "name")), LONGEST_NAME), components, by_id }
    }

    fn results(&self, label: &str, results: &mut Vec<Result>, problems: &mut Vec<String>) {
        let list = match self.run.get("results") {
            // The run of a tool that looked at nothing.
            None | Some(Value::Null) => return,
            Some(Value::Array(list)) => list,
            Some(_) => {
                problems.push(format!("the results of {label} are not a list and were left out"));
                return;
            }
        };
        let room = MOST_RESULTS.saturating_sub(results.len());
        for (index, result) in list.iter().enumerate().take(room) {
            match result.as_object() {
                None => problems
                    .push(format!("result {} of {label} is not an object and was left out", index + 1)),
                Some(_) if string(at(result, "baselineState")) == "absent" => {}
                Some(_) => results.push(self.result(result)),
            }
        }
        let rest = list.len().saturating_sub(room);
        if rest > 0 {
            problems.push(format!("only {MOST_RESULTS} results were taken, {rest} of {label} were left out"));
        }
    }

    fn result(&self, result: &Value) -> Result {
        let rule = self.rule(result);
        let told = [at(result, "ruleId"), at(at(result, "rule"), "id"), at(rule, "id")];
        let kind = kind(at(result, "kind"));
        let default_level = at(at(rule, "defaultConfiguration"), "level");
        let level = match level(at(result, "level")) {
            Some(level) => level,
            None if kind != Kind::Fail => Level::None,
            None => level(default_level).unwrap_or(Level::Warning),
        };
        let mut places = items(at(result, "locations")).map(|location| at(location, "physicalLocation"));
        let physical = places.find(|place| place.is_object()).unwrap_or(&NULL);
        let region = at(physical, "region");
        let (path, root) = self.place(at(physical, "artifactLocation"));
        let texts = [string(at(rule, "name")), text_of(at(rule, "shortDescription"))];
        let tags = items(at(at(rule, "properties"), "tags")).take(MOST_TAGS);
        Result {
            tool: self.tool.clone(),
            rule: told
                .iter()
                .find_map(|id| id.as_str())
                .map_or_else(String::new, |id| one_line(id, LONGEST_NAME)),
            rule_text: one_line(&texts.join(" "), LONGEST_MESSAGE),
            tags: tags.filter_map(Value::as_str).map(|tag| one_line(tag, LONGEST_NAME)).collect(),
            level,
            kind,
            message: self.message(at(result, "message"), rule),
            path,
            root,
            lines: lines(region),
            snippet: start(&redact::text(text_of(at(region, "snippet"))), LONGEST_SNIPPET).to_owned(),
            suppressed: suppressed(at(result, "suppressions")),
        }
    }

    /// The rule of a result: by its position, else by its id, of which a part behind a `/` may be left away.
    fn rule(&self, result: &Value) -> &'a Value {
        let reference = at(result, "rule");
        let component = match position(at(at(reference, "toolComponent"), "index")) {
            Some(extension) => self.components.get(extension.saturating_add(1)),
            None => self.components.first(),
        };
        let index = position(at(result, "ruleIndex")).or_else(|| position(at(reference, "index")));
        let by_position = index.and_then(|index| at(component?, "rules").get(index));
        by_position
            .or_else(|| {
                let mut id = at(result, "ruleId").as_str().or_else(|| at(reference, "id").as_str())?;
                loop {
                    if let Some(rule) = self.by_id.get(id) {
                        return Some(rule);
                    }
                    id = id.rsplit_once('/')?.0;
                }
            })
            .unwrap_or(&NULL)
    }

    /// What a message says: its own text, or that of the rule or the tool under its id (3.11).
    fn message(&self, message: &Value, rule: &Value) -> String {
        let own = text_of(message);
        let text = if own.is_empty() {
            let id = string(at(message, "id"));
            let everywhere = self.components.first().map_or(&NULL, |c| at(c, "globalMessageStrings"));
            let named = [at(at(rule, "messageStrings"), id), at(everywhere, id)].map(text_of);
            named.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
        } else {
            own
        };
        let arguments: Vec<&str> = items(at(message, "arguments")).map(string).collect();
        one_line(&filled_in(text, &arguments), LONGEST_MESSAGE)
    }

    /// The path of an artifact, and the folder of the tool's machine that it counts from.
    fn place(&self, location: &Value) -> (String, String) {
        let listed = || {
            let artifact = self.run.get("artifacts")?.get(position(at(location, "index"))?)?;
            Some(at(artifact, "location"))
        };
        let location = if at(location, "uri").is_string() { location } else { listed().unwrap_or(&NULL) };
        let mut path = path_of(string(at(location, "uri")));
        let mut base = string(at(location, "uriBaseId"));
        for _ in 0..MOST_BASES {
            if path.is_empty() || is_absolute(&path) || base.is_empty() {
                break;
            }
            let folder = self.run.get("originalUriBaseIds").map_or(&NULL, |bases| at(bases, base));
            let prefix = path_of(string(at(folder, "uri")));
            if is_absolute(&prefix) {
                return (normal(&path), normal(&prefix));
            }
            path = if prefix.is_empty() { path } else { format!("{prefix}/{path}") };
            base = string(at(folder, "uriBaseId"));
        }
        (normal(&path), String::new())
    }
}

static NULL: Value = Value::Null;

/// The member of an object, or null.
fn at<'a>(value: &'a Value, key: &str) -> &'a Value {
    value.get(key).unwrap_or(&NULL)
}

fn items(value: &Value) -> std::slice::Iter<'_, Value> {
    value.as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

fn string(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A position in a list; the standard writes -1 for none.
fn position(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|position| usize::try_from(position).ok())
}

/// The plain text of a message, else its Markdown.
fn text_of(message: &Value) -> &str {
    let plain = string(at(message, "text"));
    if plain.is_empty() { string(at(message, "markdown")) } else { plain }
}

fn kind(value: &Value) -> Kind {
    match string(value) {
        "pass" => Kind::Pass,
        "open" => Kind::Open,
        "review" => Kind::Review,
        "informational" => Kind::Informational,
        "notApplicable" => Kind::NotApplicable,
        _ => Kind::Fail,
    }
}

fn level(value: &Value) -> Option<Level> {
    match string(value) {
        "none" => Some(Level::None),
        "note" => Some(Level::Note),
        "warning" => Some(Level::Warning),
        "error" => Some(Level::Error),
        _ => None,
    }
}

/// Suppressed is what has suppressions of which none is under review or rejected (3.27.23).
fn suppressed(list: &Value) -> bool {
    let mut list = items(list).peekable();
    list.peek().is_some() && list.all(|one| !matches!(string(at(one, "status")), "underReview" | "rejected"))
}

fn lines(region: &Value) -> Option<(u32, u32)> {
    let line =
        |key| at(region, key).as_u64().and_then(|line| u32::try_from(line).ok()).filter(|line| *line > 0);
    let first = line("startLine")?;
    Some((first, line("endLine").unwrap_or(first).max(first)))
}

/// The path that a URI names, not yet in normal form; empty where it names something else than a file.
fn path_of(uri: &str) -> String {
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().replace('\\', "/");
    if let Some(rest) = uri.strip_prefix("file:") {
        // The host between two and three slashes is this machine, whatever it is called.
        let path = match rest.strip_prefix("//") {
            Some(behind) => behind.find('/').and_then(|slash| behind.get(slash..)).unwrap_or_default(),
            None => rest,
        };
        let path = decode(path);
        return match path.strip_prefix('/') {
            Some(drive) if has_drive(drive) => drive.to_owned(),
            _ => path,
        };
    }
    if uri.contains("://") { String::new() } else { decode(uri) }
}

fn has_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', b'/', ..] if letter.is_ascii_alphabetic())
}

/// Whether a path begins at the root of a machine.
pub(in crate::domain) fn is_absolute(path: &str) -> bool {
    path.starts_with('/') || has_drive(path)
}

/// A path without `.`, `..` and empty parts; empty if it leaves the folder it counts from or is too long to be one.
pub(in crate::domain) fn normal(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    return String::new();
                }
            }
            part => parts.push(part),
        }
    }
    let first = if path.starts_with('/') { "/" } else { "" };
    let path = format!("{first}{}", parts.join("/"));
    // A part of a path would name another file.
    if path.len() > LONGEST_PATH { String::new() } else { path }
}

/// A message with its placeholders replaced (3.11.5), as far as it will be shown. Without arguments there are none:
/// tools that know no placeholders do not double their braces either.
fn filled_in(text: &str, arguments: &[&str]) -> String {
    if arguments.is_empty() {
        return unlinked(start(text, 2 * LONGEST_MESSAGE));
    }
    let mut filled = String::new();
    let mut rest = text;
    while let Some(brace) = rest.find(['{', '}'])
        && filled.len() < 4 * LONGEST_MESSAGE
    {
        let (before, from) = rest.split_at(brace);
        filled.push_str(before);
        let argument = from
            .get(1..)
            .and_then(|inner| inner.split_once('}'))
            .and_then(|(number, behind)| Some((*arguments.get(number.parse::<usize>().ok()?)?, behind)));
        let doubled = from.strip_prefix("{{").map(|rest| ("{", rest));
        let doubled = doubled.or_else(|| from.strip_prefix("}}").map(|rest| ("}", rest)));
        let (put, behind) = doubled.or(argument).unwrap_or_else(|| from.split_at(1));
        filled.push_str(start(put, LONGEST_MESSAGE));
        rest = behind;
    }
    filled.push_str(start(rest, LONGEST_MESSAGE));
    unlinked(&filled)
}

/// A text without its links to other places of the result, `[text](1)` (3.11.6): they lead nowhere else.
fn unlinked(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(middle) = rest.find("](") {
        let (before, from) = rest.split_at(middle);
        let target = from.get(2..).and_then(|inner| inner.split_once(')'));
        let target = target.filter(|(number, _)| number.parse::<u32>().is_ok());
        rest = match (before.rfind('['), target) {
            (Some(open), Some((_, behind))) => {
                plain.push_str(before.get(..open).unwrap_or_default());
                plain.push_str(before.get(open + 1..).unwrap_or_default());
                behind
            }
            _ => {
                plain.push_str(before);
                plain.push_str("](");
                from.get(2..).unwrap_or_default()
            }
        };
    }
    plain.push_str(rest);
    plain
}

/// Secrets go, white space and control characters become single blanks, and the rest is cut.
pub(in crate::domain) fn one_line(text: &str, limit: usize) -> String {
    // Before it is cut: half a secret looks like none.
    let text = redact::text(text);
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    start(&words.collect::<Vec<_>>().join(" "), limit).trim_end().to_owned()
}

/// The beginning of a text, in characters.
pub(in crate::domain) fn start(text: &str, limit: usize) -> &str {
    text.char_indices().nth(limit).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn one(value: &Value) -> Result {
        let (mut results, problems) = parse(&value.to_string());
        assert_eq!((results.len(), problems), (1, Vec::new()));
        results.remove(0)
    }

    fn run(result: Value, more: Value) -> Value {
        let mut run = json!({ "tool": { "driver": { "name": "Scan" } }, "results": [result] });
        run.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "version": "2.1.0", "runs": [run] })
    }

    #[test]
    fn a_result_as_codeql_writes_it_is_read_whole() {
        let result = one(&run(
            json!({
                "ruleId": "js/sql-injection", "ruleIndex": 0,
                "rule": { "id": "js/sql-injection", "index": 0, "toolComponent": { "index": 0 } },
                "message": { "text": "This query depends on a [user-provided value](1)." },
                "locations": [{ "physicalLocation": {
                    "artifactLocation": { "uri": "src/my%20db.js", "uriBaseId": "%SRCROOT%", "index": 0 },
                    "region": { "startLine": 7, "startColumn": 3, "endColumn": 9, "snippet": { "text": "db.query(q)\n" } },
                } }],
                "relatedLocations": [{ "id": 1 }],
            }),
            json!({
                "tool": {
                    "driver": { "name": "CodeQL" },
                    "extensions": [{ "name": "codeql/javascript-queries", "rules": [{
                        "id": "js/sql-injection", "name": "js/sql-injection",
                        "shortDescription": { "text": "Query built from user-controlled sources" },
                        "defaultConfiguration": { "level": "error" },
                        "properties": { "tags": ["security", "external/cwe/cwe-089", 3] },
                    }] }],
                },
                "originalUriBaseIds": { "%SRCROOT%": { "uri": "file:///home/runner/work/a/a/" } },
            }),
        ));
        let expected = Result {
            tool: "CodeQL".to_owned(),
            rule: "js/sql-injection".to_owned(),
            rule_text: "js/sql-injection Query built from user-controlled sources".to_owned(),
            tags: vec!["security".to_owned(), "external/cwe/cwe-089".to_owned()],
            level: Level::Error,
            kind: Kind::Fail,
            message: "This query depends on a user-provided value.".to_owned(),
            path: "src/my db.js".to_owned(),
            root: "/home/runner/work/a/a".to_owned(),
            lines: Some((7, 7)),
            snippet: "db.query(q)\n".to_owned(),
            suppressed: false,
        };
        assert_eq!(result, expected);
    }

    #[test]
    fn a_message_is_found_under_its_id_and_its_arguments_are_filled_in() {
        let rules = json!({ "tool": { "driver": {
            "name": "Scan",
            "globalMessageStrings": { "all": { "text": "everywhere: {0}" } },
            "rules": [{ "id": "R1", "messageStrings": { "default": { "text": "'{0}' in {{{1}}} {7} {" } } }],
        } } });
        let message = |message: Value| {
            one(&run(json!({ "ruleId": "R1/sub", "message": message }), rules.clone())).message
        };
        assert_eq!(message(json!({ "id": "default", "arguments": ["x", "y{0}"] })), "'x' in {y{0}} {7} {");
        assert_eq!(message(json!({ "id": "all", "arguments": ["x"] })), "everywhere: x");
        assert_eq!(message(json!({ "id": "none" })), "");
        assert_eq!(message(json!({ "text": "use {{ x }} [a](b) [c](2) ](3)" })), "use {{ x }} [a](b) c ](3)");
        assert_eq!(message(json!({ "markdown": "two\n\u{7} lines" })), "two lines");
    }

    #[test]
    fn what_is_left_out_takes_the_defaults_of_the_standard() {
        let rules = json!({ "tool": { "driver": {
            "name": "Scan",
            "rules": [{ "id": "N", "defaultConfiguration": { "level": "note" } }],
        } } });
        let read = |result: Value| {
            let result = one(&run(result, rules.clone()));
            (result.kind, result.level, result.suppressed)
        };
        assert_eq!(read(json!({})), (Kind::Fail, Level::Warning, false));
        assert_eq!(read(json!({ "ruleId": "N" })), (Kind::Fail, Level::Note, false));
        assert_eq!(read(json!({ "ruleId": "N", "level": "error" })), (Kind::Fail, Level::Error, false));
        assert_eq!(read(json!({ "ruleIndex": 0, "kind": "pass" })), (Kind::Pass, Level::None, false));
        let suppressions = |list: Value| read(json!({ "suppressions": list })).2;
        assert!(suppressions(json!([{ "kind": "inSource" }])));
        assert!(suppressions(json!([{ "kind": "external", "status": "accepted" }])));
        assert!(!suppressions(json!([{ "kind": "inSource" }, { "status": "rejected" }])));
        assert!(!suppressions(json!([])));
        assert!(!suppressions(json!(null)));
    }

    #[test]
    fn paths_are_found_through_uris_bases_and_the_list_of_artifacts() {
        let bases = json!({
            "originalUriBaseIds": {
                "SRC": { "uri": "src/", "uriBaseId": "ROOT" },
                "ROOT": { "uri": "file:///C:/work/" },
                "REPO": { "description": { "text": "the repository" } },
                "LOOP": { "uri": "x/", "uriBaseId": "LOOP" },
            },
            "artifacts": [{ "location": { "uri": "b.rs", "uriBaseId": "SRC" } }],
        });
        let place = |location: Value| {
            let location = json!({ "physicalLocation": { "artifactLocation": location } });
            let result =
                one(&run(json!({ "locations": [{ "logicalLocations": [] }, location] }), bases.clone()));
            (result.path, result.root)
        };
        let owned = |path: &str, root: &str| (path.to_owned(), root.to_owned());
        assert_eq!(place(json!({ "uri": "./a//b/../c.rs" })), owned("a/c.rs", ""));
        assert_eq!(place(json!({ "uri": "a.rs", "uriBaseId": "SRC" })), owned("src/a.rs", "C:/work"));
        assert_eq!(place(json!({ "index": 0 })), owned("src/b.rs", "C:/work"));
        assert_eq!(place(json!({ "uri": "a.rs", "uriBaseId": "REPO" })), owned("a.rs", ""));
        assert_eq!(place(json!({ "uri": "a.rs", "uriBaseId": "UNTOLD" })), owned("a.rs", ""));
        assert_eq!(place(json!({ "uri": "file:///w/%C3%A9.rs" })), owned("/w/\u{e9}.rs", ""));
        assert_eq!(place(json!({ "uri": "file://host/w/a.rs" })), owned("/w/a.rs", ""));
        assert_eq!(place(json!({ "uri": "file:/w/a.rs" })), owned("/w/a.rs", ""));
        assert_eq!(place(json!({ "uri": "C:\\w\\a.rs" })), owned("C:/w/a.rs", ""));
        assert_eq!(place(json!({ "uri": "%2e%2e/%2e%2e/etc/passwd" })), owned("", ""));
        assert_eq!(place(json!({ "uri": "https://example.org/a.rs" })), owned("", ""));
        assert_eq!(place(json!({ "index": 9 })), owned("", ""));
        assert!(place(json!({ "uri": "a.rs", "uriBaseId": "LOOP" })).0.ends_with("x/a.rs"));
    }

    #[test]
    fn what_cannot_be_used_is_told_and_the_rest_is_kept() {
        let text = json!({ "runs": [
            7,
            { "results": "none" },
            { "results": null },
            { "tool": { "driver": { "name": "T" } }, "results": [
                null,
                { "baselineState": "absent" },
                { "ruleId": 3, "message": [], "level": 9, "locations": { "a": 1 } },
                { "locations": [{ "physicalLocation": { "region": { "startLine": 9, "endLine": 2 } } }] },
                { "locations": [{ "physicalLocation": { "region": { "startLine": 0 } } }] },
            ] },
        ] });
        let (results, problems) = parse(&text.to_string());
        assert_eq!(results.iter().map(|r| r.lines).collect::<Vec<_>>(), [None, Some((9, 9)), None]);
        assert_eq!(
            problems,
            [
                "run 1 is not an object and was left out",
                "the results of run 2 are not a list and were left out",
                "result 1 of run 4 is not an object and was left out",
            ]
        );
        for (text, problem) in [
            ("", "it is not JSON (line 1, column 0)"),
            ("[]", "it is not an object"),
            ("{}", "it has no list of runs"),
            (&"[".repeat(100_000), "it is not JSON (line 1, column 128)"),
            (&" ".repeat(LARGEST + 1), "it is larger than 10 MiB"),
        ] {
            assert_eq!(parse(text), (Vec::new(), vec![problem.to_owned()]));
        }
        assert_eq!(parse("\u{feff}{\"runs\":[]}"), (Vec::new(), Vec::new()));
    }

    #[test]
    fn many_results_long_texts_and_secrets_are_held_to_bounds() {
        let key = format!("ghp_{}", "a1B2".repeat(9));
        let result = json!({
            "ruleId": "r".repeat(900),
            "message": { "text": format!("{key} {}", "{0}".repeat(90_000)), "arguments": ["y".repeat(90_000)] },
        });
        let (results, problems) = parse(&json!({ "runs": [{ "results": vec![result; 8] }] }).to_string());
        assert!(
            results
                .iter()
                .all(|r| r.message.chars().count() <= LONGEST_MESSAGE && r.rule.len() <= LONGEST_NAME)
        );
        assert!(!results[0].message.contains(&key) && problems.is_empty());
        let (results, problems) =
            parse(&json!({ "runs": [{ "results": vec![json!({}); 10_002] }] }).to_string());
        assert_eq!(results.len(), MOST_RESULTS);
        assert_eq!(problems, ["only 10000 results were taken, 2 of run 1 were left out"]);
        let (_, problems) = parse(&json!({ "runs": vec![1; 100] }).to_string());
        assert_eq!(problems.len(), MOST_PROBLEMS + 1);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let word = prop::sample::select(vec![
            "runs",
            "results",
            "tool",
            "driver",
            "rules",
            "message",
            "text",
            "locations",
            "physicalLocation",
            "region",
            "startLine",
            "artifactLocation",
            "uri",
            "uriBaseId",
            "index",
            "arguments",
            "kind",
            "suppressions",
            "a/../b",
            "file://",
            "{0}",
            "[a](1)",
            "%",
        ]);
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            word.clone().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(8, 96, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((word.clone(), inner), 0..6)
                    .prop_map(|pairs| pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_stands_in_the_file_is_read_within_bounds(result in any_json(), more in any_json(), cut in 0_usize..400) {
            let mut run = json!({ "results": [result.clone(), { "message": more, "locations": [result.clone()] }] });
            if let (Some(run), Some(more)) = (run.as_object_mut(), more.as_object()) {
                run.extend(more.clone());
            }
            let whole = json!({ "runs": [run, result] }).to_string();
            let cut: String = whole.chars().take(cut).collect();
            for text in [whole, cut] {
                let (results, _) = parse(&text);
                for result in results {
                    prop_assert!(result.lines.is_none_or(|(first, last)| 0 < first && first <= last));
                    prop_assert!(!result.path.split('/').any(|part| part == ".." || part == "."), "{}", result.path);
                    prop_assert!(!result.message.contains(char::is_control));
                }
            }
        }
    }
}
