//! What is printed, and what is written into the library.

use std::fmt;

use counterpoint::domain::reconcile::align::align;
use counterpoint::domain::reconcile::similarity::{Corpus, GREY, Subject, Values};

use crate::baselines;
use crate::data::{Case, Data};
use crate::measure::{Method, Spread, Tally, splits};
use crate::regression::Weights;

/// Chosen once, for few signals that say much the same; a tenth and three times of it reach the same figures.
const RIDGE: f64 = 30.0;

/// A signal by its name in the library's `Weights`.
type Signal = (&'static str, fn(&Values) -> f64);

/// The signals that are fitted.
const SIGNALS: [Signal; 5] = [
    ("wording", |values| values.wording),
    ("terms", |values| values.terms),
    ("words", |values| values.words),
    ("faults", |values| values.faults),
    ("apart", |values| values.apart),
];

/// Everything that was measured.
pub struct Report {
    data: String,
    methods: Vec<Figures>,
    zones: [Zone; 3],
    weights: Weights,
    strangers: f64,
    /// With the weights in use, by way of the library's own alignment, on the data they were fitted on.
    in_use: [Tally; 2],
}

/// One method, held out: Claude against any other tool, and all against all.
struct Figures {
    name: &'static str,
    one_to_one: bool,
    f1: [Spread; 2],
    precision: [Spread; 2],
    recall: [Spread; 2],
}

/// One zone, held out, over all tools and all splits.
struct Zone {
    name: &'static str,
    pairs: f64,
    same: f64,
}

fn claude(case: &Case) -> bool {
    case.has("claude") && tools(case)
}

/// Reviewers only: the reference comments are fitted on, and not measured on.
fn tools(case: &Case) -> bool {
    !case.has("golden")
}

impl Report {
    pub fn of(data: &Data) -> Self {
        let ours = matcher(data);
        let mut methods: Vec<Figures> =
            baselines::all(data).iter().map(|method| figures(data, method)).collect();
        methods.push(figures(data, &ours));
        let known: usize = data.cases.iter().map(|case| case.same.iter().flatten().count()).sum();
        let same = data.cases.iter().flat_map(|case| &case.same).filter(|same| **same == Some(true)).count();
        Self {
            data: format!(
                "{} pull requests, {} comments, {known} pairs, {same} the same",
                data.pulls,
                data.comments.len()
            ),
            methods,
            zones: zones(data, &ours),
            weights: ours
                .fit(data, &|_| true)
                .into_iter()
                .map(|weight| (weight * 10.0).round() / 10.0)
                .collect(),
            strangers: strangers(data),
            in_use: in_use(data),
        }
    }

    /// `src/domain/reconcile/weights.rs`, whole.
    pub fn weights_file(&self) -> String {
        let figures = self.methods.last().expect("the matcher is measured");
        let [same, grey, different] = &self.zones;
        let percent = |zone: &Zone| 100.0 * zone.same / zone.pairs;
        let fields: Vec<String> = SIGNALS
            .iter()
            .map(|(name, _)| *name)
            .chain(["bias"])
            .zip(&self.weights)
            .map(|(name, weight)| format!("{name}: {weight:.1}"))
            .collect();
        format!(
            "//! The weights of what two findings say. Written by `cargo run --release --example fit -- PAIRS --write`;\n\
             //! what place, category and tests count is reasoned, and stands where it is used.\n\
             //!\n\
             //! Logistic regression (ridge {RIDGE:.0} on standardised values) on real review comments:\n\
             //! {data}.\n\
             //! The threshold that is best for one-to-one F1 is part of the bias.\n\
             //!\n\
             //! Fitted anew on 13 pull requests and measured on the others, over 20 splits, one-to-one F1 is\n\
             //! {claude} for Claude against any other tool (precision {precision}, recall {recall}) and\n\
             //! {all} for all against all. Held out, of the pairs called same {same:.0} % are, of those in the\n\
             //! grey zone {grey:.0} %, of those called different {different:.1} %.\n\
             \n\
             /// Weights of the signals, in log odds.\n\
             #[derive(Clone, Copy, Debug, PartialEq)]\n\
             pub struct Weights {{\n    \
                 /// Shared letter groups, weighted by how rare they are among the findings at hand.\n    \
                 pub wording: f64,\n    \
                 /// Shared identifiers and stems of words, weighted the same way.\n    \
                 pub terms: f64,\n    \
                 /// Shared words as they stand, each counting the same.\n    \
                 pub words: f64,\n    \
                 /// Shared kinds of fault, weighted like terms.\n    \
                 pub faults: f64,\n    \
                 /// How much closer the two are in wording than either is to the other findings.\n    \
                 pub apart: f64,\n    \
                 /// What two findings start from.\n    \
                 pub bias: f64,\n\
             }}\n\
             \n\
             /// The weights in use.\n\
             pub const WEIGHTS: Weights =\n    \
                 Weights {{ {fields} }};\n\
             \n\
             /// The wording that unlike findings share, used where there is no third finding to measure it on.\n\
             pub const STRANGERS: f64 = {strangers:.2};\n",
            data = self.data,
            claude = figures.f1[0],
            precision = figures.precision[0],
            recall = figures.recall[0],
            all = figures.f1[1],
            same = percent(same),
            grey = percent(grey),
            different = percent(different),
            fields = fields.join(", "),
            strangers = self.strangers,
        )
    }
}

/// The library's signals of every pair, and its assignment. What only one of the two says about tests decides in the
/// library; such a pair tells nothing about words.
fn matcher(data: &Data) -> Method {
    let of = |case: &Case| {
        let subjects = subjects(data, case);
        let corpus = Corpus::new(&subjects);
        let row = |at: usize| {
            let (row, column) = (at / case.columns.len(), at % case.columns.len());
            let values = corpus.values(row, case.rows.len() + column).expect("no file, so no other file");
            let decided = values.tests == 1.0;
            SIGNALS.iter().map(|(_, signal)| if decided { 0.0 } else { signal(&values) }).collect()
        };
        (0..case.same.len()).map(row).collect()
    };
    Method {
        name: "this matcher",
        signals: data.cases.iter().map(of).collect(),
        ridge: RIDGE,
        one_to_one: true,
    }
}

fn subjects<'a>(data: &'a Data, case: &Case) -> Vec<Subject<'a>> {
    let subject = |i: &usize| {
        let comment = &data.comments[*i];
        Subject { id: &comment.id, text: &comment.text, ..Subject::default() }
    };
    case.rows.iter().chain(&case.columns).map(subject).collect()
}

