//! What the scripted reviewers claim about a case: some of it right, most of it wrong in the ways models are.

use std::collections::BTreeSet;

use super::expected::{Spot, is_short, places};
use super::oracle::{Case, File, Line, Side};
use crate::world::{Finding, finding};

/// SplitMix64: small, seeded, the same on every machine.
pub struct Random(u64);

impl Random {
    /// A stream of its own for every text.
    pub fn seeded(text: &str) -> Self {
        Self(text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        }))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    fn between(&mut self, first: u32, last: u32) -> u32 {
        first + self.below((last - first + 1) as usize) as u32
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len()))
    }

    /// A word that nobody else says: what findings are told apart by, here and in the product.
    fn word(&mut self, syllables: usize) -> String {
        let mut word = String::new();
        for _ in 0..syllables {
            word.push(*self.pick(b"bdfgklmnprstvz").unwrap() as char);
            word.push(*self.pick(b"aeiou").unwrap() as char);
        }
        word
    }
}

/// The ways in which a claim is right or wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Right,
    RightOld,
    RightLines,
    RightOldLines,
    RightShort,
    OffByLines,
    LinesOff,
    OldOff,
    RepeatedOff,
    WrongSide,
    AsInDiff,
    ToAnotherHunk,
    OverTheGap,
    WrongPrefix,
    OldName,
    Reindented,
    ShortAway,
    OutsideHunks,
    Invented,
    NoQuote,
    NoHunks,
    NotInDiff,
}

use Kind::*;

pub const KINDS: [(Kind, &str); 22] = [
    (Right, "right: one line"),
    (RightOld, "right: one deleted line"),
    (RightLines, "right: two or three lines"),
    (RightOldLines, "right: two or three deleted lines"),
    (RightShort, "right: a short line such as `}`"),
    (OffByLines, "line off by up to 200"),
    (LinesOff, "two or three lines, off by up to 200"),
    (OldOff, "deleted line, off by up to 200"),
    (RepeatedOff, "line that stands more than once, off by up to 200"),
    (WrongSide, "the other side of the diff"),
    (AsInDiff, "a deleted line and its replacement in one quote"),
    (ToAnotherHunk, "range from one hunk into another"),
    (OverTheGap, "quote from one hunk into another"),
    (WrongPrefix, "a/, b/ or ./ before the path"),
    (OldName, "the old name of a renamed file"),
    (Reindented, "quote with other indentation"),
    (ShortAway, "short quote on another line"),
    (OutsideHunks, "line outside every hunk, quote from nowhere"),
    (Invented, "quote with a word that is not there"),
    (NoQuote, "no quote"),
    (NoHunks, "file without hunks"),
    (NotInDiff, "file that is not in the diff"),
];

impl Kind {
    pub fn is_right(self) -> bool {
        matches!(self, Right | RightOld | RightLines | RightOldLines | RightShort)
    }
}

/// Where a reviewer says that something stands, and what it quotes from there.
#[derive(Clone, Debug)]
pub struct Claim {
    pub kind: Kind,
    pub path: String,
    pub side: Side,
    pub start: u32,
    pub end: u32,
    pub quote: String,
}

/// One finding of one reviewer.
pub struct Said {
    pub claim: Claim,
    /// A word of the title that stands in no other finding.
    pub token: String,
    title: String,
    body: String,
}

impl Said {
    pub fn finding(&self) -> Finding {
        let Claim { path, side, start, end, quote, .. } = &self.claim;
        let said =
            finding(path, i64::from(*start), quote).to(i64::from(*end)).title(&self.title).body(&self.body);
        let said = said.scenario("").severity("medium");
        if *side == Side::Old { said.old() } else { said }
    }
}

/// What must become one issue: said by one reviewer, or by both in almost the same words.
pub struct Issue {
    pub claude: Option<Said>,
    pub codex: Option<Said>,
    /// Where its comment may stand; empty if only the summary may tell it.
    pub places: Vec<Spot>,
}

impl Issue {
    pub fn said(&self) -> impl Iterator<Item = &Said> {
        self.claude.iter().chain(&self.codex)
    }

