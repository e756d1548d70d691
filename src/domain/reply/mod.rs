//! What a model answered, read so that nothing it says can fail or panic: findings that can be used, and a sentence
//! for everything that was repaired or left out. A server may ignore the schema, so any text may arrive.

mod debate;

use std::collections::HashSet;
use std::io::{self, Read};

use serde::Deserialize as _;
use serde_json::{Map, Value};

use crate::domain::finding::{Category, Clearance, Evidence, Finding, Severity, Side};
use crate::domain::redact;

pub use debate::{Challenge, ChallengeReply, Defence, DefenceReply, parse_challenges, parse_defences};

/// The JSON schema of every pass's answer, shared by both vendors; adapters drop what their dialect does not take.
pub const REPLY_SCHEMA: &str = include_str!("../prompt/reply.schema.json");

/// The most findings, and the most clearances, that one answer may hold. A reviewer who says more says nothing.
pub const MOST_ITEMS: usize = 100;

/// The most pieces of evidence of one finding.
const MOST_EVIDENCE: usize = 20;

/// The most problems that are told one by one.
const MOST_PROBLEMS: usize = 40;

/// The longest texts kept, in characters.
const LONGEST_TITLE: usize = 300;
const LONGEST_BODY: usize = 8_000;
const LONGEST_QUOTE: usize = 4_000;
const LONGEST_SUGGESTION: usize = 8_000;
const LONGEST_PATH: usize = 1_000;
const LONGEST_ID: usize = 80;

/// An answer, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// What the lane claims, ids unique.
    pub findings: Vec<Finding>,
    /// What it checked and holds sound.
    pub clearances: Vec<Clearance>,
    /// Whether there was an object with a list of findings that is empty or holds at least one. If not, the lane has not
    /// answered.
    pub understood: bool,
    /// What was repaired or left out, in our words.
    pub problems: Vec<String>,
}

/// Reads an answer: pure JSON, else the last JSON object in the text (prose, code fence) that holds a list of
/// findings: what stands before it are drafts and examples. An empty list counts only where there is no other. Takes time linear in the text's length.
#[must_use]
pub fn parse(text: &str) -> Reply {
    let mut reply = Reply::default();
    let Some(answer) = find_answer(text, "findings") else {
        let why = if text.trim().is_empty() {
            "it is empty"
        } else {
            "it holds no JSON object with a list of findings"
        };
        reply.problems.push(format!("the answer was not understood: {why}"));
        return reply;
    };
    let findings = answer.get("findings").unwrap_or(&Value::Null);
    reply.findings = parse_findings_value(findings, "F", &mut reply.problems);
    // A list of which nothing is left is no word that there is nothing.
    reply.understood = !reply.findings.is_empty() || findings.as_array().is_some_and(Vec::is_empty);
    if reply.understood {
        reply.clearances = clearances(answer.get("clearances"), &mut reply.problems);
    }
    shorten(&mut reply.problems);
    reply
}

/// Keeps the first problems, and says how many there are more.
fn shorten(problems: &mut Vec<String>) {
    let more = problems.len().saturating_sub(MOST_PROBLEMS);
    if more > 0 {
        problems.truncate(MOST_PROBLEMS);
        problems.push(format!("and {more} more problems"));
    }
}

/// Reads a list of findings. Ids come out unique: a missing or repeated one becomes the first free of `{prefix}1`,
/// `{prefix}2`, …; a missing one by preference that of its position. At most [`MOST_ITEMS`] are kept.
#[must_use]
pub fn parse_findings_value(list: &Value, prefix: &str, problems: &mut Vec<String>) -> Vec<Finding> {
    let Some(items) = list.as_array() else {
        problems.push("the findings are not a list".to_owned());
        return Vec::new();
    };
    let mut findings: Vec<(usize, Finding)> = Vec::new();
    for (index, item) in items.iter().enumerate().take(MOST_ITEMS) {
        let label = format!("finding {}", index + 1);
        if let Some(mut finding) = parse_finding(item, &label, problems) {
            finding.id = one_line(&finding.id, LONGEST_ID);
            findings.push((index, finding));
        }
    }
    if items.len() > MOST_ITEMS {
        let rest = items.len() - MOST_ITEMS;
        problems.push(format!("only the first {MOST_ITEMS} findings were taken, {rest} were left out"));
    }
    name_all(findings, prefix, problems)
}

