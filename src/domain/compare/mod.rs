//! The findings of two reviewers from any tools: how they are read, and how they compare.

mod claude;
mod codex;
mod codex_plugin;
mod fields;
mod own;
mod paths;
mod read;
mod scanner;

use std::collections::BTreeSet;

use serde::Serialize;

use self::fields::{Fields, Wrong};
pub use self::paths::meet;
pub use self::read::{LARGEST, read};
use crate::domain::finding::{Category, Severity, Side, Verdict};
use crate::domain::reconcile::align::align;
use crate::domain::reconcile::contradiction::{Claims, Why};
use crate::domain::reconcile::similarity::{Corpus, Match, Subject};

/// What one reviewer found, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FindingFile {
    /// Who: as the file says, else the tool that writes such files; empty when neither is known.
    pub reviewer: String,
    /// What was found. Every id is given and stands once.
    pub findings: Vec<FileFinding>,
    /// What could not be used or had to be guessed, in sentences. They may quote the file.
    pub notes: Vec<String>,
}

/// One finding of a file. Everything in it is untrusted text; empty and `None` mean unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// What else the file says about how much it counts.
    pub remark: Option<Remark>,
    /// One line.
    pub title: String,
    /// The explanation.
    pub body: String,
    /// What happens, to whom, when.
    pub failure_scenario: String,
    /// What the reviewer would do about it, in words. It is no part of the claim, so nothing is matched by it.
    pub advice: String,
    /// Replacement text for the quoted lines.
    pub suggestion: Option<String>,
}

/// What tools say of a finding in place of, or besides, a severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remark {
    /// It was there before the change.
    PreExisting,
    /// Whoever raised it took it back.
    Withdrawn,
}

impl Remark {
    /// The word people read.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PreExisting => "pre-existing",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl FileFinding {
    /// One line to know it by: the title, or else how the body begins.
    #[must_use]
    pub fn headline(&self) -> &str {
        let title = self.title.trim();
        if title.is_empty() { self.body.trim().lines().next().unwrap_or_default() } else { title }
    }

    /// A finding that says nothing is none.
    fn with_words(self, fields: &Fields) -> Result<Self, Wrong> {
        let silent = self.title.trim().is_empty() && self.body.trim().is_empty();
        if silent { Err(fields.wrong("expected a title or a body that is not empty")) } else { Ok(self) }
    }

    fn subject(&self) -> Subject<'_> {
        Subject {
            id: &self.id,
            path: &self.path,
            side: self.side,
            lines: self.lines,
            unproven: false,
            quote: &self.quote,
            category: self.category,
            title: &self.title,
            text: if self.body.trim().is_empty() { &self.failure_scenario } else { &self.body },
            suggestion: self.suggestion.as_deref(),
        }
    }
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
    pub groups: Vec<Group>,
}

/// Findings of one file that are one issue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Group {
    /// Their ids, in the order of the file.
    pub ids: Vec<String>,
    /// Whether it is the second file: the same ids may stand in both.
    #[serde(skip)]
    pub in_b: bool,
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
    let claims = Claims::new(&subjects);
    let why = |x: usize, y: usize| claims.between(x, y, corpus.place(x, y));
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
    let group = |members: Vec<usize>| Group {
        in_b: members.iter().any(|i| lane_of.get(*i) == Some(&1)),
        ids: members.into_iter().map(id).collect(),
    };
    Comparison {
        version: 1,
        pairs: links.iter().map(|link| pair(link.a, link.b)).collect(),
        maybe: alignment.maybe.iter().map(|link| maybe(link.a, link.b)).collect(),
        only_a: only(0),
        only_b: only(1),
        groups: groups.into_iter().map(group).collect(),
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
    fn the_result_is_the_contract() {
        let a = format!(
            r#"{{"id":"p","title":"{LEAK}"}},{{"id":"q","title":"{LEAK}"}},{{"title":"The connect timeout is too short","path":"t.rs","line_start":4}}"#
        );
        let b = format!(
            r#"{{"title":"{LEAK_TOO}"}},{{"title":"The connect timeout is too long","path":"t.rs","line_start":4}},{{"title":"Typo in the changelog"}}"#
        );
        insta::assert_snapshot!(json(&a, &b), @r#"{"version":1,"pairs":[{"a":"p","b":"b1","score":0.9305,"verdict":"agreed"},{"a":"a1","b":"b2","score":0.9407,"verdict":"contradiction"}],"maybe":[],"only_a":["q"],"only_b":["b3"],"groups":[["p","q"]]}"#);
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
            left in prop::collection::vec((0_usize..4, 0_u32..30, 0_usize..3), 0..7),
            right in prop::collection::vec((0_usize..4, 0_u32..30, 0_usize..3), 0..7),
        ) {
            let finding = |(title, line, path): &(usize, u32, usize)| FileFinding {
                title: [LEAK, LEAK_TOO, "The timeout is too short", "The timeout is too long"][*title].to_owned(),
                path: ["", "a.rs", "b.rs"][*path].to_owned(),
                lines: Some((*line, *line)),
                ..FileFinding::default()
            };
            let make = |list: &[(usize, u32, usize)], prefix| {
                let findings = list.iter().zip(1..).map(|(one, n)| FileFinding { id: format!("{prefix}{n}"), ..finding(one) });
                FindingFile { findings: findings.collect(), ..FindingFile::default() }
            };
            let (a, b) = (make(&left, 'a'), make(&right, 'b'));
            let result = compare(&a, &b);
            let mut seen: Vec<&String> =
                result.pairs.iter().flat_map(|p| [&p.a, &p.b]).chain(&result.only_a).chain(&result.only_b).collect();
            seen.sort();
            let mut given: Vec<&String> = a.findings.iter().chain(&b.findings).map(|f| &f.id).collect();
            given.sort();
            prop_assert_eq!(seen, given);

            // As the command names them: the first file's are `a…` whichever that is.
            let swapped = compare(&make(&right, 'a'), &make(&left, 'b'));
            let turn = |id: &String| {
                let (letter, number) = id.split_at(1);
                format!("{}{number}", if letter == "a" { "b" } else { "a" })
            };
            let pairs: BTreeSet<_> = result.pairs.iter().map(|p| (p.a.clone(), p.b.clone(), p.verdict, p.score.to_bits())).collect();
            let turned = swapped.pairs.iter().map(|p| (turn(&p.b), turn(&p.a), p.verdict, p.score.to_bits()));
            prop_assert_eq!(pairs, turned.collect());
            let maybe: BTreeSet<_> = result.maybe.iter().map(|p| (p.a.clone(), p.b.clone(), p.score.to_bits())).collect();
            let turned = swapped.maybe.iter().map(|p| (turn(&p.b), turn(&p.a), p.score.to_bits()));
            prop_assert_eq!(maybe, turned.collect());
            prop_assert_eq!(&result.only_a, &swapped.only_b.iter().map(turn).collect::<Vec<_>>());
            let groups = result.groups.iter().map(|g| g.ids.clone()).collect::<BTreeSet<_>>();
            let turned = swapped.groups.iter().map(|g| g.ids.iter().map(turn).collect());
            prop_assert_eq!(groups, turned.collect());
        }
    }
}
