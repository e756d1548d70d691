//! Claims about the same code that exclude each other. Silence never does.

use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::polarity;
use super::similarity::{Place, Subject, squeeze, word_chars};
use crate::domain::finding::{Anchor, Cleared, Raised};

/// How few letters, digits and underscores of evidence count.
const EVIDENCE: usize = 6;

/// Why two claims exclude each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Why {
    /// One raised the code, the other checked it and holds it sound.
    Cleared,
    /// Both replace the same token of the same line, by different ones: only one fix can be applied.
    Fixes {
        /// The token that stands there.
        original: String,
        /// What the first wants there.
        a: String,
        /// What the second wants there.
        b: String,
    },
    /// One says of the code that the other calls broken that it holds.
    Denial {
        /// Its words.
        words: String,
    },
    /// Opposite advice on one thing.
    Advice {
        /// What both speak of.
        object: String,
        /// The first one's words.
        a: String,
        /// The second one's words.
        b: String,
    },
}

/// Why two findings exclude each other, if they do. `place` says how they stand to each other; findings of
/// known places must point at the same code.
#[must_use]
pub fn between(a: &Subject, b: &Subject, place: Place) -> Option<Why> {
    if !matches!(place, Place::Overlapping | Place::Apart(0..=3) | Place::SameFile | Place::Unknown) {
        return None;
    }
    fixes(a, b).or_else(|| advice(a, b)).or_else(|| denial(a, b, place))
}

/// Words by which a claim says that the code holds. Of 1,317 pairs of real comments about the same defect, none
/// has them on one side only.
static DENIES: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"(?ix)
        \b(?:is|are)\s(?:already\s)?(?:thread-)?(?:safe|sound|harmless|bound\sas)\b
        | \bno\s(?:sql\s)?(?:injection|data\srace|race|leak|overflow|deadlock|vulnerability)\s(?:here|is\spossible|possible|can)\b
        | \bnot\s(?:injectable|vulnerable|exploitable|a\sbug|a\sdefect|a\svulnerability)\b
        | \b(?:injection|race|leak|overflow|deadlock)\sis\s(?:not\spossible|impossible)\b
        | \bcannot\s(?:happen|overflow|leak|race|deadlock|be\sinjected)\b";
    #[expect(clippy::expect_used, reason = "the pattern is a constant, and every test runs through it")]
    Regex::new(pattern).expect("the pattern compiles")
});

/// Of two findings on the same lines, one holds the code sound.
fn denial(a: &Subject, b: &Subject, place: Place) -> Option<Why> {
    let denies = |subject: &Subject| {
        let found = DENIES.find(subject.title).or_else(|| DENIES.find(subject.text))?;
        Some(found.as_str().to_owned())
    };
    match (denies(a), denies(b)) {
        (Some(words), None) | (None, Some(words)) if place.overlaps() => Some(Why::Denial { words }),
        _ => None,
    }
}

/// Whether a clearance speaks against a finding: its quote is proof enough, and both stand on the same
/// lines.
#[must_use]
pub fn clears(cleared: &Cleared, raised: &Raised) -> bool {
    match (cleared.placement.anchor(), raised.placement.anchor()) {
        (Some(a), Some(b)) => overlap(a, b) && word_chars(&cleared.clearance.quote) >= EVIDENCE,
        _ => false,
    }
}

fn overlap(a: &Anchor, b: &Anchor) -> bool {
    a.path == b.path && a.side == b.side && a.start <= b.end && b.start <= a.end
}

fn advice(a: &Subject, b: &Subject) -> Option<Why> {
    let opposite = polarity::opposite(&[a.title, a.text], &[b.title, b.text])?;
    Some(Why::Advice { object: opposite.object, a: opposite.a, b: opposite.b })
}

/// Two suggestions for one quoted line, each of which replaces one token, the same one, by another.
fn fixes(a: &Subject, b: &Subject) -> Option<Why> {
    let original = original(a, b)?;
    let (fix_a, fix_b) = (replaced(original, a.suggestion?)?, replaced(original, b.suggestion?)?);
    let exclude = fix_a.at == fix_b.at && fix_a.new != fix_b.new;
    exclude.then_some(Why::Fixes { original: fix_a.old, a: fix_a.new, b: fix_b.new })
}

