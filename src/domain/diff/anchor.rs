//! From a claim to a place: a comment stands only where its quote does.

use super::gutter::{SHOWN_CHARS, bare, may_be_altered, strip_gutter, visible, without_cut};
use super::{Diff, FileDiff, Hunk, Line, LineKind};
use crate::domain::finding::{Anchor, Placement, Resolution, Side, Unanchored};

/// A quote with fewer word characters is no proof away from the claimed line.
const WORD_CHARS: usize = 6;

/// Quotes are a few lines; one that is longer than this is no quote, and comparing it would be slow.
const MOST_LINES: usize = 200;

/// Where a lane says that something stands, and the code it quotes from there. All of it is untrusted.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The file, as the lane spelled it.
    pub path: &'a str,
    /// The version of the file that the lines count in.
    pub side: Side,
    /// First line; 0 when unknown.
    pub line_start: u32,
    /// Last line.
    pub line_end: u32,
    /// Whole lines of code.
    pub quote: &'a str,
}

/// Finds the place that a claim's quote proves, the nearest to the claimed line if there are several.
///
/// The quote decides, the claimed line only chooses: first byte for byte, then with white space
/// normalised, each on the claimed side, on the other, and over deleted and added lines as they stand
/// in the diff; last as the end of one hunk and the start of a later one.
#[must_use]
pub fn resolve(diff: &Diff, claim: &Claim<'_>) -> Placement {
    match place(diff, claim) {
        Ok(anchor) => Placement::Anchored(anchor),
        Err(why) => Placement::Unanchored { why },
    }
}

fn place(diff: &Diff, claim: &Claim<'_>) -> Result<Anchor, Unanchored> {
    if claim.path.trim().is_empty() {
        return Err(Unanchored::NoPath);
    }
    let file = named_file(diff, claim.path).ok_or(Unanchored::FileNotInDiff)?;
    if file.hunks.is_empty() {
        return Err(Unanchored::NoHunks);
    }
    if claim.quote.trim().is_empty() {
        return Err(Unanchored::NoQuote);
    }
    let mut why = Unanchored::QuoteNotFound;
    for reading in [Reading::AsIs, Reading::WithGutter, Reading::WithSigns] {
        let Some(quote) = Quote::read(claim.quote, reading) else { continue };
        match (Search { file, claim, quote }).run() {
            Ok(anchor) => return Ok(anchor),
            Err(Unanchored::QuoteTooShort) => why = Unanchored::QuoteTooShort,
            Err(_) => {}
        }
    }
    Err(why)
}

/// The file that a lane means: as the diff spells it, or with what models like to put around that.
#[must_use]
pub fn named_file<'a>(diff: &'a Diff, path: &str) -> Option<&'a FileDiff> {
    if let Some(file) = diff.file(path) {
        return Some(file);
    }
    let slashes = path.trim().replace('\\', "/");
    let mut path = slashes.as_str();
    while let Some(rest) = path.strip_prefix("./") {
        path = rest;
    }
    let unprefixed = path.strip_prefix("a/").or_else(|| path.strip_prefix("b/"));
    diff.file(path)
        .or_else(|| diff.file(unprefixed?))
        .or_else(|| suffix_of(diff, path))
        .or_else(|| diff.files.iter().find(|file| visible(file.path.as_bytes()) == path))
}

/// The file whose whole path ends the given one. Of two such, the longer is meant: the shorter one
/// would need the checkout to lie in a directory that is called like one of the repository's.
fn suffix_of<'a>(diff: &'a Diff, path: &str) -> Option<&'a FileDiff> {
    let ends =
        |name: &str| path.strip_suffix(name).is_some_and(|rest| rest.ends_with('/')).then_some(name.len());
    let by = |name: fn(&FileDiff) -> Option<&str>| {
        diff.files
            .iter()
            .filter_map(|file| Some((ends(name(file)?)?, file)))
            .max_by_key(|(length, _)| *length)
    };
    by(|file| Some(&file.path)).or_else(|| by(|file| file.old_path.as_deref())).map(|(_, file)| file)
}

