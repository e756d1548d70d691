//! Which suggested fixes are offered as a block that GitHub applies at a click: those that cannot break the file.

use super::safe;
use crate::domain::diff::{Diff, Line};
use crate::domain::finding::{Anchor, Finding, Resolution, Side};
use crate::domain::review::anchored_lines;

/// Nobody reads a longer fix in a comment, and one that was cut when the answer was read is longer.
const MOST_CHARS: usize = 4_000;

/// Why a fix is shown as a plain diff instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// None was suggested, or what stands there already.
    NoChange,
    /// Its lines are deleted ones.
    OldSide,
    /// The anchored lines are not, byte for byte, all that was quoted.
    NotAsQuoted,
    /// A secret stands in the lines or the fix, of which only a placeholder is known.
    Secret,
    /// The file has carriage returns, or ends in these lines without a line end: neither would surely be kept.
    LineEnds,
    /// It repeats the lines before or behind, which would then stand there twice.
    RepeatsContext,
    /// It is too long, or holds what a comment cannot show as it is.
    NotShowable,
}

/// The replacement text of a finding without line ends behind it.
#[must_use]
pub fn replacement(finding: &Finding) -> Option<&str> {
    let text = finding.suggestion.as_deref()?.trim_end_matches(['\n', '\r']);
    (!text.trim().is_empty() && text.trim() != finding.quote.trim()).then_some(text)
}

/// The block to be applied to the anchored lines, if that changes them to what the lane meant and nothing else.
///
/// # Errors
/// The first rule that the fix does not keep.
pub fn block(finding: &Finding, anchor: &Anchor, diff: &Diff) -> Result<String, Unfit> {
    let text = replacement(finding).ok_or(Unfit::NoChange)?;
    if anchor.side != Side::New {
        return Err(Unfit::OldSide);
    }
    if !matches!(anchor.how, Resolution::Exact | Resolution::Moved) {
        return Err(Unfit::NotAsQuoted);
    }
    let file = diff.file(&anchor.path).ok_or(Unfit::NotAsQuoted)?;
    let lines: Vec<&Line> = anchored_lines(file, anchor).collect();
    if lines.iter().any(|line| line.redacted) || text.contains("[redacted: ") {
        return Err(Unfit::Secret);
    }
    let mut new = file.lines().filter(|line| line.new.is_some());
    if new.any(|line| line.text.contains(&b'\r')) || lines.iter().any(|line| line.no_newline) {
        return Err(Unfit::LineEnds);
    }
    let there: Vec<&[u8]> = lines.iter().map(|line| &*line.text).collect();
    if !finding.quote.trim_matches('\n').split('\n').map(str::as_bytes).eq(there.iter().copied()) {
        return Err(Unfit::NotAsQuoted);
    }
    let fix: Vec<&[u8]> = text.split('\n').map(str::as_bytes).collect();
    if fix == there {
        return Err(Unfit::NoChange);
    }
    let hunk = file.hunks.iter().find(|hunk| hunk.lines.iter().any(|line| line.new == Some(anchor.start)));
    let around = hunk.into_iter().flat_map(|hunk| &hunk.lines);
    let around: Vec<(u32, &[u8])> = around.filter_map(|line| Some((line.new?, &*line.text))).collect();
    let first = around.partition_point(|(number, _)| *number < anchor.start);
    let behind = around.partition_point(|(number, _)| *number <= anchor.end);
    let before: Vec<&[u8]> = around.iter().take(first).map(|(_, text)| *text).collect();
    let behind: Vec<&[u8]> = around.iter().skip(behind).map(|(_, text)| *text).collect();
    if repeats(&fix, &there, &before, &behind) {
        return Err(Unfit::RepeatsContext);
    }
    if text.chars().count() > MOST_CHARS || text.contains(|c: char| c.is_control() && c != '\n' && c != '\t')
    {
        return Err(Unfit::NotShowable);
    }
    safe::suggestion(text).ok_or(Unfit::NotShowable)
}

/// Whether a fix begins with the lines before its range or ends in those behind it, and what it replaces does not.
fn repeats(fix: &[&[u8]], there: &[&[u8]], before: &[&[u8]], behind: &[&[u8]]) -> bool {
    let full = |lines: &[&[u8]]| lines.iter().any(|line| !line.trim_ascii().is_empty());
    let begins = |text: &[&[u8]], with: &[&[u8]]| text.len() >= with.len() && alike(text.iter(), with.iter());
    let ends = |text: &[&[u8]], with: &[&[u8]]| {
        text.len() >= with.len() && alike(text.iter().rev(), with.iter().rev())
    };
    (1..=fix.len()).any(|count| {
        let last = before.len().checked_sub(count).and_then(|from| before.get(from..));
        let next = behind.get(..count);
        last.is_some_and(|last| full(last) && begins(fix, last) && !begins(there, last))
            || next.is_some_and(|next| full(next) && ends(fix, next) && !ends(there, next))
    })
}

/// Whether lines are the same, those with words in them also if they are indented otherwise: several closing
/// braces in a row are usual, and only their indentation tells them apart.
fn alike<'a>(a: impl Iterator<Item = &'a &'a [u8]>, b: impl Iterator<Item = &'a &'a [u8]>) -> bool {
    let words = |line: &[u8]| line.iter().any(u8::is_ascii_alphanumeric);
    a.zip(b).all(|(a, b)| a == b || (words(a) && a.trim_ascii() == b.trim_ascii()))
}
