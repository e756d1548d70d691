//! The code that may decide whether a finding holds: the function it stands in, what the names it speaks of stand
//! for, and who uses them. Told without grammars, from what was found in the reviewed commit.

mod mention;
mod source;
#[cfg(test)]
mod tests;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use bytes::Bytes;

use self::mention::Mention;
use self::source::Source;
pub use self::words::words;
use super::Excerpt;
use crate::domain::diff::{self, FileDiff, bare, visible};
use crate::domain::finding::{Raised, Side};
use crate::domain::redact::{self, Secrets};

/// What number and sign of a line take, in bytes, about.
const GUTTER: usize = 8;

/// Definitions that are shown of one name.
const DEFINITIONS: usize = 3;

/// Uses that are shown of one name.
const USES: usize = 5;

/// Uses in one file after which other files come first.
const IN_A_FILE: usize = 2;

/// Why lines are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What<'a> {
    /// The function around a claim, by its first line.
    Function(usize),
    /// What stands around a claim outside of all functions, by the claimed line.
    Place(usize),
    Definition(&'a str),
    Uses(&'a str),
}

impl fmt::Display for What<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Function(at) => write!(f, "the function from line {}", at + 1),
            Self::Place(at) => write!(f, "around line {}", at + 1),
            Self::Definition(name) => write!(f, "definition of {name}"),
            Self::Uses(name) => write!(f, "uses of {name}"),
        }
    }
}

/// What is chosen so far.
struct Chosen<'a> {
    /// The lines that are shown, by path, those of the diff included.
    shown: BTreeMap<&'a str, BTreeSet<usize>>,
    excerpts: BTreeMap<(&'a str, What<'a>), BTreeMap<usize, String>>,
}

/// The code to show with a question about findings, in at most `budget` bytes as [`render`] writes it, about: half
/// for the functions that the claims stand in, half of the rest for what the names they speak of stand for, what is
/// left for who uses these.
///
/// `texts` are files of the reviewed commit. No line twice, and none of the new version of `diff`, which is shown
/// already. Secrets are replaced, hidden characters shown.
#[must_use]
pub fn excerpts(
    findings: &[&Raised],
    texts: &BTreeMap<String, Bytes>,
    diff: &[&FileDiff],
    secrets: &Secrets,
    budget: usize,
) -> Vec<Excerpt> {
    let lines: Vec<(&str, Vec<&[u8]>)> = texts
        .iter()
        .filter(|(_, text)| !text.contains(&0))
        .map(|(path, text)| (path.as_str(), lines(text)))
        .collect();
    let sources: Vec<Source<'_>> =
        lines.iter().map(|(path, lines)| Source::new(path, lines, secrets)).collect();
    let targets: Vec<Target<'_>> = findings.iter().map(|raised| Target::of(raised, &sources, diff)).collect();
    let names: BTreeSet<&str> = targets.iter().flat_map(|target| &target.words).map(String::as_str).collect();
    let mut mentions: BTreeMap<&str, Vec<At<'_>>> = BTreeMap::new();
    for source in &sources {
        for (name, found) in source.mentions(&names) {
            let found = found.into_iter().enumerate();
            let found = found.map(|(nth, (line, mention))| At { source, line, mention, nth });
            mentions.entry(name).or_default().extend(found);
        }
    }
    let changed = |file: &&FileDiff| file.lines().filter_map(|line| Some(index(line.new?))).collect();
    let mut chosen = Chosen {
        shown: diff.iter().map(|file| (file.path.as_str(), changed(file))).collect(),
        excerpts: BTreeMap::new(),
    };
    let mut left = budget;
    let mut told = BTreeSet::new();
    for (step, share) in [(Step::Function, 2), (Step::Definitions, 2), (Step::Uses, 1)] {
        let mut pot = left / share;
        left -= pot;
        for (at, target) in targets.iter().enumerate() {
            let mut room = pot / (targets.len() - at);
            pot -= room;
            match step {
                Step::Function => chosen.function(target, &mut room),
                Step::Definitions | Step::Uses => {
                    for word in &target.words {
                        let mentions = mentions.get(word.as_str()).map_or(&[][..], Vec::as_slice);
                        if told.insert((step, word.as_str())) {
                            chosen.name(step, word, mentions, target.path, &mut room);
                        }
                    }
                }
            }
            pot += room;
        }
        left += pot;
    }
    let mut excerpts = chosen.finish(secrets);
    // Marks of gaps are not counted before it is known where they stand.
    while render(&excerpts).len() > budget && excerpts.pop().is_some() {}
    excerpts
}

/// What is looked for, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Function,
    Definitions,
    Uses,
}

/// A finding as far as code is looked up for it.
struct Target<'a> {
    path: &'a str,
    /// The file it names, and its first and last line there, counted from 0.
    place: Option<(&'a Source<'a>, usize, usize)>,
    words: Vec<String>,
}

impl<'a> Target<'a> {
    fn of(raised: &'a Raised, sources: &'a [Source<'a>], diff: &[&FileDiff]) -> Self {
        let finding = &raised.finding;
        let anchor = raised.placement.anchor();
        let claimed = anchor.map_or(&*finding.path, |anchor| &anchor.path);
        let by_path = |path: &str| sources.iter().find(|source| source.path == path);
        let source = diff::spelled(claimed, by_path, |path| {
            sources
                .iter()
                .filter(|source| diff::ends_with(path, source.path))
                .max_by_key(|source| source.path.len())
        });
        let (side, first, last) = match anchor {
            Some(anchor) => (anchor.side, anchor.start, anchor.end),
            None => (finding.side, finding.line_start, finding.line_end),
        };
        let lines = match side {
            Side::New => Some((index(first), index(last))),
            Side::Old => diff.iter().find(|file| file.path == claimed).and_then(|file| {
                let at = where_it_was(file, first)?;
                Some((at, at))
            }),
        };
        let place =
            source.zip(lines.filter(|_| first > 0)).map(|(source, (first, last))| (source, first, last));
        Self { path: source.map_or(claimed, |source| source.path), place, words: words(finding) }
    }
}

/// Where a name stands.
#[derive(Clone, Copy)]
struct At<'a> {
    source: &'a Source<'a>,
    line: usize,
    mention: Mention,
    /// How many mentions in the file come before.
    nth: usize,
}

