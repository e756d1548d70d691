//! Opposite advice: two claims that want the same thing changed in opposite directions.
//!
//! Precise rather than broad. A stance is only read where a sentence gives advice (`add …`, `should be
//! removed`) or judges (`missing …`, `is too short`), never where it describes what code does; and two
//! stances only oppose each other when the things they speak of are the same or one is named more exactly.

use std::collections::BTreeMap;

use super::text::{Token, is_stop, stem, tokens};

/// What a stance is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Axis {
    Presence,
    Amount,
    Switch,
    Permission,
    Lock,
    Timing,
    Order,
    Safety,
    /// Whatever verb it is: `log the id` against `do not log the id`.
    Act,
}

/// How many bytes of a text are read. Advice often stands at the end, so it is more than is read for likeness.
const READ: usize = 2_000;

/// One direction that a claim wants something to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stance {
    axis: Axis,
    /// More, on, allowed, later, before, safe; or the opposite.
    more: bool,
    /// As written.
    phrase: String,
    /// What it speaks of.
    object: Thing,
    /// For an order: what it stands before or after.
    rest: Thing,
}

/// The words that name a thing, by stem.
type Thing = BTreeMap<String, String>;

/// Two claims that want opposite things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Opposite {
    /// What both speak of.
    pub(super) object: String,
    /// The first claim's words.
    pub(super) a: String,
    /// The second claim's words.
    pub(super) b: String,
}

/// Verbs of advice: base form, participle, gerund, what they want.
const VERBS: &[(&str, &str, &str, Axis, bool)] = &[
    ("add", "added", "adding", Axis::Presence, true),
    ("introduce", "introduced", "introducing", Axis::Presence, true),
    ("restore", "restored", "restoring", Axis::Presence, true),
    ("keep", "kept", "keeping", Axis::Presence, true),
    ("retain", "retained", "retaining", Axis::Presence, true),
    ("include", "included", "including", Axis::Presence, true),
    ("insert", "inserted", "inserting", Axis::Presence, true),
    ("avoid", "avoided", "avoiding", Axis::Presence, false),
    ("skip", "skipped", "skipping", Axis::Presence, false),
    ("strip", "stripped", "stripping", Axis::Presence, false),
    ("eliminate", "eliminated", "eliminating", Axis::Presence, false),
    ("remove", "removed", "removing", Axis::Presence, false),
    ("delete", "deleted", "deleting", Axis::Presence, false),
    ("drop", "dropped", "dropping", Axis::Presence, false),
    ("omit", "omitted", "omitting", Axis::Presence, false),
    ("increase", "increased", "increasing", Axis::Amount, true),
    ("raise", "raised", "raising", Axis::Amount, true),
    ("enlarge", "enlarged", "enlarging", Axis::Amount, true),
    ("extend", "extended", "extending", Axis::Amount, true),
    ("lengthen", "lengthened", "lengthening", Axis::Amount, true),
    ("bump", "bumped", "bumping", Axis::Amount, true),
    ("decrease", "decreased", "decreasing", Axis::Amount, false),
    ("reduce", "reduced", "reducing", Axis::Amount, false),
    ("lower", "lowered", "lowering", Axis::Amount, false),
    ("shorten", "shortened", "shortening", Axis::Amount, false),
    ("enable", "enabled", "enabling", Axis::Switch, true),
    ("disable", "disabled", "disabling", Axis::Switch, false),
    ("activate", "activated", "activating", Axis::Switch, true),
    ("deactivate", "deactivated", "deactivating", Axis::Switch, false),
    ("relax", "relaxed", "relaxing", Axis::Permission, true),
    ("loosen", "loosened", "loosening", Axis::Permission, true),
    ("widen", "widened", "widening", Axis::Permission, true),
    ("tighten", "tightened", "tightening", Axis::Permission, false),
    ("narrow", "narrowed", "narrowing", Axis::Permission, false),
    ("allow", "allowed", "allowing", Axis::Permission, true),
    ("permit", "permitted", "permitting", Axis::Permission, true),
    ("accept", "accepted", "accepting", Axis::Permission, true),
    ("deny", "denied", "denying", Axis::Permission, false),
    ("forbid", "forbidden", "forbidding", Axis::Permission, false),
    ("disallow", "disallowed", "disallowing", Axis::Permission, false),
    ("reject", "rejected", "rejecting", Axis::Permission, false),
    ("block", "blocked", "blocking", Axis::Permission, false),
    ("lock", "locked", "locking", Axis::Lock, true),
    ("unlock", "unlocked", "unlocking", Axis::Lock, false),
];

