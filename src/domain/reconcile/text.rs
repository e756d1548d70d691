//! What a claim's words look like to the matcher: letter groups, words, terms, and what kind of advice it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::faults::kind_of;

/// How many characters of a claim are read. Long bodies drift into mechanism and remedy, and unlike claims look
/// the more alike the longer they are: of the comments that the weights were fitted on, 97 % are shorter.
const OPENING_CHARS: usize = 400;

/// Letters per group. Groups of three see through inflection and word order.
const GRAM: usize = 3;

/// Words are compared by this many letters after their ending is cut.
const STEM: usize = 7;

/// Words that say nothing about a defect: function words, and what every review comment says.
static STOP: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    "a above after all already also an and any are as at be because been before being below both bug but \
     by can cannot cause causes causing code consider could did do does doing don done each either else \
     ensure even ever every for from get gets given had has have having here how however if in instead \
     into is issue it its itself just lead leading leads let like likely line lines made make makes \
     making may me might more most much must neither no nor not now of off on once one only onto or other \
     our out over per possible possibly potential potentially problem rather result resulting results \
     same shall should since so some still such than that the their them then there these they this those \
     though through thus to too under unless until up upon use used uses using very via was we were what \
     when where whether which while who whose why will with within without would yet you your"
        .split(' ')
        .collect()
});

/// One word as it stands in a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// As written.
    pub(super) text: String,
    /// In small letters.
    pub(super) lower: String,
    /// Written as code: in backticks, called, joined by `.` or `::`, or spelled like an identifier.
    pub(super) code: bool,
    /// Nothing but white space or the end of a clause stands before it.
    pub(super) starts_clause: bool,
}

/// A claim, taken apart once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Profile {
    /// Groups of letters, sorted, each once.
    pub(super) grams: Vec<u64>,
    /// Stems of words and, behind a backtick, identifiers, each with the word as a reader knows it.
    pub(super) terms: BTreeMap<String, String>,
    /// Words as they stand, in small letters.
    pub(super) words: BTreeSet<String>,
    /// The kinds of fault that the words name.
    pub(super) faults: BTreeSet<&'static str>,
    /// The claim asks for tests.
    pub(super) wants_tests: bool,
}

impl Profile {
    /// Whether two claims speak of one thing: they share a term or a kind of fault.
    pub(super) fn touches(&self, other: &Self) -> bool {
        let shares_term = self.terms.keys().any(|term| other.terms.contains_key(term));
        shares_term || !self.faults.is_disjoint(&other.faults)
    }

    /// Takes the opening of a claim apart.
    pub(super) fn of(title: &str, body: &str) -> Self {
        let claim: String =
            title.chars().chain(". ".chars()).chain(body.chars()).take(OPENING_CHARS).collect();
        let tokens = tokens(&claim);
        let terms = terms(&tokens);
        Self {
            grams: grams(&claim),
            words: tokens.iter().map(|t| t.lower.clone()).filter(|word| !is_stop(word)).collect(),
            faults: terms.keys().filter_map(|stem| kind_of(stem)).collect(),
            wants_tests: wants_tests(&self::tokens(headline(title, body))),
            terms,
        }
    }
}

