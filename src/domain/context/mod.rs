//! What stands around a hunk in the new version of its file: the heads of the blocks that enclose the change,
//! and the nearest lines of its function. Hunks alone are often not enough to judge, and more than a little
//! makes reviews worse, so this is lean: whole files are never shown.

pub(in crate::domain) mod blocks;

use std::collections::BTreeMap;

use bytes::Bytes;

use self::blocks::{Blocks, says_nothing};
use crate::domain::diff::{Around, Beside, FileDiff, Hunk, LineKind, Status, Surrounding, bare, cost};
use crate::domain::redact::{self, Secrets};

/// Lines of the function that are shown after a hunk; before it, where its values come from, twice as many.
const NEAR: usize = 10;

/// Enclosing blocks whose heads are shown.
const HEADS: usize = 8;

/// A line of more bytes than this explains nothing: it is data, or the whole file is on it.
const LONG: usize = 300;

/// Where a diff is tiny, its surroundings may have this many bytes nevertheless.
const LEAST: usize = 4_000;

/// Most bytes of surroundings beside the hunks of one call.
pub const MOST: usize = 40_000;

/// The files at the reviewed commit, as far as they could be had.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    /// Path to content; secrets and hidden characters are in it still.
    pub files: BTreeMap<String, Bytes>,
    /// Why some are missing, as sentences for the log and the record.
    pub problems: Vec<String>,
}

/// Whether anything can stand around a file's hunks: not where all of it is new or gone.
#[must_use]
pub fn is_wanted(file: &FileDiff) -> bool {
    matches!(file.status, Status::Modified | Status::Renamed | Status::Copied)
        && file.exact_path
        && !file.hunks.is_empty()
}

/// What stands around the hunks of these files, by path, each served by its part in the diff. All of it takes
/// at most half the bytes of the hunks, or 4 kB where these are few.
#[must_use]
pub fn of_files(files: &[&FileDiff], texts: &Texts, secrets: &Secrets) -> Around {
    let size = |file: &FileDiff| file.lines().map(|line| cost(&line.text)).sum::<usize>();
    let files = || files.iter().filter_map(|file| Some((*file, texts.files.get(&file.path)?)));
    let mut remaining = files().map(|(file, _)| size(file)).sum::<usize>();
    let mut left = (remaining / 2).max(LEAST);
    let mut found = BTreeMap::new();
    for (file, text) in files() {
        let part = left.saturating_mul(size(file)) / remaining.max(1);
        remaining -= size(file);
        let surroundings = around(file, text, secrets, part.min(MOST));
        left -= surroundings.iter().map(Surrounding::cost).sum::<usize>().min(left);
        if !surroundings.is_empty() {
            found.insert(file.path.clone(), surroundings);
        }
    }
    found
}

/// What stands around the hunks of a file, of which `text` is the new version, in at most `budget` bytes.
///
/// Nothing if the text is not the version that the hunks were made from, or all that matters is in them. No
/// line of a hunk, and none twice: of two hunks in one function, the first has what stands above both.
#[must_use]
pub fn around(file: &FileDiff, text: &[u8], secrets: &Secrets, budget: usize) -> Vec<Surrounding> {
    let whole = text.strip_suffix(b"\n").unwrap_or(text);
    let lines: Vec<&[u8]> = whole.split(|byte| *byte == b'\n').map(bare).collect();
    if !is_wanted(file) || !is_made_from(file, &lines) {
        return Vec::new();
    }
    let blocks = Blocks::of(&lines);
    let clean = redact::Whole::new(file, &lines, secrets);
    let mut found = Vec::new();
    let mut left = budget;
    // Up to here everything is in a hunk, shown or passed over.
    let mut done = 0;
    let mut hunks = file.hunks.iter().enumerate().peekable();
    while let Some((index, hunk)) = hunks.next() {
        let (start, end) = extent(hunk);
        let next = hunks.peek().map_or(lines.len(), |(_, next)| extent(next).0);
        let share = left / (file.hunks.len() - index);
        let mut spare = share;
        let mut chosen: BTreeMap<usize, Bytes> = BTreeMap::new();
        for at in worth_showing(&blocks, hunk) {
            let outside = (done..start).contains(&at) || (end..next).contains(&at);
            let short = lines.get(at).is_some_and(|line| line.len() <= LONG);
            if !outside || !short || chosen.contains_key(&at) {
                continue;
            }
            let Some(text) = clean.line(at) else { continue };
            let Some(rest) = spare.checked_sub(cost(&text)) else { break };
            spare = rest;
            chosen.insert(at, text.into());
        }
        let after = chosen.split_off(&start);
        done = after.last_key_value().map_or(end, |(last, _)| last + 1);
        left -= share - spare;
        for (beside, lines) in [(Beside::Before, chosen), (Beside::After, after)] {
            let lines = without_blank_ends(lines);
            if !lines.is_empty() {
                found.push(Surrounding { hunk: index, beside, lines });
            }
        }
    }
    found
}

