//! Claims about the same code that exclude each other. Silence never does.

use std::cell::OnceCell;
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::place::{Place, squeeze, word_chars};
use super::polarity::{Opposite, Stance, opposite, stances};
use super::similarity::Subject;
use super::text::{Profile, headline};
use crate::domain::finding::{Anchor, Cleared, Raised};

/// How few letters, digits and underscores of evidence count.
const EVIDENCE: usize = 6;

/// Fixes of longer lines, in bytes, are not compared: every pair is, and nobody replaces one token of such a line.
const LONGEST_LINE: usize = 500;

/// Why two claims exclude each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Why {
    /// One raised the code, the other checked it and holds it sound.
    Cleared,
    /// Both replace the same token of the same line, or the same line, by different ones: only one fix can be applied.
    Fixes {
        /// What stands there.
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

/// The findings at hand, read for what they hold against each other. Each is read at most once, and only when asked
/// for.
#[derive(Clone, Debug)]
pub struct Claims<'a> {
    subjects: &'a [Subject<'a>],
    read: Vec<OnceCell<Claim<'a>>>,
}

/// One of them.
#[derive(Clone, Debug)]
struct Claim<'a> {
    wants: Vec<Stance>,
    /// The words by which it says that the code holds.
    holds: Option<&'a str>,
}

impl<'a> Claims<'a> {
    /// Findings are named by their position from here on.
    #[must_use]
    pub fn new(subjects: &'a [Subject<'a>]) -> Self {
        Self { subjects, read: vec![OnceCell::new(); subjects.len()] }
    }

    /// Why two findings exclude each other, if they do. `place` says how they stand to each other; findings of
    /// known places must point at the same code.
    #[must_use]
    pub fn between(&self, x: usize, y: usize, place: Place) -> Option<Why> {
        if !matches!(place, Place::Overlapping(_) | Place::Apart(0..=3) | Place::SameFile | Place::Unknown) {
            return None;
        }
        let (a, b) = (self.subjects.get(x)?, self.subjects.get(y)?);
        let (claim_a, claim_b) = (self.claim(x)?, self.claim(y)?);
        let advice = || {
            let Opposite { object, a, b } = opposite(&claim_a.wants, &claim_b.wants)?;
            Some(Why::Advice { object, a, b })
        };
        // Of two findings on the same lines that speak of one thing, one holds the code sound.
        let denial = || {
            let words = match (claim_a.holds, claim_b.holds) {
                (Some(words), None) | (None, Some(words)) if place.overlaps() => words,
                _ => return None,
            };
            let about = |subject: &Subject| Profile::of(subject.title, subject.text);
            about(a).touches(&about(b)).then(|| Why::Denial { words: words.to_owned() })
        };
        fixes(a, b).or_else(advice).or_else(denial)
    }

    fn claim(&self, at: usize) -> Option<&Claim<'a>> {
        let subject = self.subjects.get(at)?;
        let read = || Claim { wants: stances(&[subject.title, subject.text]), holds: holds(subject) };
        Some(self.read.get(at)?.get_or_init(read))
    }
}

/// Words by which a claim says that the code holds.
static HOLDS: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?ix)
        \b(?:is|are)\s(?:also\s|perfectly\s|indeed\s)?(?:thread-)?
            (?:safe|sound|harmless|correct|right|fine|valid|intentional|intended|deliberate)\b
        | \balready\s(?:authenticated|authori[sz]ed|checked|escaped|guarded|handled|saniti[sz]ed|validated|verified)\b
        | \b(?:properly|correctly|fully|always)\s
            (?:awaited|checked|closed|escaped|freed|handled|parameteri[sz]ed|released|saniti[sz]ed|validated)\b
        | \bbound\s(?:as|parameter)\b
        | \bworks\sas\s(?:designed|intended)\b | ^(?:a\s)?false\s(?:alarm|positive)\b",
    )
});

/// Words by which a claim denies a fault.
static DENIES: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?ix)
        \bno\s(?:(?:sql|path|data|real)\s)?
            (?:bug|deadlock|injection|issue|leak|overflow|problem|race|traversal|vulnerability|xss)\s
            (?:here|is\spossible|possible|can)\b
        | \bnot\s(?:exploitable|injectable|vulnerable|a\s(?:bug|deadlock|defect|leak|problem|race|vulnerability))\b
        | \b(?:deadlock|injection|leak|overflow|race|traversal)\sis\s(?:not\spossible|impossible)\b
        | \b(?:cannot|can\snever)\s
            (?:deadlock|exceed|happen|leak|occur|overflow|race|be\s(?:injected|negative|nil|none|null|reached|undefined|zero))\b
        | \b(?:is|are)\snever\s(?:negative|nil|none|null|undefined|zero)\b",
    )
});