/// The one line that both suggestions replace.
fn original<'a>(a: &Subject<'a>, b: &Subject<'a>) -> Option<&'a str> {
    let one_line = |quote: &str| quote.trim().lines().count() == 1;
    let same_line = a.lines.is_some_and(|(start, end)| start == end) && a.lines == b.lines;
    let (qa, qb) = (a.quote.trim(), b.quote.trim());
    match (qa.is_empty(), qb.is_empty()) {
        (false, false) => (one_line(qa) && squeeze(qa) == squeeze(qb)).then_some(qa),
        (false, true) => (one_line(qa) && same_line).then_some(qa),
        (true, false) => (one_line(qb) && same_line).then_some(qb),
        (true, true) => None,
    }
}

struct Replaced {
    at: usize,
    old: String,
    new: String,
}

/// The one token in which a suggestion differs from the line, if it is exactly one.
fn replaced(original: &str, suggestion: &str) -> Option<Replaced> {
    if suggestion.trim().lines().count() != 1 {
        return None;
    }
    let (old, new) = (code_tokens(original), code_tokens(suggestion));
    if old.len() != new.len() {
        return None;
    }
    let mut differing = old.into_iter().zip(new).enumerate().filter(|(_, (old, new))| old != new);
    match (differing.next(), differing.next()) {
        (Some((at, (old, new))), None) => Some(Replaced { at, old, new }),
        _ => None,
    }
}

/// Words, numbers and operators of a line of code in any language.
fn code_tokens(line: &str) -> Vec<String> {
    #[derive(PartialEq, Clone, Copy)]
    enum Kind {
        Space,
        Word,
        Bracket,
        Sign,
    }
    let kind = |c: char| match c {
        c if c.is_whitespace() => Kind::Space,
        c if c.is_alphanumeric() || c == '_' => Kind::Word,
        '(' | ')' | '[' | ']' | '{' | '}' | ',' | ';' | '"' | '\'' | '`' => Kind::Bracket,
        _ => Kind::Sign,
    };
    let mut out: Vec<String> = Vec::new();
    let mut before = Kind::Space;
    for c in line.chars() {
        let here = kind(c);
        match (here, out.last_mut()) {
            (Kind::Space, _) => {}
            (Kind::Word | Kind::Sign, Some(last)) if here == before => last.push(c),
            _ => out.push(c.to_string()),
        }
        before = here;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixes_exclude_each_other_only_where_both_change_one_token_of_one_line() {
        let check = |quote: &str, a: &str, b: &str, expect: Option<(&str, &str, &str)>| {
            let subject = |fix| Subject { quote, suggestion: Some(fix), ..Subject::default() };
            let why = between(&subject(a), &subject(b), Place::Unknown);
            let expect = expect.map(|(original, a, b)| Why::Fixes {
                original: original.to_owned(),
                a: a.to_owned(),
                b: b.to_owned(),
            });
            assert_eq!(why, expect, "{quote} / {a} / {b}");
        };
        check("timeout = 30", "timeout = 60", "  timeout  =  10", Some(("30", "60", "10")));
        check("if a > b {", "if a >= b {", "if a < b {", Some((">", ">=", "<")));
        check("timeout = 30", "timeout = 60", "timeout = 60", None);
        check("timeout = 30", "timeout = 60", "deadline = 30", None);
        check("timeout = 30", "timeout = 60", "timeout = 30 * 2", None);
        check("timeout = 30", "timeout = 60\nretry = 2", "timeout = 10", None);
        check("timeout = 30", "timeout = 30", "timeout = 10", None);
        check("", "timeout = 60", "timeout = 10", None);
        check("a = 1\nb = 2", "a = 2", "a = 3", None);
    }

    #[test]
    fn a_claim_that_the_code_holds_contradicts_one_that_it_does_not() {
        let claim = |title| Subject { title, ..Subject::default() };
        let check = |a, b, expect: bool| {
            let why = between(&claim(a), &claim(b), Place::Overlapping);
            assert_eq!(matches!(why, Some(Why::Denial { .. })), expect, "{a} / {b}: {why:?}");
        };
        check("SQL injection through name", "Not injectable: name is a bound parameter", true);
        check("Data race on the counter", "The counter is safe: the lock covers it", true);
        check("Data race on the counter", "The counter is not safe", false);
        check("The counter is safe", "Counter and lock: no data race here", false);
    }

    #[test]
    fn findings_far_apart_do_not_contradict_each_other() {
        let a = Subject { title: "The timeout is too short", ..Subject::default() };
        let b = Subject { title: "The timeout is too long", ..Subject::default() };
        assert!(between(&a, &b, Place::Overlapping).is_some());
        assert!(between(&a, &b, Place::Apart(30)).is_none());
        assert!(between(&a, &b, Place::OtherFile).is_none());
    }
}