fn figures(data: &Data, method: &Method) -> Figures {
    let mut reached: [Vec<Tally>; 2] = [Vec::new(), Vec::new()];
    for fitted_on in splits(data.pulls) {
        let weights = method.fit(data, &|case| fitted_on[case.pull]);
        let held_out = |case: &Case| !fitted_on[case.pull];
        reached[0].push(method.measure(data, &weights, &|case| held_out(case) && claude(case)));
        reached[1].push(method.measure(data, &weights, &|case| held_out(case) && tools(case)));
    }
    let spread = |of: fn(Tally) -> f64| {
        reached
            .each_ref()
            .map(|tallies| Spread::of(&tallies.iter().map(|tally| of(*tally)).collect::<Vec<_>>()))
    };
    let (f1, precision, recall) = (spread(Tally::f1), spread(Tally::precision), spread(Tally::recall));
    Figures { name: method.name, one_to_one: method.one_to_one, f1, precision, recall }
}

#[expect(clippy::cast_precision_loss, reason = "a few thousandths")]
fn zones(data: &Data, ours: &Method) -> [Zone; 3] {
    let zone = |name| Zone { name, pairs: 0.0, same: 0.0 };
    let mut zones = [zone("same"), zone("grey"), zone("different")];
    for fitted_on in splits(data.pulls) {
        let weights = ours.fit(data, &|case| fitted_on[case.pull]);
        let held_out = data.cases.iter().enumerate().filter(|(_, case)| !fitted_on[case.pull] && tools(case));
        for (i, case) in held_out {
            for (odds, same) in ours.odds(i, &weights).into_iter().zip(&case.same) {
                let Some(same) = same else { continue };
                let at = if odds >= 0.0 { 0 } else { 1 + usize::from(odds * 1000.0 < GREY as f64) };
                zones[at].pairs += 1.0;
                zones[at].same += f64::from(u8::from(*same));
            }
        }
    }
    zones
}

