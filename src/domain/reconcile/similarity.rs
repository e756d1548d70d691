//! How alike two findings are, and why: a sum of named signals, each kept for the reader.
//!
//! Only `+ - * /` and `sqrt` are used, which give the same bits on every platform, and everything is
//! ordered by whole thousandths.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::place::{Place, Spot};
use super::text::Profile;
use super::weights::{STRANGERS, WEIGHTS};
use crate::domain::finding::{Category, Side};

/// What the matcher reads of a finding. Empty text and `None` mean unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Subject<'a> {
    /// Its id: the last resort where order must not depend on the order of the input.
    pub id: &'a str,
    /// The file; empty when unknown.
    pub path: &'a str,
    /// The version of the file that the lines count in.
    pub side: Option<Side>,
    /// First and last line.
    pub lines: Option<(u32, u32)>,
    /// Whether nothing proves these lines: then they may be far off.
    pub unproven: bool,
    /// The code it points at.
    pub quote: &'a str,
    /// The kind of defect.
    pub category: Option<Category>,
    /// One line.
    pub title: &'a str,
    /// The explanation.
    pub text: &'a str,
    /// Replacement text.
    pub suggestion: Option<&'a str>,
}

/// What a signal looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignalName {
    /// File and lines.
    Place,
    /// Shared identifiers and words.
    Terms,
    /// Shared letter groups.
    Wording,
    /// Shared words as they stand.
    Words,
    /// Kinds of fault that both name.
    Faults,
    /// Closer to each other than to the rest.
    Apart,
    /// The kind of defect.
    Category,
    /// One asks for tests, the other does not.
    Tests,
}

/// One reason for or against two findings being the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// What was looked at.
    pub name: SignalName,
    /// What was seen, rounded to two decimals: between -1 and 1, for a place its evidence.
    pub value: f64,
    /// What one unit of it counts, in log odds.
    pub weight: f64,
    /// What was seen, in words: a place, shared terms.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// Whether two findings are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Zone {
    /// Not the same.
    Different,
    /// Nobody should be sure.
    Grey,
    /// The same.
    Same,
}

impl Zone {
    /// The zone of evidence in thousandths.
    #[must_use]
    pub const fn of(evidence: i64) -> Self {
        if evidence >= SAME {
            Self::Same
        } else if evidence >= GREY {
            Self::Grey
        } else {
            Self::Different
        }
    }

    /// The word people read.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Different => "different",
            Self::Grey => "possibly the same",
            Self::Same => "same",
        }
    }
}

/// How alike two findings are, with the reasons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Match {
    /// Between 0 and 1, four decimals; from 0.5 the two are the same.
    pub score: f64,
    /// What the score means.
    pub zone: Zone,
    /// The reasons, the most telling kinds first.
    pub signals: Vec<Signal>,
}

impl Match {
    /// One line such as `same 0.83: overlapping lines (1.00), release, pool (0.71), wording (0.44)`.
    /// The terms in it are untrusted text.
    #[must_use]
    pub fn explain(&self) -> String {
        let signals: Vec<String> = self.signals.iter().map(ToString::to_string).collect();
        let reasons = if signals.is_empty() { "nothing in common".to_owned() } else { signals.join(", ") };
        format!("{} {:.2}: {reasons}", self.zone.as_str(), self.score)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (value, detail) = (self.value, &self.detail);
        match self.name {
            SignalName::Place | SignalName::Category => write!(f, "{detail} ({value:.2})"),
            SignalName::Terms if detail.is_empty() => write!(f, "no shared terms ({value:.2})"),
            SignalName::Terms => write!(f, "terms {detail} ({value:.2})"),
            SignalName::Wording => write!(f, "wording ({value:.2})"),
            SignalName::Words => write!(f, "words ({value:.2})"),
            SignalName::Faults => write!(f, "both about {detail} ({value:.2})"),
            SignalName::Apart => write!(f, "against the others ({value:+.2})"),
            SignalName::Tests => write!(f, "only one is about tests ({value:.2})"),
        }
    }
}

/// Evidence, in thousandths, from which two findings are the same: where F1 is best.
pub const SAME: i64 = 0;

/// Evidence, in thousandths, from which two findings are possibly the same.
pub const GREY: i64 = -2_000;

/// One asks for tests and the other does not: that decides, whatever the words and the place add up to. Reasoned, not
/// fitted: of 1,317 pairs that are the same, one is of this kind.
const TESTS: f64 = -30.0;

/// Both name the same kind of defect, or different kinds. Reviewers who mean the same name the same kind about two times in
/// three, others one time in four: 1.0 in log odds, and -0.8. Half of it, because the words have told some of that.
const CATEGORY: f64 = 0.4;

