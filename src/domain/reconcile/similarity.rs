//! How alike two findings are, and why: a sum of named signals, each kept for the reader.
//!
//! Only `+ - * /` and `sqrt` are used, which give the same bits on every platform, and everything is
//! ordered by whole thousandths.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::text::Profile;
use super::weights::{GREY, SAME, STRANGERS, WEIGHTS};
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

/// Where two findings stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// Their lines overlap, or they quote the same code.
    Overlapping,
    /// Same file, so many lines apart.
    Apart(u32),
    /// Same file, lines unknown or too wide to tell.
    SameFile,
    /// At least one has no file: neither supports nor opposes.
    Unknown,
    /// Different files: never the same.
    OtherFile,
}

impl Place {
    /// What the place adds, in log odds. On 279 real pairs (issue 5, `pairs/README.md`) line overlap alone
    /// reached F1 .52 and same file alone .37, which makes overlap about three times as likely among pairs
    /// that are the same: one unit.
    const fn value(self) -> f64 {
        match self {
            Self::Overlapping => 1.0,
            Self::Apart(0..=3) => 0.6,
            Self::SameFile => 0.2,
            Self::Apart(4..=10) | Self::Unknown => 0.0,
            Self::Apart(11..=40) => -0.5,
            Self::Apart(_) | Self::OtherFile => -1.0,
        }
    }

    /// Whether the two point at the same code.
    #[must_use]
    pub const fn overlaps(self) -> bool {
        matches!(self, Self::Overlapping)
    }
}

/// A range wider than this names a region, not a place.
const WIDE: u32 = 40;

/// A subject's place, spelled one way.
#[derive(Clone, Debug)]
struct Spot {
    path: String,
    old_side: bool,
    lines: Option<(u32, u32)>,
    quote: String,
}

impl Spot {
    fn of(subject: &Subject) -> Self {
        let path = subject.path.trim().replace('\\', "/");
        Self {
            path: path.strip_prefix("./").map_or_else(|| path.clone(), str::to_owned),
            old_side: subject.side == Some(Side::Old),
            lines: subject.lines.map(|(start, end)| (start, end.max(start))),
            quote: squeeze(subject.quote),
        }
    }

    /// How two spots stand to each other.
    fn to(&self, other: &Self) -> Place {
        if self.path.is_empty() || other.path.is_empty() {
            return Place::Unknown;
        }
        if !same_file(&self.path, &other.path) {
            return Place::OtherFile;
        }
        let (Some((a_start, a_end)), Some((b_start, b_end))) = (self.lines, other.lines) else {
            // A quote long enough to stand in one place only says where it is without a number.
            return if same_quote(&self.quote, &other.quote) { Place::Overlapping } else { Place::SameFile };
        };
        if self.old_side != other.old_side {
            Place::SameFile
        } else if a_start > b_end {
            Place::Apart(a_start - b_end)
        } else if b_start > a_end {
            Place::Apart(b_start - a_end)
        } else if a_end - a_start > WIDE || b_end - b_start > WIDE {
            Place::SameFile
        } else {
            Place::Overlapping
        }
    }
}

/// Whether two spellings name one file: some tools write absolute paths.
fn same_file(a: &str, b: &str) -> bool {
    let absolute = |path: &str| path.starts_with('/') || path.get(1..3) == Some(":/");
    let ends = |long: &str, short: &str| long.strip_suffix(short).is_some_and(|rest| rest.ends_with('/'));
    match (absolute(a), absolute(b)) {
        (true, false) => ends(a, b),
        (false, true) => ends(b, a),
        _ => a == b,
    }
}

/// White space aside.
pub(super) fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether one quote holds the other, and that is long enough to be found in one place only.
fn same_quote(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    word_chars(short) >= 10 && long.contains(short)
}

/// How many letters, digits and underscores a text has.
pub(super) fn word_chars(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphanumeric() || *c == '_').count()
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
    /// What was seen, between -1 and 1, rounded to two decimals.
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
            SignalName::Apart => write!(f, "against the others ({value:+.2})"),
            SignalName::Tests => write!(f, "only one is about tests ({value:.2})"),
        }
    }
}

/// What the signals of a pair came to, before anything is rounded for people.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Values {
    /// Shared letter groups, 0 to 1.
    pub wording: f64,
    /// Shared identifiers and words, 0 to 1.
    pub terms: f64,
    /// `wording` less what either shares with third findings.
    pub apart: f64,
    /// 1 when exactly one asks for tests, less when only one is filed under tests.
    pub tests: f64,
    /// 1 same kind, -1 different kinds, 0 unknown.
    pub category: f64,
    /// Where they stand.
    pub place: Place,
}