/// Gives every finding an id of its own. Ids that lanes chose are taken before any is made up.
fn name_all(findings: Vec<(usize, Finding)>, prefix: &str, problems: &mut Vec<String>) -> Vec<Finding> {
    let mut chosen = HashSet::new();
    let mut nameless = HashSet::new();
    for (index, finding) in &findings {
        if finding.id.is_empty() {
            nameless.insert(*index);
        } else if !chosen.insert(finding.id.clone()) {
            nameless.insert(*index);
            problems.push(format!(
                "finding {}: the id `{}` is used twice and was replaced",
                index + 1,
                finding.id
            ));
        }
    }
    let mut next = 0_usize;
    let named = findings.into_iter().map(|(index, mut finding)| {
        if nameless.contains(&index) {
            let mut id = format!("{prefix}{}", index + 1);
            while !chosen.insert(id.clone()) {
                next += 1;
                id = format!("{prefix}{next}");
            }
            finding.id = id;
        }
        finding
    });
    named.collect()
}

/// Reads one finding, or tells why it is none: it needs a title or a body. `label` names it in `problems`. The id is
/// kept as it stands, empty when there is none: for finding files, where ids are the user's.
pub fn parse_finding(value: &Value, label: &str, problems: &mut Vec<String>) -> Option<Finding> {
    let Some(object) = value.as_object() else {
        problems.push(format!("{label} is not an object and was left out"));
        return None;
    };
    let mut fields = Fields { object, label, problems };
    let title = one_line(&fields.text(&["title"]), LONGEST_TITLE);
    let body = cut(fields.text(&["body"]).trim(), LONGEST_BODY);
    if title.is_empty() && body.is_empty() {
        fields.problem("has neither title nor body and was left out");
        return None;
    }
    let (line_start, line_end) = fields.lines();
    let quote = fields.text(&["quote"]);
    let suggestion = fields.text(&["suggestion"]);
    Some(Finding {
        id: fields.id(),
        path: start(fields.text(&["path", "file"]).trim(), LONGEST_PATH),
        side: fields.side(),
        line_start,
        line_end,
        quote: cut(&quote, LONGEST_QUOTE),
        evidence: fields.evidence(),
        category: fields.category(),
        severity: fields.severity(),
        confidence: fields.confidence(),
        title,
        body,
        failure_scenario: cut(fields.text(&["failure_scenario"]).trim(), LONGEST_BODY),
        suggestion: (!suggestion.trim().is_empty()).then(|| cut(&suggestion, LONGEST_SUGGESTION)),
    })
}

fn clearances(list: Option<&Value>, problems: &mut Vec<String>) -> Vec<Clearance> {
    let items = match list {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(items)) => items,
        Some(_) => {
            problems.push("the clearances are not a list and were left out".to_owned());
            return Vec::new();
        }
    };
    let mut kept = Vec::new();
    for (index, item) in items.iter().enumerate().take(MOST_ITEMS) {
        let label = format!("clearance {}", index + 1);
        let Some(object) = item.as_object() else {
            problems.push(format!("{label} is not an object and was left out"));
            continue;
        };
        let mut fields = Fields { object, label: &label, problems };
        let clearance = Clearance {
            path: start(fields.text(&["path", "file"]).trim(), LONGEST_PATH),
            quote: cut(&fields.text(&["quote"]), LONGEST_QUOTE),
            reason: cut(fields.text(&["reason"]).trim(), LONGEST_BODY),
        };
        if clearance.quote.trim().is_empty() && clearance.reason.is_empty() {
            fields.problem("says nothing and was left out");
        } else {
            kept.push(clearance);
        }
    }
    if items.len() > MOST_ITEMS {
        let rest = items.len() - MOST_ITEMS;
        problems.push(format!("only the first {MOST_ITEMS} clearances were taken, {rest} were left out"));
    }
    kept
}

