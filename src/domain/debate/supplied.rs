//! What a lane was given to read: what it quotes as evidence must stand there.

use std::collections::BTreeMap;

use super::Excerpt;
use crate::domain::diff::{
    Around, FileDiff, Hunk, Line, LineKind, bare, ends_with, render_hunk_heading, spelled, strip_gutter,
    visible, without_cut,
};
use crate::domain::finding::Evidence;

/// Evidence with fewer word characters proves nothing.
const WORD_CHARS: usize = 6;

/// The token that ends consecutive lines; no quote has it.
const END: u32 = 0;

/// The code that a lane was given, by file, made for looking up quotes.
///
/// Code is compared by its words and signs in their order: white space between them, line ends included, does not
/// count, and a word is the same only as a whole.
#[derive(Debug, Default)]
pub struct Supplied {
    /// Every word and sign that was supplied, with its token.
    tokens: BTreeMap<Box<str>, u32>,
    texts: Vec<Text>,
    /// Position among the texts, by each name of a file.
    names: BTreeMap<String, usize>,
}

/// What was supplied of one file.
#[derive(Debug, Default)]
struct Text {
    tokens: Vec<u32>,
    /// Where each token stands.
    places: BTreeMap<u32, Vec<usize>>,
}

impl Supplied {
    /// The lines of these files' hunks in both versions, what stands around them, and further code.
    #[must_use]
    pub fn of(files: &[&FileDiff], around: &Around, code: &[Excerpt]) -> Self {
        let mut supplied = Self::default();
        let mut numbered: BTreeMap<usize, BTreeMap<u32, String>> = BTreeMap::new();
        for file in files {
            let text = supplied.text(&file.path);
            let old = file.old_path.iter().map(String::as_str);
            for name in [&*file.path].into_iter().chain(old) {
                supplied.names.entry(visible(name.as_bytes()).into_owned()).or_insert(text);
            }
            let lines = numbered.entry(text).or_default();
            let new = file.lines().filter_map(|line| Some((line.new?, &*line.text)));
            let beside = around.get(&file.path).into_iter().flatten().flat_map(|part| &part.lines);
            for (number, line) in new.chain(beside.map(|(number, line)| (*number, &**line))) {
                lines.entry(number).or_insert_with(|| shown(line));
            }
            file.hunks.iter().for_each(|hunk| supplied.read_old(text, hunk));
        }
        for excerpt in code {
            let lines = numbered.entry(supplied.text(&excerpt.path)).or_default();
            for (number, line) in &excerpt.lines {
                lines.entry(*number).or_insert_with(|| shown(line.as_bytes()));
            }
        }
        for (text, lines) in numbered {
            let lines: Vec<(u32, String)> = lines.into_iter().collect();
            for run in lines.chunk_by(|one, next| one.0.checked_add(1) == Some(next.0)) {
                supplied.read(text, run.iter().map(|(_, line)| &**line));
            }
        }
        supplied
    }

    /// Counts the numbered lines of a tool's answer as supplied; its other lines are names and our own words.
    pub fn also(&mut self, answer: &str) {
        let mut lines = answer.lines().peekable();
        let mut text = None;
        while let Some(line) = lines.next() {
            if let Some(path) = line.strip_prefix("=== ") {
                text = Some(self.text(path));
                continue;
            }
            let (Some(text), Some((mut number, first))) = (text, numbered(line)) else { continue };
            let mut run = vec![first];
            while let Some((next, line)) = lines.peek().and_then(|line| numbered(line))
                && number.checked_add(1) == Some(next)
            {
                number = next;
                run.push(line);
                lines.next();
            }
            self.read(text, run.into_iter());
        }
    }