    pub fn is_pair(&self) -> bool {
        self.claude.is_some() && self.codex.is_some()
    }
}

/// The one file of the corpus whose lines reviewers do not see as they stand. It has a story of its own.
pub const HOLDS_A_SECRET: &str = ".drone.sec";

/// Rounds of one claim of every kind; the right ones come twice in a round.
const ROUNDS: usize = 2;

/// Everything the two reviewers say about a case.
pub fn script(case: &Case) -> Vec<Issue> {
    let mut random = Random::seeded(&case.name);
    let mut tokens = BTreeSet::new();
    let mut issues = Vec::new();
    for _ in 0..ROUNDS {
        for (kind, _) in KINDS {
            for _ in 0..1 + usize::from(kind.is_right()) {
                let Some(claim) = claim(case, kind, &mut random) else { continue };
                let (other, places) = match random.below(3) {
                    0 => pair(case, &claim, &mut random),
                    _ => (None, places(case, &claim)),
                };
                let words: Vec<String> = (0..14).map(|_| random.word(4)).collect();
                let mut say = |claim: Claim| {
                    let mut token = random.word(5);
                    while !tokens.insert(token.clone()) {
                        token = random.word(5);
                    }
                    let title = format!("{token} {}", words[..4].join(" "));
                    let body = format!("{} {}.", words[4..].join(" "), random.word(4));
                    Said { claim, token, title, body }
                };
                let (one, other) = (Some(say(claim)), other.map(&mut say));
                let (claude, codex) = if random.below(2) == 0 { (one, other) } else { (other, one) };
                issues.push(Issue { claude, codex, places });
            }
        }
    }
    issues
}

/// What the second reviewer claims about the same thing: the same place, a line near by, or code that is not
/// there, which must not take the comment away from the place that is proven.
fn pair(case: &Case, claim: &Claim, random: &mut Random) -> (Option<Claim>, Vec<Spot>) {
    let mut other = claim.clone();
    match random.below(3) {
        0 => {}
        1 => {
            let by = random.between(1, 3);
            (other.start, other.end) = (other.start + by, other.end + by);
            other.kind = if claim.kind.is_right() { OffByLines } else { claim.kind };
        }
        _ => {
            other.quote = format!("{} {}()", random.word(4), random.word(4));
            other.kind = Invented;
        }
    }
    let (here, there) = (places(case, claim), places(case, &other));
    // Where the two would stand in different places, which of them is shown is a matter of taste: no pair.
    let second = (here == there || here.is_empty() || there.is_empty()).then_some(other);
    let places = if here.is_empty() && second.is_some() { there } else { here };
    (second, places)
}

/// A claim of this kind, if the case has anything to make one from.
fn claim(case: &Case, kind: Kind, random: &mut Random) -> Option<Claim> {
    (0..40).find_map(|_| attempt(case, kind, random))
}