/// The fields of one object, read with what is usable of them.
struct Fields<'a> {
    object: &'a Map<String, Value>,
    label: &'a str,
    problems: &'a mut Vec<String>,
}

impl Fields<'_> {
    fn problem(&mut self, what: &str) {
        self.problems.push(format!("{} {what}", self.label));
    }

    /// The first of `names` that is there and not null.
    fn get(&self, names: &[&str]) -> Option<&Value> {
        names.iter().filter_map(|name| self.object.get(*name)).find(|value| !value.is_null())
    }

    /// A text; absent and null are empty, other types too, with a problem.
    fn text(&mut self, names: &[&str]) -> String {
        match self.get(names) {
            None => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(_) => {
                let name = names.first().copied().unwrap_or_default();
                self.problem(&format!("has a `{name}` that is not text; it was ignored"));
                String::new()
            }
        }
    }

    fn id(&mut self) -> String {
        match self.get(&["id"]) {
            Some(Value::Number(number)) => number.to_string(),
            _ => self.text(&["id"]),
        }
    }

    /// First and last line, in order; a missing one is the other.
    fn lines(&mut self) -> (u32, u32) {
        let start = self.line(&["line_start", "start_line", "line"]);
        let end = self.line(&["line_end", "end_line"]);
        match (start, end) {
            (0, only) | (only, 0) => (only, only),
            (start, end) if end < start => {
                self.problem(&format!(
                    "ends on line {end} before it begins on line {start}; the lines were swapped"
                ));
                (end, start)
            }
            both => both,
        }
    }

    /// A line counted from 1, also as text or with a fraction of zero; 0 when there is none.
    fn line(&mut self, names: &[&str]) -> u32 {
        let Some(value) = self.get(names) else { return 0 };
        let number = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) if text.trim().is_empty() => return 0,
            Value::String(text) => text.trim().trim_start_matches(['L', 'l']).parse().ok(),
            _ => None,
        };
        match number {
            Some(number) if number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number) => {
                number as u32
            }
            _ => {
                let shown = shown(value);
                self.problem(&format!("has {shown} where a line number belongs; it was ignored"));
                0
            }
        }
    }

    fn side(&mut self) -> Side {
        let Some(value) = self.get(&["side"]) else { return Side::New };
        let word = value.as_str().map(|word| word.trim().to_ascii_lowercase());
        match word.as_deref() {
            Some("new" | "right" | "+" | "added" | "head" | "") => Side::New,
            Some("old" | "left" | "-" | "removed" | "deleted" | "base") => Side::Old,
            _ => {
                let shown = shown(value);
                self.problem(&format!("has the unknown side {shown}; taken as new"));
                Side::New
            }
        }
    }

    fn severity(&mut self) -> Severity {
        let Some(value) = self.get(&["severity"]) else { return Severity::Medium };
        if value.as_str().is_some_and(|word| word.trim().is_empty()) {
            return Severity::Medium;
        }
        match value.as_str().map(first_word).as_deref() {
            Some("critical" | "blocker" | "blocking" | "severe" | "fatal" | "p0") => Severity::Critical,
            Some("high" | "major" | "error" | "important" | "p1") => Severity::High,
            Some("medium" | "moderate" | "warning" | "warn" | "normal" | "p2") => Severity::Medium,
            Some(
                "low" | "minor" | "nit" | "nitpick" | "info" | "informational" | "note" | "notice" | "hint"
                | "style" | "trivial" | "suggestion" | "p3" | "p4",
            ) => Severity::Low,
            _ => {
                let shown = shown(value);
                self.problem(&format!("has the unknown severity {shown}; taken as medium"));
                Severity::Medium
            }
        }
    }

    /// Unknown words are `Other`: that is what the word is for.
    fn category(&self) -> Option<Category> {
        let word = self.get(&["category"])?.as_str()?.trim().to_ascii_lowercase().replace([' ', '-'], "_");
        Some(match word.as_str() {
            "" => return None,
            "correctness" | "bug" | "logic" => Category::Correctness,
            "security" => Category::Security,
            "concurrency" | "race" | "race_condition" => Category::Concurrency,
            "data_loss" => Category::DataLoss,
            "api_compat" | "compatibility" => Category::ApiCompat,
            "performance" | "perf" => Category::Performance,
            "tests" | "test" | "testing" => Category::Tests,
            "conventions" | "convention" | "style" => Category::Conventions,
            _ => Category::Other,
        })
    }

    /// 0 to 100. A number with a fraction between 0 and 1 is a share; a plain 1 is one per cent.
    fn confidence(&mut self) -> Option<u8> {
        let value = self.get(&["confidence"])?;
        let (number, share) = match value {
            Value::Number(number) => (number.as_f64(), number.is_f64()),
            Value::String(text) if text.trim().is_empty() => return None,
            Value::String(text) => {
                let text = text.trim();
                (
                    text.trim_end_matches('%').trim_end().parse().ok(),
                    text.contains('.') && !text.ends_with('%'),
                )
            }
            _ => (None, false),
        };
        let Some(number) = number.filter(|number| !number.is_nan()) else {
            let shown = shown(value);
            self.problem(&format!("has {shown} as confidence; it was ignored"));
            return None;
        };
        let number = if share && (0.0..=1.0).contains(&number) { number * 100.0 } else { number };
        Some(number.clamp(0.0, 100.0).round() as u8)
    }

    fn evidence(&mut self) -> Vec<Evidence> {
        let items = match self.get(&["evidence"]) {
            None => return Vec::new(),
            Some(Value::Array(items)) => items.clone(),
            Some(single) => vec![single.clone()],
        };
        let mut kept = Vec::new();
        let mut ignored = items.len().saturating_sub(MOST_EVIDENCE);
        for item in items.iter().take(MOST_EVIDENCE) {
            let text = |name: &str| item.get(name).and_then(Value::as_str);
            let path = text("path").or_else(|| text("file")).unwrap_or_default().trim();
            match item.as_str().or_else(|| text("quote")) {
                Some(quote) if quote.trim().is_empty() => {}
                Some(quote) => {
                    kept.push(Evidence { path: start(path, LONGEST_PATH), quote: cut(quote, LONGEST_QUOTE) });
                }
                None => ignored += 1,
            }
        }
        if ignored > 0 {
            self.problem(&format!("has {ignored} pieces of evidence that were ignored"));
        }
        kept
    }
}