    /// Whether the quoted code stands in what was supplied of the file, or of any file where none is named, with at
    /// least six word characters. Copied numbers and signs of a diff do not count.
    #[must_use]
    pub fn holds(&self, evidence: &Evidence) -> bool {
        let texts = if evidence.path.trim().is_empty() {
            self.texts.as_slice()
        } else {
            self.named(&evidence.path).map_or(&[][..], std::slice::from_ref)
        };
        let readings: [fn(&str) -> &str; 3] = [
            |line| line,
            |line| strip_gutter(line).unwrap_or(line),
            |line| line.strip_prefix(['+', '-']).unwrap_or(line),
        ];
        let lines: Vec<String> = evidence.quote.split('\n').map(|line| shown(line.as_bytes())).collect();
        readings.into_iter().any(|reading| {
            let lines: Vec<&str> = lines.iter().map(|line| reading(line)).collect();
            let word = |c: &char| is_word(*c);
            let enough =
                lines.iter().flat_map(|line| line.chars()).filter(word).nth(WORD_CHARS - 1).is_some();
            enough && self.pieces(&lines).is_some_and(|pieces| texts.iter().any(|text| text.has(&pieces)))
        })
    }

    /// Whether at least one quote stands.
    #[must_use]
    pub fn vouches(&self, evidence: &[Evidence]) -> bool {
        evidence.iter().any(|evidence| self.holds(evidence))
    }

    /// A quote by its tokens, in pieces where it copies the sign for lines left out; nothing if a word of it was
    /// never supplied.
    fn pieces(&self, lines: &[&str]) -> Option<Vec<Vec<u32>>> {
        let pieces = lines.split(|line| line.trim() == "…");
        let token = |word: &str| self.tokens.get(word).copied();
        pieces.map(|lines| lines.iter().flat_map(|line| words(line)).map(token).collect()).collect()
    }

    fn named(&self, path: &str) -> Option<&Text> {
        let ending = |path: &str| {
            let names = self.names.iter().filter(|(name, _)| ends_with(path, name));
            names.max_by_key(|(name, _)| name.len()).map(|(_, text)| *text)
        };
        self.texts.get(spelled(path, |path| self.names.get(path).copied(), ending)?)
    }

    /// The position of a file's text, an empty one if there was none.
    fn text(&mut self, path: &str) -> usize {
        let next = self.texts.len();
        let at = *self.names.entry(path.to_owned()).or_insert(next);
        if at == next {
            self.texts.push(Text::default());
        }
        at
    }

    /// Takes in what only the old version of a hunk says, the hunk as it was shown, and the line that names it.
    fn read_old(&mut self, text: usize, hunk: &Hunk) {
        let mut heading = String::new();
        render_hunk_heading(hunk, &mut heading);
        self.read(text, heading.strip_prefix("@@").into_iter());
        if !hunk.lines.iter().any(|line| line.kind == LineKind::Deleted) {
            return;
        }
        let lines: Vec<(&Line, String)> = hunk.lines.iter().map(|line| (line, shown(&line.text))).collect();
        self.read(text, lines.iter().filter(|(line, _)| line.old.is_some()).map(|(_, shown)| &**shown));
        self.read(text, lines.iter().map(|(_, shown)| &**shown));
    }

    /// Takes in consecutive lines.
    fn read<'a>(&mut self, text: usize, lines: impl Iterator<Item = &'a str>) {
        let Some(text) = self.texts.get_mut(text) else { return };
        for word in lines.flat_map(words) {
            let token = match self.tokens.get(word) {
                Some(token) => *token,
                None => {
                    let token =
                        u32::try_from(self.tokens.len()).map_or(u32::MAX, |last| last.saturating_add(1));
                    self.tokens.insert(word.into(), token);
                    token
                }
            };
            text.places.entry(token).or_default().push(text.tokens.len());
            text.tokens.push(token);
        }
        text.tokens.push(END);
    }
}

impl Text {
    fn has(&self, pieces: &[Vec<u32>]) -> bool {
        pieces.iter().all(|piece| self.has_piece(piece))
    }