/// The lines of the new version that a hunk covers, counted from 0, the end not included.
fn extent(hunk: &Hunk) -> (usize, usize) {
    let number = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    // For an empty side git names the line before it.
    let start = number(if hunk.new_len == 0 { hunk.new_start } else { hunk.new_start.saturating_sub(1) });
    (start, start.saturating_add(number(hunk.new_len)))
}

/// Whether the hunks were made from this text. Replaced secrets are taken on trust.
fn is_made_from(file: &FileDiff, text: &[&[u8]]) -> bool {
    let stands = |hunk: &Hunk| {
        let new = hunk.lines.iter().filter(|line| line.new.is_some());
        let (start, end) = extent(hunk);
        let text = text.get(start..end).unwrap_or_default();
        new.clone().count() == text.len()
            && new.zip(text).all(|(line, text)| line.redacted || bare(&line.text) == *text)
    };
    file.hunks.iter().all(stands) && file.hunks.is_sorted_by(|one, next| extent(one).1 <= extent(next).0)
}

/// A changed line and the place in the new version where it stands, or stood.
struct Changed<'a> {
    code: &'a [u8],
    at: usize,
    added: bool,
}

fn changed(hunk: &Hunk) -> impl DoubleEndedIterator<Item = Changed<'_>> {
    let mut next = extent(hunk).0;
    let places = hunk.lines.iter().map(|line| {
        let at = next;
        next += usize::from(line.new.is_some());
        (line, at)
    });
    let places: Vec<_> = places.filter(|(line, _)| line.kind != LineKind::Context).collect();
    places.into_iter().map(|(line, at)| Changed {
        code: bare(&line.text),
        at,
        added: line.kind == LineKind::Added,
    })
}

/// The lines that help to understand a hunk, the most helpful first; some stand in hunks, some twice.
fn worth_showing(blocks: &Blocks<'_>, hunk: &Hunk) -> Vec<usize> {
    let speaks = |line: &Changed<'_>| !says_nothing(line.code.trim_ascii());
    let (first, last) = (changed(hunk).find(speaks), changed(hunk).rfind(speaks));
    let (Some(first), Some(last)) = (first, last) else { return Vec::new() };
    let (start, end) = extent(hunk);
    let mut wanted = Vec::new();

    let heads: Vec<usize> = blocks.around(first.code, first.at).take(HEADS).collect();
    let home = blocks.home(heads.iter().copied());
    for head in &heads {
        let signature = if home == Some(*head) { blocks.signature_end(*head) } else { *head };
        wanted.extend(*head..=signature);
    }
    let mut above = home.map_or(0..0, |home| home + 1..start).rev();

    let itself = Some(last.at).filter(|at| last.added && blocks.opens(*at));
    let home = blocks.home(itself.into_iter().chain(blocks.around(last.code, last.at)).take(HEADS));
    let rest = last.at + usize::from(last.added)..end + NEAR;
    let rest = rest.take_while(|at| home.is_some_and(|home| blocks.goes_on(home, *at)));
    let mut below = rest.skip_while(|at| *at < end);
    for _ in 0..NEAR {
        wanted.extend(above.by_ref().take(2));
        wanted.extend(below.next());
    }
    wanted
}

fn without_blank_ends(lines: BTreeMap<usize, Bytes>) -> Vec<(u32, Bytes)> {
    let number = |at: usize| u32::try_from(at + 1).unwrap_or(u32::MAX);
    let mut lines: Vec<_> = lines.into_iter().map(|(at, text)| (number(at), text)).collect();
    let says = |(_, text): &(u32, Bytes)| !text.trim_ascii().is_empty();
    lines.truncate(lines.iter().rposition(says).map_or(0, |last| last + 1));
    let first = lines.iter().position(says).unwrap_or(0);
    lines.split_off(first)
}

#[cfg(test)]
mod tests;
