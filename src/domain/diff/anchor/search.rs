//! Where a quote stands in a file's hunks, and which of these places a claim means.

use super::super::{FileDiff, Hunk, Line, LineKind};
use super::Claim;
use super::index::Index;
use super::quote::{Fit, Quote, QuoteLine};
use crate::domain::finding::{Anchor, Resolution, Side, Unanchored};

/// Which lines of a hunk are read one after the other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// Those of one version of the file.
    Of(Side),
    /// All, deleted and added ones mixed as in the diff.
    Mixed,
}

impl View {
    pub(super) fn shows(self, line: &Line) -> bool {
        match self {
            Self::Of(Side::New) => line.new.is_some(),
            Self::Of(Side::Old) => line.old.is_some(),
            Self::Mixed => true,
        }
    }
}

/// Lines of one hunk that match a quote.
#[derive(Clone, Copy)]
pub(super) struct Hit<'a> {
    pub(super) view: View,
    /// All lines of the hunk between the first and the last that match.
    pub(super) span: &'a [Line],
}

impl<'a> Hit<'a> {
    /// The first lines that a view shows of some, if it shows so many.
    pub(super) fn of(view: View, lines: &'a [Line], count: usize) -> Option<Self> {
        let mut shown = lines.iter().enumerate().filter(|(_, line)| view.shows(line)).map(|(index, _)| index);
        let first = shown.next()?;
        let last = if count > 1 { shown.nth(count - 2)? } else { first };
        Some(Self { view, span: lines.get(first..=last)? })
    }

    pub(super) fn lines(self) -> impl Iterator<Item = &'a Line> {
        self.span.iter().filter(move |line| self.view.shows(line))
    }

    /// The numbers of its first and last line on one side.
    fn numbers(self, side: Side) -> Option<(u32, u32)> {
        run(self.lines().filter_map(|line| on_side(line, side)))
    }

    /// Where a comment on these lines can stand. Only deleted lines take one on the old side.
    pub(super) fn range(self) -> Option<(Side, u32, u32)> {
        let deleted = |line: &&Line| line.kind == LineKind::Deleted;
        let deleted = self.lines().skip_while(|line| !deleted(line)).take_while(deleted);
        let old = run(deleted.filter_map(|line| line.old)).map(|(start, end)| (Side::Old, start, end));
        let new = self.numbers(Side::New).map(|(start, end)| (Side::New, start, end));
        if self.view == View::Of(Side::Old) { old.or(new) } else { new.or(old) }
    }
}

fn on_side(line: &Line, side: Side) -> Option<u32> {
    match side {
        Side::New => line.new,
        Side::Old => line.old,
    }
}

/// The first and the last number up to the first gap: a comment spans no line that was not quoted.
fn run(mut numbers: impl Iterator<Item = u32>) -> Option<(u32, u32)> {
    let first = numbers.next()?;
    let following = numbers.zip(first.saturating_add(1)..).take_while(|(number, next)| number == next);
    Some((first, following.last().map_or(first, |(last, _)| last)))
}

/// The lines of a view that match a quote from the first on, and how well the worst of them does.
fn at_start<'a>(
    lines: &'a [Line],
    quote: &Quote<'_>,
    of: &[QuoteLine<'_>],
    view: View,
) -> Option<(Fit, Hit<'a>)> {
    let hit = Hit::of(view, lines, of.len())?;
    let worst = hit
        .lines()
        .zip(of)
        .try_fold(Fit::Exact, |worst, (line, quoted)| Some(worst.max(quote.fit(quoted, line)?)))?;
    Some((worst, hit))
}

