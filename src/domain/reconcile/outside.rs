//! What other tools say beside issues: scanners, linters, tests.
//!
//! A tool is no lane, and its report may be forged: it supports or opposes, and no verdict depends on it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::place::Place;
use super::similarity::{Corpus, Subject, Zone};
use super::{Issue, rank, subject};
use crate::domain::evidence::Reports;
use crate::domain::evidence::junit::Test;
use crate::domain::finding::{Category, Raised, Side};
use crate::domain::sarif::{self, Kind};

/// So near to a finding a result is on the same lines.
const NEAR: u32 = 3;

/// The most results, and the most failed tests, that are held against the findings: all pairs are compared.
const MOST: usize = 200;

/// The share of terms from which a result on a finding's lines can be about the same. Tools report only places, so place
/// alone must not decide: what says the same on one line shares .2 and more, what does not .1 and less
/// (`tests.rs`, measured on messages of eight rules).
const LEAST_TERMS: f64 = 0.15;

/// The most voices beside one issue.
const MOST_VOICES: usize = 3;

/// The shortest name of a test that is looked for in a finding's words.
const SHORTEST_NAME: usize = 6;

/// What one report says of an issue, opposition first: of many voices it is kept. Names are untrusted text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "says")]
pub enum Voice {
    /// A scanner reports the same here, and somebody decided that it is not to be told.
    Suppressed {
        /// The scanner.
        tool: String,
        /// Its rule.
        rule: String,
    },
    /// A scanner checks a rule about the same here, and the code passes.
    Passed {
        /// The scanner.
        tool: String,
        /// Its rule.
        rule: String,
    },
    /// The issue says that a test fails, and it passes.
    TestPasses {
        /// Its name.
        test: String,
    },
    /// A scanner reports the same here.
    Reported {
        /// The scanner.
        tool: String,
        /// Its rule.
        rule: String,
    },
    /// A test fails here, or says the same.
    TestFails {
        /// Its name.
        test: String,
    },
}

impl Voice {
    /// Whether it supports the issue; if not, it opposes it.
    #[must_use]
    pub const fn confirms(&self) -> bool {
        matches!(self, Self::Reported { .. } | Self::TestFails { .. })
    }
}

impl Issue {
    /// Whether a tool supports it and none opposes it.
    #[must_use]
    pub fn is_supported(&self) -> bool {
        !self.outside.is_empty() && self.outside.iter().all(Voice::confirms)
    }
}

/// Puts what tools report beside the issues that it is about. Verdicts stay as they are; within a severity and class,
/// what is supported comes first.
#[must_use]
pub fn beside(mut issues: Vec<Issue>, reports: &Reports) -> Vec<Issue> {
    let members: Vec<(usize, &Raised)> = issues
        .iter()
        .enumerate()
        .flat_map(|(at, issue)| issue.members.iter().map(move |m| (at, m)))
        .collect();
    let near = |result: &&sarif::Result| members.iter().any(|(_, raised)| is_near(result, raised));
    let results: Vec<&sarif::Result> = reports.results.iter().filter(near).take(MOST).collect();
    let tests: Vec<&Test> = reports.failed.iter().take(MOST).collect();
    let words: Vec<String> = results.iter().map(|result| rule_words(result)).collect();
    let subjects: Vec<Subject> = members
        .iter()
        .map(|(_, raised)| subject(raised))
        .chain(results.iter().zip(&words).map(|(result, words)| subject_of(result, words)))
        .chain(tests.iter().map(|test| subject_of_test(test)))
        .collect();
    let corpus = Corpus::new(&subjects);
    let claimed: Vec<(usize, String)> =
        members.iter().flat_map(|(at, raised)| failures(raised).map(move |claim| (*at, claim))).collect();
    let mut voices: Vec<BTreeSet<Voice>> = vec![BTreeSet::new(); issues.len()];
    for (x, (at, raised)) in members.iter().enumerate() {
        let said = results.iter().enumerate().filter_map(|(y, result)| {
            let y = members.len() + y;
            let alike = is_near(result, raised)
                && corpus.values(x, y).is_some_and(|values| {
                    values.terms >= LEAST_TERMS && Zone::of(values.evidence()) != Zone::Different
                });
            alike.then(|| voice_of(result, corpus.place(x, y))).flatten()
        });
        let failing = tests.iter().enumerate().filter(|(y, test)| {
            let zone = corpus.compare(x, members.len() + results.len() + y).zone;
            fails_at(test, raised) || zone == Zone::Same
        });
        let failing = failing.map(|(_, test)| Voice::TestFails { test: test.name.clone() });
        if let Some(voices) = voices.get_mut(*at) {
            voices.extend(said.chain(failing));
        }
    }
    for (at, claim) in claimed {
        let passing = reports.passed.iter().filter(|name| is_named(&claim, name));
        if let Some(voices) = voices.get_mut(at) {
            voices.extend(passing.map(|name| Voice::TestPasses { test: name.clone() }));
        }
    }
    for (issue, voices) in issues.iter_mut().zip(voices) {
        issue.outside = voices.into_iter().take(MOST_VOICES).collect();
    }
    issues.sort_by(|a, b| rank(a).cmp(&rank(b)));
    issues
}