/// How a quote was copied.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// Code alone, as asked for.
    AsIs,
    /// With the numbers that stood before it.
    WithGutter,
    /// With the signs of a diff.
    WithSigns,
}

/// The lines of a quote, blank ones at its ends left out.
struct Quote<'a> {
    lines: Vec<QuoteLine<'a>>,
    /// Too few word characters to prove anything by itself.
    short: bool,
    /// Signs say nothing about white space: with them only exact lines count.
    signed: bool,
}

struct QuoteLine<'a> {
    text: &'a str,
    /// What the line must be, when its sign was copied.
    kind: Option<LineKind>,
    /// Whether it may show something else than the file's bytes.
    altered: bool,
}

impl<'a> Quote<'a> {
    /// `None` if the quote cannot be read so, or is too long to be one.
    fn read(quote: &'a str, reading: Reading) -> Option<Self> {
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
        let word = |c: &char| c.is_alphanumeric() || *c == '_';
        let words = lines.iter().flat_map(|line| line.text.chars()).filter(word).take(WORD_CHARS).count();
        Some(Self { lines, short: words < WORD_CHARS, signed: reading == Reading::WithSigns })
    }
}

/// Takes the sign of a diff off a line.
fn signed(line: &str) -> Option<(&str, Option<LineKind>)> {
    let signs = [('+', LineKind::Added), ('-', LineKind::Deleted), (' ', LineKind::Context)];
    signs
        .into_iter()
        .find_map(|(sign, kind)| Some((line.strip_prefix(sign)?, Some(kind))))
        .or_else(|| line.is_empty().then_some((line, None)))
}

/// How much of a line must be equal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    Exact,
    Whitespace,
}

impl QuoteLine<'_> {
    fn matches(&self, line: &Line, rule: Rule) -> bool {
        if self.kind.is_some_and(|kind| kind != line.kind) {
            return false;
        }
        let text = bare(&line.text);
        if same(text, self.text.as_bytes(), rule) {
            return true;
        }
        // Half of what is shown, because the quote may be trimmed.
        let cut = text.len() > SHOWN_CHARS && self.text.len() > SHOWN_CHARS / 2;
        if !self.altered && !cut {
            return false;
        }
        // The lane saw this line otherwise than it stands in the file.
        let shown = visible(text);
        [self.text, self.text.strip_suffix('␍').unwrap_or(self.text)].into_iter().any(|quoted| {
            same(shown.as_bytes(), quoted.as_bytes(), rule)
                || same(without_cut(&shown).as_bytes(), without_cut(quoted).as_bytes(), rule)
        })
    }
}

fn same(text: &[u8], quote: &[u8], rule: Rule) -> bool {
    match rule {
        Rule::Exact => text == quote,
        Rule::Whitespace => normalised(text).eq(normalised(quote)),
    }
}

/// The bytes without white space at the ends, and with one space for every run of it inside.
fn normalised(text: &[u8]) -> impl Iterator<Item = u8> {
    let mut in_space = false;
    text.trim_ascii().iter().filter_map(move |byte| {
        let space = byte.is_ascii_whitespace();
        let repeated = space && in_space;
        in_space = space;
        (!repeated).then_some(if space { b' ' } else { *byte })
    })
}

/// Which lines of a hunk are read one after the other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum View {
    /// Those of one version of the file.
    Of(Side),
    /// All, deleted and added ones mixed as in the diff.
    Mixed,
}

impl View {
    fn shows(self, line: &Line) -> bool {
        match self {
            Self::Of(Side::New) => line.new.is_some(),
            Self::Of(Side::Old) => line.old.is_some(),
            Self::Mixed => true,
        }
    }
}

/// Lines of one hunk that match a quote.
#[derive(Clone, Copy)]
struct Hit<'a> {
    view: View,
    /// All lines of the hunk between the first and the last that match.
    span: &'a [Line],
}