/// The first run of letters and digits, lower-case: `High (P1)` is `high`.
fn first_word(text: &str) -> String {
    let begin = text.trim_start_matches(|c: char| !c.is_alphanumeric());
    begin.chars().take_while(|c| c.is_alphanumeric()).collect::<String>().to_ascii_lowercase()
}

/// A model's value as it may stand in one of our sentences.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(_) => return "a list".to_owned(),
        Value::Object(_) => return "an object".to_owned(),
        other => other.to_string(),
    };
    format!("`{}`", one_line(&text, 40).replace('`', "'"))
}

/// At most `limit` characters.
fn cut(text: &str, limit: usize) -> String {
    // Models see no secrets, but they may make one up or know one from elsewhere; and before it is cut, because
    // half a secret looks like none.
    start(&redact::text(text), limit)
}

/// The beginning of a text.
fn start(text: &str, limit: usize) -> String {
    text.chars().take(limit).collect()
}

/// White space and control characters become single blanks; at most `limit` characters.
fn one_line(text: &str, limit: usize) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    start(cut(&words.collect::<Vec<_>>().join(" "), limit).trim_end(), limit)
}

/// The object that holds a list under this key: the text itself, else the last one found in it.
fn find_answer(text: &str, key: &str) -> Option<Map<String, Value>> {
    let is_answer = |object: &Map<String, Value>| object.get(key).is_some_and(Value::is_array);
    let is_empty =
        |object: &Map<String, Value>| object.get(key).and_then(Value::as_array).is_none_or(Vec::is_empty);
    let text = text.trim_start_matches('\u{feff}').trim();
    if let Ok(Value::Object(object)) = serde_json::from_str(text)
        && is_answer(&object)
    {
        return Some(object);
    }
    // Every brace that can begin an object is tried, and a try reads as far as the text is JSON. Hostile text can
    // make many tries read far; the sum of what they may read keeps the time linear.
    let mut allowance = text.len().saturating_mul(32).saturating_add(1 << 16);
    let mut found = None;
    let mut end = 0;
    for (at, _) in text.match_indices('{') {
        // Inside an answer nothing else is one.
        if at < end {
            continue;
        }
        let candidate = text.get(at..).unwrap_or_default();
        let second = candidate.bytes().skip(1).find(|byte| !byte.is_ascii_whitespace());
        if !matches!(second, Some(b'"' | b'}')) {
            continue;
        }
        let mut read = 0;
        let source = Counted { rest: candidate.as_bytes(), read: &mut read, most: allowance };
        let object = Map::deserialize(&mut serde_json::Deserializer::from_reader(source)).ok();
        if let Some(object) = object.filter(&is_answer) {
            end = at + read;
            // An empty list beside one that holds something is a form, and no answer.
            if !is_empty(&object) || found.as_ref().is_none_or(&is_empty) {
                found = Some(object);
            }
        }
        allowance = allowance.saturating_sub(read);
        if allowance == 0 {
            break;
        }
    }
    found
}

