//! Two finding files from any tools: what they are, and how they compare.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, Deserializer, Error, IntoDeserializer as _, Visitor};
use serde::{Deserialize, Serialize};

use crate::domain::finding::{Category, Severity, Side, Verdict};
use crate::domain::reconcile::align::align;
use crate::domain::reconcile::contradiction::{Why, between};
use crate::domain::reconcile::similarity::{Corpus, Match, Subject};

/// More findings than any reviewer raises; beyond this a table of all pairs does not fit a small machine.
const MOST: usize = 1_000;

/// What one reviewer found, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingFile {
    /// Who, as the file says; empty when it does not.
    pub reviewer: String,
    /// What was found. Every id is given and stands once.
    pub findings: Vec<FileFinding>,
}

/// One finding of a file. Everything in it is untrusted text; empty and `None` mean unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Raw")]
pub struct FileFinding {
    /// Unique within the file.
    pub id: String,
    /// The file it points at.
    pub path: String,
    /// The version of that file.
    pub side: Option<Side>,
    /// First and last line.
    pub lines: Option<(u32, u32)>,
    /// The code it points at.
    pub quote: String,
    /// The kind of defect.
    pub category: Option<Category>,
    /// How bad.
    pub severity: Option<Severity>,
    /// One line.
    pub title: String,
    /// The explanation.
    pub body: String,
    /// What happens, to whom, when.
    pub failure_scenario: String,
    /// Replacement text for the quoted lines.
    pub suggestion: Option<String>,
}

impl FileFinding {
    /// One line to know it by: the title, or else how the body begins.
    #[must_use]
    pub fn headline(&self) -> &str {
        let title = self.title.trim();
        if title.is_empty() { self.body.trim().lines().next().unwrap_or_default() } else { title }
    }

    fn subject(&self) -> Subject<'_> {
        Subject {
            id: &self.id,
            path: &self.path,
            side: self.side,
            lines: self.lines,
            quote: &self.quote,
            category: self.category,
            title: &self.title,
            text: if self.body.trim().is_empty() { &self.failure_scenario } else { &self.body },
            suggestion: self.suggestion.as_deref(),
        }
    }
}

/// The file as it stands.
#[derive(Deserialize)]
struct RawFile {
    #[serde(default)]
    version: Option<u64>,
    #[serde(default, deserialize_with = "text")]
    reviewer: String,
    findings: Vec<FileFinding>,
}

/// A finding as it stands: all may be absent, null or empty.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Raw {
    #[serde(deserialize_with = "text")]
    id: String,
    #[serde(deserialize_with = "text")]
    path: String,
    #[serde(deserialize_with = "text")]
    side: String,
    #[serde(deserialize_with = "line")]
    line_start: Option<u32>,
    #[serde(deserialize_with = "line")]
    line_end: Option<u32>,
    #[serde(deserialize_with = "text")]
    quote: String,
    #[serde(deserialize_with = "text")]
    category: String,
    #[serde(deserialize_with = "text")]
    severity: String,
    #[serde(deserialize_with = "text")]
    title: String,
    #[serde(deserialize_with = "text")]
    body: String,
    #[serde(deserialize_with = "text")]
    failure_scenario: String,
    #[serde(deserialize_with = "text")]
    suggestion: String,
}

impl TryFrom<Raw> for FileFinding {
    type Error = &'static str;

    fn try_from(raw: Raw) -> Result<Self, Self::Error> {
        if raw.title.trim().is_empty() && raw.body.trim().is_empty() {
            return Err("expected each finding to have a `title` or a `body` that is not empty");
        }
        // One known line stands for both; lines in the wrong order are turned.
        let (start, end) = (raw.line_start.or(raw.line_end), raw.line_end.or(raw.line_start));
        Ok(Self {
            id: raw.id.trim().to_owned(),
            side: word(&raw.side),
            lines: start.zip(end).map(|(start, end)| (start.min(end), start.max(end))),
            category: word(&raw.category),
            severity: word(&raw.severity),
            path: raw.path,
            quote: raw.quote,
            title: raw.title,
            body: raw.body,
            failure_scenario: raw.failure_scenario,
            suggestion: Some(raw.suggestion).filter(|fix| !fix.trim().is_empty()),
        })
    }
}

/// A word of a closed list. Another tool's word is unknown, not an error.
fn word<T: DeserializeOwned>(text: &str) -> Option<T> {
    let lower = text.trim().to_ascii_lowercase();
    let word: StrDeserializer<'_, serde::de::value::Error> = lower.as_str().into_deserializer();
    T::deserialize(word).ok()
}

