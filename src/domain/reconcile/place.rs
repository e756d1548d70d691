//! Where two findings stand to each other, and what that is worth.
//!
//! There are no labelled pairs with places to fit on, so the numbers are reasoned from published figures
//! (`pairs/README.md`: 279 pairs of real findings). A matcher that calls every pair of one file the same reached F1 .37. It
//! finds nearly all, so of such pairs 23 % are the same, at odds of 0.29. Overlapping lines alone reached F1 .52; whether
//! it finds 60 % or 80 % of all, that puts the odds among overlapping pairs at 2 to 3 times those of the file
//! (+0.8 to +1.1 in log odds), and among the others at a third to a half (-0.7 to -1.1). One file instead of a
//! whole pull request, where 10 % or less are the same, adds about +1. Half a unit is taken off all of it, because findings
//! of one place share names whether or not they are the same, and the words have counted those already: among pairs
//! that share a name, the fitted evidence is too high by 0.4 to 0.7.
//!
//! Overlap by way of a wide range says less than two claims about one line: that a range meets another line
//! of its file by chance grows with its length. The published figure is taken for ten lines.

use serde::{Deserialize, Serialize};

use super::similarity::Subject;
use crate::domain::finding::Side;

/// Where two findings stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// Their lines overlap and cover so many together, or they quote the same code.
    Overlapping(u32),
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
    /// What the place adds, in log odds; the module says where from.
    #[must_use]
    pub const fn evidence(self) -> f64 {
        match self {
            Self::Overlapping(0..=3) => 2.2,
            Self::Overlapping(4..=10) => 1.6,
            Self::Overlapping(11..=20) => 1.2,
            Self::Overlapping(_) => 0.6,
            Self::Apart(0..=3) => 1.2,
            Self::Apart(4..=10) | Self::SameFile => 0.2,
            Self::Unknown => 0.0,
            Self::Apart(11..=40) => -0.7,
            Self::Apart(_) | Self::OtherFile => -1.2,
        }
    }

    /// Whether two claims are so far apart that they are hardly about one defect: further than functions are long.
    #[must_use]
    pub const fn is_far(self) -> bool {
        matches!(self, Self::Apart(FAR..))
    }

    /// Whether the two point at the same code.
    #[must_use]
    pub const fn overlaps(self) -> bool {
        matches!(self, Self::Overlapping(_))
    }
}

/// From so many lines on, two places are in different functions.
const FAR: u32 = 60;

/// A range wider than this names a region, not a place.
const WIDE: u32 = 40;

/// A subject's place, spelled one way.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    path: String,
    old_side: bool,
    lines: Option<(u32, u32)>,
    quote: String,
}

impl Spot {
    pub(super) fn of(subject: &Subject) -> Self {
        let path = subject.path.trim().replace('\\', "/");
        Self {
            path: path.strip_prefix("./").map_or_else(|| path.clone(), str::to_owned),
            old_side: subject.side == Some(Side::Old),
            lines: subject.lines.map(|(start, end)| (start, end.max(start))),
            quote: squeeze(subject.quote),
        }
    }

    /// How two spots stand to each other.
    pub(super) fn to(&self, other: &Self) -> Place {
        if self.path.is_empty() || other.path.is_empty() {
            return Place::Unknown;
        }
        if !same_file(&self.path, &other.path) {
            return Place::OtherFile;
        }
        let (Some((a_start, a_end)), Some((b_start, b_end))) = (self.lines, other.lines) else {
            // A quote long enough to stand in one place only says where it is without a number.
            let quoted = same_quote(&self.quote, &other.quote);
            return if quoted { Place::Overlapping(1) } else { Place::SameFile };
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
            Place::Overlapping(a_end.max(b_end) - a_start.min(b_start) + 1)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_compared_by_file_side_lines_and_quote() {
        let check = |a: Subject, b: Subject, expect: Place| {
            let (x, y) = (Spot::of(&a), Spot::of(&b));
            assert_eq!((x.to(&y), y.to(&x)), (expect, expect), "{a:?} {b:?}");
        };
        let at = |path, start, end| Subject { path, lines: Some((start, end)), ..Subject::default() };
        check(at("a.rs", 3, 5), at("a.rs", 5, 9), Place::Overlapping(7));
        check(at("a.rs", 3, 5), at("a.rs", 7, 9), Place::Apart(2));
        check(at("a.rs", 3, 5), at("b.rs", 3, 5), Place::OtherFile);
        check(at("a.rs", 3, 5), at(" ", 3, 5), Place::Unknown);
        check(at("a.rs", 3, 5), at("a.rs", 1, 400), Place::SameFile);
        check(at("a.rs", 3, 5), Subject { path: "a.rs", ..Subject::default() }, Place::SameFile);
        check(at("a.rs", 3, 5), Subject { side: Some(Side::Old), ..at("a.rs", 3, 5) }, Place::SameFile);
        check(at("a.rs", 3, 5), Subject { side: Some(Side::New), ..at("a.rs", 3, 5) }, Place::Overlapping(3));
        // Other spellings of the same file; a bare name is another file.
        for path in ["./src/a.rs", "src\\a.rs", "/home/me/repo/src/a.rs", "C:\\repo\\src\\a.rs"] {
            check(at("src/a.rs", 3, 5), at(path, 3, 5), Place::Overlapping(3));
        }
        check(at("src/a.rs", 3, 5), at("a.rs", 3, 5), Place::OtherFile);
        check(at("/x/src/a.rs", 3, 5), at("/y/src/a.rs", 3, 5), Place::OtherFile);
        check(at("src/a.rs", 3, 5), at("/home/other-src/a.rs", 3, 5), Place::OtherFile);
        // A quote says where it is when no line does.
        let quoting = |quote| Subject { path: "a.rs", quote, ..Subject::default() };
        check(
            quoting("let guard = pool.get();"),
            quoting("  let guard =  pool.get();\n  work();"),
            Place::Overlapping(1),
        );
        check(quoting("return x;"), quoting("return x;"), Place::SameFile);
    }

    #[test]
    fn the_closer_two_claims_stand_the_more_it_counts() {
        let from_near_to_far = [
            Place::Overlapping(1),
            Place::Overlapping(10),
            Place::Overlapping(20),
            Place::Overlapping(41),
            Place::Unknown,
            Place::Apart(30),
            Place::Apart(100),
        ];
        let evidence = from_near_to_far.map(Place::evidence);
        assert!(evidence.windows(2).all(|pair| pair[0] > pair[1]), "{evidence:?}");
    }
}
