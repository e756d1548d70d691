//! Where a claim must be posted, worked out from the oracle alone.
//!
//! The rules are those that the product promises: the quote decides and the claimed line only chooses among
//! the places where it stands; exact text before text that differs in white space; the claimed side before
//! the other; white space is forgiven on the claimed line before other lines are looked at; a quote of fewer
//! than six word characters proves nothing but the claimed line. They are
//! written down here a second time, in the plainest way, over the oracle's rows.

use std::collections::BTreeMap;

use super::claims::Claim;
use super::oracle::{Case, File, Line, Side, bare, shown};
use crate::perturbed_claims::edits;

/// Lines of a file on which a comment stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    pub path: String,
    pub side: Side,
    pub start: u32,
    pub end: u32,
}

/// Which lines of a hunk are read one after the other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum View {
    Of(Side),
    AsInDiff,
}

impl View {
    fn shows(self, line: &Line) -> bool {
        match self {
            Self::Of(Side::Old) => line.old.is_some(),
            Self::Of(Side::New) => line.new.is_some(),
            Self::AsInDiff => true,
        }
    }
}

#[derive(Clone, Copy)]
enum Equal {
    Exactly,
    ButForSpace,
}

impl Equal {
    fn holds(self, line: &Line, quoted: &str) -> bool {
        let same = |a: &str, b: &str| match self {
            Self::Exactly => a == b,
            Self::ButForSpace => a.split_ascii_whitespace().eq(b.split_ascii_whitespace()),
        };
        same(bare(&line.text), bare(quoted)) || same(&line.shown, &shown(quoted))
    }
}

/// Every place where a comment on this claim may stand: none if only the summary may tell it, several if the
/// quote stands in places that are equally near.
pub fn places(case: &Case, claim: &Claim) -> Vec<Spot> {
    let Some(file) = named(case, &claim.path) else { return Vec::new() };
    let quote = quoted_lines(&claim.quote);
    if quote.is_empty() {
        return Vec::new();
    }
    let other = if claim.side == Side::New { Side::Old } else { Side::New };
    let views = [View::Of(claim.side), View::Of(other), View::AsInDiff];
    if is_short(&claim.quote) {
        let both = [Equal::Exactly, Equal::ButForSpace];
        let mut hits = both.into_iter().flat_map(|equal| stands(file, &quote, views[0], equal));
        let hit = hits.find(|hit| number(hit[0], claim.side) == Some(claim.start));
        return hit.and_then(|hit| spot(file, &hit, views[0])).into_iter().collect();
    }
    let claimed = |hit: &Vec<&Line>| number(hit[0], claim.side) == Some(claim.start);
    if let Some(hit) = stands(file, &quote, views[0], Equal::ButForSpace).into_iter().find(claimed) {
        return spot(file, &hit, views[0]).into_iter().collect();
    }
    for equal in [Equal::Exactly, Equal::ButForSpace] {
        for view in views {
            let hits = stands(file, &quote, view, equal);
            let far = |hit: &Vec<&Line>| distance(hit[0], claim, view);
            if let Some(least) = hits.iter().map(far).min() {
                return spots(file, hits.iter().filter(|hit| far(hit) == least), view);
            }
        }
    }
    let parts = over_a_gap(file, &quote, claim);
    if parts.is_empty() { almost(file, &quote, claim).into_iter().collect() } else { parts }
}

/// The one place within 30 lines of which at most 15 characters in 100 are otherwise than quoted, if every
/// other place in the file takes twice as many edits.
fn almost(file: &File, quote: &[&str], claim: &Claim) -> Option<Spot> {
    let spaced = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let quote: Vec<String> = quote.iter().map(|line| spaced(line)).collect();
    // Each place with the edits it takes, whether these are few enough, and whether it is near.
    let mut places: BTreeMap<Spot, (usize, bool, bool)> = BTreeMap::new();
    for view in [Side::New, Side::Old].map(View::Of) {
        for hunk in hunks(file, view) {
            for hit in hunk.windows(quote.len()) {
                let pairs = || hit.iter().map(|line| spaced(&line.shown)).zip(&quote);
                let longest: usize = pairs().map(|(a, b)| a.chars().count().max(b.chars().count())).sum();
                let apart: usize = pairs().map(|(a, b)| a.chars().count().abs_diff(b.chars().count())).sum();
                // Twice the edits that are few enough is all that matters.
                if 100 * apart > 30 * longest {
                    continue;
                }
                let takes: usize = pairs().map(|(a, b)| edits(&a, b)).sum();
                let near = distance(hit[0], claim, view) <= 30;
                let spot = spot(file, hit, view)?;
                let place = places.entry(spot).or_insert((takes, 100 * takes <= 15 * longest, near));
                place.2 |= near;
            }
        }
    }
    let near = places.iter().filter(|(_, (_, few, near))| *few && *near);
    let (best, (least, ..)) = near.min_by_key(|(_, (takes, ..))| *takes)?;
    let alone = places.iter().all(|(other, (takes, ..))| other == best || *takes >= 2 * least);
    alone.then(|| best.clone())
}

/// The file that a path names, also with what git and models like to put before it.
fn named<'a>(case: &'a Case, path: &str) -> Option<&'a File> {
    let find = |path: &str| {
        let new = case.files.iter().find(|file| file.path == path);
        new.or_else(|| case.files.iter().find(|file| file.old_path == path))
    };
    let strip = |prefix| path.strip_prefix(prefix).and_then(find);
    find(path).or_else(|| strip("./")).or_else(|| strip("a/")).or_else(|| strip("b/"))
}

