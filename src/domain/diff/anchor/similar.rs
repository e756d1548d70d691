//! The place that is almost what was quoted.

use super::super::Line;
use super::super::gutter::{bare, visible};
use super::index::Outline;
use super::quote::Quote;
use super::search::{Hit, Search, View};
use crate::domain::finding::{Anchor, Resolution, Side};

/// Of a hundred characters, so many may differ.
const MAY_DIFFER: usize = 15;

/// How many lines from the claimed one such a place may start.
const WITHIN: u32 = 30;

/// A quote of more characters takes no part: one to three lines are asked for.
const MOST_CHARS: usize = 1_000;

/// Nor does one of more lines.
const MOST_LINES: usize = 6;

/// How many pairs of characters are compared for all the claims of a reply at most, about a second's worth. Where
/// that is not enough to tell that no other place is as likely, none is proven.
pub(super) const EFFORT: usize = 200_000_000;

impl<'a> Search<'a, '_> {
    /// The place near the claimed line of which at most 15 characters in 100 differ from the quote, if any
    /// other place in the file would need at least twice as many edits. A row of similar lines proves
    /// nothing, and neither does a line that is only the most similar of those near a wrong number.
    pub(super) fn approximate(&self, effort: &mut usize) -> Option<Anchor> {
        let few = self.quote.lines.len() <= MOST_LINES;
        let quote = Text::of(self.quote).filter(|_| self.claim.line_start > 0 && !self.quote.short && few)?;
        let (least, best) = self
            .places(|_, first| self.is_near(first))
            .filter(|hit| self.distance(*hit) <= WITHIN)
            .filter_map(|hit| Some((quote.edits_to(hit, |longest| longest * MAY_DIFFER / 100, effort)?, hit)))
            .min_by_key(|(edits, _)| *edits)?;
        let too_few = 2 * least.max(1) - 1;
        let outline = Outline::of(self.quote.lines.first()?.text);
        let rival = self.places(|other, _| outline.least_edits(other) <= too_few).any(|hit| {
            *effort == 0
                || (hit.range() != best.range() && quote.edits_to(hit, |_| too_few, effort).is_some())
        });
        if rival || *effort == 0 { None } else { self.anchor(best, Resolution::Approximate) }
    }

    fn is_near(&self, line: &Line) -> bool {
        let numbers = line.new.into_iter().chain(line.old);
        numbers.into_iter().any(|number| number.abs_diff(self.claim.line_start) <= WITHIN)
    }

    /// Every place of as many lines as the quote has, on either side, that starts on a wanted line.
    fn places(&self, wanted: impl Fn(Outline, &Line) -> bool) -> impl Iterator<Item = Hit<'a>> {
        let count = self.quote.lines.len();
        let starts = self.index.lines().filter_map(move |(outline, rest)| {
            let first = rest.first().filter(|first| wanted(outline, first))?;
            Some((first, rest))
        });
        starts.flat_map(move |(first, rest)| {
            let shown = [Side::New, Side::Old].map(View::Of).into_iter().filter(|view| view.shows(first));
            shown.filter_map(move |view| Hit::of(view, rest, count))
        })
    }
}

/// A quote as it is compared: characters, the white space between words as one.
struct Text(Vec<Vec<char>>);

impl Text {
    fn of(quote: &Quote<'_>) -> Option<Self> {
        let lines: Vec<Vec<char>> = quote.lines.iter().map(|line| characters(line.text)).collect();
        (lines.iter().map(Vec::len).sum::<usize>() <= MOST_CHARS).then_some(Self(lines))
    }

    /// How many edits make the quote's lines those of a place, if not more than `most` gives for the
    /// characters of the longer of each two lines.
    fn edits_to(&self, hit: Hit<'_>, most: impl Fn(usize) -> usize, effort: &mut usize) -> Option<usize> {
        // Reading the lines takes time, too.
        *effort = effort.saturating_sub(64 * self.0.len());
        if *effort == 0 {
            return None;
        }
        let there: Vec<Vec<char>> = hit.lines().map(|line| characters(&visible(bare(&line.text)))).collect();
        let pairs = || self.0.iter().zip(&there);
        let most = most(pairs().map(|(quoted, line)| quoted.len().max(line.len())).sum());
        let at_least: usize = pairs().map(|(quoted, line)| quoted.len().abs_diff(line.len())).sum();
        if at_least > most {
            return None;
        }
        let left = pairs()
            .try_fold(most, |left, (quoted, line)| left.checked_sub(edits(quoted, line, left, effort)?))?;
        Some(most - left)
    }
}

fn characters(text: &str) -> Vec<char> {
    let mut out = Vec::new();
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars());
    }
    out
}

/// The Levenshtein distance of two texts, if it is not above `most`: how many characters are put in, taken
/// out or replaced.
fn edits(a: &[char], b: &[char], most: usize, effort: &mut usize) -> Option<usize> {
    let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b) = (a.get(same..)?, b.get(same..)?);
    let same = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (a.get(..a.len() - same)?, b.get(..b.len() - same)?);
    // Behind so many characters of `a`, the distance to each beginning of `b`; that to none is `row_start`.
    let mut row: Vec<usize> = (1..=b.len()).collect();
    for (row_start, from) in a.iter().enumerate() {
        *effort = effort.checked_sub(b.len()).unwrap_or_default();
        let (mut diagonal, mut left) = (row_start, row_start + 1);
        for (cell, to) in row.iter_mut().zip(b) {
            let replaced = diagonal + usize::from(from != to);
            diagonal = *cell;
            left = replaced.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
        let least = row.iter().copied().min().unwrap_or(usize::MAX).min(row_start + 1);
        if *effort == 0 || least > most {
            return None;
        }
    }
    let distance = row.last().copied().unwrap_or(a.len());
    (distance <= most).then_some(distance)
}
