//! What a lane quoted, line by line, and how it compares with a line of the diff.

use super::super::gutter::{SHOWN_CHARS, bare, may_be_altered, strip_gutter, visible, without_cut};
use super::super::{Line, LineKind, Surrounding};

/// A quote with fewer word characters is no proof away from the claimed line.
const WORD_CHARS: usize = 6;

/// Quotes are a few lines; one that is longer than this is no quote, and comparing it would be slow.
const MOST_LINES: usize = 60;

/// How a quote was copied.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Code alone, as asked for.
    AsIs,
    /// With the numbers that stood before it.
    WithGutter,
    /// With the signs of a diff.
    WithSigns,
}

/// The lines of a quote, blank ones at its ends left out.
pub(super) struct Quote<'a> {
    pub(super) lines: Vec<QuoteLine<'a>>,
    /// Too few word characters to prove anything by itself.
    pub(super) short: bool,
    /// Signs say nothing about white space: with them only exact lines count.
    signed: bool,
}

pub(super) struct QuoteLine<'a> {
    pub(super) text: &'a str,
    /// What the line must be, when its sign was copied.
    kind: Option<LineKind>,
    /// Whether it may show something else than the file's bytes.
    altered: bool,
}

impl<'a> Quote<'a> {
    /// `None` if the quote cannot be read so, or is too long to be one.
    pub(super) fn read(quote: &'a str, reading: Reading) -> Option<Self> {
        let mut lines = Vec::new();
        for line in quote.split('\n').take(MOST_LINES + 3) {
            let line = line.strip_suffix('\r').unwrap_or(line);
            let (text, kind) = match reading {
                Reading::AsIs => (line, None),
                Reading::WithGutter if line.trim().is_empty() => (line, None),
                Reading::WithGutter => (strip_gutter(line)?, None),
                Reading::WithSigns => signed(line)?,
            };
            let text = text.strip_prefix('\u{feff}').unwrap_or(text);
            lines.push(QuoteLine { text, kind, altered: may_be_altered(text) });
        }
        let blank = |line: &QuoteLine<'_>| line.text.trim().is_empty();
        let last = lines.iter().rposition(|line| !blank(line))?;
        lines.truncate(last + 1);
        let first = lines.iter().position(|line| !blank(line))?;
        lines.drain(..first);
        if lines.len() > MOST_LINES {
            return None;
        }
        let short = is_short(&lines);
        Some(Self { lines, short, signed: reading == Reading::WithSigns })
    }

    /// Whether its first line stands around a hunk, under this number.
    pub(super) fn begins(&self, around: &[Surrounding], number: u32) -> bool {
        let mut there = around.iter().flat_map(|part| &part.lines).filter(|(at, _)| *at == number);
        self.lines.first().is_some_and(|line| there.any(|(_, text)| line.is_shown_as(text)))
    }

    /// Takes off the lines at its ends that stand around hunks, and says whether there were any.
    pub(super) fn leave(&mut self, around: &[Surrounding]) -> bool {
        let stands_there = |line: &QuoteLine<'_>| {
            let mut shown = around.iter().flat_map(|part| &part.lines);
            shown.any(|(_, text)| line.is_shown_as(text))
        };
        let before = self.lines.len();
        let first = self.lines.iter().position(|line| !stands_there(line)).unwrap_or(before);
        self.lines.drain(..first);
        let kept = self.lines.iter().rposition(|line| !stands_there(line)).map_or(0, |last| last + 1);
        self.lines.truncate(kept);
        self.short = is_short(&self.lines);
        kept < before
    }

    /// How well a line of it and a line of the diff are the same.
    pub(super) fn fit(&self, quoted: &QuoteLine<'_>, line: &Line) -> Option<Fit> {
        quoted.fit(line).filter(|fit| !self.signed || *fit == Fit::Exact)
    }
}

fn is_short(lines: &[QuoteLine<'_>]) -> bool {
    let word = |c: &char| c.is_alphanumeric() || *c == '_';
    lines.iter().flat_map(|line| line.text.chars()).filter(word).take(WORD_CHARS).count() < WORD_CHARS
}

/// Takes the sign of a diff off a line.
fn signed(line: &str) -> Option<(&str, Option<LineKind>)> {
    let signs = [('+', LineKind::Added), ('-', LineKind::Deleted), (' ', LineKind::Context)];
    signs
        .into_iter()
        .find_map(|(sign, kind)| Some((line.strip_prefix(sign)?, Some(kind))))
        .or_else(|| line.is_empty().then_some((line, None)))
}

/// How well two lines are the same, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// Byte for byte.
    Exact,
    /// But for white space.
    Whitespace,
}

impl QuoteLine<'_> {
    fn is_shown_as(&self, text: &[u8]) -> bool {
        fit(visible(text).as_bytes(), self.text.as_bytes()).is_some()
    }

    fn fit(&self, line: &Line) -> Option<Fit> {
        if self.kind.is_some_and(|kind| kind != line.kind) {
            return None;
        }
        let text = bare(&line.text);
        let as_it_stands = fit(text, self.text.as_bytes());
        // Half of what is shown, because the quote may be trimmed.
        let cut = text.len() > SHOWN_CHARS && self.text.len() > SHOWN_CHARS / 2;
        if as_it_stands == Some(Fit::Exact) || !(self.altered || cut) {
            return as_it_stands;
        }
        // The lane saw this line otherwise than it stands in the file.
        let shown = visible(text);
        let as_shown = self.meant().into_iter().flat_map(|quoted| {
            [(&*shown, quoted), (without_cut(&shown), without_cut(quoted))]
                .map(|(shown, quoted)| fit(shown.as_bytes(), quoted.as_bytes()))
        });
        as_shown.chain([as_it_stands]).flatten().min()
    }

    /// The text, and what it is without the picture that a carriage return at its end is shown as.
    fn meant(&self) -> [&str; 2] {
        [self.text, self.text.strip_suffix('␍').unwrap_or(self.text)]
    }

    /// Every text of which one must be a [`readings`] of a line for the two to be the same.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.meant().into_iter().flat_map(|quoted| [quoted, without_cut(quoted)])
    }
}

/// What a line of the diff can be quoted as: as it stands, and as lanes see it where that differs.
pub(super) fn readings(line: &Line, mut tell: impl FnMut(&[u8])) {
    let text = bare(&line.text);
    tell(text);
    let shown = visible(text);
    if shown.as_bytes() != text {
        tell(shown.as_bytes());
        tell(without_cut(&shown).as_bytes());
    }
}

fn fit(text: &[u8], quote: &[u8]) -> Option<Fit> {
    if text == quote {
        Some(Fit::Exact)
    } else {
        normalised(text).eq(normalised(quote)).then_some(Fit::Whitespace)
    }
}

/// The bytes without white space at the ends, and with one space for every run of it inside.
pub(super) fn normalised(text: &[u8]) -> impl Iterator<Item = u8> {
    let mut in_space = false;
    text.trim_ascii().iter().filter_map(move |byte| {
        let space = byte.is_ascii_whitespace();
        let repeated = space && in_space;
        in_space = space;
        (!repeated).then_some(if space { b' ' } else { *byte })
    })
}
