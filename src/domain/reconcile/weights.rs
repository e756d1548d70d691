//! Every number the matcher was given, in one place, with what it reached.
//!
//! `wording`, `terms`, `apart` and `bias` were fitted by logistic regression (ridge 30 on standardised values)
//! on real review comments of 25 pull requests, each pair of tools compared as two lanes; the threshold that
//! gave the best one-to-one F1 is part of the bias. The comments have no places, so `place` and `category`
//! are reasoned, not fitted, and `tests` is set so high that it decides: of 1317 pairs that are the same,
//! only 1 asks for tests on one side alone.
//!
//! One-to-one F1, Claude against any other tool: fitted anew on 13 pull requests and measured on the other
//! 12, over 20 splits, .864 ± .066 (all tools against all: .868 ± .028); these weights on all 25: .878 at
//! precision .908 and recall .850 (all against all: .882). Of the pairs called same 88 % are, of those in
//! the grey zone 22 %, of those called different 0.7 %.

/// Weights of the signals. A claim's evidence is the sum of `weight × value`, in units of log odds; above
/// [`SAME`] two findings are the same, down to [`GREY`] nobody should be sure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    /// Shared letter groups, weighted by how rare they are among the findings at hand.
    pub wording: f64,
    /// Shared identifiers and words, weighted the same way.
    pub terms: f64,
    /// How much closer the two are than either is to the other findings.
    pub apart: f64,
    /// One asks for tests and the other does not.
    pub tests: f64,
    /// Both name the same kind of defect (1) or different kinds (-1).
    pub category: f64,
    /// Where the two stand, see [`Place`](super::similarity::Place).
    pub place: f64,
    /// What two findings start from.
    pub bias: f64,
}

/// The weights in use.
pub const WEIGHTS: Weights =
    Weights { wording: 11.4, terms: 10.7, apart: 8.1, tests: -12.0, category: 0.3, place: 1.0, bias: -5.0 };

/// Evidence, in thousandths, from which two findings are the same.
pub const SAME: i64 = 0;

/// Evidence, in thousandths, from which two findings are possibly the same.
pub const GREY: i64 = -1_500;

/// Evidence, in thousandths, from which two findings of one lane are duplicates.
pub const DUPLICATE: i64 = 4_000;

/// Similarity of wording of findings that have nothing to do with each other, used when there is no third
/// finding to measure it on.
pub const STRANGERS: f64 = 0.07;
