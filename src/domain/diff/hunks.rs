//! The lines of a diff, and the hunks they make: counts decide where a hunk ends, never looks.

use bytes::Bytes;

use super::{Hunk, Line, LineKind};

/// A cursor over the lines of a diff that gives out slices of the bytes it reads.
pub(super) struct Lines<'a> {
    raw: &'a Bytes,
    /// The current line without its line end; `None` behind the last.
    pub(super) line: Option<&'a [u8]>,
    /// Its number, from 1.
    pub(super) number: usize,
    /// Where it starts.
    pub(super) start: usize,
    end: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(raw: &'a Bytes) -> Self {
        let mut lines = Self { raw, line: None, number: 0, start: 0, end: 0 };
        lines.advance();
        lines
    }

    pub(super) fn advance(&mut self) {
        self.start = self.end;
        self.number += 1;
        let rest = self.raw.get(self.start..).unwrap_or_default();
        if let Some(length) = rest.iter().position(|byte| *byte == b'\n') {
            self.line = rest.get(..length);
            self.end = self.start + length + 1;
        } else {
            self.line = Some(rest).filter(|rest| !rest.is_empty());
            self.end = self.raw.len();
        }
    }

    /// Part of a line, without copying it.
    pub(super) fn keep(&self, part: &[u8]) -> Bytes {
        self.raw.slice_ref(part)
    }

    /// All from an earlier line to the one before the current.
    pub(super) fn since(&self, start: usize) -> Bytes {
        self.raw.slice(start..self.start)
    }
}

/// What is wrong with hunks that are not `in_order`.
pub(super) const OUT_OF_ORDER: &str = "its hunks overlap or are out of order";

/// Whether hunks follow each other on both sides, so that a line number names one line.
pub(super) fn in_order(hunks: &[Hunk]) -> bool {
    // A hunk without lines on one side stands behind the line it names there.
    let range = |start: u32, length: u32| {
        let first = u64::from(start) + u64::from(length == 0);
        (first, first + u64::from(length))
    };
    let mut ends = (0, 0);
    hunks.iter().all(|hunk| {
        let (old, new) = (range(hunk.old_start, hunk.old_len), range(hunk.new_start, hunk.new_len));
        let follows = old.0 >= ends.0 && new.0 >= ends.1;
        ends = (old.1, new.1);
        follows
    })
}

/// Reads hunks as long as one starts at the current line.
pub(super) fn hunks(lines: &mut Lines<'_>) -> Result<Vec<Hunk>, &'static str> {
    let mut hunks = Vec::new();
    while lines.line.is_some_and(|line| line.starts_with(b"@@ ")) {
        hunks.push(hunk(lines)?);
    }
    Ok(hunks)
}

/// Reads one hunk. Its header's counts decide where it ends: content can look like anything.
fn hunk(lines: &mut Lines<'_>) -> Result<Hunk, &'static str> {
    let header = lines.line.unwrap_or_default();
    let (old, new) = ranges(header).ok_or("a hunk has no valid line numbers")?;
    let mut hunk = Hunk {
        header: lines.keep(header),
        old_start: old.0,
        old_len: old.1,
        new_start: new.0,
        new_len: new.1,
        lines: Vec::new(),
    };
    let (mut next_old, mut next_new) = (old.0, new.0);
    let end = (old.0 + old.1, new.0 + new.1);
    lines.advance();
    loop {
        let line = lines.line;
        if let Some(marker) = line
            && marker.starts_with(b"\\ ")
        {
            let last = hunk.lines.last_mut().ok_or("a hunk starts with a remark about a line end")?;
            last.no_newline = true;
            lines.advance();
            continue;
        }
        if (next_old, next_new) == end {
            return Ok(hunk);
        }
        let line = line.ok_or("it ends inside a hunk")?;
        // Mailers and `diff.suppressBlankEmpty` drop the space of an empty context line.
        let (sign, text) = line.split_first().unwrap_or((&b' ', line));
        let kind = match sign {
            b' ' => LineKind::Context,
            b'+' => LineKind::Added,
            b'-' => LineKind::Deleted,
            _ => return Err("a hunk is shorter than its header says"),
        };
        let old = (kind != LineKind::Added).then_some(next_old);
        let new = (kind != LineKind::Deleted).then_some(next_new);
        next_old += u32::from(old.is_some());
        next_new += u32::from(new.is_some());
        if next_old > end.0 || next_new > end.1 {
            return Err("a hunk has other lines than its header says");
        }
        let text = lines.keep(text);
        hunk.lines.push(Line { kind, old, new, text, no_newline: false, redacted: false });
        lines.advance();
    }
}

/// Reads `@@ -START[,LENGTH] +START[,LENGTH] @@`.
fn ranges(header: &[u8]) -> Option<((u32, u32), (u32, u32))> {
    let (old, rest) = range(header.strip_prefix(b"@@ -")?)?;
    let (new, rest) = range(rest.strip_prefix(b" +")?)?;
    (rest.starts_with(b" @@") && old.1.checked_add(new.1)? > 0).then_some((old, new))
}

fn range(text: &[u8]) -> Option<((u32, u32), &[u8])> {
    let (start, rest) = number(text)?;
    let (length, rest) = match rest.strip_prefix(b",") {
        Some(rest) => number(rest)?,
        None => (1, rest),
    };
    // Lines count from 1, and one beyond the last must still be a number.
    let fits = start.checked_add(length).is_some_and(|end| end < u32::MAX) && (start > 0 || length == 0);
    fits.then_some(((start, length), rest))
}

fn number(text: &[u8]) -> Option<(u32, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at_checked(digits)?;
    Some((std::str::from_utf8(digits).ok()?.parse().ok()?, rest))
}
