//! Where the lines of a file stand, by what they say: a quote is looked up, not searched for.

use super::super::gutter::{bare, visible};
use super::super::{FileDiff, Line};
use super::quote::{QuoteLine, normalised, readings};

/// The lines of one file by a hash of their text without its white space's extent.
#[derive(Debug)]
pub(super) struct Index<'a> {
    pub(super) file: &'a FileDiff,
    /// Sorted by the hash; for each line, its hunk's lines from there on.
    places: Vec<(u64, &'a [Line])>,
    /// The same in the order of the file.
    outlines: Vec<(Outline, &'a [Line])>,
}

/// What of a line shows at a glance that it is unlike another.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Outline {
    /// How many characters it has, white space aside.
    characters: usize,
    /// Which they are: a bit for each, some share one.
    kinds: u64,
}

impl Outline {
    pub(super) fn of(text: &str) -> Self {
        text.chars().filter(|c| !c.is_whitespace()).fold(Self::default(), |so_far, c| Self {
            characters: so_far.characters + 1,
            kinds: so_far.kinds | 1 << (u32::from(c) % u64::BITS),
        })
    }

    /// An edit changes the number by one and adds and takes away at most one kind: so many are needed at least.
    pub(super) fn least_edits(self, other: Self) -> usize {
        let kinds = (self.kinds & !other.kinds).count_ones().max((other.kinds & !self.kinds).count_ones());
        self.characters.abs_diff(other.characters).max(kinds as usize)
    }
}

impl<'a> Index<'a> {
    pub(super) fn of(file: &'a FileDiff) -> Self {
        let (mut places, mut outlines) = (Vec::new(), Vec::new());
        for hunk in &file.hunks {
            let mut rest = hunk.lines.as_slice();
            while let [line, following @ ..] = rest {
                readings(line, |text| places.push((hash(text), rest)));
                outlines.push((Outline::of(&visible(bare(&line.text))), rest));
                rest = following;
            }
        }
        places.sort_by_key(|(hash, _)| *hash);
        Self { file, places, outlines }
    }

    /// The lines that may say what a line of a quote does, each with the rest of its hunk; of more than `most`, those
    /// nearest to a line number. Not all of them do: hashes only leave out what cannot.
    pub(super) fn candidates(
        &self,
        quoted: &QuoteLine<'_>,
        near: u32,
        most: usize,
    ) -> impl Iterator<Item = &'a [Line]> {
        let mut hashes: Vec<u64> = quoted.keys().map(|text| hash(text.as_bytes())).collect();
        hashes.sort_unstable();
        hashes.dedup();
        hashes.into_iter().flat_map(move |wanted| {
            let from = self.places.partition_point(|(hash, _)| *hash < wanted);
            let places = self.places.get(from..).unwrap_or_default();
            let places =
                places.get(..places.partition_point(|(hash, _)| *hash == wanted)).unwrap_or_default();
            // They stand in the order of the file.
            let number = |lines: &[Line]| lines.first().and_then(|line| line.new.or(line.old)).unwrap_or(0);
            let middle = places.partition_point(|(_, lines)| number(lines) < near);
            let first = middle.saturating_sub(most / 2).min(places.len().saturating_sub(most));
            places.iter().skip(first).take(most).map(|(_, lines)| *lines)
        })
    }

    /// Every line with the rest of its hunk, and what it looks like.
    pub(super) fn lines(&self) -> impl Iterator<Item = (Outline, &'a [Line])> {
        self.outlines.iter().copied()
    }
}

/// FNV-1a over the text with its white space normalised.
fn hash(text: &[u8]) -> u64 {
    normalised(text)
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