/// Judgements in one word, about what stands after them or, behind `is`, before them.
const JUDGEMENTS: &[(&str, bool)] = &[
    ("missing", true),
    ("lacks", true),
    ("absent", true),
    ("unnecessary", false),
    ("redundant", false),
    ("superfluous", false),
    ("unneeded", false),
    ("needless", false),
    ("needlessly", false),
];

/// What is so of a thing that must stay; denied, of one that may go.
const NEEDED: &[&str] = &["needed", "required", "necessary"];

/// What `too …` asks for.
const TOO: &[(&str, Axis, bool)] = &[
    ("short", Axis::Amount, true),
    ("small", Axis::Amount, true),
    ("low", Axis::Amount, true),
    ("few", Axis::Amount, true),
    ("little", Axis::Amount, true),
    ("long", Axis::Amount, false),
    ("large", Axis::Amount, false),
    ("big", Axis::Amount, false),
    ("high", Axis::Amount, false),
    ("many", Axis::Amount, false),
    ("much", Axis::Amount, false),
    ("early", Axis::Timing, true),
    ("soon", Axis::Timing, true),
    ("late", Axis::Timing, false),
    ("strict", Axis::Permission, true),
    ("restrictive", Axis::Permission, true),
    ("narrow", Axis::Permission, true),
    ("permissive", Axis::Permission, false),
    ("lax", Axis::Permission, false),
    ("lenient", Axis::Permission, false),
    ("loose", Axis::Permission, false),
    ("broad", Axis::Permission, false),
];

/// Words that end the thing spoken of.
const ENDS: &[&str] = &[
    "after", "and", "because", "before", "but", "if", "instead", "or", "rather", "since", "so", "than",
    "that", "unless", "until", "when", "where", "which", "while",
];

/// Words that name no thing: measures and fillers.
const MEASURES: &[&str] = &[
    "actually",
    "byte",
    "bytes",
    "completely",
    "days",
    "entirely",
    "entry",
    "hours",
    "least",
    "milliseconds",
    "minimum",
    "maximum",
    "minutes",
    "ms",
    "new",
    "percent",
    "second",
    "seconds",
    "set",
    "simply",
    "value",
];

/// The first opposite advice in what two claims want, if any.
pub(super) fn opposite(a: &[Stance], b: &[Stance]) -> Option<Opposite> {
    a.iter().find_map(|x| {
        let y = b.iter().find(|y| x.opposes(y))?;
        let both = x.object.iter().filter_map(|(stem, word)| Some(word.min(y.object.get(stem)?).as_str()));
        let object = both.collect::<Vec<_>>().join(" ");
        Some(Opposite { object, a: x.phrase.clone(), b: y.phrase.clone() })
    })
}

/// What a claim wants. One that says both of one thing describes a change; it takes no side.
pub(super) fn stances(texts: &[&str]) -> Vec<Stance> {
    let read =
        |text: &&str| Reader { tokens: tokens(text.get(..text.floor_char_boundary(READ)).unwrap_or(text)) };
    let found: Vec<Stance> = texts.iter().flat_map(|text| read(text).stances()).collect();
    found.iter().filter(|x| !found.iter().any(|y| x.opposes(y))).cloned().collect()
}