/// What the signals of a pair came to, before anything is rounded for people.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Values {
    /// Shared letter groups, 0 to 1.
    pub wording: f64,
    /// Shared identifiers and words, 0 to 1.
    pub terms: f64,
    /// Shared words as they stand, each counting the same, 0 to 1.
    pub words: f64,
    /// Shared kinds of fault, weighted by how rare they are among the findings at hand, 0 to 1.
    pub faults: f64,
    /// `wording` less what either shares with third findings.
    pub apart: f64,
    /// 1 when exactly one asks for tests, less when only one is filed under tests.
    pub tests: f64,
    /// 1 same kind, -1 different kinds, 0 unknown.
    pub category: f64,
    /// Where they stand.
    pub place: Place,
    /// Whether they are known to stand far apart.
    pub far: bool,
}

impl Values {
    /// The evidence in thousandths of log odds.
    #[must_use]
    pub fn evidence(&self) -> i64 {
        let w = WEIGHTS;
        let sum = w.bias
            + w.wording * self.wording
            + w.terms * self.terms
            + w.words * self.words
            + w.faults * self.faults
            + w.apart * self.apart
            + TESTS * self.tests
            + CATEGORY * self.category
            + self.place.evidence();
        // The same words far away are said of other code as often as of the same: nobody should be sure.
        let most = if self.far { SAME - 1 } else { i64::MAX };
        thousandths(sum).min(most)
    }
}

/// Rounds to thousandths. The cast saturates, and no sum of signals comes near its limits.
#[expect(clippy::cast_possible_truncation, reason = "a sum of a few signals is far below 2^53")]
fn thousandths(value: f64) -> i64 {
    (value * 1000.0).round() as i64
}

/// Maps evidence to 0..1 with 0.5 at the border: `x / (2 + |x|)`, so that no platform's `exp` is involved.
#[expect(clippy::cast_precision_loss, reason = "evidence is a few thousand")]
fn score(evidence: i64) -> f64 {
    let x = (evidence - SAME) as f64 / 1000.0;
    round(0.5 + 0.5 * x / (2.0 + x.abs()), 10_000.0)
}

fn round(value: f64, unit: f64) -> f64 {
    (value * unit).round() / unit
}

/// All findings at hand, taken apart once. What is rare is measured on them, so that what everybody says
/// about this pull request counts little.
#[derive(Clone, Debug)]
pub struct Corpus<'a> {
    subjects: &'a [Subject<'a>],
    spots: Vec<Spot>,
    profiles: Vec<Profile>,
    grams: Shared,
    words: Shared,
    faults: Shared,
    /// Per finding, the mean similarity of wording with all findings, times their number, itself included.
    crowd: Vec<f64>,
    terms: Shared,
    /// In how many findings a term stands.
    spread: BTreeMap<String, usize>,
}

/// Weight shared by each pair of findings, the smaller position first, and held by each.
#[derive(Clone, Debug)]
struct Shared {
    n: usize,
    both: Vec<f64>,
}

impl Shared {
    /// Adds up, feature by feature, what pairs share. `weight` gives a feature's weight from the number of findings that
    /// have it and that of all. Features are sorted here, so that sums do not depend on the order of the findings.
    fn of<'a, F: Ord, I: Iterator<Item = F>>(
        profiles: &'a [Profile],
        features: impl Fn(&'a Profile) -> I,
        weight: impl Fn(usize, usize) -> f64,
    ) -> Self {
        let n = profiles.len();
        let mut all: Vec<(F, usize)> =
            profiles.iter().enumerate().flat_map(|(i, p)| features(p).map(move |f| (f, i))).collect();
        all.sort_unstable();
        let mut both = vec![0.0; n * n];
        for run in all.chunk_by(|a, b| a.0 == b.0) {
            let weight = weight(run.len(), n);
            for (i, (_, x)) in run.iter().enumerate() {
                let row = both.get_mut(x * n..(x + 1) * n).unwrap_or_default();
                for (_, y) in run.iter().skip(i) {
                    if let Some(cell) = row.get_mut(*y) {
                        *cell += weight;
                    }
                }
            }
        }
        Self { n, both }
    }

    fn at(&self, x: usize, y: usize) -> f64 {
        self.both.get(x.min(y) * self.n + x.max(y)).copied().unwrap_or_default()
    }

    /// Shared weight over the geometric mean of what each holds: 0 to 1, fair to claims of unlike length.
    fn similarity(&self, x: usize, y: usize) -> f64 {
        let held = self.at(x, x) * self.at(y, y);
        if held > 0.0 { self.at(x, y) / held.sqrt() } else { 0.0 }
    }
}

