//! The root `.gitattributes` of the base branch, as far as it says what is generated and what is vendored.
//!
//! Patterns mean what gitattributes(5) says. Where a character class is written in a way that the glob library
//! reads otherwise, the line is reported and has no effect.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::domain::diff::unquote;

/// Git ignores longer lines.
const MAX_LINE: usize = 2048;

/// Rules beyond this are reported and have no effect: each costs time for every file.
const MAX_RULES: usize = 2_000;

/// The same for the bytes of all patterns together.
const MAX_PATTERN_BYTES: usize = 128 * 1024;

/// More mistakes than these help nobody.
const MAX_PROBLEMS: usize = 5;

/// The rules of one file; the default says nothing of any path.
#[derive(Clone, Debug, Default)]
pub struct Attributes {
    globs: GlobSet,
    /// For each glob, what its line says.
    rules: Vec<Vec<Assignment>>,
}

/// What the rules say of one path; `None` where they say nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// `linguist-generated`.
    pub generated: Option<bool>,
    /// `linguist-vendored`.
    pub vendored: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Assignment {
    Generated(Option<bool>),
    Vendored(Option<bool>),
}

impl Attributes {
    /// What the rules say of a path. Of several lines the last one wins, for each mark on its own.
    #[must_use]
    pub fn of(&self, path: &str) -> Marks {
        let mut marks = Marks::default();
        let matching = self.globs.matches(path);
        for assignment in matching.into_iter().filter_map(|index| self.rules.get(index)).flatten() {
            match *assignment {
                Assignment::Generated(state) => marks.generated = state,
                Assignment::Vendored(state) => marks.vendored = state,
            }
        }
        marks
    }
}

/// Reads a `.gitattributes`; what cannot be read is told and has no effect. Lines without one of the two marks
/// cost nothing.
#[must_use]
pub fn parse(text: &str) -> (Attributes, Vec<String>) {
    let mut set = GlobSetBuilder::new();
    let mut rules = Vec::new();
    let mut problems = Vec::new();
    let mut bytes = 0;
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let Some((pattern, assignments)) = rule(line) else { continue };
        let glob = match pattern.and_then(|pattern| glob(&pattern)) {
            Ok(Some(glob)) => glob,
            Ok(None) => continue,
            Err(why) => {
                problems.push(format!("line {}: {why}", index + 1));
                continue;
            }
        };
        bytes += glob.len();
        if rules.len() == MAX_RULES || bytes > MAX_PATTERN_BYTES {
            problems.push(format!("line {}: too many patterns: the rest has no effect", index + 1));
            break;
        }
        match GlobBuilder::new(&glob).literal_separator(true).backslash_escape(true).build() {
            Ok(glob) => {
                set.add(glob);
                rules.push(assignments);
            }
            Err(cause) => problems.push(format!("line {}: {}", index + 1, cause.kind())),
        }
    }
    let attributes = match set.build() {
        Ok(globs) => Attributes { globs, rules },
        Err(cause) => {
            problems.push(format!("no line has an effect: {}", cause.kind()));
            Attributes::default()
        }
    };
    problems.truncate(MAX_PROBLEMS);
    (attributes, problems)
}

/// A line's pattern, or why it has none, and what it says of the two marks; nothing for a line that says
/// nothing of them: blank lines, comments, macros and other attributes.
fn rule(line: &str) -> Option<(Result<String, &'static str>, Vec<Assignment>)> {
    let text = line.trim_matches(BLANK);
    if text.starts_with('#') || text.starts_with("[attr]") {
        return None;
    }
    let (pattern, words) = if text.starts_with('"')
        && let Some((name, rest)) = unquote(text.as_bytes())
    {
        let pattern = String::from_utf8(name).map_err(|_| "the pattern is not UTF-8");
        (pattern, std::str::from_utf8(rest).unwrap_or_default())
    } else {
        let (pattern, words) = text.split_once(BLANK)?;
        (Ok(pattern.to_owned()), words)
    };
    let assignments: Vec<Assignment> = words.split(BLANK).filter_map(assignment).collect();
    if assignments.is_empty() {
        return None;
    }
    let pattern = pattern.and_then(|pattern| match pattern {
        _ if line.len() > MAX_LINE => Err("longer than the 2048 bytes that git reads"),
        pattern if pattern.starts_with('!') => Err("git forbids patterns that begin with `!`"),
        pattern => Ok(pattern),
    });
    Some((pattern, assignments))
}

/// What separates words, to git.
const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];

/// `mark`, `-mark`, `!mark` or `mark=value`. Any value but `false` sets the mark, as on GitHub.
fn assignment(word: &str) -> Option<Assignment> {
    let (name, state) = if let Some(name) = word.strip_prefix('-') {
        (name, Some(false))
    } else if let Some(name) = word.strip_prefix('!') {
        (name, None)
    } else {
        word.split_once('=').map_or((word, Some(true)), |(name, value)| (name, Some(value != "false")))
    };
    match name {
        "linguist-generated" => Some(Assignment::Generated(state)),
        "linguist-vendored" => Some(Assignment::Vendored(state)),
        _ => None,
    }
}