/// Text, a number written as text, or nothing.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    struct Text;
    impl Visitor<'_> for Text {
        type Value = String;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("text")
        }
        fn visit_str<E>(self, value: &str) -> Result<String, E> {
            Ok(value.to_owned())
        }
        fn visit_u64<E>(self, value: u64) -> Result<String, E> {
            Ok(value.to_string())
        }
        fn visit_i64<E>(self, value: i64) -> Result<String, E> {
            Ok(value.to_string())
        }
        fn visit_unit<E>(self) -> Result<String, E> {
            Ok(String::new())
        }
    }
    deserializer.deserialize_any(Text)
}

/// A line number, such a number in quotes, or nothing. Zero and less are nothing.
fn line<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    struct Line;
    impl Visitor<'_> for Line {
        type Value = Option<u32>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a line number")
        }
        fn visit_u64<E>(self, value: u64) -> Result<Option<u32>, E> {
            Ok(u32::try_from(value).ok().filter(|line| *line > 0))
        }
        fn visit_i64<E>(self, value: i64) -> Result<Option<u32>, E> {
            Ok(u32::try_from(value).ok().filter(|line| *line > 0))
        }
        fn visit_str<E: Error>(self, value: &str) -> Result<Option<u32>, E> {
            let wrong = |_| E::invalid_value(serde::de::Unexpected::Str(value), &self);
            if value.trim().is_empty() { Ok(None) } else { value.trim().parse().map(Some).map_err(wrong) }
        }
        fn visit_unit<E>(self) -> Result<Option<u32>, E> {
            Ok(None)
        }
    }
    deserializer.deserialize_any(Line)
}

/// Reads a finding file. Findings without an id are named `a1`, `a2`, … in file order, after `prefix`.
///
/// # Errors
/// A sentence that names the file, the place, and what was expected there.
pub fn read(name: &str, json: &str, prefix: char) -> Result<FindingFile, String> {
    const EXPECTED: &str = "expected a finding file, {\"version\":1,\"reviewer\":…,\"findings\":[…]}";
    let json = json.strip_prefix('\u{feff}').unwrap_or(json);
    let raw: RawFile = serde_json::from_str(json).map_err(|e| {
        let (line, column) = (e.line(), e.column());
        let told = e.to_string();
        let what = told.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&told);
        format!("{name}:{line}:{column}: {what}; {EXPECTED}")
    })?;
    if let Some(version) = raw.version.filter(|version| *version != 1) {
        return Err(format!("{name}: version {version} is not known; {EXPECTED}"));
    }
    let count = raw.findings.len();
    if count > MOST {
        return Err(format!("{name}: {count} findings are too many to compare; expected at most {MOST}"));
    }
    let mut findings = raw.findings;
    name_all(name, &mut findings, prefix)?;
    Ok(FindingFile { reviewer: raw.reviewer.trim().to_owned(), findings })
}

/// Gives every finding an id of its own.
fn name_all(file: &str, findings: &mut [FileFinding], prefix: char) -> Result<(), String> {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for finding in findings.iter().filter(|finding| !finding.id.is_empty()) {
        if !taken.insert(finding.id.clone()) {
            let id: String = finding.id.chars().take(80).collect();
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

/// How two files compare. What is serialised is the contract of `compare --format json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Of the format.
    pub version: u8,
    /// Findings of both that are the same issue, in the order of the first file.
    pub pairs: Vec<Pair>,
    /// Findings of both that are possibly the same, most alike first.
    pub maybe: Vec<Maybe>,
    /// What only the first file says, in its order.
    pub only_a: Vec<String>,
    /// What only the second file says, in its order.
    pub only_b: Vec<String>,
    /// Findings of one file that are one issue.
    pub groups: Vec<Vec<String>>,
}

/// One issue that both files raise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// Id in the first file.
    pub a: String,
    /// Id in the second file.
    pub b: String,
    /// How alike the two are, 0 to 1.
    pub score: f64,
    /// `agreed`, or `contradiction` when the two claims exclude each other.
    pub verdict: Verdict,
    /// Why they exclude each other.
    #[serde(skip)]
    pub why: Option<Why>,
    /// Why they are one issue.
    #[serde(skip)]
    pub matched: Match,
}

/// Two findings that are possibly the same.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Maybe {
    /// Id in the first file.
    pub a: String,
    /// Id in the second file.
    pub b: String,
    /// How alike the two are, 0 to 1.
    pub score: f64,
    /// Why, and why not.
    #[serde(skip)]
    pub matched: Match,
}

