//! One file of the reviewed commit, read as far as excerpts need it.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use globset::GlobSet;

use super::mention::Mention;
use super::words::is_part;
use crate::domain::context::blocks::{Blocks, says_nothing};
use crate::domain::diff::visible;
use crate::domain::redact::{self, Secrets};
use crate::domain::triage::{self, Risk};

/// A line is shown up to this many bytes, and not searched behind them.
const LONG: usize = 300;

/// Enclosing blocks among which the function is looked for.
const HEADS: usize = 16;

/// Lines that are shown of a function; of a longer one its head, its end and what stands around the claim.
const FUNCTION: usize = 120;

/// Lines around the claim that are shown before the end of its function is, and where it stands in no function.
const NEAR: usize = 40;

/// Lines of a function's end.
const TAIL: usize = 8;

/// Lines that are shown of a definition, comments above it included.
const DEFINITION: usize = 25;

/// Lines of comments and attributes above a definition.
const ABOVE: usize = 8;

/// Where a function begins at most so many lines above a use, all of them are shown: guards stand there.
const CLOSE: usize = 8;

/// Mentions of one name in one file that are looked at.
const MENTIONS: usize = 50;

/// A file by its lines, counted from 0.
pub(super) struct Source<'a> {
    pub(super) path: &'a str,
    /// Whether it is a test or prose, which is shown last.
    pub(super) late: bool,
    lines: &'a [&'a [u8]],
    secrets: &'a Secrets,
    blocks: OnceCell<Blocks<'a>>,
    clean: OnceCell<redact::Whole<'a>>,
}

impl<'a> Source<'a> {
    pub(super) fn new(path: &'a str, lines: &'a [&'a [u8]], secrets: &'a Secrets) -> Self {
        let late = triage::risk(path, &GlobSet::empty()) >= Risk::Test;
        Self { path, late, lines, secrets, blocks: OnceCell::new(), clean: OnceCell::new() }
    }

    /// A line as models may see it.
    pub(super) fn shown(&self, at: usize) -> Option<String> {
        let clean = self.clean.get_or_init(|| redact::Whole::of(self.path, self.lines, self.secrets));
        let line = clean.line(at)?;
        let mut shown = visible(&line).into_owned();
        if shown.len() > LONG {
            shown.truncate(shown.floor_char_boundary(LONG));
            shown.push_str(" …");
        }
        Some(shown)
    }

    /// Where these names stand, and what is done with them there.
    pub(super) fn mentions<'w>(&self, words: &BTreeSet<&'w str>) -> BTreeMap<&'w str, Vec<(usize, Mention)>> {
        let mut found: BTreeMap<&str, Vec<(usize, Mention)>> = BTreeMap::new();
        for (at, line) in self.lines.iter().enumerate() {
            let line = String::from_utf8_lossy(line.get(..LONG).unwrap_or(line));
            let mut rest = &*line;
            while let Some(start) = rest.find(is_part) {
                let name = rest.get(start..).unwrap_or_default();
                let length = name.find(|c| !is_part(c)).unwrap_or(name.len());
                let (name, after) = name.split_at_checked(length).unwrap_or((name, ""));
                rest = after;
                let Some(word) = words.get(name) else { continue };
                let mentions = found.entry(word).or_default();
                let told = mentions.last().is_some_and(|(last, _)| *last == at);
                if told || mentions.len() == MENTIONS {
                    continue;
                }
                let start = line.len() - after.len() - length;
                let mention = match Mention::of(&line, start, length) {
                    Some(Mention::Head) if self.blocks().defines(at) => Some(Mention::Definition),
                    Some(Mention::Head) => Some(Mention::Call),
                    other => other,
                };
                mentions.extend(mention.map(|mention| (at, mention)));
            }
        }
        found
    }

    /// The first line of the function around these lines, or of the block of data; absent where they stand in none.
    pub(super) fn home(&self, start: usize) -> Option<usize> {
        let code = self.lines.get(start)?;
        let itself = Some(start).filter(|at| self.blocks().opens(*at));
        let around = self.blocks().around(code, start);
        self.blocks().home(itself.into_iter().chain(around).take(HEADS))
    }

    /// The lines to show of the function that begins at `home`, those that matter to the lines from `start` to `end`
    /// first; around these lines where there is no function.
    pub(super) fn function(&self, home: Option<usize>, start: usize, end: usize) -> Vec<usize> {
        let last_line = self.lines.len().saturating_sub(1);
        let (first, last, signature) = match home {
            Some(home) => {
                (self.documented(home), self.blocks().end(home), home..self.blocks().signature_end(home) + 1)
            }
            None => (start.saturating_sub(NEAR / 2), (end + NEAR / 2).min(last_line), 0..0),
        };
        let claimed = start..=end.min(last);
        let below = (end + 1).max(first)..=last;
        let above = (first..start).rev();
        let mut near = claimed.chain(alternating(above, below));
        let closest: Vec<usize> = near.by_ref().take(NEAR).collect();
        let tail = (last + 1).saturating_sub(TAIL).max(first)..=last;
        let mut told = BTreeSet::new();
        let lines = signature.chain(closest).chain(tail).chain(near);
        lines.filter(|at| told.insert(*at)).take(FUNCTION).collect()
    }

    /// The lines to show of what is defined at `at`, the definition before what stands above it.
    pub(super) fn definition(&self, at: usize) -> Vec<usize> {
        let body = at..=self.blocks().end(at);
        body.chain((self.documented(at)..at).rev()).take(DEFINITION).collect()
    }

    /// The lines to show where a name is used: two on each side, and the head of the function around, with what
    /// stands between where that is little.
    pub(super) fn usage(&self, at: usize) -> Vec<usize> {
        let head = self.home(at).filter(|home| *home < at);
        let between = head.filter(|head| at - head <= CLOSE).map_or(at..at, |head| head..at);
        let below = (at + 1..self.lines.len()).take(2);
        let beside = alternating((0..at).rev().take(2), below);
        [Some(at), head].into_iter().flatten().chain(beside).chain(between.rev()).collect()
    }

    /// The first line of the comments and attributes right above a line, or the line itself.
    fn documented(&self, at: usize) -> usize {
        let says = |at: &usize| {
            let code = self.lines.get(*at).map_or(&b""[..], |line| line.trim_ascii());
            !code.is_empty() && (says_nothing(code) || code.starts_with(b"@"))
        };
        (at.saturating_sub(ABOVE)..at).rev().take_while(says).last().unwrap_or(at)
    }

    fn blocks(&self) -> &Blocks<'a> {
        self.blocks.get_or_init(|| Blocks::of(self.lines))
    }
}

/// One of these, one of those, and what is left of either.
fn alternating(
    these: impl Iterator<Item = usize>,
    those: impl Iterator<Item = usize>,
) -> impl Iterator<Item = usize> {
    let (mut these, mut those) = (these.fuse(), those.fuse());
    std::iter::from_fn(move || Some([these.next(), those.next()]))
        .take_while(|pair| pair.iter().any(Option::is_some))
        .flatten()
        .flatten()
}