impl Values {
    /// The evidence in thousandths of log odds.
    #[must_use]
    pub fn evidence(&self) -> i64 {
        let w = WEIGHTS;
        let sum = w.bias
            + w.wording * self.wording
            + w.terms * self.terms
            + w.apart * self.apart
            + w.tests * self.tests
            + w.category * self.category
            + w.place * self.place.value();
        thousandths(sum)
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
    /// Adds up, feature by feature, what pairs share. `features` are (feature, finding), and are sorted
    /// here, so that sums do not depend on the order of the findings.
    fn of<F: Ord>(n: usize, mut features: Vec<(F, usize)>) -> Self {
        features.sort_unstable();
        let mut both = vec![0.0; n * n];
        for run in features.chunk_by(|a, b| a.0 == b.0) {
            let weight = rarity(run.len(), n);
            for (i, (_, x)) in run.iter().enumerate() {
                for (_, y) in run.iter().skip(i) {
                    if let Some(cell) = both.get_mut(x * n + y) {
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
        let all = |i: usize| move |g: &u64| (*g, i);
        let grams = profiles.iter().enumerate().flat_map(|(i, p)| p.grams.iter().map(all(i))).collect();
        let grams = Shared::of(n, grams);
        let terms: Vec<(&str, usize)> = profiles
            .iter()
            .enumerate()
            .flat_map(|(i, p)| p.terms.keys().map(move |t| (t.as_str(), i)))
            .collect();
        let mut spread = BTreeMap::new();
        for (term, _) in &terms {
            *spread.entry((*term).to_owned()).or_default() += 1;
        }
        let terms = Shared::of(n, terms);
        let crowd = (0..n)
            .map(|x| {
                // Sorted before adding: the sum must not depend on the order of the findings.
                let mut row: Vec<f64> = (0..n).map(|y| grams.similarity(x, y)).collect();
                row.sort_unstable_by(f64::total_cmp);
                row.iter().sum()
            })
            .collect();
        let spots = subjects.iter().map(Spot::of).collect();
        Self { subjects, spots, profiles, grams, crowd, terms, spread }
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
            (Some(a), Some(b)) if a != b => 0.25,
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
            apart: wording - self.strangers(x, y, wording),
            tests,
            category,
            place,
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
            let signal = Signal { name: SignalName::Place, value: -1.0, weight: WEIGHTS.place, detail };
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
            Place::Overlapping => Some("overlapping lines".to_owned()),
            Place::Apart(1) => Some("1 line apart".to_owned()),
            Place::Apart(lines) => Some(format!("{lines} lines apart")),
            Place::SameFile => Some("same file".to_owned()),
            Place::Unknown | Place::OtherFile => None,
        };
        if let Some(detail) = place {
            push(SignalName::Place, values.place.value(), w.place, detail);
        }
        push(SignalName::Terms, values.terms, w.terms, self.shared_terms(x, y).join(", "));
        push(SignalName::Wording, values.wording, w.wording, String::new());
        push(SignalName::Apart, values.apart, w.apart, String::new());
        if values.category != 0.0 {
            let kind = if values.category > 0.0 { "same kind" } else { "different kinds" };
            push(SignalName::Category, values.category, w.category, kind.to_owned());
        }
        if values.tests != 0.0 {
            push(SignalName::Tests, values.tests, w.tests, String::new());
        }
        signals
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
    fn a_place_is_compared_by_file_side_lines_and_quote() {
        let check = |a: Subject, b: Subject, expect: Place| {
            let subjects = [a, b];
            let corpus = Corpus::new(&subjects);
            assert_eq!((corpus.place(0, 1), corpus.place(1, 0)), (expect, expect), "{a:?} {b:?}");
        };
        let at = |path, start, end| Subject { path, lines: Some((start, end)), ..Subject::default() };
        check(at("a.rs", 3, 5), at("a.rs", 5, 9), Place::Overlapping);
        check(at("a.rs", 3, 5), at("a.rs", 7, 9), Place::Apart(2));
        check(at("a.rs", 3, 5), at("b.rs", 3, 5), Place::OtherFile);
        check(at("a.rs", 3, 5), at(" ", 3, 5), Place::Unknown);
        check(at("a.rs", 3, 5), at("a.rs", 1, 400), Place::SameFile);
        check(at("a.rs", 3, 5), Subject { path: "a.rs", ..Subject::default() }, Place::SameFile);
        check(at("a.rs", 3, 5), Subject { side: Some(Side::Old), ..at("a.rs", 3, 5) }, Place::SameFile);
        check(at("a.rs", 3, 5), Subject { side: Some(Side::New), ..at("a.rs", 3, 5) }, Place::Overlapping);
        // Other spellings of the same file; a bare name is another file.
        for path in ["./src/a.rs", "src\\a.rs", "/home/me/repo/src/a.rs", "C:\\repo\\src\\a.rs"] {
            check(at("src/a.rs", 3, 5), at(path, 3, 5), Place::Overlapping);
        }
        check(at("src/a.rs", 3, 5), at("a.rs", 3, 5), Place::OtherFile);
        check(at("/x/src/a.rs", 3, 5), at("/y/src/a.rs", 3, 5), Place::OtherFile);
        check(at("src/a.rs", 3, 5), at("/home/other-src/a.rs", 3, 5), Place::OtherFile);
        // A quote says where it is when no line does.
        let quoting = |quote| Subject { path: "a.rs", quote, ..Subject::default() };
        check(
            quoting("let guard = pool.get();"),
            quoting("  let guard =  pool.get();\n  work();"),
            Place::Overlapping,
        );
        check(quoting("return x;"), quoting("return x;"), Place::SameFile);
    }

    #[test]
    fn what_two_findings_share_is_told_and_what_they_do_not_too() {
        let check = |a: Subject, b: Subject, expect: &str| {
            assert_eq!(Corpus::new(&[a, b]).compare(0, 1).explain(), expect);
        };
        let say = |title, path| Subject { title, path, ..Subject::default() };
        check(
            say("`poolSize` is never read", ""),
            say("Nothing reads poolSize", ""),
            "same 0.90: terms poolSize, read (0.74), wording (0.29), against the others (+0.22)",
        );
        check(
            say("Typo", ""),
            say("Race on the counter", ""),
            "different 0.13: no shared terms (0.00), wording (0.00), against the others (-0.07)",
        );
        check(say("Typo", "a.rs"), say("Typo", "b.rs"), "different 0.00: different files (-1.00)");
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