/// The lines of a quote, blank ones at its ends left out.
fn quoted_lines(quote: &str) -> Vec<&str> {
    let lines: Vec<&str> = quote.split('\n').collect();
    let full = |line: &str| !bare(line).trim().is_empty();
    match (lines.iter().position(|line| full(line)), lines.iter().rposition(|line| full(line))) {
        (Some(first), Some(last)) => lines[first..=last].to_vec(),
        _ => Vec::new(),
    }
}

pub fn is_short(quote: &str) -> bool {
    quote.chars().filter(|c| c.is_alphanumeric() || *c == '_').count() < 6
}

fn number(line: &Line, side: Side) -> Option<u32> {
    if side == Side::Old { line.old } else { line.new }
}

/// The hunks of a file as one view shows them.
fn hunks(file: &File, view: View) -> Vec<Vec<&Line>> {
    let hunks = file.lines.chunk_by(|a, b| a.hunk == b.hunk);
    hunks.map(|hunk| hunk.iter().filter(|line| view.shows(line)).collect()).collect()
}

/// Every place where these lines follow one another in one hunk.
fn stands<'a>(file: &'a File, quote: &[&str], view: View, equal: Equal) -> Vec<Vec<&'a Line>> {
    let matches =
        |window: &&[&Line]| window.iter().zip(quote).all(|(line, quoted)| equal.holds(line, quoted));
    let mut hits = Vec::new();
    for hunk in hunks(file, view) {
        hits.extend(hunk.windows(quote.len()).filter(matches).map(<[&Line]>::to_vec));
    }
    hits
}

/// How far a place starts from the claimed line. A context line on the old side counts by either of its
/// numbers, because a reviewer sees it with its new one.
fn distance(first: &Line, claim: &Claim, view: View) -> u32 {
    let far = |number: Option<u32>| number.map(|number| number.abs_diff(claim.start));
    let (old, new) = (far(first.old), far(first.new));
    let known = match view {
        View::Of(Side::New) => new,
        View::Of(Side::Old) => old.into_iter().chain(new).min(),
        View::AsInDiff if claim.side == Side::New => new.or(old),
        View::AsInDiff => old.or(new),
    };
    known.unwrap()
}

/// The lines that take the comment: on the old side only deleted ones do, and no line is covered that was
/// not quoted.
fn spot(file: &File, hit: &[&Line], view: View) -> Option<Spot> {
    let old = || {
        let from_first = hit.iter().skip_while(|line| !line.is_deleted());
        run(Side::Old, from_first.take_while(|line| line.is_deleted()).map(|line| line.old.unwrap()))
    };
    let new = || run(Side::New, hit.iter().filter_map(|line| line.new));
    let (side, start, end) =
        if view == View::Of(Side::Old) { old().or_else(new) } else { new().or_else(old) }?;
    Some(Spot { path: file.path.clone(), side, start, end })
}

/// From the first number as far as they follow one another.
fn run(side: Side, numbers: impl Iterator<Item = u32>) -> Option<(Side, u32, u32)> {
    let mut found: Option<(u32, u32)> = None;
    for number in numbers {
        found = match found {
            None => Some((number, number)),
            Some((start, end)) if number == end + 1 => Some((start, number)),
            Some(_) => break,
        };
    }
    found.map(|(start, end)| (side, start, end))
}

fn spots<'a>(file: &File, hits: impl Iterator<Item = &'a Vec<&'a Line>>, view: View) -> Vec<Spot> {
    let mut spots: Vec<Spot> = hits.filter_map(|hit| spot(file, hit, view)).collect();
    spots.sort();
    spots.dedup();
    spots
}

/// A quote that is the end of one hunk and the start of a later one: a comment cannot span both, so the part
/// nearer to the claimed line takes it.
fn over_a_gap(file: &File, quote: &[&str], claim: &Claim) -> Vec<Spot> {
    for side in [claim.side, if claim.side == Side::New { Side::Old } else { Side::New }] {
        let view = View::Of(side);
        let hunks = hunks(file, view);
        let all = |lines: &[&Line], quote: &[&str]| {
            lines.len() == quote.len()
                && lines.iter().zip(quote).all(|(line, q)| Equal::Exactly.holds(line, q))
        };
        let mut parts: Vec<Vec<&Line>> = Vec::new();
        for (head, tail) in (1..quote.len()).map(|length| quote.split_at(length)) {
            for (at, hunk) in hunks.iter().enumerate() {
                let end = &hunk[hunk.len().saturating_sub(head.len())..];
                let starts = |later: &&Vec<&Line>| all(&later[..tail.len().min(later.len())], tail);
                if let (true, Some(later)) = (all(end, head), hunks[at + 1..].iter().find(starts)) {
                    parts.push(end.to_vec());
                    parts.push(later[..tail.len()].to_vec());
                }
            }
        }
        let far = |part: &Vec<&Line>| {
            let (first, last) = (number(part[0], side).unwrap(), number(part[part.len() - 1], side).unwrap());
            claim.start.abs_diff(claim.start.clamp(first, last))
        };
        if let Some(least) = parts.iter().map(far).min() {
            return spots(file, parts.iter().filter(|part| far(part) == least), view);
        }
    }
    Vec::new()
}