/// What a claim is about: its title, or else its first sentence. Many an explanation of a bug ends in the wish for a
/// test, and is still about the bug.
pub(super) fn headline<'a>(title: &'a str, body: &'a str) -> &'a str {
    let opening = |text: &'a str| text.get(..text.floor_char_boundary(OPENING_CHARS)).unwrap_or_default();
    let (title, body) = (opening(title), opening(body.trim_start()));
    let end = body.match_indices(['.', '\n']).map(|(at, _)| at);
    let sentence = |at: &usize| {
        body.get(at + 1..).is_none_or(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
    };
    let first = end.into_iter().find(sentence).and_then(|at| body.get(..at)).unwrap_or(body);
    if title.trim().is_empty() { first } else { title }
}

/// Splits text into words and remembers which are code.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or(' ');
    let part = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let mut found = Vec::new();
    let (mut i, mut in_ticks, mut starts_clause, mut joined) = (0, false, true, false);
    while i < chars.len() {
        let c = at(i);
        if !part(c) {
            in_ticks ^= c == '`';
            if matches!(c, '.' | ';' | ':' | '!' | '?' | ',' | '\n' | '—' | '–' | '(') && !part(at(i + 1))
            {
                starts_clause = true;
            }
            i += 1;
            continue;
        }
        let start = i;
        while part(at(i)) {
            i += 1;
        }
        let word: String = chars.get(start..i).unwrap_or_default().iter().collect();
        let name_next = |skip: usize| at(i + skip).is_alphabetic() || at(i + skip) == '_';
        let joins = match at(i) {
            '.' | '#' => name_next(1),
            ':' => at(i + 1) == ':' && name_next(2),
            '-' => at(i + 1) == '>' && name_next(2),
            _ => false,
        };
        let code = joined || joins || at(i) == '(' || (in_ticks && word.len() > 2) || looks_like_code(&word);
        found.push(Token { lower: word.to_lowercase(), text: word, code, starts_clause });
        starts_clause = false;
        joined = joins;
    }
    found
}

/// `camelCase`, `snake_case`, `SHOUTED` or letters with digits.
fn looks_like_code(word: &str) -> bool {
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    let hump = word.chars().zip(word.chars().skip(1)).any(|(a, b)| a.is_lowercase() && b.is_uppercase());
    let digits = word.chars().any(|c| c.is_ascii_digit());
    let shouted = letters > 1 && word.chars().all(|c| !c.is_lowercase());
    letters > 0 && (hump || digits || shouted || word.trim_matches('_').contains('_') || word.contains('$'))
}

/// The parts of an identifier in small letters: `maxRetries` is `max`, `retries`.
fn parts(word: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut before = ' ';
    for c in word.chars() {
        if !c.is_alphanumeric() || (before.is_lowercase() && c.is_uppercase()) {
            out.push(String::new());
        }
        if let (Some(last), true) = (out.last_mut(), c.is_alphanumeric()) {
            last.extend(c.to_lowercase());
        }
        before = c;
    }
    out.retain(|part| !part.is_empty());
    out
}

/// Whether a word in small letters says nothing about a defect.
pub(super) fn is_stop(lower: &str) -> bool {
    STOP.contains(lower)
}

/// Cuts the ending of a word in small letters, so that `validates` meets `validation`.
pub(super) fn stem(lower: &str) -> String {
    const ENDINGS: &[&str] =
        &["ions", "ion", "ings", "ing", "ies", "ied", "ers", "er", "ed", "es", "ly", "s", "e"];
    let cut = ENDINGS.iter().find_map(|ending| lower.strip_suffix(ending).filter(|rest| rest.len() >= 3));
    cut.unwrap_or(lower).chars().take(STEM).collect()
}

fn terms(tokens: &[Token]) -> BTreeMap<String, String> {
    let mut terms = BTreeMap::new();
    for token in tokens {
        if token.code && token.lower.chars().count() > 1 && !is_stop(&token.lower) {
            let key = format!("`{}", token.lower.trim_matches(['_', '$']));
            terms.entry(key).or_insert_with(|| token.text.clone());
        }
        for part in parts(&token.text) {
            if part.chars().count() > 1 && !is_stop(&part) {
                terms.entry(stem(&part)).or_insert(part);
            }
        }
    }
    terms
}

fn grams(text: &str) -> Vec<u64> {
    let mut normal: Vec<char> = Vec::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            c if c.is_alphanumeric() => normal.push(c),
            _ if normal.last().is_some_and(|last| *last != ' ') => normal.push(' '),
            _ => {}
        }
    }
    if normal.last() == Some(&' ') {
        normal.pop();
    }
    let pack = |w: &[char]| w.iter().fold(0_u64, |acc, c| (acc << 21) | u64::from(u32::from(*c)));
    let mut grams: Vec<u64> = normal.windows(GRAM).map(pack).collect();
    grams.sort_unstable();
    grams.dedup();
    grams
}