impl Stance {
    fn opposes(&self, other: &Self) -> bool {
        self.axis == other.axis && self.more != other.more && same_thing(self, other)
    }
}

/// Whether two stances speak of one thing: the same words, or one names it more exactly.
fn same_thing(x: &Stance, y: &Stance) -> bool {
    let nested = |a: &Thing, b: &Thing| {
        let within = |a: &Thing, b: &Thing| a.keys().all(|stem| b.contains_key(stem));
        !a.is_empty() && !b.is_empty() && (within(a, b) || within(b, a))
    };
    nested(&x.object, &y.object) && (x.axis != Axis::Order || nested(&x.rest, &y.rest))
}

struct Reader {
    tokens: Vec<Token>,
}

impl Reader {
    fn word(&self, at: Option<usize>) -> &str {
        at.and_then(|i| self.tokens.get(i)).map_or("", |token| token.lower.as_str())
    }

    /// The word `back` places before `i`, within its clause.
    fn before(&self, i: usize, back: usize) -> &str {
        let broken = (0..back).any(|n| {
            i.checked_sub(n).and_then(|at| self.tokens.get(at)).is_none_or(|token| token.starts_clause)
        });
        if broken { "" } else { self.word(i.checked_sub(back)) }
    }

    fn negated(&self, i: usize) -> bool {
        (1..=3)
            .any(|back| matches!(self.before(i, back), "not" | "never" | "no" | "nor" | "isn" | "don" | "t"))
    }

    fn stances(&self) -> Vec<Stance> {
        let mut found = Vec::new();
        for i in 0..self.tokens.len() {
            found.extend(self.advice(i));
            found.extend(self.judgement(i));
            found.extend(self.order(i));
            found.extend(self.act(i));
        }
        found.retain(|stance| !stance.object.is_empty());
        found
    }

    fn stance(&self, axis: Axis, more: bool, words: &[&str], object: Thing) -> Stance {
        Stance { axis, more, phrase: words.join(" "), object, rest: Thing::new() }
    }

    /// `add …`, `do not remove …`, `consider removing …`, `… should be removed`.
    fn advice(&self, i: usize) -> Option<Stance> {
        let word = self.word(Some(i));
        let token = self.tokens.get(i)?;
        let verb =
            VERBS.iter().find(|verb| !token.code && (verb.0 == word || verb.1 == word || verb.2 == word))?;
        let (axis, more) = (verb.3, verb.4);
        if self.word(Some(i + 1)) == "only" {
            return None;
        }
        let modal = |w: &str| matches!(w, "should" | "must" | "needs" | "need" | "can" | "could" | "please");
        let (one, two, three) = (self.before(i, 1), self.before(i, 2), self.before(i, 3));
        if verb.1 == word {
            // `should [not] be added`; `be` is the auxiliary just before.
            let passive = one == "be"
                && (modal(two) || (two == "not" && modal(three)) || (two == "to" && modal(three)));
            let more = more != (two == "not");
            return passive.then(|| self.stance(axis, more, &["should be", word], self.back_from(i)));
        }
        if verb.2 == word {
            return (one == "consider").then(|| self.stance(axis, more, &[word], self.on_from(i)));
        }
        let refusal = matches!(one, "not" | "never") || (one == "t" && two == "don");
        if refusal {
            let told = one == "never" || matches!(two, "do" | "don" | "should" | "must");
            return told.then(|| self.stance(axis, !more, &["do not", word], self.on_from(i)));
        }
        let joined = matches!(one, "please" | "and" | "then");
        let told = token.starts_clause || modal(one) || (one == "to" && modal(two)) || joined;
        told.then(|| self.stance(axis, more, &[word], self.on_from(i)))
    }