/// What of these reports can say anything of these findings: all that [`beside`] looks at.
#[must_use]
pub fn about<'a>(reports: &Reports, findings: impl Iterator<Item = &'a Raised>) -> Reports {
    let findings: Vec<&Raised> = findings.collect();
    let claims: Vec<String> = findings.iter().flat_map(|raised| failures(raised)).collect();
    let near = |result: &&sarif::Result| findings.iter().any(|raised| is_near(result, raised));
    let named = |name: &&String| claims.iter().any(|claim| is_named(claim, name));
    Reports {
        results: reports.results.iter().filter(near).cloned().collect(),
        failed: reports.failed.iter().take(MOST).cloned().collect(),
        passed: reports.passed.iter().filter(named).cloned().collect(),
    }
}

/// Whether a result stands on the lines of a finding, or next to them.
fn is_near(result: &sarif::Result, raised: &Raised) -> bool {
    let Subject { path, side, lines, .. } = subject(raised);
    let (Some((a, b)), Some((first, last))) = (lines, result.lines) else { return false };
    path == result.path
        && side != Some(Side::Old)
        && first <= b.saturating_add(NEAR)
        && a <= last.saturating_add(NEAR)
}

/// What a result that is about the same says of a finding. That a place holds is said of its own lines only.
fn voice_of(result: &sarif::Result, place: Place) -> Option<Voice> {
    let (tool, rule) = (result.tool.clone(), result.rule.clone());
    match result.kind {
        Kind::Fail if !result.suppressed => Some(Voice::Reported { tool, rule }),
        Kind::Fail if place.overlaps() => Some(Voice::Suppressed { tool, rule }),
        Kind::Pass if place.overlaps() => Some(Voice::Passed { tool, rule }),
        _ => None,
    }
}

/// What the matcher reads of a result; `words` are those of its rule.
fn subject_of<'a>(result: &'a sarif::Result, words: &'a str) -> Subject<'a> {
    let is_security = result.tags.iter().any(|tag| tag.eq_ignore_ascii_case("security"));
    Subject {
        id: &result.rule,
        path: &result.path,
        side: Some(Side::New),
        lines: result.lines,
        category: is_security.then_some(Category::Security),
        title: &result.message,
        text: words,
        ..Subject::default()
    }
}

/// What a rule is about: the end of its id, which begins with what it belongs to, and its own words.
fn rule_words(result: &sarif::Result) -> String {
    let name = result.rule.rsplit(['/', '.', ':']).next().unwrap_or_default();
    format!("{name}. {}", result.rule_text)
}

/// What the matcher reads of a failed test. The file it is written in is not where the defect is.
fn subject_of_test(test: &Test) -> Subject<'_> {
    let (message, text) = test.failure.as_ref().map_or(("", ""), |f| (f.message.as_str(), f.text.as_str()));
    Subject {
        id: &test.name,
        title: message,
        text: if text.is_empty() { &test.name } else { text },
        ..Subject::default()
    }
}

/// Whether the failure of a test names a line of the finding.
fn fails_at(test: &Test, raised: &Raised) -> bool {
    let Subject { path, side, lines, .. } = subject(raised);
    let (Some((first, last)), Some(failure)) = (lines.filter(|_| side != Some(Side::Old)), &test.failure)
    else {
        return false;
    };
    failure.places.iter().any(|spot| spot.path == path && (first..=last).contains(&spot.line))
}

/// The sentences of a finding that say that something fails.
fn failures(raised: &Raised) -> impl Iterator<Item = String> {
    let finding = &raised.finding;
    let says = |sentence: &&str| {
        let mut is_failing = false;
        for word in sentence.split(|c: char| !c.is_alphanumeric() && c != '\'').map(str::to_lowercase) {
            match word.as_str() {
                "fail" | "fails" | "failed" | "failing" => is_failing = true,
                "no" | "not" | "never" | "cannot" | "without" | "should" | "would" | "could" | "may"
                | "might" | "if" | "unless" | "pass" | "passes" | "passing" => return false,
                word if word.ends_with("n't") => return false,
                _ => {}
            }
        }
        is_failing
    };
    [&finding.title, &finding.body, &finding.failure_scenario]
        .into_iter()
        .flat_map(|text| text.split(['\n', ';', '!', '?']).flat_map(|line| line.split(". ")))
        .filter(says)
        .map(str::to_owned)
        .collect::<Vec<_>>()
        .into_iter()
}

/// Whether a sentence holds the name of a test as a whole.
fn is_named(sentence: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    name.len() >= SHORTEST_NAME
        && sentence.match_indices(name).any(|(at, _)| {
            let before = sentence.get(..at).and_then(|text| text.chars().next_back());
            let behind = sentence.get(at + name.len()..).and_then(|text| text.chars().next());
            !before.is_some_and(is_part) && !behind.is_some_and(is_part)
        })
}

#[cfg(test)]
mod tests;