impl<'a> Hit<'a> {
    fn lines(self) -> impl Iterator<Item = &'a Line> {
        self.span.iter().filter(move |line| self.view.shows(line))
    }

    /// The numbers of its first and last line on one side.
    fn numbers(self, side: Side) -> Option<(u32, u32)> {
        run(self.lines().filter_map(|line| on_side(line, side)))
    }

    /// Where a comment on these lines can stand. Only deleted lines take one on the old side.
    fn range(self) -> Option<(Side, u32, u32)> {
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

/// The lines of a view that match a quote from the first on.
fn at_start<'a>(lines: &'a [Line], quote: &[QuoteLine<'_>], view: View, rule: Rule) -> Option<Hit<'a>> {
    let mut seen = lines.iter().enumerate().filter(|(_, line)| view.shows(line));
    let mut span = None;
    for quoted in quote {
        let (index, line) = seen.next()?;
        if !quoted.matches(line, rule) {
            return None;
        }
        span = Some((span.map_or(index, |(first, _)| first), index));
    }
    let (first, last) = span?;
    Some(Hit { view, span: lines.get(first..=last)? })
}

/// The lines of a view that match a quote to the last.
fn at_end<'a>(hunk: &'a Hunk, quote: &[QuoteLine<'_>], view: View) -> Option<Hit<'a>> {
    let mut seen = hunk.lines.iter().enumerate().rev().filter(|(_, line)| view.shows(line));
    let first = quote.iter().rev().try_fold(0, |_, quoted| {
        let (index, line) = seen.next()?;
        quoted.matches(line, Rule::Exact).then_some(index)
    })?;
    at_start(hunk.lines.get(first..)?, quote, view, Rule::Exact)
}

/// One reading of a claim's quote and the file to find it in.
struct Search<'a> {
    file: &'a FileDiff,
    claim: &'a Claim<'a>,
    quote: Quote<'a>,
}

impl<'a> Search<'a> {
    fn run(&self) -> Result<Anchor, Unanchored> {
        let rules = if self.quote.signed { &[Rule::Exact][..] } else { &[Rule::Exact, Rule::Whitespace] };
        let mut why = Unanchored::QuoteNotFound;
        for rule in rules {
            let found =
                if self.quote.short { self.only_where_claimed(*rule) } else { Ok(self.nearest(*rule)) };
            match found {
                Ok(Some(hit)) => return self.anchor(hit, self.how(hit, *rule)).ok_or(why),
                Ok(None) => {}
                Err(short) => why = short,
            }
        }
        if !self.quote.short
            && let Some(part) = self.nearest_part()
        {
            return self.anchor(part, Resolution::Collapsed).ok_or(why);
        }
        Err(why)
    }

    fn anchor(&self, hit: Hit<'_>, how: Resolution) -> Option<Anchor> {
        let (side, start, end) = hit.range()?;
        Some(Anchor { path: self.file.path.clone(), side, start, end, how })
    }

    fn how(&self, hit: Hit<'_>, rule: Rule) -> Resolution {
        match rule {
            Rule::Whitespace => Resolution::Whitespace,
            Rule::Exact if self.stands_as_claimed(hit) => Resolution::Exact,
            Rule::Exact => Resolution::Moved,
        }
    }

    /// In the order in which they are tried.
    fn views(&self) -> [View; 3] {
        let other = match self.claim.side {
            Side::New => Side::Old,
            Side::Old => Side::New,
        };
        [View::Of(self.claim.side), View::Of(other), View::Mixed]
    }

    /// Every place where the whole quote stands in one hunk, with the rank of its view.
    fn hits(&self, rule: Rule) -> impl Iterator<Item = (usize, Hit<'a>)> {
        let quote = &self.quote.lines;
        let first = quote.first();
        // A line alone stands in one of the two versions: reading them mixed finds nothing more.
        let views = if quote.len() == 1 { 2 } else { 3 };
        let candidates = self.file.hunks.iter().flat_map(move |hunk| {
            let matching = move |line: &Line| first.is_some_and(|first| first.matches(line, rule));
            let lines = hunk.lines.iter().enumerate().filter(move |(_, line)| matching(line));
            lines.filter_map(|(index, line)| Some((line, hunk.lines.get(index..)?)))
        });
        candidates.flat_map(move |(line, lines)| {
            let views = self.views().into_iter().enumerate().take(views).filter(|(_, view)| view.shows(line));
            views.filter_map(move |(rank, view)| Some((rank, at_start(lines, quote, view, rule)?)))
        })
    }

    fn nearest(&self, rule: Rule) -> Option<Hit<'a>> {
        let best = self.hits(rule).min_by_key(|(rank, hit)| {
            let first = hit.span.first();
            let unchanged = first.is_some_and(|line| line.kind == LineKind::Context);
            (*rank, self.distance(*hit), unchanged, first.and_then(|line| line.new.or(line.old)))
        });
        best.map(|(_, hit)| hit)
    }

    /// A short quote such as `}` stands in many places; only the claimed one is meant. Anywhere else it
    /// proves nothing.
    fn only_where_claimed(&self, rule: Rule) -> Result<Option<Hit<'a>>, Unanchored> {
        let mut elsewhere = false;
        let mut within = Vec::new();
        for (rank, hit) in self.hits(rule) {
            if rank == 0 && self.numbers(hit).is_some_and(|(first, _)| first == self.claim.line_start) {
                return Ok(Some(hit));
            }
            if rank == 0 && self.within_claim(hit) {
                within.push(hit);
            }
            elsewhere = true;
        }
        match within.as_slice() {
            [only] => Ok(Some(*only)),
            _ if elsewhere => Err(Unanchored::QuoteTooShort),
            _ => Ok(None),
        }
    }

    /// The numbers of a hit on the claimed side.
    fn numbers(&self, hit: Hit<'_>) -> Option<(u32, u32)> {
        hit.numbers(self.claim.side)
    }

    fn within_claim(&self, hit: Hit<'_>) -> bool {
        let (start, end) = (self.claim.line_start, self.claim.line_end.max(self.claim.line_start));
        self.numbers(hit).is_some_and(|(first, last)| start > 0 && start <= first && last <= end)
    }

    fn stands_as_claimed(&self, hit: Hit<'_>) -> bool {
        let [claimed, _, mixed] = self.views();
        let starts = self.claim.line_start > 0 && self.distance(hit) == 0;
        (hit.view == claimed || hit.view == mixed) && (starts || self.within_claim(hit))
    }

    /// How far from the claimed line a hit starts; nothing if no line was claimed.
    fn distance(&self, hit: Hit<'_>) -> u32 {
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
        self.views().into_iter().filter(|view| *view != View::Mixed).find_map(|view| {
            let mut parts = Vec::new();
            for length in 1..self.quote.lines.len() {
                let (ending, starting) = self.quote.lines.split_at_checked(length)?;
                let starts = |hunk: &'a Hunk| at_start(&hunk.lines, starting, view, Rule::Exact);
                let starts: Vec<_> =
                    hunks.iter().enumerate().filter_map(|(at, hunk)| Some((at, starts(hunk)?))).collect();
                if starts.is_empty() {
                    continue;
                }
                for (at, hunk) in hunks.iter().enumerate() {
                    let Some(end) = at_end(hunk, ending, view) else { continue };
                    let later = starts.partition_point(|(start, _)| *start <= at);
                    if let Some((_, start)) = starts.get(later) {
                        parts.extend([end, *start]);
                    }
                }
            }
            parts.into_iter().min_by_key(|part| self.distance_of_part(*part))
        })
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::super::{Status, parse, parse_patch, render};
    use super::*;

    fn diff_of(patch: &str) -> Diff {
        let (file, problems) = parse_patch("src/lib.rs", Some("src/old.rs"), Status::Renamed, patch);
        assert_eq!(problems, Vec::<String>::new());
        Diff { files: vec![file] }
    }

    const NEW: Side = Side::New;
    const OLD: Side = Side::Old;

    /// Resolves a claim about the one file of a diff.
    fn at(
        diff: &Diff,
        side: Side,
        lines: (u32, u32),
        quote: &str,
    ) -> Result<(Side, u32, u32, Resolution), Unanchored> {
        let claim = Claim { path: "src/lib.rs", side, line_start: lines.0, line_end: lines.1, quote };
        match resolve(diff, &claim) {
            Placement::Anchored(anchor) => Ok((anchor.side, anchor.start, anchor.end, anchor.how)),
            Placement::Unanchored { why } => Err(why),
        }
    }

    /// New 10 to 14 and 30 to 33, old 10 to 13 and 29 to 31.
    const PATCH: &str = "\
@@ -10,4 +10,5 @@ fn f() {
     let first = 1;
-    let second = 2;
+    let second = 3;
+    let third = 3;
     finish(first);
 }
@@ -29,3 +30,4 @@ fn g() {
 fn g_starts() {
+    let third = 3;
     finish(first);
 }
";

    #[test]
    fn a_quote_on_the_claimed_lines_is_exact_and_elsewhere_it_is_moved() {
        let diff = diff_of(PATCH);
        assert_eq!(at(&diff, NEW, (11, 11), "    let second = 3;"), Ok((NEW, 11, 11, Resolution::Exact)));
        assert_eq!(
            at(&diff, NEW, (10, 14), "\n    let second = 3;\r\n\n"),
            Ok((NEW, 11, 11, Resolution::Exact))
        );
        assert_eq!(at(&diff, NEW, (99, 99), "    let second = 3;"), Ok((NEW, 11, 11, Resolution::Moved)));
        assert_eq!(
            at(&diff, NEW, (11, 12), "    let second = 3;\n    let third = 3;\n    finish(first);"),
            Ok((NEW, 11, 13, Resolution::Exact))
        );
    }

    #[test]
    fn of_several_places_the_nearest_is_meant_and_of_two_as_near_the_changed_one() {
        let diff = diff_of(PATCH);
        let third = "    let third = 3;";
        assert_eq!(at(&diff, NEW, (21, 21), third), Ok((NEW, 12, 12, Resolution::Moved)));
        assert_eq!(at(&diff, NEW, (22, 22), third), Ok((NEW, 31, 31, Resolution::Moved)));
        assert_eq!(at(&diff, NEW, (0, 0), third), Ok((NEW, 12, 12, Resolution::Moved)));
        let twins = diff_of("@@ -1,2 +1,3 @@\n same_line\n other\n+same_line\n");
        assert_eq!(at(&twins, NEW, (2, 2), "same_line"), Ok((NEW, 3, 3, Resolution::Moved)));
    }

    #[test]
    fn only_deleted_lines_stand_on_the_old_side() {
        let diff = diff_of(PATCH);
        let deleted = "    let second = 2;";
        assert_eq!(at(&diff, OLD, (11, 11), deleted), Ok((OLD, 11, 11, Resolution::Exact)));
        assert_eq!(at(&diff, NEW, (11, 11), deleted), Ok((OLD, 11, 11, Resolution::Moved)));
        let partly = format!("    let first = 1;\n{deleted}\n    finish(first);");
        assert_eq!(at(&diff, OLD, (10, 12), &partly), Ok((OLD, 11, 11, Resolution::Exact)));
        // A context line has no place on the old side; on the new one its number is another.
        assert_eq!(at(&diff, OLD, (12, 12), "    finish(first);"), Ok((NEW, 13, 13, Resolution::Exact)));
        assert_eq!(at(&diff, OLD, (29, 29), "fn g_starts() {"), Ok((NEW, 30, 30, Resolution::Exact)));
        assert_eq!(at(&diff, OLD, (30, 30), "fn g_starts() {"), Ok((NEW, 30, 30, Resolution::Exact)));
        // Between these two, the new version has a line that was not quoted.
        let parted = "fn g_starts() {\n    finish(first);";
        assert_eq!(at(&diff, OLD, (29, 30), parted), Ok((NEW, 30, 30, Resolution::Exact)));
    }

    #[test]
    fn deleted_and_added_lines_quoted_together_stand_on_the_added_ones() {
        let diff = diff_of(PATCH);
        let joined = "    let second = 2;\n    let second = 3;\n    let third = 3;";
        assert_eq!(at(&diff, NEW, (11, 12), joined), Ok((NEW, 11, 12, Resolution::Exact)));
        let signs = "-    let second = 2;\n+    let second = 3;";
        assert_eq!(at(&diff, NEW, (11, 11), signs), Ok((NEW, 11, 11, Resolution::Exact)));
        assert_eq!(at(&diff, NEW, (11, 11), "+    let second = 2;"), Err(Unanchored::QuoteNotFound));
    }

    #[test]
    fn white_space_is_forgiven_and_nothing_else_is() {
        let diff = diff_of(PATCH);
        assert_eq!(at(&diff, NEW, (11, 11), "let  second\t= 3;"), Ok((NEW, 11, 11, Resolution::Whitespace)));
        for wrong in
            ["    let second = 4;", "let second", "letsecond = 3;", "    let second = 3;\nfn g_starts() {"]
        {
            assert_eq!(at(&diff, NEW, (11, 11), wrong), Err(Unanchored::QuoteNotFound), "{wrong}");
        }
    }

    #[test]
    fn a_short_quote_stands_only_where_it_is_claimed() {
        let diff = diff_of(PATCH);
        assert_eq!(at(&diff, NEW, (14, 14), "}"), Ok((NEW, 14, 14, Resolution::Exact)));
        assert_eq!(at(&diff, NEW, (14, 14), "  }  "), Ok((NEW, 14, 14, Resolution::Whitespace)));
        assert_eq!(at(&diff, NEW, (31, 33), "}"), Ok((NEW, 33, 33, Resolution::Exact)));
        assert_eq!(at(&diff, OLD, (13, 13), "}"), Ok((NEW, 14, 14, Resolution::Exact)));
        for (side, lines) in
            [(NEW, (13, 13)), (NEW, (15, 32)), (NEW, (10, 40)), (NEW, (0, 0)), (OLD, (14, 14))]
        {
            assert_eq!(at(&diff, side, lines, "}"), Err(Unanchored::QuoteTooShort), "{side:?} {lines:?}");
        }
        assert_eq!(at(&diff, NEW, (14, 14), "{"), Err(Unanchored::QuoteNotFound));
    }

    #[test]
    fn a_quote_over_the_gap_between_hunks_keeps_the_part_at_the_claimed_line() {
        let diff = diff_of(PATCH);
        let over = "    finish(first);\n}\nfn g_starts() {\n    let third = 3;";
        assert_eq!(at(&diff, NEW, (13, 31), over), Ok((NEW, 13, 14, Resolution::Collapsed)));
        assert_eq!(at(&diff, NEW, (31, 31), over), Ok((NEW, 30, 31, Resolution::Collapsed)));
        let backwards = "    finish(first);\n}\n    let first = 1;\n    let second = 3;";
        assert_eq!(at(&diff, NEW, (13, 13), backwards), Err(Unanchored::QuoteNotFound));
        let with_a_hole = "    let third = 3;\n    finish(first);\nfn g_starts() {";
        assert_eq!(at(&diff, NEW, (12, 30), with_a_hole), Err(Unanchored::QuoteNotFound));
    }

    #[test]
    fn what_models_put_around_a_path_is_taken_off() {
        let mut diff = diff_of(PATCH);
        diff.files.push(parse_patch("lib.rs", None, Status::Added, "@@ -0,0 +1 @@\n+other_file\n").0);
        let file = |path: &str| named_file(&diff, path).map(|file| file.path.as_str());
        for path in [
            "src/lib.rs",
            "b/src/lib.rs",
            "./src/lib.rs",
            " src/lib.rs\n",
            "src\\lib.rs",
            "src/old.rs",
            "a/src/old.rs",
            "/home/me/repo/src/lib.rs",
            "C:\\repo\\src\\lib.rs",
            "repo/src/old.rs",
        ] {
            assert_eq!(file(path), Some("src/lib.rs"), "{path}");
        }
        assert_eq!(file("/repo/lib.rs"), Some("lib.rs"));
        for path in ["xsrc/lib.rsx", "other/xlib.rs", "src", "rs"] {
            assert_eq!(file(path), None, "{path}");
        }
    }

    #[test]
    fn a_claim_without_a_place_says_why() {
        let mut diff = diff_of(PATCH);
        diff.files.extend(
            parse(Bytes::from_static(b"diff --git a/p b/p\nBinary files a/p and b/p differ\n")).0.files,
        );
        let why = |path: &str, quote: &str| {
            let claim = Claim { path, side: NEW, line_start: 1, line_end: 1, quote };
            let Placement::Unanchored { why } = resolve(&diff, &claim) else {
                panic!("{path} {quote} is anchored")
            };
            why
        };
        assert_eq!(why(" ", "some_code"), Unanchored::NoPath);
        assert_eq!(why("src/none.rs", "some_code"), Unanchored::FileNotInDiff);
        assert_eq!(why("p", "some_code"), Unanchored::NoHunks);
        assert_eq!(why("src/lib.rs", " \n\n"), Unanchored::NoQuote);
        assert_eq!(why("src/lib.rs", "some_code"), Unanchored::QuoteNotFound);
        assert_eq!(why("src/lib.rs", &"some_code\n".repeat(1000)), Unanchored::QuoteNotFound);
        assert_eq!(why("src/lib.rs", "+|"), Unanchored::QuoteNotFound);
    }

    /// Code that looks alike, now and then with bytes that do not show as they are.
    fn any_line() -> impl Strategy<Value = (char, String)> {
        let text = prop_oneof![
            4 => "[ ]{0,4}(let|return|value_one|[}])",
            1 => "[^\n]{0,6}",
            1 => "[-+|0-9 ]{1,5}",
            1 => "[a-c]{6}[\r\0\u{c}\u{202e}⟨␍]{0,2}",
            1 => "x{1990,2030}",
        ];
        (prop::sample::select(vec![' ', '+', '-']), text)
    }

    fn any_patch() -> impl Strategy<Value = String> {
        prop::collection::vec(any_line(), 1..12).prop_map(|lines| {
            let count = |sign: char| lines.iter().filter(|line| line.0 == sign || line.0 == ' ').count();
            let (old, new) = (count('-'), count('+'));
            let start = |length: usize| if length == 0 { 0 } else { 5 };
            let mut out = format!("@@ -{},{old} +{},{new} @@\n", start(old), start(new));
            lines.iter().for_each(|(sign, text)| out += &format!("{sign}{text}\n"));
            out
        })
    }

    proptest! {
        #[test]
        fn every_line_is_found_as_the_lanes_see_it_with_and_without_its_number(patch in any_patch()) {
            let diff = diff_of(&patch);
            let mut text = String::new();
            render(&diff.files[0], &mut text);
            for (line, shown) in diff.files[0].lines().zip(text.split('\n').skip(2)) {
                let (side, number) = if line.kind == LineKind::Deleted { (OLD, line.old) } else { (NEW, line.new) };
                let number = number.unwrap();
                let code = strip_gutter(shown).unwrap();
                let raw = String::from_utf8_lossy(&line.text);
                if code.trim().is_empty() || raw.trim_start_matches('\u{feff}').trim().is_empty() {
                    continue;
                }
                for quote in [code, shown, &raw] {
                    let found = at(&diff, side, (number, number), quote);
                    prop_assert_eq!(found.map(|f| (f.0, f.1, f.2)), Ok((side, number, number)), "{:?}", quote);
                }
            }
        }

        #[test]
        fn whatever_is_found_is_a_place_in_one_hunk_where_the_quote_stands(
            patch in any_patch(),
            quote in "([ ]{0,2}(let|return|value_one|[}])\n){1,3}|[^\0]{0,10}",
            (side, start, length) in (prop::sample::select(vec![NEW, OLD]), 0..12_u32, 0..4_u32),
        ) {
            let diff = diff_of(&patch);
            let Ok((side, start, end, _)) = at(&diff, side, (start, start + length), &quote) else { return Ok(()) };
            prop_assert!(start <= end);
            for number in start..=end {
                let stands = |line: &&Line| match side {
                    NEW => line.new == Some(number),
                    OLD => line.old == Some(number) && line.kind == LineKind::Deleted,
                };
                let line = diff.files[0].lines().find(stands);
                prop_assert!(line.is_some());
                let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<String>();
                let text = words(&visible(&line.unwrap().text));
                let all = words(&visible(quote.replace('\n', "").as_bytes()));
                prop_assert!(all.contains(&text), "{text:?} {all:?}");
            }
        }
    }
}