/// Words that take back or limit what a sentence says, and words that deny.
static LIMITS: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?ix)\b(?:although|as\slong\sas|assumes?|assumed|assuming|but|claims?|except|however|if|looks?|nothing|once|only|says|seems?
            |should|supposed|though|unless|until|when|yet)\b",
    )
});

static NEGATES: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)\b(?:cannot|never|no|nor|not)\b|n't\b"));

#[expect(clippy::expect_used, reason = "the patterns are constants, and every test runs through them")]
fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern compiles")
}

/// The words by which a claim's main sentence says that the code holds.
fn holds<'a>(subject: &Subject<'a>) -> Option<&'a str> {
    let claim = headline(subject.title, subject.text);
    if LIMITS.is_match(claim) {
        return None;
    }
    let words = DENIES.find(claim).or_else(|| HOLDS.find(claim).filter(|_| !NEGATES.is_match(claim)))?;
    Some(words.as_str())
}

/// Whether a clearance speaks against a finding: its quote is proof enough, and both stand on the same
/// lines.
#[must_use]
pub fn clears(cleared: &Cleared, raised: &Raised) -> bool {
    match (cleared.placement.anchor(), raised.placement.anchor()) {
        (Some(a), Some(b)) => {
            // Without a reason there is nothing to weigh.
            let says = [&cleared.clearance.quote, &cleared.clearance.reason];
            overlap(a, b) && says.iter().all(|text| word_chars(text) >= EVIDENCE)
        }
        _ => false,
    }
}

fn overlap(a: &Anchor, b: &Anchor) -> bool {
    a.path == b.path && a.side == b.side && a.start <= b.end && b.start <= a.end
}

/// Two suggestions for one quoted line, of which only one can be applied: each replaces one token, the same one, by
/// another, or both rewrite more, and alike but for one operator or literal.
fn fixes(a: &Subject, b: &Subject) -> Option<Why> {
    let original = original(a, b)?;
    let (fix_a, fix_b) = (a.suggestion?, b.suggestion?);
    if let (Some(a), Some(b)) = (replaced(original, fix_a), replaced(original, fix_b)) {
        let exclude = a.at == b.at && a.new != b.new;
        return exclude.then_some(Why::Fixes { original: a.old, a: a.new, b: b.new });
    }
    let difference = replaced(fix_a, fix_b)?;
    let rewritten = code_tokens(original).len() != code_tokens(fix_a).len();
    (rewritten && decides(&difference.old) && decides(&difference.new)).then(|| Why::Fixes {
        original: squeeze(original),
        a: squeeze(fix_a),
        b: squeeze(fix_b),
    })
}

/// Whether a token is an operator or a literal: another name may be the same fix, another operator is not.
fn decides(token: &str) -> bool {
    let sign = !token.chars().any(|c| c.is_alphanumeric() || c == '_');
    sign || token.starts_with(|c: char| c.is_ascii_digit())
        || matches!(token.to_lowercase().as_str(), "true" | "false")
}

/// The one line that both suggestions replace.
fn original<'a>(a: &Subject<'a>, b: &Subject<'a>) -> Option<&'a str> {
    let one_line = |quote: &str| quote.len() <= LONGEST_LINE && quote.trim().lines().count() == 1;
    let same_line = a.lines.is_some_and(|(start, end)| start == end) && a.lines == b.lines;
    let (qa, qb) = (a.quote.trim(), b.quote.trim());
    match (qa.is_empty(), qb.is_empty()) {
        (false, false) => (one_line(qa) && one_line(qb) && squeeze(qa) == squeeze(qb)).then_some(qa),
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
    if suggestion.len() > LONGEST_LINE || suggestion.trim().lines().count() != 1 {
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

    fn between(a: &Subject, b: &Subject, place: Place) -> Option<Why> {
        let subjects = [*a, *b];
        Claims::new(&subjects).between(0, 1, place)
    }

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
            let why = between(&claim(a), &claim(b), Place::Overlapping(1));
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
        assert!(between(&a, &b, Place::Overlapping(1)).is_some());
        assert!(between(&a, &b, Place::Apart(30)).is_none());
        assert!(between(&a, &b, Place::OtherFile).is_none());
    }
}