impl<'a> Chosen<'a> {
    fn function(&mut self, target: &Target<'a>, room: &mut usize) {
        let Some((source, start, end)) = target.place else { return };
        let home = source.home(start);
        let what = home.map_or(What::Place(start), What::Function);
        self.add(source, what, source.function(home, start, end), room);
    }

    /// Shows where a name is defined, or used, what is nearest to `path` first.
    fn name(&mut self, step: Step, name: &'a str, mentions: &[At<'a>], path: &str, room: &mut usize) {
        let definitions = step == Step::Definitions;
        let mut wanted: Vec<&At<'_>> =
            mentions.iter().filter(|at| (at.mention == Mention::Definition) == definitions).collect();
        wanted.sort_by_cached_key(|at| {
            let spread = if definitions { 0 } else { at.nth / IN_A_FILE };
            (at.mention, at.source.late, spread, distance(path, at.source.path), at.source.path, at.line)
        });
        let mut count = if definitions { DEFINITIONS } else { USES };
        for at in wanted {
            if count == 0 {
                break;
            }
            // Neither what is shown already nor what stands in a secret: whoever guesses at one learns nothing.
            let known =
                !definitions && self.shown.get(at.source.path).is_some_and(|lines| lines.contains(&at.line));
            if known || !at.source.shown(at.line).is_some_and(|line| line.contains(name)) {
                continue;
            }
            let (what, lines) = match definitions {
                true => (What::Definition(name), at.source.definition(at.line)),
                false => (What::Uses(name), at.source.usage(at.line)),
            };
            self.add(at.source, what, lines, room);
            count -= 1;
        }
    }

    /// Shows the lines that are not shown yet, in this order, while there is room.
    fn add(&mut self, source: &Source<'a>, what: What<'a>, lines: Vec<usize>, room: &mut usize) {
        let shown = self.shown.entry(source.path).or_default();
        for at in lines {
            if shown.contains(&at) {
                continue;
            }
            let Some(line) = source.shown(at) else { continue };
            let key = (source.path, what);
            let heading = if self.excerpts.contains_key(&key) {
                0
            } else {
                source.path.len() + what.to_string().len() + GUTTER
            };
            let Some(rest) = room.checked_sub(line.len() + GUTTER + heading) else { break };
            *room = rest;
            shown.insert(at);
            self.excerpts.entry(key).or_default().insert(at, line);
        }
    }

    fn finish(self, secrets: &Secrets) -> Vec<Excerpt> {
        let numbered = |(at, line)| (u32::try_from(at + 1).unwrap_or(u32::MAX), line);
        let excerpts = self.excerpts.into_iter().map(|((path, what), lines)| Excerpt {
            path: secrets.mask(&redact::text(&visible(path.as_bytes()))).into_owned(),
            what: what.to_string(),
            lines: lines.into_iter().map(numbered).collect(),
        });
        let says = |excerpt: &Excerpt| excerpt.lines.iter().any(|(_, line)| !line.trim().is_empty());
        excerpts.filter(says).collect()
    }
}

/// Excerpts as models read them, each line behind its number and with the sign of lines outside the change.
///
/// ```text
/// === src/shop.rs
/// @@ uses of release
///  7 :| fn close() {
///    …
/// 12 :|     release(true);
/// ```
#[must_use]
pub fn render(excerpts: &[Excerpt]) -> String {
    let mut out = String::new();
    for file in excerpts.chunk_by(|one, next| one.path == next.path) {
        let numbers = file.iter().flat_map(|excerpt| &excerpt.lines).map(|(number, _)| *number);
        let width = numbers.max().unwrap_or(0).to_string().len();
        for (at, excerpt) in file.iter().enumerate() {
            // Writing into a string cannot fail.
            if at == 0 {
                let _ = writeln!(out, "=== {}", excerpt.path);
            }
            let _ = writeln!(out, "@@ {}", excerpt.what);
            diff::render_numbered(
                excerpt.lines.iter().map(|(number, line)| (*number, line.as_bytes())),
                width,
                &mut out,
            );
        }
    }
    out
}

/// How far two files are apart: the folders to walk from one to the other; 0 for the same file.
#[must_use]
pub fn distance(one: &str, other: &str) -> usize {
    if one == other {
        return 0;
    }
    let folders = |path: &'_ str| path.split('/').count();
    let common = one.split('/').zip(other.split('/')).take_while(|(one, other)| one == other).count();
    folders(one) + folders(other) - 2 * common - 1
}

/// Where in the new version a deleted line stood, counted from 0.
fn where_it_was(file: &FileDiff, old: u32) -> Option<usize> {
    let hunk = file.hunks.iter().find(|hunk| hunk.lines.iter().any(|line| line.old == Some(old)))?;
    let mut next = index(hunk.new_start);
    for line in &hunk.lines {
        if line.old == Some(old) {
            return Some(next);
        }
        next += usize::from(line.new.is_some());
    }
    None
}

fn index(number: u32) -> usize {
    usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX)
}

fn lines(text: &[u8]) -> Vec<&[u8]> {
    let whole = text.strip_suffix(b"\n").unwrap_or(text);
    whole.split(|byte| *byte == b'\n').map(bare).collect()
}