/// The weight of what stands in `spread` of `n` findings.
#[expect(clippy::cast_precision_loss, reason = "numbers of findings are small")]
fn rarity(spread: usize, n: usize) -> f64 {
    (n as f64 / spread.max(1) as f64).sqrt()
}

impl<'a> Corpus<'a> {
    /// Takes findings apart. They are named by their position from here on.
    #[must_use]
    pub fn new(subjects: &'a [Subject<'a>]) -> Self {
        let n = subjects.len();
        let profiles: Vec<Profile> = subjects.iter().map(|s| Profile::of(s.title, s.text)).collect();
        let grams = Shared::of(&profiles, |p| p.grams.iter(), rarity);
        let words = Shared::of(&profiles, |p| p.words.iter(), |_, _| 1.0);
        let faults = Shared::of(&profiles, |p| p.faults.iter(), rarity);
        let terms = Shared::of(&profiles, |p| p.terms.keys(), rarity);
        let mut spread = BTreeMap::new();
        for term in profiles.iter().flat_map(|profile| profile.terms.keys()) {
            *spread.entry(term.clone()).or_default() += 1;
        }
        let crowd = (0..n)
            .map(|x| {
                // Sorted before adding: the sum must not depend on the order of the findings.
                let mut row: Vec<f64> = (0..n).map(|y| grams.similarity(x, y)).collect();
                row.sort_unstable_by(f64::total_cmp);
                row.iter().sum()
            })
            .collect();
        let spots = subjects.iter().map(Spot::of).collect();
        Self { subjects, spots, profiles, grams, words, faults, crowd, terms, spread }
    }

    /// How two findings stand to each other.
    #[must_use]
    pub fn place(&self, x: usize, y: usize) -> Place {
        match (self.spots.get(x), self.spots.get(y)) {
            (Some(a), Some(b)) => a.to(b),
            _ => Place::Unknown,
        }
    }

    /// The signals of a pair; nothing when the two are in different files.
    #[must_use]
    pub fn values(&self, x: usize, y: usize) -> Option<Values> {
        let (a, b) = (self.subjects.get(x)?, self.subjects.get(y)?);
        let place = self.place(x, y);
        if place == Place::OtherFile {
            return None;
        }
        let wants_tests = |i: usize| self.profiles.get(i).is_some_and(|profile| profile.wants_tests);
        let filed_as_tests = |s: &Subject| s.category.map(|category| category == Category::Tests);
        let tests = match (filed_as_tests(a), filed_as_tests(b)) {
            _ if wants_tests(x) != wants_tests(y) => 1.0,
            // Weaker: a bug in a test is filed under either.
            (Some(a), Some(b)) if a != b => 0.1,
            _ => 0.0,
        };
        let category = match (a.category, b.category) {
            (Some(a), Some(b)) if a != Category::Other && b != Category::Other => {
                if a == b {
                    1.0
                } else {
                    -1.0
                }
            }
            _ => 0.0,
        };
        let wording = self.grams.similarity(x, y);
        Some(Values {
            wording,
            terms: self.terms.similarity(x, y),
            words: self.words.similarity(x, y),
            faults: self.faults.similarity(x, y),
            apart: wording - self.strangers(x, y, wording),
            tests,
            category,
            place,
            far: place.is_far() && !a.unproven && !b.unproven,
        })
    }

    /// How alike the two are to third findings, on average.
    #[expect(clippy::cast_precision_loss, reason = "numbers of findings are small")]
    fn strangers(&self, x: usize, y: usize, wording: f64) -> f64 {
        let third = self.subjects.len().saturating_sub(2);
        if third == 0 {
            return STRANGERS;
        }
        let others = |i: usize| {
            let own = self.grams.similarity(i, i);
            self.crowd.get(i).copied().unwrap_or_default() - own - wording
        };
        ((others(x) + others(y)) / (2 * third) as f64).max(0.0)
    }

    /// Evidence in thousandths that the two are the same; nothing when they are in different files.
    #[must_use]
    pub fn evidence(&self, x: usize, y: usize) -> Option<i64> {
        self.values(x, y).map(|values| values.evidence())
    }

    /// The pair with its reasons.
    #[must_use]
    pub fn compare(&self, x: usize, y: usize) -> Match {
        let Some(values) = self.values(x, y) else {
            let detail = "different files".to_owned();
            let signal =
                Signal { name: SignalName::Place, value: Place::OtherFile.evidence(), weight: 1.0, detail };
            return Match { score: 0.0, zone: Zone::Different, signals: vec![signal] };
        };
        let evidence = values.evidence();
        Match { score: score(evidence), zone: Zone::of(evidence), signals: self.signals(x, y, &values) }
    }

    fn signals(&self, x: usize, y: usize, values: &Values) -> Vec<Signal> {
        let w = WEIGHTS;
        let mut signals = Vec::new();
        let mut push = |name, value: f64, weight, detail: String| {
            signals.push(Signal { name, value: round(value, 100.0), weight, detail });
        };
        let place = match values.place {
            Place::Overlapping(_) => Some("overlapping lines".to_owned()),
            Place::Apart(1) => Some("1 line apart".to_owned()),
            Place::Apart(lines) => Some(format!("{lines} lines apart")),
            Place::SameFile => Some("same file".to_owned()),
            Place::Unknown | Place::OtherFile => None,
        };
        if let Some(detail) = place {
            push(SignalName::Place, values.place.evidence(), 1.0, detail);
        }
        push(SignalName::Terms, values.terms, w.terms, self.shared_terms(x, y).join(", "));
        push(SignalName::Wording, values.wording, w.wording, String::new());
        push(SignalName::Words, values.words, w.words, String::new());
        if values.faults > 0.0 {
            push(SignalName::Faults, values.faults, w.faults, self.shared_faults(x, y).join(", "));
        }
        push(SignalName::Apart, values.apart, w.apart, String::new());
        if values.category != 0.0 {
            let kind = if values.category > 0.0 { "same kind" } else { "different kinds" };
            push(SignalName::Category, values.category, CATEGORY, kind.to_owned());
        }
        if values.tests != 0.0 {
            push(SignalName::Tests, values.tests, TESTS, String::new());
        }
        signals
    }

    /// The kinds of fault that both name.
    fn shared_faults(&self, x: usize, y: usize) -> Vec<&'static str> {
        let (Some(a), Some(b)) = (self.profiles.get(x), self.profiles.get(y)) else { return Vec::new() };
        a.faults.intersection(&b.faults).copied().collect()
    }

    /// Up to four shared terms: identifiers first, then the rarest.
    fn shared_terms(&self, x: usize, y: usize) -> Vec<String> {
        let (Some(a), Some(b)) = (self.profiles.get(x), self.profiles.get(y)) else { return Vec::new() };
        let mut shared: Vec<(bool, usize, &String)> = Vec::new();
        for (term, word) in &a.terms {
            if let Some(other) = b.terms.get(term) {
                let spread = self.spread.get(term).copied().unwrap_or_default();
                shared.push((!term.starts_with('`'), spread, word.min(other)));
            }
        }
        shared.sort_unstable();
        let mut names: Vec<String> = Vec::new();
        for (_, _, word) in shared {
            let known = |seen: &String| seen.to_lowercase().contains(&word.to_lowercase());
            if !names.iter().any(known) {
                names.push(word.clone());
            }
        }
        names.truncate(4);
        names
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_two_findings_share_is_told_and_what_they_do_not_too() {
        let check = |a: Subject, b: Subject, expect: &str| {
            assert_eq!(Corpus::new(&[a, b]).compare(0, 1).explain(), expect);
        };
        let say = |title, path| Subject { title, path, ..Subject::default() };
        check(
            say("`poolSize` is never read", ""),
            say("Nothing reads poolSize", ""),
            "same 0.87: terms poolSize, read (0.74), wording (0.37), words (0.33), against the others (+0.22)",
        );
        check(
            say("Typo", ""),
            say("Race on the counter", ""),
            "different 0.12: no shared terms (0.00), wording (0.00), words (0.00), against the others (-0.15)",
        );
        check(say("Typo", "a.rs"), say("Typo", "b.rs"), "different 0.00: different files (-1.20)");
    }

    #[test]
    fn the_score_is_one_half_at_the_border_of_same_and_grows() {
        assert_eq!([score(SAME), score(SAME + 2_000), score(SAME - 2_000)], [0.5, 0.75, 0.25]);
        assert_eq!(
            [Zone::of(SAME), Zone::of(SAME - 1), Zone::of(GREY - 1)],
            [Zone::Same, Zone::Grey, Zone::Different]
        );
    }

    proptest! {
        #[test]
        fn evidence_depends_neither_on_direction_nor_on_order(
            texts in prop::collection::vec("([a-d]{1,5} ?|getUser\\(\\) ?){0,8}", 2..7),
        ) {
            let forth: Vec<Subject> = texts.iter().map(|text| Subject { text, ..Subject::default() }).collect();
            let back: Vec<Subject> = forth.iter().rev().copied().collect();
            let (forth_corpus, back_corpus) = (Corpus::new(&forth), Corpus::new(&back));
            let last = texts.len() - 1;
            for x in 0..=last {
                for y in 0..=last {
                    let evidence = forth_corpus.evidence(x, y);
                    prop_assert_eq!(evidence, forth_corpus.evidence(y, x));
                    prop_assert_eq!(evidence, back_corpus.evidence(last - x, last - y));
                }
            }
        }
    }
}