    /// `missing …`, `… is redundant`, `… is too short`, `… is unsafe`.
    fn judgement(&self, i: usize) -> Option<Stance> {
        let word = self.word(Some(i));
        if NEEDED.contains(&word) && self.verb_before(i) {
            return Some(self.stance(Axis::Presence, !self.negated(i), &[word], self.back_from(i)));
        }
        if word == "need" && self.before(i, 1) == "no" {
            return Some(self.stance(Axis::Presence, false, &["no need"], self.on_from(i)));
        }
        if self.negated(i) {
            // A safe thing that is `not safe` is the one denial that is a judgement of its own.
            let unsafe_ = word == "safe" && self.verb_before(i);
            return unsafe_.then(|| self.stance(Axis::Safety, false, &["not safe"], self.back_from(i)));
        }
        if let Some((_, more)) = JUDGEMENTS.iter().find(|(judgement, _)| *judgement == word) {
            // `the check is missing` is about the check, `the check is missing a bound` about the bound.
            let after = self.on_from(i);
            let object =
                if self.verb_before(i) && (after.is_empty() || !more) { self.back_from(i) } else { after };
            return Some(self.stance(Axis::Presence, *more, &[word], object));
        }
        if self.before(i, 1) == "too"
            && let Some((_, axis, more)) = TOO.iter().find(|(measure, ..)| *measure == word)
        {
            return Some(self.stance(*axis, *more, &["too", word], self.back_from(i - 1)));
        }
        match word {
            "safe" if self.verb_before(i) => {
                Some(self.stance(Axis::Safety, true, &[word], self.back_from(i)))
            }
            "unsafe" if self.verb_before(i) => {
                Some(self.stance(Axis::Safety, false, &[word], self.back_from(i)))
            }
            _ => None,
        }
    }

    /// `turn on …`, `log the …`, `do not log …`.
    fn act(&self, i: usize) -> Option<Stance> {
        let token = self.tokens.get(i)?;
        let (word, next) = (token.lower.as_str(), self.word(Some(i + 1)));
        if matches!(word, "turn" | "switch") && matches!(next, "on" | "off") && token.starts_clause {
            return Some(self.stance(Axis::Switch, next == "on", &[word, next], self.on_from(i + 1)));
        }
        if token.code
            || VERBS.iter().any(|verb| verb.0 == word)
            || matches!(next, "only" | "before" | "after")
        {
            return None;
        }
        let mut object = self.on_from(i);
        let refused = self.before(i, 1) == "not" && self.before(i, 2) == "do"
            || self.before(i, 1) == "t" && self.before(i, 2) == "don";
        let asked = token.starts_clause && matches!(next, "the" | "a" | "an" | "all" | "every" | "each");
        if object.is_empty() || !(refused || asked) {
            return None;
        }
        object.insert(stem(word), word.to_owned());
        let phrase: &[&str] = if refused { &["do not", word] } else { &[word] };
        Some(self.stance(Axis::Act, asked, phrase, object))
    }

    /// `move … before …`, `… must run after …`.
    fn order(&self, i: usize) -> Option<Stance> {
        let word = self.word(Some(i));
        let more = match word {
            "before" => true,
            "after" => false,
            _ => return None,
        };
        let start = (0..=i).rev().find(|at| self.tokens.get(*at).is_some_and(|token| token.starts_clause))?;
        let told = (start..i).any(|at| matches!(self.word(Some(at)), "should" | "must" | "needs"))
            || matches!(
                self.word(Some(start)),
                "move" | "call" | "run" | "do" | "acquire" | "release" | "check"
            );
        let denied = (start..i).any(|at| matches!(self.word(Some(at)), "not" | "never"));
        if !told {
            return None;
        }
        let mut object = self.back_from(i);
        object.retain(|_, word| word != "move");
        let rest = self.on_from(i);
        Some(Stance { rest, ..self.stance(Axis::Order, more != denied, &[word], object) })
    }

    /// Whether a form of `to be` stands just before, adverbs aside.
    fn verb_before(&self, i: usize) -> bool {
        (1..=3).any(|back| {
            matches!(self.before(i, back), "is" | "are" | "was" | "were" | "be" | "looks" | "seems")
        })
    }