fn attempt(case: &Case, kind: Kind, random: &mut Random) -> Option<Claim> {
    let with_lines: Vec<&File> =
        case.files.iter().filter(|file| !file.lines.is_empty() && file.path != HOLDS_A_SECRET).collect();
    let without: Vec<&File> = case.files.iter().filter(|file| file.lines.is_empty()).collect();
    let file = if kind == NoHunks { random.pick(&without)? } else { random.pick(&with_lines)? };
    let at = random.below(file.lines.len());
    let make = |lines: &[&Line], quote: String| {
        let (first, last) = (lines.first()?, lines.last()?);
        let side = first.side;
        (last.side == side).then(|| Claim {
            kind,
            path: file.path.clone(),
            side,
            start: first.number(),
            end: last.number(),
            quote,
        })
    };
    let wanted =
        |wanted: fn(&Line) -> bool| file.lines.get(at).filter(|line| wanted(line) && says_something(line));
    let new: fn(&Line) -> bool = |line| !line.is_deleted();
    let old: fn(&Line) -> bool = Line::is_deleted;
    Some(match kind {
        Right => {
            let line = wanted(new)?;
            make(&[line], quote(&[line], random))?
        }
        RightOld => {
            let line = wanted(old)?;
            make(&[line], quote(&[line], random))?
        }
        RightLines | LinesOff => {
            let lines = following(file, at, random.between(2, 3), |line| line.new.is_some())?;
            let claim = make(&lines, quote(&lines, random))?;
            if kind == LinesOff { moved(claim, random) } else { claim }
        }
        RightOldLines => {
            let length = random.between(2, 3) as usize;
            let lines: Vec<&Line> = file.lines.get(at..at + length)?.iter().collect();
            let whole = lines.iter().all(|line| line.is_deleted() && line.hunk == lines[0].hunk);
            let claim = make(&lines, quote(&lines, random))?;
            (whole && is_quotable(&lines)).then_some(claim)?
        }
        RightShort => {
            let line = short(file, at)?;
            make(&[line], line.shown.clone())?
        }
        OffByLines => {
            let line = wanted(|_| true)?;
            moved(make(&[line], quote(&[line], random))?, random)
        }
        OldOff => {
            let line = wanted(old)?;
            moved(make(&[line], quote(&[line], random))?, random)
        }
        RepeatedOff => {
            let line = wanted(|_| true)?;
            let again = |other: &&Line| other.side == line.side && other.text == line.text;
            let claim = moved(make(&[line], quote(&[line], random))?, random);
            (file.lines.iter().filter(again).count() > 1).then_some(claim)?
        }
        WrongSide => {
            let line = wanted(|line| line.changed)?;
            let side = if line.is_deleted() { Side::New } else { Side::Old };
            Claim { side, ..make(&[line], quote(&[line], random))? }
        }
        AsInDiff => {
            let [deleted, added] = file.lines.get(at..at + 2)? else { return None };
            let lines = [deleted, added];
            let replaced =
                deleted.is_deleted() && added.changed && !added.is_deleted() && deleted.hunk == added.hunk;
            let claim = make(&[added], quote(&lines, random))?;
            (replaced && is_quotable(&lines)).then_some(claim)?
        }
        ToAnotherHunk => {
            let line = wanted(new)?;
            let later: Vec<&Line> =
                file.lines.iter().filter(|other| other.hunk > line.hunk && !other.is_deleted()).collect();
            let end = random.pick(&later)?.number();
            let start = make(&[line], quote(&[line], random))?;
            (end > start.start).then_some(Claim { end, ..start })?
        }
        OverTheGap => {
            let line = wanted(new)?;
            let hunk = |number: usize| file.lines.iter().filter(move |l| l.hunk == number && l.new.is_some());
            let (one, two) = (random.between(1, 2) as usize, random.between(1, 2) as usize);
            let before: Vec<&Line> = hunk(line.hunk).collect();
            let before = &before[before.len().saturating_sub(one)..];
            let after: Vec<&Line> = hunk(line.hunk + 1).take(two).collect();
            let (first, last) = (before.first()?, after.last()?);
            let lines: Vec<&Line> = before.iter().chain(&after).copied().collect();
            let start = if random.below(2) == 0 { first.number() } else { after.first()?.number() };
            let claim = Claim { start, end: last.number(), ..make(&lines, quote(&lines, random))? };
            is_quotable(&lines).then_some(claim)?
        }
        WrongPrefix => {
            let line = wanted(|_| true)?;
            let path = format!("{}{}", random.pick(&["a/", "b/", "./"])?, file.path);
            Claim { path, ..make(&[line], quote(&[line], random))? }
        }
        OldName => {
            let line = wanted(|_| true)?;
            let reused = case.files.iter().any(|other| other.path == file.old_path);
            let claim = make(&[line], quote(&[line], random))?;
            (!reused).then_some(Claim { path: file.old_path.clone(), ..claim })?
        }
        Reindented => {
            let line = wanted(|_| true)?;
            let text = line.shown.trim_start();
            let indented = match random.below(3) {
                0 => text.to_owned(),
                1 => format!("\t\t{text}"),
                _ => format!("{:1$}{text}", "", random.below(14)),
            };
            (indented != line.shown).then_some(make(&[line], indented)?)?
        }
        ShortAway => {
            let line = short(file, at)?;
            let claim = moved(make(&[line], line.shown.clone())?, random);
            // Lines such as `}` stand on many lines: on one of those, the claim would be right.
            let stands = file.lines.iter().any(|other| {
                let numbers = [other.old, other.new];
                numbers.contains(&Some(claim.start)) && other.shown.trim() == line.shown.trim()
            });
            (!stands).then_some(claim)?
        }
        OutsideHunks => {
            let last = file.lines.iter().map(Line::number).max()?;
            let number = random.between(1, last + 300);
            let inside = file.lines.iter().any(|line| [line.old, line.new].contains(&Some(number)));
            let quote = format!("    {} = {}({});", random.word(3), random.word(4), random.word(2));
            let claim =
                Claim { kind, path: file.path.clone(), side: Side::New, start: number, end: number, quote };
            (!inside).then_some(claim)?
        }
        Invented => {
            let line = wanted(|_| true)?;
            let longest = line.shown.split(|c: char| !c.is_alphanumeric()).max_by_key(|word| word.len())?;
            let claim = make(&[line], line.shown.replacen(longest, &random.word(5), 1))?;
            let stands = |other: &Line| other.shown.split_whitespace().eq(claim.quote.split_whitespace());
            (!file.lines.iter().any(stands)).then_some(claim)?
        }
        NoQuote => {
            let line = wanted(|_| true)?;
            make(&[line], String::new())?
        }
        NoHunks => {
            let quote = format!("{} {}", random.word(4), random.word(4));
            Claim { kind, path: file.path.clone(), side: Side::New, start: 1, end: 1, quote }
        }
        NotInDiff => {
            let line = wanted(|_| true)?;
            let path = format!("{}/{}.{}", random.word(3), random.word(3), random.word(1));
            Claim { path, ..make(&[line], quote(&[line], random))? }
        }
    })
}