/// Counts what a parser reads, and ends when it has read enough.
struct Counted<'a> {
    rest: &'a [u8],
    read: &'a mut usize,
    most: usize,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // serde_json reads byte by byte; more at once would count what it has not looked at.
        let (Some((byte, rest)), Some(slot)) = (self.rest.split_first(), buffer.first_mut()) else {
            return Ok(0);
        };
        if *self.read >= self.most {
            return Ok(0);
        }
        *slot = *byte;
        self.rest = rest;
        *self.read += 1;
        Ok(1)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn one(value: &Value) -> (Option<Finding>, Vec<String>) {
        let mut problems = Vec::new();
        let finding = parse_finding(value, "finding 1", &mut problems);
        (finding, problems)
    }

    /// A finding with a title and one more field.
    fn with(name: &str, value: Value) -> (Finding, Vec<String>) {
        let (finding, problems) = one(&json!({"title": "t", name: value}));
        (finding.unwrap(), problems)
    }

    #[test]
    fn secrets_are_hidden_field_by_field_and_cost_no_other_field() {
        let begin = format!("-----BEGIN {} PRIVATE KEY-----", "RSA");
        let token = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
        let long = format!("{} {token}", "word ".repeat(70));
        let findings = json!([
            {"title": begin, "body": "calculateTotalAmountOfEverything is wrong", "quote": "x"},
            {"title": long, "body": token, "quote": token, "evidence": [{"path": "a", "quote": token}]},
        ]);
        let reply = parse(&json!({"findings": findings, "clearances": []}).to_string());
        assert!(reply.understood);
        let [first, second] = reply.findings.as_slice() else { panic!("{:?}", reply.findings) };
        assert_eq!(first.body, "calculateTotalAmountOfEverything is wrong");
        assert!(!format!("{second:?}").contains("ghp_a"), "{second:?}");
    }

    #[test]
    fn an_answer_by_the_schema_is_read_whole_and_without_a_problem() {
        let answer = json!({"pass": "review", "findings": [{
            "id": "F1", "failure_scenario": "a retry pays twice", "evidence": [{"path": "b.rs", "quote": "x()"}],
            "quote": "    pay();", "path": "a.rs", "side": "old", "line_start": 3, "line_end": 4,
            "category": "data_loss", "severity": "critical", "confidence": 75, "title": "Pays twice", "body": "Because.",
            "suggestion": null}],
            "challenges": [], "defences": [], "clearances": [{"path": "c.rs", "quote": "lock()", "reason": "held"}],
            "summary": "s", "verdict": "needs_attention"});
        let reply = parse(&answer.to_string());
        assert_eq!(
            reply,
            Reply {
                findings: vec![Finding {
                    id: "F1".into(),
                    path: "a.rs".into(),
                    side: Side::Old,
                    line_start: 3,
                    line_end: 4,
                    quote: "    pay();".into(),
                    evidence: vec![Evidence { path: "b.rs".into(), quote: "x()".into() }],
                    category: Some(Category::DataLoss),
                    severity: Severity::Critical,
                    confidence: Some(75),
                    title: "Pays twice".into(),
                    body: "Because.".into(),
                    failure_scenario: "a retry pays twice".into(),
                    suggestion: None,
                }],
                clearances: vec![Clearance {
                    path: "c.rs".into(),
                    quote: "lock()".into(),
                    reason: "held".into()
                }],
                understood: true,
                problems: vec![],
            }
        );
    }

    #[test]
    fn the_embedded_schema_is_json_and_every_object_requires_all_its_properties() {
        fn check(value: &Value) {
            if let Some(properties) = value.get("properties").and_then(Value::as_object) {
                let names: Vec<_> = properties.keys().map(|name| json!(name)).collect();
                assert_eq!(value["required"], json!(names));
                assert_eq!(value["additionalProperties"], json!(false));
            }
            match value {
                Value::Object(object) => object.values().for_each(check),
                Value::Array(items) => items.iter().for_each(check),
                _ => {}
            }
        }
        let schema: Value = serde_json::from_str(REPLY_SCHEMA).unwrap();
        assert_eq!(schema["type"], "object");
        check(&schema);
    }

    #[test]
    fn json_is_found_in_prose_in_fences_and_inside_other_objects() {
        let answer = r#"{"findings": [{"title": "a } in \" a { text"}]}"#;
        for text in [
            answer.to_owned(),
            format!("\u{feff}\n {answer} "),
            format!("Here you are:\n```json\n{answer}\n```\nAnything else {{}}?"),
            format!("The set {{x | x > 0}} is \"fine\". {answer} {{\"findings\": []}}"),
            format!("{{\"note\": \"first\"}} {answer}"),
            format!("{{\"review\": {answer}}}"),
            format!("{{ \"cut\": [1, 2 {answer}"),
            format!("[{answer}]"),
            format!("data {{\"findings\": null}} {answer}"),
        ] {
            let reply = parse(&text);
            assert!(reply.understood, "{text}");
            assert_eq!(reply.findings[0].title, "a } in \" a { text", "{text}");
        }
    }

    #[test]
    fn an_empty_list_is_an_answer_and_anything_without_a_list_is_not() {
        assert_eq!(parse("{\"findings\":[]}"), Reply { understood: true, ..Reply::default() });
        for text in [
            "",
            " ",
            "No problems found.",
            "{}",
            "[]",
            "null",
            "{\"findings\": {}}",
            "{\"findings\": [",
            "\"{\"",
        ] {
            let reply = parse(text);
            assert!(!reply.understood && reply.findings.is_empty(), "{text}");
            assert_eq!(reply.problems.len(), 1);
        }
    }

    #[test]
    fn hostile_text_takes_linear_time() {
        let filled = |part: &str, bytes: usize| part.repeat(bytes / part.len());
        let begun = std::time::Instant::now();
        for part in ["{", "{ ", "{\"", "{\"a\":1,"] {
            assert!(!parse(&filled(part, 1 << 20)).understood);
        }
        // These make the search read the same text again and again, up to its allowance.
        for part in ["{\"a\":", "{\"a\":[1,1,1,1,1,1,1,", "{\"k{\":1,", "{\",\":\"{\",", "{\"a\":[{},{},{}"] {
            assert!(!parse(&filled(part, 1 << 16)).understood);
        }
        // Generous: a second or two in a debug build, where a quadratic search takes many minutes.
        assert!(begun.elapsed().as_secs() < 30, "{:?}", begun.elapsed());
    }

    #[test]
    fn the_last_list_counts_because_those_before_it_are_examples_and_drafts() {
        let real = json!({"findings": [{"title": "t", "body": "an empty one is {\"findings\": []}"}]});
        let said = format!("None would be {{\"findings\": []}}, but:\n```json\n{real}\n```\nThat is all.");
        assert_eq!(parse(&said), parse(&real.to_string()));
        assert_eq!(parse(&said).findings.len(), 1);
    }

    #[test]
    fn a_list_of_which_nothing_can_be_read_is_no_word_that_there_is_nothing() {
        let reply = parse("{\"findings\": [\"there is a bug in line 3\", 7, {\"x\": 1}]}");
        assert!(!reply.understood && reply.findings.is_empty() && reply.problems.len() == 3);
    }

    #[test]
    fn severities_are_understood_in_the_words_of_other_tools() {
        for (words, severity) in [
            (["critical", "BLOCKER", "P0", "p0 (critical)"], Severity::Critical),
            (["High", "major", "P1", " error "], Severity::High),
            (["medium", "warning", "P2", "[moderate]"], Severity::Medium),
            (["low", "Nit: style", "info", "P3"], Severity::Low),
        ] {
            for word in words {
                assert_eq!(with("severity", json!(word)).0.severity, severity, "{word}");
                assert!(with("severity", json!(word)).1.is_empty());
            }
        }
        let (finding, problems) = with("severity", json!("spi`cy\nthing"));
        assert_eq!(finding.severity, Severity::Medium);
        assert_eq!(problems, ["finding 1 has the unknown severity `spi'cy thing`; taken as medium"]);
        assert_eq!(with("severity", json!(3)).1.len(), 1);
    }

    #[test]
    fn confidence_is_brought_to_a_share_of_a_hundred() {
        for (given, read) in [
            (json!(75), 75),
            (json!(0.75), 75),
            (json!(1.0), 100),
            (json!(1), 1),
            (json!(0), 0),
            (json!(-3), 0),
            (json!(900), 100),
            (json!(62.6), 63),
            (json!("80"), 80),
            (json!("80%"), 80),
            (json!("0.8"), 80),
        ] {
            assert_eq!(with("confidence", given.clone()).0.confidence, Some(read), "{given}");
        }
        assert_eq!(with("confidence", json!(null)), with("confidence", json!("")));
        let (finding, problems) = with("confidence", json!("very"));
        assert_eq!((finding.confidence, problems.len()), (None, 1));
    }

    #[test]
    fn lines_are_read_from_text_swapped_and_filled_in() {
        let lines = |value: Value| {
            let (finding, problems) = one(&value);
            let finding = finding.unwrap();
            (finding.line_start, finding.line_end, problems.len())
        };
        assert_eq!(lines(json!({"title": "t"})), (0, 0, 0));
        assert_eq!(lines(json!({"title": "t", "line_start": "12", "line_end": "L14"})), (12, 14, 0));
        assert_eq!(lines(json!({"title": "t", "line_start": 9, "line_end": 4})), (4, 9, 1));
        assert_eq!(lines(json!({"title": "t", "line": 9.0, "line_end": null})), (9, 9, 0));
        assert_eq!(lines(json!({"title": "t", "line_end": 7})), (7, 7, 0));
        for wrong in [json!(-1), json!(1.5), json!(1e300), json!("nine"), json!([1]), json!(true)] {
            assert_eq!(
                lines(json!({"title": "t", "line_start": wrong, "line_end": 3})),
                (3, 3, 1),
                "{wrong}"
            );
        }
    }

    #[test]
    fn sides_paths_and_categories_have_other_spellings() {
        for (word, side) in [("RIGHT", Side::New), ("+", Side::New), ("left", Side::Old), ("-", Side::Old)] {
            assert_eq!(
                with("side", json!(word)),
                with("side", serde_json::to_value(side).unwrap()),
                "{word}"
            );
        }
        assert_eq!(with("side", json!("up")).1.len(), 1);
        assert_eq!(with("file", json!(" src/a.rs ")).0.path, "src/a.rs");
        assert_eq!(with("category", json!("Data Loss")).0.category, Some(Category::DataLoss));
        assert_eq!(with("category", json!("vibes")).0.category, Some(Category::Other));
        assert_eq!(with("category", json!(null)).0.category, None);
    }

    #[test]
    fn a_finding_without_words_or_shape_is_dropped_with_a_sentence() {
        for (value, said) in [
            (json!({"title": " \n", "body": null, "path": "a"}), "has neither title nor body"),
            (json!("a string"), "is not an object"),
            (json!(null), "is not an object"),
        ] {
            let (finding, problems) = one(&value);
            assert!(finding.is_none() && problems[0].contains(said), "{problems:?}");
        }
        let (finding, problems) = one(&json!({"title": 7, "body": "b", "quote": ["x"], "suggestion": {}}));
        assert_eq!((finding.unwrap().body.as_str(), problems.len()), ("b", 3));
    }

    #[test]
    fn ids_come_out_unique_and_chosen_ones_stay() {
        let list = json!([{"title": "a"}, {"title": "b", "id": "F1"}, {"title": "c", "id": "F1"}, {"title": "d", "id": 7}]);
        let mut problems = Vec::new();
        let findings = parse_findings_value(&list, "F", &mut problems);
        let ids: Vec<_> = findings.iter().map(|finding| finding.id.as_str()).collect();
        assert_eq!(ids, ["F2", "F1", "F3", "7"]);
        assert_eq!(problems, ["finding 3: the id `F1` is used twice and was replaced"]);
    }

    #[test]
    fn floods_are_cut_and_told() {
        let item = json!({"title": "é".repeat(400), "body": "é".repeat(9_000), "severity": "?", "quote": "é".repeat(5_000)});
        let reply = parse(&json!({"findings": vec![item; 130], "clearances": 3}).to_string());
        assert_eq!(reply.findings.len(), MOST_ITEMS);
        let first = &reply.findings[0];
        assert_eq!(first.title.chars().count(), LONGEST_TITLE);
        assert_eq!(first.body.chars().count(), LONGEST_BODY);
        assert_eq!(first.quote.chars().count(), LONGEST_QUOTE);
        assert_eq!(reply.problems.len(), MOST_PROBLEMS + 1);
        assert_eq!(reply.problems.last().unwrap(), "and 62 more problems");
    }

    #[test]
    fn evidence_and_clearances_keep_what_says_something() {
        let (finding, problems) =
            with("evidence", json!([{"file": "a", "quote": "x"}, "y", {"path": "a", "quote": " "}, 3]));
        assert_eq!(finding.evidence.len(), 2);
        assert_eq!(problems.len(), 1);
        let reply = parse(r#"{"findings":[],"clearances":[{"reason":"fine"},{"path":"a"},1]}"#);
        assert_eq!((reply.clearances.len(), reply.problems.len()), (1, 2));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[a-zA-Z0-9 {}\"%.+-]{0,12}".prop_map(Value::from),
        ];
        let name = prop_oneof![
            Just("title"),
            Just("body"),
            Just("id"),
            Just("path"),
            Just("side"),
            Just("line_start"),
            Just("line_end"),
            Just("severity"),
            Just("confidence"),
            Just("evidence"),
            Just("suggestion"),
            Just("quote"),
            Just("findings"),
        ];
        leaf.prop_recursive(4, 40, 8, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::vec((name.clone(), inner), 0..8).prop_map(|pairs| pairs
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = parse(&text);
        }

        #[test]
        fn no_pieces_of_json_make_it_panic(pieces in proptest::collection::vec(
            prop_oneof![Just("{"), Just("}"), Just("\""), Just("\\"), Just("["), Just("]"), Just(":"), Just(","),
                Just("\"findings\""), Just("é"), Just("1"), Just("\n")], 0..60)) {
            let _ = parse(&pieces.concat());
        }

        #[test]
        fn any_values_give_usable_findings_with_unique_ids(items in proptest::collection::vec(any_json(), 0..8)) {
            let reply = parse(&json!({"findings": items}).to_string());
            prop_assert_eq!(reply.understood, items.is_empty() || !reply.findings.is_empty());
            let ids: HashSet<_> = reply.findings.iter().map(|finding| finding.id.clone()).collect();
            prop_assert_eq!(ids.len(), reply.findings.len());
            for finding in &reply.findings {
                prop_assert!(!finding.id.is_empty());
                prop_assert!(!finding.title.is_empty() || !finding.body.is_empty());
                prop_assert!(finding.line_start <= finding.line_end);
                prop_assert!(finding.confidence.is_none_or(|confidence| confidence <= 100));
            }
        }

        #[test]
        fn an_answer_is_found_wherever_it_stands(before in "[^{]{0,40}", after in any::<String>()) {
            let text = format!("{before}{{\"findings\":[{{\"title\":\"t\"}}]}}{after}");
            prop_assert_eq!(parse(&text).findings.len(), 1);
        }
    }
}