/// The pattern in the glob library's words; nothing where it matches no file. Without a slash it names a file
/// in any folder, with one it is anchored, with one at its end it names folders only.
fn glob(pattern: &str) -> Result<Option<String>, &'static str> {
    if pattern.ends_with('/') || pattern.is_empty() {
        return Ok(None);
    }
    let mut out = String::from(if pattern.contains('/') { "" } else { "**/" });
    let mut rest = pattern.strip_prefix('/').unwrap_or(pattern).chars();
    while let Some(letter) = rest.next() {
        match letter {
            '\\' => {
                out.push('\\');
                out.extend(rest.next());
            }
            // Alternatives are the library's own.
            '{' | '}' => out.extend(['\\', letter]),
            '[' => {
                let text = rest.as_str();
                let (class, after) = class(text).ok_or("a character class that cannot be read")?;
                out.push_str(&class);
                rest = after.chars();
            }
            _ => out.push(letter),
        }
    }
    Ok(Some(out))
}

/// A character class from behind its `[`, and what follows it.
fn class(text: &str) -> Option<(String, &str)> {
    let (negation, text) = match text.strip_prefix(['!', '^']) {
        // A slash is matched by slashes only.
        Some(text) => ("!/", text),
        None => ("", text),
    };
    // A bracket in the first place is a member.
    let end = text.char_indices().skip(1).find(|(_, letter)| *letter == ']')?.0;
    let (members, after) = text.split_at_checked(end)?;
    if members.contains(['\\', '[', ']']) {
        return None;
    }
    Some((format!("[{negation}{members}]"), after.strip_prefix(']')?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn generated(text: &str, path: &str) -> Option<bool> {
        let (attributes, problems) = parse(text);
        assert_eq!(problems, Vec::<String>::new(), "{text}");
        attributes.of(path).generated
    }

    #[test]
    fn a_mark_is_set_unset_valued_or_taken_back() {
        for (words, expected) in [
            ("linguist-generated", Some(true)),
            ("-linguist-generated", Some(false)),
            ("linguist-generated=true", Some(true)),
            ("linguist-generated=yes", Some(true)),
            ("linguist-generated=false", Some(false)),
            ("!linguist-generated", None),
            ("linguist-generated -linguist-generated", Some(false)),
            ("text eol=lf linguist-generated -diff", Some(true)),
            ("linguist-documentation linguist-detectable", None),
        ] {
            assert_eq!(generated(&format!("*.rs {words}"), "src/a.rs"), expected, "{words}");
        }
    }

    #[test]
    fn the_last_line_wins_for_each_mark_on_its_own() {
        let text = "gen/** linguist-generated linguist-vendored\ngen/own.rs -linguist-generated\r\n";
        let (attributes, _) = parse(text);
        assert_eq!(attributes.of("gen/own.rs"), Marks { generated: Some(false), vendored: Some(true) });
        assert_eq!(generated("a linguist-generated\na !linguist-generated", "a"), None);
    }

    #[test]
    fn comments_macros_and_lines_without_a_mark_say_nothing() {
        let text = "\u{feff}# a linguist-generated\n[attr]gen linguist-generated\n\n  \na\nb text\n";
        assert_eq!(parse(text).0.rules.len(), 0);
        assert_eq!(generated("\u{feff}a linguist-generated", "a"), Some(true));
    }

    #[test]
    fn a_quoted_pattern_may_hold_blanks() {
        assert_eq!(generated("\"a \\\"b\\\".rs\" linguist-generated", "x/a \"b\".rs"), Some(true));
        assert_eq!(generated("\"\\303\\244.rs\"\tlinguist-generated", "ä.rs"), Some(true));
    }

    #[test]
    fn what_cannot_be_read_is_told_and_the_rest_holds() {
        let long = format!("{} linguist-generated", "a".repeat(2048));
        let text = format!(
            "!a linguist-generated\n[[:alpha:]] linguist-generated\n[a linguist-generated\n{long}\nb linguist-generated"
        );
        let (attributes, problems) = parse(&text);
        assert_eq!(
            problems,
            [
                "line 1: git forbids patterns that begin with `!`",
                "line 2: a character class that cannot be read",
                "line 3: a character class that cannot be read",
                "line 4: longer than the 2048 bytes that git reads",
            ]
        );
        assert_eq!(attributes.of("b").generated, Some(true));
    }

    #[test]
    fn of_too_many_patterns_the_first_hold_and_it_is_told() {
        let text: String = (0..100_000).map(|n| format!("*/d{n}/*.x linguist-generated\n")).collect();
        let (attributes, problems) = parse(&text);
        assert_eq!(problems, ["line 2001: too many patterns: the rest has no effect"]);
        assert_eq!(attributes.of("a/d1999/b.x").generated, Some(true));
        assert_eq!(attributes.of("a/d2000/b.x").generated, None);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(
            text in "([ \t\"\\\\!#/*?{}a-c\\[\\]^.\n-]|linguist-generated|\\PC){0,80}", path in "[a-c/.]{1,12}",
        ) {
            let (attributes, _) = parse(&text);
            let _ = attributes.of(&path);
        }
    }
}