/// Compares two files.
#[must_use]
pub fn compare(a: &FindingFile, b: &FindingFile) -> Comparison {
    let all: Vec<&FileFinding> = a.findings.iter().chain(&b.findings).collect();
    let subjects: Vec<Subject> = all.iter().map(|finding| finding.subject()).collect();
    let lane_of: Vec<usize> = (0..all.len()).map(|i| usize::from(i >= a.findings.len())).collect();
    let corpus = Corpus::new(&subjects);
    let why = |x: usize, y: usize| between(subjects.get(x)?, subjects.get(y)?, corpus.place(x, y));
    let alignment = align(&corpus, &subjects, &lane_of, &|x, y| why(x, y).is_some());
    let id = |i: usize| all.get(i).map(|finding| finding.id.clone()).unwrap_or_default();

    let mut links: Vec<_> = alignment.clusters.iter().flat_map(|cluster| &cluster.links).collect();
    links.sort_by_key(|link| link.a);
    let pair = |x: usize, y: usize| {
        let (matched, why) = (corpus.compare(x, y), why(x, y));
        let verdict = if why.is_some() { Verdict::Contradiction } else { Verdict::Agreed };
        Pair { a: id(x), b: id(y), score: matched.score, verdict, why, matched }
    };
    let maybe = |x: usize, y: usize| {
        let matched = corpus.compare(x, y);
        Maybe { a: id(x), b: id(y), score: matched.score, matched }
    };
    let paired: BTreeSet<usize> = links.iter().flat_map(|link| [link.a, link.b]).collect();
    let only = |lane: usize| {
        let alone = |i: &usize| lane_of.get(*i) == Some(&lane) && !paired.contains(i);
        (0..all.len()).filter(alone).map(id).collect::<Vec<_>>()
    };
    let mut groups: Vec<Vec<usize>> =
        alignment.clusters.iter().flat_map(|cluster| cluster.groups.clone()).collect();
    groups.retain(|group| group.len() > 1);
    groups.iter_mut().for_each(|group| group.sort_unstable());
    groups.sort();
    Comparison {
        version: 1,
        pairs: links.iter().map(|link| pair(link.a, link.b)).collect(),
        maybe: alignment.maybe.iter().map(|link| maybe(link.a, link.b)).collect(),
        only_a: only(0),
        only_b: only(1),
        groups: groups.into_iter().map(|group| group.into_iter().map(id).collect()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LEAK: &str = "Connection leaks when connect() returns early before release()";
    const LEAK_TOO: &str = "Early return from connect() skips release(), so the connection leaks";

    fn file(findings: &str, prefix: char) -> FindingFile {
        read("x.json", &format!("{{\"version\":1,\"findings\":[{findings}]}}"), prefix).unwrap()
    }

    fn json(a: &str, b: &str) -> String {
        serde_json::to_string(&compare(&file(a, 'a'), &file(b, 'b'))).unwrap()
    }

    #[test]
    fn a_file_that_cannot_be_read_says_where_and_what_was_expected() {
        let check = |json: &str, expect: &str| {
            let error = read("a.json", json, 'a').unwrap_err();
            assert!(error.starts_with("a.json"), "{error}");
            assert!(error.contains(expect), "{json}: {error}");
        };
        check("", "a.json:1:0: EOF while parsing a value; expected a finding file");
        check("<html>", "a.json:1:1: expected value; expected a finding file");
        check("[]", "expected a finding file");
        check("{\"version\":1}", "missing field `findings`");
        check("{\"version\":2,\"findings\":[]}", "version 2 is not known");
        check("{\"findings\":[\n{\"title\":[]}]}", "a.json:2:11: invalid type: sequence, expected text");
        check(
            "{\"findings\":[\n{\"title\":\"t\",\"line_start\":\"x\"}]}",
            "a.json:2:29: invalid value: string \"x\", expected a line number",
        );
        check(
            "{\"findings\":[\n{\"path\":\"a.rs\",\"title\":\" \"}]}",
            "a.json:2:28: expected each finding to have a `title` or a `body`",
        );
        check(
            "{\"findings\":[{\"id\":\"1\",\"title\":\"t\"},{\"id\":1,\"title\":\"u\"}]}",
            "the id `1` stands more than once",
        );
        let many = vec!["{\"title\":\"t\"}"; MOST + 1].join(",");
        check(&format!("{{\"findings\":[{many}]}}"), "1001 findings are too many");
    }

    #[test]
    fn all_but_title_or_body_may_be_absent_null_or_empty() {
        let empty = "\u{feff}{\"findings\":[{\"id\":null,\"path\":null,\"side\":\"\",\"line_start\":null,\"line_end\":\"\",\"quote\":null,\
             \"category\":\"\",\"severity\":null,\"confidence\":null,\"title\":\"\",\"body\":\"b\",\"failure_scenario\":null,\
             \"suggestion\":null,\"other\":{}}]}";
        let read = read("x.json", empty, 'b').unwrap();
        let expect = FileFinding { id: "b1".to_owned(), body: "b".to_owned(), ..FileFinding::default() };
        assert_eq!(read, FindingFile { reviewer: String::new(), findings: vec![expect] });
        assert_eq!(read.findings[0].headline(), "b");
    }

    #[test]
    fn words_and_lines_are_read_as_people_write_them() {
        let findings = file(
            r#"{"title":"t","severity":"HIGH","category":"data_loss","side":"old","line_start":9,"line_end":"7"},
               {"title":"t","severity":"P1","category":"style","side":"both","line_end":3},{"title":"t","line_start":0}"#,
            'a',
        )
        .findings;
        assert_eq!(
            (findings[0].severity, findings[0].category),
            (Some(Severity::High), Some(Category::DataLoss))
        );
        assert_eq!((findings[0].side, findings[0].lines), (Some(Side::Old), Some((7, 9))));
        assert_eq!((findings[1].severity, findings[1].category, findings[1].side), (None, None, None));
        assert_eq!((findings[1].lines, findings[2].lines), (Some((3, 3)), None));
    }

    #[test]
    fn missing_ids_are_given_in_file_order_and_never_one_that_is_taken() {
        let ids = |json: &str| file(json, 'a').findings.into_iter().map(|f| f.id).collect::<Vec<_>>();
        assert_eq!(ids(r#"{"title":"t"},{"id":"x","title":"t"},{"title":"t"}"#), ["a1", "x", "a2"]);
        assert_eq!(ids(r#"{"title":"t"},{"id":"a1","title":"t"}"#), ["a2", "a1"]);
    }

    #[test]
    fn the_result_is_the_contract() {
        let a = format!(
            r#"{{"id":"p","title":"{LEAK}"}},{{"id":"q","title":"{LEAK}"}},{{"title":"The connect timeout is too short","path":"t.rs","line_start":4}}"#
        );
        let b = format!(
            r#"{{"title":"{LEAK_TOO}"}},{{"title":"The connect timeout is too long","path":"t.rs","line_start":4}},{{"title":"Typo in the changelog"}}"#
        );
        insta::assert_snapshot!(json(&a, &b), @r#"{"version":1,"pairs":[{"a":"p","b":"b1","score":0.9201,"verdict":"agreed"},{"a":"a1","b":"b2","score":0.944,"verdict":"contradiction"}],"maybe":[],"only_a":["q"],"only_b":["b3"],"groups":[["p","q"]]}"#);
    }

    #[test]
    fn empty_files_compare_to_nothing() {
        assert_eq!(
            json("", ""),
            r#"{"version":1,"pairs":[],"maybe":[],"only_a":[],"only_b":[],"groups":[]}"#
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_id_stands_exactly_once_and_the_files_can_swap(
            a in prop::collection::vec((0_usize..4, 0_u32..30, 0_usize..3), 0..7),
            b in prop::collection::vec((0_usize..4, 0_u32..30, 0_usize..3), 0..7),
        ) {
            let finding = |(title, line, path): &(usize, u32, usize)| FileFinding {
                title: [LEAK, LEAK_TOO, "The timeout is too short", "The timeout is too long"][*title].to_owned(),
                path: ["", "a.rs", "b.rs"][*path].to_owned(),
                lines: Some((*line, *line)),
                ..FileFinding::default()
            };
            let make = |list: &[(usize, u32, usize)], prefix| {
                let mut findings: Vec<FileFinding> = list.iter().map(finding).collect();
                name_all("x", &mut findings, prefix).unwrap();
                FindingFile { reviewer: String::new(), findings }
            };
            let (a, b) = (make(&a, 'a'), make(&b, 'b'));
            let result = compare(&a, &b);
            let mut seen: Vec<&String> =
                result.pairs.iter().flat_map(|p| [&p.a, &p.b]).chain(&result.only_a).chain(&result.only_b).collect();
            seen.sort();
            let mut given: Vec<&String> = a.findings.iter().chain(&b.findings).map(|f| &f.id).collect();
            given.sort();
            prop_assert_eq!(seen, given);

            let swapped = compare(&b, &a);
            let pairs = |c: &Comparison, turn: bool| -> BTreeSet<(String, String, Verdict)> {
                c.pairs.iter().map(|p| if turn { (p.b.clone(), p.a.clone(), p.verdict) } else { (p.a.clone(), p.b.clone(), p.verdict) }).collect()
            };
            prop_assert_eq!(pairs(&result, false), pairs(&swapped, true));
            prop_assert_eq!(&result.only_a, &swapped.only_b);
            let sets = |c: &Comparison| c.groups.iter().cloned().collect::<BTreeSet<_>>();
            prop_assert_eq!(sets(&result), sets(&swapped));
        }
    }
}