/// Enough to be found by, wherever it stands.
fn says_something(line: &Line) -> bool {
    is_quotable(&[line])
}

/// Lines that can be told from others, and whose first and last are not blank: a quote loses blank ends.
fn is_quotable(lines: &[&Line]) -> bool {
    let blank = |line: &&Line| line.shown.trim().is_empty();
    let text: String = lines.iter().map(|line| line.shown.as_str()).collect();
    !lines.first().is_none_or(blank) && !lines.last().is_none_or(blank) && !is_short(&text)
}

/// A line of few letters that is not blank.
fn short(file: &File, at: usize) -> Option<&Line> {
    let line = file.lines.get(at)?;
    (!line.shown.trim().is_empty() && is_short(&line.shown)).then_some(line)
}

/// So many lines of one hunk that follow one another in one version, from this one on.
fn following(file: &File, at: usize, length: u32, version: fn(&Line) -> bool) -> Option<Vec<&Line>> {
    let rest = file.lines.get(at..)?.iter().filter(|line| version(line));
    let lines: Vec<&Line> = rest.take(length as usize).collect();
    let whole = lines.len() == length as usize && lines.iter().all(|line| line.hunk == lines[0].hunk);
    (whole && is_quotable(&lines)).then_some(lines)
}

/// Lines as a reviewer copies them: as the file has them, or as they are shown where that differs.
fn quote(lines: &[&Line], random: &mut Random) -> String {
    let as_shown = random.below(2) == 0;
    let copied = lines.iter().map(|line| match as_shown || line.text.chars().count() > 2_000 {
        true => line.shown.as_str(),
        false => line.text.as_str(),
    });
    copied.collect::<Vec<_>>().join("\n")
}

/// The same claim on lines up to 200 before or behind.
fn moved(mut claim: Claim, random: &mut Random) -> Claim {
    let by = random.between(1, 200).cast_signed() * if random.below(2) == 0 { 1 } else { -1 };
    let length = claim.end - claim.start;
    claim.start = claim.start.saturating_add_signed(by).max(1);
    claim.end = claim.start + length;
    claim
}