/// Mean wording of pairs that are not the same.
fn strangers(data: &Data) -> f64 {
    let mut wording = Vec::new();
    for case in &data.cases {
        let subjects = subjects(data, case);
        let corpus = Corpus::new(&subjects);
        for (at, same) in case.same.iter().enumerate().filter(|(_, same)| **same == Some(false)) {
            let (row, column) = (at / case.columns.len(), at % case.columns.len());
            wording.extend(corpus.values(row, case.rows.len() + column).map(|values| values.wording));
            debug_assert_eq!(*same, Some(false));
        }
    }
    Spread::of(&wording).mean
}

fn in_use(data: &Data) -> [Tally; 2] {
    let mut tallies = [Tally::default(); 2];
    for case in data.cases.iter().filter(|case| tools(case)) {
        let subjects = subjects(data, case);
        let corpus = Corpus::new(&subjects);
        let lane_of: Vec<usize> = (0..subjects.len()).map(|i| usize::from(i >= case.rows.len())).collect();
        let alignment = align(&corpus, &subjects, &lane_of, &|_, _| false);
        let mut called = vec![false; case.same.len()];
        for link in alignment.clusters.iter().flat_map(|cluster| &cluster.links) {
            called[link.a * case.columns.len() + link.b - case.rows.len()] = true;
        }
        for (called, same) in called.into_iter().zip(&case.same) {
            for (tally, counts) in tallies.iter_mut().zip([claude(case), true]) {
                if let (Some(same), true) = (same, counts) {
                    tally.add(called, *same);
                }
            }
        }
    }
    tallies
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.data)?;
        writeln!(
            f,
            "\nF1, fitted on 13 pull requests and measured on the others; mean ± deviation of 20 splits\n"
        )?;
        writeln!(f, "{:<34}{:<12}{:<17}all x all", "", "", "claude x other")?;
        for method in &self.methods {
            let pairs = if method.one_to_one { "one to one" } else { "any pairs" };
            writeln!(f, "{:<34}{pairs:<12}{:<17}{}", method.name, method.f1[0].to_string(), method.f1[1])?;
        }
        if let Some(ours) = self.methods.last() {
            writeln!(
                f,
                "{:<34}{:<12}{:<17}{}",
                "",
                "precision",
                ours.precision[0].to_string(),
                ours.precision[1]
            )?;
            writeln!(f, "{:<34}{:<12}{:<17}{}", "", "recall", ours.recall[0].to_string(), ours.recall[1])?;
        }
        let all: (f64, f64) =
            self.zones.iter().fold((0.0, 0.0), |(p, s), zone| (p + zone.pairs, s + zone.same));
        writeln!(f, "\nzones, held out, all x all, before the assignment\n")?;
        writeln!(
            f,
            "{:<12}{:>9}{:>12}{:>16}{:>22}",
            "", "of pairs", "are same", "of all the same", "of all the different"
        )?;
        for zone in &self.zones {
            let percent = |part: f64, whole: f64| format!("{:.1} %", 100.0 * part / whole);
            writeln!(
                f,
                "{:<12}{:>9}{:>12}{:>16}{:>22}",
                zone.name,
                percent(zone.pairs, all.0),
                percent(zone.same, zone.pairs),
                percent(zone.same, all.1),
                percent(zone.pairs - zone.same, all.0 - all.1)
            )?;
        }
        let [claude, all] = self.in_use;
        writeln!(f, "\nweights in use, the library's alignment, on all they were fitted on\n")?;
        for (name, tally) in [("claude x other", claude), ("all x all", all)] {
            writeln!(
                f,
                "{name:<16}F1 {:.3}, precision {:.3}, recall {:.3}",
                tally.f1(),
                tally.precision(),
                tally.recall()
            )?;
        }
        writeln!(f, "\nfitted on all\n")?;
        for ((name, _), weight) in SIGNALS.iter().chain(&[("bias", SIGNALS[0].1)]).zip(&self.weights) {
            writeln!(f, "{name:<9}{weight:>5.1}")?;
        }
        writeln!(f, "strangers {:.2}", self.strangers)
    }
}