    fn has_piece(&self, piece: &[u32]) -> bool {
        let places = piece.iter().map(|token| self.places.get(token).map_or(&[][..], Vec::as_slice));
        let Some((offset, rarest)) = places.enumerate().min_by_key(|(_, places)| places.len()) else {
            return true;
        };
        rarest.iter().any(|place| {
            let start = place.checked_sub(offset);
            start.and_then(|start| self.tokens.get(start..start + piece.len())) == Some(piece)
        })
    }
}

/// A line as a lane sees it, without the remark that it was cut.
fn shown(line: &[u8]) -> String {
    without_cut(&visible(bare(line))).to_owned()
}

/// Number and text of a line that stands behind its number.
fn numbered(line: &str) -> Option<(u32, &str)> {
    let (number, _) = line.split_once(" :|")?;
    Some((number.trim_start().parse().ok()?, strip_gutter(line)?))
}

/// The words and signs of a line; not white space, nor the picture of a carriage return at its end.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '␍');
        let first = rest.chars().next()?;
        let end =
            if is_word(first) { rest.find(|c| !is_word(c)).unwrap_or(rest.len()) } else { first.len_utf8() };
        let (word, after) = rest.split_at_checked(end)?;
        rest = after;
        Some(word)
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::diff::{self, Status, parse_patch};

    fn file(path: &str, patch: &str) -> FileDiff {
        let (file, problems) = parse_patch(path, None, Status::Modified, patch);
        assert_eq!(problems, Vec::<String>::new(), "{patch}");
        file
    }

    fn shop() -> FileDiff {
        let patch = "@@ -10,4 +10,4 @@ fn release(order: u64) {\n     let kept = hold(order);\n-    if kept.is_none() {\n+    if kept.is_some() { // checked by the caller\n         return;\n     }\n";
        FileDiff { old_path: Some("lib/old shop.rs".to_owned()), ..file("src/shop.rs", patch) }
    }

    fn evidence(path: &str, quote: &str) -> Evidence {
        Evidence { path: path.to_owned(), quote: quote.to_owned() }
    }

    fn supplied() -> Supplied {
        let code = Excerpt {
            path: "src/hold.rs".to_owned(),
            what: "definition of hold".to_owned(),
            lines: vec![
                (3, "pub fn hold(order: u64) {".to_owned()),
                (4, "    lock(order)".to_owned()),
                (9, "}".to_owned()),
            ],
        };
        let beside = diff::Surrounding {
            hunk: 0,
            beside: diff::Beside::Before,
            lines: vec![(9, "fn release(order: u64) {".into())],
        };
        Supplied::of(&[&shop()], &Around::from([("src/shop.rs".to_owned(), vec![beside])]), &[code])
    }

    #[test]
    fn quotes_of_either_version_of_what_stands_around_and_of_excerpts_hold() {
        let supplied = supplied();
        for quote in [
            "    let kept = hold(order);",
            "let kept=hold( order )",
            "kept.is_none()",
            "if kept.is_some() {",
            "checked by the caller",
            "fn release(order: u64) {\n    let kept = hold(order);\n    if kept.is_some() {",
            "let kept = hold(order);\n\nif kept.is_none() {\n    return;",
            "if kept.is_none() {\n    if kept.is_some() {",
            "+    if kept.is_some() {",
            "     let kept = hold(order);\n-    if kept.is_none() {\n         return;",
            "10  |     let kept = hold(order);\n11 -|     if kept.is_none() {",
            " 9 :| fn release(order: u64) {",
        ] {
            assert!(supplied.holds(&evidence("src/shop.rs", quote)), "{quote}");
        }
        assert!(supplied.holds(&evidence(
            "src/hold.rs",
            "3 :| pub fn hold(order: u64) {\n4 :|     lock(order)\n  …\n9 :| }"
        )));
    }

    #[test]
    fn what_was_not_supplied_so_does_not_hold() {
        let supplied = supplied();
        for quote in [
            "",
            "return",
            "kept",
            "}",
            "let kept = hold(orders);",
            "t kept = hold(order)",
            "if kept.is_some() { // checked by the call",
            "let kept = hold(order);\n    return;",
            "lock(order)",
            "counterpoint",
        ] {
            assert_eq!(supplied.holds(&evidence("src/shop.rs", quote)), quote == "return", "{quote}");
        }
        assert!(!supplied.holds(&evidence("src/hold.rs", "lock(order) }")), "a gap is between them");
        assert!(!supplied.vouches(&[]));
        assert!(supplied.vouches(&[evidence("", "nothing of it"), evidence("", "lock(order)")]));
    }

    #[test]
    fn a_file_is_known_by_what_models_call_it() {
        let supplied = supplied();
        for path in [
            "src/shop.rs",
            "./src/shop.rs",
            "a/src/shop.rs",
            "b/src/shop.rs",
            "/work/src/shop.rs",
            "src\\shop.rs",
            "lib/old shop.rs",
            "",
        ] {
            assert!(supplied.holds(&evidence(path, "kept.is_some()")), "{path}");
        }
        for path in ["src/other.rs", "src/hold.rs", "shop.rs.bak"] {
            assert!(!supplied.holds(&evidence(path, "kept.is_some()")), "{path}");
        }
    }

    #[test]
    fn numbered_lines_of_an_answer_are_supplied_and_nothing_else_of_it() {
        let mut supplied = supplied();
        supplied.also("What was found.\n----- data-1 begin\n=== src/till.rs\n 9 :| fn open() {\n10 :|     unlock();\nsrc/forged.rs unlocked twice\n14 :| }\n----- data-1 end\nLines 9 to 14 of 20.");
        assert!(supplied.holds(&evidence("src/till.rs", "fn open() {\n    unlock();")));
        for quote in ["unlocked twice", "Lines 9 to 14 of 20.", "What was found.", "unlock();\n}"] {
            assert!(!supplied.holds(&evidence("", quote)), "{quote}");
        }
    }

    proptest! {
        #[test]
        fn every_line_of_a_diff_holds_however_it_is_indented_and_no_line_with_another_letter(
            lines in prop::collection::vec(("[ +-]", "[ \t]{0,4}[a-z]{6,9}[a-z(){}.=…⟨\u{202e}\u{1} ]{0,12}"), 1..12),
            pick in any::<prop::sample::Index>(),
            indent in "[ \t]{0,6}",
            letter in any::<prop::sample::Index>(),
        ) {
            let count = |kinds: &[&str]| lines.iter().filter(|(kind, _)| kinds.contains(&&**kind)).count();
            let mut patch = format!("@@ -1,{} +1,{} @@\n", count(&[" ", "-"]), count(&[" ", "+"]));
            lines.iter().for_each(|(kind, line)| patch.push_str(&format!("{kind}{line}\n")));
            let file = file("a.rs", &patch);
            let supplied = Supplied::of(&[&file], &Around::new(), &[]);
            let line = pick.get(&lines).1.as_str();
            let held = format!("{indent}{}", line.trim());
            prop_assert!(supplied.holds(&evidence("a.rs", line)));
            prop_assert!(supplied.holds(&evidence("a.rs", &held)));
            let mut changed: Vec<char> = line.chars().collect();
            let letters: Vec<usize> = (0..changed.len()).filter(|at| changed[*at].is_ascii_lowercase()).collect();
            changed[*letter.get(&letters)] = 'Q';
            prop_assert!(!supplied.holds(&evidence("a.rs", &String::from_iter(changed))));
        }

        #[test]
        fn no_text_is_too_odd(answer in "(=== [a-z]{0,2}\n|[ 0-9]{0,12} :\\|.{0,9}\n|\\PC{0,9}\n|…){0,9}", path in "\\PC{0,6}", quote in "(.|\n){0,30}") {
            let mut supplied = supplied();
            supplied.also(&answer);
            let _ = supplied.holds(&evidence(&path, &quote));
            let _ = supplied.holds(&evidence("", &answer));
        }
    }
}