    /// The thing named after `i`: up to four words to the end of the clause.
    fn on_from(&self, i: usize) -> Thing {
        let clause = self.tokens.iter().skip(i + 1).take_while(|t| !t.starts_clause && !ends(t));
        clause.filter(|t| names(t)).take(4).map(|t| (stem(&t.lower), t.lower.clone())).collect()
    }

    /// The thing named before `i`: up to three words back to the start of the clause.
    fn back_from(&self, i: usize) -> Thing {
        let mut object = Thing::new();
        for at in (0..=i).rev() {
            let Some(token) = self.tokens.get(at) else { break };
            if at < i && ends(token) {
                break;
            }
            if at < i && names(token) && object.len() < 3 {
                object.insert(stem(&token.lower), token.lower.clone());
            }
            if token.starts_clause {
                break;
            }
        }
        object
    }
}

fn ends(token: &Token) -> bool {
    !token.code && ENDS.contains(&token.lower.as_str())
}

/// Whether a word can be part of a thing's name.
fn names(token: &Token) -> bool {
    let word = token.lower.as_str();
    let number = word.chars().next().is_some_and(|c| c.is_ascii_digit());
    let judges = JUDGEMENTS.iter().any(|(judgement, _)| *judgement == word);
    token.code || !(number || judges || is_stop(word) || MEASURES.contains(&word) || word.chars().count() < 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_in_opposite_directions_is_seen_from_both_sides() {
        let check = |a: &str, b: &str, expect: Option<&str>| {
            let seen = |a: &str, b: &str| opposite(&stances(&[a]), &stances(&[b])).map(|o| o.object);
            assert_eq!(seen(a, b).as_deref(), expect, "{a} / {b}");
            assert_eq!(seen(b, a).as_deref(), expect, "{b} / {a}");
        };
        // Opposite.
        check(
            "Missing null check on user",
            "Remove the null check on user, it cannot be null",
            Some("check null user"),
        );
        check("The null check is redundant", "Add a null check for the user", Some("check null"));
        check("The retry timeout is too short", "Retry timeout is too long", Some("retry timeout"));
        check("Increase the timeout to 60 seconds", "The timeout of 30 seconds is too high", Some("timeout"));
        check("The lock is released too early", "The lock is released too late", Some("lock released"));
        check(
            "Enable certificate validation",
            "Certificate validation should be disabled",
            Some("certificate validation"),
        );
        check("Redirects should be allowed", "Do not allow redirects", Some("redirects"));
        check("Keep the legacy flag", "The legacy flag can be removed", Some("flag legacy"));
        check("Move the flush before the commit", "The flush must run after the commit", Some("flush"));
        check(
            "The flush must come before the commit",
            "The flush must come after the commit",
            Some("come flush"),
        );
        check("`getenv` is safe here", "getenv is not safe with threads", Some("getenv"));
        check("The regex is too strict", "The regex is too permissive", Some("regex"));
        // The same advice in other words.
        check("Missing null check on user", "Add a null check for user", None);
        check("The timeout is too short", "Increase the timeout", None);
        check("Redundant call to close()", "Remove the call to close()", None);
        // What code does is not advice.
        check("This removes the null check", "Add a null check", None);
        check("fails to remove the lock", "Missing removal of the lock; the lock is kept", None);
        // Other things.
        check("Add a null check", "Remove the length check", None);
        check("Add a call to flush()", "Remove the call to close()", None);
        // Both directions of one thing: a change is described, no side is taken.
        check("Remove the lock here and add the lock there", "Add the lock", None);
        check("The flush must come before the commit", "The flush must come after the open", None);
        check("The retry should not be removed", "The retry should be removed", Some("retry"));
        check("The retry must not be kept", "The retry should be removed", None);
        // Directions of different kinds.
        check("Enable the cache", "Remove the cache", None);
        check("", "", None);
    }
}