/// `missing test`, `add a regression test`, `not covered`, `untested`, `tests only check`, …
fn wants_tests(tokens: &[Token]) -> bool {
    const WISH: &[&str] = &[
        "absent",
        "add",
        "adding",
        "gap",
        "gaps",
        "insufficient",
        "lack",
        "lacking",
        "lacks",
        "missing",
        "more",
        "need",
        "needs",
        "no",
        "require",
        "requires",
        "without",
        "write",
    ];
    const NOUN: &[&str] = &["test", "tests", "coverage", "testcase", "testcases", "testing"];
    // A test that `does not prove` something is a bug in the test, so only words for what it leaves out.
    const SHORT_OF: &[&str] = &[
        "cover", "exercise", "gap", "gaps", "lack", "lacks", "miss", "misses", "missing", "needed", "reach",
    ];
    let words: Vec<&str> = tokens.iter().map(|t| t.lower.as_str()).collect();
    words.iter().enumerate().any(|(i, word)| {
        let within = |n: usize, of: &[&str]| words.iter().skip(i + 1).take(n).any(|word| of.contains(word));
        match *word {
            "untested" => true,
            "not" | "never" | "isn" | "aren" => within(3, &["tested", "covered", "exercised"]),
            "test" | "tests" | "coverage" if within(1, NOUN) || within(3, SHORT_OF) => true,
            wish => WISH.contains(&wish) && within(4, NOUN),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_seen_in_every_spelling() {
        let check = |text: &str, expect: &[&str]| {
            let code: Vec<String> = tokens(text).into_iter().filter(|t| t.code).map(|t| t.text).collect();
            assert_eq!(code, expect, "{text}");
        };
        check("call poolSize or max_retries.", &["poolSize", "max_retries"]);
        check("pool.release() in Drop", &["pool", "release"]);
        check("std::mem::forget leaks", &["std", "mem", "forget"]);
        check("the `guard` of a lock. Then more", &["guard"]);
        check("use UTF8 or ISO", &["UTF8", "ISO"]);
        check("plain words only. Nothing else.", &[]);
    }

    #[test]
    fn inflected_words_share_a_stem() {
        for (a, b) in [("validates", "validation"), ("releases", "released"), ("caching", "cached")] {
            assert_eq!(stem(a), stem(b), "{a} {b}");
        }
    }

    #[test]
    fn advice_to_test_is_told_from_code_that_tests() {
        let check = |text: &str, expect: bool| assert_eq!(wants_tests(&tokens(text)), expect, "{text}");
        check("No unit tests cover the retry path", true);
        check("Add a regression test for release()", true);
        check("The retry path is not covered", true);
        check("release() is untested", true);
        check("The condition tests the wrong flag", false);
        check("Missing null check in the test", false);
        check("Tests only exercise the empty list", true);
        check("Regression test needed for the retry", true);
        check("Tests do not reach the error branch", true);
        check("The error branch isn't covered by any test", true);
        check("No lock is held while the test hook runs", false);
        check("The test asserts the wrong status", false);
        check("The test does not prove that the cache wins", false);
    }

    #[test]
    fn a_bug_whose_explanation_ends_in_the_wish_for_a_test_is_still_about_the_bug() {
        let check =
            |title, body, expect| assert_eq!(Profile::of(title, body).wants_tests, expect, "{title} {body}");
        check("Lock is never released", "It leaks. Add a test.", false);
        check("", "The lock in `a.lock()` is never released. Add a test.", false);
        check("", "Add a test: nothing covers `a.lock()`. It leaks.", true);
        check("Missing test", "The lock is never released.", true);
    }

    #[test]
    fn an_empty_claim_and_a_foreign_script_are_taken_apart_too() {
        assert_eq!(Profile::of("", "").grams, Vec::<u64>::new());
        assert!(!Profile::of("缓存键缺少租户", "").grams.is_empty());
    }
}