/// A hit of which every line is exact.
fn exactly((fit, hit): (Fit, Hit<'_>)) -> Option<Hit<'_>> {
    (fit == Fit::Exact).then_some(hit)
}

/// Lines that are compared with a quote's at most: files whose lines are all the same, and long quotes of them, cost no
/// more than others.
const MOST_COMPARED: usize = 20_000;

/// One reading of a claim's quote and the file to find it in.
pub(super) struct Search<'a, 'q> {
    pub(super) file: &'a FileDiff,
    pub(super) index: &'q Index<'a>,
    pub(super) claim: &'q Claim<'q>,
    pub(super) quote: &'q Quote<'q>,
}

impl<'a, 'q> Search<'a, 'q> {
    pub(super) const fn new(index: &'q Index<'a>, claim: &'q Claim<'q>, quote: &'q Quote<'q>) -> Self {
        Self { file: index.file, index, claim, quote }
    }

    /// The place where the quote stands as a whole, or else one hunk's part of it.
    pub(super) fn run(&self) -> Result<Anchor, Unanchored> {
        if self.quote.short {
            return self.only_where_claimed();
        }
        self.nearest()
            .and_then(|(fit, hit)| self.anchor(hit, self.how(hit, fit)))
            .or_else(|| self.anchor(self.nearest_part()?, Resolution::Collapsed))
            .ok_or(Unanchored::QuoteNotFound)
    }

    pub(super) fn anchor(&self, hit: Hit<'_>, how: Resolution) -> Option<Anchor> {
        let (side, start, end) = hit.range()?;
        Some(Anchor { path: self.file.path.clone(), side, start, end, how })
    }

    fn how(&self, hit: Hit<'_>, fit: Fit) -> Resolution {
        match fit {
            Fit::Whitespace => Resolution::Whitespace,
            Fit::Exact if self.stands_as_claimed(hit) => Resolution::Exact,
            Fit::Exact => Resolution::Moved,
        }
    }

    /// In the order in which they are tried.
    pub(super) fn views(&self) -> [View; 3] {
        let other = match self.claim.side {
            Side::New => Side::Old,
            Side::Old => Side::New,
        };
        [View::Of(self.claim.side), View::Of(other), View::Mixed]
    }

    /// Every place where the whole quote stands in one hunk, with the rank of its view.
    fn hits(&self) -> impl Iterator<Item = (usize, Fit, Hit<'a>)> {
        let lines = &self.quote.lines;
        // A line alone stands in one of the two versions: reading them mixed finds nothing more.
        let views = if lines.len() == 1 { 2 } else { 3 };
        let most = MOST_COMPARED / lines.len().max(1);
        let near = self.claim.line_start;
        let candidates =
            lines.first().into_iter().flat_map(move |first| self.index.candidates(first, near, most));
        candidates.flat_map(move |rest| {
            let shows = move |view: View| rest.first().is_some_and(|line| view.shows(line));
            let views =
                self.views().into_iter().enumerate().take(views).filter(move |(_, view)| shows(*view));
            views.filter_map(move |(rank, view)| {
                let (fit, hit) = at_start(rest, self.quote, lines, view)?;
                Some((rank, fit, hit))
            })
        })
    }

    fn nearest(&self) -> Option<(Fit, Hit<'a>)> {
        let best = self.hits().min_by_key(|(rank, fit, hit)| {
            let first = hit.span.first();
            let unchanged = first.is_some_and(|line| line.kind == LineKind::Context);
            // A lane that has the number right has the place right, even if other code is indented as it
            // quoted.
            let proven = *fit == Fit::Exact || (*rank == 0 && self.starts_as_claimed(*hit));
            (
                !proven,
                *rank,
                self.distance(*hit),
                *fit,
                unchanged,
                first.and_then(|line| line.new.or(line.old)),
            )
        });
        best.map(|(_, fit, hit)| (fit, hit))
    }

    /// A short quote such as `}` stands in many places; only one that starts on the claimed line is meant.
    /// Anywhere else, within a claimed range too, it proves nothing.
    fn only_where_claimed(&self) -> Result<Anchor, Unanchored> {
        let mut why = Unanchored::QuoteNotFound;
        for (rank, fit, hit) in self.hits() {
            if rank == 0 && self.starts_as_claimed(hit) {
                return self.anchor(hit, self.how(hit, fit)).ok_or(why);
            }
            why = Unanchored::QuoteTooShort;
        }
        Err(why)
    }

    /// Whether a hit's first line has the claimed number on the claimed side.
    fn starts_as_claimed(&self, hit: Hit<'_>) -> bool {
        hit.numbers(self.claim.side).is_some_and(|(first, _)| first == self.claim.line_start)
    }

    fn stands_as_claimed(&self, hit: Hit<'_>) -> bool {
        let [claimed, _, mixed] = self.views();
        let (start, end) = (self.claim.line_start, self.claim.line_end.max(self.claim.line_start));
        let within = |(first, last)| start > 0 && start <= first && last <= end;
        let starts = start > 0 && self.distance(hit) == 0;
        (hit.view == claimed || hit.view == mixed)
            && (starts || hit.numbers(self.claim.side).is_some_and(within))
    }

    /// How far from the claimed line a hit starts; nothing if no line was claimed.
    pub(super) fn distance(&self, hit: Hit<'_>) -> u32 {
        let claimed = self.claim.line_start;
        let Some(first) = hit.span.first().filter(|_| claimed > 0) else { return 0 };
        let new = first.new.map(|number| number.abs_diff(claimed));
        let old = first.old.map(|number| number.abs_diff(claimed));
        match hit.view {
            View::Of(Side::New) => new,
            // Lanes see context lines with their new number and may claim that on the old side.
            View::Of(Side::Old) => old.into_iter().chain(new).min(),
            View::Mixed if self.claim.side == Side::New => new.or(old),
            View::Mixed => old.or(new),
        }
        .unwrap_or(0)
    }

    /// Where a quote runs from the end of one hunk into the start of a later one: the part nearer to the
    /// claimed line.
    fn nearest_part(&self) -> Option<Hit<'a>> {
        let hunks = &self.file.hunks;
        if hunks.len().saturating_mul(self.quote.lines.len()) > MOST_COMPARED {
            return None;
        }
        self.views().into_iter().filter(|view| *view != View::Mixed).find_map(|view| {
            let mut parts = Vec::new();
            for length in 1..self.quote.lines.len() {
                let (ending, starting) = self.quote.lines.split_at_checked(length)?;
                let starts = |hunk: &'a Hunk| exactly(at_start(&hunk.lines, self.quote, starting, view)?);
                let starts: Vec<_> =
                    hunks.iter().enumerate().filter_map(|(at, hunk)| Some((at, starts(hunk)?))).collect();
                if starts.is_empty() {
                    continue;
                }
                for (at, hunk) in hunks.iter().enumerate() {
                    let Some(end) = self.at_end(hunk, ending, view) else { continue };
                    let later = starts.partition_point(|(start, _)| *start <= at);
                    if let Some((_, start)) = starts.get(later) {
                        parts.extend([end, *start]);
                    }
                }
            }
            parts.into_iter().min_by_key(|part| self.distance_of_part(*part))
        })
    }

    /// The lines of a view that match a quote to the last.
    fn at_end(&self, hunk: &'a Hunk, quote: &[QuoteLine<'_>], view: View) -> Option<Hit<'a>> {
        let mut seen = hunk.lines.iter().enumerate().rev().filter(|(_, line)| view.shows(line));
        let first = quote.iter().rev().try_fold(0, |_, quoted| {
            let (index, line) = seen.next()?;
            self.quote.fit(quoted, line).filter(|fit| *fit == Fit::Exact).map(|_| index)
        })?;
        exactly(at_start(hunk.lines.get(first..)?, self.quote, quote, view)?)
    }

    /// How far the claimed line is from the lines of a part.
    fn distance_of_part(&self, part: Hit<'_>) -> u32 {
        let View::Of(side) = part.view else { return u32::MAX };
        let claimed = self.claim.line_start;
        part.numbers(side).map_or(u32::MAX, |(first, last)| {
            if claimed == 0 { 0 } else { claimed.abs_diff(claimed.clamp(first, last)) }
        })
    }
}
